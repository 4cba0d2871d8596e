//! At which identity providers a person is known, on their page, and taking a subject away there.

use actix_web::web;
use serde_json::{Value, json};

use super::handovers::{seen, with_problem};
use crate::accounts::{Account, Kind};
use crate::app::App;
use crate::caller::Caller;
use crate::db::Reader;
use crate::error::Result;
use crate::http::{Answer, Page, identify, see_other};
use crate::ids::AccountId;
use crate::signin::handing_over;
use crate::sso;

/// What the page of a person shows; `none` where nobody signs in by a provider.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub(super) fn shown(app: &App, reader: &mut Reader<'_>, caller: &Caller, account: &Account) -> Result<Value> {
    if app.config().identity_providers.is_empty() || account.kind != Kind::Person {
        return Ok(Value::Null);
    }
    let linked = sso::http::identities::shown(app, reader, &account.id, caller)?;
    let may = caller.account() != Some(&account.id) && identify::permits(app, caller, "accounts", "unlock");
    let second = may && !linked.is_empty() && handing_over::needs_second(reader, &account.id)?;
    Ok(json!({ "linked": linked, "may": may, "second": second }))
}

/// `POST /people/{id}/identities/{provider}/removal`: takes it away, or asks a second person; the second one says the same.
///
/// # Errors
/// What was refused is said on the page.
pub async fn removal(app: web::Data<App>, page: Page, path: web::Path<(AccountId, String)>) -> Answer {
    let (id, provider) = path.into_inner();
    let (id, account) = (seen(&app, &page, id.clone()).await?, id);
    match app.write(&page.caller, move |tx| sso::unlink(tx, &account, &provider)).await {
        Ok(_) => see_other(&format!("/people/{id}#identities")),
        Err(error) => with_problem(&app, &page, id, error).await,
    }
}
