//! Whom a provider's subject means here.
//!
//! Rules: a subject is known by issuer and subject, to the letter; an account has one subject at a provider, and no
//! second one takes its place. The first time it is linked by an invitation in hand, or by an address that is the
//! person's own in a domain that the provider speaks for; with such an address an account may be made, if that is
//! allowed. May call: `signin`, `accounts`.

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use utoipa::ToSchema;

use super::refusal::Refusal;
use super::store;
use super::tokens::Identity;
use super::unlinking::PATIENCE;
use crate::accounts::{self, Kind, NewPerson, Source};
use crate::clock::Timestamp;
use crate::config::IdentityProvider;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::log::event::Change;
use crate::signin;
use crate::vault::{Place, Vault};

const SPACE: &str = "sso_link";

crate::text_enum! {
    /// How a subject was linked.
    pub enum LinkedBy {
        /// By an invitation in hand.
        Invitation = "invitation",
        /// By an address of a domain that the provider speaks for.
        Address = "address",
        /// With the account that was made for it.
        Creation = "creation",
    }
}

/// Whom a subject means.
pub(super) enum Meant {
    /// Somebody it is linked to.
    Linked(AccountId),
    /// Somebody it is to be linked to.
    ToLink(AccountId, LinkedBy),
    /// Nobody yet; an account may be made.
    ToMake,
    /// Nobody who may come in by it.
    Nobody(Refusal, Option<AccountId>),
}

/// Whom a subject means; `invitation` is the token of a link in hand.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn meant(
    reader: &mut Reader<'_>,
    settings: &IdentityProvider,
    identity: &Identity,
    invitation: Option<&str>,
) -> Result<Meant> {
    let digests = digests(reader.vault(), &settings.issuer, &identity.subject);
    let linked = store::link(reader, &digests)?.map(|(_, account)| account);
    match (invitation, linked) {
        (Some(token), linked) => by_invitation(reader, settings, token, linked),
        (None, Some(account)) => Ok(Meant::Linked(account)),
        (None, None) => by_address(reader, settings, identity),
    }
}

fn by_invitation(
    reader: &mut Reader<'_>,
    settings: &IdentityProvider,
    token: &str,
    linked: Option<AccountId>,
) -> Result<Meant> {
    let account = match signin::look(reader, token) {
        Ok((account, _)) => account,
        Err(Error::NotFound(_)) => return Ok(Meant::Nobody(Refusal::LinkEnded, None)),
        Err(Error::Conflict(..)) => return Ok(Meant::Nobody(Refusal::NotInUse, None)),
        Err(other) => return Err(other),
    };
    match linked {
        Some(other) if other == account => Ok(Meant::Linked(account)),
        Some(_) => Ok(Meant::Nobody(Refusal::OtherSubject, Some(account))),
        None => unless_linked(reader, settings, account, LinkedBy::Invitation),
    }
}

fn by_address(reader: &mut Reader<'_>, settings: &IdentityProvider, identity: &Identity) -> Result<Meant> {
    let Some(address) = identity.address.as_deref().filter(|address| settings.speaks_for(address)) else {
        return Ok(Meant::Nobody(Refusal::NobodyKnown, None));
    };
    match accounts::find_by_email(reader, address)? {
        // Whoever changed the address of an account yesterday does not come in as its owner today.
        Some(found) if accounts::emails::is_new(reader, &found.id)? => {
            Ok(Meant::Nobody(Refusal::NobodyKnown, Some(found.id)))
        }
        Some(found) if found.kind == Kind::Person => {
            unless_linked(reader, settings, found.id, LinkedBy::Address)
        }
        None if settings.create_accounts => Ok(Meant::ToMake),
        _ => Ok(Meant::Nobody(Refusal::NobodyKnown, None)),
    }
}

fn unless_linked(
    reader: &mut Reader<'_>,
    settings: &IdentityProvider,
    account: AccountId,
    by: LinkedBy,
) -> Result<Meant> {
    if store::has_link(reader, &account, &settings.key)? {
        return Ok(Meant::Nobody(Refusal::OtherSubject, Some(account)));
    }
    Ok(Meant::ToLink(account, by))
}

