//! Every JSON call that takes a body, made as it should be: for tests that spoil one field of it, and for tests that
//! look where the words went that somebody typed.

use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::signin::links::Purpose;
use chrono::Duration;
use serde_json::{Value, json};

use super::stage::{
    PAYROLL, a_permit_by_name, a_second_alarm, a_second_review, a_workstation, four_proposals, half_way_in,
    logins_of_nobody, somebody_asks, somebody_leaves, somebody_vouches, something_shown, two_mailed_links,
    with_surroundings,
};
use super::{Browser, House, Life, PASSWORD};

/// Words that stand nowhere else, each with the place that it was typed into.
#[derive(Default)]
pub struct Words {
    pub typed: Vec<(String, String)>,
}

impl Words {
    /// A new word for a field.
    pub fn word(&mut self, place: &str) -> String {
        let word = format!("qzlantern{:04}x", self.typed.len());
        self.typed.push((word.clone(), place.to_owned()));
        word
    }
}

/// Who makes a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    Priya,
    Mary,
    Ada,
    Tomasz,
    Officer,
    Invited,
    Half,
    Nobody,
    Desk,
}

/// A house in which every call has something to be about.
pub struct Stage {
    pub house: House,
    pub life: Life,
    pub desk: Browser,
    /// Follows a link to enrol.
    pub invited: Browser,
    /// Has given the password only.
    pub half: Browser,
    pub nobody: Browser,
    /// The security officer.
    pub officer: Browser,
    link: String,
    mailed: Vec<(Purpose, String)>,
    rester: String,
    leaver: String,
    case: String,
    to_refuse: String,
    to_approve: String,
    spare: String,
    people: Vec<String>,
    second_campaign: String,
    second_item: String,
    orphans: Vec<String>,
    fresh_alarm: String,
    proposals: Vec<String>,
    evaluation: String,
    attestation: String,
    workstation: String,
    vouched: String,
}

/// A call as it should be made.
pub struct Call {
    pub who: Who,
    pub address: String,
    pub body: Value,
}

impl Stage {
    /// Sets everything up.
    pub async fn new() -> Self {
        let house = with_surroundings(House::new());
        let mut life = house.lived_in().await;
        let payroll = vec![PolicyFile { name: "payroll.toml".to_owned(), text: PAYROLL.to_owned() }];
        house.done(move |tx| apply::apply(tx, &payroll)).await;
        let case = somebody_leaves(&house, &mut life).await;
        let spare = house.person("spare", None).await;
        let spare = house.give(&spare, "warehouse/picker", 30).await.id.to_string();
        let (mut people, mut waiting) = (Vec::new(), Vec::new());
        for username in ["uma.first", "uma.second"] {
            let (person, request) = somebody_asks(&house, &life, username).await;
            people.push(person);
            waiting.push(request);
        }
        let (second_campaign, second_item) = a_second_review(&house, &mut life).await;
        let orphans = logins_of_nobody(&mut life).await;
        let (officer, fresh_alarm) = a_second_alarm(&house, &life).await;
        let rester = house.person("resting.person", None).await.to_string();
        let attestation = something_shown(&mut life, &rester).await;
        let workstation = a_workstation(&mut life).await;
        let vouched = somebody_vouches(&house, &mut life).await;
        let leaver = house.person("leaving.person", None).await.to_string();
        let mut desk = house.order_desk(&life.staff.grace.id()).await;
        let evaluation = a_permit_by_name(&mut desk).await;
        let nobody = house.browser().await;
        let proposals = four_proposals(&house).await;
        let (invited, half) = half_way_in(&house, &nobody).await;
        let (rita, link) = house.invite("rita.invited", &[]).await;
        let mailed = two_mailed_links(&house).await;
        people.push(rita.to_string());
        let [to_refuse, to_approve] = waiting.try_into().expect("two");
        Self {
            house,
            life,
            desk,
            invited,
            half,
            nobody,
            officer,
            link,
            mailed,
            rester,
            leaver,
            case,
            to_refuse,
            to_approve,
            spare,
            people,
            second_campaign,
            second_item,
            orphans,
            fresh_alarm,
            proposals,
            evaluation,
            attestation,
            workstation,
            vouched,
        }
    }

    /// The browser of whoever makes a call.
    pub fn browser(&mut self, who: Who) -> &mut Browser {
        match who {
            Who::Priya => &mut self.life.staff.priya.browser,
            Who::Mary => &mut self.life.staff.mary.browser,
            Who::Ada => &mut self.life.staff.ada.browser,
            Who::Tomasz => &mut self.life.staff.tomasz.browser,
            Who::Invited => &mut self.invited,
            Who::Half => &mut self.half,
            Who::Nobody => &mut self.nobody,
            Who::Officer => &mut self.officer,
            Who::Desk => &mut self.desk,
        }
    }

