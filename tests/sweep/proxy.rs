//! Stands before the staging server, for its API and its storage, numbers every request and knows which it is, and does to a
//! chosen one what the network, a gateway or a server in trouble does. Or ends the process that sent it.

use super::fault::Fault;
use super::point::{At, Times, When};
use super::wire::{Answer, Request, reset, trickle, write};
use std::collections::HashMap;
use std::io::BufReader;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// What is done when a request arrives, before it goes on.
pub type Hook = Arc<dyn Fn() + Send + Sync>;

/// What the proxy is there for.
#[derive(Clone, Default)]
pub enum Plan {
    #[default]
    Pass,
    /// This happens to the request, and to so many that follow.
    Spoil(At, Fault, Times),
    /// The process is ended at this request.
    Kill(At, When),
    /// The process is ended when the server has done its so-manieth request, whatever it is.
    KillNumber(u32),
    /// This happens to the so-manieth request, whatever it is.
    SpoilNumber(u32, Fault),
    /// This is done when the request arrives.
    Call(At, Hook),
}

/// How long a server is away, once and twice: the second is longer than the first waits of a client.
const AWAY: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// The proxy. It ends when it is dropped.
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    server: Mutex<SocketAddr>,
    listener: TcpListener,
    ended: AtomicBool,
    /// How many want it not to listen at the moment.
    closed: Mutex<u32>,
    /// How long a request to the storage is held where it stalls; nothing: until the client gives up.
    stall: Option<Duration>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    plan: Plan,
    /// What was done to how many requests.
    spoilt: u32,
    seen: Vec<String>,
    /// The process that is to be ended.
    process: Option<u32>,
    /// The server refuses every version.
    is_doomed: bool,
    /// Requests of a process that is gone, held back until another one asks something; and until told.
    held: Vec<Request>,
    held_longer: Vec<Request>,
    next: u64,
    open: HashMap<u64, TcpStream>,
}

/// What is to be done with one request.
enum Act {
    Pass,
    Spoil(Fault, Times),
    Kill(When),
    Call(Hook),
}

