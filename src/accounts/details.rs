//! The personal part of an account: one sealed value, opened at view time, and the limits of everything in it.
//!
//! Rules: names have 1 to 100 characters, an e-mail address at most 254, everything else at most 200; one line, no
//! control characters and none that turn the direction of writing. May call `vault`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, SchemaType, Type};

use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::vault::{Place, Vault, fold};

/// The longest given or family name, in characters.
pub const LONGEST_NAME: usize = 100;
/// The longest e-mail address, in bytes (RFC 5321 §4.5.3.1.3, less the angle brackets).
pub const LONGEST_EMAIL: usize = 254;
/// The longest of every other text, in characters.
pub const LONGEST_TEXT: usize = 200;
const MOST_ATTRIBUTES: usize = 50;
const LARGEST_ATTRIBUTES: usize = 8_192;

/// What other systems say about an account; read by conditions as `subject.attributes`.
pub type Attributes = BTreeMap<String, Value>;

/// How attributes are described to callers.
pub fn attributes_schema() -> RefOr<Schema> {
    ObjectBuilder::new()
        .description(Some("What other systems say about the account: at most 50, and 8 KiB together."))
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .max_properties(Some(MOST_ATTRIBUTES))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
        .into()
}

/// The personal part of an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// What the account signs in with and is asked by.
    pub username: String,
    /// Given name of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Family name of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// Where mail goes; optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The number by which the personnel office knows the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<String>,
    /// The name by which another system knows the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// The job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// The place of work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Who answers for somebody who is not employed here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sponsor: Option<String>,
    /// What a service is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Further attributes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: Attributes,
    /// The end that the people file gave last: only this one may the file take back again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_of_file: Option<Timestamp>,
}

impl Details {
    /// The name that pages show: given and family name, else the username.
    pub fn display_name(&self) -> String {
        let parts: Vec<&str> =
            [&self.given_name, &self.family_name].into_iter().filter_map(Option::as_deref).collect();
        if parts.is_empty() { self.username.clone() } else { parts.join(" ") }
    }

    /// What lists are ordered by: family name, given name, username, folded.
    pub fn sort_key(&self) -> String {
        let parts: Vec<&str> = [self.family_name.as_deref(), self.given_name.as_deref()]
            .into_iter()
            .flatten()
            .chain([self.username.as_str()])
            .collect();
        fold(&parts.join(" "))
    }

    /// Seals the details for the row of `account`.
    ///
    /// # Errors
    /// [`Error::Internal`] if they cannot be sealed.
    pub fn seal(&self, vault: &Vault, entropy: &dyn Entropy, account: &AccountId) -> Result<Vec<u8>> {
        let plain = serde_json::to_vec(self)
            .map_err(|cause| Error::internal("writing an account's details", cause))?;
        vault.seal(entropy, place(account), &plain)
    }

    /// Opens the details of the row of `account`.
    ///
    /// # Errors
    /// [`Error::Internal`] if they were altered or moved.
    pub fn open(vault: &Vault, account: &AccountId, sealed: &[u8]) -> Result<Self> {
        let plain = vault.open(place(account), sealed)?;
        // The parser's message could quote what it read, so it is not kept.
        serde_json::from_slice(&plain)
            .map_err(|_| Error::Internal(format!("the details of {account} are not what was written")))
    }
}

fn place(account: &AccountId) -> Place<'_> {
    Place { table: "accounts", column: "details", row: account.as_str() }
}

/// A text as it is kept: trimmed, in Unicode's composed form; `None` if nothing is left.
///
/// # Errors
/// [`Error::Invalid`] if it is too long or has characters that do not print.
pub fn text(field: &str, value: Option<&str>, longest: usize) -> Result<Option<String>> {
    let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) else { return Ok(None) };
    if value.len() > longest * 4 || value.chars().count() > longest {
        return Err(Error::field(field, format!("must have at most {longest} characters")));
    }
    if value.chars().any(|c| c.is_control() || turns_direction(c)) {
        return Err(Error::field(field, "must stand on one line, without control characters"));
    }
    let composed: String = value.nfc().collect();
    Ok(Some(composed))
}

/// The marks that make a text look like another one by changing the direction of writing, and line separators.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}')
}

/// An e-mail address as it is kept. Whether mail arrives there only a mail can tell; this keeps out what cannot be
/// one, and what would break a header.
///
/// # Errors
/// [`Error::Invalid`] if it is not an address.
pub fn email(value: Option<&str>) -> Result<Option<String>> {
    let wrong =
        || Error::field("email", "must be an address such as name@example.com, at most 254 characters");
    let Some(value) = text("email", value, LONGEST_EMAIL)? else { return Ok(None) };
    let (local, domain) = value.rsplit_once('@').ok_or_else(wrong)?;
    let strange = |c: char| {
        c.is_whitespace() || matches!(c, '@' | ',' | ';' | ':' | '<' | '>' | '(' | ')' | '"' | '\\')
    };
    let ill_placed = |part: &str| part.starts_with('.') || part.ends_with('.') || part.contains("..");
    let fits = value.len() <= LONGEST_EMAIL && !local.is_empty() && local.len() <= 64 && !domain.is_empty();
    if !fits || value.chars().filter(|c| *c != '@').any(strange) || local.contains('@') {
        return Err(wrong());
    }
    if ill_placed(domain) || ill_placed(local) { Err(wrong()) } else { Ok(Some(value)) }
}

/// Attributes within their limits: at most 50, at most 8 KiB as JSON.
///
/// # Errors
/// [`Error::Invalid`] beyond them.
pub fn attributes(value: Attributes) -> Result<Attributes> {
    let size = serde_json::to_string(&value).map_or(usize::MAX, |json| json.len());
    let long_key = value.keys().any(|key| key.is_empty() || key.chars().count() > LONGEST_NAME);
    if value.len() > MOST_ATTRIBUTES || size > LARGEST_ATTRIBUTES || long_key {
        return Err(Error::field(
            "attributes",
            "must be at most 50 and 8 KiB together, keys 1 to 100 characters",
        ));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for right in ["a@b.example", "jane.o'neil+x@sub.example.com", "root@localhost", "josé@exämple.com"]
        {
            assert_eq!(email(Some(right)).unwrap().as_deref(), Some(right));
        }
        for wrong in
            ["a", "@b", "a@", "a b@c", "a@b,c@d", "a@b\r\nBcc: c@d", "a@.b", "a@b..c", "<a@b>", "a@b@c"]
        {
            assert!(email(Some(wrong)).is_err(), "{wrong}");
        }
        assert!(email(Some(&format!("a@{}", "b".repeat(253)))).is_err());
        assert_eq!(email(Some("  ")).unwrap(), None);
    }

    #[test]
    fn texts_have_one_line_and_a_limit() {
        assert_eq!(text("x", Some(" Zoë "), 100).unwrap().as_deref(), Some("Zoë"));
        assert_eq!(text("x", Some("é".repeat(100).as_str()), 100).unwrap().unwrap().chars().count(), 100);
        assert!(text("x", Some(&"é".repeat(101)), 100).is_err());
        for wrong in ["a\nb", "a\u{202E}b", "a\0b"] {
            assert!(text("x", Some(wrong), 100).is_err());
        }
    }
}
