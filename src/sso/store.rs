//! Rows of `sso_links`, `sso_attempts`, `sso_sessions`, `sso_roles`, `sso_logouts` and `provider_attestations`: digests
//! are hex, `secrets` and `name` are sealed. Whatever may be used once is decided by one conditional statement.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as Fault};

use super::attestations::Attestation;
use super::linking::{Linked, Removal};
use crate::clock::Timestamp;
use crate::db::schema::{
    provider_attestations, sso_attempts, sso_links, sso_logouts, sso_roles, sso_sessions,
};
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::{AccountId, AttestationId, GrantId, RequestId, TextId};

/// An attempt to be written, begun now.
pub(super) struct NewAttempt<'a> {
    pub digest: &'a str,
    pub provider: &'a str,
    pub browser: &'a str,
    pub secrets: &'a [u8],
    pub expires_at: Timestamp,
}

/// A link to be written, made and used now.
pub(super) struct NewLink<'a> {
    pub digest: &'a str,
    pub account: &'a AccountId,
    pub provider: &'a str,
    pub name: &'a [u8],
    pub linked_by: &'a str,
}

/// A link as it is kept.
#[derive(Debug, Clone, Queryable)]
pub(super) struct KnownLink {
    pub digest: String,
    pub name: Vec<u8>,
    pub removal_asked_by: Option<AccountId>,
    pub removal_asked_at: Option<Timestamp>,
}

/// What a group brought somebody.
#[derive(Debug, Clone, Queryable)]
pub(super) struct Brought {
    pub role: String,
    pub grant: Option<GrantId>,
    pub request: Option<RequestId>,
}

pub(super) fn insert_attempt(reader: &mut Reader<'_>, new: &NewAttempt<'_>) -> Result<()> {
    diesel::insert_into(sso_attempts::table)
        .values((
            sso_attempts::digest.eq(new.digest),
            sso_attempts::provider.eq(new.provider),
            sso_attempts::browser.eq(new.browser),
            sso_attempts::secrets.eq(new.secrets),
            sso_attempts::created_at.eq(reader.now),
            sso_attempts::expires_at.eq(new.expires_at),
            sso_attempts::replayed.eq(false),
        ))
        .execute(reader.connection)?;
    Ok(())
}

/// Uses an attempt of that browser up, and returns with which provider it was begun, and its secrets.
pub(super) fn take_attempt(
    reader: &mut Reader<'_>,
    digest: &str,
    browser: &str,
) -> Result<Option<(String, Vec<u8>)>> {
    let now = reader.now;
    Ok(diesel::update(sso_attempts::table.find(digest))
        .filter(sso_attempts::browser.eq(browser))
        .filter(sso_attempts::used_at.is_null())
        .filter(sso_attempts::expires_at.gt(now))
        .set(sso_attempts::used_at.eq(now))
        .returning((sso_attempts::provider, sso_attempts::secrets))
        .get_result(reader.connection)
        .optional()?)
}

/// Whether an attempt of that browser was used.
pub(super) fn was_used(reader: &mut Reader<'_>, digest: &str, browser: &str) -> Result<bool> {
    let found: i64 = sso_attempts::table
        .filter(sso_attempts::digest.eq(digest))
        .filter(sso_attempts::browser.eq(browser))
        .filter(sso_attempts::used_at.is_not_null())
        .count()
        .get_result(reader.connection)?;
    Ok(found == 1)
}

/// Notes that an attempt came again; true the first time.
pub(super) fn mark_replayed(reader: &mut Reader<'_>, digest: &str) -> Result<bool> {
    let marked = diesel::update(sso_attempts::table.find(digest))
        .filter(sso_attempts::replayed.eq(false))
        .set(sso_attempts::replayed.eq(true))
        .execute(reader.connection)?;
    Ok(marked == 1)
}