impl Proxy {
    /// A proxy before this server. `stall` is how long a request to the storage is held where it stalls; without it, until
    /// the client gives up.
    pub fn before(server: SocketAddr, plan: Plan, stall: Option<Duration>) -> Proxy {
        let listener = listener();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Mutex::new(State { plan, ..State::default() });
        let (ended, changed) = (AtomicBool::new(false), Condvar::new());
        let server = Mutex::new(server);
        let closed = Mutex::new(0);
        let shared = Arc::new(Shared { server, listener, ended, closed, stall, state, changed });
        let accepting = shared.clone();
        std::thread::spawn(move || accept(&accepting));
        Proxy { url, shared }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lets everything through from now on.
    pub fn set_plan(&self, plan: Plan) {
        let mut state = self.shared.lock();
        (state.plan, state.spoilt, state.process) = (plan, 0, None);
        state.seen.clear();
    }

    /// Tells which process it is that is to be ended.
    pub fn set_process(&self, process: u32) {
        self.shared.lock().process = Some(process);
        self.shared.changed.notify_all();
    }

    /// Has the server refuse every version, for good.
    pub fn doom(&self) {
        self.shared.lock().is_doomed = true;
    }

    /// Lets go what was held back.
    pub fn release(&self) {
        let held = std::mem::take(&mut self.shared.lock().held_longer);
        self.shared.deliver(held);
    }

    /// Every request so far, such as `PUT part 1#1`.
    pub fn seen(&self) -> Vec<String> {
        self.shared.lock().seen.clone()
    }

    /// Whether what was planned has happened.
    pub fn has_struck(&self) -> bool {
        self.shared.lock().spoilt > 0
    }

    /// Stands before another server from now on.
    pub fn set_server(&self, server: SocketAddr) {
        *self.shared.server.lock().unwrap() = server;
    }

    /// Is away from now on: no connection is left, and none is taken.
    pub fn go_away(&self) {
        self.shared.close();
        self.shared.hang_up();
    }

    /// Is there again.
    pub fn come_back(&self) {
        self.shared.open();
    }

    /// Waits until nothing of a client that is gone is under way: what has reached the server is done.
    pub fn settle(&self) {
        self.shared.close();
        let state = self.shared.lock();
        drop(self.shared.changed.wait_while(state, |state| !state.open.is_empty()).unwrap());
        self.shared.open();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.shared.close();
        self.shared.hang_up();
    }
}

/// On a port that was asked for by number: the socket keeps it while it does not listen.
fn listener() -> TcpListener {
    loop {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        // Somebody else may have been faster.
        if let Ok(listener) = TcpListener::bind(free) {
            return listener;
        }
    }
}

fn accept(shared: &Arc<Shared>) {
    while !shared.ended.load(Ordering::SeqCst) {
        let Ok((stream, _)) = shared.listener.accept() else {
            // It does not listen at the moment.
            std::thread::sleep(Duration::from_millis(2));
            continue;
        };
        let mut state = shared.lock();
        state.next += 1;
        let id = state.next;
        let Ok(other) = stream.try_clone() else { continue };
        state.open.insert(id, other);
        drop(state);
        let shared = shared.clone();
        std::thread::spawn(move || {
            // Either side may leave at any time.
            let _ = serve(&shared, &stream);
            drop(stream);
            shared.lock().open.remove(&id);
            shared.changed.notify_all();
        });
    }
}

/// Serves one connection. Nothing: it is over.
fn serve(shared: &Shared, stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut request = Request::read_head(&mut reader)?;
        if !request.is_put() {
            request.read_body(&mut reader)?;
        }
        let act = shared.decide(&request.label());
        match &act {
            Act::Call(hook) => hook(),
            Act::Spoil(Fault::Refused, times) => {
                shared.close();
                shared.hang_up();
                std::thread::sleep(AWAY[usize::from(*times != Times::Once)]);
                shared.open();
                return None;
            }
            Act::Spoil(Fault::ResetBefore, _) => {
                request.skip_half(&mut reader);
                return reset(stream);
            }
            _ => {}
        }
        request.read_body(&mut reader)?;
        let held = std::mem::take(&mut shared.lock().held);
        shared.deliver(held);
        let answer = match act {
            Act::Kill(When::Before) => return shared.kill(),
            Act::Kill(When::Meanwhile) => return shared.kill_and(|state| state.held.push(request)),
            Act::Kill(When::Late) => return shared.kill_and(|state| state.held_longer.push(request)),
            // As a server's own rules do.
            _ if shared.lock().is_doomed && request.label().contains("create AssetVersion") => Answer::refusal(),
            Act::Spoil(Fault::Status(page), _) => {
                write(stream, &page.text())?;
                continue;
            }
            Act::Spoil(Fault::Stalled, _) if shared.holds(&request, stream) => return None,
            _ => {
                let server = *shared.server.lock().unwrap();
                request.ask(server)?
            }
        };
        match act {
            Act::Kill(When::Done) => return shared.kill(),
            Act::Kill(When::After) => {
                write(stream, &answer.bytes)?;
                return shared.kill();
            }
            Act::Spoil(Fault::AnswerLost, _) => return reset(stream),
            Act::Spoil(Fault::ResetMiddle, _) => {
                write(stream, &answer.bytes[..answer.bytes.len() / 2])?;
                return reset(stream);
            }
            Act::Spoil(Fault::StatusAfter(page), _) => write(stream, &page.text())?,
            Act::Spoil(Fault::StalledAfter, _) if shared.holds(&request, stream) => return None,
            Act::Spoil(Fault::Malformed, _) => {
                write(
                    stream,
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n[{\"data\":",
                )?;
            }
            Act::Spoil(Fault::Slow, _) => trickle(stream, &answer.bytes)?,
            _ => write(stream, &answer.bytes)?,
        }
        if !answer.can_be_followed {
            return None;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn decide(&self, label: &str) -> Act {
        let mut state = self.lock();
        let count =
            1 + state.seen.iter().filter(|seen| seen.rsplit_once('#').is_some_and(|(seen, _)| seen == label)).count();
        let here = At { label: label.to_owned(), number: count as u32 };
        state.seen.push(here.to_string());
        let act = match &state.plan {
            Plan::Call(at, hook) if *at == here && state.spoilt == 0 => Act::Call(hook.clone()),
            Plan::SpoilNumber(number, fault) if state.seen.len() as u32 == *number && fault.fits(label) => {
                Act::Spoil(*fault, Times::Once)
            }
            Plan::KillNumber(number) if state.seen.len() as u32 == *number => Act::Kill(When::Done),
            Plan::Kill(at, when) if *at == here && state.spoilt == 0 => Act::Kill(*when),
            Plan::Spoil(at, fault, times) => {
                let is_first = state.spoilt == 0 && *at == here;
                let follows = state.spoilt == 1
                    && match times {
                        Times::Once => false,
                        Times::Twice => at.label == label && *fault != Fault::Refused,
                        // Whatever it is that the client does about it; of the same kind of server.
                        Times::AndNext => at.label.starts_with("api") == label.starts_with("api") && fault.fits(label),
                    };
                if is_first || follows { Act::Spoil(*fault, *times) } else { Act::Pass }
            }
            _ => Act::Pass,
        };
        state.spoilt += u32::from(!matches!(act, Act::Pass));
        act
    }

    /// Holds a request until the client gives up. False: it is to go on.
    fn holds(&self, request: &Request, stream: &TcpStream) -> bool {
        let limit = self.stall.filter(|_| !request.is_api()).map_or(-1, |limit| limit.as_millis() as i32);
        let mut poll = libc::pollfd { fd: stream.as_raw_fd(), events: libc::POLLRDHUP, revents: 0 };
        // SAFETY: one valid pollfd.
        unsafe { libc::poll(&mut poll, 1, limit) != 0 }
    }

    /// Has the server do what was held back; nobody hears of the answers.
    fn deliver(&self, held: Vec<Request>) {
        for request in held {
            let server = *self.server.lock().unwrap();
            drop(request.ask(server));
        }
    }

    /// Ends the process before this is done, so that it is of no use to it.
    fn kill_and(&self, act: impl FnOnce(&mut State)) -> Option<()> {
        self.kill();
        act(&mut self.lock());
        None
    }

    /// Ends the process, as soon as it is known.
    fn kill(&self) -> Option<()> {
        let state = self.changed.wait_while(self.lock(), |state| state.process.is_none()).unwrap();
        let process = libc::pid_t::try_from(state.process?).ok()?;
        // SAFETY: no pointers. The process is a child that was not waited for, so its number is its own.
        unsafe { libc::kill(process, libc::SIGKILL) };
        None
    }

    /// Refuses connections until it is opened again, as often as it was closed; the port stays taken.
    fn close(&self) {
        let mut closed = self.closed.lock().unwrap();
        *closed += 1;
        // Twice would have Linux take the connections that come later for half closed.
        if *closed == 1 {
            // SAFETY: the descriptor is open. Linux makes a listening socket an unconnected one by this.
            unsafe { libc::shutdown(self.listener.as_raw_fd(), libc::SHUT_RD) };
        }
    }

    fn open(&self) {
        let mut closed = self.closed.lock().unwrap();
        *closed -= 1;
        if *closed == 0 {
            // SAFETY: the descriptor is open, and bound.
            assert_eq!(unsafe { libc::listen(self.listener.as_raw_fd(), 128) }, 0);
        }
    }

    /// Closes every connection.
    fn hang_up(&self) {
        for stream in self.lock().open.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
