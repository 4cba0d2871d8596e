//! Ways back in that are handed over in person: to people without a mailbox, and to people who lost their second factor.
//!
//! Rules:
//! - Whoever hands something over knows the person and says how; the words are kept. It needs a fresh proof, and nobody
//!   does it for themselves.
//! - One handing over renews one thing: a first password and factor, the password, or the second factor.
//! - For somebody who holds an access role or a role of this house or decides about others, and for a second thing within
//!   a month, a second person agrees and sees what is handed over: nobody alone can make themselves somebody who matters.
//! - Who lost the second factor opens no personal data from that second on, until another is set up: the account has no
//!   strong factor, which is what the decision point asks for. The pass stands for the factor and not for the password.
//!
//! May call: `access`, `accounts`.

use chrono::Duration;

use super::hasher::Secret;
use super::links::{self, Made, Purpose};
use super::lockout::Outcome;
use super::people;
use super::sessions::{self, Opening, Stage};
use super::store::recovery as store;
use super::{Progress, Visitor, factors, passkeys, password, totp, vouched};
use crate::access::lint::OWN_APPLICATION;
use crate::access::{grants, own, positions, roles};
use crate::accounts::{self, Account, Kind, Standing, State as AccountState};
use crate::app::App;
use crate::caller::{Actor, Caller};
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, HandoverId, TextId};
use crate::log::event::Change;
use crate::text_enum;
use crate::vault;

/// For so long a handing over waits for a second person.
const PATIENCE: Duration = Duration::hours(24);
/// Two things for one person within so long are as good as the whole account.
const SECOND_THING: Duration = Duration::days(30);
/// The longest account of how somebody was recognised, in characters.
const LONGEST: usize = 1_000;
/// Bringing people in, and back in.
const INVITE: (&str, &str) = ("accounts", "unlock");
const RECOVER: (&str, &str) = ("recovery", "use");

text_enum! {
    /// What is handed over.
    pub enum What {
        /// A link to a first password and a second factor.
        Enrolment = "enrolment",
        /// A link to a new password.
        Password = "password",
        /// A pass that stands for the second factor once, to set up another.
        Factor = "factor",
    }
}

text_enum! {
    /// Where a handing over stands.
    pub enum State {
        /// A second person has to agree.
        Waiting = "waiting",
        /// It was handed over.
        Given = "given",
        /// Somebody took it back or refused.
        Withdrawn = "withdrawn",
    }
}

/// One handing over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// Which one.
    pub id: HandoverId,
    /// To whom.
    pub account: AccountId,
    /// What.
    pub what: What,
    /// Where it stands.
    pub state: State,
    /// Who knows the person.
    pub asked_by: AccountId,
    /// How, sealed.
    pub words: TextId,
    /// Since when.
    pub asked_at: Timestamp,
}

/// What came of it.
pub enum Handed {
    /// It is to be handed over now, and stands nowhere else.
    Given(What, Made),
    /// A second person has to agree.
    Waits(HandoverId),
}

/// What the caller may hand over to an account now.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn offered(
    reader: &mut Reader<'_>,
    caller: &Caller,
    account: &Account,
    mails: bool,
) -> Result<Vec<What>> {
    let Actor::Person { account: by, .. } = &caller.actor else { return Ok(Vec::new()) };
    let mut offered = Vec::new();
    for what in What::ALL {
        let fits = fits(reader, account, *what, mails)?.is_none();
        if fits && by != &account.id && may(reader, by, account, *what)? {
            offered.push(*what);
        }
    }
    Ok(offered)
}

/// One that waits for a second person, as somebody sees it.
pub struct Waiting {
    /// Which one.
    pub handover: Handover,
    /// Whether they asked for it or may decide about it: nobody else reads its words.
    pub concerned: bool,
}

/// Those that wait for a second person.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn waiting(reader: &mut Reader<'_>, caller: &Caller, account: &Account) -> Result<Vec<Waiting>> {
    let since = reader.now.minus(PATIENCE);
    let all = store::waiting(reader, &account.id, since)?;
    let mut waiting = Vec::new();
    for handover in all {
        let concerned = match &caller.actor {
            Actor::Person { account: by, .. } => concerns(reader, by, account, &handover)?,
            _ => false,
        };
        waiting.push(Waiting { handover, concerned });
    }
    Ok(waiting)
}

/// Whether somebody asked for it, or may agree or refuse.
fn concerns(reader: &mut Reader<'_>, by: &AccountId, account: &Account, handover: &Handover) -> Result<bool> {
    if *by == handover.asked_by || account.manager.as_ref() == Some(by) {
        return Ok(true);
    }
    may(reader, by, account, handover.what)
}

