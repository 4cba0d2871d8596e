//! Signing in over HTTP: the JSON calls of DESIGN §6; the pages stand in `pages`, the cookie in `cookies`.
//!
//! Rules: unknown, wrong and locked are one and the same answer, byte for byte; every step that succeeds sets the
//! cookie anew; nothing of a password or a code comes back.

pub mod cookies;
mod first_run;
pub mod own;
pub mod pages;
pub mod passkeys;
mod views;
pub mod workstations;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

pub use first_run::{first_run, set_up};

use super::Progress;
use super::hasher::Secret;
use super::sessions::{self, Listed as OwnSession, Session};
use super::totp::Enrolment as FactorView;
use crate::accounts;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::http::answer::{Changed, Listed};
use crate::http::identify::Current;
use crate::http::{Answer, Json, Problem, answer, idempotency, problem};
use crate::ids::{AccountId, SessionId};
use cookies::{visitor, with_cookie, with_device, without_cookie};
use views::{Me, RemainingView, SessionView, StepView, whole_seconds};

/// The body of the first step of an enrolment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// What stands in the link after `/enrol/`.
    #[schema(max_length = 100)]
    token: String,
    password: Secret,
}

/// The body of a sign-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    #[schema(max_length = 512)]
    username: String,
    password: Secret,
}

/// The body of a step that shows a code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Code {
    code: Secret,
}

/// The body of a step that chooses a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    password: Secret,
    current_password: Option<Secret>,
}

/// POST /api/v1/enrolment
///
/// # Errors
/// 404 for a link that cannot be used, 422 with the first rule that the password does not meet.
#[utoipa::path(post, path = "/api/v1/enrolment", request_body = Enrolment, responses((status = 200, body = StepView)))]
pub async fn enrol(app: web::Data<App>, request: HttpRequest, body: Json<Enrolment>) -> Answer {
    let Enrolment { token, password } = body.into_inner();
    progressed(super::set_password(&app, token, password, visitor(&app, &request)).await?)
}

/// POST /api/v1/enrolment/totp
///
/// # Errors
/// 401 outside an enrolment, 409 if there is a second factor already.
#[utoipa::path(post, path = "/api/v1/enrolment/totp", responses((status = 200, body = FactorView)))]
pub async fn begin_factor(app: web::Data<App>, current: Current) -> Answer {
    let factor = super::begin_factor(&app, of(current)?).await?;
    Ok(idempotency::shown_once(HttpResponse::Ok().json(factor)))
}

/// POST /api/v1/enrolment/totp/confirmation
///
/// # Errors
/// 401 outside an enrolment, 422 for a code that is not right.
#[utoipa::path(post, path = "/api/v1/enrolment/totp/confirmation", request_body = Code, responses((status = 200, body = StepView)))]
pub async fn confirm_factor(
    app: web::Data<App>,
    request: HttpRequest,
    current: Current,
    body: Json<Code>,
) -> Answer {
    let code = body.into_inner().code;
    progressed(super::confirm_factor(&app, of(current)?, code, visitor(&app, &request)).await?)
}

/// POST /api/v1/signin
///
/// # Errors
/// One 401 for unknown, wrong and locked; 503 if too many sign in at once.
#[utoipa::path(post, path = "/api/v1/signin", request_body = SignIn, responses((status = 200, body = StepView)))]
pub async fn sign_in(app: web::Data<App>, request: HttpRequest, body: Json<SignIn>) -> Answer {
    let SignIn { username, password } = body.into_inner();
    alike(super::sign_in(&app, username, password, visitor(&app, &request)).await)
}

/// POST /api/v1/signin/totp
///
/// # Errors
/// One 401 for wrong, used and locked; 409 if a new password has to be chosen first.
#[utoipa::path(post, path = "/api/v1/signin/totp", request_body = Code, responses((status = 200, body = StepView)))]
pub async fn show_code(
    app: web::Data<App>,
    request: HttpRequest,
    current: Current,
    body: Json<Code>,
) -> Answer {
    let code = body.into_inner().code;
    alike(super::show_code(&app, of(current)?, code, visitor(&app, &request)).await)
}

/// POST /api/v1/signin/password
///
/// # Errors
/// 401 outside that step, 409 if the password is in force, 422 with the first rule that is not met.
#[utoipa::path(post, path = "/api/v1/signin/password", request_body = NewPassword, responses((status = 200, body = StepView)))]
pub async fn choose_password(app: web::Data<App>, current: Current, body: Json<NewPassword>) -> Answer {
    progressed(super::choose_at_sign_in(&app, of(current)?, body.into_inner().password).await?)
}

