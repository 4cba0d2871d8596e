//! The first journey, from an empty house to a closed review and a leaver who is gone: one story in acts, each of
//! which stands on those before it. The clock is moved, never waited for.

mod leaving;
mod reviewing;

use bailiwick::accounts;
use bailiwick::governed::SOURCES;
use bailiwick::log::{checkpoint, verify};
use chrono::Duration;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::{Browser, House, Member, PASSWORD, decision, first_error, id_of};

/// The people of the story. Inês and Niklas report to Oliver, he reports to Grace, who owns the order desk.
pub struct Story {
    house: House,
    dmitri: Member,
    ines: Member,
    niklas: Member,
    oliver: Member,
    grace: Member,
    /// The order desk's own program, which asks for decisions.
    desk: Browser,
}

#[actix_web::test]
async fn from_an_empty_house_to_a_closed_review() {
    let mut story = opening().await;
    a_wrong_password_three_times_locks(&mut story).await;
    let grants = a_role_is_asked_for_and_approved(&mut story).await;
    reviewing::a_review_takes_it_away(&mut story, &grants).await;
    leaving::the_leaver_of_the_file_is_gone_at_the_instant(&mut story).await;
    the_log_proves_it(&story, &grants.niklas).await;
}

/// Set-up link, administrator, people, catalogues, the people of the story enrolled, an application with a key.
async fn opening() -> Story {
    let house = House::new();
    let dmitri = house.set_up().await;
    people_are_imported_once(&house).await;
    let applied = house.apply_catalogues().await;
    assert!(applied.applications.iter().all(|application| application.changed), "{applied:?}");
    let again = house.apply_catalogues().await;
    assert!(!again.applications.iter().any(|application| application.changed), "{again:?}");
    let ines = she_chooses_a_password(&house).await;
    let niklas = house.member("niklas.engstroem", &[]).await;
    let oliver = house.member("oliver.pemberton", &[]).await;
    let grace = house.member("grace", &[]).await;
    let desk = house.order_desk(&grace.id()).await;
    Story { house, dmitri, ines, niklas, oliver, grace, desk }
}

async fn people_are_imported_once(house: &House) {
    let first = house.import_people().await;
    assert_eq!((first.rows.len(), first.added, first.changed, first.refused), (281, 280, 1, 0), "{first:#?}");
    let governed = |house: &House| {
        house.app.read_now(|reader| accounts::governed(reader, "", 1_000)).expect("the accounts")
    };
    let before = governed(house);
    assert!(before.len() >= 281);
    let second = house.import_people().await;
    assert_eq!((second.unchanged, second.added, second.changed, second.refused), (281, 0, 0, 0));
    assert_eq!(governed(house), before, "a second import changes nothing");
    assert_eq!(second.revision, first.revision + 1, "but that the file was read is recorded");
}

/// Inês follows her link and is refused rule by rule before her password is taken.
async fn she_chooses_a_password(house: &House) -> Member {
    let mut browser = house.browser().await;
    let (account, token) = house.invite("ines.evans", &[]).await;
    let refused = [
        ("Bridge 7!", "at least 12 characters", "O13.2"),
        ("BRIDGE 7 OVER THE LAKE!", "small letter", "O16"),
        ("bridge 7 over the lake!", "capital letter", "O16"),
        ("Bridge seven over the lake!", "digit", "O16"),
        ("Bridge 7 over the lake", "sign such as", "O16"),
        ("Evans 7 over the lake!", "part of your name", "DPP 1.4"),
        ("Bridge 7 over INES.EVANS!", "part of your name", "DPP 1.4"),
    ];
    for (password, words, by) in refused {
        let body = json!({ "token": token, "password": password });
        let reply = browser.post("/api/v1/enrolment", body).await.expect(422);
        let (field, detail, clause) = first_error(&reply.json());
        assert_eq!(field, "password", "{password}: {detail}");
        assert!(detail.contains(words), "{password}: {detail}");
        assert_eq!(clause, by, "{password}: {detail}");
        assert!(!reply.body.contains(password), "a password never comes back");
        // The page says the same, with the clause that asks for it.
        let fields = [("password", password), ("again", password)];
        let page = browser.submit(&format!("/enrol/{token}"), &fields).await.expect(422).body;
        assert!(page.contains(words) && page.contains(by), "{password}: {page}");
        assert!(!page.contains(password), "a password never comes back");
    }
    let person = house.enrol(&mut browser, "ines.evans", account, token).await;
    assert_eq!(browser.get("/api/v1/me").await.expect(200).json()["state"], "active");
    Member { browser, person }
}

/// Three wrong passwords lock; the right one then gets the very same answer, and works again after the lock time.
async fn a_wrong_password_three_times_locks(story: &mut Story) {
    let house = &story.house;
    let mut stranger = house.browser().await;
    let mut wrong = Vec::new();
    for _ in 0..3 {
        wrong.push(house.try_password(&mut stranger, "ines.evans", "Bridge 8 over the lake!").await);
    }
    assert!(wrong.iter().all(|answer| *answer == wrong[0] && answer.0 == 401), "{wrong:?}");
    let right = house.try_password(&mut stranger, "ines.evans", PASSWORD).await;
    assert_eq!(right, wrong[0], "the right password is refused like a wrong one while it is locked");
    let nobody = house.try_password(&mut stranger, "nobody.at.all", PASSWORD).await;
    assert_eq!(nobody, wrong[0], "and so is somebody who does not exist");
    assert!(stranger.cookies.is_empty());
    story.ines.browser.get("/api/v1/me").await.expect(200);

    let lock = Duration::minutes(15);
    house.advance(lock - Duration::microseconds(1));
    assert_eq!(house.try_password(&mut stranger, "ines.evans", PASSWORD).await, wrong[0]);
    house.advance(Duration::microseconds(1));
    let (status, body) = house.try_password(&mut stranger, "ines.evans", PASSWORD).await;
    assert_eq!((status, body.contains("totp_required")), (200, true), "{body}");
}

