//! One case: a file goes to a storage that commits a fault, and what it holds then is judged.

use super::fault::Fault;
use super::ftrack_support::{Lines, client, config};
use super::store::{Place, SECRET, Seen};
use super::wire::Server;
use ftreview::ftrack::retry::may_pass;
use ftreview::ftrack::{Client, Http};
use ftreview::session::gate::Gate;
use ftreview::session::log::Log;
use ftreview::session::{Code, Error, Source, policy};
use ftreview::transfer::{Journal, Limits, Plan, Progress, Renewal, Target, Traffic, Upload};
use futures_util::future::BoxFuture;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};
use url::Url;

/// For good.
pub const ALWAYS: u32 = u32::MAX;

/// A wait that no test comes to the end of.
const PATIENT: Duration = Duration::from_secs(60);

/// Where in an upload a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// The one request of a file that goes up whole.
    Whole,
    First,
    Middle,
    /// The part that has the rest.
    Last,
}

pub const EVERYWHERE: [Spot; 4] = [Spot::Whole, Spot::First, Spot::Middle, Spot::Last];

/// What is to come of a case.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The object is the file.
    Arrives,
    /// The object is the file, and this is in a warning.
    Warns(&'static str),
    /// There is no object that is not the whole file, and the error has this code and these words.
    Fails(Code, &'static [&'static str]),
}

/// A file of which no two blocks are alike, so that one in the wrong place is noticed.
pub struct File {
    _folder: tempfile::TempDir,
    pub path: PathBuf,
    pub bytes: Vec<u8>,
    pub part_size: u64,
}

impl File {
    pub fn new(size: usize, part_size: u64) -> File {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("comp_v003.mov");
        let bytes = pattern(size);
        std::fs::write(&path, &bytes).unwrap();
        // A new file would be watched for a while.
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(hour_ago).unwrap();
        File { _folder: folder, path, bytes, part_size }
    }

    /// Nine parts, the last of which is smaller, none a multiple of anything: more parts than connections.
    pub fn small() -> &'static File {
        static FILE: OnceLock<File> = OnceLock::new();
        FILE.get_or_init(|| File::new(8 * 100_003 + 33_333, 100_003))
    }

    /// Three parts of which each is more than the buffers between sender and receiver hold: 4 MiB here and 64 KiB there.
    pub fn large() -> &'static File {
        static FILE: OnceLock<File> = OnceLock::new();
        FILE.get_or_init(|| File::new(3 * (6 << 20) - 4_321, 6 << 20))
    }

    /// Is as large as one of those parts.
    pub fn large_whole() -> &'static File {
        static FILE: OnceLock<File> = OnceLock::new();
        FILE.get_or_init(|| File::new(6 << 20, 6 << 20))
    }

    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    pub fn plan(&self, spot: Spot) -> Plan {
        let count = u32::try_from(self.size().div_ceil(self.part_size)).unwrap();
        if spot == Spot::Whole { Plan::Single } else { Plan::Parts { part_size: self.part_size, count } }
    }

    pub fn place(&self, spot: Spot) -> Place {
        let count = u32::try_from(self.size().div_ceil(self.part_size)).unwrap();
        match spot {
            Spot::Whole => Place::Whole,
            Spot::First => Place::Part(1),
            Spot::Middle => Place::Part(count.div_ceil(2)),
            Spot::Last => Place::Part(count),
        }
    }

    /// How many bytes the request at this place carries.
    pub fn length(&self, place: Place) -> u64 {
        match place {
            Place::Whole => self.size(),
            Place::Part(number) => self.part_size.min(self.size() - u64::from(number - 1) * self.part_size),
        }
    }
}

fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|index| (index ^ (index >> 8) ^ (index >> 16).wrapping_mul(31)) as u8).collect()
}

/// What came of an upload, as the one who asked for it sees it.
pub struct Sent {
    pub result: Result<Vec<String>, Error>,
    pub progress: Arc<Progress>,
    /// What was observed of the progress: the first time that it went back, from and to.
    pub went_back: Option<(u64, u64)>,
    pub log: String,
}

/// One row of the table, at one place.
#[derive(Clone, Debug)]
pub struct Case {
    pub fault: Fault,
    pub spot: Spot,
    pub times: u32,
    pub outcome: Outcome,
    /// The file is larger than the buffers on the way.
    pub large: bool,
    pub idle_timeout: Duration,
    /// Whether requests for other places may suffer, too, because they used the same connection.
    pub spreads: bool,
}

