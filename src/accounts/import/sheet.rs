//! The people file as text: which columns it has, and each row's person.
//!
//! What a CSV file must be at all stands in `sheet`. Pure.

use super::super::WorkerType;
use super::super::dates::Day;
use super::super::joining::NewPerson;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::sheet::{Line, Sheet as Table};

/// The columns that must be there.
pub const REQUIRED: &[&str] = &[
    "employee_id",
    "username",
    "given_name",
    "family_name",
    "email",
    "manager",
    "department",
    "job_title",
    "start_date",
    "end_date",
];
/// The columns that may be there.
pub const OPTIONAL: &[&str] = &["worker_type", "sponsor", "time_zone", "location", "external_id"];

/// A file that could be read.
pub(super) struct Sheet {
    pub(super) rows: Vec<Row>,
    /// Which optional columns the file has: what is not there is not touched.
    pub(super) has: Has,
    pub(super) unknown: Vec<String>,
}

/// The optional columns of a file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Has {
    pub(super) sponsor: bool,
    pub(super) time_zone: bool,
    pub(super) location: bool,
}

/// One row as the file has it.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) employee_id: String,
    /// Whom the row describes; manager and dates stand beside it, since they need more than the row to be understood.
    pub(super) person: NewPerson,
    pub(super) manager: Option<String>,
    /// What the file says about the manager means nothing: whoever is known stays.
    pub(super) keeps_manager: bool,
    /// The address is somebody else's: whichever is known stays.
    pub(super) loses_email: bool,
    pub(super) starts: Option<Day>,
    pub(super) ends: Option<Day>,
    /// The end that the person has after this row, once the row is planned.
    pub(super) ended_at: Option<Timestamp>,
    pub(super) reasons: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// Reads a file.
///
/// # Errors
/// [`crate::error::Error::Invalid`] with one message if nothing of it can be imported.
pub(super) fn read(bytes: &[u8]) -> Result<Sheet> {
    let mut table = Table::read(bytes, REQUIRED, OPTIONAL)?;
    let has = Has {
        sponsor: table.has("sponsor"),
        time_zone: table.has("time_zone"),
        location: table.has("location"),
    };
    let lines = std::mem::take(&mut table.lines);
    let rows = lines.iter().map(|line| Row::of(&table, line)).collect();
    Ok(Sheet { rows, has, unknown: table.unknown })
}

impl Row {
    fn of(table: &Table, line: &Line) -> Self {
        let cell = |column| table.cell(line, column);
        let person = NewPerson {
            username: cell("username"),
            given_name: cell("given_name"),
            family_name: cell("family_name"),
            email: cell("email"),
            employee_id: cell("employee_id"),
            external_id: cell("external_id"),
            department: cell("department"),
            job_title: cell("job_title"),
            location: cell("location"),
            sponsor: cell("sponsor"),
            time_zone: cell("time_zone"),
            ..NewPerson::default()
        };
        let mut row = Self {
            line: line.number,
            employee_id: person.employee_id.clone().unwrap_or_default(),
            person,
            manager: cell("manager"),
            ..Self::default()
        };
        if let Some(fault) = &line.fault {
            row.reasons.push(fault.clone());
            return row;
        }
        if row.employee_id.is_empty() {
            row.reasons.push("employee_id is missing".to_owned());
        }
        row.starts = row.day("start_date", cell("start_date"));
        row.ends = row.day("end_date", cell("end_date"));
        row.read_worker_type(cell("worker_type"));
        row
    }

    fn day(&mut self, column: &str, cell: Option<String>) -> Option<Day> {
        let cell = cell?;
        let day = Day::parse(&cell);
        if day.is_none() {
            self.reasons.push(format!("{column} must be as 2026-11-30 or 2026-11-30T17:00:00Z"));
        }
        day
    }

    fn read_worker_type(&mut self, cell: Option<String>) {
        let Some(cell) = cell else { return };
        let known = WorkerType::parse(&cell.to_lowercase());
        if known.is_none() {
            let all: Vec<&str> = WorkerType::ALL.iter().map(WorkerType::as_str).collect();
            self.warnings.push(format!("worker_type is none of {}; taken as other", all.join(", ")));
        }
        self.person.worker_type = Some(known.unwrap_or(WorkerType::Other));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "employee_id,username,given_name,family_name,email,manager,department,job_title,start_date,end_date";

    #[test]
    fn every_missing_column_is_named() {
        let message = read(b"a,b\n").map(drop).expect_err("refused").to_string();
        assert!(message.starts_with("csv: lacks the columns employee_id, username"), "{message}");
        assert_eq!(message.matches(", ").count(), 9, "{message}");
    }

    #[test]
    fn what_a_column_may_be_called_and_what_is_not_there() {
        let text = format!("{},Badge\n1,,Ann,Lee,,,,,2026-01-05,,x\n", HEAD.to_uppercase());
        let sheet = read(text.as_bytes()).unwrap();
        assert_eq!(sheet.unknown, ["Badge"]);
        assert_eq!(sheet.rows[0].person.given_name.as_deref(), Some("Ann"));
        assert!(!sheet.has.sponsor);
    }

    #[test]
    fn rows_that_cannot_be_read_are_refused_by_themselves() {
        let text = format!("{HEAD},worker_type\n1,,Ann\n,,Bob,Lee,,,,,,,\n3,,Cyd,Lee,,,,,5.1.2026,x,robot\n");
        let sheet = read(text.as_bytes()).unwrap();
        assert_eq!(sheet.rows[0].reasons, ["has 3 columns, the head has 11"]);
        assert_eq!(sheet.rows[1].reasons, ["employee_id is missing"]);
        assert_eq!(sheet.rows[2].reasons.len(), 2);
        assert_eq!(
            (sheet.rows[2].warnings.len(), sheet.rows[2].person.worker_type),
            (1, Some(WorkerType::Other))
        );
    }
}
