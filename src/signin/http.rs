//! Signing in over HTTP: the JSON calls of DESIGN §6; the pages stand in `pages`, the cookie in `cookies`.
//!
//! Rules: unknown, wrong and locked are one and the same answer, byte for byte; every step that succeeds sets the
//! cookie anew; nothing of a password or a code comes back.

mod cookies;
mod first_run;
pub mod pages;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

pub use first_run::{first_run, set_up};

use super::Progress;
use super::hasher::Secret;
use super::sessions::{self, Session};
use crate::accounts;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::http::identify::Current;
use crate::http::{Answer, Problem, answer, problem};
use crate::ids::{AccountId, SessionId};
use cookies::{agent, with_cookie, without_cookie};

/// The body of the first step of an enrolment.
#[derive(Deserialize)]
pub struct Enrolment {
    token: String,
    password: Secret,
}

/// The body of a sign-in.
#[derive(Deserialize)]
pub struct SignIn {
    username: String,
    password: Secret,
}

/// The body of a step that shows a code.
#[derive(Deserialize)]
pub struct Code {
    code: Secret,
}

/// The body of a step that chooses a password.
#[derive(Deserialize)]
pub struct NewPassword {
    password: Secret,
    current_password: Option<Secret>,
}

/// POST /api/v1/enrolment
///
/// # Errors
/// 404 for a link that cannot be used, 422 with the first rule that the password does not meet.
pub async fn enrol(app: web::Data<App>, request: HttpRequest, body: web::Json<Enrolment>) -> Answer {
    let Enrolment { token, password } = body.into_inner();
    progressed(super::set_password(&app, token, password, agent(&request)).await?)
}

/// POST /api/v1/enrolment/totp
///
/// # Errors
/// 401 outside an enrolment, 409 if there is a second factor already.
pub async fn begin_factor(app: web::Data<App>, current: Current) -> Answer {
    answer::ok(super::begin_factor(&app, of(current)?).await?)
}

/// POST /api/v1/enrolment/totp/confirmation
///
/// # Errors
/// 401 outside an enrolment, 422 for a code that is not right.
pub async fn confirm_factor(
    app: web::Data<App>,
    request: HttpRequest,
    current: Current,
    body: web::Json<Code>,
) -> Answer {
    let code = body.into_inner().code;
    progressed(super::confirm_factor(&app, of(current)?, code, agent(&request)).await?)
}

/// POST /api/v1/signin
///
/// # Errors
/// One 401 for unknown, wrong and locked; 503 if too many sign in at once.
pub async fn sign_in(app: web::Data<App>, request: HttpRequest, body: web::Json<SignIn>) -> Answer {
    let SignIn { username, password } = body.into_inner();
    alike(super::sign_in(&app, username, password, agent(&request)).await)
}

/// POST /api/v1/signin/totp
///
/// # Errors
/// One 401 for wrong, used and locked; 409 if a new password has to be chosen first.
pub async fn show_code(
    app: web::Data<App>,
    request: HttpRequest,
    current: Current,
    body: web::Json<Code>,
) -> Answer {
    let code = body.into_inner().code;
    alike(super::show_code(&app, of(current)?, code, agent(&request)).await)
}

/// POST /api/v1/signin/password
///
/// # Errors
/// 401 outside that step, 409 if the password is in force, 422 with the first rule that is not met.
pub async fn choose_password(app: web::Data<App>, current: Current, body: web::Json<NewPassword>) -> Answer {
    progressed(super::choose_at_sign_in(&app, of(current)?, body.into_inner().password).await?)
}

/// POST /api/v1/me/password
///
/// # Errors
/// 403 without the present password or a fresh proof, 422 with the first rule that is not met.
pub async fn change_password(app: web::Data<App>, current: Current, body: web::Json<NewPassword>) -> Answer {
    let NewPassword { password, current_password } = body.into_inner();
    let done = super::change(&app, of(current)?, current_password, password).await?;
    answer::ok(json!({ "revision": done.revision }))
}

/// GET /api/v1/session
///
/// # Errors
/// 401 without a session.
pub async fn session(app: web::Data<App>, current: Current) -> Answer {
    let session = of(current)?;
    let asked = session.clone();
    let state = app.read(move |reader| super::next_state(reader, &asked)).await?;
    answer::ok(json!({
        "id": session.id,
        "state": state,
        "account": session.account,
        "created_at": session.created_at,
        "proved_at": session.proved_at,
        "ends_at": session.ends_at,
        "idle_seconds": session.idle.num_seconds(),
    }))
}

/// DELETE /api/v1/session
///
/// # Errors
/// 401 without a session.
pub async fn sign_out(app: web::Data<App>, current: Current) -> Answer {
    super::sign_out(&app, of(current)?).await?;
    Ok(without_cookie(HttpResponse::NoContent().finish()))
}

/// GET /api/v1/me/sessions
///
/// # Errors
/// 401 without a session.
pub async fn own_sessions(app: web::Data<App>, current: Current) -> Answer {
    let session = of(current)?;
    let items = app.read(move |reader| sessions::list(reader, &session.account, Some(&session.id))).await?;
    answer::list(items, None)
}

/// DELETE /api/v1/me/sessions/{id}
///
/// # Errors
/// 404 if one has no such session.
pub async fn end_own_session(app: web::Data<App>, caller: Caller, path: web::Path<SessionId>) -> Answer {
    let done = super::end_session(&app, &caller, path.into_inner()).await?;
    answer::ok(json!({ "revision": done.revision }))
}

/// GET /api/v1/me
///
/// # Errors
/// 401 without a session or key.
pub async fn me(app: web::Data<App>, caller: Caller) -> Answer {
    let id = caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let named = app.read(move |reader| accounts::find_named(reader, &id)).await?;
    let (account, details) = (named.account, named.details);
    answer::ok(json!({
        "id": account.id,
        "kind": account.kind,
        "state": account.status_at(app.context().clock.now()).state,
        "username": details.username,
        "given_name": details.given_name,
        "family_name": details.family_name,
        "email": details.email,
        "employee_id": details.employee_id,
        "department": details.department,
        "job_title": details.job_title,
        "manager": account.manager,
        "time_zone": account.time_zone,
        "starts_at": account.starts_at,
        "ends_at": account.ends_at,
        "proved_at": caller.proved_at,
        "revision": account.revision,
    }))
}

/// POST /api/v1/accounts/{id}/unlock
///
/// # Errors
/// 404 if there is no such account.
pub async fn unlock(app: web::Data<App>, caller: Caller, path: web::Path<AccountId>) -> Answer {
    let id = path.into_inner();
    let done = app.write(&caller, move |tx| super::unlock(tx, &id)).await?;
    answer::ok(json!({ "revision": done.revision }))
}

/// The session of the request, whatever its stage.
fn of(current: Current) -> Result<Session, Problem> {
    current.0.ok_or_else(|| Error::Unauthenticated.into())
}

/// The answer to a step, with the cookie of the session that it began.
fn progressed(progress: Progress) -> Answer {
    let Progress { state, issued, recovery_codes } = progress;
    let mut body = json!({ "state": state });
    if let Some(codes) = recovery_codes {
        body["recovery_codes"] = json!(codes);
    }
    Ok(with_cookie(HttpResponse::Ok().json(body), issued))
}

/// As [`progressed`], with the one refusal that does not say why.
fn alike(outcome: crate::error::Result<Progress>) -> Answer {
    match outcome {
        Err(Error::Unauthenticated) => Ok(problem::sign_in_refused()),
        other => progressed(other?),
    }
}
