//! What happens from the instant on, step by step, each in short transactions that can be repeated.
//!
//! Rules: a case never goes back; a step that was interrupted is taken up again; *verified* is asked, not assumed.

use std::collections::BTreeSet;

use serde_json::json;

use super::store;
use super::{Case, CaseState, Step, StepKind, StepState, clock, reporting};
use crate::access::grants;
use crate::accounts::{self, Changes, State};
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::db::{Reader, Tx};
use crate::decision::effect;
use crate::error::{Error, Result};
use crate::ids::CaseId;
use crate::jobs::Lease;
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::provisioning::Viewer;
use crate::provisioning::tasks::{self, Origin, Task, TaskState, lists, opening};
use crate::signin::sessions;

/// How many grants are revoked in one transaction.
const CHUNK: usize = 100;
/// How many cases are looked at in one run of the job.
const CASES: i64 = 500;

/// The work of the job: opens what is due to be opened, then moves every case whose instant has come.
///
/// # Errors
/// Whatever the database returns.
pub fn run_due(app: &App, lease: &Lease) -> Result<String> {
    let caller = Caller::house("leavers.run");
    loop {
        let touched = app.write_now(&caller, |tx| {
            lease.check(tx)?;
            reporting::follow_ends(tx, 100)
        })?;
        if touched.value == 0 {
            break;
        }
    }
    let due = app.read_now(|reader| store::due(reader, CASES))?;
    let mut closed = 0;
    for id in &due {
        let case = process(app, &caller, id)?;
        clock::watch(app, &caller, &case.value)?;
        closed += usize::from(case.value.state == CaseState::Closed);
    }
    Ok(format!("{} in effect, {closed} closed", due.len()))
}

/// Moves a case on as far as it goes now. Before its instant nothing happens. Stands on a blocking thread.
///
/// # Errors
/// [`Error::NotFound`]; whatever the database returns.
pub fn process(app: &App, caller: &Caller, id: &CaseId) -> Result<Written<Case>> {
    loop {
        let (case, now) = app
            .read_now(|reader| Ok((store::find(reader, id)?.ok_or(Error::NotFound("case"))?, reader.now)))?;
        let before = case.state;
        if now < case.effective_at || before.is_over() {
            return Ok(Written { value: case, revision: app.applied() });
        }
        let moved = match before {
            CaseState::Reported => app.write_now(caller, |tx| block(tx, id))?,
            CaseState::Blocked => app.write_now(caller, |tx| end_sessions(tx, id))?,
            CaseState::SessionsEnded => app.write_now(caller, |tx| revoke_some(tx, id))?,
            CaseState::GrantsRevoked => app.write_now(caller, |tx| open_targets(tx, id))?,
            CaseState::Targets => verify(app, caller, id)?,
            CaseState::Verified => app.write_now(caller, |tx| close(tx, id))?,
            CaseState::Closed | CaseState::Withdrawn => Written { value: false, revision: app.applied() },
        };
        if !moved.value {
            let case = app.read_now(|reader| store::find(reader, id)?.ok_or(Error::NotFound("case")))?;
            return Ok(Written { value: case, revision: moved.revision });
        }
    }
}

/// The case if it still stands where the step begins; another node may have been quicker.
fn at(tx: &mut Tx<'_>, id: &CaseId, state: CaseState) -> Result<Option<Case>> {
    let case = store::find(tx, id)?.ok_or(Error::NotFound("case"))?;
    Ok((case.state == state && case.effective_at <= tx.now).then_some(case))
}

fn move_to(tx: &mut Tx<'_>, mut case: Case, to: CaseState) -> Result<()> {
    tx.record(Change::LeaverStateChanged {
        case: case.id.clone(),
        account: case.account.clone(),
        from: case.state.to_string(),
        to: to.to_string(),
    });
    case.state = to;
    case.closed_at = (to == CaseState::Closed).then_some(tx.now);
    case.revision = next_revision(tx)?;
    store::update(tx, &case)
}

fn put(tx: &mut Tx<'_>, case: &Case, step: &Step) -> Result<()> {
    store::put_step(tx, &case.id, step)?;
    tx.record(Change::LeaverStepChanged {
        case: case.id.clone(),
        account: case.account.clone(),
        step: step.kind.to_string(),
        target: step.target.clone(),
        state: step.state.to_string(),
    });
    Ok(())
}

fn applied(tx: &mut Tx<'_>, kind: StepKind, evidence: serde_json::Value) -> Result<Step> {
    Ok(Step {
        kind,
        target: String::new(),
        state: StepState::Applied,
        at: Some(tx.now),
        applied_revision: Some(next_revision(tx)?),
        evidence: Some(evidence),
    })
}

