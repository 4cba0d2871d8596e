//! No side doors (E6: all access is management's): every address that writes and every command, tried by one person
//! alone who may nearly everything. Nothing that they do by themselves lets them, their service, or somebody whom they
//! favour read personal data.
//!
//! A new address or command that changes something wants its line here: tried, or harmless for a reason.

mod attempts;
mod shell;

use std::collections::BTreeSet;

use actix_web::http::Method;
use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::accounts::{self, Changes};
use bailiwick::app::App;
use bailiwick::decision::Question;
use bailiwick::http::routes::TABLE;
use serde_json::json;

use crate::support::{Browser, House, Member, shipped};

/// A system with personal data that never asks here, so that lists of it are imported.
pub const COURIER: &str = r#"
key = "courier"
owner = "priya.raman"
integration = "manual"
[[feature]]
key = "label"
class = "pii"
actions = ["read", "print"]
[[role]]
key = "label-reader"
access_role = true
approval = ["owner"]
max_duration = "90d"
[[role.allow]]
feature = "label"
actions = ["read"]
"#;

/// Addresses that write and can give nobody anything, each with why.
const HARMLESS: &[(&str, &str)] = &[
    ("/first-run", "the set-up link works once, in a house that nobody has set up"),
    (
        "/api/v1/enrolment",
        "a link lets one in as the person it was made for, who has what was approved for them",
    ),
    ("/api/v1/enrolment/totp", "likewise"),
    ("/api/v1/enrolment/totp/confirmation", "likewise"),
    ("/api/v1/enrolment/passkey/challenge", "likewise"),
    ("/api/v1/enrolment/passkey", "likewise"),
    ("/enrolment/passkey", "likewise"),
    ("/enrol/{token}", "likewise"),
    ("/enrolment/totp", "likewise"),
    ("/recover", "asks for a link to one's own mailbox"),
    ("/recover/{token}", "one's own password, by a link to one's own mailbox"),
    ("/unlock/{token}", "lets somebody try their own password again"),
    ("/pass", "lets one in as the person whose password one knows, who has what was approved for them"),
    (
        "/people/{id}/handovers",
        "for whoever holds an access role a second person has to agree; see `recovery`",
    ),
    ("/people/{id}/handovers/approval", "likewise"),
    ("/people/{id}/handovers/withdrawal", "takes away"),
    (
        "/api/v1/identity-providers/{provider}/attestations",
        "says what somebody saw; how one signs in, and what one may do, stay the same",
    ),
    ("/api/v1/identity-providers/{provider}/attestations/{id}/end", "likewise"),
    ("/settings/identity-providers/{provider}/attestations", "likewise"),
    ("/settings/mail-trial", "a mail to oneself"),
    ("/api/v1/signin", "a sign-in gives nobody a role"),
    ("/api/v1/signin/totp", "likewise"),
    ("/api/v1/signin/password", "likewise"),
    ("/api/v1/signin/passkey/challenge", "likewise"),
    ("/api/v1/signin/passkey", "likewise"),
    ("/api/v1/signin/factor/challenge", "likewise"),
    ("/api/v1/signin/factor", "likewise"),
    ("/sign-in", "likewise"),
    ("/sign-in/totp", "likewise"),
    ("/sign-in/password", "likewise"),
    ("/api/v1/identity-providers/{provider}/logout", "ends sessions"),
    ("/api/v1/accounts/{id}/identities/{provider}", "takes away"),
    ("/people/{id}/identities/{provider}/removal", "likewise"),
    ("/api/v1/me/identities/{provider}", "one's own way in"),
    ("/me/security/identities/{provider}/removal", "likewise"),
    ("/api/v1/session", "ends a session"),
    ("/sign-out", "likewise"),
    ("/next-person", "likewise"),
    ("/api/v1/me/sessions/{id}", "likewise"),
    ("/api/v1/me/sessions", "likewise"),
    ("/api/v1/accounts/{id}/sessions", "likewise"),
    ("/people/{id}/sessions/end", "likewise"),
    ("/me/security/sessions/{id}/end", "likewise"),
    ("/me/security/sessions/end", "likewise"),
    ("/api/v1/me/password", "one's own password"),
    ("/me/password", "likewise"),
    ("/api/v1/me/proof", "shows again who one is"),
    ("/api/v1/me/proof/challenge", "likewise"),
    ("/api/v1/me/proof/passkey", "likewise"),
    ("/prove", "likewise"),
    ("/api/v1/me/passkeys", "how one signs in oneself; what one may do stays the same"),
    ("/api/v1/me/passkeys/challenge", "likewise"),
    ("/api/v1/me/passkeys/{id}", "likewise"),
    ("/api/v1/me/totp", "likewise"),
    ("/api/v1/me/totp/confirmation", "likewise"),
    ("/api/v1/me/recovery-codes", "likewise"),
    ("/me/security/authenticator", "likewise"),
    ("/me/security/authenticator/removal", "likewise"),
    ("/me/security/recovery-codes", "likewise"),
    ("/me/security/passkeys/{id}/name", "likewise"),
    ("/me/security/passkeys/{id}/removal", "likewise"),
    ("/workstation", "makes sessions in this browser shorter"),
    ("/api/v1/workstations", "registers a terminal at which sessions are shorter"),
    ("/api/v1/workstations/{id}", "names it or ends it"),
    ("/api/v1/workstations/{id}/code", "lets another browser take its place"),
    ("/workstations", "registers a terminal at which sessions are shorter"),
    ("/workstations/{id}/name", "names it"),
    ("/workstations/{id}/code", "lets another browser take its place"),
    ("/workstations/{id}/end", "ends it"),
    ("/settings", "name, zone and address; a profile bounds what was given and gives nothing"),
    ("/api/v1/accounts/search", "looks for somebody"),
    ("/people/search", "likewise"),
    ("/api/v1/accounts/{id}/suspend", "takes away"),
    ("/people/{id}/suspension", "likewise"),
    ("/api/v1/accounts/{id}/unlock", "lets somebody try their own password again"),
    ("/people/{id}/unlock", "likewise"),
    ("/api/v1/grants/{id}", "takes away"),
    ("/api/v1/attestations/{id}/end", "takes away"),
    ("/people/{id}/attestations/end", "likewise"),
    ("/api/v1/proposals/{id}/refusal", "leaves all as it is"),
    ("/api/v1/proposals/{id}/withdrawal", "likewise"),
    ("/proposals/{id}/refusal", "likewise"),
    ("/proposals/{id}/withdrawal", "likewise"),
    ("/api/v1/requests/{id}/refusal", "leaves all as it is"),
    ("/api/v1/requests/{id}/withdrawal", "likewise"),
    ("/requests/{id}/refusal", "likewise"),
    ("/requests/{id}/withdrawal", "likewise"),
    ("/api/v1/holdings/{id}/removal", "takes away, in another system"),
    ("/existing-access/{id}/removal", "likewise"),
    ("/api/v1/tasks/{id}/completion", "says what was done in another system"),
    ("/api/v1/tasks/{id}/verification", "likewise"),
    ("/api/v1/tasks/{id}/reopening", "likewise"),
    ("/api/v1/tasks/{id}/hand-over", "likewise"),
    ("/api/v1/tasks/{id}/refusal", "likewise"),
    ("/tasks/{id}/completion", "likewise"),
    ("/tasks/{id}/verification", "likewise"),
    ("/tasks/{id}/reopening", "likewise"),
    ("/tasks/{id}/hand-over", "likewise"),
    ("/tasks/{id}/refusal", "likewise"),
    ("/access/v1/evaluation", "asks"),
    ("/access/v1/evaluations", "asks"),
    ("/access/v1/search/subject", "asks"),
    ("/access/v1/search/resource", "asks"),
    ("/access/v1/search/action", "asks"),
    ("/api/v1/decisions/holders", "asks"),
    ("/api/v1/decisions/holdings", "asks"),
    ("/api/v1/decisions/simulation", "tries, and undoes"),
    ("/decisions/simulation", "likewise"),
    ("/decisions/what", "asks"),
    ("/decisions/who", "asks"),
    ("/decisions/why", "asks"),
    ("/api/v1/usage", "says how many records a permit opened"),
    ("/people/import", "the same reading as the call, which is tried"),
    ("/existing-access/import", "likewise"),
    ("/api/v1/reviews/{id}/items/{item}/revocation", "takes away"),
    ("/reviews/{id}/items/{item}/revocation", "likewise"),
    ("/api/v1/leavers", "takes away"),
    ("/leavers", "likewise"),
    ("/api/v1/leavers/{id}/withdrawal", "what had not ended yet goes on as it was approved"),
    ("/api/v1/leavers/{id}/targets/{system}/confirmation", "says what was done in another system"),
    ("/api/v1/exceptions/{id}/end", "takes away"),
    ("/exceptions/{id}/end", "likewise"),
    ("/api/v1/own-decisions/{id}/objection", "stops what somebody else decided"),
    ("/objections/{id}", "likewise"),
    ("/api/v1/alarms", "reports something"),
    ("/api/v1/alarms/{id}/acknowledgement", "says who looks at it; what an alarm denies stays denied"),
    ("/api/v1/alarms/{id}/investigation", "likewise"),
    ("/alarms/{id}/acknowledgement", "likewise"),
    ("/alarms/{id}/investigation", "likewise"),
];

