//! What can happen to a request, and what the client gets then.

use std::fmt;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The server is away: its connections are gone, and for a while new ones are refused.
    Refused,
    /// The connection is reset before the server has seen the request, and in the middle of a body.
    ResetBefore,
    /// The server does what was asked; the connection is reset, and no byte of the answer arrives.
    AnswerLost,
    /// The server does what was asked; the connection is reset in the middle of the answer.
    ResetMiddle,
    /// Answered by something before the server, which never sees the request.
    Status(Page),
    /// The server does what was asked, and something before it answers so all the same, as gateways do.
    StatusAfter(Page),
    /// The server never sees the request, and no byte comes until the client gives up.
    Stalled,
    /// The server does what was asked, and no byte of the answer comes until the client gives up.
    StalledAfter,
    /// The answer comes a few bytes at a time.
    Slow,
    /// The server does what was asked, and the answer is cut off: a success whose JSON is none.
    Malformed,
}

/// An answer that is not the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Page {
    RequestTimeout,
    TooMany,
    TooManyRetryAfter,
    Failed,
    BadGateway,
    Busy,
    /// Of a storage: an address that it does not take.
    Forbidden,
}

impl Fault {
    pub const ALL: [Fault; 17] = [
        Fault::Refused,
        Fault::ResetBefore,
        Fault::AnswerLost,
        Fault::ResetMiddle,
        Fault::Status(Page::RequestTimeout),
        Fault::Status(Page::TooMany),
        Fault::Status(Page::TooManyRetryAfter),
        Fault::Status(Page::Failed),
        Fault::Status(Page::BadGateway),
        Fault::Status(Page::Busy),
        Fault::Status(Page::Forbidden),
        Fault::StatusAfter(Page::BadGateway),
        Fault::StatusAfter(Page::Busy),
        Fault::Stalled,
        Fault::StalledAfter,
        Fault::Slow,
        Fault::Malformed,
    ];

    /// Whether such a thing happens to requests of this kind.
    pub fn fits(self, label: &str) -> bool {
        match self {
            Fault::Status(Page::Forbidden) => label.starts_with("PUT"),
            Fault::Malformed => label.starts_with("api"),
            _ => true,
        }
    }

    /// Whether it may happen to one request after the other. A storage that refuses a fresh address, too, means it.
    pub fn may_repeat(self) -> bool {
        self != Fault::Status(Page::Forbidden)
    }

    /// Whether the client has to give up before anything goes on.
    pub fn is_stall(self) -> bool {
        matches!(self, Fault::Stalled | Fault::StalledAfter)
    }

    fn name(self) -> &'static str {
        match self {
            Fault::Refused => "refused",
            Fault::ResetBefore => "reset-before",
            Fault::AnswerLost => "answer-lost",
            Fault::ResetMiddle => "reset-middle",
            Fault::Status(Page::RequestTimeout) => "408",
            Fault::Status(Page::TooMany) => "429",
            Fault::Status(Page::TooManyRetryAfter) => "429-retry-after",
            Fault::Status(Page::Failed) => "500",
            Fault::Status(Page::BadGateway) => "502",
            Fault::Status(Page::Busy) => "503",
            Fault::Status(Page::Forbidden) => "403",
            Fault::StatusAfter(Page::BadGateway) => "502-after",
            Fault::StatusAfter(_) => "503-after",
            Fault::Stalled => "stalled",
            Fault::StalledAfter => "stalled-after",
            Fault::Slow => "slow",
            Fault::Malformed => "malformed",
        }
    }

    pub fn parse(name: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|fault| fault.name() == name)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Page {
    /// The whole answer.
    pub fn text(self) -> Vec<u8> {
        const HTML: &str = "<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>";
        const XML: &str =
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
        let (status, headers, body) = match self {
            Page::RequestTimeout => ("408 Request Timeout", "", ""),
            Page::TooMany => ("429 Too Many Requests", "", "slow down"),
            Page::TooManyRetryAfter => ("429 Too Many Requests", "retry-after: 1\r\n", "slow down"),
            Page::Failed => ("500 Internal Server Error", "", "oops"),
            Page::BadGateway => ("502 Bad Gateway", "content-type: text/html\r\n", HTML),
            Page::Busy => ("503 Service Unavailable", "", "in maintenance"),
            Page::Forbidden => ("403 Forbidden", "content-type: application/xml\r\n", XML),
        };
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }
}