/// Access is over by judgement since the instant; now the account says so too. A last administrator leaves all the
/// same: the way back in is the command on the host.
fn block(tx: &mut Tx<'_>, id: &CaseId) -> Result<bool> {
    let Some(case) = at(tx, id, CaseState::Reported)? else { return Ok(true) };
    if accounts::find(tx, &case.account)?.status.state != State::Left {
        accounts::mark_left(tx, &case.account, "leaver")?;
    }
    let step = applied(tx, StepKind::Block, json!({}))?;
    put(tx, &case, &step)?;
    move_to(tx, case, CaseState::Blocked)?;
    Ok(true)
}

fn end_sessions(tx: &mut Tx<'_>, id: &CaseId) -> Result<bool> {
    let Some(case) = at(tx, id, CaseState::Blocked)? else { return Ok(true) };
    let ended = sessions::end_all(tx, &case.account, None, "leaver")?;
    let step = applied(tx, StepKind::Sessions, json!({ "ended": ended }))?;
    put(tx, &case, &step)?;
    let services = pass_services_on(tx, &case)?;
    let step = applied(tx, StepKind::Services, json!({ "passed_on": services }))?;
    put(tx, &case, &step)?;
    move_to(tx, case, CaseState::SessionsEnded)?;
    Ok(true)
}

/// Services that the person owned pass to the manager as acting owner.
fn pass_services_on(tx: &mut Tx<'_>, case: &Case) -> Result<usize> {
    let above = accounts::chain(tx, &case.account)?;
    let mut manager = None;
    for candidate in above {
        if accounts::find(tx, &candidate)?.standing(tx.now) == accounts::Standing::Active {
            manager = Some(candidate);
            break;
        }
    }
    let owned = accounts::owned_services(tx, &case.account)?;
    let Some(manager) = manager else { return Ok(0) };
    for service in &owned {
        let changes = Changes { owner: Some(manager.clone()), ..Changes::default() };
        accounts::change(tx, service, &changes)?;
    }
    Ok(owned.len())
}

/// Revokes the next grants; the step is done when none is left.
fn revoke_some(tx: &mut Tx<'_>, id: &CaseId) -> Result<bool> {
    let Some(case) = at(tx, id, CaseState::SessionsEnded)? else { return Ok(true) };
    let open = grants::of_account(tx, &case.account)?;
    let mut revoked: Vec<String> = store::steps(tx, id)?
        .into_iter()
        .find(|step| step.kind == StepKind::Grants)
        .and_then(|step| serde_json::from_value(step.evidence?["roles"].take()).ok())
        .unwrap_or_default();
    let origin = Origin::Leaver(case.id.clone());
    for grant in open.iter().take(CHUNK) {
        let ended = grants::revoke(tx, &grant.id, "leaver", None)?;
        opening::for_leaver(tx, &ended, &origin, case.deadline)?;
        revoked.push(grant.role.clone());
    }
    let mut step = applied(tx, StepKind::Grants, json!({ "roles": revoked }))?;
    let done = open.len() <= CHUNK;
    if !done {
        step.state = StepState::Queued;
    }
    put(tx, &case, &step)?;
    if done {
        move_to(tx, case, CaseState::GrantsRevoked)?;
    }
    Ok(true)
}

/// One target for each system in which the person held a role or still has something: those that ask here are verified
/// by asking, the others by their tasks.
fn open_targets(tx: &mut Tx<'_>, id: &CaseId) -> Result<bool> {
    let Some(case) = at(tx, id, CaseState::GrantsRevoked)? else { return Ok(true) };
    let mut systems: BTreeSet<String> = held(tx, id)?
        .iter()
        .filter_map(|role| role.split_once('/').map(|(application, _)| application.to_owned()))
        .collect();
    let by_hand = unfinished(tx, &case)?;
    systems.extend(by_hand.iter().map(|task| task.system.clone()));
    for system in systems {
        let waits = by_hand.iter().any(|task| task.system == system);
        let step = Step {
            kind: StepKind::Target,
            target: system,
            state: if waits { StepState::Manual } else { StepState::Applied },
            at: Some(tx.now),
            applied_revision: Some(next_revision(tx)?),
            evidence: None,
        };
        put(tx, &case, &step)?;
    }
    move_to(tx, case, CaseState::Targets)?;
    Ok(true)
}

/// The tasks about this person's access that are not verified, whatever they came from.
fn unfinished(reader: &mut Reader<'_>, case: &Case) -> Result<Vec<Task>> {
    let mut tasks = lists::of_account(reader, &case.account)?;
    tasks.retain(|task| task.state.is_unfinished());
    Ok(tasks)
}

