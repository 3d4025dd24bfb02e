//! One point: what goes wrong is made to, and what must hold afterwards is looked at.

use super::fault::Fault;
use super::film::film;
use super::host::{End, Host, Said, Shim};
use super::point::{At, Point, SHIM_WORDS, TIMES, Times, WHENS, Way, What};
use super::proxy::{Plan, Proxy};
use super::stage::{Left, Stage, files};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a point ended well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What was to happen did: requests and file operations are not always the same.
    pub struck: bool,
    /// The job was not done in the first process, which is right where the server was away for longer than it is tried.
    pub put_off: bool,
    pub left: Left,
}

/// How a sweep is run.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// How long the storage stalls; nothing: until the client gives up, which takes a minute.
    pub stall: Option<Duration>,
}

/// The server, the proxy before it and the host of one point.
pub struct Bench {
    pub stage: Stage,
    pub proxy: Arc<Proxy>,
    pub host: Host,
    way: Way,
}

/// Long enough for a server on a busy machine, and short enough to wait for.
const API_TIMEOUT_MS: u32 = 4000;

impl Bench {
    pub fn new(way: Way, plan: Plan, manner: Manner, timeout_ms: u32) -> Bench {
        let stage = Stage::start();
        let proxy = Arc::new(Proxy::before(stage.address(), plan, manner.stall));
        stage.storage().set_public_url(proxy.url());
        let is_key = way == Way::Key;
        let host = Host {
            url: proxy.url().to_owned(),
            film: film(),
            key: is_key.then(|| "sweep".to_owned()),
            journal: is_key.then(|| stage.folder("journal")),
            outbox: (!is_key).then(|| stage.folder("outbox")),
            timeout_ms,
        };
        Bench { stage, proxy, host, way }
    }

    /// Where the host keeps what it has to find again.
    pub fn folder(&self) -> PathBuf {
        self.stage.folder(if self.way == Way::Key { "journal" } else { "outbox" })
    }

    fn shim(&self, point: Option<String>) -> Shim {
        Shim { folder: self.folder(), log: self.stage.folder("operations"), point }
    }

    /// What must hold when the publish is done.
    pub fn check(&self) -> Result<Left, String> {
        let left = self.stage.check(1)?;
        self.check_folder().map(|()| left)
    }

    /// Nothing is kept that nobody needs any more.
    pub fn check_folder(&self) -> Result<(), String> {
        let mut kept = files(&self.folder());
        // Also folders with nothing in them.
        let places = ["jobs", "new", "gone"].map(|place| std::fs::read_dir(self.folder().join(place)));
        kept.extend(places.into_iter().flatten().flatten().flatten().map(|entry| entry.path()));
        if kept.is_empty() { Ok(()) } else { Err(format!("kept on disk: {kept:?}")) }
    }

    /// Items in the outbox.
    pub fn items(&self) -> usize {
        std::fs::read_dir(self.folder().join("jobs")).map_or(0, Iterator::count)
    }

    /// Gone on with by a fresh process, to which nothing happens.
    pub fn recover(&self, first: &Said) -> Result<Left, String> {
        self.proxy.set_plan(Plan::Pass);
        let (second, is_expected) = match self.way {
            Way::Key => (self.host.publish(None, |_| ()), true),
            Way::Outbox => {
                let is_kept = self.items() > 0;
                let is_there = self.stage.has_version();
                if first.said("kept") && !is_kept && !is_there {
                    return Err("the host was told that its publish is kept, and it is neither kept nor done".into());
                }
                (self.host.drain(None, |_| ()), is_kept || is_there)
            }
        };
        let account =
            || format!("\n--- the first process:\n{}\n--- the second:\n{}", first.account(), second.account());
        let checked = if is_expected {
            second.done_if_any().and_then(|()| self.check())
        } else {
            // It was not accepted for keeping, so nobody goes on with it.
            self.stage.check_nothing().and_then(|()| self.check_folder()).map(|()| Left::default())
        };
        checked.map_err(|wrong| format!("after the second process: {wrong}; {}", account()))
    }
}

impl Said {
    /// The job is done, or there was none to do.
    fn done_if_any(&self) -> Result<(), String> {
        if self.ends() == 0 && self.said("freed") && !self.said("error") {
            return Ok(());
        }
        match self.end()? {
            End::Done => Ok(()),
            other => Err(format!("the job is not done: {other:?}")),
        }
    }
}

