//! The register of people, the search in it, and inviting one person by hand.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Kind, Named, NewPerson, State, create_person, departments, in_department, named};
use super::bodies::means;
use super::person;
use super::viewer::{self, Viewer};
use super::views::{register_name, standing};
use crate::access::grants;
use crate::access::records::RoleRecord;
use crate::access::roles;
use crate::app::App;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::http::pages::frame::Form;
use crate::http::{Answer, Page, identify};
use crate::ids::AccountId;
use crate::log::store as log;
use crate::signin::inviting::Delivered;

const SHOWN: usize = 50;
/// The states that the register can be narrowed to, with their names.
const STATES: &[(&str, &str)] = &[
    ("", "Any"),
    ("invited", "Invited"),
    ("active", "Active"),
    ("suspended", "Suspended"),
    ("left", "Left"),
];

/// Which part of the register.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Place {
    #[serde(default)]
    view: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    department: String,
    cursor: Option<AccountId>,
}

impl Place {
    fn kind(&self) -> Kind {
        if self.view == "services" { Kind::Service } else { Kind::Person }
    }

    /// The address of this part of the register, without a cursor.
    fn path(&self) -> String {
        let fields = [("view", &self.view), ("state", &self.state), ("department", &self.department)];
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let query: Vec<String> = fields
            .into_iter()
            .filter(|(_, value)| !value.is_empty() && plain(value))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if query.is_empty() { "/people".to_owned() } else { format!("/people?{}", query.join("&")) }
    }
}

/// `GET /people?view=&state=&department=&cursor=`.
///
/// # Errors
/// As the render.
pub async fn index(app: web::Data<App>, page: Page, place: web::Query<Place>) -> Answer {
    register(&app, &page, place.into_inner(), None).await
}

/// What is looked for, by name.
#[derive(Debug, Deserialize)]
pub struct SearchForm {
    #[serde(default)]
    text: String,
}

/// `POST /people/search`: an address never holds a name.
///
/// # Errors
/// As the render.
pub async fn search(app: web::Data<App>, page: Page, form: web::Form<SearchForm>) -> Answer {
    let text: String = form.into_inner().text.trim().chars().take(100).collect();
    register(&app, &page, Place::default(), Some(text).filter(|text| !text.is_empty())).await
}

async fn register(app: &App, page: &Page, place: Place, searched: Option<String>) -> Answer {
    let viewer = viewer::of(app, &page.caller)?;
    let (house, asked, text) = (app.clone(), place.clone(), searched.clone());
    let mut context = app
        .read(move |reader| {
            let (people, more) = match &text {
                Some(text) => (viewer.search(&house, reader, text, SHOWN)?, false),
                None => part(&house, reader, &viewer, &asked)?,
            };
            context_of(&house, reader, &viewer, (&asked, text.is_some()), (&people, more))
        })
        .await?;
    let may = |action| identify::permits(app, &page.caller, "accounts", action);
    context["done"] = Value::Null;
    context["searched"] = json!(searched);
    context["may"] = json!({ "invite": may("write"), "import": may("write") });
    page.render("people/list.html", context)
}

/// One page of the register in order of names, and whether there is more.
fn part(app: &App, reader: &mut Reader<'_>, viewer: &Viewer, place: &Place) -> Result<(Vec<Named>, bool)> {
    let (kind, state) = (place.kind(), State::parse(&place.state));
    let fits = |of: Kind, at: State| of == kind && state.is_none_or(|state| state == at);
    let visible = viewer.visible(reader)?;
    let among = match (place.department.is_empty(), visible) {
        (true, None) => None,
        (true, Some(visible)) => Some(visible.into_iter().collect()),
        (false, None) => Some(in_department(reader, &place.department)?),
        (false, Some(visible)) => {
            let mut among = in_department(reader, &place.department)?;
            among.retain(|id| visible.contains(id));
            Some(among)
        }
    };
    let directory = app.directory();
    let mut ids = match among {
        None => directory.page(place.cursor.as_ref(), SHOWN + 1, fits),
        Some(mut among) => {
            among.retain(|id| directory.card(id).is_some_and(|card| fits(card.kind, card.state)));
            directory.sort_by_name(&mut among, |id| id);
            let from = place.cursor.as_ref().and_then(|cursor| among.iter().position(|id| id == cursor));
            among.into_iter().skip(from.map_or(0, |from| from + 1)).take(SHOWN + 1).collect()
        }
    };
    let more = ids.len() > SHOWN;
    ids.truncate(SHOWN);
    let mut people = named(reader, &ids)?;
    people.sort_by_key(|person| ids.iter().position(|id| *id == person.account.id));
    Ok((people, more))
}

