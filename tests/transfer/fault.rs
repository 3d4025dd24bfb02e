//! What a storage can do wrong with one request.

use std::time::Duration;

/// An answer that is given instead of the right one.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<String>) -> Reply {
        Reply { status, headers: Vec::new(), body: body.into() }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }

    /// An error document of S3.
    pub fn s3(status: u16, code: &str, message: &str) -> Reply {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>");
        Reply::new(status, body).with("Content-Type", "application/xml")
    }

    pub fn text(&self) -> String {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = self.body.len();
        format!("HTTP/1.1 {} Test\r\n{headers}Content-Length: {length}\r\n\r\n{}", self.status, self.body)
    }
}

/// Where in the exchange of one request.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// The head was read, and nothing of the body.
    Start,
    /// So many quarters of the body were read.
    Quarters(u64),
    /// All of the body but its last byte was read.
    LastByte,
    /// The body was read and stored, and no answer given.
    Stored,
}

impl Moment {
    /// How much of a body is read before it.
    pub fn bytes(self, length: u64) -> u64 {
        match self {
            Moment::Start => 0,
            Moment::Quarters(quarters) => length * quarters / 4,
            Moment::LastByte => length - 1,
            Moment::Stored => length,
        }
    }
}

/// What is done to a request in place of what should be done.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection is reset.
    Reset(Moment),
    /// Nothing more is read or answered, and the connection stays.
    Stall(Moment),
    /// The bytes are stored; the connection is reset when half the head of the answer is sent.
    ResetInHead,
    /// The bytes are stored; the connection is reset when the head and half the body of the answer are sent.
    ResetInAnswer,
    /// The body is read and thrown away, and this is the answer.
    Refuse(Reply),
    /// The body is read and thrown away, and the upload in parts is no more, as after an abort or a clean-up.
    ForgetUpload,
    /// This is the answer before anything of the body is read, and the connection stays.
    RefuseEarly(Reply),
    /// This is the answer before anything of the body is read, and the connection is closed.
    RefuseAndLeave(Reply),
    /// "200 OK" with an opaque ETag before anything of the body is read; what is stored has no bytes.
    AcceptEarly,
    /// So much of the body is read in each pause.
    ReadSlowly { bytes: usize, pause: Duration },
    /// The bytes are stored, and the answer comes one byte in each pause.
    AnswerSlowly(Duration),
    /// The bytes are stored, and the ETag is that of others.
    WrongEtag,
    /// The bytes are stored, and there is no ETag.
    NoEtag,
    /// The bytes are stored, and the ETag is no checksum.
    OpaqueEtag,
    /// Half the bytes are stored, and the ETag is theirs.
    Truncate,
    /// All is well, and then the connection is closed without having announced it.
    CloseAfter,
    /// All is well, and then nothing more is read on the connection, which stays open.
    DieAfter,
    /// All is well, after "100 Continue" that nobody asked for.
    ContinueFirst,
    /// All is well, and the answer is in chunks, with a body.
    AnswerInChunks,
    /// All is well, and the answer is of HTTP/1.0: without a length, ended by the connection's end.
    AnswerOld,
    /// All is well, and bytes that belong to nothing follow the answer.
    Surplus,
    /// The body is read and thrown away, and the answer is none of HTTP.
    Garbage,
    /// The body is read and thrown away, and the connection is closed without an answer.
    CloseWithoutAnswer,
    /// The body is read and thrown away, and bytes that are not encrypted come on a connection that is.
    BreakEncryption,
}
