//! The object store behind the server: what ftrack calls `ftrack.server`, kept in a folder.
//!
//! Clients never send bytes to `/api`. They ask for an upload address, PUT to it, and the address itself
//! is the permission: it names the method, the component, the parts and the headers it was made for, carries the
//! time it ends, and is signed. It behaves like S3 behind presigned addresses, refusals included, because that
//! is what a publishing client meets at a real site (how real stores refuse was measured on SeaweedFS and others).

mod address;
mod error;
mod http;
mod limits;
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

pub use self::error::StorageError;
pub use self::limits::{Limits, MOST_PARTS};
pub(crate) use self::serve::{File, Shown, serve};

use self::address::{Address, Signer};
use self::objects::{ComponentId, Objects};
use self::uploads::Uploads;

/// The store. Cloning is cheap and every clone is the same store; all methods may be called from any thread.
///
#[derive(Clone)]
pub struct Storage {
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

/// Where to PUT one file, and the headers to send with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The signed address. Whoever holds it may write this component until it expires.
    pub url: String,
    /// Headers to send exactly as they are; they are part of the signature.
    pub headers: Vec<(String, String)>,
}

/// Where to PUT the parts of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultipartUpload {
    /// Names the upload when it is completed.
    pub upload_id: String,
    /// Part number (from 1, ascending) and the signed address of that part.
    pub urls: Vec<(u32, String)>,
}

impl Storage {
    /// Opens the store in `folder`, which is made when it is not there. Half-received files of an
    /// earlier run are dropped; uploads in parts, and addresses handed out before, stay good.
    pub fn open(folder: PathBuf) -> io::Result<Storage> {
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
        Ok(Storage { inner: Arc::new(inner) })
    }

    /// Sets what addresses begin with, such as `http://127.0.0.1:8090`. Known only once the server listens.
    pub fn set_public_url(&self, url: String) {
        *self.inner.public_url.write() = url.trim_end_matches('/').to_owned();
    }

    /// Replaces the limits, for example so that tests can use small parts or addresses that are already over.
    pub fn set_limits(&self, limits: Limits) {
        *self.inner.limits.write() = limits;
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        *self.inner.limits.read()
    }

    /// An address for one PUT of a whole file of `size` bytes.
    ///
    /// `content_md5` is the base64 of the file's MD5 and is then enforced, as with ftrack's `checksum`. A component
    /// id that is no UUID still gets an address; the PUT to it is refused.
    pub fn single_upload(
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
            address.sign_header("Content-Disposition", &serve::disposition("attachment", name));
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

    /// Begins an upload in `parts` parts and makes an address for each, at most [`MOST_PARTS`]: refuse more before
    /// calling. An upload of the component that is open is gone on with, or replaced: see [`Limits::renew_upload_id`].
    pub async fn begin_multipart(
        &self,
        component_id: &str,
        parts: u32,
        _content_type: &str,
    ) -> Result<MultipartUpload, StorageError> {
        let id = ComponentId::parse(component_id)?;
        let limits = self.limits();
        let upload_id = self.blocking(move |inner| Ok(inner.uploads.begin(&id, parts, &limits)?)).await?;
        let expires = self.expiry();
        let urls = (1..=parts.min(MOST_PARTS))
            .map(|number| {
                let mut address = Address::new("PUT", component_id, expires);
                address.set("partNumber", number);
                address.set("uploadId", &upload_id);
                (number, self.url(&address))
            })
            .collect();
        Ok(MultipartUpload { upload_id, urls })
    }

    /// Joins the parts into the component's object. `parts` is every part's number and ETag (quoted or not), ascending.
    /// Nothing changes when it fails.
    pub async fn complete_multipart(
        &self,
        component_id: &str,
        upload_id: &str,
        parts: Vec<(u32, String)>,
    ) -> Result<(), StorageError> {
        let id = ComponentId::parse(component_id)?;
        let (upload_id, smallest) = (upload_id.to_owned(), self.limits().smallest_part);
        self.blocking(move |inner| {
            let chosen = inner.uploads.choose(&id, &upload_id, &parts, smallest)?;
            inner.objects.join(&id, &chosen.paths, &chosen.etag)?;
            inner.uploads.forget(&upload_id);
            Ok(())
        })
        .await
    }

    /// Whether the component has an object.
    pub async fn exists(&self, component_id: &str) -> Result<bool, StorageError> {
        Ok(self.size(component_id).is_some())
    }

    /// Size in bytes of the component's object; `None` when there is none.
    pub fn size(&self, component_id: &str) -> Option<u64> {
        self.path(component_id).and_then(|path| path.metadata().ok()).map(|metadata| metadata.len())
    }

    /// The file that holds the component's object; `None` when there is none. Read it, do not change it.
    pub fn path(&self, component_id: &str) -> Option<PathBuf> {
        let id = ComponentId::parse(component_id).ok()?;
        Some(self.inner.objects.path(&id)).filter(|path| path.is_file())
    }

    /// Deletes the component's object, what was derived from it, and its open upload. No object is no error, as in S3.
    pub async fn remove(&self, component_id: &str) -> Result<(), StorageError> {
        let Ok(id) = ComponentId::parse(component_id) else { return Ok(()) };
        self.blocking(move |inner| {
            inner.uploads.abort(&id)?;
            inner.objects.remove(&id)?;
            Ok(ignore_missing(std::fs::remove_dir_all(inner.derived(&id)))?)
        })
        .await
    }

    /// An address to read the component without a key, shown under `file_name` as `content_type`.
    pub fn signed_url(&self, component_id: &str, file_name: &str, content_type: &str) -> String {
        let mut address = Address::new("GET", component_id, self.expiry());
        address.set("response-content-type", content_type);
        address.set("file-name", file_name);
        self.url(&address)
    }

    /// The store's own HTTP face, `/storage/{component_id}`: PUT with an upload address, GET and HEAD with a read address.
    pub fn routes(&self) -> Router {
        http::routes(self.clone())
    }

    /// The component's file with its ETag, to be served; `None` when there is no object.
    pub(crate) fn file(&self, component_id: &str) -> Option<File> {
        let id = ComponentId::parse(component_id).ok()?;
        self.inner.objects.file(&id)
    }

    /// A folder for files derived from this component (scaled thumbnails), removed together with it.
    pub(crate) fn derived_folder(&self, component_id: &str) -> Option<PathBuf> {
        ComponentId::parse(component_id).ok().map(|id| self.inner.derived(&id))
    }

    /// Runs work that waits for the disk where it holds nobody up.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let inner = self.inner.clone();
        tokio::task::spawn_blocking(move || work(&inner)).await.map_err(io::Error::other)?
    }

    fn expiry(&self) -> SystemTime {
        SystemTime::now() + self.limits().address_lifetime
    }

    fn url(&self, address: &Address) -> String {
        format!("{}{}", self.inner.public_url.read(), self.inner.signer.sign(address))
    }
}

impl Inner {
    fn derived(&self, id: &ComponentId) -> PathBuf {
        self.folder.join("derived").join(id.as_str())
    }
}

/// What a removal says when it has been removed already.
fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
