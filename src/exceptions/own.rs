//! Deciding about oneself, where nobody else can be found: it waits a day, and anybody may object meanwhile.
//!
//! Rules: it needs a proof of who one is that is not older than a quarter of an hour, and a reason; an objection stops
//! it for good; what is decided takes effect after the day, by every rule as of then; it alarms when it begins. The
//! slice whose decision it is looks for what is due and brings it about.

use chrono::Duration;

use super::store;
use crate::alarms::{self, Rule, Severity, Sighting};
use crate::caller::Actor;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, OwnDecisionId, TextId};
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::text_enum;
use crate::vault;

/// How long anybody may object (DESIGN §4).
pub const WINDOW: Duration = Duration::hours(24);

text_enum! {
    /// What somebody decides about themselves.
    pub enum Matter {
        /// An item of a review: a role of theirs, or of their service, stays.
        ReviewItem = "review-item",
        /// A request: they, or their service, get a role.
        Request = "request",
        /// An exception from a rule, for themselves.
        Exception = "exception",
        /// A change of what opens personal data, which one person alone could decide.
        Proposal = "proposal",
    }
}

text_enum! {
    /// Where such a decision stands.
    pub enum Window {
        /// Anybody may object.
        Waiting = "waiting",
        /// Somebody objected; it never takes effect.
        Objected = "objected",
        /// Nobody objected, and it took effect.
        Effective = "effective",
        /// There was nothing left to decide, or a rule stood against it when its time came.
        Void = "void",
    }
}

/// A decision about oneself as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnDecision {
    /// Which one.
    pub id: OwnDecisionId,
    /// What it is about.
    pub matter: Matter,
    /// The item, request or exception, by its id.
    pub thing: String,
    /// The role, `application/role`, or the key of the rule.
    pub role: String,
    /// Who decides.
    pub account: AccountId,
    /// Where it stands.
    pub state: Window,
    /// Why, sealed.
    pub reason: TextId,
    /// When it was decided.
    pub opened_at: Timestamp,
    /// When it takes effect if nobody objects.
    pub effective_at: Timestamp,
    /// Who objected, and when.
    pub objected: Option<(String, Timestamp)>,
    /// Why, sealed.
    pub objection: Option<TextId>,
    /// The revision of its last change.
    pub revision: u64,
}

/// Opens the day in which anybody may object.
///
/// # Errors
/// [`Error::Forbidden`] `proof-required`; [`Error::Conflict`] `objections` if the day of the same thing runs already.
pub fn open(tx: &mut Tx<'_>, matter: Matter, thing: &str, role: &str, reason: TextId) -> Result<OwnDecision> {
    tx.caller.check_proof(tx.now)?;
    let Actor::Person { account, .. } = tx.caller.actor.clone() else {
        return Err(Error::forbidden(
            "not-yours-to-decide",
            "A person decides this, signed in as themselves.",
        ));
    };
    if let Some(open) = waiting(tx, matter, thing)? {
        return Err(runs(&open));
    }
    let decision = OwnDecision {
        id: OwnDecisionId::new(tx.now, tx.entropy()),
        matter,
        thing: thing.to_owned(),
        role: role.to_owned(),
        account,
        state: Window::Waiting,
        reason,
        opened_at: tx.now,
        effective_at: tx.now.plus(WINDOW),
        objected: None,
        objection: None,
        revision: next_revision(tx)?,
    };
    store::insert_own(tx, &decision)?;
    record(tx, &decision, None);
    let seen = Sighting::of(Rule::OwnDecision, Severity::Warning)
        .account(Some(&decision.account))
        .about(decision.id.as_str());
    alarms::raise(tx, seen)?;
    Ok(decision)
}

/// Why nothing else can be decided about a thing meanwhile.
pub fn runs(open: &OwnDecision) -> Error {
    let advice =
        format!("It was decided already and takes effect at {} unless somebody objects.", open.effective_at);
    Error::conflict("objections", advice)
}

fn record(tx: &mut Tx<'_>, decision: &OwnDecision, text: Option<TextId>) {
    tx.record(Change::OwnDecisionChanged {
        own_decision: decision.id.clone(),
        account: decision.account.clone(),
        matter: decision.matter.to_string(),
        role: decision.role.clone(),
        state: decision.state.to_string(),
        text,
    });
}

/// The decision about a thing whose day runs.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn waiting(reader: &mut Reader<'_>, matter: Matter, thing: &str) -> Result<Option<OwnDecision>> {
    store::waiting_own(reader, matter, thing)
}

/// The decision about a thing that somebody objected to, the latest of them.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn objected(reader: &mut Reader<'_>, matter: Matter, thing: &str) -> Result<Option<OwnDecision>> {
    store::objected_own(reader, matter, thing)
}

/// Decisions whose day is over without an objection, the oldest first.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn due(reader: &mut Reader<'_>, matter: Matter, limit: i64) -> Result<Vec<OwnDecision>> {
    store::due_own(reader, matter, limit)
}

/// Notes what became of a decision: it took effect, or there was nothing left that it could bring about.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn settle(tx: &mut Tx<'_>, mut decision: OwnDecision, took_effect: bool) -> Result<()> {
    decision.state = if took_effect { Window::Effective } else { Window::Void };
    decision.revision = next_revision(tx)?;
    store::update_own(tx, &decision)?;
    record(tx, &decision, None);
    Ok(())
}

/// Stops a decision. Anybody of the organisation may, but for the one who decided.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] `not-yours-to-decide` for programs and for who decided it;
/// [`Error::Conflict`] `decided` once the day is over; [`Error::Invalid`] without a reason.
pub fn object(tx: &mut Tx<'_>, id: &OwnDecisionId, reason: &str) -> Result<OwnDecision> {
    let mut decision = store::find_own(tx, id)?.ok_or(Error::NotFound("decision"))?;
    match &tx.caller.actor {
        Actor::Person { account, .. } if *account != decision.account => {}
        Actor::Person { .. } => {
            let advice = "This is your own decision; it takes effect unless somebody else objects.";
            return Err(Error::forbidden("not-yours-to-decide", advice));
        }
        _ => {
            return Err(Error::forbidden(
                "not-yours-to-decide",
                "A person objects, signed in as themselves.",
            ));
        }
    }
    if decision.state != Window::Waiting || decision.effective_at <= tx.now {
        return Err(Error::conflict("decided", "The day in which anybody could object is over."));
    }
    let text = vault::keep(tx, vault::typed("reason", reason)?)?;
    decision.state = Window::Objected;
    decision.objected = Some((tx.caller.label(), tx.now));
    decision.objection = Some(text.clone());
    decision.revision = next_revision(tx)?;
    store::update_own(tx, &decision)?;
    record(tx, &decision, Some(text));
    Ok(decision)
}
