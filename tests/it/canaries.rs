//! Personal data in the wrong place: a word of its own goes into every text that a person or a caller can fill, in calls
//! that succeed and in calls that are refused, and then every place is searched where none of them may stand.
//!
//! What is filled follows from the route table, from the API's description and from the pages' own forms. A new call
//! with a body wants its line in `support/calls.rs`, a new page with a parameter one in `canaries/forms.rs`.

mod forms;
mod search;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use bailiwick::http::guard::is_for_programs;
use bailiwick::http::routes::{Row, TABLE};
use serde_json::{Value, json};

use crate::support::calls::{Stage, Who, Words};
use crate::support::contract::{body_of, operation};
use crate::support::{Browser, Reply};
use search::{NEEDLE, Places, Searched};

/// Calls that cannot succeed with a word in the place of what they ask for.
const REFUSED: &[(&str, &str)] = &[
    ("POST /api/v1/enrolment/totp/confirmation", "a code is no word"),
    ("POST /api/v1/signin", "nobody is called so"),
    ("POST /api/v1/signin/totp", "a code is no word"),
    ("POST /api/v1/signin/password", "the password has not ended"),
    ("POST /api/v1/me/password", "a password is changed once a day at most"),
    ("POST /api/v1/signin/passkey", "the challenge was never given"),
    ("POST /api/v1/signin/factor", "likewise"),
    ("POST /api/v1/enrolment/passkey", "likewise"),
    ("POST /api/v1/me/passkeys", "likewise"),
    ("PATCH /api/v1/me/passkeys/{id}", "nobody has a passkey here"),
    ("POST /api/v1/me/proof", "the password is another"),
    ("POST /api/v1/me/proof/passkey", "the challenge was never given"),
    ("POST /api/v1/me/totp/confirmation", "a code is no word"),
    ("POST /api/v1/requests", "the second has a value of scope that no catalogue knows"),
    ("POST /api/v1/own-decisions/{id}/objection", "nobody has decided about themselves here"),
    ("POST /api/v1/reviews", "no department is called so, so that there is nothing to look at"),
];

/// Pages that may say to whoever asked what stood in the address.
const ADDRESS_COMES_BACK: &[(&str, &str)] = &[
    ("GET /sign-in", "where to go on after it stands in a hidden field, if it is a path of ours"),
    ("GET /sign-in/totp", "likewise"),
    ("GET /prove", "likewise"),
];

/// Fields whose words lie open in the database by decision.
const LIE_OPEN: &[(&str, &str)] = &[
    // Read by the decision index, compared with the records' properties, shown in reports: marketplaces, not people.
    ("scope", "what a grant is limited to is authorisation, of values that the records have"),
];

fn name(row: &Row) -> String {
    format!("{} {}", row.method, row.path)
}

/// What of an answer may not hold a word: the headers but the id that the caller gave the request, and problems.
fn leaks(what: &str, reply: &Reply, faults: &mut Vec<String>) {
    for (header, value) in &reply.headers {
        let text = String::from_utf8_lossy(value.as_bytes()).to_lowercase();
        // Who asks for a page without a sign-in is led back to where they wanted to go; the query is dropped.
        let back = header == "location" && text.starts_with("/sign-in?next=/") && what.contains(&text[14..]);
        if header != "x-request-id" && !back && text.contains(NEEDLE) {
            faults.push(format!("{what}: the header {header}: {text}"));
        }
    }
    let kind = reply.header("content-type");
    if kind.starts_with("application/problem+json") && reply.body.to_lowercase().contains(NEEDLE) {
        faults.push(format!("{what}: the problem repeats it: {}", reply.body));
    }
    if reply.status >= 500 {
        faults.push(format!("{what}: {} {}", reply.status, reply.body));
    }
}

