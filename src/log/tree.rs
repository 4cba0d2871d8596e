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

/// The height of a block in the tree: 2^8 leaves, or 2^8 blocks of the level below.
pub const BLOCK_HEIGHT: u32 = 8;

/// A complete block of the tree, whose root never changes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Block {
    /// 1 for 256 leaves, 2 for 256 blocks of level 1, and so on.
    pub level: u32,
    /// Its place among the blocks of its level, from 0.
    pub position: u64,
    /// The root of its subtree.
    pub root: Hash,
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

    /// The frontier of a tree of `size` leaves whose complete subtrees have these roots, largest first.
    pub(super) fn of(size: u64, roots: Vec<Hash>) -> Self {
        Self { size, roots }
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
        self.append_noting(leaf, |_| {});
    }

    /// Appends one leaf and tells of every block that it completes: 256 leaves, 256 such blocks, and so on.
    pub fn append_noting(&mut self, leaf: Hash, mut completed: impl FnMut(Block)) {
        let mut node = leaf;
        let mut height = 0;
        while (self.size >> height) & 1 == 1 {
            if let Some(left) = self.roots.pop() {
                node = node_hash(&left, &node);
            }
            height += 1;
            if height % BLOCK_HEIGHT == 0 {
                let level = height / BLOCK_HEIGHT;
                completed(Block { level, position: self.size >> height, root: node });
            }
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
    fn blocks_are_told_of_when_they_are_complete() {
        let mut frontier = Frontier::default();
        let mut leaves = Vec::new();
        let mut blocks = Vec::new();
        for n in 0u32..66_000 {
            let leaf = leaf_hash(&n.to_be_bytes());
            leaves.push(leaf);
            frontier.append_noting(leaf, |block| blocks.push(block));
        }
        let of_level = |level| blocks.iter().filter(move |block| block.level == level);
        assert_eq!(of_level(1).count(), 66_000 / 256);
        for (position, block) in of_level(1).enumerate() {
            assert_eq!(block.position, position as u64);
            assert_eq!(block.root, by_definition(&leaves[position * 256..(position + 1) * 256]));
        }
        let second: Vec<_> = of_level(2).collect();
        assert_eq!(second.len(), 1);
        assert_eq!((second[0].position, second[0].root), (0, by_definition(&leaves[..65_536])));
    }

    #[test]
    fn a_frontier_that_does_not_fit_is_refused() {
        assert!(Frontier::read(3, &[0; 32]).is_err());
        assert!(Frontier::read(1, &[0; 31]).is_err());
    }
}
