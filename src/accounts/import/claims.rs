//! What the rows of one file claim, before the database is asked: each employee id, username and external id once,
//! each address for one person, managers before those who report to them.
//!
//! Pure.

use std::collections::HashMap;

use super::super::details::Details;
use super::super::joining::checked_details;
use super::sheet::Row;
use crate::error::Error;
use crate::vault::fold;

/// Why something was refused, in words for the row; `None` for a fault that is not the row's.
pub(super) fn reasons(error: &Error) -> Option<Vec<String>> {
    match error {
        Error::Invalid(fields) => {
            let said = |field: &crate::error::FieldError| {
                let clause = field.clause.as_ref().map(|clause| format!(" ({clause})")).unwrap_or_default();
                format!("{} {}{clause}", field.field, field.detail)
            };
            Some(fields.iter().map(said).collect())
        }
        Error::Conflict(_, detail) => Some(vec![detail.clone()]),
        _ => None,
    }
}

/// Reads each row's personal part; what is wrong becomes a reason of the row.
pub(super) fn details_of(rows: &mut [Row]) -> Vec<Details> {
    rows.iter_mut()
        .map(|row| {
            let checked = checked_details(&row.person);
            if let Err(error) = &checked {
                row.reasons.extend(reasons(error).unwrap_or_default());
            }
            checked.unwrap_or_default()
        })
        .collect()
}

/// Gives each employee id to the first row that has it, and refuses the later ones.
pub(super) fn by_employee_id(rows: &mut [Row]) -> HashMap<String, usize> {
    let mut first = HashMap::new();
    for (index, row) in rows.iter_mut().enumerate().filter(|(_, row)| !row.employee_id.is_empty()) {
        let taken = first.entry(fold(&row.employee_id)).or_insert((index, row.line));
        if taken.0 != index {
            row.reasons.push(format!("line {} has this employee_id already", taken.1));
        }
    }
    first.into_iter().map(|(id, (index, _))| (id, index)).collect()
}

/// Gives each name a subject can be asked by to the first row that claims it, and refuses the later ones.
pub(super) fn subject_names(rows: &mut [Row], details: &[Details]) -> HashMap<String, usize> {
    let mut first: HashMap<String, (usize, u64)> = HashMap::new();
    for (index, (row, details)) in rows.iter_mut().zip(details).enumerate() {
        if !row.reasons.is_empty() {
            continue;
        }
        let username = Some(&details.username).filter(|name| !name.is_empty());
        for (column, name) in [("username", username), ("external_id", details.external_id.as_ref())] {
            let Some(name) = name else { continue };
            let taken = *first.entry(fold(name)).or_insert((index, row.line));
            if taken.0 != index {
                row.reasons.push(format!("line {} claims this {column} already", taken.1));
            }
        }
    }
    first.into_iter().map(|(name, (index, _))| (name, index)).collect()
}

/// The rows that claim each address, in the order of the file.
pub(super) fn addresses(rows: &[Row], details: &[Details]) -> HashMap<String, Vec<usize>> {
    let mut claims: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, (row, details)) in rows.iter().zip(details).enumerate() {
        if let (true, Some(email)) = (row.reasons.is_empty(), &details.email) {
            claims.entry(fold(email)).or_default().push(index);
        }
    }
    claims
}

/// The rows that may be imported, managers before those who report to them. Where the managers form a circle, the
/// row that closes it is warned and goes without one.
pub(super) fn managers_first(rows: &mut [Row], by_employee_id: &HashMap<String, usize>) -> Vec<usize> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Never,
        OnThisPath,
        Placed,
    }
    let above: Vec<Option<usize>> = rows
        .iter()
        .map(|row| row.manager.as_deref().and_then(|manager| by_employee_id.get(&fold(manager)).copied()))
        .collect();
    let mut seen = vec![Seen::Never; rows.len()];
    let mut order = Vec::with_capacity(rows.len());
    for start in 0..rows.len() {
        let (mut path, mut next) = (Vec::new(), Some(start));
        while let Some(current) = next.filter(|current| seen[*current] == Seen::Never) {
            seen[current] = Seen::OnThisPath;
            path.push(current);
            next = above[current];
        }
        let closes = next.is_some_and(|next| seen[next] == Seen::OnThisPath);
        if let (true, Some(last)) = (closes, path.last()) {
            let row = &mut rows[*last];
            let words = if next == Some(*last) {
                "manager is the person; left without one"
            } else {
                "the managers form a circle; left without one"
            };
            row.warnings.push(words.to_owned());
            row.manager = None;
            row.keeps_manager = true;
        }
        for index in path.into_iter().rev() {
            seen[index] = Seen::Placed;
            order.push(index);
        }
    }
    order.retain(|index| rows[*index].reasons.is_empty());
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(managers: &[Option<&str>]) -> Vec<Row> {
        let row = |(index, manager): (usize, &Option<&str>)| Row {
            line: index as u64 + 2,
            employee_id: index.to_string(),
            manager: manager.map(str::to_owned),
            ..Row::default()
        };
        managers.iter().enumerate().map(row).collect()
    }

    fn ordered(managers: &[Option<&str>]) -> (Vec<usize>, Vec<usize>) {
        let mut rows = rows(managers);
        let by_id = by_employee_id(&mut rows);
        let order = managers_first(&mut rows, &by_id);
        let warned =
            rows.iter().enumerate().filter(|(_, row)| !row.warnings.is_empty()).map(|(at, _)| at).collect();
        (order, warned)
    }

    #[test]
    fn managers_come_before_those_who_report_to_them() {
        assert_eq!(ordered(&[Some("2"), Some("0"), None, Some("1")]), (vec![2, 0, 1, 3], vec![]));
        assert_eq!(ordered(&[Some("nobody"), Some("0")]), (vec![0, 1], vec![]));
    }

    #[test]
    fn circles_are_opened_where_they_close() {
        assert_eq!(ordered(&[Some("1"), Some("2"), Some("0")]), (vec![2, 1, 0], vec![2]));
        assert_eq!(ordered(&[Some("0"), Some("0")]), (vec![0, 1], vec![0]));
    }

    #[test]
    fn an_employee_id_is_given_once() {
        let mut rows = rows(&[None, None]);
        rows[1].employee_id = "0".to_owned();
        by_employee_id(&mut rows);
        assert_eq!(rows[1].reasons, ["line 2 has this employee_id already"]);
        assert!(rows[0].reasons.is_empty());
    }
}
