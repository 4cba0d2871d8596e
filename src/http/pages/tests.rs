//! Every page is rendered with an empty and a small context and looked at for what the house forbids.
//!
//! The contexts stand in `tests/fixtures/pages`, one file for each page; `frame.json` is what all of them share. With
//! `BAILIWICK_RENDER_TO=FOLDER` the pages are also written there, to be looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use minijinja::value::Value as Context;
use serde_json::{Value, json};

use super::*;

mod markup;
mod times;

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pages").join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|_| panic!("the page needs a fixture {}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An error with everything below it.
fn reasons(error: &Error) -> String {
    std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// All pages, each with its cases: (page, case, html).
fn rendered() -> Vec<(String, String, String)> {
    let pages = Pages::new().expect("all templates compile");
    let frame = fixture("frame.json");
    let mut all = Vec::new();
    for path in Web::iter() {
        let Some(page) = path.strip_prefix("pages/") else { continue };
        let Value::Object(cases) = fixture(&page.replace(".html", ".json")) else {
            panic!("{page}: not an object")
        };
        for case in ["empty", "few"] {
            assert!(cases.contains_key(case), "{page} lacks the case {case}");
        }
        for (case, own) in cases {
            let mut context = frame.clone();
            let (Value::Object(whole), Value::Object(own)) = (&mut context, own) else {
                panic!("{page}: not an object")
            };
            whole.extend(own);
            let html = pages
                .render(page, &context)
                .unwrap_or_else(|error| panic!("{page}, {case}: {}", reasons(&error)));
            all.push((page.to_owned(), case, html));
        }
    }
    assert!(!all.is_empty());
    if let Some(folder) = std::env::var_os("BAILIWICK_RENDER_TO") {
        write_to(&PathBuf::from(folder), &pages, &all);
    }
    all
}

/// Writes pages and static files where a browser can open them.
fn write_to(folder: &Path, pages: &Pages, all: &[(String, String, String)]) {
    for (page, case, html) in all {
        let file = folder.join(page.replace(".html", &format!(".{case}.html")));
        std::fs::create_dir_all(file.parent().expect("a file has a folder")).expect("the folder is made");
        std::fs::write(file, html).expect("the page is written");
    }
    for name in Web::iter().filter_map(|path| path.strip_prefix("static/").map(str::to_owned)) {
        let Some(address) = pages.assets.address(&name) else { continue };
        let asset = pages.asset(&address[assets::PREFIX.len()..]).expect("an address leads to its file");
        let file = folder.join(&address[1..]);
        std::fs::create_dir_all(file.parent().expect("a file has a folder")).expect("the folder is made");
        std::fs::write(file, &asset.body).expect("the file is written");
    }
}

#[test]
fn every_page_keeps_the_rules_of_the_house() {
    let mut broken = Vec::new();
    for (page, case, html) in rendered() {
        broken.extend(markup::faults(&html).into_iter().map(|fault| format!("{page}, {case}: {fault}")));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_missing_name_is_an_error_and_text_is_escaped() {
    let pages = Pages::new().expect("all templates compile");
    let error =
        pages.render("gate/message.html", json!({"firm": "x"})).expect_err("the context lacks nearly all");
    assert_eq!(error.kind(), ErrorKind::UndefinedError);

    let Value::Object(mut context) = fixture("frame.json") else { panic!("not an object") };
    let Value::Object(own) = fixture("gate/message.json")["empty"].take() else { panic!("not an object") };
    context.extend(own);
    context.insert("title".to_owned(), json!("<script>alert(1)</script>"));
    let html = pages.render("gate/message.html", context).expect("the context is whole");
    assert!(!html.contains("<script>alert"), "typed text must not become markup");
    assert!(html.contains("&lt;script&gt;"));
}

#[test]
fn static_files_are_found_by_their_hash_alone() {
    let pages = Pages::new().expect("all templates compile");
    let address = pages.assets.address("tokens.css").expect("tokens.css is embedded");
    let name = address.strip_prefix(assets::PREFIX).expect("served below /static/");
    let asset = pages.asset(name).expect("found by its address");
    assert_eq!(asset.content_type, "text/css; charset=utf-8");
    assert!(pages.asset("tokens.css").is_none(), "without the hash nothing may be cached for ever");
    assert!(pages.asset("../pages/gate/sign-in.html").is_none());
    assert!(
        pages
            .assets
            .address("js/dialogs.js")
            .is_some_and(|address| address.starts_with("/static/js/dialogs."))
    );
}

#[test]
fn a_page_finds_no_static_file_that_is_not_there() {
    let mut pages = Pages::new().expect("all templates compile");
    pages.environment.add_template("wrong.html", "{{ asset('no.css') }}").expect("it compiles");
    assert!(pages.render("wrong.html", BTreeMap::<String, Value>::new()).is_err());
}

/// Asks one expression, as a template would.
fn ask(expression: &str) -> String {
    let pages = Pages::new().expect("all templates compile");
    let found =
        pages.environment.compile_expression(expression).expect("it compiles").eval(Context::UNDEFINED);
    found.unwrap_or_else(|error| panic!("{expression}: {}", reasons(&error))).to_string()
}
