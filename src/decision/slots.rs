//! A small open-addressed table from 32 bits of a hash to numbers, cheap to copy and close together in memory.
//!
//! Rules: it finds candidates only, and whoever asks compares what a number stands for; the same bits may stand for
//! several numbers; a copy shares its memory until one of the two is changed. Calls nothing.

use std::sync::Arc;

/// Stands for no number.
const VACANT: u32 = u32::MAX;
const SMALLEST: usize = 8;

#[derive(Clone, Copy)]
struct Slot {
    bits: u32,
    number: u32,
}

const EMPTY: Slot = Slot { bits: 0, number: VACANT };

/// The table. Its length is nought or a power of two, and at least a quarter of it stays empty.
#[derive(Clone)]
pub(super) struct Slots(Arc<[Slot]>);

impl Default for Slots {
    fn default() -> Self {
        Self(Arc::from([]))
    }
}

impl Slots {
    /// A table of these bits, numbered as they come.
    pub(super) fn numbering(bits: impl ExactSizeIterator<Item = u32>) -> Self {
        let mut slots = Self::with_room(bits.len());
        for (bits, number) in bits.zip(0..) {
            slots.place(Slot { bits, number });
        }
        slots
    }

    fn with_room(entries: usize) -> Self {
        let length = (entries * 2).next_power_of_two().max(SMALLEST);
        Self(std::iter::repeat_n(EMPTY, length).collect())
    }

    /// Every number that was put in for these bits, and no other.
    pub(super) fn candidates(&self, bits: u32) -> Candidates<'_> {
        Candidates { slots: &self.0, bits, at: bits as usize }
    }

    /// Puts a number in for these bits.
    pub(super) fn insert(&mut self, bits: u32, number: u32) {
        let used = self.0.iter().filter(|slot| slot.number != VACANT).count();
        if (used + 1) * 4 > self.0.len() * 3 {
            let mut larger = Self::with_room(used + 1);
            self.move_into(&mut larger);
            *self = larger;
        }
        self.place(Slot { bits, number });
    }

    /// Takes a number out again.
    pub(super) fn remove(&mut self, bits: u32, number: u32) {
        let others = self.0.iter().filter(|slot| slot.number != VACANT).count();
        let mut rest = Self::with_room(others);
        for slot in self.0.iter().filter(|slot| slot.number != VACANT) {
            if slot.bits != bits || slot.number != number {
                rest.place(*slot);
            }
        }
        *self = rest;
    }

    fn move_into(&self, other: &mut Self) {
        for slot in self.0.iter().filter(|slot| slot.number != VACANT) {
            other.place(*slot);
        }
    }

    /// The caller has seen to it that a slot is empty.
    fn place(&mut self, new: Slot) {
        let slots = Arc::make_mut(&mut self.0);
        let mask = slots.len() - 1;
        let mut at = new.bits as usize & mask;
        while slots[at].number != VACANT {
            at = (at + 1) & mask;
        }
        slots[at] = new;
    }
}

/// See [`Slots::candidates`].
pub(super) struct Candidates<'a> {
    slots: &'a [Slot],
    bits: u32,
    at: usize,
}

impl Iterator for Candidates<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        loop {
            let slot = self.slots.get(self.at & self.slots.len().wrapping_sub(1))?;
            if slot.number == VACANT {
                return None;
            }
            self.at = self.at.wrapping_add(1);
            if slot.bits == self.bits {
                return Some(slot.number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;

    fn found(slots: &Slots, bits: u32) -> Vec<u32> {
        let mut numbers: Vec<u32> = slots.candidates(bits).collect();
        numbers.sort_unstable();
        numbers
    }

    #[test]
    fn an_empty_table_holds_nothing() {
        assert!(found(&Slots::default(), 7).is_empty());
    }

    #[test]
    fn numbers_are_found_under_their_bits_and_gone_once_removed() {
        let mut slots = Slots::default();
        // Bits that all begin at the same place, so that each number must step over the others.
        for number in 0..100 {
            slots.insert((number % 3) << 16, number);
        }
        let before = slots.clone();
        for number in (0..100).filter(|number| number % 2 == 0) {
            slots.remove((number % 3) << 16, number);
        }
        for rest in 0..3u32 {
            let all: Vec<u32> = (0..100).filter(|number| number % 3 == rest).collect();
            let odd: Vec<u32> = all.iter().copied().filter(|number| number % 2 == 1).collect();
            assert_eq!(found(&before, rest << 16), all);
            assert_eq!(found(&slots, rest << 16), odd);
        }
        assert!(found(&slots, 3 << 16).is_empty());
    }
}
