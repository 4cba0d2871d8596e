//! Pages: the templates and static files of `web/`, embedded into the binary, and the one way to render them.
//!
//! Rules: every template is compiled at the start, so a broken one stops the server and not a reader. Undefined
//! names are errors, everything but the plain text of mails is escaped, and no template is read from disk. The context of a page is written at
//! the top of its template; what all pages share is [`frame::Frame`], and forms that come back are [`frame::Form`].
//!
//! This module knows neither actix nor the database. It may call nothing of the crate but `error`.

use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use rust_embed::Embed;
use serde::Serialize;

use assets::{Asset, Assets};

pub mod assets;
pub(super) mod filters;
pub mod frame;
#[cfg(test)]
mod tests;

/// Everything under `web/`: pages, components and static files.
#[derive(Embed)]
#[folder = "web/"]
struct Web;

/// The compiled templates and the static files. Make one at the start and share it.
#[derive(Debug, Clone)]
pub struct Pages {
    environment: Environment<'static>,
    assets: Arc<Assets>,
}

impl Pages {
    /// Compiles all templates.
    ///
    /// # Errors
    /// The first template that does not compile, with its name and line.
    pub fn new() -> Result<Self, Error> {
        let assets = Arc::new(Assets::embedded());
        let mut environment = Environment::new();
        // With it an error would carry the context, and so names of people, into the log.
        environment.set_debug(false);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let escape = |name: &str| if name.ends_with(".txt") { AutoEscape::None } else { AutoEscape::Html };
        environment.set_auto_escape_callback(escape);
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        filters::register(&mut environment);
        let addresses = Arc::clone(&assets);
        environment.add_function("asset", move |name: &str| {
            addresses.address(name).map(|address| Value::from_safe_string(address.to_owned())).ok_or_else(
                || Error::new(ErrorKind::InvalidOperation, format!("there is no static file named {name}")),
            )
        });
        for path in Web::iter() {
            let Some(name) = template_name(&path) else { continue };
            environment.add_template_owned(name.to_owned(), source(&path)?)?;
        }
        Ok(Self { environment, assets })
    }

    /// Renders the page `name` (its path below `web/pages`, such as `people/list.html`) with its context.
    ///
    /// # Errors
    /// An unknown page, a name that the context lacks, or a value that a filter cannot read. The error names
    /// template and line and must not reach the reader.
    pub fn render(&self, name: &str, context: impl Serialize) -> Result<String, Error> {
        self.environment.get_template(name)?.render(Value::from(Serde(context)))
    }

    /// The static file that is served as `/static/{file_name}`, for example `tokens.0c9f1d2e3a4b5c6d.css`. The name
    /// holds the hash of the content, so the answer may be kept for ever.
    #[must_use]
    pub fn asset(&self, file_name: &str) -> Option<&Asset> {
        self.assets.find(file_name)
    }
}

/// The name a template is asked by: components and mails keep their folder, pages lose theirs, static files have none.
fn template_name(path: &str) -> Option<&str> {
    if path.starts_with("mail/") {
        return Some(path);
    }
    if !path.ends_with(".html") {
        return None;
    }
    path.strip_prefix("pages/").or_else(|| path.starts_with("components/").then_some(path))
}

/// The text of an embedded file.
fn source(path: &str) -> Result<String, Error> {
    let unreadable = |reason: &str| Error::new(ErrorKind::TemplateNotFound, format!("web/{path}: {reason}"));
    let file = Web::get(path).ok_or_else(|| unreadable("not embedded"))?;
    String::from_utf8(file.data.into_owned()).map_err(|_| unreadable("not UTF-8"))
}
