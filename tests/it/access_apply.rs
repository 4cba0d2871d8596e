//! Catalogues in the database: applied, applied again, changed, exported; and what needs a second person.

use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::access::catalogue::{self, Application};
use bailiwick::access::{grants, roles};
use bailiwick::error::Error;
use bailiwick::log::store as log;

use crate::support::{Firm, House, shipped};

async fn size(house: &House) -> u64 {
    house.app.read(|reader| log::size(reader.connection)).await.expect("the log has a size")
}

fn file(name: &str, text: &str) -> PolicyFile {
    PolicyFile { name: name.to_owned(), text: text.to_owned() }
}

async fn refusals(house: &House, files: Vec<PolicyFile>) -> Vec<String> {
    match house.write(move |tx| apply::apply(tx, &files)).await {
        Err(Error::Invalid(fields)) => {
            fields.into_iter().map(|field| format!("{}: {}", field.field, field.detail)).collect()
        }
        other => panic!("not refused: {other:?}"),
    }
}

const INTERNAL: &str =
    "key = \"desk\"\nowner = \"grace\"\n[[feature]]\nkey = \"note\"\nactions = [\"read\"]\n";
const READER: &str = "[[role]]\nkey = \"reader\"\n[[role.allow]]\nfeature = \"note\"\nactions = [\"read\"]\n";

#[actix_web::test]
async fn the_house_starts_with_its_own_catalogue_and_records_it_once() {
    let house = House::new();
    let own = house.app.read(|reader| roles::catalogue(reader, "bailiwick")).await.expect("it is there");
    let text = shipped("bailiwick.toml").text;
    assert_eq!(own, catalogue::parse("bailiwick.toml", &text).expect("it is sound").value);
    let before = size(&house).await;
    house.started_again();
    assert_eq!(size(&house).await, before, "a second start records nothing");
}

#[actix_web::test]
async fn applying_again_records_nothing_and_exporting_gives_back_what_was_applied() {
    let house = House::new();
    house.firm().await;
    let before = size(&house).await;
    let files = vec![shipped("warehouse.toml"), shipped("orders.toml")];
    let again = house.done(move |tx| apply::apply(tx, &files)).await;
    assert!(again.applications.iter().all(|application| !application.changed), "{again:?}");
    assert_eq!(size(&house).await, before);
    for key in ["orders", "warehouse"] {
        let kept = house.app.read(move |reader| roles::catalogue(reader, key)).await.expect("applied");
        let text = shipped(&format!("{key}.toml")).text;
        let written = catalogue::parse(key, &text).expect("it is sound").value;
        assert_eq!(kept, Application { owner: None, ..written });
    }
}

#[actix_web::test]
async fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let house = House::new();
    house.person("grace", None).await;
    let before = size(&house).await;
    let files = vec![shipped("orders.toml")];
    let tried = house.done(move |tx| apply::preview(tx, &files)).await;
    assert!(tried.applications[0].changed && tried.applications[0].roles_defined.len() == 6, "{tried:?}");
    assert_eq!(size(&house).await, before);
    assert!(house.app.read(|reader| roles::application(reader, "orders")).await.is_err());
}

#[actix_web::test]
async fn all_files_are_refused_together_with_file_line_and_remedy() {
    let house = House::new();
    let unowned = file("desk.toml", &format!("{INTERNAL}{READER}"));
    let unsupported = READER.replace("actions = [\"read\"]", "actions = [\"read\"]\nnetworks = [\"office\"]");
    let other = file("other.toml", &format!("{}{unsupported}", INTERNAL.replace("desk", "other")));
    let found = refusals(&house, vec![unowned, other]).await;
    assert!(found.iter().any(|line| line.starts_with("desk.toml:2: the owner is nobody")), "{found:?}");
    assert!(
        found.iter().any(|line| line.starts_with("other.toml:11: ") && line.contains("networks")),
        "{found:?}"
    );
    assert!(house.app.read(|reader| roles::application(reader, "desk")).await.is_err(), "none is applied");
}

