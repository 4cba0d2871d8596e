//! "My security": how one signs in, what one signs in with, and where one is signed in.
//!
//! Rules: what changes a factor wants a fresh proof and leads there if it is missing; what is refused stands above the
//! page in words.

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{form_of, with_status};
use crate::app::App;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::http::identify::Current;
use crate::http::pages::frame::Form;
use crate::http::{Answer, Page, agent, see_other};
use crate::ids::{PasskeyId, SessionId};
use crate::signin::hasher::Secret;
use crate::signin::sessions::Session;
use crate::signin::{self, own, passkeys, sessions, vouched};
use crate::sso;

const PATH: &str = "/me/security";
const TEMPLATE: &str = "me/security.html";

/// What was just done, as a word of ours.
#[derive(Deserialize)]
pub struct Done {
    done: Option<String>,
}

/// The form of another name.
#[derive(Deserialize)]
pub struct Naming {
    name: String,
}

/// The form of a first code.
#[derive(Deserialize)]
pub struct Code {
    code: Secret,
}

/// GET /me/security
///
/// # Errors
/// 500 if the page cannot be made.
pub async fn show(app: web::Data<App>, page: Page, current: Current, query: web::Query<Done>) -> Answer {
    let session = current.0.ok_or(Error::Unauthenticated)?;
    let done = query.into_inner().done.as_deref().and_then(said);
    render(&app, &page, session, (done, Form::default())).await
}

/// What is said after something was done.
fn said(word: &str) -> Option<Value> {
    let text = match word {
        "passkey" => "The passkey is added. From now on it lets you in.",
        "renamed" => "The passkey has its new name.",
        "passkey-removed" => "The passkey is removed. It lets nobody in any more.",
        "authenticator" => "The new authenticator counts from now on.",
        "authenticator-removed" => "The authenticator is removed. Its codes are worth nothing any more.",
        "sessions" => "You are signed in here and nowhere else.",
        "session" => "That session has ended.",
        "identity" => "The link is removed. It lets nobody in any more.",
        _ => return None,
    };
    Some(json!({ "text": text, "revision": null }))
}

async fn render(
    app: &web::Data<App>,
    page: &Page,
    session: Session,
    (done, form): (Option<Value>, Form),
) -> Answer {
    let house = app.clone();
    let mut context = app.read(move |reader| context(&house, reader, &session)).await?;
    context["done"] = done.unwrap_or_default();
    context["form"] = json!(form);
    page.render(TEMPLATE, context)
}

fn context(app: &App, reader: &mut Reader<'_>, session: &Session) -> Result<Value> {
    let me = &session.account;
    let standing = signin::standing(reader, me)?;
    let sessions: Vec<Value> = sessions::list(reader, me, Some(&session.id))?
        .into_iter()
        .map(|one| {
            json!({
                "id": one.id, "current": one.current, "device": agent::in_words(&one.agent),
                "network": one.network, "workstation": one.workstation, "created_at": one.created_at, "seen_at": one.seen_at,
                "ends_at": one.ends_at,
            })
        })
        .collect();
    let fresh = session.caller().has_fresh_proof(reader.now);
    let profile = reader.profile();
    let clauses = |parameter: &str| json!(profile.clauses(parameter));
    let identities = match app.config().identity_providers.as_slice() {
        [] => None,
        providers => Some(json!({
            "linked": sso::http::identities::shown(app, reader, me, &session.caller())?,
            "spare": vouched::enters_without(reader, providers, me)?,
        })),
    };
    Ok(json!({
        "identities": identities,
        "username": app.directory().card(me).map(|card| card.username).unwrap_or_default(),
        "password": {
            "since": standing.password_since, "ends_at": standing.password_ends_at,
            "clauses": clauses("password.max_age"),
        },
        "authenticator_since": standing.authenticator_since,
        "factor_clauses": clauses("mfa.required_for"),
        "passkeys": passkeys::list(reader, me)?,
        "spare": usize::from(standing.authenticator_since.is_some()) + standing.passkeys > 1,
        "codes_left": standing.codes_left,
        "sessions": sessions,
        "fresh": fresh,
        "longest_name": passkeys::LONGEST_NAME,
    }))
}

