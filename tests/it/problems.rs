//! Problem types: every slug that the house answers with has a title and a paragraph in `docs/problems.md`.

use std::collections::BTreeSet;
use std::path::Path;

use bailiwick::error::Error;
use bailiwick::http::Problem;
use bailiwick::http::problem::TYPES;

use crate::support::sources;

/// What makes an error with a slug of its own; the slug is the first text that follows.
const MAKERS: &[&str] = &["Error::conflict(", "Error::forbidden(", "Error::Conflict(", "Error::Forbidden("];
/// What makes a problem with a slug of its own; the slug is the last text before the bracket closes.
const PROBLEMS: &[&str] = &["Self::with(", "Problem::with("];

/// The slugs that the sources use, each with a place where.
fn used() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, text) in sources() {
        let place = path.display().to_string();
        for maker in MAKERS {
            for (at, _) in text.match_indices(maker) {
                let rest = text[at + maker.len()..].trim_start();
                if let Some(slug) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                    found.push((slug.to_owned(), place.clone()));
                }
            }
        }
        for (at, maker) in PROBLEMS.iter().flat_map(|maker| text.match_indices(maker)) {
            let slug = call(&text[at + maker.len()..]).rsplit('"').nth(1).filter(|slug| is_slug(slug));
            found.extend(slug.map(|slug| (slug.to_owned(), place.clone())));
        }
    }
    assert!(found.len() > 20, "the slugs are found");
    found
}

/// What stands between a bracket that was just opened and its end.
fn call(text: &str) -> &str {
    let mut depth = 1;
    let end = text.find(|letter| {
        depth += match letter {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    });
    &text[..end.unwrap_or(text.len())]
}

fn is_slug(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-')
}

fn documented() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/problems.md");
    let text = std::fs::read_to_string(path).expect("docs/problems.md");
    text.lines().filter_map(|line| line.strip_prefix("## ")).map(str::to_owned).collect()
}

#[test]
fn every_problem_type_has_one_title() {
    let mut seen = BTreeSet::new();
    for (slug, title) in TYPES {
        assert!(is_slug(slug), "{slug}");
        assert!(!title.is_empty() && !title.ends_with('.'), "{slug}: {title}");
        assert!(seen.insert(slug), "{slug} stands twice");
    }
    let missing: BTreeSet<_> =
        used().into_iter().filter(|(slug, _)| !seen.contains(&slug.as_str())).collect();
    assert!(missing.is_empty(), "without a title in http/problem.rs: {missing:#?}");
}

#[test]
fn errors_without_a_slug_of_their_own_have_a_type_too() {
    let errors = [
        Error::NotFound("account"),
        Error::field("name", "is too short"),
        Error::Unauthenticated,
        Error::TooMany(1),
        Error::Stale,
        Error::Unavailable("the database", 1),
        Error::internal("looking", "a fault"),
    ];
    for error in errors {
        let slug = Problem::from(error).slug();
        assert!(TYPES.iter().any(|(known, _)| *known == slug), "{slug}");
    }
}

#[test]
fn every_problem_type_is_documented_and_no_other() {
    let known: BTreeSet<String> = TYPES.iter().map(|(slug, _)| (*slug).to_owned()).collect();
    let documented = documented();
    let missing: Vec<_> = known.difference(&documented).collect();
    let stale: Vec<_> = documented.difference(&known).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "docs/problems.md lacks {missing:?}, has too many {stale:?}"
    );
}
