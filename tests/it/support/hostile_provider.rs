//! An identity provider that does whatever a test wants of it: a real HTTPS server on this machine, with a key of its
//! own, that gives good answers until it is told to give bad ones.

mod asked;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use bailiwick::clock::{Clock, ManualClock};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Map, Value, json};

pub use asked::form;
use asked::question;

/// What the house is called at the provider.
pub const CLIENT: &str = "bailiwick";
/// Its secret there; with what has to be encoded on its way.
pub const SECRET: &str = "s3cret: a+b/c=%";

/// How a token is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signed {
    /// As it should be.
    Rightly,
    /// Not at all, and it says so.
    Not,
    /// Not at all, though it says that it is.
    Emptily,
    /// By a key that is nobody's, under the name of the provider's.
    ByAnother,
    /// By a key that is published nowhere, under its own name, and that comes with the token.
    ByUnknown,
    /// As it should be, with the end of the signature cut off.
    Shortly,
    /// With what everybody knows, the public key, as if it were a secret.
    WithThePublicKey,
    /// With the client's secret.
    WithTheSecret,
}

/// How the provider behaves.
pub struct Ways {
    pub signed: Signed,
    /// Claims of ID tokens in place of the right ones; null leaves one out.
    pub claims: Map<String, Value>,
    /// What the discovery document says otherwise.
    pub discovery: Map<String, Value>,
    /// The path whose answer never comes.
    pub hangs_at: Option<&'static str>,
    /// The path whose answer does not end within any limit.
    pub floods_at: Option<&'static str>,
    /// The path that answers with this status and nothing else.
    pub fails_at: Option<(&'static str, u16)>,
    /// The path that sends elsewhere.
    pub redirects_at: Option<&'static str>,
    /// The paths that were asked for.
    pub asked: Vec<String>,
    key: Arc<EcdsaKeyPair>,
    key_name: String,
    codes: HashMap<String, Code>,
    numbers: u64,
}

struct Code {
    nonce: String,
    challenge: String,
    callback: String,
    says: Value,
}

/// A running provider; dropping it ends it.
pub struct HostileProvider {
    port: u16,
    authority: String,
    clock: Arc<ManualClock>,
    ways: Arc<Mutex<Ways>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

fn new_key() -> Arc<EcdsaKeyPair> {
    Arc::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

impl HostileProvider {
    /// Starts a provider whose time is that of the house.
    pub fn start(clock: Arc<ManualClock>) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let chain = vec![CertificateDer::from(made.cert.der().to_vec())];
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("its own certificate");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let ways = Arc::new(Mutex::new(Ways {
            signed: Signed::Rightly,
            claims: Map::new(),
            discovery: Map::new(),
            hangs_at: None,
            floods_at: None,
            fails_at: None,
            redirects_at: None,
            asked: Vec::new(),
            key: new_key(),
            key_name: "first".to_owned(),
            codes: HashMap::new(),
            numbers: 0,
        }));
        let over = Arc::new(AtomicBool::new(false));
        let mut provider = Self {
            port,
            authority: made.cert.pem(),
            clock,
            ways: Arc::clone(&ways),
            over: Arc::clone(&over),
            thread: None,
        };
        let (clock, issuer) = (Arc::clone(&provider.clock), provider.issuer());
        let config = Arc::new(config);
        provider.thread = Some(std::thread::spawn(move || {
            for line in listener.incoming() {
                if over.load(Ordering::Acquire) {
                    return;
                }
                let served =
                    Served { ways: Arc::clone(&ways), clock: Arc::clone(&clock), issuer: issuer.clone() };
                let config = Arc::clone(&config);
                // Each line has a thread of its own: one that hangs keeps no other waiting.
                std::thread::spawn(move || line.map(|line| served.answer(line, config)));
            }
        }));
        provider
    }

    /// Its issuer.
    pub fn issuer(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Who vouches for its certificate, as PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// How it behaves, to be changed.
    pub fn ways(&self) -> MutexGuard<'_, Ways> {
        self.ways.lock().expect("no test panics in between")
    }

    /// Lets it publish and use a new key in place of the old.
    pub fn rotate(&self) {
        let mut ways = self.ways();
        ways.numbers += 1;
        ways.key_name = format!("key-{}", ways.numbers);
        ways.key = new_key();
    }

    /// What somebody does at the provider who was sent there: the path that the browser comes back with. `says` is what
    /// the ID token says of them.
    pub fn authorize(&self, address: &str, says: Value) -> String {
        let (endpoint, query) = address.split_once('?').expect("a question");
        assert_eq!(endpoint, format!("{}/authorize", self.issuer()));
        let asked = form(query);
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT);
        assert_eq!(asked["code_challenge_method"], "S256");
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"));
        let mut ways = self.ways();
        ways.numbers += 1;
        let code = format!("code-{}", ways.numbers);
        let begun = Code {
            nonce: asked["nonce"].clone(),
            challenge: asked["code_challenge"].clone(),
            callback: asked["redirect_uri"].clone(),
            says,
        };
        let path =
            begun.callback.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
        let path = path.expect("a path").to_owned();
        ways.codes.insert(code.clone(), begun);
        let issuer = self.issuer().replace(':', "%3A").replace('/', "%2F");
        format!("{path}?code={code}&state={}&iss={issuer}", asked["state"])
    }

