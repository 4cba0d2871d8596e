//! The cookies: one carries a session's token, one makes a device known, one knows a browser again that answers a
//! passkey's challenge. And what else a browser says of itself.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::USER_AGENT;
use actix_web::{HttpRequest, HttpResponse};

use crate::app::App;
use crate::entropy;
use crate::http::client;
use crate::signin::hasher::Secret;
use crate::signin::sessions::{COOKIE, Issued};
use crate::signin::{Visitor, known_devices};

/// Who stands at the door.
pub fn visitor(app: &App, request: &HttpRequest) -> Visitor {
    Visitor {
        agent: agent(request),
        address: client::address(&app.config().trusted_proxies, request),
        device: request.cookie(known_devices::COOKIE).map(|cookie| Secret::new(cookie.value())),
    }
}

/// Sets the cookie by which a browser is a known device, for as long as it is one.
pub fn with_device(mut response: HttpResponse, device: Option<Secret>) -> HttpResponse {
    if let Some(token) = device {
        let mut cookie = cookie(known_devices::COOKIE, token.expose().to_owned());
        cookie.set_max_age(Duration::days(known_devices::LIFE.num_days()));
        set(&mut response, cookie);
    }
    response
}

/// Knows a browser again for as long as it is open; it says nothing of who uses it.
const BROWSER: &str = "__Host-browser";
const TOKEN_LENGTH: usize = 43;

/// How the browser named itself.
pub fn agent(request: &HttpRequest) -> String {
    let named = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    named.unwrap_or_default().to_owned()
}

/// Sets the cookie of a session that has just begun. It has no age: the browser forgets it when it closes, and the
/// house judges its ends.
pub fn with_cookie(mut response: HttpResponse, issued: Option<Issued>) -> HttpResponse {
    if let Some(issued) = issued {
        set(&mut response, cookie(COOKIE, issued.token));
    }
    response
}

/// The browser's own token, a new one if it has none yet.
pub fn browser(app: &App, request: &HttpRequest) -> String {
    browser_shown(request).unwrap_or_else(|| entropy::token(app.context().entropy.as_ref()))
}

/// The browser's own token, if it shows one.
pub fn browser_shown(request: &HttpRequest) -> Option<String> {
    let cookie = request.cookie(BROWSER)?;
    Some(cookie.value().to_owned()).filter(|token| token.len() == TOKEN_LENGTH)
}

/// Lets the browser keep its token until it closes.
pub fn with_browser(mut response: HttpResponse, token: String) -> HttpResponse {
    set(&mut response, cookie(BROWSER, token));
    response
}

/// Takes the cookie away.
pub fn without_cookie(mut response: HttpResponse) -> HttpResponse {
    let mut cookie = cookie(COOKIE, String::new());
    cookie.set_max_age(Duration::ZERO);
    set(&mut response, cookie);
    response
}

fn cookie(name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build(name, value).path("/").secure(true).http_only(true).same_site(SameSite::Lax).finish()
}

fn set(response: &mut HttpResponse, cookie: Cookie<'static>) {
    if let Err(cause) = response.add_cookie(&cookie) {
        // A token is Base64 and fits into every cookie.
        tracing::error!(%cause, "a cookie could not be set");
    }
}
