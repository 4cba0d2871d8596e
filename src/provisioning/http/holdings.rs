//! Existing access for callers and on its page: orphans to decide about, drift, everything.

use actix_web::http::StatusCode;
use actix_web::web;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::viewer;
use crate::access::roles;
use crate::accounts;
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::http::answer::{Listed, Paging};
use crate::http::pages::frame::Form;
use crate::http::{Answer, Json, Page, list as listed, see_other, written};
use crate::ids::{AccountId, GrantId, HoldingId};
use crate::provisioning::holdings::{self, Part};
use crate::provisioning::tasks::lists::{self, TaskView};
use crate::provisioning::{Doubt, Holding, HoldingState, Viewer, orphans};

const SHOWN: i64 = 50;
/// The parts of the list, with their names.
const PARTS: [(&str, &str); 3] =
    [("orphans", "Nobody known"), ("drift", "New since the last list"), ("all", "All")];

/// Which part of the list, and which system.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Place {
    view: Option<String>,
    system: Option<String>,
}

/// A holding as callers see it.
#[derive(Serialize, ToSchema)]
pub struct HoldingView {
    id: HoldingId,
    system: String,
    role: String,
    external_login: String,
    #[schema(required)]
    employee_id: Option<String>,
    #[schema(required)]
    email: Option<String>,
    state: HoldingState,
    #[schema(required)]
    doubt: Option<Doubt>,
    #[schema(required)]
    account: Option<AccountId>,
    #[schema(required)]
    grant: Option<GrantId>,
    drift: bool,
    #[schema(required)]
    granted_at: Option<Timestamp>,
    /// A time, `never` or `unknown`: three different things.
    last_used: String,
    found_at: Timestamp,
    revision: u64,
}

fn holding_view(holding: &Holding) -> HoldingView {
    HoldingView {
        id: holding.id.clone(),
        system: holding.system.clone(),
        role: holding.role.clone(),
        external_login: holding.named.login.clone(),
        employee_id: holding.named.employee_id.clone(),
        email: holding.named.email.clone(),
        state: holding.state,
        doubt: holding.doubt,
        account: holding.account.clone(),
        grant: holding.grant.clone(),
        drift: holding.drift,
        granted_at: holding.granted_at,
        last_used: holding.used_at.map_or_else(|| holding.used.to_string(), |at| at.to_string()),
        found_at: holding.found_at,
        revision: holding.revision,
    }
}

/// `GET /api/v1/holdings?view=orphans|drift|all&system=`.
///
/// # Errors
/// 422 for a view that there is not.
#[utoipa::path(get, path = "/api/v1/holdings", params(Place, Paging), responses((status = 200, body = Listed<HoldingView>)))]
pub async fn index(
    app: web::Data<App>,
    caller: Caller,
    place: web::Query<Place>,
    paging: web::Query<Paging>,
) -> Answer {
    let (viewer, limit) = (viewer(&app, &caller)?, paging.limit()?);
    let part = Part::named(place.view.as_deref().unwrap_or("all"))?;
    let (found, next) = app
        .read(move |reader| {
            holdings::list(reader, part, place.system.as_deref(), &viewer, paging.cursor.as_deref(), limit)
        })
        .await?;
    listed(found.iter().map(holding_view).collect::<Vec<_>>(), next)
}

/// Whose it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimBody {
    account: AccountId,
}

/// What the service is called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceBody {
    #[schema(max_length = 100)]
    username: String,
}

