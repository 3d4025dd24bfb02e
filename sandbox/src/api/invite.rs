//! `send_review_session_invite`, and the addresses of those who are invited.

use rusqlite::types::Value as SqlValue;
use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};

use super::batch::{Batch, text};
use super::changes;
use super::write::Columns;
use crate::error::{ApiError, ApiResult};
use crate::mails::{Mail, is_address};
use crate::model::{EntityType, model};
use crate::value::now;

/// Notes that the invitee was written to; the mail itself goes when the batch has passed.
pub fn send(batch: &mut Batch<'_>, operation: &Value) -> ApiResult<Value> {
    let id = text(operation, "review_session_invitee_id")?;
    let sql = "SELECT i.email, i.name, s.id, s.name FROM review_session_invitee i \
               JOIN review_session s ON s.id = i.review_session_id WHERE i.id = ?1";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Mail {
            to: row.get(0)?,
            name: row.get(1)?,
            invitee_id: id.to_owned(),
            review_session_id: row.get(2)?,
            review_session: row.get(3)?,
        })
    };
    let found = batch.connection.prepare_cached(sql)?.query_row([id], read).optional()?;
    let mail = found.ok_or_else(|| {
        ApiError::validation(format!(
            "There is no ReviewSessionInvitee with the id {id:?}: commit it before it is invited."
        ))
    })?;
    refuse(&mail.to)?;
    if let Some(entity) = model().entity("ReviewSessionInvitee") {
        changes::touching(batch, entity, &[id.to_owned()], false)?;
    }
    let sql = "UPDATE review_session_invitee SET last_sent_at = ?1 WHERE id = ?2";
    batch.connection.execute(sql, params![now(), id])?;
    batch.mails.push(mail);
    Ok(json!({"action": "send_review_session_invite", "sent": true}))
}

/// Refuses an invitee whom nothing could be sent to.
pub fn check_address(entity: &EntityType, columns: &Columns) -> ApiResult<()> {
    match columns.iter().find(|(attribute, _)| entity.name == "ReviewSessionInvitee" && attribute.name == "email") {
        Some((_, SqlValue::Text(address))) => refuse(address),
        _ => Ok(()),
    }
}

fn refuse(address: &str) -> ApiResult<()> {
    let message =
        || format!("ReviewSessionInvitee.email has to be an address such as name@example.com, not {address:?}.");
    if is_address(address) { Ok(()) } else { Err(ApiError::validation(message())) }
}