/// Makes an account for somebody who is not known yet.
///
/// # Errors
/// [`Error::Invalid`] or [`Error::Conflict`] for what the provider says that no account may be made of.
pub(super) fn make(tx: &mut Tx<'_>, identity: &Identity) -> Result<AccountId> {
    let person = NewPerson {
        given_name: identity.given_name.clone(),
        family_name: identity.family_name.clone(),
        email: identity.address.clone(),
        ..NewPerson::default()
    };
    accounts::create_person_from(tx, person, Source::IdentityProvider).map(|account| account.id)
}

/// Links a subject to an account: from now on it can be asked by that name too.
///
/// # Errors
/// [`Error::Conflict`] if the name means somebody else.
pub(super) fn link(
    tx: &mut Tx<'_>,
    settings: &IdentityProvider,
    identity: &Identity,
    (account, by): (&AccountId, LinkedBy),
) -> Result<()> {
    let name = format!("{}|{}", settings.issuer, identity.subject);
    accounts::add_federated_name(tx, account, &name)?;
    let digest = digest_of(tx.vault(), &settings.issuer, &identity.subject);
    let sealed = tx.vault().seal(tx.entropy(), place(&digest), name.as_bytes())?;
    let row = store::NewLink {
        digest: &digest,
        account,
        provider: &settings.key,
        name: &sealed,
        linked_by: by.as_str(),
    };
    store::insert_link(tx, &row)?;
    tx.record(Change::IdentityLinked {
        account: account.clone(),
        provider: settings.key.clone(),
        by: by.as_str().to_owned(),
    });
    Ok(())
}

/// Somebody asked for a subject to be taken away, and somebody else has to agree.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = IdentityRemoval)]
pub struct Removal {
    /// Who asked.
    pub asked_by: AccountId,
    /// When.
    pub asked_at: Timestamp,
}

/// A subject of an account; its name stays where it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = LinkedIdentity)]
pub struct Linked {
    /// The provider's key.
    pub provider: String,
    /// How it was linked: invitation, address or creation.
    pub linked_by: String,
    /// When.
    pub linked_at: Timestamp,
    /// When somebody last came in by it.
    pub used_at: Timestamp,
    /// Whether it is to be taken away, and waits for a second person.
    #[schema(required)]
    pub removal: Option<Removal>,
}

/// The subjects of an account.
///
/// # Errors
/// [`Error::NotFound`] if there is no such account.
pub fn identities(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<Linked>> {
    accounts::find(reader, account)?;
    let since = reader.now.minus(PATIENCE);
    store::links_of(reader, account, since)
}

pub(super) fn place(digest: &str) -> Place<'_> {
    Place { table: "sso_links", column: "name", row: digest }
}

/// The digests under which a subject may be kept, for look-ups.
pub(super) fn digests(vault: &Vault, issuer: &str, subject: &str) -> Vec<String> {
    vault.blind_indexes(SPACE, &exactly(issuer, subject))
}

fn digest_of(vault: &Vault, issuer: &str, subject: &str) -> String {
    vault.blind_index(SPACE, &exactly(issuer, subject))
}

/// Issuer and subject to the letter: blind indexes take all spellings for one, and these have one only.
pub(super) fn exactly(issuer: &str, subject: &str) -> String {
    let length = (issuer.len() as u64).to_be_bytes();
    hex::encode(digest(&SHA256, &[&length[..], issuer.as_bytes(), subject.as_bytes()].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_told_apart_to_the_letter() {
        let vault = crate::vault::for_tests();
        let one = digest_of(&vault, "https://id.example", "abc");
        for (issuer, subject) in
            [("https://id.example", "ABC"), ("https://id.exampl", "eabc"), ("https://id.example", "abc ")]
        {
            assert_ne!(one, digest_of(&vault, issuer, subject), "{issuer} {subject}");
        }
    }
}
