//! `import grants`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Asker, Output};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::provisioning::import::{self, Fate, Report, RowReport, SystemReport};

/// Reads a file of existing access; says how far it is after every part that is kept. The command fails if a row was
/// refused, the others are imported all the same.
pub(super) fn import(
    app: &App,
    caller: &Caller,
    file: &str,
    dry_run: bool,
    asker: &mut Asker<'_>,
) -> Result<Output> {
    let bytes = STANDARD.decode(file).map_err(|_| Error::field("file", "must be Base64"))?;
    let mut progress = |at: import::Progress| asker.progress(format!("{} of {} rows", at.done, at.total));
    let report = import::import_grants(app, caller, &bytes, dry_run, &mut progress)?;
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
    let worth_a_line = |row: &&RowReport| {
        matches!(row.fate, Fate::Refused | Fate::Orphan) || row.drift || !row.warnings.is_empty()
    };
    let mut lines: Vec<String> = report.rows.iter().filter(worth_a_line).map(line).collect();
    lines.extend(report.missing.iter().map(|one| {
        format!("{} ({}) is not in the list any more: {}", one.external_login, one.role, one.how)
    }));
    lines.extend(report.systems.iter().map(sums));
    lines.push(format!("{} rows, {} refused", report.rows.len(), report.refused));
    lines
}

fn line(row: &RowReport) -> String {
    let drift = row.drift.then_some("new since the last list");
    let said: Vec<&str> =
        drift.into_iter().chain(row.reasons.iter().chain(&row.warnings).map(String::as_str)).collect();
    let why = if said.is_empty() { String::new() } else { format!(": {}", said.join("; ")) };
    format!("line {} ({}, {}) {}{why}", row.line, row.external_login, row.role, row.fate)
}

fn sums(system: &SystemReport) -> String {
    format!(
        "{}: {} matched, {} known, {} orphans, {} unchanged, {} refused; {} new since the last list, {} confirmed, {} gone",
        system.system,
        system.matched,
        system.known,
        system.orphans,
        system.unchanged,
        system.refused,
        system.drift,
        system.confirmed,
        system.gone
    )
}

fn remarks(report: &Report) -> Vec<String> {
    let mut remarks = Vec::new();
    if !report.unknown_columns.is_empty() {
        remarks.push(format!("columns that were not read: {}", report.unknown_columns.join(", ")));
    }
    let not_whole =
        report.systems.iter().filter_map(|system| Some((&system.system, system.not_whole.as_ref()?)));
    remarks.extend(not_whole.map(|(system, why)| format!("{system}: {why}")));
    if report.dry_run {
        remarks.push("nothing was changed: this was a try".to_owned());
    }
    remarks
}
