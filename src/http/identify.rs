//! Who calls: a session cookie or a bearer credential becomes a [`Caller`], and the decision point says what they may.
//!
//! Rules: Bailiwick guards its own features with its own catalogue, by the same evaluation as any application's.
//! May call: `signin` (sessions), `access` (keys), `decision`.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderValue};
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::{Problem, client};
use crate::access::lint::OWN_APPLICATION;
use crate::app::App;
use crate::caller::{Actor, Caller};
use crate::decision::Question;
use crate::decision::rows::SubjectKind;
use crate::error::Error;
use crate::ids::AccountId;
use crate::signin::sessions::{self, Session};

/// Who calls, and by what.
pub struct Identity {
    /// The caller; nobody if there is no valid credential.
    pub caller: Caller,
    /// The session behind the cookie, also one that is not complete yet. With it the browser must show that our own
    /// page made the call.
    pub session: Option<Session>,
}

/// Reads the request's credential: an API key, a session cookie, or nothing.
///
/// # Errors
/// [`Error::Unauthenticated`] for a bearer credential that does not count; a cookie that is not valid is as none.
pub async fn identify(app: &App, request: &HttpRequest) -> Result<Identity, Problem> {
    if let Some(credential) = request.headers().get(AUTHORIZATION) {
        let caller = of_key(app, request, credential).ok_or(Error::Unauthenticated)?;
        return Ok(Identity { caller, session: None });
    }
    let session = match request.cookie(sessions::COOKIE) {
        Some(cookie) => {
            let from = client::address(&app.config().trusted_proxies, request);
            sessions::identify(app, cookie.value(), from).await?
        }
        None => None,
    };
    let caller = session.as_ref().map_or_else(Caller::nobody, Session::caller);
    Ok(Identity { caller, session })
}

/// The service whose key stands in `Authorization: Bearer …`.
fn of_key(app: &App, request: &HttpRequest, credential: &HeaderValue) -> Option<Caller> {
    let (scheme, token) = credential.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let from = client::address(&app.config().trusted_proxies, request);
    let key = app.keys().identify(app.context().clock.now(), token.trim(), from)?;
    let actor = Actor::Service { account: key.account.clone(), key: key.key.clone() };
    Some(Caller { actor, ..Caller::nobody() })
}

/// Asks the decision point for `bailiwick/feature:action`, and lets it be counted as use.
///
/// # Errors
/// [`Error::Unauthenticated`] for nobody, [`Error::Forbidden`] otherwise.
pub fn permit(app: &App, caller: &Caller, feature: &str, action: &str) -> Result<(), Problem> {
    let Some(question) = question(caller, feature, action) else { return Err(Error::Unauthenticated.into()) };
    let (now, snapshot) = (app.context().clock.now(), app.decisions().snapshot());
    let decision = snapshot.evaluate(now, app.freshness(), &question);
    if decision.permit() {
        // Counted, and the grants that gave it are in use. None of the house's own features is of class `pii`, so
        // none has to wait for its record. What is denied is recorded by the guard, with its route.
        let asker = question.subject.into();
        let _counted = app.recorder().record(now, &asker, &question, &snapshot, &decision);
        return Ok(());
    }
    let advice = format!("This needs the permission bailiwick/{feature}:{action}, which you do not have.");
    Err(Error::forbidden("forbidden", advice).into())
}

/// Whether the decision point permits the caller `bailiwick/feature:action` now: to offer what is permitted, not to do
/// it.
pub fn permits(app: &App, caller: &Caller, feature: &str, action: &str) -> bool {
    question(caller, feature, action).is_some_and(|question| {
        app.decisions().evaluate(app.context().clock.now(), app.freshness(), &question).permit()
    })
}

/// The people whom the decision point permits `bailiwick/feature:action` now, at most `limit`.
pub fn permitted(app: &App, feature: &str, action: &str, limit: usize) -> Vec<AccountId> {
    let question = own_question(SubjectKind::Person.type_name(), "", feature, action);
    let (now, snapshot) = (app.context().clock.now(), app.decisions().snapshot());
    snapshot.search_subjects(now, app.freshness(), &question, None, limit).items
}

/// The question whether a caller may use a feature of this house; none for those who are no subject.
fn question<'a>(caller: &'a Caller, feature: &'a str, action: &'a str) -> Option<Question<'a>> {
    let (kind, account) = match &caller.actor {
        Actor::Person { account, .. } => (SubjectKind::Person, account),
        Actor::Service { account, .. } => (SubjectKind::Service, account),
        Actor::Nobody | Actor::Shell { .. } | Actor::House { .. } => return None,
    };
    Some(own_question(kind.type_name(), account.as_str(), feature, action))
}

fn own_question<'a>(
    subject_type: &'a str,
    subject: &'a str,
    feature: &'a str,
    action: &'a str,
) -> Question<'a> {
    Question {
        subject_type,
        subject,
        application: Some(OWN_APPLICATION),
        resource_type: feature,
        resource: "",
        action,
        ..Question::default()
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().cloned();
        ready(caller.ok_or_else(|| Error::internal("identifying", "the guard did not run").into()))
    }
}

/// The session of a request, whatever its stage: for the steps of sign-in and enrolment, and for leaving.
pub struct Current(pub Option<Session>);

impl FromRequest for Current {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.extensions().get::<Session>().cloned())))
    }
}
