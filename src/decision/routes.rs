//! Requests as permissions: the host, the method and the path of a request that a proxy has before it, and what they
//! mean by the catalogues' routes.
//!
//! Rules: the first route that fits decides, and without one nothing is meant; a host belongs to one application, and
//! one that two claim belongs to none; a path that two programs could read in two ways is read by nobody. Pure; calls
//! `access::routes` for the patterns.

use std::collections::HashMap;

use crate::access::catalogue::Application;
use crate::access::routes::{ID, Pattern, Route};

/// The longest path that is read, in bytes.
const LONGEST_PATH: usize = 2_048;
/// The most parts of one.
const MOST_PARTS: usize = 64;

/// What a request means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant {
    /// `application/feature`.
    pub feature: String,
    /// The action.
    pub action: String,
    /// The record's id; empty if the path has none.
    pub id: String,
    /// What the path says of the record besides.
    pub properties: Vec<(String, String)>,
    /// What such requests are for.
    pub purpose: Option<String>,
}

/// The routes of all catalogues in force.
#[derive(Debug, Default)]
pub(super) struct Routes(HashMap<Box<str>, Host>);

#[derive(Debug)]
struct Host {
    application: Box<str>,
    shared: bool,
    routes: Vec<(Pattern, Route)>,
}

impl Routes {
    /// The routes of these applications. What lint would have refused means nothing.
    pub(super) fn of(applications: &[Application]) -> Self {
        let mut hosts: HashMap<Box<str>, Host> = HashMap::new();
        for application in applications {
            for route in &application.routes {
                let host = hosts.entry(route.host.as_str().into()).or_insert_with(|| Host {
                    application: application.key.as_str().into(),
                    shared: false,
                    routes: Vec::new(),
                });
                host.shared |= *host.application != *application.key;
                if let Ok(pattern) = Pattern::parse(&route.path) {
                    host.routes.push((pattern, route.clone()));
                }
            }
        }
        Self(hosts)
    }

    /// Whether some application has routes of this host.
    pub(super) fn knows(&self, host: &str) -> bool {
        self.0.get(host).is_some_and(|host| !host.shared)
    }

    /// What a request means, if it means anything.
    pub(super) fn meaning(&self, host: &str, method: &str, path: &str) -> Option<Meant> {
        let host = self.0.get(host).filter(|host| !host.shared)?;
        let parts = parts(path)?;
        let (route, named) = host.routes.iter().find_map(|(pattern, route)| {
            Some((route, pattern.fits(&parts).filter(|_| route.takes(method))?))
        })?;
        let (ids, properties): (Vec<_>, Vec<_>) = named
            .into_iter()
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .partition(|(name, _)| name == ID);
        Some(Meant {
            feature: format!("{}/{}", host.application, route.feature),
            action: route.action.clone(),
            id: ids.into_iter().next().map(|(_, id)| id).unwrap_or_default(),
            properties,
            purpose: route.purpose.clone(),
        })
    }
}

/// The parts of a path as everybody reads them; `None` for a path that somebody could read otherwise.
///
/// Refused are: two slashes in a row, parts that are dots, semicolons, backslashes and control characters, bytes that
/// should have been encoded, and among what is encoded whatever need not be (a dot or a letter), whatever would be one of
/// those (a slash, a semicolon, a backslash), what would end the path (`?`, `#`), what could be decoded twice (`%`), and
/// what is not UTF-8.
fn parts(path: &str) -> Option<Vec<String>> {
    let rest = path.strip_prefix('/').filter(|_| path.len() <= LONGEST_PATH)?;
    let all: Vec<&str> = rest.split('/').collect();
    let count = all.len();
    if count > MOST_PARTS {
        return None;
    }
    all.into_iter()
        .enumerate()
        .map(|(place, part)| decoded(part).filter(|part| !part.is_empty() || place + 1 == count))
        .collect()
}

