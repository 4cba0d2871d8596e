//! The page of one person or service, and what can be done there: link, unlock, suspend, reinstate.
//!
//! Rules: a link is shown once, to whoever made it; nobody makes one for somebody who has a credential already, or
//! holds an access role: that would be signing in as them.

use actix_web::web;
use chrono::Duration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Account, Filter, Kind, Named, Standing, State, list};
use super::bodies::{Reinstatement, Suspended};
use super::{attestations, handovers, history, identities, reinstated, suspended, viewer, views};
use crate::access::attestations as required;
use crate::access::requirement::Requirement;
use crate::access::words::{self, Words};
use crate::access::{grants, positions, roles};
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::http::pages::frame::Form;
use crate::http::{Answer, Page, identify, see_other};
use crate::ids::AccountId;
use crate::signin::inviting::{Delivered, Invitation, invite, invite_by_mail};
use crate::signin::links::Made;
use crate::signin::lockout::{self, Lock};
use crate::signin::own::end_sessions_of;
use crate::signin::{handing_over, sessions, unlock};
use crate::vault;

/// `GET /people/{id}`.
///
/// # Errors
/// 404 if there is none that the reader may see.
pub async fn show(app: web::Data<App>, page: Page, id: web::Path<AccountId>) -> Answer {
    with_form(&app, &page, id.into_inner(), Form::default()).await
}

/// The page with the form for an attestation as it came back.
pub(super) async fn with_form(app: &App, page: &Page, id: AccountId, form: Form) -> Answer {
    render(app, page, id, (Value::Null, Value::Null), form).await
}

async fn render(app: &App, page: &Page, id: AccountId, (done, link): (Value, Value), form: Form) -> Answer {
    let viewer = viewer::of(app, &page.caller)?;
    let may = may(app, &page.caller);
    let (house, caller) = (app.clone(), page.caller.clone());
    let mut context = app
        .read(move |reader| {
            let found = viewer.find(reader, &id)?;
            let mut context = context_of(&house, reader, &found, &may, caller.account() == Some(&id))?;
            context["handovers"] = handovers::shown(&house, reader, &caller, &found.account)?;
            context["identities"] = identities::shown(&house, reader, &caller, &found.account)?;
            Ok(context)
        })
        .await?;
    context["done"] = done;
    context["link"] = link;
    context["form"] = json!(form);
    page.render("people/person.html", context)
}

/// What the reader's roles let them do here.
struct May {
    invite: bool,
    unlock: bool,
    suspend: bool,
    leave: bool,
    attest: bool,
}

fn may(app: &App, caller: &Caller) -> May {
    let permits = |feature, action| identify::permits(app, caller, feature, action);
    May {
        invite: permits("accounts", "unlock"),
        unlock: permits("accounts", "unlock"),
        suspend: permits("accounts", "suspend"),
        leave: permits("leavers", "start"),
        attest: permits("accounts", "write"),
    }
}

fn context_of(app: &App, reader: &mut Reader<'_>, found: &Named, may: &May, own: bool) -> Result<Value> {
    let (account, details, now) = (&found.account, &found.details, reader.now);
    let standing = account.standing(now);
    let locked = lockout::lock_of(reader, &account.id)?;
    let signed_in = sessions::living(reader, &account.id)?;
    let over = standing == Standing::Over;
    let invited = account.kind == Kind::Person && account.status_at(now).state == State::Invited && !over;
    let above = account.manager.as_ref().or(account.owner.as_ref()).map(
        |above| json!({ "name": app.directory().display_name(above), "href": format!("/people/{above}") }),
    );
    let owned = Filter { owner: Some(account.id.clone()), ..Filter::default() };
    let services: Vec<Value> = list(reader, &owned, None, 200)?
        .into_iter()
        .map(|service| json!({ "name": service.details.username, "href": format!("/people/{}", service.account.id) }))
        .collect();
    Ok(json!({
        "person": {
            "id": account.id, "name": details.display_name(), "username": details.username,
            "job": details.job_title.as_deref().or(details.purpose.as_deref()).unwrap_or_default(),
            "standing": views::standing(account, now),
            "note": note(app, account, locked),
        },
        "facts": facts(app, found),
        "manager": above,
        "held": held(app, reader, account)?,
        "attestations": attestations::shown(app, reader, &account.id)?,
        "services": services,
        "events": history::of(reader, &account.id)?,
        "signed_in": signed_in,
        "may": {
            "invite": may.invite && invited,
            "unlock": may.unlock && locked.is_some(),
            "suspend": may.suspend && !own && !over && standing != Standing::Suspended,
            "reinstate": may.suspend && !own && standing == Standing::Suspended,
            "leave": may.leave && !over && account.kind == Kind::Person,
            "attest": may.attest && !own && !over,
            "end_sessions": may.suspend && signed_in > 0,
        },
    }))
}

