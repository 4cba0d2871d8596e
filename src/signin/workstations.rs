//! Shared workstations: terminals at which many people sign in one after another, often without mail or phone.
//!
//! Rules:
//! - Whoever may registers one by a name and gets a one-time code; the browser in which the code is used is the
//!   workstation from then on. Its cookie holds a 256-bit token, of which the database has a keyed digest.
//! - The cookie is no credential. With it sessions end sooner, no device is known, and whose mailbox is known hears of a
//!   first sign-in there in place of one from a new device; nothing else follows. Who deletes it has an ordinary browser.
//! - A workstation is one browser: when another takes its place, and when it ends, what is open on it ends too.
//! - Names are sealed, events carry ids, and of its use only the last day is kept. Nothing is deleted.
//!
//! May call: nothing beyond this slice.

mod known;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::Duration;

pub use known::Workstations;

use super::hasher::Secret;
use super::links::{self, Made, Purpose};
use super::sessions::{self, Session};
use super::store::{sessions as session_store, workstations as store};
use super::{Visitor, known_devices, totp};
use crate::app::App;
use crate::clock::{Timestamp, local};
use crate::db::{Reader, Tx};
use crate::entropy;
use crate::error::{Error, Result};
use crate::ids::WorkstationId;
use crate::log::event::Change;
use crate::text_enum;
use crate::vault::{Place, Vault, fold};
use store::Row;

/// The cookie that carries the token: Secure, HttpOnly, SameSite=Lax, Path=/.
pub const COOKIE: &str = "__Host-workstation";

/// For so long a browser keeps the cookie after it last stood before the sign-in: as long as browsers keep any.
pub const LIFE: Duration = Duration::days(400);

/// The longest name, in characters.
pub const LONGEST_NAME: usize = 60;

/// The most that have not ended: more than any house has, and few enough to be held in memory.
const MOST: usize = 1_000;
const TOKEN_LENGTH: usize = 43;
const SPACE: &str = "workstation";

text_enum! {
    /// Where a workstation stands.
    pub enum State {
        /// No browser has used its code yet.
        Waiting = "waiting",
        /// A browser is it.
        InUse = "in_use",
        /// It is none any more.
        Ended = "ended",
    }
}

/// A workstation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workstation {
    /// Which one.
    pub id: WorkstationId,
    /// What people call it.
    pub name: String,
    /// Where it stands.
    pub state: State,
    /// Who registered it, as the log names them.
    pub registered_by: String,
    /// When.
    pub registered_at: Timestamp,
    /// Since when the browser is it that is it now, or was it last.
    pub in_use_since: Option<Timestamp>,
    /// The beginning of the day on which somebody last signed in there.
    pub used_on: Option<Timestamp>,
    /// Who ended it, and when.
    pub ended: Option<(String, Timestamp)>,
}

fn opened(vault: &Vault, row: Row) -> Result<Workstation> {
    let name = vault.open_text(name_place(&row.id), &row.name)?;
    let state = match (&row.ended_at, &row.digest) {
        (Some(_), _) => State::Ended,
        (None, Some(_)) => State::InUse,
        (None, None) => State::Waiting,
    };
    Ok(Workstation {
        id: row.id,
        name,
        state,
        registered_by: row.registered_by,
        registered_at: row.registered_at,
        in_use_since: row.in_use_since,
        used_on: row.used_on,
        ended: row.ended_by.zip(row.ended_at),
    })
}

fn name_place(id: &WorkstationId) -> Place<'_> {
    Place { table: "workstations", column: "name", row: id.as_str() }
}

// ---- for whoever looks after them ------------------------------------------------------------------------------------

/// Registers a workstation, and makes the code that puts it in use.
///
/// # Errors
/// [`Error::Invalid`] for a name that is none; [`Error::Conflict`] `workstation-named` or `too-many-workstations`.
pub fn register(tx: &mut Tx<'_>, name: &str) -> Result<(Workstation, Made)> {
    let name = checked_name(name)?;
    if check_free(tx, &name, None)? >= MOST {
        let help = format!("There are {MOST} workstations; end those that are not used.");
        return Err(Error::conflict("too-many-workstations", help));
    }
    let id = WorkstationId::new(tx.now, tx.entropy());
    let sealed = tx.vault().seal(tx.entropy(), name_place(&id), name.as_bytes())?;
    let by = tx.caller.label();
    store::insert(tx, &id, &sealed, &by)?;
    record(tx, &id, "registered");
    let made = links::make_for_workstation(tx, &id)?;
    Ok((find(tx, &id)?, made))
}

