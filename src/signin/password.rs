//! What a password must be: the rules of the profile, each with its clause.
//!
//! Rules: a refusal names the first rule that is not met, in the order in which the page lists them. Letters, digits
//! and parts of names are Unicode's, not Latin's. Nothing here hashes or reads the database. May call: `profile`.

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::hasher::Secret;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::profile::Profile;
use crate::vault::fold;

/// The longest password, in characters: hashing must not become a way to make the house work.
pub const LONGEST: usize = 256;
/// The longest password in bytes, as it was typed.
pub const LONGEST_BYTES: usize = 1_024;
/// Parts of names shorter than this would refuse almost everything.
const SHORTEST_PART: usize = 2;
const FIELD: &str = "password";

/// What of a person may not stand in their password.
#[derive(Debug, Clone, Default)]
pub struct Person<'a> {
    /// What they sign in with.
    pub username: &'a str,
    /// Given and family name, or whatever names are known.
    pub names: Vec<&'a str>,
    /// The address of their mailbox.
    pub email: Option<&'a str>,
}

/// One rule, as the page that asks for a password lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// What kind of rule, by which the page ticks it while one types; "sent" is looked at here only.
    pub kind: &'static str,
    /// The number, or the parts to avoid with spaces between.
    pub value: String,
    /// The rule in words.
    pub text: String,
    /// What is worth knowing about it.
    pub note: Option<&'static str>,
    /// The clauses that ask for it; empty for a rule of our own.
    pub clauses: Vec<String>,
    /// "open" before anything was typed, "met" or "broken" after.
    pub state: &'static str,
}

/// The password in the one form in which it is hashed, however the keyboard composed it (NFKC).
pub fn normalised(password: &Secret) -> Secret {
    Secret::new(password.expose().nfkc().collect::<String>())
}

/// The rules of the profile for this person, in the order in which they are looked at.
pub fn rules(profile: &Profile, person: &Person<'_>) -> Vec<Rule> {
    let settings = profile.password();
    let mut rules = Vec::new();
    let mut rule = |parameter: &str, kind, value: String, text: String, note| {
        let clauses = clauses(profile, parameter);
        rules.push(Rule { kind, value, text, note, clauses, state: "open" });
    };
    let length = settings.min_length;
    rule("password.min_length", "min_length", length.to_string(), at_least(length, "character"), None);
    for (count, parameter, kind, one, note) in [
        (settings.min_lower, "password.min_lower", "min_lower", "small letter", None),
        (settings.min_upper, "password.min_upper", "min_upper", "capital letter", None),
        (settings.min_digits, "password.min_digits", "min_digits", "digit", None),
        (
            settings.min_special,
            "password.min_special",
            "min_special",
            "sign such as ! or ,",
            Some("a space is none"),
        ),
    ] {
        if count > 0 {
            rule(parameter, kind, count.to_string(), at_least(count, one), note);
        }
    }
    if settings.forbid_name_parts {
        let text = "No part of your name, username or mailbox".to_owned();
        rule("password.forbid_name_parts", "forbid_parts", parts(person).join(" "), text, None);
    }
    let text = "None that is easily guessed, or was stolen elsewhere".to_owned();
    rule("", "sent", String::new(), text, Some("looked at when sent"));
    let text = match settings.history {
        0 | 1 => "Not the one you have".to_owned(),
        count => format!("None of your last {count}"),
    };
    rule("password.history", "sent", String::new(), text, Some("looked at when sent"));
    rules
}

/// The same rules after a password was typed: met, broken, or still open where only the database knows.
pub fn judged(profile: &Profile, person: &Person<'_>, password: &Secret) -> Vec<Rule> {
    let password = normalised(password);
    let mut rules = rules(profile, person);
    for rule in rules.iter_mut().filter(|rule| rule.kind != "sent") {
        rule.state = if meets(rule, person, password.expose()) { "met" } else { "broken" };
    }
    rules
}

/// Looks at everything that can be said without the former passwords.
///
/// # Errors
/// [`Error::Invalid`] naming the first rule that is not met, with its clause.
pub fn check(profile: &Profile, person: &Person<'_>, password: &Secret) -> Result<(), Error> {
    if password.expose().len() > LONGEST_BYTES || password.expose().chars().count() > LONGEST {
        return Err(Error::field(FIELD, format!("must have at most {LONGEST} characters")));
    }
    let password = normalised(password);
    let unmet = |rule: &Rule| rule.kind != "sent" && !meets(rule, person, password.expose());
    match rules(profile, person).into_iter().find(unmet) {
        None => Ok(()),
        Some(rule) => Err(refusal(&sentence(&rule), rule.clauses)),
    }
}

