//! Proving at an identity provider once more who one is. What comes back comes to the same address as a sign-in.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde_json::json;

use super::{Next, Wanted, begin, named, not_done};
use crate::app::App;
use crate::error::Error;
use crate::http::identify::Current;
use crate::http::{Answer, Page};
use crate::signin::http::pages::own_path;
use crate::sso::Refusal;

/// GET /prove/with/{provider}
///
/// # Errors
/// 404 for an unknown provider, or one at which one cannot prove anything; a provider that does not answer is a page of
/// its own.
pub async fn start(
    app: web::Data<App>,
    page: Page,
    request: HttpRequest,
    current: Current,
    provider: web::Path<String>,
    query: web::Query<Next>,
) -> Answer {
    let proving = Some(current.0.ok_or(Error::Unauthenticated)?);
    let next = own_path(query.into_inner().next);
    let wanted = Wanted { provider: provider.into_inner(), next, proving, ..Wanted::default() };
    begin(&app, &page, &request, wanted).await
}

/// The page of a proof that is none.
pub(super) fn refused(
    app: &App,
    page: &Page,
    request: &HttpRequest,
    (key, refusal): (&str, Refusal),
) -> Answer {
    let (_, name) = named(app, key)?;
    let text = match refusal {
        Refusal::ProofOld => format!(
            "{name} did not ask you anew, or does not say when it did. Begin again and sign in there when it asks; if it \
             never does, use another way."
        ),
        Refusal::FactorMissing => {
            format!("{name} does not say that you showed more than one factor. Sign in there with a second one.")
        }
        Refusal::OtherSubject => format!("Whoever signed in at {name} just now is not who is signed in here."),
        _ => "It took longer than ten minutes, was used before, the session here has ended, or what came back does not \
              fit. Begin again."
            .to_owned(),
    };
    let actions = json!([
        { "href": "/prove", "label": "Begin again", "primary": true },
        { "href": "/", "label": "Leave it", "primary": false },
    ]);
    let head = (StatusCode::FORBIDDEN, "Not proved", "This does not show that it is you");
    not_done(page, request, head, (&text, actions))
}
