//! What to say when a name is unknown: which part, and what there is instead.

use super::context::Context;
use crate::ftrack::query::Order;
use crate::ftrack::{Client, Filter, Query};
use crate::session::{Code, Error};
use serde_json::Value;

/// So many names fit in a message that is still read.
const NAMES: u32 = 12;

/// An unknown name, with those there are.
pub fn unknown_name(code: Code, argument: &str, wanted: &str, mut known: Vec<String>) -> Error {
    known.sort();
    known.dedup();
    let known = if known.is_empty() { "there are none".to_owned() } else { format!("there are: {}", known.join(", ")) };
    Error::new(code, format!("{argument}: \"{wanted}\" is unknown; {known}"))
}

/// Finds out which part of a context is unknown. Only asked when the publish has failed already, so it may take requests.
pub async fn unknown_context(client: &Client, context: &Context) -> Error {
    let unknown = |message: String| Error::new(Code::UnknownContext, message);
    let Context::Names(project, below) = context else {
        return unknown(format!(
            "context: there is no task, shot, project or version with {context} that this user may see: check the id, and that it is of this server"
        ));
    };
    let plain = || unknown(format!("context: {context} is not on the server, or this user may not see it"));
    let by_name = Filter::equals("name", project).or(Filter::equals("full_name", project));
    let mut parent = match first(client, Query::select(&["id"], "Project").filter(by_name)).await {
        Ok(Some(id)) => id,
        Ok(None) => {
            let all = Query::select(&["name"], "Project").order_by("name", Order::Ascending).limit(NAMES);
            return told(client, all, None, project).await.unwrap_or_else(plain);
        }
        Err(_) => return plain(),
    };
    let mut path = project.clone();
    for name in below {
        let child = Filter::equals("parent_id", &parent).and(Filter::equals("name", name));
        match first(client, Query::select(&["id"], "TypedContext").filter(child)).await {
            Ok(Some(id)) => parent = id,
            Ok(None) => {
                let all = Query::select(&["name"], "TypedContext")
                    .filter(Filter::equals("parent_id", &parent))
                    .order_by("name", Order::Ascending)
                    .limit(NAMES);
                return told(client, all, Some(&path), name).await.unwrap_or_else(plain);
            }
            Err(_) => return plain(),
        }
        path = format!("{path}/{name}");
    }
    // Everything is there now: it was created meanwhile.
    plain()
}

async fn first(client: &Client, query: Query) -> crate::session::Result<Option<String>> {
    let rows = client.query(&query.limit(1)).await?;
    Ok(rows.first().and_then(|row| row["id"].as_str()).map(str::to_owned))
}

async fn told(client: &Client, names: Query, parent: Option<&str>, wanted: &str) -> Option<Error> {
    let rows: Vec<Value> = client.query(&names).await.ok()?;
    let names: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    let there = match names.len() {
        0 => "there is nothing, or nothing that this user may see".to_owned(),
        count if count >= NAMES as usize => format!("there are: {} and more", names.join(", ")),
        _ => format!("there are: {}", names.join(", ")),
    };
    let message = match parent {
        Some(parent) => format!("context: there is no \"{wanted}\" in \"{parent}\"; {there}"),
        None if wanted.contains(['\\', '.', ':']) => {
            format!("context: there is no project \"{wanted}\"; names are separated by /, and {there}")
        }
        None => format!("context: there is no project \"{wanted}\"; {there}"),
    };
    Some(Error::new(Code::UnknownContext, message))
}
