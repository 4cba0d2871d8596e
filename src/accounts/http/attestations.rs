//! Attestations on the page of a person, and on one's own: what was shown, until when it counts; recording and ending.

use actix_web::http::StatusCode;
use actix_web::web;
use chrono::{Days, NaiveDate};
use serde::Deserialize;
use serde_json::{Value, json};

use super::person;
use crate::access::attestations::{self, Attestation, NewAttestation};
use crate::app::App;
use crate::app::Written;
use crate::clock::{Timestamp, local};
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::http::pages::frame::Form;
use crate::http::{Answer, Page, see_other};
use crate::ids::{AccountId, AttestationId};
use crate::vault;

/// The attestations of an account, as the pages show them.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database or a text that does not open.
pub fn shown(app: &App, reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<Value>> {
    let profile = reader.profile();
    let mut shown = Vec::new();
    for one in attestations::of(reader, account)? {
        let end = one.end(&profile);
        let by = AccountId::parse(&one.attested_by);
        shown.push(json!({
            "id": one.id, "kind": one.kind, "given_at": one.given_at, "ends_at": end,
            "over": end.is_some_and(|end| end <= reader.now),
            "by": by.map_or_else(|| "the house".to_owned(), |by| app.directory().display_name(&by)),
            "evidence": vault::show(reader, &one.evidence)?,
        }));
    }
    Ok(shown)
}

/// What somebody was seen to have shown, as it was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AttestationForm {
    kind: String,
    given_on: String,
    last_day: String,
    evidence: String,
}

/// `POST /people/{id}/attestations`.
///
/// # Errors
/// What was refused comes back in the form.
pub async fn create(
    app: web::Data<App>,
    page: Page,
    id: web::Path<AccountId>,
    form: web::Form<AttestationForm>,
) -> Answer {
    let (id, form) = (id.into_inner(), form.into_inner());
    let done = match wanted(&app, &id, &form) {
        Ok(new) => app.write(&page.caller, move |tx| attestations::record(tx, &new)).await,
        Err(error) => Err(error),
    };
    let filled = Form::filled([
        ("kind", form.kind.as_str()),
        ("given_on", form.given_on.as_str()),
        ("last_day", form.last_day.as_str()),
        ("evidence", form.evidence.as_str()),
    ]);
    after(&app, &page, id, filled, done).await
}

fn wanted(app: &App, account: &AccountId, form: &AttestationForm) -> Result<NewAttestation> {
    let given_at = match form.given_on.trim() {
        "" => None,
        day => Some(begin(app, "given_on", day, 0)?),
    };
    let ends_at = match form.last_day.trim() {
        "" => None,
        day => Some(begin(app, "last_day", day, 1)?),
    };
    Ok(NewAttestation {
        account: account.clone(),
        kind: form.kind.trim().to_owned(),
        given_at,
        ends_at,
        evidence: form.evidence.clone(),
    })
}

/// The beginning of a day that was typed, or of one behind it.
fn begin(app: &App, field: &str, text: &str, behind: u64) -> Result<Timestamp> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map_err(|_| Error::field(field, "must be a day, such as 2026-11-30"))?;
    let day = day.checked_add_days(Days::new(behind)).unwrap_or(day);
    Ok(local(app.organisation().time_zone, day, 0))
}

/// Which attestation ends, and why.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct EndForm {
    attestation: String,
    reason: String,
}

/// `POST /people/{id}/attestations/end`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn early_end(
    app: web::Data<App>,
    page: Page,
    id: web::Path<AccountId>,
    form: web::Form<EndForm>,
) -> Answer {
    let EndForm { attestation, reason } = form.into_inner();
    let attestation = AttestationId::parse(&attestation).ok_or(Error::NotFound("attestation"))?;
    let done = app.write(&page.caller, move |tx| attestations::end(tx, &attestation, &reason)).await;
    // Each has a form of its own, so what is wrong stands above them all.
    let done = match done {
        Err(error @ Error::Invalid(_)) => Err(Error::conflict("invalid", error.to_string())),
        other => other,
    };
    after(&app, &page, id.into_inner(), Form::default(), done).await
}

async fn after(
    app: &App,
    page: &Page,
    id: AccountId,
    form: Form,
    done: Result<Written<Attestation>>,
) -> Answer {
    let form = match done {
        Ok(_) => return see_other(&format!("/people/{id}#attestations")),
        Err(Error::Invalid(mut fields)) => {
            for field in &mut fields {
                match field.field.as_str() {
                    "given_at" => "given_on".clone_into(&mut field.field),
                    "ends_at" => "last_day".clone_into(&mut field.field),
                    _ => {}
                }
            }
            form.refused(Error::Invalid(fields))?
        }
        Err(error @ (Error::Conflict(..) | Error::Forbidden(..))) => form.refused(error)?,
        Err(error) => return Err(error.into()),
    };
    let mut answer = person::with_form(app, page, id, form).await?;
    *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(answer)
}
