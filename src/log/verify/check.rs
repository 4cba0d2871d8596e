//! The comparison itself, event by event: numbers, columns, leaves, tree, checkpoints, head.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::body::Body;
use super::replay::Replay;
use super::report::Findings;
use super::{EventRow, PAGE, Page, Report, Source};
use crate::db::Reader;
use crate::error::Result;
use crate::log::checkpoint::{self, Checkpoint, Stored};
use crate::log::store;
use crate::log::tree::{BLOCK_HEIGHT, Block, Frontier, Hash, leaf_hash};
use crate::vault::Vault;

/// A verification under way.
pub(super) struct Checker<'a> {
    vault: &'a Vault,
    /// The tree of the texts.
    tree: Frontier,
    /// The tree of the stored leaves, from the first text on that does not match its leaf. It tells whether the
    /// text was changed or the leaf, and keeps one changed event from making all that follows look wrong.
    leaves: Option<Frontier>,
    /// The number of the event read last.
    number: u64,
    from: u64,
    blocks: Vec<Block>,
    replay: Option<Replay<'a>>,
    findings: Findings,
    against: Option<Checkpoint>,
    checkpoints: u64,
    /// The size of the last checkpoint that fitted.
    fitted: u64,
    /// Whether the tree is known to be wrong: what is signed later cannot fit either and is not named again.
    broken: bool,
}

impl<'a> Checker<'a> {
    pub(super) fn new(vault: &'a Vault, tree: Frontier, sources: Option<&'a [Source]>) -> Self {
        Self {
            vault,
            leaves: None,
            number: tree.size(),
            from: tree.size(),
            fitted: tree.size(),
            tree,
            blocks: Vec::new(),
            replay: sources.map(Replay::new),
            findings: Findings::default(),
            against: None,
            checkpoints: 0,
            broken: false,
        }
    }

    /// The number of the event read last.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Sets the checkpoint, kept elsewhere, that this log must extend.
    pub(super) fn expect(&mut self, note: &str) {
        if let Err(error) = checkpoint::open(self.vault, note) {
            self.findings.log(format!("the checkpoint given: {error}"));
        }
        self.against = checkpoint::read(note).ok();
        self.meet_expected();
    }

    /// Checks one piece of the log.
    pub(super) fn check(&mut self, page: &Page) {
        let mut signed = page.checkpoints.iter().peekable();
        for event in &page.events {
            self.event(event);
            while let Some(stored) = signed.next_if(|stored| stored.size <= self.number) {
                self.meet(stored);
            }
            self.meet_expected();
        }
    }

    fn event(&mut self, row: &EventRow) {
        let number = row.number.unsigned_abs();
        if number != self.number + 1 {
            let missing = if number == self.number + 2 {
                format!("event {} is missing", self.number + 1)
            } else {
                format!("events {} to {} are missing", self.number + 1, number - 1)
            };
            self.findings.log(missing);
            self.broken = true;
        }
        self.number = number;
        let leaf = leaf_hash(row.body.as_bytes());
        if leaf[..] != row.leaf[..] {
            self.findings.event(number, "the stored text does not match its leaf".to_owned());
            self.leaves.get_or_insert_with(|| self.tree.clone());
        }
        if let Some(leaves) = &mut self.leaves {
            leaves.append(Hash::try_from(row.leaf.as_slice()).unwrap_or_default());
        }
        let blocks = &mut self.blocks;
        self.tree.append_noting(leaf, |block| blocks.push(block));
        match Body::read(&row.body) {
            None => self.findings.event(number, "the stored text cannot be read".to_owned()),
            Some(body) => {
                if let Some(column) = body.differing_column(row) {
                    let what = format!("the column \"{column}\" is not what its text says");
                    self.findings.event(number, what);
                }
                if let Some(replay) = &mut self.replay {
                    for changed in &body.rows {
                        replay.take(number, changed, &mut self.findings);
                    }
                }
            }
        }
    }

    fn fits(&self, root: Hash) -> bool {
        self.tree.root() == root || self.leaves.as_ref().is_some_and(|leaves| leaves.root() == root)
    }

