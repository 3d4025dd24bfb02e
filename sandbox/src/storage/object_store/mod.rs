//! The store that is one of its own: any that speaks S3's protocol. This server hands out addresses that it signs, and
//! the bytes go to the store directly.
//!
//! An object's key is the component's id.

mod bucket;
mod config;
mod ledger;
mod requests;
mod transfer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::StatusCode;
use parking_lot::RwLock;
use rusty_s3::Method;
use tokio::sync::Mutex;

pub use self::config::ObjectStoreConfig;

use self::ledger::{Ledger, Open};
use self::requests::{Asked, Requests, element};
use super::component_id::ComponentId;
use super::error::{StorageError, escape};
use super::headers::{disposition, reading_disposition};
use super::limits::{Limits, MOST_PARTS};
use super::parts::{bare, check_listed};
use super::{MultipartUpload, Upload};
use crate::links::content_type;

/// Requests for the same component wait for each other, so that it has one open upload at most; others seldom do.
const LOCKS: usize = 64;

/// A bucket in an object store.
pub(super) struct ObjectStore {
    requests: Arc<Requests>,
    ledger: Ledger,
    limits: RwLock<Limits>,
    beginning: [Mutex<()>; LOCKS],
    origin: String,
}

impl ObjectStore {
    /// Makes sure that the bucket can be used. `folder` remembers open uploads.
    pub(super) async fn open(config: ObjectStoreConfig, folder: PathBuf) -> Result<ObjectStore, String> {
        let requests = Requests::new(&config)?;
        bucket::check(&requests, &config).await?;
        let folder = folder.join("open-uploads");
        let ledger =
            Ledger::open(folder.clone()).map_err(|error| format!("Cannot use {}: {error}.", folder.display()))?;
        let origin = requests.bucket_url().origin().ascii_serialization();
        Ok(ObjectStore {
            requests: Arc::new(requests),
            ledger,
            limits: RwLock::default(),
            beginning: std::array::from_fn(|_| Mutex::default()),
            origin,
        })
    }

    pub(super) fn set_limits(&self, limits: Limits) {
        *self.limits.write() = limits;
    }

    pub(super) fn limits(&self) -> Limits {
        *self.limits.read()
    }