    /// The calls of a row, right in every field, with a word of their own in every field that takes any text.
    /// A new row with a body needs its line in one of the parts below.
    pub fn calls(&self, row: &str, words: &mut Words) -> Vec<Call> {
        let (_, path) = row.split_once(' ').expect("a method and a path");
        let mut word = |field: &str| words.word(&format!("{row} {field}"));
        let made = self
            .gate_calls(row, path, &mut word)
            .or_else(|| self.account_calls(row, path, &mut word))
            .or_else(|| self.access_calls(row, path, &mut word))
            .or_else(|| self.review_calls(row, path, &mut word))
            .or_else(|| self.estate_calls(row, path, &mut word))
            .or_else(|| self.questions(row, path, &mut word));
        made.unwrap_or_else(|| {
            panic!("{row} takes a body: write a call of it into tests/it/support/calls.rs")
        })
    }

    fn gate_calls(&self, row: &str, path: &str, word: &mut impl FnMut(&str) -> String) -> Option<Vec<Call>> {
        let (who, body) = match row {
            "POST /api/v1/enrolment" => {
                let password = format!("{} 7 Aa!", word("password"));
                (Who::Nobody, json!({ "token": self.link, "password": password }))
            }
            "POST /api/v1/enrolment/totp/confirmation" => (Who::Invited, json!({ "code": word("code") })),
            "POST /api/v1/signin" => {
                (Who::Nobody, json!({ "username": word("username"), "password": word("password") }))
            }
            "POST /api/v1/signin/totp" => (Who::Half, json!({ "code": word("code") })),
            "POST /api/v1/signin/password" => {
                let current = word("current_password");
                (Who::Half, json!({ "password": word("password"), "current_password": current }))
            }
            "POST /api/v1/me/password" => {
                let new = format!("{} 7 Over the lake!", word("password"));
                (Who::Ada, json!({ "password": new, "current_password": PASSWORD }))
            }
            _ => return self.passkey_call(row, path, word),
        };
        Some(vec![Call { who, address: path.to_owned(), body }])
    }

    /// What devices made and showed, in shape; a challenge that nobody was given is over.
    fn passkey_call(
        &self,
        row: &str,
        path: &str,
        word: &mut impl FnMut(&str) -> String,
    ) -> Option<Vec<Call>> {
        const OVER: &str = "0193a5f0-0000-7000-8000-000000000000";
        let shown = |word: &mut dyn FnMut(&str) -> String| {
            json!({
                "ceremony": OVER, "credential_id": word("credential_id"), "client_data": word("client_data"),
                "authenticator_data": word("authenticator_data"), "signature": word("signature"),
                "user_handle": word("user_handle"),
            })
        };
        let made = |word: &mut dyn FnMut(&str) -> String| {
            json!({
                "ceremony": OVER, "name": word("name"), "credential_id": word("credential_id"),
                "client_data": word("client_data"), "attestation": word("attestation"),
            })
        };
        let (who, body) = match row {
            "POST /api/v1/signin/passkey" => (Who::Nobody, shown(word)),
            "POST /api/v1/signin/factor" => (Who::Half, shown(word)),
            "POST /api/v1/me/proof/passkey" => (Who::Ada, shown(word)),
            "POST /api/v1/enrolment/passkey" => (Who::Invited, made(word)),
            "POST /api/v1/me/passkeys" => (Who::Ada, made(word)),
            "PATCH /api/v1/me/passkeys/{id}" => (Who::Ada, json!({ "name": word("name") })),
            "POST /api/v1/me/totp/confirmation" => (Who::Ada, json!({ "code": word("code") })),
            "POST /api/v1/me/proof" => {
                (Who::Ada, json!({ "password": word("password"), "code": word("code") }))
            }
            _ => return None,
        };
        Some(vec![Call { who, address: path.replacen("{id}", OVER, 1), body }])
    }

