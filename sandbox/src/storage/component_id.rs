//! The id of a component, checked.

use uuid::Uuid;

use super::error::StorageError;

/// A component id that is known to be a UUID, and so is safe as a file name and as a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ComponentId(String);

impl ComponentId {
    /// Accepts the dashed form of a UUID only, in either case.
    pub(super) fn parse(text: &str) -> Result<ComponentId, StorageError> {
        match Uuid::try_parse(text) {
            Ok(id) if text.len() == 36 => Ok(ComponentId(id.hyphenated().to_string())),
            _ => Err(StorageError::bad_request(
                "InvalidArgument",
                format!("the component id '{text}' is not a UUID such as 3a372bde-05bc-11e4-8908-20c9d081909b"),
            )),
        }
    }

    /// Lower case and dashed.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
