//! What a username may look like, which ones name nobody, and the one that is made by rule.
//!
//! Rules: people sign in with it; it names one person, so generic ones are refused (E5.2, O7.1); letters of two
//! scripts that look alike do not stand in one username. Pure.

use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Result};
use crate::vault::fold;

use super::state::Kind;

/// The longest username, in characters.
pub const LONGEST: usize = 100;

/// Names of nobody in particular; a number behind them does not make them anybody.
const GENERIC: &[&str] = &[
    "abuse",
    "account",
    "accounts",
    "administration",
    "anybody",
    "common",
    "contact",
    "customerservice",
    "demo",
    "dummy",
    "example",
    "general",
    "generic",
    "guest",
    "help",
    "helpdesk",
    "hostmaster",
    "hr",
    "info",
    "mail",
    "marketing",
    "nobody",
    "noreply",
    "office",
    "operator",
    "packing",
    "postmaster",
    "public",
    "reception",
    "sales",
    "service",
    "share",
    "shared",
    "shipping",
    "staff",
    "support",
    "sysadmin",
    "team",
    "temp",
    "test",
    "tester",
    "testing",
    "tmp",
    "user",
    "users",
    "warehouse",
    "webmaster",
    "worker",
];
/// Refused for services too: names that come ready-made with products (E5.3) or mean something to machines.
const RESERVED: &[&str] = &[
    "admin",
    "administrator",
    "anonymous",
    "bailiwick",
    "default",
    "everybody",
    "everyone",
    "house",
    "null",
    "root",
    "superuser",
    "system",
    "undefined",
    "unknown",
];

/// A username as it is kept, if it is one.
///
/// # Errors
/// [`Error::Invalid`] with what would be right, or with the clause that refuses a generic one.
pub fn checked(kind: Kind, username: &str) -> Result<String> {
    let username: String = username.trim().nfkc().collect();
    let shape = "must have 1 to 100 letters, digits and . _ - + ' @, beginning with a letter or digit";
    if username.is_empty() || username.chars().count() > LONGEST {
        return Err(Error::field("username", shape));
    }
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '\'' | '@');
    if !username.chars().all(plain) || !username.starts_with(char::is_alphanumeric) {
        return Err(Error::field("username", shape));
    }
    let letters = || username.chars().filter(|c| c.is_alphabetic());
    if letters().any(is_latin) && !letters().all(is_latin) {
        return Err(Error::field("username", "must not mix letters of several scripts"));
    }
    if is_generic(kind, &username) {
        let detail = "must name one person; this one could be anybody's";
        return Err(Error::field_by_clause("username", detail, "E5.2"));
    }
    Ok(username)
}

/// Whether a username names nobody in particular.
pub fn is_generic(kind: Kind, username: &str) -> bool {
    let folded: String =
        fold(username).chars().filter(|c| !matches!(c, '.' | '_' | '-' | '+' | '\'')).collect();
    let bare = folded.trim_end_matches(|c: char| c.is_numeric());
    let listed = |list: &[&str]| list.contains(&bare) || list.contains(&folded.as_str());
    // "user7" may be the rule of a small firm; "user" alone is nobody.
    let exempt = bare == "user" && folded != bare;
    listed(RESERVED) || kind == Kind::Person && !exempt && listed(GENERIC)
}

fn is_latin(c: char) -> bool {
    matches!(c, '\u{0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}')
}

/// The username by rule: the first letter of the given name and the family name, in ASCII letters and digits. Falls
/// back on the employee id, then on "person", when a name has no letters that can be written so.
pub fn by_rule(given_name: Option<&str>, family_name: Option<&str>, employee_id: Option<&str>) -> String {
    const LONGEST_MADE: usize = 40;
    let given = to_ascii(given_name.unwrap_or_default());
    let family = to_ascii(family_name.unwrap_or_default());
    let mut made = match (given.is_empty(), family.is_empty()) {
        (false, false) => format!("{}{family}", &given[..1]),
        (true, _) => family,
        (false, true) => given,
    };
    if made.is_empty() {
        made = to_ascii(employee_id.unwrap_or_default());
    }
    made.truncate(LONGEST_MADE);
    let named = made.starts_with(|c: char| c.is_ascii_lowercase());
    match (made.is_empty(), named && !is_generic(Kind::Person, &made)) {
        (true, _) => "person".to_owned(),
        (false, true) => made,
        (false, false) => format!("p{made}"),
    }
}

