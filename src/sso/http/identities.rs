//! Whose subject at which identity provider is known, and taking one away.

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::app::App;
use crate::caller::Caller;
use crate::db::Reader;
use crate::error::Error;
use crate::http::answer::{self, Changed, Listed, WithRevision};
use crate::http::{Answer, list};
use crate::ids::AccountId;
use crate::sso::{self, Linked, Unlinked};

/// What came of taking a subject away.
#[derive(Serialize, ToSchema)]
#[schema(as = IdentityRemoved)]
pub struct Outcome {
    /// Whether it is taken away, or waits for a second person.
    state: Unlinked,
}

/// GET /api/v1/accounts/{id}/identities
///
/// # Errors
/// 404 if there is no such account.
#[utoipa::path(get, path = "/api/v1/accounts/{id}/identities", responses((status = 200, body = Listed<Linked>)))]
pub async fn index(app: web::Data<App>, id: web::Path<AccountId>) -> Answer {
    let id = id.into_inner();
    let items = app.read(move |reader| sso::identities(reader, &id)).await?;
    list(items, None)
}

/// DELETE /api/v1/accounts/{id}/identities/{provider}: 202 where a second person has to agree, by the same call.
///
/// # Errors
/// 403 without a fresh proof, for one's own, and for whoever asked already; 404 if there is no such account, or none of
/// its subjects is of that provider.
#[utoipa::path(delete, path = "/api/v1/accounts/{id}/identities/{provider}", responses((status = 200, body = WithRevision<Outcome>), (status = 202, body = WithRevision<Outcome>)))]
pub async fn unlink(app: web::Data<App>, caller: Caller, path: web::Path<(AccountId, String)>) -> Answer {
    let (id, provider) = path.into_inner();
    let done = app.write(&caller, move |tx| sso::unlink(tx, &id, &provider)).await?;
    let status = match done.value {
        Unlinked::Removed => StatusCode::OK,
        Unlinked::Waiting => StatusCode::ACCEPTED,
    };
    answer::written(status, &done.map(|state| Outcome { state }))
}

/// GET /api/v1/me/identities
///
/// # Errors
/// 401 without a session or key.
#[utoipa::path(get, path = "/api/v1/me/identities", responses((status = 200, body = Listed<Linked>)))]
pub async fn own(app: web::Data<App>, caller: Caller) -> Answer {
    let id = caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let items = app.read(move |reader| sso::identities(reader, &id)).await?;
    list(items, None)
}

/// DELETE /api/v1/me/identities/{provider}: ends the sessions that began by it, also the one that asks.
///
/// # Errors
/// 403 without a fresh proof, 404 if one has none there, 409 if nothing else would let one in.
#[utoipa::path(delete, path = "/api/v1/me/identities/{provider}", responses((status = 200, body = Changed)))]
pub async fn unlink_own(app: web::Data<App>, caller: Caller, provider: web::Path<String>) -> Answer {
    let (providers, provider) = (app.config().identity_providers.clone(), provider.into_inner());
    let done = app.write(&caller, move |tx| sso::unlink_own(tx, &providers, &provider)).await?;
    answer::changed(done.revision)
}

/// The subjects of an account, as pages show them.
///
/// # Errors
/// [`Error::NotFound`] if there is no such account.
pub fn shown(
    app: &App,
    reader: &mut Reader<'_>,
    account: &AccountId,
    caller: &Caller,
) -> crate::error::Result<Vec<Value>> {
    let linked = sso::identities(reader, account)?;
    let name = |key: &str| {
        let known = app.config().identity_providers.iter().find(|provider| provider.key == key);
        known.map_or_else(|| key.to_owned(), |provider| provider.name.clone())
    };
    let shown = linked.into_iter().map(|one| {
        let removal = one.removal.map(|removal| {
            json!({
                "by": app.directory().display_name(&removal.asked_by), "at": removal.asked_at,
                "own": caller.account() == Some(&removal.asked_by),
            })
        });
        let how = match one.linked_by.as_str() {
            "invitation" => "by an invitation",
            "address" => "by the address",
            _ => "with the account",
        };
        json!({
            "key": one.provider, "name": name(&one.provider), "since": one.linked_at, "used_at": one.used_at,
            "how": how, "removal": removal,
        })
    });
    Ok(shown.collect())
}
