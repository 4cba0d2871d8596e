//! The Merkle tree of RFC 6962 §2.1 in its smallest form: the frontier, which is all that appending needs.
//!
//! The frontier holds the roots of the complete subtrees of a tree of `size` leaves, largest first: one for each bit
//! of `size`. It is one small row, so appending costs no read of older leaves. May call: nothing.

use aws_lc_rs::digest::{Context, SHA256};

use crate::error::{Error, Result};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The hash of a leaf: SHA-256(0x00 ‖ text).
pub fn leaf_hash(text: &[u8]) -> Hash {
    digest(&[&[0], text])
}

/// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    digest(&[&[1], left, right])
}

fn digest(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// The edge of the tree to which the next leaf is appended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// Reads a stored frontier.
    ///
    /// # Errors
    /// [`Error::Internal`] if the bytes do not fit the size.
    pub fn read(size: u64, bytes: &[u8]) -> Result<Self> {
        let (chunks, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() || chunks.len() != size.count_ones() as usize {
            return Err(Error::internal("reading the log's head", "the frontier does not fit its size"));
        }
        Ok(Self { size, roots: chunks.to_vec() })
    }

    /// The frontier as it is stored: its hashes one after the other.
    pub fn bytes(&self) -> Vec<u8> {
        self.roots.concat()
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends one leaf.
    pub fn append(&mut self, leaf: Hash) {
        let mut node = leaf;
        let mut complete = self.size;
        while complete & 1 == 1 {
            if let Some(left) = self.roots.pop() {
                node = node_hash(&left, &node);
            }
            complete >>= 1;
        }
        self.roots.push(node);
        self.size += 1;
    }

    /// The root of the whole tree (RFC 6962 §2.1); of an empty tree, SHA-256 of nothing.
    pub fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev();
        let Some(first) = roots.next() else { return digest(&[]) };
        roots.fold(*first, |right, left| node_hash(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recursive definition of RFC 6962 §2.1, word for word.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves.len() {
            0 => digest(&[]),
            1 => leaves[0],
            n => {
                let split = n.next_power_of_two() / 2;
                node_hash(&by_definition(&leaves[..split]), &by_definition(&leaves[split..]))
            }
        }
    }

    #[test]
    fn the_frontier_gives_the_root_of_the_definition() {
        let mut frontier = Frontier::default();
        let mut leaves = Vec::new();
        assert_eq!(frontier.root(), by_definition(&leaves));
        for n in 0u32..300 {
            let leaf = leaf_hash(&n.to_be_bytes());
            frontier.append(leaf);
            leaves.push(leaf);
            assert_eq!(frontier.root(), by_definition(&leaves), "at {} leaves", n + 1);
            assert_eq!(Frontier::read(frontier.size(), &frontier.bytes()).unwrap(), frontier);
        }
    }

    #[test]
    fn a_frontier_that_does_not_fit_is_refused() {
        assert!(Frontier::read(3, &[0; 32]).is_err());
        assert!(Frontier::read(1, &[0; 31]).is_err());
    }
}
