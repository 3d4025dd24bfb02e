//! One point: what goes wrong is made to, and what must hold afterwards is looked at.

use super::film::film;
use super::host::{End, Host, Said, Shim};
use super::point::{At, Point, SHIM_WORDS, TIMES, Times, WHENS};
use super::fault::Fault;
use super::proxy::{Plan, Proxy};
use super::stage::{Left, Stage, files};
use std::time::Duration;

/// How a point ended well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What was to happen did: requests and file operations are not always the same.
    pub struck: bool,
    pub left: Left,
}

/// How a sweep is run.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// How long the storage stalls; nothing: until the client gives up, which takes a minute.
    pub stall: Option<Duration>,
}

/// The server, the proxy before it and the host of one point.
struct Bench {
    stage: Stage,
    proxy: Proxy,
    host: Host,
}

/// Long enough for a server on a busy machine, and short enough to wait for.
const API_TIMEOUT_MS: u32 = 4000;

impl Bench {
    fn new(plan: Plan, manner: Manner, timeout_ms: u32) -> Bench {
        let stage = Stage::start();
        let proxy = Proxy::before(stage.address(), plan, manner.stall);
        stage.storage().set_public_url(proxy.url());
        let host = Host {
            url: proxy.url().to_owned(),
            key: "sweep".to_owned(),
            journal: stage.folder("journal"),
            timeout_ms,
        };
        Bench { stage, proxy, host }
    }

    fn shim(&self, point: Option<String>) -> Shim {
        Shim { folder: self.host.journal.clone(), log: self.stage.folder("operations"), point }
    }

    /// What must hold when the publish is done.
    fn check(&self) -> Result<Left, String> {
        let left = self.stage.check(1)?;
        let kept = files(&self.host.journal);
        match kept.is_empty() {
            true => Ok(left),
            false => Err(format!("kept on disk: {kept:?}")),
        }
    }

    /// Published by a fresh process, to which nothing happens.
    fn publish_again(&self) -> Result<Left, String> {
        self.proxy.set_plan(Plan::Pass);
        let said = self.host.publish(None, |_| ());
        done(&said).map_err(|wrong| format!("in the second process: {wrong}"))?;
        self.check().map_err(|wrong| format!("after the second process: {wrong}; {}", said.account()))
    }
}

fn done(said: &Said) -> Result<(), String> {
    match said.end()? {
        End::Done => Ok(()),
        other => Err(format!("the job is not done: {other:?}; {}", said.account())),
    }
}

/// What a publish does when nothing goes wrong: its requests, and its operations on files.
pub fn clean_run() -> (Vec<At>, Vec<String>) {
    let bench = Bench::new(Plan::Pass, Manner { stall: None }, 0);
    let shim = bench.shim(None);
    let said = bench.host.publish(Some(&shim), |_| ());
    done(&said).unwrap();
    assert_eq!(bench.check().unwrap(), Left::default(), "{}", said.account());
    let requests = bench.proxy.seen().iter().map(|seen| At::parse(seen).unwrap()).collect();
    (requests, shim.operations())
}

/// Every point of the fault sweep.
pub fn fault_points(requests: &[At]) -> Vec<Point> {
    let mut points = Vec::new();
    for at in requests {
        for fault in Fault::ALL.into_iter().filter(|fault| fault.fits(&at.label)) {
            let times = TIMES.into_iter().filter(|(_, times)| fault.may_repeat() || *times == Times::Once);
            points.extend(times.map(|(_, times)| Point::Fault(at.clone(), fault, times)));
        }
    }
    points
}

/// Every point of the crash sweep.
pub fn crash_points(requests: &[At], operations: &[String]) -> Vec<Point> {
    let mut points: Vec<Point> =
        requests.iter().flat_map(|at| WHENS.map(|(_, when)| Point::Request(at.clone(), when))).collect();
    for (number, operation) in (1..).zip(operations) {
        let is_write = operation.starts_with("write ");
        let words = SHIM_WORDS.into_iter().filter(|word| *word != "torn" || is_write);
        points.extend(words.map(|word| Point::File(number, word)));
    }
    points
}

/// Makes one thing go wrong.
pub fn run(point: &Point, manner: Manner) -> Result<Outcome, String> {
    assert!(!film().bytes.is_empty());
    match point {
        Point::Fault(at, fault, times) => {
            let timeout = if fault.is_stall() { API_TIMEOUT_MS } else { 0 };
            let bench = Bench::new(Plan::Spoil(at.clone(), *fault, *times), manner, timeout);
            faulty(&bench)
        }
        Point::Request(at, when) => {
            let bench = Bench::new(Plan::Kill(at.clone(), *when), manner, 0);
            let said = bench.host.publish(None, |process| bench.proxy.set_process(process));
            let struck = bench.proxy.has_struck();
            if struck && !said.was_killed() {
                return Err(format!("the process was not killed; {}", said.account()));
            }
            killed(&bench, &said, struck)
        }
        Point::File(number, word) => {
            let bench = Bench::new(Plan::Pass, manner, 0);
            let said = bench.host.publish(Some(&bench.shim(Some(format!("{number}/{word}")))), |_| ());
            killed(&bench, &said, said.was_killed())
        }
    }
}

fn faulty(bench: &Bench) -> Result<Outcome, String> {
    let said = bench.host.publish(None, |_| ());
    match said.end()? {
        End::Done => {}
        other => {
            let left = bench.stage.check_all_or_nothing();
            let again = bench.publish_again();
            return Err(format!(
                "the job is not done: {other:?}; afterwards {left:?}, and once more {again:?}; {}\n{:#?}",
                said.account(),
                bench.proxy.seen()
            ));
        }
    }
    let left = bench.check().map_err(|wrong| format!("{wrong}; {}", said.account()))?;
    Ok(Outcome { struck: bench.proxy.has_struck(), left })
}

fn killed(bench: &Bench, said: &Said, struck: bool) -> Result<Outcome, String> {
    if !struck {
        done(said)?;
    }
    bench.proxy.settle();
    let left = bench.publish_again().map_err(|wrong| format!("{wrong}\n--- the first had said:\n{}", said.account()))?;
    Ok(Outcome { struck, left })
}
