//! The way back from a provider: from what the browser brings to a session.
//!
//! Rules: the attempt is used up first, whatever comes of it, and what was not begun here takes nothing of the provider's
//! time; the token is fetched and judged before anything is written; whom it means, what the groups bring and the session
//! are one transaction; what is refused is an event, bounded by `refusals`, and changes nothing else.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Deserialize;

use super::attempts::{self, Secrets, Taken};
use super::linking::{self, Meant};
use super::outbound::Answered;
use super::providers::Provider;
use super::refusal::Refusal;
use super::refusals::Refused as Noted;
use super::tokens::{self, Identity, SKEW, Tokens};
use super::{ACTOR, callback, proving, reach, roles, sessions, source};
use crate::app::App;
use crate::caller::Caller;
use crate::config::IdentityProvider;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::signin::links::{self, Purpose};
use crate::signin::sessions::{Session, Stage};
use crate::signin::vouched::{self, Admission, Vouched};
use crate::signin::{Progress, Visitor};

/// What the browser brings back.
pub struct Returning {
    /// The provider's key in the address.
    pub provider: String,
    /// The state.
    pub state: String,
    /// The code, or what the provider says instead.
    pub code: Option<String>,
    /// The issuer, if the provider names itself.
    pub issuer: Option<String>,
    /// The browser's cookie.
    pub browser: Option<String>,
    /// Who comes back.
    pub visitor: Visitor,
    /// The session that it shows.
    pub session: Option<Session>,
}

/// What came of it.
pub enum Returned {
    /// The next step, and where to go on to.
    In(Box<Progress>, Option<String>),
    /// It was refused.
    Refused(Refusal),
    /// It was to be a fresh proof, and is none.
    NotProved(Refusal),
}

/// Why a step was refused, and whom it is about, if that is known.
type Refused = (Refusal, Option<AccountId>);

/// Takes what the browser brings back to its end.
///
/// # Errors
/// [`Error::NotFound`] for an unknown provider; otherwise faults of this house alone.
pub async fn come_back(app: &App, returning: Returning) -> Result<Returned> {
    let provider = app.identity_providers().find(&returning.provider)?;
    app.to_its_end(move |app| {
        let key = &provider.settings.key;
        let browser = returning.browser.as_deref();
        let taken = app.database().alone(|reader| attempts::take(reader, key, &returning.state, browser))?;
        let from = returning.visitor.address;
        let secrets = match taken {
            Taken::Good(secrets) => secrets,
            Taken::MixedUp => return refused(app, (key, from), (Refusal::MixedUp, None)),
            Taken::Again(true) => return refused(app, (key, from), (Refusal::Replayed, None)),
            // Said once already, or nothing that began here: a stranger's words are no events.
            Taken::Again(false) => return Ok(Returned::Refused(Refusal::Replayed)),
            Taken::Unknown => return Ok(Returned::Refused(Refusal::Unknown)),
        };
        let outcome = match judged(app, &provider, &returning, &secrets)? {
            Ok(identity) if is_remembered(&identity, &secrets) => Err((Refusal::NotAskedAnew, None)),
            Ok(identity) => completed(app, &provider, &identity, (&secrets, &returning))?,
            Err(refusal) => Err((refusal, None)),
        };
        match outcome {
            Ok(progress) => Ok(Returned::In(Box::new(progress), secrets.next)),
            Err(why) => refused(app, (key, from), why).map(|as_is| as_is.of(&secrets)),
        }
    })
    .await
}

/// Whether a provider that was asked to let nobody in whom it merely remembers says that it did. One that does not say
/// when somebody showed who they are is believed.
fn is_remembered(identity: &Identity, secrets: &Secrets) -> bool {
    let (Some(since), Some(shown_at)) = (secrets.anew_since, identity.shown_at) else { return false };
    shown_at.plus(SKEW) < since
}

