//! The pages at the gate: signing in and enrolling without a script. They share the use cases of the JSON calls.
//!
//! Rules: after a form the browser is sent on, so that reloading repeats nothing; passwords and codes never come back
//! in a form; one goes on to a path of this house only. Recovery codes are the one page that answers a form itself:
//! they exist nowhere else.

mod enrolment;
pub mod my_security;
mod proving;
mod recovery;
mod signing_in;
mod terminal;
mod unlocking;
pub mod workstations;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde::Serialize;
use serde_json::json;

pub use enrolment::{confirm_factor, enrol, enrol_passkey, factor, link};
pub use proving::{proof_form, prove};
pub use recovery::{ask, ask_form, asked, pass, pass_form, reset, reset_form};
pub use signing_in::{
    change_form, change_password, choose_form, choose_password, code, show_code, sign_in, sign_in_form,
    sign_out,
};
pub use terminal::{code_form, code_link, idle, next_person, take_code};
pub use unlocking::{unlock, unlock_form};

use crate::app::App;
use crate::error::{Error, FieldError};
use crate::http::pages::frame::{Fault, Form};
use crate::http::{Answer, Page, Problem, security, see_other};
use crate::profile::Profile;
use crate::signin::lockout::Rules;
use crate::signin::password;

const LONGEST_NEXT: usize = 512;
/// Addresses that a sign-in does not go on to.
const GATES: [&str; 8] =
    ["/enrol", "/set-up", "/recover", "/pass", "/sign-in", "/sign-out", "/workstation", "/idle"];

/// GET /.well-known/change-password (W3C, "A well-known URL for changing passwords").
///
/// # Errors
/// None; the type is that of handlers.
#[utoipa::path(get, path = "/.well-known/change-password", responses((status = 303, description = "To the page that changes a password")))]
pub async fn well_known_change_password() -> Answer {
    see_other("/me/password")
}

/// Refuses a form that another site's page sent; forms at the gate have no session to be guarded by.
pub(super) fn checked_origin(app: &web::Data<App>, request: &HttpRequest) -> Result<(), Problem> {
    security::same_origin(app, request.headers())
}

/// The form that comes back with what was typed and what is wrong with it.
///
/// # Errors
/// Whatever is not the form's fault.
pub(super) fn form_of(error: Error, typed: Vec<(&'static str, String)>) -> Result<Form, Problem> {
    let mut form = Form {
        values: typed.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..Form::default()
    };
    match error {
        Error::Invalid(fields) => {
            for FieldError { field, detail, clause } in fields {
                let fault = Fault { text: capital(&detail), clauses: clause.into_iter().collect() };
                form.errors.entry(field).or_default().push(fault);
            }
        }
        Error::Conflict(_, text) => form.problem = Some(Fault { text, clauses: Vec::new() }),
        other => return Err(other.into()),
    }
    Ok(form)
}

/// "must have 12 characters" becomes the sentence "It must have 12 characters."
fn capital(detail: &str) -> String {
    format!("It {}.", detail.trim_end_matches('.'))
}

/// The same page with the status of a refused form.
///
/// # Errors
/// Whatever kept the page from being made.
pub(super) fn refused(page: Answer) -> Answer {
    with_status(page, StatusCode::UNPROCESSABLE_ENTITY)
}

fn with_status(page: Answer, status: StatusCode) -> Answer {
    page.map(|mut response| {
        *response.status_mut() = status;
        response
    })
}

/// The page of a link that can no longer be used.
///
/// # Errors
/// 500 if the page cannot be made.
pub(super) fn gone(page: &Page) -> Answer {
    let context = json!({
        "label": "Link",
        "icon": "clock",
        "title": "This link has ended",
        "text": "It was used, its time is over, or another has taken its place. Ask whoever sent it for a new one.",
        "facts": [],
        "actions": [{ "href": "/sign-in", "label": "To the sign-in", "primary": true }],
        "reference": null,
    });
    with_status(page.gate("gate/message.html", context), StatusCode::NOT_FOUND)
}

/// How many wrong tries lock for how long, for the pages that say so.
#[derive(Serialize)]
struct Locks {
    failures: u32,
    minutes: i64,
    clauses: Vec<String>,
}

impl Locks {
    fn of(profile: &Profile) -> Self {
        let rules = Rules::of(profile);
        Self {
            failures: rules.failures,
            minutes: rules.duration.num_minutes(),
            clauses: password::clauses(profile, "lockout.max_failures"),
        }
    }
}

/// The path to go on to, if it is one of this house.
pub fn own_path(next: Option<String>) -> Option<String> {
    let next = next?;
    let plain = |c: char| !c.is_control() && c != '\\' && !c.is_whitespace();
    let own = next.starts_with('/') && !next.starts_with("//");
    // Nobody is sent on into a link that somebody else holds, or out again.
    let led = GATES.iter().any(|gate| {
        next.strip_prefix(gate).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    });
    (own && !led && next.len() <= LONGEST_NEXT && next.chars().all(plain)).then_some(next)
}

/// The step's address, with the path to go on to after it.
pub fn with_next(step: &str, next: Option<&str>) -> String {
    let Some(next) = next else { return step.to_owned() };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    let encoded: String = next
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    format!("{step}?next={encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_within_this_house_only() {
        for own in ["/", "/reviews", "/requests?state=open&x=1"] {
            assert_eq!(own_path(Some(own.into())).as_deref(), Some(own));
        }
        for other in [
            "",
            "reviews",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\nb",
            "/\t/evil.example",
            "javascript:alert(1)",
            "/enrol/a-strangers-token/with/firm",
            "/sign-in/with/firm?next=/",
        ] {
            assert_eq!(own_path(Some(other.into())), None, "{other}");
        }
        assert_eq!(own_path(Some(format!("/{}", "a".repeat(600)))), None);
    }

    #[test]
    fn the_next_path_is_encoded() {
        assert_eq!(with_next("/sign-in", Some("/a?b=c&d")), "/sign-in?next=/a%3Fb%3Dc%26d");
        assert_eq!(with_next("/sign-in", None), "/sign-in");
    }
}
