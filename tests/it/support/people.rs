//! People with a way in: invited, enrolled, signed in.

use bailiwick::caller::Caller;
use bailiwick::clock::Timestamp;
use bailiwick::ids::AccountId;
use bailiwick::signin::inviting::{Invitation, invite};
use chrono::Duration;
use serde_json::json;
use totp_rs::{Builder, Secret};

use super::{Browser, House};

/// A password that keeps every rule of every profile, for people whose names are not in it.
pub const PASSWORD: &str = "Bridge 7 over the lake!";

/// Somebody who has enrolled.
pub struct Enrolled {
    pub account: AccountId,
    pub username: String,
    pub secret: String,
    pub recovery_codes: Vec<String>,
}

impl House {
    /// Invites a person; returns the account and the link's token.
    pub async fn invite(&self, username: &str, roles: &[&str]) -> (AccountId, String) {
        let wanted = Invitation {
            username: username.to_owned(),
            given_name: Some("Perrin".to_owned()),
            family_name: Some("Nakagawa".to_owned()),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            ..Invitation::default()
        };
        let invited = self
            .app
            .write(&Caller::shell(0), |tx| invite(tx, wanted))
            .await
            .expect("the invitation is right")
            .value;
        (invited.account.id, invited.link.token)
    }

    /// Invites a person, enrols them and leaves them signed in in that browser.
    pub async fn enrolled(&self, browser: &mut Browser, username: &str, roles: &[&str]) -> Enrolled {
        let (account, token) = self.invite(username, roles).await;
        self.enrol(browser, username, account, token).await
    }

    /// Enrols who was invited and leaves them signed in in that browser.
    pub async fn enrol(
        &self,
        browser: &mut Browser,
        username: &str,
        account: AccountId,
        token: String,
    ) -> Enrolled {
        let body = json!({ "token": token, "password": PASSWORD });
        let reply = browser.post("/api/v1/enrolment", body).await.expect(200);
        assert_eq!(reply.json()["state"], "totp_required");
        let secret = browser.post("/api/v1/enrolment/totp", json!({})).await.expect(200).json()["secret"]
            .as_str()
            .expect("a secret")
            .to_owned();
        let code = self.code(&secret);
        let path = "/api/v1/enrolment/totp/confirmation";
        let reply = browser.post(path, json!({ "code": code })).await.expect(200).json();
        assert_eq!(reply["state"], "signed_in");
        let codes = reply["recovery_codes"].as_array().expect("codes");
        let recovery_codes = codes.iter().map(|code| code.as_str().expect("a code").to_owned()).collect();
        Enrolled { account, username: username.to_owned(), secret, recovery_codes }
    }

    /// Signs an enrolled person in, a step of the authenticator later.
    pub async fn sign_in(&self, browser: &mut Browser, person: &Enrolled) {
        let body = json!({ "username": person.username, "password": PASSWORD });
        let reply = browser.post("/api/v1/signin", body).await.expect(200);
        assert_eq!(reply.json()["state"], "totp_required");
        let code = self.next_code(&person.secret);
        let reply = browser.post("/api/v1/signin/totp", json!({ "code": code })).await.expect(200);
        assert_eq!(reply.json()["state"], "signed_in");
    }

    /// What the authenticator shows now.
    pub fn code(&self, secret: &str) -> String {
        use bailiwick::clock::Clock;
        code_at(secret, self.clock.now())
    }

    /// What the authenticator shows next, which it has never shown before.
    pub fn next_code(&self, secret: &str) -> String {
        self.advance(Duration::seconds(30));
        self.code(secret)
    }
}

/// What an authenticator shows at an instant.
pub fn code_at(secret: &str, at: Timestamp) -> String {
    let secret = Secret::try_from_base32(secret).expect("Base32");
    let totp = Builder::new().with_secret(secret).build().expect("a secret of the right length");
    totp.generate(u64::try_from(at.seconds()).expect("after 1970")).to_string()
}
