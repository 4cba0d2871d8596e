//! Catalogues: their shape, their defaults, and everything that lint refuses, with file, line and remedy.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick::access::catalogue::{self, Application, Approver, Class, Environment, Integration, Position};
use bailiwick::access::lint::{self, Rules};
use bailiwick::access::{exclusion, names};
use bailiwick::profile::{Document, Period};
use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};

fn rules() -> Rules {
    Rules { day_parameters: BTreeSet::from(["pii.retention".to_owned()]), ..Rules::default() }
}

fn policy_file(path: &str) -> String {
    let path = format!("{}/policies/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn shipped(key: &str) -> Document<Application> {
    let path = format!("apps/{key}.toml");
    catalogue::parse(&path, &policy_file(&path)).unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// The refusals of a text as `line: what` pairs, for one look.
fn refusals(text: &str) -> Vec<String> {
    match catalogue::parse("a.toml", text) {
        Err(refusal) => vec![refusal.to_string()],
        Ok(document) => lint::check(&document, &rules()).iter().map(ToString::to_string).collect(),
    }
}

#[track_caller]
fn refused(text: &str, line: usize, what: &str, remedy: &str) {
    let found = refusals(text);
    let fits = |message: &String| {
        message.starts_with(&format!("a.toml:{line}: ")) && message.contains(what) && message.contains(remedy)
    };
    assert!(found.iter().any(fits), "wanted line {line}, {what:?} and {remedy:?}, found {found:#?}");
}

const HEAD: &str = "key = \"shop\"\nowner = \"grace\"\n";

/// A catalogue with one feature of each class, followed by `rest`, which begins in line 12.
fn shop(rest: &str) -> String {
    let feature =
        |key, class| format!("[[feature]]\nkey = \"{key}\"\nclass = \"{class}\"\nactions = [\"read\"]\n");
    let features = [feature("address", "pii"), feature("order", "regulated")].concat();
    format!("{HEAD}\n{features}{rest}")
}

#[test]
fn shipped_catalogues_have_nothing_to_refuse() {
    for key in ["bailiwick", "orders", "warehouse"] {
        let document = shipped(key);
        assert_eq!(document.value.key, key);
        assert_eq!(lint::check(&document, &rules()), [], "{key}");
    }
}

#[test]
fn a_catalogue_survives_export_and_reading_again() {
    for key in ["bailiwick", "orders", "warehouse"] {
        let application = shipped(key).value;
        let again = catalogue::parse("again.toml", &application.to_toml().unwrap()).unwrap();
        assert_eq!(again.value, application);
    }
}

#[test]
fn what_a_file_leaves_out_has_the_stated_defaults() {
    let text =
        format!("{HEAD}[[feature]]\nkey = \"order\"\nactions = [\"read\"]\n[[role]]\nkey = \"clerk\"\n");
    let application = catalogue::parse("a.toml", &text).unwrap().value;
    assert_eq!(application.display_name(), "shop");
    assert_eq!(application.environment, Environment::Production);
    assert_eq!(application.integration, Integration::Decides);
    assert_eq!(application.features[0].class(), Class::Internal);
    let clerk = &application.roles[0];
    assert!(
        clerk.approval.is_empty() && clerk.max_duration.is_none() && !clerk.access_role && !clerk.birthright
    );
}

#[test]
fn approval_is_all_of_the_steps_and_any_of_one_step() {
    let orders = shipped("orders").value;
    let reader = orders.role("address-reader").unwrap();
    let steps: Vec<_> = reader.approval.iter().map(|step| step.any_of().to_vec()).collect();
    assert_eq!(steps, [vec![Approver::Manager], vec![Approver::Owner]]);
    let figures = orders.role("figures-reader").unwrap();
    assert_eq!(figures.approval[0].any_of(), [Approver::Manager, Approver::Owner]);
    refused(&shop("[[role]]\nkey = \"a\"\napproval = [\"boss\"]\n"), 14, "names no approver", "");
}

#[test]
fn the_class_of_a_role_is_the_highest_it_reaches_also_by_inheritance() {
    let orders = shipped("orders").value;
    let class = |key| orders.class_of(orders.role(key).unwrap());
    assert_eq!(class("figures-reader"), Class::Internal);
    assert_eq!(class("refund-clerk"), Class::Regulated);
    assert_eq!(class("address-reader"), Class::Pii);
    let warehouse = shipped("warehouse").value;
    assert_eq!(warehouse.class_of(warehouse.role("shift-lead").unwrap()), Class::Regulated);
    assert_eq!(warehouse.class_of(warehouse.role("stock-keeper").unwrap()), Class::Internal);
    assert!(Class::Internal < Class::Regulated && Class::Regulated < Class::Pii);
}

#[test]
fn a_denial_takes_a_permission_out_of_the_role_and_its_heirs() {
    let orders = shipped("orders").value;
    let permissions = orders.permissions_of(orders.role("refund-clerk").unwrap());
    assert!(permissions.contains(&("refund", "prepare")) && permissions.contains(&("order", "update")));
    assert!(!permissions.contains(&("refund", "release")));
}

#[test]
fn conditions_may_read_declared_properties_scopes_and_the_date_of_within() {
    let text = shop(
        "scopes = [\"marketplace\"]\n[[role]]\nkey = \"a\"\n[[role.allow]]\nfeature = \"order\"\nactions = [\"read\"]\n\
         within = { of = \"shipped_at\", days = 30 }\n",
    );
    let application = catalogue::parse("a.toml", &text).unwrap().value;
    let order = application.feature("order").unwrap();
    assert_eq!(application.properties_of(order), BTreeSet::from(["marketplace", "shipped_at"]));
}

#[test]
fn unknown_keys_and_values_are_refused_with_a_suggestion() {
    refused(
        &format!("{HEAD}enviroment = \"test\"\n"),
        3,
        "unknown key \"enviroment\"",
        "did you mean \"environment\"?",
    );
    refused(
        &format!("{HEAD}environment = \"prod\"\n"),
        3,
        "\"prod\" is none of the words",
        "did you mean \"production\"?",
    );
    refused("owner = \"grace\"\n", 1, "missing key \"key\"", "add \"key = …\"");
    refused("key = \"a\"\nowner = \"x\n", 2, "", "between quotation marks");
    let huge = format!("{HEAD}{}", "#".repeat(1_048_576));
    assert!(refusals(&huge)[0].contains("larger than"));
}

#[test]
fn keys_have_one_shape() {
    for bad in ["", "DEFAULT", "Shop", "9lives", "a b", "ä", "*", "a/b"] {
        assert!(names::fault_of_key(bad).is_some(), "{bad:?}");
    }
    assert_eq!(names::fault_of_key("buyer-address_2"), None);
    refused("key = \"DEFAULT\"\nowner = \"g\"\n", 1, "meaning of its own", "another key");
    refused("key = \"\"\nowner = \"g\"\n", 1, "empty", "begin with a letter");
    refused(&format!("{HEAD}name = \"  \"\n"), 3, "name is empty", "write something");
    refused(&format!("key = \"{}\"\nowner = \"g\"\n", "a".repeat(65)), 1, "longer than 64", "shorten");
    refused("key = \"shop\"\n", 1, "no owner", "owner = ");
}

#[test]
fn a_pii_feature_needs_an_access_role_and_an_access_role_approval_and_end() {
    let allow = "[[role.allow]]\nfeature = \"address\"\nactions = [\"read\"]\n";
    refused(
        &shop(&format!("[[role]]\nkey = \"a\"\n{allow}")),
        15,
        "reached without an access role",
        "access_role = true",
    );
    let heir = "[[role]]\nkey = \"heir\"\ninherits = [\"a\"]\n";
    let text = shop(&format!(
        "{heir}[[role]]\nkey = \"a\"\naccess_role = true\napproval = [\"owner\"]\nmax_duration = \"90d\"\n{allow}"
    ));
    refused(&text, 14, "reached without an access role by \"heir\"", "");
    let role = |more: &str| shop(&format!("[[role]]\nkey = \"a\"\naccess_role = true\n{more}{allow}"));
    refused(&role(""), 12, "nobody's approval", "manager");
    refused(&role(""), 12, "have no end", "max_duration");
    let whole = "approval = [\"owner\"]\nmax_duration = \"90d\"\n";
    assert_eq!(refusals(&role(whole)), Vec::<String>::new());
    refused(&role(&format!("birthright = true\n{whole}")), 15, "birthright", "asked for");
    refused(&role(&format!("position = \"owner\"\n{whole}")), 15, "position", "decide, not use");
    refused(&role("max_duration = \"0d\"\n"), 15, "no time", "");
    refused(&role("max_duration = \"soon\"\n"), 15, "not a period", "");
    let other = "[[role.allow]]\nfeature = \"order\"\nactions = [\"read\"]\n";
    refused(&(role(whole) + other), 21, "which is not PII", "ordinary role");
}

#[test]
fn an_access_role_without_end_of_its_own_may_have_the_profile_s() {
    let text = shop(
        "[[role]]\nkey = \"a\"\naccess_role = true\napproval = [\"owner\"]\n[[role.allow]]\nfeature = \"address\"\n\
         actions = [\"read\"]\n",
    );
    let document = catalogue::parse("a.toml", &text).unwrap();
    let with_end = Rules { access_role_end: Some(Period::days(90)), ..rules() };
    assert_eq!(lint::check(&document, &with_end), []);
    assert_eq!(lint::check(&document, &rules()).len(), 1);
}

#[test]
fn pii_stays_in_production_and_says_so_once() {
    let text = shop("").replace("owner = \"grace\"", "owner = \"grace\"\nenvironment = \"test\"");
    refused(&text, 5, "PII outside production", "identify nobody");
    let both =
        format!("{HEAD}[[feature]]\nkey = \"a\"\npii = true\nclass = \"internal\"\nactions = [\"read\"]\n");
    refused(&both, 6, "pii = true and another class", "class = \"pii\"");
}

#[test]
fn unknown_names_are_refused_with_the_nearest_known_one() {
    let role = |allow: &str| shop(&format!("[[role]]\nkey = \"a\"\n[[role.allow]]\n{allow}"));
    refused(
        &role("feature = \"ordr\"\nactions = [\"read\"]\n"),
        15,
        "no feature \"ordr\"",
        "did you mean \"order\"?",
    );
    refused(&role("feature = \"*\"\nactions = [\"read\"]\n"), 15, "no feature \"*\"", "name each");
    refused(&role("feature = \"order\"\nactions = [\"*\"]\n"), 16, "no action \"*\"", "name each");
    refused(&role("feature = \"order\"\nactions = [\"reed\"]\n"), 16, "no action \"reed\"", "\"read\"");
    refused(&role("feature = \"order\"\nactions = []\n"), 16, "no action is named", "at least one");
    refused(&shop("[[role]]\nkey = \"a\"\ninherits = [\"b\"]\n"), 14, "no role \"b\"", "");
    refused(
        &shop("[[role]]\nkey = \"a\"\ninherits = [\"x/b\"]\n"),
        14,
        "another application",
        "one application",
    );
    refused(&shop("[[record]]\nfeature = \"ordr\"\nid = \"1\"\n"), 13, "no feature", "\"order\"");
    let within = "feature = \"order\"\nactions = [\"read\"]\nwithin = { of = \"shipped\", days = \"profile:pii.retetion\" }\n";
    refused(&role(within), 17, "no parameter \"pii.retetion\"", "did you mean \"pii.retention\"?");
    let bare = within.replace("profile:pii.retetion", "pii.retention");
    refused(&role(&bare), 17, "names no profile parameter", "profile:pii.retention");
}

#[test]
fn roles_that_reach_nothing_circles_and_deep_chains_are_refused() {
    refused(&shop("[[role]]\nkey = \"idle\"\n"), 12, "no permission is reached", "remove it");
    let denied = "[[role]]\nkey = \"a\"\n[[role.allow]]\nfeature = \"order\"\nactions = [\"read\"]\n\
                  [[role.deny]]\nfeature = \"order\"\nactions = [\"read\"]\n";
    refused(&shop(denied), 12, "no permission is reached", "");
    let circle = "[[role]]\nkey = \"a\"\ninherits = [\"b\"]\n[[role]]\nkey = \"b\"\ninherits = [\"a\"]\n";
    refused(&shop(circle), 14, "inherits from itself", "circle");

    let bottom = "[[role]]\nkey = \"r0\"\n[[role.allow]]\nfeature = \"order\"\nactions = [\"read\"]\n";
    let link = |number: usize| format!("[[role]]\nkey = \"r{number}\"\ninherits = [\"r{}\"]\n", number - 1);
    let chain = |links: usize| shop(&format!("{bottom}{}", (1..=links).map(link).collect::<String>()));
    assert_eq!(refusals(&chain(8)), Vec::<String>::new());
    refused(&chain(9), 17 + 8 * 3 + 2, "deeper than 8", "directly");
    assert_eq!(refusals(&chain(9)).len(), 1);
}

#[test]
fn what_stands_twice_is_refused() {
    let role = "[[role]]\nkey = \"a\"\n[[role.allow]]\nfeature = \"order\"\nactions = [\"read\"]\n";
    refused(&shop(&role.repeat(2)), 18, "role \"a\" is named twice", "");
    refused(&shop("scopes = [\"x\", \"x\"]\n"), 12, "scope \"x\" is named twice", "");
    refused(
        &shop("[[feature]]\nkey = \"order\"\nactions = [\"a\"]\n"),
        13,
        "feature \"order\" is named twice",
        "",
    );
    let record = "[[record]]\nfeature = \"order\"\nid = \"1\"\n";
    refused(&shop(&record.repeat(2)), 17, "registered twice", "");
    let twin = |file| catalogue::parse(file, &shop("")).unwrap();
    let found = lint::check_together(&[twin("a.toml"), twin("b.toml")]);
    assert_eq!(found.len(), 1);
    assert!(found[0].to_string().starts_with("b.toml:1: another file"));
}

#[test]
fn every_condition_is_read_and_survives_export() {
    let text = shop(
        "[[feature]]\nkey = \"route\"\nactions = [\"GET\", \"PUT\"]\n[[role]]\nkey = \"a\"\n[[role.allow]]\n\
         feature = \"route\"\nactions = [\"GET\"]\npurposes = [\"shipping\"]\nnetworks = [\"office\", \"10.1.0.0/16\"]\n\
         when = 'context.amount < 5 && \"x\" in subject.attributes.desks'\nmfa = true\nmanaged_device = true\n\
         hours = \"Mon-Fri 07:00-19:00\"\nnot_by = \"prepared_by\"\n[[record]]\nfeature = \"route\"\nid = \"/todos\"\n\
         properties = { status = \"archived\", amount = 1, rate = 0.5, open = true, tags = [\"a\", 1], in = { a = \"b\" } }\n\
         [[record]]\nfeature = \"route\"\nid = \"2\"\n[record.properties]\nstatus = \"active\"\n",
    );
    let types = "subject_types = [\"identity\", { type = \"robot\", stands_for = \"service\" }]\n";
    let document = catalogue::parse("a.toml", &format!("{types}{text}")).unwrap();
    let office = Rules { networks: BTreeSet::from(["office".to_owned()]), ..rules() };
    assert_eq!(lint::check(&document, &office), []);
    let again = catalogue::parse("again.toml", &document.value.to_toml().unwrap()).unwrap().value;
    assert_eq!(again, document.value);
    let stored = serde_json::to_string(&document.value).unwrap();
    assert_eq!(serde_json::from_str::<Application>(&stored).unwrap(), document.value);
    let route = again.feature("route").unwrap();
    assert_eq!(again.properties_of(route), BTreeSet::from(["prepared_by"]));
}

#[test]
fn own_features_are_the_documented_ones_and_none_is_pii() {
    let own = shipped("bailiwick").value;
    let found: BTreeMap<_, _> =
        own.features.iter().map(|one| (one.key.as_str(), one.actions.join(","))).collect();
    let documented = "sign-in:use accounts:read,write,unlock,suspend apps:read,write grants:read,give,revoke \
        requests:ask,decide,read reviews:read,manage,decide leavers:read,start,manage evaluation:ask,search,explain \
        scim:read,write connectors:read,write events:read log:read,purge alarms:read,handle incidents:read,handle \
        kill-switches:read,use obligations:read,handle evidence:export,names profile:read,write health:read \
        backup:use recovery:use workstations:read,write";
    let wanted: BTreeMap<_, _> = documented
        .split_whitespace()
        .filter_map(|feature| feature.split_once(':'))
        .map(|(key, actions)| (key, actions.to_owned()))
        .collect();
    assert_eq!(found, wanted);
    assert!(own.features.iter().all(|feature| feature.class() < Class::Pii));
    assert!(own.roles.iter().all(|role| !role.access_role));
}

#[test]
fn own_roles_are_small_and_keep_apart_what_must_be_apart() {
    let own = shipped("bailiwick").value;
    let permissions = |key| own.permissions_of(own.role(key).unwrap());
    for role in &own.roles {
        let broad = role.key == "administrator" || role.key == "auditor";
        assert!(broad || own.permissions_of(role).len() <= 15, "{} is too broad", role.key);
        let given = role.birthright || role.position.is_some();
        assert!(given || !role.approval.is_empty(), "{} could be had for the asking", role.key);
    }
    assert!(own.role("employee").unwrap().birthright);
    assert_eq!(own.role("manager").unwrap().position, Some(Position::Manager));
    assert_eq!(own.role("owner").unwrap().position, Some(Position::Owner));
    assert_eq!(own.class_of(own.role("operator").unwrap()), Class::Internal, "the operator sees no names");
    assert!(own.role("auditor").unwrap().max_duration.is_some(), "an audit ends");
    let reads = |action: &str| ["read", "search", "explain", "export"].contains(&action);
    assert!(permissions("auditor").iter().all(|(_, action)| reads(action)), "the auditor changes nothing");
    for refused in [("evaluation", "explain"), ("evidence", "names")] {
        assert!(!permissions("administrator").contains(&refused));
    }
    assert!(!permissions("service-desk").contains(&("accounts", "write")));
    assert!(!permissions("people-admin").contains(&("recovery", "use")));
    assert!(!permissions("security-officer").contains(&("grants", "give")));
}

#[test]
fn exclusions_name_known_roles_and_hold_in_both_directions() {
    let own = shipped("bailiwick").value;
    let document = exclusion::parse("sod.toml", &policy_file("sod.toml")).unwrap();
    assert_eq!(exclusion::check(&document, &[&own]), []);
    let against = |wanted, held: &[&'static str]| document.value.against(wanted, held.iter().copied()).len();
    assert_eq!(against("bailiwick/access-admin", &["bailiwick/security-officer", "bailiwick/employee"]), 1);
    assert_eq!(against("bailiwick/service-desk", &["bailiwick/access-admin"]), 1);
    assert_eq!(against("bailiwick/auditor", &["bailiwick/employee"]), 0);
    let writing = own.roles.iter().filter(|role| {
        let changes =
            |(_, action): &(&str, &str)| !["read", "search", "explain", "export", "names"].contains(action);
        own.permissions_of(role).iter().any(changes)
    });
    for role in writing.filter(|role| role.key != "employee") {
        let held = format!("bailiwick/{}", role.key);
        assert_eq!(document.value.against("bailiwick/auditor", [held.as_str()]).len(), 1, "{held}");
    }
    let wrong = "[[exclusion]]\nkey = \"a\"\nrole = \"bailiwick/auditr\"\nwith = []\nreason = \"\"\n";
    let found = exclusion::check(&exclusion::parse("sod.toml", wrong).unwrap(), &[&own]);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found.iter().any(|refusal| refusal.remedy.contains("bailiwick/auditor")));
}

#[tokio::test]
async fn the_model_wants_a_permission_and_no_denial_in_the_same_application() {
    let model = DefaultModel::from_str(&policy_file("model.conf")).await.unwrap();
    let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await.unwrap();
    let row = |fields: &[&str]| fields.iter().map(ToString::to_string).collect::<Vec<_>>();
    let ask =
        |enforcer: &Enforcer, dom: &str, act: &str| enforcer.enforce(("ann", dom, "address", act)).unwrap();
    assert!(!ask(&enforcer, "orders", "read"), "no row at all is a no");
    enforcer.add_policy(row(&["orders/reader", "orders", "address", "read", "allow"])).await.unwrap();
    enforcer.add_policy(row(&["orders/reader", "orders", "address", "export", "allow"])).await.unwrap();
    enforcer.add_policy(row(&["orders/keeper", "orders", "address", "export", "deny"])).await.unwrap();
    assert!(!ask(&enforcer, "orders", "read"), "a permission without a role is a no");
    enforcer.add_grouping_policy(row(&["ann", "orders/reader", "orders"])).await.unwrap();
    assert!(ask(&enforcer, "orders", "read") && ask(&enforcer, "orders", "export"));
    assert!(!ask(&enforcer, "warehouse", "read"), "roles end at their application");
    enforcer.add_grouping_policy(row(&["ann", "orders/keeper", "orders"])).await.unwrap();
    assert!(ask(&enforcer, "orders", "read") && !ask(&enforcer, "orders", "export"), "a denial overrides");
}
