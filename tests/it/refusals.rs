//! What a broken catalogue, exclusion or profile is refused with: file, line, what is wrong and what to do. The house
//! goes on by what it had. The sentences stand in `tests/fixtures/refusals.txt`, where one reads them at a glance.

use std::fmt::Write;

use bailiwick::access::apply::{PolicyFile, apply};
use bailiwick::access::export;
use bailiwick::control::Refusal;
use bailiwick::profile::{PolicyFiles, Register, Source};

use crate::support::{House, same_as_committed};

/// A sound beginning, whose first free line is 10.
const HEAD: &str = "key = \"desk\"\nname = \"Desk\"\nowner = \"grace\"\n\n[[feature]]\nkey = \"address\"\n\
                    class = \"pii\"\nactions = [\"read\"]\n\n";
/// A sound access role.
const READER: &str = "[[role]]\nkey = \"reader\"\naccess_role = true\napproval = [\"manager\"]\n[[role.allow]]\n\
                      feature = \"address\"\nactions = [\"read\"]\n";
/// The head of an application without personal data, whose first free line is 8.
const PLAIN: &str =
    "key = \"desk\"\nowner = \"grace\"\n\n[[feature]]\nkey = \"stock\"\nactions = [\"read\", \"adjust\"]\n\n";

/// What is broken in a file's form, in words, and its text.
fn broken_shapes() -> Vec<(&'static str, String)> {
    let headed = |rest: &str| format!("{HEAD}{rest}");
    let plain = |rest: &str| format!("{PLAIN}{rest}");
    vec![
        ("a quotation mark is missing", "key = \"desk\nowner = \"grace\"\n".to_owned()),
        ("it is JSON", "{ \"key\": \"desk\" }\n".to_owned()),
        ("it is empty", String::new()),
        ("a key stands twice", "key = \"desk\"\nkey = \"till\"\nowner = \"grace\"\n".to_owned()),
        ("an unknown key, nearly right", "key = \"desk\"\nownr = \"grace\"\n".to_owned()),
        ("an unknown key of a feature", HEAD.replace("actions", "acions")),
        ("an unknown key of a role", headed(&READER.replace("access_role", "acess_role"))),
        ("a text in the place of a list", PLAIN.replace("[\"read\", \"adjust\"]", "\"read\"")),
        ("a key that is none", PLAIN.replace("key = \"desk\"", "key = \"The Desk!\"")),
        ("no owner", PLAIN.replace("owner = \"grace\"\n", "")),
        ("an owner whom nobody knows", PLAIN.replace("grace", "nobody.at.all")),
        ("an unknown class", HEAD.replace("\"pii\"", "\"secret\"")),
        ("two classes at once", HEAD.replace("class = \"pii\"", "pii = true\nclass = \"internal\"")),
        ("an unknown environment", format!("environment = \"prod\"\n{PLAIN}")),
        ("PII outside production", format!("environment = \"test\"\n{}", headed(READER))),
        ("two features of one key", plain("[[feature]]\nkey = \"stock\"\nactions = [\"read\"]\n")),
        ("two roles of one key", headed(&format!("{READER}{READER}"))),
        ("an action twice", PLAIN.replace("\"adjust\"", "\"read\"")),
        ("no action", PLAIN.replace("[\"read\", \"adjust\"]", "[]")),
    ]
}

/// What no file may say, however well it is written.
fn broken_rules() -> Vec<(&'static str, String)> {
    let headed = |rest: &str| format!("{HEAD}{rest}");
    vec![
        ("PII without an access role", headed(&READER.replace("access_role = true\n", ""))),
        ("PII by inheritance without an access role", {
            let other = "[[role]]\nkey = \"lead\"\ninherits = [\"reader\"]\n";
            headed(&format!("{READER}{other}"))
        }),
        ("an access role that mixes", {
            let other = "[[role.allow]]\nfeature = \"stock\"\nactions = [\"read\"]\n";
            headed(&format!("[[feature]]\nkey = \"stock\"\nactions = [\"read\"]\n\n{READER}{other}"))
        }),
        ("an access role without approval", headed(&READER.replace("approval = [\"manager\"]\n", ""))),
        ("an access role by birth", headed(&READER.replace("approval", "birthright = true\napproval"))),
        (
            "an access role by position",
            headed(&READER.replace("approval", "position = \"manager\"\napproval")),
        ),
    ]
}

