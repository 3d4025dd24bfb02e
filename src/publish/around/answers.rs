//! Names and what the server has by them.

use super::questions::{About, Answers};
use super::wanted::{Around, Invitee, is_same_address};
use crate::ftrack::query::Order;
use crate::ftrack::{Client, Filter, Query};
use crate::publish::answers::text;
use crate::publish::ids;
use crate::publish::resolve_help::unknown_name;
use crate::session::{Code, Error, Result};
use serde_json::Value;

/// What a host asked for, by id.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Whose version it is, if somebody was named.
    pub user_id: Option<String>,
    /// Whose note it is.
    pub author_id: Option<String>,
    pub task_status_id: Option<String>,
    /// By the id of their configuration.
    pub attributes: Vec<(String, Value)>,
    pub label_ids: Vec<String>,
    pub lists: Vec<List>,
    pub review: Option<Session>,
}

/// A list of versions.
#[derive(Clone, Debug)]
pub struct List {
    pub id: String,
    pub name: String,
    /// It is not there yet, and is to be of this category.
    pub to_create: Option<String>,
}

/// A review session.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: String,
    pub name: String,
    /// It is not there yet.
    pub to_create: bool,
    pub invitees: Vec<Guest>,
}

/// Somebody who is to see it.
#[derive(Clone, Debug)]
pub struct Guest {
    pub invitee: Invitee,
    /// They are in the review session already.
    pub there: Option<Seat>,
}

/// What the server has of them.
#[derive(Clone, Debug)]
pub struct Seat {
    pub id: String,
    /// They were sent a mail.
    pub was_invited: bool,
}

/// What names mean, or what is unknown.
pub async fn learn(
    client: &Client,
    around: &Around,
    answers: &Answers,
    project_id: &str,
    task_id: Option<&str>,
) -> Result<Surroundings> {
    let user = answers.of(About::User).first().map(|row| text(row, "id")).transpose()?;
    if let (Some(wanted), None) = (&around.user, &user) {
        let message = format!(
            "user: \"{wanted}\" is nobody on the server, or nobody whom this user may see: give a username as in the \
             user's profile, or an id"
        );
        return Err(Error::new(Code::UnknownUser, message));
    }
    used_versions(around, answers)?;
    Ok(Surroundings {
        user_id: around.user.as_ref().and(user.clone()),
        author_id: user,
        task_status_id: task_status(around, answers, task_id)?,
        attributes: attributes(around, answers, project_id)?,
        label_ids: labels(around, answers)?,
        lists: lists(client, around, answers, project_id).await?,
        review: review(client, around, answers, project_id).await?,
    })
}

fn is(row: &Value, key: &str, wanted: &str) -> bool {
    row[key].as_str().is_some_and(|value| value.to_lowercase() == wanted.to_lowercase())
}

fn names(answers: &Answers, rows: &[Value]) -> Vec<String> {
    rows.iter().filter_map(|row| answers.name(row).map(str::to_owned)).collect()
}

fn used_versions(around: &Around, answers: &Answers) -> Result<()> {
    let there = answers.of(About::UsedVersions);
    match around.uses_versions.iter().find(|id| !there.iter().any(|row| row["id"] == **id)) {
        Some(id) => Err(Error::new(
            Code::UnknownVersion,
            format!("uses_versions: there is no version {id} that this user may see: check the id"),
        )),
        None => Ok(()),
    }
}

/// The workflow of the task's type where it has one of its own, else the project's (official Python client,
/// entity/project_schema.py).
fn task_status(around: &Around, answers: &Answers, task_id: Option<&str>) -> Result<Option<String>> {
    let Some(wanted) = &around.task_status else { return Ok(None) };
    if task_id.is_none() {
        let message = format!(
            "task_status: \"{wanted}\" was given, and the context is no task: give a task as the context, or no task_status"
        );
        return Err(Error::new(Code::NoTask, message));
    }
    let task = answers.of(About::Task).first();
    let type_id = task.and_then(|task| task["type_id"].as_str());
    let schema = answers.of(About::TaskStatuses).first().map(|row| &row["project_schema"]).unwrap_or(&Value::Null);
    let own = schema["task_workflow_schema_overrides"].as_array().into_iter().flatten();
    let mut own = own.filter(|workflow| type_id.is_some() && workflow["type_id"].as_str() == type_id);
    let workflow = own.next().map_or(&schema["task_workflow_schema"], |own| &own["workflow_schema"]);
    let statuses = workflow["statuses"].as_array().map(Vec::as_slice).unwrap_or_default();
    let named = |row: &&Value| answers.name(row).is_some_and(|name| name.to_lowercase() == wanted.to_lowercase());
    match statuses.iter().find(named) {
        Some(status) => text(status, "id").map(Some),
        None => Err(unknown_name(Code::UnknownStatus, "task_status", wanted, names(answers, statuses))),
    }
}

