//! The server's job: found, read and understood.

use crate::ftrack::query::Order;
use crate::ftrack::{Client, Filter, Query, quote};
use crate::publish::work::Work;
use crate::session::{Class, Result};
use serde_json::Value;

/// So many of a user's latest jobs are looked through where the server does not search in what jobs say.
const LATEST: u32 = 200;

/// A job of the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub id: String,
    pub status: Status,
    /// In the server's word.
    pub state: String,
    /// Ids of the components that it makes.
    pub outputs: Vec<String>,
    /// The image among them.
    pub image: Option<String>,
    data: Value,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Waiting,
    Done,
    Failed,
}

impl Job {
    /// One of which nothing is known yet.
    pub fn asked(id: &str) -> Job {
        Job::read(&serde_json::json!({"id": id, "status": "queued"}))
    }

    fn read(row: &Value) -> Job {
        // JSON as text; what is none is what the server says.
        let data = match &row["data"] {
            Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| row["data"].clone()),
            other => other.clone(),
        };
        let output = || data["output"].as_array().into_iter().flatten();
        let id = |output: &Value| output["component_id"].as_str().map(str::to_owned);
        let is_image = |output: &&Value| output["format"].as_str().is_some_and(|format| format.starts_with("image/"));
        let state = row["status"].as_str().unwrap_or_default().to_owned();
        Job {
            id: row["id"].as_str().unwrap_or_default().to_owned(),
            status: match state.as_str() {
                "done" => Status::Done,
                "failed" => Status::Failed,
                _ => Status::Waiting,
            },
            state,
            outputs: output().filter_map(id).collect(),
            image: output().find(is_image).and_then(id),
            data,
        }
    }

    /// Why it failed, in the server's words: where they stand is documented of no job of this kind, so it is looked for.
    pub fn said(&self, work: &Work) -> String {
        let words = ["error", "message", "exception", "description", "content"];
        let found = words.iter().find_map(|word| match &self.data[word] {
            Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
            Value::Object(object) => Some(Value::Object(object.clone()).to_string()),
            _ => None,
        });
        let said = match (found, &self.data) {
            (Some(said), _) => said,
            (None, Value::String(text)) if !text.trim().is_empty() => text.clone(),
            _ => return "it does not say why".to_owned(),
        };
        quote::clause(&said, work.log.redactor())
    }
}

const ATTRIBUTES: [&str; 3] = ["id", "status", "data"];

/// The job with this id.
pub async fn read(work: &Work, id: &str) -> Result<Option<Job>> {
    let query = Query::select(&ATTRIBUTES, "Job").filter(Filter::equals("id", id));
    Ok(work.client().query(&query).await?.first().map(Job::read))
}

/// The job that encodes this publish's source, by what it says. One that has failed is of a try that was told so.
pub async fn find(work: &Work) -> Result<Option<Job>> {
    let source = &work.ids.component;
    let jobs = match search(work.client(), source).await {
        Err(error) if error.code.class() == Class::Server && error.details.exception.is_some() => {
            latest(work.client()).await?
        }
        found => found?,
    };
    let is_of_source = |row: &&Value| Job::read(row).data["source_component_id"] == **source;
    Ok(jobs.iter().filter(is_of_source).map(Job::read).find(|job| job.status != Status::Failed))
}

async fn search(client: &Client, source: &str) -> Result<Vec<Value>> {
    client.query(&Query::select(&ATTRIBUTES, "Job").filter(Filter::contains("data", source))).await
}

async fn latest(client: &Client) -> Result<Vec<Value>> {
    let own = Filter::has("user", Filter::equals("username", client.api_user()));
    let jobs = Query::select(&ATTRIBUTES, "Job").filter(own).order_by("created_at", Order::Descending).limit(LATEST);
    client.query(&jobs).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_job_is_understood_whatever_it_says() {
        let data = json!({"output": [{"format": "video/mp4", "component_id": "m"}, {"format": "image/jpeg", "component_id": "i"}],
            "source_component_id": "s", "keep_original": false});
        let job = Job::read(&json!({"id": "j", "status": "running", "data": data.to_string()}));
        assert_eq!((job.status, job.outputs.len(), job.image.as_deref()), (Status::Waiting, 2, Some("i")));
        assert_eq!(job.data["source_component_id"], "s");
        for data in [json!(null), json!("no JSON"), json!("[]"), json!(7), json!({"output": 7})] {
            let job = Job::read(&json!({"id": "j", "status": "failed", "data": data}));
            assert_eq!((job.status, job.outputs.len()), (Status::Failed, 0));
        }
    }
}
