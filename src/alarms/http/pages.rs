//! The pages of alarms: the inbox, and one alarm with what it was raised by, who was told and what was found.

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::lists::{self, Narrowing};
use super::super::{Alarm, AlarmState, LONGEST, Rule, Severity, acknowledge, close, investigate};
use super::{others_handle, words};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::http::pages::frame::Form;
use crate::http::{Answer, Page, identify, see_other};
use crate::ids::AlarmId;
use crate::vault;

const SHOWN: i64 = 50;

/// What is asked for; empty texts are as none.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Place {
    view: String,
    rule: String,
    severity: String,
    cursor: String,
}

impl Place {
    fn view(&self) -> &str {
        if self.view == "closed" { "closed" } else { "open" }
    }

    fn narrowing(&self) -> Narrowing {
        Narrowing {
            open: Some(self.view() == "open"),
            state: None,
            rule: Rule::parse(&self.rule),
            severity: Severity::parse(&self.severity),
        }
    }

    fn is_filtered(&self) -> bool {
        let narrowing = self.narrowing();
        narrowing.rule.is_some() || narrowing.severity.is_some()
    }

    /// The address of this list, with or without what narrows it; of our own words only.
    fn address(&self) -> String {
        let narrowing = self.narrowing();
        let mut address = format!("/alarms?view={}", self.view());
        if let Some(rule) = narrowing.rule {
            address.push_str(&format!("&rule={rule}"));
        }
        if let Some(severity) = narrowing.severity {
            address.push_str(&format!("&severity={severity}"));
        }
        address
    }
}

/// `GET /alarms`.
///
/// # Errors
/// As the render; 422 for a cursor that is none.
pub async fn index(app: web::Data<App>, page: Page, place: web::Query<Place>) -> Answer {
    let (narrowing, cursor) = (place.narrowing(), place.cursor.clone());
    let (alarms, next, open) = app
        .read(move |reader| {
            let cursor = Some(cursor.as_str()).filter(|cursor| !cursor.is_empty());
            let (alarms, next) = lists::list(reader, &narrowing, cursor, SHOWN)?;
            Ok((alarms, next, lists::count_open(reader)?))
        })
        .await?;
    let rows: Vec<Value> = alarms.iter().map(|alarm| letter(&app, alarm)).collect();
    let path = place.address();
    let context = json!({
        "done": null,
        "counts": { "new": app.alarms().new_alarms(), "open": open },
        "views": views(place.view(), Some(open)),
        "view": place.view(),
        "filter": { "rule": place.rule, "severity": place.severity, "view": place.view() },
        "filtered": place.is_filtered(),
        "rules": choices(Rule::ALL.iter().map(|rule| (rule.as_str(), words::title(*rule)))),
        "severities": choices(Severity::ALL.iter().map(|one| (one.as_str(), words::severity(*one).0))),
        "alarms": rows,
        "pages": {
            "shown": rows.len(), "total": null,
            "first": (!place.cursor.is_empty()).then_some(&path),
            "next": next.map(|next| format!("{path}&cursor={next}")),
        },
    });
    page.render("alarms/list.html", context)
}

fn views(current: &str, open: Option<u64>) -> Value {
    let view = |key: &str, label: &str, count: Option<u64>| json!({ "href": format!("/alarms?view={key}"), "label": label, "count": count, "current": key == current });
    json!([view("open", "Open", open), view("closed", "Closed", None)])
}

fn choices<'a>(all: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    let any = json!({ "value": "", "label": "Any" });
    let rest = all.map(|(value, label)| json!({ "value": value, "label": label }));
    std::iter::once(any).chain(rest).collect()
}

/// An alarm as a line of the inbox.
fn letter(app: &App, alarm: &Alarm) -> Value {
    let (severity, tone, icon) = words::severity(alarm.severity);
    json!({
        "id": alarm.id,
        "title": words::title(alarm.rule),
        "subject": words::subject(app, alarm),
        "severity": severity,
        "tone": if alarm.state == AlarmState::Closed { "quiet" } else { tone },
        "icon": if alarm.state == AlarmState::Closed { "check" } else { icon },
        "state": words::state(alarm.state),
        "is_new": alarm.state == AlarmState::New,
        "sightings": alarm.sightings,
        "seen_at": alarm.last_seen_at,
    })
}

/// `GET /alarms/{id}`.
///
/// # Errors
/// 404.
pub async fn show(app: web::Data<App>, page: Page, id: web::Path<AlarmId>) -> Answer {
    alarm_page(&app, &page, id.into_inner(), Form::default()).await
}

