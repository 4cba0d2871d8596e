//! Files that come in: as the body of a call, or as the text in the field of a form.
//!
//! Rule: whatever the file is, its limit is that of `sheet`; a larger one is refused with words, not cut.

use actix_web::web;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Problem;
use crate::error::Error;
use crate::sheet::LARGEST_FILE;

/// A form writes each byte with up to three characters.
const LARGEST_FORM: usize = 3 * LARGEST_FILE + 1_024;

/// Whether a file is only tried.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Trial {
    /// Nothing is written then.
    #[serde(default)]
    pub dry_run: bool,
}

/// A form whose field holds the text of a file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sent {
    /// The text.
    pub csv: String,
    /// `apply` writes it; anything else only tries.
    pub mode: String,
}

/// The file that is the body of a call.
///
/// # Errors
/// 422 if it is too large or cannot be read to its end.
pub async fn file(payload: web::Payload) -> Result<Vec<u8>, Problem> {
    body(payload, LARGEST_FILE + 1).await
}

/// The form that a page sent.
///
/// # Errors
/// 422 if it is too large or no form.
pub async fn form(payload: web::Payload) -> Result<Sent, Problem> {
    let bytes = body(payload, LARGEST_FORM).await?;
    let unreadable = || Error::field("csv", "could not be read");
    let text = String::from_utf8(bytes).map_err(|_| unreadable())?;
    Ok(web::Query::<Sent>::from_query(&text).map_err(|_| unreadable())?.into_inner())
}

async fn body(payload: web::Payload, largest: usize) -> Result<Vec<u8>, Problem> {
    match payload.to_bytes_limited(largest).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(_)) => Err(Error::field("csv", "could not be read to its end").into()),
        Err(_) => Err(Error::field("csv", "must have at most 10 MiB; split it").into()),
    }
}
