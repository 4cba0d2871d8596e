//! The referee: casbin over the same rows, built afresh, asked the same question.
//!
//! Rules: it reads rows and nothing that `compile` made, so that one mistake cannot hide in both; it is never on the
//! path of an answer; where it differs, the index is taken to be wrong and the permission is pinned. Calls casbin and
//! `rows`.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use casbin::{CoreApi, DefaultModel, Enforcer, MgmtApi};

use super::model::MODEL;
use super::rows::{GrantRow, GrantState, PolicyRows, SubjectKind, SubjectRow, SubjectState};
use crate::access::catalogue::{Position, Role};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::AccountId;

/// casbin with the rows that are active at one instant.
pub struct Referee {
    enforcer: Enforcer,
}

/// Lines of a policy, each once and in one order, as a file of casbin would have them.
type Lines = BTreeSet<Vec<String>>;

impl Referee {
    /// Over the rows that are active at `now`: of one application, or of all.
    ///
    /// # Errors
    /// [`Error::Internal`] if casbin does not take the model or the rows.
    pub fn of(
        policy: &PolicyRows,
        application: Option<&str>,
        subjects: &[SubjectRow],
        now: Timestamp,
    ) -> Result<Self> {
        let fault = |cause: casbin::Error| Error::internal("building the referee", cause);
        let (permissions, links) = lines(policy, application, subjects, now);
        let building = async {
            let model = DefaultModel::from_str(MODEL).await?;
            let mut enforcer = Enforcer::new(model, ()).await?;
            // The links are built once below: what casbin keeps up while rows come is not the same in every case.
            enforcer.enable_auto_build_role_links(false);
            enforcer.add_policies(permissions.into_iter().collect()).await?;
            enforcer.add_grouping_policies(links.into_iter().collect()).await?;
            enforcer.build_role_links()?;
            Ok(enforcer)
        };
        let enforcer =
            at_once(building).ok_or_else(|| Error::internal("building the referee", "it waits"))?;
        Ok(Self { enforcer: enforcer.map_err(fault)? })
    }

    /// What casbin says: may the account do this (application, feature, action)?
    ///
    /// # Errors
    /// [`Error::Internal`] if casbin cannot judge it.
    pub fn permits(
        &self,
        account: &AccountId,
        (application, feature, action): (&str, &str, &str),
    ) -> Result<bool> {
        let answer = self.enforcer.enforce((account.as_str(), application, feature, action));
        answer.map_err(|cause| Error::internal("asking the referee", cause))
    }
}

/// What a referee of its own says about one permission (application, feature, action) of one subject. Takes as long as
/// casbin takes to read the application's rows: not for the path of an answer.
///
/// # Errors
/// [`Error::Internal`] if casbin cannot judge it; that is no agreement either.
pub fn says(
    policy: &PolicyRows,
    subject: &SubjectRow,
    now: Timestamp,
    permission: (&str, &str, &str),
) -> Result<bool> {
    let referee = Referee::of(policy, Some(permission.0), std::slice::from_ref(subject), now)?;
    referee.permits(&subject.account, permission)
}

/// The result of work that never waits for anything: casbin is async only for adapters that do. `None` if it does.
fn at_once<T>(work: impl Future<Output = T>) -> Option<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}

/// The `p` and the `g` lines.
fn lines(
    policy: &PolicyRows,
    application: Option<&str>,
    subjects: &[SubjectRow],
    now: Timestamp,
) -> (Lines, Lines) {
    let asked = |key: &str| application.is_none_or(|application| application == key);
    let (mut permissions, mut links) = (Lines::new(), Lines::new());
    for row in policy.roles.iter().filter(|row| asked(&row.application)) {
        let (id, domain) = (row.id(), &row.application);
        for (feature, actions, effect) in rules(&row.role) {
            let line = |action: &String| {
                vec![id.clone(), domain.clone(), feature.clone(), action.clone(), effect.to_owned()]
            };
            permissions.extend(actions.iter().map(line));
        }
        for parent in &row.role.inherits {
            links.insert(vec![id.clone(), format!("{domain}/{parent}"), domain.clone()]);
        }
        let born = subjects.iter().filter(|subject| may_act(subject, now) && is_born_to(subject, &row.role));
        links.extend(born.map(|subject| vec![subject.account.to_string(), id.clone(), domain.clone()]));
    }
    for subject in subjects.iter().filter(|subject| may_act(subject, now)) {
        for grant in subject.grants.iter().filter(|grant| counts(grant, now)) {
            if let Some((domain, _)) = grant.role.split_once('/').filter(|(domain, _)| asked(domain)) {
                links.insert(vec![subject.account.to_string(), grant.role.clone(), domain.to_owned()]);
            }
        }
    }
    (permissions, links)
}

fn rules(role: &Role) -> impl Iterator<Item = (&String, &Vec<String>, &'static str)> {
    let allows = role.allows.iter().map(|allow| (&allow.feature, &allow.actions, "allow"));
    allows.chain(role.denies.iter().map(|deny| (&deny.feature, &deny.actions, "deny")))
}

fn may_act(subject: &SubjectRow, now: Timestamp) -> bool {
    let in_state = match subject.state {
        SubjectState::Invited | SubjectState::Active => true,
        SubjectState::Suspended { until } => until.is_some_and(|until| until <= now),
        SubjectState::Left | SubjectState::Erased => false,
    };
    in_state
        && subject.valid_from.is_none_or(|from| from <= now)
        && subject.valid_until.is_none_or(|until| now < until)
}

fn counts(grant: &GrantRow, now: Timestamp) -> bool {
    matches!(grant.state, GrantState::Active | GrantState::Bound)
        && grant.valid_from <= now
        && grant.expires_at.is_none_or(|end| now < end)
}

fn is_born_to(subject: &SubjectRow, role: &Role) -> bool {
    let by_position = match role.position {
        Some(Position::Manager) => subject.is_manager,
        Some(Position::Owner) => subject.is_owner,
        None => false,
    };
    subject.kind == SubjectKind::Person && (role.birthright || by_position)
}
