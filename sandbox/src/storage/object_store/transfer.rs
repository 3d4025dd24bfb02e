//! The server's own reading and writing of objects, with bounded memory: for media that it encodes.

use std::io::{self, Read};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use rusty_s3::Method;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use super::requests::{Asked, Requests};
use crate::storage::error::StorageError;
use crate::storage::limits::{CHUNKS_IN_FLIGHT, READ_BLOCK};

/// Brings an object to a new file.
pub(super) async fn fetch(requests: &Requests, key: &str, path: &Path) -> Result<(), StorageError> {
    let mut response = requests.open(Asked::new(Method::Get, key), reqwest::Body::default()).await?;
    let mut file = tokio::fs::File::create(path).await?;
    while let Some(chunk) = response.chunk().await.map_err(|error| requests.unreachable(error))? {
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    Ok(())
}

/// Sends a file with one PUT.
pub(super) async fn put(requests: &Requests, asked: Asked<'_>, path: &Path) -> Result<(), StorageError> {
    let file = std::fs::File::open(path)?;
    let left = file.metadata()?.len();
    let (sender, chunks) = mpsc::channel(CHUNKS_IN_FLIGHT);
    tokio::task::spawn_blocking(move || read(file, &sender));
    requests.open(asked, reqwest::Body::wrap(FileBody { chunks, left })).await.map(drop)
}

/// Reads until the end, or until nobody wants more.
fn read(mut file: std::fs::File, chunks: &mpsc::Sender<io::Result<Bytes>>) {
    loop {
        let mut block = vec![0; READ_BLOCK];
        let chunk = match file.read(&mut block) {
            Ok(0) => return,
            Ok(count) => {
                block.truncate(count);
                Ok(Bytes::from(block))
            }
            Err(error) => Err(error),
        };
        let failed = chunk.is_err();
        if chunks.blocking_send(chunk).is_err() || failed {
            return;
        }
    }
}

/// A request body of a known length: object stores take no other.
struct FileBody {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    left: u64,
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.chunks.poll_recv(context).map(|chunk| {
            let chunk = chunk?;
            if let Ok(bytes) = &chunk {
                self.left = self.left.saturating_sub(bytes.len() as u64);
            }
            Some(chunk.map(Frame::data))
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