/// Every JSON call: as nobody, with a field too many, and as it should be.
async fn fill_calls(stage: &mut Stage, words: &mut Words, faults: &mut Vec<String>) {
    for row in TABLE {
        let takes_body = operation(row.method.as_str(), row.path).is_some_and(|one| body_of(one).is_some());
        if !takes_body {
            continue;
        }
        let row_name = name(row);
        for call in stage.calls(&row_name, words) {
            let send =
                |body: &Value| TestRequest::with_uri(&call.address).method(row.method.clone()).set_json(body);
            let mut nobody = stage.nobody.other();
            if call.who != Who::Nobody {
                leaks(&format!("{row_name} as nobody"), &nobody.send(send(&call.body)).await, faults);
            }
            let mut more = call.body.clone();
            let object = if more.is_array() { &mut more[0] } else { &mut more };
            object[words.word(&format!("{row_name}, a field too many"))] = json!(words.word("its value"));
            if !row.path.starts_with("/access/") {
                let refused = stage.browser(call.who).send(send(&more)).await;
                leaks(&format!("{row_name} with a field too many"), &refused, faults);
            }
            let reply = stage.browser(call.who).send(send(&call.body)).await;
            leaks(&row_name, &reply, faults);
            let may_fail = REFUSED.iter().any(|(listed, _)| *listed == row_name);
            if reply.status >= 300 && !may_fail {
                faults.push(format!("{row_name} does not succeed: {} {}", reply.status, reply.body));
            }
        }
    }
}

/// A row's address with words in the place of its parameters, or of its first one only.
fn address(row: &Row, words: &mut Words, id: &str) -> Vec<String> {
    let mut filled = Vec::new();
    for which in 0..row.path.matches('{').count().max(1) {
        let mut address = String::new();
        for (place, part) in row.path.split('{').enumerate() {
            match part.split_once('}') {
                Some((_, rest)) if place == which + 1 => {
                    address.push_str(&words.word(&format!("{} in the path", name(row))));
                    address.push_str(rest);
                }
                Some((_, rest)) => address.push_str(&format!("{id}{rest}")),
                None => address.push_str(part),
            }
        }
        filled.push(address);
    }
    filled
}

/// Every row of the route table with words in its path, its query and its headers; refused, all of it.
async fn fill_addresses(stage: &mut Stage, words: &mut Words, faults: &mut Vec<String>) {
    let id = stage.life.campaign.clone();
    for row in TABLE {
        let described = operation(row.method.as_str(), row.path);
        let parameters = described.into_iter().flat_map(|one| one["parameters"].as_array()).flatten();
        let known = parameters.filter(|one| one["in"] == "query").filter_map(|one| one["name"].as_str());
        let pages = ["next", "view", "item", "account", "role", "q", "kind", "subject", "cursor", "state"];
        let asked: Vec<&str> = if is_for_programs(row.path) { known.collect() } else { pages.to_vec() };
        let mut queries = vec![words.word(&format!("{} as a parameter", name(row)))];
        if is_for_programs(row.path) {
            // One by one: the first that is wrong hides the others.
            let one =
                |name_of: &&str| format!("{name_of}={}", words.word(&format!("{} {name_of}", name(row))));
            queries.extend(asked.iter().map(one).collect::<Vec<_>>());
        } else {
            let all: Vec<String> = asked.iter().map(|one| format!("{one}={}", words.word(one))).collect();
            queries.push(all.join("&"));
        }
        for address in address(row, words, &id) {
            for query in &queries {
                let address = format!("{address}?{query}");
                for who in [Who::Priya, Who::Nobody] {
                    let request = headers(
                        words,
                        &name(row),
                        TestRequest::with_uri(&address).method(row.method.clone()),
                    );
                    let mut browser = stage.browser(who).clone();
                    browser.cookies.insert("else".to_owned(), words.word("another cookie"));
                    let reply = browser.send(request).await;
                    leaks(&format!("{} {address}", row.method), &reply, faults);
                    let comes_back = ADDRESS_COMES_BACK.iter().any(|(listed, _)| *listed == name(row));
                    if !is_for_programs(row.path) && !comes_back && reply.body.to_lowercase().contains(NEEDLE)
                    {
                        faults.push(format!("{} {address}: the page repeats it", row.method));
                    }
                }
            }
        }
        strange_credentials(stage, row, words, faults).await;
    }
}

