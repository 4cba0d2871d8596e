//! The page that asks again who one is, before something that wants a fresh proof.
//!
//! Rule: one goes on to a path of this house only, and to nothing that was sent before: whoever came from a form sends
//! it again.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::signing_in::{Next, problem_form};
use super::{own_path, with_next, with_status};
use crate::app::App;
use crate::error::Error;
use crate::http::identify::Current;
use crate::http::pages::frame::Form;
use crate::http::{Answer, Page, see_other};
use crate::signin::hasher::Secret;
use crate::signin::http::cookies::{visitor, with_cookie};
use crate::signin::sessions::Session;
use crate::signin::{self, proving};
use crate::sso;

/// The form of a proof.
#[derive(Deserialize)]
pub struct Proof {
    password: Secret,
    code: Secret,
    next: Option<String>,
}

/// GET /prove
///
/// # Errors
/// 500 if the page cannot be made.
pub async fn proof_form(
    app: web::Data<App>,
    page: Page,
    current: Current,
    query: web::Query<Next>,
) -> Answer {
    let session = current.0.ok_or(Error::Unauthenticated)?;
    proof_page(&app, &page, &session, Form::default(), own_path(query.into_inner().next)).await
}

/// POST /prove
///
/// # Errors
/// 503 if too many sign in at once.
pub async fn prove(
    app: web::Data<App>,
    page: Page,
    request: HttpRequest,
    current: Current,
    form: web::Form<Proof>,
) -> Answer {
    let session = current.0.ok_or(Error::Unauthenticated)?;
    let Proof { password, code, next } = form.into_inner();
    let next = own_path(next);
    match proving::prove(&app, session.clone(), password, code, visitor(&app, &request)).await {
        Ok(progress) => Ok(with_cookie(see_other(next.as_deref().unwrap_or("/"))?, progress.issued)),
        Err(Error::Unauthenticated) => {
            let text = "Password or code is wrong, or locked for the moment. A code works once; wait for the next one.";
            let form = problem_form(text.to_owned());
            with_status(proof_page(&app, &page, &session, form, next).await, StatusCode::UNAUTHORIZED)
        }
        Err(other) => Err(other.into()),
    }
}

async fn proof_page(app: &App, page: &Page, session: &Session, form: Form, next: Option<String>) -> Answer {
    let account = session.account.clone();
    let house = app.clone();
    let (standing, providers) = app
        .read(move |reader| {
            let providers = &house.config().identity_providers;
            Ok((signin::standing(reader, &account)?, sso::proving::offered(reader, providers, &account)?))
        })
        .await?;
    let providers: Vec<Value> = providers
        .iter()
        .map(|provider| {
            let path = format!("/prove/with/{}", provider.key);
            json!({ "name": provider.name, "href": with_next(&path, next.as_deref()) })
        })
        .collect();
    let name = app.directory().display_name(&session.account);
    let context = json!({
        "form": form, "next": next, "name": name, "passkey": standing.passkeys > 0,
        "providers": providers, "authenticator": standing.authenticator_since.is_some(), "password": standing.password_since.is_some(),
    });
    page.gate("gate/prove.html", context)
}
