//! The store kept in a folder, with an HTTP face of its own that behaves as S3 does.

mod address;
mod http;
mod objects;
mod receive;
mod serve;
mod uploads;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use parking_lot::RwLock;

pub(crate) use self::receive::{Received, discard, receive};
pub(crate) use self::serve::{File, Shown, serve};

use self::address::{Address, Signer};
use self::objects::Objects;
use self::uploads::Uploads;
use super::component_id::ComponentId;
use super::error::StorageError;
use super::headers::disposition;
use super::limits::{Limits, MOST_PARTS};
use super::{MultipartUpload, Upload};

/// The store; a clone is the same one.
#[derive(Clone)]
pub(super) struct Folder {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    objects: Objects,
    uploads: Uploads,
    signer: Signer,
    public_url: RwLock<String>,
    limits: RwLock<Limits>,
}

impl Folder {
    /// Opens the store in `folder`, which is made when it is not there.
    pub(super) fn open(folder: PathBuf) -> io::Result<Folder> {
        std::fs::create_dir_all(&folder)?;
        let incoming = folder.join("incoming");
        if incoming.exists() {
            std::fs::remove_dir_all(&incoming)?;
        }
        std::fs::create_dir_all(&incoming)?;
        let inner = Inner {
            objects: Objects::open(folder.join("objects"), incoming)?,
            uploads: Uploads::open(folder.join("uploads"))?,
            signer: Signer::open(&folder.join("signing.key"))?,
            public_url: RwLock::new(String::new()),
            limits: RwLock::new(Limits::default()),
            folder,
        };
        inner.uploads.expire(Limits::default().upload_lifetime)?;
        Ok(Folder { inner: Arc::new(inner) })
    }

    pub(super) fn set_public_url(&self, url: &str) {
        *self.inner.public_url.write() = url.trim_end_matches('/').to_owned();
    }

    pub(super) fn set_limits(&self, limits: Limits) {
        *self.inner.limits.write() = limits;
    }

    pub(super) fn limits(&self) -> Limits {
        *self.inner.limits.read()
    }

    pub(super) fn single_upload(
        &self,
        component_id: &str,
        size: Option<u64>,
        content_type: &str,
        file_name: Option<&str>,
        content_md5: Option<&str>,
    ) -> Upload {
        let mut address = Address::new("PUT", component_id, self.expiry());
        address.sign_header("Content-Type", content_type);
        if let Some(name) = file_name {
            address.sign_header("Content-Disposition", &disposition("attachment", name));
        }
        if let Some(md5) = content_md5 {
            address.sign_header("Content-MD5", md5);
        }
        let mut headers: Vec<_> = address.signed_headers().to_vec();
        if let Some(size) = size {
            // Not among the signed headers, so that a wrong length is answered with what is wrong.
            address.set("size", size);
            headers.push(("Content-Length".to_owned(), size.to_string()));
        }
        Upload { url: self.url(&address), headers }
    }

    pub(super) async fn begin_multipart(&self, id: ComponentId, parts: u32) -> Result<MultipartUpload, StorageError> {
        let (limits, expires) = (self.limits(), self.expiry());
        let folder = self.clone();
        blocking(move || {
            let upload_id = folder.inner.uploads.begin(&id, parts, &limits)?;
            let urls = (1..=parts.min(MOST_PARTS))
                .map(|number| {
                    let mut address = Address::new("PUT", id.as_str(), expires);
                    address.set("partNumber", number);
                    address.set("uploadId", &upload_id);
                    (number, folder.url(&address))
                })
                .collect();
            Ok(MultipartUpload { upload_id, urls })
        })
        .await
    }

    pub(super) async fn complete_multipart(
        &self,
        id: ComponentId,
        upload_id: String,
        parts: Vec<(u32, String)>,
    ) -> Result<(), StorageError> {
        let (folder, smallest) = (self.clone(), self.limits().smallest_part);
        blocking(move || {
            let chosen = folder.inner.uploads.choose(&id, &upload_id, &parts, smallest)?;
            folder.inner.objects.join(&id, &chosen.paths, &chosen.etag)?;
            folder.inner.uploads.forget(&upload_id);
            Ok(())
        })
        .await
    }

    /// Brings the object to a new file: as another name of it where the file system can, which nobody may write to.
    pub(super) async fn fetch(&self, id: ComponentId, path: PathBuf) -> Result<(), StorageError> {
        let object = self.path(&id).ok_or_else(|| no_data(&id))?;
        blocking(move || {
            if std::fs::hard_link(&object, &path).is_err() {
                std::fs::copy(&object, &path)?;
            }
            Ok(())
        })
        .await
    }

    /// Makes a copy of the file the component's object.
    pub(super) async fn put(&self, id: ComponentId, path: PathBuf) -> Result<(), StorageError> {
        let folder = self.clone();
        blocking(move || Ok(folder.inner.objects.copy(&id, &path)?)).await
    }

    pub(super) async fn remove(&self, id: ComponentId) -> Result<(), StorageError> {
        let folder = self.clone();
        blocking(move || {
            folder.inner.uploads.abort(&id)?;
            folder.inner.objects.remove(&id)?;
            Ok(ignore_missing(std::fs::remove_dir_all(folder.derived(&id)))?)
        })
        .await
    }

    pub(super) fn signed_url(&self, component_id: &str, file_name: &str, content_type: &str) -> String {
        let mut address = Address::new("GET", component_id, self.expiry());
        address.set("response-content-type", content_type);
        address.set("file-name", file_name);
        self.url(&address)
    }

    pub(super) fn routes(&self) -> Router {
        http::routes(self.clone())
    }

    /// The file that holds the component's object.
    pub(super) fn path(&self, id: &ComponentId) -> Option<PathBuf> {
        Some(self.inner.objects.path(id)).filter(|path| path.is_file())
    }

    /// The component's file with its ETag, to be served.
    pub(super) fn file(&self, id: &ComponentId) -> Option<File> {
        self.inner.objects.file(id)
    }

    /// Where files derived from the component (scaled thumbnails) are, which go when it goes.
    pub(super) fn derived(&self, id: &ComponentId) -> PathBuf {
        self.inner.folder.join("derived").join(id.as_str())
    }

    fn expiry(&self) -> SystemTime {
        SystemTime::now() + self.limits().address_lifetime
    }

    fn url(&self, address: &Address) -> String {
        format!("{}{}", self.inner.public_url.read(), self.inner.signer.sign(address))
    }
}

fn no_data(id: &ComponentId) -> StorageError {
    StorageError::not_found("NoSuchKey", format!("no data are stored for component {}", id.as_str()))
}

/// Runs work that waits for the disk where it holds nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// What a removal says when it has been removed already.
fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
