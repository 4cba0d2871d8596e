//! `apply`, `export` and `policy`: the directory is read and written by the shell, what stands in it is judged here.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Output;
use crate::access::apply::{self, Applied, AppliedApplication, PolicyFile};
use crate::access::collisions::Violation;
use crate::access::export;
use crate::access::lint::Rules;
use crate::access::proposals::{self, Brought, Changes, Proposal};
use crate::app::App;
use crate::caller::Caller;
use crate::decision::foresee::{Wanted, foresee};
use crate::decision::policy_test::{self, Outcome};
use crate::decision::{Difference, Differences, Effect};
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::profile::{Document, Policies, PolicyFiles};

/// The most differences that are printed.
const MAX_DIFFERENCES: usize = 100_000;
/// How many are looked for at a time.
const PAGE: usize = 1_000;

/// Applies the files of a directory, all or none, or proposes them all where one of them needs a second person; with
/// `dry_run` only says what would come of it.
pub(super) fn apply(app: &App, caller: &Caller, files: &[PolicyFile], dry_run: bool) -> Result<Output> {
    if dry_run {
        let (applied, second) = app.write_now(caller, |tx| proposals::tried(tx, files))?.value;
        let mut notes = vec!["nothing was changed: this was a try".to_owned()];
        if second {
            notes.push("it touches personal data and would wait for a second person".to_owned());
        }
        let data = data_of(&applied, json!({ "dry_run": true, "second_person": second }), app.applied())?;
        return Ok(Output { lines: told(&applied), notes, data, ..Output::default() });
    }
    let done = app.write_now(caller, |tx| proposals::bring(tx, files))?;
    match done.value {
        Brought::Applied(applied) => {
            let data = data_of(&applied, json!({ "dry_run": false }), done.revision)?;
            Ok(Output { lines: told(&applied), data, ..Output::default() })
        }
        Brought::Proposed(proposal, changes) => proposed(app, &proposal, &changes, done.revision),
    }
}

fn data_of(applied: &Applied, more: Value, revision: u64) -> Result<Value> {
    let mut data =
        serde_json::to_value(applied).map_err(|cause| Error::internal("writing what was applied", cause))?;
    for (name, value) in more.as_object().into_iter().flatten() {
        data[name] = value.clone();
    }
    data["revision"] = json!(revision);
    Ok(data)
}

/// Nothing is in force yet: the proposal's id, and where somebody else decides about it.
fn proposed(app: &App, proposal: &Proposal, changes: &Changes, revision: u64) -> Result<Output> {
    let link = format!("{}/proposals/{}", app.config().public_url, proposal.id);
    let lines = vec![
        format!("proposed             {}", proposal.applications.join(", ")),
        format!("id                   {}", proposal.id),
        format!("decide it at         {link}"),
        format!("lapses               {}", proposal.lapses_at),
    ];
    let notes = vec![
        "nothing is in force yet: this touches personal data and waits for a second person".to_owned(),
        "who administers access, or owns every application that it changes, decides it".to_owned(),
    ];
    let changes =
        serde_json::to_value(changes).map_err(|cause| Error::internal("writing what would change", cause))?;
    let data = json!({
        "dry_run": false,
        "proposal": {
            "id": proposal.id, "state": proposal.state, "link": link, "lapses_at": proposal.lapses_at,
            "changes": changes,
        },
        "revision": revision,
    });
    Ok(Output { lines, notes, data, waits: true, ..Output::default() })
}

fn told(applied: &Applied) -> Vec<String> {
    let mut lines = Vec::new();
    for AppliedApplication { key, changed, roles_defined, roles_retired, grants_ended } in
        &applied.applications
    {
        lines.push(format!("{key:<20} {}", if *changed { "changed" } else { "as it was" }));
        lines.extend(roles_defined.iter().map(|role| format!("  defined {role}")));
        lines.extend(roles_retired.iter().map(|role| format!("  retired {role}")));
        if *grants_ended > 0 {
            lines.push(format!("  {grants_ended} grants ended"));
        }
    }
    if applied.exclusions_changed {
        lines.push(format!("{:<20} changed", "exclusions"));
    }
    if applied.networks_changed {
        lines.push(format!("{:<20} changed", "networks"));
    }
    for Violation { rule, account, roles } in &applied.violations {
        lines.push(format!("  held together against {rule}: {} by account {account}", roles.join(", ")));
    }
    lines
}

/// The files of everything in force, for the shell to write.
pub(super) fn export(app: &App) -> Result<Output> {
    let files = app.read_now(export::export)?;
    Ok(Output { data: json!({ "files": files }), ..Output::default() })
}

