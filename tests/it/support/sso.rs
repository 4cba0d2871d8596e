//! A house in which people can sign in by identity providers.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering};

use bailiwick::config::{Config, IdentityProvider, Overrides};
use bailiwick::ids::AccountId;
use bailiwick::log::event::{Change, Event};
use serde_json::{Value, json};

use super::hostile_provider::{CLIENT, HostileProvider, SECRET};
use super::{Browser, Enrolled, House, Reply};

impl House {
    /// Writes a file for nobody but its owner.
    pub fn secret_file(&self, name: &str, text: &str) -> String {
        let path = self.data().join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
        path.display().to_string()
    }

    /// The settings of one provider, as the file has them, with further lines.
    pub fn settings(&self, key: &str, provider: &HostileProvider, more: &str) -> String {
        let secret = self.secret_file(&format!("{key}.secret"), SECRET);
        let authority = self.secret_file(&format!("{key}.pem"), provider.authority());
        format!(
            "[[identity_providers]]\nkey = \"{key}\"\nname = \"The firm\"\nissuer = \"{}\"\nclient_id = \
             \"{CLIENT}\"\nclient_secret_file = \"{secret}\"\nca_file = \"{authority}\"\nmfa_amr = [\"mfa\"]\n{more}\n",
            provider.issuer()
        )
    }

    /// Lets the house know these providers, as if they stood in its file.
    pub fn know(&mut self, settings: &str) {
        self.know_and(settings, |_| ());
    }

    /// The same, with further settings.
    pub fn know_and(&mut self, settings: &str, more: impl FnOnce(&mut Config)) {
        let providers = self.read_providers(settings);
        self.reopen_with(|config| {
            config.identity_providers = providers;
            config.provider_patience = std::time::Duration::from_millis(1_500);
            more(config);
        });
    }

    /// The providers that these settings name.
    pub fn read_providers(&self, settings: &str) -> Vec<IdentityProvider> {
        let path = self.secret_file("providers.toml", settings);
        let overrides = Overrides { config: Some(path.into()), ..Overrides::default() };
        Config::load(overrides).expect("the settings are right").identity_providers
    }

    /// A house that knows one provider, called `firm`, which speaks for `firm.example`.
    pub fn with_provider(more: &str) -> (Self, HostileProvider) {
        let mut house = Self::new();
        let provider = HostileProvider::start(house.clock.clone());
        let more = format!("domains = [\"firm.example\"]\n{more}");
        let settings = house.settings("firm", &provider, &more);
        house.know(&settings);
        (house, provider)
    }

    /// Every event that there is.
    pub fn all_events(&self) -> Vec<Event> {
        let read = self.app.read_now(|reader| bailiwick::log::store::events_after(reader, 0, 100_000));
        read.expect("the log")
    }

    /// Why sign-ins by providers were refused, in order.
    pub fn sso_refusals(&self) -> Vec<String> {
        let all = self.all_events().into_iter();
        all.filter_map(|event| match event.change {
            Change::SsoRefused { cause, .. } => Some(cause),
            _ => None,
        })
        .collect()
    }

    /// Somebody in use with that address, who has no way in of their own.
    pub async fn with_address(&self, username: &str, address: &str) -> AccountId {
        let id = self.person(username, None).await;
        self.give_address(&id, address).await;
        id
    }

    /// Gives somebody an address, and lets the day pass for which an address is no way in.
    pub async fn give_address(&self, account: &AccountId, address: &str) {
        let (account, address) = (account.clone(), address.to_owned());
        let changes = bailiwick::accounts::Changes { email: Some(Some(address)), ..Default::default() };
        self.done(move |tx| bailiwick::accounts::change(tx, &account, &changes)).await;
        self.advance(chrono::Duration::days(1));
    }

    /// Somebody enrolled with a password and an authenticator, whose address the provider speaks for.
    pub async fn enrolled_with_address(
        &self,
        browser: &mut Browser,
        (username, address): (&str, &str),
        roles: &[&str],
    ) -> Enrolled {
        let person = self.enrolled(browser, username, roles).await;
        self.give_address(&person.account, address).await;
        person
    }

    /// Somebody at an address from which nobody called before.
    pub async fn stranger(&self) -> Browser {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let [_, second, third, fourth] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        self.browser().await.from_address(&format!("10.{second}.{third}.{fourth}"))
    }
}

/// What a provider says of somebody who showed two factors and whose address is their own.
pub fn says(subject: &str, address: &str) -> Value {
    json!({ "sub": subject, "email": address, "email_verified": true, "amr": ["pwd", "mfa"], "sid": format!("of {subject}") })
}

/// Goes to the provider and comes back.
pub async fn through(browser: &mut Browser, provider: &HostileProvider, says: Value) -> Reply {
    let away = browser.get("/sign-in/with/firm").await.expect(303);
    let back = provider.authorize(away.header("location"), says);
    browser.get(&back).await
}

/// What a provider says of somebody, with other claims in place of these; null leaves one out.
pub fn with(mut says: Value, others: Value) -> Value {
    let own = says.as_object_mut().expect("an object");
    own.extend(others.as_object().expect("an object").clone());
    says
}

/// Goes to the provider and comes back signed in; returns who one is.
#[track_caller]
pub fn signed_in_to(reply: &Reply, path: &str) {
    assert_eq!((reply.status, reply.header("location")), (303, path), "{}", reply.body);
}