/// An instant as people of this house read it.
fn local(app: &App, at: Timestamp) -> String {
    at.utc().with_timezone(&app.organisation().time_zone).format("%-d %b %Y, %H:%M").to_string()
}

/// An instant at which something begins: that a day begins at midnight goes without saying.
fn begins(app: &App, at: Timestamp) -> String {
    let text = local(app, at);
    text.strip_suffix(", 00:00").map(str::to_owned).unwrap_or(text)
}

/// An instant at which something ends: what ends at midnight ends with the day before.
fn ends(app: &App, at: Timestamp) -> String {
    match local(app, at).strip_suffix(", 00:00") {
        Some(_) => format!("{}, 24:00", local(app, at.minus(Duration::minutes(1))).replace(", 23:59", "")),
        None => local(app, at),
    }
}

fn note(app: &App, account: &Account, locked: Option<Lock>) -> Option<String> {
    match (account.status.suspended_until, locked) {
        (Some(until), _) if until > app.context().clock.now() => {
            Some(format!("Until {}.", local(app, until)))
        }
        (_, Some(Lock::Until(until))) => Some(format!("Password locked until {}.", local(app, until))),
        (_, Some(Lock::Held)) => Some("Password locked until somebody opens it.".to_owned()),
        _ => None,
    }
}

fn facts(app: &App, found: &Named) -> Vec<Value> {
    let Named { account, details } = found;
    let facts = [
        ("Employee id", details.employee_id.clone()),
        ("External id", details.external_id.clone()),
        ("E-mail", details.email.clone()),
        ("Department", details.department.clone()),
        ("Place", details.location.clone()),
        ("Works as", account.worker_type.map(|worker_type| worker_type.to_string())),
        ("Sponsor", details.sponsor.clone()),
        ("Time zone", account.time_zone.clone()),
        ("Starts", account.starts_at.map(|at| begins(app, at))),
        ("Access ends", account.ends_at.map(|at| ends(app, at))),
        ("Came from", Some(account.source.to_string().replace('-', " "))),
    ];
    let known = facts.into_iter().filter_map(|(term, value)| value.map(|value| (term, value)));
    known.map(|(term, value)| json!({ "term": term, "value": value })).collect()
}

/// What an account holds, as `components/access.html` shows it: living grants, and what comes by birth and position.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database or a reason that does not open.
pub fn held(app: &App, reader: &mut Reader<'_>, account: &Account) -> Result<Vec<Value>> {
    let mut held = Vec::new();
    let mut words = Words::default();
    for grant in grants::living(reader, &account.id)? {
        let role = roles::role(reader, &grant.role)?;
        let said = words.of(reader, &role)?;
        let by: Vec<String> = grant.approvers.iter().map(|by| app.directory().display_name(by)).collect();
        held.push(json!({
            "name": said.name, "text": said.lets, "class": role.class, "application": said.application,
            "scope": grant.scope.as_ref().map(words::scope), "ends_at": grant.expires_at,
            "given_by": if by.is_empty() { grant.source.as_str().replace('_', " ") } else { by.join(", ") },
            "given_at": grant.created_at, "extend": null, "lacks": lacks(reader, &account.id, &grant.role)?,
            "reason": grant.reason.as_ref().map(|reason| vault::show(reader, reason)).transpose()?,
        }));
    }
    let positions = positions::of(reader, &account.id)?;
    for role in roles::roles(reader, None)? {
        let by_birth = account.kind == Kind::Person && role.specification.birthright;
        if by_birth || positions.roles().any(|id| id == role.id) {
            let said = words.of(reader, &role)?;
            held.push(json!({
                "name": said.name, "text": said.lets, "class": role.class,
                "application": said.application, "scope": null, "ends_at": null,
                "given_by": if by_birth { "With the job" } else { "By position" },
                "given_at": null, "reason": null, "extend": null, "lacks": null,
            }));
        }
    }
    Ok(held)
}

/// What an account lacks of what a role requires, in words; `None` if nothing.
fn lacks(reader: &mut Reader<'_>, account: &AccountId, role: &str) -> Result<Option<String>> {
    let lacking = required::lacking(reader, account, role)?;
    let named: Vec<String> = lacking.iter().map(Requirement::in_words).collect();
    Ok(Some(named.join("; ")).filter(|named| !named.is_empty()))
}

