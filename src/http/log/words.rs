//! Events in sentences: who did what to whom, and where to look further. Ids become names here and nowhere else.

use super::name_of;
use crate::app::App;
use crate::caller::Actor;
use crate::log::event::{Change, Event};

/// Every kind of event with its name, in the order of the names.
pub(super) const KINDS: &[(&str, &str)] = &[
    ("holding_found", "Access found elsewhere"),
    ("holding_gone", "Access found elsewhere gone"),
    ("holding_settled", "Access found elsewhere settled"),
    ("account_created", "Account added"),
    ("account_changed", "Account changed"),
    ("account_state_changed", "Account changed state"),
    ("alarm_state_changed", "Alarm moved on"),
    ("alarm_raised", "Alarm raised"),
    ("alarm_seen_again", "Alarm seen again"),
    ("alarm_told", "Alarm told"),
    ("application_retired", "Application retired"),
    ("attestation_ended", "Attestation ended"),
    ("attestation_given", "Attestation given"),
    ("catalogue_applied", "Catalogue applied"),
    ("data_exported", "Data exported"),
    ("access_day_closed", "Day of access closed"),
    ("own_decision_changed", "Decision about oneself"),
    ("device_remembered", "Device remembered"),
    ("exception_changed", "Exception changed"),
    ("factor_enrolled", "Factor enrolled"),
    ("factor_locked", "Factor locked"),
    ("factor_removed", "Factor removed"),
    ("grant_added", "Grant added"),
    ("grant_expired", "Grant expired"),
    ("grant_kept", "Grant kept"),
    ("grant_resumed", "Grant resumed"),
    ("grant_revoked", "Grant revoked"),
    ("grant_suspended", "Grant suspended"),
    ("handover_changed", "Handed over in person"),
    ("house_started", "House started"),
    ("identity_linked", "Identity linked"),
    ("identity_provider_failed", "Identity provider failed"),
    ("identity_removal_asked", "Identity removal asked"),
    ("identity_unlinked", "Identity unlinked"),
    ("key_issued", "Key issued"),
    ("key_revoked", "Key revoked"),
    ("kill_switch_lifted", "Kill switch lifted"),
    ("kill_switch_pulled", "Kill switch pulled"),
    ("leaver_reported", "Leaver reported"),
    ("leaver_state_changed", "Leaver’s case moved on"),
    ("leaver_step_changed", "Leaver’s step changed"),
    ("link_due", "Link due"),
    ("link_issued", "Link issued"),
    ("link_used", "Link used"),
    ("grants_imported", "List of a system read"),
    ("log_verified", "Log verified"),
    ("passkey_changed", "Passkey changed"),
    ("password_locked", "Password locked"),
    ("password_set", "Password set"),
    ("password_unlocked", "Password unlocked"),
    ("people_imported", "People imported"),
    ("proposal_changed", "Proposal moved on"),
    ("provider_attestation_ended", "Provider not vouched for any more"),
    ("provider_attested", "Provider vouched for"),
    ("request_approved", "Request approved"),
    ("request_lapsed", "Request lapsed"),
    ("request_made", "Request made"),
    ("request_refused", "Request refused"),
    ("request_withdrawn", "Request withdrawn"),
    ("campaign_activated", "Review active"),
    ("campaign_closed", "Review closed"),
    ("item_decided", "Review item decided"),
    ("item_drafted", "Review item drafted"),
    ("item_reassigned", "Review item reassigned"),
    ("item_superseded", "Review item superseded"),
    ("item_verified", "Review item verified"),
    ("campaign_state_changed", "Review moved on"),
    ("campaign_opened", "Review opened"),
    ("role_defined", "Role defined"),
    ("group_role_withheld", "Role of a group withheld"),
    ("role_retired", "Role retired"),
    ("session_ended", "Session ended"),
    ("session_started", "Session started"),
    ("setting_changed", "Setting changed"),
    ("workstation_changed", "Shared workstation changed"),
    ("workstation_entered", "Shared workstation entered"),
    ("sso_refused", "Sign-in by a provider refused"),
    ("task_handed_over", "Task handed over"),
    ("task_opened", "Task opened"),
    ("task_reopened", "Task opened again"),
    ("task_done", "Task said to be done"),
    ("task_verified", "Task verified"),
    ("task_withdrawn", "Task withdrawn"),
];

/// One event in words.
pub(super) struct Told {
    /// The sentence.
    pub(super) text: String,
    /// What a second line adds.
    pub(super) note: Option<String>,
    /// Where to look further.
    pub(super) href: Option<String>,
}