/// Words in every header that is read or might be logged.
fn headers(words: &mut Words, row: &str, mut request: TestRequest) -> TestRequest {
    for header in [
        "user-agent",
        "x-request-id",
        "referer",
        "accept",
        "accept-language",
        "x-forwarded-for",
        "forwarded",
        "idempotency-key",
        "content-type",
        "x-original-uri",
        "sec-fetch-site",
    ] {
        request = request.insert_header((header, words.word(&format!("{row} {header}"))));
    }
    request
}

/// Words in the place of cookie, key and origin.
async fn strange_credentials(stage: &mut Stage, row: &Row, words: &mut Words, faults: &mut Vec<String>) {
    let address = row.path.replace("{path:.*}", "nothing.css").replace(['{', '}'], "");
    let mut with_cookie = stage.nobody.other();
    with_cookie.cookies.insert("__Host-session".to_owned(), words.word("a session's cookie"));
    let with_key = stage.nobody.with_key(&words.word("a key"));
    let with_key_alike = stage.nobody.with_key(&format!("bwk_{}", words.word("a key")));
    let elsewhere = format!("https://{}.example", words.word("an origin"));
    let from_elsewhere = stage.life.staff.priya.browser.from_origin(Some(&elsewhere));
    for mut browser in [with_cookie, with_key, with_key_alike, from_elsewhere] {
        let reply = browser.send(TestRequest::with_uri(&address).method(row.method.clone())).await;
        leaks(&format!("{} {address} with a strange credential", row.method), &reply, faults);
    }
}

/// A people file whose every cell is a word, and one that is a file of people.
async fn fill_imports(stage: &mut Stage, words: &mut Words, faults: &mut Vec<String>) {
    let columns = "employee_id,username,given_name,family_name,email,manager,department,job_title,start_date,end_date,\
                   worker_type,sponsor,time_zone,location,external_id";
    let mut good = Vec::new();
    for column in columns.split(',') {
        good.push(match column {
            "email" => format!("{}@heron.example", words.word("import email")),
            "manager" | "end_date" => String::new(),
            "start_date" => "2026-11-20".to_owned(),
            "worker_type" => "employee".to_owned(),
            "time_zone" => "Europe/London".to_owned(),
            column => words.word(&format!("import {column}")),
        });
    }
    let bad: Vec<String> =
        columns.split(',').map(|column| words.word(&format!("import, wrong {column}"))).collect();
    let strange = words.word("import, a column's name");
    let file = format!("{columns},{strange}\n{},x\n{},x\n", good.join(","), bad.join(","));
    let path = "/api/v1/accounts/import";
    for (query, text) in
        [("?dry_run=true", file.clone()), ("", file.clone()), ("", words.word("import, no file"))]
    {
        let request = TestRequest::post().uri(&format!("{path}{query}"));
        let request = request.insert_header(("content-type", "text/csv")).set_payload(text);
        let reply = stage.browser(Who::Priya).send(request).await;
        leaks(&format!("POST {path}{query}"), &reply, faults);
    }
    let columns = "system,external_login,employee_id,email,role,granted_at,last_used";
    let mut cell = |column: &str| words.word(&format!("import of existing access, {column}"));
    let good =
        format!("payroll,{},{},{}@heron.example,clerk,,", cell("login"), cell("employee_id"), cell("email"));
    let bad: Vec<String> = columns.split(',').map(|column| cell(&format!("wrong {column}"))).collect();
    let existing = format!("{columns},{}\n{good},x\n{},x\n", cell("a column's name"), bad.join(","));
    for (path, text) in
        [("/api/v1/grants/import?dry_run=true", &existing), ("/api/v1/grants/import", &existing)]
    {
        let request = TestRequest::post().uri(path).insert_header(("content-type", "text/csv"));
        let reply = stage.browser(Who::Priya).send(request.set_payload(text.clone())).await;
        leaks(&format!("POST {path}"), &reply, faults);
    }
    let fields = [("csv", existing.as_str()), ("mode", "apply")];
    leaks(
        "POST /existing-access/import",
        &stage.browser(Who::Priya).submit("/existing-access/import", &fields).await,
        faults,
    );
    for mode in ["try", "apply"] {
        let fields = [("csv", file.as_str()), ("mode", mode)];
        let reply = stage.browser(Who::Priya).submit("/people/import", &fields).await;
        leaks("POST /people/import", &reply, faults);
    }
}

