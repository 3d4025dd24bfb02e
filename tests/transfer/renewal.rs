//! Addresses that run out, are refused, or belong to an upload that the storage forgot. What real servers do when they are
//! asked for addresses a second time is not known, so both are tested: the same upload, and another one.

use super::case::{ALWAYS, EVERYWHERE, File, Outcome, Sending, Sent, Spot, http, judge_outcome, send};
use super::fault::{Fault, Reply};
use super::store::{Life, Place};
use super::wire::Server;
use ftreview::session::{Code, Error};
use std::collections::HashMap;
use std::time::Duration;

const IDLE: Duration = Duration::from_secs(60);

/// Whether a second request for addresses opens another upload.
const BOTH: [bool; 2] = [false, true];

fn denied() -> Fault {
    Fault::Refuse(Reply::s3(403, "AccessDenied", "Access Denied"))
}

/// A storage whose addresses have these lives, and which hands out others for the same upload or another one.
async fn server(renews_upload: bool, lives: impl IntoIterator<Item = Life>) -> Server {
    let server = Server::with(|store| store.renews_upload = renews_upload).await;
    server.store.set_lives(lives);
    server
}

/// Uploads the small file and judges what came of it.
async fn check(server: &Server, spot: Spot, outcome: Outcome) -> Sent {
    let file = File::small();
    let sent = send(&http(server).await, server, file, file.plan(spot), IDLE).await;
    let case = (spot, server.store.renews_upload);
    judge_outcome(&case, &outcome, file, server, &sent);
    sent
}

/// How often each place was answered with success.
fn successes(server: &Server) -> HashMap<Place, usize> {
    let mut successes = HashMap::new();
    for seen in server.store.seen().iter().filter(|seen| seen.status == Some(200)) {
        *successes.entry(seen.place).or_default() += 1;
    }
    successes
}

#[tokio::test]
async fn addresses_that_had_run_out_before_their_first_use_are_asked_for_again() {
    for (renews, spot) in BOTH.into_iter().flat_map(|renews| [(renews, Spot::Whole), (renews, Spot::First)]) {
        let server = server(renews, [Life::Over]).await;
        check(&server, spot, Outcome::Arrives).await;
        assert_eq!(server.store.hand_outs(), 2);
        assert!(successes(&server).values().all(|count| *count == 1));
    }
}

/// What S3 does with an expired address: the connection is reset under the body that is being sent, and the answer with it.
#[tokio::test]
async fn a_refusal_before_the_body_is_read_is_not_taken_for_a_broken_connection_for_long() {
    for (life, spot) in
        [Life::Over, Life::Denied].into_iter().flat_map(|life| [(life, Spot::Whole), (life, Spot::First)])
    {
        let server = Server::with(|store| store.refuses_early = true).await;
        server.store.set_lives([life]);
        let file = File::large();
        let http = http(&server).await;
        let mut sending = Sending::new(&http, &server, file, file.plan(spot));
        // Time for an answer to arrive, also on a busy machine.
        sending.limits.retry_base = Duration::from_millis(250);
        let sent = sending.run().await;
        judge_outcome(&(life, spot), &Outcome::Arrives, file, &server, &sent);
        assert_eq!(server.store.hand_outs(), 2);
        let refused: Vec<Place> =
            server.store.seen().iter().filter(|seen| seen.generation == 1).map(|seen| seen.place).collect();
        for place in &refused {
            let tries = refused.iter().filter(|other| *other == place).count();
            assert!(tries <= 2, "{place:?} was tried {tries} times\n{}", sent.log);
        }
    }
}

#[tokio::test]
async fn addresses_that_are_refused_all_together_are_asked_for_again_once() {
    for (renews, spot) in BOTH.into_iter().flat_map(|renews| [(renews, Spot::Whole), (renews, Spot::First)]) {
        let server = server(renews, [Life::Denied]).await;
        check(&server, spot, Outcome::Arrives).await;
        assert_eq!(server.store.hand_outs(), 2);
    }
}