/// Makes another code for a workstation; the one before is void. Whichever browser uses it takes the place of the one
/// that is the workstation now.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] `workstation-ended`.
pub fn renew_code(tx: &mut Tx<'_>, id: &WorkstationId) -> Result<(Workstation, Made)> {
    let workstation = living(tx, id)?;
    let made = links::make_for_workstation(tx, id)?;
    record(tx, id, "code_made");
    Ok((workstation, made))
}

/// Gives a workstation another name.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for a name that is none; [`Error::Conflict`] `workstation-named` or
/// `workstation-ended`.
pub fn rename(tx: &mut Tx<'_>, id: &WorkstationId, name: &str) -> Result<Workstation> {
    let name = checked_name(name)?;
    living(tx, id)?;
    check_free(tx, &name, Some(id))?;
    let sealed = tx.vault().seal(tx.entropy(), name_place(id), name.as_bytes())?;
    store::rename(tx, id, &sealed)?;
    record(tx, id, "renamed");
    find(tx, id)
}

/// Ends a workstation, with every session that is open on it; its browser is an ordinary one again, its code worthless.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] `workstation-ended` if it had ended already.
pub fn end(tx: &mut Tx<'_>, id: &WorkstationId) -> Result<Workstation> {
    living(tx, id)?;
    let by = tx.caller.label();
    if !store::end(tx, id, &by)? {
        return Err(over());
    }
    links::void_of_workstation(tx, id)?;
    sessions::end_of_workstation(tx, id, "workstation_ended")?;
    record(tx, id, "ended");
    find(tx, id)
}

/// One workstation.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Internal`] for a fault of the database or a name that does not open.
pub fn find(reader: &mut Reader<'_>, id: &WorkstationId) -> Result<Workstation> {
    let row = store::find(reader, id)?.ok_or(Error::NotFound("workstation"))?;
    opened(reader.vault(), row)
}

/// Workstations, newest first, and the cursor of the next page: those that have not ended (`living`), those that have
/// (`past`), or all.
///
/// # Errors
/// [`Error::Invalid`] for a view or cursor that is none.
pub fn list(
    reader: &mut Reader<'_>,
    view: Option<&str>,
    cursor: Option<&str>,
    limit: i64,
) -> Result<(Vec<Workstation>, Option<String>)> {
    let living = match view {
        None => None,
        Some("living") => Some(true),
        Some("past") => Some(false),
        Some(_) => return Err(Error::field("view", "must be living or past")),
    };
    let no_cursor = || Error::field("cursor", "must be the `next` of a page before");
    let before = cursor.map(|text| WorkstationId::parse(text).ok_or_else(no_cursor)).transpose()?;
    let mut rows = store::list(reader, living, before.as_ref(), limit + 1)?;
    let more = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or_default());
    let next = rows.last().filter(|_| more).map(|last| last.id.to_string());
    let vault = reader.vault();
    let found = rows.into_iter().map(|row| opened(vault, row)).collect::<Result<Vec<_>>>()?;
    Ok((found, next))
}

fn living(reader: &mut Reader<'_>, id: &WorkstationId) -> Result<Workstation> {
    let found = find(reader, id)?;
    if found.state == State::Ended { Err(over()) } else { Ok(found) }
}

fn over() -> Error {
    Error::conflict("workstation-ended", "The workstation has ended. Register another in its place.")
}

fn record(tx: &mut Tx<'_>, id: &WorkstationId, what: &str) {
    tx.record(Change::WorkstationChanged { workstation: id.clone(), what: what.to_owned() });
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.chars().any(char::is_control) || !(1..=LONGEST_NAME).contains(&name.chars().count()) {
        return Err(Error::field("name", format!("must have 1 to {LONGEST_NAME} characters")));
    }
    Ok(name.to_owned())
}

