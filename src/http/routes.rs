//! The route table: method, path, who may call it, handler. There are no other addresses.
//!
//! To add one: write the handler in the slice's `http.rs`, add a row here, and name its permission in
//! `policies/apps/bailiwick.toml` if it is new. `tests/it/routes.rs` tries each row as nobody and in the wrong role.

use std::collections::BTreeMap;

use actix_web::http::Method;
use actix_web::{Route, web};

use super::{clauses, health, home, log, openapi};
use crate::access::http as access;
use crate::organisation::http as organisation;
use crate::signin::http as signin;
use crate::{accounts, alarms, decision, exceptions, leavers, notify, provisioning, requests, reviews, sso};

/// What a caller must have before the handler runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: anybody may call it.
    Nothing,
    /// A complete sign-in or an API key, whoever it is.
    SignedIn,
    /// The permission `bailiwick/feature:action`.
    Permission(&'static str, &'static str),
}

/// The permission `bailiwick/feature:action`.
const fn may(feature: &'static str, action: &'static str) -> Needs {
    Needs::Permission(feature, action)
}

/// One row of the table.
pub struct Row {
    /// The HTTP method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// Who may call it.
    pub needs: Needs,
    /// The handler as actix wants it.
    pub route: fn() -> Route,
}

macro_rules! table {
    ($($method:ident $path:literal, $needs:expr => $handler:path;)*) => {
        /// Every address of the house.
        pub const TABLE: &[Row] = &[$(
            Row { method: Method::$method, path: $path, needs: $needs, route: || web::method(Method::$method).to($handler) },
        )*];
    };
}

