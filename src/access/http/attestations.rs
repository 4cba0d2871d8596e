//! Attestations for callers: JSON at `/api/v1/attestations`. Their forms stand on the page of a person.

use actix_web::http::StatusCode;
use actix_web::web;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Reason, account_of};
use crate::access::attestations::{self, Attestation, NewAttestation};
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::http::answer::{Listed, WithRevision};
use crate::http::{Answer, Json, created, list, written};
use crate::ids::{AccountId, AttestationId};
use crate::vault;

/// Whose attestations.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// An account's id; the caller if left out.
    account: Option<String>,
}

/// What somebody was seen to have shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttestationBody {
    account: AccountId,
    /// One or two keys, such as `training:data-protection`.
    #[schema(max_length = 129)]
    kind: String,
    /// When it was shown; now if left out.
    given_at: Option<Timestamp>,
    /// When it ends, if that is said.
    ends_at: Option<Timestamp>,
    /// What was seen, such as the number of a certificate.
    #[schema(min_length = 3, max_length = 1000)]
    evidence: String,
}

/// An attestation as callers see it.
#[derive(Serialize, ToSchema)]
pub struct AttestationView {
    id: AttestationId,
    account: AccountId,
    kind: String,
    given_at: Timestamp,
    #[schema(required)]
    ends_at: Option<Timestamp>,
    attested_by: String,
    evidence: String,
    recorded_at: Timestamp,
}

fn view(reader: &mut Reader<'_>, attestation: &Attestation) -> Result<AttestationView> {
    Ok(AttestationView {
        id: attestation.id.clone(),
        account: attestation.account.clone(),
        kind: attestation.kind.clone(),
        given_at: attestation.given_at,
        ends_at: attestation.ends_at,
        attested_by: attestation.attested_by.clone(),
        evidence: vault::show(reader, &attestation.evidence)?,
        recorded_at: attestation.recorded_at,
    })
}

/// `GET /api/v1/attestations?account=`: newest first; one's own if no account is named.
///
/// # Errors
/// 422 for an account beyond the caller's reach, and for what is no id.
#[utoipa::path(get, path = "/api/v1/attestations", params(Whose), responses((status = 200, body = Listed<AttestationView>)))]
pub async fn index(app: web::Data<App>, caller: Caller, whose: web::Query<Whose>) -> Answer {
    let me = account_of(&caller)?;
    let account = match &whose.account {
        None => me.clone(),
        Some(text) => {
            AccountId::parse(text).ok_or_else(|| Error::field("account", "must be an account's id"))?
        }
    };
    let found = app
        .read(move |reader| {
            let found = attestations::visible(reader, &me, &account)?;
            found.iter().map(|one| view(reader, one)).collect::<Result<Vec<_>>>()
        })
        .await?;
    list(found, None)
}

/// `POST /api/v1/attestations`.
///
/// # Errors
/// 403 for oneself, one's own service, and for programs; 422 for what does not do.
#[utoipa::path(post, path = "/api/v1/attestations", request_body = AttestationBody, responses((status = 201, body = WithRevision<AttestationView>)))]
pub async fn create(app: web::Data<App>, caller: Caller, body: Json<AttestationBody>) -> Answer {
    let AttestationBody { account, kind, given_at, ends_at, evidence } = body.into_inner();
    let new = NewAttestation { account, kind, given_at, ends_at, evidence };
    let done = app.write(&caller, move |tx| attestations::record(tx, &new)).await?;
    created(&shown(&app, done).await?)
}

/// `POST /api/v1/attestations/{id}/end`: it was recorded wrongly, or does not hold any more.
///
/// # Errors
/// 404; 403 as for recording; 422 without a reason.
#[utoipa::path(post, path = "/api/v1/attestations/{id}/end", request_body = Reason, responses((status = 200, body = WithRevision<AttestationView>)))]
pub async fn early_end(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<AttestationId>,
    body: Json<Reason>,
) -> Answer {
    let reason = body.into_inner().reason;
    let done = app.write(&caller, move |tx| attestations::end(tx, &id, &reason)).await?;
    written(StatusCode::OK, &shown(&app, done).await?)
}

async fn shown(app: &App, done: Written<Attestation>) -> Result<Written<AttestationView>> {
    let (attestation, revision) = (done.value, done.revision);
    let value = app.read(move |reader| view(reader, &attestation)).await?;
    Ok(Written { value, revision })
}
