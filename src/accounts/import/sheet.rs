//! The people file as text: columns, rows, and what is wrong with either.
//!
//! Rules: UTF-8, with or without a byte order mark, any line ends; at most 10 MiB and 100,000 rows. A file that is not
//! that, or lacks a column, is refused as a whole with one message; a row that cannot be read is refused by itself.
//! Pure.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::super::WorkerType;
use super::super::dates::Day;
use super::super::joining::NewPerson;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// The largest file, in bytes.
pub const LARGEST_FILE: usize = 10 * 1024 * 1024;
/// The most rows.
pub const MOST_ROWS: usize = 100_000;
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
const MOST_COLUMNS: usize = 200;

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
/// [`Error::Invalid`] with one message if nothing of it can be imported.
pub(super) fn read(bytes: &[u8]) -> Result<Sheet> {
    if bytes.len() > LARGEST_FILE {
        return Err(refused("is larger than 10 MiB; split it"));
    }
    // One kind of line end: the reader counts lines at the second half of CRLF, which belongs to the next row for it.
    let text = text_of(bytes)?.replace("\r\n", "\n");
    let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_reader(text.as_bytes());
    let head = reader.headers().map_err(|_| refused("has no head that could be read"))?.clone();
    let columns = Columns::of(&head)?;
    let mut sheet = Sheet { rows: Vec::new(), has: columns.has(), unknown: columns.unknown.clone() };
    for record in reader.records() {
        let record = record.map_err(|_| refused("cannot be read as CSV to its end"))?;
        if record.iter().all(str::is_empty) {
            continue;
        }
        if sheet.rows.len() >= MOST_ROWS {
            return Err(refused("has more than 100,000 rows; split it"));
        }
        sheet.rows.push(columns.row(&record));
    }
    Ok(sheet)
}

fn refused(what: impl Into<String>) -> Error {
    Error::field("csv", what)
}

fn text_of(bytes: &[u8]) -> Result<&str> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(refused("is UTF-16; save it as \"CSV UTF-8\""));
    }
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|cause| {
        let before = bytes.get(..cause.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        refused(format!("is not UTF-8 in line {line}; save it as \"CSV UTF-8\""))
    })?;
    if text.trim().is_empty() { Err(refused("is empty")) } else { Ok(text) }
}

struct Columns {
    width: usize,
    /// The place of each known column: required ones first, then optional ones.
    places: Vec<Option<usize>>,
    unknown: Vec<String>,
}

impl Columns {
    fn of(head: &StringRecord) -> Result<Self> {
        let names: Vec<String> = head.iter().map(|name| name.to_lowercase().replace(' ', "_")).collect();
        if names.len() > MOST_COLUMNS {
            return Err(refused("has more than 200 columns"));
        }
        let known: Vec<&str> = REQUIRED.iter().chain(OPTIONAL).copied().collect();
        if let Some(twice) =
            known.iter().find(|column| names.iter().filter(|name| *name == *column).count() > 1)
        {
            return Err(refused(format!("has the column {twice} twice")));
        }
        let places: Vec<Option<usize>> =
            known.iter().map(|column| names.iter().position(|name| name == column)).collect();
        let missing: Vec<&str> = REQUIRED
            .iter()
            .zip(&places)
            .filter_map(|(column, place)| place.is_none().then_some(*column))
            .collect();
        if let [single] = names.as_slice()
            && single.contains([';', '\t'])
        {
            return Err(refused("is not separated by commas; save it as CSV with commas"));
        }
        if !missing.is_empty() {
            let plural = if missing.len() == 1 { "column" } else { "columns" };
            return Err(refused(format!("lacks the {plural} {}", missing.join(", "))));
        }
        let strange = |(name, shown): (&String, &str)| {
            (!known.contains(&name.as_str()) && !name.is_empty()).then(|| super::report::shown(shown))
        };
        let unknown = names.iter().zip(head.iter()).filter_map(strange).collect();
        Ok(Self { width: names.len(), places, unknown })
    }

    fn place(&self, column: &str) -> Option<usize> {
        let known = REQUIRED.iter().chain(OPTIONAL).position(|known| *known == column)?;
        self.places.get(known).copied().flatten()
    }

    fn has(&self) -> Has {
        let there = |column| self.place(column).is_some();
        Has { sponsor: there("sponsor"), time_zone: there("time_zone"), location: there("location") }
    }

    fn row(&self, record: &StringRecord) -> Row {
        let cell = |column| {
            let value = self.place(column).and_then(|place| record.get(place)).unwrap_or_default();
            Some(value.to_owned()).filter(|value| !value.is_empty())
        };
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
        let mut row = Row {
            line: record.position().map_or(0, csv::Position::line),
            employee_id: person.employee_id.clone().unwrap_or_default(),
            person,
            manager: cell("manager"),
            ..Row::default()
        };
        let surplus = record.iter().skip(self.width).any(|cell| !cell.is_empty());
        if record.len() < self.width || surplus {
            row.reasons.push(format!("has {} columns, the head has {}", record.len(), self.width));
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
}

impl Row {
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

    fn message(bytes: &[u8]) -> String {
        read(bytes).err().expect("refused").to_string()
    }

    #[test]
    fn files_that_cannot_be_read_are_refused_with_one_message() {
        assert_eq!(message(b""), "csv: is empty");
        assert_eq!(message(b"\xEF\xBB\xBF \r\n"), "csv: is empty");
        assert_eq!(message(b"\xFF\xFEe\0"), "csv: is UTF-16; save it as \"CSV UTF-8\"");
        let latin = [HEAD.as_bytes(), b"\n1,,Zo\xEB,X,,,,,,\n"].concat();
        assert_eq!(message(&latin), "csv: is not UTF-8 in line 2; save it as \"CSV UTF-8\"");
        assert_eq!(
            message(HEAD.replace(',', ";").as_bytes()),
            "csv: is not separated by commas; save it as CSV with commas"
        );
        assert_eq!(message(HEAD.replace(",email", "").as_bytes()), "csv: lacks the column email");
        assert_eq!(message(b"a,b\n").matches(", ").count(), 9, "every missing column is named");
        assert_eq!(message(format!("{HEAD},email").as_bytes()), "csv: has the column email twice");
        assert_eq!(message(&vec![b'a'; LARGEST_FILE + 1]), "csv: is larger than 10 MiB; split it");
    }

    #[test]
    fn marks_line_ends_and_strange_columns_are_taken_in_stride() {
        let text = format!(
            "\u{FEFF}{},Badge,=cmd\r\n1,,Ann,Lee,,,,,2026-01-05,,x,y\r\n\r\n,,,,,,,,,,,\r\n",
            HEAD.to_uppercase()
        );
        let sheet = read(text.as_bytes()).unwrap();
        assert_eq!(sheet.unknown, ["Badge", "'=cmd"]);
        assert_eq!(sheet.rows.len(), 1);
        assert_eq!(sheet.rows[0].person.given_name.as_deref(), Some("Ann"));
        assert_eq!(sheet.rows[0].line, 2);
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
