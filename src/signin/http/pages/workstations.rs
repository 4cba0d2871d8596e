//! The page of the house's shared workstations: which there are, registering one, its name, its code, its end.
//!
//! Rule: a code answers the form itself, since it stands nowhere else.

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Deserialize;
use serde_json::{Value, json};

use super::with_status;
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::idempotency::shown_once;
use crate::http::pages::frame::Form;
use crate::http::{Answer, Page, identify, see_other};
use crate::ids::{AccountId, WorkstationId};
use crate::signin::links::Made;
use crate::signin::totp;
use crate::signin::workstations::{self, LONGEST_NAME, State, Workstation};

const SHOWN: i64 = 50;

/// Which part of the list; empty texts are as none.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Place {
    view: String,
    cursor: String,
}

/// A name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Naming {
    name: String,
}

/// `GET /workstations`.
///
/// # Errors
/// As the render; 422 for a cursor that is none.
pub async fn index(app: web::Data<App>, page: Page, place: web::Query<Place>) -> Answer {
    list(&app, &page, place.into_inner(), Form::default()).await
}

async fn list(app: &App, page: &Page, place: Place, form: Form) -> Answer {
    let view = if place.view == "past" { "past" } else { "living" };
    let cursor = Some(place.cursor).filter(|cursor| !cursor.is_empty());
    let asked = cursor.clone();
    let (found, next) =
        app.read(move |reader| workstations::list(reader, Some(view), asked.as_deref(), SHOWN)).await?;
    let path = format!("/workstations?view={view}");
    let views: Vec<Value> = [("living", "Registered"), ("past", "Ended")]
        .into_iter()
        .map(|(key, label)| {
            json!({ "href": format!("/workstations?view={key}"), "label": label, "count": null, "current": key == view })
        })
        .collect();
    let rows: Vec<Value> = found.iter().map(|one| row(app, one)).collect();
    let context = json!({
        "done": null,
        "form": form,
        "views": views,
        "view": view,
        "workstations": rows,
        "longest_name": LONGEST_NAME,
        "may": { "write": identify::permits(app, &page.caller, "workstations", "write") },
        "pages": {
            "shown": rows.len(), "total": null, "first": cursor.map(|_| &path),
            "next": next.map(|next| format!("{path}&cursor={next}")),
        },
    });
    page.render("workstations/list.html", context)
}

fn row(app: &App, workstation: &Workstation) -> Value {
    let (words, tone, icon) = match workstation.state {
        State::Waiting => ("waits for its browser", "due", "clock"),
        State::InUse => ("in use", "settled", "check"),
        State::Ended => ("ended", "over", "cross"),
    };
    let ended = workstation.ended.as_ref();
    json!({
        "id": workstation.id,
        "name": workstation.name,
        "standing": { "words": words, "tone": tone, "icon": icon },
        "registered_by": named(app, &workstation.registered_by),
        "registered_at": workstation.registered_at,
        "in_use_since": workstation.in_use_since,
        "used_on": workstation.used_on,
        "ended_by": ended.map(|(by, _)| named(app, by)),
        "ended_at": ended.map(|(_, at)| *at),
    })
}

fn named(app: &App, label: &str) -> String {
    match AccountId::parse(label) {
        Some(account) => app.directory().display_name(&account),
        None => "the host’s shell".to_owned(),
    }
}

/// `POST /workstations`: registers one, and shows its code.
///
/// # Errors
/// What was refused comes back in the form.
pub async fn create(app: web::Data<App>, page: Page, form: web::Form<Naming>) -> Answer {
    let name = form.into_inner().name;
    let typed = name.clone();
    let done = app.write(&page.caller, move |tx| workstations::register(tx, &name)).await;
    coded(&app, &page, done.map(|done| done.value), &typed).await
}

/// `POST /workstations/{id}/code`: another code, in place of the one before.
///
/// # Errors
/// 404; what was refused is said on the page.
pub async fn renew_code(app: web::Data<App>, page: Page, id: web::Path<WorkstationId>) -> Answer {
    let done = app.write(&page.caller, move |tx| workstations::renew_code(tx, &id)).await;
    coded(&app, &page, done.map(|done| done.value), "").await
}

async fn coded(app: &App, page: &Page, done: Result<(Workstation, Made)>, typed: &str) -> Answer {
    let (workstation, made) = match done {
        Ok(done) => done,
        Err(error) => return refused(app, page, Form::filled([("name", typed)]), error).await,
    };
    let public_url = &app.config().public_url;
    let url = made.address(public_url);
    let context = json!({
        "name": workstation.name, "url": url, "picture": totp::picture(&url)?, "code": made.in_groups(),
        "place": format!("{public_url}/workstation"), "ends_at": made.expires_at,
        "moves": workstation.state == State::InUse,
    });
    Ok(shown_once(page.render("workstations/code.html", context)?))
}

/// `POST /workstations/{id}/name`.
///
/// # Errors
/// 404; what was refused is said on the page.
pub async fn rename(
    app: web::Data<App>,
    page: Page,
    id: web::Path<WorkstationId>,
    form: web::Form<Naming>,
) -> Answer {
    let name = form.into_inner().name;
    let done = app.write(&page.caller, move |tx| workstations::rename(tx, &id, &name)).await;
    after(&app, &page, done.map(drop)).await
}

/// `POST /workstations/{id}/end`.
///
/// # Errors
/// 404; what was refused is said on the page.
pub async fn end(app: web::Data<App>, page: Page, id: web::Path<WorkstationId>) -> Answer {
    let done = app.write(&page.caller, move |tx| workstations::end(tx, &id)).await;
    after(&app, &page, done.map(drop)).await
}

async fn after(app: &App, page: &Page, done: Result<()>) -> Answer {
    match done {
        Ok(()) => see_other("/workstations"),
        // Several forms stand beside each other, so what is wrong stands above them all.
        Err(Error::Invalid(fields)) => {
            let text: Vec<String> = fields.into_iter().map(|field| format!("It {}.", field.detail)).collect();
            refused(app, page, Form::default(), Error::conflict("invalid", text.join(" "))).await
        }
        Err(error) => refused(app, page, Form::default(), error).await,
    }
}

async fn refused(app: &App, page: &Page, form: Form, error: Error) -> Answer {
    let status = match &error {
        Error::Conflict(slug, _) if *slug != "invalid" => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    with_status(list(app, page, Place::default(), form.refused(error)?).await, status)
}
