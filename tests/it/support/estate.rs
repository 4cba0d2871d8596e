//! A system that does not ask here, beside the small company: the ledger, which Otto keeps by hand.

use bailiwick::accounts::{self, Changes};
use bailiwick::caller::Caller;
use bailiwick::ids::AccountId;
use bailiwick::provisioning::Viewer;
use bailiwick::provisioning::import::{Report, RowReport, import_grants};
use bailiwick::provisioning::tasks::Task;
use bailiwick::provisioning::tasks::lists::{Part, list};

use super::House;
use super::company::{Company, read, write};

pub const HEAD: &str = "system,external_login,employee_id,email,role,granted_at,last_used";

/// A system that people keep by hand; its owner is Otto.
pub const LEDGER: &str = r#"
key = "ledger"
name = "Ledger"
owner = "otto"
integration = "manual"

[[feature]]
key = "booking"
class = "regulated"
actions = ["read", "write"]

[[feature]]
key = "customer"
class = "pii"
actions = ["read"]

[[role]]
key = "clerk"
name = "Books"
[[role.allow]]
feature = "booking"
actions = ["read", "write"]

[[role]]
key = "customer-reader"
name = "Sees customers"
access_role = true
approval = ["manager", "owner"]
max_duration = "90d"
[[role.allow]]
feature = "customer"
actions = ["read"]
"#;

/// The company with the ledger beside the order desk; three of its people have employee ids and addresses.
pub fn company(house: &House) -> Company {
    let company = Company::found_with(house, &[("ledger.toml", LEDGER)]);
    for (id, account) in [("E1", &company.cleo), ("E2", &company.pia), ("E3", &company.mara)] {
        let changes = Changes {
            employee_id: Some(Some(id.to_owned())),
            email: Some(Some(format!("{id}@corriden.example"))),
            ..Changes::default()
        };
        write(house, |tx| accounts::change(tx, account, &changes));
    }
    company
}

/// Imports rows below the head.
pub fn import(house: &House, rows: &[&str]) -> Report {
    let csv = format!("{HEAD}\n{}\n", rows.join("\n"));
    import_grants(&house.app, &Caller::shell(1000), csv.as_bytes(), false, &mut |_| ()).expect("it is read")
}

/// The row of a login.
#[track_caller]
pub fn row<'r>(report: &'r Report, login: &str) -> &'r RowReport {
    report.rows.iter().find(|row| row.external_login == login).expect("the row is reported")
}

/// Somebody who sees what is their own.
pub fn owner(account: &AccountId) -> Viewer {
    Viewer { account: account.clone(), handles: false, everything: false }
}

/// Somebody who looks after every system.
pub fn keeper(account: &AccountId) -> Viewer {
    Viewer { account: account.clone(), handles: true, everything: true }
}

/// The unfinished tasks of all systems, oldest first.
pub fn waiting(house: &House, company: &Company) -> Vec<Task> {
    read(house, |reader| list(reader, Part::Waiting, &keeper(&company.ada), None, 200)).0
}
