//! What stands before every export: a child process after fork, a wake-up callback, a panic; and the
//! message of the last error of the calling thread.

use crate::session::{Code, Error, Result, wake};
use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

/// Runs the body of an export. What it returns goes to C; an error is a negative code, its message kept for the thread.
pub fn guard(body: impl FnOnce() -> Result<i32>) -> i32 {
    let result = if wake::inside_callback() {
        Err(Error::new(
            Code::WouldDeadlock,
            "called from the wake-up callback: only tell another thread to poll, and return",
        ))
    } else if forked() {
        Err(Error::new(
            Code::Forked,
            "called in a child process made by fork, where the library's thread does not exist: use it in the parent, or after exec",
        ))
    } else {
        catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(panic_error(panic)))
    };
    match result {
        Ok(value) => value,
        Err(error) => {
            remember(&error);
            error.code as i32
        }
    }
}

/// Runs a function that returns a pointer and can only fail by a defect.
pub fn guard_pointer(body: impl FnOnce() -> *const c_char) -> *const c_char {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(c"".as_ptr())
}

/// The message of the last error that a function returned on this thread.
pub fn last_error() -> *const c_char {
    LAST.try_with(|last| last.try_borrow().map(|text| text.as_ptr()).unwrap_or(c"".as_ptr())).unwrap_or(c"".as_ptr())
}

/// This process uses the library from now on; its children after fork may not.
pub fn in_use() {
    let _ = OWNER.compare_exchange(0, std::process::id(), Ordering::SeqCst, Ordering::SeqCst);
}

/// Text for C; where it holds a NUL, up to there.
pub fn c_text(text: &str) -> CString {
    CString::new(text).unwrap_or_else(|nul| {
        let end = nul.nul_position();
        CString::new(&text.as_bytes()[..end]).unwrap_or_default()
    })
}

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// The process in which the first session was created; 0 before.
static OWNER: AtomicU32 = AtomicU32::new(0);

fn forked() -> bool {
    let owner = OWNER.load(Ordering::SeqCst);
    owner != 0 && owner != std::process::id()
}

fn remember(error: &Error) {
    let text = c_text(&error.message);
    // A thread that is ending has no room any more; the code still tells.
    let _ = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| *last = text));
}

fn panic_error(panic: Box<dyn Any + Send>) -> Error {
    let text = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text.as_str(),
        (None, None) => "no text",
    };
    let error = Error::new(Code::Panic, format!("a defect in the library was caught ({text}); please report it"));
    // A panic's payload is arbitrary, and so may be its destructor.
    std::mem::forget(panic);
    error
}

/// The empty text, for pointers that are never NULL.
pub const EMPTY: &CStr = c"";

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> String {
        // SAFETY: a NUL-terminated text of this thread.
        unsafe { CStr::from_ptr(last_error()) }.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_panic_becomes_an_error_code_with_its_text() {
        assert_eq!(guard(|| panic!("number {}", 7)), Code::Panic as i32);
        assert!(message().contains("number 7"), "{}", message());
        assert_eq!(guard(|| Ok(3)), 3);
    }

    #[test]
    fn a_message_is_kept_for_the_thread_that_got_the_error() {
        guard(|| Err(Error::new(Code::InvalidArgument, "one\0two")));
        assert_eq!(message(), "one");
        let other = std::thread::spawn(|| {
            // SAFETY: as above.
            unsafe { CStr::from_ptr(last_error()) }.is_empty()
        });
        assert!(other.join().unwrap());
    }
}
