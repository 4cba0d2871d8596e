//! Roles and scopes as people read them on pages.
//!
//! Rule: the catalogue's own names; its keys where it gives none or the application is gone. May call: the catalogue.

use std::collections::BTreeMap;

use super::catalogue::{Application, Role};
use super::records::RoleRecord;
use super::roles;
use super::scope::Scope;
use crate::db::Reader;
use crate::error::{Error, Result};

/// Of more features than this only these are named.
const MOST_FEATURES: usize = 3;

/// A role in words.
pub struct RoleWords {
    /// What people call it.
    pub name: String,
    /// What people call its application.
    pub application: String,
    /// What it lets one do, such as "Refunds: prepare, read"; `None` if that is nothing.
    pub lets: Option<String>,
}

/// Puts the roles of one page into words and reads each application once.
#[derive(Default)]
pub struct Words(BTreeMap<String, Option<Application>>);

impl Words {
    /// A role in words.
    ///
    /// # Errors
    /// [`Error::Internal`] for a fault of the database.
    pub fn of(&mut self, reader: &mut Reader<'_>, role: &RoleRecord) -> Result<RoleWords> {
        let application = self.application(reader, &role.application)?;
        Ok(RoleWords {
            name: role.specification.display_name().to_owned(),
            application: application.map_or(&*role.application, Application::display_name).to_owned(),
            lets: application.and_then(|application| lets(application, &role.specification)),
        })
    }

    /// The role with this id in words; the id itself where there is no such role any more.
    ///
    /// # Errors
    /// [`Error::Internal`] for a fault of the database.
    pub fn of_id(&mut self, reader: &mut Reader<'_>, id: &str) -> Result<RoleWords> {
        match roles::role(reader, id) {
            Ok(role) => self.of(reader, &role),
            Err(Error::NotFound(_)) => {
                let application = id.split('/').next().unwrap_or(id).to_owned();
                Ok(RoleWords { name: id.to_owned(), application, lets: None })
            }
            Err(error) => Err(error),
        }
    }

    fn application(&mut self, reader: &mut Reader<'_>, key: &str) -> Result<Option<&Application>> {
        if !self.0.contains_key(key) {
            let found = match roles::catalogue(reader, key) {
                Ok(application) => Some(application),
                Err(Error::NotFound(_)) => None,
                Err(error) => return Err(error),
            };
            self.0.insert(key.to_owned(), found);
        }
        Ok(self.0.get(key).and_then(Option::as_ref))
    }
}

/// What a role leaves after its denials, feature by feature in the order of the catalogue.
fn lets(application: &Application, role: &Role) -> Option<String> {
    let permissions = application.permissions_of(role);
    let mut features = Vec::new();
    for feature in &application.features {
        let of_feature = permissions.iter().filter(|(key, _)| *key == feature.key);
        let actions: Vec<&str> = of_feature.map(|(_, action)| *action).collect();
        if !actions.is_empty() {
            features.push(format!("{}: {}", feature.display_name(), actions.join(", ")));
        }
    }
    let further = features.len().saturating_sub(MOST_FEATURES);
    features.truncate(MOST_FEATURES);
    match (features.is_empty(), further) {
        (true, _) => None,
        (false, 0) => Some(features.join("; ")),
        (false, _) => Some(format!("{}; and {further} more", features.join("; "))),
    }
}

/// A scope in words, such as "marketplace IE, UK".
pub fn scope(scope: &Scope) -> String {
    let parts = scope.iter().map(|(property, values)| format!("{property} {}", values.join(", ")));
    parts.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        key = "desk"
        feature = [
            { key = "b", name = "Bills", actions = ["read", "write"] }, { key = "a", actions = ["read"] },
            { key = "c", actions = ["read"] }, { key = "d", actions = ["read"] },
        ]
        role = [
            { key = "few", allow = [{ feature = "a", actions = ["read"] }, { feature = "b", actions = ["write", "read"] }] },
            { key = "many", inherits = ["few"], allow = [{ feature = "c", actions = ["read"] }, { feature = "d", actions = ["read"] }] },
            { key = "none" },
        ]
    "#;

    #[test]
    fn a_role_says_what_it_lets_one_do_in_the_order_of_the_catalogue() {
        let desk: Application = toml::from_str(TEXT).unwrap();
        let said = |key: &str| lets(&desk, desk.role(key).unwrap());
        assert_eq!(said("few").as_deref(), Some("Bills: read, write; a: read"));
        assert_eq!(said("many").as_deref(), Some("Bills: read, write; a: read; c: read; and 1 more"));
        assert_eq!(said("none"), None);
    }

    #[test]
    fn a_scope_names_its_properties_and_values() {
        let limited = Scope::from([
            ("desk".to_owned(), vec!["2".to_owned()]),
            ("marketplace".to_owned(), vec!["IE".to_owned(), "UK".to_owned()]),
        ]);
        assert_eq!(scope(&limited), "desk 2; marketplace IE, UK");
    }
}
