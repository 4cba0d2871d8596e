//! The pages of requests: what waits for one, asking, one request with its chain.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web;
use chrono::{Days, NaiveDate};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::lists::{self, Viewer, state_now};
use super::super::{
    Approver, Ask, Authority, Reply, Request, RequestState, Until, approve, ask, refuse, withdraw,
};
use super::viewer;
use crate::access::records::RoleRecord;
use crate::access::{grants, limits, roles};
use crate::app::App;
use crate::caller::Caller;
use crate::clock::{Timestamp, local};
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::http::pages::frame::{Fault, Form};
use crate::http::{Answer, Page, identify, see_other};
use crate::ids::{AccountId, RequestId};
use crate::profile::Period;
use crate::vault;

const SHOWN: i64 = 50;
/// How many roles the page of asking offers at once.
const OFFERED: usize = 40;

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
            let rows =
                found.iter().map(|request| list_row(&house, reader, request)).collect::<Result<Vec<_>>>()?;
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

fn list_row(app: &App, reader: &mut Reader<'_>, request: &Request) -> Result<Value> {
    let role = roles::role(reader, &request.role)?;
    let now = reader.now;
    Ok(json!({
        "id": request.id,
        "person": app.directory().display_name(&request.account),
        "role": role.specification.display_name(),
        "class": role.class,
        "application": role.application,
        "asked_at": request.created_at,
        "ends": ends(request),
        "reason": vault::show(reader, &request.reason)?,
        "standing": standing(request, now),
        "due_at": (state_now(request, now) == RequestState::Pending).then_some(request.lapses_at),
    }))
}

/// A request as the first page shows it to whom it concerns.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn row(reader: &mut Reader<'_>, request: &Request) -> Result<Value> {
    let role = roles::role(reader, &request.role)?;
    let now = reader.now;
    Ok(json!({
        "id": request.id,
        "name": role.specification.display_name(),
        "class": role.class,
        "application": role.application,
        "ends": ends(request),
        "asked_at": request.created_at,
        "standing": standing(request, now),
        "note": null,
        "withdrawable": state_now(request, now) == RequestState::Pending,
    }))
}

/// How long the role is wanted, in words.
fn ends(request: &Request) -> String {
    match (request.expires_at, request.duration_seconds) {
        (Some(at), _) => format!("until {}", at.utc().format("%-d %b %Y")),
        (None, Some(seconds)) if seconds >= 86_400 => format!("for {} days", seconds / 86_400),
        (None, Some(seconds)) => format!("for {} hours", seconds / 3_600),
        (None, None) => "without an end".to_owned(),
    }
}

fn standing(request: &Request, now: Timestamp) -> Value {
    let (words, tone, icon) = match state_now(request, now) {
        RequestState::Pending => ("waits for an answer", "due", Some("clock")),
        RequestState::Approved => ("approved", "settled", Some("check")),
        RequestState::Refused => ("refused", "breach", Some("refused")),
        RequestState::Withdrawn => ("withdrawn", "quiet", None),
        RequestState::Lapsed => ("lapsed without an answer", "quiet", None),
    };
    json!({ "words": words, "tone": tone, "icon": icon })
}

// ---- asking ---------------------------------------------------------------------------------------------------------

/// What somebody looks for.
#[derive(Debug, Default, Deserialize)]
pub struct Search {
    #[serde(default)]
    q: String,
    role: Option<String>,
}

/// The form of asking.
#[derive(Debug, Default, Deserialize)]
pub struct AskForm {
    #[serde(default)]
    role: String,
    #[serde(default)]
    lasts: String,
    #[serde(default)]
    expires_on: String,
    #[serde(default)]
    reason: String,
}

/// `GET /requests/new`.
///
/// # Errors
/// As the render.
pub async fn start(app: web::Data<App>, page: Page, search: web::Query<Search>) -> Answer {
    let search = search.into_inner();
    let mut form = Form::default();
    if let Some(role) = search.role {
        form.values.insert("role".to_owned(), role);
    }
    ask_page(&app, &page, search.q, form).await
}

