//! What keys and names in a catalogue look like.
//!
//! Rules: a key is `[a-z][a-z0-9_-]*`, so that it stands in a permission `app/feature:action` without quoting; an
//! action may have capitals too, as `GET` has. Pure.

/// The longest key, in characters.
pub const MAX_KEY: usize = 64;
/// The longest name, purpose or other text, in characters.
pub const MAX_TEXT: usize = 200;

/// casbin keeps what has no domain under this key.
const RESERVED: &str = "DEFAULT";

/// Whether a text is a key: `[a-z][a-z0-9_-]*` and not too long.
pub fn is_key(text: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    text.len() <= MAX_KEY
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
        && text.bytes().all(allowed)
}

/// Whether a text names an action: as a key, and capitals are letters too.
pub fn is_action(text: &str) -> bool {
    is_key(&text.to_ascii_lowercase()) && text != RESERVED
}

/// What is wrong with the name of an action and what to do about it; `None` if it is one.
pub fn fault_of_action(action: &str) -> Option<(String, String)> {
    if is_action(action) {
        return None;
    }
    fault_of_key(action).map(|(what, remedy)| match remedy.starts_with("begin") {
        true => (what, "begin with a letter and go on with letters, digits, \"-\" and \"_\"".to_owned()),
        false => (what, remedy),
    })
}

/// What is wrong with a key and what to do about it; `None` if it is one.
pub fn fault_of_key(key: &str) -> Option<(String, String)> {
    let shape = "begin with a letter a to z and go on with a to z, 0 to 9, \"-\" and \"_\"".to_owned();
    if is_key(key) {
        None
    } else if key.is_empty() {
        Some(("a key is empty".to_owned(), shape))
    } else if key == RESERVED {
        let what = "the key \"DEFAULT\" has a meaning of its own in the policy language".to_owned();
        Some((what, "choose another key".to_owned()))
    } else if key.len() > MAX_KEY {
        Some((format!("a key is longer than {MAX_KEY} characters"), "shorten it".to_owned()))
    } else {
        Some((format!("\"{}\" is not a key", key.escape_debug()), shape))
    }
}

/// What is wrong with a name or other text and what to do about it; `None` if nothing is.
pub fn fault_of_text(text: &str) -> Option<(String, String)> {
    if text.trim().is_empty() {
        Some(("a name is empty".to_owned(), "write something, or leave it out".to_owned()))
    } else if text.chars().count() > MAX_TEXT {
        Some((format!("a name is longer than {MAX_TEXT} characters"), "shorten it".to_owned()))
    } else if text.chars().any(char::is_control) {
        Some(("a name has a control character".to_owned(), "write it on one line, without tabs".to_owned()))
    } else {
        None
    }
}
