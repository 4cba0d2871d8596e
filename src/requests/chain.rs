//! Whom a request waits for: the role's chain, made of people.
//!
//! Rules: of each stage any one approver suffices; an approver is a person in use now who is neither the subject, nor
//! the owner of the subject service, nor the asker. Where somebody cannot answer, the next above them does; where a
//! stage finds nobody, administrators step in; where nobody at all is left, the person decides about themselves. Found when
//! access is asked for, and again whenever somebody answers: who lost the authority in between has lost it.

use super::{Approver, Authority};
use crate::access::approval::{self, ApprovalStep};
use crate::access::{floor, roles};
use crate::accounts::{self, Account, Kind, Standing};
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::AccountId;

/// Who may answer each stage for this subject; `except` is the asker, if they may not.
pub(super) fn approvers(
    reader: &mut Reader<'_>,
    subject: &AccountId,
    application: &str,
    steps: &[ApprovalStep],
    except: Option<&AccountId>,
) -> Result<Vec<Approver>> {
    let subject = accounts::find(reader, subject)?;
    let mut all = Vec::new();
    for (stage, step) in (0..).zip(steps) {
        let mut found = Vec::new();
        for approver in step.any_of() {
            match approver {
                approval::Approver::Manager => {
                    let line = accounts::chain(reader, subject.owner.as_ref().unwrap_or(&subject.id))?;
                    let first = nearest(reader, line, &subject, except)?;
                    found.extend(first.map(|who| (who, Authority::Manager)));
                }
                approval::Approver::Owner => {
                    let first = owner(reader, application, &subject, except)?;
                    found.extend(first.map(|who| (who, Authority::Owner)));
                }
            }
        }
        if found.is_empty() {
            found = fallbacks(reader, &subject, except)?;
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found.dedup_by(|a, b| a.0 == b.0);
        let blank = |(account, authority)| Approver {
            stage,
            account,
            authority,
            reply: None,
            note: None,
            answered_at: None,
        };
        all.extend(found.into_iter().map(blank));
    }
    Ok(all)
}

/// The application's owner, or the nearest above them, who may answer.
fn owner(
    reader: &mut Reader<'_>,
    application: &str,
    subject: &Account,
    except: Option<&AccountId>,
) -> Result<Option<AccountId>> {
    let Some(owner) = roles::application(reader, application)?.owner else { return Ok(None) };
    let mut line = vec![owner.clone()];
    line.extend(accounts::chain(reader, &owner)?);
    nearest(reader, line, subject, except)
}

/// The first in a line of people who may answer.
fn nearest(
    reader: &mut Reader<'_>,
    line: Vec<AccountId>,
    subject: &Account,
    except: Option<&AccountId>,
) -> Result<Option<AccountId>> {
    for who in line {
        if may(reader, &who, subject, except)? {
            return Ok(Some(who));
        }
    }
    Ok(None)
}

fn fallbacks(
    reader: &mut Reader<'_>,
    subject: &Account,
    except: Option<&AccountId>,
) -> Result<Vec<(AccountId, Authority)>> {
    let mut found = Vec::new();
    for administrator in floor::administrators(reader)? {
        if may(reader, &administrator, subject, except)? {
            found.push((administrator, Authority::Fallback));
        }
    }
    if found.is_empty() {
        found.push((themselves(reader, subject, except)?, Authority::Subject));
    }
    Ok(found)
}

/// Who decides where nobody else is left: the administrator who asked for somebody else, or else the person, or the
/// owner of the service, if they are in use.
fn themselves(reader: &mut Reader<'_>, subject: &Account, asker: Option<&AccountId>) -> Result<AccountId> {
    if let Some(asker) = asker
        && floor::administrators(reader)?.contains(asker)
        && may(reader, asker, subject, None)?
    {
        return Ok(asker.clone());
    }
    let person = subject.owner.clone().unwrap_or_else(|| subject.id.clone());
    let account = accounts::find(reader, &person)?;
    if account.kind == Kind::Person && account.standing(reader.now) == Standing::Active {
        return Ok(person);
    }
    let advice = "Nobody is left who may approve this. Name another manager, owner or administrator first.";
    Err(Error::conflict("no-approver", advice))
}

fn may(
    reader: &mut Reader<'_>,
    who: &AccountId,
    subject: &Account,
    except: Option<&AccountId>,
) -> Result<bool> {
    if *who == subject.id || subject.owner.as_ref() == Some(who) || except == Some(who) {
        return Ok(false);
    }
    let account = accounts::find(reader, who)?;
    Ok(account.kind == Kind::Person && account.standing(reader.now) == Standing::Active)
}
