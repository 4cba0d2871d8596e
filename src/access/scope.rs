//! What a grant may be limited to: values of resource properties that the role's features declare as scopes.
//!
//! Rules: every property named must be declared by a feature that the role reaches; every list has values; both have
//! limits. A record that lacks a named property is out of scope (the index sees to that). Pure.

use std::collections::BTreeMap;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};

use super::catalogue::{Application, Role};
use super::names::MAX_TEXT;
use crate::error::{Error, Result};

/// Values of resource properties to which a grant is limited, such as `{"marketplace":["UK"]}`.
pub type Scope = BTreeMap<String, Vec<String>>;

/// The most values of one property.
pub const MAX_VALUES: usize = 100;

/// How a scope is described to callers.
pub fn schema() -> RefOr<Schema> {
    let value = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(MAX_TEXT));
    let values = ArrayBuilder::new().items(value).min_items(Some(1)).max_items(Some(MAX_VALUES));
    ObjectBuilder::new()
        .description(Some("Values of the resource properties that the role can be limited by."))
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .additional_properties(Some(values))
        .into()
}

/// The scope as it is kept: values sorted, each once; none at all instead of an empty one.
///
/// # Errors
/// [`Error::Invalid`] for properties that no feature of the role declares, and for empty or too long lists.
pub fn checked(application: &Application, role: &Role, scope: Option<Scope>) -> Result<Option<Scope>> {
    let Some(mut scope) = scope.filter(|scope| !scope.is_empty()) else { return Ok(None) };
    let features = application.features_of(role);
    for (property, values) in &mut scope {
        let field = || format!("scope.{}", property.chars().take(MAX_TEXT).collect::<String>());
        if !features.iter().any(|feature| feature.scopes.contains(property)) {
            let known: Vec<&str> =
                features.iter().flat_map(|feature| &feature.scopes).map(String::as_str).collect();
            let advice = match known.is_empty() {
                true => "this role cannot be limited; leave scope out".to_owned(),
                false => format!("this role can be limited by: {}", known.join(", ")),
            };
            return Err(Error::field("scope", advice));
        }
        values.sort_unstable();
        values.dedup();
        if values.is_empty() || values.len() > MAX_VALUES {
            return Err(Error::field(field(), format!("must have between 1 and {MAX_VALUES} values")));
        }
        if values.iter().any(|value| value.trim().is_empty() || value.chars().count() > MAX_TEXT) {
            return Err(Error::field(field(), format!("a value has between 1 and {MAX_TEXT} characters")));
        }
    }
    Ok(Some(scope))
}
