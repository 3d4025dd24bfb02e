//! What does not fit the table: waits that a storage asks for, connections that are gone before they are used, and a part that
//! is alone.

use super::case::{ALWAYS, EVERYWHERE, File, Outcome, Sending, Sent, Spot, http, judge_outcome, send};
use super::fault::{Fault, Reply};
use super::store::{Place, Seen};
use super::wire::Server;
use ftreview::session::Code;
use futures_util::future::join_all;
use std::time::Duration;

/// Ends waits in tests.
const IDLE: Duration = Duration::from_secs(2);
/// Does not.
const PATIENT: Duration = Duration::from_secs(60);

fn busy(retry_after: &str) -> Fault {
    Fault::Refuse(Reply::s3(503, "SlowDown", "Reduce your request rate.").with("Retry-After", retry_after))
}

async fn check(server: &Server, spot: Spot, outcome: Outcome) -> Sent {
    let file = File::small();
    let sent = send(&http(server).await, server, file, file.plan(spot), PATIENT).await;
    judge_outcome(&spot, &outcome, file, server, &sent);
    sent
}

fn at(server: &Server, place: Place) -> Vec<Seen> {
    server.store.seen().into_iter().filter(|seen| seen.place == place).collect()
}

/// The trap that registers a film with a hole: no request is in flight, and the upload is not over.
#[tokio::test]
async fn a_part_that_waits_for_its_retry_while_nothing_else_is_in_flight_is_waited_for() {
    join_all([Spot::First, Spot::Middle, Spot::Last].map(async |spot| {
        let (server, place) = (Server::start().await, File::small().place(spot));
        server.store.spoil(place, busy("1"), 2);
        check(&server, spot, Outcome::Arrives).await;
        let last = at(&server, place).pop().unwrap();
        let others = server.store.seen().into_iter().filter(|seen| seen.place != place);
        assert!(others.into_iter().all(|seen| seen.ended.unwrap() < last.began), "{:#?}", server.store.seen());
        assert_eq!(server.store.completed(), 1);
    }))
    .await;
}

#[tokio::test]
async fn a_storage_that_says_when_to_come_back_is_left_alone_until_then() {
    join_all(EVERYWHERE.map(async |spot| {
        let (server, place) = (Server::start().await, File::small().place(spot));
        server.store.spoil(place, busy("1"), 1);
        check(&server, spot, Outcome::Arrives).await;
        let seen = at(&server, place);
        let pause = seen[1].began - seen[0].ended.unwrap();
        assert!(pause >= Duration::from_secs(1), "{pause:?}");
    }))
    .await;
}

#[tokio::test]
async fn a_storage_that_wants_an_hour_is_not_waited_for_and_its_wish_is_told() {
    for spot in EVERYWHERE {
        let (server, place) = (Server::start().await, File::small().place(spot));
        server.store.spoil(place, busy("3600"), ALWAYS);
        let sent = check(&server, spot, Outcome::Fails(Code::StorageUnavailable, &["503", "SlowDown"])).await;
        assert_eq!(sent.result.unwrap_err().details.retry_after, Some(Duration::from_secs(3600)));
        assert_eq!(at(&server, place).len(), 1);
    }
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_tried_again_until_somebody_does() {
    for spot in EVERYWHERE {
        let (server, file) = (Server::late_for(File::small().place(spot)).await, File::small());
        let http = http(&server).await;
        let refused = send(&http, &server, file, file.plan(spot), PATIENT).await;
        judge_outcome(
            &spot,
            &Outcome::Fails(Code::Unreachable, &["nothing listens", "check"]),
            file,
            &server,
            &refused,
        );

        let server = Server::late_for(file.place(spot)).await;
        let mut sending = Sending::new(&http, &server, file, file.plan(spot));
        sending.limits.patience = PATIENT;
        let (sent, ()) = tokio::join!(sending.run(), async {
            // Long enough for more tries than there are without patience.
            tokio::time::sleep(Duration::from_millis(300)).await;
            server.listen_late();
        });
        assert!(sent.log.matches("again in").count() >= 1, "{}", sent.log);
        judge_outcome(&spot, &Outcome::Arrives, file, &server, &sent);
    }
}

#[tokio::test]
async fn a_kept_connection_that_is_no_longer_good_costs_the_next_file_nothing_but_time() {
    for fault in [Fault::CloseAfter, Fault::DieAfter, Fault::Surplus, Fault::AnswerOld] {
        let (server, file) = (Server::start().await, File::small());
        server.store.spoil(Place::Whole, fault.clone(), 1);
        let http = http(&server).await;
        for _ in 0..2 {
            let sent = send(&http, &server, file, file.plan(Spot::Whole), IDLE).await;
            judge_outcome(&fault, &Outcome::Arrives, file, &server, &sent);
        }
        assert_eq!(server.connections(), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn connections_are_kept_and_used_again() {
    let server = Server::start().await;
    check(&server, Spot::First, Outcome::Arrives).await;
    let file = File::small();
    assert!(server.connections() <= 6, "{} connections for {:?}", server.connections(), file.plan(Spot::First));
}

#[tokio::test]
async fn a_file_that_changes_while_its_parts_are_sent_is_told_and_not_put_together() {
    for size in [100, 900_000] {
        let server = Server::start().await;
        let file = File::new(8 * 100_003 + 33_333, 100_003);
        server.store.spoil(Place::Part(9), Fault::Refuse(Reply::new(503, "").with("Retry-After", "1")), 1);
        let http = http(&server).await;
        let sending = Sending::new(&http, &server, &file, file.plan(Spot::First));
        let (sent, ()) = tokio::join!(sending.run(), async {
            while !server.store.seen().iter().any(|seen| seen.place == Place::Part(9)) {
                tokio::task::yield_now().await;
            }
            std::fs::File::options().write(true).open(&file.path).unwrap().set_len(size).unwrap();
        });
        judge_outcome(
            &size,
            &Outcome::Fails(Code::FileChanged, &["while it was being published"]),
            &file,
            &server,
            &sent,
        );
    }
}
