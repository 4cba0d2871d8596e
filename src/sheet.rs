//! Tables as text: CSV files that other systems write, their columns and rows, and what is wrong with either.
//!
//! Rules: UTF-8, with or without a byte order mark, any line ends; at most 10 MiB and 100,000 rows. A file that is not
//! that, or lacks a column, is refused as a whole with one message; a row that cannot be read is refused by itself.
//! Columns that nobody knows are named once and not read. Pure; calls `error`.

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::error::{Error, Result};

/// The largest file, in bytes.
pub const LARGEST_FILE: usize = 10 * 1024 * 1024;
/// The most rows.
pub const MOST_ROWS: usize = 100_000;
const MOST_COLUMNS: usize = 200;

/// A file that could be read.
#[derive(Debug)]
pub struct Sheet {
    /// Its rows, without empty ones.
    pub lines: Vec<Line>,
    /// The columns that nobody knows, as the head has them.
    pub unknown: Vec<String>,
    columns: Columns,
}

/// One row as the file has it.
#[derive(Debug)]
pub struct Line {
    /// The line of the file at which it begins, counted from 1.
    pub number: u64,
    /// Why its cells cannot be told apart, if so.
    pub fault: Option<String>,
    cells: StringRecord,
}

#[derive(Debug)]
struct Columns {
    width: usize,
    /// Each known column with its place, if the file has it.
    places: Vec<(&'static str, Option<usize>)>,
}

impl Sheet {
    /// Reads a file that must have the columns `required` and may have `optional` ones.
    ///
    /// # Errors
    /// [`Error::Invalid`] with one message if nothing of it can be imported.
    pub fn read(
        bytes: &[u8],
        required: &'static [&'static str],
        optional: &'static [&'static str],
    ) -> Result<Self> {
        if bytes.len() > LARGEST_FILE {
            return Err(refused("is larger than 10 MiB; split it"));
        }
        // One kind of line end: the reader counts lines at the second half of CRLF, which belongs to the next row for
        // it.
        let text = text_of(bytes)?.replace("\r\n", "\n");
        let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_reader(text.as_bytes());
        let head = reader.headers().map_err(|_| refused("has no head that could be read"))?.clone();
        let (columns, unknown) = Columns::of(&head, required, optional)?;
        let mut sheet = Self { lines: Vec::new(), unknown, columns };
        for record in reader.records() {
            let cells = record.map_err(|_| refused("cannot be read as CSV to its end"))?;
            if cells.iter().all(str::is_empty) {
                continue;
            }
            if sheet.lines.len() >= MOST_ROWS {
                return Err(refused("has more than 100,000 rows; split it"));
            }
            let fault = sheet.columns.fault(&cells);
            let number = cells.position().map_or(0, csv::Position::line);
            sheet.lines.push(Line { number, fault, cells });
        }
        Ok(sheet)
    }

    /// Whether the file has a column.
    pub fn has(&self, column: &str) -> bool {
        self.columns.place(column).is_some()
    }

    /// A cell; `None` if it is empty or the file has no such column.
    pub fn cell(&self, line: &Line, column: &str) -> Option<String> {
        let value = self.columns.place(column).and_then(|place| line.cells.get(place)).unwrap_or_default();
        Some(value.to_owned()).filter(|value| !value.is_empty())
    }
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

impl Columns {
    fn of(
        head: &StringRecord,
        required: &'static [&'static str],
        optional: &'static [&'static str],
    ) -> Result<(Self, Vec<String>)> {
        let names: Vec<String> = head.iter().map(|name| name.to_lowercase().replace(' ', "_")).collect();
        if names.len() > MOST_COLUMNS {
            return Err(refused("has more than 200 columns"));
        }
        let known: Vec<&'static str> = required.iter().chain(optional).copied().collect();
        if let Some(twice) =
            known.iter().find(|column| names.iter().filter(|name| *name == *column).count() > 1)
        {
            return Err(refused(format!("has the column {twice} twice")));
        }
        if let [single] = names.as_slice()
            && single.contains([';', '\t'])
        {
            return Err(refused("is not separated by commas; save it as CSV with commas"));
        }
        let place = |column: &str| names.iter().position(|name| name == column);
        let missing: Vec<&str> = required.iter().filter(|column| place(column).is_none()).copied().collect();
        if !missing.is_empty() {
            let plural = if missing.len() == 1 { "column" } else { "columns" };
            return Err(refused(format!("lacks the {plural} {}", missing.join(", "))));
        }
        let strange = |(name, cell): (&String, &str)| {
            (!known.contains(&name.as_str()) && !name.is_empty()).then(|| shown(cell))
        };
        let unknown = names.iter().zip(head.iter()).filter_map(strange).collect();
        let places = known.iter().map(|column| (*column, place(column))).collect();
        Ok((Self { width: names.len(), places }, unknown))
    }

    fn place(&self, column: &str) -> Option<usize> {
        self.places.iter().find(|(known, _)| *known == column).and_then(|(_, place)| *place)
    }

    fn fault(&self, cells: &StringRecord) -> Option<String> {
        let surplus = cells.iter().skip(self.width).any(|cell| !cell.is_empty());
        (cells.len() < self.width || surplus)
            .then(|| format!("has {} columns, the head has {}", cells.len(), self.width))
    }
}

