//! The second factor: time-based codes (RFC 6238) of an authenticator, and recovery codes for when it is lost.
//!
//! Rules: the secret is sealed; a code may be one step early or late and works once, which one conditional statement
//! decides; recovery codes are kept as keyed hashes, work once and are shown once. May call: `vault`, `log`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde::Serialize;
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use super::hasher::Secret;
use super::store::credentials as store;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::entropy::{Entropy, random};
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::log::event::Change;
use crate::vault::Place;

/// The length of one step in seconds, as every authenticator presumes.
const STEP: u64 = 30;
/// A code may be this many steps early or late.
const DRIFT: u16 = 1;
const SECRET: usize = 20;
const RECOVERY_CODES: usize = 10;
/// Letters and digits that nobody takes for another: no 0, 1, i, l, o, u.
const ALPHABET: &[u8; 30] = b"23456789abcdefghjkmnpqrstvwxyz";
pub(super) const RECOVERY_LENGTH: usize = 16;
const RECOVERY_SPACE: &str = "recovery_codes";

/// What somebody needs to add the factor to an authenticator; shown while enrolling only.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Factor)]
pub struct Enrolment {
    /// The secret in Base32.
    pub secret: String,
    /// The same as an address that an authenticator opens.
    pub otpauth_url: String,
}

impl Enrolment {
    /// The address as a picture: a `data:` address of an SVG.
    ///
    /// # Errors
    /// [`Error::Internal`] if the address is too long for a picture.
    pub fn picture(&self) -> Result<String> {
        picture(&self.otpauth_url)
    }

    /// The secret in groups of four, for people who type it.
    pub fn groups(&self) -> Vec<String> {
        self.secret.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect()
    }
}

/// An address as a picture that a telephone reads: a `data:` address of an SVG.
///
/// # Errors
/// [`Error::Internal`] if the address is too long for a picture.
pub fn picture(address: &str) -> Result<String> {
    let code = QrCode::with_error_correction_level(address, EcLevel::M)
        .map_err(|cause| Error::internal("drawing a QR code", cause))?;
    let svg = code.render::<svg::Color<'_>>().min_dimensions(192, 192).quiet_zone(true).build();
    Ok(format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg)))
}

/// Whether the account has a confirmed factor.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn is_enrolled(reader: &mut Reader<'_>, account: &AccountId) -> Result<bool> {
    Ok(store::totp(reader, account)?.is_some_and(|row| row.confirmed_at.is_some()))
}

/// Since when the account has a confirmed factor.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn enrolled_at(reader: &mut Reader<'_>, account: &AccountId) -> Result<Option<Timestamp>> {
    Ok(store::totp(reader, account)?.and_then(|row| row.confirmed_at))
}

/// Begins a factor, or shows again the one that waits to be confirmed.
///
/// # Errors
/// [`Error::Conflict`] if the account has a confirmed one.
pub fn begin(tx: &mut Tx<'_>, account: &AccountId, issuer: &str, username: &str) -> Result<Enrolment> {
    let secret = match store::totp(tx, account)? {
        Some(row) if row.confirmed_at.is_some() => return Err(already_enrolled()),
        Some(row) => Zeroizing::new(tx.vault().open(place(account), &row.secret)?),
        None => {
            let secret = Zeroizing::new(random::<SECRET>(tx.entropy()).to_vec());
            let sealed = tx.vault().seal(tx.entropy(), place(account), &secret)?;
            store::put_totp(tx, account, &sealed)?;
            secret
        }
    };
    shown(&secret, issuer, username)
}

fn shown(secret: &[u8], issuer: &str, username: &str) -> Result<Enrolment> {
    let totp = totp(secret, issuer, username)?;
    let otpauth_url = totp.to_url().map_err(|cause| Error::internal("writing an otpauth address", cause))?;
    Ok(Enrolment { secret: totp.secret().to_base32(), otpauth_url })
}

