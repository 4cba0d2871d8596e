//! What waits for the reader or ends soon, said once at the top of their first page.
//!
//! Rule: a notice is one sentence and one way on; what needs nobody has none.

use chrono::Duration;
use serde_json::{Value, json};

use crate::access::words::Words;
use crate::access::{grants, proposals};
use crate::db::Reader;
use crate::error::Result;
use crate::ids::AccountId;
use crate::{requests, reviews};

/// From so long before its end a role is spoken of; amber begins there on every page.
const SOON: Duration = Duration::days(7);

/// The notices for a reader, what others wait for first.
pub(super) fn of(reader: &mut Reader<'_>, me: &AccountId) -> Result<Vec<Value>> {
    let mut notices = Vec::new();
    let items = reviews::lists::waiting_for(reader, me)?;
    if items > 0 {
        let text = counted(items, "review item waits", "review items wait");
        notices.push(notice(
            "review",
            &format!("{text} for you."),
            SILENCE,
            &["E8.1"],
            ("/reviews", "Decide"),
        ));
    }
    let asked = requests::lists::waiting_for(reader, me)?;
    if asked > 0 {
        let text = counted(asked, "request waits", "requests wait");
        let way = ("/requests?view=decide", "Answer");
        notices.push(notice("key", &format!("{text} for your word."), "", &[], way));
    }
    let proposed = proposals::lists::waiting_for(reader, me)?;
    if proposed > 0 {
        let text = counted(
            proposed,
            "change of what opens personal data waits",
            "changes of what opens personal data wait",
        );
        notices.push(notice(
            "proof",
            &format!("{text} for a second person."),
            "",
            &[],
            ("/proposals", "Decide"),
        ));
    }
    if let Some(text) = ending(reader, me)? {
        notices.push(notice(
            "clock",
            &text,
            "Ask again in time if you still need it.",
            &[],
            ("/requests/new", "Ask"),
        ));
    }
    Ok(notices)
}

const SILENCE: &str = "What nobody decides is suspended at the end.";

fn notice(icon: &str, text: &str, note: &str, clauses: &[&str], way: (&str, &str)) -> Value {
    json!({
        "tone": "due", "icon": icon, "text": text, "note": Some(note).filter(|note| !note.is_empty()),
        "clauses": clauses, "way": { "href": way.0, "label": way.1 },
    })
}

/// The roles of the reader that end soon, in one sentence.
fn ending(reader: &mut Reader<'_>, me: &AccountId) -> Result<Option<String>> {
    let soon = reader.now.plus(SOON);
    let mut words = Words::default();
    let mut names = Vec::new();
    for grant in grants::living(reader, me)? {
        if grant.expires_at.is_some_and(|end| end <= soon) {
            names.push(words.of_id(reader, &grant.role)?.name);
        }
    }
    Ok(match names.as_slice() {
        [] => None,
        [name] => Some(format!("“{name}” ends within 7 days.")),
        names => Some(format!("{} of your roles end within 7 days.", names.len())),
    })
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
