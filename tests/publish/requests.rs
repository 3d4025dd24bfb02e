//! How many requests a publish takes, and why each.

use super::host::{Publish, Staging, example};
use ftreview::ffi::ftr_session_wait_ready;

#[test]
fn a_first_publish_of_a_movie_with_a_thumbnail_takes_four_api_requests_and_one_for_each_file() {
    let staging = Staging::start();
    let session = staging.session();
    assert_eq!(ftr_session_wait_ready(session.0, 60_000), 0);
    assert_eq!(staging.requests(), ["POST /api: query_server_information"]);
    session
        .publish(&Publish {
            thumbnail: Some(example("thumbnail.jpg")),
            status: Some("Approved".into()),
            ..Publish::of(example("review.mp4"), "demo/sq010/sh010/compositing")
        })
        .done();
    assert_eq!(
        staging.requests(),
        [
            // Where it goes: everything that has a name becomes an id.
            "POST /api: query TypedContext, query AssetType",
            // Is the asset there; where do the bytes go. Addresses cannot be had before the components have ids.
            "POST /api: query Asset, create FileComponent, get_upload_metadata, create FileComponent, get_upload_metadata",
            // The bytes.
            "PUT /storage",
            "PUT /storage",
            // Only now, with the bytes in place, may a version exist.
            "POST /api: create ComponentLocation, create ComponentLocation, create Metadata, create Asset, create AssetVersion",
            // Servers refuse this in the batch that creates the version.
            "POST /api: update FileComponent, update FileComponent",
        ]
    );
}
