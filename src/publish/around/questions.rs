//! What is asked to turn names into ids: with the context what depends on nothing, and what depends on the project after it.

use super::wanted::Around;
use crate::ftrack::query::Order;
use crate::ftrack::{Filter, Operation, Query, rows};
use crate::session::Result;
use serde_json::Value;
use std::collections::HashMap;

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum About {
    /// The version's user, and the note's author.
    User,
    Labels,
    UsedVersions,
    Attributes,
    TaskStatuses,
    Task,
    Lists,
    ListCategories,
    ReviewSessions,
    Invitees,
    /// Statuses for versions, where they did not come with the context.
    VersionStatuses,
    /// What a version has that gets new media.
    Components,
}

/// Questions that go in one request.
#[derive(Default)]
pub struct Questions(Vec<(About, Query)>);

/// Their answers.
#[derive(Default)]
pub struct Answers {
    rows: HashMap<About, Vec<Value>>,
    names: HashMap<String, String>,
}

impl Questions {
    /// One more.
    pub fn ask(&mut self, about: About, query: Query) {
        self.0.push((about, query));
    }

    /// As they are sent.
    pub fn operations(&self) -> Vec<Operation> {
        self.0.iter().map(|(_, query)| Operation::query(query)).collect()
    }

    /// Reads as many results as there are questions.
    pub fn read(&self, results: Vec<Value>) -> Result<Answers> {
        let mut answers = Answers::default();
        results.iter().for_each(|result| answers.note_names(result));
        for ((about, _), result) in self.0.iter().zip(results) {
            answers.rows.insert(*about, rows(result)?);
        }
        Ok(answers)
    }
}

impl Answers {
    /// The entities that were found.
    pub fn of(&self, about: About) -> &[Value] {
        self.rows.get(&about).map(Vec::as_slice).unwrap_or_default()
    }

    /// The name of an entity: servers tell it once in an answer and only the id where it comes again (official JavaScript
    /// client, `_mergeEntity`).
    pub fn name<'a>(&'a self, row: &'a Value) -> Option<&'a str> {
        row["name"].as_str().or_else(|| self.names.get(row["id"].as_str()?).map(String::as_str))
    }

    /// Also of what came with an earlier request.
    pub fn and(mut self, other: Answers) -> Answers {
        self.rows.extend(other.rows);
        self.names.extend(other.names);
        self
    }

    fn note_names(&mut self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.note_names(value)),
            Value::Object(object) => {
                if let (Some(Value::String(id)), Some(Value::String(name))) = (object.get("id"), object.get("name")) {
                    self.names.insert(id.clone(), name.clone());
                }
                object.values().for_each(|value| self.note_names(value));
            }
            _ => {}
        }
    }
}

/// What can be asked together with the context.
pub fn ask_first(around: &Around, api_user: &str) -> Questions {
    let mut questions = Questions::default();
    // A note has its author's id in it, also where that is the user of the key (a server's query_schemas, Note).
    let user = around.user.as_deref().or_else(|| around.note.as_ref().map(|_| api_user));
    if let Some(user) = user {
        let filter = Filter::equals("id", user).or(Filter::equals("username", user));
        questions.ask(About::User, Query::select(&["id", "username"], "User").filter(filter));
    }
    if around.note.as_ref().is_some_and(|note| !note.labels.is_empty()) {
        questions.ask(About::Labels, Query::select(&["id", "name"], "NoteLabel"));
    }
    if !around.uses_versions.is_empty() {
        let filter = Filter::within("id", &around.uses_versions);
        questions.ask(About::UsedVersions, Query::select(&["id"], "AssetVersion").filter(filter));
    }
    if !around.custom_attributes.is_empty() {
        let attributes = ["id", "key", "project_id", "type.name"];
        let filter = Filter::equals("entity_type", "assetversion");
        questions.ask(About::Attributes, Query::select(&attributes, "CustomAttributeConfiguration").filter(filter));
    }
    questions
}

/// What can be asked when the context is known.
pub fn ask_then(around: &Around, project_id: &str, task_id: Option<&str>) -> Questions {
    let mut questions = Questions::default();
    if let (Some(_), Some(task_id)) = (&around.task_status, task_id) {
        let statuses = [
            "project_schema.task_workflow_schema.statuses.name",
            "project_schema.task_workflow_schema_overrides.type_id",
            "project_schema.task_workflow_schema_overrides.workflow_schema.statuses.name",
        ];
        let project = Query::select(&statuses, "Project").filter(Filter::equals("id", project_id));
        questions.ask(About::TaskStatuses, project);
        let task = Query::select(&["id", "type_id", "status_id"], "Task").filter(Filter::equals("id", task_id));
        questions.ask(About::Task, task);
    }
    let in_project = || Filter::equals("project_id", project_id);
    if !around.lists.is_empty() {
        let filter = Filter::within("id", &around.lists).or(Filter::within("name", &around.lists));
        let lists = Query::select(&["id", "name"], "AssetVersionList").filter(in_project()).filter(filter);
        // Where there are two of one name, every publish takes the same.
        questions.ask(About::Lists, lists.order_by("id", Order::Ascending));
        if around.create_lists {
            let categories = Query::select(&["id", "name"], "ListCategory").order_by("name", Order::Ascending);
            questions.ask(About::ListCategories, categories.limit(1));
        }
    }
    if let Some(review) = &around.review {
        let is_it = || Filter::equals("id", &review.session).or(Filter::equals("name", &review.session));
        let sessions = Query::select(&["id", "name"], "ReviewSession").filter(in_project()).filter(is_it());
        questions.ask(About::ReviewSessions, sessions);
        if !review.invitees.is_empty() {
            let filter = Filter::has("review_session", in_project().and(is_it()));
            let attributes = ["id", "email", "last_sent_at", "review_session_id"];
            questions.ask(About::Invitees, Query::select(&attributes, "ReviewSessionInvitee").filter(filter));
        }
    }
    questions
}