/// The refusal of a password that was used before.
pub fn used_before(profile: &Profile) -> Error {
    let text = match profile.password().history {
        0 | 1 => "must be another than the one you have".to_owned(),
        count => format!("must be none of your last {count}"),
    };
    refusal(&text, clauses(profile, "password.history"))
}

/// How many former passwords a new one is compared with; the present one always is.
pub fn compared_with(profile: &Profile) -> usize {
    usize::try_from(profile.password().history).unwrap_or(usize::MAX).max(1)
}

/// Whether a password set at `set_at` has ended at `now`.
pub fn has_ended(profile: &Profile, set_at: Timestamp, now: Timestamp) -> bool {
    ends_at(profile, set_at).is_some_and(|end| end <= now)
}

/// When a password set at `set_at` ends; `None` if the profile lets it live.
pub fn ends_at(profile: &Profile, set_at: Timestamp) -> Option<Timestamp> {
    let end = profile.password().max_age?.after(set_at.utc())?;
    Some(Timestamp::from(end))
}

/// Refuses a change that comes too soon after the last one. Never asked for a first password, nor where a password
/// has ended or must be changed for another reason.
///
/// # Errors
/// [`Error::Invalid`] saying from when on it may be changed, with the clause.
pub fn check_age(profile: &Profile, set_at: Timestamp, now: Timestamp) -> Result<(), Error> {
    let from = profile.password().min_age.and_then(|age| age.after(set_at.utc())).map(Timestamp::from);
    match from {
        Some(from) if now < from => {
            let text = format!("may be changed again from {from} on");
            Err(refusal(&text, clauses(profile, "password.min_age")))
        }
        _ => Ok(()),
    }
}

/// The clauses behind a parameter, as pages and problems show them.
pub fn clauses(profile: &Profile, parameter: &str) -> Vec<String> {
    profile.clauses(parameter).iter().map(ToString::to_string).collect()
}

fn refusal(text: &str, clauses: Vec<String>) -> Error {
    match clauses.into_iter().next() {
        Some(clause) => Error::field_by_clause(FIELD, text, clause),
        None => Error::field(FIELD, text),
    }
}

fn sentence(rule: &Rule) -> String {
    match rule.kind {
        "forbid_parts" => "must hold no part of your name, username or mailbox".to_owned(),
        "min_length" => format!("must have at least {} characters", rule.value),
        _ => format!("must hold {}", rule.text.to_lowercase()),
    }
}

fn meets(rule: &Rule, person: &Person<'_>, password: &str) -> bool {
    let needed = rule.value.parse().unwrap_or(0);
    let holds = |kind: fn(char) -> bool| password.chars().filter(|c| kind(*c)).count() >= needed;
    match rule.kind {
        "min_length" => password.chars().count() >= needed,
        "min_lower" => holds(char::is_lowercase),
        "min_upper" => holds(char::is_uppercase),
        "min_digits" => holds(char::is_numeric),
        "min_special" => holds(is_sign),
        "forbid_parts" => {
            let typed = fold(password);
            !parts(person).iter().any(|part| typed.contains(part.as_str()))
        }
        _ => true,
    }
}

fn is_sign(c: char) -> bool {
    !(c.is_alphanumeric() || c.is_whitespace() || c.is_control() || is_combining_mark(c))
}

/// The parts of names, username and mailbox that have at least two letters, case-folded: "Ana-Lía O'Neil" gives
/// "ana", "lía", "neil" and "oneil".
fn parts(person: &Person<'_>) -> Vec<String> {
    let mailbox = person.email.and_then(|email| email.rsplit_once('@')).map_or("", |(mailbox, _)| mailbox);
    let mut parts = Vec::new();
    for name in person.names.iter().copied().chain([person.username, mailbox]) {
        for word in fold(name).split_whitespace() {
            let letters = |c: char| c.is_alphabetic() || is_combining_mark(c);
            parts.extend(word.split(|c: char| !letters(c)).map(str::to_owned));
            parts.push(word.chars().filter(|c| letters(*c)).collect());
        }
    }
    // A username may be a number alone.
    parts.push(fold(person.username));
    parts.retain(|part| part.chars().filter(|c| c.is_alphanumeric()).count() >= SHORTEST_PART);
    parts.sort();
    parts.dedup();
    parts
}