    /// A word to sign out, signed as the provider signs now.
    pub fn logout_token(&self, says: Value) -> String {
        let now = self.clock.now().seconds();
        let mut ways = self.ways();
        ways.numbers += 1;
        let claims = json!({
            "iss": self.issuer(),
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "jti": format!("word-{}", ways.numbers),
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        ways.sign("logout+jwt", with(claims, &says))
    }
}

impl Drop for HostileProvider {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        // Whoever waits for the next line sees that it is over.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An object with other values in place of its own; null leaves one out.
fn with(mut object: Value, others: &Value) -> Value {
    let own = object.as_object_mut().expect("an object");
    for (name, value) in others.as_object().expect("an object") {
        if value.is_null() {
            own.remove(name);
        } else {
            own.insert(name.clone(), value.clone());
        }
    }
    object
}

impl Ways {
    fn sign(&self, typ: &str, claims: Value) -> String {
        let another = new_key();
        let (algorithm, key_name, key) = match self.signed {
            Signed::Rightly | Signed::Shortly => ("ES256", self.key_name.as_str(), Some(&self.key)),
            Signed::Not => ("none", self.key_name.as_str(), None),
            Signed::Emptily => ("ES256", self.key_name.as_str(), None),
            Signed::ByAnother => ("ES256", self.key_name.as_str(), Some(&another)),
            Signed::ByUnknown => ("ES256", "of-nobody", Some(&another)),
            Signed::WithThePublicKey | Signed::WithTheSecret => ("HS256", self.key_name.as_str(), None),
        };
        let mut header = json!({ "alg": algorithm, "kid": key_name, "typ": typ });
        if self.signed == Signed::ByUnknown {
            header["jwk"] = published(&another, "of-nobody");
        }
        let signed = format!("{}.{}", encoded(&header), encoded(&claims));
        let shared = match self.signed {
            Signed::WithThePublicKey => Some(self.key.public_key().as_ref().to_vec()),
            Signed::WithTheSecret => Some(SECRET.as_bytes().to_vec()),
            _ => None,
        };
        let signature = match (key, shared) {
            (Some(key), _) => {
                key.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature").as_ref().to_vec()
            }
            (None, Some(shared)) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, &shared);
                hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
            }
            (None, None) => Vec::new(),
        };
        let kept = if self.signed == Signed::Shortly { signature.len() - 8 } else { signature.len() };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&signature[..kept]))
    }
}

/// A key as it is published.
fn published(key: &EcdsaKeyPair, name: &str) -> Value {
    let point = key.public_key().as_ref();
    let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
    json!({
        "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": name, "x": part(1..33), "y": part(33..65),
    })
}

/// What one line is served with.
struct Served {
    ways: Arc<Mutex<Ways>>,
    clock: Arc<ManualClock>,
    issuer: String,
}

