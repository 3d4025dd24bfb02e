//! Where the server wants the bytes: its answer to `get_upload_metadata`, checked. The addresses are signed and so
//! are secrets; the headers go with the bytes as they are, and no others do.

use super::plan::Plan;
use crate::session::secret::show_url;
use crate::session::{Code, Error, Result};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::fmt;
use url::Url;

/// An address to send bytes to. Debug output leaves out what is secret in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Where a file goes.
#[derive(Clone, Debug)]
pub enum Target {
    /// The whole file in one request.
    Single {
        /// Where to.
        address: Address,
        /// To be sent as they are.
        headers: HeaderMap,
    },
    /// A request a part.
    Parts {
        /// What the storage calls this upload; needed to complete it.
        upload_id: String,
        /// Numbers, counted from 1, and addresses. Some may be missing when an upload is taken up again.
        addresses: Vec<(u32, Address)>,
        /// Bytes of each part but the last.
        part_size: u64,
    },
}

impl Target {
    /// Reads the result of `get_upload_metadata`. `server_url` completes addresses without a host, which servers that
    /// keep media themselves may hand out.
    pub fn from_metadata(metadata: &Value, plan: Plan, server_url: &Url) -> Result<Target> {
        match plan {
            Plan::Single => Ok(Target::Single {
                address: address(&metadata["url"], "url", server_url)?,
                headers: headers(&metadata["headers"])?,
            }),
            Plan::Parts { part_size, count } => {
                let upload_id =
                    metadata["upload_id"].as_str().ok_or_else(|| malformed("upload_id is missing"))?.to_owned();
                let urls = metadata["urls"].as_array().ok_or_else(|| malformed("urls is missing"))?;
                let mut addresses = urls.iter().map(|url| part(url, server_url)).collect::<Result<Vec<_>>>()?;
                addresses.sort_by_key(|(number, _)| *number);
                if !addresses.iter().map(|(number, _)| *number).eq(1..=count) {
                    return Err(malformed(format!("addresses of parts 1 to {count} were asked for, others came")));
                }
                Ok(Target::Parts { upload_id, addresses, part_size })
            }
        }
    }
}

impl Address {
    /// An address.
    pub fn new(url: Url) -> Self {
        Address(url)
    }

    /// With its secrets, for the request only.
    pub(super) fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_url(&self.0))
    }
}

fn part(value: &Value, server_url: &Url) -> Result<(u32, Address)> {
    let number = value["part_number"].as_u64().and_then(|number| u32::try_from(number).ok());
    let number = number.ok_or_else(|| malformed("a part has no part_number"))?;
    Ok((number, address(&value["signed_url"], "signed_url", server_url)?))
}

fn address(value: &Value, name: &str, server_url: &Url) -> Result<Address> {
    let text = value.as_str().ok_or_else(|| malformed(format!("{name} is missing")))?;
    let url = server_url.join(text).map_err(|error| malformed(format!("{name} is no address ({error})")))?;
    match url.scheme() {
        "http" | "https" => Ok(Address(url)),
        scheme => Err(malformed(format!("{name} is of the kind {scheme}"))),
    }
}

/// Names and values; the server gives a length as text or as a number. No headers at all is fine, too.
fn headers(value: &Value) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let invalid = |_| malformed(format!("the header {name} is none that HTTP allows"));
        let mut text = HeaderValue::from_str(&text).map_err(invalid)?;
        text.set_sensitive(true);
        let name = HeaderName::try_from(name).map_err(|_| malformed(format!("{name:?} is no name of a header")))?;
        headers.append(name, text);
    }
    Ok(headers)
}

/// The message never holds the answer itself, whose addresses are secret.
fn malformed(what: impl fmt::Display) -> Error {
    let message = format!(
        "the server gave no upload address that can be used (get_upload_metadata: {what}): publish again, and if it \
         happens again ask the server's administrator"
    );
    Error::new(Code::MalformedAnswer, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn server() -> Url {
        Url::parse("https://studio.example").unwrap()
    }

    #[test]
    fn a_whole_file_has_its_address_and_headers() {
        let metadata = json!({"component_id": "c1", "url": "https://store.example/o?sig=1",
                              "headers": {"Content-Length": 17, "Content-Type": "video/mp4", "Content-MD5": "abc=="}});
        let Target::Single { address, headers } = Target::from_metadata(&metadata, Plan::Single, &server()).unwrap()
        else {
            panic!("not single")
        };
        assert_eq!(address.url().as_str(), "https://store.example/o?sig=1");
        assert_eq!(headers["content-length"], "17");
        assert_eq!(headers["content-md5"], "abc==");
        assert_eq!(format!("{address:?}"), "https://store.example/o");
    }

    #[test]
    fn parts_are_sorted_and_an_address_without_host_is_on_the_server() {
        let metadata = json!({"upload_id": "u1", "urls": [{"part_number": 2, "signed_url": "/store/2?s=b"},
                                                         {"part_number": 1, "signed_url": "/store/1?s=a"}]});
        let plan = Plan::Parts { part_size: 8 << 20, count: 2 };
        let Target::Parts { upload_id, addresses, .. } = Target::from_metadata(&metadata, plan, &server()).unwrap()
        else {
            panic!("not in parts")
        };
        assert_eq!(upload_id, "u1");
        let urls: Vec<_> = addresses.iter().map(|(number, address)| (*number, address.url().as_str())).collect();
        assert_eq!(urls, [(1, "https://studio.example/store/1?s=a"), (2, "https://studio.example/store/2?s=b")]);
    }

    #[test]
    fn an_answer_that_cannot_be_used_is_malformed_and_not_repeated_in_the_message() {
        let plan = Plan::Parts { part_size: 8 << 20, count: 2 };
        let one =
            json!({"upload_id": "u1", "urls": [{"part_number": 1, "signed_url": "https://s.example/?sig=secret"}]});
        let cases = [
            (json!({}), Plan::Single),
            (json!({"url": "ftp://store.example/?sig=secret"}), Plan::Single),
            (json!({"url": "https://s.example/?sig=secret", "headers": {"a b": "c"}}), Plan::Single),
            (json!({"urls": []}), plan),
            (json!({"upload_id": "u1"}), plan),
            (one, plan),
        ];
        for (metadata, plan) in cases {
            let error = Target::from_metadata(&metadata, plan, &server()).unwrap_err();
            assert_eq!(error.code, Code::MalformedAnswer, "{metadata}");
            assert!(!error.message.contains("secret"), "{error}");
        }
    }
}