/// Refuses a name that another living workstation has, in whatever letters; returns how many are living.
fn check_free(tx: &mut Tx<'_>, name: &str, own: Option<&WorkstationId>) -> Result<usize> {
    let wanted = fold(name);
    let rows = store::living(tx)?;
    let count = rows.len();
    for row in rows.into_iter().filter(|row| Some(&row.id) != own) {
        if fold(&opened(tx.vault(), row)?.name) == wanted {
            return Err(Error::conflict("workstation-named", "Another workstation has this name."));
        }
    }
    Ok(count)
}

// ---- at the terminal --------------------------------------------------------------------------------------------------

/// Which workstation a code stands for, and until when; using nothing up.
///
/// # Errors
/// [`Error::NotFound`] if the code was used, has ended or never was.
pub fn look(reader: &mut Reader<'_>, code: &Secret) -> Result<(Workstation, Timestamp)> {
    let code = totp::plain(code).ok_or(Error::NotFound("link"))?;
    let link = links::look(reader, Purpose::Workstation, &code)?;
    let id = link.workstation.ok_or(Error::NotFound("link"))?;
    Ok((find(reader, &id)?, link.expires_at))
}

/// Makes the browser that shows a code the workstation, and gives out its token. What was open on the workstation ends,
/// and so does what is open in this browser; it is no known device any more.
///
/// # Errors
/// [`Error::NotFound`] if the code was used, has ended or never was.
pub fn take(
    tx: &mut Tx<'_>,
    code: &Secret,
    visitor: &Visitor,
    open: Option<&Session>,
) -> Result<(Workstation, Secret)> {
    let code = totp::plain(code).ok_or(Error::NotFound("link"))?;
    let id = links::take(tx, Purpose::Workstation, &code)?.workstation.ok_or(Error::NotFound("link"))?;
    let token = Secret::new(entropy::token(tx.entropy()));
    if !store::put_in_use(tx, &id, &digest_of(tx.vault(), &token))? {
        return Err(Error::NotFound("link"));
    }
    sessions::end_of_workstation(tx, &id, "workstation_moved")?;
    if let Some(session) = open {
        sessions::end_own(tx, session, "workstation_begun")?;
    }
    if let Some(device) = &visitor.device {
        known_devices::let_go(tx, device)?;
    }
    record(tx, &id, "in_use");
    Ok((find(tx, &id)?, token))
}

/// The workstation that a browser shows that it is, as the database knows it; `None` for every other browser.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn shown(reader: &mut Reader<'_>, visitor: &Visitor) -> Result<Option<WorkstationId>> {
    match digest_shown(reader.vault(), visitor) {
        Some(digest) => store::by_digest(reader, &digest),
        None => Ok(None),
    }
}

/// Notes that somebody signed in there today, as the organisation counts days.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn used(reader: &mut Reader<'_>, app: &App, id: &WorkstationId) -> Result<()> {
    let zone = app.organisation().time_zone;
    let day = local(zone, reader.now.utc().with_timezone(&zone).date_naive(), 0);
    store::used(reader, id, day)
}

/// Says that somebody signed in on a workstation on which they had not been for as long as sessions are kept, so that they
/// are told: else whoever showed a workstation's cookie could come in unnoticed.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn entered(tx: &mut Tx<'_>, session: &Session, workstation: &WorkstationId) -> Result<()> {
    if !session_store::was_on(tx, workstation, session)? {
        let (account, workstation) = (session.account.clone(), workstation.clone());
        tx.record(Change::WorkstationEntered { account, workstation });
    }
    Ok(())
}

fn digest_shown(vault: &Vault, visitor: &Visitor) -> Option<String> {
    let token = visitor.workstation.as_ref().filter(|token| token.expose().len() == TOKEN_LENGTH)?;
    Some(digest_of(vault, token))
}

/// The keyed hash of a token. The vault's traces fold letters, which a token's hash as hex outlives and a token would not.
fn digest_of(vault: &Vault, token: &Secret) -> String {
    vault.trace(SPACE, &hex::encode(digest(&SHA256, token.expose().as_bytes())))
}
