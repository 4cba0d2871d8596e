//! The log over HTTP: events, checkpoints, proofs, and the page.
//!
//! Rules: ids become names only on the page, for a reader who may read events; a case that is confidential until its
//! instant is not seen here either, so its events keep their number and leaf and nothing else. May call `log`,
//! `accounts` (who is meant by a name) and `leavers` (what is confidential).

mod page;
mod words;

use std::collections::HashSet;

use actix_web::web;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

pub use page::index;

use super::answer::{self, Listed, Paging};
use super::{Answer, identify};
use crate::app::App;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::{AccountId, CaseId};
use crate::log::checkpoint;
use crate::log::event::{Change, Event, Row};
use crate::log::proof::{self, Proof};
use crate::log::store::{self, Filter};
use crate::{accounts, leavers};

/// What the list of events may be narrowed by.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    after: Option<u64>,
    kind: Option<String>,
    subject: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    #[serde(flatten)]
    #[param(ignore)]
    paging: Texts,
}

/// `limit` and `cursor`; a flattened number would not be read from a query.
#[derive(Debug, Default, Deserialize)]
struct Texts {
    limit: Option<String>,
    cursor: Option<String>,
}

/// `GET /api/v1/events`: with `after` the oldest first, to follow; else the newest first, to look back.
///
/// # Errors
/// 422 for a kind that there is not, a subject that nobody is, a limit or cursor that is none.
#[utoipa::path(get, path = "/api/v1/events", params(Wanted, Paging), responses((status = 200, body = Listed<EventView>)))]
pub async fn events(app: web::Data<App>, caller: Caller, wanted: web::Query<Wanted>) -> Answer {
    let (wanted, viewer) = (wanted.into_inner(), caller.clone());
    let sees_hidden = identify::permits(&app, &viewer, "leavers", "manage");
    let (items, next) = app
        .read(move |reader| {
            let (filter, limit) = wanted.filter(reader)?;
            let mut found = store::list(reader, &filter, limit + 1)?;
            let next = cut(&mut found, limit);
            let hidden = if sees_hidden { HashSet::new() } else { leavers::lists::hidden(reader)? };
            let narrowed = filter.kind.is_some() || filter.subject.is_some();
            let items = found.iter().filter_map(|(event, leaf)| item(event, leaf, &hidden, narrowed));
            Ok((items.collect::<Result<Vec<_>>>()?, next))
        })
        .await?;
    answer::list(items, next)
}

impl Wanted {
    fn filter(&self, reader: &mut Reader<'_>) -> Result<(Filter, i64)> {
        let number = |field: &str, text: &Option<String>| {
            text.as_ref().map(|text| text.parse::<u64>().map_err(|_| Error::field(field, "must be a number")))
        };
        let limit = number("limit", &self.paging.limit).transpose()?;
        let limit = limit.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX));
        let cursor = number("cursor", &self.paging.cursor).transpose()?;
        let filter = Filter {
            kind: self.kind.as_deref().map(known_kind).transpose()?,
            subject: self.subject.as_deref().map(|text| meant(reader, text)).transpose()?,
            from: self.from,
            to: self.to,
            before: cursor.filter(|_| self.after.is_none()),
            after: self.after.map(|after| cursor.unwrap_or(after).max(after)),
        };
        Ok((filter, Paging { limit, cursor: None }.limit()?))
    }
}

fn known_kind(kind: &str) -> Result<String> {
    if words::KINDS.iter().any(|(known, _)| *known == kind) {
        Ok(kind.to_owned())
    } else {
        Err(Error::field("kind", "there is no such kind of event"))
    }
}

/// The account that a username or an id means.
fn meant(reader: &mut Reader<'_>, text: &str) -> Result<String> {
    match accounts::find_by_any(reader, text) {
        Ok(account) => Ok(account.id.to_string()),
        Err(Error::NotFound(_)) => {
            Err(Error::field("subject", "nobody is called so, and nobody has this id"))
        }
        Err(other) => Err(other),
    }
}

/// Leaves at most `limit`; the number of the last one, if there are more.
fn cut(found: &mut Vec<(Event, Vec<u8>)>, limit: i64) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if found.len() <= limit {
        return None;
    }
    found.truncate(limit);
    found.last().map(|(event, _)| event.number.to_string())
}

