//! Link arguments of the shared library. Nothing is generated: users need no tools but cargo.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    // The ABI's version, not the crate's: it changes only if something released were removed or changed.
    const ABI: &str = "1";
    match system.as_str() {
        "linux" | "android" | "freebsd" => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libftreview.so.{ABI}");
            // A thread that used the library may end after dlclose; its destructors must still be there.
            println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
            // What a dependency exports must not meet the host's symbols.
            println!("cargo:rustc-cdylib-link-arg=-Wl,--exclude-libs,ALL");
            println!("cargo:rustc-cdylib-link-arg=-Wl,-z,relro,-z,now");
        }
        "macos" => println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libftreview.{ABI}.dylib"),
        _ => {}
    }
}
