//! What one person tries through calls, pages and a key of theirs.

use actix_web::test::TestRequest;
use bailiwick::access::apply::PolicyFile;
use bailiwick::access::proposals::{self, Brought};
use serde_json::{Value, json};

use super::{COURIER, Stage};
use crate::support::{id_of, person};

/// A request that a role of the courier's or the order desk's be given.
fn role(account: &str, role: &str) -> Value {
    json!({ "account": account, "role": role, "reason": "I need it", "duration": "20d" })
}

const NOTE: &str = "I say so myself";
const HEAD: &str = "system,external_login,employee_id,email,role,granted_at,last_used";

impl Stage {
    /// Everything, one after the other.
    pub async fn everything(&mut self) {
        self.asking_and_approving().await;
        self.people().await;
        self.lists_and_reviews().await;
        self.proposing().await;
        self.rules_and_stops().await;
    }

    /// A call by the person in a session and then by their key; the answer to the first.
    async fn call(&mut self, method: &str, row: &str, address: &str, body: Value) -> Value {
        let row = format!("{method} {row}");
        let send = |body: &Value| {
            let request = TestRequest::with_uri(address).method(method.parse().expect("a method"));
            request.set_json(body)
        };
        let reply = self.priya.browser.send(send(&body)).await;
        assert!(
            !matches!(reply.status, 400 | 401 | 404 | 405 | 500..),
            "{row}: {} {}",
            reply.status,
            reply.body
        );
        self.look(&row, &format!("as a person, {}", reply.status));
        let by_key = self.robot.send(send(&body)).await;
        assert!(
            !matches!(by_key.status, 400 | 401 | 405 | 500..),
            "{row}: {} {}",
            by_key.status,
            by_key.body
        );
        self.look(&row, &format!("with a key, {}", by_key.status));
        serde_json::from_str(&reply.body).unwrap_or_default()
    }

    async fn post(&mut self, row: &str, id: &str, body: Value) -> Value {
        self.call("POST", row, &row.replacen("{id}", id, 1), body).await
    }

    /// A form of a page.
    async fn form(&mut self, row: &str, id: &str, fields: &[(&str, &str)]) {
        let reply = self.priya.browser.submit(&row.replacen("{id}", id, 1), fields).await;
        assert!(
            !matches!(reply.status, 400 | 401 | 404 | 405 | 500..),
            "{row}: {} {}",
            reply.status,
            reply.body
        );
        self.look(&format!("POST {row}"), &format!("on the page, {}", reply.status));
    }

    async fn asking_and_approving(&mut self) {
        let (me, robot, ben) = (self.priya.id().to_string(), self.service.clone(), self.ben.clone());
        let wanted = [
            (&me, "courier/label-reader"),
            (&robot, "courier/label-reader"),
            (&me, "orders/address-reader"),
            (&robot, "orders/address-reader"),
            (&ben, "orders/address-reader"),
        ];
        let mut requests = Vec::new();
        for (account, wanted) in wanted {
            let made = self.post("/api/v1/requests", "", role(account, wanted)).await;
            requests.push(id_of(&made));
            self.post("/api/v1/grants", "", role(account, wanted)).await;
        }
        let fields = [("role", "orders/phone-reader"), ("reason", "I need it"), ("lasts", "30d")];
        self.form("/requests", "", &fields).await;
        let own = self.priya.browser.get("/api/v1/requests?view=mine").await.expect(200).json();
        requests.extend(own["items"].as_array().into_iter().flatten().map(id_of));
        for request in requests {
            self.post("/api/v1/requests/{id}/approval", &request, json!({ "note": NOTE })).await;
            self.form("/requests/{id}/approval", &request, &[("note", NOTE)]).await;
        }
    }

