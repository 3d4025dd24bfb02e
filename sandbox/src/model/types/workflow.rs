//! Object types, statuses, types, priorities, and the schemas that say which a project uses.

use crate::model::attribute::{boolean, datetime, id, integer, key, many, number, one, part_of, text, through};
use crate::model::{Attribute, Default, EntityType, Fill};

pub fn types() -> Vec<EntityType> {
    vec![
        object_type(),
        EntityType::new(
            "Type",
            "type",
            vec![
                id().alias("typeid"),
                text("name"),
                text("color").default(Default::Text("#510100")).required(),
                integer("sort").default(Default::Integer(0)).required(),
                boolean("is_billable").default(Default::Boolean(true)).required().alias("isbillable"),
                many("tasks", "Task", "type_id"),
                through("task_type_schemas", "TaskTypeSchema", "TaskTypeSchemaType", "type_id", "task_type_schema_id")
                    .alias("schemes"),
            ],
        )
        .alias("TaskType"),
        EntityType::new("State", "state", vec![id().alias("typeid"), text("name"), text("short")]).alias("StatusType"),
        EntityType::new(
            "Status",
            "status",
            vec![
                id().alias("statusid"),
                text("name"),
                text("color"),
                integer("sort").default(Default::Integer(0)),
                boolean("is_active").required().fill(Fill::False).alias("isactive"),
                key("state_id", "State").hidden(),
                one("state", "State", "state_id").alias("statustype"),
                many("tasks", "Task", "status_id"),
            ],
        )
        .alias("TaskStatus"),
        EntityType::new(
            "Priority",
            "priority",
            vec![
                id().alias("priorityid"),
                text("name"),
                text("color"),
                integer("sort").default(Default::Integer(0)),
                number("value").default(Default::Integer(0)),
                many("tasks", "Task", "priority_id"),
            ],
        )
        .alias("PriorityType"),
        project_schema(),
        EntityType::new(
            "WorkflowSchema",
            "workflow_schema",
            vec![
                id().alias("schemeid"),
                text("name").default(Default::Text("Workflow Name")),
                through("statuses", "Status", "WorkflowSchemaStatus", "workflow_schema_id", "status_id"),
                many("overrides", "ProjectSchemaOverride", "workflow_schema_id"),
            ],
        )
        .alias("WorkflowScheme"),
        link(
            "WorkflowSchemaStatus",
            "workflow_schema_status",
            ["workflow_schema_id", "status_id"],
            ["WorkflowSchema", "Status"],
        ),
        EntityType::new(
            "ProjectSchemaOverride",
            "project_schema_override",
            vec![
                id(),
                part_of("project_schema_id", "ProjectSchema"),
                part_of("workflow_schema_id", "WorkflowSchema"),
                part_of("type_id", "Type"),
                one("workflow_schema", "WorkflowSchema", "workflow_schema_id"),
            ],
        )
        .alias("ProjectSchemeOverride"),
        EntityType::new(
            "TaskTypeSchema",
            "task_type_schema",
            vec![
                id().alias("schemeid"),
                text("name"),
                through("types", "Type", "TaskTypeSchemaType", "task_type_schema_id", "type_id"),
            ],
        )
        .alias("TaskTypeScheme"),
        link(
            "TaskTypeSchemaType",
            "task_type_schema_type",
            ["task_type_schema_id", "type_id"],
            ["TaskTypeSchema", "Type"],
        ),
        schema(),
        schema_link("SchemaStatus", "schema_status", "status_id", "task_status", "Status"),
        schema_link("SchemaType", "schema_type", "type_id", "task_type", "Type"),
        EntityType::new(
            "Setting",
            "setting",
            vec![
                text("name").default(Default::Text("default")).required().immutable(),
                text("group").default(Default::Text("default")).required().immutable(),
                text("value").default(Default::Text("default")),
            ],
        )
        .key(&["name", "group"]),
        EntityType::new("StatusChange", "status_change", status_change_attributes("Context")).alias("Trac"),
        EntityType::new(
            "TypedContextStatusChange",
            "typed_context_status_change",
            status_change_attributes("TypedContext"),
        ),
    ]
}

