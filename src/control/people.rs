//! `invite`.

use serde_json::json;

use super::Output;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::signin::inviting::{self, Invitation};

/// Creates or finds a person; their one-time link is the last line.
pub(super) fn invite(app: &App, caller: &Caller, wanted: Invitation) -> Result<Output> {
    let username = wanted.username.clone();
    let made = app.write_now(caller, |tx| inviting::invite(tx, wanted))?;
    let invited = made.value;
    let link = invited.link.address(&app.config().public_url);
    let ends = invited.link.expires_at;
    let mut notes = Vec::new();
    if invited.ignored {
        notes.push(format!("{username} is here already: the other options change nothing"));
    }
    notes.push(format!("the link works once, until {ends}; hand it over yourself"));
    let data = json!({
        "account": invited.account.id,
        "created": invited.created,
        "link": link,
        "expires_at": ends,
        "revision": made.revision,
    });
    Ok(Output { lines: vec![link], notes, data, wrong: false })
}
