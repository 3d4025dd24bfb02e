//! multipart/form-data (RFC 7578), written as browsers write it (HTML standard, multipart/form-data encoding): names in
//! UTF-8, with only quotes and line breaks escaped. The fields come before the file, so that an endpoint that reads a stream
//! knows them when the file begins.

use crate::session::{Code, Error, Result, policy};
use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

/// A form around a file.
#[derive(Debug)]
pub struct Form {
    /// The Content-Type of the request.
    pub content_type: String,
    /// All that comes before the file's bytes.
    pub head: Bytes,
    /// All that comes after them.
    pub tail: Bytes,
}

/// What a form says of its file.
#[derive(Clone, Debug)]
pub struct FilePart {
    /// The field's name.
    pub field: String,
    /// The file's name.
    pub file_name: String,
    /// What it is.
    pub content_type: String,
}

impl Form {
    /// A form with these fields, a name and a value each, in their order.
    pub fn new(fields: &[(String, String)], file: &FilePart) -> Form {
        // Random: no content has it by chance, and nobody can know it before.
        let boundary = format!("ftreview-{}", Uuid::new_v4().simple());
        let mut head = String::new();
        for (name, value) in fields {
            head += &format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n", escaped(name));
            head += &format!("{}\r\n", lines(value));
        }
        head += &format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
            escaped(&file.field),
            escaped(&file.file_name),
            file.content_type
        );
        Form {
            content_type: format!("multipart/form-data; boundary={boundary}"),
            head: head.into(),
            tail: format!("\r\n--{boundary}--\r\n").into(),
        }
    }
}

/// The fields of a JSON object of texts and lists of texts.
pub fn fields(text: &str) -> Result<Vec<(String, String)>> {
    let wrong = |why: String| {
        let remedy = "give the text of a JSON object of texts and lists of texts, such as {\"shot\": \"sh010\"}";
        Error::new(Code::InvalidJson, format!("fields: {why}; {remedy}"))
    };
    let object = match serde_json::from_str(text).map_err(|error| wrong(format!("is no JSON ({error})")))? {
        Value::Object(object) => object,
        _ => return Err(wrong("is JSON, but no object".to_owned())),
    };
    let mut fields = Vec::new();
    let mut size = 0;
    for (name, value) in object {
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        for value in values {
            let Value::String(value) = value else {
                return Err(wrong(format!("the value of {name:?} is neither a text nor a list of texts")));
            };
            size += name.len() + value.len();
            fields.push((name.clone(), value));
        }
    }
    if size > policy::FORM_LIMIT {
        let limit = policy::FORM_LIMIT;
        let message = format!("fields: have {size} bytes together, {limit} may be: send large data as a file");
        return Err(Error::new(Code::InvalidArgument, message));
    }
    Ok(fields)
}

fn escaped(name: &str) -> String {
    lines(name).replace("\r\n", "%0D%0A").replace('"', "%22")
}

/// All ends of lines the same, as forms have them.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_what_a_browser_would_send_with_the_fields_before_the_file() {
        let fields = fields(r#"{"shot": "sh010", "tag": ["a", "b"], "say \"hi\"": "one\ntwo", "empty": []}"#).unwrap();
        let file = FilePart {
            field: "file".into(),
            file_name: "größe \"1\".mov".into(),
            content_type: "video/quicktime".into(),
        };
        let form = Form::new(&fields, &file);
        let boundary = form.content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"shot\"\r\n\r\nsh010\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"tag\"\r\n\r\na\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"tag\"\r\n\r\nb\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"say %22hi%22\"\r\n\r\none\r\ntwo\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"größe %221%22.mov\"\r\n\
             Content-Type: video/quicktime\r\n\r\n"
        );
        assert_eq!(std::str::from_utf8(&form.head).unwrap(), expected);
        assert_eq!(form.tail, format!("\r\n--{boundary}--\r\n"));
    }

    #[test]
    fn a_name_cannot_break_out_of_its_header() {
        let hostile = "x\"\r\nftrack-user: eve\r\n\r\n".to_owned();
        let file = FilePart { field: hostile.clone(), file_name: hostile.clone(), content_type: "a/b".into() };
        let form = Form::new(&[(hostile, "v".into())], &file);
        let text = std::str::from_utf8(&form.head).unwrap();
        assert!(text.lines().all(|line| !line.starts_with("ftrack-user")), "{text}");
    }

    #[test]
    fn fields_that_are_no_texts_or_too_large_are_refused() {
        for text in ["", "[]", "\"a\"", "{\"a\": 1}", "{\"a\": [null]}", "{\"a\": {\"b\": \"c\"}}"] {
            assert_eq!(fields(text).unwrap_err().code, Code::InvalidJson, "{text}");
        }
        let large = format!("{{\"a\": \"{}\"}}", "x".repeat(policy::FORM_LIMIT));
        assert_eq!(fields(&large).unwrap_err().code, Code::InvalidArgument);
    }
}