/// The attributes of a record that says who changed the status of a `parent`, and from what to what.
pub fn status_change_attributes(parent: &'static str) -> Vec<Attribute> {
    vec![
        id().alias("tracid"),
        datetime("date").fill(Fill::Now),
        text("parent_type").fill(Fill::Text(parent)),
        part_of("parent_id", parent),
        key("status_id", "Status").alias("statusid"),
        key("from_status_id", "Status"),
        key("user_id", "User").fill(Fill::Caller).alias("userid"),
        one("parent", parent, "parent_id"),
        one("status", "Status", "status_id"),
        one("from_status", "Status", "from_status_id"),
        one("user", "User", "user_id"),
    ]
}

fn object_type() -> EntityType {
    EntityType::new(
        "ObjectType",
        "object_type",
        vec![
            id().alias("typeid"),
            text("name").required(),
            text("icon").default(Default::Text("default")).required(),
            integer("sort").default(Default::Integer(0)).required(),
            boolean("is_leaf").default(Default::Boolean(false)).alias("isleaf"),
            boolean("is_typeable").default(Default::Boolean(true)).required().alias("istypeable"),
            boolean("is_statusable").default(Default::Boolean(true)).required().alias("isstatusable"),
            boolean("is_taskable").default(Default::Boolean(true)).required().alias("istaskable"),
            boolean("is_schedulable").default(Default::Boolean(false)).required().alias("isschedulable"),
            boolean("is_time_reportable").default(Default::Boolean(false)).required().alias("istimereportable"),
            many("tasks", "TypedContext", "object_type_id"),
            through("project_schemas", "ProjectSchema", "Schema", "type_id", "project_schema_id"),
        ],
    )
}

fn project_schema() -> EntityType {
    EntityType::new(
        "ProjectSchema",
        "project_schema",
        vec![
            id().alias("schemeid"),
            text("name"),
            key("task_workflow_schema_id", "WorkflowSchema").alias("taskworkflowid"),
            key("asset_version_workflow_schema_id", "WorkflowSchema").alias("versionworkflowid"),
            key("task_type_schema_id", "TaskTypeSchema").alias("tasktypeschemeid"),
            one("task_workflow_schema", "WorkflowSchema", "task_workflow_schema_id").alias("taskworkflow"),
            one("_task_workflow", "WorkflowSchema", "task_workflow_schema_id").alias("taskworkflow"),
            one("asset_version_workflow_schema", "WorkflowSchema", "asset_version_workflow_schema_id")
                .alias("versionworkflow"),
            one("_version_workflow", "WorkflowSchema", "asset_version_workflow_schema_id").alias("versionworkflow"),
            one("task_type_schema", "TaskTypeSchema", "task_type_schema_id").alias("tasktypescheme"),
            one("_task_type_schema", "TaskTypeSchema", "task_type_schema_id").alias("tasktypescheme"),
            through("object_types", "ObjectType", "Schema", "project_schema_id", "type_id"),
            many("object_type_schemas", "Schema", "project_schema_id").alias("schemas"),
            many("_schemas", "Schema", "project_schema_id").alias("schemas"),
            many("task_workflow_schema_overrides", "ProjectSchemaOverride", "project_schema_id").alias("overrides"),
            many("_overrides", "ProjectSchemaOverride", "project_schema_id").alias("overrides"),
        ],
    )
    .alias("ProjectScheme")
}

/// The statuses and types that a project schema allows for an object type.
fn schema() -> EntityType {
    EntityType::new(
        "Schema",
        "schema",
        vec![
            id(),
            part_of("project_schema_id", "ProjectSchema").required().alias("projectschemeid"),
            part_of("type_id", "ObjectType").required().alias("typeid"),
            crate::model::attribute::sql("object_type_id", crate::model::Scalar::Text, "{t}.\"type_id\"")
                .alias("typeid"),
            many("statuses", "SchemaStatus", "schema_id"),
            many("types", "SchemaType", "schema_id"),
        ],
    )
}

fn schema_link(
    name: &'static str,
    table: &'static str,
    id: &'static str,
    relation: &'static str,
    to: &'static str,
) -> EntityType {
    EntityType::new(
        name,
        table,
        vec![
            part_of("schema_id", "Schema").required().immutable(),
            part_of(id, to).required().immutable(),
            integer("sort").default(Default::Integer(0)),
            one(relation, to, id),
        ],
    )
    .key(&[id, "schema_id"])
}

/// A type that does nothing but link two others.
fn link(name: &'static str, table: &'static str, columns: [&'static str; 2], to: [&'static str; 2]) -> EntityType {
    let attributes =
        vec![part_of(columns[0], to[0]).required().immutable(), part_of(columns[1], to[1]).required().immutable()];
    EntityType::new(name, table, attributes).key(&columns)
}