/// Who tries: administrator of access and people, owner of the courier's labels, with a key that may do everything.
/// Grace owns the order desk, Inês administers too; neither of them does anything here.
pub struct Stage {
    pub house: House,
    pub priya: Member,
    pub robot: Browser,
    pub service: String,
    pub ben: String,
    pub ada: String,
    /// What was tried, as `METHOD path` of the route table.
    pub tried: BTreeSet<String>,
    /// What turned out to be open.
    pub open: Vec<String>,
}

impl Stage {
    async fn new() -> Self {
        let house = House::new();
        let priya = house.member("priya.raman", &["bailiwick/administrator"]).await;
        house.member("ines.evans", &["bailiwick/administrator"]).await;
        let grace = house.person("grace", None).await;
        house.person("tomasz.wisniewski", None).await;
        let mary = house.person("mary", Some(&grace)).await;
        let ada = house.person("ada", Some(&mary)).await;
        let ben = house.person("ben", Some(&mary)).await;
        let courier = PolicyFile { name: "courier.toml".to_owned(), text: COURIER.to_owned() };
        let files = vec![shipped("orders.toml"), shipped("warehouse.toml"), courier];
        house.done(move |tx| apply::apply(tx, &files)).await;
        for role in ["bailiwick/access-admin", "bailiwick/people-admin"] {
            house.give(&priya.id(), role, 80).await;
        }
        house.give(&ada, "orders/address-reader", 60).await;
        let (own, number) = (priya.id(), Some(Some("E-1".to_owned())));
        let changes = Changes { employee_id: number, ..Changes::default() };
        house.done(move |tx| accounts::change(tx, &own, &changes)).await;
        let key = house.key("robot", &priya.id(), None, &["bailiwick/*:*"]).await;
        let robot = house.browser().await.with_key(&key.token);
        Self {
            service: key.account.to_string(),
            ben: ben.to_string(),
            ada: ada.to_string(),
            house,
            priya,
            robot,
            tried: BTreeSet::new(),
            open: Vec::new(),
        }
    }

