//! Which path of an application means which of its permissions, for proxies that ask before they let a request through.
//!
//! Rules: a path is a list of parts between slashes; a part in braces stands for one part, a star at the end for all
//! that follow; no part stands for half a part. The first route that fits decides, so what could never be reached, or
//! what two routes could both mean, is refused. Pure; calls `catalogue`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::catalogue::Application;
use super::names::is_key;
use crate::profile::{Document, Refusal};

/// The methods that a route may name.
pub const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// The parameter that holds the record's id.
pub const ID: &str = "id";
/// The longest path of a route, in bytes.
const LONGEST_PATH: usize = 512;
/// The longest host, in bytes.
const LONGEST_HOST: usize = 253;

/// Requests that need one permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The host as browsers name it, with its port if that is not 443.
    pub host: String,
    /// The path, such as `/addresses/{id}`.
    pub path: String,
    /// The methods; `GET` means `HEAD` as well.
    pub methods: Vec<String>,
    /// The feature's key.
    pub feature: String,
    /// The action.
    pub action: String,
    /// What such requests are for, where roles ask for a purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}

impl Route {
    /// Whether a request with this method is one of the route's.
    pub fn takes(&self, method: &str) -> bool {
        let named = |name: &str| self.methods.iter().any(|own| own == name);
        named(method) || (method == "HEAD" && named("GET"))
    }
}

/// One part of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// This text.
    Is(Box<str>),
    /// Any one part, under this name.
    Named(Box<str>),
    /// One part or more, to the end.
    Rest,
}

/// The path of a route, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

impl Pattern {
    /// Takes a path apart.
    ///
    /// # Errors
    /// What is wrong with it, and what to do about it.
    pub fn parse(path: &str) -> Result<Self, (&'static str, &'static str)> {
        if path.len() > LONGEST_PATH {
            return Err(("the path is longer than 512 bytes", "shorten it"));
        }
        let Some(parts) = path.strip_prefix('/') else {
            return Err(("the path does not begin with \"/\"", "write it as \"/addresses/{id}\""));
        };
        let all: Vec<&str> = parts.split('/').collect();
        let mut pattern = Vec::with_capacity(all.len());
        for (place, text) in all.iter().enumerate() {
            let last = place + 1 == all.len();
            pattern.push(part(text, last)?);
        }
        let names: Vec<_> = pattern.iter().filter_map(Part::name).collect();
        if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
            return Err(("two parts of the path have one name", "give each part its own name"));
        }
        Ok(Self(pattern))
    }

    /// The names of its parts in braces.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(Part::name)
    }

    /// What stands in the place of each named part, if the parts of a path are like this.
    pub fn fits<'a, 's: 'a>(&'s self, parts: &'a [String]) -> Option<Vec<(&'s str, &'a str)>> {
        let mut named = Vec::new();
        let mut rest = parts.iter();
        for part in &self.0 {
            let own = rest.next()?;
            match part {
                Part::Is(text) if **text == **own => {}
                Part::Named(name) if !own.is_empty() => named.push((&**name, own.as_str())),
                Part::Rest => return Some(named),
                Part::Is(_) | Part::Named(_) => return None,
            }
        }
        rest.next().is_none().then_some(named)
    }

    /// Whether it fits every path that the other fits.
    fn covers(&self, other: &Self) -> bool {
        let (mut own, mut others) = (self.0.iter(), other.0.iter());
        loop {
            match (own.next(), others.next()) {
                (Some(Part::Rest), Some(_)) | (None, None) => return true,
                (Some(Part::Named(_)), Some(Part::Named(_))) => {}
                (Some(Part::Named(_)), Some(Part::Is(text))) if !text.is_empty() => {}
                (Some(Part::Is(text)), Some(Part::Is(other))) if text == other => {}
                _ => return false,
            }
        }
    }

    /// Whether there is a path that both fit.
    fn meets(&self, other: &Self) -> bool {
        let (mut own, mut others) = (self.0.iter(), other.0.iter());
        loop {
            match (own.next(), others.next()) {
                (Some(Part::Rest), Some(_)) | (Some(_), Some(Part::Rest)) | (None, None) => return true,
                (Some(Part::Named(_)), Some(Part::Named(_))) => {}
                (Some(Part::Named(_)), Some(Part::Is(text)))
                | (Some(Part::Is(text)), Some(Part::Named(_)))
                    if !text.is_empty() => {}
                (Some(Part::Is(text)), Some(Part::Is(other))) if text == other => {}
                _ => return false,
            }
        }
    }
}

impl Part {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Is(_) | Self::Rest => None,
        }
    }
}

