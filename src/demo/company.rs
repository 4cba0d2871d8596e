//! Who works in the example company, and what its applications are.
//!
//! The people are a part of `policies/examples/people.csv`, which has many more; the catalogues are those of
//! `policies/apps` and one more, of a system that never asks.

use std::collections::BTreeMap;

use crate::access::apply::PolicyFile;
use crate::error::{Error, Result};

/// How many people the company has.
pub(super) const PEOPLE: usize = 60;

const FILE: &str = include_str!("../../policies/examples/people.csv");
const ORDERS: &str = include_str!("../../policies/apps/orders.toml");
const WAREHOUSE: &str = include_str!("../../policies/apps/warehouse.toml");

/// The claims desk of the parcels' insurer: somebody keeps its accounts by hand.
const CLAIMS: &str = r#"key = "claims"
name = "Insurer's claims desk"
owner = "pawel.dabrowski"
integration = "manual"
hosting = "shared"

[[feature]]
key = "claim"
name = "Claims about damaged parcels"
class = "regulated"
actions = ["read", "file"]

[[role]]
key = "claims-handler"
name = "Files claims"
approval = ["manager"]
[[role.allow]]
feature = "claim"
actions = ["read", "file"]
"#;

/// Those of the file whose ids go up to this one lead somebody: all of them work here.
const LAST_LEAD: &str = "HP-1031";
/// Who is needed by name.
const NAMED: &[&str] =
    &["ines.evans", "elena.wozniak", "chidi.nair", "filip.gibbons", "jiho.mansour", "wren.abernathy"];
/// How many report to each of these, at most, beside those named.
const TEAMS: &[(&str, usize)] = &[("HP-1021", 3), ("HP-1022", 6), ("HP-1011", 8), ("HP-1015", 12)];
/// Who has been here since before this year: the house must be younger than all of them.
const HERE_BEFORE: &str = "2025";

/// The catalogues.
pub(super) fn catalogues() -> Vec<PolicyFile> {
    [("orders.toml", ORDERS), ("warehouse.toml", WAREHOUSE), ("claims.toml", CLAIMS)]
        .map(|(name, text)| PolicyFile { name: name.to_owned(), text: text.to_owned() })
        .into()
}

/// The file of the company's people.
///
/// # Errors
/// [`Error::Internal`] if the shipped example is not as it was, which a test rules out.
pub(super) fn people() -> Result<Vec<u8>> {
    let failed = |cause: &dyn std::fmt::Display| Error::internal("reading the example company", cause);
    let mut reader = csv::Reader::from_reader(FILE.as_bytes());
    let header = reader.headers().map_err(|cause| failed(&cause))?.clone();
    let column = |name| header.iter().position(|one| one == name).ok_or_else(|| failed(&name));
    let (id, username, manager) = (column("employee_id")?, column("username")?, column("manager")?);
    let (start, end, kind) = (column("start_date")?, column("end_date")?, column("worker_type")?);
    let mut room: BTreeMap<&str, usize> = TEAMS.iter().copied().collect();
    let mut rest = PEOPLE;
    let mut rows: Vec<csv::StringRecord> =
        reader.records().collect::<std::result::Result<_, _>>().map_err(|cause| failed(&cause))?;
    // Those who are needed come first, so that a full team never keeps them out.
    rows.sort_by_key(|row| !(row[id] <= *LAST_LEAD || NAMED.contains(&&row[username])));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).map_err(|cause| failed(&cause))?;
    for row in rows {
        let stays = row[end].is_empty() && &row[kind] == "employee" && row[start] < *HERE_BEFORE;
        let needed = &row[id] <= LAST_LEAD || NAMED.contains(&&row[username]);
        let fits = needed || room.get_mut(&row[manager]).is_some_and(take);
        if stays && fits && take(&mut rest) {
            writer.write_record(&row).map_err(|cause| failed(&cause))?;
        }
    }
    writer.into_inner().map_err(|cause| failed(&cause))
}

/// Takes one of so many, if one is left.
fn take(left: &mut usize) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_people_work_here_and_everybody_who_is_named() {
        let file = String::from_utf8(people().unwrap()).unwrap();
        assert_eq!(file.lines().count(), PEOPLE + 1, "{file}");
        for name in NAMED.iter().chain(&["grace", "tomasz.wisniewski", "oliver.pemberton"]) {
            assert!(file.contains(&format!(",{name},")), "{name}");
        }
    }
}
