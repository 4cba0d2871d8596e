//! Alarms in sentences: what a rule means, what was seen, where to look further.

use chrono::Duration;

use super::super::{Alarm, AlarmState, Rule, Severity};
use crate::app::App;
use crate::ids::AccountId;

/// The rule as a title.
pub fn title(rule: Rule) -> &'static str {
    match rule {
        Rule::LogVerification => "The log does not verify",
        Rule::RepeatedLock => "Locked again and again",
        Rule::Guessing => "One source tries many names",
        Rule::PasskeyCopied => "A passkey may have been copied",
        Rule::AdministratorRecovered => "An administrator was recovered on the host",
        Rule::KillSwitchLifted => "A kill switch was lifted on the host",
        Rule::BroadKey => "A key was made that may do everything",
        Rule::LeaverClock => "Somebody who left is not proved to be out",
        Rule::AdministratorEnds => "An administrator’s role ends before long",
        Rule::OwnDecision => "Somebody decided about themselves",
        Rule::ExceptionEnds => "An exception ends before long",
        Rule::ExclusionCollides => "Roles that exclude each other are held together",
        Rule::CanaryAccess => "A canary record was asked about",
        Rule::RecorderFull => "Personal data was denied because nothing could be recorded",
        Rule::DiskLow => "The disk is nearly full",
        Rule::RefereeDiffers => "Two ways of judging the same rows differ",
        Rule::MailFails => "Mail does not go out",
        Rule::ProviderUnattested => "Nobody vouches for an identity provider",
        Rule::Reported => "Reported by a person",
    }
}

/// What the rule means, and what to do.
pub(super) fn meaning(rule: Rule) -> &'static str {
    match rule {
        Rule::RepeatedLock
        | Rule::Guessing
        | Rule::PasskeyCopied
        | Rule::AdministratorRecovered
        | Rule::ProviderUnattested
        | Rule::BroadKey => meaning_of_a_way_in(rule),
        Rule::LogVerification => {
            "A row or an event is not what the log accounts for: it was changed past the house, or a disk failed. Run \
             “bailiwick log verify” on the host, compare with a checkpoint kept elsewhere, and find out who reached the \
             database."
        }
        Rule::KillSwitchLifted => {
            "Somebody with a shell on the host lifted what somebody had stopped. What it stopped is decided as before."
        }
        Rule::LeaverClock => {
            "Access ended at the instant, by judgement of the clock; what is missing is the proof, or somebody’s word \
             about a system that does not ask here. Open the case and see what it waits for."
        }
        Rule::AdministratorEnds => {
            "Give the role again in time, or to somebody else, so that two people can always administer."
        }
        Rule::OwnDecision => {
            "Nobody else could decide. It takes effect after 24 hours; until then anybody may object."
        }
        Rule::ExceptionEnds => "Revoke what it allowed, or ask for another exception in time.",
        Rule::ExclusionCollides => {
            "The exception that allowed it is over. Revoke one of the roles, or ask for another exception."
        }
        Rule::CanaryAccess => {
            "Nobody has a reason to open this record: it exists to be noticed. Find out with the person, and with whoever \
             looks after the application that asked, what led there; what else was asked for them stands in the log of \
             access."
        }
        Rule::RecorderFull => {
            "Permits of personal data are answered only if they can be recorded. The database took no records for a while, \
             or too many came at once. Look at the database, its disk and the machine’s load."
        }
        Rule::DiskLow => {
            "Below 10 percent of free space denials are only counted; below 5 percent personal data is denied, so that \
             there is room left to revoke. Make room, or move the data directory to a larger disk."
        }
        Rule::RefereeDiffers => {
            "The decision index and casbin, asked about the same rows, said different things: a row was changed past the \
             house, or the index has a fault. What they differ about is denied until this alarm is closed. Run “bailiwick \
             log verify” on the host, restart the server so that the index is built afresh, and report the fault."
        }
        Rule::MailFails => {
            "The mail server takes nothing, or will not have some of it; people do not get links and warnings. Look at the \
             server, and at what “bailiwick doctor” says of it; links can be handed over meanwhile."
        }
        Rule::Reported => "Somebody noticed something that no rule did.",
    }
}

