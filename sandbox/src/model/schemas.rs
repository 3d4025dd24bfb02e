//! The answer to `query_schemas`, and its hash.

use std::sync::LazyLock;

use md5::{Digest, Md5};
use serde_json::{Map, Value, json};

use super::attribute::Scalar;
use super::{Attribute, Computed, Default, EntityType, Kind, model};

static SCHEMAS: LazyLock<Vec<Value>> = LazyLock::new(|| model().types().iter().map(schema).collect());
static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut text = String::new();
    write_canonical(&Value::Array(SCHEMAS.clone()), &mut text);
    hex::encode(Md5::digest(text))
});

/// The schema of every type.
pub fn schemas() -> &'static [Value] {
    &SCHEMAS
}

/// What clients compare with the schemas they have cached: the MD5 of the schemas' canonical text.
pub fn schema_hash() -> &'static str {
    &HASH
}

fn schema(entity: &EntityType) -> Value {
    let named = |choose: fn(&Attribute) -> bool| -> Vec<&str> {
        entity.attributes.iter().filter(|a| !a.hidden && choose(a)).map(|a| a.name).collect()
    };
    let computed: Vec<&str> =
        entity.attributes.iter().filter(|a| !a.hidden && is_computed(entity, a)).map(|a| a.name).collect();
    let visible = entity.attributes.iter().filter(|attribute| !attribute.hidden);
    let properties: Map<String, Value> = visible.map(|a| (a.name.to_owned(), property(entity, a))).collect();
    let mut schema = json!({
        "id": entity.name,
        "type": "object",
        "properties": properties,
        "primary_key": entity.primary_key,
        "default_projections": entity.default_projections,
        "required": named(|attribute| attribute.required),
        "immutable": named(|attribute| attribute.immutable),
        "computed": computed,
        "system_projections": entity.system_projections,
    });
    match (entity.alias_for, entity.classifier) {
        (Some(alias), Some((attribute, value))) => {
            let column = entity.attribute(attribute).and_then(|a| a.alias).unwrap_or(attribute);
            schema["alias_for"] = json!({"id": alias, "classifiers": {column: value}});
        }
        (Some(alias), None) => schema["alias_for"] = json!(alias),
        _ => {}
    }
    if let Some(base) = entity.extends {
        schema["$mixin"] = json!({"$ref": base});
    }
    schema
}

/// Links are computed too, but real servers do not count them (official schema fixtures).
fn is_computed(entity: &EntityType, attribute: &Attribute) -> bool {
    match attribute.kind {
        Kind::Sql { .. } => true,
        Kind::Computed(what) => what != Computed::Link,
        Kind::One { via, .. } => entity.attribute(via).is_some_and(|via| matches!(via.kind, Kind::Sql { .. })),
        _ => false,
    }
}

fn property(entity: &EntityType, attribute: &Attribute) -> Value {
    let mut property = match attribute.kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Json => json!({"type": "string", "format": "json"}),
        Kind::Variable => json!({"type": "variable"}),
        Kind::Integer => json!({"type": "integer"}),
        Kind::Number => json!({"type": "number"}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::DateTime => json!({"type": "string", "format": "date-time"}),
        Kind::Key { to, .. } => {
            json!({"type": "string", "format": "foreign_key", "description": format!("Foreign key(s): {to}.id")})
        }
        Kind::One { to, .. } => json!({"$ref": to}),
        Kind::Many { to, .. } | Kind::Through { to, .. } => json!({"type": "array", "items": {"$ref": to}}),
        Kind::Ancestors | Kind::Descendants => json!({"type": "array", "items": {"$ref": "TypedContext"}}),
        Kind::Mapped { to, .. } => json!({
            "type": "mapped_array",
            "items": {"$ref": to},
            "key_value_attributes": {"key": "key", "value": "value"},
        }),
        Kind::Sql { yields, .. } => match yields {
            Scalar::Text => json!({"type": "string"}),
            Scalar::Number => json!({"type": "number"}),
            Scalar::Boolean => json!({"type": "boolean"}),
            Scalar::DateTime => json!({"type": "string", "format": "date-time"}),
        },
        Kind::Computed(Computed::Link) => json!({"type": "string"}),
        Kind::Computed(Computed::ThumbnailUrl | Computed::MediaUrl) => json!({"type": "object"}),
    };
    if let Some(default) = attribute.default {
        property["default"] = match default {
            Default::NewId => json!("{uid}"),
            Default::Text(text) => json!(text),
            Default::Integer(number) => json!(number),
            Default::Boolean(value) => json!(value),
        };
    }
    if let Some(alias) = attribute.alias {
        property["alias_for"] = json!(alias);
    }
    if !attribute.choices.is_empty() {
        property["enum"] = json!(attribute.choices);
    }
    // Clients say `FileComponent` where the server stores a table's name (official schema fixtures).
    if attribute.name == "parent_type" && matches!(entity.name, "Metadata" | "Note") {
        property["transform"] = json!({"client": "{schema_id}", "server": "{table_name}"});
    }
    property
}

/// The text Python's `json.dumps(value, sort_keys=True)` makes, which is what the hash is over.
fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| name.as_str());
            text.push('{');
            for (index, (name, member)) in sorted.into_iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                write_string(name, text);
                text.push_str(": ");
                write_canonical(member, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                write_canonical(item, text);
            }
            text.push(']');
        }
        Value::String(string) => write_string(string, text),
        Value::Null | Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
    }
}

/// Printable ASCII only: everything else as UTF-16 escapes.
fn write_string(string: &str, text: &mut String) {
    // What is left to escape after serde's quoting are DEL and everything beyond ASCII.
    for character in Value::from(string).to_string().chars() {
        if (' '..='~').contains(&character) {
            text.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text_is_what_python_writes() {
        let mut text = String::new();
        write_canonical(&json!({"b": [1, true, null], "a": {"é": "\u{1F600}\n\""}}), &mut text);
        assert_eq!(text, r#"{"a": {"\u00e9": "\ud83d\ude00\n\""}, "b": [1, true, null]}"#);
    }
}
