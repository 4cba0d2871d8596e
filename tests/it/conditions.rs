//! Conditions in a whole house: what they see follows every change at once, and networks have names.

use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::access::export;
use bailiwick::accounts::{self, Changes};
use bailiwick::error::Error;
use serde_json::{Value, json};

use crate::support::{Firm, House, decision};

const NETWORKS: &str = "[[network]]\nname = \"office\"\nranges = [\"10.1.0.0/16\"]\n";

/// A desk whose clerks may read notes under these lines.
fn desk(lines: &str) -> PolicyFile {
    file(
        "desk.toml",
        &format!(
            "key = \"desk\"\nowner = \"grace\"\n[[feature]]\nkey = \"note\"\nactions = [\"read\"]\n[[role]]\n\
             key = \"clerk\"\n[[role.allow]]\nfeature = \"note\"\nactions = [\"read\"]\n{lines}\n"
        ),
    )
}

fn file(name: &str, text: &str) -> PolicyFile {
    PolicyFile { name: name.to_owned(), text: text.to_owned() }
}

fn note(context: Value) -> Value {
    json!({
        "subject": { "type": "user", "id": "ada" },
        "action": { "name": "read" },
        "resource": { "type": "desk/note", "id": "1" },
        "context": context,
    })
}

#[actix_web::test]
async fn what_a_condition_sees_of_people_follows_every_change_at_once() {
    let house = House::new();
    let Firm { grace, ada, .. } = house.firm().await;
    let key = house.key("asker", &grace, None, &["bailiwick/evaluation:ask"]).await;
    let mut asker = house.browser().await.with_key(&key.token);
    let plain = vec![desk("")];
    house.done(move |tx| apply::apply(tx, &plain)).await;
    house.give(&ada, "desk/clerk", 30).await;
    assert!(decision(&mut asker, &note(json!({}))).await);
    // The first condition that asks for people reads them all.
    let asks = vec![desk("when = '\"notes\" in subject.attributes.desks'")];
    house.done(move |tx| apply::apply(tx, &asks)).await;
    assert!(!decision(&mut asker, &note(json!({}))).await, "she has no desks");
    for (desks, expected) in [(json!(["notes"]), true), (json!(["orders"]), false), (json!(["notes"]), true)]
    {
        let attributes = [("desks".to_owned(), desks)].into_iter().collect();
        let (account, changes) =
            (ada.clone(), Changes { attributes: Some(attributes), ..Changes::default() });
        house.done(move |tx| accounts::change(tx, &account, &changes)).await;
        assert_eq!(decision(&mut asker, &note(json!({}))).await, expected);
    }
    let again = house.started_again();
    assert!(again.decisions().snapshot().reads_people(), "a fresh start reads them as well");
    let hours = vec![desk("hours = \"Mon 09:00-10:00\"")];
    house.done(move |tx| apply::apply(tx, &hours)).await;
    assert!(decision(&mut asker, &note(json!({}))).await, "Monday, nine o'clock");
    house.advance(chrono::Duration::hours(1) - chrono::Duration::microseconds(1));
    assert!(decision(&mut asker, &note(json!({}))).await, "the last instant");
    house.advance(chrono::Duration::microseconds(1));
    assert!(!decision(&mut asker, &note(json!({}))).await, "no job has run");
}

#[actix_web::test]
async fn networks_have_names_that_catalogues_use() {
    let house = House::new();
    let Firm { grace, ada, .. } = house.firm().await;
    let key = house.key("asker", &grace, None, &["bailiwick/evaluation:ask"]).await;
    let mut asker = house.browser().await.with_key(&key.token);
    let files = vec![desk("networks = [\"office\"]"), file("networks.toml", NETWORKS)];
    let applied = house.done(move |tx| apply::apply(tx, &files)).await;
    assert!(applied.networks_changed);
    house.give(&ada, "desk/clerk", 30).await;
    let from = |address: &str| note(json!({ "source_ip": address }));
    assert!(decision(&mut asker, &from("10.1.2.3")).await);
    assert!(!decision(&mut asker, &from("10.2.0.1")).await);
    let exported = house.app.read_now(export::export).expect("exported");
    assert!(exported.iter().any(|file| file.name == "networks.toml" && file.text.contains("10.1.0.0/16")));
    let again = house.done(move |tx| apply::apply(tx, &exported)).await;
    assert!(!again.networks_changed, "nothing is lost by exporting");
    let moved = vec![file("networks.toml", &NETWORKS.replace("10.1", "10.2"))];
    house.done(move |tx| apply::apply(tx, &moved)).await;
    assert!(!decision(&mut asker, &from("10.1.2.3")).await && decision(&mut asker, &from("10.2.0.1")).await);
    let without = vec![file("networks.toml", "")];
    match house.write(move |tx| apply::apply(tx, &without)).await {
        Err(Error::Invalid(fields)) => assert!(fields[0].detail.contains("\"office\" is used"), "{fields:?}"),
        other => panic!("taken away: {other:?}"),
    }
}

#[actix_web::test]
async fn a_network_that_guards_personal_data_needs_a_second_person() {
    let house = House::new();
    house.person("grace", None).await;
    let guarded = "key = \"desk\"\nowner = \"grace\"\n[[feature]]\nkey = \"address\"\nclass = \"pii\"\n\
                   actions = [\"read\"]\n[[role]]\nkey = \"reader\"\naccess_role = true\napproval = [\"owner\"]\n\
                   [[role.allow]]\nfeature = \"address\"\nactions = [\"read\"]\nnetworks = [\"office\"]\n";
    let first = vec![file("desk.toml", guarded), file("networks.toml", NETWORKS)];
    house.done(move |tx| apply::apply(tx, &first)).await;
    let wider = vec![file("networks.toml", &NETWORKS.replace("10.1.0.0/16", "0.0.0.0/0"))];
    match house.write(move |tx| apply::apply(tx, &wider)).await {
        Err(Error::Conflict("second-person", _)) => {}
        other => panic!("one person opened it: {other:?}"),
    }
    let more = format!("{NETWORKS}[[network]]\nname = \"home\"\nranges = [\"192.0.2.0/24\"]\n");
    let beside = vec![file("networks.toml", &more)];
    assert!(house.done(move |tx| apply::apply(tx, &beside)).await.networks_changed, "nothing depends on it");
}
