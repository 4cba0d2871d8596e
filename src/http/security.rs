//! What every answer carries and what every writing call from a browser must show.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};

use super::Problem;
use crate::app::App;
use crate::error::Error;

static HEADERS: [(HeaderName, &str); 7] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Same-origin, not none: without a referrer browsers send `Origin: null` with our own forms.
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Sets the security headers; what a handler said about caching stays, otherwise nothing is stored.
pub fn set_headers(headers: &mut HeaderMap) {
    for (name, value) in &HEADERS {
        headers.insert(name.clone(), HeaderValue::from_static(value));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Refuses what a page of another site loads as a picture, a frame or a script: the browser has to go to the address
/// itself. Browsers that say nothing of it are let through.
///
/// # Errors
/// 403 `cross-site`.
pub fn navigation(headers: &HeaderMap) -> Result<(), Problem> {
    let says = |name: &'static str, wanted: &str| {
        headers.get(HeaderName::from_static(name)).is_none_or(|value| value.as_bytes() == wanted.as_bytes())
    };
    if says("sec-fetch-dest", "document") && says("sec-fetch-mode", "navigate") {
        return Ok(());
    }
    let detail = "This begins something for whoever goes to the address, and not for a page that loads it.";
    Err(Error::forbidden("cross-site", detail).into())
}

/// Refuses a call by cookie that does not come from our own pages (DESIGN §6): it needs our `Origin`, or the
/// browser's own word that it is same-origin.
///
/// # Errors
/// 403 `cross-site` otherwise.
pub fn same_origin(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let own = match (text(&ORIGIN), text(&HeaderName::from_static("sec-fetch-site"))) {
        (Some(origin), _) => app.config().is_own_origin(origin),
        (None, Some(site)) => site == "same-origin",
        (None, None) => false,
    };
    let detail = "A call by cookie that changes something must carry this house's Origin. Callers other than \
                  browsers use an API key.";
    if own { Ok(()) } else { Err(Error::forbidden("cross-site", detail).into()) }
}
