//! A hash as it is kept: the PHC form, and what it costs to make one.
//!
//! Rule: what is not in the form that is written here is damage, never a mismatch. Pure.

use argon2::Params;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::error::{Error, Result};

/// The length of what comes out, in bytes.
pub(super) const OUTPUT: usize = 32;

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl Cost {
    pub fn params(self) -> Result<Params> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(OUTPUT))
            .map_err(|cause| Error::field("hash", format!("argon2 cannot work so: {cause}")))
    }
}

/// A hash in the PHC form: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`.
pub(super) struct Stored {
    pub cost: Cost,
    pub salt: Vec<u8>,
    pub output: Vec<u8>,
}

impl Stored {
    pub fn text(&self) -> String {
        let Cost { memory_kib, passes, lanes } = self.cost;
        let (salt, output) = (STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(&self.output));
        format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${output}")
    }

    pub fn parse(text: &str) -> Result<Self> {
        let damaged = || Error::internal("reading a password hash", "not in the form that is written here");
        let mut parts = text.strip_prefix("$argon2id$v=19$").ok_or_else(damaged)?.split('$');
        let (Some(cost), Some(salt), Some(output), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(damaged());
        };
        let number = |part: Option<&str>, name: &str| {
            let digits = part.and_then(|part| part.strip_prefix(name)).ok_or_else(damaged)?;
            digits.parse::<u32>().map_err(|_| damaged())
        };
        let mut numbers = cost.split(',');
        let cost = Cost {
            memory_kib: number(numbers.next(), "m=")?,
            passes: number(numbers.next(), "t=")?,
            lanes: number(numbers.next(), "p=")?,
        };
        let bytes = |part: &str| STANDARD_NO_PAD.decode(part).map_err(|_| damaged());
        let (salt, output) = (bytes(salt)?, bytes(output)?);
        if output.len() != OUTPUT {
            return Err(damaged());
        }
        Ok(Self { cost, salt, output })
    }
}