/// The page again with what was refused.
async fn refused(app: &web::Data<App>, page: &Page, session: Session, error: Error) -> Answer {
    if error.asks_for_proof() {
        return Err(error.into());
    }
    let status = match &error {
        Error::Conflict(..) => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let form = form_of(error, Vec::new())?;
    with_status(render(app, page, session, (None, form)).await, status)
}

/// Goes on to the page, or shows there why not.
async fn after<T>(
    app: &web::Data<App>,
    page: &Page,
    session: Session,
    done: Result<T>,
    word: &str,
) -> Answer {
    match done {
        Ok(_) => see_other(&format!("{PATH}?done={word}")),
        Err(error) => refused(app, page, session, error).await,
    }
}

/// GET /me/security/authenticator: begins one, or shows again the one that waits.
///
/// # Errors
/// 403 without a fresh proof, which leads to where it is renewed.
pub async fn authenticator(app: web::Data<App>, page: Page, current: Current) -> Answer {
    let session = current.0.ok_or(Error::Unauthenticated)?;
    authenticator_page(&app, &page, session, Form::default()).await
}

async fn authenticator_page(app: &App, page: &Page, session: Session, form: Form) -> Answer {
    let account = session.account.clone();
    let replaces = app.read(move |reader| signin::standing(reader, &account)).await?;
    let enrolment = own::begin_authenticator(app, session).await?;
    let context = json!({
        "qr": enrolment.picture()?, "otpauth_url": enrolment.otpauth_url, "secret": enrolment.groups(),
        "form": form, "replaces": replaces.authenticator_since.is_some(),
    });
    page.render("me/authenticator.html", context)
}

/// POST /me/security/authenticator: answers with recovery codes where there were none.
///
/// # Errors
/// 403 without a fresh proof, which leads to where it is renewed.
pub async fn confirm_authenticator(
    app: web::Data<App>,
    page: Page,
    current: Current,
    form: web::Form<Code>,
) -> Answer {
    let session = current.0.ok_or(Error::Unauthenticated)?;
    match own::confirm_authenticator(&app, session.clone(), form.into_inner().code).await {
        Ok(done) => match done.value {
            Some(codes) => codes_page(&app, &page, &session, &codes),
            None => see_other(&format!("{PATH}?done=authenticator")),
        },
        Err(error) if error.asks_for_proof() => Err(error.into()),
        Err(error) => {
            super::refused(authenticator_page(&app, &page, session, form_of(error, Vec::new())?).await)
        }
    }
}

/// POST /me/security/authenticator/removal
///
/// # Errors
/// 403 without a fresh proof, which leads to where it is renewed.
pub async fn authenticator_removal(app: web::Data<App>, page: Page, current: Current) -> Answer {
    let session = current.0.ok_or(Error::Unauthenticated)?;
    let done = own::remove_authenticator(&app, session.clone()).await;
    after(&app, &page, session, done, "authenticator-removed").await
}

/// POST /me/security/recovery-codes: answers with the codes, which are shown this once.
///
/// # Errors
/// 403 without a fresh proof, which leads to where it is renewed.
pub async fn recovery_codes(app: web::Data<App>, page: Page, current: Current) -> Answer {
    let session = current.0.ok_or(Error::Unauthenticated)?;
    let done = own::renew_recovery_codes(&app, session.clone()).await?;
    codes_page(&app, &page, &session, &done.value)
}

fn codes_page(app: &App, page: &Page, session: &Session, codes: &[String]) -> Answer {
    let username = app.directory().card(&session.account).map(|card| card.username).unwrap_or_default();
    let context = json!({ "codes": codes, "username": username, "label": "Shown this once", "next": PATH });
    page.gate("gate/recovery-codes.html", context)
}

/// POST /me/security/passkeys/{id}/name
///
/// # Errors
/// 404 if one has no such passkey.
pub async fn passkey_name(
    app: web::Data<App>,
    page: Page,
    current: Current,
    id: web::Path<PasskeyId>,
    form: web::Form<Naming>,
) -> Answer {
    let session = current.0.ok_or(Error::Unauthenticated)?;
    let done = passkeys::rename(&app, session.clone(), id.into_inner(), form.into_inner().name).await;
    after(&app, &page, session, done, "renamed").await
}

/// POST /me/security/passkeys/{id}/removal
///
/// # Errors
/// 403 without a fresh proof, which leads to where it is renewed; 404 if one has no such passkey.
pub async fn passkey_removal(
    app: web::Data<App>,
    page: Page,
    current: Current,
    id: web::Path<PasskeyId>,
) -> Answer {
    let session = current.0.ok_or(Error::Unauthenticated)?;
    let done = passkeys::remove(&app, session.clone(), id.into_inner()).await;
    after(&app, &page, session, done, "passkey-removed").await
}

/// POST /me/security/identities/{provider}/removal: ends the sessions that began by it.
///
/// # Errors
/// 403 without a fresh proof, which leads to where it is renewed; 404 if one has none there.
pub async fn identity_removal(
    app: web::Data<App>,
    page: Page,
    current: Current,
    provider: web::Path<String>,
) -> Answer {
    let session = current.0.ok_or(Error::Unauthenticated)?;
    let (providers, provider) = (app.config().identity_providers.clone(), provider.into_inner());
    let done = app.write(&session.caller(), move |tx| sso::unlink_own(tx, &providers, &provider)).await;
    after(&app, &page, session, done, "identity").await
}

/// POST /me/security/sessions/{id}/end
///
/// # Errors
/// 404 if one has no such session.
pub async fn session_end(app: web::Data<App>, page: Page, id: web::Path<SessionId>) -> Answer {
    signin::end_session(&app, &page.caller, id.into_inner()).await?;
    see_other(&format!("{PATH}?done=session"))
}

/// POST /me/security/sessions/end
///
/// # Errors
/// 503 if the log is busy.
pub async fn other_sessions_end(app: web::Data<App>, current: Current) -> Answer {
    let session = current.0.ok_or(Error::Unauthenticated)?;
    own::end_other_sessions(&app, session).await?;
    see_other(&format!("{PATH}?done=sessions"))
}
