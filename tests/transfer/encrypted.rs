//! Faults that look otherwise to a client when the connection is encrypted, as real ones are.

use super::case::{ALWAYS, Case, Outcome, Spot, http_trusting};
use super::fault::{Fault, Moment, Reply};
use super::tls::Authority;
use super::wire::Server;
use ftreview::session::Code;
use futures_util::future::join_all;
use std::time::Duration;

/// Ends waits in tests. Handshakes of many connections at once take their time.
const IDLE: Duration = Duration::from_secs(3);
/// Does not.
const PATIENT: Duration = Duration::from_secs(60);

async fn table(
    faults: impl IntoIterator<Item = Fault>,
    for_good: Option<Outcome>,
    spreads: bool,
    idle_timeout: Duration,
) {
    let authority = Authority::new();
    let tls = authority.server("127.0.0.1", (2020, 2100));
    let http = http_trusting(&authority.ca_file()).await;
    let cases = faults.into_iter().flat_map(|fault| {
        let once = Some((1, Outcome::Arrives));
        let outcomes = once.into_iter().chain(for_good.clone().map(|outcome| (ALWAYS, outcome)));
        outcomes.flat_map(move |(times, outcome)| {
            [Spot::Whole, Spot::Middle].map(|spot| Case::new(fault.clone(), spot, times, outcome.clone()))
        })
    });
    join_all(cases.map(|case| {
        let case = Case { idle_timeout, spreads, ..case };
        let (http, tls) = (http.clone(), tls.clone());
        async move { case.run(&http, Server::encrypted(tls).await).await }
    }))
    .await;
}

#[tokio::test]
async fn an_encrypted_connection_that_breaks_costs_its_own_part_once_more() {
    let faults = [
        Fault::Reset(Moment::Start),
        Fault::Reset(Moment::Quarters(2)),
        Fault::Reset(Moment::Stored),
        Fault::ResetInHead,
        Fault::ResetInAnswer,
        Fault::CloseWithoutAnswer,
        Fault::Garbage,
        Fault::Refuse(Reply::new(502, "<html><title>Bad Gateway</title></html>")),
        // A certificate that was good a moment ago: what comes now is a connection that broke.
        Fault::BreakEncryption,
    ];
    table(faults, Some(Outcome::Fails(Code::StorageUnavailable, &["again"])), false, PATIENT).await;
}

#[tokio::test]
async fn an_encrypted_connection_that_stalls_is_given_up() {
    let faults = [Fault::Stall(Moment::Quarters(2)), Fault::Stall(Moment::Stored)];
    table(faults, None, true, IDLE).await;
}

#[tokio::test]
async fn an_encrypted_connection_that_ends_without_a_word_after_an_answer_does_no_harm() {
    table([Fault::CloseAfter, Fault::DieAfter, Fault::AnswerInChunks], None, true, IDLE).await;
}
