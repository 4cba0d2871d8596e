//! Shared workstations for callers: JSON at `/api/v1/workstations`. The pages stand in `pages::workstations`.
//!
//! Rule: a code stands in the one answer to the call that made it.

use actix_web::http::StatusCode;
use actix_web::web;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::{App, Written};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::http::answer::{Listed, Paging, WithRevision};
use crate::http::{Answer, Json, created, idempotency, list, ok, written};
use crate::ids::WorkstationId;
use crate::signin::links::Made;
use crate::signin::workstations::{self, State, Workstation};

/// Which workstations: `living` or `past`; all if not said.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct View {
    view: Option<String>,
}

/// A name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkstationName {
    #[schema(min_length = 1, max_length = 60)]
    name: String,
}

/// Who took a step, and when.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkstationStep)]
pub struct StepView {
    by: String,
    at: Timestamp,
}

/// A shared workstation as callers see it.
#[derive(Serialize, ToSchema)]
pub struct WorkstationView {
    id: WorkstationId,
    name: String,
    state: State,
    registered: StepView,
    /// Since when the browser is it that is it now, or was it last.
    #[schema(required)]
    in_use_since: Option<Timestamp>,
    /// The beginning of the day on which somebody last signed in there.
    #[schema(required)]
    used_on: Option<Timestamp>,
    #[schema(required)]
    ended: Option<StepView>,
}

impl From<Workstation> for WorkstationView {
    fn from(workstation: Workstation) -> Self {
        Self {
            id: workstation.id,
            name: workstation.name,
            state: workstation.state,
            registered: StepView { by: workstation.registered_by, at: workstation.registered_at },
            in_use_since: workstation.in_use_since,
            used_on: workstation.used_on,
            ended: workstation.ended.map(|(by, at)| StepView { by, at }),
        }
    }
}

/// A workstation with the code that makes a browser it; shown this once.
#[derive(Serialize, ToSchema)]
pub struct WorkstationCode {
    #[serde(flatten)]
    workstation: WorkstationView,
    /// To be typed at `/workstation` in the terminal's browser.
    code: String,
    /// The same as a link.
    address: String,
    /// When the code ends.
    expires_at: Timestamp,
}

/// `GET /api/v1/workstations?view=living|past`: newest first.
///
/// # Errors
/// 422 for a view or cursor that is none.
#[utoipa::path(get, path = "/api/v1/workstations", params(View, Paging), responses((status = 200, body = Listed<WorkstationView>)))]
pub async fn index(app: web::Data<App>, view: web::Query<View>, paging: web::Query<Paging>) -> Answer {
    let limit = paging.limit()?;
    let (found, next) = app
        .read(move |reader| workstations::list(reader, view.view.as_deref(), paging.cursor.as_deref(), limit))
        .await?;
    list(found.into_iter().map(WorkstationView::from).collect(), next)
}

/// `POST /api/v1/workstations`: registers one; 201 with its code, which works once and ends after 24 hours.
///
/// # Errors
/// 422 for a name that is none; 409 `workstation-named`, `too-many-workstations`.
#[utoipa::path(post, path = "/api/v1/workstations", request_body = WorkstationName, responses((status = 201, body = WithRevision<WorkstationCode>)))]
pub async fn create(app: web::Data<App>, caller: Caller, body: Json<WorkstationName>) -> Answer {
    let name = body.into_inner().name;
    let done = app.write(&caller, move |tx| workstations::register(tx, &name)).await?;
    Ok(idempotency::shown_once(created(&coded(&app, done))?))
}

/// `GET /api/v1/workstations/{id}`.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/workstations/{id}", responses((status = 200, body = WorkstationView)))]
pub async fn show(app: web::Data<App>, id: web::Path<WorkstationId>) -> Answer {
    let found = app.read(move |reader| workstations::find(reader, &id)).await?;
    ok(WorkstationView::from(found))
}

/// `PATCH /api/v1/workstations/{id}`: another name.
///
/// # Errors
/// 404; 422 for a name that is none; 409 `workstation-named`, `workstation-ended`.
#[utoipa::path(patch, path = "/api/v1/workstations/{id}", request_body = WorkstationName, responses((status = 200, body = WithRevision<WorkstationView>)))]
pub async fn rename(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<WorkstationId>,
    body: Json<WorkstationName>,
) -> Answer {
    let name = body.into_inner().name;
    let done = app.write(&caller, move |tx| workstations::rename(tx, &id, &name)).await?;
    written(StatusCode::OK, &done.map(WorkstationView::from))
}

/// `DELETE /api/v1/workstations/{id}`: ends it, with every session that is open on it.
///
/// # Errors
/// 404; 409 `workstation-ended`.
#[utoipa::path(delete, path = "/api/v1/workstations/{id}", responses((status = 200, body = WithRevision<WorkstationView>)))]
pub async fn end(app: web::Data<App>, caller: Caller, id: web::Path<WorkstationId>) -> Answer {
    let done = app.write(&caller, move |tx| workstations::end(tx, &id)).await?;
    written(StatusCode::OK, &done.map(WorkstationView::from))
}

/// `POST /api/v1/workstations/{id}/code`: another code; the one before is void. The browser that uses it takes the place
/// of the one that is the workstation now.
///
/// # Errors
/// 404; 409 `workstation-ended`.
#[utoipa::path(post, path = "/api/v1/workstations/{id}/code", responses((status = 200, body = WithRevision<WorkstationCode>)))]
pub async fn renew_code(app: web::Data<App>, caller: Caller, id: web::Path<WorkstationId>) -> Answer {
    let done = app.write(&caller, move |tx| workstations::renew_code(tx, &id)).await?;
    Ok(idempotency::shown_once(written(StatusCode::OK, &coded(&app, done))?))
}

fn coded(app: &App, done: Written<(Workstation, Made)>) -> Written<WorkstationCode> {
    done.map(|(workstation, made)| WorkstationCode {
        workstation: workstation.into(),
        code: made.in_groups(),
        address: made.address(&app.config().public_url),
        expires_at: made.expires_at,
    })
}
