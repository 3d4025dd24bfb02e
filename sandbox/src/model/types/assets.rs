//! Assets and their versions.

use crate::model::attribute::{
    boolean, computed, datetime, id, integer, key, many, mapped, metadata, one, part_of, sql, text, through,
};
use crate::model::{Computed, Default, EntityType, Fill, OnDelete, Scalar};

pub fn types() -> Vec<EntityType> {
    vec![asset_type(), asset(), asset_version(), asset_version_link(), version_status_change()]
}

fn asset_type() -> EntityType {
    EntityType::new(
        "AssetType",
        "asset_type",
        vec![
            id().alias("typeid"),
            text("name").required(),
            text("short").required(),
            text("component").default(Default::Text("main")),
            many("assets", "Asset", "type_id"),
        ],
    )
}

fn asset() -> EntityType {
    EntityType::new(
        "Asset",
        "asset",
        vec![
            id().alias("assetid"),
            text("name"),
            key("type_id", "AssetType").on_delete(OnDelete::Refuse).alias("typeid"),
            part_of("context_id", "Context"),
            part_of("project_id", "Project").fill(Fill::ProjectOf("context_id")),
            one("type", "AssetType", "type_id"),
            one("parent", "Context", "context_id"),
            one("project", "Project", "project_id"),
            many("versions", "AssetVersion", "asset_id"),
            sql(
                "latest_version_id",
                Scalar::Text,
                "(SELECT v.id FROM asset_version v WHERE v.asset_id = {t}.id ORDER BY v.version DESC LIMIT 1)",
            )
            .hidden(),
            one("latest_version", "AssetVersion", "latest_version_id").immutable(),
            mapped("custom_attributes", "AssetCustomAttributeValue", "entity_id").alias("custom_attribute_values"),
            metadata(),
        ],
    )
    .always(&["context_id"])
}

fn asset_version() -> EntityType {
    EntityType::new(
        "AssetVersion",
        "asset_version",
        vec![
            id().alias("versionid"),
            part_of("asset_id", "Asset").alias("assetid"),
            integer("version").fill(Fill::NextVersion),
            text("comment").default(Default::Text("")),
            boolean("is_published").default(Default::Boolean(true)).required().alias("ispublished"),
            datetime("date").fill(Fill::Now),
            key("status_id", "Status")
                .required()
                .on_delete(OnDelete::Refuse)
                .fill(Fill::VersionStatus)
                .alias("statusid"),
            key("task_id", "TypedContext").alias("taskid"),
            key("user_id", "User").fill(Fill::Caller).alias("userid"),
            key("thumbnail_id", "Component").alias("thumbid"),
            part_of("project_id", "Project").fill(Fill::ProjectOf("asset_id")),
            one("asset", "Asset", "asset_id"),
            one("status", "Status", "status_id"),
            one("task", "Task", "task_id"),
            one("user", "User", "user_id"),
            one("thumbnail", "Component", "thumbnail_id"),
            one("project", "Project", "project_id"),
            many("components", "Component", "version_id"),
            many("notes", "Note", "parent_id"),
            many("review_session_objects", "ReviewSessionObject", "version_id").alias("reviewSessionObjects"),
            many("status_changes", "AssetVersionStatusChange", "parent_id"),
            many("incoming_links", "AssetVersionLink", "to_id"),
            many("outgoing_links", "AssetVersionLink", "from_id"),
            through("uses_versions", "AssetVersion", "AssetVersionLink", "to_id", "from_id").alias("usesversions"),
            through("used_in_versions", "AssetVersion", "AssetVersionLink", "from_id", "to_id")
                .alias("usedinversions"),
            through("lists", "AssetVersionList", "ListObject", "entity_id", "list_id").alias("_lists"),
            sql(
                "is_latest_version",
                Scalar::Boolean,
                "NOT EXISTS (SELECT 1 FROM asset_version v WHERE v.asset_id = {t}.asset_id AND v.version > {t}.version)",
            ),
            computed("link", Computed::Link).alias("_api_link"),
            computed("thumbnail_url", Computed::ThumbnailUrl),
            mapped("custom_attributes", "AssetVersionCustomAttributeValue", "entity_id")
                .alias("custom_attribute_values"),
            metadata(),
        ],
    )
    .always(&["asset_id"])
}

/// `from` is used in `to`.
fn asset_version_link() -> EntityType {
    EntityType::new(
        "AssetVersionLink",
        "asset_version_link",
        vec![
            id(),
            part_of("from_id", "AssetVersion").required().alias("linkedversionid"),
            part_of("to_id", "AssetVersion").required().alias("versionid"),
            one("from", "AssetVersion", "from_id").alias("linked_version"),
            one("to", "AssetVersion", "to_id").alias("version"),
            metadata(),
        ],
    )
    .projects(&["id", "from_id", "to_id"])
}

fn version_status_change() -> EntityType {
    EntityType::new(
        "AssetVersionStatusChange",
        "asset_version_status_change",
        super::workflow::status_change_attributes("AssetVersion"),
    )
}
