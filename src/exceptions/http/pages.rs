//! The pages of exceptions: which there are and were, asking for one; and the decisions to which everybody may object.

use actix_web::http::StatusCode;
use actix_web::web;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::own::{self, Matter, OwnDecision};
use super::super::{Ask, Exception, ExceptionKind, ExceptionState, approve, end, lists};
use super::{ask_for_known, exclusion_keys, others_approve};
use crate::accounts;
use crate::app::App;
use crate::clock::end_of_day;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::http::pages::frame::Form;
use crate::http::{Answer, Page, identify, see_other};
use crate::ids::{AccountId, ExceptionId, OwnDecisionId};
use crate::vault;

const SHOWN: i64 = 50;

/// Which part of the list; empty texts are as none.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Place {
    view: String,
    cursor: String,
}

impl Place {
    fn view(&self) -> &'static str {
        if self.view == "past" { "past" } else { "living" }
    }

    fn cursor(&self) -> Option<&str> {
        Some(self.cursor.as_str()).filter(|cursor| !cursor.is_empty())
    }
}

/// `GET /exceptions`.
///
/// # Errors
/// As the render; 422 for a cursor that is none.
pub async fn index(app: web::Data<App>, page: Page, place: web::Query<Place>) -> Answer {
    exceptions_page(&app, &page, place.into_inner(), Form::default()).await
}

async fn exceptions_page(app: &App, page: &Page, place: Place, form: Form) -> Answer {
    let (house, view) = (app.clone(), place.view());
    let writes = identify::permits(app, &page.caller, "profile", "write");
    let cursor = place.cursor().map(str::to_owned);
    let (rows, next, rules) = app
        .read(move |reader| {
            let (found, next) = lists::list(reader, Some(view), cursor.as_deref(), SHOWN)?;
            let rows =
                found.iter().map(|one| row(&house, reader, one, writes)).collect::<Result<Vec<_>>>()?;
            Ok((rows, next, exclusion_keys(reader)?))
        })
        .await?;
    let path = format!("/exceptions?view={view}");
    let views: Vec<Value> = [("living", "Living"), ("past", "Past")]
        .into_iter()
        .map(|(key, label)| {
            json!({ "href": format!("/exceptions?view={key}"), "label": label, "count": null, "current": key == view })
        })
        .collect();
    let rules: Vec<Value> = rules
        .into_iter()
        .map(|(key, reason)| json!({ "value": key, "label": format!("{key}: {reason}") }))
        .collect();
    let context = json!({
        "done": null,
        "views": views,
        "view": view,
        "exceptions": rows,
        "rules": rules,
        "form": form,
        "may": { "ask": writes },
        "pages": {
            "shown": rows.len(), "total": null, "first": place.cursor().map(|_| &path),
            "next": next.map(|next| format!("{path}&cursor={next}")),
        },
    });
    page.render("exceptions/list.html", context)
}

fn row(app: &App, reader: &mut Reader<'_>, exception: &Exception, writes: bool) -> Result<Value> {
    let state = lists::state_now(exception, reader);
    let waits = own::waiting(reader, Matter::Exception, exception.id.as_str())?;
    let (words, tone, icon) = match state {
        ExceptionState::Proposed if waits.is_some() => ("waits for objections", "due", "clock"),
        ExceptionState::Proposed => ("waits for approval", "due", "clock"),
        ExceptionState::Approved => ("in force", "due", "warning"),
        ExceptionState::Expired => ("over", "quiet", "check"),
        ExceptionState::Ended => ("ended before its time", "quiet", "cross"),
    };
    let approved = exception.approved.as_ref().map(|(by, _)| by);
    Ok(json!({
        "id": exception.id,
        "what": exception.what,
        "person": app.directory().display_name(&exception.account),
        "reason": vault::show(reader, &exception.reason)?,
        "control": vault::show(reader, &exception.control)?,
        "asked_by": named(app, &exception.asked_by),
        "approved_by": approved.map(|by| named(app, by)),
        "own": approved.is_some_and(|by| by == exception.account.as_str() || *by == exception.asked_by),
        "standing": { "words": words, "tone": tone, "icon": icon },
        "ends_at": exception.ends_at,
        "may": {
            "approve": writes && state == ExceptionState::Proposed && waits.is_none(),
            "end": writes && matches!(state, ExceptionState::Proposed | ExceptionState::Approved),
        },
    }))
}

fn named(app: &App, label: &str) -> String {
    match AccountId::parse(label) {
        Some(account) => app.directory().display_name(&account),
        None => "the host’s shell".to_owned(),
    }
}

/// The form that asks for an exception.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AskForm {
    what: String,
    username: String,
    reason: String,
    control: String,
    last_day: String,
}

/// `POST /exceptions`.
///
/// # Errors
/// What was refused comes back in the form.
pub async fn create(app: web::Data<App>, page: Page, form: web::Form<AskForm>) -> Answer {
    let form = form.into_inner();
    let wanted = match wanted(&app, &form).await {
        Ok(wanted) => app.write(&page.caller, move |tx| ask_for_known(tx, &wanted)).await.map(drop),
        Err(error) => Err(error),
    };
    let filled = Form::filled([
        ("what", form.what.as_str()),
        ("username", form.username.as_str()),
        ("reason", form.reason.as_str()),
        ("control", form.control.as_str()),
        ("last_day", form.last_day.as_str()),
    ]);
    after(&app, &page, filled, wanted).await
}