table! {
    // ---- decisions (AuthZEN 1.0); first, for actix looks for an address from the top and these are asked most
    POST "/access/v1/evaluation", may("evaluation", "ask") => decision::http::evaluation;
    POST "/access/v1/evaluations", may("evaluation", "ask") => decision::http::evaluations;
    POST "/access/v1/search/subject", may("evaluation", "search") => decision::http::search::subjects;
    POST "/access/v1/search/resource", may("evaluation", "search") => decision::http::search::resources;
    POST "/access/v1/search/action", may("evaluation", "search") => decision::http::search::actions;
    // With any method: see `ANY_METHOD`.
    GET "/forward-auth", Needs::Nothing => decision::http::forward_auth::answer;
    GET "/forward-auth/{path:.*}", Needs::Nothing => decision::http::forward_auth::answer;
    GET "/return", Needs::SignedIn => decision::http::forward_auth::go_back;
    GET "/.well-known/authzen-configuration", Needs::Nothing => decision::http::metadata;
    POST "/api/v1/usage", may("evaluation", "ask") => decision::http::tell_usage;

    // ---- health: no credentials, ready before the first run is completed
    GET "/health/live", Needs::Nothing => health::live;
    GET "/health/ready", Needs::Nothing => health::ready;
    GET "/openapi.json", Needs::Nothing => openapi::show;
    GET "/static/{path:.*}", Needs::Nothing => health::asset;
    GET "/clauses", Needs::Nothing => clauses::index;
    GET "/", Needs::SignedIn => home::index;

    // ---- the gate: first run, enrolment, sign-in; each step looks itself at how far its session has come
    GET "/set-up/{token}", Needs::Nothing => signin::set_up;
    POST "/first-run", Needs::Nothing => signin::first_run;
    POST "/api/v1/enrolment", Needs::Nothing => signin::enrol;
    POST "/api/v1/enrolment/totp", Needs::Nothing => signin::begin_factor;
    POST "/api/v1/enrolment/totp/confirmation", Needs::Nothing => signin::confirm_factor;
    POST "/api/v1/enrolment/passkey/challenge", Needs::Nothing => signin::passkeys::enrolment_challenge;
    POST "/api/v1/enrolment/passkey", Needs::Nothing => signin::passkeys::enrol;
    GET "/enrol/{token}", Needs::Nothing => signin::pages::link;
    POST "/enrol/{token}", Needs::Nothing => signin::pages::enrol;
    GET "/enrolment/totp", Needs::Nothing => signin::pages::factor;
    POST "/enrolment/totp", Needs::Nothing => signin::pages::confirm_factor;
    POST "/enrolment/passkey", Needs::Nothing => signin::pages::enrol_passkey;
    POST "/api/v1/signin", Needs::Nothing => signin::sign_in;
    POST "/api/v1/signin/totp", Needs::Nothing => signin::show_code;
    POST "/api/v1/signin/password", Needs::Nothing => signin::choose_password;
    GET "/recover", Needs::Nothing => signin::pages::ask_form;
    POST "/recover", Needs::Nothing => signin::pages::ask;
    // Before the address with a parameter, which would take it for a token.
    GET "/recover/sent", Needs::Nothing => signin::pages::asked;
    GET "/recover/{token}", Needs::Nothing => signin::pages::reset_form;
    POST "/recover/{token}", Needs::Nothing => signin::pages::reset;
    GET "/pass", Needs::Nothing => signin::pages::pass_form;
    POST "/pass", Needs::Nothing => signin::pages::pass;
    GET "/unlock/{token}", Needs::Nothing => signin::pages::unlock_form;
    POST "/unlock/{token}", Needs::Nothing => signin::pages::unlock;
    POST "/api/v1/signin/passkey/challenge", Needs::Nothing => signin::passkeys::sign_in_challenge;
    POST "/api/v1/signin/passkey", Needs::Nothing => signin::passkeys::sign_in;
    POST "/api/v1/signin/factor/challenge", Needs::Nothing => signin::passkeys::factor_challenge;
    POST "/api/v1/signin/factor", Needs::Nothing => signin::passkeys::show_factor;
    GET "/sign-in", Needs::Nothing => signin::pages::sign_in_form;
    POST "/sign-in", Needs::Nothing => signin::pages::sign_in;
    GET "/sign-in/totp", Needs::Nothing => signin::pages::code;
    POST "/sign-in/totp", Needs::Nothing => signin::pages::show_code;
    GET "/sign-in/password", Needs::Nothing => signin::pages::choose_form;
    POST "/sign-in/password", Needs::Nothing => signin::pages::choose_password;
    GET "/api/v1/session", Needs::Nothing => signin::session;
    DELETE "/api/v1/session", Needs::Nothing => signin::sign_out;
    POST "/sign-out", Needs::Nothing => signin::pages::sign_out;
    POST "/next-person", Needs::Nothing => signin::pages::next_person;
    // Asked without being a request that counts: see `QUIET`.
    GET "/api/v1/session/remaining", Needs::Nothing => signin::remaining;
    GET "/idle", Needs::Nothing => signin::pages::idle;
    GET "/workstation", Needs::Nothing => signin::pages::code_form;
    POST "/workstation", Needs::Nothing => signin::pages::take_code;
    GET "/workstation/{token}", Needs::Nothing => signin::pages::code_link;
    GET "/sign-in/with/{provider}", Needs::Nothing => sso::http::start;
    GET "/sign-in/with/{provider}/callback", Needs::Nothing => sso::http::come_back;
    GET "/sign-in/at/{provider}", Needs::Nothing => sso::http::elsewhere;
    GET "/enrol/{token}/with/{provider}", Needs::Nothing => sso::http::start_invited;
    GET "/sign-out/with/{provider}", Needs::Nothing => sso::http::sign_out;
    GET "/signed-out/{provider}", Needs::Nothing => sso::http::signed_out;
    GET "/api/v1/accounts/{id}/identities", may("accounts", "read") => sso::http::identities::index;
    DELETE "/api/v1/accounts/{id}/identities/{provider}", may("accounts", "unlock") => sso::http::identities::unlink;
    GET "/api/v1/identity-providers/{provider}/attestations", may("profile", "read") => sso::http::attestations::index;
    POST "/api/v1/identity-providers/{provider}/attestations", may("profile", "write") => sso::http::attestations::create;
    POST "/api/v1/identity-providers/{provider}/attestations/{id}/end", may("profile", "write") => sso::http::attestations::early_end;
    POST "/api/v1/identity-providers/{provider}/logout", Needs::Nothing => sso::http::logout;
    GET "/.well-known/change-password", Needs::Nothing => signin::pages::well_known_change_password;

    // ---- the house's settings
    GET "/settings", may("profile", "read") => organisation::show;
    POST "/settings", may("profile", "write") => organisation::submit;
    POST "/settings/identity-providers/{provider}/attestations", may("profile", "write") => sso::http::attestations::submit;
    POST "/settings/mail-trial", may("profile", "write") => notify::http::trial;

    // ---- shared workstations
    GET "/api/v1/workstations", may("workstations", "read") => signin::workstations::index;
    POST "/api/v1/workstations", may("workstations", "write") => signin::workstations::create;
    GET "/api/v1/workstations/{id}", may("workstations", "read") => signin::workstations::show;
    PATCH "/api/v1/workstations/{id}", may("workstations", "write") => signin::workstations::rename;
    DELETE "/api/v1/workstations/{id}", may("workstations", "write") => signin::workstations::end;
    POST "/api/v1/workstations/{id}/code", may("workstations", "write") => signin::workstations::renew_code;
    GET "/workstations", may("workstations", "read") => signin::pages::workstations::index;
    POST "/workstations", may("workstations", "write") => signin::pages::workstations::create;
    POST "/workstations/{id}/name", may("workstations", "write") => signin::pages::workstations::rename;
    POST "/workstations/{id}/code", may("workstations", "write") => signin::pages::workstations::renew_code;
    POST "/workstations/{id}/end", may("workstations", "write") => signin::pages::workstations::end;

    // ---- one's own sign-in
    GET "/api/v1/me", Needs::SignedIn => signin::me;
    GET "/api/v1/me/sessions", Needs::SignedIn => signin::own_sessions;
    DELETE "/api/v1/me/sessions", Needs::SignedIn => signin::own::end_other_sessions;
    DELETE "/api/v1/me/sessions/{id}", Needs::SignedIn => signin::end_own_session;
    GET "/api/v1/me/passkeys", Needs::SignedIn => signin::passkeys::index;
    POST "/api/v1/me/passkeys", Needs::SignedIn => signin::passkeys::create;
    POST "/api/v1/me/passkeys/challenge", Needs::SignedIn => signin::passkeys::challenge;
    PATCH "/api/v1/me/passkeys/{id}", Needs::SignedIn => signin::passkeys::rename;
    DELETE "/api/v1/me/passkeys/{id}", Needs::SignedIn => signin::passkeys::remove;
    POST "/api/v1/me/totp", Needs::SignedIn => signin::own::begin_authenticator;
    DELETE "/api/v1/me/totp", Needs::SignedIn => signin::own::remove_authenticator;
    POST "/api/v1/me/totp/confirmation", Needs::SignedIn => signin::own::confirm_authenticator;
    POST "/api/v1/me/recovery-codes", Needs::SignedIn => signin::own::renew_recovery_codes;
    POST "/api/v1/me/proof", Needs::SignedIn => signin::own::prove;
    POST "/api/v1/me/proof/challenge", Needs::SignedIn => signin::own::challenge;
    POST "/api/v1/me/proof/passkey", Needs::SignedIn => signin::own::prove_by_passkey;
    POST "/api/v1/me/password", Needs::SignedIn => signin::change_password;
    GET "/me/password", Needs::SignedIn => signin::pages::change_form;
    POST "/me/password", Needs::SignedIn => signin::pages::change_password;
    GET "/prove", Needs::SignedIn => signin::pages::proof_form;
    POST "/prove", Needs::SignedIn => signin::pages::prove;
    GET "/prove/with/{provider}", Needs::SignedIn => sso::http::proving::start;
    GET "/api/v1/me/identities", Needs::SignedIn => sso::http::identities::own;
    DELETE "/api/v1/me/identities/{provider}", Needs::SignedIn => sso::http::identities::unlink_own;
    GET "/me/security", Needs::SignedIn => signin::pages::my_security::show;
    GET "/me/security/authenticator", Needs::SignedIn => signin::pages::my_security::authenticator;
    POST "/me/security/authenticator", Needs::SignedIn => signin::pages::my_security::confirm_authenticator;
    POST "/me/security/authenticator/removal", Needs::SignedIn => signin::pages::my_security::authenticator_removal;
    POST "/me/security/recovery-codes", Needs::SignedIn => signin::pages::my_security::recovery_codes;
    POST "/me/security/passkeys/{id}/name", Needs::SignedIn => signin::pages::my_security::passkey_name;
    POST "/me/security/passkeys/{id}/removal", Needs::SignedIn => signin::pages::my_security::passkey_removal;
    POST "/me/security/identities/{provider}/removal", Needs::SignedIn => signin::pages::my_security::identity_removal;
    POST "/me/security/sessions/end", Needs::SignedIn => signin::pages::my_security::other_sessions_end;
    POST "/me/security/sessions/{id}/end", Needs::SignedIn => signin::pages::my_security::session_end;

    // ---- people and services
    GET "/api/v1/accounts", may("accounts", "read") => accounts::http::index;
    POST "/api/v1/accounts", may("accounts", "write") => accounts::http::create;
    POST "/api/v1/accounts/search", may("accounts", "read") => accounts::http::search;
    POST "/api/v1/accounts/import", may("accounts", "write") => accounts::http::import::import;
    GET "/api/v1/accounts/{id}", may("accounts", "read") => accounts::http::show;
    PATCH "/api/v1/accounts/{id}", may("accounts", "write") => accounts::http::change;
    POST "/api/v1/accounts/{id}/suspend", may("accounts", "suspend") => accounts::http::suspension;
    POST "/api/v1/accounts/{id}/reinstate", may("accounts", "suspend") => accounts::http::reinstatement;
    DELETE "/api/v1/accounts/{id}/sessions", may("accounts", "suspend") => signin::own::end_sessions_of;
    POST "/api/v1/accounts/{id}/unlock", may("accounts", "unlock") => signin::unlock;
    GET "/people", may("accounts", "read") => accounts::http::pages::index;
    POST "/people", may("accounts", "write") => accounts::http::pages::create;
    POST "/people/search", may("accounts", "read") => accounts::http::pages::search;
    GET "/people/new", may("accounts", "write") => accounts::http::pages::start;
    GET "/people/import", may("accounts", "write") => accounts::http::import::form;
    POST "/people/import", may("accounts", "write") => accounts::http::import::submit;
    GET "/people/{id}", may("accounts", "read") => accounts::http::person::show;
    POST "/people/{id}/invitation", may("accounts", "unlock") => accounts::http::person::invitation;
    // Who may hand what over is judged by the slice: the service desk, and for their own people managers.
    POST "/people/{id}/handovers", may("accounts", "read") => accounts::http::handovers::create;
    POST "/people/{id}/handovers/approval", may("accounts", "read") => accounts::http::handovers::approval;
    POST "/people/{id}/handovers/withdrawal", may("accounts", "read") => accounts::http::handovers::withdrawal;
    POST "/people/{id}/identities/{provider}/removal", may("accounts", "unlock") => accounts::http::identities::removal;
    POST "/people/{id}/attestations", may("accounts", "write") => accounts::http::attestations::create;
    POST "/people/{id}/attestations/end", may("accounts", "write") => accounts::http::attestations::early_end;
    POST "/people/{id}/unlock", may("accounts", "unlock") => accounts::http::person::unlocking;
    POST "/people/{id}/sessions/end", may("accounts", "suspend") => accounts::http::person::sessions_end;
    POST "/people/{id}/suspension", may("accounts", "suspend") => accounts::http::person::suspension;
    POST "/people/{id}/reinstatement", may("accounts", "suspend") => accounts::http::person::reinstatement;

    // ---- applications, roles, grants
    GET "/api/v1/apps", may("apps", "read") => access::apps;
    GET "/api/v1/roles", may("apps", "read") => access::roles;
    GET "/api/v1/grants", may("grants", "read") => access::grants;
    // Before the address with a parameter, which would take it for an id.
    POST "/api/v1/grants/import", may("connectors", "write") => provisioning::http::import::import;
    DELETE "/api/v1/grants/{id}", may("grants", "revoke") => access::revoke;
    GET "/api/v1/me/access", Needs::SignedIn => access::own_access;
    GET "/applications", may("apps", "read") => access::pages::index;
    GET "/applications/{key}", may("apps", "read") => access::pages::show;
    // One's own, and those within one's reach.
    GET "/api/v1/attestations", Needs::SignedIn => access::attestations::index;
    POST "/api/v1/attestations", may("accounts", "write") => access::attestations::create;
    POST "/api/v1/attestations/{id}/end", may("accounts", "write") => access::attestations::early_end;
    // Who may decide is judged by the slice: whoever writes catalogues, or owns all that it changes.
    GET "/api/v1/proposals", may("apps", "read") => access::proposals::index;
    GET "/api/v1/proposals/{id}", may("apps", "read") => access::proposals::show;
    POST "/api/v1/proposals/{id}/approval", may("apps", "read") => access::proposals::approval;
    POST "/api/v1/proposals/{id}/refusal", may("apps", "read") => access::proposals::refusal;
    POST "/api/v1/proposals/{id}/withdrawal", may("apps", "read") => access::proposals::withdrawal;
    GET "/proposals", may("apps", "read") => access::proposals::pages::index;
    GET "/proposals/{id}", may("apps", "read") => access::proposals::pages::show;
    POST "/proposals/{id}/approval", may("apps", "read") => access::proposals::pages::approval;
    POST "/proposals/{id}/refusal", may("apps", "read") => access::proposals::pages::refusal;
    POST "/proposals/{id}/withdrawal", may("apps", "read") => access::proposals::pages::withdrawal;
    GET "/api/v1/kill-switches", may("kill-switches", "read") => access::kill_switches;
    POST "/api/v1/kill-switches", may("kill-switches", "use") => access::pull;
    DELETE "/api/v1/kill-switches/{id}", may("kill-switches", "use") => access::lift;

    // ---- existing access, and tasks by hand; whose they are is judged by the slice
    GET "/api/v1/holdings", Needs::SignedIn => provisioning::http::holdings::index;
    POST "/api/v1/holdings/{id}/claim", Needs::SignedIn => provisioning::http::holdings::claim;
    POST "/api/v1/holdings/{id}/service", Needs::SignedIn => provisioning::http::holdings::service;
    POST "/api/v1/holdings/{id}/removal", Needs::SignedIn => provisioning::http::holdings::removal;
    GET "/existing-access", Needs::SignedIn => provisioning::http::holdings::page;
    GET "/existing-access/import", may("connectors", "write") => provisioning::http::import::form;
    POST "/existing-access/import", may("connectors", "write") => provisioning::http::import::submit;
    POST "/existing-access/{id}/claim", Needs::SignedIn => provisioning::http::holdings::claim_form;
    POST "/existing-access/{id}/service", Needs::SignedIn => provisioning::http::holdings::service_form;
    POST "/existing-access/{id}/removal", Needs::SignedIn => provisioning::http::holdings::removal_form;
    GET "/api/v1/tasks", Needs::SignedIn => provisioning::http::tasks::index;
    GET "/api/v1/tasks/{id}", Needs::SignedIn => provisioning::http::tasks::show;
    POST "/api/v1/tasks/{id}/completion", Needs::SignedIn => provisioning::http::tasks::completion;
    POST "/api/v1/tasks/{id}/verification", Needs::SignedIn => provisioning::http::tasks::verification;
    POST "/api/v1/tasks/{id}/reopening", Needs::SignedIn => provisioning::http::tasks::reopening;
    POST "/api/v1/tasks/{id}/hand-over", Needs::SignedIn => provisioning::http::tasks::hand_over;
    POST "/api/v1/tasks/{id}/refusal", Needs::SignedIn => provisioning::http::tasks::refusal;
    GET "/tasks", Needs::SignedIn => provisioning::http::tasks::pages::index;
    GET "/tasks/{id}", Needs::SignedIn => provisioning::http::tasks::pages::show;
    POST "/tasks/{id}/completion", Needs::SignedIn => provisioning::http::tasks::pages::completion;
    POST "/tasks/{id}/verification", Needs::SignedIn => provisioning::http::tasks::pages::verification;
    POST "/tasks/{id}/reopening", Needs::SignedIn => provisioning::http::tasks::pages::reopening;
    POST "/tasks/{id}/hand-over", Needs::SignedIn => provisioning::http::tasks::pages::hand_over;
    POST "/tasks/{id}/refusal", Needs::SignedIn => provisioning::http::tasks::pages::refusal;

    // ---- the log
    GET "/api/v1/events", may("events", "read") => log::events;
    GET "/api/v1/log/checkpoint", may("log", "read") => log::checkpoint;
    GET "/api/v1/log/proof", may("log", "read") => log::prove;
    GET "/log", may("events", "read") => log::index;

    // ---- who can what, why, and what would change; asked with POST, for it names people
    POST "/api/v1/decisions/holders", may("evaluation", "search") => decision::http::held::holders;
    POST "/api/v1/decisions/holdings", may("evaluation", "search") => decision::http::held::holdings;
    POST "/api/v1/decisions/simulation", may("evaluation", "search") => decision::http::held::simulation;
    GET "/decisions", may("evaluation", "search") => decision::http::pages::index;
    POST "/decisions/who", may("evaluation", "search") => decision::http::pages::who;
    POST "/decisions/what", may("evaluation", "search") => decision::http::pages::what;
    GET "/decisions/why", may("evaluation", "explain") => decision::http::pages::why;
    POST "/decisions/why", may("evaluation", "explain") => decision::http::pages::explain;
    GET "/decisions/simulation", may("evaluation", "search") => decision::http::pages::try_form;
    POST "/decisions/simulation", may("evaluation", "search") => decision::http::pages::simulate;

    // ---- requests; a direct grant is a request in which the giver's word may count
    GET "/api/v1/requests", may("requests", "ask") => requests::http::index;
    POST "/api/v1/requests", may("requests", "ask") => requests::http::create;
    GET "/api/v1/requests/{id}", may("requests", "ask") => requests::http::show;
    POST "/api/v1/requests/{id}/approval", may("requests", "decide") => requests::http::approval;
    POST "/api/v1/requests/{id}/refusal", may("requests", "decide") => requests::http::refusal;
    POST "/api/v1/requests/{id}/withdrawal", may("requests", "ask") => requests::http::withdrawal;
    POST "/api/v1/grants", may("grants", "give") => requests::http::give_grant;
    GET "/requests", may("requests", "ask") => requests::http::pages::index;
    GET "/requests/new", may("requests", "ask") => requests::http::pages::start;
    POST "/requests", may("requests", "ask") => requests::http::pages::create;
    GET "/requests/{id}", may("requests", "ask") => requests::http::pages::show;
    POST "/requests/{id}/approval", may("requests", "decide") => requests::http::pages::approval;
    POST "/requests/{id}/refusal", may("requests", "decide") => requests::http::pages::refusal;
    POST "/requests/{id}/withdrawal", may("requests", "ask") => requests::http::pages::withdrawal;

    // ---- reviews
    GET "/api/v1/reviews", may("reviews", "read") => reviews::http::index;
    POST "/api/v1/reviews", may("reviews", "manage") => reviews::http::open;
    GET "/api/v1/reviews/{id}", may("reviews", "read") => reviews::http::show;
    GET "/api/v1/reviews/{id}/items", may("reviews", "read") => reviews::http::items;
    GET "/api/v1/reviews/{id}/report", may("reviews", "read") => reviews::http::report;
    POST "/api/v1/reviews/{id}/decisions", may("reviews", "decide") => reviews::http::decisions;
    POST "/api/v1/reviews/{id}/sign-off", may("reviews", "decide") => reviews::http::sign_off;
    POST "/api/v1/reviews/{id}/items/{item}/revocation", may("reviews", "decide") => reviews::http::revocation;
    GET "/reviews", may("reviews", "read") => reviews::http::pages::index;
    GET "/reviews/new", may("reviews", "manage") => reviews::http::pages::start;
    POST "/reviews", may("reviews", "manage") => reviews::http::pages::open;
    GET "/reviews/{id}", may("reviews", "read") => reviews::http::pages::workbench::show;
    GET "/reviews/{id}/report", may("reviews", "read") => reviews::http::pages::report;
    POST "/reviews/{id}/drafts", may("reviews", "decide") => reviews::http::pages::workbench::drafts_form;
    POST "/reviews/{id}/sign-off", may("reviews", "decide") => reviews::http::pages::workbench::sign_off_form;
    POST "/reviews/{id}/items/{item}/revocation", may("reviews", "decide") => reviews::http::pages::workbench::revocation_form;

    // ---- leavers
    GET "/api/v1/leavers", may("leavers", "read") => leavers::http::index;
    POST "/api/v1/leavers", may("leavers", "start") => leavers::http::start;
    GET "/api/v1/leavers/{id}", may("leavers", "read") => leavers::http::show;
    POST "/api/v1/leavers/{id}/withdrawal", may("leavers", "manage") => leavers::http::withdrawal;
    POST "/api/v1/leavers/{id}/targets/{system}/confirmation", may("leavers", "manage") => leavers::http::confirmation;
    GET "/leavers", may("leavers", "read") => leavers::http::pages::index;
    GET "/leavers/new", may("leavers", "start") => leavers::http::pages::start;
    POST "/leavers", may("leavers", "start") => leavers::http::pages::open;
    GET "/leavers/{id}", may("leavers", "read") => leavers::http::pages::show;

    // ---- exceptions, and decisions about oneself, to which everybody may object
    GET "/api/v1/exceptions", may("profile", "read") => exceptions::http::index;
    POST "/api/v1/exceptions", may("profile", "write") => exceptions::http::create;
    GET "/api/v1/exceptions/{id}", may("profile", "read") => exceptions::http::show;
    POST "/api/v1/exceptions/{id}/approval", may("profile", "write") => exceptions::http::approval;
    POST "/api/v1/exceptions/{id}/end", may("profile", "write") => exceptions::http::early_end;
    GET "/api/v1/own-decisions", may("requests", "ask") => exceptions::http::own_decisions;
    POST "/api/v1/own-decisions/{id}/objection", may("requests", "ask") => exceptions::http::objection;
    GET "/exceptions", may("profile", "read") => exceptions::http::pages::index;
    POST "/exceptions", may("profile", "write") => exceptions::http::pages::create;
    POST "/exceptions/{id}/approval", may("profile", "write") => exceptions::http::pages::approval;
    POST "/exceptions/{id}/end", may("profile", "write") => exceptions::http::pages::early_end;
    GET "/objections", may("requests", "ask") => exceptions::http::pages::objections;
    POST "/objections/{id}", may("requests", "ask") => exceptions::http::pages::objection;

    // ---- alarms
    GET "/api/v1/alarms", may("alarms", "read") => alarms::http::index;
    POST "/api/v1/alarms", may("alarms", "handle") => alarms::http::create;
    GET "/api/v1/alarms/{id}", may("alarms", "read") => alarms::http::show;
    POST "/api/v1/alarms/{id}/acknowledgement", may("alarms", "handle") => alarms::http::acknowledgement;
    POST "/api/v1/alarms/{id}/investigation", may("alarms", "handle") => alarms::http::investigation;
    POST "/api/v1/alarms/{id}/closure", may("alarms", "handle") => alarms::http::closure;
    GET "/alarms", may("alarms", "read") => alarms::http::pages::index;
    GET "/alarms/{id}", may("alarms", "read") => alarms::http::pages::show;
    POST "/alarms/{id}/acknowledgement", may("alarms", "handle") => alarms::http::pages::acknowledgement;
    POST "/alarms/{id}/investigation", may("alarms", "handle") => alarms::http::pages::investigation;
    POST "/alarms/{id}/closure", may("alarms", "handle") => alarms::http::pages::closure;
}