/// POST /api/v1/me/password
///
/// # Errors
/// 403 without the present password or a fresh proof, 422 with the first rule that is not met.
#[utoipa::path(post, path = "/api/v1/me/password", request_body = NewPassword, responses((status = 200, body = Changed)))]
pub async fn change_password(app: web::Data<App>, current: Current, body: Json<NewPassword>) -> Answer {
    let NewPassword { password, current_password } = body.into_inner();
    let done = super::change(&app, of(current)?, current_password, password).await?;
    answer::changed(done.revision)
}

/// GET /api/v1/session
///
/// # Errors
/// 401 without a session.
#[utoipa::path(get, path = "/api/v1/session", responses((status = 200, body = SessionView)))]
pub async fn session(app: web::Data<App>, current: Current) -> Answer {
    let session = of(current)?;
    let asked = session.clone();
    let state = app.read(move |reader| super::next_state(reader, &asked)).await?;
    answer::ok(SessionView::of(session, state))
}

/// DELETE /api/v1/session
///
/// # Errors
/// 401 without a session.
#[utoipa::path(delete, path = "/api/v1/session", responses((status = 204, description = "Signed out")))]
pub async fn sign_out(app: web::Data<App>, current: Current) -> Answer {
    super::sign_out(&app, of(current)?).await?;
    Ok(without_cookie(HttpResponse::NoContent().finish()))
}

/// GET /api/v1/session/remaining: asking is no request that lets the session live on.
///
/// # Errors
/// 503 if the database is busy.
#[utoipa::path(get, path = "/api/v1/session/remaining", responses((status = 200, body = RemainingView)))]
pub async fn remaining(app: web::Data<App>, request: HttpRequest) -> Answer {
    let left = match request.cookie(sessions::COOKIE) {
        Some(cookie) => sessions::remaining(&app, cookie.value()).await?,
        None => None,
    };
    answer::ok(RemainingView { seconds: left.map_or(0, whole_seconds) })
}

/// GET /api/v1/me/sessions
///
/// # Errors
/// 401 without a session.
#[utoipa::path(get, path = "/api/v1/me/sessions", responses((status = 200, body = Listed<OwnSession>)))]
pub async fn own_sessions(app: web::Data<App>, current: Current) -> Answer {
    let session = of(current)?;
    let items = app.read(move |reader| sessions::list(reader, &session.account, Some(&session.id))).await?;
    answer::list(items, None)
}

/// DELETE /api/v1/me/sessions/{id}
///
/// # Errors
/// 404 if one has no such session.
#[utoipa::path(delete, path = "/api/v1/me/sessions/{id}", responses((status = 200, body = Changed)))]
pub async fn end_own_session(app: web::Data<App>, caller: Caller, path: web::Path<SessionId>) -> Answer {
    let done = super::end_session(&app, &caller, path.into_inner()).await?;
    answer::changed(done.revision)
}

/// GET /api/v1/me
///
/// # Errors
/// 401 without a session or key.
#[utoipa::path(get, path = "/api/v1/me", responses((status = 200, body = Me)))]
pub async fn me(app: web::Data<App>, caller: Caller) -> Answer {
    let id = caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let named = app.read(move |reader| accounts::find_named(reader, &id)).await?;
    answer::ok(Me::of(named, caller.proved_at, app.context().clock.now()))
}

/// POST /api/v1/accounts/{id}/unlock
///
/// # Errors
/// 404 if there is no such account.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/unlock", responses((status = 200, body = Changed)))]
pub async fn unlock(app: web::Data<App>, caller: Caller, path: web::Path<AccountId>) -> Answer {
    let id = path.into_inner();
    let done = app.write(&caller, move |tx| super::unlock(tx, &id)).await?;
    answer::changed(done.revision)
}

/// The session of the request, whatever its stage.
fn of(current: Current) -> Result<Session, Problem> {
    current.0.ok_or_else(|| Error::Unauthenticated.into())
}

/// The answer to a step, with the cookie of the session that it began.
fn progressed(progress: Progress) -> Answer {
    let Progress { state, issued, recovery_codes, device } = progress;
    let response = HttpResponse::Ok().json(StepView { state, recovery_codes });
    Ok(with_device(with_cookie(response, issued), device))
}

/// As [`progressed`], with the one refusal that does not say why.
fn alike(outcome: crate::error::Result<Progress>) -> Answer {
    match outcome {
        Err(Error::Unauthenticated) => Ok(problem::sign_in_refused()),
        other => progressed(other?),
    }
}
