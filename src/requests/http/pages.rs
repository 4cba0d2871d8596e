//! The pages of requests: what waits for one, asking, one request with its chain.

mod asking;

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web;
use chrono::Duration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::lists::{self, Viewer, state_now};
use super::super::{Approver, Authority, Reply, Request, RequestState, approve, refuse, withdraw};
use super::viewer;
use crate::access::words::{self, Words};
use crate::access::{grants, roles};
use crate::accounts;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::exceptions::own::{self, Matter};
use crate::http::pages::frame::{Fault, Form};
use crate::http::{Answer, Page, identify, see_other};
use crate::ids::{AccountId, RequestId};
use crate::vault;

pub use asking::{create, start};

const SHOWN: i64 = 50;

/// Which requests.
#[derive(Debug, Default, Deserialize)]
pub struct Place {
    view: Option<String>,
    cursor: Option<String>,
}

/// `GET /requests`.
///
/// # Errors
/// As the list.
pub async fn index(app: web::Data<App>, page: Page, place: web::Query<Place>) -> Answer {
    let decides = identify::permits(&app, &page.caller, "requests", "decide");
    let view = place.view.clone().unwrap_or_else(|| if decides { "decide" } else { "mine" }.to_owned());
    let (named, cursor, house, caller) =
        (view.clone(), place.cursor.clone(), app.clone(), page.caller.clone());
    let (rows, next, everybody) = app
        .read(move |reader| {
            let viewer = viewer(reader, &caller)?;
            let (found, next) = lists::list(reader, &named, None, &viewer, cursor.as_deref(), SHOWN)?;
            let mut words = Words::default();
            let rows = found
                .iter()
                .map(|request| list_row(&house, reader, &mut words, request))
                .collect::<Result<Vec<_>>>()?;
            Ok((rows, next, viewer.everybody))
        })
        .await?;
    let path = format!("/requests?view={view}");
    let named =
        [("decide", "Waits for you", decides), ("mine", "Yours", true), ("all", "Everybody’s", everybody)];
    let views: Vec<Value> = named
        .into_iter()
        .filter(|(_, _, offered)| *offered)
        .map(|(key, label, _)| {
            json!({ "href": format!("/requests?view={key}"), "label": label, "count": null, "current": key == view })
        })
        .collect();
    let pages = json!({
        "shown": rows.len(), "total": null, "first": place.cursor.as_ref().map(|_| &path),
        "next": next.map(|next| format!("{path}&cursor={next}")),
    });
    let context = json!({ "done": null, "views": views, "view": view, "requests": rows, "pages": pages });
    page.render("requests/list.html", context)
}

fn list_row(app: &App, reader: &mut Reader<'_>, words: &mut Words, request: &Request) -> Result<Value> {
    let role = roles::role(reader, &request.role)?;
    let said = words.of(reader, &role)?;
    let now = reader.now;
    Ok(json!({
        "id": request.id,
        "person": app.directory().display_name(&request.account),
        "role": said.name,
        "class": role.class,
        "application": said.application,
        "asked_at": request.created_at,
        "ends": ends(app, request),
        "reason": vault::show(reader, &request.reason)?,
        "standing": standing(app, request, &lists::approvers(reader, &request.id)?, now),
        "due_at": (state_now(request, now) == RequestState::Pending).then_some(request.lapses_at),
    }))
}

/// A request as the first page shows it to whom it concerns: `me` asked for it, or is to get it.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn row(
    app: &App,
    reader: &mut Reader<'_>,
    words: &mut Words,
    me: &AccountId,
    request: &Request,
) -> Result<Value> {
    let role = roles::role(reader, &request.role)?;
    let said = words.of(reader, &role)?;
    let now = reader.now;
    Ok(json!({
        "id": request.id,
        "name": said.name,
        "class": role.class,
        "application": said.application,
        "ends": ends(app, request),
        "asked_at": request.created_at,
        "standing": standing(app, request, &lists::approvers(reader, &request.id)?, now),
        "note": (request.account != *me)
            .then(|| format!("for {}", app.directory().display_name(&request.account))),
        "withdrawable": state_now(request, now) == RequestState::Pending,
    }))
}

/// How long the role is wanted, in words. What ends at midnight ends with the day before.
fn ends(app: &App, request: &Request) -> String {
    match (request.expires_at, request.duration_seconds) {
        (Some(at), _) => {
            let last = at.minus(Duration::microseconds(1)).utc().with_timezone(&app.organisation().time_zone);
            format!("until {}", last.format("%-d %b %Y"))
        }
        (None, Some(seconds)) if seconds >= 86_400 => format!("for {} days", seconds / 86_400),
        (None, Some(seconds)) => format!("for {} hours", seconds / 3_600),
        (None, None) => "without an end".to_owned(),
    }
}

