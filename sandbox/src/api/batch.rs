//! A batch: one transaction over all its operations.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use serde_json::{Map, Value, json};

use super::ahead::Ahead;
use super::changes::{self, Changes};
use super::{delete, information, invite, relations, search, upload, write};
use crate::auth::Caller;
use crate::encoding::{self, Queued};
use crate::error::{ApiError, ApiResult, Exception};
use crate::hub::update::{self, Origin};
use crate::mails::Mail;
use crate::model::schemas::schemas;
use crate::model::{EntityType, model, tables};
use crate::query::{self, Environment};
use crate::state::AppState;
use crate::storage::MultipartUpload;

/// What the operations of one batch share.
pub struct Batch<'a> {
    /// The transaction.
    pub connection: &'a Connection,
    /// The server's parts.
    pub state: &'a AppState,
    /// Who asks.
    pub caller: &'a Caller,
    /// What answers depend on.
    pub environment: Environment<'a>,
    /// The ids made by this batch.
    pub created: HashSet<String>,
    /// Collections that name entities which were not there yet: clients may create those later in the batch.
    pub unfinished: Vec<relations::Unfinished>,
    /// Tables and keys of rows that went because a collection does not name them any more. The Python client deletes
    /// them as well.
    pub released: HashSet<(&'static str, Vec<String>)>,
    /// What is told over the event hub; `None` when nobody is there to be told.
    pub changes: Option<Changes>,
    /// Jobs that begin when the batch has passed.
    pub encodings: Vec<Queued>,
    /// What is sent when the batch has passed.
    pub mails: Vec<Mail>,
    /// The upload that was begun for the operation that runs.
    pub upload: Option<MultipartUpload>,
}

/// What a batch came to.
pub struct Done {
    /// The answers, in order.
    pub results: Vec<Value>,
    /// Components that are deleted and whose media are still there.
    pub removed: Vec<String>,
}

/// Runs the operations. `ahead` is what was done before the transaction.
pub fn run(
    state: &AppState,
    connection: &mut Connection,
    caller: &Caller,
    origin: &Origin,
    operations: &[Value],
    mut ahead: Ahead,
    exact: bool,
) -> ApiResult<Done> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut batch = Batch {
        connection: &transaction,
        state,
        caller,
        environment: Environment { storage: &state.storage, exact },
        created: HashSet::new(),
        unfinished: Vec::new(),
        released: HashSet::new(),
        changes: (state.hub.connections() > 0).then(Changes::default),
        encodings: Vec::new(),
        mails: Vec::new(),
        upload: None,
    };
    let mut results = Vec::with_capacity(operations.len());
    for (index, operation) in operations.iter().enumerate() {
        batch.upload = ahead.uploads.remove(&index);
        results.push(match ahead.answers.remove(&index) {
            Some(result) => result,
            None => batch.operate(operation)?,
        });
    }
    relations::finish(&mut batch)?;
    let changed = changes::entities(&batch)?;
    let name = if changed.is_empty() { String::new() } else { display_name(&batch)? };
    let (encodings, mails) = (std::mem::take(&mut batch.encodings), std::mem::take(&mut batch.mails));
    drop(batch);
    transaction.commit()?;
    encodings.into_iter().for_each(Queued::send);
    mails.into_iter().for_each(|mail| state.mails.send(mail));
    // Still with the database's only connection in hand: events come in the order of the commits.
    update::publish(&state.hub, caller, &name, origin, &changed);
    // The batch has passed: what cannot be told now is told after the next one.
    Ok(Done { results, removed: tables::removed_components(connection).unwrap_or_default() })
}

/// What the caller is called in events.
fn display_name(batch: &Batch<'_>) -> ApiResult<String> {
    let sql = "SELECT coalesce(nullif(trim(concat_ws(' ', first_name, last_name)), ''), username, '') FROM resource \
               WHERE id = ?1";
    Ok(batch.connection.query_row(sql, [&batch.caller.id], |row| row.get(0)).optional()?.unwrap_or_default())
}

impl Batch<'_> {
    fn operate(&mut self, operation: &Value) -> ApiResult<Value> {
        let action = text(operation, "action")?;
        match action {
            "query_server_information" => information::answer(self, operation),
            "query_schemas" => Ok(json!(schemas())),
            "query" => self.query(text(operation, "expression")?),
            "search" => search::search(self, operation),
            "create" => self.writing(action, |batch| write::create(batch, operation)),
            "update" => self.writing(action, |batch| write::update(batch, operation)),
            "delete" => self.writing(action, |batch| delete::delete(batch, operation)),
            "get_upload_metadata" => self.writing(action, |batch| upload::metadata(batch, operation)),
            "encode_media" => self.writing(action, |batch| encoding::request::encode_media(batch, operation)),
            "send_review_session_invite" => self.writing(action, |batch| invite::send(batch, operation)),
            _ => Err(ApiError::new(Exception::InvalidAction, format!("Invalid action u'{action}'"))),
        }
    }

    fn query(&self, expression: &str) -> ApiResult<Value> {
        let found = query::run(self.connection, &self.environment, &query::parse(expression)?)?;
        Ok(json!({"action": "query", "data": found.entities, "metadata": {"next": {"offset": found.next_offset}}}))
    }

    fn writing(&mut self, action: &str, work: impl FnOnce(&mut Self) -> ApiResult<Value>) -> ApiResult<Value> {
        allow_writing(self.caller, action)?;
        work(self)
    }
}

/// Refuses callers who may only read.
pub fn allow_writing(caller: &Caller, action: &str) -> ApiResult<()> {
    let message =
        || format!("The user {:?} may only read: {action} needs a security role that may write.", caller.username);
    if caller.can_write { Ok(()) } else { Err(ApiError::new(Exception::Permission, message())) }
}

/// A field that has to be text.
pub fn text<'v>(operation: &'v Value, name: &str) -> ApiResult<&'v str> {
    let message = || format!("An operation needs {name:?} as text, not {}.", operation[name]);
    operation[name].as_str().ok_or_else(|| ApiError::validation(message()))
}

/// The entity type an operation is about.
pub fn entity_type(operation: &Value) -> ApiResult<&'static EntityType> {
    let name = text(operation, "entity_type")?;
    model().entity(name).ok_or_else(|| ApiError::validation(format!("There is no entity type {name:?}.")))
}

/// The entity data of an operation.
pub fn entity_data(operation: &Value) -> ApiResult<&Map<String, Value>> {
    let message = || format!("An operation needs \"entity_data\" as an object, not {}.", operation["entity_data"]);
    operation["entity_data"].as_object().ok_or_else(|| ApiError::validation(message()))
}

/// The values of the primary key in `entity_key`: an array, or a single value where the key has one attribute.
pub fn entity_key(entity: &EntityType, operation: &Value) -> ApiResult<Vec<String>> {
    let given = &operation["entity_key"];
    let values = given.as_array().map_or(std::slice::from_ref(given), Vec::as_slice);
    let key: Option<Vec<String>> = values.iter().map(key_text).collect();
    key.filter(|key| key.len() == entity.primary_key.len()).ok_or_else(|| {
        let names = entity.primary_key.join(", ");
        ApiError::validation(format!("\"entity_key\" of {} has to be [{names}], not {given}.", entity.name))
    })
}

/// A value of a primary key as text.
pub fn key_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