#[actix_web::test]
async fn a_role_that_vanishes_is_retired_and_its_grants_end() {
    let house = House::new();
    let Firm { ada, .. } = house.firm().await;
    let with = vec![file("desk.toml", &format!("{INTERNAL}{READER}"))];
    house.done(move |tx| apply::apply(tx, &with)).await;
    let grant = house.give(&ada, "desk/reader", 30).await;
    let without = vec![file("desk.toml", INTERNAL)];
    let applied = house.done(move |tx| apply::apply(tx, &without)).await;
    assert_eq!(applied.applications[0].roles_retired, ["desk/reader"]);
    assert_eq!(applied.applications[0].grants_ended, 1);
    let ended = house.app.read(move |reader| grants::find(reader, &grant.id)).await.expect("it is kept");
    assert_eq!(ended.state, grants::GrantState::Revoked);
    let back = vec![file("desk.toml", &format!("{INTERNAL}{READER}"))];
    house.done(move |tx| apply::apply(tx, &back)).await;
    let role = house.app.read(|reader| roles::role(reader, "desk/reader")).await.expect("it is back");
    assert_eq!(role.retired_at, None);
}

#[actix_web::test]
async fn what_opens_personal_data_after_the_first_apply_needs_a_second_person() {
    let house = House::new();
    house.firm().await;
    let orders = shipped("orders.toml").text;
    for (from, to) in [
        ("purposes = [\"shipping\", \"returns\"]", "purposes = [\"shipping\", \"fun\"]"),
        (
            "approval = [\"manager\", \"owner\"]\nmax_duration = \"90d\"",
            "approval = [\"manager\"]\nmax_duration = \"90d\"",
        ),
        ("owner = \"grace\"", "owner = \"ada\""),
        ("scopes = [\"marketplace\"]\nproperties", "scopes = []\nproperties"),
    ] {
        assert!(orders.contains(from), "{from}");
        let files = vec![file("orders.toml", &orders.replacen(from, to, 1))];
        match house.write(move |tx| apply::apply(tx, &files)).await {
            Err(Error::Conflict("second-person", _)) => {}
            other => panic!("{to}: {other:?}"),
        }
    }
    let renamed = orders.replace("name = \"Order desk\"", "name = \"Orders\"");
    let files = vec![file("orders.toml", &renamed)];
    assert!(house.done(move |tx| apply::apply(tx, &files)).await.applications[0].changed);
}

#[actix_web::test]
async fn the_houses_own_catalogue_is_not_edited() {
    let house = House::new();
    house.firm().await;
    let own = shipped("bailiwick.toml").text;
    let more = own.replace("max_duration = \"90d\"", "max_duration = \"91d\"");
    assert_ne!(own, more);
    let found = refusals(&house, vec![file("bailiwick.toml", &more)]).await;
    assert!(found[0].contains("come with the house"), "{found:?}");
    let owned = vec![file("bailiwick.toml", &own.replacen("name = ", "owner = \"grace\"\nname = ", 1))];
    house.done(move |tx| apply::apply(tx, &owned)).await;
    let record = house.app.read(|reader| roles::application(reader, "bailiwick")).await.expect("it is there");
    assert!(record.owner.is_some(), "the owner may be named");
}

#[actix_web::test]
async fn an_ordinary_role_that_becomes_an_access_role_loses_its_grants() {
    let house = House::new();
    let Firm { ada, .. } = house.firm().await;
    let first = vec![file("desk.toml", &format!("{INTERNAL}{READER}"))];
    house.done(move |tx| apply::apply(tx, &first)).await;
    let grant = house.give(&ada, "desk/reader", 30).await;
    let raised = format!("{INTERNAL}class = \"pii\"\n{READER}")
        .replace("key = \"reader\"", "key = \"reader\"\naccess_role = true\napproval = [\"owner\"]");
    let files = vec![file("desk.toml", &raised)];
    let refused = house.write(move |tx| apply::apply(tx, &files)).await;
    assert!(matches!(refused, Err(Error::Conflict("second-person", _))), "{refused:?}");
    let kept = house.app.read(move |reader| grants::find(reader, &grant.id)).await.expect("it is kept");
    assert_eq!(kept.state, grants::GrantState::Active, "nothing was applied");
}
