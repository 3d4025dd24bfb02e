//! A program that runs beside the host, and that the host does not notice.
//!
//! `std::process` would do harm here. The library's threads mask all signals, a program inherits that, and SIGTERM would
//! never reach it; to mend that, `std` has to fork, which copies the page tables of the host and runs its
//! `pthread_atfork` handlers. For a host of 6 GiB that took half a second, in which its threads wait for memory; this way
//! takes a tenth of a millisecond. On Linux the child shares the host's memory until it is the other program, as with
//! posix_spawn, and beyond what that can do it closes every descriptor and dies with the thread that started it.
//!
//! No signal handler is installed. A host that ignores SIGCHLD, or reaps every child, takes the exit status: that is
//! [`Exit::Unknown`] and no error.

use super::policy;
use super::runtime;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A running program with its standard output and error. Dropping it kills it, with all that it started, and reaps it.
#[derive(Debug)]
pub struct Child {
    pid: libc::pid_t,
    out: Option<File>,
    err: Option<File>,
    exit: Option<Exit>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this status.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Somebody else in the host took the status.
    Unknown,
}

/// What is asked for, as the operating system wants it. All of it exists before the child does.
struct Call {
    path: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Child {
    /// Starts a program with these arguments, this environment, no input and no descriptors but its three, in a process
    /// group of its own, a little less important than the host.
    ///
    /// On Linux it is killed when the calling thread ends: call this on a thread that lives as long as the child shall.
    pub fn spawn(path: &Path, arguments: &[OsString], environment: &[(OsString, OsString)]) -> io::Result<Child> {
        let call = Call::new(path, arguments, environment)?;
        let mut tries = 0;
        loop {
            match start(&call) {
                // A program that was installed a moment ago may still be open for writing in another child that is about
                // to become its own program.
                Err(error) if error.raw_os_error() == Some(libc::ETXTBSY) && tries < policy::CHILD_BUSY_TRIES => {
                    tries += 1;
                    sleep(policy::CHILD_TICK);
                }
                other => return other,
            }
        }
    }

    /// Waits until the program has written something or ended, at most for `patience`, and appends what it wrote: at most
    /// `policy::CHILD_READ` bytes of each kind.
    pub fn listen(&mut self, patience: Duration, out: &mut Vec<u8>, err: &mut Vec<u8>) {
        let mut polls = [&self.out, &self.err].map(|file| libc::pollfd {
            // A negative descriptor is left out.
            fd: file.as_ref().map_or(-1, |file| file.as_raw_fd()),
            events: libc::POLLIN,
            revents: 0,
        });
        if self.out.is_none() && self.err.is_none() {
            return sleep(patience);
        }
        // SAFETY: an array of two that lives through the call. An interruption is like a patience that is over.
        unsafe { libc::poll(polls.as_mut_ptr(), 2, patience.as_millis().try_into().unwrap_or(i32::MAX)) };
        read_some(&mut self.out, out);
        read_some(&mut self.err, err);
    }

    /// Whether the program has ended, and how. Whatever else it started is killed with it.
    pub fn ended(&mut self) -> Option<Exit> {
        if self.exit.is_none() {
            match self.peek() {
                Peek::Running => {}
                Peek::Ended => {
                    // Its number is not given to another process before it is reaped, so this reaches its own group only.
                    self.tell_group(libc::SIGKILL);
                    self.exit = Some(self.reap());
                }
                Peek::Gone => self.exit = Some(Exit::Unknown),
            }
        }
        self.exit
    }

    /// Asks the program, and what it started, to end (SIGTERM); stopped ones are woken to hear it.
    pub fn terminate(&mut self) {
        self.signal(libc::SIGTERM);
        self.signal(libc::SIGCONT);
    }

    /// Ends the program and what it started (SIGKILL).
    pub fn kill(&mut self) {
        self.signal(libc::SIGKILL);
    }

    fn signal(&mut self, signal: i32) {
        if self.exit.is_none() && matches!(self.peek(), Peek::Running | Peek::Ended) {
            self.tell_group(signal);
        }
    }

    fn tell_group(&self, signal: i32) {
        // SAFETY: no pointers. The child made itself the leader of a group before it became the other program.
        unsafe { libc::kill(-self.pid, signal) };
    }

    /// Looks without reaping.
    fn peek(&self) -> Peek {
        // SAFETY: plain data, filled by the call where it says so.
        let (result, found) = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            let result = libc::waitid(libc::P_PID, self.pid as libc::id_t, &mut info, how);
            (result, info.si_pid())
        };
        match (result, io::Error::last_os_error().raw_os_error()) {
            (0, _) if found == 0 => Peek::Running,
            (0, _) => Peek::Ended,
            (_, Some(libc::ECHILD)) => Peek::Gone,
            _ => Peek::Running,
        }
    }

