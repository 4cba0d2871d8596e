//! Sessions: an opaque 256-bit token in a cookie, kept as its SHA-256 digest; a new id and token at every rise of
//! privilege; an idle and a last end, both judged at each request.
//!
//! Rules: a session of an account that is not active now is dead by judgement, whether or not a job has ended it.
//! Full sessions are cached on each node and fall out of the cache with any event about their account; what the cache
//! does not know is read from the database, and so is what it holds for idle. May call: `access`
//! (named networks), `accounts`, `log`, `vault`.

mod cache;

use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use chrono::Duration;
use serde::Serialize;

pub use cache::Sessions;

use super::limits::Limit;
use super::store::sessions as store;
use crate::access::named_networks;
use crate::accounts::{self, Account, Standing, State};
use crate::app::App;
use crate::caller::{Actor, Caller};
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::entropy;
use crate::error::{Error, Result};
use crate::ids::{AccountId, SessionId};
use crate::log::event::Change;
use crate::vault::Place;
use cache::Key;

/// The cookie that carries the token: Secure, HttpOnly, SameSite=Lax, Path=/.
pub const COOKIE: &str = "__Host-session";

/// A request in a session is noted in the database once in so long.
const NOTED_EVERY: Duration = Duration::seconds(60);
const TOKEN_LENGTH: usize = 43;
const AGENT_LENGTH: usize = 200;

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
        now < self.ends_at && now < seen_at.plus(self.idle)
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