/// A connection pool that storages of one test may share.
pub async fn http(server: &Server) -> Http {
    client(&server.store.url).http().await.unwrap()
}

/// A connection pool that trusts an authority of the test.
pub async fn http_trusting(ca_file: &Path) -> Http {
    let mut config = config(&Url::parse("https://127.0.0.1").unwrap());
    config.ca_file = Some(ca_file.to_owned());
    Client::new(config, Log::silent()).http().await.unwrap()
}

/// An upload as a publish asks for it: addresses from the storage's server, again where they are refused, and in the end
/// the parts put together.
pub struct Sending<'a> {
    pub http: &'a Http,
    pub server: &'a Server,
    pub file: &'a File,
    pub plan: Plan,
    pub limits: Limits,
    /// Of a session that has other uploads, too; else the limits make one.
    pub traffic: Option<Arc<Traffic>>,
    pub gate: Arc<Gate>,
    pub journal: Option<Arc<Journal>>,
    pub progress: Arc<Progress>,
    /// What a renewal of the addresses ends with instead.
    pub renewal_fails: Option<Error>,
}

impl<'a> Sending<'a> {
    pub fn new(http: &'a Http, server: &'a Server, file: &'a File, plan: Plan) -> Sending<'a> {
        let limits = limits();
        let (gate, progress) = (Arc::default(), Arc::default());
        Sending { http, server, file, plan, limits, traffic: None, gate, journal: None, progress, renewal_fails: None }
    }

    pub async fn run(&self) -> Sent {
        let lines = Lines::default();
        let watched = tokio::spawn(watch(self.progress.clone()));
        let upload = Upload {
            http: self.http.clone(),
            source: Arc::new(Source::open(&self.file.path).unwrap()),
            target: self.target(),
            renewal: self,
            traffic: self.traffic.clone().unwrap_or_else(|| Traffic::new(self.limits.clone())),
            gate: self.gate.clone(),
            progress: self.progress.clone(),
            journal: self.journal.clone(),
            log: lines.log(),
        };
        let result = upload.run().await.map(|uploaded| {
            if let Some(upload_id) = &uploaded.upload_id {
                self.server.store.complete(upload_id, &uploaded.parts).unwrap();
            }
            uploaded.warnings
        });
        watched.abort();
        let went_back = watched.await.ok();
        Sent { result, progress: self.progress.clone(), went_back, log: lines.text() }
    }

    fn target(&self) -> Target {
        let store = &self.server.store;
        let metadata = store.hand_out(self.plan, self.file.size());
        Target::from_metadata(&metadata, self.plan, &store.url).unwrap()
    }
}

impl Renewal for Sending<'_> {
    fn renew(&self) -> BoxFuture<'_, Result<Target, Error>> {
        Box::pin(async {
            match &self.renewal_fails {
                Some(error) => Err(error.clone()),
                None => Ok(self.target()),
            }
        })
    }
}

/// Tries follow each other soon, and are no more than policy says.
pub fn limits() -> Limits {
    Limits {
        idle_timeout: PATIENT,
        patience: Duration::ZERO,
        retry_base: Duration::from_millis(20),
        ..Limits::default()
    }
}

/// Uploads with nothing special.
pub async fn send(http: &Http, server: &Server, file: &File, plan: Plan, idle_timeout: Duration) -> Sent {
    let mut sending = Sending::new(http, server, file, plan);
    sending.limits.idle_timeout = idle_timeout;
    sending.run().await
}

