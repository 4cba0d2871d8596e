//! The description of the API as a contract: every JSON answer that any test gets is held against it.

use std::sync::OnceLock;

use bailiwick::http::openapi;
use bailiwick::http::routes::TABLE;
use serde_json::{Map, Value, json};

/// The description as callers get it.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::to_value(openapi::document()).expect("JSON"))
}

/// The pattern of the route table that an address belongs to; fixed parts go before parameters.
pub fn pattern(path: &str) -> Option<&'static str> {
    let fits = |pattern: &&str| {
        let (mut parts, mut wanted) = (path.split('/'), pattern.split('/'));
        loop {
            match (parts.next(), wanted.next()) {
                (None, None) => return true,
                (Some(part), Some(wanted)) if part == wanted || wanted.starts_with('{') => {}
                _ => return false,
            }
        }
    };
    let mut all: Vec<&str> = TABLE.iter().map(|row| row.path).filter(fits).collect();
    all.sort_by_key(|pattern| pattern.matches('{').count());
    all.first().copied()
}

/// The description of a call.
pub fn operation(method: &str, pattern: &str) -> Option<&'static Value> {
    document()["paths"].get(pattern)?.get(method.to_ascii_lowercase())
}

/// A schema, with references followed.
pub fn resolved(schema: &Value) -> &Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let found = document().pointer(reference.trim_start_matches('#'));
            resolved(found.unwrap_or_else(|| panic!("{reference} stands nowhere")))
        }
        None => schema,
    }
}

/// Holds an answer against the description of its call; what the description does not know is left alone.
#[track_caller]
pub fn hold(method: &str, path: &str, status: u16, content_type: &str, body: &str) {
    let Some(pattern) = pattern(path) else { return };
    let Some(operation) = operation(method, pattern) else { return };
    let place = format!("{method} {pattern} answered {status}");
    let response = &operation["responses"][status.to_string()];
    assert!(response.is_object(), "{place}, which its description does not have: {body}");
    let Some(content) = response.get("content").and_then(Value::as_object) else { return };
    let media_type = content_type.split(';').next().unwrap_or_default();
    let described = content.get(media_type);
    let described = described.unwrap_or_else(|| panic!("{place} as {content_type:?}, not as described"));
    let value: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{place}: not JSON: {body}"));
    if let Err(fault) = fits(&value, &described["schema"]) {
        panic!(
            "{place}: the description says otherwise{fault}; add it to the answer's type or to its schema: {body}"
        );
    }
}

/// What an object may hold: its properties, what must be there, and the schema of everything else.
#[derive(Default)]
struct Shape {
    properties: Map<String, Value>,
    required: Vec<Value>,
    more: Option<Value>,
    free: bool,
}

fn collect(schema: &Value, shape: &mut Shape) {
    let schema = resolved(schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(part, shape);
    }
    shape.properties.extend(schema["properties"].as_object().cloned().unwrap_or_default());
    shape.required.extend(schema["required"].as_array().cloned().unwrap_or_default());
    match schema.get("additionalProperties") {
        Some(Value::Bool(free)) => shape.free |= free,
        Some(more) => shape.more = Some(more.clone()),
        // An object without any property is one of which nothing is said.
        None => shape.free |= schema["allOf"].is_null() && schema["properties"].is_null(),
    }
}

/// Whether a value is what a schema says, stricter than the standard: a property that is not described is a fault.
pub fn fits(value: &Value, schema: &Value) -> Result<(), String> {
    let schema = resolved(schema);
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let faults: Vec<String> = choices.iter().filter_map(|one| fits(value, one).err()).collect();
            return if faults.len() < choices.len() { Ok(()) } else { Err(faults.join(" or ")) };
        }
    }
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|kind| is(value, kind)) {
        return Err(format!(": {value} is none of {types:?}"));
    }
    if let Some(words) = schema["enum"].as_array().filter(|_| !value.is_null())
        && !words.contains(value)
    {
        return Err(format!(": {value} is not one of the words"));
    }
    if let Some(items) = value.as_array() {
        for (place, item) in items.iter().enumerate() {
            fits(item, &schema["items"]).map_err(|fault| format!(".{place}{fault}"))?;
        }
    }
    let Some(object) = value.as_object() else { return Ok(()) };
    let mut shape = Shape::default();
    collect(schema, &mut shape);
    if let Some(missing) =
        shape.required.iter().find(|name| !object.contains_key(name.as_str().unwrap_or_default()))
    {
        return Err(format!(": {missing} is not there"));
    }
    for (name, value) in object {
        let described = shape.properties.get(name).or(shape.more.as_ref());
        match described {
            Some(schema) => fits(value, schema).map_err(|fault| format!(".{name}{fault}"))?,
            None if shape.free => {}
            None => return Err(format!(": {name} is not described")),
        }
    }
    Ok(())
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => false,
    }
}

/// A field of a JSON body: where it stands, its schema, and whether it must be there.
pub struct Field {
    pub place: Vec<String>,
    pub schema: Value,
    pub required: bool,
}

/// The schema of an operation's JSON body, and whether it must be there.
pub fn body_of(operation: &Value) -> Option<(&Value, bool)> {
    let schema = operation["requestBody"]["content"].get("application/json")?.get("schema")?;
    Some((schema, operation["requestBody"]["required"].as_bool().unwrap_or_default()))
}

/// Without the choice of nothing at all.
pub fn present(schema: &Value) -> &Value {
    let schema = resolved(schema);
    let choices = schema["oneOf"].as_array().into_iter().flatten();
    choices.into_iter().find(|one| one["type"] != "null").map_or(schema, present)
}

/// Every field of a body, those of objects inside it too; `0` stands for an entry of a list.
pub fn fields(schema: &Value) -> Vec<Field> {
    let mut found = Vec::new();
    walk(schema, &mut Vec::new(), true, &mut found);
    found
}

fn walk(schema: &Value, place: &mut Vec<String>, required: bool, found: &mut Vec<Field>) {
    let schema = present(schema);
    if !place.is_empty() {
        found.push(Field { place: place.clone(), schema: schema.clone(), required });
    }
    if let Some(items) = schema.get("items") {
        place.push("0".to_owned());
        walk(items, place, true, found);
        place.pop();
    }
    let mut shape = Shape::default();
    collect(schema, &mut shape);
    for (name, schema) in &shape.properties {
        place.push(name.clone());
        walk(schema, place, shape.required.contains(&json!(name)), found);
        place.pop();
    }
}
