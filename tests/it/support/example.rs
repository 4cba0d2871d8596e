//! The example company: set up by its first administrator, its people imported, its catalogues applied.

use bailiwick::access::apply::{self, Applied};
use bailiwick::accounts;
use bailiwick::accounts::import::{self, Report};
use bailiwick::caller::Caller;
use bailiwick::signin::inviting::set_up_link;
use serde_json::Value;

use super::firm::{shell, shipped};
use super::staff::Member;
use super::{Browser, House};

/// The company's time zone, in which its days begin and end.
pub const ZONE: &str = "Europe/London";

/// The company's file of people.
pub fn people_file() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/examples/people.csv");
    std::fs::read(path).expect("the example's file of people")
}

impl House {
    /// Follows the set-up link and sets the company up; its first administrator enrols and stays signed in.
    pub async fn set_up(&self) -> Member {
        let made = self.app.write(&Caller::house("start"), set_up_link).await.expect("not set up yet").value;
        let mut browser = self.browser().await;
        let page = browser.get(&format!("/set-up/{}", made.token)).await.expect(200);
        assert!(page.body.contains("Set up Bailiwick"), "{}", page.body);
        let fields = [
            ("token", made.token.as_str()),
            ("organisation", "Heron Parcel"),
            ("time_zone", ZONE),
            ("public_url", "https://localhost:8443"),
            ("profile", "strictest"),
            ("username", "dmitri.voznesensky"),
            ("given_name", "Dmitri"),
            ("family_name", "Вознесенский"),
            ("email", ""),
        ];
        let reply = browser.submit("/first-run", &fields).await.expect(303);
        let link = reply.header("location");
        let token = link.strip_prefix("/enrol/").expect("a link to enrol by").to_owned();
        browser.submit("/first-run", &fields).await.expect(404);
        browser.get(&format!("/set-up/{}", made.token)).await.expect(404);
        let found = self.app.read_now(|reader| accounts::find_by_name(reader, "dmitri.voznesensky"));
        let account = found.expect("a look").expect("the first administrator").id;
        let person = self.enrol(&mut browser, "dmitri.voznesensky", account, token).await;
        Member { browser, person }
    }

    /// Imports the company's file of people as the host's shell would.
    pub async fn import_people(&self) -> Report {
        let app = self.app.clone();
        let import = move || import::import_people(&app, &shell(), &people_file(), false, &mut |_| ());
        tokio::task::spawn_blocking(import).await.expect("it ends").expect("the file can be read")
    }

    /// Applies the catalogues of the order desk and the warehouse as the host's shell would.
    pub async fn apply_catalogues(&self) -> Applied {
        let files = vec![shipped("orders.toml"), shipped("warehouse.toml")];
        self.done(move |tx| apply::apply(tx, &files)).await
    }

    /// Somebody who gives the password only, as many times as wanted; the last answer.
    pub async fn try_password(&self, browser: &mut Browser, username: &str, password: &str) -> (u16, String) {
        let typed = serde_json::json!({ "username": username, "password": password });
        let reply = browser.post("/api/v1/signin", typed).await;
        (reply.status, reply.body)
    }
}

/// The first error of a refused field: where, what, and by which clause.
pub fn first_error(answer: &Value) -> (String, String, String) {
    let text = |name: &str| answer["errors"][0][name].as_str().unwrap_or_default().to_owned();
    (text("field"), text("detail"), text("clause"))
}
