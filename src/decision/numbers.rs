//! Numbers that stand for names: of roles, for as long as the process lives, and of permissions, for whoever keeps one.
//!
//! Pure; calls `policy`.

use std::sync::Arc;

use super::policy::{Permission, Policy};

/// Numbers for names of roles. Only ever grows: a number once given out means the same role for ever.
#[derive(Clone, Default)]
pub(super) struct RoleNumbers {
    numbers: imbl::HashMap<Arc<str>, u32>,
    names: imbl::Vector<Arc<str>>,
}

impl RoleNumbers {
    /// The number of a role `app/role`, a new one if it has none yet.
    pub(super) fn number_of(&mut self, role: &str) -> u32 {
        if let Some(number) = self.numbers.get(role) {
            return *number;
        }
        // Four thousand million roles do not fit into the memory either; the last number then means them all.
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let name: Arc<str> = role.into();
        self.names.push_back(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }

    /// The role that has this number.
    pub(super) fn name_of(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", |name| name)
    }
}

/// A permission for whoever keeps it beyond the question. Costs a count of its policy's holders and no text.
#[derive(Clone)]
pub(super) struct Named {
    policy: Arc<Policy>,
    number: u32,
}

impl Named {
    /// The permission of that number.
    pub(super) fn of(policy: &Arc<Policy>, number: u32) -> Self {
        Self { policy: Arc::clone(policy), number }
    }

    /// `app/feature:action`.
    pub(super) fn name(&self) -> &str {
        self.policy.at(self.number as usize).map_or("", Permission::name)
    }
}
