//! What strangers can use up: sign-ins that are begun, and events of those that are spoiled.

use actix_web::test::TestRequest;
use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::log::event::Change;
use chrono::Duration;

use crate::support::sso::{says, signed_in_to, through};
use crate::support::{Browser, House};

const START: &str = "/sign-in/with/firm";
const ADDRESS: &str = "ada@firm.example";

/// How the browser says what it loads the address for.
async fn loads(browser: &mut Browser, dest: &str, mode: &str) -> u16 {
    let request = TestRequest::get()
        .uri(START)
        .insert_header(("sec-fetch-site", "cross-site"))
        .insert_header(("sec-fetch-dest", dest))
        .insert_header(("sec-fetch-mode", mode));
    browser.send(request).await.status
}

#[actix_web::test]
async fn no_page_elsewhere_begins_sign_ins_by_loading_pictures() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    let mut browser = house.browser().await;
    for _ in 0..70 {
        assert_eq!(loads(&mut browser, "image", "no-cors").await, 403);
    }
    for (dest, mode) in
        [("iframe", "navigate"), ("document", "cors"), ("empty", "cors"), ("script", "no-cors")]
    {
        assert_eq!(loads(&mut browser, dest, mode).await, 403, "{dest} {mode}");
    }
    assert!(provider.ways().asked.is_empty() && browser.cookies.is_empty());
    // Going there does, from wherever; and what was loaded has used nothing up.
    assert_eq!(loads(&mut browser, "document", "navigate").await, 303);
    signed_in_to(&through(&mut browser, &provider, says("0815", ADDRESS)).await, "/");
}

/// How many sign-ins begin from these addresses, one after the other.
async fn begun(anybody: &Browser, addresses: &[&str], times: usize) -> usize {
    let mut begun = 0;
    for number in 0..times {
        let mut browser = anybody.other().from_address(addresses[number % addresses.len()]);
        begun += usize::from(browser.get(START).await.status == 303);
    }
    begun
}

#[actix_web::test]
async fn sign_ins_are_counted_by_address_and_a_registered_network_has_room_for_a_shift() {
    let (house, _provider) = House::with_provider("");
    let anybody = house.browser().await;
    assert_eq!(begun(&anybody, &["192.0.2.7"], 62).await, 60);
    let refused = anybody.from_address("192.0.2.7").get(START).await.expect(429);
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(begun(&anybody, &["192.0.2.8"], 1).await, 1);
    // Whoever has one address of an IPv6 subnet has all of them.
    assert_eq!(begun(&anybody, &["[2001:db8:1:2::1]", "[2001:db8:1:2::2]"], 62).await, 60);
    assert_eq!(begun(&anybody, &["[2001:db8:1:3::1]"], 1).await, 1);
    let networks = "[[network]]\nname = \"warehouse\"\nranges = [\"198.51.100.0/24\"]\n".to_owned();
    let files = vec![PolicyFile { name: "networks.toml".to_owned(), text: networks }];
    house.done(move |tx| apply::apply(tx, &files)).await;
    assert_eq!(begun(&anybody, &["198.51.100.7"], 150).await, 150);
    house.advance(Duration::seconds(5));
    assert_eq!(begun(&anybody, &["192.0.2.7"], 6).await, 5);
}

/// What was recorded of refusals: why, and how often.
fn said(house: &House) -> Vec<(String, u64)> {
    let all = house.all_events().into_iter();
    all.filter_map(|event| match event.change {
        Change::SsoRefused { cause, times, .. } => Some((cause, times)),
        _ => None,
    })
    .collect()
}

#[actix_web::test]
async fn sign_ins_that_are_begun_and_spoiled_are_one_event_and_a_count() {
    let (house, provider) = House::with_provider("");
    let mut stranger = house.browser().await.from_address("192.0.2.7");
    let spoil = async |browser: &mut Browser| {
        let away = browser.get(START).await.expect(303);
        let back = provider.authorize(away.header("location"), says("0815", ADDRESS));
        let spoiled = back.replacen("code=", "code=x", 1);
        browser.get(&spoiled).await.expect(400);
    };
    for _ in 0..20 {
        spoil(&mut stranger).await;
    }
    assert_eq!(said(&house), [("code_refused".to_owned(), 1)]);
    spoil(&mut stranger.other().from_address("192.0.2.8")).await;
    assert_eq!(said(&house).len(), 2, "another address is another thing");
    house.run_job("sso.tidy").await.expect("it ran");
    assert_eq!(said(&house).len(), 2, "the time is not over");
    house.advance(Duration::minutes(10));
    house.run_job("sso.tidy").await.expect("it ran");
    assert_eq!(said(&house)[2..], [("code_refused".to_owned(), 19)]);
    house.advance(Duration::minutes(10));
    house.run_job("sso.tidy").await.expect("it ran");
    assert_eq!(said(&house).len(), 3, "what was said is said");
    spoil(&mut stranger).await;
    assert_eq!(said(&house)[3..], [("code_refused".to_owned(), 1)]);
}