    /// Scheme, host and port of the store.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn single_upload(
        &self,
        component_id: &str,
        size: Option<u64>,
        content_type: &str,
        file_name: Option<&str>,
        content_md5: Option<&str>,
    ) -> Upload {
        let mut headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        headers.extend(file_name.map(|name| ("Content-Disposition".to_owned(), disposition("attachment", name))));
        headers.extend(content_md5.map(|md5| ("Content-MD5".to_owned(), md5.to_owned())));
        let mut signed: Vec<_> = headers.iter().map(|(name, value)| (name.to_lowercase(), value.as_str())).collect();
        signed.sort();
        let signed: Vec<_> = signed.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let url = match ComponentId::parse(component_id) {
            Ok(id) => self.presign(Asked { headers: &signed, ..Asked::new(Method::Put, id.as_str()) }),
            // What is no component gets no permission.
            Err(_) => self.requests.unsigned("no-component").into(),
        };
        // The length is told and not signed: a wrong one is for the store to refuse with its own reason.
        headers.extend(size.map(|size| ("Content-Length".to_owned(), size.to_string())));
        Upload { url, headers }
    }

    pub(super) async fn begin_multipart(
        &self,
        id: ComponentId,
        parts: u32,
        content_type: &str,
    ) -> Result<MultipartUpload, StorageError> {
        let limits = self.limits();
        self.abort_expired(&limits).await?;
        let first = u8::from_str_radix(&id.as_str()[..2], 16).unwrap_or_default();
        let _alone = self.beginning[usize::from(first) % LOCKS].lock().await;
        let open = self.ledger.find(&id);
        if let Some(open) = &open {
            if open.parts == parts && !limits.renew_upload_id && self.is_open(&id, &open.upload_id).await? {
                self.ledger.note(&id, open)?;
                return self.addresses(id, open.clone()).await;
            }
            self.abort(&id, &open.upload_id).await?;
        }
        let query = [("uploads", "")];
        let headers = [("content-type", content_type)];
        let asked = Asked { query: &query, headers: &headers, ..Asked::new(Method::Post, id.as_str()) };
        let answer = self.requests.send(asked).await?;
        let upload_id = element(&answer, "UploadId").filter(|id| !id.is_empty()).ok_or_else(|| {
            let message = "the object store began an upload in parts and did not say its id; does it speak S3?";
            StorageError::refused(StatusCode::BAD_GATEWAY, "InternalError", message)
        })?;
        let open = Open { upload_id, parts };
        self.ledger.note(&id, &open)?;
        self.addresses(id, open).await
    }

    pub(super) async fn complete_multipart(
        &self,
        id: &ComponentId,
        upload_id: &str,
        parts: &[(u32, String)],
    ) -> Result<(), StorageError> {
        // The store would make an object of whatever is listed.
        if let Some(open) = self.ledger.find(id).filter(|open| open.upload_id == upload_id) {
            check_listed(parts, open.parts)?;
        }
        let part = |(number, etag): &(u32, String)| {
            let etag = escape(bare(etag));
            format!("<Part><PartNumber>{number}</PartNumber><ETag>\"{etag}\"</ETag></Part>")
        };
        let listed: String = parts.iter().map(part).collect();
        let body = format!(
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{listed}</CompleteMultipartUpload>"
        );
        let query = [("uploadId", upload_id)];
        let asked = Asked { query: &query, body: Some(&body), ..Asked::new(Method::Post, id.as_str()) };
        // Once: after an answer that was lost, the upload is complete and a second request is told that there is none.
        self.requests.send_once(asked).await?;
        self.ledger.forget(id, upload_id);
        Ok(())
    }

    /// Whether the component has an object. Without the permission to list the bucket, S3 says 403 for one that is not there.
    pub(super) async fn exists(&self, id: &ComponentId) -> Result<bool, StorageError> {
        match self.requests.send(Asked::new(Method::Head, id.as_str())).await {
            Ok(_) => Ok(true),
            Err(error) if error.status() == StatusCode::NOT_FOUND => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Brings the object to a new file.
    pub(super) async fn fetch(&self, id: &ComponentId, path: &Path) -> Result<(), StorageError> {
        transfer::fetch(&self.requests, id.as_str(), path).await
    }

    /// Makes the file the component's object, with one PUT.
    pub(super) async fn put(&self, id: &ComponentId, path: &Path, file_name: &str) -> Result<(), StorageError> {
        let (shown, kind) = (disposition("attachment", file_name), content_type(file_name));
        let headers = [("content-disposition", shown.as_str()), ("content-type", kind.as_str())];
        let asked = Asked { headers: &headers, ..Asked::new(Method::Put, id.as_str()) };
        transfer::put(&self.requests, asked, path).await
    }

    pub(super) async fn remove(&self, id: &ComponentId) -> Result<(), StorageError> {
        if let Some(open) = self.ledger.find(id) {
            self.abort(id, &open.upload_id).await?;
        }
        missing_is_fine(self.requests.send(Asked::new(Method::Delete, id.as_str())).await)
    }

    pub(super) fn signed_url(&self, component_id: &str, file_name: &str, content_type: &str) -> String {
        let Ok(id) = ComponentId::parse(component_id) else { return self.requests.unsigned("no-component").into() };
        let shown = reading_disposition(content_type, file_name);
        let query = [("response-content-disposition", shown.as_str()), ("response-content-type", content_type)];
        self.presign(Asked { query: &query, ..Asked::new(Method::Get, id.as_str()) })
    }

    /// An address for each part. Ten thousand signatures take a while.
    async fn addresses(&self, id: ComponentId, open: Open) -> Result<MultipartUpload, StorageError> {
        let (requests, lifetime) = (self.requests.clone(), self.limits().address_lifetime);
        let signing = tokio::task::spawn_blocking(move || {
            let address = |number: u32| {
                let text = number.to_string();
                let query = [("partNumber", text.as_str()), ("uploadId", open.upload_id.as_str())];
                let asked = Asked { query: &query, ..Asked::new(Method::Put, id.as_str()) };
                (number, requests.presign(asked, lifetime).into())
            };
            let urls = (1..=open.parts.min(MOST_PARTS)).map(address).collect();
            MultipartUpload { upload_id: open.upload_id, urls }
        });
        Ok(signing.await.map_err(std::io::Error::other)?)
    }

    /// Whether the store still has an upload: a rule of the bucket may have ended it.
    async fn is_open(&self, id: &ComponentId, upload_id: &str) -> Result<bool, StorageError> {
        let query = [("max-parts", "1"), ("uploadId", upload_id)];
        match self.requests.send(Asked { query: &query, ..Asked::new(Method::Get, id.as_str()) }).await {
            Err(error) if error.status() == StatusCode::NOT_FOUND => Ok(false),
            // A store that does not tell is taken at its earlier word.
            Err(error) if !error.status().is_server_error() => Ok(true),
            answer => answer.map(|_| true),
        }
    }

    async fn abort(&self, id: &ComponentId, upload_id: &str) -> Result<(), StorageError> {
        let query = [("uploadId", upload_id)];
        let asked = Asked { query: &query, ..Asked::new(Method::Delete, id.as_str()) };
        missing_is_fine(self.requests.send(asked).await)?;
        self.ledger.forget(id, upload_id);
        Ok(())
    }

    async fn abort_expired(&self, limits: &Limits) -> Result<(), StorageError> {
        for (id, open) in self.ledger.take_expired(limits.upload_lifetime)? {
            if let Err(error) = self.abort(&id, &open.upload_id).await {
                // A rule of the bucket ends it (docs/storage.md).
                eprintln!("storage: an upload of {} that nobody goes on with could not be ended: {error}", id.as_str());
            }
        }
        Ok(())
    }

    fn presign(&self, asked: Asked<'_>) -> String {
        self.requests.presign(asked, self.limits().address_lifetime).into()
    }
}

/// What a removal says when it has been removed already.
fn missing_is_fine(answer: Result<String, StorageError>) -> Result<(), StorageError> {
    match answer {
        Err(error) if error.status() == StatusCode::NOT_FOUND => Ok(()),
        other => other.map(drop),
    }
}
