//! What denies before the policy is asked: kill switches, and pins that the referee or an alarm left.
//!
//! Rules: a target that could mean two things stops both; a target that means nothing yet stops it once it is there.
//! Both are nearly always empty, and then cost one comparison. Pure; calls `rows`.

use std::collections::{HashMap, HashSet};

use super::rows::{KillSwitchRow, PinRow};
use super::subject::number_of;
use crate::ids::{AccountId, KillSwitchId};

/// The kill switches that are pulled.
#[derive(Debug, Default)]
pub(super) struct KillSwitches {
    everything: Option<KillSwitchId>,
    applications: HashMap<Box<str>, KillSwitchId>,
    /// Application, then feature.
    features: HashMap<Box<str>, HashMap<Box<str>, KillSwitchId>>,
    accounts: HashMap<u128, KillSwitchId>,
    empty: bool,
}

impl KillSwitches {
    pub(super) fn of(rows: &[KillSwitchRow]) -> Self {
        let mut all = Self { empty: rows.is_empty(), ..Self::default() };
        for KillSwitchRow { id, target } in rows {
            if target == "*" {
                all.everything = Some(id.clone());
            } else if let Some((application, feature)) = target.split_once('/') {
                let features = all.features.entry(application.into()).or_default();
                features.insert(feature.into(), id.clone());
            } else {
                // The key of an application can look like an account's id.
                if let Some(account) = AccountId::parse(target).and_then(|account| number_of(&account)) {
                    all.accounts.insert(account, id.clone());
                }
                all.applications.insert(target.as_str().into(), id.clone());
            }
        }
        all
    }

    /// The kill switch that stops this, the widest first.
    pub(super) fn stopping(
        &self,
        application: &str,
        feature: &str,
        account: Option<u128>,
    ) -> Option<&KillSwitchId> {
        if self.empty {
            return None;
        }
        let features = || self.features.get(application)?.get(feature);
        let own = || self.accounts.get(&account?);
        let everything = self.everything.as_ref();
        everything.or_else(|| self.applications.get(application)).or_else(features).or_else(own)
    }
}

/// What is denied until a person clears it.
#[derive(Debug, Default)]
pub(super) struct Pins {
    whole: HashSet<u128>,
    permissions: HashMap<u128, HashSet<Box<str>>>,
}

impl Pins {
    pub(super) fn of(rows: &[PinRow]) -> Self {
        let mut pins = Self::default();
        for row in rows {
            let Some(account) = number_of(&row.account) else { continue };
            match &row.permission {
                None => {
                    pins.whole.insert(account);
                }
                Some(permission) => {
                    pins.permissions.entry(account).or_default().insert(permission.as_str().into());
                }
            }
        }
        pins
    }

    /// Whether this permission `app/feature:action` is denied to this account.
    pub(super) fn hold(&self, account: u128, permission: &str) -> bool {
        if self.whole.is_empty() && self.permissions.is_empty() {
            return false;
        }
        let held = self.permissions.get(&account);
        self.whole.contains(&account) || held.is_some_and(|held| held.contains(permission))
    }
}
