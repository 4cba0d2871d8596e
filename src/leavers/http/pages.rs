//! The pages of leavers: the list, reporting somebody, one case with its clock and its proof.

use std::collections::BTreeMap;

use actix_web::web;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::lists;
use super::super::{Case, CaseState, NewLeaver, Step, StepKind, StepState};
use super::{start_case, viewer};
use crate::access::grants;
use crate::accounts;
use crate::app::App;
use crate::clock::{Timestamp, end_of_day};
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::http::pages::frame::{Fault, Form};
use crate::http::{Answer, Page, identify, see_other};
use crate::ids::{AccountId, CaseId};
use crate::provisioning::tasks::{self, TaskState};
use crate::signin::sessions;
use crate::vault;

const SHOWN: i64 = 50;
/// The parts of the list, with their names.
const PARTS: [(&str, &str); 3] = [("running", "Running"), ("coming", "Coming"), ("closed", "Closed")];

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
pub struct Place {
    view: Option<String>,
    cursor: Option<String>,
    account: Option<AccountId>,
}

/// `GET /leavers`.
///
/// # Errors
/// As the list.
pub async fn index(app: web::Data<App>, page: Page, place: web::Query<Place>) -> Answer {
    let part = place.view.clone().unwrap_or_else(|| "running".to_owned());
    let viewer = viewer(&app, &page.caller)?;
    let (named, cursor) = (part.clone(), place.cursor.clone());
    let (cases, next) = app
        .read(move |reader| {
            let (cases, next) = lists::list(reader, Some(&named), &viewer, cursor.as_deref(), SHOWN)?;
            let with_steps = cases
                .into_iter()
                .map(|case| lists::find(reader, &case.id, &viewer))
                .collect::<Result<Vec<_>>>()?;
            Ok((with_steps, next))
        })
        .await?;
    let rows: Vec<Value> = cases.iter().map(|(case, steps)| list_row(&app, case, steps)).collect();
    let path = format!("/leavers?view={part}");
    let views: Vec<Value> = PARTS
        .iter()
        .map(|(key, label)| {
            json!({ "href": format!("/leavers?view={key}"), "label": label, "count": null, "current": *key == part })
        })
        .collect();
    let mut context = shared(&app)?;
    context["done"] = Value::Null;
    context["views"] = json!(views);
    context["view"] = json!(part);
    context["pages"] = json!({
        "shown": rows.len(), "total": null, "first": place.cursor.as_ref().map(|_| &path),
        "next": next.map(|next| format!("{path}&cursor={next}")),
    });
    context["cases"] = json!(rows);
    context["may"] = json!({ "start": identify::permits(&app, &page.caller, "leavers", "start") });
    page.render("leavers/list.html", context)
}

/// The hours that the profile gives, and the clauses behind them.
fn shared(app: &App) -> Result<Value> {
    let profile = app.context().profiles.current();
    Ok(
        json!({ "hours": profile.leaver().within.longest_minutes() / 60, "clauses": profile.clauses("leaver.within") }),
    )
}

fn list_row(app: &App, case: &Case, steps: &[Step]) -> Value {
    let card = app.directory().card(&case.account);
    let targets = steps.iter().filter(|step| step.kind == StepKind::Target);
    let verified = targets.clone().filter(|step| step.state == StepState::Verified).count();
    json!({
        "id": case.id,
        "person": app.directory().display_name(&case.account),
        "username": card.map(|card| card.username).unwrap_or_default(),
        "job": "",
        "effective_at": case.effective_at,
        "deadline": case.deadline,
        "closed_at": case.closed_at,
        "standing": standing(case, app.context().clock.now()),
        "verified": verified,
        "targets": targets.count(),
        "confidential": case.confidential,
    })
}