/// The roles that the case has revoked.
fn held(reader: &mut Reader<'_>, id: &CaseId) -> Result<Vec<String>> {
    let steps = store::steps(reader, id)?;
    let evidence =
        steps.into_iter().find(|step| step.kind == StepKind::Grants).and_then(|step| step.evidence);
    let roles = evidence.map(|mut evidence| serde_json::from_value(evidence["roles"].take()));
    roles.transpose().map(Option::unwrap_or_default).map_err(|cause| Error::internal("reading a step", cause))
}

/// Asks the decision point for every permission once held, on every living node, and counts sessions.
fn verify(app: &App, caller: &Caller, id: &CaseId) -> Result<Written<bool>> {
    let not_yet = |app: &App| Ok(Written { value: false, revision: app.applied() });
    let (case, roles, seen) = app.read_now(|reader| {
        let case = store::find(reader, id)?.ok_or(Error::NotFound("case"))?;
        let steps = store::steps(reader, id)?;
        let revision = steps.iter().filter_map(|step| step.applied_revision).max().unwrap_or_default();
        let seen = sessions::living(reader, &case.account)? == 0 && app.everywhere(reader, revision)?;
        Ok((case, held(reader, id)?, seen))
    })?;
    if !seen {
        return not_yet(app);
    }
    let checks = effect::ask_all(app, &case.account, &roles)?;
    if checks.answers.iter().any(|answer| answer.permitted) {
        tracing::error!(case = %id, "somebody who left is still permitted something");
        return not_yet(app);
    }
    app.write_now(caller, |tx| record_verified(tx, id, &checks))
}

fn record_verified(tx: &mut Tx<'_>, id: &CaseId, checks: &effect::Answers) -> Result<bool> {
    let Some(case) = at(tx, id, CaseState::Targets)? else { return Ok(true) };
    let mut waiting = false;
    let by_hand = lists::of_account(tx, &case.account)?;
    for mut step in store::steps(tx, id)?.into_iter().filter(|step| step.kind == StepKind::Target) {
        let own: Vec<&Task> = by_hand.iter().filter(|task| task.system == step.target).collect();
        let hangs = own.iter().any(|task| task.state.is_unfinished());
        match step.state {
            StepState::Applied | StepState::Manual if !hangs => {
                step.evidence = (step.state == StepState::Manual).then(|| evidence_of(&own));
                step.state = StepState::Verified;
                step.at = Some(tx.now);
                put(tx, &case, &step)?;
            }
            StepState::Verified => {}
            StepState::Applied | StepState::Manual | StepState::Queued => waiting = true,
        }
    }
    if waiting {
        return Ok(false);
    }
    let evidence = json!({ "sessions": 0, "revision": checks.revision, "permissions": checks.answers });
    let step = Step { state: StepState::Verified, ..applied(tx, StepKind::Verification, evidence)? };
    put(tx, &case, &step)?;
    move_to(tx, case, CaseState::Verified)?;
    Ok(true)
}

/// What shows that a system is clear: each task, who verified it, and at which revision.
fn evidence_of(tasks: &[&Task]) -> serde_json::Value {
    let verified = |task: &&Task| {
        let (by, at, revision) = task.verified.clone()?;
        Some(json!({ "task": task.id, "by": by, "at": at, "revision": revision }))
    };
    json!({ "tasks": tasks.iter().filter_map(verified).collect::<Vec<_>>() })
}

fn close(tx: &mut Tx<'_>, id: &CaseId) -> Result<bool> {
    let Some(case) = at(tx, id, CaseState::Verified)? else { return Ok(true) };
    move_to(tx, case, CaseState::Closed)?;
    Ok(true)
}

/// Whoever handles leavers says that the access in a system is gone, and how they know: its open tasks are done by them,
/// those that somebody else has done are verified.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] if the system does not wait for anybody's word; [`Error::Invalid`] without
/// a proof; [`Error::Forbidden`] for a second look at one's own work.
pub fn confirm_target(tx: &mut Tx<'_>, id: &CaseId, system: &str, proof: &str) -> Result<Case> {
    let case = store::find(tx, id)?.ok_or(Error::NotFound("case"))?;
    if !store::steps(tx, id)?.iter().any(|step| step.kind == StepKind::Target && step.target == system) {
        return Err(Error::NotFound("target"));
    }
    let account = tx.caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let viewer = Viewer { account, handles: true, everything: true };
    let mut waiting = unfinished(tx, &case)?;
    waiting.retain(|task| task.system == system);
    if waiting.is_empty() {
        return Err(Error::conflict("not-waiting", "This system does not wait for anybody's word."));
    }
    for task in waiting {
        match task.state {
            TaskState::Done => tasks::verify(tx, &task.id, &viewer)?,
            _ => tasks::complete(tx, &task.id, proof, &viewer)?,
        };
    }
    Ok(case)
}
