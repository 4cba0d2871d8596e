//! `invite`, `recover administrator` and `import people`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Asker, Output};
use crate::accounts::import::{self, Fate, Report, RowReport};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::sheet::shown;
use crate::signin::inviting::{self, Invitation};
use crate::signin::recovery;

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
    Ok(Output { lines: vec![link], notes, data, ..Output::default() })
}

/// Makes a new way in for an administrator; the one-time link is the last line.
pub(super) fn recover(app: &App, caller: &Caller, username: &str) -> Result<Output> {
    let done = app.write_now(caller, |tx| recovery::recover_administrator(tx, username))?;
    let recovered = done.value;
    let link = recovered.link.address(&app.config().public_url);
    let notes = vec![
        format!(
            "{} sessions ended; the password and the second factor of before are gone",
            recovered.sessions
        ),
        format!("the link works once, until {}; hand it over yourself", recovered.link.expires_at),
        "everybody who watches is alarmed".to_owned(),
    ];
    let data = json!({
        "account": recovered.account.id,
        "link": link,
        "expires_at": recovered.link.expires_at,
        "revision": done.revision,
    });
    Ok(Output { lines: vec![link], notes, data, ..Output::default() })
}

/// Reads a people file; says how far it is after every part that is kept. The command fails if a row was refused,
/// the others are imported all the same.
pub(super) fn import(
    app: &App,
    caller: &Caller,
    file: &str,
    dry_run: bool,
    asker: &mut Asker<'_>,
) -> Result<Output> {
    let bytes = STANDARD.decode(file).map_err(|_| Error::field("file", "must be Base64"))?;
    let mut progress = |at: import::Progress| asker.progress(format!("{} of {} rows", at.done, at.total));
    let report = import::import_people(app, caller, &bytes, dry_run, &mut progress)?;
    let data =
        serde_json::to_value(&report).map_err(|cause| Error::internal("writing what was imported", cause))?;
    Ok(Output {
        lines: told(&report),
        notes: remarks(&report),
        data,
        wrong: report.refused > 0,
        ..Output::default()
    })
}

fn told(report: &Report) -> Vec<String> {
    let worth_a_line = |row: &&RowReport| row.fate == Fate::Refused || !row.warnings.is_empty();
    let mut lines: Vec<String> = report.rows.iter().filter(worth_a_line).map(line).collect();
    lines.push(format!(
        "{} added, {} changed, {} unchanged, {} refused",
        report.added, report.changed, report.unchanged, report.refused
    ));
    lines
}

fn line(row: &RowReport) -> String {
    let said: Vec<&str> = row.reasons.iter().chain(&row.warnings).map(String::as_str).collect();
    format!("line {} ({}) {}: {}", row.line, shown(&row.employee_id), row.fate, said.join("; "))
}

fn remarks(report: &Report) -> Vec<String> {
    let mut remarks = Vec::new();
    if !report.unknown_columns.is_empty() {
        remarks.push(format!("columns that were not read: {}", report.unknown_columns.join(", ")));
    }
    if report.dry_run {
        remarks.push("nothing was changed: this was a try".to_owned());
    }
    remarks
}
