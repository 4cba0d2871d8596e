//! Signing in by an identity provider over HTTP: the way there and back, and the provider's word to sign out.
//!
//! Rules: going to an address begins nothing but a sign-in or a proof, which is no change; one goes on to a path of this
//! house only; what binds an attempt to its browser is the token by which the house knows every browser again.

pub mod attestations;
pub mod identities;
pub mod proving;

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpMessage, HttpRequest, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{Beginning, Refusal, Returned, Returning};
use crate::app::App;
use crate::error::Error;
use crate::http::answer::{self, Changed};
use crate::http::guard::RequestId;
use crate::http::identify::Current;
use crate::http::{Answer, Page, Problem, client, security, see_other};
use crate::signin::http::cookies::{browser, browser_shown, visitor, with_browser, with_cookie};
use crate::signin::http::pages::{own_path, with_next};
use crate::signin::sessions::{Session, Stage};

const LONGEST_STATE: usize = 100;
const LONGEST_ISSUER: usize = 500;

/// Where to go on to afterwards.
#[derive(Deserialize)]
pub struct Next {
    next: Option<String>,
}

/// What a provider sends the browser back with; what else it says is of no interest.
#[derive(Deserialize)]
pub struct Callback {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// One provider that people may continue with.
#[derive(Serialize)]
pub struct Offered {
    key: String,
    name: String,
}

/// The body of a provider's word to sign somebody out.
#[derive(Deserialize, ToSchema)]
pub struct SignedOut {
    /// A logout token (OpenID Connect Back-Channel Logout 1.0).
    #[schema(max_length = 65536)]
    logout_token: String,
}

/// GET /sign-in/with/{provider}
///
/// # Errors
/// 404 for an unknown provider; a provider that does not answer is a page of its own.
pub async fn start(
    app: web::Data<App>,
    page: Page,
    request: HttpRequest,
    current: Current,
    provider: web::Path<String>,
    query: web::Query<Next>,
) -> Answer {
    let next = own_path(query.into_inner().next);
    if current.0.is_some_and(|session| session.stage == Stage::Full) {
        return see_other(next.as_deref().unwrap_or("/"));
    }
    let wanted = Wanted { provider: provider.into_inner(), next, ..Wanted::default() };
    begin(&app, &page, &request, wanted).await
}

/// GET /enrol/{token}/with/{provider}: the link is used up when the person comes back, not now. Only the link's own page
/// leads here: elsewhere somebody could be led to sign their own subject over to an account that another was invited to.
///
/// # Errors
/// 404 for an unknown provider or a link that has ended.
pub async fn start_invited(
    app: web::Data<App>,
    page: Page,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Answer {
    let (token, provider) = path.into_inner();
    if security::same_origin(&app, request.headers()).is_err() {
        return see_other(&format!("/enrol/{token}"));
    }
    let wanted = Wanted { provider, invitation: Some(token), ..Wanted::default() };
    begin(&app, &page, &request, wanted).await
}

/// What is to begin.
#[derive(Default)]
struct Wanted {
    provider: String,
    next: Option<String>,
    invitation: Option<String>,
    proving: Option<Session>,
}

async fn begin(app: &App, page: &Page, request: &HttpRequest, wanted: Wanted) -> Answer {
    security::navigation(request.headers())?;
    let (again, browser) = (page.path().to_owned(), browser(app, request));
    let Wanted { provider, next, invitation, proving } = wanted;
    let beginning = Beginning {
        browser: browser.clone(),
        address: client::address(&app.config().trusted_proxies, request),
        shared: page.is_shared(),
        provider,
        next,
        invitation,
        proving,
    };
    match super::begin(app, beginning).await {
        Ok(address) => Ok(with_browser(see_other(&address)?, browser)),
        Err(Error::Unavailable(..)) => failed(page, request, &again),
        Err(other) => Err(other.into()),
    }
}

/// GET /sign-in/with/{provider}/callback
///
/// # Errors
/// 404 for an unknown provider; what is refused is a page of its own.
pub async fn come_back(
    app: web::Data<App>,
    page: Page,
    request: HttpRequest,
    current: Current,
    provider: web::Path<String>,
    query: web::Query<Callback>,
) -> Answer {
    let provider = provider.into_inner();
    let Callback { state, code, iss, error } = query.into_inner();
    let state = state.filter(|state| state.len() <= LONGEST_STATE).unwrap_or_default();
    let returning = Returning {
        state,
        code: code.filter(|code| error.is_none() && !code.is_empty()),
        issuer: iss.filter(|issuer| issuer.len() <= LONGEST_ISSUER),
        browser: browser_shown(&request),
        visitor: visitor(&app, &request),
        session: current.0,
        provider: provider.clone(),
    };
    match super::come_back(&app, returning).await? {
        Returned::In(progress, next) => {
            let on = Returned::next_page(&progress).map(str::to_owned).or(next);
            Ok(with_cookie(see_other(on.as_deref().unwrap_or("/"))?, progress.issued))
        }
        Returned::Refused(Refusal::ProviderFailed) => {
            failed(&page, &request, &format!("/sign-in/with/{provider}"))
        }
        Returned::Refused(refusal) => refused(&app, &page, &request, (&provider, refusal)),
        Returned::NotProved(refusal) => proving::refused(&app, &page, &request, (&provider, refusal)),
    }
}

/// GET /sign-in/at/{provider}: for whoever typed an identifier of a domain that signs in there.
///
/// # Errors
/// 404 for an unknown provider.
pub async fn elsewhere(
    app: web::Data<App>,
    page: Page,
    provider: web::Path<String>,
    query: web::Query<Next>,
) -> Answer {
    let (key, name) = named(&app, &provider)?;
    let next = own_path(query.into_inner().next);
    let on = with_next(&format!("/sign-in/with/{key}"), next.as_deref());
    message(
        &page,
        &json!({
            "label": "Sign in",
            "icon": "sign",
            "title": format!("You sign in with {name}"),
            "text": "Your company keeps sign-ins of this domain there. No password is asked for here.",
            "facts": [],
            "actions": [
                { "href": on, "label": format!("Continue with {name}"), "primary": true },
                { "href": "/sign-in", "label": "Use another username", "primary": false },
            ],
            "reference": null,
        }),
    )
}

/// GET /signed-out/{provider}: signed out here, and not yet there.
///
/// # Errors
/// 404 for an unknown provider.
pub async fn signed_out(app: web::Data<App>, page: Page, provider: web::Path<String>) -> Answer {
    let (key, name) = named(&app, &provider)?;
    message(
        &page,
        &json!({
            "label": "Signed out",
            "icon": "check",
            "title": "You are signed out here",
            "text": format!("{name} may still know you: whoever uses this browser next could come in by it. On a shared \
                             computer, sign out there too."),
            "facts": [],
            "actions": [
                { "href": format!("/sign-out/with/{key}"), "label": format!("Sign out at {name} too"), "primary": true },
                { "href": "/sign-in", "label": "To the sign-in", "primary": false },
            ],
            "reference": null,
        }),
    )
}

/// GET /sign-out/with/{provider}
///
/// # Errors
/// 404 for an unknown provider; 503 if it does not answer.
pub async fn sign_out(app: web::Data<App>, provider: web::Path<String>) -> Answer {
    let address = super::sign_out_address(&app, &provider).await?;
    see_other(address.as_deref().unwrap_or("/sign-in"))
}

/// POST /api/v1/identity-providers/{provider}/logout
///
/// # Errors
/// 400 for a token that does not count or was obeyed before; 404 for an unknown provider.
#[utoipa::path(post, path = "/api/v1/identity-providers/{provider}/logout", request_body(content = SignedOut, content_type = "application/x-www-form-urlencoded"), responses((status = 200, body = Changed)))]
pub async fn logout(app: web::Data<App>, provider: web::Path<String>, form: web::Form<SignedOut>) -> Answer {
    let token = form.into_inner().logout_token;
    let done = super::end_by_provider(&app, &provider, token).await;
    let done = done.map_err(crate::http::problem::bad_request)?;
    answer::changed(done.revision)
}

/// The providers that people may continue with, for the pages that offer them.
pub fn offered(app: &App) -> Vec<Offered> {
    let providers = app.config().identity_providers.iter();
    providers.map(|provider| Offered { key: provider.key.clone(), name: provider.name.clone() }).collect()
}

fn named(app: &App, key: &str) -> Result<(String, String), Problem> {
    let found = app.config().identity_providers.iter().find(|provider| provider.key == key);
    let found = found.ok_or(Error::NotFound("identity provider"))?;
    Ok((found.key.clone(), found.name.clone()))
}

fn message(page: &Page, context: &serde_json::Value) -> Answer {
    page.gate("gate/message.html", context)
}

fn reference(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<RequestId>().map(|id| id.0.clone())
}

/// The page of a provider that does not answer: nothing is lost, one tries again.
fn failed(page: &Page, request: &HttpRequest, again: &str) -> Answer {
    let mut answer = message(
        page,
        &json!({
            "label": "Not available",
            "icon": "warning",
            "title": "The sign-in of your company does not answer",
            "text": "It is asked over the network and gave no answer that can be used. Try again in a moment. Whoever \
                     administers this house can sign in here meanwhile.",
            "facts": [],
            "actions": [
                { "href": again, "label": "Try again", "primary": true },
                { "href": "/sign-in", "label": "To the sign-in", "primary": false },
            ],
            "reference": reference(request),
        }),
    )?;
    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    answer.headers_mut().insert(RETRY_AFTER, actix_web::http::header::HeaderValue::from_static("10"));
    Ok(answer)
}

fn refused(app: &App, page: &Page, request: &HttpRequest, (key, refusal): (&str, Refusal)) -> Answer {
    let (key, name) = named(app, key)?;
    let (status, title, text) = if refusal.is_about_the_person() {
        let text = format!(
            "What {name} says of you opens no account here. Ask the service desk, or whoever invited you; the \
             reference tells them why."
        );
        (StatusCode::FORBIDDEN, "This sign-in does not let you in", text)
    } else if refusal == Refusal::ProviderRefused {
        let text =
            format!("{name} did not sign you in, or you stopped there. Begin again, or ask its help desk.");
        (StatusCode::BAD_REQUEST, "You were not signed in", text)
    } else if refusal == Refusal::NotAskedAnew {
        let text = format!(
            "This is a shared workstation, and {name} let in whom it still knew without asking who you are. Sign out \
             there first, then begin again; if that does not help, tell the service desk."
        );
        (StatusCode::FORBIDDEN, "The sign-in of your company did not ask who you are", text)
    } else {
        let text = "It was begun in another browser, took longer than ten minutes, was used before, or what came \
                    back does not fit. Begin again; if that does not help, the service desk sees in the log why."
            .to_owned();
        (StatusCode::BAD_REQUEST, "This sign-in cannot be completed", text)
    };
    let actions = json!([
        { "href": format!("/sign-in/with/{key}"), "label": "Begin again", "primary": true },
        { "href": "/sign-in", "label": "To the sign-in", "primary": false },
    ]);
    not_done(page, request, (status, "Not signed in", title), (&text, actions))
}

/// The page of what was refused.
fn not_done(
    page: &Page,
    request: &HttpRequest,
    (status, label, title): (StatusCode, &str, &str),
    (text, actions): (&str, serde_json::Value),
) -> Answer {
    let context = json!({
        "label": label, "icon": "refused", "title": title, "text": text, "facts": [], "actions": actions,
        "reference": reference(request),
    });
    let mut answer = message(page, &context)?;
    *answer.status_mut() = status;
    Ok(answer)
}
