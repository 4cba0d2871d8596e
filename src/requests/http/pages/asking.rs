//! The page of asking: find a role, say until when and why.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web;
use chrono::{Days, NaiveDate};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::access::lint::OWN_APPLICATION;
use crate::access::records::RoleRecord;
use crate::access::words::{RoleWords, Words};
use crate::access::{grants, limits, roles};
use crate::app::App;
use crate::caller::Caller;
use crate::clock::end_of_day;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::http::pages::frame::{Fault, Form};
use crate::http::{Answer, Page, see_other};
use crate::ids::AccountId;
use crate::profile::Period;
use crate::requests::{Ask, Until, ask};
use crate::vault;

/// How many roles the page offers at once.
const OFFERED: usize = 40;

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
        Ok(request) => see_other(&format!("/requests/{}?done=asked", request.id)),
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
            Until::At(end_of_day(app.organisation().time_zone, day))
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
    let sought: Vec<String> = q.split_whitespace().take(8).map(vault::fold).collect();
    let mut words = Words::default();
    let mut all: Vec<(RoleRecord, RoleWords)> = Vec::new();
    for role in roles::roles(reader, None)? {
        if role.comes_by_itself() || role.private_to.is_some() || held.contains(&role.id) {
            continue;
        }
        let said = words.of(reader, &role)?;
        let lets = said.lets.as_deref().unwrap_or_default();
        let text = vault::fold(&format!("{} {} {} {lets}", role.id, said.name, said.application));
        if chosen == Some(role.id.as_str()) || sought.iter().all(|word| text.contains(word.as_str())) {
            all.push((role, said));
        }
    }
    let total = all.len();
    // What was chosen stays in sight, whatever else is found; few ask for tasks in this house, so they come last.
    all.sort_by_key(|(role, _)| {
        let other = chosen != Some(role.id.as_str());
        (other, role.application == OWN_APPLICATION, role.application.clone(), role.place)
    });
    let shown = all.iter().take(OFFERED).map(|(role, said)| offer(reader, role, said)).collect();
    Ok((shown, total))
}

fn offer(reader: &Reader<'_>, role: &RoleRecord, said: &RoleWords) -> Value {
    let profile = limits::profile_limit(reader, role.access_role);
    let longest = match role.specification.max_duration {
        Some(own) if own.longest_minutes() < profile.longest_minutes() => own,
        _ => profile,
    };
    json!({
        "key": role.id, "name": said.name, "text": said.lets, "class": role.class,
        "application": said.application, "longest": longest.in_words(), "approvals": role.specification.approval.len(),
    })
}
