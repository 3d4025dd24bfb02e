//! The store's HTTP face: `/storage/{component_id}`.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::put;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tower_http::cors::{Any, CorsLayer};
use url::form_urlencoded;

use super::receive::{discard, receive};
use super::serve::{Shown, serve};
use super::{Folder, no_data};
use crate::storage::component_id::ComponentId;
use crate::storage::error::StorageError;

/// The routes, open to pages of any origin: an address is its own permission, and ftrack's JavaScript client uploads
/// from a browser and has to read the ETag.
pub(super) fn routes(folder: Folder) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::PUT])
        .allow_headers(Any)
        .expose_headers([header::ETAG]);
    Router::new().route("/storage/{component_id}", put(put_object).get(get_object)).with_state(folder).layer(cors)
}

/// One PUT that was let in: what is to be stored where, and what it has to be.
struct Put {
    id: ComponentId,
    part: Option<(String, u32)>,
    length: u64,
    md5: Option<[u8; 16]>,
}

async fn put_object(
    State(folder): State<Folder>,
    Path(component_id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let put = match folder.admit(&component_id, parameters(query), &headers) {
        Ok(put) => put,
        Err(refusal) => {
            // Who asked whether to send (Expect: 100-continue) has sent nothing yet.
            if !headers.contains_key(header::EXPECT) {
                discard(body).await;
            }
            return refusal.into_response();
        }
    };
    match folder.take(put, body).await {
        Ok(etag) => [(header::ETAG, etag)].into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn get_object(
    State(folder): State<Folder>,
    Path(component_id): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, StorageError> {
    let parameters = parameters(query);
    refuse_keys(request.headers(), &parameters)?;
    let parameters = folder.inner.signer.check("GET", &component_id, parameters, request.headers())?;
    let id = ComponentId::parse(&component_id)?;
    let file = folder.file(&id).ok_or_else(|| no_data(&id))?;
    let shown = Shown {
        content_type: parameters.get("response-content-type").map_or("application/octet-stream", String::as_str),
        file_name: parameters.get("file-name").map_or(component_id.as_str(), String::as_str),
    };
    Ok(serve(&file, &shown, request).await)
}

impl Folder {
    /// Everything that can be refused before the body is read.
    fn admit(
        &self,
        component_id: &str,
        parameters: BTreeMap<String, String>,
        headers: &HeaderMap,
    ) -> Result<Put, StorageError> {
        refuse_keys(headers, &parameters)?;
        let parameters = self.inner.signer.check("PUT", component_id, parameters, headers)?;
        let id = ComponentId::parse(component_id)?;
        let length = self.content_length(headers, &parameters)?;
        let md5 = headers.get("content-md5").map(|value| decode_md5(value.as_bytes())).transpose()?;
        let part = match (parameters.get("uploadId"), parameters.get("partNumber")) {
            (Some(upload_id), Some(number)) => {
                let number = number.parse().unwrap_or(0);
                self.inner.uploads.expect(&id, upload_id, number)?;
                Some((upload_id.clone(), number))
            }
            _ => None,
        };
        Ok(Put { id, part, length, md5 })
    }

    /// Receives the body, checks it, and only then puts it in its place. Returns the quoted ETag.
    async fn take(&self, put: Put, body: Body) -> Result<String, StorageError> {
        let received = receive(body.into_data_stream(), self.inner.objects.incoming().to_owned()).await?;
        if received.size != put.length {
            let message = format!("the body has {} bytes, Content-Length says {}", received.size, put.length);
            return Err(StorageError::bad_request("IncompleteBody", message));
        }
        if let Some(expected) = put.md5.filter(|expected| *expected != received.md5) {
            let message = format!(
                "Content-MD5 says {}, the {} bytes received have {}; send them again",
                STANDARD.encode(expected),
                received.size,
                STANDARD.encode(received.md5)
            );
            return Err(StorageError::bad_request("BadDigest", message));
        }
        let md5 = hex::encode(received.md5);
        let etag = format!("\"{md5}\"");
        match put.part {
            Some((upload_id, number)) => {
                self.inner.uploads.store(&put.id, &upload_id, number, received.file, &md5)?;
            }
            None => self.inner.objects.store(&put.id, received.file, &etag)?,
        }
        Ok(etag)
    }

    fn content_length(&self, headers: &HeaderMap, parameters: &BTreeMap<String, String>) -> Result<u64, StorageError> {
        let length: u64 = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok())
            .ok_or_else(StorageError::length_required)?;
        if let Some(size) = parameters.get("size").filter(|size| **size != length.to_string()) {
            let message = format!("Content-Length is {length}, but the address was made for a file of {size} bytes");
            return Err(StorageError::bad_request("IncompleteBody", message));
        }
        let largest = self.limits().largest_put;
        if length > largest {
            let message = format!("{length} bytes are more than one PUT may have ({largest}); upload in parts");
            return Err(StorageError::bad_request("EntityTooLarge", message));
        }
        Ok(length)
    }
}

/// A store is another party than the ftrack server: a client that sends it the key gives the key away.
fn refuse_keys(headers: &HeaderMap, parameters: &BTreeMap<String, String>) -> Result<(), StorageError> {
    let found = ["ftrack-api-key", "ftrack-user"]
        .into_iter()
        .find(|name| headers.contains_key(*name))
        .or_else(|| ["apiKey", "username"].into_iter().find(|name| parameters.contains_key(*name)));
    match found {
        None => Ok(()),
        Some(name) => Err(StorageError::bad_request(
            "InvalidRequest",
            format!("the request carries {name}; never send ftrack credentials to storage, the address is enough"),
        )),
    }
}

fn decode_md5(text: &[u8]) -> Result<[u8; 16], StorageError> {
    STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        let message = format!("Content-MD5 '{}' is not the base64 of 16 bytes", String::from_utf8_lossy(text));
        StorageError::bad_request("InvalidDigest", message)
    })
}

fn parameters(query: Option<String>) -> BTreeMap<String, String> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}
