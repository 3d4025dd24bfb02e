//! The storage's answers. It is S3 or something like it, or the ftrack server itself, so nothing is taken for
//! granted that a plain HTTP server would not do.

use crate::ftrack::{quote, retry};
use crate::session::secret::{Redactor, show_url};
use crate::session::{Code, Error, Result};
use reqwest::StatusCode;
use reqwest::header::{ETAG, HeaderMap, LOCATION};
use secrecy::SecretString;
use url::Url;

/// The error for an answer that is no success.
pub(super) fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8], url: &Url, redactor: &Redactor) -> Error {
    // Some servers repeat the address that they were asked for.
    let redactor = &redactor.with(secrets(url));
    let text = String::from_utf8_lossy(body);
    let (code, message) =
        (quote::between(&text, "<Code>", "</Code>"), quote::between(&text, "<Message>", "</Message>"));
    let said = match (code, message) {
        (Some(code), Some(message)) if !message.is_empty() => format!("{code}: {message}"),
        (Some(code), _) => code.to_owned(),
        (None, _) => quote::page(body, redactor),
    };
    let said = quote::clause(&said, redactor);
    let place = show_url(url);
    let expired = text.to_ascii_lowercase().contains("expired");
    // S3 knows the upload no more when it was completed, aborted or cleaned away: a new one has to be asked for.
    let gone = code == Some("NoSuchUpload");
    let error = match (status.as_u16(), code) {
        (400 | 403, _) if expired => {
            Error::new(Code::StorageExpired, format!("the upload address {place} has expired ({said}): publish again"))
        }
        (404, _) if gone => {
            let message = format!("the storage no longer knows the upload to {place} ({said}): publish again");
            Error::new(Code::StorageExpired, message)
        }
        (_, Some("BadDigest" | "XAmzContentSHA256Mismatch")) => Error::new(
            Code::StorageMismatch,
            format!("the storage received other bytes than were sent to {place} ({said}): {AGAIN}"),
        ),
        // What S3 calls RequestTimeout comes with status 400.
        (408 | 429 | 500..=599, _) | (_, Some("RequestTimeout" | "SlowDown")) => {
            let message = format!("the storage failed with {status} at {place}: {said}; {AGAIN}");
            Error::new(Code::StorageUnavailable, message).with_retry_after(retry::retry_after(headers))
        }
        (300..=399, _) => {
            let target = headers.get(LOCATION).and_then(|location| url.join(location.to_str().ok()?).ok());
            let target = target.map_or_else(|| "nowhere".to_owned(), |target| target.origin().ascii_serialization());
            Error::new(
                Code::StorageRefused,
                format!("{place} redirects to {target}, which an upload address must not: {ASK}"),
            )
        }
        _ => {
            let message = format!("the storage refused the bytes at {place} with {status}: {said}; {ASK}");
            Error::new(Code::StorageRefused, message)
        }
    };
    error.with_http_status(status.as_u16())
}

/// Whether the same bytes may be welcome at a fresh address: this one has expired, or is refused for a reason that the storage
/// keeps to itself.
pub(super) fn wants_fresh_address(error: &Error) -> bool {
    error.code == Code::StorageExpired || (error.code == Code::StorageRefused && error.details.http_status == Some(403))
}

const ASK: &str = "ask the storage's administrator";
const AGAIN: &str = "publish again, and if it happens again ask the storage's administrator";

/// What is secret in an upload address: its query, and each value in it that is long enough for a signature.
pub(super) fn secrets(url: &Url) -> impl Iterator<Item = SecretString> {
    let raw = url.query().into_iter().flat_map(|query| query.split('&').filter_map(|pair| pair.split_once('=')));
    let raw = raw.map(|(_, value)| value.to_owned());
    let plain = url.query_pairs().map(|(_, value)| value.into_owned());
    let values = raw.chain(plain).filter(|value| value.len() >= 16);
    url.query().map(str::to_owned).into_iter().chain(values).map(SecretString::from)
}

/// The ETag without its quotes, as `complete_multipart_upload` takes it (official JavaScript client, uploader.ts).
pub(super) fn etag(headers: &HeaderMap) -> Option<String> {
    let etag = headers.get(ETAG)?.to_str().ok()?.trim();
    let etag = etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"');
    (!etag.is_empty()).then(|| etag.to_owned())
}

/// Compares what the storage says it holds with what was sent, where its ETag is an MD5: with keys of its own (SSE-KMS
/// or SSE-C) or for parts put together it is something else. Says whether it could be compared.
pub(super) fn check_etag(etag: &str, md5: [u8; 16], headers: &HeaderMap, url: &Url) -> Result<bool> {
    let is_md5 = is_md5(etag, headers);
    let sent: String = md5.iter().map(|byte| format!("{byte:02x}")).collect();
    if !is_md5 || etag.eq_ignore_ascii_case(&sent) {
        return Ok(is_md5);
    }
    let place = show_url(url);
    let message =
        format!("the storage holds other bytes at {place} than were sent (MD5 {etag} and not {sent}): {AGAIN}");
    Err(Error::new(Code::StorageMismatch, message))
}