#[tokio::test]
async fn addresses_that_run_out_in_the_middle_cost_no_part_that_has_arrived_where_the_upload_stays() {
    for arrived in [1, 4, 8] {
        let server = server(false, [Life::Requests(arrived)]).await;
        check(&server, Spot::First, Outcome::Arrives).await;
        assert_eq!(server.store.hand_outs(), 2);
        assert!(successes(&server).values().all(|count| *count == 1), "{:?}", successes(&server));
    }
}

#[tokio::test]
async fn addresses_that_run_out_in_the_middle_are_no_failure_where_the_upload_begins_anew() {
    for arrived in [1, 4, 8] {
        let server = server(true, [Life::Requests(arrived)]).await;
        let sent = check(&server, Spot::First, Outcome::Arrives).await;
        assert!(sent.log.contains("another upload"), "{}", sent.log);
        assert_eq!(server.store.hand_outs(), 2);
    }
}

#[tokio::test]
async fn a_link_so_slow_that_addresses_run_out_again_and_again_is_served_while_parts_arrive() {
    let server = server(false, [1, 3, 4, 6, 8].map(Life::Requests)).await;
    check(&server, Spot::First, Outcome::Arrives).await;
    assert!(successes(&server).values().all(|count| *count == 1), "{:?}", successes(&server));
}

#[tokio::test]
async fn addresses_that_never_hold_are_not_asked_for_for_ever() {
    for (renews, spot) in BOTH.into_iter().flat_map(|renews| [(renews, Spot::Whole), (renews, Spot::First)]) {
        let server = server(renews, [Life::Over; 1000]).await;
        check(&server, spot, Outcome::Fails(Code::StorageExpired, &["expired", "publish"])).await;
        assert!(server.store.hand_outs() < 10, "{}", server.store.hand_outs());
    }
}

#[tokio::test]
async fn a_refusal_of_an_address_is_answered_once_with_another_address() {
    for (renews, spot) in BOTH.into_iter().flat_map(|renews| EVERYWHERE.map(|spot| (renews, spot))) {
        let server = server(renews, []).await;
        server.store.spoil(File::small().place(spot), denied(), 1);
        check(&server, spot, Outcome::Arrives).await;
        assert_eq!(server.store.hand_outs(), 2);
        if !renews {
            assert!(successes(&server).values().all(|count| *count == 1), "{:?}", successes(&server));
        }
    }
}

#[tokio::test]
async fn a_refusal_that_stays_is_told_after_one_other_address() {
    for (renews, spot) in BOTH.into_iter().flat_map(|renews| EVERYWHERE.map(|spot| (renews, spot))) {
        let server = server(renews, []).await;
        server.store.spoil(File::small().place(spot), denied(), ALWAYS);
        let words = &["403", "AccessDenied", "ask the storage's administrator"];
        check(&server, spot, Outcome::Fails(Code::StorageRefused, words)).await;
        assert_eq!(server.store.hand_outs(), 2);
    }
}

#[tokio::test]
async fn an_upload_that_the_storage_forgot_begins_anew() {
    for spot in [Spot::First, Spot::Middle, Spot::Last] {
        let server = server(true, []).await;
        server.store.spoil(File::small().place(spot), Fault::ForgetUpload, 1);
        check(&server, spot, Outcome::Arrives).await;
        assert_eq!(server.store.hand_outs(), 2);
    }
}

#[tokio::test]
async fn a_renewal_that_fails_is_told_as_what_it_is() {
    for spot in [Spot::Whole, Spot::First] {
        let server = server(false, [Life::Over]).await;
        let (file, http) = (File::small(), http(&server).await);
        let mut sending = Sending::new(&http, &server, file, file.plan(spot));
        let away =
            Error::new(Code::Unreachable, "studio.example cannot be reached: its name is unknown; check the network");
        sending.renewal_fails = Some(away);
        let sent = sending.run().await;
        judge_outcome(
            &spot,
            &Outcome::Fails(Code::Unreachable, &["studio.example", "check the network"]),
            file,
            &server,
            &sent,
        );
    }
}
