//! Every fault, at every place, once, twice in a row and for good.

use super::case::{ALWAYS, Case, EVERYWHERE, File, Outcome, Spot, http, judge_outcome, run_all, send};
use super::fault::{Fault, Moment, Reply};
use super::store::Place;
use super::wire::Server;
use ftreview::session::Code;
use std::time::Duration;

/// Short for tests in which it ends the wait; long enough that a busy machine does not.
const IDLE: Duration = Duration::from_millis(1500);

const UNAVAILABLE: Outcome = Outcome::Fails(Code::StorageUnavailable, &["again"]);

/// A fault that passes: after once and after twice all is well, and what comes of it when it stays.
fn passing(fault: Fault, for_good: Outcome) -> Vec<Case> {
    let times = [(1, Outcome::Arrives), (2, Outcome::Arrives), (ALWAYS, for_good)];
    let at = |spot| times.clone().map(|(times, outcome)| Case::new(fault.clone(), spot, times, outcome));
    EVERYWHERE.into_iter().flat_map(at).collect()
}

/// A fault that is seen through, however often it comes.
fn harmless(fault: Fault) -> Vec<Case> {
    let at = |spot| [1, ALWAYS].map(|times| Case::new(fault.clone(), spot, times, Outcome::Arrives));
    EVERYWHERE.into_iter().flat_map(at).collect()
}

/// The same cases with a file that no buffer on the way holds: the sender still has bytes when the fault happens. Once
/// and for good, for the file that goes up whole and a part, are enough of those.
fn with_large_file(cases: Vec<Case>) -> impl Iterator<Item = Case> {
    let few = cases.into_iter().filter(|case| matches!(case.spot, Spot::Whole | Spot::Middle) && case.times != 2);
    few.map(|case| Case { large: true, ..case })
}

fn impatient(cases: Vec<Case>) -> Vec<Case> {
    cases.into_iter().map(|case| Case { idle_timeout: IDLE, ..case }).collect()
}

const QUARTERS: [Moment; 6] =
    [Moment::Start, Moment::Quarters(1), Moment::Quarters(2), Moment::Quarters(3), Moment::LastByte, Moment::Stored];