/// Hands something over, or asks a second person to agree.
///
/// # Errors
/// [`Error::Forbidden`] `own-account`, `proof-required`, `not-yours`; [`Error::Conflict`] if the account is in another
/// state; [`Error::Invalid`] for words that say nothing.
pub fn ask(tx: &mut Tx<'_>, id: &AccountId, what: What, words: &str, mails: bool) -> Result<Handed> {
    let account = accounts::find(tx, id)?;
    let by = proved(tx, &account)?;
    if !may(tx, &by, &account, what)? {
        return Err(not_yours());
    }
    if let Some(refusal) = fits(tx, &account, what, mails)? {
        return Err(refusal);
    }
    let words = vault::keep(tx, checked(words)?)?;
    let state = if needs_second(tx, id)? { State::Waiting } else { State::Given };
    store::withdraw_waiting(tx, id, what)?;
    let handover = Handover {
        id: HandoverId::new(tx.now, tx.entropy()),
        account: id.clone(),
        what,
        state,
        asked_by: by,
        words,
        asked_at: tx.now,
    };
    store::insert(tx, &handover)?;
    record(tx, &handover);
    match state {
        State::Given => give(tx, &handover),
        State::Waiting | State::Withdrawn => Ok(Handed::Waits(handover.id)),
    }
}

/// A second person agrees, and sees what is handed over.
///
/// # Errors
/// As [`ask`]; [`Error::Forbidden`] `second-person` for whoever asked; [`Error::Conflict`] `not-waiting`.
pub fn approve(tx: &mut Tx<'_>, account: &AccountId, id: &HandoverId, mails: bool) -> Result<Handed> {
    let mut handover = find_waiting(tx, account, id)?;
    let account = accounts::find(tx, account)?;
    let by = proved(tx, &account)?;
    if by == handover.asked_by {
        return Err(Error::forbidden(
            "second-person",
            "Somebody else has to agree, who knows the person too.",
        ));
    }
    // Whoever manages the person may agree, also where they could not begin it.
    if !may(tx, &by, &account, handover.what)? && account.manager.as_ref() != Some(&by) {
        return Err(not_yours());
    }
    if let Some(refusal) = fits(tx, &account, handover.what, mails)? {
        return Err(refusal);
    }
    handover.state = State::Given;
    store::decide(tx, &handover.id, State::Given, &by)?;
    record(tx, &handover);
    give(tx, &handover)
}

/// Somebody who could have agreed refuses, or whoever asked takes it back.
///
/// # Errors
/// As [`approve`].
pub fn withdraw(tx: &mut Tx<'_>, account: &AccountId, id: &HandoverId) -> Result<()> {
    let mut handover = find_waiting(tx, account, id)?;
    let account = accounts::find(tx, account)?;
    let by = tx.caller.account().cloned().ok_or(Error::Unauthenticated)?;
    if !concerns(tx, &by, &account, &handover)? {
        return Err(not_yours());
    }
    handover.state = State::Withdrawn;
    store::decide(tx, &handover.id, State::Withdrawn, &by)?;
    record(tx, &handover);
    Ok(())
}

fn find_waiting(tx: &mut Tx<'_>, account: &AccountId, id: &HandoverId) -> Result<Handover> {
    let found = store::find(tx, id)?.filter(|found| found.account == *account);
    let found = found.ok_or(Error::NotFound("handover"))?;
    if found.state == State::Waiting && tx.now < found.asked_at.plus(PATIENCE) {
        return Ok(found);
    }
    Err(Error::conflict("not-waiting", "It was decided, or nobody agreed within a day. Begin again."))
}

fn record(tx: &mut Tx<'_>, handover: &Handover) {
    tx.record(Change::HandoverChanged {
        handover: handover.id.clone(),
        account: handover.account.clone(),
        what: handover.what.to_string(),
        state: handover.state.to_string(),
        words: handover.words.clone(),
    });
}

fn give(tx: &mut Tx<'_>, handover: &Handover) -> Result<Handed> {
    let (what, account) = (handover.what, &handover.account);
    let purpose = match what {
        What::Enrolment => Purpose::Enrolment,
        What::Password => Purpose::Reset,
        What::Factor => {
            lose_factor(tx, account)?;
            Purpose::Pass
        }
    };
    Ok(Handed::Given(what, links::make(tx, purpose, Some(account))?))
}

/// The second factor is gone: sessions end, and the account has no strong factor until another is set up.
fn lose_factor(tx: &mut Tx<'_>, account: &AccountId) -> Result<()> {
    sessions::end_all(tx, account, None, "recovered")?;
    totp::remove(tx, account)?;
    passkeys::remove_all(tx, account)?;
    let row = accounts::set_strong_factor(tx, account, false)?;
    let lost = Change::FactorRemoved { account: account.clone(), factor: "all".to_owned() };
    tx.record_rows(lost, vec![row]);
    Ok(())
}

/// The person who acts, with a fresh proof, and not for themselves.
fn proved(tx: &Tx<'_>, account: &Account) -> Result<AccountId> {
    let Actor::Person { account: by, .. } = tx.caller.actor.clone() else { return Err(not_yours()) };
    if by == account.id {
        return Err(Error::forbidden("own-account", "Somebody else has to hand this over, who knows you."));
    }
    tx.caller.check_proof(tx.now)?;
    Ok(by)
}

