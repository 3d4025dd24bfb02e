//! The event hub says when to look at the job: that it changed, or that the version was encoded (`ftrack.update`, protocol
//! reference, 2.8). Events can be lost, so looking does not depend on them.

use crate::hub::{Hub, Listener};
use crate::publish::work::Work;
use crate::session::news::HubStatus;
use parking_lot::Mutex;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Listens until dropped.
pub struct Wake {
    hub: Arc<Hub>,
    number: Option<u64>,
    ears: Arc<Ears>,
}

#[derive(Default)]
struct Ears {
    ids: Mutex<Vec<String>>,
    heard: Notify,
}

impl Wake {
    /// From now on. A hub that is not connected tells nothing, and may be connected later.
    pub fn listen(work: &Work) -> Wake {
        let (hub, ears) = (work.publisher.hub.clone(), Arc::<Ears>::default());
        let number = hub.listen("topic=ftrack.update", ears.clone()).ok();
        Wake { hub, number, ears }
    }

    /// What is worth hearing of.
    pub fn watch(&self, ids: &[&str]) {
        *self.ears.ids.lock() = ids.iter().map(|id| (*id).to_owned()).collect();
    }

    /// Whether anything can be heard.
    pub fn is_heard(&self, work: &Work) -> bool {
        self.number.is_some() && work.publisher.hub.status().0 == HubStatus::Connected
    }

    /// Until something was heard, or for this long.
    pub async fn wait(&self, longest: Duration) {
        let _ = tokio::time::timeout(longest, self.ears.heard.notified()).await;
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.hub.unsubscribe(number);
        }
    }
}

impl Listener for Ears {
    fn subscribed(&self) {
        // What happened before was not told.
        self.heard.notify_one();
    }

    fn hear(&self, event: &Value) {
        let ids = self.ids.lock();
        let entities = event.pointer("/data/entities").and_then(Value::as_array).into_iter().flatten();
        let mut named = entities.filter_map(|entity| entity["entityId"].as_str());
        if named.any(|id| ids.iter().any(|known| known == id)) {
            self.heard.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use serde_json::json;

    #[test]
    fn events_of_the_job_or_its_version_are_heard_and_no_others() {
        let ears = Ears::default();
        *ears.ids.lock() = vec!["job".to_owned(), "version".to_owned()];
        let heard = || ears.heard.notified().now_or_never().is_some();
        for (event, is_heard) in [
            (json!({"data": {"entities": [{"entityType": "job", "entityId": "job", "action": "update"}]}}), true),
            (
                json!({"data": {"entities": [{"entityId": "other"}, {"entityId": "version", "action": "encoded"}]}}),
                true,
            ),
            (json!({"data": {"entities": [{"entityId": "other"}]}}), false),
            (json!({"data": {"entities": 7}}), false),
            (json!(null), false),
        ] {
            ears.hear(&event);
            assert_eq!(heard(), is_heard, "{event}");
        }
        ears.subscribed();
        assert!(heard());
    }
}
