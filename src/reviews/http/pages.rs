//! The pages of reviews: the list, opening one, the report. The reviewer's list stands in `workbench`.

pub mod workbench;

use std::collections::BTreeMap;

use actix_web::web;
use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::lists::{self, CampaignView};
use super::super::opening::{self, NewCampaign};
use super::super::report::Evidence;
use super::super::{CampaignScope, Item, ItemState};
use super::standing;
use crate::access::catalogue::Class;
use crate::access::roles;
use crate::access::words::Words;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::{Timestamp, end_of_day};
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::http::pages::frame::{Fault, Form};
use crate::http::{Answer, Page, identify, see_other};
use crate::ids::{AccountId, CampaignId, TextId};
use crate::provisioning::tasks::lists as tasks;
use crate::vault;

/// How many items or campaigns a page shows.
const SHOWN: i64 = 50;
/// How many days ahead a review opened by hand may close.
const LATEST: u64 = 90;

/// Where in a list one is.
#[derive(Debug, Default, Deserialize)]
pub struct Place {
    cursor: Option<String>,
    done: Option<String>,
}

/// What the pager is told.
fn pager(
    path: &str,
    shown: usize,
    total: Option<u64>,
    cursor: Option<&String>,
    next: Option<String>,
) -> Value {
    json!({
        "shown": shown,
        "total": total,
        "first": cursor.map(|_| path),
        "next": next.map(|next| format!("{path}{}cursor={next}", if path.contains('?') { "&" } else { "?" })),
    })
}

/// What a campaign looks at, in words.
fn scope_words(scope: &CampaignScope) -> String {
    let mut words = match scope.class {
        Some(Class::Pii) => "every grant of customers’ data".to_owned(),
        Some(Class::Regulated) => "every grant of regulated information".to_owned(),
        Some(Class::Internal) => "every internal grant".to_owned(),
        None => "every grant".to_owned(),
    };
    for (what, value) in
        [("of role", &scope.role), ("in", &scope.app), ("in the department", &scope.department)]
    {
        if let Some(value) = value {
            words.push_str(&format!(" {what} {value}"));
        }
    }
    words
}

fn standing_json(state: super::super::CampaignState) -> Value {
    let (words, tone, icon) = standing(state);
    json!({ "words": words, "tone": tone, "icon": icon })
}

/// `GET /reviews`.
///
/// # Errors
/// As the list.
pub async fn index(app: web::Data<App>, page: Page, place: web::Query<Place>) -> Answer {
    let me = page.caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let cursor = place.cursor.clone();
    let (campaigns, next) = app
        .read(move |reader| {
            let (found, next) = lists::campaigns(reader, cursor.as_deref(), SHOWN)?;
            let rows =
                found.iter().map(|campaign| list_row(reader, campaign, &me)).collect::<Result<Vec<_>>>()?;
            Ok((rows, next))
        })
        .await?;
    let profile = app.context().profiles.current();
    let clauses = profile.clauses("review.cadence");
    let pages = pager("/reviews", campaigns.len(), None, place.cursor.as_ref(), next);
    page.render(
        "reviews/list.html",
        json!({
            "done": place.done.as_ref().map(|_| json!({ "text": "The review is open.", "revision": null })),
            "campaigns": campaigns,
            "cadence": { "words": "Every grant is decided again in each period; the next review opens by itself.", "clauses": clauses },
            "may": { "open": identify::permits(&app, &page.caller, "reviews", "manage") },
            "pages": pages,
        }),
    )
}

fn list_row(reader: &mut Reader<'_>, campaign: &CampaignView, me: &AccountId) -> Result<Value> {
    let mine = lists::progress(reader, &campaign.id, Some(me))?;
    Ok(json!({
        "id": campaign.id,
        "name": campaign.name,
        "scope": scope_words(&campaign.scope),
        "standing": standing_json(campaign.state),
        "opened_at": campaign.opened_at,
        "due_at": campaign.due_at,
        "closed_at": campaign.closed_at,
        "total": campaign.progress.items,
        "signed": campaign.progress.decided,
        "drafted": campaign.progress.drafted,
        "mine": mine.open + mine.drafted,
    }))
}

/// The form of a review opened by hand.
#[derive(Debug, Default, Deserialize)]
pub struct StartForm {
    name: String,
    #[serde(default)]
    application: String,
    #[serde(default)]
    class: String,
    #[serde(default)]
    due_on: String,
}

/// `GET /reviews/new`.
///
/// # Errors
/// As the render.
pub async fn start(app: web::Data<App>, page: Page) -> Answer {
    start_page(&app, &page, Form::default()).await
}

