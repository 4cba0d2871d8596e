//! How much was retrieved under a permit, for callers who know it only afterwards: `POST /api/v1/usage`.
//!
//! Rules: a permit has a name if the question asked for one (`context.usage`, or an explanation); the name is proof in
//! itself, bound to the key or session that asked, so that nothing is looked up and nothing can be guessed; each name is
//! told of once, within a day, and the same number told again changes nothing. What is told stands in the log `access`
//! before the answer. Calls `recorder` and `app`.

mod store;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Duration;

use super::{Decision, Question};
use crate::app::App;
use crate::caller::{Actor, Caller};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::jobs::Lease;
use crate::vault::Vault;

/// The most records that one evaluation may have retrieved.
pub const MOST: u64 = 1_000_000_000;
/// The longest name of an evaluation, in characters.
pub const LONGEST: usize = 1_024;
/// For so long a volume can be told.
const TOLD_WITHIN: Duration = Duration::hours(24);
/// Rows are kept longer than names count.
const KEPT: Duration = Duration::hours(48);
const SPACE: &str = "evaluation";

/// What a name of an evaluation says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Evaluation {
    pub(super) at: Timestamp,
    pub(super) account: AccountId,
    pub(super) permission: String,
    pub(super) record: String,
}

/// A volume that was told.
#[derive(Debug)]
pub(super) struct Used {
    pub(super) at: Timestamp,
    pub(super) asker: String,
    pub(super) evaluation: Evaluation,
    pub(super) records: u64,
}

/// Who asked, as names of evaluations are bound to them: the key or the session, not only its account.
fn bound_to(caller: &Caller) -> Option<&str> {
    match &caller.actor {
        Actor::Service { key, .. } => Some(key.as_str()),
        Actor::Person { session, .. } => Some(session.as_str()),
        Actor::Nobody | Actor::Shell { .. } | Actor::House { .. } => None,
    }
}

/// The name of a permit, for the caller who asked. Nothing else has one.
pub(super) fn name(
    vault: &Vault,
    caller: &Caller,
    at: Timestamp,
    question: &Question<'_>,
    decision: &Decision,
) -> Option<String> {
    let (application, feature) = question.feature().filter(|_| decision.permit())?;
    let (account, action) = (decision.account()?, question.action);
    let record = vault.trace("record", question.resource);
    let said = format!("{} {account} {application}/{feature}:{action} {record}", at.micros());
    Some(format!("{}.{}", URL_SAFE_NO_PAD.encode(&said), proof(vault, bound_to(caller)?, &said)))
}

fn proof(vault: &Vault, bound_to: &str, said: &str) -> String {
    vault.trace(SPACE, &format!("{bound_to} {said}"))
}

/// What a name says, if it was given to this caller.
fn read(vault: &Vault, caller: &Caller, name: &str) -> Option<Evaluation> {
    let (said, proved) = name.split_once('.').filter(|_| name.len() <= LONGEST)?;
    let said = String::from_utf8(URL_SAFE_NO_PAD.decode(said).ok()?).ok()?;
    let expected = proof(vault, bound_to(caller)?, &said);
    if !bool::from(subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), proved.as_bytes())) {
        return None;
    }
    let mut parts = said.splitn(4, ' ');
    Some(Evaluation {
        at: Timestamp::from_micros(parts.next()?.parse().ok()?),
        account: AccountId::parse(parts.next()?)?,
        permission: parts.next()?.to_owned(),
        record: format!("hmac:{}", parts.next()?),
    })
}

/// Takes in how many records were retrieved under a permit. Waits until it is durable.
///
/// # Errors
/// [`Error::Invalid`] for a name that was not given to this caller, or longer than a day ago, or for a number that is too
/// large; [`Error::Conflict`] `usage-told` if another number was told before, `in-flight` while the same is under way;
/// [`Error::Unavailable`] if it could not be recorded.
pub fn tell(app: &App, caller: &Caller, name: &str, records: u64) -> Result<()> {
    let vault = &app.context().vault;
    let unknown = "must be the name that this key got with a permit, as it came";
    let evaluation = read(vault, caller, name).ok_or_else(|| Error::field("evaluation", unknown))?;
    let now = app.context().clock.now();
    if now.since(evaluation.at) >= TOLD_WITHIN {
        return Err(Error::field("evaluation", "is a day old; volumes are told within a day"));
    }
    if records > MOST {
        return Err(Error::field("records", format!("must be {MOST} at most")));
    }
    let digest = vault.trace("usage", name);
    let told = records.cast_signed();
    match app.database().alone(|reader| store::take(reader, &digest, told))? {
        store::Taken::New => {}
        store::Taken::Before { records, .. } if records != told => {
            let detail = format!("{records} records were told of this evaluation before; that stands.");
            return Err(Error::conflict("usage-told", detail));
        }
        store::Taken::Before { recorded: true, .. } => return Ok(()),
        store::Taken::Before { .. } => return Err(crate::db::once::in_flight()),
    }
    let used = Used { at: now, asker: caller.label(), evaluation, records };
    if !app.recorder().used(used) {
        app.database().alone(|reader| store::forget(reader, &digest))?;
        return Err(Error::Unavailable("the log of access", 1));
    }
    app.database().alone(|reader| store::mark_recorded(reader, &digest))
}

/// Forgets what nobody can tell again.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn tidy(app: &App, _lease: &Lease) -> Result<String> {
    let before = app.context().clock.now().minus(KEPT);
    let count = app.database().alone(|reader| store::tidy(reader, before))?;
    Ok(format!("forgot {count} volumes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::tests::{ask, grant, noon, person, question, snapshot};
    use crate::ids::{Id, KeyId};
    use crate::vault::for_tests;

    fn service(number: u8) -> Caller {
        let id = format!("00000000-0000-7000-8000-0000000000{number:02}");
        let actor = Actor::Service {
            account: AccountId::parse(&id).unwrap(),
            key: <KeyId as Id>::parse(&id).unwrap(),
        };
        Caller { actor, ..Caller::nobody() }
    }

    #[test]
    fn a_name_is_read_by_whom_it_was_given_to_and_nobody_else() {
        let (vault, desk) = (for_tests(), service(1));
        let ada = person(1, "ada", vec![grant(11, "orders/picker")]);
        let (state, question) = (snapshot(&ada), question("orders/order", "read"));
        let decision = ask(&state, "orders/order", "read");
        let given = name(&vault, &desk, noon(), &question, &decision).unwrap();
        let read_back = read(&vault, &desk, &given).unwrap();
        assert_eq!((read_back.at, &read_back.account), (noon(), &ada.account));
        assert_eq!(read_back.permission, "orders/order:read");
        assert_eq!(read_back.record, format!("hmac:{}", vault.trace("record", "1")));
        assert_eq!(read(&vault, &service(2), &given), None);
        assert_eq!(read(&vault, &Caller::nobody(), &given), None);
        let (said, proved) = given.split_once('.').unwrap();
        let other = URL_SAFE_NO_PAD.encode(
            String::from_utf8(URL_SAFE_NO_PAD.decode(said).unwrap())
                .unwrap()
                .replace("order:read", "order:ship"),
        );
        for wrong in [
            "",
            ".",
            said,
            &format!("{other}.{proved}"),
            &format!("{said}.{}", &proved[1..]),
            &"x".repeat(4_000),
        ] {
            assert_eq!(read(&vault, &desk, wrong), None, "{wrong}");
        }
        let denied = ask(&state, "orders/buyer-address", "read");
        assert_eq!(name(&vault, &desk, noon(), &question, &denied), None);
    }
}
