//! How nodes follow the log, how sure they are of what they know, and what "everywhere" means.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration as StdDuration, Instant};

use bailiwick::app::App;
use bailiwick::caller::Caller;
use bailiwick::db::Reader;
use bailiwick::error::{Error, Result};
use bailiwick::log::event::{Change, Event};
use bailiwick::log::freshness::{Freshness, Pulse};
use bailiwick::log::tail::{Follower, Tail};
use bailiwick::log::wake::Listener;
use chrono::Duration;
use diesel::connection::SimpleConnection;

use crate::support::House;

/// A cache that remembers what it was told.
#[derive(Default)]
struct Witness {
    loads: Mutex<Vec<u64>>,
    numbers: Mutex<Vec<u64>>,
    refuses: Mutex<bool>,
}

impl Follower for Witness {
    fn load(&self, _reader: &mut Reader<'_>, revision: u64) -> Result<()> {
        if *self.refuses.lock().expect("whole") {
            return Err(Error::Stale);
        }
        self.loads.lock().expect("whole").push(revision);
        Ok(())
    }

    fn follow(&self, _reader: &mut Reader<'_>, events: &[Event], _revision: u64) -> Result<()> {
        if *self.refuses.lock().expect("whole") {
            return Err(Error::Stale);
        }
        self.numbers.lock().expect("whole").extend(events.iter().map(|event| event.number));
        Ok(())
    }
}

/// A node beside the house's own: its tail, its pulse and one cache.
struct Node<'a> {
    house: &'a House,
    tail: Tail,
    pulse: Pulse,
    witness: Arc<Witness>,
}

impl<'a> Node<'a> {
    fn beside(house: &'a House) -> Self {
        let (tail, witness) = (Tail::default(), Arc::new(Witness::default()));
        let followers: Vec<Arc<dyn Follower>> = vec![witness.clone()];
        house.app.read_now(|reader| tail.start(reader, &followers)).expect("loaded");
        let pulse = Pulse::new(house.app.context(), Duration::seconds(5));
        Self { house, tail, pulse, witness }
    }

    fn beat(&self) -> Result<()> {
        let followers: Vec<Arc<dyn Follower>> = vec![self.witness.clone()];
        let app = &self.house.app;
        self.pulse.beat(app.database().location(), app.context(), &self.tail, &followers)
    }

    fn freshness(&self) -> Freshness {
        self.pulse.judge(self.house.clock.as_ref())
    }
}

fn write(app: &App) -> u64 {
    app.write_now(&Caller::house("test"), |tx| {
        tx.record(Change::SettingChanged { name: "one".to_owned(), value: None });
        tx.record(Change::SettingChanged { name: "two".to_owned(), value: None });
        Ok(())
    })
    .expect("written")
    .revision
}

fn sql(house: &House, statement: &str) {
    let run = |reader: &mut Reader<'_>| reader.connection.batch_execute(statement).map_err(Error::from);
    house.app.database().alone(run).expect("the statement runs");
}

