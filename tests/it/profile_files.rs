//! What policy files are refused for, each time with line and remedy; and the operator's directory.

use bailiwick::profile::{Policies, PolicyFiles, Refusal, Register, Source};

#[test]
fn a_directory_replaces_and_adds_files() {
    let directory = std::env::temp_dir().join(format!("bailiwick-policies-{}", std::process::id()));
    std::fs::create_dir_all(directory.join("profiles")).unwrap();
    let built_in = PolicyFiles::built_in().read("profiles/one-connection.toml").unwrap().text;
    let stricter = built_in.replace("value = 12\nunit = \"characters\"", "value = 14\nunit = \"characters\"");
    assert_ne!(stricter, built_in);
    std::fs::write(directory.join("profiles/one-connection.toml"), stricter).unwrap();
    let loaded = Policies::load(&PolicyFiles::with_directory(&directory));
    std::fs::write(directory.join("profiles/two.toml"), "key = \"strictest\"\n").unwrap();
    let broken = Policies::load(&PolicyFiles::with_directory(&directory));
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(loaded.unwrap().profile("strictest").unwrap().password().min_length, 14);
    let refusals = broken.unwrap_err();
    assert!(
        refusals[0].file.ends_with("two.toml") && refusals[0].what.contains("missing key"),
        "{refusals:?}"
    );
    assert!(PolicyFiles::built_in().read("profiles/none.toml").is_err());
    assert!(PolicyFiles::built_in().list("apps").unwrap().contains(&"apps/orders.toml".to_owned()));
}

fn register() -> Register {
    let file = PolicyFiles::built_in().read("clauses.toml").unwrap_or_else(|refusal| panic!("{refusal}"));
    Register::parse(&file.name, &file.text).unwrap_or_else(|refusals| panic!("{refusals:#?}"))
}

/// Reads a small profile whose first parameter begins in line 5.
fn refusals(clauses_of: &str, parameters: &str) -> Vec<Refusal> {
    let text = format!(
        "key = \"own\"\nname = \"Own\"\nsource = \"a test\"\nclauses_of = \"{clauses_of}\"\n{parameters}"
    );
    Source::parse("own.toml", &text, &register()).map(|_| Vec::new()).unwrap_or_else(|refusals| refusals)
}

#[track_caller]
fn refused(parameter: &str, line: usize, what: &str, remedy: &str) {
    let found = refusals("any", &format!("[[parameter]]\n{parameter}"));
    let fits =
        |one: &Refusal| one.line == Some(line) && one.what.contains(what) && one.remedy.contains(remedy);
    assert!(found.iter().any(fits), "wanted line {line}, {what:?} and {remedy:?}, found {found:#?}");
}

/// The lines of one parameter, without a clause.
fn entry(name: &str, value: &str, unit: &str) -> String {
    format!("name = \"{name}\"\n{value}\nunit = \"{unit}\"\nclauses = []\n")
}

#[test]
fn what_a_profile_gets_wrong_is_named_with_line_and_remedy() {
    assert_eq!(
        refusals(
            "any",
            &format!("[[parameter]]\n{}", entry("password.min_length", "value = 9", "characters"))
        ),
        []
    );
    refused(
        &entry("password.min_lenght", "value = 9", "characters"),
        6,
        "no parameter",
        "\"password.min_length\"",
    );
    refused(&entry("password.max_age", "value = 9", "weeks"), 8, "no unit of", "use one of: days");
    refused(&entry("password.max_age", "value = \"9\"", "days"), 7, "not a whole number", "");
    refused(&entry("password.max_age", "value = 0", "days"), 7, "more than zero", "");
    refused(&entry("password.max_age", "value = -1", "days"), 7, "not a whole number", "");
    refused(&entry("password.max_age", "", "days"), 5, "has no value", "unstated = true");
    refused(&entry("password.max_age", "value = 1\nunstated = true", "days"), 5, "beside one", "either");
    refused(&entry("pii.archive", "value = \"forbiden\"", "choice"), 7, "none of the words", "\"forbidden\"");
    refused(
        &entry("network.controls", "value = [\"firewal\"]", "set"),
        7,
        "none of the words",
        "\"firewall\"",
    );
}

