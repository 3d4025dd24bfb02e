//! Text and option structs from C.

use super::types::{
    ftr_download_options, ftr_http_upload_options, ftr_hub_info, ftr_hub_publish_options, ftr_hub_subscribe_options,
    ftr_publish_file, ftr_publish_options, ftr_remove_options, ftr_session_options, ftr_watch_options,
};
use crate::session::{Code, Error, Result};
use std::ffi::{CStr, c_char};
use std::mem::{MaybeUninit, offset_of, size_of};
use std::time::{Duration, Instant};

/// A text that may be NULL. `argument` is its name in messages.
///
/// # Safety
/// `text` is NULL or a NUL-terminated text that stays unchanged during the call.
pub unsafe fn optional_text(text: *const c_char, argument: &str) -> Result<Option<String>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(error) => {
            let at = error.valid_up_to();
            Err(Error::new(
                Code::NotUtf8,
                format!(
                    "{argument}: byte 0x{:02x} at offset {at} is not UTF-8: convert the text before passing it",
                    bytes.get(at).copied().unwrap_or_default()
                ),
            ))
        }
    }
}

/// Where a result is to be written.
pub fn output<T>(pointer: *mut T, argument: &str) -> Result<*mut T> {
    match pointer.is_null() {
        true => Err(null(argument, "the address of a variable for the result")),
        false => Ok(pointer),
    }
}

/// What is said of a NULL where something must be.
pub fn null(argument: &str, what: &str) -> Error {
    Error::new(Code::NullArgument, format!("{argument}: is NULL, where {what} must be given"))
}

/// The end of a timeout in milliseconds; none where there is no limit.
pub fn deadline(timeout_ms: i32) -> Result<Option<Instant>> {
    match timeout_ms {
        -1 => Ok(None),
        0.. => Ok(Some(Instant::now() + Duration::from_millis(timeout_ms as u64))),
        _ => Err(Error::new(
            Code::InvalidArgument,
            format!("timeout_ms: {timeout_ms} is no time: give milliseconds, 0 not to wait, or FTR_NO_TIMEOUT"),
        )),
    }
}

/// A struct of options, which a host sizes by `struct_size`.
///
/// # Safety
/// Plain data for which all zero bytes are a valid value, beginning with a `u32 struct_size`.
pub unsafe trait Options: Copy {
    /// The name in messages.
    const NAME: &'static str;
    /// The size that the first released version had.
    const FIRST_SIZE: usize;
}

// SAFETY: repr(C), integers, nullable pointers and optional functions only.
unsafe impl Options for ftr_session_options {
    const NAME: &'static str = "ftr_session_options";
    const FIRST_SIZE: usize = offset_of!(ftr_session_options, upload_memory_bytes);
}

// SAFETY: as above.
unsafe impl Options for ftr_publish_options {
    const NAME: &'static str = "ftr_publish_options";
    const FIRST_SIZE: usize = offset_of!(ftr_publish_options, idempotency_key);
}

// SAFETY: as above.
unsafe impl Options for ftr_publish_file {
    const NAME: &'static str = "ftr_publish_file";
    const FIRST_SIZE: usize = size_of::<ftr_publish_file>();
}

// SAFETY: as above.
unsafe impl Options for ftr_hub_subscribe_options {
    const NAME: &'static str = "ftr_hub_subscribe_options";
    const FIRST_SIZE: usize = size_of::<ftr_hub_subscribe_options>();
}

// SAFETY: as above.
unsafe impl Options for ftr_hub_publish_options {
    const NAME: &'static str = "ftr_hub_publish_options";
    const FIRST_SIZE: usize = size_of::<ftr_hub_publish_options>();
}

// SAFETY: as above.
unsafe impl Options for ftr_watch_options {
    const NAME: &'static str = "ftr_watch_options";
    const FIRST_SIZE: usize = size_of::<ftr_watch_options>();
}

// SAFETY: as above.
unsafe impl Options for ftr_hub_info {
    const NAME: &'static str = "ftr_hub_info";
    const FIRST_SIZE: usize = size_of::<ftr_hub_info>();
}

// SAFETY: as above.
unsafe impl Options for ftr_http_upload_options {
    const NAME: &'static str = "ftr_http_upload_options";
    const FIRST_SIZE: usize = size_of::<ftr_http_upload_options>();
}

