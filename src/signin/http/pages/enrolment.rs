//! The pages of enrolling: a password behind a link, a second factor, the recovery codes.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::signing_in::alike;
use super::{Locks, checked_origin, form_of, gone, refused};
use crate::accounts;
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::identify::Current;
use crate::http::pages::frame::Form;
use crate::http::{Answer, Page, see_other};
use crate::ids::{AccountId, CeremonyId};
use crate::profile::Profile;
use crate::signin::hasher::Secret;
use crate::signin::http::cookies::{visitor, with_cookie, with_device};
use crate::signin::sessions::{Session, Stage};
use crate::signin::{self, Progress, passkeys, password, people};
use crate::sso;

/// The form of a first password.
#[derive(Deserialize)]
pub struct Choice {
    password: Secret,
    again: Secret,
}

/// The form of the first code.
#[derive(Deserialize)]
pub struct Code {
    code: Secret,
}

/// GET /enrol/{token}: looking uses nothing up.
///
/// # Errors
/// 409 if the account is not in use; a link that has ended is a page of its own.
pub async fn link(app: web::Data<App>, page: Page, token: web::Path<String>) -> Answer {
    match context(&app, &token.into_inner(), Form::default(), None).await {
        Ok(context) => page.gate("gate/enrol-password.html", context),
        Err(Error::NotFound(_)) => gone(&page),
        Err(other) => Err(other.into()),
    }
}

/// POST /enrol/{token}
///
/// # Errors
/// 503 if too many hash at once; a link that has ended is a page of its own.
pub async fn enrol(
    app: web::Data<App>,
    page: Page,
    request: HttpRequest,
    token: web::Path<String>,
    form: web::Form<Choice>,
) -> Answer {
    checked_origin(&app, &request)?;
    let (token, Choice { password, again }) = (token.into_inner(), form.into_inner());
    let set = match alike(&password, &again) {
        Ok(()) => signin::set_password(&app, token.clone(), password.clone(), visitor(&app, &request)).await,
        Err(error) => Err(error),
    };
    match set {
        Ok(progress) => {
            let enrolled = progress.issued.as_ref().is_some_and(|one| one.session.stage == Stage::Password);
            let on = if enrolled { "/sign-in/totp" } else { "/enrolment/totp" };
            Ok(with_cookie(see_other(on)?, progress.issued))
        }
        Err(Error::NotFound(_)) => gone(&page),
        Err(error) => {
            let form = form_of(error, Vec::new())?;
            let context = context(&app, &token, form, Some(&password)).await?;
            refused(page.gate("gate/enrol-password.html", context))
        }
    }
}

async fn context(app: &App, token: &str, form: Form, typed: Option<&Secret>) -> Result<Map<String, Json>> {
    let (asked, typed) = (token.to_owned(), typed.cloned());
    let (details, ends_at, rules, profile) = app
        .read(move |reader| {
            let (account, link) = signin::look(reader, &asked)?;
            let details = accounts::find_named(reader, &account)?.details;
            let profile = reader.profile();
            let person = people::person(&details);
            let rules = match &typed {
                Some(typed) => password::judged(&profile, &person, typed),
                None => password::rules(&profile, &person),
            };
            Ok((details, link.expires_at, rules, profile))
        })
        .await?;
    let context = json!({
        "token": token,
        "given_name": details.given_name,
        "username": details.username,
        "ends_at": ends_at,
        "form": form,
        "rules": rules,
        "ending": ending(&profile),
        "locks": Locks::of(&profile),
        "profile": profile.name,
        "providers": sso::http::offered(app),
    });
    match context {
        Json::Object(context) => Ok(context),
        _ => Err(Error::internal("making a page", "not an object")),
    }
}

fn ending(profile: &Profile) -> Json {
    let clauses = password::clauses(profile, "password.max_age");
    json!({ "days": profile.days("password.max_age"), "clauses": clauses })
}

/// GET /enrolment/totp
///
/// # Errors
/// 503 if the log is busy.
pub async fn factor(app: web::Data<App>, page: Page, current: Current) -> Answer {
    match enrolling(current) {
        Some(session) => factor_page(&app, &page, session, Form::default()).await,
        None => see_other("/sign-in"),
    }
}

/// POST /enrolment/totp: answers with the recovery codes, which are shown this once.
///
/// # Errors
/// 503 if the log is busy.
pub async fn confirm_factor(
    app: web::Data<App>,
    page: Page,
    request: HttpRequest,
    current: Current,
    form: web::Form<Code>,
) -> Answer {
    let Some(session) = enrolling(current) else { return see_other("/sign-in") };
    let code = form.into_inner().code;
    match signin::confirm_factor(&app, session.clone(), code, visitor(&app, &request)).await {
        Ok(progress) => codes_page(&app, &page, session.account, progress).await,
        Err(error) => refused(factor_page(&app, &page, session, form_of(error, Vec::new())?).await),
    }
}

/// What the device of somebody who enrols made, put into hidden fields by the page's script.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Made {
    ceremony: String,
    name: String,
    credential_id: String,
    client_data: String,
    attestation: String,
}

/// POST /enrolment/passkey: answers with the recovery codes, which are shown this once.
///
/// # Errors
/// 503 if the log is busy.
pub async fn enrol_passkey(
    app: web::Data<App>,
    page: Page,
    request: HttpRequest,
    current: Current,
    form: web::Form<Made>,
) -> Answer {
    let Some(session) = enrolling(current) else { return see_other("/sign-in") };
    let Made { ceremony, name, credential_id, client_data, attestation } = form.into_inner();
    let Some(ceremony) = CeremonyId::parse(&ceremony) else { return see_other("/enrolment/totp") };
    let made = passkeys::Made { ceremony, name, credential_id, client_data, attestation };
    match passkeys::enrol(&app, session.clone(), made, visitor(&app, &request)).await {
        Ok(progress) => codes_page(&app, &page, session.account, progress).await,
        Err(error) => refused(factor_page(&app, &page, session, form_of(error, Vec::new())?).await),
    }
}

async fn codes_page(app: &App, page: &Page, account: AccountId, progress: Progress) -> Answer {
    let named = app.read(move |reader| accounts::find_named(reader, &account)).await?;
    let codes = progress.recovery_codes.unwrap_or_default();
    let context = json!({
        "codes": codes, "username": named.details.username, "label": "Done: you are signed in", "next": "/",
    });
    let answer = with_cookie(page.gate("gate/recovery-codes.html", context)?, progress.issued);
    Ok(with_device(answer, progress.device))
}

fn enrolling(current: Current) -> Option<Session> {
    current.0.filter(|session| session.stage == Stage::Enrolment)
}

async fn factor_page(app: &App, page: &Page, session: Session, form: Form) -> Answer {
    let enrolment = signin::begin_factor(app, session).await?;
    let clauses = password::clauses(&app.context().profiles.current(), "mfa.required_for");
    let context = json!({
        "qr": enrolment.picture()?,
        "otpauth_url": enrolment.otpauth_url,
        "secret": enrolment.groups(),
        "form": form,
        "clauses": clauses,
    });
    page.gate("gate/enrol-totp.html", context)
}
