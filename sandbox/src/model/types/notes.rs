//! Notes, and jobs.

use crate::model::attribute::{
    boolean, computed, datetime, id, integer, key, many, metadata, one, part_of, sql, text, through,
};
use crate::model::{Attribute, Computed, Default, EntityType, Fill, Kind, Scalar};

pub fn types() -> Vec<EntityType> {
    vec![
        note(),
        // Categories and labels are two names for the same rows.
        EntityType::new("NoteCategory", "note_category", category()).alias("NoteCategory"),
        EntityType::new("NoteLabel", "note_category", category()).alias("NoteCategory"),
        EntityType::new(
            "NoteLabelLink",
            "note_label_link",
            vec![
                part_of("note_id", "Note").required().immutable(),
                part_of("label_id", "NoteLabel").required().immutable(),
                one("note", "Note", "note_id"),
                one("label", "NoteLabel", "label_id"),
            ],
        )
        .key(&["note_id", "label_id"]),
        note_component("NoteComponent"),
        note_component("NoteAnnotationComponent").extends("NoteComponent"),
        EntityType::new(
            "Recipient",
            "recipient",
            vec![
                part_of("note_id", "Note").required().immutable(),
                part_of("resource_id", "Resource").required().immutable(),
                text("text_mentioned"),
                one("note", "Note", "note_id").alias("recipient_note"),
                one("recipient", "Resource", "resource_id").alias("recipient_resource"),
                one("user", "User", "resource_id"),
            ],
        )
        .key(&["note_id", "resource_id"]),
        EntityType::new(
            "Job",
            "job",
            vec![
                id().alias("jobid"),
                text("type").default(Default::Text("api_job")).required().immutable(),
                text("status")
                    .default(Default::Text("queued"))
                    .required()
                    .choices(&["queued", "running", "done", "failed"]),
                Attribute::new("data", Kind::Json),
                datetime("created_at").fill(Fill::Now),
                datetime("finished_at"),
                part_of("user_id", "User").fill(Fill::Caller).alias("userid"),
                one("user", "User", "user_id"),
                many("job_components", "JobComponent", "job_id"),
            ],
        ),
        EntityType::new(
            "JobComponent",
            "job_component",
            vec![
                part_of("component_id", "Component").required().immutable(),
                part_of("job_id", "Job").required().immutable(),
                one("component", "Component", "component_id"),
                one("job", "Job", "job_id"),
                computed("url", Computed::MediaUrl),
            ],
        )
        .key(&["component_id", "job_id"]),
    ]
}

fn note() -> EntityType {
    EntityType::new(
        "Note",
        "note",
        vec![
            id().alias("noteid"),
            text("content").alias("text"),
            text("parent_id"),
            text("parent_type"),
            boolean("is_todo").default(Default::Boolean(false)),
            integer("frame_number"),
            datetime("date").fill(Fill::Now),
            datetime("completed_at"),
            sql(
                "thread_activity",
                Scalar::DateTime,
                "coalesce((SELECT max(r.date) FROM note r WHERE r.in_reply_to_id = {t}.id), {t}.\"date\")",
            )
            .alias("triggerdate"),
            part_of("user_id", "BaseUser").required().fill(Fill::Caller).alias("userid"),
            part_of("in_reply_to_id", "Note").alias("noteparentid"),
            part_of("project_id", "Project").fill(Fill::ProjectOf("parent_id")),
            key("category_id", "NoteCategory").alias("categoryid"),
            key("completed_by_id", "User"),
            one("author", "BaseUser", "user_id").alias("user"),
            one("in_reply_to", "Note", "in_reply_to_id").alias("noteparent"),
            one("project", "Project", "project_id"),
            one("category", "NoteCategory", "category_id"),
            one("completed_by", "User", "completed_by_id"),
            many("replies", "Note", "in_reply_to_id").alias("notes"),
            many("note_components", "NoteComponent", "note_id"),
            many("note_label_links", "NoteLabelLink", "note_id"),
            many("recipients", "Recipient", "note_id").alias("note_recipients"),
            through("labels", "NoteLabel", "NoteLabelLink", "note_id", "label_id").hidden(),
            metadata(),
        ],
    )
}

fn category() -> Vec<Attribute> {
    vec![id().alias("categoryid"), text("name"), text("color"), integer("sort").default(Default::Integer(0))]
}

fn note_component(name: &'static str) -> EntityType {
    let mut attributes = vec![
        part_of("component_id", "Component").required().immutable(),
        part_of("note_id", "Note").required().immutable(),
        sql("thumbnail_id", Scalar::Text, "{t}.\"component_id\"").hidden(),
        one("component", "Component", "component_id"),
        one("note", "Note", "note_id"),
        computed("url", Computed::MediaUrl),
        computed("thumbnail_url", Computed::ThumbnailUrl),
    ];
    if name == "NoteAnnotationComponent" {
        attributes.push(Attribute::new("data", Kind::Variable));
    }
    EntityType::new(name, "note_component", attributes).key(&["component_id", "note_id"])
}