#[tokio::test]
async fn a_connection_that_is_reset_at_any_point_costs_its_own_part_once_more() {
    let rows = |moment| passing(Fault::Reset(moment), UNAVAILABLE);
    let large = [Moment::Start, Moment::Quarters(2), Moment::LastByte]
        .into_iter()
        .flat_map(|moment| with_large_file(rows(moment)));
    run_all(QUARTERS.into_iter().flat_map(rows).chain(large)).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_none_costs_its_own_part_once_more() {
    let faults = [Fault::ResetInHead, Fault::ResetInAnswer, Fault::Garbage, Fault::CloseWithoutAnswer];
    run_all(faults.into_iter().flat_map(|fault| passing(fault, UNAVAILABLE))).await;
}

#[tokio::test]
async fn a_storage_in_trouble_is_asked_again_and_named_when_it_stays() {
    let html = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
    let replies = [
        (Reply::s3(500, "InternalError", "We encountered an internal error."), &["500", "InternalError"][..]),
        (Reply::new(502, html).with("Content-Type", "text/html"), &["502", "Bad Gateway"]),
        (Reply::s3(503, "SlowDown", "Reduce your request rate."), &["503", "SlowDown", "ask"]),
        (Reply::new(504, ""), &["504"]),
        (Reply::new(429, "").with("Retry-After", "0"), &["429"]),
        (Reply::new(408, ""), &["408"]),
        (Reply::s3(400, "RequestTimeout", "Your socket connection was not read from."), &["400", "RequestTimeout"]),
    ];
    let rows = replies
        .into_iter()
        .flat_map(|(reply, words)| passing(Fault::Refuse(reply), Outcome::Fails(Code::StorageUnavailable, words)));
    run_all(rows).await;
}

#[tokio::test]
async fn an_answer_before_the_body_is_read_is_no_proof_of_anything() {
    let slow_down = Reply::s3(503, "SlowDown", "Reduce your request rate.");
    let rows = [
        passing(Fault::AcceptEarly, UNAVAILABLE),
        passing(Fault::RefuseEarly(slow_down.clone()), UNAVAILABLE),
        passing(Fault::RefuseAndLeave(slow_down), UNAVAILABLE),
    ];
    run_all(rows.into_iter().flat_map(with_large_file)).await;
}

#[tokio::test]
async fn a_stall_at_any_point_is_given_up_and_costs_its_own_part_once_more() {
    let timeout = Outcome::Fails(Code::NetworkTimeout, &["1.5 s", "check the network"]);
    let rows = |moment| impatient(passing(Fault::Stall(moment), timeout.clone()));
    let large = [Moment::Start, Moment::Quarters(2)].into_iter().flat_map(|moment| with_large_file(rows(moment)));
    run_all([Moment::Start, Moment::Quarters(2), Moment::Stored].into_iter().flat_map(rows).chain(large)).await;
}

#[tokio::test]
async fn one_byte_a_second_is_a_stall_in_either_direction() {
    let second = Duration::from_secs(1);
    let timeout = Outcome::Fails(Code::NetworkTimeout, &["1.5 s"]);
    let faults = [Fault::ReadSlowly { bytes: 1, pause: second }, Fault::AnswerSlowly(second)];
    run_all(faults.into_iter().flat_map(|fault| impatient(passing(fault, timeout.clone())))).await;
}

#[tokio::test]
async fn a_slow_storage_that_goes_on_reading_is_no_stall() {
    // The whole takes longer than the idle time, and what is in buffers at the end much less.
    let (server, file) = (Server::start().await, File::new(12 << 20, 12 << 20));
    server.store.spoil(Place::Whole, Fault::ReadSlowly { bytes: 128 << 10, pause: Duration::from_millis(50) }, ALWAYS);
    let http = http(&server).await;
    let sent = send(&http, &server, &file, file.plan(Spot::Whole), Duration::from_secs(3)).await;
    judge_outcome(&"slow", &Outcome::Arrives, &file, &server, &sent);
    assert_eq!(server.store.seen().len(), 1);
}

#[tokio::test]
async fn bytes_that_were_stored_otherwise_than_sent_are_a_mismatch() {
    let mismatch = Outcome::Fails(Code::StorageMismatch, &["MD5", "publish again"]);
    for fault in [Fault::WrongEtag, Fault::Truncate] {
        run_all(EVERYWHERE.map(|spot| Case::new(fault.clone(), spot, ALWAYS, mismatch.clone()))).await;
    }
}

#[tokio::test]
async fn an_etag_that_is_no_checksum_is_a_warning_and_none_at_all_is_one_or_an_error() {
    run_all(EVERYWHERE.map(|spot| Case::new(Fault::OpaqueEtag, spot, ALWAYS, Outcome::Warns("is no MD5")))).await;
    run_all([Case::new(Fault::NoEtag, Spot::Whole, ALWAYS, Outcome::Warns("ETag"))]).await;
    let error = Outcome::Fails(Code::StorageMismatch, &["ETag", "ask the storage's administrator"]);
    run_all([Spot::First, Spot::Middle, Spot::Last].map(|spot| Case::new(Fault::NoEtag, spot, ALWAYS, error.clone())))
        .await;
}

#[tokio::test]
async fn a_refusal_that_will_not_pass_is_told_at_once() {
    let refused = |words| Outcome::Fails(Code::StorageRefused, words);
    let elsewhere = Reply::new(307, "").with("Location", "https://elsewhere.example/object?token=5ecre7cafe5ecre7cafe");
    let replies = [
        (Reply::new(413, "too large"), refused(&["413", "ask the storage's administrator"])),
        (Reply::s3(404, "NoSuchBucket", "The bucket is not there."), refused(&["NoSuchBucket", "ask"])),
        (Reply::s3(400, "EntityTooLarge", "Too large."), refused(&["EntityTooLarge", "ask"])),
        (elsewhere, refused(&["https://elsewhere.example", "ask"])),
        (Reply::s3(400, "BadDigest", "Not what was received."), Outcome::Fails(Code::StorageMismatch, &["BadDigest"])),
    ];
    let rows = replies.into_iter().flat_map(|(reply, outcome)| {
        EVERYWHERE.map(|spot| Case::new(Fault::Refuse(reply.clone()), spot, 1, outcome.clone()))
    });
    run_all(rows).await;
}

#[tokio::test]
async fn a_connection_that_ends_or_dies_between_parts_is_replaced() {
    let spreading = |fault| {
        let cases = harmless(fault).into_iter().filter(|case| case.spot != Spot::Whole);
        cases.map(|case| Case { spreads: true, idle_timeout: IDLE, ..case })
    };
    run_all([Fault::CloseAfter, Fault::DieAfter, Fault::Surplus].into_iter().flat_map(spreading)).await;
}

#[tokio::test]
async fn http_that_is_unusual_and_allowed_is_understood() {
    let faults = [Fault::ContinueFirst, Fault::AnswerInChunks, Fault::AnswerOld];
    run_all(faults.into_iter().flat_map(harmless)).await;
}
