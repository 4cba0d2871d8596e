//! The description of every call for programs (OpenAPI 3.1), served at `/openapi.json`.
//!
//! A handler says its body and its answer beside itself; what all calls share is added here from the route table: who
//! may call, what a path's parameters are, which problems may come back. To add a call: `#[utoipa::path]` above its
//! handler, its name in the list below. `tests/it/openapi.rs` finds whatever is missing or too much.

use std::sync::OnceLock;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::ContentType;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, Content, OpenApi as Document, PathItem, Ref, RefOr, Required, SecurityRequirement,
};
use utoipa::{Modify, OpenApi};

use super::problem::ProblemDetails;
use super::routes::{self, Needs, Row};
use super::{Answer, health, idempotency, log};
use crate::access::http as access;
use crate::decision::http as decision;
use crate::error::Error;
use crate::ids::text_of;
use crate::provisioning::http::import as provisioning_import;
use crate::provisioning::http::{holdings, tasks};
use crate::signin::http as signin;
use crate::signin::sessions::COOKIE;
use crate::{accounts, alarms, exceptions, leavers, requests, reviews, sso};

/// The longest value of one query parameter, in characters.
pub const LONGEST_PARAMETER: usize = 512;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bailiwick",
        description = "Who are they, what may they touch and why, and when does it end. Errors are RFC 9457 \
                       `application/problem+json`. Examples: docs/api.md; problem types: docs/problems.md."
    ),
    paths(
        show,
        health::live,
        health::ready,
        signin::enrol,
        signin::begin_factor,
        signin::confirm_factor,
        signin::sign_in,
        signin::show_code,
        signin::choose_password,
        signin::session,
        signin::sign_out,
        signin::remaining,
        signin::workstations::index,
        signin::workstations::create,
        signin::workstations::show,
        signin::workstations::rename,
        signin::workstations::end,
        signin::workstations::renew_code,
        signin::pages::well_known_change_password,
        sso::http::logout,
        sso::http::attestations::index,
        sso::http::attestations::create,
        sso::http::attestations::early_end,
        sso::http::identities::index,
        sso::http::identities::unlink,
        sso::http::identities::own,
        sso::http::identities::unlink_own,
        signin::me,
        signin::own_sessions,
        signin::own::end_other_sessions,
        signin::own::end_sessions_of,
        signin::own::prove,
        signin::own::challenge,
        signin::own::prove_by_passkey,
        signin::own::begin_authenticator,
        signin::own::confirm_authenticator,
        signin::own::remove_authenticator,
        signin::own::renew_recovery_codes,
        signin::passkeys::sign_in_challenge,
        signin::passkeys::sign_in,
        signin::passkeys::factor_challenge,
        signin::passkeys::show_factor,
        signin::passkeys::enrolment_challenge,
        signin::passkeys::enrol,
        signin::passkeys::index,
        signin::passkeys::challenge,
        signin::passkeys::create,
        signin::passkeys::rename,
        signin::passkeys::remove,
        signin::end_own_session,
        signin::change_password,
        signin::unlock,
        accounts::http::index,
        accounts::http::create,
        accounts::http::search,
        accounts::http::import::import,
        accounts::http::show,
        accounts::http::change,
        accounts::http::suspension,
        accounts::http::reinstatement,
        access::apps,
        access::roles,
        access::grants,
        access::revoke,
        access::own_access,
        access::attestations::index,
        access::attestations::create,
        access::attestations::early_end,
        access::proposals::index,
        access::proposals::show,
        access::proposals::approval,
        access::proposals::refusal,
        access::proposals::withdrawal,
        access::kill_switches,
        access::pull,
        access::lift,
        holdings::index,
        holdings::claim,
        holdings::service,
        holdings::removal,
        tasks::index,
        tasks::show,
        tasks::completion,
        tasks::verification,
        tasks::reopening,
        tasks::hand_over,
        tasks::refusal,
        provisioning_import::import,
        alarms::http::index,
        alarms::http::create,
        alarms::http::show,
        alarms::http::acknowledgement,
        alarms::http::investigation,
        alarms::http::closure,
        exceptions::http::index,
        exceptions::http::create,
        exceptions::http::show,
        exceptions::http::approval,
        exceptions::http::early_end,
        exceptions::http::own_decisions,
        exceptions::http::objection,
        log::events,
        log::checkpoint,
        log::prove,
        decision::evaluation,
        decision::evaluations,
        decision::search::subjects,
        decision::search::resources,
        decision::search::actions,
        decision::metadata,
        decision::tell_usage,
        decision::held::holders,
        decision::held::holdings,
        decision::held::simulation,
        requests::http::index,
        requests::http::create,
        requests::http::show,
        requests::http::approval,
        requests::http::refusal,
        requests::http::withdrawal,
        requests::http::give_grant,
        reviews::http::index,
        reviews::http::open,
        reviews::http::show,
        reviews::http::items,
        reviews::http::report,
        reviews::http::decisions,
        reviews::http::sign_off,
        reviews::http::revocation,
        leavers::http::index,
        leavers::http::start,
        leavers::http::show,
        leavers::http::withdrawal,
        leavers::http::confirmation,
    ),
    components(schemas(ProblemDetails)),
    modifiers(&Shared),
)]
struct Calls;

/// The whole description.
pub fn document() -> &'static Document {
    static DOCUMENT: OnceLock<Document> = OnceLock::new();
    DOCUMENT.get_or_init(Calls::openapi)
}