fn standing(case: &Case, now: Timestamp) -> Value {
    let (words, tone, icon) = match case.state {
        CaseState::Reported if case.effective_at > now => ("access ends at its time", "quiet", Some("clock")),
        CaseState::Closed => ("proved and closed", "settled", Some("check")),
        CaseState::Withdrawn => ("withdrawn", "quiet", None),
        _ if now >= case.deadline => ("not proved in time", "breach", Some("warning")),
        _ => ("being proved", "due", Some("clock")),
    };
    json!({ "words": words, "tone": tone, "icon": icon })
}

/// The form of somebody who leaves.
#[derive(Debug, Default, Deserialize)]
pub struct StartForm {
    account: Option<AccountId>,
    #[serde(default)]
    username: String,
    #[serde(default)]
    when: String,
    #[serde(default)]
    last_day: String,
    #[serde(default)]
    reason: String,
    confidential: Option<String>,
}

/// `GET /leavers/new`.
///
/// # Errors
/// As the render.
pub async fn start(app: web::Data<App>, page: Page, place: web::Query<Place>) -> Answer {
    start_page(&app, &page, place.into_inner().account, Form::default()).await
}

/// `POST /leavers`.
///
/// # Errors
/// What was refused comes back in the form.
pub async fn open(app: web::Data<App>, page: Page, form: web::Form<StartForm>) -> Answer {
    let form = form.into_inner();
    let new = match wanted(&app, &form).await {
        Ok(new) => new,
        Err(error) => return start_page(&app, &page, form.account.clone(), came_back(&form, error)?).await,
    };
    match start_case(&app, &page.caller, new).await {
        Ok(begun) => see_other(&format!("/leavers/{}", begun.value)),
        Err(error) => start_page(&app, &page, form.account.clone(), came_back(&form, error)?).await,
    }
}

async fn wanted(app: &App, form: &StartForm) -> Result<NewLeaver> {
    let account = match &form.account {
        Some(account) => account.clone(),
        None => {
            let name = form.username.clone();
            let found = app.read(move |reader| accounts::find_by_name(reader, &name)).await?;
            found.ok_or_else(|| Error::field("username", "nobody has this username"))?.id
        }
    };
    let effective_at = if form.when == "now" {
        app.context().clock.now()
    } else {
        let day = NaiveDate::parse_from_str(&form.last_day, "%Y-%m-%d")
            .map_err(|_| Error::field("last_day", "must be a day, such as 2026-11-30"))?;
        end_of_day(app.organisation().time_zone, day)
    };
    Ok(NewLeaver {
        account,
        effective_at,
        reason: form.reason.clone(),
        confidential: form.confidential.is_some(),
    })
}

