//! What a proxy says of the request that it has before it, and where somebody who is not signed in is sent.
//!
//! Rules: proxies say it in different headers, of which a client may have sent the others: all that are there must say
//! the same, and what only a client could have said differently is not believed; a method is never assumed; one goes
//! back only to an address that a catalogue knows and that the session's cookie reaches. Pure.

use super::Snapshot;
use super::routes::Meant;

/// The address at which proxies ask.
pub const ADDRESS: &str = "/forward-auth";
/// The longest address that somebody is sent back to, in bytes.
const LONGEST_RETURN: usize = 2_048;
/// The longest path that the sign-in goes on to, in bytes.
const LONGEST_NEXT: usize = 512;

/// What stands in the request to this house, word for word.
#[derive(Debug, Clone, Copy, Default)]
pub struct Said<'a> {
    /// `X-Original-URI` (nginx).
    pub original_uri: Option<&'a str>,
    /// `X-Original-Method` (nginx).
    pub original_method: Option<&'a str>,
    /// `X-Forwarded-Uri` (Traefik, Caddy).
    pub forwarded_uri: Option<&'a str>,
    /// `X-Forwarded-Method` (Traefik, Caddy).
    pub forwarded_method: Option<&'a str>,
    /// `X-Forwarded-Host` (all but Envoy).
    pub forwarded_host: Option<&'a str>,
    /// `X-Forwarded-Proto`.
    pub forwarded_proto: Option<&'a str>,
    /// What follows [`ADDRESS`] in the address that was asked (Envoy); empty if nothing does.
    pub appended: &'a str,
    /// The method with which this house was asked (Envoy).
    pub method: &'a str,
    /// `Host` (Envoy).
    pub host: Option<&'a str>,
}

/// A request that waits at a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The host, in small letters, with its port if that is not 443.
    pub host: String,
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
}

impl Said<'_> {
    /// The request that waits; `None` if it is not said, or not by all alike.
    pub fn waiting(&self) -> Option<Waiting> {
        let appended = Some(self.appended).filter(|appended| !appended.is_empty());
        let target = agreed([self.original_uri, self.forwarded_uri, appended])?;
        let own_method = appended.map(|_| self.method);
        let method = agreed([self.original_method, self.forwarded_method, own_method])?;
        let host = match appended {
            Some(_) => agreed([self.host, self.forwarded_host, None])?,
            None => self.forwarded_host?,
        };
        if self.forwarded_proto.is_some_and(|proto| proto != "https") {
            return None;
        }
        let host = host.to_ascii_lowercase();
        let host = host.strip_suffix(":443").unwrap_or(&host).to_owned();
        Some(Waiting { host, method: method.to_owned(), target: target.to_owned() })
    }
}

/// What all say that say something.
fn agreed(said: [Option<&str>; 3]) -> Option<&str> {
    let mut all = said.into_iter().flatten();
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

impl Waiting {
    /// Which permission the request needs.
    pub fn meaning(&self, snapshot: &Snapshot) -> Option<Meant> {
        let path = self.target.split_once('?').map_or(&*self.target, |(path, _)| path);
        snapshot.routes.meaning(&self.host, &self.method, path)
    }

    /// Where a browser signs in and comes back from; `None` for requests that are no visit of a page, and for hosts that
    /// the cookie of a session at `public_url` does not reach.
    pub fn sign_in(&self, snapshot: &Snapshot, public_url: &str) -> Option<String> {
        if !matches!(self.method.as_str(), "GET" | "HEAD") {
            return None;
        }
        let whole = format!("https://{}{}", self.host, self.target);
        let front = format!("https://{}/", self.host);
        let next = [whole, front].iter().find_map(|address| {
            let address = way_back(snapshot, public_url, address)?;
            Some(format!("/return?to={}", encoded(&address))).filter(|next| next.len() <= LONGEST_NEXT)
        })?;
        Some(format!("{public_url}/sign-in?next={}", encoded(&next)))
    }
}

/// The address, if one may be sent to it: of a host that a catalogue has routes of, by the name that this house has.
pub fn way_back(snapshot: &Snapshot, public_url: &str, address: &str) -> Option<String> {
    let rest = address.strip_prefix("https://").filter(|_| address.len() <= LONGEST_RETURN)?;
    let (host, path) = rest.split_at_checked(rest.find('/')?)?;
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let here = name_of(public_url.strip_prefix("https://")?) == name_of(host);
    (plain && here && snapshot.routes.knows(host)).then(|| address.to_owned())
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    host.split_once(':').map_or(host, |(name, _)| name)
}

/// A text in the place of a parameter's value, or of a header's.
pub fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~@".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NGINX: Said<'_> = Said {
        original_uri: Some("/orders/7?x=1"),
        original_method: Some("GET"),
        forwarded_uri: None,
        forwarded_method: None,
        forwarded_host: Some("Orders.example.com:443"),
        forwarded_proto: Some("https"),
        appended: "",
        method: "GET",
        host: Some("bailiwick.internal"),
    };
    const TRAEFIK: Said<'_> = Said {
        original_uri: None,
        original_method: None,
        forwarded_uri: Some("/orders/7?x=1"),
        forwarded_method: Some("DELETE"),
        ..NGINX
    };
    const ENVOY: Said<'_> = Said {
        original_uri: None,
        original_method: None,
        forwarded_host: None,
        forwarded_proto: None,
        appended: "/orders/7?x=1",
        method: "PUT",
        host: Some("orders.example.com"),
        ..NGINX
    };

    #[test]
    fn each_proxy_is_understood() {
        for (said, method) in [(NGINX, "GET"), (TRAEFIK, "DELETE"), (ENVOY, "PUT")] {
            let waiting = said.waiting().unwrap();
            assert_eq!(waiting.host, "orders.example.com");
            assert_eq!((waiting.method.as_str(), waiting.target.as_str()), (method, "/orders/7?x=1"));
        }
    }

    #[test]
    fn what_a_client_adds_to_it_must_not_differ() {
        let other = Some("/open");
        for forged in [
            Said { forwarded_uri: other, ..NGINX },
            Said { forwarded_method: Some("POST"), ..NGINX },
            Said { appended: "/open", ..NGINX },
            Said { original_uri: other, ..TRAEFIK },
            Said { original_method: Some("GET"), ..TRAEFIK },
            Said { original_uri: other, ..ENVOY },
            Said { forwarded_uri: other, ..ENVOY },
            Said { original_method: Some("GET"), ..ENVOY },
            Said { forwarded_host: Some("open.example.com"), ..ENVOY },
        ] {
            assert_eq!(forged.waiting(), None, "{forged:?}");
        }
        let repeated = Said { forwarded_uri: NGINX.original_uri, ..NGINX };
        assert_eq!(repeated.waiting(), NGINX.waiting());
    }

    #[test]
    fn nothing_is_assumed() {
        for lacking in [
            Said { original_uri: None, ..NGINX },
            Said { original_method: None, ..NGINX },
            Said { forwarded_host: None, ..NGINX },
            Said { forwarded_method: None, ..TRAEFIK },
            Said { host: None, ..ENVOY },
            Said { forwarded_proto: Some("http"), ..NGINX },
            Said::default(),
        ] {
            assert_eq!(lacking.waiting(), None, "{lacking:?}");
        }
    }
}