async fn settled(
    app: &App,
    caller: &Caller,
    act: impl FnOnce(&mut Tx<'_>, &Viewer) -> Result<Holding> + Send + 'static,
) -> Answer {
    let viewer = viewer(app, caller)?;
    let done = app.write(caller, move |tx| act(tx, &viewer)).await?;
    written(StatusCode::OK, &Written { value: holding_view(&done.value), revision: done.revision })
}

/// `POST /api/v1/holdings/{id}/claim`.
///
/// # Errors
/// 404; 403 for another's system and for oneself; 409 if it is decided.
#[utoipa::path(post, path = "/api/v1/holdings/{id}/claim", request_body = ClaimBody, responses((status = 200, body = HoldingView)))]
pub async fn claim(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<HoldingId>,
    body: Json<ClaimBody>,
) -> Answer {
    settled(&app, &caller, move |tx, viewer| orphans::claim(tx, &id, &body.0.account, viewer)).await
}

/// `POST /api/v1/holdings/{id}/service`.
///
/// # Errors
/// As [`claim`]; 422 for a name that does not do.
#[utoipa::path(post, path = "/api/v1/holdings/{id}/service", request_body = ServiceBody, responses((status = 200, body = HoldingView)))]
pub async fn service(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<HoldingId>,
    body: Json<ServiceBody>,
) -> Answer {
    settled(&app, &caller, move |tx, viewer| orphans::declare(tx, &id, &body.0.username, viewer)).await
}

/// `POST /api/v1/holdings/{id}/removal`: answers with the task.
///
/// # Errors
/// As [`claim`].
#[utoipa::path(post, path = "/api/v1/holdings/{id}/removal", responses((status = 200, body = TaskView)))]
pub async fn removal(app: web::Data<App>, caller: Caller, id: web::Path<HoldingId>) -> Answer {
    let viewer = viewer(&app, &caller)?;
    let done = app
        .write(&caller, move |tx| {
            let task = orphans::remove(tx, &id, &viewer)?;
            lists::task_view(tx, &task)
        })
        .await?;
    written(StatusCode::OK, &done)
}

// ---- the page -------------------------------------------------------------------------------------------------------

/// Where on the page.
#[derive(Debug, Default, Deserialize)]
pub struct PagePlace {
    view: Option<String>,
    system: Option<String>,
    cursor: Option<String>,
}

/// `GET /existing-access`.
///
/// # Errors
/// As the list.
pub async fn page(app: web::Data<App>, page: Page, place: web::Query<PagePlace>) -> Answer {
    rendered(&app, &page, place.into_inner(), Form::default()).await
}

async fn rendered(app: &App, page: &Page, place: PagePlace, form: Form) -> Answer {
    let viewer = viewer(app, &page.caller)?;
    let view = place.view.clone().unwrap_or_else(|| "orphans".to_owned());
    let part = Part::named(&view)?;
    let (house, looks) = (app.clone(), viewer.clone());
    let (system, cursor) = (place.system.clone(), place.cursor.clone());
    let (rows, next, systems) = app
        .read(move |reader| {
            let (found, next) =
                holdings::list(reader, part, system.as_deref(), &looks, cursor.as_deref(), SHOWN)?;
            let rows =
                found.iter().map(|one| row(&house, reader, one, &looks)).collect::<Result<Vec<_>>>()?;
            Ok((rows, next, systems(reader, &looks)?))
        })
        .await?;
    let path = format!("/existing-access?view={view}");
    let views: Vec<Value> = PARTS
        .iter()
        .map(|(key, label)| {
            let href = format!("/existing-access?view={key}");
            json!({ "href": href, "label": label, "count": null, "current": *key == view })
        })
        .collect();
    let pages = json!({
        "shown": rows.len(), "total": null, "first": place.cursor.as_ref().map(|_| &path),
        "next": next.map(|next| format!("{path}&cursor={next}")),
    });
    page.render(
        "existing-access/list.html",
        json!({
            "done": null, "views": views, "view": view, "rows": rows, "pages": pages, "form": form,
            "systems": systems, "may": { "import": viewer.handles },
        }),
    )
}

/// When each system's list was read last.
fn systems(reader: &mut Reader<'_>, viewer: &Viewer) -> Result<Vec<Value>> {
    let own = roles::owned_by(reader, &viewer.account)?;
    let mut shown = Vec::new();
    for (key, at) in holdings::newest_lists(reader)? {
        let record = roles::application(reader, &key)?;
        let here = key == crate::access::lint::OWN_APPLICATION;
        if here || !(viewer.everything || own.contains(&key)) {
            continue;
        }
        shown.push(json!({ "key": key, "name": record.specification.display_name(), "at": at }));
    }
    Ok(shown)
}

fn row(app: &App, reader: &mut Reader<'_>, holding: &Holding, viewer: &Viewer) -> Result<Value> {
    let system = roles::application(reader, &holding.system)?;
    let role = roles::role(reader, &holding.role)?;
    let owner = system.owner.as_ref();
    let decides = viewer.handles || owner == Some(&viewer.account);
    let said = [holding.named.employee_id.as_deref(), holding.named.email.as_deref()];
    let said: Vec<&str> = said.into_iter().flatten().collect();
    let said = said.join(", ");
    let (words, tone, icon) = match (holding.state, holding.doubt) {
        (HoldingState::Orphan, Some(Doubt::TwoPeople)) => ("means two people", "due", Some("warning")),
        (HoldingState::Orphan, Some(Doubt::Left)) => ("of somebody who left", "breach", Some("warning")),
        (HoldingState::Orphan, _) => ("nobody known", "due", Some("warning")),
        (HoldingState::Removing, _) => ("being removed", "due", Some("clock")),
        (HoldingState::Held, _) => ("held", "settled", Some("check")),
        (HoldingState::Gone, _) => ("gone", "quiet", None),
    };
    Ok(json!({
        "id": holding.id, "login": holding.named.login, "role": role.specification.display_name(),
        "class": role.class, "system": system.specification.display_name(),
        "person": holding.account.as_ref().map(|account| app.directory().display_name(account)),
        "owner": owner.map(|owner| app.directory().display_name(owner)).unwrap_or_default(),
        "said": said,
        "used": holding.used_at, "never": holding.used == crate::provisioning::Use::Never,
        "drift": holding.drift,
        "standing": { "words": words, "tone": tone, "icon": icon },
        "decides": decides && holding.state == HoldingState::Orphan,
    }))
}

/// What somebody says about an orphan.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct OrphanForm {
    username: String,
}