/// An event in words.
pub(super) fn tell(app: &App, event: &Event) -> Told {
    let subject = event.subject.as_ref().map(|account| name_of(app, account));
    let does = verb(&event.change);
    let about = match (&event.actor, &event.subject) {
        (Actor::Person { account, .. } | Actor::Service { account, .. }, Some(subject))
            if account == subject =>
        {
            None
        }
        _ => subject,
    };
    // Who signs in or enrols is nobody to the house until it is done, and a name to whoever reads of it.
    let (who, about) = match (&event.actor, &event.change, about) {
        (
            Actor::Nobody | Actor::House { .. },
            Change::SessionStarted { .. } | Change::FactorEnrolled { .. } | Change::PasskeyChanged { .. },
            Some(name),
        ) => (name, None),
        (by, _, about) => (actor(app, by), about),
    };
    let text = match about {
        Some(about) => format!("{who} {does}: {about}"),
        None => format!("{who} {does}"),
    };
    Told { text, note: note(app, &event.change), href: href(&event.change) }
}

fn actor(app: &App, actor: &Actor) -> String {
    match actor {
        Actor::Person { account, .. } | Actor::Service { account, .. } => name_of(app, account),
        Actor::Shell { user } => format!("The host’s user {user}"),
        Actor::House { .. } => "The house".to_owned(),
        Actor::Nobody => "Somebody not signed in".to_owned(),
    }
}

