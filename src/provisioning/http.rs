//! Existing access and tasks over HTTP: JSON below `/api/v1`, and pages.

pub mod holdings;
pub mod import;
pub mod tasks;

use super::Viewer;
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::http::identify;

/// What a viewer may see and do: who may change connections and give roles looks after every system; who may look at
/// connections and at people sees every system; everybody else sees what is their own.
pub(crate) fn viewer(app: &App, caller: &Caller) -> Result<Viewer> {
    let account = caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let may = |feature, action| identify::permits(app, caller, feature, action);
    let handles = may("connectors", "write") && may("grants", "give");
    let everything = handles || (may("connectors", "read") && may("accounts", "read"));
    Ok(Viewer { account, handles, everything })
}
