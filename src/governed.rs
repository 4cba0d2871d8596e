//! The governed tables: those whose every row the log must account for. `log verify` replays the log against them.
//!
//! A slice with a governed table offers its rows, digested as its events digest them, and has its line here.

use crate::log::verify::Source;
use crate::{access, accounts, alarms};

/// Every governed table.
pub const SOURCES: &[Source] = &[
    Source { table: "accounts", key: "id", rows: accounts::governed },
    Source { table: "applications", key: "key", rows: access::roles::governed_applications },
    Source { table: "roles", key: "id", rows: access::roles::governed_roles },
    Source { table: "attestations", key: "id", rows: access::attestations::governed },
    Source { table: "grants", key: "id", rows: access::grants::governed },
    Source { table: "kill_switches", key: "id", rows: access::kill_switches::governed },
    Source { table: "alarms", key: "id", rows: alarms::governed },
];
