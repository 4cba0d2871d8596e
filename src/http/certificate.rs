//! What must be known of the listener's certificate: when it ends. Reads just so much of X.509 (RFC 5280 §4.1).

use std::path::Path;

use chrono::NaiveDateTime;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::clock::Timestamp;
use crate::error::{Error, Result};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of the first certificate in a PEM file.
///
/// # Errors
/// [`Error::Internal`] if the file cannot be read or holds no certificate.
pub fn ends_at(path: &Path) -> Result<Timestamp> {
    let certificate = CertificateDer::from_pem_file(path)
        .map_err(|cause| Error::internal("reading the certificate", cause))?;
    not_after(&certificate).ok_or_else(|| Error::internal("reading the certificate", "it has no end"))
}

/// `Certificate.tbsCertificate.validity.notAfter`.
fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let (_, certificate, _) = element(certificate)?;
    let (tag, mut rest, _) = element(certificate)?;
    if tag != SEQUENCE {
        return None;
    }
    // version (optional), serialNumber, signature, issuer
    if element(rest)?.0 == VERSION {
        rest = element(rest)?.2;
    }
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, validity, _) = element(rest)?;
    let (_, _, after) = element(validity)?;
    let (tag, text, _) = element(after)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// The first element: its tag, its content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// A two-digit year of 50 or more lies in the twentieth century.
fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let whole = match tag {
        UTC_TIME if text.get(..2)?.parse::<u8>().ok()? >= 50 => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let parsed = NaiveDateTime::parse_from_str(&whole, "%Y%m%d%H%M%SZ").ok()?;
    Some(Timestamp::from(parsed.and_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read_in_both_forms() {
        for (year, month, day) in [(2031, 3, 9), (4096, 1, 1)] {
            let mut wanted = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            wanted.not_after = rcgen::date_time_ymd(year, month, day);
            let made = wanted.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
            let end = not_after(made.der()).unwrap().to_string();
            assert_eq!(end, format!("{year:04}-{month:02}-{day:02}T00:00:00Z"));
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        for bytes in [&b""[..], b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\x03\x30\x01\x00", b"\x31\x00"] {
            assert_eq!(not_after(bytes), None);
        }
    }
}
