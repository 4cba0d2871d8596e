//! One's own sign-in in JSON: a fresh proof, the authenticator, recovery codes, sessions.

use actix_web::{HttpRequest, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cookies::visitor;
use super::passkeys::ShownPasskey;
use super::views::StepView;
use super::{Code, alike, of};
use crate::app::App;
use crate::caller::Caller;
use crate::http::answer::{Changed, WithRevision};
use crate::http::identify::Current;
use crate::http::{Answer, Json, answer, idempotency};
use crate::ids::AccountId;
use crate::signin::hasher::Secret;
use crate::signin::passkeys::Challenge;
use crate::signin::totp::Enrolment as FactorView;
use crate::signin::{own, proving};

/// The password and a code, shown once more.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PersonProof)]
pub struct Proof {
    password: Secret,
    code: Secret,
}

/// Recovery codes, if there are new ones: shown this once.
#[derive(Serialize, ToSchema)]
pub struct Codes {
    #[schema(required)]
    recovery_codes: Option<Vec<String>>,
}

/// POST /api/v1/me/proof: password and code once more; the session is exchanged for a new one.
///
/// # Errors
/// One 401 for wrong, used and locked; 503 if too many sign in at once.
#[utoipa::path(post, path = "/api/v1/me/proof", request_body = Proof, responses((status = 200, body = StepView)))]
pub async fn prove(app: web::Data<App>, request: HttpRequest, current: Current, body: Json<Proof>) -> Answer {
    let Proof { password, code } = body.into_inner();
    alike(proving::prove(&app, of(current)?, password, code, visitor(&app, &request)).await)
}

/// POST /api/v1/me/proof/challenge: for one of one's passkeys.
///
/// # Errors
/// 409 without a passkey.
#[utoipa::path(post, path = "/api/v1/me/proof/challenge", responses((status = 200, body = Challenge)))]
pub async fn challenge(app: web::Data<App>, current: Current) -> Answer {
    let challenge = proving::begin_passkey(&app, of(current)?).await?;
    Ok(idempotency::shown_once(answer::ok(challenge)?))
}

/// POST /api/v1/me/proof/passkey: a passkey once more; the session is exchanged for a new one.
///
/// # Errors
/// One 401 for unknown, wrong and replayed.
#[utoipa::path(post, path = "/api/v1/me/proof/passkey", request_body = ShownPasskey, responses((status = 200, body = StepView)))]
pub async fn prove_by_passkey(
    app: web::Data<App>,
    request: HttpRequest,
    current: Current,
    body: Json<ShownPasskey>,
) -> Answer {
    let shown = body.into_inner().into();
    alike(proving::prove_by_passkey(&app, of(current)?, shown, visitor(&app, &request)).await)
}

/// POST /api/v1/me/totp: an authenticator beside passkeys, or in the place of the present one.
///
/// # Errors
/// 403 without a fresh proof.
#[utoipa::path(post, path = "/api/v1/me/totp", responses((status = 200, body = FactorView)))]
pub async fn begin_authenticator(app: web::Data<App>, current: Current) -> Answer {
    let factor = own::begin_authenticator(&app, of(current)?).await?;
    Ok(idempotency::shown_once(answer::ok(factor)?))
}

/// POST /api/v1/me/totp/confirmation
///
/// # Errors
/// 403 without a fresh proof, 409 if nothing was begun, 422 for a code that is not right.
#[utoipa::path(post, path = "/api/v1/me/totp/confirmation", request_body = Code, responses((status = 200, body = WithRevision<Codes>)))]
pub async fn confirm_authenticator(app: web::Data<App>, current: Current, body: Json<Code>) -> Answer {
    let done = own::confirm_authenticator(&app, of(current)?, body.into_inner().code).await?;
    let done = done.map(|recovery_codes| Codes { recovery_codes });
    Ok(idempotency::shown_once(answer::written(actix_web::http::StatusCode::OK, &done)?))
}

/// DELETE /api/v1/me/totp
///
/// # Errors
/// 403 without a fresh proof, 404 without an authenticator, 409 if it is the last strong factor.
#[utoipa::path(delete, path = "/api/v1/me/totp", responses((status = 200, body = Changed)))]
pub async fn remove_authenticator(app: web::Data<App>, current: Current) -> Answer {
    answer::changed(own::remove_authenticator(&app, of(current)?).await?.revision)
}

/// POST /api/v1/me/recovery-codes: new ones in place of those before.
///
/// # Errors
/// 403 without a fresh proof.
#[utoipa::path(post, path = "/api/v1/me/recovery-codes", responses((status = 200, body = WithRevision<Codes>)))]
pub async fn renew_recovery_codes(app: web::Data<App>, current: Current) -> Answer {
    let done = own::renew_recovery_codes(&app, of(current)?).await?;
    let done = done.map(|codes| Codes { recovery_codes: Some(codes) });
    Ok(idempotency::shown_once(answer::written(actix_web::http::StatusCode::OK, &done)?))
}

/// DELETE /api/v1/me/sessions: ends all of one's sessions but the one that asks.
///
/// # Errors
/// 401 without a session.
#[utoipa::path(delete, path = "/api/v1/me/sessions", responses((status = 200, body = Changed)))]
pub async fn end_other_sessions(app: web::Data<App>, current: Current) -> Answer {
    answer::changed(own::end_other_sessions(&app, of(current)?).await?.revision)
}

/// DELETE /api/v1/accounts/{id}/sessions: ends every session of a person.
///
/// # Errors
/// 404 if there is no such account.
#[utoipa::path(delete, path = "/api/v1/accounts/{id}/sessions", responses((status = 200, body = Changed)))]
pub async fn end_sessions_of(app: web::Data<App>, caller: Caller, path: web::Path<AccountId>) -> Answer {
    let id = path.into_inner();
    answer::changed(app.write(&caller, move |tx| own::end_sessions_of(tx, &id)).await?.revision)
}
