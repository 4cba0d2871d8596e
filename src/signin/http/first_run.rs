//! The first run as a page: behind the set-up link, once.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::pages::{checked_origin, form_of, gone, refused};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::http::pages::frame::Form;
use crate::http::{Answer, Page, see_other};
use crate::organisation;
use crate::signin::inviting::{self, FirstRun};
use crate::signin::links::{self, Purpose};

const TEMPLATE: &str = "gate/first-run.html";

/// The form of the first run with the link's token.
#[derive(Deserialize)]
pub struct Submitted {
    token: String,
    #[serde(flatten)]
    wanted: FirstRun,
}

/// GET /set-up/{token}
///
/// # Errors
/// 500 if the page cannot be made; a link that has ended is a page of its own.
pub async fn set_up(app: web::Data<App>, page: Page, token: web::Path<String>) -> Answer {
    let token = token.into_inner();
    let form = Form {
        values: [
            ("public_url".to_owned(), app.config().public_url.clone()),
            ("time_zone".to_owned(), "UTC".to_owned()),
        ]
        .into(),
        ..Form::default()
    };
    match context(&app, &token, form).await {
        Ok(context) => page.gate(TEMPLATE, context),
        Err(Error::NotFound(_)) => gone(&page),
        Err(other) => Err(other.into()),
    }
}

/// POST /first-run
///
/// # Errors
/// 409 once the house is set up.
pub async fn first_run(
    app: web::Data<App>,
    page: Page,
    request: HttpRequest,
    form: web::Form<Submitted>,
) -> Answer {
    checked_origin(&app, &request)?;
    let Submitted { token, wanted } = form.into_inner();
    let (given, link) = (typed(&wanted), token.clone());
    match app.write(&Caller::nobody(), move |tx| inviting::set_up(tx, &link, wanted)).await {
        Ok(made) => see_other(&format!("/enrol/{}", made.value.token)),
        Err(Error::NotFound(_)) => gone(&page),
        Err(error) => {
            let form = form_of(error, given)?;
            refused(page.gate(TEMPLATE, context(&app, &token, form).await?))
        }
    }
}

fn typed(wanted: &FirstRun) -> Vec<(&'static str, String)> {
    vec![
        ("organisation", wanted.organisation.clone()),
        ("time_zone", wanted.time_zone.clone()),
        ("public_url", wanted.public_url.clone()),
        ("profile", wanted.profile.clone()),
        ("username", wanted.username.clone()),
        ("given_name", wanted.given_name.clone()),
        ("family_name", wanted.family_name.clone()),
        ("email", wanted.email.clone().unwrap_or_default()),
    ]
}

async fn context(app: &App, token: &str, form: Form) -> crate::error::Result<Map<String, Json>> {
    let asked = token.to_owned();
    let link = app.read(move |reader| links::look(reader, Purpose::SetUp, &asked)).await?;
    let context = json!({
        "token": token,
        "ends_at": link.expires_at,
        "form": form,
        "zones": organisation::zones(),
        "profiles": organisation::http::profiles(app),
    });
    match context {
        Json::Object(context) => Ok(context),
        _ => Err(Error::internal("making a page", "not an object")),
    }
}