/// Where a request stands.
fn standing(app: &App, request: &Request, approvers: &[Approver], now: Timestamp) -> Value {
    let (words, tone, icon) = match state_now(request, now) {
        RequestState::Pending => (format!("waits for {}", waited_for(app, approvers)), "due", Some("clock")),
        RequestState::Approved => ("approved".to_owned(), "settled", Some("check")),
        RequestState::Refused => ("refused".to_owned(), "breach", Some("refused")),
        RequestState::Withdrawn => ("withdrawn".to_owned(), "over", None),
        RequestState::Lapsed => ("lapsed without an answer".to_owned(), "over", None),
    };
    json!({ "words": words, "tone": tone, "icon": icon })
}

/// Who has not answered: of each open stage one, named while they are few.
fn waited_for(app: &App, approvers: &[Approver]) -> String {
    let mut stages: BTreeMap<i32, (bool, Vec<String>)> = BTreeMap::new();
    for approver in approvers {
        let (answered, names) = stages.entry(approver.stage).or_default();
        *answered |= approver.reply.is_some();
        names.push(app.directory().display_name(&approver.account));
    }
    let open = stages.into_values().filter(|(answered, _)| !answered).map(|(_, names)| match names.len() {
        0..=2 => names.join(" or "),
        many => format!("one of {many} people"),
    });
    let open: Vec<String> = open.collect();
    if open.is_empty() { "an answer".to_owned() } else { open.join(" and ") }
}

// ---- one request ----------------------------------------------------------------------------------------------------

/// What the reader has just done, so that the page can say what came of it.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct Just {
    done: Option<Did>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Did {
    Asked,
    Answered,
    Withdrew,
}

/// `GET /requests/{id}`.
///
/// # Errors
/// 404 if there is none that the reader may see.
pub async fn show(
    app: web::Data<App>,
    page: Page,
    id: web::Path<RequestId>,
    just: web::Query<Just>,
) -> Answer {
    request_page(&app, &page, id.into_inner(), Form::default(), just.done).await
}

async fn request_page(app: &App, page: &Page, id: RequestId, form: Form, did: Option<Did>) -> Answer {
    let (house, caller) = (app.clone(), page.caller.clone());
    let read = move |reader: &mut Reader<'_>| {
        let viewer = viewer(reader, &caller)?;
        request_context(&house, reader, &id, &viewer, did)
    };
    let mut context = app.read(read).await?;
    context["form"] = json!(form);
    page.render("requests/request.html", context)
}

fn request_context(
    app: &App,
    reader: &mut Reader<'_>,
    id: &RequestId,
    viewer: &Viewer,
    did: Option<Did>,
) -> Result<Value> {
    let (request, approvers) = lists::find(reader, id, viewer)?;
    let role = roles::role(reader, &request.role)?;
    let said = Words::default().of(reader, &role)?;
    let pending = state_now(&request, reader.now) == RequestState::Pending;
    let mine =
        approvers.iter().any(|approver| approver.account == viewer.account && approver.reply.is_none());
    let alone =
        approvers.iter().any(|one| one.account == viewer.account && one.authority == Authority::Subject);
    let window = own::waiting(reader, Matter::Request, id.as_str())?;
    let concerned = request.account == viewer.account || request.asked_by == viewer.account.as_str();
    Ok(json!({
        "done": did.map(|did| json!({ "text": done(app, &request, &approvers, did, reader.now), "revision": null })),
        "request": {
            "id": request.id,
            "person": { "name": app.directory().display_name(&request.account),
                        "href": format!("/people/{}", request.account), "job": job(reader, &request)? },
            "role": said.name, "text": said.lets, "class": role.class,
            "application": said.application, "ends": ends(app, &request),
            "scope": request.scope.as_ref().map(words::scope),
            "asked_at": request.created_at,
            "due_at": pending.then_some(request.lapses_at),
            "reason": vault::show(reader, &request.reason)?,
            "standing": standing(app, &request, &approvers, reader.now),
        },
        "facts": facts(reader, &request)?,
        "steps": steps(app, reader, &request, &approvers)?,
        "may": { "decide": pending && mine && window.is_none() && (alone || request.account != viewer.account), "withdraw": pending && concerned },
        "alone": alone && pending,
        "window": window.map(|window| json!({ "effective_at": window.effective_at })),
        "not_yours": (pending && !mine).then(|| format!("It waits for {}.", waited_for(app, &approvers))),
    }))
}

/// What came of what the reader did. The state says it, so that no address can claim what is not so.
fn done(app: &App, request: &Request, approvers: &[Approver], did: Did, now: Timestamp) -> String {
    match (state_now(request, now), did) {
        (RequestState::Pending, Did::Answered) => {
            format!("Your word is kept. It waits for {} too.", waited_for(app, approvers))
        }
        (RequestState::Pending, _) => format!("Asked. It waits for {}.", waited_for(app, approvers)),
        (RequestState::Approved, _) => "Approved. The role is in force.".to_owned(),
        (RequestState::Refused, _) => "Refused. Nothing was given.".to_owned(),
        (RequestState::Withdrawn, _) => "Withdrawn. Nobody is asked any more.".to_owned(),
        (RequestState::Lapsed, _) => "It had lapsed without an answer.".to_owned(),
    }
}

