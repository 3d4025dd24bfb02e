//! An HTTP answer read as results, or as the one error it stands for. The body speaks first (the server says 200
//! to many failures), then the status; a body that is not the server's own must not be taken for its word.

use super::operation::{Operation, kinds};
use super::{quote, retry};
use crate::session::secret::{Redactor, show_url};
use crate::session::{Code, Error, Result};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION};
use serde_json::Value;
use url::Url;

/// What reading an answer needs to know of the question.
pub(super) struct Question<'a> {
    pub(super) url: &'a Url,
    pub(super) api_user: &'a str,
    pub(super) operations: &'a [Operation],
    pub(super) redactor: &'a Redactor,
}

impl Question<'_> {
    /// One result an operation, in their order, or the error that the answer is.
    pub(super) fn read(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Vec<Value>> {
        let json = serde_json::from_slice::<Value>(body);
        if let Ok(json) = &json
            && let Some(error) = self.exception(json, status)
        {
            return Err(error.with_retry_after(retry::retry_after(headers)));
        }
        match json {
            Ok(Value::Array(results)) if status.is_success() => {
                self.counted(results).map_err(|e| with_status(e, status))
            }
            json => Err(with_status(self.refusal(status, headers, body, json.ok()), status)),
        }
    }

    fn counted(&self, results: Vec<Value>) -> Result<Vec<Value>> {
        let (got, asked) = (results.len(), self.operations.len());
        if got == asked {
            return Ok(results);
        }
        let message = format!(
            "the answer of the server {} does not fit the request ({got} results for {asked} operations): look there \
             what was done before you try again",
            show_server(self.url)
        );
        Err(Error::new(Code::MalformedAnswer, message).with_outcome_unknown())
    }

    /// The server's exception: in place of all results, or inside one of them.
    fn exception(&self, json: &Value, status: StatusCode) -> Option<Error> {
        let failed = |json: &Value| json.get("exception").is_some_and(|exception| !exception.is_null());
        if failed(json) {
            return Some(with_status(self.server_error(json, status, None), status));
        }
        let elements = json.as_array()?.iter().enumerate();
        let (index, element) = elements.into_iter().find(|(_, element)| failed(element))?;
        Some(with_status(self.server_error(element, status, Some(index)), status))
    }

    fn server_error(&self, json: &Value, status: StatusCode, index: Option<usize>) -> Error {
        let exception = json["exception"].as_str().unwrap_or("an exception without a name");
        let error_code = json["error_code"].as_str();
        let content = match &json["content"] {
            Value::String(content) => content.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let said = quote::clause(&content, self.redactor);
        let code = code_of(exception, error_code, &content, status);
        let failed = index.and_then(|index| self.operations.get(index)).map(std::slice::from_ref);
        let asked = failed.unwrap_or(self.operations);
        let server = show_server(self.url);
        let user = self.api_user;
        let name = quote::line(exception, self.redactor);
        let message = match code {
            Code::Unauthorised => format!(
                "the server {server} does not accept the API user {user:?} with this key: {said}; {CHECK_USER_AND_KEY}"
            ),
            Code::Permission => {
                format!(
                    "the server {server} does not allow the user {user:?} {}: {said}; {ASK_PERMISSION}",
                    deed(asked)
                )
            }
            Code::Unsupported => format!(
                "the server {server} does not know {}: {said}; it may be too old: ask its administrator to update it",
                kinds(asked)
            ),
            code => format!("the server {server} refused {}: {said} ({name}); {}", deed(asked), remedy(code)),
        };
        let mut error = Error::new(code, message);
        error.details.exception = Some(name);
        error.details.error_code = error_code.map(|code| quote::line(code, self.redactor));
        error
    }

    /// An answer that is neither results nor an exception: of something on the way, or of no ftrack server at all.
    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8], json: Option<Value>) -> Error {
        let url = show_url(self.url);
        let server = show_server(self.url);
        let said = match quote::page(body, self.redactor) {
            said if said.is_empty() => "an empty page".to_owned(),
            said => format!("{said:?}"),
        };
        match status.as_u16() {
            300..=399 => self.redirected(headers),
            407 => Error::new(
                Code::Proxy,
                format!(
                    "a proxy before {server} wants a user and password, or others ({said}): give them in the proxy's \
                     address, as in http://user:password@proxy.studio:3128"
                ),
            ),
            401 if json.is_some() => Error::new(
                Code::Unauthorised,
                format!(
                    "the server {server} does not accept the API user {:?} with this key: {said}; {CHECK_USER_AND_KEY}",
                    self.api_user
                ),
            ),
            403 if json.is_some() => Error::new(
                Code::Permission,
                format!(
                    "the server {server} does not allow the user {:?} {}: {said}; {ASK_PERMISSION}",
                    self.api_user,
                    deed(self.operations)
                ),
            ),
            408 => Error::new(
                Code::NetworkTimeout,
                format!(
                    "the server {server} waited too long for the request ({said}): check the network, and try again"
                ),
            ),
            413 => Error::new(
                Code::Validation,
                format!(
                    "the server {server} takes no request of this size ({}): {said}; shorten the texts in it, or ask \
                     the server's administrator to allow larger ones",
                    kinds(self.operations)
                ),
            ),
            400 | 422 if json.is_some() => {
                let (deed, remedy) = (deed(self.operations), remedy(Code::Validation));
                Error::new(Code::Validation, format!("the server {server} refused {deed}: {said}; {remedy}"))
            }
            429 | 503 => {
                let remedy = remedy(Code::ServerBusy);
                let message = format!("the server {server} is busy or in maintenance ({status}): {said}; {remedy}");
                Error::new(Code::ServerBusy, message).with_retry_after(retry::retry_after(headers))
            }
            // 501 and 505 are what a plain web server says to a POST.
            500 | 502..=504 | 506..=599 => {
                let remedy = remedy(Code::ServerError);
                let message = format!("the server {server} failed with {status}: {said}; {remedy}");
                Error::new(Code::ServerError, message)
                    .with_retry_after(retry::retry_after(headers))
                    .with_outcome_unknown()
            }
            200..=299 if body.is_empty() || starts_like_json(body) => {
                let what = if body.is_empty() { "nothing" } else { "JSON that is cut off or no list of results" };
                let remedy = remedy(Code::MalformedAnswer);
                Error::new(Code::MalformedAnswer, format!("{url} answered {status} with {what}: {remedy}"))
                    .with_outcome_unknown()
            }
            _ => Error::new(
                Code::WrongServer,
                format!(
                    "{url} is no ftrack API, it answered {status} with {said}: check the server URL; a log-in page, a \
                     gateway or a proxy may stand before it"
                ),
            ),
        }
    }

    fn redirected(&self, headers: &HeaderMap) -> Error {
        let url = show_url(self.url);
        let target = headers.get(LOCATION).and_then(|location| self.url.join(location.to_str().ok()?).ok());
        let message = match target {
            Some(target) if target.origin() != self.url.origin() && target.has_host() => {
                let origin = target.origin().ascii_serialization();
                format!(
                    "{url} redirects to {origin}, which is not followed with a key: if that is the ftrack server, give \
                     its URL"
                )
            }
            Some(target) => {
                format!("{url} is no ftrack API, it redirects to {}: check the server URL", show_url(&target))
            }
            None => format!("{url} is no ftrack API, it redirects and does not say where to: check the server URL"),
        };
        Error::new(Code::WrongServer, message)
    }
}

