//! Inclusion proofs (RFC 6962 §2.1.1) and frontiers of older trees, without reading the whole log: the roots of
//! complete blocks of 256 leaves (and of 256 blocks, and so on) are stored when they complete.
//!
//! Rules: a proof that does not lead to the signed root is never given out. May call: `db`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::checkpoint;
use super::store;
use super::tree::{BLOCK_HEIGHT, Frontier, Hash, node_hash};
use crate::db::Reader;
use crate::error::{Error, Result};

/// Proof that an event stands in the tree of a signed checkpoint.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Proof {
    /// The event's number.
    pub event: u64,
    /// Its place among the leaves, from 0: one less than its number.
    pub leaf_index: u64,
    /// Its leaf, SHA-256(0x00 ‖ canonical text), as Base64.
    pub leaf_hash: String,
    /// The size of the checkpoint's tree.
    pub tree_size: u64,
    /// The root of the checkpoint's tree, as Base64.
    pub root_hash: String,
    /// The audit path of RFC 6962 §2.1.1, from the leaf upwards, as Base64.
    pub audit_path: Vec<String>,
    /// The signed checkpoint to which the path leads (C2SP tlog-checkpoint).
    pub checkpoint: String,
}

/// The proof of an event against the newest checkpoint; `None` if no checkpoint covers it yet.
///
/// # Errors
/// [`Error::NotFound`] if there is no such event; [`Error::Internal`] if the stored tree does not lead to the root
/// that was signed.
pub fn of_event(reader: &mut Reader<'_>, number: u64) -> Result<Option<Proof>> {
    let Some((epoch, head)) = store::find_head(reader)? else { return Err(Error::NotFound("event")) };
    if number == 0 || number > head.size() {
        return Err(Error::NotFound("event"));
    }
    let Some(stored) = checkpoint::newest(reader)? else { return Ok(None) };
    if stored.size < number {
        return Ok(None);
    }
    let signed = checkpoint::Key::new(reader.vault(), &epoch)?.open(&stored.note)?;
    let (leaf, path) = audit_path(reader, number - 1, signed.size)?;
    if climb(number - 1, signed.size, leaf, &path) != Some(signed.root) {
        return Err(Error::internal("proving an event", "the stored tree does not lead to the signed root"));
    }
    Ok(Some(Proof {
        event: number,
        leaf_index: number - 1,
        leaf_hash: STANDARD.encode(leaf),
        tree_size: signed.size,
        root_hash: STANDARD.encode(signed.root),
        audit_path: path.iter().map(|hash| STANDARD.encode(hash)).collect(),
        checkpoint: stored.note,
    }))
}

/// The frontier of the tree's first `size` leaves, from stored roots. Whoever uses it compares its root with a
/// signed one first.
///
/// # Errors
/// [`Error::Internal`] if a stored hash is missing.
pub(super) fn frontier(reader: &mut Reader<'_>, size: u64) -> Result<Frontier> {
    Ok(Frontier::of(size, complete_roots(reader, 0, size)?))
}

/// The leaf of that index and its audit path in the tree of the first `size` leaves.
fn audit_path(reader: &mut Reader<'_>, index: u64, size: u64) -> Result<(Hash, Vec<Hash>)> {
    let (mut low, mut high) = (0, size);
    let mut path = Vec::new();
    while high - low > 1 {
        let split = low + split_of(high - low);
        if index < split {
            path.push(root_of(reader, split, high)?);
            high = split;
        } else {
            path.push(root_of(reader, low, split)?);
            low = split;
        }
    }
    path.reverse();
    let leaf = store::hashes(reader, 0, index, index + 1)?[0];
    Ok((leaf, path))
}

/// The root to which a leaf and its audit path lead; `None` if the path has the wrong length.
fn climb(index: u64, size: u64, leaf: Hash, path: &[Hash]) -> Option<Hash> {
    let (mut position, mut last, mut node) = (index, size - 1, leaf);
    let mut path = path.iter();
    while last > 0 {
        if position & 1 == 1 {
            node = node_hash(path.next()?, &node);
        } else if position < last {
            node = node_hash(&node, path.next()?);
        }
        position >>= 1;
        last >>= 1;
    }
    path.next().is_none().then_some(node)
}

/// The largest power of two smaller than `count` (RFC 6962 §2.1).
fn split_of(count: u64) -> u64 {
    count.next_power_of_two() / 2
}

/// The root of the leaves from `low` up to and without `high`, where `low` is where a subtree of that size begins.
fn root_of(reader: &mut Reader<'_>, low: u64, high: u64) -> Result<Hash> {
    Ok(Frontier::of(high - low, complete_roots(reader, low, high)?).root())
}

fn complete_roots(reader: &mut Reader<'_>, low: u64, high: u64) -> Result<Vec<Hash>> {
    let mut roots = Vec::new();
    let mut at = low;
    while at < high {
        let height = (high - at).ilog2();
        roots.push(complete_root(reader, at, height)?);
        at += 1 << height;
    }
    Ok(roots)
}

/// The root of the complete subtree of 2^height leaves from `low` on: at most 128 stored hashes are read for it.
fn complete_root(reader: &mut Reader<'_>, low: u64, height: u32) -> Result<Hash> {
    let level = height / BLOCK_HEIGHT;
    let unit = level * BLOCK_HEIGHT;
    let mut hashes = store::hashes(reader, level, low >> unit, (low + (1 << height)) >> unit)?;
    while hashes.len() > 1 {
        hashes = hashes.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect();
    }
    hashes.pop().ok_or_else(|| Error::internal("reading the log's tree", "an empty subtree"))
}