async fn wanted(app: &App, form: &AskForm) -> Result<Ask> {
    let name = form.username.clone();
    let found = app.read(move |reader| accounts::find_by_name(reader, &name)).await?;
    let account = found.ok_or_else(|| Error::field("username", "nobody has this username"))?.id;
    let day = NaiveDate::parse_from_str(&form.last_day, "%Y-%m-%d")
        .map_err(|_| Error::field("last_day", "must be a day, such as 2026-11-30"))?;
    Ok(Ask {
        kind: ExceptionKind::Exclusion,
        what: form.what.clone(),
        account,
        reason: form.reason.clone(),
        control: form.control.clone(),
        ends_at: end_of_day(app.organisation().time_zone, day),
    })
}

async fn after(app: &App, page: &Page, form: Form, done: Result<()>) -> Answer {
    match done {
        Ok(()) => see_other("/exceptions"),
        Err(Error::Invalid(mut fields)) => {
            for field in fields.iter_mut().filter(|field| field.field == "ends_at") {
                "last_day".clone_into(&mut field.field);
            }
            refused(app, page, form, Error::Invalid(fields)).await
        }
        Err(error) if error.asks_for_proof() => Err(error.into()),
        Err(error @ (Error::Conflict(..) | Error::Forbidden(..))) => refused(app, page, form, error).await,
        Err(error) => Err(error.into()),
    }
}

async fn refused(app: &App, page: &Page, form: Form, error: Error) -> Answer {
    let mut answer = exceptions_page(app, page, Place::default(), form.refused(error)?).await?;
    *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(answer)
}

/// `POST /exceptions/{id}/approval`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn approval(app: web::Data<App>, page: Page, id: web::Path<ExceptionId>) -> Answer {
    let others = others_approve(&app, &page.caller, &id).await?;
    let done = app.write(&page.caller, move |tx| approve(tx, &id, others)).await;
    after(&app, &page, Form::default(), done.map(drop)).await
}

/// `POST /exceptions/{id}/end`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn early_end(app: web::Data<App>, page: Page, id: web::Path<ExceptionId>) -> Answer {
    let done = app.write(&page.caller, move |tx| end(tx, &id)).await;
    after(&app, &page, Form::default(), done.map(drop)).await
}

// ---- decisions about oneself ----------------------------------------------------------------------------------------

/// `GET /objections`.
///
/// # Errors
/// As the render; 422 for a cursor that is none.
pub async fn objections(app: web::Data<App>, page: Page, place: web::Query<Place>) -> Answer {
    objections_page(&app, &page, place.into_inner(), Form::default()).await
}

async fn objections_page(app: &App, page: &Page, place: Place, form: Form) -> Answer {
    let cursor = place.cursor().map(str::to_owned);
    let (house, me) = (app.clone(), page.caller.account().cloned());
    let (rows, next) = app
        .read(move |reader| {
            let (found, next) = lists::own_decisions(reader, true, cursor.as_deref(), SHOWN)?;
            let rows = found
                .iter()
                .map(|one| own_row(&house, reader, one, me.as_ref()))
                .collect::<Result<Vec<_>>>()?;
            Ok((rows, next))
        })
        .await?;
    let context = json!({
        "done": null,
        "form": form,
        "decisions": rows,
        "pages": {
            "shown": rows.len(), "total": null, "first": place.cursor().map(|_| "/objections"),
            "next": next.map(|next| format!("/objections?cursor={next}")),
        },
    });
    page.render("exceptions/objections.html", context)
}

fn own_row(
    app: &App,
    reader: &mut Reader<'_>,
    decision: &OwnDecision,
    me: Option<&AccountId>,
) -> Result<Value> {
    let text = match decision.matter {
        Matter::ReviewItem => "decided in a review that a role stays",
        Matter::Request => "approved a request",
        Matter::Exception => "approved an exception",
        Matter::Proposal => "approved a change of what opens personal data, with nobody else to ask, of",
    };
    Ok(json!({
        "id": decision.id,
        "person": app.directory().display_name(&decision.account),
        "text": text,
        "role": decision.role,
        "reason": vault::show(reader, &decision.reason)?,
        "opened_at": decision.opened_at,
        "effective_at": decision.effective_at,
        "own": Some(&decision.account) == me,
    }))
}

/// Why somebody objects, as it was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ObjectionForm {
    reason: String,
}

/// `POST /objections/{id}`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn objection(
    app: web::Data<App>,
    page: Page,
    id: web::Path<OwnDecisionId>,
    form: web::Form<ObjectionForm>,
) -> Answer {
    let reason = form.into_inner().reason;
    let done = app.write(&page.caller, move |tx| own::object(tx, &id, &reason)).await;
    match done {
        Ok(_) => see_other("/objections"),
        Err(error @ (Error::Invalid(_) | Error::Conflict(..) | Error::Forbidden(..))) => {
            // Each decision has a form of its own, so what is wrong stands above them all.
            let form = Form::default().refused(Error::conflict("objections", error.to_string()))?;
            let mut answer = objections_page(&app, &page, Place::default(), form).await?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}