/// The page of somebody who was just invited, with the link shown this once.
pub(super) async fn invited(app: &App, page: &Page, done: Written<Delivered>) -> Answer {
    let Written { value: Delivered { account, link, created }, revision } = done;
    let text = match (&link, created) {
        (Some(_), true) => "Invited.",
        (Some(_), false) => "The link is made.",
        (None, _) => "The link goes to their mailbox.",
    };
    let done = json!({ "text": text, "revision": revision });
    let url = |link: &Made| link.address(&app.config().public_url);
    let link = link.map(|link| json!({ "url": url(&link), "ends_at": link.expires_at }));
    let link = json!(link);
    render(app, page, account.id, (done, link), Form::default()).await
}

/// `POST /people/{id}/invitation`: a fresh link for somebody who has none of their credentials yet.
///
/// # Errors
/// 409 for somebody who has a credential, or holds an access role.
pub async fn invitation(app: web::Data<App>, page: Page, id: web::Path<AccountId>) -> Answer {
    let (id, mails) = (id.into_inner(), app.config().mail.is_some());
    let done = app.write(&page.caller, move |tx| invite_again(tx, &id, mails)).await?;
    invited(&app, &page, done).await
}

fn invite_again(tx: &mut Tx<'_>, id: &AccountId, mails: bool) -> Result<Delivered> {
    let account = super::super::find(tx, id)?;
    if account.status.enrolled_at.is_some() {
        let help = "This person has credentials already; recovery replaces a lost one.";
        return Err(Error::conflict("already-enrolled", help));
    }
    if handing_over::needs_second(tx, id)? {
        let help = "This person holds a role that matters, or decides about others. Hand the way in over in person, with \
                    a second person.";
        return Err(Error::conflict("second-person", help));
    }
    deliver(tx, id, mails)
}

/// Makes a link for somebody who is here already: for their mailbox if the house sends mail, else for whoever asks.
pub(super) fn deliver(tx: &mut Tx<'_>, id: &AccountId, mails: bool) -> Result<Delivered> {
    let wanted = Invitation { username: id.to_string(), ..Invitation::default() };
    if mails {
        return invite_by_mail(tx, wanted);
    }
    let made = invite(tx, wanted)?;
    Ok(Delivered { account: made.account, link: Some(made.link), created: made.created })
}

/// `POST /people/{id}/sessions/end`: ends every session of a person.
///
/// # Errors
/// 404 if there is no such account.
pub async fn sessions_end(app: web::Data<App>, page: Page, id: web::Path<AccountId>) -> Answer {
    let (id, back) = (id.clone(), id.into_inner());
    app.write(&page.caller, move |tx| end_sessions_of(tx, &id)).await?;
    see_other(&format!("/people/{back}"))
}

/// `POST /people/{id}/unlock`.
///
/// # Errors
/// 404 if there is no such account.
pub async fn unlocking(app: web::Data<App>, page: Page, id: web::Path<AccountId>) -> Answer {
    let (id, back) = (id.clone(), id.into_inner());
    app.write(&page.caller, move |tx| unlock(tx, &id)).await?;
    see_other(&format!("/people/{back}"))
}

/// Why, as the dialogs ask.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Why {
    reason: String,
}

impl Why {
    fn said(self) -> Option<String> {
        Some(self.reason).filter(|reason| !reason.trim().is_empty())
    }
}

/// `POST /people/{id}/suspension`.
///
/// # Errors
/// As the API's.
pub async fn suspension(
    app: web::Data<App>,
    page: Page,
    id: web::Path<AccountId>,
    form: web::Form<Why>,
) -> Answer {
    let wanted = Suspended { reason: form.into_inner().said(), ..Suspended::default() };
    let done = suspended(&app, &page.caller, id.into_inner(), wanted).await?;
    see_other(&format!("/people/{}", done.value.account.id))
}

/// `POST /people/{id}/reinstatement`.
///
/// # Errors
/// As the API's.
pub async fn reinstatement(
    app: web::Data<App>,
    page: Page,
    id: web::Path<AccountId>,
    form: web::Form<Why>,
) -> Answer {
    let wanted = Reinstatement { reason: form.into_inner().said() };
    let done = reinstated(&app, &page.caller, id.into_inner(), wanted).await?;
    see_other(&format!("/people/{}", done.value.account.id))
}
