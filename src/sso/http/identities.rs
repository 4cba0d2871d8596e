//! Whose subject at which identity provider is known, and taking one away.

use actix_web::web;

use crate::app::App;
use crate::caller::Caller;
use crate::http::answer::{self, Changed, Listed};
use crate::http::{Answer, list};
use crate::ids::AccountId;
use crate::sso::{self, Linked};

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

/// DELETE /api/v1/accounts/{id}/identities/{provider}
///
/// # Errors
/// 404 if there is no such account, or none of its subjects is of that provider.
#[utoipa::path(delete, path = "/api/v1/accounts/{id}/identities/{provider}", responses((status = 200, body = Changed)))]
pub async fn unlink(app: web::Data<App>, caller: Caller, path: web::Path<(AccountId, String)>) -> Answer {
    let (id, provider) = path.into_inner();
    let done = app.write(&caller, move |tx| sso::unlink(tx, &id, &provider)).await?;
    answer::changed(done.revision)
}
