//! Stands in for the storage until it is merged: addresses are made, nothing is kept.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

/// Where media are kept.
#[derive(Clone)]
pub struct Storage {
    folder: Arc<PathBuf>,
    url: Arc<Mutex<String>>,
}

/// Where and how to PUT a file.
pub struct Upload {
    /// The address.
    pub url: String,
    /// Headers to send with it.
    pub headers: Vec<(String, String)>,
}

/// Where to PUT the parts of a file.
pub struct MultipartUpload {
    /// The upload's id.
    pub upload_id: String,
    /// Part numbers, from 1, with their addresses.
    pub urls: Vec<(u32, String)>,
}

/// Why media could not be stored.
#[derive(Debug)]
pub struct StorageError(pub String);

impl std::fmt::Display for StorageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StorageError {}

#[expect(missing_docs, reason = "described where it is implemented")]
impl Storage {
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder: Arc::new(folder), url: Arc::default() })
    }

    pub fn set_public_url(&self, url: String) {
        *self.url.lock() = url;
    }

    pub fn single_upload(
        &self,
        component_id: &str,
        size: Option<u64>,
        content_type: &str,
        _file_name: Option<&str>,
        content_md5: Option<&str>,
    ) -> Upload {
        let mut headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        headers.extend(size.map(|size| ("Content-Length".to_owned(), size.to_string())));
        headers.extend(content_md5.map(|sum| ("Content-MD5".to_owned(), sum.to_owned())));
        Upload { url: format!("{}/storage/{component_id}", self.url.lock()), headers }
    }

    pub fn begin_multipart(&self, component_id: &str, parts: u32) -> MultipartUpload {
        let url = self.url.lock();
        let part = |number| (number, format!("{url}/storage/{component_id}/parts/{number}"));
        MultipartUpload { upload_id: uuid::Uuid::new_v4().to_string(), urls: (1..=parts).map(part).collect() }
    }

    pub fn complete_multipart(
        &self,
        component_id: &str,
        _upload_id: &str,
        _parts: &[(u32, String)],
    ) -> Result<u64, StorageError> {
        Err(StorageError(format!("No parts were uploaded for {component_id}.")))
    }

    pub fn size(&self, component_id: &str) -> Option<u64> {
        self.path(component_id)?.metadata().ok().map(|data| data.len())
    }

    pub fn path(&self, component_id: &str) -> Option<PathBuf> {
        let path = self.folder.join(component_id);
        path.is_file().then_some(path)
    }

    pub fn remove(&self, component_id: &str) {
        let _ = std::fs::remove_file(self.folder.join(component_id));
    }

    pub fn signed_url(&self, component_id: &str, file_name: &str, _content_type: &str) -> String {
        format!("{}/storage/{component_id}/{file_name}", self.url.lock())
    }

    pub fn routes(&self) -> axum::Router {
        axum::Router::new()
    }
}
