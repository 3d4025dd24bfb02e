//! The object store behind the server: what ftrack calls `ftrack.server`, kept in a folder or in an S3-compatible store.
//!
//! Clients never send bytes to `/api`. They ask for an upload address, PUT to it, and the address itself
//! is the permission: it names the method, the component, the parts and the headers it was made for, carries the
//! time it ends, and is signed. The folder behaves like S3 behind presigned addresses, refusals included, because that
//! is what a publishing client meets at a real site (how real stores refuse was measured on SeaweedFS and others).

mod component_id;
mod error;
mod folder;
mod headers;
mod limits;
mod object_store;
mod parts;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;

pub use self::error::StorageError;
pub(crate) use self::folder::{File, Received, Shown, discard, receive, serve};
pub use self::limits::{Limits, MOST_PARTS};
pub use self::object_store::ObjectStoreConfig;

use self::component_id::ComponentId;
use self::folder::Folder;
use self::object_store::ObjectStore;

/// The store. Cloning is cheap and every clone is the same store; all methods may be called from any thread.
#[derive(Clone)]
pub struct Storage {
    place: Place,
}

/// Where the objects are.
#[derive(Clone)]
enum Place {
    /// In a folder of this machine: bytes pass through this server.
    Folder(Folder),
    /// In a store of its own: clients speak to it directly.
    ObjectStore(Arc<ObjectStore>),
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
        Ok(Storage { place: Place::Folder(Folder::open(folder)?) })
    }

    /// Connects to an S3-compatible store and makes sure that its bucket is there. `folder` holds what has to outlive a
    /// restart: which uploads in parts are open. Fails with what is wrong and what to do about it.
    pub async fn connect(config: ObjectStoreConfig, folder: PathBuf) -> Result<Storage, String> {
        Ok(Storage { place: Place::ObjectStore(Arc::new(ObjectStore::open(config, folder).await?)) })
    }

    /// Sets what addresses in a folder begin with, such as `http://127.0.0.1:8090`. Known only once the server listens.
    pub fn set_public_url(&self, url: &str) {
        if let Place::Folder(folder) = &self.place {
            folder.set_public_url(url);
        }
    }

    /// Replaces the limits, for example so that tests can use small parts or addresses that are already over.
    pub fn set_limits(&self, limits: Limits) {
        match &self.place {
            Place::Folder(folder) => folder.set_limits(limits),
            Place::ObjectStore(store) => store.set_limits(limits),
        }
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        match &self.place {
            Place::Folder(folder) => folder.limits(),
            Place::ObjectStore(store) => store.limits(),
        }
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
        match &self.place {
            Place::Folder(folder) => folder.single_upload(component_id, size, content_type, file_name, content_md5),
            Place::ObjectStore(store) => store.single_upload(component_id, size, content_type, file_name, content_md5),
        }
    }

    /// Begins an upload in `parts` parts and makes an address for each, at most [`MOST_PARTS`]: refuse more before
    /// calling. An upload of the component that is open is gone on with, or replaced: see [`Limits::renew_upload_id`].
    pub async fn begin_multipart(
        &self,
        component_id: &str,
        parts: u32,
        content_type: &str,
    ) -> Result<MultipartUpload, StorageError> {
        let id = ComponentId::parse(component_id)?;
        match &self.place {
            Place::Folder(folder) => folder.begin_multipart(id, parts).await,
            Place::ObjectStore(store) => store.begin_multipart(id, parts, content_type).await,
        }
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
        match &self.place {
            Place::Folder(folder) => folder.complete_multipart(id, upload_id.to_owned(), parts).await,
            Place::ObjectStore(store) => store.complete_multipart(&id, upload_id, &parts).await,
        }
    }

    /// Whether the component has an object.
    pub async fn exists(&self, component_id: &str) -> Result<bool, StorageError> {
        let Ok(id) = ComponentId::parse(component_id) else { return Ok(false) };
        match &self.place {
            Place::Folder(folder) => Ok(folder.path(&id).is_some()),
            Place::ObjectStore(store) => store.exists(&id).await,
        }
    }

    /// Size in bytes of the component's object in a folder; `None` when there is none.
    pub fn size(&self, component_id: &str) -> Option<u64> {
        self.path(component_id).and_then(|path| path.metadata().ok()).map(|metadata| metadata.len())
    }

    /// The file that holds the component's object in a folder; `None` when there is none. Read it, do not change it.
    pub fn path(&self, component_id: &str) -> Option<PathBuf> {
        let (folder, id) = self.folder(component_id)?;
        folder.path(&id)
    }

    /// Brings the component's object to a new file at `path`. For the server's own work on media.
    pub(crate) async fn fetch(&self, component_id: &str, path: &Path) -> Result<(), StorageError> {
        let id = ComponentId::parse(component_id)?;
        match &self.place {
            Place::Folder(folder) => folder.fetch(id, path.to_owned()).await,
            Place::ObjectStore(store) => store.fetch(&id, path).await,
        }
    }

    /// Makes the file at `path` the component's object, as a client's upload would.
    pub(crate) async fn put(&self, component_id: &str, path: &Path, file_name: &str) -> Result<(), StorageError> {
        let id = ComponentId::parse(component_id)?;
        match &self.place {
            Place::Folder(folder) => folder.put(id, path.to_owned()).await,
            Place::ObjectStore(store) => store.put(&id, path, file_name).await,
        }
    }

    /// Deletes the component's object, what was derived from it, and its open upload. No object is no error, as in S3.
    pub async fn remove(&self, component_id: &str) -> Result<(), StorageError> {
        let Ok(id) = ComponentId::parse(component_id) else { return Ok(()) };
        match &self.place {
            Place::Folder(folder) => folder.remove(id).await,
            Place::ObjectStore(store) => store.remove(&id).await,
        }
    }

    /// An address to read the component without a key, shown under `file_name` as `content_type`.
    pub fn signed_url(&self, component_id: &str, file_name: &str, content_type: &str) -> String {
        match &self.place {
            Place::Folder(folder) => folder.signed_url(component_id, file_name, content_type),
            Place::ObjectStore(store) => store.signed_url(component_id, file_name, content_type),
        }
    }

    /// A folder's HTTP face, `/storage/{component_id}`: PUT with an upload address, GET and HEAD with a read address.
    pub fn routes(&self) -> Router {
        match &self.place {
            Place::Folder(folder) => folder.routes(),
            Place::ObjectStore(_) => Router::new(),
        }
    }

    /// The origin of the store that clients speak to directly; `None` when it is this server.
    pub fn origin(&self) -> Option<&str> {
        match &self.place {
            Place::Folder(_) => None,
            Place::ObjectStore(store) => Some(store.origin()),
        }
    }

    /// The component's file with its ETag, to be served; `None` when there is no object in a folder.
    pub(crate) fn file(&self, component_id: &str) -> Option<File> {
        let (folder, id) = self.folder(component_id)?;
        folder.file(&id)
    }

    /// A folder for files derived from this component (scaled thumbnails), removed together with it.
    pub(crate) fn derived_folder(&self, component_id: &str) -> Option<PathBuf> {
        let (folder, id) = self.folder(component_id)?;
        Some(folder.derived(&id))
    }

    fn folder(&self, component_id: &str) -> Option<(&Folder, ComponentId)> {
        match &self.place {
            Place::Folder(folder) => Some((folder, ComponentId::parse(component_id).ok()?)),
            Place::ObjectStore(_) => None,
        }
    }
}
