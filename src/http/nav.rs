//! The navigation: every page that the reader may open, and no other.
//!
//! Rule: what is offered is asked of the decision point with the same permission as the page's route.

use super::identify::permits;
use super::pages::frame::{Heading, Link};
use crate::app::App;
use crate::caller::Caller;

/// One line: heading, address, label, icon, and the permission it needs (none: everybody signed in).
struct Line(&'static str, &'static str, &'static str, &'static str, Option<(&'static str, &'static str)>);

const LINES: &[Line] = &[
    Line("Mine", "/", "My access", "home", None),
    Line("Mine", "/requests/new", "Ask for access", "plus", Some(("requests", "ask"))),
    Line("Mine", "/requests", "Requests", "key", Some(("requests", "ask"))),
    Line("Mine", "/tasks", "Tasks", "duty", None),
    Line("Mine", "/objections", "Objections", "stop", Some(("requests", "ask"))),
    Line("Team", "/reviews", "Reviews", "review", Some(("reviews", "read"))),
    Line("Team", "/leavers", "Leavers", "leaver", Some(("leavers", "read"))),
    Line("House", "/people", "People", "people", Some(("accounts", "read"))),
    Line("House", "/applications", "Applications", "app", Some(("apps", "read"))),
    Line("House", "/proposals", "Proposals", "proof", Some(("apps", "read"))),
    Line("House", "/decisions", "Who can what", "key", Some(("evaluation", "search"))),
    Line("House", "/existing-access", "Existing access", "eye", Some(("apps", "read"))),
    Line("House", "/workstations", "Workstations", "app", Some(("workstations", "read"))),
    Line("House", "/settings", "Settings", "filter", Some(("profile", "read"))),
    Line("Watch", "/alarms", "Alarms", "alarm", Some(("alarms", "read"))),
    Line("Watch", "/exceptions", "Exceptions", "duty", Some(("profile", "read"))),
    Line("Watch", "/decisions/why", "Why a decision", "info", Some(("evaluation", "explain"))),
    Line("Watch", "/log", "Log", "log", Some(("events", "read"))),
    Line("Watch", "/clauses", "Clauses", "control", None),
];

/// The navigation for a reader who has the page at `path` open.
pub fn of(app: &App, caller: &Caller, path: &str) -> Vec<Heading> {
    let open = opened(path);
    let mut headings: Vec<Heading> = Vec::new();
    for Line(heading, href, label, icon, needs) in LINES {
        if needs.is_some_and(|(feature, action)| !permits(app, caller, feature, action)) {
            continue;
        }
        // Nobody needs these two pages but while something waits there; both are linked from others.
        if *href == "/proposals" && open != Some(*href) && app.proposals().proposals() == 0 {
            continue;
        }
        if *href == "/objections" && open != Some(*href) && app.exceptions().windows() == 0 {
            continue;
        }
        if headings.last().is_none_or(|last| last.heading != *heading) {
            headings.push(Heading { heading: (*heading).to_owned(), links: Vec::new() });
        }
        let waits = waiting(app, href);
        let link = Link {
            href: (*href).to_owned(),
            label: (*label).to_owned(),
            icon: (*icon).to_owned(),
            due: waits.is_some(),
            count: waits,
            current: open == Some(*href),
        };
        if let Some(last) = headings.last_mut() {
            last.links.push(link);
        }
    }
    headings
}

/// What waits behind a line, in words.
fn waiting(app: &App, href: &str) -> Option<String> {
    match href {
        "/alarms" => Some(app.alarms().new_alarms()).filter(|new| *new > 0).map(|new| format!("{new} new")),
        "/proposals" => {
            Some(app.proposals().proposals()).filter(|open| *open > 0).map(|open| format!("{open} open"))
        }
        "/objections" => {
            Some(app.exceptions().windows()).filter(|open| *open > 0).map(|open| format!("{open} open"))
        }
        _ => None,
    }
}

/// The line whose address is the longest beginning of the path.
fn opened(path: &str) -> Option<&'static str> {
    LINES
        .iter()
        .map(|Line(_, href, ..)| *href)
        .filter(|href| path == *href || (*href != "/" && path.starts_with(&format!("{href}/"))))
        .max_by_key(|href| href.len())
}
