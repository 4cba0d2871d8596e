//! Who stands at the door, before anybody knows who it is.
//!
//! Rules: nothing of it is believed; it limits how often somebody may try, and says what a session is called. May call:
//! nothing.

use std::net::IpAddr;

use super::hasher::Secret;

/// What is known of a call to the sign-in beside what was typed.
#[derive(Clone, Default)]
pub struct Visitor {
    /// How the browser names itself.
    pub agent: String,
    /// Where it comes from; `None` if that is not known.
    pub address: Option<IpAddr>,
    /// The token of the device that it says it is.
    pub device: Option<Secret>,
    /// The token of the shared workstation that it says it is.
    pub workstation: Option<Secret>,
}

/// Shows neither the address nor a token.
impl std::fmt::Debug for Visitor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Visitor").field("agent", &self.agent).finish_non_exhaustive()
    }
}
