//! A small firm of which everybody signs in, and a house in which something has happened.

use actix_web::test::TestRequest;
use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::access::proposals::{self, Brought};
use bailiwick::accounts::{self, Changes};
use bailiwick::alarms::{self, Severity};
use bailiwick::ids::AccountId;
use chrono::Duration;
use serde_json::{Value, json};

use super::firm::shipped;
use super::people::Enrolled;
use super::{Browser, House};

/// Somebody with a browser of their own, signed in.
pub struct Member {
    pub browser: Browser,
    pub person: Enrolled,
}

impl Member {
    /// The account's id.
    pub fn id(&self) -> AccountId {
        self.person.account.clone()
    }
}

/// The firm: Grace owns the order desk, Tomasz the warehouse; Mary reports to Grace, Ada to Mary; Priya administers.
pub struct Staff {
    pub priya: Member,
    pub grace: Member,
    pub tomasz: Member,
    pub mary: Member,
    pub ada: Member,
}

impl House {
    /// Invites and enrols somebody.
    pub async fn member(&self, username: &str, roles: &[&str]) -> Member {
        let mut browser = self.browser().await;
        let person = self.enrolled(&mut browser, username, roles).await;
        Member { browser, person }
    }

    /// The firm, with the shipped catalogues applied.
    pub async fn staff(&self) -> Staff {
        let staff = Staff {
            priya: self.member("priya.raman", &["bailiwick/administrator"]).await,
            grace: self.member("grace", &[]).await,
            tomasz: self.member("tomasz.wisniewski", &[]).await,
            mary: self.member("mary", &[]).await,
            ada: self.member("ada", &[]).await,
        };
        for (person, manager) in [(&staff.mary, &staff.grace), (&staff.ada, &staff.mary)] {
            let (person, manager) = (person.id(), manager.id());
            self.done(move |tx| {
                let changes = Changes { manager: Some(Some(manager)), ..Changes::default() };
                accounts::change(tx, &person, &changes)
            })
            .await;
        }
        let files = vec![shipped("orders.toml"), shipped("warehouse.toml")];
        self.done(move |tx| apply::apply(tx, &files)).await;
        staff
    }

    /// Signs somebody in again who was idle for too long.
    pub async fn back_again(&self, member: &mut Member) {
        member.browser.cookies.clear();
        self.sign_in(&mut member.browser, &member.person).await;
    }
}

/// The order desk's catalogue, whose addresses may be read for one more purpose.
pub fn wider(purpose: &str) -> PolicyFile {
    let orders = shipped("orders.toml");
    let (from, to) = ("\"shipping\", \"returns\"]", format!("\"shipping\", \"returns\", \"{purpose}\"]"));
    assert!(orders.text.contains(from), "the purposes of the order desk");
    PolicyFile { text: orders.text.replacen(from, &to, 1), ..orders }
}

impl House {
    /// Proposes a file that touches personal data, from the host's shell; returns the proposal's id.
    pub async fn propose(&self, file: &PolicyFile) -> String {
        let files = vec![file.clone()];
        match self.done(move |tx| proposals::bring(tx, &files)).await {
            Brought::Proposed(proposal, _) => proposal.id.to_string(),
            Brought::Applied(applied) => panic!("applied at once: {applied:?}"),
        }
    }
}

/// The ids of what happened in [`House::lived_in`].
pub struct Life {
    pub staff: Staff,
    pub request: String,
    pub waiting: String,
    pub grant: String,
    pub campaign: String,
    pub item: String,
    pub case: String,
    pub task: String,
    pub alarm: String,
    pub proposal: String,
}

/// An id in an answer.
#[track_caller]
pub fn id_of(answer: &Value) -> String {
    answer["id"].as_str().unwrap_or_else(|| panic!("no id: {answer}")).to_owned()
}

impl House {
    /// A house with an answered and a waiting request, a review with a drafted item, a leaver, and an alarm.
    pub async fn lived_in(&self) -> Life {
        let mut staff = self.staff().await;
        let asks = "/api/v1/requests";
        let clerk = json!({ "role": "orders/order-clerk", "reason": "Works on orders", "duration": "30d" });
        let request = id_of(&staff.ada.browser.post(asks, clerk).await.expect(201).json());
        let approval = format!("{asks}/{request}/approval");
        let approved = staff.mary.browser.post(&approval, json!({ "note": "as planned" })).await.expect(200);
        let grant = approved.json()["grant"].as_str().expect("the grant").to_owned();
        let reader = json!({ "role": "orders/address-reader", "reason": "Ships parcels", "duration": "30d" });
        let waiting = id_of(&staff.ada.browser.post(asks, reader).await.expect(201).json());

        let due_at = self.now().plus(Duration::days(14));
        let review = json!({ "name": "Winter review", "scope": { "app": "orders" }, "due_at": due_at });
        let campaign = id_of(&staff.priya.browser.post("/api/v1/reviews", review).await.expect(201).json());
        let items = format!("/api/v1/reviews/{campaign}/items?reviewer=me");
        let items = staff.mary.browser.get(&items).await.expect(200).json();
        let item = id_of(&items["items"][0]);
        let drafted = json!([{ "item": item, "decision": "keep", "reason": "Still works on orders" }]);
        staff.mary.browser.post(&format!("/api/v1/reviews/{campaign}/decisions"), drafted).await.expect(200);

        let leaver = self.member("niklas.engstroem", &[]).await;
        let effective_at = self.now().plus(Duration::days(3));
        let case = json!({ "account": leaver.id(), "effective_at": effective_at, "reason": "Moves abroad" });
        let case = id_of(&staff.priya.browser.post("/api/v1/leavers", case).await.expect(201).json());
        let task = self.orphan_to_remove(&mut staff).await;
        let by = staff.ada.id();
        let noticed = "Somebody called and asked for a password";
        let alarm = self.done(move |tx| alarms::report(tx, Severity::Warning, Some(&by), noticed)).await;
        let alarm = alarm.to_string();
        let proposal = self.propose(&wider("customs")).await;
        Life { staff, request, waiting, grant, campaign, item, case, task, alarm, proposal }
    }

    /// A login in the warehouse that fits nobody, and Tomasz's task to take it away.
    async fn orphan_to_remove(&self, staff: &mut Staff) -> String {
        let head = "system,external_login,employee_id,email,role,granted_at,last_used";
        let list =
            format!("{head}\nwarehouse,dock-7,,,dock-planner,,never\nwarehouse,ghost,,,dock-planner,,\n");
        let request = TestRequest::post().uri("/api/v1/grants/import").set_payload(list);
        staff.priya.browser.send(request).await.expect(200);
        let tomasz = &mut staff.tomasz.browser;
        let found = tomasz.get("/api/v1/holdings?view=orphans").await.expect(200).json();
        let removal = format!("/api/v1/holdings/{}/removal", id_of(&found["items"][0]));
        id_of(&tomasz.post(&removal, json!({})).await.expect(200).json())
    }
}
