//! The pages of signing in, of a password that has ended, of changing it, and of leaving.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use serde_json::json;

use super::terminal::{next_person, renewed};
use super::{Locks, checked_origin, form_of, own_path, refused, with_next, with_status};
use crate::accounts;
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::identify::Current;
use crate::http::pages::frame::{Fault, Form};
use crate::http::{Answer, Page, see_other};
use crate::signin::hasher::Secret;
use crate::signin::http::cookies::{visitor, with_cookie, with_device, without_cookie};
use crate::signin::password::{self, Rule};
use crate::signin::sessions::{Session, Stage};
use crate::signin::{self, State, people};
use crate::sso;

/// Where to go on to afterwards.
#[derive(Deserialize)]
pub struct Next {
    pub(super) next: Option<String>,
}

/// The form of the sign-in.
#[derive(Deserialize)]
pub struct SignIn {
    username: String,
    password: Secret,
    next: Option<String>,
}

/// The form of a code.
#[derive(Deserialize)]
pub struct Code {
    code: Secret,
    next: Option<String>,
}

/// The form of a new password.
#[derive(Deserialize)]
pub struct Choice {
    password: Secret,
    again: Secret,
    current_password: Option<Secret>,
}

/// GET /sign-in
///
/// # Errors
/// 500 if the page cannot be made.
pub async fn sign_in_form(
    app: web::Data<App>,
    page: Page,
    request: HttpRequest,
    current: Current,
    query: web::Query<Next>,
) -> Answer {
    let next = own_path(query.into_inner().next);
    match current.0 {
        Some(session) if session.stage == Stage::Full => see_other(next.as_deref().unwrap_or("/")),
        _ => Ok(renewed(&app, &request, sign_in_page(&app, &page, Form::default(), next)?)),
    }
}

/// POST /sign-in
///
/// # Errors
/// 503 if too many sign in at once.
pub async fn sign_in(
    app: web::Data<App>,
    page: Page,
    request: HttpRequest,
    form: web::Form<SignIn>,
) -> Answer {
    checked_origin(&app, &request)?;
    let SignIn { username, password, next } = form.into_inner();
    let next = own_path(next);
    if let Some(provider) = sso::provider_for(&app, &username) {
        return see_other(&with_next(&format!("/sign-in/at/{}", provider.key), next.as_deref()));
    }
    match signin::sign_in(&app, username.clone(), password, visitor(&app, &request)).await {
        Ok(progress) => {
            let on = with_next(step_page(progress.state), next.as_deref());
            Ok(with_cookie(see_other(&on)?, progress.issued))
        }
        Err(Error::Unauthenticated) => {
            let minutes = Locks::of(&app.context().profiles.current()).minutes;
            let text = format!(
                "Username or password is wrong, or the account is locked for the moment. Wait {minutes} minutes or \
                 ask the service desk."
            );
            refused_sign_in(&app, &page, (text, username, next), StatusCode::UNAUTHORIZED)
        }
        Err(Error::TooMany(seconds)) => {
            let wait = match seconds {
                0..=1 => "a second".to_owned(),
                2..120 => format!("{seconds} seconds"),
                _ => format!("{} minutes", seconds.div_ceil(60)),
            };
            let text = format!("Too many tries came from where you are. Wait {wait}, then try again.");
            let mut answer =
                refused_sign_in(&app, &page, (text, username, next), StatusCode::TOO_MANY_REQUESTS)?;
            answer.headers_mut().insert(RETRY_AFTER, seconds.into());
            Ok(answer)
        }
        Err(other) => Err(other.into()),
    }
}

fn refused_sign_in(
    app: &App,
    page: &Page,
    (text, username, next): (String, String, Option<String>),
    status: StatusCode,
) -> Answer {
    let mut form = problem_form(text);
    // On a shared workstation nobody's name stays for the next person.
    if !page.is_shared() {
        form.values.insert("username".to_owned(), username);
    }
    with_status(sign_in_page(app, page, form, next), status)
}