    fn account_calls(
        &self,
        row: &str,
        path: &str,
        word: &mut impl FnMut(&str) -> String,
    ) -> Option<Vec<Call>> {
        let later = self.house.now().plus(Duration::days(10));
        let (id, body) = match row {
            "POST /api/v1/accounts" => return Some(self.accounts(word)),
            "PATCH /api/v1/accounts/{id}" => return Some(self.changes(word)),
            "POST /api/v1/accounts/search" => ("", json!({ "text": word("text"), "limit": 10 })),
            "POST /api/v1/accounts/{id}/suspend" => {
                let body = json!({ "cause": "security", "until": later, "reason": word("reason") });
                (self.rester.as_str(), body)
            }
            "POST /api/v1/accounts/{id}/reinstate" => {
                (self.rester.as_str(), json!({ "reason": word("reason") }))
            }
            _ => return None,
        };
        Some(vec![Call { who: Who::Priya, address: path.replacen("{id}", id, 1), body }])
    }

    fn access_calls(
        &self,
        row: &str,
        path: &str,
        word: &mut impl FnMut(&str) -> String,
    ) -> Option<Vec<Call>> {
        let later = self.house.now().plus(Duration::days(10));
        let (who, id, body) = match row {
            "DELETE /api/v1/grants/{id}" => {
                (Who::Priya, self.spare.as_str(), json!({ "reason": word("reason") }))
            }
            "POST /api/v1/kill-switches" => {
                (Who::Priya, "", json!({ "target": "payroll", "reason": word("reason") }))
            }
            "POST /api/v1/grants" => {
                let (account, reason) = (&self.rester, word("reason"));
                let role = "warehouse/picker";
                let body = json!({ "account": account, "role": role, "reason": reason, "duration": "20d" });
                (Who::Priya, "", body)
            }
            "POST /api/v1/requests" => {
                let (account, reason) = (self.life.staff.ada.id(), word("reason"));
                let role = "warehouse/picker";
                let first = json!({ "account": account, "role": role, "reason": reason, "duration": "20d" });
                let scope = json!({ "marketplace": [word("scope")] });
                let (role, reason) = ("orders/address-reader", word("reason"));
                let from = self.house.now().plus(Duration::days(1));
                let mut second =
                    json!({ "role": role, "reason": reason, "scope": scope, "valid_from": from });
                second["expires_at"] = json!(later);
                let calls = [(Who::Ada, first), (Who::Mary, second)].into_iter();
                return Some(calls.map(|(who, body)| Call { who, address: path.to_owned(), body }).collect());
            }
            "POST /api/v1/attestations" => {
                let mut body = json!({ "account": self.rester, "kind": "training:data-protection" });
                body["evidence"] = json!(word("evidence"));
                body["given_at"] = json!(self.house.now());
                body["ends_at"] = json!(later);
                (Who::Priya, "", body)
            }
            "POST /api/v1/attestations/{id}/end" => {
                (Who::Priya, self.attestation.as_str(), json!({ "reason": word("reason") }))
            }
            "POST /api/v1/proposals/{id}/approval" => {
                (Who::Priya, self.proposals[0].as_str(), json!({ "note": word("note") }))
            }
            "POST /api/v1/proposals/{id}/refusal" => {
                (Who::Priya, self.proposals[1].as_str(), json!({ "note": word("note") }))
            }
            "POST /api/v1/proposals/{id}/withdrawal" => {
                (Who::Priya, self.proposals[2].as_str(), json!({ "note": word("note") }))
            }
            "POST /api/v1/requests/{id}/approval" => {
                (Who::Mary, self.to_approve.as_str(), json!({ "note": word("note") }))
            }
            "POST /api/v1/requests/{id}/refusal" => {
                (Who::Mary, self.to_refuse.as_str(), json!({ "note": word("note") }))
            }
            _ => return None,
        };
        Some(vec![Call { who, address: path.replacen("{id}", id, 1), body }])
    }

    fn review_calls(
        &self,
        row: &str,
        path: &str,
        word: &mut impl FnMut(&str) -> String,
    ) -> Option<Vec<Call>> {
        let later = self.house.now().plus(Duration::days(10));
        let (campaign, item) = (self.life.campaign.as_str(), &self.life.item);
        let (who, id, body) = match row {
            "POST /api/v1/reviews" => {
                let (role, department) = ("orders/order-clerk", word("scope.department"));
                let scope =
                    json!({ "app": "orders", "class": "internal", "role": role, "department": department });
                (Who::Priya, "", json!({ "name": word("name"), "scope": scope, "due_at": later }))
            }
            "POST /api/v1/reviews/{id}/decisions" => {
                let (decision, reason) = ("keep_until", word("reason"));
                let answer =
                    json!({ "item": item, "decision": decision, "reason": reason, "keep_until": later });
                (Who::Mary, campaign, json!([answer]))
            }
            "POST /api/v1/reviews/{id}/items/{item}/revocation" => {
                (Who::Mary, self.second_campaign.as_str(), json!({ "reason": word("reason") }))
            }
            "POST /api/v1/reviews/{id}/sign-off" => (Who::Mary, campaign, json!({ "items": [item] })),
            "POST /api/v1/leavers" => {
                let mut body =
                    json!({ "account": self.leaver, "effective_at": later, "reason": word("reason") });
                body["confidential"] = json!(false);
                (Who::Priya, "", body)
            }
            "POST /api/v1/leavers/{id}/targets/{system}/confirmation" => {
                (Who::Priya, self.case.as_str(), json!({ "proof": word("proof") }))
            }
            _ => return None,
        };
        let address = path.replacen("{id}", id, 1).replace("{item}", &self.second_item);
        Some(vec![Call { who, address: address.replace("{system}", "payroll"), body }])
    }