#[expect(clippy::too_many_lines, reason = "a table: one line for each kind of event")]
fn verb(change: &Change) -> &'static str {
    use Change as C;
    match change {
        C::HouseStarted { .. } => "started",
        C::SettingChanged { .. } => "changed a setting",
        C::AccountCreated { .. } => "added an account",
        C::AccountChanged { .. } => "changed an account",
        C::AccountStateChanged { .. } => "moved an account to another state",
        C::PeopleImported { .. } => "imported people",
        C::GrantsImported { .. } => "read a system’s list of access",
        C::HoldingFound { .. } => "found access in another system",
        C::HoldingSettled { .. } => "settled whose access in another system it is",
        C::HoldingGone { .. } => "saw that access in another system is gone",
        C::TaskOpened { .. } => "opened a task by hand",
        C::TaskHandedOver { .. } => "handed a task over",
        C::TaskDone { .. } => "said that a task is done",
        C::TaskVerified { .. } => "verified a task",
        C::TaskReopened { .. } => "opened a task again",
        C::TaskWithdrawn { .. } => "withdrew a task",
        C::LinkDue { .. } => "had a one-time link mailed",
        C::LinkIssued { .. } => "issued a one-time link",
        C::LinkUsed { .. } => "used a one-time link",
        C::HandoverChanged { state, .. } => match state.as_str() {
            "given" => "handed a way in over in person",
            "waiting" => "asked a second person about a way in",
            _ => "did not hand a way in over",
        },
        C::PasswordSet { .. } => "set a password",
        C::PasswordLocked { .. } => "was wrong too often, the password is locked",
        C::PasswordUnlocked { .. } => "unlocked a password",
        C::FactorLocked { .. } => "was wrong too often, the second factor is locked",
        C::FactorEnrolled { .. } => "enrolled a second factor",
        C::FactorRemoved { .. } => "removed a second factor",
        C::PasskeyChanged { what, .. } => match what.as_str() {
            "added" => "added a passkey",
            "renamed" => "renamed a passkey",
            "removed" => "removed a passkey",
            _ => "showed a passkey whose counter went back",
        },
        C::SessionStarted { .. } => "signed in",
        C::DeviceRemembered { .. } => "signed in from a new device",
        C::SessionEnded { .. } => "ended a session",
        C::WorkstationEntered { .. } => "signed in on a shared workstation for the first time in a while",
        C::WorkstationChanged { what, .. } => match what.as_str() {
            "registered" => "registered a shared workstation",
            "renamed" => "renamed a shared workstation",
            "code_made" => "made another code for a shared workstation",
            "in_use" => "put a shared workstation in use",
            _ => "ended a shared workstation",
        },
        C::IdentityLinked { .. } => "linked an identity provider’s subject",
        C::IdentityRemovalAsked { .. } => "asked a second person about an identity provider’s subject",
        C::IdentityUnlinked { .. } => "took an identity provider’s subject away",
        C::SsoRefused { .. } => "refused a sign-in by an identity provider",
        C::IdentityProviderFailed { .. } => "saw that an identity provider does not answer as it should",
        C::GroupRoleWithheld { .. } => "let a role of a group be",
        C::KeyIssued { .. } => "issued a key",
        C::KeyRevoked { .. } => "revoked a key",
        C::CatalogueApplied { .. } => "applied a catalogue",
        C::ApplicationRetired { .. } => "retired an application",
        C::RoleDefined { .. } => "defined a role",
        C::RoleRetired { .. } => "retired a role",
        C::ProposalChanged { state, .. } => match state.as_str() {
            "proposed" => "proposed a change of what opens personal data",
            "approved" => "approved a proposal",
            "refused" => "refused a proposal",
            "withdrawn" => "took a proposal back",
            _ => "let a proposal lapse",
        },
        C::AttestationGiven { .. } => "recorded an attestation",
        C::AttestationEnded { .. } => "ended an attestation",
        C::ProviderAttested { .. } => "vouched for an identity provider",
        C::ProviderAttestationEnded { .. } => "vouches for an identity provider no more",
        C::GrantAdded { .. } => "gave a role",
        C::GrantKept { .. } => "kept a grant",
        C::GrantSuspended { .. } => "suspended a grant",
        C::GrantResumed { .. } => "resumed a grant",
        C::GrantRevoked { .. } => "revoked a grant",
        C::GrantExpired { .. } => "tidied away a grant that had run out",
        C::KillSwitchPulled { .. } => "pulled a kill switch",
        C::KillSwitchLifted { .. } => "lifted a kill switch",
        C::RequestMade { .. } => "asked for access",
        C::RequestApproved { .. } => "approved a request",
        C::RequestRefused { .. } => "refused a request",
        C::RequestWithdrawn { .. } => "took a request back",
        C::RequestLapsed { .. } => "let a request lapse",
        C::CampaignOpened { .. } => "opened a review",
        C::CampaignActivated { .. } => "made a review active",
        C::CampaignStateChanged { .. } => "moved a review on",
        C::CampaignClosed { .. } => "closed a review",
        C::ItemDrafted { .. } => "drafted an answer in a review",
        C::ItemDecided { .. } => "decided in a review",
        C::ItemReassigned { .. } => "gave a review’s item to another reviewer",
        C::ItemSuperseded { .. } => "took an item out of a review, its grant had ended",
        C::ItemVerified { .. } => "saw that a decision has its effect",
        C::LeaverReported { .. } => "reported a leaver",
        C::LeaverStateChanged { .. } => "moved a leaver’s case on",
        C::LeaverStepChanged { .. } => "did a step of a leaver’s case",
        C::AlarmRaised { .. } => "raised an alarm",
        C::AlarmSeenAgain { .. } => "saw again what raised an alarm",
        C::AlarmTold { .. } => "told people of an alarm",
        C::AlarmStateChanged { .. } => "moved an alarm on",
        C::ExceptionChanged { .. } => "moved an exception on",
        C::OwnDecisionChanged { .. } => "moved a decision about oneself on",
        C::LogVerified { .. } => "verified the log",
        C::DataExported { .. } => "exported data",
        C::AccessDayClosed { .. } => "closed a day of the log of access",
    }
}

