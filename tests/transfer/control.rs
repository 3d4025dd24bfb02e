//! What a host decides: pause, caps, limits, and what is not compared; and uploads next to each other.

use super::case::{ALWAYS, File, Outcome, Sending, Spot, http, judge_outcome, limits};
use super::fault::{Fault, Moment};
use super::store::{Place, Seen};
use super::wire::Server;
use ftreview::session::policy;
use ftreview::transfer::{Limits, Traffic, Verify};
use std::time::{Duration, Instant};

/// The most requests that were under way at the same time.
fn most_at_once(seen: &[Seen]) -> usize {
    let under_way = |at: Instant| seen.iter().filter(|seen| seen.began <= at && seen.ended.unwrap() > at).count();
    seen.iter().map(|seen| under_way(seen.began)).max().unwrap_or(0)
}

fn received(server: &Server) -> u64 {
    server.store.seen().iter().map(|seen| seen.received).sum()
}

/// What was received when nothing has come for a while.
async fn settled(server: &Server) -> u64 {
    let mut before = received(server);
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = received(server);
        if now == before {
            return now;
        }
        before = now;
    }
}

#[tokio::test]
async fn a_paused_upload_does_not_begin_and_goes_on_when_it_is_resumed() {
    for spot in [Spot::Whole, Spot::First] {
        let (server, file) = (Server::start().await, File::small());
        let http = http(&server).await;
        let sending = Sending::new(&http, &server, file, file.plan(spot));
        sending.gate.set_closed(true);
        let (sent, ()) = tokio::join!(sending.run(), async {
            assert_eq!(settled(&server).await, 0);
            sending.gate.set_closed(false);
        });
        judge_outcome(&spot, &Outcome::Arrives, file, &server, &sent);
    }
}

#[tokio::test]
async fn no_byte_moves_while_an_upload_is_paused_and_none_is_lost_when_it_goes_on() {
    // Much more than the buffers on the way hold, read so slowly that the pause comes in the middle.
    let file = &File::new(24 << 20, 12 << 20);
    for spot in [Spot::Whole, Spot::First] {
        let server = Server::start().await;
        let slow = Fault::ReadSlowly { bytes: 256 << 10, pause: Duration::from_millis(20) };
        for place in [Place::Whole, Place::Part(1), Place::Part(2)] {
            server.store.spoil(place, slow.clone(), 1);
        }
        let http = http(&server).await;
        let sending = Sending::new(&http, &server, file, file.plan(spot));
        let (sent, ()) = tokio::join!(sending.run(), async {
            while received(&server) == 0 {
                tokio::task::yield_now().await;
            }
            sending.gate.set_closed(true);
            let paused_at = settled(&server).await;
            assert!(paused_at < file.size(), "the pause came too late");
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert_eq!(received(&server), paused_at);
            sending.gate.set_closed(false);
        });
        judge_outcome(&spot, &Outcome::Arrives, file, &server, &sent);
        assert_eq!(received(&server), file.size(), "nothing was sent twice");
    }
}

#[tokio::test]
async fn a_pause_longer_than_connections_are_held_sends_again_what_was_cut_off_and_nothing_else() {
    let (server, file) = (Server::start().await, File::small());
    let place = file.place(Spot::Middle);
    server.store.spoil(place, Fault::Stall(Moment::Quarters(2)), 1);
    let http = http(&server).await;
    let mut sending = Sending::new(&http, &server, file, file.plan(Spot::Middle));
    sending.limits.pause_hold = Duration::from_millis(200);
    let (sent, ()) = tokio::join!(sending.run(), async {
        while !server.store.seen().iter().any(|seen| seen.place == place) {
            tokio::task::yield_now().await;
        }
        sending.gate.set_closed(true);
        tokio::time::sleep(sending.limits.pause_hold * 3).await;
        sending.gate.set_closed(false);
    });
    judge_outcome(&place, &Outcome::Arrives, file, &server, &sent);
    let seen = server.store.seen();
    assert_eq!(seen.iter().filter(|seen| seen.place == place).count(), 2);
    // Others that waited to send their bytes may have been cut off, too; none that had arrived is sent again.
    assert_eq!(seen.iter().filter(|seen| seen.status == Some(200)).count(), 9, "{seen:#?}");
}

#[tokio::test]
async fn a_cap_holds_for_all_requests_together() {
    for spot in [Spot::Whole, Spot::First] {
        let (server, file) = (Server::start().await, File::small());
        let http = http(&server).await;
        let mut sending = Sending::new(&http, &server, file, file.plan(spot));
        sending.limits.bytes_per_second = 1_000_000;
        let began = Instant::now();
        let sent = sending.run().await;
        judge_outcome(&spot, &Outcome::Arrives, file, &server, &sent);
        // What goes out at once at the beginning is well below a fifth of a second's.
        let shortest = Duration::from_secs_f64(file.size() as f64 / 1e6 - 0.2);
        assert!(began.elapsed() >= shortest, "{:?} for {} bytes", began.elapsed(), file.size());
    }
}