fn step_page(state: State) -> &'static str {
    match state {
        State::TotpRequired => "/sign-in/totp",
        State::PasswordExpired => "/sign-in/password",
        State::SignedIn => "/",
    }
}

pub(super) fn problem_form(text: String) -> Form {
    Form { problem: Some(Fault { text, clauses: Vec::new() }), ..Form::default() }
}

fn sign_in_page(app: &App, page: &Page, form: Form, next: Option<String>) -> Answer {
    let locks = Locks::of(&app.context().profiles.current());
    let context = json!({ "form": form, "next": next, "locks": locks, "providers": sso::http::offered(app) });
    page.gate("gate/sign-in.html", context)
}

/// GET /sign-in/totp
///
/// # Errors
/// 500 if the page cannot be made.
pub async fn code(app: web::Data<App>, page: Page, current: Current, query: web::Query<Next>) -> Answer {
    let next = own_path(query.into_inner().next);
    match half_way(current) {
        Some(session) => code_page(&app, &page, &session, Form::default(), next).await,
        None => see_other(&with_next("/sign-in", next.as_deref())),
    }
}

/// POST /sign-in/totp
///
/// # Errors
/// 503 if the database is busy.
pub async fn show_code(
    app: web::Data<App>,
    page: Page,
    request: HttpRequest,
    current: Current,
    form: web::Form<Code>,
) -> Answer {
    let Code { code, next } = form.into_inner();
    let next = own_path(next);
    let Some(session) = half_way(current) else { return see_other("/sign-in") };
    match signin::show_code(&app, session.clone(), code, visitor(&app, &request)).await {
        Ok(progress) => {
            let on = see_other(next.as_deref().unwrap_or("/"))?;
            Ok(with_device(with_cookie(on, progress.issued), progress.device))
        }
        Err(Error::Conflict(..)) => see_other("/sign-in/password"),
        Err(Error::Unauthenticated) => {
            let text = "The code is wrong or was used before, or codes are locked for the moment. Wait for the next \
                        one.";
            let form = problem_form(text.to_owned());
            with_status(code_page(&app, &page, &session, form, next).await, StatusCode::UNAUTHORIZED)
        }
        Err(other) => Err(other.into()),
    }
}

fn half_way(current: Current) -> Option<Session> {
    current.0.filter(|session| matches!(session.stage, Stage::Password | Stage::Vouched))
}

fn password_given(current: Current) -> Option<Session> {
    current.0.filter(|session| session.stage == Stage::Password)
}

async fn code_page(app: &App, page: &Page, session: &Session, form: Form, next: Option<String>) -> Answer {
    let account = session.account.clone();
    let standing = app.read(move |reader| signin::standing(reader, &account)).await?;
    let context = json!({
        "form": form, "recovery": standing.codes_left > 0, "passkey": standing.passkeys > 0,
        "authenticator": standing.authenticator_since.is_some(), "next": next,
    });
    page.gate("gate/totp.html", context)
}

/// GET /sign-in/password
///
/// # Errors
/// 500 if the page cannot be made.
pub async fn choose_form(app: web::Data<App>, page: Page, current: Current) -> Answer {
    match password_given(current) {
        Some(session) => choose_page(&app, &page, &session, Form::default(), None).await,
        None => see_other("/sign-in"),
    }
}

/// POST /sign-in/password
///
/// # Errors
/// 503 if too many hash at once.
pub async fn choose_password(
    app: web::Data<App>,
    page: Page,
    current: Current,
    form: web::Form<Choice>,
) -> Answer {
    let Some(session) = password_given(current) else { return see_other("/sign-in") };
    let Choice { password, again, .. } = form.into_inner();
    let chosen = match alike(&password, &again) {
        Ok(()) => signin::choose_at_sign_in(&app, session.clone(), password.clone()).await,
        Err(error) => Err(error),
    };
    match chosen {
        Ok(_) | Err(Error::Conflict(..)) => see_other("/sign-in/totp"),
        Err(error) => {
            let form = form_of(error, Vec::new())?;
            refused(choose_page(&app, &page, &session, form, Some(&password)).await)
        }
    }
}

