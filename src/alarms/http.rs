//! Alarms for callers: JSON at `/api/v1/alarms`. The pages stand in `pages`, what they say in `words`.

pub mod pages;
pub mod words;

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::lists::{self, AlarmView, Narrowing};
use super::{Alarm, AlarmState, Rule, Severity, acknowledge, close, investigate, report};
use crate::accounts;
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::answer::{Listed, Paging, WithRevision};
use crate::http::{Answer, Json, created, identify, list, ok, written};
use crate::ids::{AccountId, AlarmId};

/// How a list of alarms is narrowed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct View {
    view: Option<String>,
    state: Option<AlarmState>,
    rule: Option<Rule>,
    severity: Option<Severity>,
}

impl View {
    fn narrowing(&self) -> Result<Narrowing> {
        let open = match self.view.as_deref() {
            None => None,
            Some("open") => Some(true),
            Some("closed") => Some(false),
            Some(_) => return Err(Error::field("view", "must be open or closed")),
        };
        Ok(Narrowing { open, state: self.state, rule: self.rule, severity: self.severity })
    }
}

/// `GET /api/v1/alarms?view=open|closed&state=&rule=&severity=`: newest first.
///
/// # Errors
/// As the list.
#[utoipa::path(get, path = "/api/v1/alarms", params(View, Paging), responses((status = 200, body = Listed<AlarmView>)))]
pub async fn index(app: web::Data<App>, view: web::Query<View>, paging: web::Query<Paging>) -> Answer {
    let (limit, narrowing) = (paging.limit()?, view.narrowing()?);
    let (alarms, next) = app
        .read(move |reader| {
            let (alarms, next) = lists::list(reader, &narrowing, paging.cursor.as_deref(), limit)?;
            let shown =
                alarms.iter().map(|alarm| lists::alarm_view(reader, alarm)).collect::<Result<Vec<_>>>()?;
            Ok((shown, next))
        })
        .await?;
    list(alarms, next)
}

/// What somebody noticed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportBody {
    severity: Severity,
    #[serde(default)]
    account: Option<AccountId>,
    #[schema(min_length = 10, max_length = 4000)]
    text: String,
}

/// `POST /api/v1/alarms`: what a person noticed and no rule did.
///
/// # Errors
/// 422 for an account that is not there, or a text that is too short or too long.
#[utoipa::path(post, path = "/api/v1/alarms", request_body = ReportBody, responses((status = 201, body = WithRevision<AlarmView>)))]
pub async fn create(app: web::Data<App>, caller: Caller, body: Json<ReportBody>) -> Answer {
    let body = body.into_inner();
    let done = app
        .write(&caller, move |tx| {
            if let Some(account) = &body.account {
                accounts::find(tx, account)
                    .map_err(|_| Error::field("account", "there is no such account"))?;
            }
            report(tx, body.severity, body.account.as_ref(), &body.text)
        })
        .await?;
    let value = shown(&app, done.value).await?;
    created(&Written { value, revision: done.revision })
}

/// `GET /api/v1/alarms/{id}`.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/alarms/{id}", responses((status = 200, body = AlarmView)))]
pub async fn show(app: web::Data<App>, id: web::Path<AlarmId>) -> Answer {
    ok(shown(&app, id.into_inner()).await?)
}

/// `POST /api/v1/alarms/{id}/acknowledgement`: the caller takes it on.
///
/// # Errors
/// 404; 409 `alarm-state` if somebody was quicker.
#[utoipa::path(post, path = "/api/v1/alarms/{id}/acknowledgement", responses((status = 200, body = WithRevision<AlarmView>)))]
pub async fn acknowledgement(app: web::Data<App>, caller: Caller, id: web::Path<AlarmId>) -> Answer {
    moved(&app, &caller, move |tx| acknowledge(tx, &id)).await
}

/// `POST /api/v1/alarms/{id}/investigation`.
///
/// # Errors
/// As [`acknowledgement`].
#[utoipa::path(post, path = "/api/v1/alarms/{id}/investigation", responses((status = 200, body = WithRevision<AlarmView>)))]
pub async fn investigation(app: web::Data<App>, caller: Caller, id: web::Path<AlarmId>) -> Answer {
    moved(&app, &caller, move |tx| investigate(tx, &id)).await
}

/// What was found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingBody {
    #[schema(min_length = 10, max_length = 4000)]
    finding: String,
}

/// `POST /api/v1/alarms/{id}/closure`.
///
/// # Errors
/// 404; 403 `own-alarm`; 409 `alarm-state`; 422 without a finding.
#[utoipa::path(post, path = "/api/v1/alarms/{id}/closure", request_body = FindingBody, responses((status = 200, body = WithRevision<AlarmView>)))]
pub async fn closure(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<AlarmId>,
    body: Json<FindingBody>,
) -> Answer {
    let others = others_handle(&app, &caller);
    moved(&app, &caller, move |tx| close(tx, &id, &body.0.finding, others)).await
}

async fn moved<F>(app: &App, caller: &Caller, act: F) -> Answer
where
    F: FnOnce(&mut Tx<'_>) -> Result<Alarm> + Send + 'static,
{
    let done = app.write(caller, act).await?;
    let value = shown(app, done.value.id).await?;
    written(StatusCode::OK, &Written { value, revision: done.revision })
}

async fn shown(app: &App, id: AlarmId) -> Result<AlarmView> {
    app.read(move |reader| {
        let alarm = lists::find(reader, &id)?;
        lists::alarm_view(reader, &alarm)
    })
    .await
}

/// Whether anybody but the caller can handle alarms now.
pub(super) fn others_handle(app: &App, caller: &Caller) -> bool {
    let handlers = identify::permitted(app, "alarms", "handle", 2);
    handlers.iter().any(|handler| Some(handler) != caller.account())
}
