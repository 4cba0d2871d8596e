//! Personal data's one room: sealed columns, blind indexes and texts that people typed.
//!
//! Rules: a sealed value opens only in the table, column and row it was written for (AES-256-GCM, the AAD binds
//! them and the key's id); blind indexes are HMAC-SHA-256 over NFKC case-folded values under a key of their own;
//! what leaves this room is never logged. May call: `db` for the texts, `entropy`.

mod keyring;
mod store;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use unicode_normalization::UnicodeNormalization;

pub use keyring::{MasterKey, Purpose, load_or_create};

use crate::db::{Reader, Tx};
use crate::entropy::{Entropy, random};
use crate::error::{Error, Result};
use crate::ids::TextId;

const VERSION: u8 = 1;
const HEADER: usize = 1 + 4 + NONCE_LEN;

/// Where a sealed value lives; it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's primary key.
    pub row: &'a str,
}

impl Place<'_> {
    fn bound(&self, key: u32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        for part in [self.table.as_bytes(), self.column.as_bytes(), self.row.as_bytes()] {
            bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes.extend_from_slice(&key.to_be_bytes());
        bytes
    }
}

struct SealKey {
    id: u32,
    key: LessSafeKey,
}

/// The key ring in memory. Cloning is not possible; it is shared by reference.
pub struct Vault {
    seal: Vec<SealKey>,
    index: Vec<hmac::Key>,
    trace: hmac::Key,
    signing: [u8; 32],
}

impl Vault {
    /// Seals `plain` for its place under the newest key.
    ///
    /// # Errors
    /// [`Error::Internal`] if the ring is empty or the cipher refuses.
    pub fn seal(&self, entropy: &dyn Entropy, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>> {
        let newest = self.seal.last().ok_or_else(|| Error::internal("sealing", "no key"))?;
        let nonce = random::<NONCE_LEN>(entropy);
        let mut sealed = Vec::with_capacity(HEADER + plain.len() + 16);
        sealed.push(VERSION);
        sealed.extend_from_slice(&newest.id.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        let mut body = plain.to_vec();
        newest
            .key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.bound(newest.id)),
                &mut body,
            )
            .map_err(|_| Error::internal("sealing", "the cipher refused"))?;
        sealed.append(&mut body);
        Ok(sealed)
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// [`Error::Internal`] naming the place if the value was altered, moved or sealed by a key that is not here.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Vec<u8>> {
        let damaged = || {
            Error::Internal(format!(
                "a sealed value does not open: {}.{} of {}",
                place.table, place.column, place.row
            ))
        };
        if sealed.len() < HEADER || sealed[0] != VERSION {
            return Err(damaged());
        }
        let id = u32::from_be_bytes(sealed[1..5].try_into().map_err(|_| damaged())?);
        let nonce: [u8; NONCE_LEN] = sealed[5..HEADER].try_into().map_err(|_| damaged())?;
        let key = self.seal.iter().find(|key| key.id == id).ok_or_else(damaged)?;
        let mut body = sealed[HEADER..].to_vec();
        let plain = key
            .key
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(place.bound(id)), &mut body)
            .map_err(|_| damaged())?
            .len();
        body.truncate(plain);
        Ok(body)
    }

    /// Opens a sealed text.
    ///
    /// # Errors
    /// As [`Vault::open`]; also if the bytes are not UTF-8.
    pub fn open_text(&self, place: Place<'_>, sealed: &[u8]) -> Result<String> {
        String::from_utf8(self.open(place, sealed)?)
            .map_err(|_| Error::internal("opening a sealed text", "not UTF-8"))
    }

    /// The blind index of a value under the newest index key: what to store for exact look-ups and uniqueness.
    pub fn blind_index(&self, space: &str, value: &str) -> String {
        self.blind_indexes(space, value).pop().unwrap_or_default()
    }

    /// The blind indexes of a value under every index key, retired ones first: what to ask for.
    pub fn blind_indexes(&self, space: &str, value: &str) -> Vec<String> {
        let folded = fold(value);
        self.index.iter().map(|key| keyed(key, space, &folded)).collect()
    }

    /// A keyed hash for what logs may carry of a value that must not be there: a mistyped username, an address.
    pub fn trace(&self, space: &str, value: &str) -> String {
        keyed(&self.trace, space, &fold(value))
    }

    /// The seed of the log's Ed25519 signing key.
    pub fn signing_seed(&self) -> &[u8; 32] {
        &self.signing
    }
}

/// NFKC and small letters: "Ｊａｎｅ" and "jane" are one name.
pub fn fold(value: &str) -> String {
    if value.is_ascii() {
        return value.trim().to_ascii_lowercase();
    }
    value.trim().nfkc().collect::<String>().to_lowercase().nfkc().collect()
}

fn keyed(key: &hmac::Key, space: &str, value: &str) -> String {
    let mut context = hmac::Context::with_key(key);
    context.update(space.as_bytes());
    context.update(&[0]);
    context.update(value.as_bytes());
    hex::encode(context.sign())
}

fn seal_key(id: u32, bytes: &[u8]) -> Result<SealKey> {
    let key = UnboundKey::new(&AES_256_GCM, bytes)
        .map_err(|_| Error::internal("reading the key ring", "a key of the wrong size"))?;
    Ok(SealKey { id, key: LessSafeKey::new(key) })
}

/// A few sentences that a person typed, without blanks around them.
///
/// # Errors
/// [`Error::Invalid`] naming the field, unless they have 3 to 1,000 characters.
pub fn typed<'t>(field: &str, text: &'t str) -> Result<&'t str> {
    let text = text.trim();
    match text.chars().count() {
        3..=1_000 => Ok(text),
        _ => Err(Error::field(field, "must have between 3 and 1000 characters")),
    }
}

/// Keeps a text that a person typed, sealed; events and rows carry the id only.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn keep(tx: &mut Tx<'_>, text: &str) -> Result<TextId> {
    let id = TextId::new(tx.now, tx.entropy());
    let sealed = tx.vault().seal(tx.entropy(), text_place(&id), text.as_bytes())?;
    store::insert_text(tx, &id, sealed)?;
    Ok(id)
}

/// The text of that id, for view time.
///
/// # Errors
/// [`Error::NotFound`] if there is none; [`Error::Internal`] if it does not open.
pub fn show(reader: &mut Reader<'_>, id: &TextId) -> Result<String> {
    let sealed = store::find_text(reader, id)?.ok_or(Error::NotFound("text"))?;
    reader.vault().open_text(text_place(id), &sealed)
}

fn text_place(id: &TextId) -> Place<'_> {
    Place { table: "texts", column: "sealed", row: id.as_str() }
}

/// A key ring of zeros.
#[cfg(test)]
pub(crate) fn for_tests() -> Vault {
    let key = || hmac::Key::new(hmac::HMAC_SHA256, &[0; 32]);
    Vault { seal: Vec::new(), index: vec![key()], trace: key(), signing: [0; 32] }
}
