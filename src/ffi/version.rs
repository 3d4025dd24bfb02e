//! What this library is, and the names of its errors.

use super::constants::FTR_ABI_VERSION;
use super::guard::{self, c_text, guard_pointer};
use crate::session::Code;
use once_cell::sync::Lazy;
use std::collections::HashMap;
use std::ffi::{CString, c_char};

/// The library's version, such as "0.1.0". Never NULL; valid for ever. May be called from anywhere, also in a wake-up callback and after fork.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// The version of the ABI that the library offers: FTR_ABI_VERSION of the header it was built with. May be called from anywhere.
/// A program that loads the library at run time should refuse one whose number is smaller than its own FTR_ABI_VERSION.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_abi_version() -> u32 {
    FTR_ABI_VERSION
}

/// The name of an error code, such as "FTR_E_NULL_ARGUMENT"; "FTR_OK" for 0 and for counts; "FTR_E_UNKNOWN" for a code of a later version. Never NULL; valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_error_name(code: i32) -> *const c_char {
    guard_pointer(|| match code {
        0.. => c"FTR_OK".as_ptr(),
        _ => TEXTS.get(&code).map_or(c"FTR_E_UNKNOWN".as_ptr(), |texts| texts.0.as_ptr()),
    })
}

/// What an error code means in general and what to do about it; "" for codes that are none. Never NULL; valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_error_description(code: i32) -> *const c_char {
    guard_pointer(|| TEXTS.get(&code).map_or(guard::EMPTY.as_ptr(), |texts| texts.1.as_ptr()))
}

/// The message of the last error that a function of this library returned on the calling thread: which argument, which value, what to do. "" if there was none. Never NULL; valid until the next error on the same thread.
/// For people and logs, right after the failure; to decide, use the code. The errors of jobs are not here but in their results.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_last_error_message() -> *const c_char {
    guard_pointer(guard::last_error)
}

static TEXTS: Lazy<HashMap<i32, (CString, CString)>> = Lazy::new(|| {
    let texts = |code: &Code| (c_text(code.constant()), c_text(code.documentation().trim()));
    Code::ALL.iter().map(|code| (*code as i32, texts(code))).collect()
});
