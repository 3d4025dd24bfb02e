//! Work that may wait for a disk, on a thread that may.

use super::error::{Code, Error, Result};
use tokio::task::{JoinHandle, spawn_blocking};

/// Runs `work` on a blocking thread. A panic in it is an error like any other.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    joined(spawn_blocking(work)).await
}

/// The outcome of work that was begun earlier.
pub async fn joined<T>(work: JoinHandle<Result<T>>) -> Result<T> {
    work.await.unwrap_or_else(|error| {
        let what = "a defect in the library stopped an access to the disk";
        Err(Error::new(Code::Internal, format!("{what} ({error}): please report it")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_on_a_blocking_thread_is_an_error() {
        let error = blocking::<()>(|| panic!("a defect")).await.unwrap_err();
        assert_eq!(error.code, Code::Internal);
    }
}
