//! The house's rules about itself, read from its own text: who may use what, and how long things may be.

use std::path::Path;

use crate::support::sources;

/// Slices from the top down: each may call those after it, never those before it.
const SLICES: &[&str] = &[
    "notify",
    "leavers",
    "reviews",
    "provisioning",
    "sso",
    "requests",
    "signin",
    "decision",
    "access",
    "exceptions",
    "accounts",
    "alarms",
];
/// What lies below all slices and calls none of them.
const BELOW: &[&str] =
    &["db", "log", "vault", "profile", "clock", "entropy", "ids", "error", "caller", "config", "sheet"];

/// The code of a file without its unit tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

fn room(path: &Path) -> String {
    path.iter()
        .next()
        .map(|first| first.to_string_lossy().trim_end_matches(".rs").to_owned())
        .unwrap_or_default()
}

#[test]
fn every_file_says_what_it_is() {
    for (path, text) in sources() {
        assert!(text.starts_with("//!"), "{} does not open with //!", path.display());
    }
}

#[test]
fn files_stay_short() {
    // The list of tables has as many lines as the database has columns.
    let long: Vec<_> = sources()
        .into_iter()
        .filter(|(path, text)| path != Path::new("db/schema.rs") && text.lines().count() > 450)
        .map(|(path, _)| path)
        .collect();
    assert!(long.is_empty(), "over 450 lines: {long:?}");
}

#[test]
fn diesel_is_used_in_stores_only_and_actix_in_http_only() {
    for (path, text) in sources() {
        let name = path.to_string_lossy();
        let below = matches!(name.as_ref(), "clock.rs" | "ids.rs" | "error.rs")
            || name.starts_with("db/")
            || name.starts_with("log/");
        let store = name.ends_with("store.rs") || name.contains("/store/") || name.starts_with("jobs/store");
        if !below && !store {
            assert!(!code(&text).contains("use diesel"), "{name} uses diesel");
        }
        let face = name.starts_with("http")
            || name.ends_with("/http.rs")
            || name.contains("/http/")
            || name == "cli.rs";
        if !face {
            assert!(!code(&text).contains("use actix_web"), "{name} uses actix");
        }
    }
}

#[test]
fn calls_between_rooms_run_one_way() {
    for (path, text) in sources() {
        let own = room(&path);
        let place = SLICES.iter().position(|slice| **slice == own);
        for (number, line) in code(&text).lines().enumerate() {
            let Some(called) = line
                .trim_start()
                .strip_prefix("use crate::")
                .map(|rest| rest.split([':', ';', '{']).next().unwrap_or_default().to_owned())
            else {
                continue;
            };
            let at = format!("{}:{}", path.display(), number + 1);
            if BELOW.contains(&own.as_str()) {
                assert!(!SLICES.contains(&called.as_str()), "{at}: {own} lies below {called}");
            }
            if let (Some(here), Some(there)) = (place, SLICES.iter().position(|slice| **slice == called)) {
                let face = path.ends_with("http.rs") || path.to_string_lossy().contains("/http/");
                assert!(there >= here || face, "{at}: {own} may not call {called}");
                assert!(own == called || !line.contains("::store"), "{at}: another slice's store");
            }
        }
    }
}

/// A document that names a test as proof of something is only as good as the test is there.
#[test]
fn every_test_that_a_document_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut named = 0;
    for entry in std::fs::read_dir(root.join("docs")).expect("the documents") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a text");
        for code in text.split('`').skip(1).step_by(2) {
            let Some((file, test)) = code.split_once("::").filter(|(_, test)| test.contains('_')) else {
                continue;
            };
            let source = root.join("tests/it").join(format!("{file}.rs"));
            let Ok(source) = std::fs::read_to_string(source) else { continue };
            assert!(source.contains(&format!("fn {test}(")), "{} names {code}", path.display());
            named += 1;
        }
    }
    assert!(named > 50, "only {named} are named");
}
