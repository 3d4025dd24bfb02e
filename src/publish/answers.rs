//! Reading the server's answers.

use crate::session::{Code, Error, Result};
use serde_json::Value;

/// An attribute that must be there.
pub fn text(row: &Value, key: &str) -> Result<String> {
    row[key].as_str().map(str::to_owned).ok_or_else(|| malformed(key))
}

/// What is said when it is not.
pub fn malformed(what: &str) -> Error {
    Error::new(
        Code::MalformedAnswer,
        format!(
            "the server left out what is needed to publish ({what}): ask its administrator whether it is an ftrack \
             server of version 4 or later"
        ),
    )
}