    fn estate_calls(
        &self,
        row: &str,
        path: &str,
        word: &mut impl FnMut(&str) -> String,
    ) -> Option<Vec<Call>> {
        let task = self.life.task.as_str();
        let (who, id, body) = match row {
            "POST /api/v1/holdings/{id}/claim" => {
                (Who::Priya, self.orphans[0].as_str(), json!({ "account": self.rester }))
            }
            "POST /api/v1/holdings/{id}/service" => {
                (Who::Priya, self.orphans[1].as_str(), json!({ "username": word("username") }))
            }
            "POST /api/v1/tasks/{id}/completion" => (Who::Tomasz, task, json!({ "proof": word("proof") })),
            "POST /api/v1/tasks/{id}/reopening" => (Who::Priya, task, json!({ "reason": word("reason") })),
            "POST /api/v1/tasks/{id}/hand-over" => {
                let to = self.life.staff.priya.id();
                (Who::Tomasz, task, json!({ "to": to, "reason": word("reason") }))
            }
            "POST /api/v1/identity-providers/{provider}/attestations" => {
                let until = self.house.in_days(60);
                (Who::Priya, "", json!({ "evidence": word("evidence"), "ends_at": until }))
            }
            "POST /api/v1/identity-providers/{provider}/attestations/{id}/end" => {
                (Who::Priya, self.vouched.as_str(), json!({ "reason": word("reason") }))
            }
            "POST /api/v1/alarms" => {
                let account = &self.rester;
                (Who::Officer, "", json!({ "severity": "warning", "account": account, "text": word("text") }))
            }
            "POST /api/v1/usage" => (Who::Desk, "", json!({ "evaluation": self.evaluation, "records": 3 })),
            "POST /api/v1/alarms/{id}/closure" => {
                (Who::Officer, self.life.alarm.as_str(), json!({ "finding": word("finding") }))
            }
            "POST /api/v1/exceptions" => {
                let (what, until) = ("giving-and-watching", self.house.in_days(30));
                let (reason, control) = (word("reason"), word("control"));
                let mut body = json!({ "kind": "exclusion", "what": what, "account": self.rester });
                body["reason"] = json!(reason);
                body["control"] = json!(control);
                body["ends_at"] = json!(until);
                (Who::Priya, "", body)
            }
            // One that is nobody's: a decision about oneself is taken where nobody else is left to take it.
            "POST /api/v1/own-decisions/{id}/objection" => {
                (Who::Mary, self.life.campaign.as_str(), json!({ "reason": word("reason") }))
            }
            "POST /api/v1/workstations" => (Who::Priya, "", json!({ "name": word("name") })),
            "PATCH /api/v1/workstations/{id}" => {
                (Who::Priya, self.workstation.as_str(), json!({ "name": word("name") }))
            }
            "POST /api/v1/tasks/{id}/refusal" => (Who::Priya, task, json!({ "reason": word("reason") })),
            _ => return None,
        };
        let address = path.replacen("{id}", id, 1).replace("{provider}", "heron");
        Some(vec![Call { who, address, body }])
    }

    fn questions(&self, row: &str, path: &str, word: &mut impl FnMut(&str) -> String) -> Option<Vec<Call>> {
        let mut who = Who::Desk;
        let body = match row {
            "POST /access/v1/evaluation" => question(word),
            "POST /access/v1/evaluations" => {
                let mut batch = question(word);
                let part = json!({ "subject": { "type": "user", "id": word("subject.id") } });
                batch["evaluations"] = json!([question(word), part]);
                batch["options"] = json!({ "evaluations_semantic": "execute_all" });
                batch
            }
            _ if path.starts_with("/api/v1/decisions/") => {
                who = Who::Priya;
                self.look(row, word)?
            }
            _ if path.starts_with("/access/v1/search/") => {
                who = Who::Priya;
                let mut search = question(word);
                search["page"] = json!({ "limit": 10, "properties": { "p": word("page.properties") } });
                search
            }
            _ => return None,
        };
        Some(vec![Call { who, address: path.to_owned(), body }])
    }