/// The entities that a query's result holds.
pub fn rows(mut result: Value) -> Result<Vec<Value>> {
    match result.get_mut("data").map(Value::take) {
        Some(Value::Array(rows)) => Ok(rows),
        _ => {
            let remedy = remedy(Code::MalformedAnswer);
            let message = format!("the server answered a query with something else than a list of entities: {remedy}");
            Err(Error::new(Code::MalformedAnswer, message))
        }
    }
}

const CHECK_USER_AND_KEY: &str = "check api_user (FTRACK_API_USER) and api_key (FTRACK_API_KEY)";
const ASK_PERMISSION: &str = "ask an ftrack administrator for the permission";

/// What to do next after a refusal of this kind.
fn remedy(code: Code) -> &'static str {
    match code {
        Code::Duplicate => "it exists already: look at it on the server, or give another name",
        Code::Integrity => "something that it refers to may have been deleted: look on the server, and try again",
        Code::Validation => "correct what is named there, and try again",
        Code::Query => "the library wrote this query: please report it",
        Code::ServerBusy => "try again later",
        _ => "try again, and if it happens again ask the server's administrator",
    }
}

/// What was asked, to follow on "refused" or "does not allow": by its verb, such as `to create AssetVersion`, where
/// every operation is a write.
fn deed(operations: &[Operation]) -> String {
    let kinds = kinds(operations);
    match operations.iter().all(Operation::is_write) {
        true => format!("to {kinds}"),
        false => format!("a request ({kinds})"),
    }
}

