//! The page of the log: what happened, newest first, and whether it can be trusted.

use std::collections::{BTreeMap, HashSet};

use actix_web::web;
use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{cut, is_hidden, known_kind, meant, words};
use crate::app::App;
use crate::clock::{Timestamp, local};
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::http::pages::filters::number;
use crate::http::pages::frame::{Fault, Form};
use crate::http::{Answer, Page, identify};
use crate::leavers;
use crate::log::checkpoint;
use crate::log::event::{Change, Event};
use crate::log::store::{self, Filter};

const SHOWN: i64 = 50;

/// What is asked for; empty texts are as none.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    kind: String,
    subject: String,
    from: String,
    to: String,
    cursor: String,
}

/// `GET /log`.
///
/// # Errors
/// As the render; what was asked wrongly stands at its field.
pub async fn index(app: web::Data<App>, page: Page, asked: web::Query<Asked>) -> Answer {
    let (asked, house) = (asked.into_inner(), app.clone());
    let sees_hidden = identify::permits(&app, &page.caller, "leavers", "manage");
    let zone = app.organisation().time_zone;
    let context = app
        .read(move |reader| {
            let (filter, form) = asked.filter(reader, zone)?;
            let (found, next) = match filter {
                Some(filter) => {
                    let mut found = store::list(reader, &filter, SHOWN + 1)?;
                    let next = cut(&mut found, SHOWN);
                    (found, next)
                }
                None => (Vec::new(), None),
            };
            let hidden = if sees_hidden { HashSet::new() } else { leavers::lists::hidden(reader)? };
            let shown = found.iter().filter(|(event, _)| !is_hidden(event, &hidden));
            let events: Vec<Value> = shown.map(|(event, leaf)| row(&house, event, leaf)).collect();
            Ok(json!({
                "check": check(reader, zone)?,
                "checkpoint": signed(reader)?,
                "filter": asked.texts(),
                "filtered": asked.is_filtered(),
                "kinds": kinds(),
                "form": form,
                "pages": asked.pages(events.len(), next),
                "events": events,
            }))
        })
        .await?;
    page.render("log/list.html", context)
}

impl Asked {
    /// The filter, or none with what is wrong at its fields.
    fn filter(&self, reader: &mut Reader<'_>, zone: Tz) -> Result<(Option<Filter>, Form)> {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let mut faults = Faults::default();
        let kind = some(&self.kind).map(|kind| known_kind(&kind)).transpose();
        let subject = some(&self.subject).map(|text| meant(reader, &text)).transpose();
        let from = some(&self.from).map(|text| day(&text)).transpose();
        let last = some(&self.to).map(|text| day(&text)).transpose();
        let begins = |day: NaiveDate| local(zone, day, 0);
        let filter = Filter {
            kind: faults.keep("kind", kind)?,
            subject: faults.keep("subject", subject)?,
            from: faults.keep("from", from)?.map(begins),
            to: faults.keep("to", last)?.and_then(|day| day.checked_add_days(Days::new(1))).map(begins),
            before: self.cursor.parse().ok(),
            after: None,
        };
        let sound = faults.0.is_empty();
        let form = Form { values: self.texts(), errors: faults.0, problem: None };
        Ok((sound.then_some(filter), form))
    }

    fn texts(&self) -> BTreeMap<String, String> {
        [("kind", &self.kind), ("subject", &self.subject), ("from", &self.from), ("to", &self.to)]
            .into_iter()
            .map(|(name, text)| (name.to_owned(), text.clone()))
            .collect()
    }

    fn is_filtered(&self) -> bool {
        self.texts().values().any(|text| !text.trim().is_empty())
    }

    fn pages(&self, shown: usize, next: Option<String>) -> Value {
        let texts = self.texts();
        let given = texts.iter().filter(|(_, text)| !text.is_empty());
        let query: String = given.map(|(name, text)| format!("{name}={}&", encoded(text))).collect();
        let first = (!self.cursor.is_empty()).then(|| format!("/log?{}", query.trim_end_matches('&')));
        let next = next.map(|cursor| format!("/log?{query}cursor={cursor}"));
        json!({ "shown": shown, "total": null, "first": first, "next": next })
    }
}

/// What is wrong, by field.
#[derive(Default)]
struct Faults(BTreeMap<String, Vec<Fault>>);

impl Faults {
    /// Keeps what is wrong with a field, and goes on without it.
    fn keep<T>(&mut self, field: &str, outcome: Result<Option<T>>) -> Result<Option<T>> {
        match outcome {
            Err(Error::Invalid(wrong)) => {
                let texts = wrong.into_iter().map(|wrong| Fault { text: wrong.detail, clauses: Vec::new() });
                self.0.insert(field.to_owned(), texts.collect());
                Ok(None)
            }
            other => other,
        }
    }
}

fn day(text: &str) -> Result<NaiveDate> {
    text.parse().map_err(|_| Error::field("day", "Write a day as 2026-11-30."))
}

/// A text as it may stand in a query.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn kinds() -> Value {
    let any = json!({ "value": "", "label": "Any" });
    let all = words::KINDS.iter().map(|(kind, label)| json!({ "value": kind, "label": label }));
    std::iter::once(any).chain(all).collect()
}

/// What the last verification said.
fn check(reader: &mut Reader<'_>, zone: Tz) -> Result<Value> {
    let filter = Filter { kind: Some("log_verified".to_owned()), ..Filter::default() };
    let last = store::list(reader, &filter, 1)?.pop();
    let Some((Event { at, change: Change::LogVerified { size, differences, .. }, .. }, _)) = last else {
        return Ok(json!({
            "words": "Not verified yet", "second": "Every night, and whenever somebody asks for it.", "broken": false,
        }));
    };
    let at = moment(at, zone);
    Ok(if differences == 0 {
        let words = format!("Verified to {}", number(size.cast_signed()));
        json!({ "words": words, "second": at, "broken": false })
    } else {
        let noun = if differences == 1 { "difference" } else { "differences" };
        let second =
            format!("{} {noun}, found {at}. Run: bailiwick log verify", number(differences.cast_signed()));
        json!({ "words": "The log does not verify", "second": second, "broken": true })
    })
}

fn moment(at: Timestamp, zone: Tz) -> String {
    at.utc().with_timezone(&zone).format("%-d %b %Y, %H:%M:%S").to_string()
}

/// The newest checkpoint.
fn signed(reader: &mut Reader<'_>) -> Result<Value> {
    let Some(stored) = checkpoint::newest(reader)? else { return Ok(Value::Null) };
    let signed = checkpoint::read(&stored.note)?;
    let key = checkpoint::Key::of_origin(reader.vault(), signed.origin)?;
    Ok(json!({
        "size": signed.size,
        "root": hex::encode(signed.root).get(..20),
        "at": stored.at,
        "key": key.short(),
    }))
}

fn row(app: &App, event: &Event, leaf: &[u8]) -> Value {
    let leaf = hex::encode(leaf);
    let short = format!("{}…{}", leaf.get(..4).unwrap_or_default(), leaf.get(62..).unwrap_or_default());
    let told = words::tell(app, event);
    json!({
        "number": event.number,
        "at": event.at,
        "text": told.text,
        "note": told.note,
        "leaf": short,
        "kind": event.kind(),
        "href": told.href,
    })
}