/// Confirms the factor that waits, with its first code, and makes new recovery codes: the only time they are shown.
///
/// # Errors
/// [`Error::Conflict`] if nothing waits to be confirmed; [`Error::Invalid`] for a wrong code.
pub fn confirm(tx: &mut Tx<'_>, account: &AccountId, code: &Secret) -> Result<Vec<String>> {
    match store::totp(tx, account)? {
        Some(row) if row.confirmed_at.is_none() => {}
        Some(_) => return Err(already_enrolled()),
        None => return Err(not_begun()),
    }
    if !take_code(tx, account, code)? || !store::confirm_totp(tx, account)? {
        return Err(wrong_code());
    }
    tx.record(Change::FactorEnrolled { account: account.clone(), factor: "totp".to_owned() });
    new_recovery_codes(tx, account)
}

/// Begins an authenticator beside what the account has, or in the place of its present one, which counts until then.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn begin_next(tx: &mut Tx<'_>, account: &AccountId, issuer: &str, username: &str) -> Result<Enrolment> {
    let Some(row) = store::totp(tx, account)?.filter(|row| row.confirmed_at.is_some()) else {
        return begin(tx, account, issuer, username);
    };
    let secret = match &row.next_secret {
        Some(sealed) => Zeroizing::new(tx.vault().open(next_place(account), sealed)?),
        None => {
            let secret = Zeroizing::new(random::<SECRET>(tx.entropy()).to_vec());
            let sealed = tx.vault().seal(tx.entropy(), next_place(account), &secret)?;
            store::put_next_secret(tx, account, &sealed)?;
            secret
        }
    };
    shown(&secret, issuer, username)
}

/// Confirms what [`begin_next`] began: `false` for a wrong code.
///
/// # Errors
/// [`Error::Conflict`] `factor-missing` if nothing was begun.
pub fn confirm_next(tx: &mut Tx<'_>, account: &AccountId, code: &Secret) -> Result<bool> {
    let row = store::totp(tx, account)?.ok_or_else(not_begun)?;
    if row.confirmed_at.is_none() {
        return Ok(take_code(tx, account, code)? && store::confirm_totp(tx, account)?);
    }
    let sealed = row.next_secret.ok_or_else(not_begun)?;
    let secret = Zeroizing::new(tx.vault().open(next_place(account), &sealed)?);
    let Some(step) = step_of(&secret, code, tx.now)? else { return Ok(false) };
    let sealed = tx.vault().seal(tx.entropy(), place(account), &secret)?;
    store::replace_secret(tx, account, &sealed, step)?;
    Ok(true)
}

/// Takes the authenticator alone away; recovery codes stay.
///
/// # Errors
/// [`Error::NotFound`] if there is none that was confirmed.
pub fn remove_authenticator(tx: &mut Tx<'_>, account: &AccountId) -> Result<()> {
    if !is_enrolled(tx, account)? || !store::delete_totp(tx, account)? {
        return Err(Error::NotFound("authenticator"));
    }
    tx.record(Change::FactorRemoved { account: account.clone(), factor: "totp".to_owned() });
    Ok(())
}

/// Takes a code of the authenticator: true if it is one of this moment and was not used before.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database or a secret that does not open.
pub fn take_code(tx: &mut Tx<'_>, account: &AccountId, code: &Secret) -> Result<bool> {
    let Some(row) = store::totp(tx, account)? else { return Ok(false) };
    let secret = Zeroizing::new(tx.vault().open(place(account), &row.secret)?);
    match step_of(&secret, code, tx.now)? {
        Some(step) if step > row.last_step => store::take_step(tx, account, step),
        _ => Ok(false),
    }
}

/// Takes a recovery code: true if it is one of the account's and was not used before.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn take_recovery_code(tx: &mut Tx<'_>, account: &AccountId, code: &Secret) -> Result<bool> {
    let Some(code) = plain(code) else { return Ok(false) };
    let digests = tx.vault().blind_indexes(RECOVERY_SPACE, &bound(account, &code));
    store::take_recovery_code(tx, account, &digests)
}