    fn look(&self, row: &str, word: &mut impl FnMut(&str) -> String) -> Option<Value> {
        let ada = self.life.staff.ada.id();
        Some(match row {
            "POST /api/v1/decisions/holders" => json!({ "permission": "orders/order:update" }),
            "POST /api/v1/decisions/holdings" => {
                json!({ "account": ada, "cursor": "bailiwick/requests:ask" })
            }
            "POST /api/v1/decisions/simulation" => json!({
                "files": [{ "name": word("files.name"), "text": PAYROLL }],
                "given": [{ "account": ada, "role": "payroll/clerk", "expires_at": self.house.in_days(10) }],
            }),
            _ => return None,
        })
    }

    /// A proposal that nobody has answered.
    pub fn proposal(&self) -> &str {
        &self.proposals[3]
    }

    /// Somebody who may be suspended.
    pub fn rester(&self) -> &str {
        &self.rester
    }

    /// Two people who asked Mary for something, and one who is invited.
    pub fn people(&self) -> &[String] {
        &self.people
    }

    /// A review whose items wait.
    pub fn second_campaign(&self) -> &str {
        &self.second_campaign
    }

    /// An alarm that nobody has taken on; the other one is taken on.
    pub fn fresh_alarm(&self) -> &str {
        &self.fresh_alarm
    }

    /// Requests that wait for Mary.
    pub fn waiting(&self) -> [&str; 2] {
        [&self.to_refuse, &self.to_approve]
    }

    /// A case whose manual system waits for a word.
    pub fn case(&self) -> &str {
        &self.case
    }

    /// The token of a link to enrol by.
    pub fn link(&self) -> &str {
        &self.link
    }

    /// The token of a link that a mail brought.
    pub fn mailed(&self, purpose: Purpose) -> &str {
        self.mailed.iter().find(|(one, _)| *one == purpose).map_or("", |(_, token)| token)
    }

    fn accounts(&self, word: &mut impl FnMut(&str) -> String) -> Vec<Call> {
        let mary = self.life.staff.mary.id();
        let person = json!({
            "kind": "person", "username": word("username"), "given_name": word("given_name"),
            "family_name": word("family_name"), "email": format!("{}@heron.example", word("email")),
            "employee_id": word("employee_id"), "external_id": word("external_id"), "manager": mary,
            "department": word("department"), "job_title": word("job_title"), "location": word("location"),
            "sponsor": word("sponsor"), "worker_type": "contractor", "time_zone": "Europe/London",
            "start_date": "2026-11-20", "end_date": "2027-11-20",
            "attributes": { word("attributes' name"): word("attributes") },
        });
        let service = json!({
            "kind": "service", "username": word("username of a service"), "owner": mary, "purpose": word("purpose"),
            "external_id": word("external_id of a service"),
        });
        let call = |body| Call { who: Who::Priya, address: "/api/v1/accounts".to_owned(), body };
        vec![call(person), call(service)]
    }

    fn changes(&self, word: &mut impl FnMut(&str) -> String) -> Vec<Call> {
        let person = json!({
            "username": word("username"), "reason": word("reason"), "given_name": word("given_name"),
            "family_name": word("family_name"), "email": format!("{}@heron.example", word("email")),
            "employee_id": word("employee_id"), "external_id": word("external_id"),
            "manager": self.life.staff.mary.id(), "department": word("department"), "job_title": word("job_title"),
            "location": word("location"), "sponsor": word("sponsor"), "worker_type": "employee",
            "time_zone": "Europe/Paris", "start_date": "2026-11-20", "end_date": "2028-01-01",
            "attributes": { word("attributes' name"): word("attributes") },
        });
        vec![Call { who: Who::Priya, address: format!("/api/v1/accounts/{}", self.leaver), body: person }]
    }
}

/// A question whose every text is a word.
fn question(word: &mut impl FnMut(&str) -> String) -> Value {
    json!({
        "subject": { "type": "user", "id": word("subject.id"), "properties": { "p": word("subject.properties") } },
        "action": { "name": word("action.name"), "properties": { "p": word("action.properties") } },
        "resource": {
            "type": word("resource.type"), "id": word("resource.id"),
            "properties": { "marketplace": word("resource.properties"), word("name of a property"): 1 }
        },
        "context": { "purpose": word("context.purpose"), "explain": true, word("name in context"): word("context") },
    })
}