/// An event as it is answered: its own fields and its leaf.
#[derive(Serialize, ToSchema)]
pub struct EventView {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    number: u64,
    at: Timestamp,
    /// What happened; `withheld` for what is confidential until its instant.
    kind: String,
    /// Who: `{"as": "person", "account": "…", "session": "…"}` and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    actor: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<AccountId>,
    /// The ids and words of this kind of event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
    /// The digests of the governed rows that it changed, as it left them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    rows: Vec<Row>,
    /// The leaf of the log's tree, as hex.
    leaf: String,
}

/// An event as it is answered. One of a hidden case has number, time and leaf only, and is left out where the question
/// itself would tell what it is.
fn item(event: &Event, leaf: &[u8], hidden: &HashSet<CaseId>, narrowed: bool) -> Option<Result<EventView>> {
    let (number, at, leaf) = (event.number, event.at, hex::encode(leaf));
    if is_hidden(event, hidden) {
        let kind = "withheld".to_owned();
        let (version, actor, subject, data, rows) = (None, None, None, None, Vec::new());
        return (!narrowed).then_some(Ok(EventView {
            version,
            number,
            at,
            kind,
            actor,
            subject,
            data,
            rows,
            leaf,
        }));
    }
    let failed = |cause| Error::internal("writing an event", cause);
    let parts = serde_json::to_value(&event.change)
        .and_then(|change| serde_json::to_value(&event.actor).map(|actor| (change, actor)))
        .map_err(failed);
    Some(parts.map(|(mut change, actor)| EventView {
        version: Some(event.version),
        number,
        at,
        kind: event.kind(),
        actor: Some(actor),
        subject: event.subject.clone(),
        data: change.get_mut("data").map(Value::take),
        rows: event.rows.clone(),
        leaf,
    }))
}

fn is_hidden(event: &Event, hidden: &HashSet<CaseId>) -> bool {
    match &event.change {
        Change::LeaverReported { case, .. }
        | Change::LeaverStateChanged { case, .. }
        | Change::LeaverStepChanged { case, .. } => hidden.contains(case),
        _ => false,
    }
}

/// A signed checkpoint, and what it says.
#[derive(Serialize, ToSchema)]
pub struct CheckpointView {
    origin: String,
    size: u64,
    /// The root of the tree, as hex.
    root: String,
    signed_at: Timestamp,
    /// The signed note (C2SP tlog-checkpoint).
    checkpoint: String,
    /// What verifies it (C2SP signed-note).
    verifier_key: String,
}

/// `GET /api/v1/log/checkpoint`: the signed checkpoint of the log as it stands.
///
/// # Errors
/// 404 before the first event.
#[utoipa::path(get, path = "/api/v1/log/checkpoint", responses((status = 200, body = CheckpointView)))]
pub async fn checkpoint(app: web::Data<App>) -> Answer {
    let body = app
        .to_its_end(|app| {
            let stored = checkpoint::sign(app.database())?.ok_or(Error::NotFound("checkpoint"))?;
            let signed = checkpoint::read(&stored.note)?;
            let key = checkpoint::Key::of_origin(&app.context().vault, signed.origin.clone())?;
            Ok(CheckpointView {
                origin: signed.origin,
                size: signed.size,
                root: hex::encode(signed.root),
                signed_at: stored.at,
                checkpoint: stored.note,
                verifier_key: key.verifier_key(),
            })
        })
        .await?;
    answer::ok(body)
}

/// Which event is to be proved.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    event: u64,
}

/// `GET /api/v1/log/proof?event=`: the audit path of one event to the root of a signed checkpoint.
///
/// # Errors
/// 404 if there is no such event.
#[utoipa::path(get, path = "/api/v1/log/proof", params(Which), responses((status = 200, body = Proof)))]
pub async fn prove(app: web::Data<App>, which: web::Query<Which>) -> Answer {
    let number = which.event;
    let proof = app
        .to_its_end(move |app| {
            if let Some(proof) = app.read_now(|reader| proof::of_event(reader, number))? {
                return Ok(proof);
            }
            checkpoint::sign(app.database())?;
            app.read_now(|reader| proof::of_event(reader, number))?.ok_or(Error::NotFound("checkpoint"))
        })
        .await?;
    answer::ok(proof)
}

/// Who is meant by an account in a sentence.
fn name_of(app: &App, account: &AccountId) -> String {
    app.directory().display_name(account)
}
