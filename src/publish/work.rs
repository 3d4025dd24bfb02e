//! What all steps of one publish share.

use super::Request;
use super::check::Checked;
use super::ids::Ids;
use crate::ftrack::Client;
use crate::media::Kind;
use crate::session::Job;
use crate::session::log::Log;
use parking_lot::Mutex;
use std::sync::Arc;

/// One publish.
pub struct Work {
    pub client: Arc<Client>,
    pub job: Arc<Job>,
    pub log: Log,
    pub request: Request,
    pub ids: Ids,
    pub made: Mutex<Made>,
}

/// What may exist on the server because of this publish: noted before it is asked for.
#[derive(Default)]
pub struct Made {
    pub components: Vec<String>,
    pub version: bool,
}

impl Work {
    /// What lists show: the thumbnail that was given, or the still itself.
    pub fn thumbnail_id(&self, checked: &Checked) -> Option<&str> {
        match (&checked.thumbnail, &checked.media.kind) {
            (Some(_), _) => Some(&self.ids.thumbnail),
            (None, Kind::Image(_)) => Some(&self.ids.component),
            (None, Kind::Movie(_)) => None,
        }
    }

    /// Notes a warning, for the log and for the result.
    pub fn warn(&self, warning: String) {
        self.log.warning("publish", &warning);
        self.job.note(|published| published.warnings.push(warning));
    }
}