fn at_least(count: u32, one: &str) -> String {
    match count {
        1 => format!("A {one}"),
        _ if one.starts_with("sign") => format!("At least {count} signs such as ! or ,"),
        _ => format!("At least {count} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Policies, PolicyFiles};

    fn profile(key: &str) -> Profile {
        Policies::load(&PolicyFiles::built_in()).unwrap().profile(key).unwrap().clone()
    }

    fn refused(profile: &Profile, person: &Person<'_>, password: &str) -> Option<(String, String)> {
        match check(profile, person, &Secret::new(password)) {
            Ok(()) => None,
            Err(Error::Invalid(fields)) => {
                assert_eq!(fields.len(), 1);
                Some((fields[0].detail.clone(), fields[0].clause.clone().unwrap_or_default()))
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn person() -> Person<'static> {
        Person {
            username: "pnakagawa",
            names: vec!["Perrin", "Nakagawa"],
            email: Some("perry.n@corriden.example"),
        }
    }

    #[test]
    fn every_rule_is_refused_by_its_clause() {
        let profile = profile("strictest");
        for (password, detail, clause) in [
            ("Ab1!cdefghi", "must have at least 12 characters", "O13.2"),
            ("ABCDEFGH1234!", "must hold a small letter", "O16"),
            ("abcdefgh1234!", "must hold a capital letter", "O16"),
            ("Abcdefgh!jklm", "must hold a digit", "O16"),
            ("Abcdefgh1234 ", "must hold a sign such as ! or ,", "O16"),
            ("Xy1!pnakagawa", "must hold no part of your name, username or mailbox", "DPP 1.4"),
            ("Xy1!..PERRIN.", "must hold no part of your name, username or mailbox", "DPP 1.4"),
            ("Xy1!perry....", "must hold no part of your name, username or mailbox", "DPP 1.4"),
        ] {
            assert_eq!(
                refused(&profile, &person(), password),
                Some((detail.into(), clause.into())),
                "{password}"
            );
        }
        assert_eq!(refused(&profile, &person(), "Bridge 7 over the lake!"), None);
    }

    #[test]
    fn letters_of_every_script_count_and_names_of_every_script_are_found() {
        let profile = profile("strictest");
        assert_eq!(refused(&profile, &Person::default(), "Шесть-мостов-7"), None);
        let juliya = Person { names: vec!["Юлия", "Щербакова"], ..Person::default() };
        assert!(refused(&profile, &juliya, "Мост7-ЩЕРБАКОВА").is_some());
        let wang = Person { names: vec!["王芳"], ..Person::default() };
        assert!(refused(&profile, &wang, "Bridge7!王芳lake").is_some());
        let oneil = Person { names: vec!["O'Neil"], ..Person::default() };
        assert!(refused(&profile, &oneil, "Bridge7!ONeil-lake").is_some());
        let li = Person { names: vec!["Li"], ..Person::default() };
        assert!(refused(&profile, &li, "Bridge7!ofLilac").is_some());
        let number = Person { username: "4711", ..Person::default() };
        assert!(refused(&profile, &number, "Bridge!of4711men").is_some());
        let a = Person { names: vec!["A", "B."], ..Person::default() };
        assert_eq!(refused(&profile, &a, "Bridge7!about-it"), None, "one letter refuses nothing");
    }

    #[test]
    fn length_is_counted_in_characters_and_has_an_end() {
        let profile = profile("strictest");
        let long = format!("Aa1!{}", "ü".repeat(252));
        assert_eq!(refused(&profile, &person(), &long), None);
        assert!(refused(&profile, &person(), &format!("{long}x")).is_some());
        let heavy = format!("Aa1!{}", "𝕏".repeat(255));
        assert!(refused(&profile, &person(), &heavy).is_some());
    }

    #[test]
    fn a_password_composed_in_another_way_is_the_same() {
        let (one, two) = (Secret::new("Cafe\u{301}"), Secret::new("Caf\u{e9}"));
        assert_eq!(normalised(&one).expose(), normalised(&two).expose());
    }

    #[test]
    fn ages_are_counted_from_the_day_it_was_set() {
        let profile = profile("strictest");
        let set_at = Timestamp::parse("2026-08-01T10:00:00Z").unwrap();
        let day = chrono::Duration::days(1);
        assert!(check_age(&profile, set_at, set_at.plus(day).minus(chrono::Duration::seconds(1))).is_err());
        assert!(check_age(&profile, set_at, set_at.plus(day)).is_ok());
        assert!(!has_ended(&profile, set_at, set_at.plus(day * 90).minus(chrono::Duration::seconds(1))));
        assert!(has_ended(&profile, set_at, set_at.plus(day * 90)));
    }

    #[test]
    fn a_profile_without_a_rule_does_not_list_it() {
        let kinds = |key: &str| {
            rules(&profile(key), &Person::default()).iter().map(|rule| rule.kind).collect::<Vec<_>>()
        };
        assert!(kinds("strictest").contains(&"forbid_parts"));
        assert!(!kinds("one-connection").contains(&"forbid_parts"));
    }
}
