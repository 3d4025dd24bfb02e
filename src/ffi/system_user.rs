//! The operating system's name of the user: what ftrack's Python client falls back to (getpass).

use std::ffi::{CStr, c_char};

/// The name in the user database, for processes such as cron jobs whose environment has none.
pub fn system_user() -> Option<String> {
    let mut buffer = vec![0 as c_char; 16 << 10];
    let mut found = std::ptr::null_mut();
    // SAFETY: an empty passwd is plain data; all pointers are valid, and the length is the buffer's.
    let name = unsafe {
        let mut entry: libc::passwd = std::mem::zeroed();
        let failed = libc::getpwuid_r(libc::geteuid(), &mut entry, buffer.as_mut_ptr(), buffer.len(), &mut found);
        if failed != 0 || found.is_null() || entry.pw_name.is_null() {
            return None;
        }
        CStr::from_ptr(entry.pw_name)
    };
    Some(name.to_str().ok()?.to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_user_database_names_the_user_that_runs_this() {
        let said = std::process::Command::new("id").arg("-un").output().unwrap().stdout;
        assert_eq!(super::system_user().unwrap(), String::from_utf8(said).unwrap().trim());
    }
}
