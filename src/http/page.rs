//! The frame around a page: who reads it, what they may follow, and how an error looks to a browser.
//!
//! May call: `pages`, `app`, `signin` for shared workstations.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{ContentType, LOCATION, REFERER};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Value, json};

use super::pages::Pages;
use super::pages::frame::{Frame, Gate, Me, Shared};
use super::problem::PROVE;
use super::{Answer, Problem, nav};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::signin::http::cookies::visitor;
use crate::signin::sessions::Session;

/// What a handler of a page gets: it renders templates with the frame or the gate around them.
pub struct Page {
    app: App,
    pages: web::Data<Pages>,
    /// Who reads.
    pub caller: Caller,
    path: String,
    workstation: Option<Shared>,
}

impl Page {
    /// Renders a page inside the house: bar, navigation, the reader's name.
    ///
    /// # Errors
    /// [`Error::Internal`] if the template and its context do not fit.
    pub fn render(&self, template: &str, context: impl Serialize) -> Answer {
        self.html(template, &self.frame(), context)
    }

    /// Renders a page at the gate: sign-in, enrolment, first run, messages.
    ///
    /// # Errors
    /// [`Error::Internal`] if the template and its context do not fit.
    pub fn gate(&self, template: &str, context: impl Serialize) -> Answer {
        self.html(template, &self.outer(), context)
    }

    fn frame(&self) -> Frame {
        let gate = self.outer();
        let card = self.caller.account().and_then(|account| self.app.directory().card(account));
        let me = card.map_or_else(
            || Me { name: String::new(), username: String::new() },
            |card| Me { name: card.display_name, username: card.username },
        );
        Frame {
            firm: gate.firm,
            me,
            nav: nav::of(&self.app, &self.caller, &self.path),
            now: gate.now,
            zone: gate.zone,
            revision: Some(self.app.applied()),
            tree: None,
            workstation: gate.workstation,
        }
    }

    fn outer(&self) -> Gate {
        Gate { workstation: self.workstation.clone(), ..gate(&self.app) }
    }

    fn html(&self, template: &str, outer: &impl Serialize, context: impl Serialize) -> Answer {
        let body = rendered(&self.pages, template, outer, context)?;
        Ok(HttpResponse::Ok().content_type(ContentType::html()).body(body))
    }

    /// Whether it is read at a shared workstation.
    pub fn is_shared(&self) -> bool {
        self.workstation.is_some()
    }

    /// The path of this page, for the navigation and for coming back after a sign-in.
    pub fn path(&self) -> &str {
        &self.path
    }
}

fn gate(app: &App) -> Gate {
    let organisation = app.organisation();
    Gate {
        firm: organisation.name.clone(),
        now: app.context().clock.now().to_string(),
        zone: organisation.time_zone.name().to_owned(),
        workstation: None,
    }
}

/// The shared workstation at which a session was begun, or that the browser shows that it is.
fn shared(app: &App, request: &HttpRequest) -> Option<Shared> {
    let session = request.extensions().get::<Session>().cloned();
    let idle = session.as_ref().map(|session| session.idle.num_seconds());
    let begun_on = session.and_then(|session| session.workstation);
    let id = begun_on.or_else(|| app.workstations().shown(&app.context().vault, &visitor(app, request)))?;
    let name = app.workstations().name(&id).unwrap_or_else(|| "Shared workstation".to_owned());
    Some(Shared { name, idle })
}

fn rendered(
    pages: &Pages,
    template: &str,
    outer: &impl Serialize,
    context: impl Serialize,
) -> Result<String, Problem> {
    let failed = |cause: &dyn std::fmt::Display| {
        Problem::from(Error::internal(&format!("rendering {template}"), cause))
    };
    let mut all = serde_json::to_value(outer).map_err(|cause| failed(&cause))?;
    let own = serde_json::to_value(context).map_err(|cause| failed(&cause))?;
    if let (Value::Object(all), Value::Object(own)) = (&mut all, own) {
        all.extend(own);
    }
    pages.render(template, all).map_err(|cause| failed(&format!("{cause:#}")))
}

impl FromRequest for Page {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(
            of_request(request)
                .ok_or_else(|| Error::internal("framing a page", "the guard did not run").into()),
        )
    }
}

fn of_request(request: &HttpRequest) -> Option<Page> {
    let app = request.app_data::<web::Data<App>>()?.get_ref().clone();
    Some(Page {
        workstation: shared(&app, request),
        app,
        pages: request.app_data::<web::Data<Pages>>()?.clone(),
        caller: request.extensions().get::<Caller>().cloned().unwrap_or_else(Caller::nobody),
        path: request.path().to_owned(),
    })
}

/// A problem as a browser shows it. Somebody who is not signed in is led to the sign-in and back again.
pub fn of_problem(app: &App, request: &HttpRequest, problem: &Problem, id: &str) -> HttpResponse {
    if matches!(problem.error(), Error::Unauthenticated) && request.method() == actix_web::http::Method::GET {
        // At a shared workstation whoever signs in next is not led to where somebody else was.
        let shared = of_request(request).is_some_and(|page| page.is_shared());
        let next = if shared { String::new() } else { format!("?next={}", form_encoded(request.path())) };
        return HttpResponse::SeeOther().insert_header((LOCATION, format!("/sign-in{next}"))).finish();
    }
    if problem.error().asks_for_proof() {
        let back = form_encoded(&page_before(app, request));
        return HttpResponse::SeeOther().insert_header((LOCATION, format!("{PROVE}?next={back}"))).finish();
    }
    let context = json!({
        "label": problem.status().canonical_reason().unwrap_or("Refused"),
        "icon": if problem.status().is_server_error() { "warning" } else { "refused" },
        "title": problem.title(),
        "text": problem.detail(),
        "facts": [],
        "actions": [{ "href": "/", "label": "To my access", "primary": true }],
        "reference": id,
    });
    let body = of_request(request)
        .and_then(|page| rendered(&page.pages, "gate/message.html", &page.outer(), context).ok())
        .unwrap_or_else(|| problem.title().to_owned());
    let mut answer = HttpResponse::build(problem.status());
    problem.headers(&mut answer);
    answer.content_type(ContentType::html()).body(body)
}

/// The page from which a form was sent, if it is one of ours; the start otherwise.
fn page_before(app: &App, request: &HttpRequest) -> String {
    if request.method() == actix_web::http::Method::GET {
        return request.path().to_owned();
    }
    let referrer = request.headers().get(REFERER).and_then(|value| value.to_str().ok());
    let path = referrer.and_then(|url| url.strip_prefix(app.config().public_url.as_str()));
    path.filter(|path| path.starts_with('/')).unwrap_or("/").to_owned()
}

fn form_encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    path.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
