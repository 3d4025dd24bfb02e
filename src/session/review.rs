//! What reviewers did, as a host is told of it.

/// What a reviewer did; numbers are those of `FTR_REVIEW_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Deed {
    /// Wrote a note.
    Note = 1,
    /// Gave the version another status, which is neither of the next two.
    Status = 2,
    /// Approved it.
    Approved = 3,
    /// Wants changes.
    ChangesRequired = 4,
    /// Media for the web player are there: the server has encoded them, or somebody added them.
    Encoded = 5,
    /// The version has another thumbnail.
    Thumbnail = 6,
}

/// One thing that a reviewer did. Ids are ftrack's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// What.
    pub deed: Deed,
    /// Of which version.
    pub version_id: String,
    /// In which review session, where it was in one.
    pub review_session_id: Option<String>,
    /// The note, the status, the answer in a review session, the component.
    pub id: String,
    /// The note's text, the status' name, the component's name.
    pub text: String,
    /// Who, as far as the server tells.
    pub author: Option<String>,
    /// The note's frame.
    pub frame: Option<i64>,
    /// The note that it answers.
    pub in_reply_to: Option<String>,
}