#[test]
fn values_made_of_parts_clauses_and_dates_are_checked_too() {
    refused(
        &entry("grant.max_duration", "value = { admin = 3 }", "days"),
        7,
        "unknown key \"admin\"",
        "ordinary",
    );
    refused(
        &entry("lockout.duration", "value = { default = 15, least = 20, most = 60 }", "minutes"),
        7,
        "between",
        "",
    );
    refused(
        &entry("lockout.duration", "value = { default = 15, least = 5 }", "minutes"),
        7,
        "missing key \"most\"",
        "",
    );
    refused(
        &entry("alarm.request_rate", "value = { count = 3 }", "threshold"),
        7,
        "missing key \"minutes\"",
        "",
    );
    refused(&entry("incident.notify_to", "value = [\"nobody\"]", "addresses"), 7, "e-mail", "");
    refused(&entry("crypto.at_rest_bits", "value = 100", "AES key bits"), 7, "key lengths", "");
    refused(&entry("password.history", "valu = 1", "passwords"), 7, "unknown key \"valu\"", "\"value\"");
    let dated = "value = 1\neffective = 2026-01-01T00:00:00Z";
    refused(&entry("password.history", dated, "passwords"), 8, "not a date", "2026-01-31");
    let twice = format!("{0}[[parameter]]\n{0}", entry("password.history", "value = 1", "passwords"));
    refused(&twice, 11, "stated twice", "");
    let foreign = entry("password.history", "value = 1", "passwords").replace("[]", "[\"O99\"]");
    refused(&foreign, 9, "no clause O99", "clauses.toml");
    refused(&foreign.replace("O99", "nine"), 9, "is not a clause", "");
}

#[test]
fn a_source_names_its_own_clauses_and_misses_none() {
    let length = |clauses: &str| {
        format!(
            "[[parameter]]\nname = \"password.min_length\"\nvalue = 9\nunit = \"characters\"\nclauses = [{clauses}]\n"
        )
    };
    let messages = |clauses_of, clauses: &str| {
        refusals(clauses_of, &length(clauses)).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let has = |found: &[String], text: &str| {
        assert!(found.iter().any(|one| one.contains(text)), "{text}: {found:#?}")
    };
    has(&messages("DPP", ""), "names no clause");
    has(&messages("DPP", "\"O13.2\""), "O13.2 is not a clause of this source");
    assert_eq!(messages("DPP", "\"DPP 1.4\""), Vec::<String>::new());
    let one = messages("O", "\"O13.2\"");
    has(&one, "O15 names lockout.max_failures, which is not traced back to it here");
    assert!(!one.iter().any(|message| message.contains("password.min_length")), "{one:#?}");
    has(&messages("O", "\"O14\""), "own.toml:9: O13.2 names password.min_length");
}

#[test]
fn what_the_register_gets_wrong_is_named_with_line_and_remedy() {
    let row = |id: &str, more: &str| {
        format!(
            "[[clause]]\nid = \"{id}\"\nsection = \"s\"\nsays = \"s\"\nmode = \"both\"\ncapability = \"c\"\n\
             slice = \"http\"\n{more}\n"
        )
    };
    let plain = "parameters = []\nsame_as = []";
    let found = |text: String| {
        let refusals = Register::parse("c.toml", &text).unwrap_err();
        refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert!(Register::parse("c.toml", &row("E1", plain)).is_ok());
    assert!(found(row("E1", plain).repeat(2)).starts_with("c.toml:11: the clause E1 is named twice"));
    assert!(
        found([row("E1", plain), row("E1.1", plain)].concat()).starts_with("c.toml:11: E1.1 cannot be a row")
    );
    let unknown = found(row("E1", "parameters = [\"log.retentio\"]\nsame_as = []"));
    assert!(
        unknown.starts_with("c.toml:8: there is no parameter") && unknown.contains("log.retention"),
        "{unknown}"
    );
    let lonely = [row("E1", "parameters = []\nsame_as = [\"E2\"]"), row("E2", plain)].concat();
    assert!(found(lonely).starts_with("c.toml:9: E2 does not say that it is the same as E1"));
}