/// How many recovery codes are left.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn recovery_codes_left(reader: &mut Reader<'_>, account: &AccountId) -> Result<u64> {
    Ok(store::recovery_codes_left(reader, account)?.unsigned_abs())
}

/// Takes factor and recovery codes away, for a recovery; says whether there was a factor.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn remove(tx: &mut Tx<'_>, account: &AccountId) -> Result<bool> {
    let enrolled = is_enrolled(tx, account)?;
    store::delete_recovery_codes(tx, account)?;
    let removed = store::delete_totp(tx, account)?;
    if enrolled {
        tx.record(Change::FactorRemoved { account: account.clone(), factor: "totp".to_owned() });
    }
    Ok(removed)
}

/// Makes new recovery codes in place of any before them: the only time they are shown.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn new_recovery_codes(tx: &mut Tx<'_>, account: &AccountId) -> Result<Vec<String>> {
    store::delete_recovery_codes(tx, account)?;
    (0..RECOVERY_CODES)
        .map(|_| {
            let code = recovery_code(tx.entropy());
            let digest = tx.vault().blind_index(RECOVERY_SPACE, &bound(account, &code));
            store::insert_recovery_code(tx, account, &digest)?;
            let groups: Vec<&str> =
                [&code[..4], &code[4..8], &code[8..12], &code[12..]].into_iter().collect();
            Ok(groups.join("-"))
        })
        .collect()
}

/// A code of 16 signs, nearly 79 bits. Bytes that would favour some signs are drawn again.
pub(super) fn recovery_code(entropy: &dyn Entropy) -> String {
    let fair = u8::MAX - u8::MAX % 30;
    let mut code = String::with_capacity(RECOVERY_LENGTH);
    while code.len() < RECOVERY_LENGTH {
        let [byte] = random::<1>(entropy);
        if byte < fair {
            code.push(char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
        }
    }
    code
}

/// A recovery code as it was typed, without dashes, spaces and capitals; `None` if it cannot be one.
pub(super) fn plain(code: &Secret) -> Option<Zeroizing<String>> {
    let typed = code.expose();
    if typed.len() > 4 * RECOVERY_LENGTH {
        return None;
    }
    let plain: String =
        typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    (plain.len() == RECOVERY_LENGTH && plain.is_ascii()).then(|| Zeroizing::new(plain))
}

fn bound(account: &AccountId, code: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("{account} {code}"))
}

/// The step whose code this is, if it is one of this moment.
fn step_of(secret: &[u8], code: &Secret, now: Timestamp) -> Result<Option<i64>> {
    let digits: Zeroizing<String> =
        Zeroizing::new(code.expose().chars().filter(|c| !c.is_whitespace()).take(7).collect());
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let seconds = u64::try_from(now.seconds()).unwrap_or(0);
    let step = totp(secret, "", "")?.check(&digits, seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

fn totp(secret: &[u8], issuer: &str, username: &str) -> Result<Totp> {
    // A colon parts issuer and name in the address.
    let clean = |text: &str| text.replace(':', " ");
    let issuer = Some(clean(issuer)).filter(|issuer| !issuer.is_empty());
    Builder::new()
        .with_secret(secret.to_vec())
        .with_skew(DRIFT)
        .with_step_duration(STEP)
        .with_issuer(issuer)
        .with_account_name(clean(username))
        .build()
        .map_err(|cause| Error::internal("making a code", cause))
}

fn place(account: &AccountId) -> Place<'_> {
    Place { table: "totp_factors", column: "secret", row: account.as_str() }
}

fn next_place(account: &AccountId) -> Place<'_> {
    Place { table: "totp_factors", column: "next_secret", row: account.as_str() }
}

fn already_enrolled() -> Error {
    Error::conflict("factor-enrolled", "You have a second factor already.")
}

fn not_begun() -> Error {
    Error::conflict("factor-missing", "There is no second factor to confirm; begin one first.")
}

