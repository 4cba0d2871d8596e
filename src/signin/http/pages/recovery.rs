//! The pages of coming back: asking for a link to a new password, using it, and showing a pass for a lost second factor.
//!
//! Rules: what was typed is neither looked up nor hashed while somebody waits for the answer, and the answer is the
//! same for every name; looking at a link uses nothing up.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::signing_in::alike;
use super::{checked_origin, form_of, gone, refused, with_status};
use crate::accounts;
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::pages::frame::{Fault, Form};
use crate::http::{Answer, Page, client, see_other};
use crate::signin::hasher::Secret;
use crate::signin::http::cookies::{visitor, with_cookie};
use crate::signin::{handing_over, password, people, resetting};

/// Whoever forgot a password.
#[derive(Deserialize)]
pub struct Ask {
    name: String,
}

/// A new password.
#[derive(Deserialize)]
pub struct Choice {
    password: Secret,
    again: Secret,
}

/// Password and pass of somebody without a second factor.
#[derive(Deserialize)]
pub struct Shown {
    username: String,
    password: Secret,
    pass: Secret,
}

/// GET /recover
///
/// # Errors
/// 500 if the page cannot be made.
pub async fn ask_form(app: web::Data<App>, page: Page) -> Answer {
    page.gate("gate/recover.html", json!({ "form": Form::default(), "mails": app.config().mail.is_some() }))
}

/// POST /recover: the same answer for every name.
///
/// # Errors
/// 429 for an address that asks too often; 503 if too many wait.
pub async fn ask(app: web::Data<App>, request: HttpRequest, form: web::Form<Ask>) -> Answer {
    checked_origin(&app, &request)?;
    if app.config().mail.is_none() {
        return see_other("/recover/sent");
    }
    let name = form.into_inner().name;
    let vault = &app.context().vault;
    let from = client::address(&app.config().trusted_proxies, &request);
    app.asking_rate().ask_from(vault, from)?;
    let enough = !app.asking_rate().ask_for(vault, &name);
    if !enough {
        resetting::ask(&app, name).await?;
    }
    see_other("/recover/sent")
}

/// GET /recover/sent
///
/// # Errors
/// 500 if the page cannot be made.
pub async fn asked(app: web::Data<App>, page: Page) -> Answer {
    let (title, text) = if app.config().mail.is_some() {
        (
            "Look into your mailbox",
            "If that name is known here and has a mailbox, a link is on its way. It takes a minute, works once and ends \
             after 24 hours. Nothing came? Ask the service desk or your manager: they can help in person.",
        )
    } else {
        (
            "No link is sent here",
            "This house sends no mail. Ask the service desk or your manager: they help in person.",
        )
    };
    let context = json!({
        "label": "Password", "icon": "info", "title": title, "text": text, "facts": [],
        "actions": [{ "href": "/sign-in", "label": "To the sign-in", "primary": true }], "reference": null,
    });
    page.gate("gate/message.html", context)
}

/// GET /recover/{token}: looking uses nothing up.
///
/// # Errors
/// 500 if the page cannot be made; a link that has ended is a page of its own.
pub async fn reset_form(app: web::Data<App>, page: Page, token: web::Path<String>) -> Answer {
    match reset_context(&app, &token.into_inner(), Form::default(), None).await {
        Ok(context) => page.gate("gate/recover-password.html", context),
        Err(Error::NotFound(_)) => gone(&page),
        Err(other) => Err(other.into()),
    }
}

/// POST /recover/{token}
///
/// # Errors
/// 503 if too many hash at once; a link that has ended is a page of its own.
pub async fn reset(
    app: web::Data<App>,
    page: Page,
    request: HttpRequest,
    token: web::Path<String>,
    form: web::Form<Choice>,
) -> Answer {
    checked_origin(&app, &request)?;
    let (token, Choice { password, again }) = (token.into_inner(), form.into_inner());
    let set = match alike(&password, &again) {
        Ok(()) => resetting::set_password(&app, token.clone(), password.clone()).await,
        Err(error) => Err(error),
    };
    match set {
        Ok(()) => page.gate(
            "gate/message.html",
            json!({
                "label": "Password", "icon": "check", "title": "Your password is changed",
                "text": "Sign in with it now, and with your second factor as before. Sessions that were open have ended.",
                "facts": [], "reference": null,
                "actions": [{ "href": "/sign-in", "label": "Sign in", "primary": true }],
            }),
        ),
        Err(Error::NotFound(_)) => gone(&page),
        Err(error) => {
            let form = form_of(error, Vec::new())?;
            match reset_context(&app, &token, form, Some(&password)).await {
                Ok(context) => refused(page.gate("gate/recover-password.html", context)),
                Err(Error::NotFound(_)) => gone(&page),
                Err(other) => Err(other.into()),
            }
        }
    }
}

async fn reset_context(
    app: &App,
    token: &str,
    form: Form,
    typed: Option<&Secret>,
) -> Result<Map<String, Json>> {
    let (asked, typed) = (token.to_owned(), typed.cloned());
    let (username, ends_at, rules) = app
        .read(move |reader| {
            let (account, link) = resetting::look(reader, &asked)?;
            let details = accounts::find_named(reader, &account)?.details;
            let (profile, person) = (reader.profile(), people::person(&details));
            let rules = match &typed {
                Some(typed) => password::judged(&profile, &person, typed),
                None => password::rules(&profile, &person),
            };
            Ok((details.username.clone(), link.expires_at, rules))
        })
        .await?;
    let context =
        json!({ "token": token, "username": username, "ends_at": ends_at, "form": form, "rules": rules });
    match context {
        Json::Object(context) => Ok(context),
        _ => Err(Error::internal("making a page", "not an object")),
    }
}

/// GET /pass
///
/// # Errors
/// 500 if the page cannot be made.
pub async fn pass_form(page: Page) -> Answer {
    page.gate("gate/pass.html", json!({ "form": Form::default() }))
}

/// POST /pass
///
/// # Errors
/// 503 if too many sign in at once.
pub async fn pass(app: web::Data<App>, page: Page, request: HttpRequest, form: web::Form<Shown>) -> Answer {
    checked_origin(&app, &request)?;
    let Shown { username, password, pass } = form.into_inner();
    match handing_over::enter(&app, username.clone(), password, pass, visitor(&app, &request)).await {
        Ok(progress) => Ok(with_cookie(see_other("/enrolment/totp")?, progress.issued)),
        Err(Error::Unauthenticated) => {
            let text =
                "Something of it is wrong, the pass has ended, or the account is locked for the moment.";
            let problem = Some(Fault { text: text.to_owned(), clauses: Vec::new() });
            let form =
                Form { values: [("username".to_owned(), username)].into(), problem, ..Form::default() };
            with_status(page.gate("gate/pass.html", json!({ "form": form })), StatusCode::UNAUTHORIZED)
        }
        Err(other) => Err(other.into()),
    }
}
