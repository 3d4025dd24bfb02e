//! Custom attributes: what they are, and their values on entities.

use crate::model::attribute::{boolean, id, integer, key, many, one, part_of, sql, text};
use crate::model::{Attribute, Default, EntityType, Fill, Kind, Scalar};

pub fn types() -> Vec<EntityType> {
    let mut types = vec![
        EntityType::new(
            "CustomAttributeType",
            "custom_attribute_type",
            vec![
                id().alias("typeid"),
                text("name"),
                boolean("core").default(Default::Boolean(false)).required(),
                text("form_config").alias("formconfig"),
                many("custom_attribute_configurations", "CustomAttributeConfiguration", "type_id").alias("variables"),
            ],
        ),
        EntityType::new(
            "CustomAttributeGroup",
            "custom_attribute_group",
            vec![
                id(),
                text("name"),
                many("custom_attribute_configurations", "CustomAttributeConfiguration", "group_id"),
            ],
        )
        .alias("AttributeGroup")
        .projects(&["id", "name"]),
        configuration(),
    ];
    for (name, table) in [
        ("ContextCustomAttributeValue", "context_custom_attribute_value"),
        ("AssetCustomAttributeValue", "asset_custom_attribute_value"),
        ("AssetVersionCustomAttributeValue", "asset_version_custom_attribute_value"),
        ("UserCustomAttributeValue", "user_custom_attribute_value"),
        ("ListCustomAttributeValue", "list_custom_attribute_value"),
    ] {
        types.push(value(name, table));
    }
    types
}

fn configuration() -> EntityType {
    EntityType::new(
        "CustomAttributeConfiguration",
        "custom_attribute_configuration",
        vec![
            id().alias("registerid"),
            text("key"),
            text("label"),
            text("entity_type").alias("entity"),
            Attribute::new("default", Kind::Variable).default(Default::Text("")).alias("casted_default"),
            text("config").required().fill(Fill::Text("{}")),
            integer("sort").default(Default::Integer(0)),
            boolean("core").default(Default::Boolean(false)).required(),
            boolean("is_hierarchical").default(Default::Boolean(false)).alias("ishierarchical"),
            key("type_id", "CustomAttributeType").alias("typeid"),
            key("group_id", "CustomAttributeGroup").alias("groupid"),
            key("object_type_id", "ObjectType").alias("entity_key"),
            part_of("project_id", "Project").alias("topid"),
            one("type", "CustomAttributeType", "type_id"),
            one("group", "CustomAttributeGroup", "group_id"),
            one("object_type", "ObjectType", "object_type_id"),
        ],
    )
    .alias("Variable_Register")
}

/// Clients write values by update, whether they were set before or not (Python client, custom_attribute.rst).
fn value(name: &'static str, table: &'static str) -> EntityType {
    EntityType::new(
        name,
        table,
        vec![
            part_of("configuration_id", "CustomAttributeConfiguration").required().immutable().alias("register_id"),
            text("entity_id").required().immutable(),
            Attribute::new("value", Kind::Variable).alias("casted_value"),
            sql(
                "key",
                Scalar::Text,
                "(SELECT c.key FROM custom_attribute_configuration c WHERE c.id = {t}.configuration_id)",
            ),
            one("configuration", "CustomAttributeConfiguration", "configuration_id").alias("register"),
        ],
    )
    .key(&["configuration_id", "entity_id"])
    .projects(&["configuration_id", "entity_id", "key"])
    .always(&["entity_id", "key"])
    .upserted()
}
