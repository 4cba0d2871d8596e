//! Randomness, injected: salts, tokens, ids and secrets come from here and nowhere else.
//!
//! May call: nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Where random bytes come from.
pub trait Entropy: Send + Sync {
    /// Fills the whole buffer with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's generator.
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// A machine that cannot give random bytes must not issue secrets: the process ends.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for randomness")]
    fn fill(&self, buffer: &mut [u8]) {
        if getrandom::fill(buffer).is_err() {
            tracing::error!("the operating system gives no random bytes");
            std::process::abort();
        }
    }
}

/// `N` random bytes from any source.
pub fn random<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut buffer = [0; N];
    entropy.fill(&mut buffer);
    buffer
}

/// A token for a URL, a cookie or a key: 256 random bits as 43 characters of URL-safe Base64.
pub fn token(entropy: &dyn Entropy) -> String {
    URL_SAFE_NO_PAD.encode(random::<32>(entropy))
}
