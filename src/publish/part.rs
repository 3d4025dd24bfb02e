//! A component of a publish, and the file that its bytes come from.

use super::ids::Slot;
use crate::session::Source;
use crate::session::event::Component;
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

/// A component that is there, and becomes the version's.
#[derive(Clone, Debug)]
pub struct Attached {
    /// ftrack's type of it.
    pub entity_type: &'static str,
    /// What it is called.
    pub component: Component,
}
