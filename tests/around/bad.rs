//! What is refused before anything is made: each with its code, what was wrong, and what there is instead.

use super::people::Studio;
use super::wish::{Wish, wish};
use ftreview::ffi::constants::*;
use ftreview::session::Code;
use serde_json::json;

#[test]
fn what_the_server_does_not_have_is_told_before_a_byte_is_sent() {
    let studio = Studio::start();
    let session = studio.staging.session();
    studio.list("Dailies");
    studio.review_session("Friday");
    studio.review_session("Twice");
    studio.review_session("Twice");
    studio.attribute("cut_in", "number");
    let nobody = "00000000-0000-4000-8000-000000000000";
    let shot = studio.staging.id("select id from Shot where name is \"sh010\"");
    let before = studio.census();
    studio.staging.requests();
    let invitee = |email: &str| wish().with("review_session", "Friday").with("invitees", json!([{"email": email}]));
    let cases: Vec<(Wish, Code, Vec<&str>)> = vec![
        (wish().with("status", "Nowhere"), Code::UnknownStatus, vec!["status: \"Nowhere\"", "Approved"]),
        (
            wish().with("task_status", "Nowhere"),
            Code::UnknownStatus,
            vec!["task_status: \"Nowhere\"", "Ready to start"],
        ),
        (wish().with("task_status", "On Hold").with("context", &shot), Code::NoTask, vec!["task_status"]),
        (wish().with("user", "nobody"), Code::UnknownUser, vec!["user: \"nobody\"", "username"]),
        (wish().with("uses_versions", json!([nobody])), Code::UnknownVersion, vec!["uses_versions", nobody]),
        (wish().with("lists", json!(["Weeklies"])), Code::UnknownList, vec!["\"Weeklies\"", "Dailies", "CREATE_LISTS"]),
        (wish().with("custom_attributes", json!({"cut": 1})), Code::UnknownAttribute, vec!["\"cut\"", "cut_in"]),
        (wish().with("custom_attributes", json!({"cut_in": "a"})), Code::InvalidArgument, vec!["cut_in", "a number"]),
        (
            wish().with("note", "a").with("note_labels", json!(["Mine"])),
            Code::UnknownLabel,
            vec!["\"Mine\"", "Internal"],
        ),
        (
            wish().with("note", "a").with("note_attachments", json!(["/no/such/file.png"])),
            Code::FileNotFound,
            vec!["note_attachments", "/no/such/file.png"],
        ),
        (
            wish().with("review_session", "Monday"),
            Code::UnknownReviewSession,
            vec!["\"Monday\"", "Friday", "CREATE_REVIEW"],
        ),
        (wish().with("review_session", "Twice"), Code::AmbiguousContext, vec!["\"Twice\"", "2 review sessions"]),
        (invitee("bert"), Code::BadInvitee, vec!["\"bert\" has no @"]),
        (invitee("bert@client"), Code::BadInvitee, vec!["bert@client", "host"]),
        (wish().with("asset_type", "Playblast"), Code::UnknownAssetType, vec!["Playblast", "Compositing (comp)"]),
        (wish().with("context", nobody).flags(FTR_PUBLISH_INTO_VERSION), Code::UnknownVersion, vec!["context", nobody]),
        (wish().with("context", &shot).flags(FTR_PUBLISH_INTO_VERSION), Code::NotAVersion, vec!["context", &shot]),
        (wish().flags(FTR_PUBLISH_INTO_VERSION), Code::NotAVersion, vec!["context", "version's id"]),
        (
            wish().with("context", nobody).with("asset_name", "a").flags(FTR_PUBLISH_INTO_VERSION),
            Code::InvalidArgument,
            vec!["asset_name"],
        ),
    ];
    for (wish, code, words) in cases {
        let end = wish.end(&session);
        assert_eq!(end.code, code as i32, "{code:?}: {end:?}");
        for word in words {
            assert!(end.message.contains(word), "{word}: {}", end.message);
        }
        assert!(matches!(end.stage, 0 | FTR_STAGE_CHECKING | FTR_STAGE_RESOLVING), "{end:?}");
    }
    assert_eq!(studio.census(), before);
    let requests = studio.staging.requests();
    assert!(!requests.iter().any(|line| line.contains("create") || line.contains("PUT")), "{requests:#?}");
}
