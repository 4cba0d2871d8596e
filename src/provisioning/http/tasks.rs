//! Tasks by hand for callers: JSON at `/api/v1/tasks`. The pages stand in `pages`.

pub mod pages;

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::viewer;
use crate::app::App;
use crate::caller::Caller;
use crate::db::Tx;
use crate::error::Result;
use crate::http::answer::{Listed, Paging};
use crate::http::{Answer, Json, list as listed, ok, written};
use crate::ids::{AccountId, TaskId};
use crate::provisioning::Viewer;
use crate::provisioning::tasks::lists::{self, Part, TaskView};
use crate::provisioning::tasks::{self, Task};

/// Which part of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct View {
    view: Option<String>,
}

/// `GET /api/v1/tasks?view=mine|waiting|overdue|all`: oldest first.
///
/// # Errors
/// 422 for a view that there is not.
#[utoipa::path(get, path = "/api/v1/tasks", params(View, Paging), responses((status = 200, body = Listed<TaskView>)))]
pub async fn index(
    app: web::Data<App>,
    caller: Caller,
    view: web::Query<View>,
    paging: web::Query<Paging>,
) -> Answer {
    let (viewer, limit) = (viewer(&app, &caller)?, paging.limit()?);
    let part = Part::named(view.view.as_deref().unwrap_or("mine"))?;
    let (shown, next) = app
        .read(move |reader| {
            let (found, next) = lists::list(reader, part, &viewer, paging.cursor.as_deref(), limit)?;
            let shown =
                found.iter().map(|task| lists::task_view(reader, task)).collect::<Result<Vec<_>>>()?;
            Ok((shown, next))
        })
        .await?;
    listed(shown, next)
}

/// `GET /api/v1/tasks/{id}`.
///
/// # Errors
/// 404 if there is none that the caller may see.
#[utoipa::path(get, path = "/api/v1/tasks/{id}", responses((status = 200, body = TaskView)))]
pub async fn show(app: web::Data<App>, caller: Caller, id: web::Path<TaskId>) -> Answer {
    let viewer = viewer(&app, &caller)?;
    let shown = app
        .read(move |reader| {
            let task = lists::find(reader, &id, &viewer)?;
            lists::task_view(reader, &task)
        })
        .await?;
    ok(shown)
}

/// How somebody knows that it is done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompletionBody {
    #[schema(min_length = 3, max_length = 1000)]
    proof: String,
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonBody {
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
}

/// To whom, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOverBody {
    to: AccountId,
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
}

async fn worked(
    app: &App,
    caller: &Caller,
    act: impl FnOnce(&mut Tx<'_>, &Viewer) -> Result<Task> + Send + 'static,
) -> Answer {
    let viewer = viewer(app, caller)?;
    let done = app
        .write(caller, move |tx| {
            let task = act(tx, &viewer)?;
            lists::task_view(tx, &task)
        })
        .await?;
    written(StatusCode::OK, &done)
}

/// `POST /api/v1/tasks/{id}/completion`.
///
/// # Errors
/// 404; 403 if it waits for somebody else; 409 unless it is open; 422 without a proof.
#[utoipa::path(post, path = "/api/v1/tasks/{id}/completion", request_body = CompletionBody, responses((status = 200, body = TaskView)))]
pub async fn completion(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<TaskId>,
    body: Json<CompletionBody>,
) -> Answer {
    worked(&app, &caller, move |tx, viewer| tasks::complete(tx, &id, &body.0.proof, viewer)).await
}

/// `POST /api/v1/tasks/{id}/verification`: the second look.
///
/// # Errors
/// 404; 403 for who did it; 409 unless it is said to be done.
#[utoipa::path(post, path = "/api/v1/tasks/{id}/verification", responses((status = 200, body = TaskView)))]
pub async fn verification(app: web::Data<App>, caller: Caller, id: web::Path<TaskId>) -> Answer {
    worked(&app, &caller, move |tx, viewer| tasks::verify(tx, &id, viewer)).await
}

/// `POST /api/v1/tasks/{id}/reopening`: it is still there.
///
/// # Errors
/// As [`verification`]; 422 without a reason.
#[utoipa::path(post, path = "/api/v1/tasks/{id}/reopening", request_body = ReasonBody, responses((status = 200, body = TaskView)))]
pub async fn reopening(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<TaskId>,
    body: Json<ReasonBody>,
) -> Answer {
    worked(&app, &caller, move |tx, viewer| tasks::reopen(tx, &id, &body.0.reason, viewer)).await
}

/// `POST /api/v1/tasks/{id}/hand-over`.
///
/// # Errors
/// 404; 403 if it waits for somebody else; 422 for a person who cannot do it.
#[utoipa::path(post, path = "/api/v1/tasks/{id}/hand-over", request_body = HandOverBody, responses((status = 200, body = TaskView)))]
pub async fn hand_over(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<TaskId>,
    body: Json<HandOverBody>,
) -> Answer {
    worked(&app, &caller, move |tx, viewer| tasks::hand_over(tx, &id, &body.0.to, &body.0.reason, viewer))
        .await
}

/// `POST /api/v1/tasks/{id}/refusal`: the named person cannot do it.
///
/// # Errors
/// As [`hand_over`]; 409 if there is nobody else.
#[utoipa::path(post, path = "/api/v1/tasks/{id}/refusal", request_body = ReasonBody, responses((status = 200, body = TaskView)))]
pub async fn refusal(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<TaskId>,
    body: Json<ReasonBody>,
) -> Answer {
    worked(&app, &caller, move |tx, viewer| tasks::refuse(tx, &id, &body.0.reason, viewer)).await
}