    /// Notes that a row was tried, and whether somebody can read now who must not.
    pub fn look(&mut self, row: &str, what: &str) {
        self.tried.insert(row.to_owned());
        for reader in readers(&self.house.app, &self.subjects()) {
            self.open.push(format!("{row} {what}: {reader}"));
        }
    }

    /// Who must not come to read: the one who tries, their service, and Ben in the applications of others.
    fn subjects(&self) -> Vec<(&'static str, String, &'static [&'static str])> {
        vec![
            ("user", self.priya.id().to_string(), &["courier", "orders"]),
            ("user", "priya.raman".to_owned(), &["courier", "orders"]),
            ("service", self.service.clone(), &["courier", "orders"]),
            ("user", self.ben.clone(), &["orders"]),
        ]
    }
}

/// Those of these subjects who may read personal data now, in words.
pub fn readers(app: &App, subjects: &[(&str, String, &[&str])]) -> Vec<String> {
    let mut found = Vec::new();
    let (properties, context) = (json!({ "shipped_at": null }), json!({ "purpose": "shipping" }));
    for (kind, subject, applications) in subjects {
        for (application, feature) in
            [("courier", "label"), ("orders", "buyer-address"), ("orders", "buyer-phone")]
        {
            let question = Question {
                subject_type: kind,
                subject,
                application: Some(application),
                resource_type: feature,
                resource: "1",
                action: "read",
                properties: Some(&properties),
                subject_properties: None,
                action_properties: None,
                context: Some(&context),
                asserts: None,
            };
            let now = app.context().clock.now();
            let permits = app.decisions().evaluate(now, app.freshness(), &question).permit();
            if applications.contains(&application) && permits {
                found.push(format!("{subject} reads {application}/{feature}"));
            }
        }
    }
    found
}

#[actix_web::test]
async fn alone_nobody_opens_personal_data_to_themselves_or_whom_they_favour() {
    let mut stage = Stage::new().await;
    let ada = [("user", stage.ada.clone(), &["orders"][..])];
    assert_eq!(readers(&stage.house.app, &ada).len(), 1, "the question is one that can be answered yes");
    stage.everything().await;
    assert!(stage.open.is_empty(), "side doors:\n{}", stage.open.join("\n"));

    let writing = TABLE.iter().filter(|row| row.method != Method::GET);
    let harmless = |path: &str| HARMLESS.iter().any(|(listed, _)| *listed == path);
    let unclassified: Vec<String> = writing
        .filter(|row| !harmless(row.path))
        .map(|row| format!("{} {}", row.method, row.path))
        .filter(|row| !stage.tried.contains(row))
        .collect();
    assert!(
        unclassified.is_empty(),
        "neither tried nor harmless; try them in tests/it/side_doors: {unclassified:#?}"
    );
    let stale: Vec<_> =
        HARMLESS.iter().filter(|(path, _)| TABLE.iter().all(|row| row.path != *path)).collect();
    assert!(stale.is_empty(), "no addresses any more: {stale:?}");
}
