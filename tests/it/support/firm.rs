//! A small firm: people with managers, the shipped catalogues, keys for the applications that ask.

use std::path::Path;

use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::access::grants::{self, Grant, NewGrant, Source};
use bailiwick::access::keys::{self, Issued, NewKey};
use bailiwick::accounts::{self, NewPerson};
use bailiwick::app::{App, Written};
use bailiwick::caller::{Actor, Caller};
use bailiwick::clock::Timestamp;
use bailiwick::db::Tx;
use bailiwick::error::Result;
use bailiwick::ids::{AccountId, SessionId};
use bailiwick::jobs;
use chrono::Duration;
use serde_json::{Value, json};

use super::{Browser, House};

/// The shell of the host's first user.
pub fn shell() -> Caller {
    Caller::shell(1000)
}

impl House {
    /// The instant at which the clock stands.
    pub fn now(&self) -> Timestamp {
        self.app.context().clock.now()
    }

    /// The instant so many days ahead.
    pub fn in_days(&self, days: i64) -> Timestamp {
        self.now().plus(Duration::days(days))
    }

    /// Runs a use case as the host's shell.
    pub async fn write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<Written<T>> {
        self.app.write(&shell(), f).await
    }

    /// Runs a use case as the host's shell; it must succeed.
    pub async fn done<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> T {
        self.write(f).await.unwrap_or_else(|error| panic!("{error:?}")).value
    }

    /// A person in use with that username, below a manager.
    pub async fn person(&self, username: &str, manager: Option<&AccountId>) -> AccountId {
        let new = NewPerson {
            username: Some(username.to_owned()),
            given_name: Some(username.to_owned()),
            family_name: Some("Example".to_owned()),
            manager: manager.cloned(),
            ..NewPerson::default()
        };
        self.done(move |tx| {
            let account = accounts::create_person(tx, new)?.id;
            accounts::enrol(tx, &account)?;
            let row = accounts::set_strong_factor(tx, &account, true)?;
            let change = bailiwick::log::event::Change::FactorEnrolled {
                account: account.clone(),
                factor: "totp".to_owned(),
            };
            tx.record_rows(change, vec![row]);
            Ok(account)
        })
        .await
    }

    /// Grace, who owns the order desk; Tomasz, who owns the warehouse; Mary, a manager; Ada and Ben below her. Then
    /// the shipped catalogues are applied.
    pub async fn firm(&self) -> Firm {
        let grace = self.person("grace", None).await;
        let tomasz = self.person("tomasz.wisniewski", None).await;
        let mary = self.person("mary", Some(&grace)).await;
        let ada = self.person("ada", Some(&mary)).await;
        let ben = self.person("ben", Some(&mary)).await;
        let files = vec![shipped("orders.toml"), shipped("warehouse.toml")];
        self.done(move |tx| apply::apply(tx, &files)).await;
        Firm { grace, tomasz, mary, ada, ben }
    }

    /// Gives a role as the house itself, until so many days from now.
    pub async fn give(&self, account: &AccountId, role: &str, days: i64) -> Grant {
        let wanted = wanted(account, role, Some(self.in_days(days)));
        self.done(move |tx| grants::grant(tx, &wanted)).await
    }

    /// A service with a key.
    pub async fn key(&self, name: &str, owner: &AccountId, app: Option<&str>, allow: &[&str]) -> Issued {
        let wanted = NewKey {
            name: name.to_owned(),
            owner: owner.clone(),
            allow: allow.iter().map(|text| (*text).to_owned()).collect(),
            application: app.map(str::to_owned),
            expires_at: self.in_days(90),
            asserts: None,
            networks: Vec::new(),
        };
        self.done(move |tx| keys::issue(tx, &wanted)).await
    }

    /// The order desk's own program, which asks for decisions.
    pub async fn order_desk(&self, owner: &AccountId) -> Browser {
        let issued = self.key("order-desk", owner, Some("orders"), &["bailiwick/evaluation:ask"]).await;
        self.browser().await.with_key(&issued.token)
    }

    /// Runs one job now.
    pub async fn run_job(&self, name: &'static str) -> Option<String> {
        let app: App = self.app.clone();
        tokio::task::spawn_blocking(move || jobs::run_now(&app, name)).await.expect("it runs").expect(name)
    }
}

/// The people of [`House::firm`].
pub struct Firm {
    pub grace: AccountId,
    pub tomasz: AccountId,
    pub mary: AccountId,
    pub ada: AccountId,
    pub ben: AccountId,
}

/// A person in a session with a fresh proof.
pub fn person(house: &House, account: &AccountId) -> Caller {
    let now = house.now();
    let session = SessionId::new(now, house.entropy.as_ref());
    Caller {
        actor: Actor::Person { account: account.clone(), session },
        proved_at: Some(now),
        ..Caller::nobody()
    }
}

/// A shipped catalogue.
pub fn shipped(name: &str) -> PolicyFile {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/apps").join(name);
    PolicyFile { name: name.to_owned(), text: std::fs::read_to_string(path).expect("a shipped catalogue") }
}

/// A grant that somebody wants.
pub fn wanted(account: &AccountId, role: &str, expires_at: Option<Timestamp>) -> NewGrant {
    NewGrant {
        account: account.clone(),
        role: role.to_owned(),
        scope: None,
        reason: "Works at the order desk".to_owned(),
        source: Source::Direct,
        approvers: Vec::new(),
        request: None,
        valid_from: None,
        expires_at,
    }
}

/// The question whether somebody may read an order.
pub fn may_read(subject: &str, feature: &str) -> Value {
    may(subject, feature, "read")
}

/// The question whether somebody may do something with a record, for shipping, of an order shipped a day ago.
pub fn may(subject: &str, feature: &str, action: &str) -> Value {
    json!({
        "subject": { "type": "user", "id": subject },
        "action": { "name": action },
        "resource": { "type": feature, "id": "1", "properties": { "shipped_at": "2026-11-22", "marketplace": "UK" } },
        "context": { "purpose": "shipping" },
    })
}

/// Asks one question and returns the decision.
pub async fn decision(asker: &mut Browser, question: &Value) -> bool {
    let answer = asker.post("/access/v1/evaluation", question.clone()).await.expect(200).json();
    answer["decision"].as_bool().unwrap_or_else(|| panic!("no decision: {answer}"))
}