/// Names of exceptions as the official clients and their tests know them.
fn code_of(exception: &str, error_code: Option<&str>, content: &str, status: StatusCode) -> Code {
    if error_code == Some("api_credentials_invalid") {
        return Code::Unauthorised;
    }
    // The server's older versions name the inner exception only in the text.
    let says = |name: &str| exception.contains(name) || content.contains(name);
    match exception {
        "InvalidCredentialsError" | "FTAuthenticationError" => Code::Unauthorised,
        _ if content.contains("Invalid action") => Code::Unsupported,
        _ if says("DuplicateEntryError") => Code::Duplicate,
        // The words of MySQL and of PostgreSQL.
        _ if content.contains("Duplicate entry") || content.contains("duplicate key value") => Code::Duplicate,
        "PermissionError" => Code::Permission,
        "IntegrityError" => Code::Integrity,
        "ValidationError" => Code::Validation,
        "ParseError" => Code::Query,
        _ if status == StatusCode::UNAUTHORIZED => Code::Unauthorised,
        _ if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => Code::ServerBusy,
        _ => Code::ServerError,
    }
}

fn with_status(error: Error, status: StatusCode) -> Error {
    error.with_http_status(status.as_u16())
}

fn starts_like_json(body: &[u8]) -> bool {
    matches!(body.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'[' | b'{'))
}

