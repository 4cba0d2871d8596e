//! A caller that asks often: HTTP/1.1 over one TLS connection that stays open, with nothing between it and the socket.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Trusts the server whose certificate this is, and no other.
pub fn trusting(certificate: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(certificate).expect("the server's certificate");
    roots.add(certificate).expect("a certificate to trust");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(config.expect("TLS").with_root_certificates(roots).with_no_client_auth())
}

/// One connection, all of whose calls bear the same header of their own.
pub struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    header: String,
    read: Vec<u8>,
}

impl Connection {
    /// Connects as a program with a key.
    pub fn open(port: u16, trusts: &Arc<ClientConfig>, key: &str) -> io::Result<Self> {
        Self::with_header(port, trusts, format!("authorization: Bearer {key}"))
    }

    /// Connects; this line stands in the head of each call.
    pub fn with_header(port: u16, trusts: &Arc<ClientConfig>, header: String) -> io::Result<Self> {
        let socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let tls = ClientConnection::new(Arc::clone(trusts), name).map_err(io::Error::other)?;
        Ok(Self { stream: StreamOwned::new(tls, socket), header, read: Vec::new() })
    }

    /// A call with a JSON body: the status and the body that came back.
    pub fn call(&mut self, method: &str, path: &str, body: &str) -> io::Result<(u16, String)> {
        self.send(method, path, body)?;
        self.receive()
    }

    /// Sends a call and waits for nothing.
    pub fn send(&mut self, method: &str, path: &str, body: &str) -> io::Result<()> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.header,
            body.len()
        );
        self.stream.write_all(request.as_bytes())?;
        self.stream.flush()
    }

    fn receive(&mut self) -> io::Result<(u16, String)> {
        let mut chunk = [0; 4096];
        loop {
            if let Some((status, body, length)) = parsed(&self.read) {
                let answer = (status, String::from_utf8_lossy(body).into_owned());
                self.read.drain(..length);
                return Ok(answer);
            }
            match self.stream.read(&mut chunk)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.read.extend_from_slice(&chunk[..count]),
            }
        }
    }
}

/// Status, body and whole length of an answer, if it has come whole.
fn parsed(read: &[u8]) -> Option<(u16, &[u8], usize)> {
    let head = read.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&read[..head]).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    let body = read.get(head + 4..head + 4 + length)?;
    Some((status, body, head + 4 + length))
}
