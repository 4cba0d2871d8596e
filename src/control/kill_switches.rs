//! `kill-switch list` and `kill-switch lift`: they work on the host whatever the decision point says.

use serde_json::{Value, json};

use super::Output;
use crate::access::kill_switches::{self, KillSwitch};
use crate::alarms::{self, Rule, Severity, Sighting};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::ids::KillSwitchId;

/// The kill switches that are pulled.
pub(super) fn list(app: &App) -> Result<Output> {
    let pulled = app.read_now(kill_switches::pulled)?;
    let lines = pulled.iter().map(line).collect();
    let notes = if pulled.is_empty() { vec!["no kill switch is pulled".to_owned()] } else { Vec::new() };
    let items: Vec<Value> = pulled.iter().map(shown).collect();
    Ok(Output { lines, notes, data: json!({ "items": items, "next": null }), ..Output::default() })
}

/// Lifts one; what it stopped is decided as before, and everybody who watches is alarmed.
pub(super) fn lift(app: &App, caller: &Caller, id: &str) -> Result<Output> {
    let id = KillSwitchId::parse(id).ok_or_else(|| Error::field("id", "must be the id of a kill switch"))?;
    let done = app.write_now(caller, |tx| {
        let lifted = kill_switches::lift(tx, &id)?;
        if lifted.lifted_at == Some(tx.now) {
            let seen = Sighting::of(Rule::KillSwitchLifted, Severity::Warning)
                .about(id.as_str())
                .samples([lifted.target.clone(), tx.caller.label()]);
            alarms::raise(tx, seen)?;
        }
        Ok(lifted)
    })?;
    let mut data = shown(&done.value);
    data["revision"] = json!(done.revision);
    Ok(Output { lines: vec![line(&done.value)], data, ..Output::default() })
}

fn line(switch: &KillSwitch) -> String {
    let state = match switch.lifted_at {
        Some(at) => format!("lifted {at}"),
        None => format!("pulled {}", switch.pulled_at),
    };
    format!(
        "{}  {:<40} {state} by {}",
        switch.id,
        switch.target,
        switch.lifted_by.as_ref().unwrap_or(&switch.pulled_by)
    )
}

fn shown(switch: &KillSwitch) -> Value {
    json!({
        "id": switch.id,
        "target": switch.target,
        "pulled_at": switch.pulled_at,
        "pulled_by": switch.pulled_by,
        "lifted_at": switch.lifted_at,
        "lifted_by": switch.lifted_by,
        "revision": switch.revision,
    })
}
