//! What a change of catalogues brings about, in the words of the catalogue: roles, permissions, conditions, owners.
//!
//! Rules: permissions are those that a role leaves after its own and inherited denials; everything that differs is said,
//! whether it gives or takes; nothing here decides anything. Pure but for reading what is in force.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::access::apply::{self, Applied};
use crate::access::catalogue::{Application, Role};
use crate::access::records::{ApplicationRecord, RoleRecord};
use crate::access::store::catalogue as store;
use crate::db::Reader;
use crate::error::Result;
use crate::ids::AccountId;

/// What would change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ProposedChanges)]
pub struct Changes {
    /// One entry for each application that changes.
    pub applications: Vec<ApplicationChange>,
    /// Whether the organisation's exclusions change.
    pub exclusions_changed: bool,
}

/// What would change of one application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplicationChange {
    /// Its key.
    pub application: String,
    /// Whether it is new.
    pub new: bool,
    /// Its owner, if that changes.
    #[schema(required)]
    pub owner: Option<OwnerChange>,
    /// What changes of the application and its features, such as `environment: test → production`.
    pub altered: Vec<String>,
    /// The roles that change.
    pub roles: Vec<RoleChange>,
    /// The roles that go out of use, `application/role`.
    pub roles_retired: Vec<String>,
    /// How many grants end with them.
    pub grants_ended: u64,
}

/// An owner before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnerChange {
    /// Who owns it now.
    #[schema(required)]
    pub before: Option<AccountId>,
    /// Who would.
    #[schema(required)]
    pub after: Option<AccountId>,
}

/// What would change of one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleChange {
    /// `application/role`.
    pub role: String,
    /// Whether it is new.
    pub new: bool,
    /// Whether it guards personal data.
    pub access_role: bool,
    /// The permissions that it would have more, `feature:action`.
    pub permissions_added: Vec<String>,
    /// The permissions that it would have no more.
    pub permissions_removed: Vec<String>,
    /// What else changes, such as `approval: manager, owner → manager`.
    pub altered: Vec<String>,
}

/// The applications as they are in force.
pub(super) struct Before(Vec<(ApplicationRecord, Vec<RoleRecord>)>);

impl Before {
    /// What is in force of these applications.
    pub(super) fn of(reader: &mut Reader<'_>, keys: &[&str]) -> Result<Self> {
        let mut found = Vec::new();
        for key in keys {
            if let Some(record) = store::find_application(reader, key)? {
                let mut roles = store::roles(reader, Some(key))?;
                roles.retain(|role| role.retired_at.is_none() && role.private_to.is_none());
                found.push((record, roles));
            }
        }
        Ok(Self(found))
    }

    /// What changed of them, as the database has it now; `applied` says which and how many grants ended.
    pub(super) fn changes(self, reader: &mut Reader<'_>, applied: &Applied) -> Result<Changes> {
        let mut changes = Changes { exclusions_changed: applied.exclusions_changed, ..Changes::default() };
        for done in applied.applications.iter().filter(|done| done.changed) {
            let Some(now) = store::find_application(reader, &done.key)? else { continue };
            let before = self.0.iter().find(|(record, _)| record.key == done.key);
            let then = before.map(|(record, roles)| whole(record, roles));
            let after = apply::whole(reader, &now)?;
            let owner_before = before.and_then(|(record, _)| record.owner.clone());
            changes.applications.push(ApplicationChange {
                application: done.key.clone(),
                new: before.is_none(),
                owner: (owner_before != now.owner)
                    .then(|| OwnerChange { before: owner_before, after: now.owner.clone() }),
                altered: then.as_ref().map(|then| application_altered(then, &after)).unwrap_or_default(),
                roles: roles(then.as_ref(), &after),
                roles_retired: done.roles_retired.clone(),
                grants_ended: done.grants_ended as u64,
            });
        }
        Ok(changes)
    }
}

fn whole(record: &ApplicationRecord, roles: &[RoleRecord]) -> Application {
    let mut roles: Vec<&RoleRecord> = roles.iter().collect();
    roles.sort_by_key(|role| role.place);
    let roles = roles.into_iter().map(|role| role.specification.clone()).collect();
    Application { roles, ..record.specification.clone() }
}

