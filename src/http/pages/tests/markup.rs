//! A small reader of markup, and the rules that every page keeps: no inline style or script, one h1, every field
//! with a label, every reference leading to something, every cell of a table with its role and the words of its head.

use std::collections::{BTreeMap, BTreeSet};

/// One start tag.
struct Tag<'a> {
    name: &'a str,
    attributes: BTreeMap<&'a str, &'a str>,
    /// The text up to the next tag.
    text: &'a str,
}

impl Tag<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).copied()
    }

    fn is(&self, name: &str, class: &str) -> bool {
        self.name == name
            && self.get("class").is_some_and(|all| all.split_whitespace().any(|one| one == class))
    }
}

/// The rules that `html` breaks.
pub(super) fn faults(html: &str) -> Vec<String> {
    let html = &html.replace("&#x2f;", "/");
    let tags = tags(html);
    let mut faults = Vec::new();
    inline(&tags, &mut faults);
    headings(&tags, &mut faults);
    references(&tags, &mut faults);
    labels(html, &tags, &mut faults);
    forms(&tags, &mut faults);
    tables(&tags, &mut faults);
    faults
}

fn inline(tags: &[Tag<'_>], faults: &mut Vec<String>) {
    for tag in tags {
        for (name, value) in &tag.attributes {
            if *name == "style" || name.starts_with("on") || value.starts_with("javascript:") {
                faults.push(format!("<{} {name}> is inline style or script", tag.name));
            }
        }
        if tag.name == "style"
            || tag.name == "script" && (tag.get("src").is_none() || !tag.text.trim().is_empty())
        {
            faults.push(format!("an inline <{}>", tag.name));
        }
        for reference in ["src", "href", "action", "formaction"].iter().filter_map(|name| tag.get(name)) {
            if reference.starts_with("http:") || reference.starts_with("//") {
                faults.push(format!("<{}> leads out of the house: {reference}", tag.name));
            }
        }
    }
}

fn headings(tags: &[Tag<'_>], faults: &mut Vec<String>) {
    let firsts = tags.iter().filter(|tag| tag.name == "h1").count();
    if firsts != 1 {
        faults.push(format!("{firsts} h1, not one"));
    }
    let mut above = 0;
    for tag in tags {
        let Some(level) = tag.name.strip_prefix('h').and_then(|level| level.parse::<u8>().ok()) else {
            continue;
        };
        if level > above + 1 && above > 0 {
            faults.push(format!("h{level} follows h{above}: “{}”", tag.text.trim()));
        }
        above = level;
    }
}

fn references(tags: &[Tag<'_>], faults: &mut Vec<String>) {
    let mut ids = BTreeSet::new();
    for id in tags.iter().filter_map(|tag| tag.get("id")) {
        if !ids.insert(id) {
            faults.push(format!("the id {id} twice"));
        }
    }
    for tag in tags {
        for name in
            ["for", "form", "list", "popovertarget", "aria-describedby", "aria-labelledby", "aria-controls"]
        {
            for id in tag.get(name).unwrap_or_default().split_whitespace().filter(|id| !ids.contains(id)) {
                faults.push(format!("<{} {name}> points to {id}, which is not there", tag.name));
            }
        }
        let within = tag.get("href").and_then(|href| href.strip_prefix('#'));
        if within.is_some_and(|id| !ids.contains(id)) {
            faults.push(format!(
                "<{}> leads to #{}, which is not there",
                tag.name,
                within.unwrap_or_default()
            ));
        }
    }
}

fn labels(html: &str, tags: &[Tag<'_>], faults: &mut Vec<String>) {
    let named: BTreeSet<_> =
        tags.iter().filter(|tag| tag.name == "label").filter_map(|tag| tag.get("for")).collect();
    let mut wrapped = BTreeSet::new();
    for label in html.split("<label").skip(1) {
        let inside = &label[..label.find("</label>").unwrap_or(label.len())];
        wrapped.extend(inside.match_indices("<input").map(|(at, _)| inside.as_ptr() as usize + at));
    }
    for tag in tags.iter().filter(|tag| ["input", "select", "textarea"].contains(&tag.name)) {
        let labelled = tag.get("type") == Some("hidden")
            || tag.get("aria-label").is_some_and(|label| !label.is_empty())
            || tag.get("id").is_some_and(|id| named.contains(id))
            || wrapped.contains(&(tag.name.as_ptr() as usize - 1));
        if !labelled {
            faults.push(format!("<{} name={}> has no label", tag.name, tag.get("name").unwrap_or_default()));
        }
    }
    for tag in tags.iter().filter(|tag| tag.name == "img" && tag.get("alt").is_none()) {
        faults.push(format!("<img src={}> has no alt", tag.get("src").unwrap_or_default()));
    }
}

fn forms(tags: &[Tag<'_>], faults: &mut Vec<String>) {
    for tag in tags.iter().filter(|tag| tag.name == "form") {
        let (method, action) = (tag.get("method").unwrap_or("get"), tag.get("action").unwrap_or_default());
        if method == "dialog" {
            continue;
        }
        if !action.starts_with('/') {
            faults.push(format!("a form without an action of ours: “{action}”"));
        }
        if method != "post" && tag.get("role") != Some("search") {
            faults.push(format!("the form {action} is sent by {method}"));
        }
    }
}

fn tables(tags: &[Tag<'_>], faults: &mut Vec<String>) {
    let mut heads: BTreeSet<&str> = BTreeSet::new();
    for (place, tag) in tags.iter().enumerate() {
        let role = match tag.name {
            "table" => "table",
            "thead" | "tbody" => "rowgroup",
            "tr" => "row",
            "td" => "cell",
            "th" if tag.get("scope") == Some("col") => "columnheader",
            "th" => "rowheader",
            _ => continue,
        };
        if tag.get("role") != Some(role) {
            faults.push(format!("<{}> lacks the role {role}", tag.name));
        }
        if tag.name == "table" {
            heads.clear();
        }
        if role == "columnheader" {
            // The words may stand in an element of their own.
            let words = tags[place..].iter().take(3).map(|tag| tag.text.trim()).find(|text| !text.is_empty());
            heads.extend(words);
        }
        let silent = ["margin", "acts", "below"].iter().any(|class| tag.is("td", class));
        if tag.name == "td" && !silent && !heads.contains(tag.get("data-label").unwrap_or_default()) {
            faults.push(format!("a cell is labelled {:?}, no head of its table is", tag.get("data-label")));
        }
    }
}

/// All start tags of a page, in order. Comments and end tags are passed over.
fn tags(html: &str) -> Vec<Tag<'_>> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if !rest.starts_with(|first: char| first.is_ascii_alphabetic()) {
            continue;
        }
        let end = tag_end(rest);
        let inside = &rest[..end];
        let name_end = inside.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(inside.len());
        rest = rest.get(end + 1..).unwrap_or_default();
        let text = &rest[..rest.find('<').unwrap_or(rest.len())];
        found.push(Tag { name: &inside[..name_end], attributes: attributes(&inside[name_end..]), text });
    }
    found
}

/// Where a tag ends: at the first `>` outside quotes.
fn tag_end(text: &str) -> usize {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '>' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

fn attributes(mut text: &str) -> BTreeMap<&str, &str> {
    let mut found = BTreeMap::new();
    loop {
        text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let end = text.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(text.len());
        if end == 0 {
            return found;
        }
        let (name, rest) = text.split_at(end);
        if let Some(value) = rest.strip_prefix("=\"") {
            let close = value.find('"').unwrap_or(value.len());
            found.insert(name, &value[..close]);
            text = value.get(close + 1..).unwrap_or_default();
        } else {
            found.insert(name, "");
            text = rest;
        }
    }
}

#[test]
fn each_rule_finds_what_breaks_it() {
    let whole =
        r##"<h1>a</h1><label for="x">x</label><input id="x"><form method="post" action="/p"></form>"##;
    assert_eq!(faults(whole), Vec::<String>::new());
    for broken in [
        r#"<h1 style="x">a</h1>"#,
        r#"<h1 onclick="x">a</h1>"#,
        r#"<h1>a</h1><script>x</script>"#,
        r#"<h1>a</h1><h1>b</h1>"#,
        r#"<h1>a</h1><h3>b</h3>"#,
        r#"<h1>a</h1><input name="x">"#,
        r#"<h1>a</h1><p id="x"></p><p id="x"></p>"#,
        r##"<h1>a</h1><a href="#x">b</a>"##,
        r#"<h1>a</h1><form method="post" action="x"></form>"#,
        r#"<h1>a</h1><form action="/x"></form>"#,
        r#"<h1>a</h1><table></table>"#,
        r#"<h1>a</h1><td role="cell" data-label="No such head"></td>"#,
    ] {
        assert_eq!(faults(broken).len(), 1, "{broken}: {:?}", faults(broken));
    }
}
