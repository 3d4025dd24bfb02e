//! Components, and where their data are.

use crate::model::attribute::{computed, id, integer, key, many, metadata, one, part_of, text};
use crate::model::{Computed, Default, EntityType, Fill};

pub fn types() -> Vec<EntityType> {
    vec![
        component(),
        EntityType::new("FileComponent", "component", vec![]).extends("Component").classified_by("system_type", "file"),
        EntityType::new("ContainerComponent", "component", vec![many("members", "Component", "container_id")])
            .extends("Component")
            .classified_by("system_type", "container"),
        // A container of the frames of a sequence.
        EntityType::new(
            "SequenceComponent",
            "component",
            vec![integer("padding").default(Default::Integer(0)).required()],
        )
        .extends("ContainerComponent")
        .classified_by("system_type", "sequence"),
        location(),
        component_location(),
        metadata_type(),
    ]
}

fn component() -> EntityType {
    EntityType::new(
        "Component",
        "component",
        vec![
            id(),
            text("name").default(Default::Text("main")).required(),
            text("file_type").alias("filetype"),
            integer("size").default(Default::Integer(0)),
            text("system_type").required().fill(Fill::Text("file")),
            part_of("version_id", "AssetVersion"),
            part_of("container_id", "ContainerComponent"),
            one("version", "AssetVersion", "version_id"),
            one("container", "ContainerComponent", "container_id"),
            many("component_locations", "ComponentLocation", "component_id"),
            metadata(),
        ],
    )
    .only_extended()
    .projects(&["id", "system_type"])
    .always(&["system_type", "version_id"])
}

fn location() -> EntityType {
    EntityType::new(
        "Location",
        "location",
        vec![
            id(),
            text("name").required(),
            text("label"),
            text("description"),
            many("location_components", "ComponentLocation", "location_id"),
        ],
    )
}

fn component_location() -> EntityType {
    EntityType::new(
        "ComponentLocation",
        "component_location",
        vec![
            id(),
            part_of("component_id", "Component"),
            key("location_id", "Location"),
            text("resource_identifier").alias("resourceIdentifier"),
            one("component", "Component", "component_id"),
            one("location", "Location", "location_id"),
            computed("url", Computed::MediaUrl),
        ],
    )
    .always(&["location_id", "component_id"])
}

/// A key and a value on any entity.
fn metadata_type() -> EntityType {
    EntityType::new(
        "Metadata",
        "metadata",
        vec![
            text("parent_id").required().immutable().alias("meta_id"),
            text("key").required().immutable().alias("variable"),
            text("value").required(),
            text("parent_type").required().alias("meta_type"),
        ],
    )
    .alias("Meta")
    .key(&["parent_id", "key"])
    .projects(&["parent_id", "key", "value", "parent_type"])
}