    async fn people(&mut self) {
        let (me, robot, ben) = (self.priya.id().to_string(), self.service.clone(), self.ben.clone());
        // Ada may read: whoever is asked for by one of her names must go on being her.
        for taken in [json!({ "external_id": "ada" }), json!({ "username": "ada", "reason": "I like it" })] {
            for account in [&me, &robot] {
                self.call(
                    "PATCH",
                    "/api/v1/accounts/{id}",
                    &format!("/api/v1/accounts/{account}"),
                    taken.clone(),
                )
                .await;
            }
        }
        let job = json!({ "department": "Order desk", "job_title": "Order clerk", "manager": me });
        self.call("PATCH", "/api/v1/accounts/{id}", &format!("/api/v1/accounts/{ben}"), job).await;
        let puppet = json!({ "kind": "person", "username": "puppet", "given_name": "P", "family_name": "Q",
                             "external_id": "ada", "manager": me });
        self.post("/api/v1/accounts", "", puppet).await;
        let service = json!({ "kind": "service", "username": "robot-two", "owner": me, "external_id": me });
        self.post("/api/v1/accounts", "", service).await;
        let head = "employee_id,username,given_name,family_name,email,manager,department,job_title,start_date,end_date";
        let list = format!(
            "{head}\nE-1,priya.raman,P,R,,,Order desk,Order clerk,2026-01-01,\nE-2,ada,A,B,,E-1,Order desk,Order clerk,2026-01-01,\n"
        );
        let import = TestRequest::post().uri("/api/v1/accounts/import").set_payload(list);
        let status = self.priya.browser.send(import).await.status;
        self.look("POST /api/v1/accounts/import", &status.to_string());
        self.form("/people", "", &[("username", "puppet.two"), ("given_name", "P"), ("family_name", "Q")])
            .await;
        self.form("/people/{id}/invitation", &me, &[]).await;
        self.post("/api/v1/accounts/{id}/suspend", &ben, json!({ "cause": "leave" })).await;
        self.post("/api/v1/accounts/{id}/reinstate", &ben, json!({ "reason": NOTE })).await;
        self.form("/people/{id}/reinstatement", &ben, &[("reason", NOTE)]).await;
        for account in [&me, &robot, &ben] {
            let shown = json!({ "account": account, "kind": "training:data-protection", "evidence": NOTE });
            self.post("/api/v1/attestations", "", shown).await;
            let fields = [("kind", "training:data-protection"), ("evidence", NOTE)];
            self.form("/people/{id}/attestations", account, &fields).await;
        }
    }

    async fn lists_and_reviews(&mut self) {
        let list = format!(
            "{HEAD}\ncourier,p.raman,E-1,,label-reader,,\ncourier,ghost,,,label-reader,,\ncourier,ghost2,,,label-reader,,\n"
        );
        let import = TestRequest::post().uri("/api/v1/grants/import").set_payload(list);
        self.priya.browser.send(import).await.expect(200);
        self.look("POST /api/v1/grants/import", "as a person");
        let found = self.priya.browser.get("/api/v1/holdings?view=orphans").await.expect(200).json();
        let orphans: Vec<String> = found["items"].as_array().into_iter().flatten().map(id_of).collect();
        let me = self.priya.id().to_string();
        self.form("/existing-access/{id}/claim", &orphans[0], &[("username", "priya.raman")]).await;
        self.post("/api/v1/holdings/{id}/claim", &orphans[0], json!({ "account": me })).await;
        self.form("/existing-access/{id}/service", &orphans[1], &[("username", "ghost-robot")]).await;
        self.post("/api/v1/holdings/{id}/service", &orphans[1], json!({ "username": "ghost-robot-2" })).await;

        let body =
            json!({ "name": "Labels", "scope": { "app": "courier" }, "due_at": self.house.in_days(10) });
        let made = self.post("/api/v1/reviews", "", body).await;
        let mut reviews: Vec<String> = made["id"].as_str().map(str::to_owned).into_iter().collect();
        self.form(
            "/reviews",
            "",
            &[("name", "Labels again"), ("application", "courier"), ("due_on", "2026-12-20")],
        )
        .await;
        let all = self.priya.browser.get("/api/v1/reviews").await.expect(200).json();
        reviews.extend(all["items"].as_array().into_iter().flatten().map(id_of));
        assert!(!reviews.is_empty(), "there is a review to decide in: {all}");
        for review in reviews {
            let items =
                self.priya.browser.get(&format!("/api/v1/reviews/{review}/items")).await.expect(200).json();
            let items = items["items"].as_array().cloned().unwrap_or_default();
            let keep = |item: &Value| json!({ "item": id_of(item), "decision": "keep", "reason": NOTE });
            let keep: Vec<Value> = items.iter().map(keep).collect();
            self.post("/api/v1/reviews/{id}/decisions", &review, json!(keep)).await;
            self.post("/api/v1/reviews/{id}/sign-off", &review, json!({})).await;
            let verdict = format!("verdict-{}", items.first().map(id_of).unwrap_or_default());
            self.form("/reviews/{id}/drafts", &review, &[(&verdict, "keep"), ("reason", NOTE)]).await;
            self.form("/reviews/{id}/sign-off", &review, &[]).await;
        }
    }

