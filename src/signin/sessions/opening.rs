//! Beginning sessions: with a new id and token each, also where one takes another's place.
//!
//! Rules: how long a session lasts follows from its stage and its owner, and on a shared workstation each of its ends is
//! the earlier of the two; what takes another's place stays on the workstation where that one was begun, whatever the
//! browser shows by then. May call: `access`.

use super::{Issued, Session, Stage, agent_place, end, fingerprint};
use crate::access::floor;
use crate::app::App;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::entropy;
use crate::error::{Error, Result};
use crate::ids::{AccountId, SessionId, WorkstationId};
use crate::log::event::Change;
use crate::signin::limits::Limit;
use crate::signin::store::sessions as store;
use crate::signin::{Visitor, workstations};

const AGENT_LENGTH: usize = 200;

/// What a new session is made of.
pub(in crate::signin) struct Opening<'a> {
    pub account: &'a AccountId,
    pub stage: Stage,
    pub visitor: &'a Visitor,
}

/// Begins a session and makes its token. The event, where there is one, is the caller's to record.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(in crate::signin) fn open(reader: &mut Reader<'_>, app: &App, opening: &Opening<'_>) -> Result<Issued> {
    open_on(reader, app, opening, None)
}

/// As [`open`], on the workstation of the session whose place it takes, if that was begun on one.
fn open_on(
    reader: &mut Reader<'_>,
    app: &App,
    opening: &Opening<'_>,
    former: Option<&WorkstationId>,
) -> Result<Issued> {
    let Opening { account, stage, visitor } = opening;
    let workstation = match former {
        Some(former) => Some(former.clone()),
        None => workstations::shown(reader, visitor)?,
    };
    let limit = limit_of(reader, app, (account, *stage), workstation.is_some())?;
    let token = entropy::token(reader.entropy());
    let id = SessionId::new(reader.now, reader.entropy());
    let agent: String = visitor.agent.chars().take(AGENT_LENGTH).collect();
    let sealed = reader.vault().seal(reader.entropy(), agent_place(&id), agent.as_bytes())?;
    let ends_at = reader.now.plus(limit.longest);
    let row = store::New {
        id: id.clone(),
        digest: hex::encode(fingerprint(&token)),
        account: (*account).clone(),
        stage: *stage,
        idle_seconds: limit.idle.num_seconds(),
        ends_at,
        agent: sealed,
        workstation: workstation.clone(),
    };
    store::insert(reader, &row)?;
    if let (Stage::Full, Some(workstation)) = (stage, &workstation) {
        workstations::used(reader, app, workstation)?;
    }
    let now = reader.now;
    let session = Session {
        id,
        account: (*account).clone(),
        stage: *stage,
        created_at: now,
        seen_at: now,
        proved_at: (*stage == Stage::Full).then_some(now),
        idle: limit.idle,
        ends_at,
        network: None,
        next_password: None,
        origin: None,
        workstation,
    };
    Ok(Issued { token, session })
}

/// How long a session of this stage lasts.
fn limit_of(
    reader: &mut Reader<'_>,
    app: &App,
    (account, stage): (&AccountId, Stage),
    shared: bool,
) -> Result<Limit> {
    let limits = app.session_limits();
    let own = match stage {
        Stage::Enrolment => limits.enrolment,
        Stage::Password | Stage::Vouched => limits.password,
        Stage::Full if floor::administrators(reader)?.contains(account) => limits.administrator,
        Stage::Full => limits.employee,
    };
    Ok(if shared { own.stricter(limits.shared) } else { own })
}

/// Notes what a session that has just begun goes back to, and when its owner last showed a second factor.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(in crate::signin) fn go_back_to(
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
pub(in crate::signin) fn raise(
    tx: &mut Tx<'_>,
    app: &App,
    old: &Session,
    visitor: &Visitor,
    methods: &[&str],
) -> Result<Issued> {
    if !store::end(tx, &old.id, "raised")? {
        return Err(Error::Unauthenticated);
    }
    exchange(tx, app, old, visitor, methods)
}

/// Exchanges a full session for a fresh one after somebody has shown again who they are: the old token is dead.
///
/// # Errors
/// [`Error::Unauthenticated`] if the old one has ended meanwhile.
pub(in crate::signin) fn renew(
    tx: &mut Tx<'_>,
    app: &App,
    old: &Session,
    visitor: &Visitor,
    methods: &[&str],
) -> Result<Issued> {
    end(tx, &old.account, &old.id, "proved_again").map_err(|error| match error {
        Error::NotFound(_) => Error::Unauthenticated,
        other => other,
    })?;
    exchange(tx, app, old, visitor, methods)
}

/// Begins the session that takes another's place, and goes back to where that one did.
fn exchange(
    tx: &mut Tx<'_>,
    app: &App,
    old: &Session,
    visitor: &Visitor,
    methods: &[&str],
) -> Result<Issued> {
    let opening = Opening { account: &old.account, stage: Stage::Full, visitor };
    let mut issued = open_on(tx, app, &opening, old.workstation.as_ref())?;
    record(tx, &issued, methods);
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
pub(in crate::signin) fn begin(
    tx: &mut Tx<'_>,
    app: &App,
    account: &AccountId,
    visitor: &Visitor,
    methods: &[&str],
) -> Result<Issued> {
    let issued = open(tx, app, &Opening { account, stage: Stage::Full, visitor })?;
    record(tx, &issued, methods);
    Ok(issued)
}

fn record(tx: &mut Tx<'_>, issued: &Issued, methods: &[&str]) {
    tx.record(Change::SessionStarted {
        account: issued.session.account.clone(),
        session: issued.session.id.clone(),
        methods: methods.iter().map(|method| (*method).to_owned()).collect(),
    });
}