async fn choose_page(
    app: &App,
    page: &Page,
    session: &Session,
    form: Form,
    typed: Option<&Secret>,
) -> Answer {
    let (username, rules, ended_at) = choice_of(app, session, typed).await?;
    let clauses = password::clauses(&app.context().profiles.current(), "password.max_age");
    let context = json!({
        "username": username, "ended_at": ended_at, "clauses": clauses, "form": form, "rules": rules,
    });
    page.gate("gate/password-expired.html", context)
}

type ChoiceOf = (String, Vec<Rule>, Option<crate::clock::Timestamp>);

/// What the page needs to ask for a password: the username, the rules as far as they are met, when the old one ended.
async fn choice_of(app: &App, session: &Session, typed: Option<&Secret>) -> Result<ChoiceOf> {
    let (account, typed) = (session.account.clone(), typed.cloned());
    app.read(move |reader| {
        let details = accounts::find_named(reader, &account)?.details;
        let age = people::password_age(reader, &account)?;
        let (profile, person) = (reader.profile(), people::person(&details));
        let rules = match &typed {
            Some(typed) => password::judged(&profile, &person, typed),
            None => password::rules(&profile, &person),
        };
        let ended_at = age.and_then(|age| age.ends_at).filter(|at| *at <= reader.now);
        Ok((details.username.clone(), rules, ended_at))
    })
    .await
}

/// Refuses two passwords that are not the same.
pub(super) fn alike(password: &Secret, again: &Secret) -> Result<()> {
    if password.expose() == again.expose() { Ok(()) } else { Err(Error::field("again", "is not the same")) }
}

/// GET /me/password
///
/// # Errors
/// 500 if the page cannot be made.
pub async fn change_form(app: web::Data<App>, page: Page, current: Current) -> Answer {
    let session = current.0.ok_or(Error::Unauthenticated)?;
    change_page(&app, &page, &session, Form::default(), None).await
}

/// POST /me/password
///
/// # Errors
/// 503 if too many hash at once.
pub async fn change_password(
    app: web::Data<App>,
    page: Page,
    current: Current,
    form: web::Form<Choice>,
) -> Answer {
    let session = current.0.ok_or(Error::Unauthenticated)?;
    let Choice { password, again, current_password } = form.into_inner();
    let changed = match alike(&password, &again) {
        Ok(()) => signin::change(&app, session.clone(), current_password, password.clone()).await.map(drop),
        Err(error) => Err(error),
    };
    match changed {
        Ok(()) => see_other("/"),
        Err(error) => {
            let form = form_of(error, Vec::new())?;
            refused(change_page(&app, &page, &session, form, Some(&password)).await)
        }
    }
}

async fn change_page(
    app: &App,
    page: &Page,
    session: &Session,
    form: Form,
    typed: Option<&Secret>,
) -> Answer {
    let (username, rules, _) = choice_of(app, session, typed).await?;
    page.gate("gate/password-change.html", json!({ "username": username, "form": form, "rules": rules }))
}

/// POST /sign-out
///
/// # Errors
/// 503 if the log is busy.
pub async fn sign_out(app: web::Data<App>, current: Current) -> Answer {
    let Some(session) = current.0 else { return Ok(without_cookie(see_other("/sign-in")?)) };
    if session.workstation.is_some() {
        return next_person(app, Current(Some(session))).await;
    }
    let provider = sso::provider_of(&app, session.origin.clone()).await?;
    signin::sign_out(&app, session).await?;
    let on = provider.map_or_else(|| "/sign-in".to_owned(), |one| format!("/signed-out/{}", one.key));
    Ok(without_cookie(see_other(&on)?))
}
