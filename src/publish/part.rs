//! A component of a publish, and the file that its bytes come from.

use super::ids::Slot;
use crate::session::Source;
use serde_json::Value;
use std::sync::Arc;

/// A file that becomes a component.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it is of the publish.
    pub slot: Slot,
    /// The component's name.
    pub name: String,
    /// The extension that fits the content, with its dot.
    pub file_type: String,
    /// The open file.
    pub source: Arc<Source>,
    /// What ftrack's player is told of it.
    pub meta: Option<Value>,
}