fn context_of(
    app: &App,
    reader: &mut Reader<'_>,
    viewer: &Viewer,
    (place, searched): (&Place, bool),
    (people, more): (&[Named], bool),
) -> Result<Value> {
    let all: HashMap<String, RoleRecord> =
        roles::roles(reader, None)?.into_iter().map(|role| (role.id.clone(), role)).collect();
    let rows = people.iter().map(|person| row(app, reader, &all, person)).collect::<Result<Vec<Value>>>()?;
    let everybody = matches!(viewer, Viewer::All);
    let total = match viewer.visible(reader)? {
        None => app.directory().count(|kind, _| kind == Kind::Person),
        Some(visible) => visible.len(),
    };
    let mut offered = vec![json!({ "value": "", "label": "Any" })];
    if everybody {
        let known = departments(reader)?.into_iter();
        offered.extend(known.map(|(digest, name)| json!({ "value": digest, "label": name })));
    }
    let states: Vec<Value> =
        STATES.iter().map(|(value, label)| json!({ "value": value, "label": label })).collect();
    let (path, last) = (place.path(), people.last().filter(|_| more));
    let joint = if path.contains('?') { '&' } else { '?' };
    let first = place.cursor.as_ref().filter(|_| !searched).map(|_| &path);
    let next = last.map(|last| format!("{path}{joint}cursor={}", last.account.id));
    Ok(json!({
        "total": total,
        "source": if everybody { source(app, reader)? } else { None },
        "views": views(app, place, everybody && !searched),
        "people": rows,
        "filter": { "state": place.state, "department": place.department },
        "states": states,
        "departments": offered,
        "filtered": !place.state.is_empty() || !place.department.is_empty(),
        "pages": { "shown": people.len(), "total": null, "first": first, "next": next },
    }))
}

fn views(app: &App, place: &Place, counted: bool) -> Vec<Value> {
    let view = |key: &str, label: &str, kind: Kind| {
        let count = counted.then(|| app.directory().count(|of, _| of == kind));
        let href = if key.is_empty() { "/people".to_owned() } else { format!("/people?view={key}") };
        json!({ "href": href, "label": label, "count": count, "current": place.view == key })
    };
    vec![view("", "People", Kind::Person), view("services", "Services", Kind::Service)]
}

/// When a people file was read last, in words.
fn source(app: &App, reader: &mut Reader<'_>) -> Result<Option<String>> {
    let filter = log::Filter { kind: Some("people_imported".to_owned()), ..log::Filter::default() };
    let zone = app.organisation().time_zone;
    let read = log::list(reader, &filter, 1)?.pop().map(|(event, _)| event.at.utc().with_timezone(&zone));
    Ok(read.map(|at| format!("the people file was read on {}", at.format("%-d %b %Y, %H:%M"))))
}

fn row(
    app: &App,
    reader: &mut Reader<'_>,
    all: &HashMap<String, RoleRecord>,
    named: &Named,
) -> Result<Value> {
    let (account, details) = (&named.account, &named.details);
    let living = grants::living(reader, &account.id)?;
    let classes = living.iter().filter_map(|grant| all.get(&grant.role)).map(|role| role.class);
    let above = account.manager.as_ref().or(account.owner.as_ref());
    Ok(json!({
        "id": account.id,
        "name": register_name(named),
        "username": details.username,
        "job": details.job_title.as_deref().or(details.purpose.as_deref()).unwrap_or_default(),
        "department": details.department.as_deref().unwrap_or_default(),
        "manager": above.map(|manager| app.directory().display_name(manager)).unwrap_or_default(),
        "standing": standing(account, reader.now),
        "roles": living.len(),
        "class": classes.max().map_or("internal", |class| class.as_str()),
        "last_sign_in": last_sign_in(reader, &account.id)?,
        "leaves_at": account.ends_at,
    }))
}

fn last_sign_in(reader: &mut Reader<'_>, id: &AccountId) -> Result<Option<crate::clock::Timestamp>> {
    let filter = log::Filter {
        kind: Some("session_started".to_owned()),
        subject: Some(id.to_string()),
        ..log::Filter::default()
    };
    Ok(log::list(reader, &filter, 1)?.pop().map(|(event, _)| event.at))
}

/// The form of inviting one person.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct InviteForm {
    username: String,
    given_name: String,
    family_name: String,
    email: String,
    manager: String,
    department: String,
    job_title: String,
}

impl InviteForm {
    fn form(&self) -> Form {
        Form::filled([
            ("username", self.username.as_str()),
            ("given_name", &self.given_name),
            ("family_name", &self.family_name),
            ("email", &self.email),
            ("manager", &self.manager),
            ("department", &self.department),
            ("job_title", &self.job_title),
        ])
    }

    /// Creates the person and makes their link, which is mailed if it can be.
    fn invite(self, tx: &mut Tx<'_>, mails: bool) -> Result<Delivered> {
        let filled = |text: String| Some(text).filter(|text| !text.trim().is_empty());
        let manager = filled(self.manager).map(|name| means(tx, "manager", &name)).transpose()?;
        let new = NewPerson {
            username: filled(self.username),
            given_name: filled(self.given_name),
            family_name: filled(self.family_name),
            email: filled(self.email),
            manager,
            department: filled(self.department),
            job_title: filled(self.job_title),
            ..NewPerson::default()
        };
        if new.given_name.is_none() && new.family_name.is_none() {
            let detail = "must be there: an account names one person";
            return Err(Error::field_by_clause("family_name", detail, "E5.2"));
        }
        let account = create_person(tx, new)?;
        person::deliver(tx, &account.id, mails)
    }
}

/// `GET /people/new`.
///
/// # Errors
/// As the render.
pub async fn start(page: Page) -> Answer {
    page.render("people/invite.html", json!({ "form": Form::default() }))
}

/// `POST /people`: the person, and the link shown this once.
///
/// # Errors
/// What was refused comes back in the form.
pub async fn create(app: web::Data<App>, page: Page, form: web::Form<InviteForm>) -> Answer {
    let form = form.into_inner();
    let shown = form.form();
    let mails = app.config().mail.is_some();
    match app.write(&page.caller, move |tx| form.invite(tx, mails)).await {
        Ok(done) => person::invited(&app, &page, done).await,
        Err(error) => {
            let form = shown.refused(error)?;
            let mut answer = page.render("people/invite.html", json!({ "form": form }))?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
    }
}
