//! A house whose clock is moved while it is filled: days pass, jobs run when they are due, programs ask.

use std::future::Future;
use std::sync::Arc;

use chrono::Duration;
use serde_json::json;

use super::Visitor;
use super::cast::Actor;
use crate::access::keys::{self, NewKey};
use crate::app::App;
use crate::caller::{self, Caller};
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::decision::Question;
use crate::error::{Error, Result};
use crate::http::identify;
use crate::ids::AccountId;
use crate::{accounts, jobs};

/// The hour of the day, in UTC, at which the past is looked at.
const MORNING: Duration = Duration::hours(8);

/// The house, its clock, and those who act.
pub(super) struct Past {
    pub(super) app: App,
    pub(super) cast: Vec<Actor>,
    clock: Arc<ManualClock>,
    runtime: tokio::runtime::Runtime,
    until: Timestamp,
}

/// An application's program with its key.
pub(super) struct Desk {
    caller: Caller,
    application: &'static str,
}

/// A question of an application.
pub(super) struct Ask {
    pub(super) subject: &'static str,
    pub(super) feature: &'static str,
    pub(super) action: &'static str,
    pub(super) record: u32,
}

impl Past {
    pub(super) fn new(app: App, clock: Arc<ManualClock>, until: Timestamp) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|cause| Error::internal("starting a runtime", cause))?;
        let past = Self { app, cast: Vec::new(), clock, runtime, until };
        past.app.heartbeat()?;
        Ok(past)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The instant at which the visit begins.
    pub(super) fn until(&self) -> Timestamp {
        self.until
    }

    /// Waits for something that is made for requests.
    pub(super) fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(work)
    }

    /// Time passes; the node hears from the log.
    pub(super) fn advance(&self, span: Duration) -> Result<()> {
        self.clock.advance(span);
        self.app.heartbeat().map(drop)
    }

    /// Days pass, each with its jobs, until the morning so many days ago, or so many minutes before today's end.
    pub(super) fn come_to(&mut self, days_ago: i64, then: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        let midnight =
            self.until.minus(Duration::days(days_ago)).utc().date_naive().and_time(chrono::NaiveTime::MIN);
        self.come_to_instant(Timestamp::from(midnight.and_utc()).plus(MORNING), then)
    }

    /// The same until an instant; `then` is what people do each morning.
    pub(super) fn come_to_instant(
        &mut self,
        at: Timestamp,
        mut then: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        while self.now() < at {
            self.advance(at.since(self.now()).min(Duration::days(1)))?;
            jobs::run_due(&self.app)?;
            then(self)?;
        }
        Ok(())
    }

    /// The account behind a username.
    pub(super) fn account(&self, username: &str) -> Result<AccountId> {
        let found = self.app.read_now(|reader| accounts::find_by_name(reader, username))?;
        found.map(|account| account.id).ok_or(Error::NotFound("account"))
    }

    /// A key for an application's program.
    pub(super) fn desk(&self, by: &Caller, application: &'static str, owner: &str) -> Result<Desk> {
        let wanted = NewKey {
            name: format!("{application}-desk"),
            owner: self.account(owner)?,
            allow: vec!["bailiwick/evaluation:ask".to_owned()],
            application: Some(application.to_owned()),
            expires_at: self.now().plus(Duration::days(90)),
            asserts: None,
            networks: Vec::new(),
        };
        let issued = self.app.write_now(by, |tx| keys::issue(tx, &wanted))?.value;
        let actor = caller::Actor::Service { account: issued.account, key: issued.key };
        Ok(Desk { caller: Caller { actor, proved_at: None, once: None }, application })
    }

    /// Questions as an application asks them, one after the other; they are written down before time goes on.
    pub(super) fn ask(&self, desk: &Desk, questions: &[Ask]) -> Result<()> {
        let shipped = self.now().minus(Duration::days(2)).utc().format("%Y-%m-%d").to_string();
        let properties = json!({ "marketplace": "UK", "shipped_at": shipped });
        let context = json!({ "purpose": "shipping" });
        let label: std::sync::Arc<str> = desk.caller.label().into();
        for Ask { subject, feature, action, record } in questions {
            if identify::permit(&self.app, &desk.caller, "evaluation", "ask").is_err() {
                return Err(Error::internal(
                    "asking in the demonstration",
                    "the program's key does not count",
                ));
            }
            let record = format!("order-{record}");
            let question = Question {
                subject_type: "user",
                subject,
                application: Some(desk.application),
                resource_type: feature,
                resource: &record,
                action,
                properties: Some(&properties),
                context: Some(&context),
                ..Question::default()
            };
            let snapshot = self.app.decisions().snapshot();
            let decision = snapshot.evaluate(self.now(), self.app.freshness(), &question);
            let _kept = self.app.recorder().record(self.now(), &label, &question, &snapshot, &decision);
        }
        if self.app.recorder().flush() {
            return Ok(());
        }
        Err(Error::internal("filling the demonstration", "the records of decisions could not be written"))
    }

    /// The past is over: everything is written, and the house may be opened by today's clock.
    pub(super) fn end(self) -> Result<Vec<Visitor>> {
        let visitors = super::history::VISITORS.iter().map(|(part, username)| self.visitor(part, username));
        let visitors = visitors.collect::<Result<Vec<_>>>()?;
        crate::log::checkpoint::sign(self.app.database())?;
        self.app.close();
        Ok(visitors)
    }
}
