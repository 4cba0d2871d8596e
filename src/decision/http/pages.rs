//! The pages of decisions: who can, what can, why, and what a change would do.
//!
//! Rules: what is asked goes in a form's body, for it names people; nothing is changed; what was asked wrongly stands at
//! its field.

use actix_web::web;
use chrono::{NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::held::{Simulated, WayView};
use crate::access::apply::PolicyFile;
use crate::accounts;
use crate::app::App;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::decision::foresee::{Wanted, foresee};
use crate::decision::lookup::{self, Place};
use crate::decision::{Explanation, Question};
use crate::error::{Error, Result};
use crate::http::pages::frame::Form;
use crate::http::{Answer, Page, identify};
use crate::ids::AccountId;

const SHOWN: usize = 50;

/// Who or what is asked about; empty texts are as none.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Asked {
    permission: String,
    username: String,
    at: String,
    cursor: String,
}

impl Asked {
    fn form(&self) -> Form {
        let Self { permission, username, at, .. } = self;
        Form::filled([("permission", permission.as_str()), ("username", username), ("at", at)])
    }

    fn cursor(&self) -> Option<&str> {
        Some(self.cursor.as_str()).filter(|cursor| !cursor.is_empty())
    }
}

/// `GET /decisions`: the questions that can be asked.
///
/// # Errors
/// As the render.
pub async fn index(app: web::Data<App>, page: Page) -> Answer {
    shown(&app, &page, &Form::default(), &Form::default(), &Value::Null)
}

/// `POST /decisions/who`: who holds a permission.
///
/// # Errors
/// As the render; what was asked wrongly stands at its field.
pub async fn who(app: web::Data<App>, page: Page, asked: web::Form<Asked>) -> Answer {
    let (house, asked) = (app.clone(), asked.into_inner());
    let form = asked.form();
    let found = app.read(move |reader| holders(&house, reader, &asked)).await;
    match found {
        Ok(result) => shown(&app, &page, &form, &Form::default(), &result),
        Err(error) => shown(&app, &page, &form.refused(error)?, &Form::default(), &Value::Null),
    }
}

fn holders(app: &App, reader: &mut Reader<'_>, asked: &Asked) -> Result<Value> {
    let at = instant(app.organisation().time_zone, &asked.at)?;
    let after = asked.cursor().and_then(AccountId::parse);
    let place = Place { at, after: after.as_ref(), limit: SHOWN };
    let found = lookup::holders(app, reader, asked.permission.trim(), &place)?;
    let rows: Vec<Value> = found
        .page
        .items
        .iter()
        .map(|(account, held)| {
            let ways: Vec<Value> = held.iter().map(|way| WayView::of(app, way, &found).words(app)).collect();
            json!({ "who": app.directory().display_name(account), "href": format!("/people/{account}"), "ways": ways })
        })
        .collect();
    Ok(json!({
        "title": asked.permission.trim(), "at": at, "rows": rows, "action": "/decisions/who",
        "fields": { "permission": asked.permission, "at": asked.at },
        "next": found.page.next, "revision": found.revision, "of": "who",
    }))
}

/// `POST /decisions/what`: what somebody holds.
///
/// # Errors
/// As the render; what was asked wrongly stands at its field.
pub async fn what(app: web::Data<App>, page: Page, asked: web::Form<Asked>) -> Answer {
    let (house, asked) = (app.clone(), asked.into_inner());
    let form = asked.form();
    let found = app.read(move |reader| holdings(&house, reader, &asked)).await;
    match found {
        Ok(result) => shown(&app, &page, &Form::default(), &form, &result),
        Err(error) => shown(&app, &page, &Form::default(), &form.refused(error)?, &Value::Null),
    }
}

fn holdings(app: &App, reader: &mut Reader<'_>, asked: &Asked) -> Result<Value> {
    let at = instant(app.organisation().time_zone, &asked.at)?;
    let account = meant(reader, &asked.username)?;
    let place = Place { at, after: asked.cursor(), limit: SHOWN };
    let found = lookup::holdings(app, reader, &account, &place)?;
    let rows: Vec<Value> = found
        .page
        .items
        .iter()
        .map(|(permission, held)| {
            let ways: Vec<Value> = held.iter().map(|way| WayView::of(app, way, &found).words(app)).collect();
            json!({ "who": permission, "href": null, "ways": ways })
        })
        .collect();
    Ok(json!({
        "title": app.directory().display_name(&account), "at": at, "rows": rows, "action": "/decisions/what",
        "fields": { "username": asked.username, "at": asked.at },
        "next": found.page.next, "revision": found.revision, "of": "what",
    }))
}

fn shown(app: &App, page: &Page, who: &Form, what: &Form, result: &Value) -> Answer {
    page.render(
        "decisions/held.html",
        json!({ "views": views(app, page, "held"), "who": who, "what": what, "result": result }),
    )
}

/// The pages of decisions that the reader may open.
fn views(app: &App, page: &Page, current: &str) -> Value {
    let may = |action: &str| identify::permits(app, &page.caller, "evaluation", action);
    let all = [
        ("held", "/decisions", "Who can what", "search"),
        ("why", "/decisions/why", "Why", "explain"),
        ("try", "/decisions/simulation", "What would change", "search"),
    ];
    let open = all.into_iter().filter(|(_, _, _, action)| may(action));
    open.map(|(key, href, label, _)| json!({ "href": href, "label": label, "count": null, "current": key == current })).collect()
}

/// An instant as a form gives it, in the organisation's zone; none for an empty text.
fn instant(zone: Tz, text: &str) -> Result<Option<Timestamp>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let given = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let local = given.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let at = local.and_then(|local| zone.from_local_datetime(&local).latest());
    at.map(|at| Some(at.to_utc().into())).ok_or_else(|| Error::field("at", "must be a day and a time of it"))
}