/// `POST /requests`.
///
/// # Errors
/// What was refused comes back in the form.
pub async fn create(app: web::Data<App>, page: Page, caller: Caller, form: web::Form<AskForm>) -> Answer {
    let form = form.into_inner();
    let asked = match wanted(&app, &form) {
        Ok(wanted) => app.write(&caller, move |tx| ask(tx, &wanted)).await,
        Err(error) => Err(error),
    };
    match asked.map(|written| written.value) {
        Ok(request) => see_other(&format!("/requests/{}", request.id)),
        Err(error) => {
            let mut answer = ask_page(&app, &page, String::new(), came_back(&form, error)?).await?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
    }
}

fn wanted(app: &App, form: &AskForm) -> Result<Ask> {
    let until = match form.lasts.as_str() {
        "date" => {
            let day = NaiveDate::parse_from_str(&form.expires_on, "%Y-%m-%d")
                .map_err(|_| Error::field("expires_on", "must be a day, such as 2026-12-24"))?;
            let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
            Until::At(local(app.organisation().time_zone, next, 0))
        }
        text => {
            let period: Period =
                text.parse().map_err(|_| Error::field("lasts", "say how long you need it"))?;
            Until::For(period)
        }
    };
    Ok(Ask {
        account: None,
        role: form.role.clone(),
        reason: form.reason.clone(),
        scope: None,
        valid_from: None,
        until,
    })
}

fn came_back(form: &AskForm, error: Error) -> Result<Form> {
    let mut errors: BTreeMap<String, Vec<Fault>> = BTreeMap::new();
    let mut problem = None;
    match error {
        Error::Invalid(fields) => {
            for field in fields {
                let name = if field.field == "expires_at" { "expires_on".to_owned() } else { field.field };
                let fault = Fault { text: field.detail, clauses: field.clause.into_iter().collect() };
                errors.entry(name).or_default().push(fault);
            }
        }
        Error::Conflict(_, detail) | Error::Forbidden(_, detail) => {
            problem = Some(Fault { text: detail, clauses: Vec::new() });
        }
        other => return Err(other),
    }
    let fields = [
        ("role", &form.role),
        ("lasts", &form.lasts),
        ("expires_on", &form.expires_on),
        ("reason", &form.reason),
    ];
    let values = fields.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    Ok(Form { values, errors, problem })
}

async fn ask_page(app: &App, page: &Page, q: String, form: Form) -> Answer {
    let me = page.caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let zone = app.organisation().time_zone;
    let today = app.context().clock.now().utc().with_timezone(&zone).date_naive();
    let (looked_for, chosen) = (q.clone(), form.values.get("role").cloned());
    let (offers, total) = app.read(move |reader| offers(reader, &me, &looked_for, chosen.as_deref())).await?;
    let last = today.checked_add_days(Days::new(365)).unwrap_or(today);
    let clauses = app.context().profiles.current().clauses("grant.max_duration").to_vec();
    page.render(
        "requests/ask.html",
        json!({
            "form": form, "q": q, "shown": offers.len(), "total": total, "offers": offers,
            "limits": { "first_day": today.to_string(), "last_day": last.to_string() },
            "reason_least": grants::MIN_REASON,
            "steps": [
                { "title": "Those who decide are asked", "text": "Your manager, the owner of the application, or both.", "state": "now", "at": null, "ids": ["E6"] },
                { "title": "You have it", "text": "From that second, until the end you asked for.", "state": "open", "at": null, "ids": ["O12"] },
            ],
            "clauses": clauses,
        }),
    )
}

/// The roles that somebody can ask for and does not hold.
fn offers(
    reader: &mut Reader<'_>,
    me: &AccountId,
    q: &str,
    chosen: Option<&str>,
) -> Result<(Vec<Value>, usize)> {
    let held: Vec<String> = grants::living(reader, me)?.into_iter().map(|grant| grant.role).collect();
    let words: Vec<String> = q.split_whitespace().take(8).map(vault::fold).collect();
    let mut all: Vec<RoleRecord> = roles::roles(reader, None)?;
    all.retain(|role| {
        let text =
            vault::fold(&format!("{} {} {}", role.id, role.specification.display_name(), role.application));
        !role.comes_by_itself()
            && role.private_to.is_none()
            && !held.contains(&role.id)
            && (chosen == Some(role.id.as_str()) || words.iter().all(|word| text.contains(word.as_str())))
    });
    let total = all.len();
    // What was chosen stays in sight, whatever else is found.
    all.sort_by_key(|role| (chosen != Some(role.id.as_str()), role.application.clone(), role.place));
    let shown = all.iter().take(OFFERED).map(|role| offer(reader, role)).collect();
    Ok((shown, total))
}

fn offer(reader: &Reader<'_>, role: &RoleRecord) -> Value {
    let profile = limits::profile_limit(reader, role.access_role);
    let longest = match role.specification.max_duration {
        Some(own) if own.longest_minutes() < profile.longest_minutes() => own,
        _ => profile,
    };
    json!({
        "key": role.id, "name": role.specification.display_name(), "text": null, "class": role.class,
        "application": role.application, "longest": longest.in_words(), "approvals": role.specification.approval.len(),
    })
}

// ---- one request ----------------------------------------------------------------------------------------------------

/// `GET /requests/{id}`.
///
/// # Errors
/// 404 if there is none that the reader may see.
pub async fn show(app: web::Data<App>, page: Page, id: web::Path<RequestId>) -> Answer {
    request_page(&app, &page, id.into_inner(), Form::default()).await
}

async fn request_page(app: &App, page: &Page, id: RequestId, form: Form) -> Answer {
    let (house, caller) = (app.clone(), page.caller.clone());
    let read = move |reader: &mut Reader<'_>| {
        let viewer = viewer(reader, &caller)?;
        request_context(&house, reader, &id, &viewer)
    };
    let mut context = app.read(read).await?;
    context["form"] = json!(form);
    page.render("requests/request.html", context)
}