/// What roles, bounds and conditions may not be.
fn broken_roles() -> Vec<(&'static str, String)> {
    let headed = |rest: &str| format!("{HEAD}{rest}");
    let plain = |rest: &str| format!("{PLAIN}{rest}");
    let role = |rest: &str| {
        plain(&format!(
            "[[role]]\nkey = \"keeper\"\n{rest}[[role.allow]]\nfeature = \"stock\"\nactions = [\"read\"]\n"
        ))
    };
    let deep: String = (0..10)
        .map(|n| {
            let inherits = if n < 9 { format!("inherits = [\"r{}\"]\n", n + 1) } else { String::new() };
            format!("[[role]]\nkey = \"r{n}\"\n{inherits}[[role.allow]]\nfeature = \"stock\"\nactions = [\"read\"]\n")
        })
        .collect();
    vec![
        ("by birth and by position", role("birthright = true\nposition = \"owner\"\n")),
        ("an approver who is none", headed(&READER.replace("[\"manager\"]", "[\"boss\"]"))),
        ("a period in words", role("max_duration = \"90 days\"\n")),
        ("a period of nothing", role("max_duration = \"0d\"\n")),
        ("an unknown feature", role("").replace("feature = \"stock\"", "feature = \"stokc\"")),
        ("an unknown action", role("").replace("[\"read\"]", "[\"raed\"]")),
        ("an unknown role to inherit from", role("inherits = [\"keper\"]\n")),
        ("a role of another application", role("inherits = [\"warehouse/picker\"]\n")),
        ("a circle of roles", {
            let other = "[[role]]\nkey = \"lead\"\ninherits = [\"keeper\"]\n";
            format!("{}{other}", role("inherits = [\"lead\"]\n"))
        }),
        ("a chain that is too deep", plain(&deep)),
        ("a role that reaches nothing", plain("[[role]]\nkey = \"keeper\"\n")),
        ("a bound by an unknown parameter", {
            let within = "within = { of = \"shipped_at\", days = \"profile:pii.retension\" }\n";
            headed(&format!("{READER}{within}"))
        }),
        ("a bound that is no number of days", {
            headed(&format!("{READER}within = {{ of = \"shipped_at\", days = \"thirty\" }}\n"))
        }),
        ("a prerequisite that names no kind", role("requires = [\"Training\"]\n")),
        ("a prerequisite of an age in words", role("requires = [\"training:data-protection@a year\"]\n")),
        ("a prerequisite of no age at all", role("requires = [\"clearance@0d\"]\n")),
        ("a prerequisite twice", role("requires = [\"clearance\", \"clearance\"]\n")),
        ("a prerequisite of what comes by itself", role("birthright = true\nrequires = [\"clearance\"]\n")),
        ("a record of an unknown feature", plain("[[record]]\nfeature = \"stok\"\nid = \"canary-1\"\n")),
        ("the house's own catalogue", "key = \"bailiwick\"\nowner = \"grace\"\n".to_owned()),
    ]
}

/// Conditions that cannot be judged, each in line 12 of its file.
fn broken_conditions() -> Vec<(&'static str, String)> {
    let allow = |line: &str| {
        let role = "[[role]]\nkey = \"keeper\"\n[[role.allow]]\nfeature = \"stock\"\n";
        format!("{PLAIN}{role}{line}\nactions = [\"read\"]\n")
    };
    let when = |text: &str| allow(&format!("when = '''{text}'''"));
    let deep = format!("{}true{}", "!(".repeat(40), ")".repeat(40));
    vec![
        ("a network that nobody has registered", allow("networks = [\"offce\"]")),
        ("a network that is none", allow("networks = [\"10.1.0.0/33\"]")),
        ("a factor that is not asked for", allow("mfa = false")),
        ("hours without a day that exists", allow("hours = \"Mon-Fry 07:00-19:00\"")),
        ("hours that are no span", allow("hours = \"9 to 5\"")),
        ("hours that last no time", allow("hours = \"Mon 09:00-09:00\"")),
        ("a maker without a name", allow("not_by = \"\"")),
        ("a condition of nothing", when("")),
        ("a condition that does not parse", when("resource.properties.country = \"DE\"")),
        ("a condition that breaks off", when("\"eu\" in subject.attributes.desks &&")),
        ("a condition on something that is not there", when("user.department == \"Sales\"")),
        ("a field that is not there", when("subject.departement == \"Sales\"")),
        ("a function that is not there", when("subject.username.toUpper() == \"ADA\"")),
        ("a regular expression", when("subject.username.matches(\"^(a+)+$\")")),
        ("a number and a text added up", when("1 + \"a\" == 2")),
        ("a text in the place of a truth", when("\"x\" && true")),
        ("a text and a number added up", when("subject.id + 1 == \"x\"")),
        ("a text and a number compared", when("subject.id == 1")),
        ("a condition that is a text", when("subject.username")),
        ("a condition that is too long", when(&format!("\"{}\" != \"\"", "x".repeat(2_000)))),
        ("a condition that is nested too deep", when(&deep)),
        ("loops in loops in loops", when("[1].all(a, [1].all(b, [1].all(c, a + b == c)))")),
    ]
}