/// The grants of the story.
struct Grants {
    ines: String,
    niklas: String,
}

/// May this person read a buyer's address for shipping? The order was shipped on `shipped_at` to this marketplace.
fn may_read_address(username: &str, shipped_at: &str, marketplace: &str) -> Value {
    json!({
        "subject": { "type": "user", "id": username },
        "action": { "name": "read" },
        "resource": {
            "type": "buyer-address",
            "id": "order-100045",
            "properties": { "shipped_at": shipped_at, "marketplace": marketplace },
        },
        "context": { "purpose": "shipping" },
    })
}

/// Inês asks for the role that reads addresses; Oliver, her manager, and Grace, the owner, approve; the order desk
/// asks and gets yes. Niklas gets the same.
async fn a_role_is_asked_for_and_approved(story: &mut Story) -> Grants {
    let question = may_read_address("ines.evans", "2026-11-20", "UK");
    assert!(!decision(&mut story.desk, &question).await, "nothing was given yet");
    let house = &story.house;
    let mut grants = Vec::new();
    for asker in [&mut story.ines, &mut story.niklas] {
        house.back_again(asker).await;
        let body = json!({
            "role": "orders/address-reader",
            "reason": "Prints the labels of the parcels that ship today",
            "scope": { "marketplace": ["UK"] },
            "duration": "60d",
        });
        let asked = asker.browser.post("/api/v1/requests", body).await.expect(201).json();
        assert_eq!(asked["state"], "pending", "{asked}");
        let approval = format!("/api/v1/requests/{}/approval", id_of(&asked));
        asker.browser.post(&approval, json!({})).await.expect(403);
        house.back_again(&mut story.oliver).await;
        let half =
            story.oliver.browser.post(&approval, json!({ "note": "as agreed" })).await.expect(200).json();
        assert_eq!(half["state"], "pending", "the owner has to approve too: {half}");
        assert!(
            !decision(&mut story.desk, &question).await || !grants.is_empty(),
            "half a chain gives nothing"
        );
        house.back_again(&mut story.grace).await;
        let whole = story.grace.browser.post(&approval, json!({})).await.expect(200).json();
        assert_eq!(whole["state"], "approved", "{whole}");
        grants.push(whole["grant"].as_str().expect("the grant").to_owned());
        assert!(decision(&mut story.desk, &question).await, "the very next question is answered yes");
    }
    let desk = &mut story.desk;
    assert!(
        !decision(desk, &may_read_address("ines.evans", "2026-11-20", "DE")).await,
        "another marketplace"
    );
    assert!(!decision(desk, &may_read_address("ines.evans", "2026-10-01", "UK")).await, "too long ago");
    let mut curious = question.clone();
    curious["context"]["purpose"] = json!("curiosity");
    assert!(!decision(desk, &curious).await, "another purpose");
    let [ines, niklas] = <[String; 2]>::try_from(grants).expect("two grants");
    Grants { ines, niklas }
}

/// The log is sound; one byte of an event and one of a grant's row, each changed behind its back, are each named.
async fn the_log_proves_it(story: &Story, grant: &str) {
    let app = &story.house.app;
    checkpoint::sign(app.database()).expect("signed");
    let verified =
        || verify::all(app.database().location(), app.context(), SOURCES, None).expect("it is read");
    let report = verified();
    assert!(report.is_sound() && report.complete, "{report}");
    assert!(report.events > 300 && report.rows > 281 && report.checkpoints > 0, "{report}");

    let sql = |statement: String| {
        app.database()
            .alone(|reader| reader.connection.batch_execute(&statement).map_err(Into::into))
            .expect("the statement runs");
    };
    // The text says that somebody else was asked about: one letter of it.
    let event = report.size / 2;
    let body = "(SELECT body FROM change_events WHERE number = {n})".replace("{n}", &event.to_string());
    sql(format!(
        "UPDATE change_events SET body = substr({body}, 1, 9) || CASE substr({body}, 10, 1) WHEN 'x' THEN 'y' ELSE 'x' END \
         || substr({body}, 11) WHERE number = {event}"
    ));
    let report = verified();
    assert!(report.differences.iter().any(|difference| difference.event == Some(event)), "{report}");
    let before = report.differences.len();
    sql(format!("UPDATE grants SET role = 'orders/phone-reader' WHERE id = '{grant}'"));
    let report = verified();
    let named = |row: &str| {
        report
            .differences
            .iter()
            .any(|one| one.table.as_deref() == Some("grants") && one.row.as_deref() == Some(row))
    };
    assert!(named(grant) && report.differences.len() > before, "{report}");
}