/// The `number`-th username of this base: "jdoe", "jdoe2", "jdoe3".
pub fn numbered(base: &str, number: u32) -> String {
    if number <= 1 { base.to_owned() } else { format!("{base}{number}") }
}

/// Small ASCII letters and digits of a text; other letters are written as neighbours would write them, or left out.
fn to_ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for c in text.to_lowercase().nfkd() {
        if c.is_ascii_alphanumeric() {
            ascii.push(c);
        } else {
            ascii.push_str(written(c));
        }
    }
    ascii
}

/// Letters that have no ASCII part of their own: Latin, Cyrillic and Greek.
fn written(c: char) -> &'static str {
    match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' | 'д' | 'δ' => "d",
        'þ' | 'θ' => "th",
        'ł' | 'л' | 'λ' => "l",
        'ħ' => "h",
        'ı' | 'и' | 'і' | 'ι' | 'η' => "i",
        'а' | 'α' => "a",
        'б' => "b",
        'в' | 'β' => "v",
        'г' | 'ґ' | 'γ' => "g",
        'е' | 'э' | 'ε' => "e",
        'є' => "ye",
        'ж' => "zh",
        'з' | 'ζ' => "z",
        'ј' | 'ы' | 'υ' => "y",
        'к' | 'κ' => "k",
        'м' | 'μ' => "m",
        'н' | 'ν' => "n",
        'њ' => "nj",
        'љ' => "lj",
        'о' | 'ο' | 'ω' => "o",
        'п' | 'π' => "p",
        'р' | 'ρ' => "r",
        'с' | 'σ' | 'ς' => "s",
        'т' | 'τ' => "t",
        'ћ' | 'ц' => "c",
        'у' => "u",
        'ф' | 'φ' => "f",
        'х' => "kh",
        'χ' | 'ч' => "ch",
        'ш' | 'щ' => "sh",
        'ю' => "yu",
        'я' => "ya",
        'ξ' => "x",
        'ψ' => "ps",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn generic_names_are_refused_in_every_spelling() {
        for generic in [
            "admin",
            "Admin",
            "ＡＤＭＩＮ",
            "test",
            "test.1",
            "info",
            "no-reply",
            "shared2",
            "user",
            "admin01",
        ] {
            assert!(checked(Kind::Person, generic).is_err(), "{generic}");
        }
        for personal in
            ["jadmin", "testa", "ian", "user7", "li", "o'neil", "jane.doe@corp.example", "søren", "мария"]
        {
            assert!(checked(Kind::Person, personal).is_ok(), "{personal}");
        }
        assert!(checked(Kind::Service, "warehouse").is_ok());
        assert!(checked(Kind::Service, "root").is_err());
    }

    #[test]
    fn shapes() {
        for wrong in ["", " ", "a b", "-a", "a|b", "a/b", "a:b", "аdmin", "a\u{200B}b", &"a".repeat(101)] {
            assert!(checked(Kind::Person, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn usernames_by_rule() {
        let made = |given, family| by_rule(Some(given), Some(family), Some("E-17"));
        assert_eq!(made("Jane", "O'Neil-Smith"), "joneilsmith");
        assert_eq!(made("Søren", "Ångström"), "sangstrom");
        assert_eq!(made("Łukasz", "Groß"), "lgross");
        assert_eq!(made("Юлия", "Щербакова"), "ysherbakova");
        assert_eq!(made("Li", ""), "li");
        assert_eq!(made("", "Bo"), "bo");
        assert_eq!(made("明", "王"), "e17");
        assert_eq!(made("T", "Est"), "ptest");
        assert_eq!(by_rule(None, None, None), "person");
        assert_eq!(by_rule(None, None, Some("0042")), "p0042");
        assert_eq!(numbered("jdoe", 1), "jdoe");
        assert_eq!(numbered("jdoe", 3), "jdoe3");
    }

    proptest! {
        #[test]
        fn whatever_the_rule_makes_is_a_username(given in ".{0,30}", family in ".{0,30}", employee in ".{0,10}") {
            let made = by_rule(Some(&given), Some(&family), Some(&employee));
            prop_assert!(checked(Kind::Person, &made).is_ok(), "{made}");
        }
    }
}