#[actix_web::test]
async fn no_word_that_somebody_typed_stands_where_it_must_not() {
    let searched = Searched::begin();
    let (mut stage, mut words, mut faults) = (Stage::new().await, Words::default(), Vec::new());
    fill_calls(&mut stage, &mut words, &mut faults).await;
    fill_imports(&mut stage, &mut words, &mut faults).await;
    fill_addresses(&mut stage, &mut words, &mut faults).await;
    // What the calls decided is no longer asked by the pages: they have a house of their own.
    let mut paged = Stage::new().await;
    forms::fill(&mut paged, &mut words, &mut faults).await;
    assert!(words.typed.len() > 1_000, "{} words were typed", words.typed.len());
    for stage in [&stage, &paged] {
        stage.house.run_jobs().await;
        assert!(stage.house.app.recorder().flush(), "the recorder writes");
    }
    let mut metrics: Browser = stage.nobody.other();
    for row in TABLE.iter().filter(|row| row.method == Method::GET && row.path == "/metrics") {
        let reply = metrics.get(row.path).await;
        if reply.body.to_lowercase().contains(NEEDLE) {
            faults.push("the metrics hold a word".to_owned());
        }
    }
    let found = [&stage, &paged].map(|stage| searched.find(&Places::of(&stage.house)));
    for (place, text) in found.into_iter().flatten() {
        let typed =
            words.typed.iter().filter(|(word, _)| text.contains(word.as_str())).map(|(_, at)| at.as_str());
        let typed: Vec<&str> = typed.collect();
        let by_decision = |at: &&str| LIE_OPEN.iter().any(|(field, _)| at.ends_with(field));
        // What the other test of this file has put there is its own.
        let planted = text.contains(&format!("{NEEDLE}-planted"));
        if planted || !typed.is_empty() && typed.iter().all(by_decision) {
            continue;
        }
        faults.push(format!("{place} holds what was typed into {typed:?}: …{text}…"));
    }
    faults.dedup();
    assert!(
        faults.is_empty(),
        "keep texts with `vault::keep`, log ids only: {} faults: {faults:#?}",
        faults.len()
    );
}

/// The search itself: a word that is put where none may stand is found there.
#[actix_web::test]
async fn a_word_that_leaks_is_found() {
    let searched = Searched::begin();
    let house = crate::support::House::new();
    let planted = |place: &str| format!("{NEEDLE}-planted-{place}");
    assert!(!searched.find(&Places::of(&house)).iter().any(|(_, text)| text.contains("planted")));
    tracing::debug!(word = planted("log"), "a leak");
    let column = planted("column");
    house
        .app
        .read_now(|_| Ok(()))
        .and_then(|()| house.app.database().alone(|reader| search::plant(reader.connection, &column)))
        .expect("it is planted");
    std::fs::write(house.data().join("left-over.tmp"), planted("file")).expect("it is planted");
    let found = searched.find(&Places::of(&house));
    for place in ["log", "column", "file"] {
        assert!(found.iter().any(|(_, text)| text.contains(&planted(place))), "{place}: {found:#?}");
    }
}