/// `POST /reviews`.
///
/// # Errors
/// As the render; what was refused comes back in the form.
pub async fn open(app: web::Data<App>, page: Page, caller: Caller, form: web::Form<StartForm>) -> Answer {
    let form = form.into_inner();
    let new = match wanted(&app, &form) {
        Ok(new) => new,
        Err(error) => return start_page(&app, &page, came_back(&form, error)?).await,
    };
    let opened = app.to_its_end(move |app| opening::open(app, &caller, &new)).await?;
    see_other(&format!("/reviews/{}", opened.value.id))
}

fn wanted(app: &App, form: &StartForm) -> Result<NewCampaign> {
    let zone = app.organisation().time_zone;
    let day = NaiveDate::parse_from_str(&form.due_on, "%Y-%m-%d")
        .map_err(|_| Error::field("due_on", "must be a day, such as 2026-11-30"))?;
    let due_at = end_of_day(zone, day);
    let class = match form.class.as_str() {
        "" => None,
        word => Some(
            serde_json::from_value(Value::from(word))
                .map_err(|_| Error::field("class", "must be one of the list"))?,
        ),
    };
    let scope = CampaignScope { app: chosen(&form.application), class, ..CampaignScope::default() };
    NewCampaign::by_hand(&form.name, scope, due_at, app.context().clock.now())
}