/// Whether an ETag, without quotes, is the MD5 of what is stored.
pub(super) fn is_md5(etag: &str, headers: &HeaderMap) -> bool {
    let own_key = headers.contains_key("x-amz-server-side-encryption-customer-algorithm")
        || headers.get("x-amz-server-side-encryption").is_some_and(|kind| kind.as_bytes().starts_with(b"aws:"));
    etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit()) && !own_key
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn refused(status: u16, body: &str) -> Error {
        let url = Url::parse("https://store.example/object?X-Amz-Signature=secret").unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        refusal(status, &HeaderMap::new(), body.as_bytes(), &url, &Redactor::default())
    }

    #[test]
    fn each_refusal_has_the_code_that_says_what_to_do() {
        let xml = |code: &str, message: &str| {
            format!("<?xml?><Error><Code>{code}</Code><Message>{message}</Message></Error>")
        };
        for (status, body, code) in [
            (403, xml("AccessDenied", "Request has expired"), Code::StorageExpired),
            (400, xml("ExpiredToken", "The provided token has expired."), Code::StorageExpired),
            (404, xml("NoSuchUpload", "The specified upload does not exist."), Code::StorageExpired),
            (403, xml("SignatureDoesNotMatch", "Check your key"), Code::StorageRefused),
            (404, xml("NoSuchBucket", "No bucket"), Code::StorageRefused),
            (400, xml("BadDigest", "The Content-MD5 did not match"), Code::StorageMismatch),
            (400, xml("RequestTimeout", "Your socket was not read"), Code::StorageUnavailable),
            (503, xml("SlowDown", "Reduce your rate"), Code::StorageUnavailable),
            (500, "<html><title>Oops</title></html>".to_owned(), Code::StorageUnavailable),
            (413, String::new(), Code::StorageRefused),
        ] {
            let error = refused(status, &body);
            assert_eq!(error.code, code, "{status} {body}");
            assert_eq!(error.details.http_status, Some(status));
            assert!(!error.message.contains("secret"), "{error}");
            assert!(!error.message.starts_with(char::is_uppercase) && !error.message.ends_with('.'), "{error}");
        }
        assert!(refused(413, "").message.contains("it gave no reason; "));
        assert!(refused(403, &xml("AccessDenied", "No")).message.contains("AccessDenied: No"));
    }

    #[test]
    fn a_refusal_that_repeats_the_address_does_not_show_its_secrets() {
        let signature = "fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024";
        let url = format!("https://store.example/object?X-Amz-Expires=60&X-Amz-Signature={signature}");
        let url = Url::parse(&url).unwrap();
        for body in [
            format!("{{\"error\": \"cannot PUT {url}\"}}"),
            format!("<p>Not found: /object?X-Amz-Expires=60&amp;X-Amz-Signature={signature}</p>"),
            format!("<Error><Code>NoSuchKey</Code><Message>{url}</Message></Error>"),
        ] {
            for status in [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND, StatusCode::BAD_GATEWAY] {
                let error = refusal(status, &HeaderMap::new(), body.as_bytes(), &url, &Redactor::default());
                assert!(!error.message.contains(signature), "{error}");
                assert!(error.message.contains("/object"), "{error}");
            }
        }
    }

    #[test]
    fn an_etag_is_compared_only_where_it_is_an_md5() {
        let url = Url::parse("https://store.example/object").unwrap();
        let md5 = [0xab; 16];
        let plain = HeaderMap::new();
        assert!(check_etag(&"AB".repeat(16), md5, &plain, &url).unwrap());
        assert!(!check_etag("not-an-md5", md5, &plain, &url).unwrap());
        assert!(!check_etag(&format!("{}-3", "cd".repeat(16)), md5, &plain, &url).unwrap());
        assert_eq!(check_etag(&"cd".repeat(16), md5, &plain, &url).unwrap_err().code, Code::StorageMismatch);
        let mut encrypted = HeaderMap::new();
        encrypted.insert("x-amz-server-side-encryption", HeaderValue::from_static("aws:kms"));
        assert!(!check_etag(&"cd".repeat(16), md5, &encrypted, &url).unwrap());
        encrypted.insert("x-amz-server-side-encryption", HeaderValue::from_static("AES256"));
        assert!(check_etag(&"cd".repeat(16), md5, &encrypted, &url).is_err());
    }

    #[test]
    fn an_etag_is_told_without_quotes() {
        let headers = |value: &'static str| HeaderMap::from_iter([(ETAG, HeaderValue::from_static(value))]);
        assert_eq!(etag(&headers("\"abc\"")).as_deref(), Some("abc"));
        assert_eq!(etag(&headers("W/\"abc\"")).as_deref(), Some("abc"));
        assert_eq!(etag(&headers("abc")).as_deref(), Some("abc"));
        assert_eq!(etag(&headers("\"\"")), None);
    }
}