/// What the person works as.
fn job(reader: &mut Reader<'_>, request: &Request) -> Result<String> {
    Ok(accounts::find_named(reader, &request.account)?.details.job_title.unwrap_or_default())
}

fn facts(reader: &mut Reader<'_>, request: &Request) -> Result<Vec<Value>> {
    let held = grants::living(reader, &request.account)?;
    let mut names = Vec::with_capacity(held.len());
    let mut words = Words::default();
    for grant in &held {
        names.push(words.of_id(reader, &grant.role)?.name);
    }
    let holds = if names.is_empty() { "nothing beyond the job".to_owned() } else { names.join(", ") };
    Ok(vec![json!({ "term": "Holds already", "value": holds })])
}

/// The chain: who has answered, who is waited for.
fn steps(
    app: &App,
    reader: &mut Reader<'_>,
    request: &Request,
    approvers: &[Approver],
) -> Result<Vec<Value>> {
    let mut steps = Vec::new();
    for stage in (0..).take(request.stages.len()) {
        let of_stage: Vec<&Approver> = approvers.iter().filter(|approver| approver.stage == stage).collect();
        let answered = of_stage.iter().find(|approver| approver.reply.is_some());
        let names: Vec<String> = of_stage.iter().map(|approver| named(app, approver)).collect();
        let (title, text, state) = match answered {
            Some(approver) => {
                let note = approver.note.as_ref().map(|note| vault::show(reader, note)).transpose()?;
                let word = if approver.reply == Some(Reply::Approved) { "approved" } else { "refused" };
                (
                    named(app, approver),
                    note.map_or_else(|| word.to_owned(), |note| format!("{word}: “{note}”")),
                    "done",
                )
            }
            None => (names.join(" or "), "is asked".to_owned(), "now"),
        };
        steps.push(json!({ "title": title, "text": text, "state": state, "at": answered.and_then(|approver| approver.answered_at), "ids": [] }));
    }
    let given = request.state == RequestState::Approved;
    steps.push(json!({
        "title": "The role is given", "text": ends(app, request), "state": if given { "done" } else { "open" },
        "at": request.decided_at.filter(|_| given), "ids": [],
    }));
    Ok(steps)
}

fn named(app: &App, approver: &Approver) -> String {
    let by = match approver.authority {
        Authority::Manager => "manager",
        Authority::Owner => "owner",
        Authority::Fallback => "administrator",
        Authority::Subject => "nobody else can",
    };
    format!("{} ({by})", app.directory().display_name(&approver.account))
}

/// What somebody says to their answer.
#[derive(Debug, Default, Deserialize)]
pub struct NoteForm {
    #[serde(default)]
    note: String,
}

/// `POST /requests/{id}/approval`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn approval(
    app: web::Data<App>,
    page: Page,
    id: web::Path<RequestId>,
    form: web::Form<NoteForm>,
) -> Answer {
    answer(&app, &page, id.into_inner(), form.into_inner(), approve).await
}

/// `POST /requests/{id}/refusal`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn refusal(
    app: web::Data<App>,
    page: Page,
    id: web::Path<RequestId>,
    form: web::Form<NoteForm>,
) -> Answer {
    answer(&app, &page, id.into_inner(), form.into_inner(), refuse).await
}

type Act = fn(&mut Tx<'_>, &RequestId, Option<&str>) -> Result<Request>;

async fn answer(app: &App, page: &Page, id: RequestId, form: NoteForm, act: Act) -> Answer {
    let (request, note) = (id.clone(), form.note.clone());
    let done = app.write(&page.caller, move |tx| act(tx, &request, Some(&note))).await;
    match done {
        Ok(_) => see_other(&format!("/requests/{id}?done=answered")),
        Err(error) if error.asks_for_proof() => Err(error.into()),
        Err(error @ (Error::Invalid(_) | Error::Conflict(..) | Error::Forbidden(..))) => {
            let problem = Some(Fault { text: error.to_string(), clauses: Vec::new() });
            let values = BTreeMap::from([("note".to_owned(), form.note)]);
            let form = Form { values, errors: BTreeMap::new(), problem };
            let mut answer = request_page(app, page, id, form, None).await?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /requests/{id}/withdrawal`.
///
/// # Errors
/// As for callers.
pub async fn withdrawal(app: web::Data<App>, caller: Caller, id: web::Path<RequestId>) -> Answer {
    let id = id.into_inner();
    let request = id.clone();
    app.write(&caller, move |tx| withdraw(tx, &request)).await?;
    see_other(&format!("/requests/{id}?done=withdrew"))
}