/// What is wrong about subjects and records.
fn broken_records() -> Vec<(&'static str, String)> {
    let record = |lines: &str| format!("{PLAIN}[[record]]\nfeature = \"stock\"\nid = \"1\"\n{lines}");
    let many: String = (0..51).map(|number| format!("p{number} = 1\n")).collect();
    vec![
        ("a subject type that is understood anyway", format!("subject_types = [\"user\"]\n{PLAIN}")),
        ("a subject type that is no word", format!("subject_types = [\"a person\"]\n{PLAIN}")),
        ("a subject type twice", format!("subject_types = [\"identity\", \"identity\"]\n{PLAIN}")),
        ("a subject type that stands for nothing", {
            format!("subject_types = [{{ type = \"robot\", stands_for = \"machine\" }}]\n{PLAIN}")
        }),
        ("a date of TOML in a record", record("properties = { since = 2026-11-23 }\n")),
        ("a property without a name", record("properties = { \"\" = 1 }\n")),
        ("too many properties", record(&format!("[record.properties]\n{many}"))),
        ("an action with a blank", PLAIN.replace("\"adjust\"", "\"GET IT\"")),
    ]
}

/// What is broken in the file of networks.
fn broken_networks() -> Vec<(&'static str, String)> {
    let named = |name: &str, ranges: &str| format!("[[network]]\nname = \"{name}\"\nranges = {ranges}\n");
    vec![
        ("a network without a range", named("office", "[]")),
        ("a range that is none", named("office", "[\"10.1.0.0/33\"]")),
        ("a network twice", named("office", "[\"10.1.0.0/16\"]").repeat(2)),
        ("a network whose name is none", named("The Office", "[\"10.1.0.0/16\"]")),
        ("an unknown key of a network", named("office", "[]").replace("ranges", "range")),
    ]
}

/// What is broken, and the text of a profile whose parameter begins in line 6.
fn profiles() -> Vec<(&'static str, String)> {
    let head = "key = \"own\"\nname = \"Own\"\nsource = \"a test\"\nclauses_of = \"any\"\n";
    let with = |parameter: &str| format!("{head}[[parameter]]\n{parameter}");
    let history = "name = \"password.history\"\nvalue = 10\nunit = \"passwords\"\nclauses = []\n";
    vec![
        ("an unknown parameter", with(&history.replace("history", "hystory"))),
        ("an unknown clause", with(&history.replace("[]", "[\"O99\"]"))),
        ("a clause that is none", with(&history.replace("[]", "[\"nine\"]"))),
        ("a unit that does not go with it", with(&history.replace("passwords", "weeks"))),
        ("a value of another kind", with(&history.replace("10", "\"ten\""))),
        ("no value", with(&history.replace("value = 10\n", ""))),
        ("a parameter twice", with(&format!("{history}[[parameter]]\n{history}"))),
        ("an unknown key", with(&history.replace("unit", "units"))),
        ("a missing key", with(history).replace("name = \"Own\"\n", "")),
        (
            "a word that is none of the choices",
            with("name = \"pii.archive\"\nvalue = \"forbiden\"\nunit = \"choice\"\nclauses = []\n"),
        ),
    ]
}

