//! What became of a people file: the fate of every row, and their sums.
//!
//! Rules: it is for callers who may change people, so it names them; what a spreadsheet would take for a formula is
//! shown with an apostrophe before it. It never enters the log.

use serde::Serialize;
use utoipa::ToSchema;

use crate::ids::AccountId;
use crate::text_enum;

text_enum! {
    /// What became of a row.
    pub enum Fate {
        /// A new person.
        Added = "added",
        /// A person whom the file changed.
        Changed = "changed",
        /// A person as they were.
        Unchanged = "unchanged",
        /// Nothing was done; the reasons say why.
        Refused = "refused",
    }
}

/// One row's fate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RowReport {
    /// The line of the file at which the row begins, counted from 1.
    pub line: u64,
    /// The employee id as the file has it.
    pub employee_id: String,
    /// The username that the person has now; as the file has it for a refused row.
    pub username: String,
    /// Given and family name as the file has them.
    pub name: String,
    /// What became of it.
    pub fate: Fate,
    /// The account; `None` for a refused row.
    #[schema(required)]
    pub account: Option<AccountId>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub reasons: Vec<String>,
    /// What was left out or looks wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub warnings: Vec<String>,
}

/// What became of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportReport)]
pub struct Report {
    /// Whether it was only tried: nothing was written then.
    pub dry_run: bool,
    /// New people.
    pub added: u64,
    /// People whom the file changed.
    pub changed: u64,
    /// People as they were.
    pub unchanged: u64,
    /// Rows that were refused.
    pub refused: u64,
    /// Rows with a warning.
    pub warned: u64,
    /// Columns that nobody knows, in order; they were not read.
    pub unknown_columns: Vec<String>,
    /// Every row in the order of the file.
    pub rows: Vec<RowReport>,
    /// The log's revision after it.
    pub revision: u64,
}

impl Report {
    /// Counts the rows.
    pub(super) fn sum(&mut self) {
        let count = |fate| self.rows.iter().filter(|row| row.fate == fate).count() as u64;
        (self.added, self.changed) = (count(Fate::Added), count(Fate::Changed));
        (self.unchanged, self.refused) = (count(Fate::Unchanged), count(Fate::Refused));
        self.warned = self.rows.iter().filter(|row| !row.warnings.is_empty()).count() as u64;
    }
}