fn show_server(api_url: &Url) -> String {
    show_url(api_url).trim_end_matches("/api").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_with(status: u16, headers: &HeaderMap, body: &str) -> Result<Vec<Value>> {
        read_answer_to(&[Operation::query_server_information(&[])], status, headers, body)
    }

    fn read_answer_to(operations: &[Operation], status: u16, headers: &HeaderMap, body: &str) -> Result<Vec<Value>> {
        let url = Url::parse("https://studio.example/api").unwrap();
        let redactor = Redactor::new(["key-0123456".to_owned().into()]);
        let question = Question { url: &url, api_user: "ada", operations, redactor: &redactor };
        question.read(StatusCode::from_u16(status).unwrap(), headers, body.as_bytes())
    }

    fn error(status: u16, body: &str) -> Error {
        read_with(status, &HeaderMap::new(), body).unwrap_err()
    }

    #[test]
    fn each_exception_of_the_server_has_its_code() {
        for (exception, error_code, content, code) in [
            ("InvalidCredentialsError", None, "no", Code::Unauthorised),
            ("FTAuthenticationError", None, "no", Code::Unauthorised),
            ("ServerError", Some("api_credentials_invalid"), "no", Code::Unauthorised),
            ("PermissionError", None, "no", Code::Permission),
            ("ValidationError", None, "no", Code::Validation),
            ("DuplicateEntryError", None, "taken", Code::Duplicate),
            ("IntegrityError", None, "DuplicateEntryError(...)", Code::Duplicate),
            ("IntegrityError", None, "(1062, \"Duplicate entry 'a1' for key 'PRIMARY'\")", Code::Duplicate),
            ("IntegrityError", None, "a foreign key constraint fails", Code::Integrity),
            ("ParseError", None, "Expected end of text", Code::Query),
            ("KeyError", None, "Invalid action u'encode_media'", Code::Unsupported),
            ("TypeError", None, "unsupported operand", Code::ServerError),
        ] {
            let body = json!({"exception": exception, "content": content, "error_code": error_code});
            let error = error(200, &body.to_string());
            assert_eq!(error.code, code, "{body}");
            assert!(!error.details.outcome_unknown);
            assert!(error.message.contains("https://studio.example"), "{error}");
            assert!(!error.message.starts_with(char::is_uppercase) && !error.message.ends_with('.'), "{error}");
        }
    }

    #[test]
    fn an_exception_is_told_by_what_was_asked_and_then_in_the_servers_words() {
        let create = |entity_type: &str| Operation::create(entity_type, "id", Default::default());
        let exception = json!({"exception": "IntegrityError", "content": "No such task."});
        for (body, told) in [
            (json!([{}, exception]), "refused to create AssetVersion: No such task (IntegrityError); "),
            (exception, "refused to create Asset, create AssetVersion: No such task (IntegrityError); "),
        ] {
            let operations = [create("Asset"), create("AssetVersion")];
            let error = read_answer_to(&operations, 200, &HeaderMap::new(), &body.to_string()).unwrap_err();
            assert!(error.message.contains(told), "{error}");
        }
        let error = error(200, &json!([{"exception": "ParseError", "content": "no"}]).to_string());
        assert!(error.message.contains("refused a request (query_server_information): no (ParseError)"), "{error}");
    }

    #[test]
    fn what_is_not_the_servers_own_answer_is_judged_by_its_status() {
        let page = "<html><head><title>Some page</title></head></html>";
        for (status, body, code, unknown) in [
            (200, page, Code::WrongServer, false),
            (200, "OK", Code::WrongServer, false),
            (200, "", Code::MalformedAnswer, true),
            (200, "[{\"data\": [", Code::MalformedAnswer, true),
            (200, "{\"data\": []}", Code::MalformedAnswer, true),
            (204, "", Code::MalformedAnswer, true),
            (302, page, Code::WrongServer, false),
            (400, page, Code::WrongServer, false),
            (401, page, Code::WrongServer, false),
            (401, "{\"detail\": \"no\"}", Code::Unauthorised, false),
            (403, page, Code::WrongServer, false),
            (403, "{\"detail\": \"no\"}", Code::Permission, false),
            (404, page, Code::WrongServer, false),
            (404, "{\"detail\": \"no\"}", Code::WrongServer, false),
            (407, page, Code::Proxy, false),
            (413, page, Code::Validation, false),
            (422, "{\"detail\": [{\"msg\": \"field required\"}]}", Code::Validation, false),
            (429, page, Code::ServerBusy, false),
            (500, page, Code::ServerError, true),
            (500, "[{\"data\": []}]", Code::ServerError, true),
            (501, page, Code::WrongServer, false),
            (502, page, Code::ServerError, true),
            (503, page, Code::ServerBusy, false),
            (504, "upstream timed out", Code::ServerError, true),
        ] {
            let error = error(status, body);
            assert_eq!(error.code, code, "{status} {body}");
            assert_eq!(error.details.outcome_unknown, unknown, "{status} {body}");
            assert_eq!(error.details.http_status, Some(status));
            assert!(error.message.contains("https://studio.example"), "{error}");
            assert!(!error.message.starts_with(char::is_uppercase) && !error.message.ends_with('.'), "{error}");
        }
        assert!(error(404, page).message.contains("\"Some page\""));
    }

    #[test]
    fn a_redirect_says_where_to_without_what_is_secret_in_it() {
        let redirect = |to: &str| {
            let headers = HeaderMap::from_iter([(LOCATION, to.parse().unwrap())]);
            read_with(301, &headers, "").unwrap_err().message
        };
        assert!(redirect("https://new.example:8443/api?t=1").contains("redirects to https://new.example:8443, "));
        assert!(redirect("/login?next=key").contains("redirects to https://studio.example/login: "));
    }

    #[test]
    fn a_busy_server_may_say_for_how_long() {
        let headers = HeaderMap::from_iter([(reqwest::header::RETRY_AFTER, "7".parse().unwrap())]);
        for body in ["<title>Busy</title>".to_owned(), json!({"exception": "Busy", "content": ""}).to_string()] {
            let error = read_with(503, &headers, &body).unwrap_err();
            assert_eq!(error.code, Code::ServerBusy);
            assert_eq!(error.details.retry_after, Some(std::time::Duration::from_secs(7)));
        }
    }

    #[test]
    fn rows_are_the_data_of_a_query() {
        assert_eq!(rows(json!({"action": "query", "data": [{"id": 1}]})).unwrap(), [json!({"id": 1})]);
        assert_eq!(rows(json!({"data": true})).unwrap_err().code, Code::MalformedAnswer);
    }
}