    /// Compares a stored checkpoint with the tree, which has just reached its size.
    pub(super) fn meet(&mut self, stored: &Stored) {
        self.checkpoints += 1;
        let size = stored.size;
        let signed = match checkpoint::open(self.vault, &stored.note) {
            Ok(signed) if signed.size == size => signed,
            Ok(_) => {
                self.findings.log(format!("the checkpoint of {size} events is of another size"));
                return;
            }
            Err(error) => {
                self.findings.log(format!("the checkpoint of {size} events: {error}"));
                return;
            }
        };
        if self.broken {
            return;
        }
        if self.fits(signed.root) {
            self.fitted = size;
        } else {
            self.broken = true;
            let first = self.fitted + 1;
            self.findings.log(format!(
                "the checkpoint of {size} events does not fit: among the events {first} to {size} one was changed \
                 together with its leaf"
            ));
        }
    }

    fn meet_expected(&mut self) {
        let Some(expected) = self.against.take_if(|expected| expected.size == self.number) else { return };
        if !self.fits(expected.root) {
            self.findings.log(format!(
                "the checkpoint given signed another tree of {} events: the log was replaced, or changed at or before \
                 that event",
                expected.size
            ));
        }
    }

    /// Compares with the head, what was signed beyond it, the stored blocks and the tables.
    pub(super) fn finish(mut self, reader: &mut Reader<'_>) -> Result<Report> {
        let (epoch, head) = store::find_head(reader)?.unwrap_or_default();
        self.compare_head(&head);
        self.compare_blocks(reader)?;
        for stored in store::checkpoints_between(reader, self.number, u64::MAX, 1)? {
            self.findings.log(format!(
                "a checkpoint of {} events was signed, the log has only {}: its tail was cut off",
                stored.size, self.number
            ));
        }
        if let Some(expected) = self.against.take() {
            self.findings.log(format!(
                "the checkpoint given is of {} events, the log has only {}: its tail was cut off, or it was replaced",
                expected.size, self.number
            ));
        }
        let rows = self.replay.as_ref().map_or(0, Replay::len);
        if let Some(replay) = &mut self.replay {
            replay.compare(reader, &mut self.findings)?;
        }
        Ok(Report {
            epoch,
            size: self.number,
            root: STANDARD.encode(self.tree.root()),
            events: self.number - self.from,
            checkpoints: self.checkpoints,
            rows,
            complete: self.replay.is_some(),
            differences: self.findings.named,
            further: self.findings.further,
        })
    }

    fn compare_head(&mut self, head: &Frontier) {
        if head.size() != self.number {
            let (says, are) = (head.size(), self.number);
            self.findings.log(format!("the head says that there are {says} events, there are {are}"));
        } else if !self.broken && !self.fits(head.root()) {
            let first = self.fitted + 1;
            self.findings.log(format!(
                "the head does not fit: among the events {first} to {} one was changed together with its leaf",
                self.number
            ));
            self.broken = true;
        }
    }

    /// Proofs are made from stored blocks, so these must be right too.
    fn compare_blocks(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        if self.broken || self.leaves.is_some() {
            return Ok(());
        }
        self.blocks.sort_unstable();
        for known in self.blocks.chunks(PAGE.unsigned_abs() as usize) {
            for same in known.chunk_by(|one, next| one.level == next.level) {
                let (first, level) = (same[0].position, same[0].level);
                let stored: HashMap<i64, Vec<u8>> =
                    store::hashes_found(reader, level, first, first + same.len() as u64)?
                        .into_iter()
                        .collect();
                let is_stored = |block: &&Block| {
                    stored.get(&block.position.cast_signed()).is_some_and(|hash| hash[..] == block.root[..])
                };
                if let Some(block) = same.iter().find(|block| !is_stored(block)) {
                    let leaves = 1u64 << (level * BLOCK_HEIGHT);
                    let from = block.position * leaves + 1;
                    let to = from + leaves - 1;
                    self.findings.log(format!(
                        "the stored root of the events {from} to {to} is not the one of their tree"
                    ));
                }
            }
        }
        Ok(())
    }
}
