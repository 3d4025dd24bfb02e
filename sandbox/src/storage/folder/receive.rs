//! Taking a request body to a file, hashing on the way, with bounded memory.

use std::io::{self, Write};
use std::path::PathBuf;

use axum::body::{Body, Bytes};
use futures_util::{Stream, StreamExt};
use md5::{Digest, Md5};
use tempfile::NamedTempFile;
use tokio::sync::mpsc;

use crate::storage::error::StorageError;
use crate::storage::limits::{CHUNKS_IN_FLIGHT, READ_AFTER_REFUSAL};

/// A body that is on disk, under a name nobody reads; dropping it deletes it.
pub(crate) struct Received {
    pub(crate) file: NamedTempFile,
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
}

/// Writes a body, or what comes in one, to a new file in `folder`.
///
/// Writing and MD5 (the slowest part, about 1 GB/s) run on a blocking thread of their own.
pub(crate) async fn receive<E: std::fmt::Display>(
    mut stream: impl Stream<Item = Result<Bytes, E>> + Unpin,
    folder: PathBuf,
) -> Result<Received, StorageError> {
    let (chunks, queue) = mpsc::channel(CHUNKS_IN_FLIGHT);
    let writer = tokio::task::spawn_blocking(move || write(queue, folder));
    let mut broken = None;
    while let Some(next) = stream.next().await {
        match next {
            // The writer hangs up only when it failed, and says why below.
            Ok(chunk) => {
                if chunks.send(chunk).await.is_err() {
                    break;
                }
            }
            Err(error) => {
                broken = Some(error);
                break;
            }
        }
    }
    drop(chunks);
    let received = writer.await.map_err(io::Error::other)??;
    match broken {
        None => Ok(received),
        Some(error) => Err(StorageError::bad_request(
            "IncompleteBody",
            format!("the body ended after {} bytes ({error}); nothing was stored, send it again", received.size),
        )),
    }
}

/// Reads and drops some of a refused body, so that the client gets to the answer.
pub(crate) async fn discard(body: Body) {
    let mut stream = body.into_data_stream();
    let mut left = READ_AFTER_REFUSAL;
    while let Some(Ok(chunk)) = stream.next().await {
        left = left.saturating_sub(chunk.len() as u64);
        if left == 0 {
            return;
        }
    }
}

fn write(mut queue: mpsc::Receiver<Bytes>, folder: PathBuf) -> io::Result<Received> {
    let mut file = NamedTempFile::new_in(folder)?;
    let mut digest = Md5::new();
    let mut size = 0;
    while let Some(chunk) = queue.blocking_recv() {
        file.write_all(&chunk)?;
        digest.update(&chunk);
        size += chunk.len() as u64;
    }
    Ok(Received { file, size, md5: digest.finalize().into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_breaks_off_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let chunks = [Ok(Bytes::from_static(b"only this")), Err(io::Error::other("connection lost"))];
        let refusal = receive(futures_util::stream::iter(chunks), folder.path().to_owned()).await.err().unwrap();
        assert_eq!(refusal.code(), "IncompleteBody");
        assert!(refusal.message().contains("9 bytes"), "{refusal}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