impl Served {
    /// Answers one question. A house that hangs up is what some tests are about: nothing here fails by it.
    fn answer(&self, line: TcpStream, config: Arc<ServerConfig>) {
        let Ok(connection) = ServerConnection::new(config) else { return };
        let mut line = StreamOwned::new(connection, line);
        let Some((path, authorization, body)) = question(&mut line) else { return };
        let (hangs, floods, fails, redirects) = {
            let mut ways = self.ways.lock().expect("no test panics in between");
            ways.asked.push(path.clone());
            let at = |place: Option<&str>| place == Some(path.as_str());
            let fails = ways.fails_at.filter(|(place, _)| *place == path).map(|(_, status)| status);
            (at(ways.hangs_at), at(ways.floods_at), fails, at(ways.redirects_at))
        };
        if hangs {
            // Until the house has had enough.
            let _ = line.read(&mut [0; 1]);
            return;
        }
        if floods {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n\"";
            let _ = line.write_all(head.as_bytes());
            let piece = vec![b'a'; 65_536];
            while line.write_all(&piece).is_ok() {}
            return;
        }
        let (status, body) = match (fails, redirects) {
            (Some(status), _) => (status, json!({})),
            (None, true) => (302, json!({})),
            (None, false) => self.document(&path, &authorization, &body),
        };
        let body = body.to_string();
        let more = if status == 302 { format!("location: {}/jwks\r\n", self.issuer) } else { String::new() };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{more}connection: \
             close\r\n\r\n",
            body.len()
        );
        let _ = line.write_all(head.as_bytes()).and_then(|()| line.write_all(body.as_bytes()));
        line.conn.send_close_notify();
        let _ = line.flush();
        let _ = line.sock.shutdown(Shutdown::Write);
    }

    fn document(&self, path: &str, authorization: &str, body: &str) -> (u16, Value) {
        match path {
            "/.well-known/openid-configuration" => {
                let ways = self.ways.lock().expect("no test panics in between");
                let own = json!({
                    "issuer": self.issuer,
                    "authorization_endpoint": format!("{}/authorize", self.issuer),
                    "token_endpoint": format!("{}/token", self.issuer),
                    "jwks_uri": format!("{}/jwks", self.issuer),
                    "end_session_endpoint": format!("{}/end", self.issuer),
                    "authorization_response_iss_parameter_supported": true,
                    "id_token_signing_alg_values_supported": ["ES256", "HS256"],
                });
                (200, with(own, &Value::Object(ways.discovery.clone())))
            }
            "/jwks" => {
                let ways = self.ways.lock().expect("no test panics in between");
                (200, json!({ "keys": [published(&ways.key, &ways.key_name)] }))
            }
            "/token" => self.token(authorization, body),
            _ => (404, json!({})),
        }
    }

    /// Takes a code once, from who began and knows the secret.
    fn token(&self, authorization: &str, body: &str) -> (u16, Value) {
        let refused = (400, json!({ "error": "invalid_grant" }));
        let asked = form(body);
        let encode = |text: &str| {
            text.replace('%', "%25")
                .replace(':', "%3A")
                .replace('+', "%2B")
                .replace('/', "%2F")
                .replace('=', "%3D")
                .replace(' ', "+")
        };
        let known = STANDARD.encode(format!("{CLIENT}:{}", encode(SECRET)));
        if authorization != format!("Basic {known}") {
            return (401, json!({ "error": "invalid_client" }));
        }
        let mut ways = self.ways.lock().expect("no test panics in between");
        let Some(code) = asked.get("code").and_then(|code| ways.codes.remove(code)) else { return refused };
        let verifier = asked.get("code_verifier").map(String::as_bytes).unwrap_or_default();
        let proved = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier));
        if proved != code.challenge || asked.get("redirect_uri") != Some(&code.callback) {
            return refused;
        }
        let now = self.clock.now().seconds();
        let access = "an access token";
        let half = URL_SAFE_NO_PAD.encode(&digest(&SHA256, access.as_bytes()).as_ref()[..16]);
        let claims = json!({
            "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": code.nonce, "at_hash": half,
        });
        let claims = with(with(claims, &code.says), &Value::Object(ways.claims.clone()));
        (200, json!({ "id_token": ways.sign("JWT", claims), "access_token": access, "token_type": "Bearer" }))
    }
}