// SAFETY: as above.
unsafe impl Options for ftr_download_options {
    const NAME: &'static str = "ftr_download_options";
    const FIRST_SIZE: usize = size_of::<ftr_download_options>();
}

// SAFETY: as above.
unsafe impl Options for ftr_remove_options {
    const NAME: &'static str = "ftr_remove_options";
    const FIRST_SIZE: usize = size_of::<ftr_remove_options>();
}

/// No options of this library will ever be as large: a larger size is an uninitialised struct.
const LARGEST: usize = 4096;

/// Reads options. A host built with an older header gives fewer, the rest is 0; one built with a newer
/// header may give more as long as it does not use them.
///
/// # Safety
/// `options` is NULL or points to as many readable bytes as its `struct_size` says.
pub unsafe fn read_options<T: Options>(options: *const T, argument: &str) -> Result<T> {
    if options.is_null() {
        return Err(null(argument, &format!("an {} made with its INIT macro", T::NAME)));
    }
    // SAFETY: the struct begins with its size.
    let size = unsafe { options.cast::<u32>().read_unaligned() } as usize;
    let wrong = |why: String| {
        let name = T::NAME;
        Error::new(
            Code::StructSize,
            format!("{argument}: struct_size is {size}: {why}; begin with {}_INIT", name.to_uppercase()),
        )
    };
    // No compiler makes a struct whose size is no multiple of its alignment.
    if size < T::FIRST_SIZE || size > LARGEST || !size.is_multiple_of(align_of::<T>()) {
        let known = match (T::FIRST_SIZE, size_of::<T>()) {
            (first, now) if first == now => format!("{now}"),
            (first, now) => format!("{first} to {now}"),
        };
        return Err(wrong(format!("this library knows a {} of {known} bytes", T::NAME)));
    }
    let mut read = MaybeUninit::<T>::zeroed();
    let known = size.min(size_of::<T>());
    // SAFETY: the caller promises `size` readable bytes; `read` has room for `known` of them.
    unsafe { std::ptr::copy_nonoverlapping(options.cast::<u8>(), read.as_mut_ptr().cast::<u8>(), known) };
    for offset in known..size {
        // SAFETY: within the caller's `size` bytes.
        if unsafe { options.cast::<u8>().add(offset).read() } != 0 {
            return Err(wrong(format!("an option at byte {offset} is set that this library does not know: update it")));
        }
    }
    // SAFETY: all bytes are set, and any are valid for `Options`.
    Ok(unsafe { read.assume_init() })
}

/// An array of such structs. All are as large as the first one says it is: one program made them.
///
/// # Safety
/// `first` is NULL or points to `count` structs, each with as many readable bytes as the `struct_size` of the first says.
pub unsafe fn read_array<T: Options>(first: *const T, count: u64, argument: &str) -> Result<Vec<T>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if count > MOST_ELEMENTS {
        let message = format!("{argument}: {count} are more than the {MOST_ELEMENTS} that a publish may have");
        return Err(Error::new(Code::InvalidArgument, message));
    }
    if first.is_null() {
        return Err(null(argument, &format!("{count} {}", T::NAME)));
    }
    let mut elements = Vec::new();
    let mut stride = 0;
    for index in 0..count as usize {
        // SAFETY: the caller's promise: the first was read, and says how far apart they are.
        let element = unsafe { first.cast::<u8>().add(index * stride) }.cast::<T>();
        let argument = format!("{argument}[{index}]");
        // SAFETY: the caller's promise.
        let read = unsafe { read_options(element, &argument) }?;
        // SAFETY: the struct begins with its size.
        let size = unsafe { element.cast::<u32>().read_unaligned() } as usize;
        if index > 0 && size != stride {
            let remedy = format!("begin each with {}_INIT", T::NAME.to_uppercase());
            let message = format!("{argument}: struct_size is {size}, and that of the first is {stride}: {remedy}");
            return Err(Error::new(Code::StructSize, message));
        }
        stride = size;
        elements.push(read);
    }
    Ok(elements)
}

/// More files than any publish has: a larger number is one that was not initialised.
const MOST_ELEMENTS: u64 = 10_000;