fn came_back(form: &StartForm, error: Error) -> Result<Form> {
    let mut errors: BTreeMap<String, Vec<Fault>> = BTreeMap::new();
    let mut problem = None;
    match error {
        Error::Invalid(fields) => {
            for field in fields {
                let name = if field.field == "effective_at" { "last_day".to_owned() } else { field.field };
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
        ("username", &form.username),
        ("when", &form.when),
        ("last_day", &form.last_day),
        ("reason", &form.reason),
    ];
    let mut values: BTreeMap<String, String> =
        fields.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    if let Some(ticked) = &form.confidential {
        values.insert("confidential".to_owned(), ticked.clone());
    }
    Ok(Form { values, errors, problem })
}

async fn start_page(app: &App, page: &Page, account: Option<AccountId>, form: Form) -> Answer {
    let house = app.clone();
    let person = match account {
        None => Value::Null,
        Some(account) => app.read(move |reader| person(&house, reader, &account)).await?,
    };
    let mut context = shared(app)?;
    context["person"] = person;
    context["form"] = json!(form);
    page.render("leavers/start.html", context)
}

fn person(app: &App, reader: &mut Reader<'_>, account: &AccountId) -> Result<Value> {
    accounts::find(reader, account)?;
    Ok(json!({
        "id": account,
        "name": app.directory().display_name(account),
        "username": app.directory().card(account).map(|card| card.username).unwrap_or_default(),
        "job": "",
        "roles": grants::living(reader, account)?.len(),
        "sessions": sessions::living(reader, account)?,
    }))
}

/// `GET /leavers/{id}`.
///
/// # Errors
/// 404 if there is none that the reader may see.
pub async fn show(app: web::Data<App>, page: Page, id: web::Path<CaseId>) -> Answer {
    let viewer = viewer(&app, &page.caller)?;
    let house = app.clone();
    let (case, steps, reason, by_hand) = app
        .read(move |reader| {
            let (case, steps) = lists::find(reader, &id, &viewer)?;
            let reason = case.reason.as_ref().map(|text| vault::show(reader, text)).transpose()?;
            let by_hand = by_hand(&house, reader, &case, &viewer.account)?;
            Ok((case, steps, reason, by_hand))
        })
        .await?;
    let mut context = shared(&app)?;
    let username = app.directory().card(&case.account).map(|card| card.username).unwrap_or_default();
    context["done"] = Value::Null;
    context["case"] = json!({
        "id": case.id,
        "person": { "name": app.directory().display_name(&case.account), "username": username,
                    "href": format!("/people/{}", case.account) },
        "effective_at": case.effective_at, "deadline": case.deadline, "closed_at": case.closed_at,
        "standing": standing(&case, app.context().clock.now()), "late": case.breached_on_arrival,
    });
    context["steps"] = json!(way(&case, &steps, &by_hand));
    context["checks"] = checks(&steps);
    context["sessions_left"] = step_of(&steps, StepKind::Verification)
        .and_then(|step| step.evidence.as_ref())
        .map_or(Value::Null, |evidence| evidence["sessions"].clone());
    context["facts"] = json!(facts(&app, &case, reason));
    context["stays"] = json!([]);
    context["told"] = json!([]);
    page.render("leavers/case.html", context)
}

fn step_of(steps: &[Step], kind: StepKind) -> Option<&Step> {
    steps.iter().find(|step| step.kind == kind)
}

/// The way out as the page draws it: what is done, what is at work, what is to do.
fn way(case: &Case, steps: &[Step], by_hand: &BTreeMap<String, Vec<Value>>) -> Vec<Value> {
    let (passed, revoked) = (passed(steps), revoked(steps));
    // What has not been done yet is told as what will be done.
    let said =
        |kind, done: &str, ahead: &str| if at(steps, kind).is_some() { done } else { ahead }.to_owned();
    let rows = [
        (CaseState::Reported, "Reported", Some(case.known_at), "The end was made known.".to_owned()),
        (
            CaseState::Blocked,
            "Blocked",
            at(steps, StepKind::Block),
            "Denied from the instant on, by judgement of the clock.".to_owned(),
        ),
        (
            CaseState::SessionsEnded,
            "Sessions ended",
            at(steps, StepKind::Sessions),
            said(StepKind::Sessions, &passed, "Their sessions end; their services pass to the manager."),
        ),
        (
            CaseState::GrantsRevoked,
            "Roles revoked",
            at(steps, StepKind::Grants),
            said(StepKind::Grants, &revoked, "Every role is taken back."),
        ),
        (CaseState::Targets, "Systems", None, "Each system in which a role was held.".to_owned()),
        (
            CaseState::Verified,
            "Verified",
            at(steps, StepKind::Verification),
            said(
                StepKind::Verification,
                "Each permission once held was asked again and answered no; no session is left.",
                "Each permission once held is asked again and has to be answered no.",
            ),
        ),
        (CaseState::Closed, "Closed", case.closed_at, "The case stays here with its proof.".to_owned()),
    ];
    let reached = CaseState::ALL.iter().position(|state| *state == case.state).unwrap_or_default();
    rows.into_iter()
        .enumerate()
        .map(|(place, (state, title, at, text))| {
            let drawn = match place {
                place if place <= reached && case.state != CaseState::Withdrawn => "done",
                place if place == reached + 1 => "now",
                _ => "open",
            };
            let targets = if state == CaseState::Targets { targets(steps, by_hand) } else { Vec::new() };
            json!({ "title": title, "text": text, "state": drawn, "at": at, "targets": targets })
        })
        .collect()
}

fn passed(steps: &[Step]) -> String {
    let sessions = counted(count(steps, StepKind::Sessions, "ended"), "session ended", "sessions ended");
    let services =
        counted(count(steps, StepKind::Services, "passed_on"), "service passed on", "services passed on");
    format!("{sessions}; {services}.")
}

fn revoked(steps: &[Step]) -> String {
    format!("{}.", counted(count(steps, StepKind::Grants, "roles"), "role revoked", "roles revoked"))
}

/// How many things a step's evidence names.
fn count(steps: &[Step], kind: StepKind, name: &str) -> u64 {
    let evidence = step_of(steps, kind).and_then(|step| step.evidence.as_ref());
    evidence.map_or(0, |evidence| match &evidence[name] {
        Value::Array(list) => list.len() as u64,
        other => other.as_u64().unwrap_or_default(),
    })
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn at(steps: &[Step], kind: StepKind) -> Option<Timestamp> {
    step_of(steps, kind).and_then(|step| step.at)
}

/// The tasks of each system, with those that wait for whoever looks.
fn by_hand(
    app: &App,
    reader: &mut Reader<'_>,
    case: &Case,
    looks: &AccountId,
) -> Result<BTreeMap<String, Vec<Value>>> {
    let mut systems: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for task in tasks::lists::of_account(reader, &case.account)? {
        let (words, tone) = match task.state {
            TaskState::Open => ("to do", "due"),
            TaskState::Done => ("said to be done", "due"),
            TaskState::Verified => ("verified", "settled"),
            TaskState::Withdrawn => ("withdrawn", "quiet"),
        };
        let shown = json!({
            "id": task.id, "login": tasks::lists::login(reader, &task)?, "role": task.role,
            "assignee": app.directory().display_name(&task.assignee),
            "standing": { "words": words, "tone": tone, "icon": null },
            "mine": task.state == TaskState::Open && task.assignee == *looks,
        });
        systems.entry(task.system).or_default().push(shown);
    }
    Ok(systems)
}

fn targets(steps: &[Step], by_hand: &BTreeMap<String, Vec<Value>>) -> Vec<Value> {
    steps
        .iter()
        .filter(|step| step.kind == StepKind::Target)
        .map(|step| {
            let (text, words, tone, icon) = match step.state {
                StepState::Verified => ("", "verified", "settled", Some("check")),
                StepState::Manual => (
                    "Taken away by hand, and seen to be gone by somebody else.",
                    "waits",
                    "due",
                    Some("person"),
                ),
                _ => ("", "applied", "quiet", Some("clock")),
            };
            let tasks = by_hand.get(&step.target).cloned().unwrap_or_default();
            json!({
                "name": step.target, "text": text, "tasks": tasks,
                "standing": { "words": words, "tone": tone, "icon": icon },
            })
        })
        .collect()
}

/// Each permission once held with its answer.
fn checks(steps: &[Step]) -> Value {
    let Some(step) = step_of(steps, StepKind::Verification) else { return json!([]) };
    let evidence = step.evidence.clone().unwrap_or_default();
    let asked = evidence["permissions"].as_array().cloned().unwrap_or_default();
    let rows: Vec<Value> = asked
        .iter()
        .map(|one| {
            let permission = one["permission"].as_str().unwrap_or_default();
            let application = permission.split('/').next().unwrap_or_default();
            json!({
                "permission": permission, "application": application,
                "revision": evidence["revision"], "at": step.at, "answer": one["permitted"],
            })
        })
        .collect();
    json!(rows)
}

fn facts(app: &App, case: &Case, reason: Option<String>) -> Vec<Value> {
    let opened_by = AccountId::parse(&case.opened_by).map_or_else(
        || "the people file or the account’s end".to_owned(),
        |account| app.directory().display_name(&account),
    );
    let mut facts = vec![json!({ "term": "Opened by", "value": opened_by })];
    if let Some(reason) = reason {
        facts.push(json!({ "term": "Reason", "value": reason }));
    }
    facts
}
