//! How people get in for the first time: the first run of the house, and invitations.
//!
//! Rules: there is no default account and no default password; the first run happens once, behind a link that ends;
//! an invitation never gives an access role. Whoever asked for a link delivers it. May call: `access`, `accounts`,
//! `organisation`.

use serde::{Deserialize, Serialize};

use super::links::{self, Made, Purpose};
use crate::access::apply::{apply_own, apply_own_of};
use crate::access::floor::ADMINISTRATOR;
use crate::access::grants::{NewGrant, Source, grant};
use crate::access::{limits, roles};
use crate::accounts::{self, Account, NewPerson, Standing, State};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::organisation::{self, Wishes};

/// What the first run asks for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct FirstRun {
    /// The organisation's name.
    pub organisation: String,
    /// Its time zone, an IANA name.
    pub time_zone: String,
    /// The address under which people reach this house.
    pub public_url: String,
    /// The key of the policy profile.
    pub profile: String,
    /// What the first administrator signs in with.
    pub username: String,
    /// The first administrator's given name.
    pub given_name: String,
    /// The first administrator's family name.
    pub family_name: String,
    /// The first administrator's e-mail address, if there is one.
    pub email: Option<String>,
}

/// Makes the link to the first run, in place of any before it.
///
/// # Errors
/// [`Error::Conflict`] `set-up-done` once the house is set up.
pub fn set_up_link(tx: &mut Tx<'_>) -> Result<Made> {
    if organisation::get(tx)?.is_set_up() {
        return Err(set_up_done());
    }
    links::make(tx, Purpose::SetUp, None)
}

/// The first run: the organisation, its profile, its first administrator. The link is used up; what comes back is the
/// administrator's own link to a password and a second factor.
///
/// # Errors
/// [`Error::NotFound`] if the link was used or has ended; [`Error::Invalid`] for the first field that does not make
/// sense, and the link stays as it was.
pub fn set_up(tx: &mut Tx<'_>, token: &str, wanted: FirstRun) -> Result<Made> {
    links::take(tx, Purpose::SetUp, token)?;
    if organisation::get(tx)?.is_set_up() {
        return Err(set_up_done());
    }
    if !tx.context.profiles.policies().keys().any(|key| key == wanted.profile) {
        return Err(Error::field("profile", "must be one of the profiles listed"));
    }
    let wishes = Wishes {
        name: Some(wanted.organisation),
        time_zone: Some(wanted.time_zone),
        public_url: Some(wanted.public_url),
        profile: Some(wanted.profile),
    };
    organisation::set(tx, &wishes).map_err(as_in_the_form)?;
    let person = NewPerson {
        username: Some(wanted.username),
        given_name: Some(wanted.given_name),
        family_name: Some(wanted.family_name),
        email: wanted.email.filter(|email| !email.trim().is_empty()),
        ..NewPerson::default()
    };
    let account = accounts::create_person(tx, person)?;
    apply_own_of(tx, account.id.clone())?;
    give(tx, &account, ADMINISTRATOR, Source::FirstRun)?;
    organisation::complete_set_up(tx)?;
    links::make(tx, Purpose::Enrolment, Some(&account.id))
}

/// The form calls the organisation's name "organisation".
fn as_in_the_form(error: Error) -> Error {
    let Error::Invalid(mut fields) = error else { return error };
    for field in &mut fields {
        if field.field == "name" {
            "organisation".clone_into(&mut field.field);
        }
    }
    Error::Invalid(fields)
}

fn set_up_done() -> Error {
    Error::conflict("set-up-done", "This house is set up already. Sign in, or ask for an invitation.")
}

/// What an invitation says beyond the username; for a person who is there already it is ignored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Invitation {
    /// What the person signs in with.
    pub username: String,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Ordinary roles to give at once, `application/role`.
    pub roles: Vec<String>,
}

impl Invitation {
    fn says_more(&self) -> bool {
        self.given_name.is_some()
            || self.family_name.is_some()
            || self.email.is_some()
            || !self.roles.is_empty()
    }
}

