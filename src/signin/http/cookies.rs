//! The cookie that carries a session's token, and what a browser calls itself.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::USER_AGENT;
use actix_web::{HttpRequest, HttpResponse};

use crate::signin::sessions::{COOKIE, Issued};

/// How the browser named itself.
pub fn agent(request: &HttpRequest) -> String {
    let named = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    named.unwrap_or_default().to_owned()
}

/// Sets the cookie of a session that has just begun. It has no age: the browser forgets it when it closes, and the
/// house judges its ends.
pub fn with_cookie(mut response: HttpResponse, issued: Option<Issued>) -> HttpResponse {
    if let Some(issued) = issued {
        set(&mut response, cookie(issued.token));
    }
    response
}

/// Takes the cookie away.
pub fn without_cookie(mut response: HttpResponse) -> HttpResponse {
    let mut cookie = cookie(String::new());
    cookie.set_max_age(Duration::ZERO);
    set(&mut response, cookie);
    response
}

fn cookie(value: String) -> Cookie<'static> {
    Cookie::build(COOKIE, value).path("/").secure(true).http_only(true).same_site(SameSite::Lax).finish()
}

fn set(response: &mut HttpResponse, cookie: Cookie<'static>) {
    if let Err(cause) = response.add_cookie(&cookie) {
        // A token is Base64 and fits into every cookie.
        tracing::error!(%cause, "a cookie could not be set");
    }
}