fn decoded(part: &str) -> Option<String> {
    if part == "." || part == ".." {
        return None;
    }
    let mut bytes = part.bytes();
    let mut out = Vec::with_capacity(part.len());
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let (high, low) = (hex(bytes.next()?)?, hex(bytes.next()?)?);
                Some(high << 4 | low).filter(|byte| !is_unreserved(*byte) && !b"/\\;?#%".contains(byte))?
            }
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@' => byte,
            other => Some(other).filter(|byte| is_unreserved(*byte))?,
        };
        out.push(byte);
    }
    String::from_utf8(out).ok().filter(|text| !text.chars().any(char::is_control))
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(key: &str, routes: &str) -> Application {
        let text = format!("key = \"{key}\"\nowner = \"grace\"\n{routes}");
        toml::from_str(&text).unwrap()
    }

    fn route(host: &str, path: &str, methods: &str, feature: &str) -> String {
        format!(
            "[[route]]\nhost = \"{host}\"\npath = \"{path}\"\nmethods = {methods}\nfeature = \"{feature}\"\naction = \"read\"\n"
        )
    }

    #[test]
    fn the_first_route_that_fits_decides() {
        let host = "orders.example.com";
        let lines = [
            route(host, "/orders/new", r#"["GET"]"#, "form"),
            route(host, "/orders/{id}", r#"["GET"]"#, "order"),
            route(host, "/shops/{marketplace}/orders/{id}", r#"["POST", "PUT"]"#, "order"),
            route(host, "/files/*", r#"["GET"]"#, "file"),
        ];
        let routes = Routes::of(&[application("orders", &lines.concat())]);
        let meaning = |method: &str, path: &str| {
            routes.meaning(host, method, path).map(|meant| (meant.feature, meant.id, meant.properties))
        };
        let meant = |feature: &str, id: &str, properties: &[(&str, &str)]| {
            let properties = properties.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
            Some((format!("orders/{feature}"), id.to_owned(), properties.collect::<Vec<_>>()))
        };
        assert_eq!(meaning("GET", "/orders/new"), meant("form", "", &[]));
        assert_eq!(meaning("HEAD", "/orders/7"), meant("order", "7", &[]));
        assert_eq!(meaning("PUT", "/shops/UK/orders/7"), meant("order", "7", &[("marketplace", "UK")]));
        assert_eq!(meaning("GET", "/files/a/b"), meant("file", "", &[]));
        assert_eq!(meaning("GET", "/orders/J%C3%BCrg%20a@b"), meant("order", "Jürg a@b", &[]));
        for (method, path) in
            [("POST", "/orders/7"), ("GET", "/orders"), ("GET", "/orders/7/"), ("get", "/orders/7")]
        {
            assert_eq!(meaning(method, path), None, "{method} {path}");
        }
        assert_eq!(routes.meaning("other.example.com", "GET", "/orders/7"), None);
    }

    #[test]
    fn a_host_of_two_applications_is_nobodys() {
        let both = [
            application("orders", &route("a.example", "/a", r#"["GET"]"#, "a")),
            application("stock", &route("a.example", "/b", r#"["GET"]"#, "b")),
        ];
        let routes = Routes::of(&both);
        assert!(!routes.knows("a.example"));
        assert!(routes.meaning("a.example", "GET", "/a").is_none());
        assert!(Routes::of(&both[..1]).knows("a.example"));
    }

    const MISREAD: [&str; 46] = [
        "",
        "open/1",
        "*",
        "http://a.example/open/1",
        "/open/../secret",
        "/open/./1",
        "/open/%2e%2e/secret",
        "/open/.%2e/secret",
        "/open/%2E",
        "//open/1",
        "/open//1",
        "/open/1;v=2",
        "/open/..;/secret",
        "/open/%3b",
        "/open/%3B/x",
        "/open/%2f..%2fsecret",
        "/open/%2F",
        "/open/%5c..",
        "/open\\1",
        "/open/%252e%252e/secret",
        "/open/%25",
        "/open/%00",
        "/open/%0a",
        "/open/%7f",
        "/open/%c2%85",
        "/open/%c0%ae",
        "/open/%ff",
        "/open/%u002e",
        "/open/%",
        "/open/%2",
        "/open/%zz",
        "/%6fpen/1",
        "/open/%41",
        "/open/1?x=1",
        "/open/1#x",
        "/open/%3F",
        "/open/%23",
        "/open/ä",
        "/open/a b",
        "/open/a\tb",
        "/open/\"",
        "/open/<",
        "/open/|",
        "/open/^",
        "/open/`",
        "/open/{id}",
    ];

    #[test]
    fn paths_that_could_be_read_in_two_ways_are_read_by_nobody() {
        let routes = [
            route("a.example", "/open/*", r#"["GET"]"#, "open"),
            route("a.example", "/", r#"["GET"]"#, "open"),
        ];
        let routes = Routes::of(&[application("a", &routes.concat())]);
        let read = |path: &str| routes.meaning("a.example", "GET", path).is_some();
        for path in [
            "/open/1",
            "/open/",
            "/open/a.b",
            "/open/.hidden",
            "/open/a..b",
            "/open/%20",
            "/open/%C3%A4",
            "/open/x=1,2",
            "/",
        ] {
            assert!(read(path), "{path}");
        }
        let deep = format!("/open{}", "/a".repeat(64));
        let long = format!("/open/{}", "a".repeat(2_048));
        for path in MISREAD.into_iter().chain([deep.as_str(), long.as_str()]) {
            assert!(!read(path), "{path}");
        }
    }
}
