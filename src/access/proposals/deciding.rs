//! Deciding about a proposal: who may, approval, refusal, withdrawal, and what becomes of those that nobody answers.

use std::collections::BTreeSet;

use super::making::{basis_of, record};
use super::{Proposal, ProposalState, lists};
use crate::access::apply::{self, Basis, EXCLUSIONS_FILE};
use crate::access::grants::{self, MAX_REASON};
use crate::access::lint::OWN_APPLICATION;
use crate::access::named_networks::NETWORKS_FILE;
use crate::access::store::{grants as grant_store, proposals as store};
use crate::access::{own as authority, people, roles};
use crate::app::App;
use crate::caller::{Actor, Caller};
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::exceptions::own::{self, Matter, OwnDecision};
use crate::ids::{AccountId, ProposalId, TextId};
use crate::jobs::Lease;
use crate::log::append::next_revision;
use crate::vault;

/// The permission to write catalogues.
const WRITE: (&str, &str) = ("apps", "write");
/// How many are looked at in one run of the job.
const MOST: i64 = 100;

/// Who could decide about a proposal now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deciders {
    /// Everybody with the authority, in use now.
    pub all: BTreeSet<AccountId>,
    /// Those of them who neither proposed it nor would gain by it.
    pub impartial: BTreeSet<AccountId>,
}

impl Deciders {
    /// What the word of somebody counts for now.
    pub fn word_of(&self, account: &AccountId, proposal: &Proposal) -> Word {
        let proposer = proposal.proposer();
        if !self.all.contains(account) {
            Word::Nothing
        } else if self.impartial.contains(account) {
            // The shell is nobody in particular: where one person alone could decide, they may have sat there.
            if proposer.is_none() && self.all.len() == 1 { Word::AfterADay } else { Word::AtOnce }
        } else if self.impartial.is_empty() {
            Word::AfterADay
        } else {
            Word::ForOthers
        }
    }
}

/// What somebody's word counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// They are not asked.
    Nothing,
    /// It is for others to decide: they proposed it, or would gain by it.
    ForOthers,
    /// Nobody else is left: it waits a day for objections.
    AfterADay,
    /// It brings the files into force.
    AtOnce,
}

impl Word {
    /// Whether it brings the proposal on.
    pub fn counts(self) -> bool {
        matches!(self, Self::AtOnce | Self::AfterADay)
    }
}

/// Who could decide about a proposal now: who may write catalogues by a grant, and who owns every application that it
/// changes.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn deciders(reader: &mut Reader<'_>, proposal: &Proposal) -> Result<Deciders> {
    let now = reader.now;
    let catalogue = roles::catalogue(reader, OWN_APPLICATION)?;
    let mut named: BTreeSet<AccountId> = owner_of_all(reader, proposal)?.into_iter().collect();
    let writing = catalogue.roles.iter().filter(|role| catalogue.permissions_of(role).contains(&WRITE));
    for role in writing {
        let held = grant_store::active_of_role(reader, &format!("{OWN_APPLICATION}/{}", role.key))?;
        let counting = held
            .into_iter()
            .filter(|grant| grant.valid_from <= now && grant.expires_at.is_none_or(|end| now < end));
        named.extend(counting.map(|grant| grant.account));
    }
    let (mut deciders, mut gaining) = (Deciders::default(), None);
    for account in named {
        let standing = people::standing(reader, &account)?;
        if !standing.person || !standing.in_use {
            continue;
        }
        deciders.all.insert(account.clone());
        let gaining = match &mut gaining {
            Some(known) => known,
            none => none.insert(Gaining::of(reader, proposal)?),
        };
        if proposal.proposer().as_ref() != Some(&account) && !gaining.is(reader, &account)? {
            deciders.impartial.insert(account);
        }
    }
    Ok(deciders)
}

/// The one who owns every application in force that a proposal changes.
fn owner_of_all(reader: &mut Reader<'_>, proposal: &Proposal) -> Result<Option<AccountId>> {
    let mut owners = BTreeSet::new();
    for key in &proposal.applications {
        let of_all = [EXCLUSIONS_FILE, NETWORKS_FILE].contains(&key.as_str());
        let known = if of_all { None } else { roles::application(reader, key).ok() };
        let Some(owner) = known.and_then(|record| record.owner) else { return Ok(None) };
        owners.insert(owner);
    }
    Ok(if owners.len() == 1 { owners.pop_first() } else { None })
}

/// What somebody would gain by a proposal: roles that they hold and that would open more, or the word of an owner.
struct Gaining {
    roles: BTreeSet<String>,
    owners: BTreeSet<AccountId>,
}

