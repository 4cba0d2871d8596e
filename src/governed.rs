//! The governed tables: those whose every row the log must account for. `log verify` replays the log against them.
//!
//! A slice with a governed table offers its rows, digested as its events digest them, and has its line here.

use crate::log::verify::Source;
use crate::{access, accounts, alarms};

/// Every governed table.
pub const SOURCES: &[Source] = &[
    Source { table: "accounts", rows: accounts::governed },
    Source { table: "applications", rows: access::roles::governed_applications },
    Source { table: "roles", rows: access::roles::governed_roles },
    Source { table: "grants", rows: access::grants::governed },
    Source { table: "kill_switches", rows: access::kill_switches::governed },
    Source { table: "alarms", rows: alarms::governed },
];
