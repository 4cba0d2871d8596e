//! Sessions: an opaque 256-bit token in a cookie, kept as its SHA-256 digest; a new id and token at every rise of
//! privilege; an idle and a last end, both judged at each request.
//!
//! Rules: a session of an account that is not active now is dead by judgement, whether or not a job has ended it.
//! Full sessions are cached on each node and fall out of the cache with any event about their account; what the cache
//! does not know is read from the database, and so is what it holds for idle. May call: `access`
//! (named networks), `accounts`, `log`, `vault`.

mod cache;
mod listing;
mod opening;

use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use chrono::Duration;

pub use cache::Sessions;
pub use listing::{Listed, list, living};
pub(super) use opening::{Opening, begin, go_back_to, open, raise, renew};

use super::store::sessions as store;
use crate::access::named_networks;
use crate::accounts::{self, Account, Standing, State};
use crate::app::App;
use crate::caller::{Actor, Caller};
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, SessionId, WorkstationId};
use crate::log::event::Change;
use crate::vault::Place;
use cache::Key;

/// The cookie that carries the token: Secure, HttpOnly, SameSite=Lax, Path=/.
pub const COOKIE: &str = "__Host-session";

/// A request in a session is noted in the database once in so long, and more often where it ends soon.
const NOTED_EVERY: Duration = Duration::seconds(60);
const TOKEN_LENGTH: usize = 43;

crate::text_enum! {
    /// How far somebody has come.
    pub enum Stage {
        /// The password is chosen, the second factor is not confirmed: only enrolment is open.
        Enrolment = "enrolment",
        /// The password was right, the code is missing.
        Password = "password",
        /// An identity provider vouched for the person, but not for a second factor: the code is missing.
        Vouched = "vouched",
        /// Signed in.
        Full = "full",
    }
}

/// One session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id, which may stand in events and lists; the token cannot be told from it.
    pub id: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// How far they have come.
    pub stage: Stage,
    /// When it began.
    pub created_at: Timestamp,
    /// When something was last asked in it, to the minute.
    pub seen_at: Timestamp,
    /// When a second factor was last shown; `None` before it was.
    pub proved_at: Option<Timestamp>,
    /// How long it lives without a request.
    pub idle: Duration,
    /// When it ends, whatever happens in it.
    pub ends_at: Timestamp,
    /// The named network that it was seen in last, if that was one.
    pub(super) network: Option<String>,
    pub(super) next_password: Option<String>,
    /// The sign-in at an identity provider that it goes back to; `None` for one by this house's own means.
    pub origin: Option<String>,
    /// The shared workstation where it was begun, if it was one.
    pub workstation: Option<WorkstationId>,
}

impl Session {
    /// Who acts in this session. Only a full session is somebody.
    pub fn caller(&self) -> Caller {
        match self.stage {
            Stage::Full => Caller {
                actor: Actor::Person { account: self.account.clone(), session: self.id.clone() },
                proved_at: self.proved_at,
                once: None,
            },
            Stage::Enrolment | Stage::Password | Stage::Vouched => Caller::nobody(),
        }
    }

    fn lives(&self, seen_at: Timestamp, now: Timestamp) -> bool {
        now < self.end_after(seen_at)
    }

    /// When it ends if nothing is asked in it after `seen_at`.
    fn end_after(&self, seen_at: Timestamp) -> Timestamp {
        self.ends_at.min(seen_at.plus(self.idle))
    }

    /// In how long a time a request in it is noted once: a node that was not asked must not call it idle much too soon.
    fn noted_every(&self) -> Duration {
        NOTED_EVERY.min(self.idle / 8)
    }
}

/// Whether an account may have a session of that stage at `now`. An invited person may enrol and nothing else.
fn allows(account: &Account, stage: Stage, now: Timestamp) -> bool {
    let enough = match account.status_at(now).state {
        State::Active => true,
        State::Invited => stage == Stage::Enrolment,
        State::Suspended | State::Left | State::Erased => false,
    };
    enough && account.standing(now) == Standing::Active
}

/// A session that has just begun, with the token that is given out once.
pub struct Issued {
    /// The cookie's value.
    pub token: String,
    /// The session.
    pub session: Session,
}

/// The session that a cookie's token belongs to, if it lives; `from` is the address that shows it. From memory where
/// possible.
///
/// # Errors
/// [`Error::Unavailable`] or [`Error::Internal`] if the database had to be asked and could not answer.
pub async fn identify(app: &App, token: &str, from: Option<IpAddr>) -> Result<Option<Session>> {
    if token.len() != TOKEN_LENGTH {
        return Ok(None);
    }
    let key = fingerprint(token);
    let now = app.context().clock.now();
    if let Some(entry) = app.sessions().get(&key) {
        let seen_at = entry.seen_at();
        if entry.session.lives(seen_at, now) && allows(&entry.account, entry.session.stage, now) {
            entry.seen(now);
            note(app, &entry.session, (&entry.noted, from), now).await;
            return Ok(Some(entry.session.clone()));
        }
        // Another node may have seen it since.
        app.sessions().forget(&entry.session.account);
    }
    look_up(app, key, from).await
}

/// The session of that key with its owner, if it lives as far as the database knows.
fn living_one(reader: &mut Reader<'_>, key: &Key) -> Result<Option<(Session, Account)>> {
    let now = reader.now;
    let Some(session) = store::find(reader, &hex::encode(key))? else { return Ok(None) };
    let account = accounts::find(reader, &session.account)?;
    let lives = session.lives(session.seen_at, now) && allows(&account, session.stage, now);
    Ok(lives.then_some((session, account)))
}

