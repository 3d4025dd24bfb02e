//! Values between JSON and SQLite, checked against the attribute they belong to.

use rusqlite::types::{Value as SqlValue, ValueRef};
use serde_json::{Value, json};
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Iso8601;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

use crate::error::{ApiError, ApiResult};
use crate::model::{Attribute, EntityType, Kind, Scalar};

/// Times as they are stored and answered: UTC, without an offset, to the second.
const TIME: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

/// The time now, as it is stored.
pub fn now() -> String {
    format_time(OffsetDateTime::now_utc())
}

/// A value for a column from what a client sent.
pub fn to_sql(entity: &EntityType, attribute: &Attribute, value: &Value) -> ApiResult<SqlValue> {
    let wrong = |expected: &str| {
        ApiError::validation(format!("{}.{} has to be {expected}, not {value}.", entity.name, attribute.name))
    };
    let sql = match (attribute.kind, value) {
        (_, Value::Null) => SqlValue::Null,
        (Kind::Variable, value) => SqlValue::Text(value.to_string()),
        (Kind::Text | Kind::Key { .. }, Value::String(text)) => SqlValue::Text(text.clone()),
        (Kind::Json, Value::String(text)) => {
            serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|_| wrong("text that is JSON"))?;
            SqlValue::Text(text.clone())
        }
        (Kind::Integer, value) => SqlValue::Integer(whole_number(value).ok_or_else(|| wrong("a whole number"))?),
        (Kind::Number, value) => SqlValue::Real(any_number(value).ok_or_else(|| wrong("a number"))?),
        (Kind::Boolean, Value::Bool(value)) => SqlValue::Integer(i64::from(*value)),
        (Kind::DateTime, value) => {
            let text = if value["__type__"].is_string() { &value["value"] } else { value };
            let time = text.as_str().and_then(parse_time).ok_or_else(|| wrong("a time such as 2026-01-31T12:00:00"))?;
            SqlValue::Text(time)
        }
        (Kind::Boolean, _) => return Err(wrong("true or false")),
        _ => return Err(wrong("text")),
    };
    if let (false, SqlValue::Text(text)) = (attribute.choices.is_empty(), &sql)
        && !attribute.choices.contains(&text.as_str())
    {
        return Err(wrong(&format!("one of {}", attribute.choices.join(", "))));
    }
    Ok(sql)
}

/// A column's value as clients get it.
pub fn to_json(attribute: &Attribute, value: ValueRef<'_>) -> Value {
    match (attribute.kind, value) {
        (_, ValueRef::Null | ValueRef::Blob(_)) => Value::Null,
        (Kind::Boolean | Kind::Sql { yields: Scalar::Boolean, .. }, ValueRef::Integer(number)) => json!(number != 0),
        (_, ValueRef::Integer(number)) => json!(number),
        (_, ValueRef::Real(number)) => json!(number),
        (kind, ValueRef::Text(bytes)) => {
            let text = String::from_utf8_lossy(bytes);
            match kind {
                Kind::DateTime | Kind::Sql { yields: Scalar::DateTime, .. } => {
                    json!({"__type__": "datetime", "value": text})
                }
                Kind::Variable => serde_json::from_str(&text).unwrap_or(Value::Null),
                _ => json!(text),
            }
        }
    }
}

/// A word of a query expression as a value to compare the attribute with; `None` when it cannot be one.
pub fn literal_to_sql(kind: Kind, text: &str) -> Option<SqlValue> {
    match kind {
        Kind::Integer | Kind::Number | Kind::Sql { yields: Scalar::Number, .. } => {
            let whole = text.parse().map(SqlValue::Integer);
            whole.or_else(|_| text.parse().map(SqlValue::Real)).ok()
        }
        Kind::Boolean | Kind::Sql { yields: Scalar::Boolean, .. } => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(SqlValue::Integer(1)),
            "false" | "0" => Some(SqlValue::Integer(0)),
            _ => None,
        },
        Kind::DateTime | Kind::Sql { yields: Scalar::DateTime, .. } => parse_time(text).map(SqlValue::Text),
        Kind::Variable => {
            let is_json = serde_json::from_str::<Value>(text).is_ok_and(|value| !value.is_object());
            Some(SqlValue::Text(if is_json { text.to_owned() } else { json!(text).to_string() }))
        }
        _ => Some(SqlValue::Text(text.to_owned())),
    }
}

/// A time with or without an offset or a time of day, in the form it is stored in. Without an offset it is UTC.
fn parse_time(text: &str) -> Option<String> {
    let text = text.trim().replacen(' ', "T", 1);
    let text = if text.len() == "2026-01-31".len() { format!("{text}T00:00:00") } else { text };
    let with_offset = OffsetDateTime::parse(&text, &Iso8601::DEFAULT).ok();
    let utc = with_offset.or_else(|| Some(PrimitiveDateTime::parse(&text, &Iso8601::DEFAULT).ok()?.assume_utc()))?;
    Some(format_time(utc.to_offset(UtcOffset::UTC)))
}

fn format_time(time: OffsetDateTime) -> String {
    // The format has no part that a time lacks, so formatting cannot fail.
    time.format(TIME).unwrap_or_default()
}

/// Clients send 0 as `"0"` where the server would take 0 for nothing (AYON, integrate_ftrack_api.py).
fn whole_number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => {
            number.as_i64().or_else(|| number.as_f64().filter(|n| n.fract() == 0.0).map(|n| n as i64))
        }
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn any_number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_stored_in_utc_whatever_form_they_come_in() {
        for (text, stored) in [
            ("2026-01-31", "2026-01-31T00:00:00"),
            ("2026-01-31T12:30:00", "2026-01-31T12:30:00"),
            ("2026-01-31 12:30:00", "2026-01-31T12:30:00"),
            ("2026-01-31T12:30:00.250Z", "2026-01-31T12:30:00"),
            ("2026-01-31T12:30:00+02:00", "2026-01-31T10:30:00"),
        ] {
            assert_eq!(parse_time(text).as_deref(), Some(stored), "{text}");
        }
        for text in ["", "yesterday", "2026-13-01", "2026-01-31T25:00:00"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
