//! Looking at proposals. Names are resolved by whoever shows them.

use serde::Serialize;
use utoipa::ToSchema;

use super::changes::Changes;
use super::deciding::{self, Deciders};
use super::{Content, Proposal, ProposalState};
use crate::access::apply::PolicyFile;
use crate::access::store::proposals as store;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::exceptions::own::{self, Matter};
use crate::ids::{AccountId, ProposalId};
use crate::vault;

/// One proposal.
///
/// # Errors
/// [`Error::NotFound`].
pub fn find(reader: &mut Reader<'_>, id: &ProposalId) -> Result<Proposal> {
    store::find(reader, id)?.ok_or(Error::NotFound("proposal"))
}

/// What stands in a proposal.
///
/// # Errors
/// [`Error::Internal`] if it does not open.
pub fn content(reader: &mut Reader<'_>, proposal: &Proposal) -> Result<Content> {
    let text = vault::show(reader, &proposal.content)?;
    serde_json::from_str(&text).map_err(|cause| Error::internal("reading a proposal", cause))
}

/// Proposals, newest first, and the cursor of the next page: those that wait (`open`), those that are over (`past`), or
/// all.
///
/// # Errors
/// [`Error::Invalid`] for a view or cursor that is none.
pub fn list(
    reader: &mut Reader<'_>,
    view: Option<&str>,
    cursor: Option<&str>,
    limit: i64,
) -> Result<(Vec<Proposal>, Option<String>)> {
    let open = match view {
        None => None,
        Some("open") => Some(true),
        Some("past") => Some(false),
        Some(_) => return Err(Error::field("view", "must be open or past")),
    };
    let no_cursor = || Error::field("cursor", "must be the `next` of a page before");
    let before = cursor.map(|text| ProposalId::parse(text).ok_or_else(no_cursor)).transpose()?;
    let mut found = store::list(reader, open, before.as_ref(), limit + 1)?;
    let more = found.len() as i64 > limit;
    found.truncate(usize::try_from(limit).unwrap_or_default());
    let next = found.last().filter(|_| more).map(|last| last.id.to_string());
    Ok((found, next))
}

/// Where a proposal stands at this instant: also one that lapsed and that no job has noted yet.
pub fn state_now(proposal: &Proposal, now: Timestamp) -> ProposalState {
    let lapsed = proposal.state == ProposalState::Proposed && !proposal.waits(now);
    if lapsed { ProposalState::Lapsed } else { proposal.state }
}

/// What a reader needs to know of a proposal that waits.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Who could decide it.
    pub deciders: Deciders,
    /// Whether another change came into force in between, so that it cannot be approved.
    pub overtaken: bool,
    /// When it takes effect if nobody objects, after the word of the one person who could decide.
    pub objections_until: Option<Timestamp>,
}

/// How a proposal stands; empty for one that is over.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn standing(reader: &mut Reader<'_>, proposal: &Proposal) -> Result<Standing> {
    if !proposal.waits(reader.now) {
        return Ok(Standing::default());
    }
    Ok(Standing {
        deciders: deciding::deciders(reader, proposal)?,
        overtaken: deciding::is_overtaken(reader, proposal)?,
        objections_until: own::waiting(reader, Matter::Proposal, proposal.id.as_str())?
            .map(|decision| decision.effective_at),
    })
}

/// How many proposals wait for somebody's word; of more than twenty the oldest are looked at.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn waiting_for(reader: &mut Reader<'_>, account: &AccountId) -> Result<u64> {
    let mut count = 0;
    let now = reader.now;
    for proposal in store::waiting(reader, 20)?.into_iter().filter(|one| one.waits(now)) {
        let decides = deciding::deciders(reader, &proposal)?.word_of(account, &proposal).counts();
        if decides && own::waiting(reader, Matter::Proposal, proposal.id.as_str())?.is_none() {
            count += 1;
        }
    }
    Ok(count)
}

/// A proposal as callers see it.
#[derive(Serialize, ToSchema)]
pub struct ProposalView {
    id: ProposalId,
    state: ProposalState,
    /// The keys of what it changes.
    applications: Vec<String>,
    /// An account, or the host's shell.
    proposed_by: String,
    proposed_at: Timestamp,
    lapses_at: Timestamp,
    #[schema(required)]
    decided_by: Option<String>,
    #[schema(required)]
    decided_at: Option<Timestamp>,
    #[schema(required)]
    note: Option<String>,
    /// Who could decide it now; those who proposed it or would gain by it are not among them while others are left.
    waits_for: Vec<AccountId>,
    /// Whether another change came into force in between, so that it has to be proposed anew.
    overtaken: bool,
    /// When it takes effect unless somebody objects.
    #[schema(required)]
    objections_until: Option<Timestamp>,
    changes: Changes,
}

/// A proposal with its files.
#[derive(Serialize, ToSchema)]
pub struct WholeProposal {
    #[serde(flatten)]
    proposal: ProposalView,
    /// The files as they were handed over.
    files: Vec<PolicyFile>,
    /// What was in force when it was proposed, as files.
    before: Vec<PolicyFile>,
}

/// A proposal as callers see it.
///
/// # Errors
/// [`Error::Internal`] if a text does not open.
pub fn view(reader: &mut Reader<'_>, proposal: &Proposal) -> Result<ProposalView> {
    let changes = content(reader, proposal)?.changes;
    let standing = standing(reader, proposal)?;
    let (decided_by, decided_at) = proposal.decided.clone().unzip();
    let deciders = standing.deciders;
    let asked = if deciders.impartial.is_empty() { deciders.all } else { deciders.impartial };
    Ok(ProposalView {
        id: proposal.id.clone(),
        state: state_now(proposal, reader.now),
        applications: proposal.applications.clone(),
        proposed_by: proposal.proposed_by.clone(),
        proposed_at: proposal.proposed_at,
        lapses_at: proposal.lapses_at,
        decided_by,
        decided_at,
        note: proposal.note.as_ref().map(|note| vault::show(reader, note)).transpose()?,
        waits_for: asked.into_iter().collect(),
        overtaken: standing.overtaken,
        objections_until: standing.objections_until,
        changes,
    })
}

/// A proposal with its files.
///
/// # Errors
/// [`Error::Internal`] if a text does not open.
pub fn whole(reader: &mut Reader<'_>, proposal: &Proposal) -> Result<WholeProposal> {
    let Content { files, before, .. } = content(reader, proposal)?;
    Ok(WholeProposal { proposal: view(reader, proposal)?, files, before })
}
