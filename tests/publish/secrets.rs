//! What may never be shown.

use super::host::{Publish, Staging, example};
use ftreview_sandbox::config::DEMO_KEY;

#[test]
fn neither_key_nor_upload_address_is_in_anything_that_a_session_tells_of_a_publish() {
    let staging = Staging::start();
    // Tells everything, log lines at the level of FTR_LOG_TRACE too.
    let session = staging.session();
    let publish = Publish {
        thumbnail: Some(example("thumbnail.jpg")),
        ..Publish::of(example("review.mp4"), "demo/sq010/sh010/compositing")
    };
    session.publish(&publish).done();
    let told = serde_json::to_string(&session.events()).unwrap();
    assert!(told.contains("get_upload_metadata"), "{told}");
    for secret in [DEMO_KEY, "/storage", "signature", "expires"] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
}