/// What proxies ask, with whatever method the request has that they ask about. It judges everything itself.
pub const ANY_METHOD: [&str; 2] = ["/forward-auth", "/forward-auth/{path:.*}"];

/// What a page asks to know whether its time is over. Nobody is identified there, since being identified is a request that
/// lets a session live on; they look at the cookie themselves.
pub const QUIET: [&str; 2] = ["/idle", "/api/v1/session/remaining"];

/// The row for a method and a pattern.
pub fn find(method: &Method, pattern: &str) -> Option<&'static Row> {
    let any = method == Method::HEAD || ANY_METHOD.contains(&pattern);
    let method = if any { &Method::GET } else { method };
    TABLE.iter().find(|row| row.method == method && row.path == pattern)
}

/// Registers every row with actix; a known path with another method is 405.
pub fn register(config: &mut web::ServiceConfig) {
    let mut paths: BTreeMap<usize, (&'static str, Vec<Route>)> = BTreeMap::new();
    for (place, row) in TABLE.iter().enumerate() {
        let first = TABLE.iter().position(|other| other.path == row.path).unwrap_or(place);
        paths.entry(first).or_insert_with(|| (row.path, Vec::new())).1.push((row.route)());
    }
    for (path, routes) in paths.into_values() {
        let resource = web::resource(path);
        let resource = if ANY_METHOD.contains(&path) {
            resource.default_service(web::to(decision::http::forward_auth::answer))
        } else {
            resource.default_service(web::to(super::problem::unknown_method))
        };
        config.service(routes.into_iter().fold(resource, actix_web::Resource::route));
    }
}
