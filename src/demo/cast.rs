//! The people of the company who act: each chooses a password and an authenticator, and signs in to do something.

use chrono::Duration;
use totp_rs::Builder;

use super::past::Past;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::entropy::{Entropy, OsEntropy, random};
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::signin::hasher::Secret;
use crate::signin::inviting::{Invitation, invite};
use crate::signin::sessions::{self, Session};
use crate::signin::{self, Progress};

/// How every browser of the past called itself.
const AGENT: &str = "Firefox on Linux";
/// For how long somebody who has just signed in goes on without doing so again.
const STAYS: Duration = Duration::minutes(10);
/// An authenticator shows another code each half minute; a code works once.
const STEP: Duration = Duration::seconds(31);
/// Letters of a password: none that is taken for another.
const LETTERS: &[u8; 22] = b"abcdefghjkmnpqrstvwxyz";

/// Somebody whom a visitor can be.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// In which part, such as "manager".
    pub part: &'static str,
    /// What they sign in with.
    pub username: String,
    /// Their password, made for this run.
    pub password: String,
    /// The secret of their authenticator, in Base32.
    pub secret: String,
}

/// Somebody who acts.
pub(super) struct Actor {
    pub(super) username: &'static str,
    pub(super) account: AccountId,
    pub(super) password: String,
    pub(super) secret: String,
    session: Session,
    since: Timestamp,
}

impl Past {
    /// Somebody follows a link of theirs: password, authenticator, and they are signed in.
    pub(super) fn enrol_by(
        &mut self,
        username: &'static str,
        account: AccountId,
        token: String,
    ) -> Result<()> {
        let password = password(&OsEntropy);
        let chosen =
            self.wait(signin::set_password(&self.app, token, Secret::new(password.clone()), visitor()))?;
        let session = self.session(chosen)?;
        let factor = self.wait(signin::begin_factor(&self.app, session.clone()))?;
        let code = Secret::new(code(&factor.secret, self.now())?);
        let done = self.wait(signin::confirm_factor(&self.app, session, code, visitor()))?;
        let (session, since, secret) = (self.session(done)?, self.now(), factor.secret);
        self.cast.push(Actor { username, account, password, secret, session, since });
        Ok(())
    }

    /// The administrator invites somebody, who enrols.
    pub(super) fn enrol(&mut self, by: &Caller, username: &'static str) -> Result<()> {
        let wanted = Invitation { username: username.to_owned(), ..Invitation::default() };
        let invited = self.app.write_now(by, |tx| invite(tx, wanted))?.value;
        self.enrol_by(username, invited.account.id, invited.link.token)
    }

    /// Somebody at work: in the session they have, or signed in anew.
    pub(super) fn at_work(&mut self, username: &str) -> Result<Caller> {
        let place = self.place(username)?;
        if self.now().since(self.cast[place].since) > STAYS {
            self.advance(STEP)?;
            let actor = &self.cast[place];
            let (name, typed) = (actor.username.to_owned(), Secret::new(actor.password.clone()));
            let shown = Secret::new(code(&actor.secret, self.now())?);
            let known = self.wait(signin::sign_in(&self.app, name, typed, visitor()))?;
            let session = self.session(known)?;
            let done = self.wait(signin::show_code(&self.app, session, shown, visitor()))?;
            let (session, now) = (self.session(done)?, self.now());
            let actor = &mut self.cast[place];
            (actor.session, actor.since) = (session, now);
        }
        Ok(self.cast[place].session.caller())
    }

    /// The id of somebody who acts.
    pub(super) fn id_of(&self, username: &str) -> Result<AccountId> {
        self.place(username).map(|place| self.cast[place].account.clone())
    }

    /// Somebody who acts, as a visitor meets them.
    pub(super) fn visitor(&self, part: &'static str, username: &str) -> Result<Visitor> {
        let Actor { username, password, secret, .. } = &self.cast[self.place(username)?];
        let (password, secret) = (password.clone(), secret.clone());
        Ok(Visitor { part, username: (*username).to_owned(), password, secret })
    }

    fn place(&self, username: &str) -> Result<usize> {
        let found = self.cast.iter().position(|actor| actor.username == username);
        found.ok_or_else(|| Error::internal("finding somebody of the company", "they never enrolled"))
    }

    /// The session behind the cookie that a step gave out.
    fn session(&self, progress: Progress) -> Result<Session> {
        let issued = progress.issued.ok_or(Error::Unauthenticated)?;
        self.wait(sessions::identify(&self.app, &issued.token, None))?.ok_or(Error::Unauthenticated)
    }
}

/// What an authenticator shows at an instant.
fn code(secret: &str, at: Timestamp) -> Result<String> {
    let failed = |cause: &dyn std::fmt::Display| Error::internal("reading an authenticator", cause);
    let secret = totp_rs::Secret::try_from_base32(secret).map_err(|cause| failed(&cause))?;
    let totp = Builder::new().with_secret(secret).build().map_err(|cause| failed(&cause))?;
    Ok(totp.generate(at.seconds().unsigned_abs()).to_string())
}

/// How everybody of the example company comes to the door.
fn visitor() -> signin::Visitor {
    signin::Visitor { agent: AGENT.to_owned(), ..signin::Visitor::default() }
}

/// A password that keeps every rule of every profile: four groups of four, 65 random bits.
fn password(entropy: &dyn Entropy) -> String {
    let mut bytes = random::<16>(entropy).into_iter();
    let groups: Vec<String> = (0..4)
        .map(|_| {
            bytes
                .by_ref()
                .take(4)
                .map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]))
                .collect()
        })
        .collect();
    let digit = random::<1>(entropy)[0] % 10;
    let text = groups.join("-");
    format!("{}{}{digit}", text[..1].to_uppercase(), &text[1..])
}
