//! Who calls: a session cookie or a bearer credential becomes a [`Caller`], and the decision point says what they may.
//!
//! Rules: Bailiwick guards its own features with its own catalogue, by the same evaluation as any application's.
//! May call: `signin` (sessions), `access` (keys), `decision`.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::Problem;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::signin::sessions::{self, Session};

/// Who calls, and by what.
pub struct Identity {
    /// The caller; nobody if there is no valid credential.
    pub caller: Caller,
    /// The session behind the cookie, also one that is not complete yet. With it the browser must show that our own
    /// page made the call.
    pub session: Option<Session>,
}

/// Reads the request's credential: a session cookie, or nothing.
///
/// # Errors
/// [`Error::Unauthenticated`] for a bearer credential, which none is yet; a cookie that is not valid is as none.
pub async fn identify(app: &App, request: &HttpRequest) -> Result<Identity, Problem> {
    if request.headers().contains_key(AUTHORIZATION) {
        return Err(Error::Unauthenticated.into());
    }
    let session = match request.cookie(sessions::COOKIE) {
        Some(cookie) => sessions::identify(app, cookie.value()).await?,
        None => None,
    };
    let caller = session.as_ref().map_or_else(Caller::nobody, Session::caller);
    Ok(Identity { caller, session })
}

/// Asks the decision point for `bailiwick/feature:action`.
///
/// # Errors
/// [`Error::Unauthenticated`] for nobody, [`Error::Forbidden`] otherwise.
pub fn permit(_app: &App, caller: &Caller, feature: &str, action: &str) -> Result<(), Problem> {
    if caller.account().is_none() {
        return Err(Error::Unauthenticated.into());
    }
    Err(Error::forbidden("forbidden", format!("You lack the permission bailiwick/{feature}:{action}."))
        .into())
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
