//! What is said of parts when an upload is completed.

use super::error::StorageError;

/// Refuses a list that is not every part of the upload, each once and ascending.
pub(super) fn check_listed(parts: &[(u32, String)], count: u32) -> Result<(), StorageError> {
    if !parts.is_sorted_by(|(left, _), (right, _)| left < right) {
        let message = "the parts are not in ascending order of part_number; sort them, each once";
        return Err(StorageError::bad_request("InvalidPartOrder", message));
    }
    // Ascending numbers are looked for where they have to be: there may be ten thousand.
    if let Some(missing) = (1..=count).find(|number| parts.binary_search_by_key(number, |(listed, _)| *listed).is_err())
    {
        let message = format!("part {missing} of {count} is not listed; upload and list every part");
        return Err(StorageError::bad_request("InvalidPart", message));
    }
    Ok(())
}

/// An ETag without the quotes that some clients keep and others drop.
pub(super) fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}