/// Whose a subject is, by any of its digests: the digest that was found, and the account.
pub(super) fn link(reader: &mut Reader<'_>, digests: &[String]) -> Result<Option<(String, AccountId)>> {
    Ok(sso_links::table
        .filter(sso_links::digest.eq_any(digests))
        .select((sso_links::digest, sso_links::account))
        .first(reader.connection)
        .optional()?)
}

/// Whether the account has a subject at that provider.
pub(super) fn has_link(reader: &mut Reader<'_>, account: &AccountId, provider: &str) -> Result<bool> {
    let found: i64 = sso_links::table
        .filter(sso_links::account.eq(account))
        .filter(sso_links::provider.eq(provider))
        .count()
        .get_result(reader.connection)?;
    Ok(found > 0)
}

pub(super) fn insert_link(tx: &mut Tx<'_>, new: &NewLink<'_>) -> Result<()> {
    diesel::insert_into(sso_links::table)
        .values((
            sso_links::digest.eq(new.digest),
            sso_links::account.eq(new.account),
            sso_links::provider.eq(new.provider),
            sso_links::name.eq(new.name),
            sso_links::linked_by.eq(new.linked_by),
            sso_links::linked_at.eq(tx.now),
            sso_links::used_at.eq(tx.now),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// An account's subject at that provider.
pub(super) fn link_of(
    reader: &mut Reader<'_>,
    account: &AccountId,
    provider: &str,
) -> Result<Option<KnownLink>> {
    Ok(sso_links::table
        .filter(sso_links::account.eq(account))
        .filter(sso_links::provider.eq(provider))
        .select((
            sso_links::digest,
            sso_links::name,
            sso_links::removal_asked_by,
            sso_links::removal_asked_at,
        ))
        .first(reader.connection)
        .optional()?)
}

/// The subjects of an account; what was asked before `since` is over.
pub(super) fn links_of(
    reader: &mut Reader<'_>,
    account: &AccountId,
    since: Timestamp,
) -> Result<Vec<Linked>> {
    type Columns = (String, String, Timestamp, Timestamp, Option<AccountId>, Option<Timestamp>);
    let rows: Vec<Columns> = sso_links::table
        .filter(sso_links::account.eq(account))
        .order(sso_links::provider)
        .select((
            sso_links::provider,
            sso_links::linked_by,
            sso_links::linked_at,
            sso_links::used_at,
            sso_links::removal_asked_by,
            sso_links::removal_asked_at,
        ))
        .load(reader.connection)?;
    let linked = |(provider, linked_by, linked_at, used_at, by, at): Columns| Linked {
        provider,
        linked_by,
        linked_at,
        used_at,
        removal: by
            .zip(at)
            .filter(|(_, at)| *at > since)
            .map(|(asked_by, asked_at)| Removal { asked_by, asked_at }),
    };
    Ok(rows.into_iter().map(linked).collect())
}

/// Notes who asked for a subject to be taken away: somebody else has to agree.
pub(super) fn ask_removal(tx: &mut Tx<'_>, digest: &str, by: &AccountId) -> Result<()> {
    diesel::update(sso_links::table.find(digest))
        .set((sso_links::removal_asked_by.eq(by), sso_links::removal_asked_at.eq(tx.now)))
        .execute(tx.connection)?;
    Ok(())
}

pub(super) fn delete_link(tx: &mut Tx<'_>, digest: &str) -> Result<()> {
    diesel::delete(sso_links::table.find(digest)).execute(tx.connection)?;
    Ok(())
}

pub(super) fn use_link(tx: &mut Tx<'_>, digest: &str) -> Result<()> {
    diesel::update(sso_links::table.find(digest))
        .set(sso_links::used_at.eq(tx.now))
        .execute(tx.connection)?;
    Ok(())
}

pub(super) fn insert_session(
    tx: &mut Tx<'_>,
    (id, account): (&str, &AccountId),
    (provider, link, sid): (&str, &str, Option<&str>),
) -> Result<()> {
    diesel::insert_into(sso_sessions::table)
        .values((
            sso_sessions::id.eq(id),
            sso_sessions::account.eq(account),
            sso_sessions::provider.eq(provider),
            sso_sessions::link.eq(link),
            sso_sessions::sid.eq(sid),
            sso_sessions::began_at.eq(tx.now),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// The provider that vouched for a sign-in.
pub(super) fn provider_of_session(reader: &mut Reader<'_>, id: &str) -> Result<Option<String>> {
    Ok(sso_sessions::table.find(id).select(sso_sessions::provider).first(reader.connection).optional()?)
}

/// The sign-ins that a provider means by its subject, its session, or both. Of both, a sign-in of the subject whose
/// session at the provider nobody named is meant too: it may be that one.
pub(super) fn sessions_of(
    reader: &mut Reader<'_>,
    provider: &str,
    links: Option<&[String]>,
    sids: Option<&[String]>,
) -> Result<Vec<String>> {
    let of_provider =
        sso_sessions::table.filter(sso_sessions::provider.eq(provider)).select(sso_sessions::id);
    Ok(match (links, sids) {
        (Some(links), Some(sids)) => of_provider
            .filter(sso_sessions::link.eq_any(links))
            .filter(sso_sessions::sid.eq_any(sids).or(sso_sessions::sid.is_null()))
            .load(reader.connection)?,
        (Some(links), None) => {
            of_provider.filter(sso_sessions::link.eq_any(links)).load(reader.connection)?
        }
        (None, Some(sids)) => of_provider.filter(sso_sessions::sid.eq_any(sids)).load(reader.connection)?,
        (None, None) => Vec::new(),
    })
}

/// What groups at a provider brought somebody.
pub(super) fn brought(reader: &mut Reader<'_>, account: &AccountId, provider: &str) -> Result<Vec<Brought>> {
    Ok(sso_roles::table
        .filter(sso_roles::account.eq(account))
        .filter(sso_roles::provider.eq(provider))
        .order(sso_roles::role)
        .select((sso_roles::role, sso_roles::grant_id, sso_roles::request))
        .load(reader.connection)?)
}

/// Notes what a group brought, in place of what was noted of that role before.
pub(super) fn note_brought(
    tx: &mut Tx<'_>,
    account: &AccountId,
    provider: &str,
    brought: &Brought,
) -> Result<()> {
    forget_brought(tx, account, provider, &brought.role)?;
    diesel::insert_into(sso_roles::table)
        .values((
            sso_roles::account.eq(account),
            sso_roles::provider.eq(provider),
            sso_roles::role.eq(&brought.role),
            sso_roles::grant_id.eq(&brought.grant),
            sso_roles::request.eq(&brought.request),
            sso_roles::since.eq(tx.now),
        ))
        .execute(tx.connection)?;
    Ok(())
}

pub(super) fn forget_brought(tx: &mut Tx<'_>, account: &AccountId, provider: &str, role: &str) -> Result<()> {
    diesel::delete(sso_roles::table.find((account, provider, role))).execute(tx.connection)?;
    Ok(())
}

/// Keeps a word to sign out; false if it was obeyed before.
pub(super) fn keep_logout(tx: &mut Tx<'_>, digest: &str, expires_at: Timestamp) -> Result<bool> {
    let known: i64 =
        sso_logouts::table.filter(sso_logouts::digest.eq(digest)).count().get_result(tx.connection)?;
    if known > 0 {
        return Ok(false);
    }
    let kept = diesel::insert_into(sso_logouts::table)
        .values((sso_logouts::digest.eq(digest), sso_logouts::expires_at.eq(expires_at)))
        .execute(tx.connection);
    match kept {
        Ok(_) => Ok(true),
        Err(Fault::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(false),
        Err(other) => Err(other.into()),
    }
}

/// Deletes up to `limit` rows of each sort that ended before; `sessions` go by when they began. Returns how many.
pub(super) fn forget(tx: &mut Tx<'_>, ended: Timestamp, began: Timestamp, limit: i64) -> Result<usize> {
    let attempts: Vec<String> = sso_attempts::table
        .filter(sso_attempts::expires_at.lt(ended))
        .limit(limit)
        .select(sso_attempts::digest)
        .load(tx.connection)?;
    let logouts: Vec<String> = sso_logouts::table
        .filter(sso_logouts::expires_at.lt(ended))
        .limit(limit)
        .select(sso_logouts::digest)
        .load(tx.connection)?;
    let sessions: Vec<String> = sso_sessions::table
        .filter(sso_sessions::began_at.lt(began))
        .limit(limit)
        .select(sso_sessions::id)
        .load(tx.connection)?;
    let connection = &mut *tx.connection;
    Ok(diesel::delete(sso_attempts::table.filter(sso_attempts::digest.eq_any(&attempts)))
        .execute(connection)?
        + diesel::delete(sso_logouts::table.filter(sso_logouts::digest.eq_any(&logouts)))
            .execute(connection)?
        + diesel::delete(sso_sessions::table.filter(sso_sessions::id.eq_any(&sessions)))
            .execute(connection)?)
}

#[derive(Queryable)]
struct AttestationRow {
    id: AttestationId,
    provider: String,
    ends_at: Timestamp,
    evidence: TextId,
    attested_by: String,
    recorded_at: Timestamp,
}

fn attested(row: AttestationRow) -> Attestation {
    let AttestationRow { id, provider, ends_at, evidence, attested_by, recorded_at } = row;
    Attestation { id, provider, ends_at, evidence, attested_by, recorded_at }
}

pub(super) fn insert_attestation(tx: &mut Tx<'_>, attestation: &Attestation) -> Result<()> {
    diesel::insert_into(provider_attestations::table)
        .values((
            provider_attestations::id.eq(&attestation.id),
            provider_attestations::provider.eq(&attestation.provider),
            provider_attestations::ends_at.eq(attestation.ends_at),
            provider_attestations::evidence.eq(&attestation.evidence),
            provider_attestations::attested_by.eq(&attestation.attested_by),
            provider_attestations::recorded_at.eq(attestation.recorded_at),
        ))
        .execute(tx.connection)?;
    Ok(())
}

pub(super) fn attestation(reader: &mut Reader<'_>, id: &AttestationId) -> Result<Option<Attestation>> {
    let row: Option<AttestationRow> =
        provider_attestations::table.find(id).first(reader.connection).optional()?;
    Ok(row.map(attested))
}

/// The one of a provider that ends last.
pub(super) fn latest_attestation(reader: &mut Reader<'_>, provider: &str) -> Result<Option<Attestation>> {
    let query = provider_attestations::table
        .filter(provider_attestations::provider.eq(provider))
        .order((provider_attestations::ends_at.desc(), provider_attestations::id.desc()));
    let row: Option<AttestationRow> = query.first(reader.connection).optional()?;
    Ok(row.map(attested))
}

/// Those of a provider, newest first, from behind `before`.
pub(super) fn attestations(
    reader: &mut Reader<'_>,
    provider: &str,
    before: Option<&AttestationId>,
    limit: i64,
) -> Result<Vec<Attestation>> {
    let mut query = provider_attestations::table
        .filter(provider_attestations::provider.eq(provider))
        .order(provider_attestations::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(provider_attestations::id.lt(before));
    }
    let rows: Vec<AttestationRow> = query.load(reader.connection)?;
    Ok(rows.into_iter().map(attested).collect())
}

/// Ends one now.
pub(super) fn end_attestation(tx: &mut Tx<'_>, id: &AttestationId) -> Result<()> {
    diesel::update(provider_attestations::table.find(id))
        .set(provider_attestations::ends_at.eq(tx.now))
        .execute(tx.connection)?;
    Ok(())
}