/// An invitation that was made.
pub struct Invited {
    /// The person.
    pub account: Account,
    /// The link; its token is nowhere else.
    pub link: Made,
    /// Whether the person is new.
    pub created: bool,
    /// Whether something that was said was ignored, because the person was there already.
    pub ignored: bool,
}

/// Creates or finds a person and makes a one-time link to a password and a second factor. In a house that is not set
/// up, inviting an administrator completes the set-up with its defaults.
///
/// # Errors
/// [`Error::Invalid`] for a field or role that does not make sense; [`Error::Conflict`] `not-in-use` for somebody who
/// rests or has left; [`Error::Forbidden`] `access-role` for a role that an invitation may not give.
pub fn invite(tx: &mut Tx<'_>, wanted: Invitation) -> Result<Invited> {
    let says_more = wanted.says_more();
    let (account, created) = find_or_create(tx, wanted)?;
    let link = links::make(tx, Purpose::Enrolment, Some(&account.id))?;
    Ok(Invited { account, link, created, ignored: says_more && !created })
}

/// What became of an invitation that is mailed if it can be.
pub struct Delivered {
    /// The person.
    pub account: Account,
    /// The link, if it has to be handed over; else it goes to the person's mailbox.
    pub link: Option<Made>,
    /// Whether the person is new.
    pub created: bool,
}

/// As [`invite`]; where the house sends mail and the person has an address, nobody but the person sees the link.
///
/// # Errors
/// As [`invite`].
pub fn invite_by_mail(tx: &mut Tx<'_>, wanted: Invitation) -> Result<Delivered> {
    let (account, created) = find_or_create(tx, wanted)?;
    if accounts::find_named(tx, &account.id)?.details.email.is_none() {
        let link = links::make(tx, Purpose::Enrolment, Some(&account.id))?;
        return Ok(Delivered { account, link: Some(link), created });
    }
    links::due(tx, Purpose::Enrolment, &account.id);
    Ok(Delivered { account, link: None, created })
}

fn find_or_create(tx: &mut Tx<'_>, wanted: Invitation) -> Result<(Account, bool)> {
    if let Some(account) = accounts::find_by_name(tx, &wanted.username)? {
        if account.kind != accounts::Kind::Person {
            return Err(Error::field("username", "means a service; services have keys"));
        }
        let usable = matches!(account.status_at(tx.now).state, State::Invited | State::Active);
        if !usable || account.standing(tx.now) == Standing::Over {
            return Err(Error::conflict(
                "not-in-use",
                "The person is not in use; reinstate or rehire first.",
            ));
        }
        return Ok((account, false));
    }
    let person = NewPerson {
        username: Some(wanted.username),
        given_name: wanted.given_name,
        family_name: wanted.family_name,
        email: wanted.email,
        ..NewPerson::default()
    };
    let account = accounts::create_person(tx, person)?;
    for role in &wanted.roles {
        give(tx, &account, role, Source::Invitation)?;
        if role == ADMINISTRATOR {
            organisation::complete_set_up(tx)?;
        }
    }
    Ok((account, true))
}

/// Gives a role of this house's own for as long as role and profile allow. The word of whoever may invite, at the
/// host's shell or by their role, is the approval.
fn give(tx: &mut Tx<'_>, account: &Account, role: &str, source: Source) -> Result<()> {
    apply_own(tx)?;
    let found = match roles::role(tx, role) {
        Err(Error::NotFound(_)) => {
            return Err(Error::field("role", "must be a role such as bailiwick/auditor"));
        }
        other => other?,
    };
    if found.access_role || !role.starts_with("bailiwick/") {
        let help =
            "An invitation gives roles of Bailiwick itself only; ask for others once the person is in.";
        return Err(Error::forbidden("access-role", help));
    }
    let reason = match source {
        Source::FirstRun => "First administrator of this house",
        _ => "Named in the invitation",
    };
    let wanted = NewGrant {
        account: account.id.clone(),
        role: role.to_owned(),
        scope: None,
        reason: reason.to_owned(),
        source,
        approvers: tx.caller.account().cloned().into_iter().collect(),
        request: None,
        valid_from: None,
        expires_at: Some(limits::latest_end(tx, &found, tx.now)?),
    };
    grant(tx, &wanted).map(drop)
}