fn meant(reader: &mut Reader<'_>, text: &str) -> Result<AccountId> {
    match accounts::find_by_any(reader, text.trim()) {
        Ok(account) => Ok(account.id),
        Err(Error::NotFound(_)) => {
            Err(Error::field("username", "nobody is called so, and nobody has this id"))
        }
        Err(other) => Err(other),
    }
}

/// One question; empty texts are as none.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Single {
    username: String,
    permission: String,
    resource: String,
    purpose: String,
    properties: String,
}

/// The longest text of properties, in characters.
const MAX_PROPERTIES: usize = 4_000;

/// `GET /decisions/why`.
///
/// # Errors
/// As the render.
pub async fn why(app: web::Data<App>, page: Page) -> Answer {
    explained(&app, &page, &Form::default(), None)
}

/// `POST /decisions/why`: one question, decided and explained. It is a look and no access: nothing is recorded of it.
///
/// # Errors
/// As the render; what was asked wrongly stands at its field.
pub async fn explain(app: web::Data<App>, page: Page, asked: web::Form<Single>) -> Answer {
    let asked = asked.into_inner();
    let form = Form::filled([
        ("username", asked.username.as_str()),
        ("permission", &asked.permission),
        ("resource", &asked.resource),
        ("purpose", &asked.purpose),
        ("properties", &asked.properties),
    ]);
    let house = app.clone();
    match app.read(move |reader| explanation(&house, reader, &asked)).await {
        Ok(found) => explained(&app, &page, &form, Some(&found)),
        Err(error) => explained(&app, &page, &form.refused(error)?, None),
    }
}

fn explained(app: &App, page: &Page, form: &Form, found: Option<&Explanation>) -> Answer {
    page.render(
        "decisions/why.html",
        json!({ "views": views(app, page, "why"), "form": form, "found": found }),
    )
}

fn explanation(app: &App, reader: &mut Reader<'_>, asked: &Single) -> Result<Explanation> {
    let account = meant(reader, &asked.username)?;
    let account = accounts::find(reader, &account)?;
    let (feature, action) = asked
        .permission
        .trim()
        .split_once(':')
        .filter(|(feature, _)| feature.contains('/'))
        .ok_or_else(|| Error::field("permission", "is written APPLICATION/FEATURE:ACTION"))?;
    let properties = properties(&asked.properties)?;
    let context = match asked.purpose.trim() {
        "" => json!({}),
        purpose => json!({ "purpose": purpose }),
    };
    let question = Question {
        subject_type: match account.kind {
            accounts::Kind::Person => "user",
            accounts::Kind::Service => "service",
        },
        subject: account.id.as_str(),
        subject_properties: None,
        application: None,
        resource_type: feature,
        resource: asked.resource.trim(),
        action,
        action_properties: None,
        properties: Some(&properties),
        context: Some(&context),
        asserts: None,
    };
    Ok(app.decisions().snapshot().explain(reader.now, app.freshness(), &question))
}

/// Properties as people type them: one a line, `name = value`.
fn properties(text: &str) -> Result<Value> {
    if text.chars().count() > MAX_PROPERTIES {
        return Err(Error::field(
            "properties",
            format!("must not be longer than {MAX_PROPERTIES} characters"),
        ));
    }
    let mut all = Map::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line
            .split_once('=')
            .ok_or_else(|| Error::field("properties", "each line is written NAME = VALUE"))?;
        let value = value.trim();
        // What is no JSON is a text, which is what people mean by a word without quotation marks.
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        all.insert(name.trim().to_owned(), value);
    }
    Ok(Value::Object(all))
}

/// A catalogue to try.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Tried {
    text: String,
    cursor: String,
}

/// `GET /decisions/simulation`.
///
/// # Errors
/// As the render.
pub async fn try_form(app: web::Data<App>, page: Page) -> Answer {
    tried(&app, &page, &Form::default(), &Value::Null)
}

/// `POST /decisions/simulation`: who would gain and who would lose what if a catalogue were applied.
///
/// # Errors
/// As the render; what was asked wrongly stands at its field.
pub async fn simulate(app: web::Data<App>, page: Page, asked: web::Form<Tried>) -> Answer {
    let (caller, asked) = (page.caller.clone(), asked.into_inner());
    let form = Form::filled([("text", asked.text.as_str())]);
    let simulated = app
        .to_its_end(move |app| {
            let files = vec![PolicyFile { name: "catalogue.toml".to_owned(), text: asked.text }];
            let foreseen = foresee(app, &caller, &Wanted { files, ..Wanted::default() })?;
            let after = AccountId::parse(&asked.cursor);
            let differences = foreseen.differences(after.as_ref(), SHOWN);
            serde_json::to_value(Simulated::of(app, &foreseen, differences))
                .map_err(|cause| Error::internal("writing a simulation", cause))
        })
        .await;
    match simulated {
        Ok(found) => tried(&app, &page, &form, &found),
        Err(Error::Invalid(fields)) => {
            let fields = fields.into_iter().map(|mut field| {
                field.detail = format!("{}: {}", field.field, field.detail);
                "text".clone_into(&mut field.field);
                field
            });
            tried(&app, &page, &form.refused(Error::Invalid(fields.collect()))?, &Value::Null)
        }
        Err(error) => tried(&app, &page, &form.refused(error)?, &Value::Null),
    }
}

fn tried(app: &App, page: &Page, form: &Form, found: &Value) -> Answer {
    page.render(
        "decisions/simulation.html",
        json!({ "views": views(app, page, "try"), "form": form, "found": found }),
    )
}