    /// Takes the status of a program that has ended, or waits until it has.
    fn reap(&self) -> Exit {
        reap(self.pid)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.ended().is_some() {
            return;
        }
        self.kill();
        let begun = Instant::now();
        while self.ended().is_none() {
            if begun.elapsed() > policy::CHILD_KILL_PATIENCE {
                // It hangs in the kernel, on a dead network drive for one, and ends when that lets it go.
                let pid = self.pid;
                let _ = runtime::thread("ftr-reaper", move || {
                    reap(pid);
                });
                return;
            }
            sleep(policy::CHILD_TICK);
        }
    }
}

enum Peek {
    Running,
    Ended,
    Gone,
}

fn reap(pid: libc::pid_t) -> Exit {
    let mut status = 0;
    loop {
        // SAFETY: a valid place for the status.
        let result = unsafe { libc::waitpid(pid, &mut status, 0) };
        if result == pid && libc::WIFEXITED(status) {
            return Exit::Code(libc::WEXITSTATUS(status));
        } else if result == pid && libc::WIFSIGNALED(status) {
            return Exit::Signal(libc::WTERMSIG(status));
        } else if result < 0 && io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return Exit::Unknown;
        }
    }
}

/// Appends what is there now. At the end, or when reading fails, the pipe is closed.
fn read_some(file: &mut Option<File>, text: &mut Vec<u8>) {
    let Some(pipe) = file else { return };
    let former = text.len();
    text.resize(former + policy::CHILD_READ, 0);
    let result = pipe.read(&mut text[former..]);
    text.truncate(former + *result.as_ref().unwrap_or(&0));
    match result {
        Ok(0) => *file = None,
        Ok(_) => {}
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
        Err(_) => *file = None,
    }
}

fn not_blocking(file: &File) {
    // SAFETY: a flag of a descriptor that is open and the library's own.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
}

impl Call {
    fn new(path: &Path, arguments: &[OsString], environment: &[(OsString, OsString)]) -> io::Result<Call> {
        let text = |text: &OsStr| CString::new(text.as_bytes()).map_err(io::Error::from);
        let mut all = vec![text(path.as_os_str())?];
        for argument in arguments {
            all.push(text(argument)?);
        }
        let mut variables = Vec::with_capacity(environment.len());
        for (name, value) in environment {
            let mut variable = name.clone();
            variable.push("=");
            variable.push(value);
            variables.push(text(&variable)?);
        }
        Ok(Call { path: text(path.as_os_str())?, arguments: all, environment: variables })
    }
}

#[cfg(target_os = "linux")]
use linux::start;

#[cfg(target_os = "linux")]
mod linux {
    use super::{Call, Child, not_blocking};
    use crate::session::policy;
    use crate::session::runtime::SignalMask;
    use std::ffi::{CString, c_char, c_int, c_void};
    use std::fs::File;
    use std::io;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
    use std::ptr;
    use std::sync::atomic::{AtomicI32, Ordering};

    /// What the child needs between its first instruction and the other program's. It may not allocate.
    struct Plan {
        path: *const c_char,
        arguments: Vec<*const c_char>,
        environment: Vec<*const c_char>,
        /// What become its descriptors 0, 1 and 2; none of them is below 3.
        descriptors: [RawFd; 3],
        /// The host, to notice that it ended before the child could ask to be told.
        parent: libc::pid_t,
        /// The highest number of a descriptor, for kernels that cannot close all of them at once.
        most_descriptors: RawFd,
        priority: c_int,
        /// Why it failed; written by the child in the memory that both share.
        error: AtomicI32,
    }