fn request_context(app: &App, reader: &mut Reader<'_>, id: &RequestId, viewer: &Viewer) -> Result<Value> {
    let (request, approvers) = lists::find(reader, id, viewer)?;
    let role = roles::role(reader, &request.role)?;
    let pending = state_now(&request, reader.now) == RequestState::Pending;
    let mine =
        approvers.iter().any(|approver| approver.account == viewer.account && approver.reply.is_none());
    let concerned = request.account == viewer.account || request.asked_by == viewer.account.as_str();
    Ok(json!({
        "done": null,
        "request": {
            "id": request.id,
            "person": { "name": app.directory().display_name(&request.account),
                        "href": format!("/people/{}", request.account), "job": "" },
            "role": role.specification.display_name(), "text": null, "class": role.class,
            "application": role.application, "ends": ends(&request),
            "scope": request.scope.as_ref().map(|scope| scope.iter().map(|(property, values)| format!("{property}: {}", values.join(", "))).collect::<Vec<_>>().join("; ")),
            "asked_at": request.created_at,
            "due_at": pending.then_some(request.lapses_at),
            "reason": vault::show(reader, &request.reason)?,
            "standing": standing(&request, reader.now),
        },
        "facts": facts(reader, &request)?,
        "steps": steps(app, reader, &request, &approvers)?,
        "may": { "decide": pending && mine && request.account != viewer.account, "withdraw": pending && concerned },
        "not_yours": (pending && !mine).then_some("It waits for somebody else."),
    }))
}

fn facts(reader: &mut Reader<'_>, request: &Request) -> Result<Vec<Value>> {
    let held = grants::living(reader, &request.account)?;
    let mut names = Vec::with_capacity(held.len());
    for grant in &held {
        names.push(roles::role(reader, &grant.role)?.specification.display_name().to_owned());
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
        "title": "The role is given", "text": ends(request), "state": if given { "done" } else { "open" },
        "at": request.decided_at.filter(|_| given), "ids": [],
    }));
    Ok(steps)
}

fn named(app: &App, approver: &Approver) -> String {
    let by = match approver.authority {
        Authority::Manager => "manager",
        Authority::Owner => "owner",
        Authority::Fallback => "administrator",
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
        Ok(_) => see_other(&format!("/requests/{id}")),
        Err(error @ (Error::Invalid(_) | Error::Conflict(..) | Error::Forbidden(..))) => {
            let problem = Some(Fault { text: error.to_string(), clauses: Vec::new() });
            let values = BTreeMap::from([("note".to_owned(), form.note)]);
            let form = Form { values, errors: BTreeMap::new(), problem };
            let mut answer = request_page(app, page, id, form).await?;
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
    see_other(&format!("/requests/{id}"))
}
