//! A clock that jumps makes no item wait for ever, and deletes none.

use crate::{add, folder, outbox, record};
use ftreview::outbox::{Limits, Outbox, State, Step};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn a_next_try_is_waited_for_unless_a_clock_was_put_back_since() {
    let now = UNIX_EPOCH + 20_000 * DAY;
    let wait = |next_try| State { next_try, ..State::default() }.wait(now, Duration::from_secs(600));
    assert_eq!(wait(None), Duration::ZERO);
    assert_eq!(wait(Some(now - DAY)), Duration::ZERO);
    assert_eq!(wait(Some(now)), Duration::ZERO);
    assert_eq!(wait(Some(now + Duration::from_secs(60))), Duration::from_secs(60));
    assert_eq!(wait(Some(now + Duration::from_secs(600))), Duration::from_secs(600));
    assert_eq!(wait(Some(now + Duration::from_secs(601))), Duration::ZERO);
    assert_eq!(wait(Some(now + 9999 * DAY)), Duration::ZERO);
}

#[test]
fn an_item_from_any_time_is_listed_claimed_and_worked_on() {
    let folder = folder();
    let outbox = outbox(&folder);
    let times = [
        ("before 1970", UNIX_EPOCH - DAY, true),
        ("1970", UNIX_EPOCH, true),
        ("long ago", SystemTime::now() - 31 * DAY, true),
        ("of late", SystemTime::now() - 29 * DAY, false),
        ("now", SystemTime::now(), false),
        ("tomorrow", SystemTime::now() + DAY, false),
        ("in a thousand years", SystemTime::now() + 365_000 * DAY, false),
    ];
    for (key, created, _) in times {
        drop(add(&outbox, ftreview::outbox::Record { created, ..record(key) }));
    }
    let items = outbox.list().unwrap();
    let found: Vec<(&str, bool)> =
        items.iter().map(|item| (item.record.as_ref().unwrap().key.as_str(), item.expired)).collect();
    // The first two are of one time, and in the order of their ids.
    assert_eq!(found[2..], times.map(|(key, _, expired)| (key, expired))[2..]);
    assert!(found[..2].iter().all(|(_, expired)| *expired));
    for item in items {
        let claim = outbox.claim(&item.id).unwrap();
        let state = State { next_try: Some(SystemTime::now() + 365_000 * DAY), ..State::default() };
        claim.set_state(state).unwrap();
        drop(claim);
        let claim = outbox.claim(&item.id).unwrap();
        assert_eq!(claim.state().wait(SystemTime::now(), Duration::from_secs(600)), Duration::ZERO);
        claim.finish().unwrap();
    }
    assert!(outbox.list().unwrap().is_empty());
}

#[test]
fn nothing_is_deleted_for_its_age_and_room_is_made_of_failed_items_only() {
    let folder = folder();
    let outbox = Outbox::new(folder.path().join("outbox"), Limits { items: 3, ..Limits::default() });
    for (key, age) in [("oldest", 400), ("older", 300), ("old", 200)] {
        let created = SystemTime::now() - age * DAY;
        drop(add(&outbox, ftreview::outbox::Record { created, ..record(key) }));
    }
    let full = || outbox.add(record("new")).unwrap_err();
    assert_eq!(full().code, ftreview::session::Code::OutboxFull);
    assert!(full().message.contains("outbox_max_items"), "{}", full());
    let fail = |key| {
        let claim = outbox.claim(&crate::id_of(key)).unwrap();
        claim.set_state(State { step: Step::Failed, ..State::default() }).unwrap();
        claim
    };
    drop(fail("old"));
    // Whoever holds an item is not to lose it.
    let held = fail("older");
    drop(add(&outbox, record("new")));
    let left: Vec<String> = outbox.list().unwrap().into_iter().map(|item| item.record.unwrap().key).collect();
    assert_eq!(left, ["oldest", "older", "new"]);
    assert_eq!(outbox.add(record("newer")).unwrap_err().code, ftreview::session::Code::OutboxFull);
    drop(held);
    drop(add(&outbox, record("newer")));
    assert_eq!(outbox.list().unwrap().len(), 3);
}