fn part(text: &str, last: bool) -> Result<Part, (&'static str, &'static str)> {
    if text == "*" {
        let remedy = "name the part, such as \"{id}\", or end the path with the star";
        return if last { Ok(Part::Rest) } else { Err(("a star stands before the end of the path", remedy)) };
    }
    if let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        let shape = ("a part in braces has no proper name", "write small letters, digits, \"_\" and \"-\"");
        return if is_key(name) { Ok(Part::Named(name.into())) } else { Err(shape) };
    }
    if text.is_empty() && !last {
        return Err(("the path has two slashes in a row", "write one"));
    }
    if text == "." || text == ".." {
        return Err(("the path has a part \".\" or \"..\"", "write the path that it leads to"));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || "%?#;\\{}*".contains(c)) {
        let what = "the path has a character that no part may have: % ? # ; \\ { } * or a blank";
        return Err((what, "write parts as they read once decoded, and \"{name}\" for a whole part"));
    }
    Ok(Part::Is(text.into()))
}

/// What is wrong with a host; `None` if nothing is.
fn fault_of_host(host: &str) -> Option<&'static str> {
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    let labels =
        name.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    if name.len() > LONGEST_HOST || !labels || !name.bytes().all(allowed) {
        return Some("must be a host in small letters, such as \"orders.example.com\"");
    }
    let is_port =
        |port: &str| port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port);
    match port {
        Some("443") => Some("names the port that everybody means"),
        Some(port) if !is_port(port) => Some("has something behind the colon that is no port"),
        _ => None,
    }
}

/// Everything wrong with the routes of one application but their permissions.
pub(super) fn check(document: &Document<Application>) -> Vec<Refusal> {
    let mut found = Vec::new();
    let routes = &document.value.routes;
    for (index, route) in routes.iter().enumerate() {
        let path = format!("route.{index}");
        if let Some(what) = fault_of_host(&route.host) {
            let remedy = "write it as browsers name it, with its port only if that is not 443";
            found.push(document.refuse(&format!("{path}.host"), format!("the host {what}"), remedy));
        }
        found.extend(methods(document, &path, route));
        match Pattern::parse(&route.path) {
            Err((what, remedy)) => found.push(document.refuse(&format!("{path}.path"), what, remedy)),
            Ok(pattern) => found.extend(unread(document, &path, route, &pattern)),
        }
    }
    found.extend(overlaps(document));
    found
}

fn methods(document: &Document<Application>, path: &str, route: &Route) -> Vec<Refusal> {
    let path = format!("{path}.methods");
    let known = format!("name some of {}", METHODS.join(", "));
    if route.methods.is_empty() {
        return vec![document.refuse(&path, "the route has no method", known)];
    }
    let mut seen = BTreeSet::new();
    let wrong = route.methods.iter().filter_map(|method| {
        let what = if !METHODS.contains(&method.as_str()) {
            format!("there is no method \"{}\"", method.escape_debug())
        } else if !seen.insert(method) {
            format!("the method \"{method}\" is named twice")
        } else {
            return None;
        };
        Some(document.refuse(&path, what, known.clone()))
    });
    wrong.collect()
}

/// Named parts that nothing reads: each but the id is a property, and the feature has to declare it.
fn unread(document: &Document<Application>, path: &str, route: &Route, pattern: &Pattern) -> Vec<Refusal> {
    let Some(feature) = document.value.feature(&route.feature) else { return Vec::new() };
    let known = document.value.properties_of(feature);
    let unread = pattern.names().filter(|name| *name != ID && !known.contains(name));
    unread
        .map(|name| {
            let what = format!("nothing reads the property \"{name}\" of the feature \"{}\"", feature.key);
            let remedy = format!("call the record's id \"{{{ID}}}\", or declare the property in the feature");
            document.refuse(&format!("{path}.path"), what, remedy)
        })
        .collect()
}

/// Routes that are never reached, and pairs that could both mean a request.
fn overlaps(document: &Document<Application>) -> Vec<Refusal> {
    let routes: Vec<_> =
        document.value.routes.iter().map(|route| (route, Pattern::parse(&route.path).ok())).collect();
    let mut found = Vec::new();
    for (index, (route, pattern)) in routes.iter().enumerate() {
        let Some(pattern) = pattern else { continue };
        let before = routes[..index].iter().find_map(|(earlier, own)| {
            let own = own.as_ref()?;
            let common = METHODS.iter().any(|method| earlier.takes(method) && route.takes(method));
            let apart = earlier.host != route.host || !common || !own.meets(pattern);
            // The particular before the general is how it should be.
            (!apart && (own.covers(pattern) || !pattern.covers(own))).then_some((*earlier, own))
        });
        let Some((earlier, own)) = before else { continue };
        let path = format!("route.{index}.path");
        found.push(if own.covers(pattern) {
            let what = format!(
                "the route \"{}\" above takes all of these requests, or some of their methods",
                earlier.path
            );
            document.refuse(
                &path,
                what,
                "put the particular route before the general one, or remove one of them",
            )
        } else {
            let what = format!("the route \"{}\" above fits some of the same paths", earlier.path);
            document.refuse(&path, what, "make the two differ in a part that both spell out")
        });
    }
    found
}