/// A session as its owner sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OwnSession)]
pub struct Listed {
    /// Its id.
    pub id: SessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// When something was last asked in it, to the minute.
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
    /// How the browser named itself.
    pub agent: String,
    /// The organisation's name of the network that it was seen in last; null outside all of them.
    #[schema(required)]
    pub network: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
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

async fn look_up(app: &App, key: Key, from: Option<IpAddr>) -> Result<Option<Session>> {
    let generation = app.sessions().generation();
    let found = app
        .read(move |reader| {
            let now = reader.now;
            let Some(session) = store::find(reader, &hex::encode(key))? else { return Ok(None) };
            let account = accounts::find(reader, &session.account)?;
            let lives = session.lives(session.seen_at, now) && allows(&account, session.stage, now);
            Ok(lives.then_some((session, account)))
        })
        .await?;
    let Some((session, account)) = found else { return Ok(None) };
    // Where a session is seen is noted with its first request, not a minute later.
    let placeless = session.network.is_none() && from.is_some();
    let noted = AtomicI64::new(if placeless { 0 } else { session.seen_at.micros() });
    note(app, &session, (&noted, from), app.context().clock.now()).await;
    app.sessions().keep(generation, key, &session, account, &noted);
    Ok(Some(session))
}

/// Writes down that something was asked, and in which named network, once a minute. A failure is logged: it can only end
/// the session early.
async fn note(app: &App, session: &Session, (noted, from): (&AtomicI64, Option<IpAddr>), now: Timestamp) {
    let last = noted.load(Ordering::Acquire);
    if now.micros() - last < NOTED_EVERY.num_microseconds().unwrap_or(i64::MAX)
        || noted.compare_exchange(last, now.micros(), Ordering::AcqRel, Ordering::Acquire).is_err()
    {
        return;
    }
    let id = session.id.clone();
    let outcome = app
        .alone(move |reader| {
            let stale_before = reader.now.minus(NOTED_EVERY).plus(Duration::microseconds(1));
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

/// What a new session is made of.
pub(super) struct Opening<'a> {
    pub account: &'a AccountId,
    pub stage: Stage,
    pub limit: Limit,
    pub agent: &'a str,
    pub next_password: Option<String>,
}

/// Begins a session and makes its token. The event, where there is one, is the caller's to record.
pub(super) fn open(reader: &mut Reader<'_>, opening: Opening<'_>) -> Result<Issued> {
    let Opening { account, stage, limit, agent, next_password } = opening;
    let token = entropy::token(reader.entropy());
    let id = SessionId::new(reader.now, reader.entropy());
    let agent: String = agent.chars().take(AGENT_LENGTH).collect();
    let sealed = reader.vault().seal(reader.entropy(), agent_place(&id), agent.as_bytes())?;
    let ends_at = reader.now.plus(limit.longest);
    let row = store::New {
        id: id.clone(),
        digest: hex::encode(fingerprint(&token)),
        account: account.clone(),
        stage,
        idle_seconds: limit.idle.num_seconds(),
        ends_at,
        agent: sealed,
        next_password: next_password.clone(),
    };
    store::insert(reader, &row)?;
    let now = reader.now;
    let session = Session {
        id,
        account: account.clone(),
        stage,
        created_at: now,
        seen_at: now,
        proved_at: (stage == Stage::Full).then_some(now),
        idle: limit.idle,
        ends_at,
        network: None,
        next_password,
        origin: None,
    };
    Ok(Issued { token, session })
}

/// Notes what a session that has just begun goes back to, and when its owner last showed a second factor.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn go_back_to(
    reader: &mut Reader<'_>,
    issued: &mut Issued,
    (origin, proved_at): (&str, Timestamp),
) -> Result<()> {
    let session = &mut issued.session;
    store::set_origin(reader, &session.id, (origin, proved_at))?;
    session.origin = Some(origin.to_owned());
    session.proved_at = session.proved_at.map(|_| proved_at);
    Ok(())
}

/// Exchanges a session for a full one: the old token is dead, and of two that try at once one succeeds.
///
/// # Errors
/// [`Error::Unauthenticated`] if the old one has ended meanwhile.
pub(super) fn raise(
    tx: &mut Tx<'_>,
    old: &Session,
    limit: Limit,
    agent: &str,
    methods: &[&str],
) -> Result<Issued> {
    if !store::end(tx, &old.id, "raised")? {
        return Err(Error::Unauthenticated);
    }
    exchange(tx, old, limit, agent, methods)
}

/// Begins the session that takes another's place, and goes back to where that one did.
fn exchange(tx: &mut Tx<'_>, old: &Session, limit: Limit, agent: &str, methods: &[&str]) -> Result<Issued> {
    let mut issued = begin(tx, &old.account, limit, agent, methods)?;
    if let Some(origin) = &old.origin {
        let now = tx.now;
        go_back_to(tx, &mut issued, (origin, now))?;
    }
    Ok(issued)
}

/// Begins a full session of somebody who has shown all that is asked for.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn begin(
    tx: &mut Tx<'_>,
    account: &AccountId,
    limit: Limit,
    agent: &str,
    methods: &[&str],
) -> Result<Issued> {
    let opening = Opening { account, stage: Stage::Full, limit, agent, next_password: None };
    let issued = open(tx, opening)?;
    tx.record(Change::SessionStarted {
        account: account.clone(),
        session: issued.session.id.clone(),
        methods: methods.iter().map(|method| (*method).to_owned()).collect(),
    });
    Ok(issued)
}

/// Exchanges a full session for a fresh one after somebody has shown again who they are: the old token is dead.
///
/// # Errors
/// [`Error::Unauthenticated`] if the old one has ended meanwhile.
pub(super) fn renew(
    tx: &mut Tx<'_>,
    old: &Session,
    limit: Limit,
    agent: &str,
    methods: &[&str],
) -> Result<Issued> {
    end(tx, &old.account, &old.id, "proved_again").map_err(|error| match error {
        Error::NotFound(_) => Error::Unauthenticated,
        other => other,
    })?;
    exchange(tx, old, limit, agent, methods)
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
pub(super) fn end_own(tx: &mut Tx<'_>, session: &Session) -> Result<()> {
    if store::end(tx, &session.id, "signed_out")? && session.stage == Stage::Full {
        let (account, session) = (session.account.clone(), session.id.clone());
        tx.record(Change::SessionEnded { account, session, cause: "signed_out".to_owned() });
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
    let mut full = 0;
    for (session, account, stage) in ended {
        if stage == Stage::Full {
            full += 1;
            tx.record(Change::SessionEnded { account, session, cause: cause.to_owned() });
        }
    }
    Ok(full)
}

/// How many sessions of the account were neither ended nor have run out at `reader.now`.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn living(reader: &mut Reader<'_>, account: &AccountId) -> Result<usize> {
    let now = reader.now;
    let rows = store::list(reader, account)?;
    Ok(rows.iter().filter(|row| now < row.seen_at.plus(Duration::seconds(row.idle_seconds))).count())
}

/// The living sessions of an account, newest first; `current` marks the one that asks.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database or a browser's name that does not open.
pub fn list(
    reader: &mut Reader<'_>,
    account: &AccountId,
    current: Option<&SessionId>,
) -> Result<Vec<Listed>> {
    let (now, vault) = (reader.now, reader.vault());
    let rows = store::list(reader, account)?;
    rows.into_iter()
        .filter(|row| now < row.seen_at.plus(Duration::seconds(row.idle_seconds)))
        .map(|row| {
            Ok(Listed {
                agent: vault.open_text(agent_place(&row.id), &row.agent)?,
                current: Some(&row.id) == current,
                network: row.network,
                id: row.id,
                created_at: row.created_at,
                seen_at: row.seen_at,
                ends_at: row.ends_at,
            })
        })
        .collect()
}

fn fingerprint(token: &str) -> Key {
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    key
}

fn agent_place(id: &SessionId) -> Place<'_> {
    Place { table: "sessions", column: "agent", row: id.as_str() }
}