/// The refusal of a code; it does not say why.
pub(super) fn wrong_code() -> Error {
    Error::field("code", "is not right, or was used before; wait for the next one")
}

#[cfg(test)]
mod tests {
    use totp_rs::Algorithm;

    use super::*;
    use crate::entropy::OsEntropy;

    /// The test values of RFC 6238, appendix B, for SHA-1, shortened to six digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = b"12345678901234567890";
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            let now = Timestamp::from_micros(seconds * 1_000_000);
            let step = step_of(secret, &Secret::new(code), now).unwrap();
            assert_eq!(step, Some(seconds / 30), "{code}");
        }
    }

    /// The values of the same appendix for all three algorithms, eight digits long. Authenticators presume SHA-1, and so
    /// does this house; what computes the codes is right about the others too.
    #[test]
    fn the_library_agrees_with_the_rfc_for_every_algorithm() {
        let seed = b"1234567890123456789012345678901234567890123456789012345678901234";
        for (algorithm, length, codes) in [
            (Algorithm::SHA1, 20, ["94287082", "07081804", "14050471", "89005924", "69279037", "65353130"]),
            (Algorithm::SHA256, 32, ["46119246", "68084774", "67062674", "91819424", "90698825", "77737706"]),
            (Algorithm::SHA512, 64, ["90693936", "25091201", "99943326", "93441116", "38618901", "47863826"]),
        ] {
            let builder = Builder::new().with_algorithm(algorithm).with_digits(8);
            let totp = builder.with_secret(seed[..length].to_vec()).build().unwrap();
            let at = [59, 1_111_111_109, 1_111_111_111, 1_234_567_890, 2_000_000_000, 20_000_000_000];
            assert_eq!(at.map(|seconds| totp.generate(seconds).to_string()), codes);
        }
    }

    #[test]
    fn a_code_may_be_one_step_off_and_no_more() {
        let secret = b"12345678901234567890";
        let at = |seconds: i64| {
            let now = Timestamp::from_micros(seconds * 1_000_000);
            step_of(secret, &Secret::new("050471"), now).unwrap().is_some()
        };
        let step = 1_111_111_111 / 30 * 30;
        assert!(at(step - 30) && at(step) && at(step + 29) && at(step + 59));
        assert!(!at(step - 31) && !at(step + 60));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let now = Timestamp::from_micros(59_000_000);
        for code in ["", "28708", "2870820", "28708a", "２８７０８２"] {
            assert_eq!(step_of(b"12345678901234567890", &Secret::new(code), now).unwrap(), None, "{code}");
        }
        let spaced = step_of(b"12345678901234567890", &Secret::new(" 287 082 "), now).unwrap();
        assert_eq!(spaced, Some(1));
    }

    #[test]
    fn recovery_codes_are_long_and_forgive_how_they_are_typed() {
        let code = recovery_code(&OsEntropy);
        assert_eq!(code.len(), 16);
        assert_ne!(code, recovery_code(&OsEntropy));
        let typed = format!(" {}-{} ", code[..4].to_uppercase(), &code[4..]);
        assert_eq!(plain(&Secret::new(typed)).as_deref(), Some(&code));
        assert!(plain(&Secret::new("abc")).is_none());
    }

    #[test]
    fn the_address_names_issuer_and_person_and_becomes_a_picture() {
        let totp = totp(&[7; 20], "Corriden: Parcels", "pnakagawa").unwrap();
        let enrolment = Enrolment { secret: totp.secret().to_base32(), otpauth_url: totp.to_url().unwrap() };
        assert!(enrolment.otpauth_url.starts_with("otpauth://totp/Corriden"), "{}", enrolment.otpauth_url);
        assert!(enrolment.otpauth_url.contains(&format!("secret={}", enrolment.secret)));
        assert_eq!(enrolment.groups().concat(), enrolment.secret);
        let picture = enrolment.picture().unwrap();
        assert!(picture.starts_with("data:image/svg+xml;base64,"));
    }
}
