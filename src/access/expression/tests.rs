//! Tests of conditions: what is refused, what comes out, what it may cost.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value as Json, json};

use super::*;

/// What the tests see: everything asserted, something known.
struct World {
    attributes: Json,
    subject: Json,
    action: Json,
    resource: Json,
    context: Json,
}

impl World {
    fn new() -> Self {
        Self {
            attributes: json!({ "email": "ada@example.com", "desks": ["uk", "eu"], "level": 3 }),
            subject: json!({ "role": "admin" }),
            action: (0..20_000).map(|number| (format!("p{number}"), json!(1))).collect::<Map<_, _>>().into(),
            resource: json!({
                "owner": "ada", "amount": 250, "rate": 0.5, "big": 18_446_744_073_709_551_615_u64, "none": null,
                "tags": ["a", "b"], "lines": [{ "n": 1 }, { "n": 2 }], "at": "2026-11-23T09:00:00Z", "0": "nought",
            }),
            context: json!({ "ip": "192.0.2.7", "list": (0..20_000).collect::<Vec<_>>(), "text": "x".repeat(1 << 20) }),
        }
    }

    fn judge(&self, text: &str) -> (Result<bool, Stop>, u32) {
        let all = |of| Properties { asserted: Json::as_object(of), may: May::Everything, own: None };
        let seen = Seen {
            subject: "0190",
            username: Some("ada"),
            department: None,
            attributes: self.attributes.as_object(),
            subject_properties: all(&self.subject),
            action: "read",
            // Of these the caller may assert none, and looking through them costs all the same.
            action_properties: Properties { may: May::Nothing, ..all(&self.action) },
            feature: "order",
            record: "order-1",
            record_properties: all(&self.resource),
            context: all(&self.context),
        };
        let expression = Expression::read(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
        let judged = expression.holds_in(&seen);
        assert_eq!(expression.holds(&seen), judged.0, "{text}");
        judged
    }
}

#[track_caller]
fn holds(text: &str) {
    assert_eq!(World::new().judge(text).0, Ok(true), "{text}");
}

#[track_caller]
fn stops(text: &str, stop: Stop) {
    assert_eq!(World::new().judge(text).0, Err(stop), "{text}");
}

#[track_caller]
fn refused(text: &str, what: &str, remedy: &str) {
    let fault = Expression::read(text).map(|_| ()).unwrap_err();
    assert!(fault.what.contains(what) && fault.remedy.contains(remedy), "{text}: {fault:?}");
}

#[test]
fn every_part_of_the_language_comes_out_as_it_should() {
    for text in [
        "true",
        "subject.id == '0190' && subject.username == 'ada' && action.name == 'read'",
        "resource.type == 'order' && resource.id.startsWith('order-')",
        "subject.attributes.email.endsWith('@example.com')",
        "'eu' in subject.attributes.desks && !('us' in subject.attributes.desks)",
        "subject.properties.role == 'admin' || subject.department == 'Sales'",
        "!has(subject.department) && has(subject.username) && has(subject.attributes.level)",
        "!has(resource.properties.missing) && has(resource.properties.none)",
        "resource.properties.none == null",
        "resource.properties['owner'] == resource.properties.owner",
        "'owner' in resource.properties && !('missing' in resource.properties)",
        "resource.properties.amount > 200 && resource.properties.amount <= 250",
        "resource.properties.amount > 249.9 && resource.properties.amount < 250.1",
        "double(resource.properties.amount) * resource.properties.rate == 125.0",
        "resource.properties.big > 9223372036854775807",
        "resource.properties.amount % 100 == 50 && resource.properties.amount / 100 == 2",
        "-resource.properties.amount == 0 - 250",
        "resource.properties.tags == ['a', 'b'] && resource.properties.tags + ['c'] != ['a', 'b']",
        "resource.properties.tags[1] == 'b' && size(resource.properties.tags) == 2",
        "resource.properties.lines.all(line, line.n > 0) && resource.properties.lines.exists(line, line.n == 2)",
        "resource.properties.lines.exists_one(line, line.n == 1)",
        "resource.properties.lines.map(line, line.n * 2) == [2, 4]",
        "resource.properties.lines.map(line, line.n > 1, line.n) == [2]",
        "resource.properties.tags.filter(tag, tag != 'a') == ['b']",
        "['uk', 'eu'].all(desk, subject.attributes.desks.exists(own, own == desk))",
        "subject.attributes.all(name, name != 'password')",
        "{'UK': 'eu', 'US': 'us'}['UK'] == 'eu' && 'UK' in {'UK': 1}",
        "{'a': 1, 'b': [2]} == {'b': [2], 'a': 1}",
        "(resource.properties.amount > 1000 ? 'high' : 'low') == 'low'",
        "'é€𝄞'.size() == 3 && size('') == 0 && 'abc' < 'abd'",
        "int('7') + 1 == 8 && string(7) + 'x' == '7x' && bool('true') && uint(7) == 7u && double('1.5') == 1.5",
        "timestamp(resource.properties.at) < timestamp('2026-11-23T10:00:00+00:00')",
        "timestamp(resource.properties.at) + duration('1h30m') == timestamp('2026-11-23T10:30:00Z')",
        "timestamp('2026-11-23T10:00:00Z') - timestamp(resource.properties.at) == duration('3600s')",
        "duration('-1.5s') < duration('1ms') && int(timestamp('1970-01-01T00:00:01Z')) == 1",
        "1 == 1.0 && 1 == 1u && 1u < 2.5 && !(subject.attributes.level == '3')",
        "context.ip.contains('192') && context.size() == 3",
        "[1, 2].map(subject, subject + 1) == [2, 3]",
    ] {
        holds(text);
    }
}

#[test]
fn what_is_missing_wrong_or_beyond_the_numbers_stops() {
    stops("subject.department == 'Sales'", Stop::Missing);
    stops("resource.properties.missing == 1", Stop::Missing);
    stops("resource.properties.owner.name == 'x'", Stop::Kind);
    stops("resource.properties.tags[2] == 'c'", Stop::Missing);
    stops("resource.properties.tags[-1] == 'c'", Stop::Missing);
    stops("resource.properties.amount", Stop::Kind);
    stops("resource.properties.amount && true", Stop::Kind);
    stops("resource.properties.owner < 1", Stop::Kind);
    stops("resource.properties.owner + 1 == 2", Stop::Kind);
    stops("1 / 0 == 1", Stop::Arithmetic);
    stops("1 % (resource.properties.amount - 250) == 1", Stop::Arithmetic);
    stops("1.0 / 0.0 > 1.0", Stop::Arithmetic);
    stops("9223372036854775807 + resource.properties.amount > 0", Stop::Arithmetic);
    stops("(0 - 9223372036854775807 - 1) / -1 > 0", Stop::Arithmetic);
    stops("(0 - 9223372036854775807 - 1) % -1 == 0", Stop::Arithmetic);
    stops("-(0 - 9223372036854775807 - 1) > 0", Stop::Arithmetic);
    stops("0u - 1u > 0u", Stop::Arithmetic);
    stops("int(resource.properties.big) > 0", Stop::Arithmetic);
    stops("int('seven') == 7", Stop::Kind);
    stops("timestamp('soon') == timestamp('later')", Stop::Kind);
    stops(
        "timestamp('9999-12-31T23:59:59Z') + duration('876000h') == timestamp('2026-11-23T10:00:00Z') + duration('1s') || duration('99999999999h') > duration('1s')",
        Stop::Kind,
    );
    stops("{'a': 1, 'a': 2}['a'] == 1", Stop::Kind);
    stops("resource.properties.lines.all(line, line.missing)", Stop::Missing);
}

#[test]
fn what_settles_it_does_so_whatever_is_wrong_with_the_rest() {
    for text in [
        "resource.properties.missing || true",
        "true || 1 / 0 == 1",
        "!(resource.properties.missing && false)",
        "[0, 1].exists(n, 1 / n == 1)",
        "![0, 1].all(n, 1 / n == 2)",
    ] {
        holds(text);
    }
    stops("resource.properties.missing || false", Stop::Missing);
    stops("resource.properties.missing && true", Stop::Missing);
}

#[test]
fn nothing_takes_more_than_its_steps() {
    let world = World::new();
    for text in [
        "context.list.all(n, n >= 0)",
        "context.list.filter(n, n > 5).size() > 1",
        "-1 in context.list",
        "context.list == context.list",
        "context.list + context.list != []",
        "context.text.contains('y')",
        "context.text + context.text != ''",
        "context.text == context.text && size(context.text) > 1",
        "int(context.text) == 1",
        "timestamp(context.text) == timestamp('')",
        "size(action.properties) > 30000",
        "action.properties.all(name, name != '')",
        "action.properties == {}",
        "resource.properties.lines.map(a, context.list.map(b, b)).size() > 1",
        "true || context.list.all(n, n >= 0) && false",
    ] {
        let (outcome, steps) = world.judge(text);
        assert!(steps <= MAX_STEPS, "{text}: {steps}");
        let first = text.starts_with("true");
        assert_eq!(outcome, if first { Ok(true) } else { Err(Stop::Steps) }, "{text}");
    }
    let settled_by_it = "context.list.all(n, n >= 0) || true";
    assert_eq!(world.judge(settled_by_it).0, Err(Stop::Steps), "running out settles everything");
    let numbers = "[1,2,3,4,5,6,7,8,9,10]";
    let cubes = format!("{numbers}.map(a, {numbers}.map(b, {numbers} + {numbers})).size() == 10");
    assert!(world.judge(&cubes).1 <= MAX_STEPS);
    let (outcome, steps) =
        world.judge("resource.properties.owner == 'ada' && 'uk' in subject.attributes.desks");
    assert_eq!((outcome, steps), (Ok(true), 11), "what is usual costs next to nothing");
}

#[test]
fn what_does_not_parse_or_names_nothing_is_refused() {
    for (text, what, remedy) in [
        ("", "does not parse: character 1, at its end", "texts stand in quotes"),
        ("subject.id ==", "does not parse: character 14", ""),
        ("subject.id = 'ada'", "does not parse: character 12, near `= 'ada'`", ""),
        ("'ada", "does not parse", ""),
        ("a and b", "does not parse: character 3, near `and b`", "\"and\" is &&"),
        ("true &&\n(", "does not parse: line 2, ", ""),
        ("subjcet.id == 'ada'", "there is no \"subjcet\", at character 1", "did you mean \"subject\"?"),
        ("user == 'ada'", "there is no \"user\"", "subject, action, resource, context"),
        ("subject.name == 'ada'", "\"subject\" has no field \"name\"", "username"),
        ("has(subject.nmae)", "\"subject\" has no field \"nmae\"", ""),
        ("subject == 'ada'", "\"subject\" is nothing by itself", "subject.id"),
        ("resource['id'] == 'x'", "\"resource\" is nothing by itself", "resource.properties"),
        ("subject.id.name == 'ada'", "a text has no field \"name\"", ""),
        ("exec('x')", "there is no function \"exec\"", ""),
        ("lenght('x') == 1", "there is no function \"lenght\"", "use one of"),
        ("subject.id.matches('(a+)+$')", "there is no function \"matches\"", "no regular expressions"),
        ("startsWith('a', 'b')", "\"startsWith\" is not called like that", "TEXT.startsWith(TEXT)"),
        ("'a'.int() == 1", "\"int\" is not called like that", "int(VALUE)"),
        ("size('a', 'b') == 1", "\"size\" is not called like that", ""),
        ("b'ada' == b'eve'", "bytes", "leave out the b"),
        ("google.protobuf.Duration{seconds: 1} == 1", "messages cannot be made here", ""),
        ("subject.?department == 'x'", "does not parse", ""),
        ("[1].all(n, m > 1)", "there is no \"m\"", "n"),
        ("[1].all(n, n > 1) && n > 1", "there is no \"n\"", ""),
        ("has(context)", "does not parse", ""),
        ("[1].all(1, true)", "does not parse", ""),
        ("true\0", "control character", ""),
    ] {
        refused(text, what, remedy);
    }
}

#[test]
fn what_cannot_come_to_true_or_false_is_refused() {
    for (text, what, remedy) in [
        ("1", "the condition is a whole number, not true or false", "compare it"),
        ("'yes'", "the condition is a text", ""),
        ("subject.attributes", "the condition is a map", ""),
        ("resource.id", "the condition is a text", ""),
        ("1 + 'a' == 2", "\"+\" does not go with a whole number and a text, at character 3", "of one kind"),
        ("1 + 1.5 == 2.5", "\"+\" does not go with a whole number and a number with a fraction", "double()"),
        ("'x' && true", "\"&&\" asks for true or false and gets a text", "compare it"),
        ("!subject.id", "\"!\" asks for true or false and gets a text", ""),
        ("subject.id + 1 == 'x'", "\"+\" does not go with a text and a whole number", ""),
        ("subject.id == 1", "\"==\" does not go with a text and a whole number", ""),
        ("subject.username == null", "\"==\" does not go with a text and null", ""),
        ("context < 1", "\"<\" does not go with a map and a whole number", ""),
        ("[1] < [2]", "\"<\" does not go with a list and a list", ""),
        ("1.5 % 2.0 == 1.0", "\"%\" does not go with", ""),
        ("-'a' == 'b'", "a text has no negative", "use a number"),
        ("'a' in 'abc'", "\"in\" looks into a list or a map and gets a text", "contains"),
        ("resource.id[0] == 'a'", "a text cannot be asked for a whole number in it", ""),
        ("[1]['a'] == 1", "a list cannot be asked for a text in it", ""),
        ("'abc'.all(c, true)", "a loop goes over a list or a map and gets a text", ""),
        ("[1].all(n, 'x')", "\"the loop\" asks for true or false and gets a text", ""),
        ("('a' ? true : false)", "\"?\" asks for true or false and gets a text", ""),
        ("size(1) == 1", "\"size\" does not take a whole number", ""),
        ("'a'.startsWith(1)", "\"startsWith\" does not take a whole number", ""),
        ("timestamp(1) == timestamp(2)", "\"timestamp\" does not take a whole number", ""),
        ("{[1]: 2} == {}", "a list is no key of a map", ""),
        (
            "timestamp('x') + timestamp('y') == timestamp('z')",
            "\"+\" does not go with an instant and an instant",
            "",
        ),
    ] {
        refused(text, what, remedy);
    }
}

#[test]
fn limits_of_length_depth_and_loops_are_exact() {
    let padded = |length: usize| format!("true{}", " ".repeat(length - 4));
    assert!(Expression::read(&padded(MAX_LENGTH)).is_ok());
    refused(&padded(MAX_LENGTH + 1), "longer than 2000 characters", "shorten");
    assert!(Expression::read(&format!("'{}' != ''", "é".repeat(1_900))).is_ok(), "characters, not bytes");
    let sum = |terms: usize| format!("{} > 0", vec!["1"; terms].join(" + "));
    assert!(Expression::read(&sum(MAX_DEPTH - 1)).is_ok());
    refused(&sum(MAX_DEPTH), "nested deeper than 32", "several roles");
    let any = vec!["subject.id == 'ada'"; 80].join(" || ");
    assert!(Expression::read(&any).is_ok(), "a long row of alternatives is not deep");
    let loops = |depth: usize| {
        let names: Vec<String> = (0..depth).map(|number| format!("v{number}")).collect();
        let opening: String = names.iter().map(|name| format!("[1].all({name}, ")).collect();
        format!("{opening}true{}", ")".repeat(depth))
    };
    assert!(Expression::read(&loops(MAX_LOOPS)).is_ok());
    refused(&loops(MAX_LOOPS + 1), "loops are nested deeper than 2", "");
}

/// Texts that are made to exhaust a parser: each is a refusal, and the process is still there.
#[test]
fn hostile_texts_are_refused_and_nothing_else_happens() {
    let long = |part: &str| part.repeat(MAX_LENGTH / part.len());
    for part in [
        "(",
        "[",
        "{",
        "!",
        "-",
        "a.",
        "a[",
        "has(",
        "a?",
        "a?b:",
        "[1].all(x,",
        "'",
        "\"\"\"",
        "\\",
        "`",
        "1e",
        "0x",
        ".",
        ",",
        "é",
        "b'",
        "r'",
        "𝄞",
        "in ",
        "'\\u",
        "'\\777",
        "1+",
        "a&&",
        "//",
        "{'a':",
    ] {
        assert!(Expression::read(&long(part)).is_err(), "{part}");
    }
    for (open, middle, close) in [
        ("(", "true", ")"),
        ("[", "1", "]"),
        ("!(", "true", ")"),
        ("{'a':", "1", "}"),
        ("[1].all(x,", "true", ")"),
    ] {
        for depth in [40, 90, 180] {
            let text = [&open.repeat(depth), middle, &close.repeat(depth)].concat();
            // Brackets around a thing are not part of the tree, so that few of them harm nobody.
            let outcome = Expression::read(&text);
            assert!(outcome.is_err() || (open == "(" && depth < 65), "{text}");
        }
    }
    let chain = format!("context{} == 1", ".a".repeat(990));
    refused(&chain, "nested deeper than 32", "");
    let sum = format!("1{} == 1", "+1".repeat(990));
    refused(&sum, "nested deeper than 32", "");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn no_text_does_more_than_be_refused(pieces in vec(piece(), 0..40)) {
        let text = pieces.concat();
        let fault = Expression::read(&text).err();
        prop_assert!(fault.is_none_or(|fault| !fault.what.is_empty() && !fault.remedy.is_empty()));
    }
}

/// What texts in the language, and nearly in it, are made of.
fn piece() -> impl Strategy<Value = String> {
    let known: Vec<&str> = "( ) [ ] { } . , : ? ! - + * / % == != < <= && || in true false null 'a' 1 2u 1.5 1e9 has( \
        .all(x, .map(x, .exists_one(y, .filter(x, x size( int( timestamp( subject.id context resource.properties.a \
        subject action b'x' r'x' '\\n' \"\"\" ` 0x \\ @ # $ \u{0} \u{202E} 𝄞"
        .split_whitespace()
        .collect();
    prop_oneof![9 => select(known).prop_map(|piece| format!("{piece} ")), 1 => "\\PC{0,3}"]
}

#[test]
fn the_caller_says_only_what_it_may_and_the_house_knows_better() {
    let own = Map::from_iter([("status".to_owned(), json!("active"))]);
    let asserted = json!({ "status": "archived", "owner": "eve", "secret": 1 });
    let named: [Box<str>; 2] = ["owner".into(), "status".into()];
    let properties = Properties { own: Some(&own), asserted: asserted.as_object(), may: May::Usual(&named) };
    let seen = Seen { record_properties: properties, ..Seen::default() };
    for text in [
        "resource.properties.status == 'active'",
        "resource.properties.owner == 'eve'",
        "!has(resource.properties.secret)",
        "size(resource.properties) == 2",
        "resource.properties.all(name, name in ['owner', 'status'])",
        "resource.properties == {'status': 'active', 'owner': 'eve'}",
    ] {
        assert_eq!(Expression::read(text).unwrap().holds(&seen), Ok(true), "{text}");
    }
    assert!(May::Only("purpose").assert("purpose") && !May::Only("purpose").assert("mfa"));
    assert!(May::Listed(&["mfa".to_owned()]).assert("mfa") && !May::Nothing.assert("mfa"));
}

#[test]
fn what_is_read_is_known_beforehand() {
    let reads = |text: &str| -> Vec<String> {
        let expression = Expression::read(text).unwrap();
        expression.reads().map(|(root, name)| format!("{}.{}", root.name(), name.unwrap_or("*"))).collect()
    };
    assert_eq!(reads("resource.properties.a == 1 && has(context.b)"), ["resource.properties.a", "context.b"]);
    assert_eq!(reads("context['c'] == 1"), ["context.c"]);
    assert_eq!(reads("context[subject.id] == 1"), ["subject.id.*", "context.*"]);
    assert_eq!(reads("'x' in subject.attributes.desks"), ["subject.attributes.desks"]);
    assert_eq!(reads("has(subject.department)"), ["subject.department.*"]);
    assert_eq!(reads("[1].all(context, context > 0)"), Vec::<String>::new());
}