    pub(super) fn start(call: &Call) -> io::Result<Child> {
        let null = above_standard(File::open("/dev/null")?.into())?;
        let (out, child_out) = pipe()?;
        let (err, child_err) = pipe()?;
        let plan = Plan {
            path: call.path.as_ptr(),
            arguments: pointers(&call.arguments),
            environment: pointers(&call.environment),
            descriptors: [null.as_raw_fd(), child_out.as_raw_fd(), child_err.as_raw_fd()],
            // SAFETY: cannot fail.
            parent: unsafe { libc::getpid() },
            most_descriptors: most_descriptors(),
            priority: policy::CHILD_NICENESS,
            error: AtomicI32::new(0),
        };
        let mut stack = vec![0u128; policy::CHILD_STACK / size_of::<u128>()];
        // The child begins with this mask: a handler of the host must not run in it, where it would run in shared memory.
        let mask = SignalMask::block_all();
        // SAFETY: the stack is aligned, large enough and lives until the child has its own memory: with CLONE_VFORK this
        // returns after that. `child` allocates nothing, takes no lock and returns nowhere.
        let pid = unsafe {
            libc::clone(
                child,
                stack.as_mut_ptr_range().end.cast(),
                libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
                ptr::from_ref(&plan).cast_mut().cast(),
            )
        };
        let failure = io::Error::last_os_error();
        drop(mask);
        if pid < 0 {
            return Err(failure);
        }
        let [out, err] = [out, err].map(|end| Some(File::from(end)));
        [&out, &err].into_iter().flatten().for_each(not_blocking);
        let started = Child { pid, out, err, exit: None };
        match plan.error.load(Ordering::Acquire) {
            0 => Ok(started),
            // Dropping it reaps it.
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }

    /// Runs in the child, with the memory of the host: system calls only.
    extern "C" fn child(plan: *mut c_void) -> c_int {
        // SAFETY: the parent waits until this is over, and keeps the plan until then. Every call here is one that may be
        // made between a fork and an exec, on descriptors and signals that are the child's own copy.
        unsafe {
            let plan = &*plan.cast_const().cast::<Plan>();
            let mut plain: libc::sigaction = std::mem::zeroed();
            plain.sa_sigaction = libc::SIG_DFL;
            for signal in 1..=64 {
                libc::sigaction(signal, &plain, ptr::null_mut());
            }
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            if libc::getppid() != plan.parent {
                libc::_exit(127);
            }
            libc::setpgid(0, 0);
            let priority = libc::getpriority(libc::PRIO_PROCESS, 0);
            libc::setpriority(libc::PRIO_PROCESS, 0, priority + plan.priority);
            let wired = (0..3).zip(plan.descriptors).all(|(to, from)| libc::dup2(from, to) == to);
            if wired {
                if libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) != 0 {
                    for descriptor in 3..plan.most_descriptors {
                        libc::close(descriptor);
                    }
                }
                let mut none: libc::sigset_t = std::mem::zeroed();
                libc::sigemptyset(&mut none);
                libc::pthread_sigmask(libc::SIG_SETMASK, &none, ptr::null_mut());
                libc::execve(plan.path, plan.arguments.as_ptr(), plan.environment.as_ptr());
            }
            plan.error.store(*libc::__errno_location(), Ordering::Release);
            libc::_exit(127)
        }
    }

    fn pointers(texts: &[CString]) -> Vec<*const c_char> {
        texts.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect()
    }

    fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
        let mut ends = [0; 2];
        // SAFETY: room for two descriptors.
        if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just opened, and nobody else knows them.
        let [read, write] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
        Ok((above_standard(read)?, above_standard(write)?))
    }

    /// In a host that closed its standard streams a new descriptor may be one of their numbers.
    fn above_standard(descriptor: OwnedFd) -> io::Result<OwnedFd> {
        if descriptor.as_raw_fd() > 2 {
            return Ok(descriptor);
        }
        // SAFETY: an open descriptor; the new one is nobody else's.
        let moved = unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 3) };
        if moved < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just opened, and nobody else knows it.
        Ok(unsafe { OwnedFd::from_raw_fd(moved) })
    }

    /// One more than the highest number that is open, as far as it can be seen: others may open more meanwhile.
    fn most_descriptors() -> RawFd {
        let names = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        let highest = names.filter_map(|entry| entry.file_name().to_str()?.parse::<RawFd>().ok()).max();
        highest.unwrap_or(policy::CHILD_DESCRIPTORS) + 1 + policy::CHILD_DESCRIPTORS
    }
}

/// Elsewhere by the standard library: signals other than SIGKILL do not reach the child, and it outlives the host.
#[cfg(not(target_os = "linux"))]
fn start(call: &Call) -> io::Result<Child> {
    use std::os::fd::OwnedFd;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};
    let text = |text: &CString| OsStr::from_bytes(text.as_bytes()).to_owned();
    let mut command = Command::new(text(&call.path));
    command.args(call.arguments.iter().skip(1).map(text)).env_clear().process_group(0);
    for variable in &call.environment {
        let bytes = variable.as_bytes();
        let split = bytes.iter().position(|byte| *byte == b'=').unwrap_or(bytes.len());
        command.env(OsStr::from_bytes(&bytes[..split]), OsStr::from_bytes(&bytes[(split + 1).min(bytes.len())..]));
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let out = child.stdout.take().map(|pipe| File::from(OwnedFd::from(pipe)));
    let err = child.stderr.take().map(|pipe| File::from(OwnedFd::from(pipe)));
    [&out, &err].into_iter().flatten().for_each(not_blocking);
    Ok(Child { pid: child.id() as libc::pid_t, out, err, exit: None })
}
