//! Signing in: passwords, lockout, second factors, passkeys, sessions, shared workstations, fresh proofs, one-time links.
//!
//! Rules: nothing is hashed inside a transaction; unknown, wrong and locked look alike; a password alone opens
//! nothing and enrols nothing. May call: `access`, `accounts`, `organisation`, and what lies below all slices.

pub mod asking_rate;
mod attempt;
pub mod breached;
mod choosing;
mod enrolment;
mod entering;
mod factors;
pub mod handing_over;
pub mod hasher;
pub mod http;
pub mod inviting;
pub mod jobs;
pub mod known_devices;
mod leaving;
pub mod limits;
pub mod links;
pub mod lockout;
mod meter;
pub mod own;
pub mod passkeys;
pub mod password;
mod people;
pub mod proving;
pub mod recovery;
pub mod resetting;
pub mod sessions;
mod store;
pub mod throttle;
pub mod totp;
mod visitor;
pub mod vouched;
pub mod workstations;

use serde::Serialize;

pub use choosing::{change, choose_at_sign_in, unlock, unlock_by_link};
pub use enrolment::{begin_factor, confirm_factor, look, set_password};
pub use entering::{end_session, make_room, next_state, show_code, sign_in, sign_out};
pub use leaving::close;
pub use people::passwords_that_end;
pub use visitor::Visitor;

use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::Result;
use crate::ids::AccountId;
use hasher::Secret;
use sessions::Issued;

/// What comes next for somebody who signs in or enrols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SignInState)]
pub enum State {
    /// A code of the second factor; while enrolling, the second factor itself.
    TotpRequired,
    /// A new password, because the old one has ended or must be changed.
    PasswordExpired,
    /// Nothing: the person is signed in.
    SignedIn,
}

/// How far somebody has come by a step.
pub struct Progress {
    /// What comes next.
    pub state: State,
    /// The session that takes the place of the one before; `None` if that one goes on.
    pub issued: Option<Issued>,
    /// New recovery codes: the only time that anybody sees them.
    pub recovery_codes: Option<Vec<String>>,
    /// What makes the browser a known device from now on.
    pub device: Option<Secret>,
}

impl Progress {
    fn code_needed(issued: Option<Issued>) -> Self {
        Self { state: State::TotpRequired, issued, recovery_codes: None, device: None }
    }

    fn password_ended(issued: Issued) -> Self {
        Self { state: State::PasswordExpired, issued: Some(issued), recovery_codes: None, device: None }
    }

    fn signed_in(issued: Issued) -> Self {
        Self { state: State::SignedIn, issued: Some(issued), recovery_codes: None, device: None }
    }
}

/// What somebody sees of their own sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// When the password was set; `None` if there is none.
    pub password_since: Option<Timestamp>,
    /// When the password ends by its age; `None` if it does not, or if there is none.
    pub password_ends_at: Option<Timestamp>,
    /// Since when the authenticator is enrolled.
    pub authenticator_since: Option<Timestamp>,
    /// How many passkeys there are.
    pub passkeys: usize,
    /// How many recovery codes are left.
    pub codes_left: u64,
}

/// How an account signs in.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn standing(reader: &mut Reader<'_>, account: &AccountId) -> Result<Standing> {
    let age = people::password_age(reader, account)?;
    Ok(Standing {
        password_since: age.map(|age| age.set_at),
        password_ends_at: age.and_then(|age| age.ends_at),
        authenticator_since: totp::enrolled_at(reader, account)?,
        passkeys: passkeys::count(reader, account)?,
        codes_left: totp::recovery_codes_left(reader, account)?,
    })
}