/// What was begun, a sign-in or a proof, is completed.
fn completed(
    app: &App,
    provider: &Provider,
    identity: &Identity,
    (secrets, returning): (&Secrets, &Returning),
) -> Result<std::result::Result<Progress, Refused>> {
    let (session, visitor) = (returning.session.as_ref(), &returning.visitor);
    let Some(asked) = &secrets.proof else { return admit(app, provider, identity, secrets, visitor) };
    let proved = proving::prove(app, provider, identity, (asked, session), visitor)?;
    Ok(proved.map_err(|refusal| (refusal, session.map(|session| session.account.clone()))))
}

/// Says in the log what was refused, if it was not said just now.
fn refused(
    app: &App,
    (provider, from): (&str, Option<IpAddr>),
    (refusal, account): Refused,
) -> Result<Returned> {
    let source = app.read_now(|reader| source(reader, from))?;
    let noted = Noted { provider: provider.to_owned(), refusal, account, source };
    let due = app.identity_providers().refusals.note(app.context().clock.now(), noted);
    if !due.is_empty() {
        app.write_now(&Caller::house(ACTOR), |tx| {
            due.into_iter().for_each(|change| tx.record(change));
            Ok(())
        })?;
    }
    Ok(Returned::Refused(refusal))
}

/// Fetches the tokens for the code and judges them.
fn judged(
    app: &App,
    provider: &Arc<Provider>,
    returning: &Returning,
    secrets: &Secrets,
) -> Result<std::result::Result<Identity, Refusal>> {
    let described = match reach(app, provider, false) {
        Ok(described) => described,
        Err(Error::Unavailable(..)) => return Ok(Err(Refusal::ProviderFailed)),
        Err(other) => return Err(other),
    };
    let settings = &provider.settings;
    let named = returning.issuer.as_deref();
    if named.is_some_and(|issuer| issuer != settings.issuer) || (described.names_itself && named.is_none()) {
        return Ok(Err(Refusal::IssuerWrong));
    }
    let Some(code) = &returning.code else { return Ok(Err(Refusal::ProviderRefused)) };
    let fields = (described.token.as_str(), described.secret_in_header);
    let tokens = match exchanged(app, provider, fields, (code, &secrets.verifier)) {
        Ok(tokens) => tokens,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let now = app.context().clock.now();
    let given = (&tokens, secrets.nonce.as_str());
    match tokens::read(settings, &described, now, given) {
        // Keys change: what is not known may be new.
        Err(Refusal::KeyUnknown) => match reach(app, provider, true) {
            Ok(anew) => Ok(tokens::read(settings, &anew, now, given)),
            Err(Error::Unavailable(..)) => Ok(Err(Refusal::ProviderFailed)),
            Err(other) => Err(other),
        },
        other => Ok(other),
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
    access_token: Option<String>,
}

/// Exchanges the code; the verifier proves that it was this house that began.
fn exchanged(
    app: &App,
    provider: &Provider,
    (address, in_header): (&str, bool),
    (code, verifier): (&str, &str),
) -> std::result::Result<Tokens, Refusal> {
    let settings = &provider.settings;
    let back = callback(app, settings);
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", back.as_str()),
        ("code_verifier", verifier),
    ];
    let secret = settings.client_secret.as_ref();
    let authorization =
        secret.filter(|_| in_header).map(|secret| basic(&settings.client_id, secret.expose()));
    if authorization.is_none() {
        fields.push(("client_id", settings.client_id.as_str()));
        fields.extend(secret.map(|secret| ("client_secret", secret.expose())));
    }
    let _turn = provider.turn().map_err(|_| Refusal::ProviderFailed)?;
    let answer = provider.outbound.post(address, &fields, authorization.as_deref());
    let Answered { status, body } = answer.map_err(|_| Refusal::ProviderFailed)?;
    match status {
        200 => {
            let answer: TokenAnswer = serde_json::from_slice(&body).map_err(|_| Refusal::TokenUnreadable)?;
            Ok(Tokens { id: answer.id_token, access: answer.access_token })
        }
        400..=499 => Err(Refusal::CodeRefused),
        _ => Err(Refusal::ProviderFailed),
    }
}

/// RFC 6749 §2.3.1: both parts are form-encoded before they are put together.
fn basic(client: &str, secret: &str) -> String {
    use base64::Engine;
    use openidconnect::url::form_urlencoded::byte_serialize;
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let both = format!("{}:{}", encoded(client), encoded(secret));
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(both))
}