fn attributes(around: &Around, answers: &Answers, project_id: &str) -> Result<Vec<(String, Value)>> {
    let all = answers.of(About::Attributes).iter();
    let here: Vec<&Value> = all.filter(|row| row["project_id"].is_null() || row["project_id"] == project_id).collect();
    let mut found = Vec::new();
    for (key, value) in &around.custom_attributes {
        let with_key = || here.iter().filter(|row| row["key"] == **key);
        // The project's own goes before everybody's.
        let Some(row) = with_key().find(|row| !row["project_id"].is_null()).or_else(|| with_key().next()) else {
            let known = here.iter().filter_map(|row| row["key"].as_str().map(str::to_owned)).collect();
            return Err(unknown_name(Code::UnknownAttribute, "custom_attributes", key, known));
        };
        let kind = answers.name(&row["type"]).unwrap_or_default();
        if let Some(form) = misfit(kind, value) {
            let message =
                format!("custom_attributes: \"{key}\" is of the type {kind}, which {value} is not: give {form}");
            return Err(Error::new(Code::InvalidArgument, message));
        }
        found.push((text(row, "id")?, value.clone()));
    }
    Ok(found)
}

/// What a value should be, where it cannot be of this type. Types that are not known here take anything.
fn misfit(kind: &str, value: &Value) -> Option<&'static str> {
    let fits = match kind {
        _ if value.is_null() => true,
        "text" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "date" => value.is_string() || value.is_object(),
        "enumerator" => value.is_string() || value.is_array(),
        _ => true,
    };
    let form = match kind {
        "boolean" => "true or false",
        "number" => "a number",
        "enumerator" => "a text, or an array of texts",
        _ => "a text",
    };
    (!fits).then_some(form)
}

fn labels(around: &Around, answers: &Answers) -> Result<Vec<String>> {
    let there = answers.of(About::Labels);
    let wanted = around.note.iter().flat_map(|note| &note.labels);
    let label = |wanted: &String| match there.iter().find(|row| is(row, "name", wanted)) {
        Some(row) => text(row, "id"),
        None => Err(unknown_name(Code::UnknownLabel, "note_labels", wanted, names(answers, there))),
    };
    wanted.map(label).collect()
}

async fn lists(client: &Client, around: &Around, answers: &Answers, project_id: &str) -> Result<Vec<List>> {
    let there = answers.of(About::Lists);
    let mut lists: Vec<List> = Vec::new();
    for wanted in &around.lists {
        let found = there.iter().find(|row| is(row, "id", wanted)).or_else(|| {
            let exact = there.iter().find(|row| row["name"] == **wanted);
            exact.or_else(|| there.iter().find(|row| is(row, "name", wanted)))
        });
        let list = match (found, answers.of(About::ListCategories).first()) {
            (Some(row), _) => List { id: text(row, "id")?, name: wanted.clone(), to_create: None },
            (None, Some(category)) => List {
                id: ids::shared("AssetVersionList", &[project_id, wanted]),
                name: wanted.clone(),
                to_create: Some(text(category, "id")?),
            },
            (None, None) => {
                let all = Query::select(&["name"], "AssetVersionList").filter(Filter::equals("project_id", project_id));
                let remedy = "give FTR_PUBLISH_CREATE_LISTS to have it made";
                return Err(unknown(client, all, Code::UnknownList, "lists", wanted, remedy).await);
            }
        };
        // A name and an id may be of one list.
        if !lists.iter().any(|known| known.id == list.id) {
            lists.push(list);
        }
    }
    Ok(lists)
}

