//! Review sessions, and lists.

use crate::model::attribute::{
    boolean, computed, datetime, id, integer, key, many, mapped, number, one, part_of, sql, text, through,
};
use crate::model::{Computed, Default, EntityType, Fill, Scalar};

/// What a reviewer may say of a version (legacy client, tests/test_review.py).
const ANSWERS: &[&str] = &["approved", "require_changes"];

pub fn types() -> Vec<EntityType> {
    vec![
        EntityType::new(
            "ReviewSessionFolder",
            "review_session_folder",
            vec![
                id(),
                text("name").required(),
                part_of("project_id", "Project").required(),
                one("project", "Project", "project_id"),
                many("review_sessions", "ReviewSession", "review_session_folder_id"),
            ],
        ),
        review_session(),
        review_session_object(),
        review_session_invitee(),
        EntityType::new(
            "ReviewSessionObjectStatus",
            "review_session_object_status",
            vec![
                id(),
                text("status").choices(ANSWERS),
                datetime("created_at").required().fill(Fill::Now),
                part_of("review_session_object_id", "ReviewSessionObject"),
                part_of("review_session_invitee_id", "ReviewSessionInvitee"),
                part_of("resource_id", "Resource"),
                one("review_session_object", "ReviewSessionObject", "review_session_object_id")
                    .alias("reviewSessionObject"),
                one("invitee", "ReviewSessionInvitee", "review_session_invitee_id"),
                one("resource", "Resource", "resource_id"),
            ],
        )
        .always(&["review_session_object_id"]),
        EntityType::new(
            "ReviewSessionObjectAnnotation",
            "review_session_object_annotation",
            vec![
                id(),
                part_of("review_session_object_id", "ReviewSessionObject").required(),
                integer("frame_number"),
                text("data"),
                one("review_session_object", "ReviewSessionObject", "review_session_object_id"),
            ],
        ),
        EntityType::new(
            "ListCategory",
            "list_category",
            vec![id().alias("typeid"), text("name"), many("lists", "List", "category_id")],
        )
        .alias("ListType"),
        list(),
        EntityType::new(
            "AssetVersionList",
            "list",
            vec![
                text("system_type").default(Default::Text("assetversion")).immutable().alias("entity"),
                through("items", "AssetVersion", "ListObject", "list_id", "entity_id").alias("_asset_version_items"),
            ],
        )
        .extends("List")
        .alias("List")
        .classified_by("system_type", "assetversion"),
        EntityType::new(
            "TypedContextList",
            "list",
            vec![
                text("system_type").default(Default::Text("task")).immutable().alias("entity"),
                through("items", "TypedContext", "ListObject", "list_id", "entity_id"),
            ],
        )
        .extends("List")
        .alias("List")
        .classified_by("system_type", "task"),
        EntityType::new(
            "ListObject",
            "list_object",
            vec![
                id(),
                text("entity_id").required().alias("entityid"),
                part_of("list_id", "List").required().alias("listid"),
                one("list", "List", "list_id"),
            ],
        )
        .projects(&["id", "entity_id", "list_id"]),
    ]
}

fn review_session() -> EntityType {
    EntityType::new(
        "ReviewSession",
        "review_session",
        vec![
            id(),
            text("name").default(Default::Text("New review session")).required(),
            text("description").default(Default::Text("")).required(),
            datetime("start_date").required().fill(Fill::Now).alias("start"),
            datetime("end_date").required().fill(Fill::Now).alias("end"),
            datetime("created_at").required().fill(Fill::Now),
            key("created_by_id", "User").required().fill(Fill::Caller).alias("created_by"),
            part_of("project_id", "Project").required(),
            key("review_session_folder_id", "ReviewSessionFolder"),
            key("thumbnail_source_id", "Component"),
            text("availability"),
            text("passphrase"),
            boolean("passphrase_enabled").fill(Fill::False),
            boolean("is_moderated").fill(Fill::False),
            boolean("shareable_url_enabled").fill(Fill::False),
            sql(
                "is_open",
                Scalar::Boolean,
                "strftime('%Y-%m-%dT%H:%M:%S', 'now') BETWEEN {t}.start_date AND {t}.end_date",
            ),
            sql("thumbnail_id", Scalar::Text, "{t}.thumbnail_source_id"),
            one("created_by", "User", "created_by_id").alias("createdBy"),
            one("project", "Project", "project_id"),
            one("review_session_folder", "ReviewSessionFolder", "review_session_folder_id"),
            many("review_session_objects", "ReviewSessionObject", "review_session_id").alias("reviewSessionObjects"),
            many("review_session_invitees", "ReviewSessionInvitee", "review_session_id").alias("reviewSessionInvitees"),
            computed("thumbnail_url", Computed::ThumbnailUrl),
        ],
    )
}

fn review_session_object() -> EntityType {
    EntityType::new(
        "ReviewSessionObject",
        "review_session_object",
        vec![
            id(),
            text("name").default(Default::Text("")).required(),
            text("description").default(Default::Text("")).required(),
            text("version").default(Default::Text("")).required(),
            part_of("version_id", "AssetVersion").required(),
            part_of("review_session_id", "ReviewSession").required(),
            datetime("created_at").required().fill(Fill::Now),
            number("sort_order").required().fill(Fill::Zero),
            one("asset_version", "AssetVersion", "version_id").alias("assetVersion"),
            one("review_session", "ReviewSession", "review_session_id").alias("reviewSession"),
            many("notes", "Note", "parent_id"),
            many("statuses", "ReviewSessionObjectStatus", "review_session_object_id"),
            many("annotations", "ReviewSessionObjectAnnotation", "review_session_object_id"),
        ],
    )
    .always(&["review_session_id"])
}

fn review_session_invitee() -> EntityType {
    EntityType::new(
        "ReviewSessionInvitee",
        "review_session_invitee",
        vec![
            id(),
            text("name").required(),
            text("email").required(),
            part_of("review_session_id", "ReviewSession").required(),
            part_of("resource_id", "Resource"),
            datetime("created_at").required().fill(Fill::Now),
            datetime("last_sent_at"),
            key("created_by_id", "User").required().fill(Fill::Caller).alias("created_by"),
            boolean("created_from_shared_url").immutable().fill(Fill::False),
            one("review_session", "ReviewSession", "review_session_id").alias("reviewSession"),
            one("created_by", "User", "created_by_id").alias("createdBy"),
            one("resource", "Resource", "resource_id"),
            many("statuses", "ReviewSessionObjectStatus", "review_session_invitee_id"),
        ],
    )
    .always(&["review_session_id"])
}

fn list() -> EntityType {
    EntityType::new(
        "List",
        "list",
        vec![
            id().alias("listid"),
            text("name").default(Default::Text("")),
            boolean("is_open").default(Default::Boolean(true)).required().alias("isopen"),
            text("system_type").default(Default::Text("task")).alias("entity"),
            datetime("date").fill(Fill::Now),
            key("category_id", "ListCategory").required().fill(Fill::First("ListCategory")).alias("typeid"),
            part_of("project_id", "Project").required().alias("showid"),
            key("user_id", "User").fill(Fill::Caller).alias("userid"),
            one("category", "ListCategory", "category_id").alias("type"),
            one("project", "Project", "project_id").alias("show"),
            one("owner", "User", "user_id").alias("user"),
            mapped("custom_attributes", "ListCustomAttributeValue", "entity_id").alias("custom_attribute_values"),
        ],
    )
    .always(&["project_id"])
}
