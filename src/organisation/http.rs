//! The page of the house's settings: name, time zone, public address, and once the policy profile.

use std::cmp::Reverse;

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Wishes, change, zones};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::http::pages::frame::Form;
use crate::http::{Answer, Page, identify, see_other};
use crate::notify::http as mail;
use crate::profile::STRICTEST;
use crate::sso::http::attestations as providers;

const TEMPLATE: &str = "settings/settings.html";

/// What the page sends.
#[derive(Debug, Default, Deserialize)]
pub struct SettingsForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    time_zone: String,
    #[serde(default)]
    public_url: String,
    profile: Option<String>,
}

/// `GET /settings`.
///
/// # Errors
/// As the render.
pub async fn show(app: web::Data<App>, page: Page) -> Answer {
    with_trial(&app, &page, Value::Null).await
}

/// The page with a form of a provider that came back refused.
///
/// # Errors
/// As the render.
pub async fn with_refused(app: &App, page: &Page, refused: (&str, &Form)) -> Answer {
    let (form, trial) = (filled(app), Value::Null);
    let mut answer = page.render(TEMPLATE, context(app, &page.caller, &form, trial, Some(refused)).await?)?;
    *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(answer)
}

/// The page with what became of a trial of the mail.
///
/// # Errors
/// As the render.
pub async fn with_mail_said(app: &App, page: &Page, said: &str, well: bool) -> Answer {
    with_trial(app, page, json!({ "text": said, "well": well })).await
}

async fn with_trial(app: &App, page: &Page, trial: Value) -> Answer {
    page.render(TEMPLATE, context(app, &page.caller, &filled(app), trial, None).await?)
}

/// The form with what is in force.
fn filled(app: &App) -> Form {
    let organisation = app.organisation();
    let url = organisation.public_url.as_deref().unwrap_or(&app.config().public_url);
    let zone = organisation.time_zone.name();
    Form::filled([("name", organisation.name.as_str()), ("time_zone", zone), ("public_url", url)])
}

/// `POST /settings`.
///
/// # Errors
/// What was refused comes back in the form.
pub async fn submit(app: web::Data<App>, page: Page, form: web::Form<SettingsForm>) -> Answer {
    let SettingsForm { name, time_zone, public_url, profile } = form.into_inner();
    let typed =
        [("name", name.as_str()), ("time_zone", time_zone.as_str()), ("public_url", public_url.as_str())];
    let typed = Form::filled(typed.into_iter().chain(profile.as_deref().map(|key| ("profile", key))));
    let wishes =
        Wishes { name: Some(name), time_zone: Some(time_zone), public_url: Some(public_url), profile };
    match app.write(&page.caller, move |tx| change(tx, &wishes)).await {
        Ok(_) => see_other("/settings"),
        Err(error) => {
            let form = typed.refused(error)?;
            let context = context(&app, &page.caller, &form, Value::Null, None).await?;
            let mut answer = page.render(TEMPLATE, context)?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
    }
}

async fn context(
    app: &App,
    caller: &Caller,
    form: &Form,
    trial: Value,
    refused: Option<(&str, &Form)>,
) -> Result<Value> {
    let organisation = app.organisation();
    let current = app.context().profiles.current();
    Ok(json!({
        "form": form,
        "zones": zones(),
        "serves_at": app.config().public_url,
        "profile": current.name,
        "profiles": if organisation.chose_profile { Vec::new() } else { profiles(app) },
        "writes": identify::permits(app, caller, "profile", "write"),
        "mail": mail::state(app).await?,
        "trial": trial,
        "providers": providers::state(app, refused).await?,
    }))
}

/// The profiles to choose from, the strictest first because it is the default.
pub fn profiles(app: &App) -> Vec<Value> {
    let policies = app.context().profiles.policies();
    let mut keys: Vec<&str> = policies.keys().collect();
    keys.sort_by_key(|key| Reverse(*key == STRICTEST));
    keys.into_iter()
        .filter_map(|key| policies.profile(key).ok())
        .map(|profile| {
            let mut clauses: Vec<String> =
                profile.parameters().flat_map(|one| one.clauses.iter().map(ToString::to_string)).collect();
            clauses.sort();
            clauses.dedup();
            let summary = summary(profile.parameters().count(), profile.key == STRICTEST);
            json!({ "key": profile.key, "name": profile.name, "summary": summary, "clauses": clauses.len() })
        })
        .collect()
}

fn summary(parameters: usize, computed: bool) -> String {
    if computed {
        "The strictest value of every profile, parameter by parameter. The safe choice.".to_owned()
    } else {
        format!("{parameters} parameters of this source alone.")
    }
}
