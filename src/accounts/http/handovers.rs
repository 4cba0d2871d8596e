//! Handing a way in over in person, on the page of a person: asking for it, a second person's word, and the slip.
//!
//! Rule: the slip answers the form itself, since what stands on it stands nowhere else.

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Account, find_named};
use super::{person, viewer};
use crate::app::App;
use crate::caller::Caller;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::http::idempotency::shown_once;
use crate::http::pages::frame::Form;
use crate::http::{Answer, Page, see_other};
use crate::ids::{AccountId, HandoverId};
use crate::signin::handing_over::{self, Handed, Waiting, What};
use crate::signin::links::Made;
use crate::signin::totp;
use crate::vault;

/// What is to be handed over, and how whoever does it knows the person.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct HandoverForm {
    what: String,
    words: String,
}

/// Which one is decided.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DecisionForm {
    handover: String,
}

/// What the page of a person shows: what the reader may hand over, and what waits for a second person.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database or words that do not open.
pub(super) fn shown(app: &App, reader: &mut Reader<'_>, caller: &Caller, account: &Account) -> Result<Value> {
    let offered = handing_over::offered(reader, caller, account, app.config().mail.is_some())?;
    let mut waiting = Vec::new();
    for Waiting { handover: one, concerned } in handing_over::waiting(reader, caller, account)? {
        // How somebody was recognised is read by who decides about it; others see that something waits.
        waiting.push(match concerned {
            true => json!({
                "id": one.id, "what": name(one.what), "by": app.directory().display_name(&one.asked_by),
                "at": one.asked_at, "words": vault::show(reader, &one.words)?,
                "own": caller.account() == Some(&one.asked_by),
            }),
            false => json!({ "id": null, "at": one.asked_at }),
        });
    }
    let offers: Vec<Value> = offered
        .iter()
        .map(|what| json!({ "what": what, "label": name(*what), "text": meaning(*what) }))
        .collect();
    Ok(json!({ "offers": offers, "waiting": waiting }))
}

fn name(what: What) -> &'static str {
    match what {
        What::Enrolment => "Enrolment slip",
        What::Password => "Slip for a new password",
        What::Factor => "Pass for a lost second factor",
    }
}

fn meaning(what: What) -> &'static str {
    match what {
        What::Enrolment => {
            "A link to a first password and a second factor. It works once and ends after 24 hours."
        }
        What::Password => {
            "A link to a new password; the second factor stays. It works once and ends after 24 hours."
        }
        What::Factor => {
            "A pass that stands for the second factor once, within the hour. Every session ends now, and no personal data \
             of customers opens until another factor is set up."
        }
    }
}

/// `POST /people/{id}/handovers`: the slip, or what waits for a second person.
///
/// # Errors
/// What was refused is said on the page.
pub async fn create(
    app: web::Data<App>,
    page: Page,
    id: web::Path<AccountId>,
    form: web::Form<HandoverForm>,
) -> Answer {
    let (id, HandoverForm { what, words }) = (seen(&app, &page, id.into_inner()).await?, form.into_inner());
    let what = What::parse(&what).ok_or_else(|| Error::field("what", "is nothing that is handed over"))?;
    let mails = app.config().mail.is_some();
    let account = id.clone();
    let done = app.write(&page.caller, move |tx| handing_over::ask(tx, &account, what, &words, mails)).await;
    after(&app, &page, id, done.map(|done| done.value)).await
}

/// `POST /people/{id}/handovers/approval`: a second person agrees, and has the slip.
///
/// # Errors
/// What was refused is said on the page.
pub async fn approval(
    app: web::Data<App>,
    page: Page,
    id: web::Path<AccountId>,
    form: web::Form<DecisionForm>,
) -> Answer {
    let id = seen(&app, &page, id.into_inner()).await?;
    let handover = HandoverId::parse(&form.handover).ok_or(Error::NotFound("handover"))?;
    let (account, mails) = (id.clone(), app.config().mail.is_some());
    let done = app.write(&page.caller, move |tx| handing_over::approve(tx, &account, &handover, mails)).await;
    after(&app, &page, id, done.map(|done| done.value)).await
}

/// `POST /people/{id}/handovers/withdrawal`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn withdrawal(
    app: web::Data<App>,
    page: Page,
    id: web::Path<AccountId>,
    form: web::Form<DecisionForm>,
) -> Answer {
    let id = seen(&app, &page, id.into_inner()).await?;
    let handover = HandoverId::parse(&form.handover).ok_or(Error::NotFound("handover"))?;
    let account = id.clone();
    match app.write(&page.caller, move |tx| handing_over::withdraw(tx, &account, &handover)).await {
        Ok(_) => see_other(&format!("/people/{id}")),
        Err(error) => with_problem(&app, &page, id, error).await,
    }
}

/// The account, if the reader may see it at all.
pub(super) async fn seen(app: &App, page: &Page, id: AccountId) -> Result<AccountId> {
    let viewer = viewer::of(app, &page.caller)?;
    app.read(move |reader| viewer.find(reader, &id).map(|found| found.account.id)).await
}

async fn after(app: &App, page: &Page, id: AccountId, done: Result<Handed>) -> Answer {
    match done {
        Ok(Handed::Given(what, made)) => Ok(shown_once(slip(app, page, id, what, &made).await?)),
        Ok(Handed::Waits(_)) => see_other(&format!("/people/{id}#handovers")),
        Err(error) => with_problem(app, page, id, error).await,
    }
}

pub(super) async fn with_problem(app: &App, page: &Page, id: AccountId, error: Error) -> Answer {
    // Several forms stand beside each other, so what is wrong stands above them all.
    let error = match error {
        Error::Invalid(fields) => {
            let text: Vec<String> = fields.into_iter().map(|field| format!("It {}.", field.detail)).collect();
            Error::conflict("invalid", text.join(" "))
        }
        other => other,
    };
    let form = Form::default().refused(error)?;
    let mut answer = person::with_form(app, page, id, form).await?;
    *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(answer)
}

async fn slip(app: &App, page: &Page, id: AccountId, what: What, made: &Made) -> Answer {
    let details = app.read(move |reader| find_named(reader, &id)).await?;
    let public_url = &app.config().public_url;
    let (url, pass) = match what {
        What::Factor => (format!("{public_url}/pass"), Some(made.in_groups())),
        What::Enrolment | What::Password => (made.address(public_url), None),
    };
    page.render(
        "people/slip.html",
        json!({
            "person": {
                "id": details.account.id, "name": details.details.display_name(),
                "username": details.details.username,
            },
            "title": name(what), "what": what, "picture": totp::picture(&url)?, "url": url, "pass": pass,
            "ends_at": made.expires_at,
        }),
    )
}