fn chosen(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// The form with what was typed and what is wrong with it.
fn came_back(form: &StartForm, error: Error) -> Result<Form> {
    let Error::Invalid(fields) = error else { return Err(error) };
    let mut errors: BTreeMap<String, Vec<Fault>> = BTreeMap::new();
    for field in fields {
        let name = if field.field == "due_at" { "due_on".to_owned() } else { field.field };
        let fault = Fault { text: field.detail, clauses: field.clause.into_iter().collect() };
        errors.entry(name).or_default().push(fault);
    }
    let values = [
        ("name", &form.name),
        ("application", &form.application),
        ("class", &form.class),
        ("due_on", &form.due_on),
    ];
    let values = values.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    Ok(Form { values, errors, problem: None })
}

async fn start_page(app: &App, page: &Page, form: Form) -> Answer {
    let applications = app
        .read(|reader| {
            let known = roles::applications(reader)?;
            let mut choices = vec![json!({ "value": "", "label": "All" })];
            choices.extend(
                known.iter().map(
                    |record| json!({ "value": record.key, "label": record.specification.display_name() }),
                ),
            );
            Ok(choices)
        })
        .await?;
    let today = day(app.context().clock.now(), app.organisation().time_zone);
    let last = today.checked_add_days(Days::new(LATEST - 1)).unwrap_or(today);
    page.render(
        "reviews/start.html",
        json!({
            "form": form,
            "applications": applications,
            "classes": [
                { "value": "", "label": "All" },
                { "value": "pii", "label": "Customers’ data" },
                { "value": "regulated", "label": "Regulated" },
                { "value": "internal", "label": "Internal" },
            ],
            "limits": { "first_day": today.to_string(), "last_day": last.to_string() },
            "silence": "What nobody decides is suspended after that.",
            "clauses": ["E8.2"],
        }),
    )
}

/// The day of an instant in a zone.
fn day(at: Timestamp, zone: Tz) -> NaiveDate {
    at.utc().with_timezone(&zone).date_naive()
}

/// `GET /reviews/{id}/report`.
///
/// # Errors
/// 404.
pub async fn report(
    app: web::Data<App>,
    page: Page,
    id: web::Path<CampaignId>,
    place: web::Query<Place>,
) -> Answer {
    let cursor = place.cursor.clone();
    let id = id.into_inner();
    let path = format!("/reviews/{id}/report");
    let mut context = app
        .read({
            let app = app.clone();
            move |reader| report_context(&app, reader, &id, cursor.as_deref())
        })
        .await?;
    let (shown, next) = (context["items"].as_array().map_or(0, Vec::len), context["next"].take());
    let total = context["population"]["items"].as_u64();
    context["pages"] = pager(&path, shown, total, place.cursor.as_ref(), next.as_str().map(str::to_owned));
    page.render("reviews/report.html", context)
}

fn report_context(
    app: &App,
    reader: &mut Reader<'_>,
    id: &CampaignId,
    cursor: Option<&str>,
) -> Result<Value> {
    let campaign = lists::view(reader, id)?;
    let (evidence, signed) = lists::report(reader, id)?;
    let (items, next) = lists::items(reader, id, &lists::Narrow::default(), cursor, SHOWN)?;
    let mut words = Words::default();
    let lines =
        items.iter().map(|item| report_line(app, reader, &mut words, item)).collect::<Result<Vec<_>>>()?;
    let signature = if signed {
        json!({ "digest": evidence.digest()?, "key": "the log’s signed checkpoints", "at": campaign.closed_at })
    } else {
        Value::Null
    };
    Ok(json!({
        "campaign": {
            "id": campaign.id, "name": campaign.name, "scope": scope_words(&campaign.scope),
            "standing": standing_json(campaign.state), "opened_at": campaign.opened_at,
            "due_at": campaign.due_at, "closed_at": campaign.closed_at,
        },
        "clauses": ["E8.1", "E8.2", "O9"],
        "population": {
            "query": evidence.population_query, "revision": evidence.population_revision,
            "at": campaign.opened_at, "grants": evidence.population, "items": evidence.items,
        },
        "systems": systems(reader, &evidence),
        "sums": sums(&evidence),
        "exceptions": exceptions(app, reader, &items)?,
        "items": lines,
        "signature": signature,
        "next": next,
    }))
}

fn systems(reader: &mut Reader<'_>, evidence: &Evidence) -> Vec<Value> {
    evidence
        .systems
        .iter()
        .map(|system| {
            let name = roles::application(reader, &system.application).map_or_else(
                |_| system.application.clone(),
                |record| record.specification.display_name().to_owned(),
            );
            json!({
                "name": name, "grants": system.items, "kept": system.kept, "limited": system.kept_until,
                "revoked": system.revoked, "suspended": system.no_response, "open": system.open,
                "imported": system.imported, "matched": system.matched, "orphans": system.orphans,
                "by_hand": system.confirmed_by_hand, "by_list": system.confirmed_by_list,
                "carried": system.carried,
                "outside": system.imported + system.confirmed_by_hand + system.confirmed_by_list + system.carried > 0,
            })
        })
        .collect()
}

fn sums(evidence: &Evidence) -> Vec<Value> {
    let sum =
        |count: fn(&super::super::report::System) -> u64| evidence.systems.iter().map(count).sum::<u64>();
    [
        ("Grants", evidence.population, ""),
        ("Kept", sum(|system| system.kept + system.kept_until), ""),
        ("Revoked", sum(|system| system.revoked), ""),
        ("No answer, suspended", sum(|system| system.no_response), "due"),
        ("Ended meanwhile", sum(|system| system.superseded), ""),
        ("Open", sum(|system| system.open), "due"),
        ("Carried on as tasks", sum(|system| system.carried), "due"),
    ]
    .into_iter()
    .map(|(term, count, tone)| json!({ "term": term, "count": count, "tone": tone }))
    .collect()
}

fn exceptions(app: &App, reader: &mut Reader<'_>, items: &[Item]) -> Result<Vec<Value>> {
    let mut shown = Vec::new();
    for item in items {
        let who = app.directory().display_name(&item.account);
        if item.authority == super::super::Authority::Subject {
            let text = format!("Nobody but {who} could decide about {}.", item.role);
            shown.push(json!({ "text": text, "owner": who, "ends_at": null }));
        }
        for task in tasks::of_grant(reader, &item.grant)? {
            if task.is_overdue(reader.now) {
                let text =
                    format!("{} of {who} was not seen to be gone in its time; the task goes on.", item.role);
                let owner = app.directory().display_name(&task.assignee);
                shown.push(json!({ "text": text, "owner": owner, "ends_at": null }));
            }
        }
    }
    Ok(shown)
}

fn report_line(app: &App, reader: &mut Reader<'_>, words: &mut Words, item: &Item) -> Result<Value> {
    let said = words.of_id(reader, &item.role)?;
    let decider = item.decided.as_ref().map(|decided| name_of_actor(app, &decided.by));
    let reason = item.decided.as_ref().and_then(|decided| decided.reason.clone());
    Ok(json!({
        "person": app.directory().display_name(&item.account),
        "username": app.directory().card(&item.account).map(|card| card.username).unwrap_or_default(),
        "role": said.name,
        "class": item.class,
        "application": said.application,
        "standing": item_standing(item),
        "decider": decider,
        "at": item.decided.as_ref().map(|decided| decided.at),
        "reason": reason.map(|text: TextId| vault::show(reader, &text)).transpose()?,
        "verified": item.verified.map(|(at, revision)| json!({ "revision": revision, "at": at })),
    }))
}

/// The name of whoever acted: a person's from the directory, the house's job as it is.
fn name_of_actor(app: &App, label: &str) -> String {
    AccountId::parse(label)
        .map_or_else(|| "The house".to_owned(), |account| app.directory().display_name(&account))
}

/// Where an item stands, in words.
fn item_standing(item: &Item) -> Value {
    let (words, tone, icon) = match item.state {
        ItemState::Pending => ("open", "quiet", None),
        ItemState::Conflicted => ("open, nobody but the subject", "due", Some("warning")),
        ItemState::Keep => ("kept", "settled", Some("check")),
        ItemState::KeepUntil => ("kept until a day", "settled", Some("until")),
        ItemState::Revoke => ("revoked", "breach", Some("cross")),
        ItemState::NoResponse if item.applied_revision.is_none() => {
            ("no answer, not suspended", "breach", Some("warning"))
        }
        ItemState::NoResponse => ("no answer, suspended", "due", Some("warning")),
        ItemState::Superseded => ("ended meanwhile", "quiet", None),
    };
    json!({ "words": words, "tone": tone, "icon": icon })
}