/// What a publish does when nothing goes wrong: its requests, and its operations on files.
pub fn clean_run(way: Way) -> (Vec<At>, Vec<String>) {
    let bench = Bench::new(way, Plan::Pass, Manner { stall: None }, 0);
    let shim = bench.shim(None);
    let said = bench.host.publish(Some(&shim), |_| ());
    assert_eq!(said.end(), Ok(End::Done), "{}", said.account());
    assert_eq!(bench.check(), Ok(Left::default()), "{}", said.account());
    let requests = bench.proxy.seen().iter().map(|seen| At::parse(seen).unwrap()).collect();
    (requests, shim.operations())
}

/// Every point of the fault sweep.
pub fn fault_points(way: Way, requests: &[At]) -> Vec<Point> {
    let mut points = Vec::new();
    for at in requests {
        for fault in Fault::ALL.into_iter().filter(|fault| fault.fits(&at.label)) {
            let times = TIMES.into_iter().filter(|(_, times)| fault.may_repeat() || *times == Times::Once);
            points.extend(times.map(|(_, times)| Point { way, what: What::Fault(at.clone(), fault, times) }));
        }
    }
    points
}

/// Every point of the crash sweep.
pub fn crash_points(way: Way, requests: &[At], operations: &[String]) -> Vec<Point> {
    let at_requests = requests.iter().flat_map(|at| WHENS.map(|(_, when)| What::Request(at.clone(), when)));
    let at_files = (1..).zip(operations).flat_map(|(number, operation)| {
        let is_write = operation.starts_with("write ");
        let words = SHIM_WORDS.into_iter().filter(move |word| *word != "torn" || is_write);
        words.map(move |word| What::File(number, word))
    });
    at_requests.chain(at_files).map(|what| Point { way, what }).collect()
}

/// Makes one thing go wrong.
pub fn run(Point { way, what }: &Point, manner: Manner) -> Result<Outcome, String> {
    match what {
        What::Fault(at, fault, times) => {
            let timeout = if fault.is_stall() { API_TIMEOUT_MS } else { 0 };
            let bench = Bench::new(*way, Plan::Spoil(at.clone(), *fault, *times), manner, timeout);
            let may_outlast = *fault == Fault::Refused && *times != Times::Once;
            spoilt(&bench, may_outlast)
        }
        What::Request(at, when) => {
            let bench = Bench::new(*way, Plan::Kill(at.clone(), *when), manner, 0);
            let said = bench.host.publish(None, |process| bench.proxy.set_process(process));
            killed(&bench, &said, bench.proxy.has_struck())
        }
        What::File(number, word) => {
            let bench = Bench::new(*way, Plan::Pass, manner, 0);
            let said = bench.host.publish(Some(&bench.shim(Some(format!("{number}/{word}")))), |_| ());
            killed(&bench, &said, said.was_killed())
        }
    }
}

/// `may_outlast`: what happens may last for longer than a request is tried.
fn spoilt(bench: &Bench, may_outlast: bool) -> Result<Outcome, String> {
    let said = bench.host.publish(None, |_| ());
    let struck = bench.proxy.has_struck();
    let account = || format!("{}\n{:#?}", said.account(), bench.proxy.seen());
    match said.end()? {
        End::Done => {
            let left = bench.check().map_err(|wrong| format!("{wrong}; {}", account()))?;
            Ok(Outcome { struck, put_off: false, left })
        }
        // In which nobody is shown a half, and the same may be tried again.
        End::Parked(why) | End::Failed(why) if may_outlast && why.contains("retryable=1") => {
            bench.stage.check_all_or_nothing()?;
            let left = bench.recover(&said)?;
            Ok(Outcome { struck, put_off: true, left })
        }
        other => {
            let (seen, now) = (account(), bench.stage.check_all_or_nothing());
            let again = bench.recover(&said);
            Err(format!("the job is not done: {other:?}; then {now:?}, and once more {again:?}; {seen}"))
        }
    }
}

fn killed(bench: &Bench, said: &Said, struck: bool) -> Result<Outcome, String> {
    if struck != said.was_killed() {
        return Err(format!("the process was not killed; {}", said.account()));
    }
    if !struck && said.end()? != End::Done {
        return Err(format!("nothing happened, and the job is not done; {}", said.account()));
    }
    bench.proxy.settle();
    let left = bench.recover(said)?;
    Ok(Outcome { struck, put_off: false, left })
}
