//! How applications, roles, grants and kill switches look in JSON.
//!
//! Rule: names come from the node's directory at view time; what is sealed is opened here and goes no further.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::access::catalogue::{Class, Environment, Integration};
use crate::access::grants::{self, Grant, GrantState, Source};
use crate::access::kill_switches::KillSwitch;
use crate::access::records::{ApplicationRecord, RoleRecord};
use crate::access::scope::{self, Scope};
use crate::access::{positions, roles};
use crate::app::App;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::Result;
use crate::ids::{AccountId, GrantId, KillSwitchId, RequestId, TextId};
use crate::vault;

/// An account as other things refer to it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AccountView {
    /// Its id.
    pub id: AccountId,
    /// What it signs in with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl AccountView {
    /// The id alone; names come with [`AccountView::with_names`].
    pub fn of(id: AccountId) -> Self {
        Self { id, username: None, name: None }
    }

    /// With the names that this node's directory has.
    #[must_use]
    pub fn with_names(self, app: &App) -> Self {
        match app.directory().card(&self.id) {
            Some(card) => Self { username: Some(card.username), name: Some(card.display_name), ..self },
            None => self,
        }
    }
}

/// An application.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApplicationView {
    /// Its key.
    pub key: String,
    name: String,
    #[schema(required)]
    owner: Option<AccountView>,
    environment: Environment,
    integration: Integration,
    class: Class,
    features: Vec<FeatureView>,
    revision: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct FeatureView {
    key: String,
    name: String,
    class: Class,
    actions: Vec<String>,
    scopes: Vec<String>,
    properties: Vec<String>,
}

/// All applications in force, by key.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn applications(reader: &mut Reader<'_>) -> Result<Vec<ApplicationView>> {
    Ok(roles::applications(reader)?.into_iter().map(ApplicationView::of).collect())
}

impl ApplicationView {
    fn of(record: ApplicationRecord) -> Self {
        let specification = record.specification;
        let feature = |feature: &crate::access::catalogue::Feature| FeatureView {
            key: feature.key.clone(),
            name: feature.display_name().to_owned(),
            class: feature.class(),
            actions: feature.actions.clone(),
            scopes: feature.scopes.clone(),
            properties: feature.properties.clone(),
        };
        let features: Vec<FeatureView> = specification.features.iter().map(feature).collect();
        Self {
            name: specification.display_name().to_owned(),
            key: record.key,
            owner: record.owner.map(AccountView::of),
            environment: specification.environment,
            integration: specification.integration,
            class: features.iter().map(|feature| feature.class).max().unwrap_or_default(),
            features,
            revision: record.revision,
        }
    }

    /// With the owner's name.
    #[must_use]
    pub fn with_names(mut self, app: &App) -> Self {
        self.owner = self.owner.map(|owner| owner.with_names(app));
        self
    }
}

/// A role.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleView {
    /// `application/role`.
    pub id: String,
    application: String,
    key: String,
    name: String,
    class: Class,
    access_role: bool,
    birthright: bool,
    #[schema(required)]
    position: Option<crate::access::catalogue::Position>,
    #[schema(required)]
    private_to: Option<AccountId>,
    approval: Vec<String>,
    #[schema(required)]
    max_duration: Option<String>,
    permissions: Vec<String>,
    revision: u64,
}

/// Roles in force, by id; of one application if a key is given.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn roles(reader: &mut Reader<'_>, application: Option<&str>) -> Result<Vec<RoleView>> {
    let mut views = Vec::new();
    let mut catalogues = BTreeMap::new();
    for record in roles::roles(reader, application)? {
        if !catalogues.contains_key(&record.application) {
            let catalogue = roles::catalogue(reader, &record.application)?;
            catalogues.insert(record.application.clone(), catalogue);
        }
        if let Some(catalogue) = catalogues.get(&record.application) {
            let permissions = catalogue.permissions_of(&record.specification);
            let permissions = permissions.into_iter().map(|(feature, action)| format!("{feature}:{action}"));
            views.push(RoleView::of(&record, permissions.collect()));
        }
    }
    Ok(views)
}

impl RoleView {
    fn of(record: &RoleRecord, permissions: Vec<String>) -> Self {
        let role = &record.specification;
        Self {
            id: record.id.clone(),
            application: record.application.clone(),
            key: role.key.clone(),
            name: role.display_name().to_owned(),
            class: record.class,
            access_role: record.access_role,
            birthright: role.birthright,
            position: role.position,
            private_to: record.private_to.clone(),
            approval: role.approval.iter().map(ToString::to_string).collect(),
            max_duration: role.max_duration.map(|period| period.to_string()),
            permissions,
            revision: record.revision,
        }
    }
}