#[tokio::test]
async fn a_cap_that_is_lifted_lets_an_upload_end_that_would_have_taken_hours() {
    let (server, file) = (Server::start().await, File::small());
    let http = http(&server).await;
    let mut sending = Sending::new(&http, &server, file, file.plan(Spot::First));
    let traffic = Traffic::new(Limits { bytes_per_second: 100, ..limits() });
    sending.traffic = Some(traffic.clone());
    let (sent, ()) = tokio::join!(sending.run(), async {
        while server.store.seen().is_empty() {
            tokio::task::yield_now().await;
        }
        traffic.set_rate(0);
    });
    judge_outcome(&"lifted", &Outcome::Arrives, file, &server, &sent);
    assert_eq!(received(&server), file.size(), "a slow request is no dead one");
}

#[tokio::test]
async fn no_more_requests_run_at_once_than_the_host_allows() {
    for connections in [1, 2, 4] {
        let (server, file) = (Server::start().await, File::small());
        let http = http(&server).await;
        let mut sending = Sending::new(&http, &server, file, file.plan(Spot::First));
        sending.limits.connections = Some(connections);
        let sent = sending.run().await;
        judge_outcome(&connections, &Outcome::Arrives, file, &server, &sent);
        let most = most_at_once(&server.store.seen());
        assert!(most <= connections, "{most} of {connections}");
    }
}

#[tokio::test]
async fn one_block_of_memory_is_enough_for_any_file() {
    for (file, spot) in [(File::small(), Spot::First), (File::large(), Spot::First), (File::large(), Spot::Whole)] {
        let server = Server::start().await;
        let http = http(&server).await;
        let mut sending = Sending::new(&http, &server, file, file.plan(spot));
        sending.limits.memory_bytes = policy::BLOCK_SIZE as u64;
        let sent = sending.run().await;
        judge_outcome(&spot, &Outcome::Arrives, file, &server, &sent);
    }
}

#[tokio::test]
async fn checksums_are_compared_unless_the_host_switches_that_off() {
    for spot in [Spot::Whole, Spot::Middle] {
        let (server, file) = (Server::start().await, File::small());
        server.store.spoil(file.place(spot), Fault::WrongEtag, ALWAYS);
        let http = http(&server).await;
        let mut sending = Sending::new(&http, &server, file, file.plan(spot));
        sending.limits.verify = Verify::Off;
        if spot == Spot::Whole {
            let sent = sending.run().await;
            judge_outcome(&spot, &Outcome::Arrives, file, &server, &sent);
        }
    }
}

#[tokio::test]
async fn what_the_storage_compares_itself_needs_no_etag() {
    for told in [true, false] {
        // This storage compares nothing; it is about what is made of its answer.
        let told_md5 = told.then(|| "AAAAAAAAAAAAAAAAAAAAAA==".to_owned());
        let server = Server::with(|store| store.content_md5 = told_md5).await;
        let file = File::small();
        server.store.spoil(Place::Whole, Fault::OpaqueEtag, ALWAYS);
        let http = http(&server).await;
        let mut sending = Sending::new(&http, &server, file, file.plan(Spot::Whole));
        sending.limits.verify = Verify::ContentMd5;
        let sent = sending.run().await;
        let outcome = if told { Outcome::Arrives } else { Outcome::Warns("is no MD5") };
        judge_outcome(&told, &outcome, file, &server, &sent);
    }
}

#[tokio::test]
async fn a_thumbnail_does_not_wait_for_a_film() {
    let (film, thumbnail) = (File::large(), File::new(20_000, 20_000));
    let (for_film, for_thumbnail) = (Server::start().await, Server::start().await);
    for number in 1..=3 {
        for_film.store.spoil(Place::Part(number), Fault::Stall(Moment::Quarters(1)), ALWAYS);
    }
    let http = http(&for_film).await;
    // Fewer connections, and no more memory, than the film would like to have.
    let limits = Limits { connections: Some(2), memory_bytes: 8 * policy::BLOCK_SIZE as u64, ..limits() };
    let traffic = Some(Traffic::new(limits));
    let long = Sending { traffic: traffic.clone(), ..Sending::new(&http, &for_film, film, film.plan(Spot::First)) };
    let short = Sending { traffic, ..Sending::new(&http, &for_thumbnail, &thumbnail, thumbnail.plan(Spot::Whole)) };
    let sent = tokio::select! {
        _ = long.run() => panic!("the film cannot end"),
        sent = async {
            while for_film.store.seen().len() < 2 {
                tokio::task::yield_now().await;
            }
            short.run().await
        } => sent,
    };
    judge_outcome(&"thumbnail", &Outcome::Arrives, &thumbnail, &for_thumbnail, &sent);
}
