//! What became of a file of existing access: the fate of every row, the sums of every system, what is missing.
//!
//! Rules: it is for callers who may import, so it names logins and people; what a spreadsheet would take for a formula
//! is shown with an apostrophe before it. It never enters the log.

use serde::Serialize;
use utoipa::ToSchema;

use crate::ids::{AccountId, GrantId};
use crate::provisioning::GoneHow;
use crate::text_enum;

text_enum! {
    /// What became of a row.
    pub enum Fate {
        /// Somebody known has it; they have a new grant that ends after one cadence.
        Matched = "matched",
        /// Somebody known has it, whose grant was here already.
        Known = "known",
        /// Nobody is known for it: the system's owner decides.
        Orphan = "orphan",
        /// It was here already.
        Unchanged = "unchanged",
        /// Nothing was done; the reasons say why.
        Refused = "refused",
    }
}

/// One row's fate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = GrantsRowReport)]
pub struct RowReport {
    /// The line of the file at which the row begins, counted from 1.
    pub line: u64,
    /// The system as the file has it.
    pub system: String,
    /// The login as the file has it.
    pub external_login: String,
    /// The role, `system/role`.
    pub role: String,
    /// What became of it.
    pub fate: Fate,
    /// Whether it turned up after the system's first list.
    pub drift: bool,
    /// Whose it is.
    #[schema(required)]
    pub account: Option<AccountId>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub reasons: Vec<String>,
    /// What looks wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub warnings: Vec<String>,
}

/// Something that was here and is not in the list any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Missing {
    /// The system.
    pub system: String,
    /// The login there.
    pub external_login: String,
    /// The role, `system/role`.
    pub role: String,
    /// Whose it was.
    #[schema(required)]
    pub account: Option<AccountId>,
    /// The grant it belonged to.
    #[schema(required)]
    pub grant: Option<GrantId>,
    /// A task took it away, or it went elsewhere.
    pub how: GoneHow,
}

/// The sums of one system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct SystemReport {
    /// Its key.
    pub system: String,
    /// Its rows in the file.
    pub rows: u64,
    /// New grants.
    pub matched: u64,
    /// Grants that were here already.
    pub known: u64,
    /// New orphans.
    pub orphans: u64,
    /// As they were.
    pub unchanged: u64,
    /// Refused rows.
    pub refused: u64,
    /// New since its last list.
    pub drift: u64,
    /// Removals that the list confirms.
    pub confirmed: u64,
    /// What went away elsewhere.
    pub gone: u64,
    /// Why nothing was concluded from what is missing, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_whole: Option<String>,
}

/// What became of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = GrantsImportReport)]
pub struct Report {
    /// Whether it was only tried: nothing was written then.
    pub dry_run: bool,
    /// New grants.
    pub matched: u64,
    /// Grants that were here already.
    pub known: u64,
    /// New orphans.
    pub orphans: u64,
    /// As they were.
    pub unchanged: u64,
    /// Refused rows.
    pub refused: u64,
    /// Rows with a warning.
    pub warned: u64,
    /// New since the last list of their system.
    pub drift: u64,
    /// Columns that nobody knows, in order; they were not read.
    pub unknown_columns: Vec<String>,
    /// Each system of the file.
    pub systems: Vec<SystemReport>,
    /// Every row in the order of the file.
    pub rows: Vec<RowReport>,
    /// What the lists do not have any more.
    pub missing: Vec<Missing>,
    /// The log's revision after it.
    pub revision: u64,
}

impl SystemReport {
    pub(super) fn count(&mut self, row: &RowReport) {
        self.rows += 1;
        self.drift += u64::from(row.drift);
        *match row.fate {
            Fate::Matched => &mut self.matched,
            Fate::Known => &mut self.known,
            Fate::Orphan => &mut self.orphans,
            Fate::Unchanged => &mut self.unchanged,
            Fate::Refused => &mut self.refused,
        } += 1;
    }
}

impl Report {
    /// Adds the systems up.
    pub(super) fn sum(&mut self) {
        let count = |fate| self.rows.iter().filter(|row| row.fate == fate).count() as u64;
        (self.matched, self.known) = (count(Fate::Matched), count(Fate::Known));
        (self.orphans, self.unchanged) = (count(Fate::Orphan), count(Fate::Unchanged));
        self.refused = count(Fate::Refused);
        self.warned = self.rows.iter().filter(|row| !row.warnings.is_empty()).count() as u64;
        self.drift = self.rows.iter().filter(|row| row.drift).count() as u64;
    }
}