fn told(text: &mut String, what: &str, lines: &[String]) {
    assert!(!lines.is_empty(), "{what}: nothing was said");
    let _ = writeln!(text, "{what}");
    for line in lines {
        let _ = writeln!(text, "    {line}");
    }
}

/// A complaint names the file and says what to do after the semicolon.
#[track_caller]
fn assert_helps(what: &str, file: &str, line: &str) {
    let (place, said) = line.split_once(": ").unwrap_or_else(|| panic!("{what}: no place: {line}"));
    assert!(place.starts_with(file), "{what}: {line}");
    let number = place.strip_prefix(file).and_then(|rest| rest.strip_prefix(':'));
    assert!(number.is_some_and(|number| number.parse::<usize>().is_ok()), "{what}: no line: {line}");
    let remedy = said.rsplit_once("; ").map(|(_, remedy)| remedy);
    assert!(remedy.is_some_and(|remedy| remedy.len() > 5), "{what}: no remedy: {line}");
}

#[actix_web::test]
async fn a_broken_file_is_refused_with_place_and_remedy_and_changes_nothing() {
    let house = House::new();
    house.firm().await;
    let exported = || house.app.read_now(export::export).expect("the catalogues in force");
    let (before, revision) = (exported(), house.app.applied());
    let mut text = String::new();
    let files = [broken_shapes(), broken_rules(), broken_roles(), broken_conditions(), broken_records()];
    for (what, broken) in files.concat() {
        let file = PolicyFile { name: "desk.toml".to_owned(), text: broken };
        let refused = house.write(move |tx| apply(tx, &[file])).await;
        let Err(error) = refused else { panic!("{what}: was applied") };
        let lines = Refusal::from(error).lines;
        lines.iter().for_each(|line| assert_helps(what, "desk.toml", line));
        told(&mut text, what, &lines);
        assert_eq!((exported(), house.app.applied()), (before.clone(), revision), "{what}");
    }
    let twice =
        ["desk.toml", "till.toml"].map(|name| PolicyFile { name: name.to_owned(), text: PLAIN.to_owned() });
    let Err(error) = house.write(move |tx| apply(tx, &twice)).await else { panic!("applied") };
    told(&mut text, "two files about one application", &Refusal::from(error).lines);
    for (what, broken) in broken_networks() {
        let file = PolicyFile { name: "networks.toml".to_owned(), text: broken };
        let Err(error) = house.write(move |tx| apply(tx, &[file])).await else {
            panic!("{what}: was applied")
        };
        let lines = Refusal::from(error).lines;
        lines.iter().for_each(|line| assert_helps(what, "networks.toml", line));
        told(&mut text, &format!("networks: {what}"), &lines);
    }
    let exclusion = "[[exclusion]]\nkey = \"a\"\nrole = \"bailiwick/auditr\"\nwith = []\nreason = \"\"\n";
    let file = PolicyFile { name: "sod.toml".to_owned(), text: exclusion.to_owned() };
    let Err(error) = house.write(move |tx| apply(tx, &[file])).await else { panic!("applied") };
    told(&mut text, "an exclusion of an unknown role with nothing", &Refusal::from(error).lines);
    let bounds = "[[at_most]]\nkey = \"a\"\nroles = [\"bailiwick/auditor\", \"bailiwick/auditor\", \"bailiwick/auditr\"]\n\
                  count = 3\nreason = \"\"\n[[at_most]]\nkey = \"a\"\nroles = []\ncount = 0\nreason = \"why\"\n";
    let file = PolicyFile { name: "sod.toml".to_owned(), text: bounds.to_owned() };
    let Err(error) = house.write(move |tx| apply(tx, &[file])).await else { panic!("applied") };
    told(&mut text, "bounds on how many roles that bound nothing", &Refusal::from(error).lines);
    assert_eq!((exported(), house.app.applied()), (before, revision));

    let clauses = PolicyFiles::built_in().read("clauses.toml").expect("the register");
    let register = Register::parse(&clauses.name, &clauses.text).expect("it is sound");
    for (what, broken) in profiles() {
        let Err(refusals) = Source::parse("own.toml", &broken, &register) else { panic!("{what}: was read") };
        let lines: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        lines.iter().for_each(|line| assert_helps(what, "own.toml", line));
        told(&mut text, &format!("profile: {what}"), &lines);
    }
    same_as_committed("refusals.txt", &text);
}