async fn answered(
    app: &App,
    page: &Page,
    form: OrphanForm,
    act: impl FnOnce(&mut Tx<'_>, &OrphanForm, &Viewer) -> Result<()> + Send + 'static,
) -> Answer {
    let viewer = viewer(app, &page.caller)?;
    let typed = form.username.clone();
    match app.write(&page.caller, move |tx| act(tx, &form, &viewer)).await {
        Ok(_) => see_other("/existing-access?view=orphans"),
        Err(error @ (Error::Invalid(_) | Error::Conflict(..) | Error::Forbidden(..))) => {
            let form = Form::filled([("username", typed.as_str())]).refused(error)?;
            let mut answer = rendered(app, page, PagePlace::default(), form).await?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /existing-access/{id}/claim`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn claim_form(
    app: web::Data<App>,
    page: Page,
    id: web::Path<HoldingId>,
    form: web::Form<OrphanForm>,
) -> Answer {
    answered(&app, &page, form.into_inner(), move |tx, form, viewer| {
        let unknown = |_| Error::field("username", "nobody has this username or employee id");
        let person = accounts::find_by_any(tx, form.username.trim()).map_err(unknown)?;
        orphans::claim(tx, &id, &person.id, viewer).map(drop)
    })
    .await
}

/// `POST /existing-access/{id}/service`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn service_form(
    app: web::Data<App>,
    page: Page,
    id: web::Path<HoldingId>,
    form: web::Form<OrphanForm>,
) -> Answer {
    answered(&app, &page, form.into_inner(), move |tx, form, viewer| {
        orphans::declare(tx, &id, &form.username, viewer).map(drop)
    })
    .await
}

/// `POST /existing-access/{id}/removal`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn removal_form(app: web::Data<App>, page: Page, id: web::Path<HoldingId>) -> Answer {
    answered(&app, &page, OrphanForm::default(), move |tx, _, viewer| {
        orphans::remove(tx, &id, viewer).map(drop)
    })
    .await
}