/// Asks until it is so; whatever needs longer than this never comes.
fn comes(mut what: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < StdDuration::from_secs(20) {
        if what() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

#[test]
fn without_proof_a_node_is_stale_after_its_lease_and_on_the_floor_after_a_quarter_of_an_hour() {
    let house = House::bare();
    for (seconds, expected) in
        [(5, Freshness::Fresh), (1, Freshness::Stale), (894, Freshness::Stale), (1, Freshness::Floor)]
    {
        house.clock.advance(Duration::seconds(seconds));
        assert_eq!(house.app.freshness(), expected);
    }
    assert_eq!(house.app.heartbeat().expect("heard"), Freshness::Fresh);
}

#[test]
fn a_node_whose_caches_do_not_follow_is_not_fresh() {
    let house = House::bare();
    let node = Node::beside(&house);
    node.beat().expect("heard");
    *node.witness.refuses.lock().expect("whole") = true;
    write(&house.app);
    house.clock.advance(Duration::seconds(6));
    assert!(node.beat().is_err());
    assert_eq!(node.freshness(), Freshness::Stale);
    *node.witness.refuses.lock().expect("whole") = false;
    node.beat().expect("heard");
    assert_eq!(node.freshness(), Freshness::Fresh);
    assert_eq!(*node.witness.numbers.lock().expect("whole"), [1, 2]);
}

#[test]
fn a_shorter_log_another_epoch_and_another_event_at_its_place_make_a_node_load_afresh() {
    for (statement, loads) in [
        ("DELETE FROM change_events WHERE number > 4", vec![0, 6]),
        ("UPDATE log_head SET epoch = 'another'", vec![0, 6]),
        (
            "UPDATE change_events SET leaf = (SELECT leaf FROM change_events WHERE number = 1) WHERE number = 6",
            vec![0, 6],
        ),
        ("UPDATE change_events SET kind = 'house_started' WHERE number = 6", vec![0]),
    ] {
        let house = House::bare();
        let node = Node::beside(&house);
        for _ in 0..3 {
            write(&house.app);
        }
        node.beat().expect("heard");
        assert_eq!(node.tail.applied(), 6);
        sql(&house, statement);
        node.beat().expect("heard");
        assert_eq!(*node.witness.loads.lock().expect("whole"), loads, "{statement}");
        assert_eq!(node.freshness(), Freshness::Fresh);
    }
}

#[test]
fn a_node_of_an_older_epoch_is_on_the_floor_at_once_until_it_has_loaded_afresh() {
    let house = House::bare();
    let node = Node::beside(&house);
    write(&house.app);
    node.beat().expect("heard");
    sql(&house, "UPDATE log_head SET epoch = 'another'");
    *node.witness.refuses.lock().expect("whole") = true;
    assert_eq!(node.freshness(), Freshness::Fresh, "within its lease it cannot know");
    assert!(node.beat().is_err());
    assert_eq!(node.freshness(), Freshness::Floor);
    *node.witness.refuses.lock().expect("whole") = false;
    node.beat().expect("heard");
    assert_eq!((node.freshness(), node.tail.applied()), (Freshness::Fresh, 2));
}

#[test]
fn followers_get_every_event_in_order_while_eight_threads_write() {
    let house = House::bare();
    let node = Node::beside(&house);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..20 {
                        write(&house.app);
                    }
                })
            })
            .collect();
        while !writers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            node.beat().expect("heard");
        }
    });
    node.beat().expect("heard");
    assert_eq!(*node.witness.numbers.lock().expect("whole"), (1..=320).collect::<Vec<_>>());
}

#[test]
fn everywhere_means_every_node_that_was_seen_within_its_lease() {
    let house = House::bare();
    let other = house.second_node();
    house.app.heartbeat().expect("heard");
    other.heartbeat().expect("heard");
    let revision = write(&house.app);
    let everywhere = || house.app.read_now(|reader| house.app.everywhere(reader, revision)).expect("asked");
    assert!(!everywhere(), "the other node has not followed yet");
    other.heartbeat().expect("heard");
    assert!(everywhere());
    let ahead = house.app.read_now(|reader| house.app.everywhere(reader, revision + 1)).expect("asked");
    assert!(!ahead, "nobody has applied what does not exist");

    let later = write(&house.app);
    house.advance(Duration::seconds(6));
    let without = house.app.read_now(|reader| house.app.everywhere(reader, later)).expect("asked");
    assert!(without, "a node that is not seen any more holds nobody up: it permits nothing");
    assert_eq!(other.freshness(), Freshness::Stale);
}

#[test]
fn a_listener_hears_what_others_write_and_nothing_else() {
    let house = House::bare();
    let other = house.second_node();
    let mut listener = Listener::new(other.database().location()).expect("it listens");
    assert!(!listener.woken().expect("asked"));
    for _ in 0..3 {
        write(&house.app);
        assert!(comes(|| listener.woken().expect("asked")));
    }
    assert!(!listener.woken().expect("asked"));
}

#[test]
fn another_node_follows_by_itself() {
    let house = House::bare();
    let other = house.second_node();
    let (stop, stopped) = channel();
    let weak = other.downgrade();
    let follower = std::thread::spawn(move || bailiwick::log::jobs::follow(&weak, &stopped));
    for _ in 0..10 {
        let revision = write(&house.app);
        assert!(comes(|| other.applied() >= revision));
    }
    drop(stop);
    assert!(comes(|| follower.is_finished()));
}