async fn look_up(app: &App, key: Key, from: Option<IpAddr>) -> Result<Option<Session>> {
    let generation = app.sessions().generation();
    let found = app.read(move |reader| living_one(reader, &key)).await?;
    let Some((session, account)) = found else { return Ok(None) };
    // Where a session is seen is noted with its first request, not a minute later.
    let placeless = session.network.is_none() && from.is_some();
    let noted = AtomicI64::new(if placeless { 0 } else { session.seen_at.micros() });
    note(app, &session, (&noted, from), app.context().clock.now()).await;
    app.sessions().keep(generation, key, &session, account, &noted);
    Ok(Some(session))
}

/// How long a session that this token belongs to lives on without a request; `None` if it does not live. Asking this is
/// no request in it.
///
/// # Errors
/// As [`identify`].
pub async fn remaining(app: &App, token: &str) -> Result<Option<Duration>> {
    if token.len() != TOKEN_LENGTH {
        return Ok(None);
    }
    let (key, now) = (fingerprint(token), app.context().clock.now());
    if let Some(entry) = app.sessions().get(&key) {
        let (session, seen_at) = (&entry.session, entry.seen_at());
        if session.lives(seen_at, now) && allows(&entry.account, session.stage, now) {
            return Ok(Some(session.end_after(seen_at).since(now)));
        }
    }
    let found = app.read(move |reader| living_one(reader, &key)).await?;
    Ok(found.map(|(session, _)| session.end_after(session.seen_at).since(now)))
}

/// Writes down that something was asked, and in which named network, once a minute. A failure is logged: it can only end
/// the session early.
async fn note(app: &App, session: &Session, (noted, from): (&AtomicI64, Option<IpAddr>), now: Timestamp) {
    let (last, every) = (noted.load(Ordering::Acquire), session.noted_every());
    if now.micros() - last < every.num_microseconds().unwrap_or(i64::MAX)
        || noted.compare_exchange(last, now.micros(), Ordering::AcqRel, Ordering::Acquire).is_err()
    {
        return;
    }
    let id = session.id.clone();
    let outcome = app
        .alone(move |reader| {
            let stale_before = reader.now.minus(every).plus(Duration::microseconds(1));
            let network = match from {
                Some(from) => named_networks::of_address(reader, from)?,
                None => None,
            };
            store::touch(reader, &id, stale_before, network.as_deref())
        })
        .await;
    if let Err(error) = outcome {
        tracing::warn!(%error, session = %session.id, "a request could not be noted in its session");
    }
}

/// Ends one session of `account`. `cause` is a word of ours, such as "signed_out".
///
/// # Errors
/// [`Error::NotFound`] if the account has no such session.
pub fn end(tx: &mut Tx<'_>, account: &AccountId, id: &SessionId, cause: &str) -> Result<()> {
    if store::owner(tx, id)?.as_ref() != Some(account) || !store::end(tx, id, cause)? {
        return Err(Error::NotFound("session"));
    }
    let (account, session) = (account.clone(), id.clone());
    tx.record(Change::SessionEnded { account, session, cause: cause.to_owned() });
    Ok(())
}

/// Ends the session that asks, whatever its stage; only the end of a full one is an event.
pub(super) fn end_own(tx: &mut Tx<'_>, session: &Session, cause: &str) -> Result<()> {
    if store::end(tx, &session.id, cause)? && session.stage == Stage::Full {
        let (account, session) = (session.account.clone(), session.id.clone());
        tx.record(Change::SessionEnded { account, session, cause: cause.to_owned() });
    }
    Ok(())
}

/// Ends every session of an account but `except` (leaving, a new password, an administrator's word); returns how
/// many were full. Also those half way to signing in end.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn end_all(
    tx: &mut Tx<'_>,
    account: &AccountId,
    except: Option<&SessionId>,
    cause: &str,
) -> Result<usize> {
    let ended = store::end_all(tx, account, except, cause)?;
    let count = ended.len();
    for session in ended {
        tx.record(Change::SessionEnded { account: account.clone(), session, cause: cause.to_owned() });
    }
    Ok(count)
}

/// Ends every session that goes back to one of these sign-ins at an identity provider; returns how many were full.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn end_of_origins(tx: &mut Tx<'_>, origins: &[String], cause: &str) -> Result<usize> {
    let ended = store::end_of_origins(tx, origins, cause)?;
    Ok(record_ends(tx, ended, cause))
}

/// Ends every session that was begun on a shared workstation; returns how many were full.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn end_of_workstation(tx: &mut Tx<'_>, workstation: &WorkstationId, cause: &str) -> Result<usize> {
    let ended = store::end_of_workstation(tx, workstation, cause)?;
    Ok(record_ends(tx, ended, cause))
}

fn record_ends(tx: &mut Tx<'_>, ended: Vec<(SessionId, AccountId, Stage)>, cause: &str) -> usize {
    let mut full = 0;
    for (session, account, stage) in ended {
        if stage == Stage::Full {
            full += 1;
            tx.record(Change::SessionEnded { account, session, cause: cause.to_owned() });
        }
    }
    full
}

fn fingerprint(token: &str) -> Key {
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    key
}

fn agent_place(id: &SessionId) -> Place<'_> {
    Place { table: "sessions", column: "agent", row: id.as_str() }
}
