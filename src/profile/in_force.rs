//! The profile in force on this node: what every use case asks for its parameters.
//!
//! Rule: it follows the organisation's choice as the log has it, and nothing else changes it; a choice that names no
//! profile leaves the one before in force. Pure; calls the rest of this room.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{Policies, PolicyFiles, Profile, Refusal, STRICTEST};
use crate::error::Error;

/// The profiles there are, and the one in force.
pub struct InForce {
    policies: Policies,
    chosen: ArcSwap<Profile>,
}

impl InForce {
    /// The strictest is in force until the organisation's choice is known.
    ///
    /// # Errors
    /// A refusal if there is no strictest profile.
    pub fn new(policies: Policies) -> Result<Self, Refusal> {
        let chosen = ArcSwap::from_pointee(policies.profile(STRICTEST)?.clone());
        Ok(Self { policies, chosen })
    }

    /// The policy profiles that this version ships; the choice among them is the organisation's.
    ///
    /// # Errors
    /// [`Error::Invalid`] for files that cannot be read.
    pub fn shipped() -> Result<Self, Error> {
        let policies = Policies::load(&PolicyFiles::built_in()).map_err(|refusals| {
            let all: Vec<String> = refusals.iter().map(ToString::to_string).collect();
            Error::field("policies", all.join("; "))
        })?;
        Self::new(policies).map_err(|refusal| Error::field("policies", refusal.to_string()))
    }

    /// The profile in force.
    pub fn current(&self) -> Arc<Profile> {
        self.chosen.load_full()
    }

    /// Puts the profile of that key in force.
    ///
    /// # Errors
    /// A refusal that names the nearest one, if there is none of that key; nothing is changed then.
    pub fn choose(&self, key: &str) -> Result<(), Refusal> {
        let profile = self.policies.profile(key)?;
        if self.chosen.load().key != key {
            self.chosen.store(Arc::new(profile.clone()));
        }
        Ok(())
    }

    /// Every profile and the register of clauses.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::PolicyFiles;

    #[test]
    fn the_strictest_is_in_force_until_another_is_chosen() {
        let in_force = InForce::new(Policies::load(&PolicyFiles::built_in()).unwrap()).unwrap();
        assert_eq!(in_force.current().key, STRICTEST);
        in_force.choose("one-connection").unwrap();
        assert_eq!(in_force.current().key, "one-connection");
        assert!(in_force.choose("one-conection").is_err());
        assert_eq!(in_force.current().key, "one-connection");
    }
}
