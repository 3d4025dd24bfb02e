//! One point: what goes wrong is made to, and what must hold afterwards is looked at.

use super::fault::Fault;
use super::film::film;
use super::host::{End, Host, Said, Shim};
use super::point::{At, Point, SHIM_WORDS, TIMES, Times, WHENS, Way, What, When};
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
        if way == Way::Doomed {
            proxy.doom();
        }
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

    /// Whether something is in the outbox that goes on by itself.
    fn is_kept(&self) -> bool {
        let states = files(&self.folder()).into_iter().filter(|path| path.ends_with("state.json"));
        let texts = states.filter(|path| path.starts_with(self.folder().join("jobs"))).map(std::fs::read_to_string);
        texts.flatten().any(|text| !text.contains(r#""step":"failed""#))
    }

    /// Gone on with by a fresh process, to which nothing happens.
    pub fn recover(&self, first: &Said) -> Result<Left, String> {
        self.recover_under(Plan::Pass, first)
    }

    /// Gone on with by a fresh process, to which something happens that it survives.
    fn recover_under(&self, plan: Plan, first: &Said) -> Result<Left, String> {
        self.proxy.set_plan(plan);
        let (is_kept, is_there) = (self.is_kept(), self.stage.has_version());
        if self.way == Way::Outbox && first.said("kept") && !is_kept && !is_there {
            return Err("the host was told that its publish is kept, and it is neither kept nor done".into());
        }
        let second = match self.way {
            Way::Key => self.host.publish(None, |_| ()),
            Way::Outbox => self.host.drain(None, |_| ()),
            Way::Doomed if is_kept => self.host.resume(|_| ()),
            // It has come to its end, but for what is to be swept, which is not waited for where the item stays.
            Way::Doomed if self.items() == 0 => self.host.drain(None, |_| ()),
            Way::Doomed => return self.check_undone(),
        };
        self.proxy.release();
        let checked = match self.way {
            Way::Doomed if is_kept => second.failed().and_then(|()| self.check_undone()),
            Way::Doomed => self.check_undone(),
            Way::Outbox if !is_kept && !is_there => {
                // It was not accepted for keeping, so nobody goes on with it.
                self.stage.check_nothing().and_then(|()| self.check_folder()).map(|()| Left::default())
            }
            Way::Outbox | Way::Key => second.done_if_any().and_then(|()| self.check()),
        };
        checked.map_err(|wrong| {
            let (first, second) = (first.account(), second.account());
            format!("after the second process: {wrong}; \n--- the first process:\n{first}\n--- the second:\n{second}")
        })
    }

    /// What must hold when a publish has failed for good: nothing of it is on the server. It may stay in the outbox to be looked
    /// at, without anything that was noted for going on.
    fn check_undone(&self) -> Result<Left, String> {
        self.stage.check_nothing()?;
        let needed = ["job.json", "state.json", "lock"];
        let is_needed = |path: &PathBuf| needed.iter().any(|name| path.ends_with(name));
        let kept: Vec<PathBuf> = files(&self.folder()).into_iter().filter(|path| !is_needed(path)).collect();
        let left_over = |place: &str| std::fs::read_dir(self.folder().join(place)).map_or(0, Iterator::count);
        match kept.is_empty() && self.items() < 2 && left_over("new") + left_over("gone") == 0 {
            true => Ok(Left::default()),
            false => Err(format!("kept on disk: {:?}", files(&self.folder()))),
        }
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

    /// The job has failed for good.
    fn failed(&self) -> Result<(), String> {
        match self.end()? {
            End::Failed(why) if why.contains("retryable=0") => Ok(()),
            other => Err(format!("the job has not failed for good: {other:?}")),
        }
    }
}

/// What a publish does when nothing goes wrong: its requests, and its operations on files.
pub fn clean_run(way: Way) -> (Vec<At>, Vec<String>) {
    let bench = Bench::new(way, Plan::Pass, Manner { stall: None }, 0);
    let shim = bench.shim(None);
    let said = bench.host.publish(Some(&shim), |_| ());
    if way == Way::Doomed {
        assert_eq!(said.failed(), Ok(()), "{}", said.account());
        assert_eq!(bench.check_undone(), Ok(Left::default()), "{}", said.account());
    } else {
        assert_eq!(said.end(), Ok(End::Done), "{}", said.account());
        assert_eq!(bench.check(), Ok(Left::default()), "{}", said.account());
    }
    let requests = bench.proxy.seen().iter().map(|seen| At::parse(seen).unwrap()).collect();
    (requests, shim.operations())
}

/// Every point of the fault sweep.
pub fn fault_points(way: Way, requests: &[At]) -> Vec<Point> {
    let mut points = Vec::new();
    for at in of_interest(way, requests) {
        for fault in Fault::ALL.into_iter().filter(|fault| fault.fits(&at.label)) {
            let times = TIMES.into_iter().filter(|(_, times)| fault.may_repeat() || *times == Times::Once);
            points.extend(times.map(|(_, times)| Point { way, what: What::Fault(at.clone(), fault, times) }));
        }
    }
    points
}

/// Every point of the crash sweep.
pub fn crash_points(way: Way, requests: &[At], operations: &[String]) -> Vec<Point> {
    let at_requests = of_interest(way, requests).iter().flat_map(|at| {
        let whens = WHENS.into_iter().map(|(_, when)| when);
        whens.filter(move |when| may_be(way, at, *when)).map(|when| What::Request(at.clone(), when))
    });
    // To be put into the outbox is the same for all.
    let kept = operations.iter().position(|operation| operation.contains("/outbox/jobs/")).unwrap_or_default();
    let first = if way == Way::Doomed { kept } else { 0 };
    let at_files = (1..).zip(operations).skip(first).flat_map(|(number, operation)| {
        let is_write = operation.starts_with("write ");
        let words = SHIM_WORDS.into_iter().filter(move |word| *word != "torn" || is_write);
        words.map(move |word| What::File(number, word))
    });
    at_requests.chain(at_files).map(|what| Point { way, what }).collect()
}

/// Every request at which a process is killed, with every one at which the next is.
pub fn double_crash_points(way: Way, requests: &[At]) -> Vec<Point> {
    let firsts = of_interest(way, requests).iter().flat_map(|at| [When::Before, When::Done].map(|when| (at, when)));
    let numbered = firsts
        .flat_map(|(at, when)| (1..=requests.len() as u32).map(move |number| What::Again(at.clone(), when, number)));
    numbered.map(|what| Point { way, what }).collect()
}

/// Every request at which a process is killed, with every one of the next that fails, each time in another way.
pub fn mixed_points(way: Way, requests: &[At]) -> Vec<Point> {
    let faults = Fault::ALL.into_iter().filter(|fault| !fault.is_stall()).cycle();
    let firsts = of_interest(way, requests).iter().flat_map(|at| [When::Before, When::Done].map(|when| (at, when)));
    let numbered = firsts.flat_map(|(at, when)| (1..=requests.len() as u32).map(move |number| (at, when, number)));
    let points = numbered.zip(faults).map(|((at, when, number), fault)| What::Mixed(at.clone(), when, number, fault));
    points.map(|what| Point { way, what }).collect()
}

/// Up to the version, a publish that is doomed is like any other.
fn of_interest(way: Way, requests: &[At]) -> &[At] {
    let refused = requests.iter().position(|at| at.label.contains("create AssetVersion"));
    match way {
        Way::Doomed => &requests[refused.unwrap_or_default()..],
        Way::Outbox | Way::Key => requests,
    }
}

/// What only asks does no harm when it comes late. What makes something does, when it comes after that was taken back: nobody
/// can help it.
fn may_be(way: Way, at: &At, when: When) -> bool {
    let writes = ["create ", "update ", "delete ", "complete_", "PUT "].iter().any(|word| at.label.contains(word));
    match when {
        When::Before | When::Done | When::After => true,
        When::Meanwhile => writes,
        When::Late => writes && way != Way::Doomed,
    }
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
        What::Again(at, when, number) => {
            let bench = Bench::new(*way, Plan::Kill(at.clone(), *when), manner, 0);
            let first = bench.host.publish(None, |process| bench.proxy.set_process(process));
            bench.proxy.settle();
            bench.proxy.set_plan(Plan::KillNumber(*number));
            let started = |process| bench.proxy.set_process(process);
            let fails = *way == Way::Doomed && bench.is_kept();
            let second = if fails { bench.host.resume(started) } else { bench.host.drain(None, started) };
            let struck = second.was_killed();
            bench.proxy.settle();
            let left = bench.recover(&second).map_err(|wrong| format!("{wrong}\n--- before:\n{}", first.account()))?;
            Ok(Outcome { struck, put_off: false, left })
        }
        What::Mixed(at, when, number, fault) => {
            let timeout = if fault.is_stall() { API_TIMEOUT_MS } else { 0 };
            let bench = Bench::new(*way, Plan::Kill(at.clone(), *when), manner, timeout);
            let said = bench.host.publish(None, |process| bench.proxy.set_process(process));
            bench.proxy.settle();
            let left = bench.recover_under(Plan::SpoilNumber(*number, *fault), &said)?;
            Ok(Outcome { struck: bench.proxy.has_struck(), put_off: false, left })
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
        End::Failed(why) if bench.way == Way::Doomed && why.contains("retryable=0") => {
            let put_off = bench.items() > 0;
            let left = bench.recover(&said)?;
            Ok(Outcome { struck, put_off, left })
        }
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
    if !struck && bench.way != Way::Doomed && said.end()? != End::Done {
        return Err(format!("nothing happened, and the job is not done; {}", said.account()));
    }
    bench.proxy.settle();
    let left = bench.recover(said)?;
    Ok(Outcome { struck, put_off: false, left })
}