async fn review(client: &Client, around: &Around, answers: &Answers, project_id: &str) -> Result<Option<Session>> {
    let Some(wanted) = &around.review else { return Ok(None) };
    let there = answers.of(About::ReviewSessions);
    let by_id = there.iter().find(|row| is(row, "id", &wanted.session));
    let found = match (by_id, there) {
        (Some(row), _) => Some(row),
        (None, [first, second, ..]) => {
            let message = format!(
                "review_session: \"{}\" is the name of {} review sessions of the project: give an id, such as {} or {}",
                wanted.session,
                there.len(),
                first["id"].as_str().unwrap_or_default(),
                second["id"].as_str().unwrap_or_default()
            );
            return Err(Error::new(Code::AmbiguousContext, message));
        }
        (None, there) => there.first(),
    };
    let (id, to_create) = match found {
        Some(row) => (text(row, "id")?, false),
        None if wanted.create => (ids::shared("ReviewSession", &[project_id, &wanted.session]), true),
        None => {
            let all = Query::select(&["name"], "ReviewSession").filter(Filter::equals("project_id", project_id));
            let (code, remedy) = (Code::UnknownReviewSession, "give FTR_PUBLISH_CREATE_REVIEW_SESSION to have it made");
            return Err(unknown(client, all, code, "review_session", &wanted.session, remedy).await);
        }
    };
    let in_it: Vec<&Value> = answers.of(About::Invitees).iter().filter(|row| row["review_session_id"] == *id).collect();
    let guest = |invitee: &Invitee| {
        let of_address =
            |row: &&&Value| row["email"].as_str().is_some_and(|email| is_same_address(email, &invitee.email));
        let seat = |row: &&Value| {
            Some(Seat { id: row["id"].as_str()?.to_owned(), was_invited: !row["last_sent_at"].is_null() })
        };
        Guest { invitee: invitee.clone(), there: in_it.iter().find(of_address).and_then(seat) }
    };
    let invitees = wanted.invitees.iter().map(guest).collect();
    Ok(Some(Session { id, name: wanted.session.clone(), to_create, invitees }))
}

/// An unknown name, with those there are: asked for only when the publish has failed already.
async fn unknown(client: &Client, all: Query, code: Code, argument: &str, wanted: &str, remedy: &str) -> Error {
    const NAMES: u32 = 12;
    let rows = client.query(&all.order_by("name", Order::Ascending).limit(NAMES)).await.unwrap_or_default();
    let known = rows.iter().filter_map(|row| row["name"].as_str().map(str::to_owned)).collect();
    let mut error = unknown_name(code, argument, wanted, known);
    error.message = format!("{}; {remedy}", error.message);
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::around::questions::Questions;
    use serde_json::json;

    #[test]
    fn a_status_that_was_told_before_in_the_same_answer_has_its_name() {
        let mut questions = Questions::default();
        let query = || Query::select(&["id"], "Project");
        questions.ask(About::TaskStatuses, query());
        questions.ask(About::Task, query());
        let statuses = |workflow: Value| json!({"action": "query", "data": [workflow]});
        let results = vec![
            statuses(json!({"id": "p", "project_schema": {
                "task_workflow_schema": {"statuses": [{"id": "s1", "name": "Ready"}, {"id": "s2", "name": "Done"}]},
                "task_workflow_schema_overrides": [{"type_id": "comp", "workflow_schema": {"statuses": [{"id": "s2"}]}}],
            }})),
            statuses(json!({"id": "t", "type_id": "comp"})),
        ];
        let answers = questions.read(results).unwrap();
        let wanted = |status: &str| Around { task_status: Some(status.to_owned()), ..Around::default() };
        assert_eq!(task_status(&wanted("done"), &answers, Some("t")).unwrap().as_deref(), Some("s2"));
        let error = task_status(&wanted("Ready"), &answers, Some("t")).unwrap_err();
        assert_eq!(error.code, Code::UnknownStatus);
        assert!(error.message.contains("there are: Done"), "the workflow of the task's type: {error}");
        assert_eq!(task_status(&wanted("done"), &answers, None).unwrap_err().code, Code::NoTask);
    }

    #[test]
    fn values_that_cannot_be_of_an_attributes_type_are_found() {
        for (kind, value, fits) in [
            ("text", json!("a"), true),
            ("text", json!(1), false),
            ("number", json!(1.5), true),
            ("number", json!("1"), false),
            ("boolean", json!(true), true),
            ("boolean", json!(1), false),
            ("enumerator", json!(["a"]), true),
            ("enumerator", json!(7), false),
            ("dynamic enumerator", json!(7), true),
            ("number", Value::Null, true),
        ] {
            assert_eq!(misfit(kind, &value).is_none(), fits, "{kind} {value}");
        }
    }
}
