//! Permissions as people write them, `application/feature:action`, gathered by application.
//!
//! Rule: a permission that no catalogue has is refused with what there is instead. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::catalogue::{Allow, Application, Class};
use super::lint::OWN_APPLICATION;
use super::names::{is_action, is_key};
use crate::error::{Error, Result};
use crate::profile::refusal::did_you_mean;

/// What the host's shell may write for all of Bailiwick's own features.
pub const EVERYTHING: &str = "bailiwick/*:*";
/// Own permissions that are never given all at once: signing in as others, reading why about personal data.
const NEVER_AT_ONCE: &[(&str, &str)] = &[("recovery", "use")];

/// One permission that somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// All of Bailiwick's own.
    Everything,
    /// One.
    One {
        /// The application's key.
        application: String,
        /// The feature's key.
        feature: String,
        /// The action.
        action: String,
    },
}

impl FromStr for Wish {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if text == EVERYTHING {
            return Ok(Self::Everything);
        }
        let parts = text.split_once('/').and_then(|(application, rest)| {
            let (feature, action) = rest.split_once(':')?;
            let named = is_key(application) && is_key(feature) && is_action(action);
            named.then_some((application, feature, action))
        });
        let (application, feature, action) =
            parts.ok_or("must be APPLICATION/FEATURE:ACTION, such as orders/order:read")?;
        Ok(Self::One {
            application: application.to_owned(),
            feature: feature.to_owned(),
            action: action.to_owned(),
        })
    }
}

/// Permissions by application, feature and action.
#[derive(Debug, Clone, Default)]
pub struct Permissions {
    all: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
    by_name: BTreeSet<(String, String, String)>,
}

impl Permissions {
    /// Adds one permission that an application has.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it has no such feature or action.
    pub fn add(&mut self, application: &Application, feature: &str, action: &str) -> Result<()> {
        let Some(known) = application.feature(feature) else {
            let features = application.features.iter().map(|feature| feature.key.as_str());
            let what = format!(
                "{} has no feature \"{feature}\"; {}",
                application.key,
                did_you_mean(feature, features)
            );
            return Err(Error::field("allow", what));
        };
        if !known.actions.iter().any(|own| own == action) {
            let actions = known.actions.iter().map(String::as_str);
            let what = format!("{feature} has no action \"{action}\"; {}", did_you_mean(action, actions));
            return Err(Error::field("allow", what));
        }
        self.put(&application.key, feature, action);
        self.by_name.insert((application.key.clone(), feature.to_owned(), action.to_owned()));
        Ok(())
    }

    /// Adds all of Bailiwick's own but those that are never given at once.
    pub fn add_everything(&mut self, own: &Application) {
        for feature in &own.features {
            for action in &feature.actions {
                if !NEVER_AT_ONCE.contains(&(feature.key.as_str(), action.as_str())) {
                    self.put(OWN_APPLICATION, &feature.key, action);
                }
            }
        }
    }

    fn put(&mut self, application: &str, feature: &str, action: &str) {
        let features = self.all.entry(application.to_owned()).or_default();
        features.entry(feature.to_owned()).or_default().insert(action.to_owned());
    }

    /// Whether a permission was added by its name.
    pub fn names(&self, application: &str, feature: &str, action: &str) -> bool {
        self.by_name.contains(&(application.to_owned(), feature.to_owned(), action.to_owned()))
    }

    /// The keys of the applications.
    pub fn applications(&self) -> Vec<String> {
        self.all.keys().cloned().collect()
    }

    /// The permissions of an application as a role allows them: those of class `pii`, or the others.
    pub fn allows(&self, application: &Application, pii: bool) -> Vec<Allow> {
        let features = self.all.get(&application.key).into_iter().flatten();
        let fits = |key: &str| {
            application.feature(key).is_some_and(|feature| (feature.class() == Class::Pii) == pii)
        };
        features
            .filter(|(key, _)| fits(key))
            .map(|(key, actions)| Allow {
                feature: key.clone(),
                actions: actions.iter().cloned().collect(),
                ..Allow::default()
            })
            .collect()
    }
}
