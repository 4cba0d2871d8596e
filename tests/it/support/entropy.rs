//! Randomness that repeats itself.

use std::sync::Mutex;

use bailiwick::entropy::Entropy;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub struct SeededEntropy(Mutex<ChaCha12Rng>);

impl SeededEntropy {
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha12Rng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.lock().expect("no test panics while drawing").fill_bytes(buffer);
    }
}
