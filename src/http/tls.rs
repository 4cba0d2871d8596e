//! TLS 1.2 and 1.3 by rustls; a self-signed certificate at the first start.
//!
//! Rules: there is no listener without TLS. `certificate.pem` and `keys/tls.key` in the data directory may be
//! replaced by those of a real authority.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::Config;
use crate::error::{Error, Result};

/// The listener's TLS settings, from the files in the data directory; missing files are made.
///
/// # Errors
/// [`Error::Internal`] naming the file that cannot be read or made.
pub fn server_config(config: &Config) -> Result<ServerConfig> {
    let certificate = config.data.join("certificate.pem");
    let key = config.data.join("keys").join("tls.key");
    if !certificate.exists() || !key.exists() {
        make(config, &certificate, &key)?;
    }
    let failed =
        |cause: &dyn std::fmt::Display| Error::internal("reading certificate.pem and keys/tls.key", cause);
    let chain = CertificateDer::pem_file_iter(&certificate)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|cause| failed(&cause))?;
    let key = PrivateKeyDer::from_pem_file(&key).map_err(|cause| failed(&cause))?;
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|cause| failed(&cause))
}

fn make(config: &Config, certificate: &Path, key: &Path) -> Result<()> {
    let failed = |cause: &dyn std::fmt::Display| Error::internal("making the self-signed certificate", cause);
    let host =
        config.public_url.trim_start_matches("https://").split(':').next().unwrap_or("localhost").to_owned();
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !names.contains(&host) {
        names.push(host);
    }
    let made = rcgen::generate_simple_self_signed(names).map_err(|cause| failed(&cause))?;
    write(key, &made.signing_key.serialize_pem(), 0o600).map_err(|cause| failed(&cause))?;
    write(certificate, &made.cert.pem(), 0o644).map_err(|cause| failed(&cause))
}

fn write(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
