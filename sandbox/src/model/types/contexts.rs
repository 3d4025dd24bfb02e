//! Projects and what is below them.

use crate::model::attribute::{
    boolean, computed, datetime, id, integer, key, many, mapped, metadata, number, one, part_of, sql, text, through,
};
use crate::model::{Attribute, Computed, Default, EntityType, Fill, NO_PRIORITY, OnDelete, Scalar, object_types};

pub fn types() -> Vec<EntityType> {
    let mut types = vec![context(), project(), typed_context()];
    types.extend([
        typed("Task", object_types::TASK),
        typed("Shot", object_types::SHOT),
        typed("Sequence", object_types::SEQUENCE),
        typed("Folder", object_types::FOLDER),
        typed("AssetBuild", object_types::ASSET_BUILD),
        typed("Milestone", object_types::MILESTONE),
        typed("Episode", object_types::EPISODE),
    ]);
    types.extend([
        EntityType::new(
            "TypedContextLink",
            "typed_context_link",
            vec![
                id(),
                part_of("from_id", "TypedContext").required(),
                part_of("to_id", "TypedContext").required(),
                one("from", "TypedContext", "from_id").alias("fromTask"),
                one("to", "TypedContext", "to_id").alias("toTask"),
                metadata(),
            ],
        )
        .alias("Dependency")
        .projects(&["id", "from_id", "to_id"]),
        EntityType::new(
            "Disk",
            "disk",
            vec![
                id().alias("diskid"),
                text("name").required(),
                text("windows"),
                text("unix"),
                many("projects", "Project", "disk_id").alias("shows"),
            ],
        ),
        EntityType::new(
            "Event",
            "event",
            vec![
                integer("id").required().immutable().alias("socialid"),
                text("action"),
                text("insert"),
                text("data"),
                text("parent_type"),
                text("parent_id"),
                part_of("project_id", "Project").alias("showid"),
                key("user_id", "User").alias("userid"),
                datetime("created_at").fill(Fill::Now),
                one("project", "Project", "project_id").alias("show"),
                one("user", "User", "user_id"),
            ],
        )
        .alias("SocialEvent")
        .always(&["project_id"]),
    ]);
    types
}

/// What projects and everything below them have.
fn context() -> EntityType {
    EntityType::new(
        "Context",
        "context",
        vec![
            id(),
            text("name").default(Default::Text("")).required(),
            text("context_type").required().fill(Fill::Text("task")),
            part_of("parent_id", "Context"),
            part_of("project_id", "Project").fill(Fill::ProjectOf("parent_id")),
            key("thumbnail_id", "Component").alias("thumbid"),
            datetime("created_at").immutable().fill(Fill::Now),
            key("created_by_id", "User").immutable().fill(Fill::Caller).alias("created_by"),
            one("parent", "Context", "parent_id"),
            one("created_by", "User", "created_by_id").immutable().alias("createdBy"),
            one("thumbnail", "Component", "thumbnail_id"),
            many("children", "Context", "parent_id"),
            many("assets", "Asset", "context_id"),
            many("notes", "Note", "parent_id"),
            many("appointments", "Appointment", "context_id").alias("context_appointments"),
            many("assignments", "Appointment", "context_id").alias("context_assignments"),
            many("allocations", "Appointment", "context_id").alias("context_allocations"),
            computed("link", Computed::Link).alias("_api_link"),
            computed("thumbnail_url", Computed::ThumbnailUrl),
            mapped("custom_attributes", "ContextCustomAttributeValue", "entity_id").alias("custom_attribute_values"),
        ],
    )
    .only_extended()
    .projects(&["context_type", "id", "name"])
    .always(&["context_type"])
}

fn project() -> EntityType {
    EntityType::new(
        "Project",
        "context",
        vec![
            text("context_type").required().fill(Fill::Text("show")),
            part_of("project_id", "Project").fill(Fill::ProjectOf("id")),
            text("full_name").alias("fullname"),
            text("status").required().fill(Fill::Text("active")).choices(&["active", "hidden"]),
            text("color"),
            text("root"),
            boolean("is_global").default(Default::Boolean(false)).required().alias("isglobal"),
            boolean("is_private").default(Default::Boolean(false)).alias("private"),
            datetime("start_date").alias("startdate"),
            datetime("end_date").alias("enddate"),
            key("disk_id", "Disk").alias("diskid"),
            key("project_schema_id", "ProjectSchema")
                .required()
                .on_delete(OnDelete::Refuse)
                .fill(Fill::First("ProjectSchema"))
                .alias("projectschemeid"),
            one("disk", "Disk", "disk_id"),
            one("project_schema", "ProjectSchema", "project_schema_id").alias("projectscheme"),
            many("descendants", "TypedContext", "project_id"),
            many("review_sessions", "ReviewSession", "project_id").alias("reviewSessions"),
            metadata(),
        ],
    )
    .extends("Context")
    .alias("Show")
}

/// What everything below a project has.
fn typed_context() -> EntityType {
    EntityType::new(
        "TypedContext",
        "context",
        vec![
            text("description"),
            part_of("project_id", "Project").fill(Fill::ProjectOf("parent_id")).alias("showid"),
            number("sort").required().fill(Fill::Zero),
            number("bid").required().fill(Fill::Zero),
            datetime("start_date").alias("startdate"),
            datetime("end_date").alias("enddate"),
            key("object_type_id", "ObjectType").required().on_delete(OnDelete::Refuse).alias("object_typeid"),
            key("type_id", "Type").required().on_delete(OnDelete::Refuse).fill(Fill::First("Type")).alias("typeid"),
            key("status_id", "Status")
                .required()
                .on_delete(OnDelete::Refuse)
                .fill(Fill::First("Status"))
                .alias("statusid"),
            key("priority_id", "Priority")
                .required()
                .on_delete(OnDelete::Refuse)
                .fill(Fill::First("Priority"))
                .alias("priorityid"),
            one("object_type", "ObjectType", "object_type_id").alias("objectType"),
            one("type", "Type", "type_id"),
            one("status", "Status", "status_id"),
            one("priority", "Priority", "priority_id"),
            one("project", "Project", "project_id").alias("show"),
            Attribute::new("ancestors", crate::model::Kind::Ancestors),
            Attribute::new("descendants", crate::model::Kind::Descendants),
            many("incoming_links", "TypedContextLink", "to_id").alias("predecessors"),
            many("outgoing_links", "TypedContextLink", "from_id").alias("successors"),
            many("status_changes", "TypedContextStatusChange", "parent_id"),
            through("lists", "TypedContextList", "ListObject", "entity_id", "list_id").alias("_lists"),
            metadata(),
            sql("time_logged", Scalar::Number, "0.0"),
            sql("bid_time_logged_difference", Scalar::Number, "{t}.\"bid\""),
        ],
    )
    .extends("Context")
    .alias("Task")
    .always(&["project_id", "context_type"])
}

/// A typed context of one object type.
fn typed(name: &'static str, object_type: &'static str) -> EntityType {
    let object_type_id = key("object_type_id", "ObjectType")
        .required()
        .immutable()
        .on_delete(OnDelete::Refuse)
        .default(Default::Text(object_type))
        .alias("object_typeid");
    let priority_id = key("priority_id", "Priority")
        .required()
        .on_delete(OnDelete::Refuse)
        .default(Default::Text(NO_PRIORITY))
        .alias("priorityid");
    EntityType::new(name, "context", vec![object_type_id, priority_id])
        .extends("TypedContext")
        .alias("Task")
        .classified_by("object_type_id", object_type)
}
