//! What all steps of one publish share.

use super::Request;
use super::check::Checked;
use super::ids::Ids;
use super::publisher::Publisher;
use crate::ftrack::Client;
use crate::media::Kind;
use crate::session::Job;
use crate::session::log::Log;
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Notify;

/// One publish.
pub struct Work {
    pub publisher: Arc<Publisher>,
    pub job: Arc<Job>,
    pub log: Log,
    pub request: Request,
    pub ids: Ids,
    pub made: Mutex<Made>,
    /// Told when the components are there, or will not be.
    pub begun: Notify,
}

/// What may exist on the server because of this publish: noted before it is asked for.
#[derive(Clone, Default)]
pub struct Made {
    pub components: Vec<String>,
    /// The server said so.
    pub components_were_there: bool,
    pub version: bool,
}

impl Made {
    /// They are to be made again.
    pub fn forget_components(&mut self) {
        self.components.clear();
        self.components_were_there = false;
    }
}

impl Work {
    /// The server.
    pub fn client(&self) -> &Arc<Client> {
        &self.publisher.client
    }

    /// Where parts that are in storage are noted. Only a publish with a key can be taken up again: others have new ids each time.
    pub fn journal_folder(&self) -> Option<&Path> {
        self.request.idempotency_key.as_ref().and(self.publisher.journal_folder.as_deref())
    }

    /// What lists show: the thumbnail that was given, or the still itself.
    pub fn thumbnail_id(&self, checked: &Checked) -> Option<&str> {
        match (&checked.thumbnail, &checked.media.kind) {
            (Some(_), _) => Some(&self.ids.thumbnail),
            (None, Kind::Image(_)) => Some(&self.ids.component),
            (None, _) => None,
        }
    }

    /// Notes a warning, for the log and for the result.
    pub fn warn(&self, warning: String) {
        self.log.warning("publish", &warning);
        self.job.note(|published| published.warnings.push(warning));
    }
}