impl Gaining {
    fn of(reader: &mut Reader<'_>, proposal: &Proposal) -> Result<Self> {
        let changes = lists::content(reader, proposal)?.changes;
        let (mut all, mut owners) = (BTreeSet::new(), BTreeSet::new());
        for application in changes.applications {
            owners.extend(application.owner.and_then(|owner| owner.after));
            let guarded = application.roles.into_iter().filter(|role| role.access_role && !role.new);
            all.extend(guarded.map(|role| role.role));
        }
        Ok(Self { roles: all, owners })
    }

    fn is(&self, reader: &mut Reader<'_>, account: &AccountId) -> Result<bool> {
        if self.owners.contains(account) {
            return Ok(true);
        }
        Ok(grants::living(reader, account)?.iter().any(|grant| self.roles.contains(&grant.role)))
    }
}

/// Approves a proposal and brings its files into force; where one person alone could decide, their word waits a day.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] `not-yours-to-decide`, `self-approval`, `proof-required`;
/// [`Error::Conflict`] `decided`, `overtaken`, `objections`; [`Error::Invalid`] without a reason where it needs one.
pub fn approve(tx: &mut Tx<'_>, id: &ProposalId, note: Option<&str>) -> Result<Proposal> {
    let proposal = waiting(tx, id)?;
    let me = person(&tx.caller.actor)?;
    let note = checked(note)?;
    match deciders(tx, &proposal)?.word_of(&me, &proposal) {
        Word::Nothing => Err(not_asked()),
        Word::ForOthers => {
            let advice =
                "Somebody else decides what you proposed, or what would give you more than you have.";
            Err(Error::forbidden("self-approval", advice))
        }
        Word::AfterADay => {
            if let Some(open) = own::waiting(tx, Matter::Proposal, id.as_str())? {
                return Err(own::runs(&open));
            }
            let note = note.ok_or_else(|| Error::field("note", "deciding alone needs a reason"))?;
            tx.caller.check_proof(tx.now)?;
            check_basis(tx, &proposal)?;
            let reason = vault::keep(tx, note)?;
            own::open(tx, Matter::Proposal, id.as_str(), &proposal.applications.join(", "), reason)?;
            Ok(proposal)
        }
        Word::AtOnce => {
            tx.caller.check_proof(tx.now)?;
            let note = kept(tx, note)?;
            take_effect(tx, proposal, me.as_str(), note, Basis::SecondPerson)
        }
    }
}

fn not_asked() -> Error {
    let advice =
        "This waits for somebody who administers access, or who owns every application that it changes.";
    Error::forbidden("not-yours-to-decide", advice)
}

/// Applies the files by every rule as of now.
fn take_effect(
    tx: &mut Tx<'_>,
    mut proposal: Proposal,
    by: &str,
    note: Option<TextId>,
    basis: Basis,
) -> Result<Proposal> {
    check_basis(tx, &proposal)?;
    let files = lists::content(tx, &proposal)?.files;
    match apply::apply_on(tx, &files, basis) {
        Ok(_) => {}
        Err(refused @ Error::Invalid(_)) => return Err(overtaken(&refused.to_string())),
        Err(error) => return Err(error),
    }
    move_on(tx, &mut proposal, ProposalState::Approved, by, note)?;
    Ok(proposal)
}

fn check_basis(tx: &mut Tx<'_>, proposal: &Proposal) -> Result<()> {
    if is_overtaken(tx, proposal)? {
        return Err(overtaken("another change came into force in between"));
    }
    Ok(())
}

/// Whether what it would change is not what it was proposed against any more.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn is_overtaken(reader: &mut Reader<'_>, proposal: &Proposal) -> Result<bool> {
    let files = lists::content(reader, proposal)?.files;
    Ok(basis_of(reader, &files)? != proposal.basis)
}

fn overtaken(why: &str) -> Error {
    let advice = format!(
        "It does not fit what is in force any more: {why}. Apply the files again to propose it anew."
    );
    Error::conflict("overtaken", advice)
}

/// Refuses a proposal; one word is enough, also of who would gain by it.
///
/// # Errors
/// As [`approve`].
pub fn refuse(tx: &mut Tx<'_>, id: &ProposalId, note: Option<&str>) -> Result<Proposal> {
    let mut proposal = waiting(tx, id)?;
    let me = person(&tx.caller.actor)?;
    if !deciders(tx, &proposal)?.all.contains(&me) {
        return Err(not_asked());
    }
    if proposal.proposer().as_ref() == Some(&me) {
        return Err(Error::forbidden("self-approval", "Who proposed it takes it back instead."));
    }
    let note = kept(tx, checked(note)?)?;
    move_on(tx, &mut proposal, ProposalState::Refused, me.as_str(), note)?;
    Ok(proposal)
}

