//! The entity types, one file a subject. A type stands after the one it extends.

mod assets;
mod components;
mod contexts;
mod custom;
mod notes;
mod people;
mod review;
mod workflow;

use super::EntityType;

/// Every entity type.
pub fn all() -> Vec<EntityType> {
    [
        workflow::types(),
        people::types(),
        contexts::types(),
        assets::types(),
        components::types(),
        notes::types(),
        review::types(),
        custom::types(),
    ]
    .concat()
}
