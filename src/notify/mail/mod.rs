//! Mail: the outbox, what stands in a letter, and the way out of the house.
//!
//! Rules:
//! - A row of the outbox holds ids and words of ours. Addresses, names and one-time links are put in when it is sent.
//! - A mail that was not taken is tried again, later each time, for a day; then it is given up, and an alarm says so.
//! - A mail keeps its Message-ID however often it is tried. The link in it is another one at each try, and each of them
//!   opens until one is used: a mailbox that shows the first of two equal letters must not show a dead link.
//! - No link acts when it is opened, and all begin with the configured public address.

mod letters;
pub(super) mod line;
pub mod sending;
mod written;

use chrono::Duration;

use super::store;
use crate::accounts::{self, Kind};
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::{AccountId, MailId};
use crate::text_enum;

/// For so long a mail is tried again.
pub const TRIED_FOR: Duration = Duration::hours(24);
/// The longest pause between two tries.
const LONGEST_PAUSE: i64 = 60;

text_enum! {
    /// What a mail says; the word is the name of its template.
    pub enum Template {
        /// A link to a first password.
        Invitation = "invitation",
        /// A link to a new password.
        Recovery = "recovery",
        /// Wrong passwords locked the password.
        Locked = "locked",
        /// The password was right, and wrong codes locked the second factor.
        CodeLocked = "code-locked",
        /// The password was changed.
        PasswordChanged = "password-changed",
        /// A second factor was added.
        FactorAdded = "factor-added",
        /// A subject of an identity provider lets the person in from now on.
        IdentityLinked = "identity-linked",
        /// A second factor was removed.
        FactorRemoved = "factor-removed",
        /// Somebody signed in from a device that was not known.
        NewDevice = "new-device",
        /// Somebody signed in on a shared workstation on which they had not been lately.
        WorkstationEntered = "workstation-entered",
        /// The e-mail address is another: to the new one.
        EmailChanged = "email-changed",
        /// The e-mail address is another: to the old one.
        FormerEmail = "former-email",
        /// The password ends before long.
        PasswordEnds = "password-ends",
        /// Alarms were raised.
        Alarms = "alarms",
        /// Somebody tries whether mail arrives.
        Trial = "trial",
    }
}

text_enum! {
    /// Where a mail stands.
    pub enum State {
        /// It has not been taken by the mail server.
        Waiting = "waiting",
        /// The mail server has taken it.
        Sent = "sent",
        /// It was tried for long enough, or the mail server will not have it.
        GivenUp = "given_up",
        /// There was nothing to say any more, or nobody to say it to.
        Void = "void",
    }
}

/// A mail that is to go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Which one; its Message-ID follows from it.
    pub id: MailId,
    /// What it says.
    pub template: Template,
    /// To whom.
    pub account: AccountId,
    /// The ids of what it is about, with spaces between.
    pub about: String,
    /// How often it was tried, this time included.
    pub attempts: i32,
    /// Since when it waits.
    pub created_at: Timestamp,
}

impl Mail {
    /// When it is tried again after it failed at `now`; `None` if it is given up.
    pub fn again_at(&self, now: Timestamp) -> Option<Timestamp> {
        let minutes = 1_i64 << self.attempts.clamp(1, 7).unsigned_abs().saturating_sub(1);
        let again = now.plus(Duration::minutes(minutes.min(LONGEST_PAUSE)));
        (again < self.created_at.plus(TRIED_FOR)).then_some(again)
    }
}

/// How many mails wait, and how many were given up in the last week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Not taken yet.
    pub waiting: u64,
    /// Given up.
    pub given_up: u64,
}

/// How the outbox stands.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn counts(reader: &mut Reader<'_>) -> Result<Counts> {
    let since = reader.now.minus(Duration::days(7));
    Ok(Counts {
        waiting: store::count(reader, State::Waiting, None)?,
        given_up: store::count(reader, State::GivenUp, Some(since))?,
    })
}

/// Queues a mail to a person who has an address, once for each `cause`; says whether it did.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn queue(
    tx: &mut Tx<'_>,
    template: Template,
    account: &AccountId,
    about: &str,
    cause: &str,
) -> Result<bool> {
    let reason = format!("{template} {account} {cause}");
    if store::is_queued(tx, &reason)? || (template != Template::FormerEmail && !has_mailbox(tx, account)?) {
        return Ok(false);
    }
    let id = MailId::new(tx.now, tx.entropy());
    store::insert(tx, &id, &reason, template, account, about)?;
    Ok(true)
}

/// Whether the account is a person with an e-mail address.
///
/// # Errors
/// [`crate::error::Error::NotFound`] if there is no such account.
pub fn has_mailbox(reader: &mut Reader<'_>, account: &AccountId) -> Result<bool> {
    let named = accounts::find_named(reader, account)?;
    Ok(named.account.kind == Kind::Person && named.details.email.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    #[test]
    fn the_pauses_grow_to_an_hour_and_end_after_a_day() {
        let begun = Timestamp::parse("2026-11-23T09:00:00Z").unwrap();
        let mut mail = Mail {
            id: MailId::new(begun, &OsEntropy),
            template: Template::Trial,
            account: AccountId::new(begun, &OsEntropy),
            about: String::new(),
            attempts: 1,
            created_at: begun,
        };
        let (mut now, mut pauses) = (begun, Vec::new());
        while let Some(again) = mail.again_at(now) {
            pauses.push(again.since(now).num_minutes());
            now = again;
            mail.attempts += 1;
        }
        assert_eq!(pauses[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(now.since(begun) > Duration::hours(22) && now.since(begun) < TRIED_FOR);
    }
}