    /// Catalogues that would open more: proposed from the shell, and by themselves.
    async fn proposing(&mut self) {
        let wider = |from: &str, to: &str| PolicyFile {
            name: "courier.toml".to_owned(),
            text: COURIER.replacen(from, to, 1),
        };
        let files = [
            wider("actions = [\"read\"]\n", "actions = [\"read\", \"print\"]\n"),
            wider("approval = [\"owner\"]", "approval = [\"manager\"]"),
        ];
        for file in files {
            let shell = self.house.propose(&file).await;
            self.post("/api/v1/proposals/{id}/approval", &shell, json!({ "note": NOTE })).await;
            self.form("/proposals/{id}/approval", &shell, &[("note", NOTE)]).await;
            let (by, files) = (person(&self.house, &self.priya.id()), vec![file]);
            let made = self.house.app.write(&by, move |tx| proposals::bring(tx, &files)).await;
            if let Ok(Brought::Proposed(own, _)) = made.map(|done| done.value) {
                self.post("/api/v1/proposals/{id}/approval", own.id.as_str(), json!({ "note": NOTE })).await;
            }
        }
    }

    async fn rules_and_stops(&mut self) {
        let me = self.priya.id().to_string();
        let wanted = json!({ "kind": "exclusion", "what": "giving-and-watching", "account": me, "reason": NOTE,
                             "control": NOTE, "ends_at": self.house.in_days(20) });
        let made = self.post("/api/v1/exceptions", "", wanted).await;
        let exception = id_of(&made);
        self.post("/api/v1/exceptions/{id}/approval", &exception, json!({})).await;
        self.form("/exceptions/{id}/approval", &exception, &[]).await;
        let fields = [
            ("what", "giving-and-watching"),
            ("username", "priya.raman"),
            ("reason", NOTE),
            ("control", NOTE),
            ("last_day", "2026-12-20"),
        ];
        self.form("/exceptions", "", &fields).await;
        let pulled =
            self.post("/api/v1/kill-switches", "", json!({ "target": "courier", "reason": NOTE })).await;
        let lift = format!("/api/v1/kill-switches/{}", id_of(&pulled));
        self.call("DELETE", "/api/v1/kill-switches/{id}", &lift, Value::Null).await;
        let me = self.priya.id();
        let alarm = self
            .house
            .done(move |tx| {
                bailiwick::alarms::report(
                    tx,
                    bailiwick::alarms::Severity::Warning,
                    Some(&me),
                    "Something is odd",
                )
            })
            .await
            .to_string();
        self.post("/api/v1/alarms/{id}/closure", &alarm, json!({ "finding": NOTE })).await;
        self.form("/alarms/{id}/closure", &alarm, &[("finding", NOTE)]).await;
    }
}
