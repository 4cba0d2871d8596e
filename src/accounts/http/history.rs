//! What happened to one person or service lately, in sentences.
//!
//! Rule: roles are named as people call them; a reason is shown to whoever may open the page.

use serde_json::{Value, json};

use crate::access::words::Words;
use crate::db::Reader;
use crate::error::Result;
use crate::ids::AccountId;
use crate::log::event::Change;
use crate::log::store as log;
use crate::vault;

/// How many events are shown.
const SHOWN: i64 = 12;

/// The newest events about an account, newest first.
pub(super) fn of(reader: &mut Reader<'_>, id: &AccountId) -> Result<Vec<Value>> {
    let filter = log::Filter { subject: Some(id.to_string()), ..log::Filter::default() };
    let mut words = Words::default();
    let mut history = Vec::new();
    for (event, _) in log::list(reader, &filter, SHOWN)? {
        let role = role_of(&event.change).map(|role| words.of_id(reader, role)).transpose()?;
        let note = match &event.change {
            Change::AccountChanged { reason, .. } | Change::AccountStateChanged { reason, .. } => {
                reason.as_ref().map(|reason| vault::show(reader, reason)).transpose()?
            }
            _ => None,
        };
        let text = told(&event.change, event.kind(), role.map(|role| role.name));
        history.push(json!({ "at": event.at, "text": text, "note": note.map(|note| format!("“{note}”")) }));
    }
    Ok(history)
}

/// The role that a change is about.
fn role_of(change: &Change) -> Option<&str> {
    match change {
        Change::GrantAdded { role, .. }
        | Change::GrantKept { role, .. }
        | Change::GrantSuspended { role, .. }
        | Change::GrantResumed { role, .. }
        | Change::GrantRevoked { role, .. }
        | Change::GrantExpired { role, .. }
        | Change::RequestMade { role, .. }
        | Change::RequestApproved { role, .. }
        | Change::RequestRefused { role, .. }
        | Change::RequestWithdrawn { role, .. }
        | Change::RequestLapsed { role, .. } => Some(role),
        _ => None,
    }
}

fn told(change: &Change, kind: String, role: Option<String>) -> String {
    match (change, role) {
        (Change::AccountCreated { source, .. }, _) => format!("Created, {}", source.replace('-', " ")),
        (Change::HandoverChanged { what, state, .. }, _) => match state.as_str() {
            "given" => format!("Handed over in person: {what}"),
            "waiting" => format!("To be handed over in person: {what}"),
            _ => format!("Not handed over in person: {what}"),
        },
        (Change::AccountChanged { fields, .. }, _) => {
            format!("Changed: {}", fields.join(", ").replace('_', " "))
        }
        (Change::AccountStateChanged { from, to, cause, .. }, _) => format!("From {from} to {to}: {cause}"),
        (Change::GrantAdded { .. }, Some(role)) => format!("{role}: given"),
        (Change::GrantRevoked { cause, .. }, Some(role)) => format!("{role}: revoked, {cause}"),
        // What is left of the event's name: "request_approved" is read as "approved".
        (_, Some(role)) => {
            let happened = kind.split_once('_').map_or(&*kind, |(_, happened)| happened);
            format!("{role}: {}", if happened == "made" { "asked for" } else { happened })
        }
        (_, None) => {
            let mut text = kind.replace('_', " ");
            if let Some(first) = text.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            text
        }
    }
}