/// Ends when bytes that the storage had were no longer counted.
async fn watch(progress: Arc<Progress>) -> (u64, u64) {
    let mut last = 0;
    loop {
        let stored = progress.stored();
        if stored < last {
            return (last, stored);
        }
        last = stored;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

impl Case {
    pub fn new(fault: Fault, spot: Spot, times: u32, outcome: Outcome) -> Case {
        Case { fault, spot, times, outcome, large: false, idle_timeout: PATIENT, spreads: false }
    }

    pub fn file(&self) -> &'static File {
        match (self.large, self.spot) {
            (false, _) => File::small(),
            (true, Spot::Whole) => File::large_whole(),
            (true, _) => File::large(),
        }
    }

    pub async fn run(&self, http: &Http, server: Server) {
        let file = self.file();
        server.store.spoil(file.place(self.spot), self.fault.clone(), self.times);
        let sent = send(http, &server, file, file.plan(self.spot), self.idle_timeout).await;
        self.judge(&server, &sent);
    }

    fn judge(&self, server: &Server, sent: &Sent) {
        judge_outcome(self, &self.outcome, self.file(), server, sent);
        let (file, place) = (self.file(), self.file().place(self.spot));
        let seen = server.store.seen();
        for other in seen.iter().map(|seen| seen.place).filter(|other| *other != place) {
            let requests = seen.iter().filter(|seen| seen.place == other).count();
            assert!(requests == 1 || self.spreads, "{self:?}: {other:?} was sent {requests} times\n{}", sent.log);
        }
        let given_up = matches!(&self.outcome, Outcome::Fails(code, _) if may_pass(&Error::new(*code, "")));
        if self.times == ALWAYS && given_up {
            let tries = seen.iter().filter(|seen| seen.place == place).count();
            assert_eq!(tries as u32, policy::ATTEMPTS, "{self:?}\n{}", sent.log);
        }
        if self.times != ALWAYS {
            // Each failure costs its own part once more at most.
            let extra = u64::from(self.times) * file.length(place) * if self.spreads { 2 } else { 1 };
            let received: u64 = seen.iter().map(|seen| seen.received).sum();
            assert!(received <= file.size() + extra, "{self:?}: {received} bytes\n{}", sent.log);
        }
    }
}

/// What is true of every upload, and what is to come of this one.
pub fn judge_outcome(case: &dyn std::fmt::Debug, outcome: &Outcome, file: &File, server: &Server, sent: &Sent) {
    let story = || format!("{case:?}\n{:?}\n{}\n{:#?}", sent.result, sent.log, server.store.seen());
    let object = server.store.object();
    let whole = object.as_ref().is_some_and(|object| *object == file.bytes);
    match (&sent.result, outcome) {
        (Ok(warnings), Outcome::Arrives) => assert!(warnings.is_empty(), "{warnings:?}\n{}", story()),
        (Ok(warnings), Outcome::Warns(words)) => {
            assert!(warnings.len() == 1 && warnings[0].contains(words), "{warnings:?}\n{}", story());
        }
        (Err(error), Outcome::Fails(code, words)) => {
            assert_eq!(error.code, *code, "{}", story());
            for word in *words {
                assert!(error.message.contains(word), "{word:?} is not in {:?}\n{}", error.message, story());
            }
            assert!(error.message.contains("comp_v003.mov"), "{}", story());
        }
        _ => panic!("{outcome:?} was expected\n{}", story()),
    }
    // Only an upload that begins anew has to give up what it had.
    if !server.store.renews_upload {
        assert_eq!(sent.went_back, None, "{}", story());
    }
    match &sent.result {
        Ok(_) => {
            assert!(whole, "{:?} bytes were stored\n{}", object.map(|object| object.len()), story());
            let counts = (sent.progress.sent(), sent.progress.stored(), sent.progress.total());
            assert_eq!(counts, (file.size(), file.size(), file.size()), "{}", story());
        }
        Err(_) => {
            assert_eq!(server.store.completed(), 0, "{}", story());
            let acknowledged = acknowledged(file, &server.store.seen());
            assert!(sent.progress.stored() <= acknowledged, "{:?} of {acknowledged}\n{}", sent.progress, story());
        }
    }
    let secret = format!("{:?} {}", sent.result, sent.log).contains(SECRET);
    assert!(!secret, "an address was told\n{}", story());
}

/// Bytes in requests that were answered with success, each place once.
fn acknowledged(file: &File, seen: &[Seen]) -> u64 {
    let mut places: Vec<Place> =
        seen.iter().filter(|seen| seen.status.is_some_and(|status| status < 300)).map(|seen| seen.place).collect();
    places.sort();
    places.dedup();
    places.into_iter().map(|place| file.length(place)).sum()
}

/// Runs cases next to each other. A case that fails does so by itself and is named.
pub async fn run_all(cases: impl IntoIterator<Item = Case>) {
    // Enough that waiting costs nothing, few enough that none waits for the processor.
    const AT_ONCE: usize = 64;
    let cases: Vec<Case> = cases.into_iter().collect();
    assert!(!cases.is_empty());
    let http = http(&Server::start().await).await;
    let (mut waiting, mut running) = (cases.into_iter(), tokio::task::JoinSet::new());
    loop {
        while running.len() < AT_ONCE
            && let Some(case) = waiting.next()
        {
            let http = http.clone();
            running.spawn(async move { case.run(&http, Server::start().await).await });
        }
        match running.join_next().await {
            Some(Ok(())) => {}
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            None => return,
        }
    }
}
