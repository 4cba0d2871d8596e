//! A small company: Ada administers, Mara manages Cleo and Pia, Otto owns the order desk. All are enrolled.

use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::access::grants::{self, Grant, NewGrant, Source};
use bailiwick::accounts::{self, NewPerson};
use bailiwick::caller::{Actor, Caller};
use bailiwick::clock::Timestamp;
use bailiwick::db::{Reader, Tx};
use bailiwick::decision::{Freshness, Question};
use bailiwick::error::Result;
use bailiwick::ids::{AccountId, SessionId};
use bailiwick::log::event::Change;
use bailiwick::organisation::{self, Wishes};
use chrono::Duration;

use super::House;

/// The order desk: one access role for customers' data, one ordinary role that anybody gets who asks.
pub const ORDERS: &str = r#"
key = "orders"
name = "Order desk"
owner = "otto"

[[feature]]
key = "buyer-address"
class = "pii"
actions = ["read", "export"]

[[feature]]
key = "order"
class = "regulated"
actions = ["read", "write"]

[[role]]
key = "address-reader"
name = "Reads buyer addresses"
access_role = true
approval = ["manager", "owner"]
max_duration = "90d"
[[role.allow]]
feature = "buyer-address"
actions = ["read"]

[[role]]
key = "clerk"
name = "Works on orders"
[[role.allow]]
feature = "order"
actions = ["read", "write"]
"#;

/// Who is who.
pub struct Company {
    pub ada: AccountId,
    pub mara: AccountId,
    pub otto: AccountId,
    pub cleo: AccountId,
    pub pia: AccountId,
}

impl Company {
    /// Founds the company in an empty house.
    pub fn found(house: &House) -> Self {
        Self::found_with(house, &[])
    }

    /// Founds the company with further catalogues, as (file, text), beside that of the order desk.
    pub fn found_with(house: &House, catalogues: &[(&str, &str)]) -> Self {
        let wishes = Wishes { name: Some("Corriden Parcels".to_owned()), ..Wishes::default() };
        write(house, |tx| organisation::set(tx, &wishes));
        let ada = person(house, "ada", None);
        give(house, &ada, "bailiwick/administrator", 300);
        let otto = person(house, "otto", Some(&ada));
        let mara = person(house, "mara", Some(&ada));
        let cleo = person(house, "cleo", Some(&mara));
        let pia = person(house, "pia", Some(&mara));
        let all = [("orders.toml", ORDERS)].into_iter().chain(catalogues.iter().copied());
        let files: Vec<PolicyFile> =
            all.map(|(name, text)| PolicyFile { name: name.to_owned(), text: text.to_owned() }).collect();
        write(house, |tx| apply::apply(tx, &files));
        write(house, organisation::complete_set_up);
        Self { ada, mara, otto, cleo, pia }
    }
}

/// Writes as the shell's user.
#[track_caller]
pub fn write<T>(house: &House, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> T {
    house.app.write_now(&Caller::shell(1000), f).expect("it is written").value
}

/// Reads.
#[track_caller]
pub fn read<T>(house: &House, f: impl FnOnce(&mut Reader<'_>) -> Result<T>) -> T {
    house.app.read_now(f).expect("it is read")
}

/// A person who is enrolled with a strong factor.
pub fn person(house: &House, username: &str, manager: Option<&AccountId>) -> AccountId {
    write(house, |tx| {
        let new = NewPerson {
            username: Some(username.to_owned()),
            given_name: Some(format!("{}{}", username[..1].to_uppercase(), &username[1..])),
            family_name: Some("Corriden".to_owned()),
            manager: manager.cloned(),
            ..NewPerson::default()
        };
        let account = accounts::create_person(tx, new)?;
        accounts::enrol(tx, &account.id)?;
        let row = accounts::set_strong_factor(tx, &account.id, true)?;
        tx.record_rows(
            Change::FactorEnrolled { account: account.id.clone(), factor: "totp".to_owned() },
            vec![row],
        );
        Ok(account.id)
    })
}

/// Gives a role for so many days, as if it had been approved.
pub fn give(house: &House, account: &AccountId, role: &str, days: i64) -> Grant {
    write(house, |tx| {
        let wanted = NewGrant {
            account: account.clone(),
            role: role.to_owned(),
            scope: None,
            reason: "returns desk".to_owned(),
            source: Source::Direct,
            approvers: Vec::new(),
            request: None,
            valid_from: None,
            expires_at: Some(tx.now.plus(Duration::days(days))),
        };
        grants::grant(tx, &wanted)
    })
}

/// Somebody signed in, who has just proved it.
pub fn as_person(house: &House, account: &AccountId) -> Caller {
    let now = house.app.context().clock.now();
    let session = SessionId::new(now, house.entropy.as_ref());
    Caller {
        actor: Actor::Person { account: account.clone(), session },
        proved_at: Some(now),
        ..Caller::nobody()
    }
}

/// Whether the decision point permits it now.
pub fn may(house: &House, account: &AccountId, permission: &str) -> bool {
    may_at(house, account, permission, house.app.context().clock.now())
}

/// Whether the decision point permits it at an instant.
pub fn may_at(house: &House, account: &AccountId, permission: &str, at: Timestamp) -> bool {
    let (feature, action) = permission.split_once(':').expect("app/feature:action");
    let question = Question {
        subject_type: "user",
        subject: account.as_str(),
        application: None,
        resource_type: feature,
        resource: "",
        action,
        ..Question::default()
    };
    house.app.decisions().evaluate(at, Freshness::Fresh, &question).permit()
}

/// Nothing in the house is other than the log says.
#[track_caller]
pub fn assert_sound(house: &House) {
    let location = house.app.database().location().clone();
    let report =
        bailiwick::log::verify::all(&location, house.app.context(), bailiwick::governed::SOURCES, None)
            .expect("the log can be read");
    assert!(report.is_sound(), "{report}");
}