/// Whether somebody may hand that over: whoever may bring people in or back in, and for passwords their manager.
fn may(reader: &mut Reader<'_>, by: &AccountId, account: &Account, what: What) -> Result<bool> {
    let permission = if what == What::Enrolment { INVITE } else { RECOVER };
    if own::by_grant(reader, by, permission)? {
        return Ok(true);
    }
    Ok(what != What::Factor && account.manager.as_ref() == Some(by))
}

fn not_yours() -> Error {
    let advice =
        "The service desk hands this over; for their own people managers do, but for a lost second factor.";
    Error::forbidden("not-yours", advice)
}

/// Why that cannot be handed over to the account now; `None` if it can.
fn fits(reader: &mut Reader<'_>, account: &Account, what: What, mails: bool) -> Result<Option<Error>> {
    let state = account.status_at(reader.now).state;
    if account.kind != Kind::Person || account.standing(reader.now) == Standing::Over {
        return Ok(Some(Error::conflict("not-in-use", "The person is not in use.")));
    }
    let fits = match what {
        What::Enrolment => state == AccountState::Invited,
        What::Password | What::Factor => people::is_active(account, reader.now),
    };
    if !fits {
        return Ok(Some(Error::conflict("account-state", "This is not what the person lacks now.")));
    }
    if what != What::Factor && mails && accounts::find_named(reader, &account.id)?.details.email.is_some() {
        let help = "The person has a mailbox: a link goes there, and nobody else sees it.";
        return Ok(Some(Error::conflict("has-mailbox", help)));
    }
    Ok(None)
}

/// Whether a second person has to agree: for whoever holds an access role or a role of this house, decides about others
/// by position, or was handed something within the last month.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn needs_second(reader: &mut Reader<'_>, account: &AccountId) -> Result<bool> {
    let positions = positions::of(reader, account)?;
    if positions.manager || positions.owner {
        return Ok(true);
    }
    for grant in grants::living(reader, account)? {
        let role = roles::role(reader, &grant.role)?;
        if role.access_role || role.application == OWN_APPLICATION {
            return Ok(true);
        }
    }
    let since = reader.now.minus(SECOND_THING);
    store::given_since(reader, account, since)
}

fn checked(words: &str) -> Result<&str> {
    let words = words.trim();
    match words.chars().count() {
        3..=LONGEST => Ok(words),
        _ => Err(Error::field(
            "words",
            "must say in 3 to 1,000 characters how you know that it is this person",
        )),
    }
}

/// Somebody without a second factor shows the password and the pass; what follows is the enrolment of another.
///
/// # Errors
/// [`Error::Unauthenticated`] for unknown, wrong, locked and used alike.
pub async fn enter(
    app: &App,
    username: String,
    typed: Secret,
    pass: Secret,
    visitor: Visitor,
) -> Result<Progress> {
    if typed.expose().len() > password::LONGEST_BYTES {
        return Err(Error::Unauthenticated);
    }
    let slot = app.hashers().slot().await?;
    app.to_its_end(move |app| {
        let providers = &app.config().identity_providers;
        let attempt = app.read_now(|reader| people::meet(reader, providers, &username, &visitor))?;
        let reservation = attempt.admit(app)?;
        let known = &attempt.known;
        let hash = known.as_ref().and_then(|known| known.hash.as_deref());
        let verdict = slot.verify_now(&password::normalised(&typed), hash);
        let entered = match (&verdict, known) {
            (Ok(verdict), Some(known)) if verdict.is_match() => {
                let begun =
                    app.write_now(&Caller::nobody(), |tx| begin(tx, app, &known.account, &pass, &visitor));
                begun.map(|written| Some(written.value))
            }
            (Err(_), _) => Ok(None),
            _ => Err(Error::Unauthenticated),
        };
        let outcome = match &entered {
            Ok(Some(_)) => Outcome::Right,
            Ok(None) => Outcome::Unjudged,
            Err(Error::Unauthenticated) => Outcome::Wrong,
            Err(_) => Outcome::Unjudged,
        };
        reservation.settle(app, outcome)?;
        if outcome == Outcome::Wrong {
            attempt.failed(app);
        }
        verdict?;
        entered?.ok_or(Error::Unauthenticated)
    })
    .await
}

fn begin(tx: &mut Tx<'_>, app: &App, id: &AccountId, pass: &Secret, visitor: &Visitor) -> Result<Progress> {
    let account = accounts::find(tx, id)?;
    let pass = totp::plain(pass).ok_or(Error::Unauthenticated)?;
    let taken = match links::take(tx, Purpose::Pass, &pass) {
        Err(Error::NotFound(_)) => return Err(Error::Unauthenticated),
        taken => taken?,
    };
    if taken.account.as_ref() != Some(id)
        || !people::is_active(&account, tx.now)
        || factors::has_any(tx, id)?
        || vouched::elsewhere(tx, &app.config().identity_providers, id)?
        || people::password_age(tx, id)?.is_none_or(|age| age.ended)
    {
        return Err(Error::Unauthenticated);
    }
    let opening = Opening { account: id, stage: Stage::Enrolment, visitor };
    Ok(Progress::code_needed(Some(sessions::open(tx, app, &opening)?)))
}
