//! The cookies: one carries a session's token, one makes a device known, one makes a browser a shared workstation, one
//! knows a browser again that answers a passkey's challenge. And what else a browser says of itself.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{HeaderName, HeaderValue, USER_AGENT};
use actix_web::{HttpRequest, HttpResponse};

use crate::app::App;
use crate::entropy;
use crate::http::client;
use crate::signin::hasher::Secret;
use crate::signin::sessions::{COOKIE, Issued};
use crate::signin::{Visitor, known_devices, workstations};

/// Who stands at the door.
pub fn visitor(app: &App, request: &HttpRequest) -> Visitor {
    Visitor {
        agent: agent(request),
        address: client::address(&app.config().trusted_proxies, request),
        device: request.cookie(known_devices::COOKIE).map(|cookie| Secret::new(cookie.value())),
        workstation: workstation_shown(request),
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

/// The token of the shared workstation that a browser says it is.
pub fn workstation_shown(request: &HttpRequest) -> Option<Secret> {
    request.cookie(workstations::COOKIE).map(|cookie| Secret::new(cookie.value()))
}

/// Lets a browser be a shared workstation, for so long from now on; a known device it is no more.
pub fn with_workstation(mut response: HttpResponse, token: &Secret) -> HttpResponse {
    let mut cookie = cookie(workstations::COOKIE, token.expose().to_owned());
    cookie.set_max_age(Duration::days(workstations::LIFE.num_days()));
    set(&mut response, cookie);
    without(response, known_devices::COOKIE)
}

/// Knows a browser again for as long as it is open; it says nothing of who uses it.
const BROWSER: &str = "__Host-browser";
const TOKEN_LENGTH: usize = 43;

/// How the browser named itself.
fn agent(request: &HttpRequest) -> String {
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

/// Takes the cookie of a session away.
pub fn without_cookie(response: HttpResponse) -> HttpResponse {
    without(response, COOKIE)
}

fn without(mut response: HttpResponse, name: &'static str) -> HttpResponse {
    let mut cookie = cookie(name, String::new());
    cookie.set_max_age(Duration::ZERO);
    set(&mut response, cookie);
    response
}

/// As [`without_cookie`], and nothing of what the browser kept of pages is left for the next person.
pub fn without_traces(response: HttpResponse) -> HttpResponse {
    let mut response = without_cookie(response);
    let cache = HeaderValue::from_static("\"cache\"");
    response.headers_mut().insert(HeaderName::from_static("clear-site-data"), cache);
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