/// Hosts that two applications claim: which of them a path means would hang on an order that nobody sees.
pub(super) fn check_hosts(documents: &[Document<Application>], known: &[Application]) -> Vec<Refusal> {
    let mut owners: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for application in known {
        for route in &application.routes {
            owners.entry(&route.host).or_default().insert(&application.key);
        }
    }
    let mut found = Vec::new();
    for document in documents {
        let mut seen = BTreeSet::new();
        for (index, route) in document.value.routes.iter().enumerate() {
            let others = owners.get(route.host.as_str()).into_iter().flatten();
            let other = others.copied().find(|key| *key != document.value.key);
            if let Some(other) = other.filter(|_| seen.insert(&route.host)) {
                let what =
                    format!("the application \"{other}\" has routes of the host \"{}\" too", route.host);
                let path = format!("route.{index}.host");
                found.push(document.refuse(&path, what, "give all routes of one host to one application"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(path: &str) -> Pattern {
        Pattern::parse(path).unwrap()
    }

    fn parts(path: &str) -> Vec<String> {
        path.split('/').skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn a_pattern_fits_whole_parts_only() {
        for (path, fitting, others) in [
            ("/", &["/"][..], &["/a", "//"][..]),
            ("/a", &["/a"], &["/", "/A", "/a/", "/ab", "/a/b"]),
            ("/a/{id}", &["/a/1", "/a/x y"], &["/a", "/a/", "/a/1/", "/a/1/2"]),
            ("/a/*", &["/a/1", "/a/", "/a/1/2"], &["/a", "/b/1"]),
            ("/a/{id}/", &["/a/1/"], &["/a/1", "/a//"]),
        ] {
            let pattern = pattern(path);
            assert!(fitting.iter().all(|path| pattern.fits(&parts(path)).is_some()), "{path}");
            assert!(others.iter().all(|path| pattern.fits(&parts(path)).is_none()), "{path}");
        }
        let shop = pattern("/{shop}/orders/{id}");
        assert_eq!(shop.fits(&parts("/uk/orders/7")), Some(vec![("shop", "uk"), ("id", "7")]));
    }

    #[test]
    fn covering_and_meeting_are_what_trying_every_path_says() {
        let texts = ["", "a", "b"];
        let mut paths = Vec::new();
        for length in 1..=3 {
            let mut all = vec![Vec::new()];
            for _ in 0..length {
                all = all
                    .iter()
                    .flat_map(|path: &Vec<String>| {
                        texts.iter().map(move |text| [path.clone(), vec![(*text).to_owned()]].concat())
                    })
                    .collect();
            }
            paths.extend(all);
        }
        let all = [
            "/", "/a", "/b", "/{x}", "/*", "/a/", "/a/b", "/a/{x}", "/{x}/b", "/{x}/{y}", "/a/*", "/{x}/*",
            "/{x}/",
        ];
        for (one, other) in all.iter().flat_map(|one| all.iter().map(move |other| (one, other))) {
            let (left, right) = (pattern(one), pattern(other));
            let fits = |pattern: &Pattern, path: &Vec<String>| pattern.fits(path).is_some();
            let covers = paths.iter().all(|path| !fits(&right, path) || fits(&left, path));
            let meets = paths.iter().any(|path| fits(&left, path) && fits(&right, path));
            assert_eq!(left.covers(&right), covers, "{one} covers {other}");
            assert_eq!(left.meets(&right), meets, "{one} meets {other}");
        }
    }

    #[test]
    fn paths_and_hosts_that_are_none_are_refused() {
        for wrong in [
            "",
            "a",
            "//",
            "/a//b",
            "/*/a",
            "/a/..",
            "/./a",
            "/{}",
            "/{A}",
            "/a{id}",
            "/{id}/{id}",
            "/%61",
            "/a?b",
            "/a;b",
            "/a#b",
            "/a b",
            "/a\\b",
            "/**",
            &format!("/{}", "a".repeat(512)),
        ] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
        for right in ["orders.example.com", "localhost:8443", "127.0.0.1:9000", "a-b.example"] {
            assert_eq!(fault_of_host(right), None, "{right}");
        }
        for wrong in [
            "",
            "Orders.example",
            "a..b",
            "a.",
            "-a.b",
            "a b",
            "a/b",
            "a:443",
            "a:0",
            "a:080",
            "a:x",
            "a:70000",
            "[::1]",
        ] {
            assert!(fault_of_host(wrong).is_some(), "{wrong}");
        }
    }
}
