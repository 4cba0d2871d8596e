//! A device that holds passkeys, made of a few lines: it signs what a browser would give it, and lies where a test wants
//! it to.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Browser;

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const HOLDS_KEY: u8 = 0x40;

/// A device with one key, once it was asked to make it.
pub struct Device {
    pub key: EcdsaKeyPair,
    pub id: Vec<u8>,
    /// Whose key it is, as the house said when it was made.
    pub user: Vec<u8>,
    /// The page's origin, as the browser sees it.
    pub origin: String,
    /// The host that the key is bound to.
    pub host: String,
    /// Whether the owner shows a PIN or a finger.
    pub verifies: bool,
    /// Whether the device says whose key it shows.
    pub says_whose: bool,
    /// How often it was shown; nought stays nought.
    pub counter: u32,
}

impl Device {
    /// A device at the house of the tests, with another key for each number.
    pub fn new(number: u8) -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"),
            id: vec![number; 32],
            user: Vec::new(),
            origin: "https://localhost:8443".to_owned(),
            host: "localhost".to_owned(),
            verifies: true,
            says_whose: true,
            counter: 1,
        }
    }

    /// Stops lying.
    pub fn be_honest(&mut self) {
        let Self { origin, host, verifies, .. } = Self::new(0);
        (self.origin, self.host, self.verifies) = (origin, host, verifies);
    }

    /// Adds a passkey of whoever is signed in there, and returns its id.
    pub async fn added(&mut self, browser: &mut Browser, name: &str) -> String {
        let challenge = browser.post("/api/v1/me/passkeys/challenge", json!({})).await.expect(200).json();
        let body = self.made(&challenge, name);
        let added = browser.post("/api/v1/me/passkeys", body).await.expect(201).json();
        added["id"].as_str().expect("an id").to_owned()
    }

    /// What the browser sends after the device made its key.
    pub fn made(&mut self, challenge: &Value, name: &str) -> Value {
        let handle = challenge["public_key"]["user"]["id"].as_str().expect("a user handle");
        self.user = URL_SAFE_NO_PAD.decode(handle).expect("Base64");
        let client_data = self.client_data("webauthn.create", challenge);
        let point = self.key.public_key().as_ref();
        let (x, y) = (&point[1..33], &point[33..65]);
        let mut data = self.head(HOLDS_KEY);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).expect("short").to_be_bytes());
        data.extend(&self.id);
        // COSE: an EC2 key for ES256 on P-256.
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(x);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(y);
        // CBOR: {"fmt": "none", "attStmt": {}, "authData": …}.
        let mut attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        attestation.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
        attestation.extend(&data);
        json!({
            "ceremony": challenge["ceremony"], "name": name, "credential_id": text(&self.id),
            "client_data": text(&client_data), "attestation": text(&attestation),
        })
    }

    /// What the browser sends after the device showed its key.
    pub fn shown(&mut self, challenge: &Value) -> Value {
        if self.counter > 0 {
            self.counter += 1;
        }
        let client_data = self.client_data("webauthn.get", challenge);
        let data = self.head(0);
        let signed = [data.as_slice(), digest(&SHA256, &client_data).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("a signature");
        let mut body = json!({
            "ceremony": challenge["ceremony"], "credential_id": text(&self.id),
            "client_data": text(&client_data), "authenticator_data": text(&data),
            "signature": text(signature.as_ref()),
        });
        if self.says_whose {
            body["user_handle"] = json!(text(&self.user));
        }
        body
    }

    fn head(&self, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, self.host.as_bytes()).as_ref().to_vec();
        data.push(flags | PRESENT | if self.verifies { VERIFIED } else { 0 });
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn client_data(&self, kind: &str, challenge: &Value) -> Vec<u8> {
        let asked = &challenge["public_key"]["challenge"];
        json!({ "type": kind, "challenge": asked, "origin": self.origin, "crossOrigin": false })
            .to_string()
            .into_bytes()
    }
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
