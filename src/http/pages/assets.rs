//! Static files by the hash of their content: a changed file has a new address, so any answer may be cached for ever.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Web;

/// Where the static files are served.
pub const PREFIX: &str = "/static/";

/// The value of `Cache-Control` for every static file: its name changes when its content does.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// One static file as it is sent.
#[derive(Debug, Clone)]
pub struct Asset {
    /// The bytes of the answer.
    pub body: Cow<'static, [u8]>,
    /// The value of `Content-Type`, charset included.
    pub content_type: &'static str,
}

/// All static files, by their own names and by the names they are served under.
#[derive(Debug)]
pub struct Assets {
    addresses: HashMap<String, String>,
    files: HashMap<String, Asset>,
}

impl Assets {
    /// Reads what is embedded. Files of a kind that browsers are not sent are left out.
    pub(super) fn embedded() -> Self {
        let mut assets = Self { addresses: HashMap::new(), files: HashMap::new() };
        for path in Web::iter() {
            let Some(name) = path.strip_prefix("static/") else { continue };
            let Some((stem, extension)) = name.rsplit_once('.') else { continue };
            let (Some(content_type), Some(file)) = (content_type(extension), Web::get(&path)) else {
                continue;
            };
            let hash = hex::encode(&file.metadata.sha256_hash()[..8]);
            let file_name = format!("{stem}.{hash}.{extension}");
            assets.addresses.insert(name.to_owned(), format!("{PREFIX}{file_name}"));
            assets.files.insert(file_name, Asset { body: file.data, content_type });
        }
        assets
    }

    /// The address of the file `name`, such as `tokens.css` or `js/dialogs.js`.
    pub(super) fn address(&self, name: &str) -> Option<&str> {
        self.addresses.get(name).map(String::as_str)
    }

    /// The file served under `file_name`, hash included.
    pub(super) fn find(&self, file_name: &str) -> Option<&Asset> {
        self.files.get(file_name)
    }
}

/// The media type for a file name's extension; `None` for what is not sent to browsers.
fn content_type(extension: &str) -> Option<&'static str> {
    match extension {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}