/// Runs the tests of a policy directory, without a house.
///
/// # Errors
/// [`Error::Invalid`] with everything wrong in the files; [`Error::NotFound`]-like complaints name the profile.
pub fn test(catalogues: &[PolicyFile], tests: &[PolicyFile], profile: &str) -> Result<Output> {
    let policies = Policies::load(&PolicyFiles::built_in()).map_err(refused)?;
    let profile = policies.profile(profile).map_err(|refusal| refused(vec![refusal]))?;
    let (applications, networks) = apply::catalogues(catalogues, &Rules::from(profile))?;
    let days: BTreeMap<String, u32> = profile
        .parameters()
        .filter_map(|parameter| Some((parameter.name.to_owned(), profile.days(parameter.name)?)))
        .collect();
    let policy = policy_test::Policy::of(&applications, &networks, days).map_err(refused)?;
    let (mut outcomes, mut refusals) = (Vec::new(), Vec::new());
    for file in tests {
        let run = Document::parse(&file.name, &file.text).map_err(|refusal| vec![refusal]);
        match run.and_then(|document| policy.run(&document)) {
            Ok(found) => outcomes.extend(found),
            Err(found) => refusals.extend(found),
        }
    }
    apply::refused(refusals)?;
    Ok(reported(&outcomes))
}

fn refused(refusals: Vec<crate::profile::Refusal>) -> Error {
    let found = apply::refused(refusals);
    found.err().unwrap_or_else(|| Error::internal("reading the policy", "no refusal"))
}

fn reported(outcomes: &[Outcome]) -> Output {
    let mut lines = Vec::new();
    for outcome in outcomes {
        let Outcome { file, line, test, questions, failures } = outcome;
        let word = if failures.is_empty() { "ok" } else { "FAILED" };
        lines.push(format!("{word:<6} {file}:{line} {test} ({questions} questions)"));
        lines.extend(failures.iter().map(|failure| format!("         {failure}")));
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count();
    let questions: usize = outcomes.iter().map(|outcome| outcome.questions).sum();
    lines.push(format!("{} tests, {questions} questions, {failed} failed", outcomes.len()));
    let data = json!({ "tests": outcomes, "questions": questions, "failed": failed });
    Output { lines, data, wrong: failed > 0, ..Output::default() }
}

/// Who would gain and who would lose what if these catalogues were applied; changes nothing.
pub(super) fn diff(app: &App, caller: &Caller, files: Vec<PolicyFile>) -> Result<Output> {
    let foreseen = foresee(app, caller, &Wanted { files, ..Wanted::default() })?;
    let mut all: Vec<Difference> = Vec::new();
    let mut behind: Option<AccountId> = None;
    let complete = loop {
        let Differences { items, next } = foreseen.differences(behind.as_ref(), PAGE);
        all.extend(items);
        match next {
            None => break true,
            Some(_) if all.len() >= MAX_DIFFERENCES => break false,
            Some(account) => behind = Some(account),
        }
    };
    let mut lines = told(&foreseen.applied);
    lines.extend(all.iter().map(|difference| compared(app, difference)));
    let count = |effect| all.iter().filter(|difference| difference.effect == effect).count();
    let counts = [Effect::Gains, Effect::Loses, Effect::Changes].map(|effect| (effect, count(effect)));
    let sum: Vec<String> = counts.iter().map(|(effect, count)| format!("{effect} {count}")).collect();
    lines.push(format!("people and services: {}", sum.join(", ")));
    let mut notes = vec!["nothing was changed: this was a try".to_owned()];
    if !complete {
        notes.push(format!("only the first {} differences are shown", all.len()));
    }
    let data = json!({
        "applied": foreseen.applied, "differences": all, "complete": complete, "revision": foreseen.revision(),
    });
    Ok(Output { lines, notes, data, ..Output::default() })
}

fn compared(app: &App, difference: &Difference) -> String {
    let Difference { account, permission, effect, before, after } = difference;
    let card = app.directory().card(account);
    let who = card.map_or_else(|| account.to_string(), |card| card.username);
    let terms = |terms: &[String]| terms.join(" | ");
    let under = match effect {
        Effect::Gains => terms(after),
        Effect::Loses => terms(before),
        Effect::Changes => format!("{} -> {}", terms(before), terms(after)),
    };
    let sign = match effect {
        Effect::Gains => '+',
        Effect::Loses => '-',
        Effect::Changes => '~',
    };
    format!("{sign} {who} {permission} [{under}]")
}
