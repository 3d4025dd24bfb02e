//! How large an object in storage is, asked of the storage itself.

use super::work::Work;
use crate::ftrack::Operation;
use crate::session::{Code, Error, Result};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_RANGE, HeaderMap, RANGE};
use url::Url;

impl Work {
    /// Compares what the storage holds with what was sent. `address` is what the server gave when it put the parts together;
    /// without it an address is asked for, which not every server knows how to give: then false, and nothing is known.
    pub(super) async fn check_size(&self, component_id: &str, address: Option<&str>, size: u64) -> Result<bool> {
        let found = match address {
            Some(address) => self.read_size(address).await,
            None => None,
        };
        let found = match found {
            Some(found) => Some(found),
            None => match self.readable_address(component_id).await {
                Some(address) => self.read_size(&address).await,
                None => None,
            },
        };
        match found {
            None => {
                self.log.debug("publish", "the server gives no address to read the size of what was uploaded");
                Ok(false)
            }
            Some(found) if found == size => Ok(true),
            Some(found) => Err(Error::new(
                Code::StorageMismatch,
                format!(
                    "the storage holds {found} bytes of the {size} that were sent: publish again, and if it happens again \
                     ask the storage's administrator"
                ),
            )),
        }
    }

    async fn readable_address(&self, component_id: &str) -> Option<String> {
        let results = self.client().call(&[Operation::generate_signed_url(component_id)]).await.ok()?;
        Some(results.first()?["signed_url"].as_str()?.to_owned())
    }

    /// By asking for one byte: an address that is signed for GET is none for HEAD.
    async fn read_size(&self, address: &str) -> Option<u64> {
        let url = self.client().server_url().join(address).ok()?;
        if !may_be_asked(&url) {
            return None;
        }
        let request = self.client().http().await.ok()?.client().get(url).header(RANGE, "bytes=0-0");
        let answer = tokio::time::timeout(crate::session::policy::API_TIMEOUT, request.send()).await.ok()?.ok()?;
        size(answer.status(), answer.headers())
    }
}

/// Without a signature it is a name rather than an address that anybody may read.
fn may_be_asked(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.query().is_some()
}

/// Only a range has the storage's own word for the size: a whole answer may be anybody's, such as a page to log in.
fn size(status: StatusCode, headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(CONTENT_RANGE).filter(|_| status == StatusCode::PARTIAL_CONTENT)?;
    range.to_str().ok()?.rsplit('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::CONTENT_LENGTH;

    #[test]
    fn a_size_is_read_from_a_range_and_guessed_from_nothing_else() {
        let headers = |name, value: &str| HeaderMap::from_iter([(name, value.parse().unwrap())]);
        assert_eq!(size(StatusCode::PARTIAL_CONTENT, &headers(CONTENT_RANGE, "bytes 0-0/1234")), Some(1234));
        assert_eq!(size(StatusCode::PARTIAL_CONTENT, &headers(CONTENT_RANGE, "bytes 0-0/*")), None);
        assert_eq!(size(StatusCode::PARTIAL_CONTENT, &headers(CONTENT_LENGTH, "1")), None);
        assert_eq!(size(StatusCode::OK, &headers(CONTENT_LENGTH, "77")), None);
    }
}
