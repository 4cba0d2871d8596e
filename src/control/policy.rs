//! `apply` and `export`: the directory is read and written by the shell, what stands in it is judged here.

use serde_json::json;

use super::Output;
use crate::access::apply::{self, Applied, AppliedApplication, PolicyFile};
use crate::access::export;
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};

/// Applies the files of a directory, all or none; with `dry_run` only says what would change.
pub(super) fn apply(app: &App, caller: &Caller, files: &[PolicyFile], dry_run: bool) -> Result<Output> {
    let (applied, revision) = if dry_run {
        (app.write_now(caller, |tx| apply::preview(tx, files))?.value, app.applied())
    } else {
        let done = app.write_now(caller, |tx| apply::apply(tx, files))?;
        (done.value, done.revision)
    };
    let mut data =
        serde_json::to_value(&applied).map_err(|cause| Error::internal("writing what was applied", cause))?;
    data["dry_run"] = json!(dry_run);
    data["revision"] = json!(revision);
    let notes = if dry_run { vec!["nothing was changed: this was a try".to_owned()] } else { Vec::new() };
    Ok(Output { lines: told(&applied), notes, data, wrong: false })
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
    lines
}

/// The files of everything in force, for the shell to write.
pub(super) fn export(app: &App) -> Result<Output> {
    let files = app.read_now(export::export)?;
    Ok(Output { data: json!({ "files": files }), ..Output::default() })
}
