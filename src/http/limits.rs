//! What an address may hold: how long it is, and which parameters it takes.
//!
//! Rules: every parameter of a query has one limit; a call for programs takes the parameters that its description
//! names and no others, so that a misspelt one does not silently mean everything. May call `openapi`.

use actix_web::dev::ServiceRequest;
use actix_web::web;
use utoipa::openapi::path::ParameterIn;

use super::openapi::{self, LONGEST_PARAMETER};
use super::problem::{self, Problem};
use super::routes::Row;
use crate::error::{Error, Result};

const LONGEST_PATH: usize = 1_024;
const LONGEST_QUERY: usize = 8_192;
/// Where the codes of identity providers come in, which are longer than what anybody types.
const CALLBACK: &str = "/sign-in/with/{provider}/callback";
const LONGEST_CODE: usize = 6_000;

/// Holds a request's address to the limits, before anybody is asked anything.
///
/// # Errors
/// 400 for an address that is too long or holds what it must not; 422 for a parameter that is too long; 404 for a path
/// with a character that nothing is named with.
pub fn check(request: &ServiceRequest, row: &Row) -> std::result::Result<(), Problem> {
    let (path, query) = (request.path(), request.query_string());
    if path.len() > LONGEST_PATH || query.len() > LONGEST_QUERY {
        let detail =
            format!("may have {LONGEST_PATH} bytes, and {LONGEST_QUERY} after the question mark, at most");
        return Err(problem::bad_request(Error::field("address", detail)));
    }
    if request
        .match_info()
        .iter()
        .any(|(_, value)| value.contains("%00") || value.chars().any(char::is_control))
    {
        return Err(Error::NotFound("address").into());
    }
    if query.is_empty() {
        return Ok(());
    }
    let unreadable = |_| problem::bad_request(Error::field("query", "cannot be read"));
    let pairs = web::Query::<Vec<(String, String)>>::from_query(query).map_err(unreadable)?.into_inner();
    known(&pairs, row).map_err(problem::bad_request)?;
    fitting(&pairs, if row.path == CALLBACK { LONGEST_CODE } else { LONGEST_PARAMETER })?;
    Ok(())
}

/// A description that is missing is a fault that a test finds; until then nothing is refused here.
fn known(pairs: &[(String, String)], row: &Row) -> Result<()> {
    let Some(operation) = openapi::operation(row) else { return Ok(()) };
    let parameters = operation.parameters.iter().flatten();
    let names: Vec<&str> = parameters
        .filter(|one| one.parameter_in == ParameterIn::Query)
        .map(|one| one.name.as_str())
        .collect();
    if pairs.iter().all(|(name, _)| names.contains(&name.as_str())) {
        return Ok(());
    }
    Err(Error::field(
        "query",
        match names.is_empty() {
            true => "this address takes no parameters".to_owned(),
            false => format!("holds a parameter that is not known here; it takes {}", names.join(", ")),
        },
    ))
}

fn fitting(pairs: &[(String, String)], longest: usize) -> Result<()> {
    for (_, value) in pairs {
        if value.chars().count() > longest {
            return Err(Error::field("query", format!("a value has {longest} characters at most")));
        }
        if value.contains('\0') {
            return Err(Error::field("query", "a value must not hold the character U+0000"));
        }
    }
    Ok(())
}
