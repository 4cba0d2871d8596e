//! Where a search goes on: a token that only this house makes, and that fits only the search it was made for.
//!
//! Rules: it is authenticated together with a digest of who asked and what; it says behind which entry the next page
//! begins, never which entries there are; after an hour it is no more. It is of no use to anybody else: whoever shows
//! it is judged as for the first page. Pure; calls `vault` for the key.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Duration;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::vault::Vault;

/// How long a search may be gone on with.
pub const MAX_AGE: Duration = Duration::hours(1);
const SPACE: &str = "search page";
/// Longer than any token that this house makes: the longest entry of a list has 200 characters of four bytes.
const LONGEST: usize = 2_048;

/// A place in a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The entry behind which the next page begins.
    pub(super) after: String,
    /// How many entries a page has.
    pub(super) limit: usize,
}

impl Place {
    /// The token of this place in the search with that digest.
    pub(super) fn token(&self, vault: &Vault, now: Timestamp, search: &str) -> String {
        let said = URL_SAFE_NO_PAD.encode(format!("{}:{}:{}", now.micros(), self.limit, self.after));
        let mark = mark(vault, &said, search);
        format!("{said}.{mark}")
    }

    /// The place that a token of this search names.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a token that is none, is older than an hour, or belongs to another search.
    pub(super) fn of(token: &str, vault: &Vault, now: Timestamp, search: &str) -> Result<Self> {
        let refused = || {
            let advice =
                "is none, belongs to another search, or is older than an hour; ask for the first page again";
            Error::field("page.token", advice)
        };
        let (said, shown) = token.split_once('.').filter(|_| token.len() <= LONGEST).ok_or_else(refused)?;
        verify_slices_are_equal(mark(vault, said, search).as_bytes(), shown.as_bytes())
            .map_err(|_| refused())?;
        let bytes = URL_SAFE_NO_PAD.decode(said).map_err(|_| refused())?;
        let text = String::from_utf8(bytes).map_err(|_| refused())?;
        let (made_at, rest) = text.split_once(':').ok_or_else(refused)?;
        let (limit, after) = rest.split_once(':').ok_or_else(refused)?;
        let made_at = Timestamp::from_micros(made_at.parse().map_err(|_| refused())?);
        if now >= made_at.plus(MAX_AGE) {
            return Err(refused());
        }
        Ok(Self { after: after.to_owned(), limit: limit.parse().map_err(|_| refused())? })
    }
}

/// The keyed hash over what a token says and the search it belongs to. In hexadecimal digits, for that hash takes
/// capitals and small letters for the same.
fn mark(vault: &Vault, said: &str, search: &str) -> String {
    vault.trace(SPACE, &format!("{search}.{}", hex::encode(said)))
}