#[expect(clippy::too_many_lines, reason = "a table: one line for each kind of event")]
fn note(app: &App, change: &Change) -> Option<String> {
    use Change as C;
    let until = |at: &crate::clock::Timestamp| format!("until {}", at.utc().format("%-d %b %Y, %H:%M UTC"));
    let lasts = |at: Option<&crate::clock::Timestamp>| at.map_or("until somebody opens it".to_owned(), until);
    Some(match change {
        C::HouseStarted { version } => format!("version {version}"),
        C::SettingChanged { name, .. } => name.clone(),
        C::AccountCreated { account_kind, source, .. } => format!("{account_kind}, {source}"),
        C::AccountChanged { fields, .. } => fields.join(", "),
        C::AccountStateChanged { from, to, cause, .. } => format!("{from} to {to}, {cause}"),
        C::PeopleImported { added, changed, unchanged, refused, .. } => {
            format!("{added} added, {changed} changed, {unchanged} unchanged, {refused} refused")
        }
        C::GrantsImported { system, matched, orphans, gone, .. } => {
            format!("{system}: {matched} matched, {orphans} orphans, {gone} gone")
        }
        C::HoldingFound { system, drift, .. } => {
            if *drift {
                format!("{system}, new since the last list")
            } else {
                system.clone()
            }
        }
        C::HoldingSettled { outcome, .. } => outcome.clone(),
        C::HoldingGone { system, how, .. } => format!("{system}, {how}"),
        C::TaskOpened { system, origin, .. } => format!("{system}, {origin}"),
        C::TaskHandedOver { assignee, .. } => name_of(app, assignee),
        C::TaskVerified { by, .. } => target_of(app, by),
        C::TaskReopened { cause, .. } => cause.clone(),
        C::LinkDue { purpose, .. } | C::LinkIssued { purpose, .. } | C::LinkUsed { purpose, .. } => {
            purpose.clone()
        }
        C::HandoverChanged { what, .. } => what.clone(),
        C::PasswordLocked { until: at, .. } => lasts(at.as_ref()),
        C::FactorLocked { factor, until: at, .. } => format!("{factor}, {}", lasts(at.as_ref())),
        C::FactorEnrolled { factor, .. } | C::FactorRemoved { factor, .. } => factor.clone(),
        C::SessionStarted { methods, .. } => methods.join(", "),
        C::SessionEnded { cause, .. } | C::KeyRevoked { cause, .. } => cause.clone(),
        C::IdentityLinked { provider, by, .. } => format!("{provider}, by {by}"),
        C::IdentityRemovalAsked { provider, .. } | C::IdentityUnlinked { provider, .. } => provider.clone(),
        C::SsoRefused { provider, cause, times, .. } => format!("{provider}, {cause}, {times}×"),
        C::IdentityProviderFailed { provider, cause } => format!("{provider}, {cause}"),
        C::GroupRoleWithheld { role, cause, .. } => format!("{role}, {cause}"),
        C::KeyIssued { expires_at, .. } => until(expires_at),
        C::CatalogueApplied { application, basis, .. } => format!("{application}, {basis}"),
        C::ApplicationRetired { application } => application.clone(),
        C::RoleDefined { role }
        | C::RoleRetired { role }
        | C::GrantExpired { role, .. }
        | C::RequestMade { role, .. }
        | C::RequestApproved { role, .. }
        | C::RequestRefused { role, .. }
        | C::RequestWithdrawn { role, .. }
        | C::RequestLapsed { role, .. } => role.clone(),
        C::ProposalChanged { applications, .. } => applications.join(", "),
        C::ProviderAttested { provider, .. } | C::ProviderAttestationEnded { provider, .. } => {
            provider.clone()
        }
        C::AttestationGiven { attestation_kind, .. } | C::AttestationEnded { attestation_kind, .. } => {
            attestation_kind.clone()
        }
        C::GrantAdded { role, source, .. } => format!("{role}, {source}"),
        C::GrantKept { role, cause, .. }
        | C::GrantSuspended { role, cause, .. }
        | C::GrantResumed { role, cause, .. }
        | C::GrantRevoked { role, cause, .. } => format!("{role}, {cause}"),
        C::KillSwitchPulled { target, .. } | C::KillSwitchLifted { target, .. } => target_of(app, target),
        C::CampaignOpened { origin, period, .. } => {
            period.as_ref().map_or_else(|| origin.clone(), |period| format!("{origin}, {period}"))
        }
        C::CampaignActivated { population, items, .. } => format!("{population} grants, {items} items"),
        C::CampaignStateChanged { from, to, .. } | C::LeaverStateChanged { from, to, .. } => {
            format!("{from} to {to}")
        }
        C::CampaignClosed { state, .. } => state.clone(),
        C::ItemDrafted { draft, .. } => draft.clone().unwrap_or_else(|| "taken back".to_owned()),
        C::ItemDecided { decision, .. } => decision.clone(),
        C::ItemReassigned { authority, .. } => authority.clone(),
        C::ItemVerified { verified_revision, .. } => format!("at revision {verified_revision}"),
        C::LeaverReported { source, .. } => source.clone(),
        C::LeaverStepChanged { step, target, state, .. } => format!("{step} {target}: {state}"),
        C::ExceptionChanged { what, state, .. } => format!("{what}, {state}"),
        C::OwnDecisionChanged { matter, role, state, .. } => format!("{matter}, {role}, {state}"),
        C::AlarmRaised { rule, severity, .. } => format!("{rule}, {severity}"),
        C::AlarmSeenAgain { rule, sightings, .. } => format!("{rule}, {sightings} times"),
        C::AlarmTold { rule, people, .. } => format!("{rule}, {people} people"),
        C::AlarmStateChanged { rule, from, to, .. } => format!("{rule}, {from} to {to}"),
        C::LogVerified { size, differences, against: None, .. } => {
            format!("{size} events, {differences} differences")
        }
        C::LogVerified { against: Some(kept), .. } => {
            format!("against a checkpoint of {kept} events that was kept elsewhere")
        }
        C::DataExported { what, rows } => format!("{what}, {rows} rows"),
        C::AccessDayClosed { day, size, .. } => format!("{day}, {size} records"),
        C::WorkstationEntered { workstation, .. } | C::WorkstationChanged { workstation, .. } => {
            return app.workstations().name(workstation);
        }
        C::PasskeyChanged { .. }
        | C::PasswordSet { .. }
        | C::PasswordUnlocked { .. }
        | C::DeviceRemembered { .. }
        | C::ItemSuperseded { .. }
        | C::TaskDone { .. }
        | C::TaskWithdrawn { .. } => return None,
    })
}