/// A grant, or what comes by itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct GrantView {
    /// The grant; none for what comes by birth or position.
    #[schema(required)]
    pub id: Option<GrantId>,
    account: AccountView,
    /// The role, `application/role`.
    pub role: String,
    /// What people call the role.
    pub role_name: String,
    /// The key of the application.
    pub application: String,
    /// The class of the role.
    pub class: Class,
    /// Where it stands.
    pub state: GrantState,
    /// What it is limited to.
    #[schema(schema_with = scope::schema)]
    pub scope: Option<Scope>,
    /// Why.
    #[schema(required)]
    pub reason: Option<String>,
    /// How it came about: a source of grants, `birthright` or `position`.
    pub source: &'static str,
    /// Who said yes.
    pub approvers: Vec<AccountView>,
    #[schema(required)]
    request: Option<RequestId>,
    /// From when.
    #[schema(required)]
    pub valid_from: Option<Timestamp>,
    /// Until when.
    #[schema(required)]
    pub expires_at: Option<Timestamp>,
    #[schema(required)]
    confirmed_at: Option<Timestamp>,
}

impl GrantView {
    fn of(grant: Grant, role: &RoleRecord, reason: Option<String>) -> Self {
        Self {
            id: Some(grant.id),
            account: AccountView::of(grant.account),
            role: grant.role,
            role_name: role.specification.display_name().to_owned(),
            application: role.application.clone(),
            class: role.class,
            state: grant.state,
            scope: grant.scope,
            reason,
            source: source_word(grant.source),
            approvers: grant.approvers.into_iter().map(AccountView::of).collect(),
            request: grant.request,
            valid_from: Some(grant.valid_from),
            expires_at: grant.expires_at,
            confirmed_at: Some(grant.confirmed_at),
        }
    }

    /// What an account holds without a grant.
    fn by_itself(account: &AccountId, role: &RoleRecord) -> Self {
        Self {
            id: None,
            account: AccountView::of(account.clone()),
            role: role.id.clone(),
            role_name: role.specification.display_name().to_owned(),
            application: role.application.clone(),
            class: role.class,
            state: GrantState::Active,
            scope: None,
            reason: None,
            source: if role.specification.birthright { "birthright" } else { "position" },
            approvers: Vec::new(),
            request: None,
            valid_from: None,
            expires_at: None,
            confirmed_at: None,
        }
    }

    /// With the names that this node's directory has.
    #[must_use]
    pub fn with_names(mut self, app: &App) -> Self {
        self.account = self.account.with_names(app);
        self.approvers = self.approvers.into_iter().map(|approver| approver.with_names(app)).collect();
        self
    }
}

fn source_word(source: Source) -> &'static str {
    Source::ALL.iter().find(|one| **one == source).map_or("", Source::as_str)
}

/// Grants with their roles and reasons.
///
/// # Errors
/// [`crate::error::Error::Internal`] if a reason does not open.
pub fn grants(reader: &mut Reader<'_>, grants: Vec<Grant>) -> Result<Vec<GrantView>> {
    let mut known: BTreeMap<String, RoleRecord> = BTreeMap::new();
    let mut views = Vec::with_capacity(grants.len());
    for grant in grants {
        if !known.contains_key(&grant.role) {
            known.insert(grant.role.clone(), roles::role(reader, &grant.role)?);
        }
        let reason = text(reader, grant.reason.as_ref())?;
        if let Some(role) = known.get(&grant.role) {
            views.push(GrantView::of(grant, role, reason));
        }
    }
    Ok(views)
}

/// One grant with its role and reason.
///
/// # Errors
/// [`crate::error::Error::Internal`] if its reason does not open.
pub fn one_grant(reader: &mut Reader<'_>, grant: Grant) -> Result<GrantView> {
    let role = roles::role(reader, &grant.role)?;
    let reason = text(reader, grant.reason.as_ref())?;
    Ok(GrantView::of(grant, &role, reason))
}

/// Everything an account holds: living grants, and what comes by birth and position.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn held(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<GrantView>> {
    let living = grants::living(reader, account)?;
    let mut views = grants(reader, living)?;
    let person = crate::access::people::standing(reader, account)?.person;
    let positions = positions::of(reader, account)?;
    for role in roles::roles(reader, None)? {
        let by_birth = person && role.specification.birthright;
        if by_birth || positions.roles().any(|held| held == role.id) {
            views.push(GrantView::by_itself(account, &role));
        }
    }
    Ok(views)
}

/// A text that somebody typed.
///
/// # Errors
/// [`crate::error::Error::Internal`] if it does not open.
pub fn text(reader: &mut Reader<'_>, id: Option<&TextId>) -> Result<Option<String>> {
    id.map(|id| vault::show(reader, id)).transpose()
}

/// A kill switch.
#[derive(Debug, Serialize, ToSchema)]
pub struct KillSwitchView {
    id: KillSwitchId,
    target: String,
    #[schema(required)]
    reason: Option<String>,
    pulled_at: Timestamp,
    pulled_by: String,
    #[schema(required)]
    lifted_at: Option<Timestamp>,
    #[schema(required)]
    lifted_by: Option<String>,
}

impl KillSwitchView {
    /// A kill switch with its reason.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] if the reason does not open.
    pub fn of(reader: &mut Reader<'_>, switch: KillSwitch) -> Result<Self> {
        Ok(Self {
            reason: text(reader, switch.reason.as_ref())?,
            id: switch.id,
            target: switch.target,
            pulled_at: switch.pulled_at,
            pulled_by: switch.pulled_by,
            lifted_at: switch.lifted_at,
            lifted_by: switch.lifted_by,
        })
    }
}