/// `GET /openapi.json`: this description.
///
/// # Errors
/// None; the type is that of handlers.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, body = Object)))]
pub async fn show() -> Answer {
    let text =
        serde_json::to_string(document()).map_err(|cause| Error::internal("describing the API", cause))?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(text))
}

/// The operation of a row of the route table, if it is described.
pub fn operation(row: &Row) -> Option<&'static Operation> {
    let item = document().paths.paths.get(row.path)?;
    match row.method {
        Method::GET => item.get.as_ref(),
        Method::POST => item.post.as_ref(),
        Method::PUT => item.put.as_ref(),
        Method::PATCH => item.patch.as_ref(),
        Method::DELETE => item.delete.as_ref(),
        _ => None,
    }
}

/// What all calls share.
struct Shared;

impl Modify for Shared {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_with(Components::new);
        let cookie =
            ApiKeyValue::with_description(COOKIE, "A complete sign-in; writes need this house's Origin.");
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key, as `bailiwick key issue` prints it."));
        components.add_security_scheme("key", SecurityScheme::Http(bearer.build()));
        for row in routes::TABLE {
            let Some(item) = document.paths.paths.get_mut(row.path) else { continue };
            if let Some(operation) = of_method(item, &row.method) {
                share(operation, row);
            }
        }
    }
}

fn of_method<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    match *method {
        Method::GET => item.get.as_mut(),
        Method::POST => item.post.as_mut(),
        Method::PUT => item.put.as_mut(),
        Method::PATCH => item.patch.as_mut(),
        Method::DELETE => item.delete.as_mut(),
        _ => None,
    }
}

fn share(operation: &mut Operation, row: &Row) {
    let words = |text: &str| text.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    let path = row.path.trim_matches(['/', '}']).replace(['{', '}'], "");
    operation.operation_id = Some(format!("{}_{}", row.method.as_str().to_lowercase(), words(&path)));
    operation.tags = Some(vec![tag(row.path).to_owned()]);
    let needs = match row.needs {
        Needs::Nothing => "Needs no credentials.".to_owned(),
        Needs::SignedIn => "Needs a complete sign-in or a key.".to_owned(),
        Needs::Permission(feature, action) => format!("Needs the permission `bailiwick/{feature}:{action}`."),
    };
    let said = operation.description.take().unwrap_or_default().replace("# Errors\n", "Refused: ");
    operation.description = Some(format!("{needs}\n\n{said}").trim_end().to_owned());
    operation.security = Some(match row.needs {
        Needs::Nothing => Vec::new(),
        _ => ["session", "key"].map(|name| SecurityRequirement::new(name, [""; 0])).to_vec(),
    });
    let parameters = operation.parameters.get_or_insert_with(Vec::new);
    parameters.iter_mut().for_each(limit);
    parameters.extend(path_parameters(row.path));
    if row.method != Method::GET && row.needs != Needs::Nothing && row.path.starts_with("/api/") {
        parameters.push(idempotency_key());
    }
    for status in problems(operation, row) {
        let content = Content::new(Some(RefOr::<Schema>::Ref(Ref::from_schema_name("ProblemDetails"))));
        let response = ResponseBuilder::new().content("application/problem+json", content);
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| response.description("A problem").into());
    }
}

/// The slice that a path belongs to.
fn tag(path: &str) -> &str {
    let mut parts = path.trim_start_matches('/').split('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("api"), _, Some(slice)) => slice,
        (Some("access"), ..) => "decisions",
        (Some(first), ..) => first.trim_start_matches('.').trim_end_matches(".json"),
        (None, ..) => "",
    }
}

/// No text in a query is longer than every name.
fn limit(parameter: &mut Parameter) {
    if let Some(RefOr::T(Schema::Object(object))) = &mut parameter.schema
        && matches!(&object.schema_type, SchemaType::Type(Type::String))
            | matches!(&object.schema_type, SchemaType::Array(types) if types.contains(&Type::String))
    {
        object.max_length.get_or_insert(LONGEST_PARAMETER);
    }
}

/// The header with which a write takes effect once.
fn idempotency_key() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[!-~]+$"))
        .min_length(Some(1))
        .max_length(Some(idempotency::LONGEST));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "Sent again with the same key, the call takes no second effect and is answered alike.",
        ))
        .schema(Some(schema))
        .build()
}

/// What stands in braces: ids are UUIDs, systems are keys of the catalogue.
fn path_parameters(path: &str) -> impl Iterator<Item = Parameter> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).map(|name| {
        let schema: RefOr<Schema> = match name {
            "system" | "key" | "app" | "role" | "provider" => {
                ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(64)).into()
            }
            _ => text_of(&[], Some("uuid"), None),
        };
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
        parameter.required(Required::True).schema(Some(schema)).build()
    })
}

/// The statuses with which a call of this kind may be refused, whatever it does.
fn problems(operation: &Operation, row: &Row) -> Vec<&'static str> {
    let writes = row.method != Method::GET;
    let reads_input = operation.request_body.is_some()
        || operation.parameters.iter().flatten().any(|one| one.parameter_in == ParameterIn::Query);
    let mut all = vec!["400", "401", "503"];
    if writes || matches!(row.needs, Needs::Permission(..)) {
        all.push("403");
    }
    if writes || row.path.contains('{') || row.path.starts_with("/api/v1/log/") {
        all.push("404");
    }
    if writes {
        all.extend(["409", "429"]);
    }
    if operation.request_body.is_some() {
        all.extend(["413", "415"]);
    }
    if reads_input || writes {
        all.push("422");
    }
    all
}