/// Lets whom the identity means in, in one transaction.
fn admit(
    app: &App,
    provider: &Provider,
    identity: &Identity,
    secrets: &Secrets,
    visitor: &Visitor,
) -> Result<std::result::Result<Progress, Refused>> {
    let settings = &provider.settings;
    let entered = app.write_now(&Caller::house(ACTOR), |tx| {
        let meant = linking::meant(tx, settings, identity, secrets.invitation.as_deref())?;
        match tx.savepoint(|tx| enter(tx, app, (settings, identity), meant, (secrets, visitor))) {
            // What the provider says does not make an account, or its name means somebody else.
            Err(Error::Conflict(..) | Error::Invalid(_)) => Ok(Err((Refusal::AccountNotMade, None))),
            other => other,
        }
    })?;
    Ok(entered.value)
}

fn enter(
    tx: &mut Tx<'_>,
    app: &App,
    (settings, identity): (&IdentityProvider, &Identity),
    meant: Meant,
    (secrets, visitor): (&Secrets, &Visitor),
) -> Result<std::result::Result<Progress, Refused>> {
    let invited = secrets.invitation.is_some();
    let (account, to_link) = match meant {
        Meant::Nobody(refusal, account) => return Ok(Err((refusal, account))),
        Meant::ToMake if !identity.second_factor => return Ok(Err((Refusal::FactorMissing, None))),
        Meant::ToMake => (linking::make(tx, identity)?, Some(linking::LinkedBy::Creation)),
        Meant::Linked(account) => (account, None),
        Meant::ToLink(account, by) => (account, Some(by)),
    };
    let admission = vouched::admission(tx, &account)?;
    let refusal = match admission {
        Admission::Refused => Some(Refusal::NotInUse),
        // Somebody who left and came back is invited anew; the old link alone opens nothing.
        Admission::Invited if to_link.is_none() && !invited => Some(Refusal::NotInUse),
        Admission::Invited | Admission::WithoutFactor if !identity.second_factor && !invited => {
            Some(Refusal::FactorMissing)
        }
        _ => None,
    };
    if let Some(refusal) = refusal {
        return Ok(Err((refusal, Some(account))));
    }
    if let Some(token) = &secrets.invitation {
        links::take(tx, Purpose::Enrolment, token)?;
    }
    // An address says whose account it may be; that it is, a second factor that is enrolled here has to say once.
    let by_address = matches!(to_link, Some(linking::LinkedBy::Address));
    if let Some(by) = to_link {
        linking::link(tx, settings, identity, (&account, by))?;
    }
    if identity.second_factor {
        if admission == Admission::Invited {
            vouched::activate(tx, &account)?;
            links::void(tx, Purpose::Enrolment, Some(&account))?;
        }
        vouched::note_factor(tx, &account)?;
    }
    roles::follow(tx, settings, &account, &identity.groups)?;
    let origin = sessions::begin(tx, settings, identity, &account)?;
    let vouched = Vouched {
        account: &account,
        origin: &origin,
        visitor,
        second_factor: identity.second_factor,
        shows_own_factor: by_address,
        shown_at: identity.shown_at,
    };
    vouched::enter(tx, app, &vouched).map(Ok)
}

impl Returned {
    /// What was refused, as what was begun.
    fn of(self, secrets: &Secrets) -> Self {
        match self {
            Self::Refused(refusal) if secrets.proof.is_some() => Self::NotProved(refusal),
            as_is => as_is,
        }
    }

    /// The page that comes next for who may come in.
    pub fn next_page(progress: &Progress) -> Option<&'static str> {
        match progress.issued.as_ref().map(|issued| issued.session.stage) {
            Some(Stage::Full) | None => None,
            Some(Stage::Enrolment) => Some("/enrolment/totp"),
            Some(Stage::Password | Stage::Vouched) => Some("/sign-in/totp"),
        }
    }
}
