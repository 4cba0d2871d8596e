//! A forgotten password: somebody types a name, and whoever has that name's mailbox gets a link.
//!
//! Rules:
//! - Whoever asks sees the same answer in the same time, whatever the name is: it is put into a box unread, and a job
//!   looks at it. Nothing is hashed on the way.
//! - The link renews the password and nothing else; the second factor is asked at the sign-in as before.
//! - An address that is new gets no link and opens none: a file of people must not be a way in.
//!
//! May call: `accounts`.

use super::hasher::Secret;
use super::links::{self, Link, Purpose};
use super::store::recovery as store;
use super::{choosing, password, people};
use crate::accounts::{self, Kind};
use crate::app::App;
use crate::caller::Caller;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, uuid_v7};
use crate::jobs::Lease;
use crate::vault::Place;

/// The longest name that is kept, in characters.
const LONGEST: usize = 256;
/// How many wait at most; beyond, who asks is told to come back.
const MOST: i64 = 5_000;
/// How many names one transaction looks at.
const HANDFUL: i64 = 20;

/// Puts a name that somebody typed into the box.
///
/// # Errors
/// [`Error::Unavailable`] if too many wait.
pub async fn ask(app: &App, name: String) -> Result<()> {
    let name: String = name.trim().chars().take(LONGEST).collect();
    app.alone(move |reader| {
        if store::count_asks(reader)? >= MOST {
            return Err(Error::Unavailable("recovery is busy", 60));
        }
        let id = uuid_v7(reader.now, reader.entropy());
        let sealed = reader.vault().seal(reader.entropy(), place(&id), name.as_bytes())?;
        store::insert_ask(reader, &id, &sealed)
    })
    .await
}

/// The work of the job: looks at the names in the box, and has a link mailed where one may be.
///
/// # Errors
/// Whatever the database returns.
pub fn look_through(app: &App, lease: &Lease) -> Result<String> {
    let mut looked_at = 0;
    while app.read_now(store::count_asks)? > 0 {
        let done = app.write_now(&Caller::house("signin.recover"), |tx| {
            lease.check(tx)?;
            let asks = store::take_asks(tx, HANDFUL)?;
            for (id, sealed) in &asks {
                let name = match tx.vault().open_text(place(id), sealed) {
                    Ok(name) => name,
                    // One that is damaged must not keep all others waiting.
                    Err(error) => {
                        tracing::error!(%error, "a name that somebody typed cannot be read");
                        continue;
                    }
                };
                if let Some(account) = whom(tx, &name)?
                    && may(tx, &account)?
                {
                    links::due(tx, Purpose::Recovery, &account);
                }
            }
            Ok(asks.len())
        })?;
        looked_at += done.value;
    }
    Ok(format!("{looked_at} names looked at"))
}

/// Whom a typed name means: by username or another name of theirs, or by the address of their mailbox.
fn whom(reader: &mut Reader<'_>, name: &str) -> Result<Option<AccountId>> {
    let found = match accounts::find_by_name(reader, name)? {
        None => accounts::find_by_email(reader, name)?,
        found => found,
    };
    Ok(found.map(|account| account.id))
}

/// Whether the account may have a link by mail: a person in use with a password, and an address that is not new.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn may(reader: &mut Reader<'_>, account: &AccountId) -> Result<bool> {
    let mailbox = accounts::find_named(reader, account)?.details.email.is_some();
    Ok(mailbox && !accounts::emails::is_new(reader, account)? && is_in_use(reader, account)?)
}

fn is_in_use(reader: &mut Reader<'_>, account: &AccountId) -> Result<bool> {
    let found = accounts::find(reader, account)?;
    Ok(found.kind == Kind::Person
        && people::is_active(&found, reader.now)
        && people::password_age(reader, account)?.is_some())
}

/// Whom a link is for, mailed or handed over; using nothing up.
///
/// # Errors
/// [`Error::NotFound`] if it was used, has ended, never was, or the address has changed since.
pub fn look(reader: &mut Reader<'_>, token: &str) -> Result<(AccountId, Link)> {
    let link = match links::look(reader, Purpose::Recovery, token) {
        Err(Error::NotFound(_)) => links::look(reader, Purpose::Reset, token)?,
        found => found?,
    };
    let account = link.account.clone().ok_or(Error::NotFound("link"))?;
    let opens = match link.purpose {
        Purpose::Recovery => may(reader, &account)?,
        _ => is_in_use(reader, &account)?,
    };
    if opens { Ok((account, link)) } else { Err(Error::NotFound("link")) }
}

/// Renews the password behind a link, which is used up by it. Every session ends; nobody is signed in by it.
///
/// # Errors
/// As [`look`]; [`Error::Invalid`] naming the first rule that is not met, and the link stays as it was.
pub async fn set_password(app: &App, token: String, new: Secret) -> Result<()> {
    let known = token.clone();
    let (account, _) = app.read(move |reader| look(reader, &known)).await?;
    if new.expose().len() > password::LONGEST_BYTES {
        return Err(Error::field("password", format!("must have at most {} characters", password::LONGEST)));
    }
    let slot = app.hashers().slot().await?;
    app.to_its_end(move |app| {
        let hash = choosing::choose(app, &slot, &account, &new)?;
        drop(slot);
        app.write_now(&Caller::nobody(), |tx| take_link(tx, &token, &hash)).map(drop)
    })
    .await
}

fn take_link(tx: &mut Tx<'_>, token: &str, hash: &str) -> Result<()> {
    let (account, link) = look(tx, token)?;
    links::take(tx, link.purpose, token)?;
    choosing::set_by_link(tx, &account, hash)
}

fn place(id: &str) -> Place<'_> {
    Place { table: "recovery_asks", column: "name", row: id }
}
