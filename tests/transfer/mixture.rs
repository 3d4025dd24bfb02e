//! Many faults in one upload, drawn by a generator whose seed the failure names.

use super::case::{File, Outcome, Spot, http, judge_outcome, send};
use super::fault::{Fault, Moment, Reply};
use super::store::{Life, Place};
use super::wire::Server;
use ftreview::ftrack::Http;
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
            11 => Fault::OpaqueEtag,
            _ => Fault::AnswerInChunks,
        }
    }
}

/// A fault for every other part, some parts twice, and addresses that run out in the middle.
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
    let sent = send(&http, &server, file, file.plan(Spot::First), IDLE).await;
    judge_outcome(&(seed, faults), &Outcome::Arrives, file, &server, &sent);
}

#[tokio::test]
async fn any_mixture_of_faults_that_pass_ends_with_the_whole_file() {
    let http = http(&Server::start().await).await;
    let mut storms = tokio::task::JoinSet::new();
    for seed in 1..=48 {
        storms.spawn(storm(http.clone(), seed));
    }
    while let Some(ended) = storms.join_next().await {
        ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
}
