//! The key ring: data keys live in the database wrapped by the master key, which lives in a file or the environment.
//!
//! Rules: the master key is refused if others than its owner can read the file; it never enters the database, a
//! backup or a log. Keys are told apart by id; the newest of a purpose seals, older ones still open.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::{Place, Vault, seal_key, store};
use crate::clock::Timestamp;
use crate::db::AnyConnection;
use crate::entropy::{Entropy, random};
use crate::error::{Error, Result};
use crate::text_enum;

text_enum! {
    /// What a key of the ring is for.
    pub enum Purpose {
        /// Sealing columns.
        Seal = "seal",
        /// Blind indexes.
        Index = "index",
        /// Keyed hashes in logs.
        Trace = "trace",
        /// Signing the log's checkpoints.
        Signing = "signing",
    }
}

/// One key as it is stored.
pub(super) struct WrappedKey {
    pub(super) id: i32,
    pub(super) purpose: Purpose,
    pub(super) wrapped: Vec<u8>,
}

/// The key that wraps all others: 256 bits. It is wiped from memory when dropped and has no text form.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Reads 64 hexadecimal digits, as the environment or a secret file holds them.
    ///
    /// # Errors
    /// [`Error::Invalid`] for anything else; the text is not repeated.
    pub fn from_hex(text: &str) -> Result<Self> {
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), key.as_mut_slice())
            .map_err(|_| Error::field("master_key", "must be 64 hexadecimal digits"))?;
        Ok(Self(key))
    }

    /// Reads the key file, or makes it (mode 0600) if it is not there.
    ///
    /// # Errors
    /// [`Error::Invalid`] if others can read the file; [`Error::Internal`] if it cannot be read or made.
    pub fn from_file(path: &Path, entropy: &dyn Entropy) -> Result<Self> {
        match fs::metadata(path) {
            Ok(found) => {
                if found.permissions().mode() & 0o077 != 0 {
                    let advice =
                        format!("others can read {}; run: chmod 600 {}", path.display(), path.display());
                    return Err(Error::field("master_key_file", advice));
                }
                let text = Zeroizing::new(
                    fs::read_to_string(path)
                        .map_err(|cause| Error::internal("reading the master key", cause))?,
                );
                Self::from_hex(&text)
            }
            Err(_) => Self::create(path, entropy),
        }
    }

    fn create(path: &Path, entropy: &dyn Entropy) -> Result<Self> {
        let failed = |cause: std::io::Error| Error::internal("making the master key", cause);
        let key = Zeroizing::new(random::<32>(entropy));
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        file.write_all(Zeroizing::new(hex::encode(key.as_slice())).as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        Ok(Self(key))
    }

    fn wrapper(&self) -> Result<Vault> {
        let unused = || hmac::Key::new(hmac::HMAC_SHA256, &[0; 32]);
        Ok(Vault {
            seal: vec![seal_key(0, self.0.as_slice())?],
            index: Vec::new(),
            trace: unused(),
            signing: [0; 32],
        })
    }
}

fn place(row: &str) -> Place<'_> {
    Place { table: "vault_keys", column: "wrapped", row }
}

/// Loads the ring from the database and unwraps it; an empty database gets one key of each purpose.
/// The caller holds the database alone or inside a transaction.
///
/// # Errors
/// [`Error::Internal`] if the master key is not the one that wrapped the ring.
pub fn load_or_create(
    connection: &mut AnyConnection,
    master: &MasterKey,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Vault> {
    let wrapper = master.wrapper()?;
    if store::keys(connection)?.is_empty() {
        for (id, purpose) in (1..).zip(Purpose::ALL.iter().copied()) {
            let plain = Zeroizing::new(random::<32>(entropy));
            let wrapped = wrapper.seal(entropy, place(&format!("{id}")), plain.as_slice())?;
            store::insert_key(connection, &WrappedKey { id, purpose, wrapped }, now)?;
        }
    }
    let mut vault = Vault {
        seal: Vec::new(),
        index: Vec::new(),
        trace: hmac::Key::new(hmac::HMAC_SHA256, &[0; 32]),
        signing: [0; 32],
    };
    for key in store::keys(connection)? {
        let plain = Zeroizing::new(wrapper.open(place(&key.id.to_string()), &key.wrapped)?);
        match key.purpose {
            Purpose::Seal => vault.seal.push(seal_key(key.id.unsigned_abs(), &plain)?),
            Purpose::Index => vault.index.push(hmac::Key::new(hmac::HMAC_SHA256, &plain)),
            Purpose::Trace => vault.trace = hmac::Key::new(hmac::HMAC_SHA256, &plain),
            Purpose::Signing => {
                vault.signing = plain
                    .as_slice()
                    .try_into()
                    .map_err(|_| Error::internal("reading the key ring", "a key of the wrong size"))?;
            }
        }
    }
    Ok(vault)
}