/// Takes a proposal back: who made it, or for one from the host whoever may write catalogues.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] `not-yours` for anybody else; [`Error::Conflict`] `decided`.
pub fn withdraw(tx: &mut Tx<'_>, id: &ProposalId, note: Option<&str>) -> Result<Proposal> {
    let mut proposal = waiting(tx, id)?;
    let own = proposal.proposed_by == tx.caller.label();
    let writes = match tx.caller.actor.clone() {
        Actor::Person { account, .. } if proposal.proposer().is_none() => {
            authority::by_grant(tx, &account, WRITE)?
        }
        _ => false,
    };
    if !own && !writes {
        let advice = "Only who proposed it takes it back; others refuse it.";
        return Err(Error::forbidden("not-yours", advice));
    }
    let note = kept(tx, checked(note)?)?;
    let by = tx.caller.label();
    move_on(tx, &mut proposal, ProposalState::Withdrawn, &by, note)?;
    Ok(proposal)
}

fn move_on(
    tx: &mut Tx<'_>,
    proposal: &mut Proposal,
    state: ProposalState,
    by: &str,
    note: Option<TextId>,
) -> Result<()> {
    proposal.state = state;
    proposal.decided = Some((by.to_owned(), tx.now));
    proposal.note = note;
    proposal.revision = next_revision(tx)?;
    store::update(tx, proposal)?;
    record(tx, proposal);
    Ok(())
}

fn waiting(tx: &mut Tx<'_>, id: &ProposalId) -> Result<Proposal> {
    let proposal = lists::find(tx, id)?;
    if !proposal.waits(tx.now) {
        let advice = "This proposal is over: it was decided, taken back, or lapsed.";
        return Err(Error::conflict("decided", advice));
    }
    Ok(proposal)
}

fn person(actor: &Actor) -> Result<AccountId> {
    match actor {
        Actor::Person { account, .. } => Ok(account.clone()),
        Actor::Nobody => Err(Error::Unauthenticated),
        _ => Err(Error::forbidden("not-yours-to-decide", "A person decides this, signed in as themselves.")),
    }
}

fn checked(note: Option<&str>) -> Result<Option<&str>> {
    let note = note.map(str::trim).filter(|note| !note.is_empty());
    if note.is_some_and(|note| note.chars().count() > MAX_REASON) {
        return Err(Error::field("note", format!("may have {MAX_REASON} characters at most")));
    }
    Ok(note)
}

fn kept(tx: &mut Tx<'_>, note: Option<&str>) -> Result<Option<TextId>> {
    note.map(|note| vault::keep(tx, note)).transpose()
}

/// The work of the job: what nobody objected to takes effect; what somebody objected to is refused; what found no
/// answer, or was overtaken, lapses.
///
/// # Errors
/// Whatever the database returns.
pub fn tend(app: &App, lease: &Lease) -> Result<String> {
    let done = app.write_now(&Caller::house("access.proposals"), |tx| {
        lease.check(tx)?;
        let settled = after_objections(tx)?;
        let mut over = 0;
        for mut proposal in store::waiting(tx, MOST)? {
            let id = proposal.id.clone();
            let objected = own::objected(tx, Matter::Proposal, id.as_str())?;
            if let Some(decision) = objected {
                let by = decision.objected.map_or_else(|| tx.caller.label(), |(by, _)| by);
                move_on(tx, &mut proposal, ProposalState::Refused, &by, decision.objection)?;
            } else if proposal.lapses_at <= tx.now || is_overtaken(tx, &proposal)? {
                let by = tx.caller.label();
                move_on(tx, &mut proposal, ProposalState::Lapsed, &by, None)?;
            } else {
                continue;
            }
            over += 1;
        }
        Ok((settled, over))
    })?;
    let (settled, over) = done.value;
    Ok(format!("{settled} settled, {over} over"))
}

fn after_objections(tx: &mut Tx<'_>) -> Result<usize> {
    let due = own::due(tx, Matter::Proposal, MOST)?;
    let count = due.len();
    for decision in due {
        let took_effect = match tx.savepoint(|tx| unopposed(tx, &decision)) {
            Ok(took_effect) => took_effect,
            Err(error @ (Error::Internal(_) | Error::Unavailable(..))) => return Err(error),
            Err(_) => false,
        };
        own::settle(tx, decision, took_effect)?;
    }
    Ok(count)
}

fn unopposed(tx: &mut Tx<'_>, decision: &OwnDecision) -> Result<bool> {
    let Some(id) = ProposalId::parse(&decision.thing) else { return Ok(false) };
    let proposal = waiting(tx, &id)?;
    // Somebody else may have come to be able to decide meanwhile: then it is theirs.
    let word = deciders(tx, &proposal)?.word_of(&decision.account, &proposal);
    if word != Word::AfterADay {
        return Ok(false);
    }
    let note = Some(decision.reason.clone());
    take_effect(tx, proposal, decision.account.as_str(), note, Basis::Unopposed)?;
    Ok(true)
}