/// The same for rules about who gets in, and by what.
fn meaning_of_a_way_in(rule: Rule) -> &'static str {
    match rule {
        Rule::RepeatedLock => {
            "Somebody keeps trying passwords, or a device keeps sending an old one. Ask the person; if it was not them, \
             end their sessions and let them choose a new password."
        }
        Rule::Guessing => {
            "Somebody tries passwords for many names from one address, or from one network of yours. Where the profile \
             locks what is unusual, the address is not listened to for a quarter of an hour; known devices keep their way \
             in. From outside, close the address at the firewall; from inside, find the machine."
        }
        Rule::PasskeyCopied => {
            "A passkey counts how often it is shown, and this one counted backwards: either two devices hold it, or its \
             device was set back. It was refused. Ask the person; let them remove it and add a new one."
        }
        Rule::ProviderUnattested => {
            "Who signs in there has the provider’s passwords, locks and second factors, which this house cannot see. Look \
             whether they are what the policies ask for, and say so in the settings, with an end; or give the provider up."
        }
        Rule::AdministratorRecovered => {
            "Somebody with a shell on the host made a way in for an administrator. Ask who it was and why, by another \
             channel than this one."
        }
        _ => {
            "A key with every permission here was made on the host. Whoever holds it can do what an administrator can; \
             revoke it as soon as it has done its work."
        }
    }
}

/// What is counted, in words.
pub(super) fn unit(alarm: &Alarm) -> &'static str {
    match alarm.rule {
        Rule::LogVerification => "differences",
        // Those that no time forgets are counted one by one.
        Rule::RepeatedLock if alarm.window_seconds.is_none() => "wrong tries in a row",
        Rule::RepeatedLock => "locks",
        Rule::Guessing => "names",
        Rule::LeaverClock => "hours since access ended",
        Rule::RecorderFull => "permits denied",
        Rule::DiskLow => "percent free",
        Rule::ProviderUnattested => "days left",
        _ => "times",
    }
}

/// Whom or what it is about.
pub(super) fn subject(app: &App, alarm: &Alarm) -> String {
    match &alarm.account {
        Some(account) => app.directory().display_name(account),
        None if alarm.rule == Rule::RepeatedLock => "a name that nobody has".to_owned(),
        None if matches!(alarm.rule, Rule::Guessing | Rule::ProviderUnattested) => alarm.about.clone(),
        None => "the house".to_owned(),
    }
}

/// Where to look further.
pub(super) fn way(alarm: &Alarm) -> Option<(String, &'static str)> {
    match alarm.rule {
        Rule::LeaverClock => Some((format!("/leavers/{}", alarm.about), "Open the case")),
        Rule::LogVerification => Some(("/log".to_owned(), "Open the log")),
        Rule::OwnDecision => Some(("/objections".to_owned(), "Object")),
        Rule::ExceptionEnds => Some(("/exceptions".to_owned(), "Open the exceptions")),
        Rule::ProviderUnattested => Some(("/settings".to_owned(), "Open the settings")),
        _ => alarm.account.as_ref().map(|account| (format!("/people/{account}"), "Open the person")),
    }
}

pub(super) fn severity(severity: Severity) -> (&'static str, &'static str, &'static str) {
    match severity {
        Severity::Critical => ("Critical", "breach", "warning"),
        Severity::Warning => ("Warning", "due", "alarm"),
        Severity::Notice => ("Notice", "quiet", "eye"),
    }
}

pub(super) fn state(state: AlarmState) -> &'static str {
    match state {
        AlarmState::New => "New",
        AlarmState::Acknowledged => "Acknowledged",
        AlarmState::Investigating => "Investigating",
        AlarmState::Closed => "Closed",
    }
}

/// Who did something, as the log names them.
pub(super) fn actor(app: &App, label: &str) -> String {
    if let Some(account) = AccountId::parse(label) {
        return app.directory().display_name(&account);
    }
    match label.split_once(':') {
        Some(("shell", user)) => format!("the host’s user {user}"),
        Some(("house", job)) => format!("the house ({job})"),
        _ => "somebody not signed in".to_owned(),
    }
}

/// A number of seconds in the largest unit that fits.
pub(super) fn span(seconds: u64) -> String {
    let span = Duration::seconds(seconds.cast_signed());
    match (span.num_hours(), span.num_minutes()) {
        (hours, _) if hours > 0 => format!("{hours} hours"),
        (_, minutes) if minutes > 0 => format!("{minutes} minutes"),
        _ => format!("{seconds} seconds"),
    }
}
