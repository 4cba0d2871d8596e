//! Where a request comes from: the address at the other end of the line, or what proxies of `trusted_proxies` say.
//!
//! Rule: what a proxy says is read from its end, since a client may have written the beginning; what somebody else
//! says is not read at all.

use std::net::IpAddr;

use actix_web::HttpRequest;

use crate::network::Network;

/// Whether this is the address of a proxy that is believed.
pub fn is_trusted(proxies: &[Network], address: IpAddr) -> bool {
    proxies.iter().any(|proxy| proxy.contains(address))
}

/// The client's address; `None` if it is not known.
pub fn address(proxies: &[Network], request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    let lines = request.headers().get_all("x-forwarded-for");
    let lines: Vec<&str> = lines.map(|line| line.to_str().unwrap_or("not plain")).collect();
    behind(proxies, peer, lines.iter().flat_map(|line| line.split(',')))
}

/// The last address that is no trusted proxy's, counted from this house.
fn behind<'a>(
    proxies: &[Network],
    peer: IpAddr,
    said: impl DoubleEndedIterator<Item = &'a str>,
) -> Option<IpAddr> {
    let mut last = peer;
    for address in said.rev() {
        if !is_trusted(proxies, last) {
            break;
        }
        last = address.trim().parse().ok()?;
    }
    Some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_believed_from_their_end() {
        let proxies = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        for (peer, said, client) in [
            ("192.0.2.1", "203.0.113.5", Some("192.0.2.1")),
            ("10.0.0.1", "", None),
            ("10.0.0.1", "203.0.113.5", Some("203.0.113.5")),
            ("10.0.0.1", "127.0.0.1, 203.0.113.5", Some("203.0.113.5")),
            ("::1", "10.9.9.9, 203.0.113.5 , 10.2.2.2", Some("203.0.113.5")),
            ("10.0.0.1", "10.0.0.2, 10.0.0.3", Some("10.0.0.2")),
            ("10.0.0.1", "203.0.113.5, unknown", None),
            ("10.0.0.1", "203.0.113.5:4711", None),
        ] {
            let found = behind(&proxies, peer.parse().unwrap(), said.split(','));
            assert_eq!(found, client.map(|client| client.parse().unwrap()), "{peer} {said}");
        }
        let alone = behind(&proxies, "10.0.0.1".parse().unwrap(), std::iter::empty());
        assert_eq!(alone, Some("10.0.0.1".parse().unwrap()), "a proxy that speaks for itself");
    }
}
