//! Passkeys in JSON: signing in, enrolling, one's own. Bytes are Base64 for URLs, as browsers write them.
//!
//! Rule: a sign-in that is refused is one and the same answer, whatever the reason.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::cookies::{browser, visitor, with_browser};
use super::views::StepView;
use super::{alike, of, progressed};
use crate::app::App;
use crate::http::answer::{Changed, Listed, WithRevision};
use crate::http::identify::Current;
use crate::http::{Answer, Json, answer, idempotency};
use crate::ids::{CeremonyId, PasskeyId};
use crate::signin::passkeys::{self, Challenge, Listed as Passkey, Made, Shown};

/// What a device made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPasskey {
    /// The `ceremony` of the challenge that it answers.
    ceremony: CeremonyId,
    /// What its owner calls it.
    #[schema(max_length = 60)]
    name: String,
    /// `rawId` of the credential.
    #[schema(max_length = 1400)]
    credential_id: String,
    /// `response.clientDataJSON`.
    #[schema(max_length = 8192)]
    client_data: String,
    /// `response.attestationObject`.
    #[schema(max_length = 32768)]
    attestation: String,
}

impl From<NewPasskey> for Made {
    fn from(body: NewPasskey) -> Self {
        let NewPasskey { ceremony, name, credential_id, client_data, attestation } = body;
        Self { ceremony, name, credential_id, client_data, attestation }
    }
}

/// What a device showed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShownPasskey {
    /// The `ceremony` of the challenge that it answers.
    ceremony: CeremonyId,
    /// `rawId` of the credential.
    #[schema(max_length = 1400)]
    credential_id: String,
    /// `response.clientDataJSON`.
    #[schema(max_length = 8192)]
    client_data: String,
    /// `response.authenticatorData`.
    #[schema(max_length = 4096)]
    authenticator_data: String,
    /// `response.signature`.
    #[schema(max_length = 4096)]
    signature: String,
    /// `response.userHandle`; may be missing where it is known who signs in.
    #[schema(max_length = 128)]
    user_handle: Option<String>,
}

impl From<ShownPasskey> for Shown {
    fn from(body: ShownPasskey) -> Self {
        let ShownPasskey { ceremony, credential_id, client_data, authenticator_data, signature, user_handle } =
            body;
        Self { ceremony, credential_id, client_data, authenticator_data, signature, user_handle }
    }
}

/// Another name for a passkey.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Renamed {
    #[schema(max_length = 60)]
    name: String,
}

/// POST /api/v1/signin/passkey/challenge: for whichever key the browser has for this house.
///
/// # Errors
/// 409 where the public URL has no name; 429 for an address that asks too often.
#[utoipa::path(post, path = "/api/v1/signin/passkey/challenge", responses((status = 200, body = Challenge)))]
pub async fn sign_in_challenge(app: web::Data<App>, request: HttpRequest) -> Answer {
    let token = browser(&app, &request);
    let challenge = passkeys::begin_sign_in(&app, token.clone(), visitor(&app, &request)).await?;
    Ok(with_browser(answer::ok(challenge)?, token))
}

/// POST /api/v1/signin/passkey: signs in with a passkey alone.
///
/// # Errors
/// One 401 for unknown, wrong, replayed and not in use.
#[utoipa::path(post, path = "/api/v1/signin/passkey", request_body = ShownPasskey, responses((status = 200, body = StepView)))]
pub async fn sign_in(app: web::Data<App>, request: HttpRequest, body: Json<ShownPasskey>) -> Answer {
    let token = super::cookies::browser_shown(&request);
    alike(passkeys::sign_in(&app, token, body.into_inner().into(), visitor(&app, &request)).await)
}

/// POST /api/v1/signin/factor/challenge: for a key of whoever has given the right password.
///
/// # Errors
/// 401 outside that step, 409 without a passkey.
#[utoipa::path(post, path = "/api/v1/signin/factor/challenge", responses((status = 200, body = Challenge)))]
pub async fn factor_challenge(app: web::Data<App>, current: Current) -> Answer {
    answer::ok(passkeys::begin_second_factor(&app, of(current)?).await?)
}

