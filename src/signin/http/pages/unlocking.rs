//! The page behind the link in the mail about a lock: looking opens nothing, the button does.

use actix_web::{HttpRequest, web};
use serde_json::json;

use super::{checked_origin, gone};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::http::{Answer, Page};
use crate::signin;
use crate::signin::links::{self, Purpose};

/// GET /unlock/{token}: looking uses nothing up.
///
/// # Errors
/// 500 if the page cannot be made; a link that has ended is a page of its own.
pub async fn unlock_form(app: web::Data<App>, page: Page, token: web::Path<String>) -> Answer {
    let (token, asked) = (token.clone(), token.into_inner());
    match app.read(move |reader| links::look(reader, Purpose::Unlock, &asked)).await {
        Ok(link) => page.gate("gate/unlock.html", json!({ "token": token, "ends_at": link.expires_at })),
        Err(Error::NotFound(_)) => gone(&page),
        Err(other) => Err(other.into()),
    }
}

/// POST /unlock/{token}
///
/// # Errors
/// 503 if the log is busy; a link that has ended is a page of its own.
pub async fn unlock(
    app: web::Data<App>,
    page: Page,
    request: HttpRequest,
    token: web::Path<String>,
) -> Answer {
    checked_origin(&app, &request)?;
    let token = token.into_inner();
    match app.write(&Caller::nobody(), move |tx| signin::unlock_by_link(tx, &token)).await {
        Ok(_) => page.gate(
            "gate/message.html",
            json!({
                "label": "Password",
                "icon": "check",
                "title": "The lock is open",
                "text": "You can sign in again. If somebody else is guessing your password, choose a new one.",
                "facts": [],
                "actions": [{ "href": "/sign-in", "label": "To the sign-in", "primary": true }],
                "reference": null,
            }),
        ),
        Err(Error::NotFound(_)) => gone(&page),
        Err(other) => Err(other.into()),
    }
}
