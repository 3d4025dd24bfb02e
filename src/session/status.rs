//! Whether the server can be worked with, and why not.

use super::error::{Class, Code, Error};

/// Numbers are those of `FTR_STATUS_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    /// Asking the server; no answer yet.
    Connecting = 1,
    /// The server knows the user and answers.
    Ready = 2,
    /// The server refuses the user and key.
    Unauthorised = 3,
    /// No answer: name unknown, nothing listening, no network, too slow, or failing. Tried again in the background.
    Unreachable = 4,
    /// No trusted encrypted connection.
    TlsFailed = 5,
    /// The proxy is the reason.
    ProxyFailed = 6,
    /// What answers is no ftrack server.
    WrongServer = 7,
    /// The session's own settings are the reason, such as a CA file that cannot be read.
    Misconfigured = 8,
    /// The session was closed.
    Closed = 9,
}

impl Status {
    /// The status that a failure to reach the server means.
    pub fn of(error: &Error) -> Status {
        match error.code {
            Code::Unauthorised | Code::Permission => Status::Unauthorised,
            Code::Tls => Status::TlsFailed,
            Code::Proxy => Status::ProxyFailed,
            Code::WrongServer | Code::MalformedAnswer | Code::Unsupported => Status::WrongServer,
            code if code.class() == Class::Configuration => Status::Misconfigured,
            _ => Status::Unreachable,
        }
    }

    /// Whether asking again may help without anybody changing the session. A wrong key will stay wrong, and asking with it again
    /// and again may lock the account; a maintenance page or an expired certificate will not stay.
    pub fn passes(self) -> bool {
        !matches!(self, Status::Unauthorised | Status::Misconfigured | Status::Closed)
    }
}