/// A kill switch's target; an account is named.
fn target_of(app: &App, target: &str) -> String {
    match crate::ids::AccountId::parse(target) {
        Some(account) => name_of(app, &account),
        None if target == "*" => "everything".to_owned(),
        None => target.to_owned(),
    }
}

fn href(change: &Change) -> Option<String> {
    use Change as C;
    Some(match change {
        C::RequestMade { request, .. }
        | C::RequestApproved { request, .. }
        | C::RequestRefused { request, .. }
        | C::RequestWithdrawn { request, .. }
        | C::RequestLapsed { request, .. } => format!("/requests/{request}"),
        C::CampaignOpened { campaign, .. }
        | C::CampaignActivated { campaign, .. }
        | C::CampaignStateChanged { campaign, .. }
        | C::CampaignClosed { campaign, .. }
        | C::ItemDrafted { campaign, .. }
        | C::ItemDecided { campaign, .. }
        | C::ItemReassigned { campaign, .. }
        | C::ItemSuperseded { campaign, .. }
        | C::ItemVerified { campaign, .. } => format!("/reviews/{campaign}"),
        C::TaskOpened { task, .. }
        | C::TaskHandedOver { task, .. }
        | C::TaskDone { task, .. }
        | C::TaskVerified { task, .. }
        | C::TaskReopened { task, .. }
        | C::TaskWithdrawn { task, .. } => format!("/tasks/{task}"),
        C::ProposalChanged { proposal, .. } => format!("/proposals/{proposal}"),
        C::ExceptionChanged { .. } => "/exceptions".to_owned(),
        C::WorkstationChanged { .. } => "/workstations".to_owned(),
        C::OwnDecisionChanged { .. } => "/objections".to_owned(),
        C::AlarmRaised { alarm, .. }
        | C::AlarmSeenAgain { alarm, .. }
        | C::AlarmTold { alarm, .. }
        | C::AlarmStateChanged { alarm, .. } => format!("/alarms/{alarm}"),
        C::LeaverReported { case, .. }
        | C::LeaverStateChanged { case, .. }
        | C::LeaverStepChanged { case, .. } => format!("/leavers/{case}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::KINDS;

    /// The variants of `Change`, as events spell them, read from its text.
    fn written() -> Vec<String> {
        let text = include_str!("../../log/event.rs");
        let body = text.split("pub enum Change {").nth(1).unwrap().split("\n}\n").next().unwrap();
        body.lines()
            .filter_map(|line| line.strip_prefix("    ")?.split_once(" {").map(|(name, _)| name))
            .filter(|name| name.starts_with(|first: char| first.is_ascii_uppercase()))
            .map(|name| {
                let mut kind = String::new();
                for letter in name.chars() {
                    if letter.is_ascii_uppercase() && !kind.is_empty() {
                        kind.push('_');
                    }
                    kind.push(letter.to_ascii_lowercase());
                }
                kind
            })
            .collect()
    }

    #[test]
    fn every_kind_of_event_has_its_name() {
        let mut named: Vec<_> = KINDS.iter().map(|(kind, _)| (*kind).to_owned()).collect();
        let mut written = written();
        named.sort();
        written.sort();
        assert_eq!(named, written);
    }

    #[test]
    fn kinds_are_offered_in_the_order_of_their_names() {
        let labels: Vec<_> = KINDS.iter().map(|(_, label)| *label).collect();
        let mut sorted = labels.clone();
        sorted.sort_unstable();
        assert_eq!(labels, sorted);
    }
}
