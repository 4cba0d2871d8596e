//! Signed checkpoints (C2SP tlog-checkpoint inside a C2SP signed-note): what the log looked like at a size.
//!
//! Rules: signed from `log_head` after its commit, by any node; one checkpoint a size; the origin is
//! "bailiwick/EPOCH", so a log that was begun again can never pass for the one before. May call: `db`, `vault`.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use signed_note::{Note, Signature, VerificationError, Verifier, Verifiers};
use tlog_tiles::tlog;

use super::store;
use super::tree::{Frontier, Hash};
use crate::clock::Timestamp;
use crate::db::{Database, Reader};
use crate::error::{Error, Result};
use crate::vault::Vault;

const ED25519_KEY: u8 = 1;

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log it is about.
    pub origin: String,
    /// How many leaves its tree has.
    pub size: u64,
    /// The root of that tree.
    pub root: Hash,
}

/// A checkpoint as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The size of its tree.
    pub size: u64,
    /// When it was signed.
    pub at: Timestamp,
    /// The signed note.
    pub note: String,
}

/// The key that signs and verifies this house's checkpoints of one epoch.
pub struct Key {
    name: String,
    id: u32,
    pair: Ed25519KeyPair,
}

impl Key {
    /// The key of that epoch.
    ///
    /// # Errors
    /// [`Error::Internal`] if the seed is not one.
    pub fn new(vault: &Vault, epoch: &str) -> Result<Self> {
        Self::of_origin(vault, format!("bailiwick/{epoch}"))
    }

    /// The key under the name that a checkpoint carries as its origin.
    ///
    /// # Errors
    /// [`Error::Internal`] if the seed is not one.
    pub fn of_origin(vault: &Vault, name: String) -> Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(vault.signing_seed())
            .map_err(|cause| Error::internal("reading the signing key", cause))?;
        let id = signed_note::key_id(&name, &encoded(&pair));
        Ok(Self { name, id, pair })
    }

    /// The verifier key, as tools for signed notes take it: "NAME+ID+KEY".
    pub fn verifier_key(&self) -> String {
        format!("{}+{:08x}+{}", self.name, self.id, STANDARD.encode(encoded(&self.pair)))
    }

    /// The key as people tell it apart: the log's name and the key's number.
    pub fn short(&self) -> String {
        format!("{}+{:08x}", self.name, self.id)
    }

    /// Signs the checkpoint of this tree.
    ///
    /// # Errors
    /// [`Error::Internal`] if the note cannot be made.
    pub fn sign(&self, tree: &Frontier) -> Result<String> {
        let failed = |cause: &dyn std::fmt::Display| Error::internal("signing a checkpoint", cause);
        let text = tlog_tiles::Checkpoint::new(&self.name, tree.size(), tlog::Hash(tree.root()), "")
            .map_err(|cause| failed(&cause))?
            .to_bytes();
        let signed = self.pair.try_sign(&text).map_err(|cause| failed(&cause))?;
        let signature = Signature::new(self.name.clone(), self.id, signed.as_ref().to_vec())
            .map_err(|cause| failed(&cause))?;
        let note = Note::new(&text, &[signature]).map_err(|cause| failed(&cause))?;
        String::from_utf8(note.to_bytes()).map_err(|cause| failed(&cause))
    }

    /// Reads a checkpoint that this key signed.
    ///
    /// # Errors
    /// [`Error::Invalid`] in words if it is not one.
    pub fn open(&self, note: &str) -> Result<Checkpoint> {
        let found = read(note)?;
        let parsed = Note::from_bytes(note.as_bytes()).map_err(|_| malformed())?;
        parsed
            .verify(self)
            .map_err(|_| Error::field("checkpoint", "its signature is not by this house's key"))?;
        Ok(found)
    }
}

impl Verifier for Key {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.pair.public_key()).verify(message, signature).is_ok()
    }
}

impl Verifiers for Key {
    fn verifier(&self, name: &str, id: u32) -> std::result::Result<&dyn Verifier, VerificationError> {
        if name == self.name && id == self.id {
            Ok(self)
        } else {
            Err(VerificationError::UnknownKey { name: name.to_owned(), id })
        }
    }
}

fn encoded(pair: &Ed25519KeyPair) -> Vec<u8> {
    let mut bytes = vec![ED25519_KEY];
    bytes.extend_from_slice(pair.public_key().as_ref());
    bytes
}

fn malformed() -> Error {
    Error::field("checkpoint", "it is not a signed checkpoint")
}

/// Reads what a note says, without looking at its signatures.
///
/// # Errors
/// [`Error::Invalid`] if it is not a checkpoint.
pub fn read(note: &str) -> Result<Checkpoint> {
    let parsed = Note::from_bytes(note.as_bytes()).map_err(|_| malformed())?;
    let found = tlog_tiles::Checkpoint::from_bytes(parsed.text()).map_err(|_| malformed())?;
    Ok(Checkpoint { origin: found.origin().to_owned(), size: found.size(), root: found.hash().0 })
}

/// Reads a checkpoint of any epoch of this house and verifies its signature.
///
/// # Errors
/// [`Error::Invalid`] in words if it is not one, or not signed by this house.
pub fn open(vault: &Vault, note: &str) -> Result<Checkpoint> {
    let origin = read(note)?.origin;
    Key::of_origin(vault, origin)?.open(note)
}

/// The newest checkpoint of the log as it stands.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn newest(reader: &mut Reader<'_>) -> Result<Option<Stored>> {
    let size = store::size(reader.connection)?;
    store::checkpoint_up_to(reader, size)
}

/// Signs the log as it stands, if it has grown since the newest checkpoint; the newest one is returned either way.
/// `None` for a log that has not begun.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn sign(database: &Database) -> Result<Option<Stored>> {
    let (head, newest) = database.read(|reader| Ok((store::find_head(reader)?, newest(reader)?)))?;
    let Some((epoch, tree)) = head.filter(|(_, tree)| tree.size() > 0) else { return Ok(None) };
    if newest.as_ref().is_some_and(|stored| stored.size == tree.size()) {
        return Ok(newest);
    }
    database.alone(|reader| {
        let note = Key::new(reader.vault(), &epoch)?.sign(&tree)?;
        let stored = Stored { size: tree.size(), at: reader.now, note };
        store::insert_checkpoint(reader, &stored)?;
        Ok(Some(stored))
    })
}
