//! What an endpoint's answer means that is no success.

use crate::ftrack::{quote, retry};
use crate::session::secret::Redactor;
use crate::session::{Code, Error};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION};
use url::Url;

/// The error that an answer is. `place` is the endpoint as it may be shown.
pub fn refusal(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    url: &Url,
    place: &str,
    redactor: &Redactor,
) -> Error {
    let said = quote::clause(&words(body, redactor), redactor);
    let (code, message) = match status.as_u16() {
        300..=399 => {
            let target = headers.get(LOCATION).and_then(|location| url.join(location.to_str().ok()?).ok());
            let target = target.map_or_else(|| "nowhere".to_owned(), |target| target.origin().ascii_serialization());
            let remedy =
                "uploads follow no redirect, so that user and key stay here: give the address that it leads to";
            (Code::HttpRefused, format!("{place} redirects to {target} ({status}): {remedy}"))
        }
        401 => {
            let remedy = "check api_user (FTRACK_API_USER) and api_key (FTRACK_API_KEY)";
            (Code::Unauthorised, format!("{place} does not accept the API user with this key: {said}; {remedy}"))
        }
        403 => {
            let remedy = "ask its administrator for the permission";
            (Code::Permission, format!("{place} does not allow the upload: {said}; {remedy}"))
        }
        404 => (Code::HttpRefused, format!("there is no {place} (404): {said}; check endpoint")),
        413 => {
            let remedy = "send a smaller one, or ask its administrator to allow it";
            (Code::HttpRefused, format!("the file is larger than {place} takes (413): {said}; {remedy}"))
        }
        429 | 503 => (Code::ServerBusy, format!("{place} is busy ({status}): {said}; try again later")),
        500..=599 => {
            let remedy = "look there whether it has the file before you send it again, or ask its administrator";
            (Code::HttpRefused, format!("{place} failed with {status}: {said}; {remedy}"))
        }
        _ => (Code::HttpRefused, format!("{place} refused the upload with {status}: {said}")),
    };
    let error =
        Error::new(code, message).with_http_status(status.as_u16()).with_retry_after(retry::retry_after(headers));
    // Whoever fails in the middle of the work may have done a part of it.
    if status.is_server_error() && code == Code::HttpRefused { error.with_outcome_unknown() } else { error }
}

/// Whether an endpoint that may get a file twice is worth asking again.
pub fn may_pass(error: &Error) -> bool {
    let status = error.details.http_status.unwrap_or(0);
    retry::may_pass(error) || (error.code == Code::HttpRefused && matches!(status, 408 | 500 | 502 | 504))
}

/// What a JSON answer says where such answers say it, or else the words of the page.
fn words(body: &[u8], redactor: &Redactor) -> String {
    let json = serde_json::from_slice::<serde_json::Value>(body).ok();
    let told = json.as_ref().and_then(|json| {
        let of = |name: &str| json[name].as_str().or_else(|| json[name]["message"].as_str());
        ["content", "message", "error", "detail", "reason", "description"].iter().find_map(|name| of(name))
    });
    told.map_or_else(|| quote::page(body, redactor), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> Error {
        let url = Url::parse("https://studio.example/studio/review?token=secret").unwrap();
        let redactor = Redactor::new(["key-0123456".to_owned().into()]);
        let status = StatusCode::from_u16(status).unwrap();
        let place = "https://studio.example/studio/review";
        refusal(status, &HeaderMap::new(), body.as_bytes(), &url, place, &redactor)
    }

    #[test]
    fn each_status_has_its_code_and_the_endpoints_own_words() {
        for (status, body, code, words) in [
            (301, "", Code::HttpRefused, "nowhere"),
            (400, r#"{"detail": "shot is missing"}"#, Code::HttpRefused, "shot is missing"),
            (401, r#"{"error": {"message": "who are you?"}}"#, Code::Unauthorised, "who are you?"),
            (403, "not you", Code::Permission, "not you"),
            (404, "<title>Not here</title>", Code::HttpRefused, "Not here"),
            (413, "", Code::HttpRefused, "larger"),
            (422, r#"{"message": "no such shot."}"#, Code::HttpRefused, "no such shot"),
            (429, "slowly", Code::ServerBusy, "slowly"),
            (500, "key-0123456 broke it", Code::HttpRefused, "[hidden] broke it"),
            (503, r#"{"content": "maintenance"}"#, Code::ServerBusy, "maintenance"),
        ] {
            let error = refused(status, body);
            assert_eq!((error.code, error.details.http_status), (code, Some(status)), "{error}");
            assert!(error.message.contains(words), "{error}");
            assert!(!error.message.contains("secret") && !error.message.contains("key-0"), "{error}");
            assert!(!error.message.starts_with(char::is_uppercase) && !error.message.ends_with('.'), "{error}");
            assert_eq!(error.details.outcome_unknown, status == 500, "{error}");
        }
    }
}
