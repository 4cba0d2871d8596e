//! `key issue`.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Output;
use crate::access::keys::{self, Issued, NewKey};
use crate::access::networks::Network;
use crate::access::permissions::EVERYTHING;
use crate::accounts;
use crate::alarms::{self, Rule, Severity, Sighting};
use crate::app::App;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::profile::Period;
use crate::requests::{self, Ask, Asked, Until};

/// Why a key's own access roles are asked for.
const REASON: &str = "Asked for together with its API key.";

/// The key that the shell wants.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// What the service is called.
    pub name: String,
    /// The person who answers for it, by any of their names.
    pub owner: String,
    /// What it may do, `application/feature:action` each.
    pub allow: Vec<String>,
    /// The application whose features it asks about by their short names.
    pub app: Option<String>,
    /// For how long.
    pub expires: Period,
    /// What it may assert; the usual if empty.
    pub asserts: Vec<String>,
    /// Where it may call from; anywhere if empty.
    pub networks: Vec<Network>,
}

/// What became of a private access role.
struct Awaiting {
    role: String,
    outcome: std::result::Result<Option<String>, String>,
}

/// Makes a service with its key and private roles. What opens personal data is asked for, not given.
pub(super) fn issue(app: &App, caller: &Caller, wanted: Wanted) -> Result<Output> {
    let done = app.write_now(caller, |tx| {
        let wanted = new_key(tx, &wanted)?;
        let issued = keys::issue(tx, &wanted)?;
        let awaiting = ask_for(tx, &issued)?;
        if wanted.allow.iter().any(|permission| permission == EVERYTHING) {
            let seen = Sighting::of(Rule::BroadKey, Severity::Warning)
                .account(Some(&issued.account))
                .samples([issued.key.to_string(), tx.caller.label()]);
            alarms::raise(tx, seen)?;
        }
        Ok((issued, awaiting))
    })?;
    let (issued, awaiting) = done.value;
    let mut notes: Vec<String> = awaiting.iter().map(told).collect();
    notes.push(format!("the key ends at {}; it is shown this once", issued.expires_at));
    let data = json!({
        "account": issued.account,
        "key_id": issued.key,
        "key": issued.token,
        "expires_at": issued.expires_at,
        "roles": issued.grants.iter().map(|grant| &grant.role).collect::<Vec<_>>(),
        "requests": awaiting.iter().map(|one| json!({
            "role": one.role,
            "request": one.outcome.as_ref().ok(),
        })).collect::<Vec<_>>(),
        "revision": done.revision,
    });
    Ok(Output { lines: vec![issued.token], notes, data, ..Output::default() })
}

fn new_key(tx: &mut Tx<'_>, wanted: &Wanted) -> Result<NewKey> {
    let owner = match accounts::find_by_any(tx, &wanted.owner) {
        Err(Error::NotFound(_)) => return Err(Error::field("owner", "is nobody who is known here")),
        other => other?.id,
    };
    let end = wanted.expires.after(tx.now.utc()).map(Timestamp::from);
    Ok(NewKey {
        name: wanted.name.clone(),
        owner,
        allow: wanted.allow.clone(),
        application: wanted.app.clone(),
        expires_at: end.ok_or_else(|| Error::field("expires", "lies beyond the calendar"))?,
        asserts: Some(wanted.asserts.clone()).filter(|names| !names.is_empty()),
        networks: wanted.networks.clone(),
    })
}

/// Asks for the private access roles. A role that nobody can approve takes nothing else with it.
fn ask_for(tx: &mut Tx<'_>, issued: &Issued) -> Result<Vec<Awaiting>> {
    let mut all = Vec::with_capacity(issued.awaiting.len());
    for role in &issued.awaiting {
        let wanted = Ask {
            account: Some(issued.account.clone()),
            role: role.clone(),
            reason: REASON.to_owned(),
            scope: None,
            valid_from: None,
            until: Until::At(issued.expires_at),
        };
        let outcome = match tx.savepoint(|tx| requests::give(tx, &wanted)) {
            Ok(Asked::Waits(request)) => Ok(Some(request.id.to_string())),
            Ok(Asked::Given(..)) => Ok(None),
            Err(error @ (Error::Internal(_) | Error::Unavailable(..))) => return Err(error),
            Err(refused) => Err(refused.to_string()),
        };
        all.push(Awaiting { role: role.clone(), outcome });
    }
    Ok(all)
}

fn told(awaiting: &Awaiting) -> String {
    let role = &awaiting.role;
    match &awaiting.outcome {
        Ok(Some(request)) => {
            format!("{role} opens personal data and waits for somebody's approval: request {request}")
        }
        Ok(None) => format!("{role} was given"),
        Err(why) => format!("{role} opens personal data and could not be asked for: {why}"),
    }
}
