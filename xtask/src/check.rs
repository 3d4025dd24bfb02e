//! Whether a publish arrived: what the server says about it, and its bytes.

use serde_json::Value;

use crate::api::Api;
use crate::shell::{Outcome, root};

const SERVER_LOCATION: &str = "3a372bde-05bc-11e4-8908-20c9d081909b";

/// Something to publish, and what must be on the server afterwards.
pub struct Publication {
    /// The file, from the repository's root.
    pub path: &'static str,
    /// The thumbnail's file; a still is its own.
    pub thumbnail: Option<&'static str>,
    /// Project, sequence, shot and task.
    pub context: &'static str,
    /// The asset's name.
    pub asset: &'static str,
    /// The version's comment.
    pub comment: &'static str,
    /// The version's status.
    pub status: &'static str,
    /// The name by which the player knows the component.
    pub component: &'static str,
    /// What the player is told about the file, as JSON.
    pub ftr_meta: &'static str,
}

/// One thing that was looked at.
pub struct Check {
    what: String,
    /// Why it is not as it should be.
    pub failure: Option<String>,
}

/// What checking one publish found.
#[derive(Default)]
pub struct Report {
    /// Everything that was looked at.
    pub checks: Vec<Check>,
    /// The version's id, when there is one.
    pub version: Option<String>,
}

/// Looks at everything a reviewer and a player need.
pub fn check(api: &Api, wanted: &Publication) -> Report {
    let mut report = Report::default();
    let version = match find_version(api, wanted) {
        Ok(version) => version,
        Err(failure) => {
            report.note(format!("{}: one version", wanted.path), Err(failure));
            return report;
        }
    };
    let id = text(&version["id"]).to_owned();
    let described = format!("version {} of \"{}\" on {}", version["version"], wanted.asset, wanted.context);
    report.note(format!("{described}, with its comment and status"), check_version(&version, wanted));
    match find_component(api, &id, wanted) {
        Ok(component) => check_component(&mut report, api, &component, wanted),
        Err(failure) => report.note(format!("one component {}", wanted.component), Err(failure)),
    }
    report.note("thumbnail".into(), check_thumbnail(api, text(&version["thumbnail_id"]), wanted));
    report.version = Some(id);
    report
}

impl Report {
    fn note(&mut self, what: String, result: Outcome) {
        self.checks.push(Check { what, failure: result.err() });
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.failure {
            None => write!(f, "ok      {}", self.what),
            Some(failure) => write!(f, "FAILED  {}: {failure}", self.what),
        }
    }
}

/// The asset is new, so a second version of it would be a publish done twice.
fn find_version(api: &Api, wanted: &Publication) -> Outcome<Value> {
    api.query_one(&format!(
        "select id, version, comment, is_published, thumbnail_id, status.name, task.name, task.parent.name, \
         task.parent.parent.name, task.project.name, asset.parent.name from AssetVersion where asset.name is \"{}\"",
        wanted.asset
    ))
}

fn check_version(version: &Value, wanted: &Publication) -> Outcome {
    let task = &version["task"];
    let shot = &task["parent"];
    let context = [&task["project"], &shot["parent"], shot, task].map(|entity| text(&entity["name"])).join("/");
    same("the task", &context, wanted.context)?;
    same("the asset's parent", text(&version["asset"]["parent"]["name"]), text(&shot["name"]))?;
    same("the comment", text(&version["comment"]), wanted.comment)?;
    same("the status", text(&version["status"]["name"]), wanted.status)?;
    same("is_published", &version["is_published"].to_string(), "true")
}

fn find_component(api: &Api, version: &str, wanted: &Publication) -> Outcome<Value> {
    api.query_one(&format!(
        "select id, name, file_type, size from FileComponent where version_id is \"{version}\" and name is \"{}\"",
        wanted.component
    ))
}

fn check_component(report: &mut Report, api: &Api, component: &Value, wanted: &Publication) {
    let id = text(&component["id"]);
    report.note(format!("component {} in ftrack.server", wanted.component), check_location(api, id));
    report.note(format!("ftr_meta {}", wanted.ftr_meta), check_meta(api, id, wanted));
    let size = &component["size"];
    report.note(format!("its {size} bytes are those of {}", wanted.path), check_bytes(api, id, size, wanted));
}

fn check_location(api: &Api, component: &str) -> Outcome {
    let location = api.query_one(&format!(
        "select location_id, resource_identifier from ComponentLocation where component_id is \"{component}\""
    ))?;
    same("its location", text(&location["location_id"]), SERVER_LOCATION)?;
    same("its resource_identifier", text(&location["resource_identifier"]), component)
}

fn check_meta(api: &Api, component: &str, wanted: &Publication) -> Outcome {
    let found = api
        .query_one(&format!("select value from Metadata where parent_id is \"{component}\" and key is \"ftr_meta\""))?;
    let parse =
        |json: &str| serde_json::from_str::<Value>(json).map_err(|error| format!("{json:?} is no JSON: {error}"));
    let (found, expected) = (parse(text(&found["value"]))?, parse(wanted.ftr_meta)?);
    if found == expected { Ok(()) } else { Err(format!("the server has {found}")) }
}

fn check_bytes(api: &Api, component: &str, size: &Value, wanted: &Publication) -> Outcome {
    let sent = read(wanted.path)?;
    same("the size", &size.to_string(), &sent.len().to_string())?;
    compare(&api.download(component)?, &sent)
}

/// A given thumbnail arrives as it is; otherwise there is one, and it can be shown.
fn check_thumbnail(api: &Api, id: &str, wanted: &Publication) -> Outcome {
    if id.is_empty() {
        return Err("the version has none".into());
    }
    match wanted.thumbnail {
        Some(path) => compare(&api.download(id)?, &read(path)?),
        None if api.get(&format!("/component/thumbnail?id={id}&size=300"))?.is_empty() => Err("it is empty".into()),
        None => Ok(()),
    }
}

fn compare(received: &[u8], sent: &[u8]) -> Outcome {
    if received == sent {
        return Ok(());
    }
    let first = received.iter().zip(sent).position(|(a, b)| a != b).unwrap_or(received.len().min(sent.len()));
    Err(format!("{} bytes came back for {}, and they differ from byte {first} on", received.len(), sent.len()))
}

fn same(what: &str, found: &str, expected: &str) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("{what} is {found:?}, not {expected:?}")) }
}

fn read(path: &str) -> Outcome<Vec<u8>> {
    std::fs::read(root().join(path)).map_err(|error| format!("cannot read {path}: {error}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
