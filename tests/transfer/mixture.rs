//! Many faults in one upload, drawn by a generator whose seed the failure names.

use super::case::{File, Outcome, Sending, Spot, http, judge_outcome, send};
use super::fault::{Fault, Moment, Reply};
use super::store::{Life, Place};
use super::wire::Server;
use ftreview::ftrack::Http;
use ftreview::session::policy;
use ftreview::transfer::Limits;
use futures_util::future::join_all;
use std::time::Duration;

const IDLE: Duration = Duration::from_secs(3);

/// SplitMix64.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// A fault that passes.
    fn fault(&mut self) -> Fault {
        let moments = [Moment::Start, Moment::Quarters(1), Moment::Quarters(3), Moment::LastByte, Moment::Stored];
        let moment = moments[self.below(5) as usize];
        match self.below(13) {
            0..=2 => Fault::Reset(moment),
            3 => Fault::Stall(moment),
            4 => Fault::ResetInHead,
            5 => Fault::ResetInAnswer,
            6 => Fault::Refuse(Reply::s3(500, "InternalError", "We encountered an internal error.")),
            7 => Fault::Refuse(Reply::new(502, "<html>Bad Gateway</html>")),
            8 => Fault::Refuse(Reply::s3(503, "SlowDown", "Reduce your request rate.").with("Retry-After", "0")),
            9 => Fault::CloseWithoutAnswer,
            10 => Fault::CloseAfter,
            11 => Fault::AnswerOld,
            _ => Fault::AnswerInChunks,
        }
    }
}

/// Faults for some parts, twice for a few, addresses that run out in the middle, any limits, and a hand on the pause button.
async fn storm(http: Http, seed: u64) {
    let mut draw = Draw(seed);
    let server = Server::with(|store| store.renews_upload = seed.is_multiple_of(2)).await;
    let mut faults = Vec::new();
    for number in 1..=9 {
        for _ in 0..draw.below(3) {
            let fault = draw.fault();
            server.store.spoil(Place::Part(number), fault.clone(), 1);
            faults.push((number, fault));
        }
    }
    if draw.below(2) == 0 {
        server.store.set_lives([Life::Requests(draw.below(9))]);
    }
    let file = File::small();
    let mut sending = Sending::new(&http, &server, file, file.plan(Spot::First));
    sending.limits = Limits {
        idle_timeout: IDLE,
        memory_bytes: (1 + draw.below(4)) * policy::BLOCK_SIZE as u64,
        connections: [None, Some(1), Some(3), Some(16)][draw.below(4) as usize],
        bytes_per_second: [0, 0, 3_000_000][draw.below(3) as usize],
        ..sending.limits
    };
    let pauses = draw.below(4);
    let hand = async {
        for _ in 0..pauses {
            tokio::time::sleep(Duration::from_millis(draw.below(60))).await;
            sending.gate.set_closed(true);
            tokio::time::sleep(Duration::from_millis(draw.below(200))).await;
            sending.gate.set_closed(false);
        }
    };
    let what = (seed, &faults, &sending.limits, pauses);
    let both = async { tokio::join!(sending.run(), hand).0 };
    // Long beyond all waits together.
    let Ok(sent) = tokio::time::timeout(Duration::from_secs(90), both).await else {
        panic!("{what:?} goes on for ever: {:#?}", server.store.seen());
    };
    judge_outcome(&what, &Outcome::Arrives, file, &server, &sent);
}

#[tokio::test]
async fn any_mixture_of_faults_that_pass_ends_with_the_whole_file() {
    let http = http(&Server::start().await).await;
    let mut storms = tokio::task::JoinSet::new();
    for seed in 1..=64 {
        storms.spawn(storm(http.clone(), seed));
    }
    while let Some(ended) = storms.join_next().await {
        ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
}

#[tokio::test]
async fn a_fault_that_meets_all_parts_at_once_is_survived() {
    let slow_down = Reply::s3(503, "SlowDown", "Reduce your request rate.");
    let faults = [
        Fault::Refuse(slow_down.clone()),
        Fault::Refuse(Reply::new(500, "")),
        Fault::Reset(Moment::Start),
        Fault::Reset(Moment::Quarters(2)),
        Fault::Stall(Moment::Stored),
    ];
    let http = http(&Server::start().await).await;
    join_all(faults.into_iter().map(async |fault| {
        let (server, file) = (Server::start().await, File::small());
        for number in 1..=9 {
            server.store.spoil(Place::Part(number), fault.clone(), 1);
        }
        let sent = send(&http, &server, file, file.plan(Spot::First), IDLE / 2).await;
        judge_outcome(&fault, &Outcome::Arrives, file, &server, &sent);
    }))
    .await;
}
