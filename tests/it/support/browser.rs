//! A caller of the house: keeps cookies, shows its origin, follows nothing by itself.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, SET_COOKIE};
use actix_web::test::{TestRequest, init_service};
use bailiwick::app::App;
use bailiwick::http::pages::Pages;
use serde_json::Value;

use super::contract;

type Pending = Pin<Box<dyn Future<Output = (StatusCode, HeaderMap, Vec<u8>)>>>;

/// What an answer says that its body is.
fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// A browser or program with cookies of its own.
#[derive(Clone)]
pub struct Browser {
    call: Rc<dyn Fn(TestRequest) -> Pending>,
    pub cookies: BTreeMap<String, String>,
    bearer: Option<String>,
    origin: Option<String>,
    address: std::net::SocketAddr,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Reply {
    /// The JSON body.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|cause| panic!("not JSON ({cause}): {}", self.body))
    }

    /// This reply if it has that status; a failed test shows the body otherwise.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// The header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Browser {
    pub async fn open(app: App) -> Self {
        let service =
            Rc::new(init_service(bailiwick::http::service(app, Pages::new().expect("pages compile"))).await);
        let call = move |request: TestRequest| -> Pending {
            let service = service.clone();
            Box::pin(async move {
                let request = request.to_request();
                let (method, path) = (request.method().to_string(), request.path().to_owned());
                let (status, headers, body) = answer(service.call(request).await).await;
                // Whatever a test is about: an answer is what the API's description says.
                let text = String::from_utf8_lossy(&body);
                contract::hold(&method, &path, status.as_u16(), content_type(&headers), &text);
                (status, headers, body)
            })
        };
        Self {
            call: Rc::new(call),
            cookies: BTreeMap::new(),
            bearer: None,
            origin: Some("https://localhost:8443".to_owned()),
            address: ([127, 0, 0, 1], 40_000).into(),
        }
    }

    /// Somebody who calls this node.
    pub async fn of(app: App) -> Self {
        Self::open(app).await
    }

    /// The same, with the key and the cookies of somebody who called another node.
    pub fn asking_like(self, other: &Self) -> Self {
        Self { call: self.call, ..other.clone() }
    }

    /// The same house seen by somebody else: no cookies.
    pub fn other(&self) -> Self {
        Self { cookies: BTreeMap::new(), bearer: None, ..self.clone() }
    }

    /// A program with an API key: no cookies, no origin.
    pub fn with_key(&self, key: &str) -> Self {
        Self { bearer: Some(key.to_owned()), origin: None, ..self.other() }
    }

    /// The key that it calls with.
    pub fn key(&self) -> &str {
        self.bearer.as_deref().expect("a program with a key")
    }

    /// The same browser, but its calls carry another origin (or none).
    #[expect(clippy::wrong_self_convention, reason = "a browser from somewhere else, read aloud")]
    pub fn from_origin(&self, origin: Option<&str>) -> Self {
        Self { origin: origin.map(str::to_owned), ..self.clone() }
    }

    /// The same browser behind another address.
    #[expect(clippy::wrong_self_convention, reason = "a browser from somewhere else, read aloud")]
    pub fn from_address(&self, address: &str) -> Self {
        Self { address: format!("{address}:40000").parse().expect("an address"), ..self.clone() }
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        self.send(TestRequest::get().uri(path)).await
    }

    pub async fn post(&mut self, path: &str, body: Value) -> Reply {
        self.send(TestRequest::post().uri(path).set_json(body)).await
    }

    pub async fn patch(&mut self, path: &str, body: Value) -> Reply {
        self.send(TestRequest::patch().uri(path).set_json(body)).await
    }

    pub async fn delete(&mut self, path: &str, body: Value) -> Reply {
        self.send(TestRequest::delete().uri(path).set_json(body)).await
    }

    /// Submits a form as a page would.
    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.send(TestRequest::post().uri(path).set_form(fields)).await
    }

    /// Sends any request with this browser's cookies, key and origin.
    pub async fn send(&mut self, mut request: TestRequest) -> Reply {
        request = request.peer_addr(self.address);
        if !self.cookies.is_empty() {
            let all: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.insert_header(("cookie", all.join("; ")));
        }
        if let Some(key) = &self.bearer {
            request = request.insert_header(("authorization", format!("Bearer {key}")));
        }
        if let Some(origin) = &self.origin {
            request = request.insert_header(("origin", origin.clone()));
        }
        let (status, headers, body) = (self.call)(request).await;
        for cookie in headers.get_all(SET_COOKIE).filter_map(|value| value.to_str().ok()) {
            self.keep(cookie);
        }
        Reply { status: status.as_u16(), headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    fn keep(&mut self, cookie: &str) {
        let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        if value.is_empty() || cookie.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

async fn answer(
    response: Result<ServiceResponse<impl MessageBody>, actix_web::Error>,
) -> (StatusCode, HeaderMap, Vec<u8>) {
    let response = response.expect("the guard answers every request");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body()).await.map_err(|_| ()).expect("a body");
    (status, headers, body.to_vec())
}