/// POST /api/v1/signin/factor: a passkey in place of a code.
///
/// # Errors
/// One 401 for unknown, wrong and replayed; 409 if a new password has to be chosen first.
#[utoipa::path(post, path = "/api/v1/signin/factor", request_body = ShownPasskey, responses((status = 200, body = StepView)))]
pub async fn show_factor(
    app: web::Data<App>,
    request: HttpRequest,
    current: Current,
    body: Json<ShownPasskey>,
) -> Answer {
    let shown = body.into_inner().into();
    alike(passkeys::take_second_factor(&app, of(current)?, shown, visitor(&app, &request)).await)
}

/// POST /api/v1/enrolment/passkey/challenge
///
/// # Errors
/// 401 outside an enrolment.
#[utoipa::path(post, path = "/api/v1/enrolment/passkey/challenge", responses((status = 200, body = Challenge)))]
pub async fn enrolment_challenge(app: web::Data<App>, current: Current) -> Answer {
    answer::ok(passkeys::begin_enrolment(&app, of(current)?).await?)
}

/// POST /api/v1/enrolment/passkey: a passkey as the second factor, in place of an authenticator.
///
/// # Errors
/// 401 outside an enrolment, 409 if the challenge is over, 422 for what is not as it was asked for.
#[utoipa::path(post, path = "/api/v1/enrolment/passkey", request_body = NewPasskey, responses((status = 200, body = StepView)))]
pub async fn enrol(
    app: web::Data<App>,
    request: HttpRequest,
    current: Current,
    body: Json<NewPasskey>,
) -> Answer {
    let made = body.into_inner().into();
    progressed(passkeys::enrol(&app, of(current)?, made, visitor(&app, &request)).await?)
}

/// GET /api/v1/me/passkeys
///
/// # Errors
/// 401 without a session.
#[utoipa::path(get, path = "/api/v1/me/passkeys", responses((status = 200, body = Listed<Passkey>)))]
pub async fn index(app: web::Data<App>, current: Current) -> Answer {
    let session = of(current)?;
    answer::list(app.read(move |reader| passkeys::list(reader, &session.account)).await?, None)
}

/// POST /api/v1/me/passkeys/challenge
///
/// # Errors
/// 403 without a fresh proof, 409 with too many passkeys.
#[utoipa::path(post, path = "/api/v1/me/passkeys/challenge", responses((status = 200, body = Challenge)))]
pub async fn challenge(app: web::Data<App>, current: Current) -> Answer {
    let challenge = passkeys::begin_own(&app, of(current)?).await?;
    Ok(idempotency::shown_once(answer::ok(challenge)?))
}

/// POST /api/v1/me/passkeys
///
/// # Errors
/// 403 without a fresh proof, 409 if the challenge is over or the key is known, 422 for what is not as it was asked
/// for.
#[utoipa::path(post, path = "/api/v1/me/passkeys", request_body = NewPasskey, responses((status = 201, body = WithRevision<Passkey>)))]
pub async fn create(app: web::Data<App>, current: Current, body: Json<NewPasskey>) -> Answer {
    answer::created(&passkeys::add_own(&app, of(current)?, body.into_inner().into()).await?)
}

/// PATCH /api/v1/me/passkeys/{id}
///
/// # Errors
/// 404 if one has no such passkey, 422 for a name that is none.
#[utoipa::path(patch, path = "/api/v1/me/passkeys/{id}", request_body = Renamed, responses((status = 200, body = WithRevision<Passkey>)))]
pub async fn rename(
    app: web::Data<App>,
    current: Current,
    path: web::Path<PasskeyId>,
    body: Json<Renamed>,
) -> Answer {
    let done = passkeys::rename(&app, of(current)?, path.into_inner(), body.into_inner().name).await?;
    answer::written(actix_web::http::StatusCode::OK, &done)
}

/// DELETE /api/v1/me/passkeys/{id}
///
/// # Errors
/// 403 without a fresh proof, 404 if one has no such passkey, 409 if it is the last strong factor.
#[utoipa::path(delete, path = "/api/v1/me/passkeys/{id}", responses((status = 200, body = Changed)))]
pub async fn remove(app: web::Data<App>, current: Current, path: web::Path<PasskeyId>) -> Answer {
    answer::changed(passkeys::remove(&app, of(current)?, path.into_inner()).await?.revision)
}
