//! What people vouch for in the place of identity providers: JSON at `/api/v1/identity-providers/{provider}/attestations`,
//! and a form on the page of the settings.

use actix_web::http::StatusCode;
use actix_web::web;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::app::{App, Written};
use crate::caller::Caller;
use crate::clock::{Timestamp, end_of_day};
use crate::config::IdentityProvider;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::http::answer::{Listed, Paging, WithRevision};
use crate::http::pages::frame::Form;
use crate::http::{Answer, Json, Page, created, list, see_other, written};
use crate::ids::{AccountId, AttestationId};
use crate::organisation::http as settings;
use crate::sso::attestations::{self, Attestation};
use crate::vault;

/// What a person saw of a provider's rules.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ProviderAttestationBody)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// What was seen: the provider's rules about passwords, locks and second factors, and where.
    #[schema(min_length = 3, max_length = 1000)]
    evidence: String,
    /// The first instant at which it counts no more; at most a year ahead.
    ends_at: Timestamp,
}

/// Why it ends now.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ProviderAttestationEnd)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// What is different from what was seen.
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
}

/// An attestation as callers see it.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderAttestation)]
pub struct View {
    id: AttestationId,
    provider: String,
    attested_by: String,
    evidence: String,
    recorded_at: Timestamp,
    ends_at: Timestamp,
}

fn view(reader: &mut Reader<'_>, attestation: Attestation) -> Result<View> {
    let Attestation { id, provider, ends_at, evidence, attested_by, recorded_at } = attestation;
    let evidence = vault::show(reader, &evidence)?;
    Ok(View { id, provider, attested_by, evidence, recorded_at, ends_at })
}

/// `GET /api/v1/identity-providers/{provider}/attestations`: newest first.
///
/// # Errors
/// 404 for a provider that is not configured; 422 for a cursor that is none.
#[utoipa::path(get, path = "/api/v1/identity-providers/{provider}/attestations", params(Paging), responses((status = 200, body = Listed<View>)))]
pub async fn index(app: web::Data<App>, provider: web::Path<String>, paging: web::Query<Paging>) -> Answer {
    app.identity_providers().check(&provider)?;
    let limit = paging.limit()?;
    let (found, next) = app
        .read(move |reader| {
            let (found, next) = attestations::list(reader, &provider, paging.cursor.as_deref(), limit)?;
            let views = found.into_iter().map(|one| view(reader, one)).collect::<Result<Vec<_>>>()?;
            Ok((views, next))
        })
        .await?;
    list(found, next)
}

/// `POST /api/v1/identity-providers/{provider}/attestations`.
///
/// # Errors
/// 404; 403 for programs, and `proof-required`; 422 for what does not do.
#[utoipa::path(post, path = "/api/v1/identity-providers/{provider}/attestations", request_body = Body, responses((status = 201, body = WithRevision<View>)))]
pub async fn create(
    app: web::Data<App>,
    caller: Caller,
    provider: web::Path<String>,
    body: Json<Body>,
) -> Answer {
    let Body { evidence, ends_at } = body.into_inner();
    app.identity_providers().check(&provider)?;
    let done = app.write(&caller, move |tx| attestations::attest(tx, &provider, &evidence, ends_at)).await?;
    created(&shown(&app, done).await?)
}

/// `POST /api/v1/identity-providers/{provider}/attestations/{id}/end`: it does not hold any more.
///
/// # Errors
/// 404; 403 as for recording; 422 without a reason.
#[utoipa::path(post, path = "/api/v1/identity-providers/{provider}/attestations/{id}/end", request_body = End, responses((status = 200, body = WithRevision<View>)))]
pub async fn early_end(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, AttestationId)>,
    body: Json<End>,
) -> Answer {
    let ((provider, id), reason) = (path.into_inner(), body.into_inner().reason);
    let done =
        app.write(&caller, move |tx| attestations::end_attestation(tx, &provider, &id, &reason)).await?;
    written(StatusCode::OK, &shown(&app, done).await?)
}

async fn shown(app: &App, done: Written<Attestation>) -> Result<Written<View>> {
    let (attestation, revision) = (done.value, done.revision);
    let value = app.read(move |reader| view(reader, attestation)).await?;
    Ok(Written { value, revision })
}

/// What the form of the settings sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AttestForm {
    evidence: String,
    last_day: String,
}

/// `POST /settings/identity-providers/{provider}/attestations`.
///
/// # Errors
/// As [`create`]; what does not do comes back on the page.
pub async fn submit(
    app: web::Data<App>,
    page: Page,
    provider: web::Path<String>,
    form: web::Form<AttestForm>,
) -> Answer {
    app.identity_providers().check(&provider)?;
    let typed = Form::filled([("evidence", form.evidence.as_str()), ("last_day", form.last_day.as_str())]);
    match attested(&app, &page.caller, &provider, form.into_inner()).await {
        Ok(()) => see_other("/settings#identity-providers"),
        Err(error) => settings::with_refused(&app, &page, (&provider, &typed.refused(error)?)).await,
    }
}

async fn attested(app: &App, caller: &Caller, provider: &str, form: AttestForm) -> Result<()> {
    let day = NaiveDate::parse_from_str(&form.last_day, "%Y-%m-%d")
        .map_err(|_| Error::field("last_day", "must be a day, such as 2026-12-24"))?;
    let ends_at = end_of_day(app.organisation().time_zone, day);
    let key = provider.to_owned();
    let done = app.write(caller, move |tx| attestations::attest(tx, &key, &form.evidence, ends_at)).await;
    match done {
        Ok(_) => Ok(()),
        Err(Error::Invalid(mut fields)) => {
            for field in fields.iter_mut().filter(|field| field.field == "ends_at") {
                "last_day".clone_into(&mut field.field);
            }
            Err(Error::Invalid(fields))
        }
        Err(error) => Err(error),
    }
}

/// The configured providers for the page of the settings, each with what counts for it and its form, which may have come
/// back refused.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub async fn state(app: &App, refused: Option<(&str, &Form)>) -> Result<Vec<Value>> {
    let keys: Vec<String> = app.config().identity_providers.iter().map(|one| one.key.clone()).collect();
    let found = app
        .read(move |reader| {
            let one = |key: &String| {
                attestations::in_force(reader, key)?.map(|found| view(reader, found)).transpose()
            };
            keys.iter().map(one).collect::<Result<Vec<_>>>()
        })
        .await?;
    let told = |(provider, found): (&IdentityProvider, Option<View>)| {
        let by = found.as_ref().and_then(|found| AccountId::parse(&found.attested_by));
        json!({
            "key": provider.key,
            "name": provider.name,
            "issuer": provider.issuer,
            "attested": found.map(|found| json!({
                "by": by.map(|account| app.directory().display_name(&account)),
                "at": found.recorded_at,
                "ends_at": found.ends_at,
                "evidence": found.evidence,
            })),
            "form": refused.filter(|(key, _)| *key == provider.key).map(|(_, form)| form),
        })
    };
    Ok(app.config().identity_providers.iter().zip(found).map(told).collect())
}
