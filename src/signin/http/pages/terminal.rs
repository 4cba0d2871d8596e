//! The pages of a shared workstation: making this browser one, and leaving it to the next person.
//!
//! Rules: looking at a code uses nothing up, the button does; leaving ends the session here and now and takes with it
//! what the browser kept of pages, but not the workstation's own cookie; whether the time is over is asked without being
//! a request that counts.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::{checked_origin, form_of, gone, refused};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::http::identify::Current;
use crate::http::pages::frame::Form;
use crate::http::{Answer, Page, client, see_other};
use crate::signin::hasher::Secret;
use crate::signin::http::cookies::{visitor, with_workstation, without_traces};
use crate::signin::http::views::whole_seconds;
use crate::signin::{self, sessions, workstations};
use crate::sso;

/// A code, as it was typed or stands in a link.
#[derive(Deserialize)]
pub struct Code {
    code: Secret,
}

/// GET /workstation
///
/// # Errors
/// 500 if the page cannot be made.
pub async fn code_form(page: Page) -> Answer {
    page.gate("gate/workstation-code.html", json!({ "form": Form::default() }))
}

/// GET /workstation/{token}: looking uses nothing up.
///
/// # Errors
/// 500 if the page cannot be made; a code that has ended is a page of its own.
pub async fn code_link(app: web::Data<App>, page: Page, token: web::Path<String>) -> Answer {
    let token = token.into_inner();
    let code = Secret::new(token.clone());
    match app.read(move |reader| workstations::look(reader, &code)).await {
        Ok((found, ends_at)) => page.gate(
            "gate/workstation.html",
            json!({ "code": token, "name": found.name, "ends_at": ends_at, "signed_in": page.caller.account().is_some() }),
        ),
        Err(Error::NotFound(_)) => gone(&page),
        Err(other) => Err(other.into()),
    }
}

/// POST /workstation: this browser is the workstation from now on.
///
/// # Errors
/// 429 for an address that tries too often; 503 if the log is busy. A code that does not count comes back in the form.
pub async fn take_code(
    app: web::Data<App>,
    page: Page,
    request: HttpRequest,
    current: Current,
    form: web::Form<Code>,
) -> Answer {
    checked_origin(&app, &request)?;
    let from = client::address(&app.config().trusted_proxies, &request);
    app.asking_rate().ask_from(&app.context().vault, from)?;
    let (code, visitor) = (form.into_inner().code, visitor(&app, &request));
    let taken = app
        .write(&Caller::nobody(), move |tx| workstations::take(tx, &code, &visitor, current.0.as_ref()))
        .await;
    match taken {
        Ok(done) => {
            let (workstation, token) = done.value;
            let answer = page.gate(
                "gate/message.html",
                json!({
                    "label": "Shared workstation",
                    "icon": "check",
                    "title": format!("This browser is “{}”", workstation.name),
                    "text": "Whoever signs in here is signed out after two minutes without doing anything, or by “Next \
                             person”. Nothing here remembers anybody. Make the sign-in the browser’s start page.",
                    "facts": [],
                    "actions": [{ "href": "/sign-in", "label": "To the sign-in", "primary": true }],
                    "reference": null,
                }),
            )?;
            Ok(with_workstation(without_traces(answer), &token))
        }
        Err(Error::NotFound(_)) => {
            let text = "is not right, was used, or its time is over. Ask whoever made it for another";
            let form = form_of(Error::field("code", text), Vec::new())?;
            refused(page.gate("gate/workstation-code.html", json!({ "form": form })))
        }
        Err(other) => Err(other.into()),
    }
}

/// POST /next-person: ends the session that is open, whatever its stage.
///
/// # Errors
/// 503 if the log is busy.
pub async fn next_person(app: web::Data<App>, current: Current) -> Answer {
    let Some(session) = current.0 else { return Ok(without_traces(see_other("/sign-in")?)) };
    let provider = sso::provider_of(&app, session.origin.clone()).await?;
    signin::make_room(&app, session).await?;
    let on = provider.map_or_else(|| "/sign-in".to_owned(), |one| format!("/signed-out/{}", one.key));
    Ok(without_traces(see_other(&on)?))
}

/// GET /idle: where a page goes by itself when its time seems to be over. Not over yet, since something was asked
/// elsewhere in the session, it shows nothing of anybody and says so.
///
/// # Errors
/// 503 if the database is busy.
pub async fn idle(app: web::Data<App>, page: Page, request: HttpRequest) -> Answer {
    let Some(cookie) = request.cookie(sessions::COOKIE) else { return see_other("/sign-in") };
    match sessions::remaining(&app, cookie.value()).await? {
        Some(left) => {
            let seconds = whole_seconds(left);
            let mut answer = page.gate("gate/idle.html", json!({ "seconds": seconds }))?;
            let again = HeaderValue::try_from(format!("{seconds}; url=/idle"));
            let again = again.map_err(|cause| Error::internal("asking again", cause))?;
            answer.headers_mut().insert(HeaderName::from_static("refresh"), again);
            Ok(answer)
        }
        None => Ok(without_traces(see_other("/sign-in")?)),
    }
}

/// Lets a workstation's browser keep its cookie for as long again, while it counts.
pub(super) fn renewed(app: &App, request: &HttpRequest, answer: HttpResponse) -> HttpResponse {
    let visitor = visitor(app, request);
    let Some(token) = &visitor.workstation else { return answer };
    match app.workstations().shown(&app.context().vault, &visitor) {
        Some(_) => with_workstation(answer, token),
        None => answer,
    }
}