/// A cell as it is shown: a formula is data here and must not become one elsewhere.
pub fn shown(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let plain: String = cell.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    if formula { format!("'{plain}") } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "system,login,email";

    fn read(bytes: &[u8]) -> Result<Sheet> {
        Sheet::read(bytes, &["system", "login"], &["email"])
    }

    fn message(bytes: &[u8]) -> String {
        read(bytes).map(drop).expect_err("refused").to_string()
    }

    #[test]
    fn files_that_cannot_be_read_are_refused_with_one_message() {
        assert_eq!(message(b""), "csv: is empty");
        assert_eq!(message(b"\xEF\xBB\xBF \r\n"), "csv: is empty");
        assert_eq!(message(b"\xFF\xFEe\0"), "csv: is UTF-16; save it as \"CSV UTF-8\"");
        let latin = [HEAD.as_bytes(), b"\nerp,Zo\xEB,\n"].concat();
        assert_eq!(message(&latin), "csv: is not UTF-8 in line 2; save it as \"CSV UTF-8\"");
        assert_eq!(
            message(HEAD.replace(',', ";").as_bytes()),
            "csv: is not separated by commas; save it as CSV with commas"
        );
        assert_eq!(message(b"system,email\n"), "csv: lacks the column login");
        assert_eq!(message(b"a,b\n"), "csv: lacks the columns system, login");
        assert_eq!(message(format!("{HEAD},email").as_bytes()), "csv: has the column email twice");
        assert_eq!(message(&vec![b'a'; LARGEST_FILE + 1]), "csv: is larger than 10 MiB; split it");
        assert_eq!(message(vec!["a"; 201].join(",").as_bytes()), "csv: has more than 200 columns");
    }

    #[test]
    fn marks_line_ends_and_strange_columns_are_taken_in_stride() {
        let text = format!(
            "\u{FEFF}{},Badge,=cmd\r\nerp,\"a\nb\",,x,y\r\n\r\n,,,,\r\nerp,c,,,\r\n",
            HEAD.to_uppercase()
        );
        let sheet = read(text.as_bytes()).unwrap();
        assert_eq!(sheet.unknown, ["Badge", "'=cmd"]);
        assert_eq!(sheet.lines.iter().map(|line| line.number).collect::<Vec<_>>(), [2, 6]);
        assert_eq!(sheet.cell(&sheet.lines[0], "login").as_deref(), Some("a\nb"));
        assert_eq!((sheet.cell(&sheet.lines[0], "email"), sheet.has("email")), (None, true));
    }

    #[test]
    fn a_row_of_another_width_is_at_fault_by_itself() {
        let sheet = read(format!("{HEAD}\nerp,ann\nerp,ann,,surplus\nerp,ann,,,\n").as_bytes()).unwrap();
        let faults: Vec<_> = sheet.lines.iter().map(|line| line.fault.as_deref()).collect();
        assert_eq!(faults[0], Some("has 2 columns, the head has 3"));
        assert_eq!((faults[1], faults[2]), (Some("has 4 columns, the head has 3"), None));
    }

    #[test]
    fn formulas_are_shown_as_data() {
        assert_eq!(shown("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(shown("@sum"), "'@sum");
        assert_eq!(shown("E-17"), "E-17");
        assert_eq!(shown("a\u{1b}[2Jb"), "a [2Jb");
    }
}
