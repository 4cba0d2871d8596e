//! Alarms: what the house noticed and a person has to look at, each a row with its rule, its numbers and its end.
//!
//! Rules:
//! - An alarm is raised in the transaction of what it is about. What is seen again while one is open goes into that one:
//!   a count and an instant, never a second alarm.
//! - `new → acknowledged → investigating → closed`, never backwards. Closing needs a finding; nothing is deleted, and
//!   the log accounts for every row.
//! - Whom an alarm is about does not close it while somebody else can.
//! - An alarm may deny the account it is about everything, or the one permission it is about, until it is closed.
//! - A row holds ids, counts and keyed digests; what people typed is sealed.
//!
//! This slice lies below all others, so that each can raise: it calls the rooms below all slices only.

mod handling;
pub mod http;
pub mod lists;
mod raising;
mod store;
mod waiting;

use serde::{Deserialize, Serialize};

pub use handling::{LONGEST, acknowledge, close, investigate, note_told, release, report};
pub use raising::{Sighting, highest, raise};
pub use waiting::Waiting;

use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::Result;
use crate::ids::{AccountId, AlarmId, TextId};
use crate::log::event::Row;
use crate::text_enum;

text_enum! {
    /// What raises alarms.
    pub enum Rule {
        /// The log, or a table that it accounts for, is not as the log says.
        LogVerification = "log-verification",
        /// The same name was locked again and again.
        RepeatedLock = "repeated-lock",
        /// One address, or one network, tried the passwords of many names.
        Guessing = "guessing",
        /// A passkey was shown whose counter went back: there may be a copy of it.
        PasskeyCopied = "passkey-copied",
        /// A way in for an administrator was made on the host.
        AdministratorRecovered = "administrator-recovered",
        /// A kill switch was lifted on the host.
        KillSwitchLifted = "kill-switch-lifted",
        /// A key was made that may do everything here.
        BroadKey = "broad-key",
        /// Somebody who left is not proved to be out of everything, and the time runs.
        LeaverClock = "leaver-clock",
        /// An administrator's role ends before long.
        AdministratorEnds = "administrator-ends",
        /// Somebody decided about themselves, and anybody may object.
        OwnDecision = "own-decision",
        /// An exception ends before long.
        ExceptionEnds = "exception-ends",
        /// Somebody holds roles that exclude each other, and no exception suspends that any more.
        ExclusionCollides = "exclusion-collides",
        /// A record was asked about that nobody has a reason to open.
        CanaryAccess = "canary-access",
        /// Permits of personal data could not be recorded, and were denied.
        RecorderFull = "recorder-full",
        /// The disk that keeps the records is nearly full.
        DiskLow = "disk-low",
        /// The decision index and casbin say different things about the same rows.
        RefereeDiffers = "referee-differs",
        /// Nobody vouches for the rules of an identity provider, or not for long any more.
        ProviderUnattested = "provider-unattested",
        /// Mail was not taken for an hour, or was given up.
        MailFails = "mail-fails",
        /// Somebody noticed something and wrote it down.
        Reported = "reported",
    }
}

impl Rule {
    /// The parameter of the profile that it comes from, whose clauses it shows.
    pub fn parameter(self) -> Option<&'static str> {
        match self {
            Self::RepeatedLock => Some("alarm.repeated_lock"),
            Self::Guessing => Some("lockout.anomaly"),
            Self::LeaverClock => Some("leaver.within"),
            Self::CanaryAccess => Some("alarm.canary_access"),
            _ => None,
        }
    }

    /// Whether its alarms deny the one permission that they are about, and not everything.
    pub fn denies_one_permission(self) -> bool {
        self == Self::RefereeDiffers
    }
}

text_enum! {
    /// How much it matters; the order is that of the words.
    pub enum Severity {
        /// Somebody should know.
        Notice = "notice",
        /// Somebody should look today.
        Warning = "warning",
        /// Somebody should look now.
        Critical = "critical",
    }
}

text_enum! {
    /// Where an alarm stands.
    pub enum AlarmState {
        /// Nobody has taken it on.
        New = "new",
        /// Somebody has seen it and answers for it.
        Acknowledged = "acknowledged",
        /// Somebody is finding out.
        Investigating = "investigating",
        /// It is over, with a finding.
        Closed = "closed",
    }
}

/// Who was told, how and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Told {
    /// Whom.
    pub account: AccountId,
    /// By what: `inbox` for the house's own pages.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Somebody's step, and when they took it.
pub type StepTaken = Option<(String, Timestamp)>;

/// An alarm as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Which alarm.
    pub id: AlarmId,
    /// What raised it.
    pub rule: Rule,
    /// How much it matters; the gravest sighting counts.
    pub severity: Severity,
    /// The account it is about.
    pub account: Option<AccountId>,
    /// The thing it is about, by its id or a keyed digest; empty for the house as a whole.
    pub about: String,
    /// Where it stands.
    pub state: AlarmState,
    /// Whether the account is denied everything until it is closed, or the one permission that it is about.
    pub denies: bool,
    /// From which number on it is raised, if the rule counts.
    pub threshold: Option<u64>,
    /// Within how many seconds.
    pub window_seconds: Option<u64>,
    /// The number that was observed last.
    pub observed: u64,
    /// Ids and keyed digests of what was seen, the newest last.
    pub samples: Vec<String>,
    /// What somebody wrote who reported it, sealed.
    pub note: Option<TextId>,
    /// Who was told.
    pub told: Vec<Told>,
    /// How often it was seen.
    pub sightings: u64,
    /// Who or what raised it, as the log names them.
    pub raised_by: String,
    /// When it was seen first.
    pub raised_at: Timestamp,
    /// When it was seen last.
    pub last_seen_at: Timestamp,
    /// Who took it on.
    pub acknowledged: StepTaken,
    /// Who began to find out.
    pub investigated: StepTaken,
    /// Who closed it.
    pub closed: StepTaken,
    /// What was found, sealed.
    pub finding: Option<TextId>,
    /// The revision of its last change.
    pub revision: u64,
}

impl Alarm {
    /// The permission that it denies, if it denies only one.
    pub fn denied_permission(&self) -> Option<&str> {
        (self.denies && self.rule.denies_one_permission()).then_some(self.about.as_str())
    }

    /// The digest of what must not be changed behind the log's back.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] if it cannot be written as JSON.
    pub fn governed(&self) -> Result<Row> {
        let closed_by = self.closed.as_ref().map(|(by, _)| by);
        let governed = (self.rule, self.severity, &self.account, &self.about, self.state, self.denies);
        Row::of("alarms", self.id.as_str(), &(governed, self.sightings, &self.finding, closed_by))
    }
}

/// The digests of alarms after `after` by id, for the log's replay.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn governed(reader: &mut Reader<'_>, after: &str, limit: i64) -> Result<Vec<Row>> {
    store::after(reader, after, limit)?.iter().map(Alarm::governed).collect()
}

/// The accounts that open alarms deny everything, or the one permission that stands beside.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn denied(reader: &mut Reader<'_>) -> Result<Vec<(AccountId, Option<String>)>> {
    let denied = store::denied(reader)?;
    let one = |rule: Rule, about| rule.denies_one_permission().then_some(about);
    Ok(denied.into_iter().map(|(account, rule, about)| (account, one(rule, about))).collect())
}
