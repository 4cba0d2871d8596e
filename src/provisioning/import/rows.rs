//! The rows of a file of existing access. What a CSV file must be at all stands in `sheet`. Pure.

use std::collections::HashMap;

use crate::accounts::dates::Day;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::provisioning::{Identity, Use};
use crate::sheet::{Line, Sheet};
use crate::vault::fold;

/// The columns of the file; each must be there.
pub const COLUMNS: &[&str] =
    &["system", "external_login", "employee_id", "email", "role", "granted_at", "last_used"];

/// The longest login, employee id or address, in characters.
const LONGEST: usize = 200;
/// The longest system or role, in characters.
const LONGEST_KEY: usize = 130;

/// One row as the file has it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) system: String,
    /// `system/role`.
    pub(super) role: String,
    pub(super) named: Identity,
    pub(super) granted_at: Option<Timestamp>,
    pub(super) used: Use,
    pub(super) used_at: Option<Timestamp>,
    pub(super) reasons: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// Reads a file: its rows, and the columns that nobody knows.
pub(super) fn read(bytes: &[u8]) -> Result<(Vec<Row>, Vec<String>)> {
    let sheet = Sheet::read(bytes, COLUMNS, &[])?;
    let mut rows: Vec<Row> = sheet.lines.iter().map(|line| Row::of(&sheet, line)).collect();
    refuse_repeated(&mut rows);
    Ok((rows, sheet.unknown))
}

/// A login has a role in a system once: the first row says so, later ones repeat it.
fn refuse_repeated(rows: &mut [Row]) {
    let mut first: HashMap<(String, String, String), u64> = HashMap::new();
    for row in rows.iter_mut().filter(|row| row.reasons.is_empty()) {
        let key = (row.system.clone(), row.role.clone(), fold(&row.named.login));
        let line = *first.entry(key).or_insert(row.line);
        if line != row.line {
            row.reasons.push(format!("line {line} has this login with this role already"));
        }
    }
}

impl Row {
    fn of(sheet: &Sheet, line: &Line) -> Self {
        let cell = |column| sheet.cell(line, column);
        let mut row = Self {
            line: line.number,
            system: cell("system").unwrap_or_default(),
            role: cell("role").unwrap_or_default(),
            named: Identity {
                login: cell("external_login").unwrap_or_default(),
                employee_id: cell("employee_id"),
                email: cell("email"),
            },
            granted_at: None,
            used: Use::Unknown,
            used_at: None,
            reasons: line.fault.clone().into_iter().collect(),
            warnings: Vec::new(),
        };
        if line.fault.is_some() {
            return row;
        }
        row.needs("system", row.system.is_empty());
        row.needs("external_login", row.named.login.is_empty());
        row.needs("role", row.role.is_empty());
        row.limit_lengths();
        if !row.role.contains('/') {
            row.role = format!("{}/{}", row.system, row.role);
        }
        row.granted_at = row.instant("granted_at", cell("granted_at"));
        row.read_use(cell("last_used"));
        row
    }

    fn needs(&mut self, column: &str, missing: bool) {
        if missing {
            self.reasons.push(format!("{column} is missing"));
        }
    }

    fn limit_lengths(&mut self) {
        let texts = [
            ("external_login", Some(&self.named.login), LONGEST),
            ("employee_id", self.named.employee_id.as_ref(), LONGEST),
            ("email", self.named.email.as_ref(), LONGEST),
            ("system", Some(&self.system), LONGEST_KEY),
            ("role", Some(&self.role), LONGEST_KEY),
        ];
        let mut reasons = Vec::new();
        for (column, text, longest) in texts {
            let Some(text) = text else { continue };
            if text.chars().count() > longest {
                reasons.push(format!("{column} has more than {longest} characters"));
            }
            if text.chars().any(char::is_control) {
                reasons.push(format!("{column} has a line end or another sign that cannot be seen"));
            }
        }
        self.reasons.append(&mut reasons);
    }

    /// A bare day is its first instant in UTC: systems write their lists without a zone.
    fn instant(&mut self, column: &str, cell: Option<String>) -> Option<Timestamp> {
        let cell = cell?;
        let day = Day::parse(&cell).map(|day| day.begins(chrono_tz::UTC));
        if day.is_none() {
            self.reasons.push(format!("{column} must be as 2026-11-30 or 2026-11-30T17:00:00Z"));
        }
        day
    }

    fn read_use(&mut self, cell: Option<String>) {
        match cell.as_deref().map(str::to_lowercase).as_deref() {
            None | Some("unknown") => {}
            Some("never") => self.used = Use::Never,
            Some(_) => {
                self.used_at = self.instant("last_used", cell);
                self.used = if self.used_at.is_some() { Use::On } else { Use::Unknown };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Row> {
        read(format!("{}\n{text}", COLUMNS.join(",")).as_bytes()).unwrap().0
    }

    #[test]
    fn a_date_never_and_nothing_are_three_uses() {
        let read = rows(
            "erp,a,,,x,,2026-11-20\nerp,b,,,x,,Never\nerp,c,,,x,,\nerp,d,,,erp/x,2026-01-02T03:04:05Z,unknown\n",
        );
        let uses: Vec<Use> = read.iter().map(|row| row.used).collect();
        assert_eq!(uses, [Use::On, Use::Never, Use::Unknown, Use::Unknown]);
        assert!(read.iter().all(|row| row.role == "erp/x" && row.reasons.is_empty()), "{read:?}");
        assert_eq!(read[0].used_at, Timestamp::parse("2026-11-20T00:00:00Z"));
        assert_eq!(read[3].granted_at, Timestamp::parse("2026-01-02T03:04:05Z"));
    }

    #[test]
    fn what_is_missing_repeated_or_unreadable_is_refused_with_its_reason() {
        let read = rows("erp,,,,,20.11.2026,soon\nerp,Ann,,,x,,\nerp,ann,,,x,,\nerp,ann,,,y,,\n");
        assert_eq!(read[0].reasons.len(), 4, "{:?}", read[0].reasons);
        let faults: Vec<usize> = read.iter().skip(1).map(|row| row.reasons.len()).collect();
        assert_eq!(faults, [0, 1, 0]);
        assert_eq!(read[2].reasons, ["line 3 has this login with this role already"]);
    }
}
