//! From a plan to accounts: what differs, and the writing of it.
//!
//! Rules: new people of a chunk are written together; every changed one in a savepoint of its own, so that one refusal
//! takes nothing with it. An end that was set here by hand stays if it is earlier than the file's; an empty end date
//! takes back only an end that a file gave, and only while it lies ahead.

use super::super::changing::{Patch, change_from};
use super::super::details::Details;
use super::super::joining::{draft, enter};
use super::super::{Changes, Named};
use super::plan::{Import, Plan};
use super::report::Fate;
use super::sheet::{Has, Row};
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::organisation::parse_zone;

impl Import {
    /// Plans a chunk and reports it, without writing.
    pub(super) fn rehearse(&mut self, reader: &mut Reader<'_>, chunk: &[usize]) -> Result<()> {
        self.plan(reader, chunk).map(drop)
    }

    /// Plans a chunk and writes it.
    pub(super) fn perform(&mut self, tx: &mut Tx<'_>, chunk: &[usize]) -> Result<()> {
        let (mut drafts, mut changed) = (Vec::new(), Vec::new());
        for (index, plan) in self.plan(tx, chunk)? {
            match plan {
                Plan::Add { account, details } => drafts.push(draft(tx, account, details)?),
                Plan::Change { before, changes } => changed.push((index, before, changes)),
                Plan::Keep => {}
            }
        }
        if !drafts.is_empty() {
            enter(tx, drafts)?;
        }
        for (index, before, changes) in changed {
            let (id, username) = (before.account.id.clone(), before.details.username.clone());
            match tx.savepoint(|tx| change_from(tx, before, &changes)) {
                Ok((_, true)) => {}
                Ok((_, false)) => self.report(index, Fate::Unchanged, &id, username),
                Err(error) => self.refuse(index, error)?,
            }
        }
        Ok(())
    }
}

fn patch(wanted: &Option<String>, known: &Option<String>) -> Patch<String> {
    (wanted != known).then(|| wanted.clone())
}

/// What the row changes about the person, but manager and dates.
pub(super) fn differences(row: &Row, wanted: &Details, has: Has, before: &Named) -> Result<Changes> {
    let known = &before.details;
    let mut changes = Changes {
        given_name: patch(&wanted.given_name, &known.given_name),
        family_name: patch(&wanted.family_name, &known.family_name),
        department: patch(&wanted.department, &known.department),
        job_title: patch(&wanted.job_title, &known.job_title),
        ..Changes::default()
    };
    if !wanted.username.is_empty() && wanted.username != known.username {
        changes.username = Some(wanted.username.clone());
    }
    if known.employee_id.is_none() {
        changes.employee_id = patch(&wanted.employee_id, &None);
    }
    if !row.loses_email {
        changes.email = patch(&wanted.email, &known.email);
    }
    if wanted.external_id.is_some() {
        changes.external_id = patch(&wanted.external_id, &known.external_id);
    }
    if has.location {
        changes.location = patch(&wanted.location, &known.location);
    }
    if has.sponsor {
        changes.sponsor = patch(&wanted.sponsor, &known.sponsor);
    }
    changes.worker_type =
        row.person.worker_type.filter(|worker_type| before.account.worker_type != Some(*worker_type));
    if has.time_zone {
        let zone = row.person.time_zone.as_deref().map(|zone| parse_zone("time_zone", zone)).transpose()?;
        changes.time_zone = patch(&zone.map(|zone| zone.name().to_owned()), &before.account.time_zone);
    }
    Ok(changes)
}

/// What the row changes about the person's end.
pub(super) fn end(
    row: &mut Row,
    file_end: Option<Timestamp>,
    before: &Named,
    now: Timestamp,
    changes: &mut Changes,
) {
    let known = before.account.ends_at;
    let by_hand = known != before.details.end_of_file;
    row.ended_at = known;
    match (file_end, known) {
        (Some(file), Some(known)) if by_hand && file > known => {
            row.warnings.push("an earlier end was set here; it stays".to_owned());
        }
        (Some(file), known) if known != Some(file) => {
            changes.ends_at = Some(Some(file));
            row.ended_at = Some(file);
        }
        (None, Some(known)) if !by_hand && known > now => changes.ends_at = Some(None),
        _ => {}
    }
    if file_end.is_some() || changes.ends_at.is_some() {
        changes.end_of_file = Some(file_end).filter(|end| *end != before.details.end_of_file);
    }
}