fn roles(before: Option<&Application>, after: &Application) -> Vec<RoleChange> {
    let change = |role: &Role| {
        let known = before.and_then(|before| before.role(&role.key).map(|known| (before, known)));
        let had = known.map(|(before, known)| permissions(before, known)).unwrap_or_default();
        let has = permissions(after, role);
        RoleChange {
            role: format!("{}/{}", after.key, role.key),
            new: known.is_none(),
            access_role: role.access_role,
            permissions_added: has.difference(&had).cloned().collect(),
            permissions_removed: had.difference(&has).cloned().collect(),
            altered: known.map(|(_, known)| role_altered(known, role)).unwrap_or_default(),
        }
    };
    let differs = |change: &RoleChange| {
        let moved = !change.permissions_added.is_empty() || !change.permissions_removed.is_empty();
        change.new || moved || !change.altered.is_empty()
    };
    after.roles.iter().map(change).filter(differs).collect()
}

fn permissions(application: &Application, role: &Role) -> BTreeSet<String> {
    let all = application.permissions_of(role).into_iter();
    all.map(|(feature, action)| format!("{feature}:{action}")).collect()
}

/// What differs of an application beside its owner and roles, one line each.
fn application_altered(before: &Application, after: &Application) -> Vec<String> {
    let plain = |application: &Application| {
        let mut map = object(application);
        for gone in ["owner", "role", "feature", "record"] {
            map.remove(gone);
        }
        map
    };
    let mut lines = differing("", &plain(before), &plain(after));
    for feature in &after.features {
        match before.feature(&feature.key) {
            Some(known) => {
                lines.extend(differing(&format!("{}: ", feature.key), &object(known), &object(feature)));
            }
            None => lines.push(format!("new feature {} ({})", feature.key, feature.class())),
        }
    }
    let gone = before.features.iter().filter(|feature| after.feature(&feature.key).is_none());
    lines.extend(gone.map(|feature| format!("without the feature {}", feature.key)));
    if before.records != after.records {
        lines.push(format!("{} registered records → {}", before.records.len(), after.records.len()));
    }
    lines
}

/// What differs of a role beside the permissions it leaves, one line each.
fn role_altered(before: &Role, after: &Role) -> Vec<String> {
    let plain = |role: &Role| {
        let mut map = object(role);
        map.remove("allow");
        map.remove("deny");
        map
    };
    let mut lines = differing("", &plain(before), &plain(after));
    let features: BTreeSet<&str> =
        before.allows.iter().chain(&after.allows).map(|allow| allow.feature.as_str()).collect();
    for feature in features {
        let (had, has) = (conditions(before, feature), conditions(after, feature));
        if let (Some(had), Some(has)) = (&had, &has)
            && had != has
        {
            lines.push(format!("conditions on {feature}: {had} → {has}"));
        }
    }
    lines
}

/// The conditions under which a role allows a feature, in one line; `None` if it does not.
fn conditions(role: &Role, feature: &str) -> Option<String> {
    let of_one = |allow: &crate::access::catalogue::Allow| {
        let mut map = object(allow);
        map.remove("feature");
        let lines: Vec<String> = map.iter().map(|(key, value)| format!("{key} {}", shown(value))).collect();
        lines.join(", ")
    };
    let all: Vec<String> = role.allows.iter().filter(|allow| allow.feature == feature).map(of_one).collect();
    (!all.is_empty()).then(|| all.join(" or "))
}

fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn differing(head: &str, before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let values = keys.into_iter().map(|key| (key, before.get(key), after.get(key)));
    let text = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), shown);
    values
        .filter(|(_, had, has)| had != has)
        .map(|(key, had, has)| format!("{head}{}: {} → {}", key.replace('_', " "), text(had), text(has)))
        .collect()
}

/// A value as people read it.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) => list.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(map) => {
            map.iter().map(|(key, value)| format!("{key} {}", shown(value))).collect::<Vec<_>>().join(", ")
        }
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}