async fn alarm_page(app: &App, page: &Page, id: AlarmId, form: Form) -> Answer {
    let (alarm, note, finding) = app
        .read(move |reader| {
            let alarm = lists::find(reader, &id)?;
            let note = alarm.note.as_ref().map(|text| vault::show(reader, text)).transpose()?;
            let finding = alarm.finding.as_ref().map(|text| vault::show(reader, text)).transpose()?;
            Ok((alarm, note, finding))
        })
        .await?;
    let handles = identify::permits(app, &page.caller, "alarms", "handle");
    let own = alarm.account.is_some()
        && alarm.account.as_ref() == page.caller.account()
        && others_handle(app, &page.caller);
    let taken = matches!(alarm.state, AlarmState::Acknowledged | AlarmState::Investigating);
    let (severity, tone, icon) = words::severity(alarm.severity);
    let profile = app.context().profiles.current();
    let clauses = alarm.rule.parameter().map(|name| profile.clauses(name).to_vec()).unwrap_or_default();
    let way = words::way(&alarm).filter(|(href, _)| may_follow(app, &page.caller, href));
    let context = json!({
        "done": null,
        "form": form,
        "alarm": {
            "id": alarm.id,
            "title": words::title(alarm.rule),
            "subject": words::subject(app, &alarm),
            "meaning": words::meaning(alarm.rule),
            "severity": { "words": severity, "tone": tone, "icon": icon },
            "state": words::state(alarm.state),
            "raised_at": alarm.raised_at,
            "last_seen_at": alarm.last_seen_at,
            "sightings": alarm.sightings,
            "denies": (alarm.denies && alarm.state != AlarmState::Closed)
                .then(|| alarm.denied_permission().unwrap_or("everything")),
            "note": note,
            "finding": finding,
        },
        "clauses": clauses,
        "facts": facts(app, &alarm),
        "samples": alarm.samples,
        "steps": steps(app, &alarm),
        "told": told(app, &alarm),
        "way": way.map(|(href, label)| json!({ "href": href, "label": label })),
        "longest": LONGEST,
        "may": {
            "acknowledge": handles && alarm.state == AlarmState::New,
            "investigate": handles && alarm.state == AlarmState::Acknowledged,
            "close": handles && taken && !own,
        },
        "own": own && alarm.state != AlarmState::Closed,
    });
    page.render("alarms/alarm.html", context)
}

/// Whether the reader may open the page behind an address.
fn may_follow(app: &App, caller: &Caller, href: &str) -> bool {
    let needs = match href.split('/').nth(1) {
        Some("leavers") => ("leavers", "read"),
        Some("log") => ("events", "read"),
        Some("objections") => return true,
        Some("exceptions" | "settings") => ("profile", "read"),
        _ => ("accounts", "read"),
    };
    identify::permits(app, caller, needs.0, needs.1)
}

fn facts(app: &App, alarm: &Alarm) -> Vec<Value> {
    let mut facts = vec![json!({ "term": "Rule", "value": alarm.rule })];
    let mut add = |term: &str, value: String| facts.push(json!({ "term": term, "value": value }));
    if let Some(threshold) = alarm.threshold {
        add("Threshold", format!("{threshold} {}", words::unit(alarm)));
    }
    if let Some(window) = alarm.window_seconds {
        add("Window", words::span(window));
    }
    if alarm.threshold.is_some() {
        add("Observed", format!("{} {}", alarm.observed, words::unit(alarm)));
    }
    add("Raised by", words::actor(app, &alarm.raised_by));
    facts
}

/// What has happened with it, and what is still to do.
fn steps(app: &App, alarm: &Alarm) -> Vec<Value> {
    let raised = Some((alarm.raised_by.clone(), alarm.raised_at));
    let steps = [
        ("Raised", &raised, ""),
        ("Acknowledged", &alarm.acknowledged, "Somebody answers for it."),
        ("Investigated", &alarm.investigated, "Somebody finds out what is behind it."),
        ("Closed", &alarm.closed, "With a finding, which an auditor reads."),
    ];
    let over = alarm.state == AlarmState::Closed;
    let mut reached = true;
    let mut shown = Vec::new();
    for (title, taken, text) in steps {
        if taken.is_none() && over {
            continue;
        }
        let state = match taken {
            Some(_) => "done",
            None if reached => "now",
            None => "open",
        };
        reached = taken.is_some();
        let text =
            taken.as_ref().map_or_else(|| text.to_owned(), |(by, _)| format!("by {}", words::actor(app, by)));
        shown.push(json!({ "title": title, "text": text, "state": state, "at": taken.as_ref().map(|(_, at)| at), "ids": [] }));
    }
    shown
}

fn told(app: &App, alarm: &Alarm) -> Vec<Value> {
    let line = |told: &super::super::Told| json!({ "at": told.at, "text": app.directory().display_name(&told.account), "note": told.by });
    alarm.told.iter().map(line).collect()
}

/// `POST /alarms/{id}/acknowledgement`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn acknowledgement(app: web::Data<App>, page: Page, id: web::Path<AlarmId>) -> Answer {
    let alarm = id.clone();
    let done = app.write(&page.caller, move |tx| acknowledge(tx, &alarm)).await;
    after(&app, &page, id.into_inner(), Form::default(), done.map(drop)).await
}

/// `POST /alarms/{id}/investigation`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn investigation(app: web::Data<App>, page: Page, id: web::Path<AlarmId>) -> Answer {
    let alarm = id.clone();
    let done = app.write(&page.caller, move |tx| investigate(tx, &alarm)).await;
    after(&app, &page, id.into_inner(), Form::default(), done.map(drop)).await
}

/// What was found, as it was typed.
#[derive(Debug, Default, Deserialize)]
pub struct FindingForm {
    #[serde(default)]
    finding: String,
}

/// `POST /alarms/{id}/closure`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn closure(
    app: web::Data<App>,
    page: Page,
    id: web::Path<AlarmId>,
    form: web::Form<FindingForm>,
) -> Answer {
    let others = others_handle(&app, &page.caller);
    let (alarm, finding) = (id.clone(), form.finding.clone());
    let done = app.write(&page.caller, move |tx| close(tx, &alarm, &finding, others)).await;
    let form = Form::filled([("finding", form.finding.as_str())]);
    after(&app, &page, id.into_inner(), form, done.map(drop)).await
}

async fn after(app: &App, page: &Page, id: AlarmId, form: Form, done: Result<()>) -> Answer {
    match done {
        Ok(()) => see_other(&format!("/alarms/{id}")),
        Err(error @ (Error::Invalid(_) | Error::Conflict(..) | Error::Forbidden(..))) => {
            let mut answer = alarm_page(app, page, id, form.refused(error)?).await?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}
