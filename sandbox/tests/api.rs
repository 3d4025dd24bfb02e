//! What the API promises: batches are all or nothing, errors are a real server's, and writing follows the description.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Sandbox, create, delete, new_id, update};
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER, READER_KEY, READER_USER};
use ftreview_sandbox::{Config, Server, StartError};
use reqwest::StatusCode;
use serde_json::{Value, json};

#[tokio::test]
async fn a_wrong_key_is_refused_in_the_body_and_in_strict_mode_by_status_too() {
    let sandbox = Sandbox::start().await;
    for (strict, status) in [("false", StatusCode::OK), ("true", StatusCode::UNAUTHORIZED)] {
        let request = sandbox.request(&json!([])).header("ftrack-user", DEMO_USER).header("ftrack-api-key", "wrong");
        let response = request.header("ftrack-strict-api", strict).send().await.unwrap();
        assert_eq!(response.status(), status);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["exception"], "InvalidCredentialsError");
        assert_eq!(body["error_code"], "api_credentials_invalid");
        assert!(!body.to_string().contains("wrong"), "the key is not repeated: {body}");
    }
}

#[tokio::test]
async fn after_one_call_with_a_key_the_session_cookie_is_enough() {
    let sandbox = Sandbox::start().await;
    let first = sandbox.request(&json!([])).header("ftrack-user", DEMO_USER).header("ftrack-api-key", DEMO_KEY);
    let first = first.send().await.unwrap();
    let cookie = first.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let query = json!([{"action": "query_server_information", "values": ["user_information"]}]);
    let pair = cookie.split(';').next().unwrap();
    let answer: Value = sandbox.request(&query).header("cookie", pair).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer[0]["user_information"]["username"], DEMO_USER);
}

#[tokio::test]
async fn a_failing_operation_undoes_the_whole_batch() {
    let sandbox = Sandbox::start().await;
    let id = new_id();
    let batch = json!([create("AssetType", json!({"id": id, "name": "New", "short": "new"})), delete("Asset", "no")]);
    sandbox.fail(batch, "ValidationError").await;
    assert!(sandbox.query(&format!("AssetType where id is {id}")).await.is_empty());
}

#[tokio::test]
async fn creating_twice_with_one_id_is_a_duplicate_entry() {
    let sandbox = Sandbox::start().await;
    let operation = create("AssetType", json!({"id": new_id(), "name": "New", "short": "new"}));
    sandbox.pass(json!([operation])).await;
    sandbox.fail(json!([operation]), "DuplicateEntryError").await;
}

#[tokio::test]
async fn what_is_wrong_with_a_write_is_named() {
    let sandbox = Sandbox::start().await;
    let asset = sandbox.asset().await;
    let nowhere = new_id();
    let cases = [
        (create("Nope", json!({})), "ValidationError", "Nope"),
        (create("Asset", json!({"colour": "red"})), "ValidationError", "Asset has no attribute \"colour\""),
        (create("AssetVersion", json!({"version": "two"})), "ValidationError", "AssetVersion.version"),
        (create("AssetVersion", json!({"date": "soon"})), "ValidationError", "AssetVersion.date"),
        (create("Job", json!({"status": "lost"})), "ValidationError", "queued, running, done, failed"),
        (create("Context", json!({"name": "x"})), "ValidationError", "Shot"),
        (create("ReviewSessionInvitee", json!({"name": "x"})), "ValidationError", "required"),
        (create("Asset", json!({"id": "../up", "name": "x"})), "ValidationError", "UUID"),
        (create("Asset", json!({"context_id": nowhere})), "IntegrityError", "Asset.context_id"),
        (create("Asset", json!({"parent": {"id": nowhere}})), "IntegrityError", "Asset.context_id"),
        (update("Asset", &asset, json!({"id": nowhere})), "ValidationError", "Asset.id"),
        (update("Asset", &asset, json!({"latest_version": {"id": nowhere}})), "ValidationError", "computed"),
        (update("Asset", &nowhere, json!({"name": "x"})), "ValidationError", &nowhere),
        (delete("Asset", &nowhere), "ValidationError", &nowhere),
        (json!({"action": "fly"}), "ValidationError", "Invalid action u'fly'"),
        (json!({"entity_type": "Asset"}), "ValidationError", "action"),
    ];
    for (operation, exception, text) in cases {
        let content = sandbox.fail(json!([operation]), exception).await;
        assert!(content.contains(text), "{operation}: {content}");
    }
}

#[tokio::test]
async fn something_others_refer_to_cannot_be_deleted() {
    let sandbox = Sandbox::start().await;
    let status = sandbox.id("select id from Status where name is \"Not started\"").await;
    sandbox.fail(json!([delete("Status", &status)]), "IntegrityError").await;
}

#[tokio::test]
async fn a_reader_may_ask_everything_and_write_nothing() {
    let sandbox = Sandbox::start().await;
    let asset = sandbox.asset().await;
    let read = json!([{"action": "query", "expression": "Asset"}]);
    let answer = sandbox.call_as(READER_USER, READER_KEY, read).await;
    assert_eq!(answer[0]["data"][0]["id"], json!(asset));
    for operation in [
        create("Asset", json!({"name": "x"})),
        update("Asset", &asset, json!({"name": "x"})),
        delete("Asset", &asset),
        json!({"action": "get_upload_metadata", "component_id": new_id(), "file_name": "a", "file_size": 1}),
        json!({"action": "complete_multipart_upload", "component_id": new_id(), "upload_id": "x", "parts": []}),
    ] {
        let answer = sandbox.call_as(READER_USER, READER_KEY, json!([operation])).await;
        assert_eq!(answer["exception"], "PermissionError", "{operation}");
    }
}

#[tokio::test]
async fn a_new_version_gets_what_the_server_knows() {
    let sandbox = Sandbox::start().await;
    let asset = sandbox.asset().await;
    let one = create("AssetVersion", json!({"asset_id": asset, "status_id": null}));
    let given = create("AssetVersion", json!({"asset_id": asset, "version": 7}));
    let answer = sandbox.pass(json!([one, one, given, one])).await;
    let numbers: Vec<_> = answer.as_array().unwrap().iter().map(|result| result["data"]["version"].clone()).collect();
    assert_eq!(numbers, [1, 2, 7, 8]);
    let id = answer[0]["data"]["id"].as_str().unwrap();
    let projections = "status.name, user.username, project.name, link, is_latest_version";
    let found = sandbox.query(&format!("select {projections} from AssetVersion where id is {id}")).await;
    let found = &found[0];
    assert_eq!(found["status"]["name"], "Pending Review");
    assert_eq!(found["user"]["username"], DEMO_USER);
    assert_eq!(found["project"]["name"], "demo");
    assert_eq!(found["is_latest_version"], false);
    let link: Vec<_> = found["link"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
    assert_eq!(link, ["Demo Project", "sq010", "sh010", "main - v1"]);
}

#[tokio::test]
async fn version_nought_has_to_be_sent_as_text() {
    let sandbox = Sandbox::start().await;
    let asset = sandbox.asset().await;
    let number = create("AssetVersion", json!({"asset_id": asset, "version": 0}));
    let text = create("AssetVersion", json!({"asset_id": asset, "version": "0"}));
    let answer = sandbox.pass(json!([number, text])).await;
    assert_eq!((&answer[0]["data"]["version"], &answer[1]["data"]["version"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn the_batches_that_real_servers_fail_on_fail_here_unless_told_otherwise() {
    for strict in [true, false] {
        let sandbox = Sandbox::start_with(|config| config.strict_ordering = strict).await;
        let asset = sandbox.asset().await;
        let (component, version, thumbnail) = (new_id(), new_id(), new_id());
        sandbox.pass(json!([create("FileComponent", json!({"id": component}))])).await;
        let moved = json!([
            create("AssetVersion", json!({"id": version, "asset_id": asset})),
            update("FileComponent", &component, json!({"version_id": version})),
        ]);
        let pictured = json!([
            create("FileComponent", json!({"id": thumbnail})),
            create("AssetVersion", json!({"asset_id": asset, "thumbnail_id": thumbnail})),
        ]);
        for batch in [moved, pictured] {
            if strict {
                sandbox.fail(batch, "IntegrityError").await;
            } else {
                sandbox.pass(batch).await;
            }
        }
    }
}

#[tokio::test]
async fn deleting_a_version_takes_everything_that_is_part_of_it() {
    let sandbox = Sandbox::start().await;
    let asset = sandbox.asset().await;
    let (version, component) = (new_id(), new_id());
    let metadata = json!({"parent_id": component, "parent_type": "FileComponent", "key": "ftr_meta", "value": "{}"});
    let upload = json!({"action": "get_upload_metadata", "component_id": component});
    let answer = sandbox.pass(json!([
        create("AssetVersion", json!({"id": version, "asset_id": asset})),
        create("FileComponent", json!({"id": component, "version_id": version, "size": 3})),
        create("Metadata", metadata),
        upload,
    ]));
    let answer = answer.await;
    let mut put = sandbox.client.put(answer[3]["url"].as_str().unwrap()).body("abc");
    for (name, value) in answer[3]["headers"].as_object().unwrap() {
        put = put.header(name, value.as_str().unwrap());
    }
    assert_eq!(put.send().await.unwrap().status(), StatusCode::OK);
    let storage = &sandbox.server.state().storage;
    assert_eq!(storage.size(&component), Some(3));
    sandbox.pass(json!([delete("AssetVersion", &version)])).await;
    assert!(sandbox.query(&format!("Component where id is {component}")).await.is_empty());
    assert!(sandbox.query(&format!("Metadata where parent_id is {component}")).await.is_empty());
    assert_eq!(storage.size(&component), None);
}

#[tokio::test]
async fn upload_metadata_of_an_unknown_component_needs_name_and_size() {
    let sandbox = Sandbox::start().await;
    let id = new_id();
    let bare = json!({"action": "get_upload_metadata", "component_id": id});
    let content = sandbox.fail(json!([bare]), "ValidationError").await;
    assert!(content.contains("file_name") && content.contains("file_size"), "{content}");
    let made = create("FileComponent", json!({"id": id, "name": "movie", "file_type": ".mov", "size": 10}));
    let answer = sandbox.pass(json!([made, bare])).await;
    assert_eq!(answer[1]["headers"]["Content-Type"], "video/quicktime");
}

#[tokio::test]
async fn a_file_sent_in_parts_is_joined_on_completion() {
    const PART: usize = 5 << 20;
    let sandbox = Sandbox::start().await;
    let id = new_id();
    let begin = json!({"action": "get_upload_metadata", "component_id": id, "file_name": "a.mov",
        "file_size": PART + 1, "parts": 2});
    let begun = sandbox.pass(json!([begin])).await;
    let mut parts = Vec::new();
    for (url, body) in begun[0]["urls"].as_array().unwrap().iter().zip([vec![1; PART], vec![2]]) {
        let put = sandbox.client.put(url["signed_url"].as_str().unwrap()).body(body).send().await.unwrap();
        let tag = put.headers()["etag"].to_str().unwrap().trim_matches('"').to_owned();
        parts.push(json!({"part_number": url["part_number"], "e_tag": tag}));
    }
    let complete = |parts: &[Value]| {
        json!([{"action": "complete_multipart_upload", "component_id": id, "upload_id": begun[0]["upload_id"],
            "parts": parts}])
    };
    sandbox.fail(complete(&[json!({"part_number": 9, "e_tag": "x"})]), "ValidationError").await;
    let answer = sandbox.pass(complete(&parts)).await;
    assert_eq!(answer[0]["component_id"], json!(id));
    assert_eq!(sandbox.server.state().storage.size(&id), Some(PART as u64 + 1));
}

#[tokio::test]
async fn a_custom_attribute_is_set_by_update_whether_it_was_set_before_or_not() {
    let sandbox = Sandbox::start().await;
    let asset = sandbox.asset().await;
    let configuration = new_id();
    let made = json!({"id": configuration, "key": "origin", "entity_type": "asset", "default": ""});
    sandbox.pass(json!([create("CustomAttributeConfiguration", made)])).await;
    for value in ["one", "two"] {
        let key = json!([configuration, asset]);
        let data = json!({"configuration_id": configuration, "entity_id": asset, "value": value});
        let operation = json!({"action": "update", "entity_type": "AssetCustomAttributeValue", "entity_key": key,
            "entity_data": data});
        sandbox.pass(json!([operation])).await;
    }
    let found = sandbox.query("select custom_attributes.key, custom_attributes.value from Asset").await;
    assert_eq!(found[0]["custom_attributes"][0]["key"], "origin");
    assert_eq!(found[0]["custom_attributes"][0]["value"], "two");
}

#[tokio::test]
async fn a_change_of_status_is_written_down() {
    let sandbox = Sandbox::start().await;
    let version = sandbox.pass(json!([create("AssetVersion", json!({"asset_id": sandbox.asset().await}))])).await;
    let version = version[0]["data"]["id"].as_str().unwrap().to_owned();
    let approved = sandbox.id("select id from Status where name is Approved").await;
    sandbox.pass(json!([update("AssetVersion", &version, json!({"status_id": approved}))])).await;
    let found = sandbox.query("select status.name, from_status.name from AssetVersionStatusChange").await;
    assert_eq!(found[0]["status"]["name"], "Approved");
    assert_eq!(found[0]["from_status"]["name"], "Pending Review");
}

#[tokio::test]
async fn a_context_cannot_be_moved_below_itself() {
    let sandbox = Sandbox::start().await;
    let sequence = sandbox.id("select id from Sequence").await;
    let shot = sandbox.id("select id from Shot where name is sh010").await;
    sandbox.fail(json!([update("Sequence", &sequence, json!({"parent_id": shot}))]), "ValidationError").await;
}

#[tokio::test]
async fn a_moved_context_takes_what_is_below_it_to_the_new_project() {
    let sandbox = Sandbox::start().await;
    let shot = sandbox.id("select id from Shot where name is sh010").await;
    let pilot = sandbox.id("select id from Project where name is pilot").await;
    sandbox.pass(json!([update("Shot", &shot, json!({"parent_id": pilot}))])).await;
    let found = sandbox.names("select name from TypedContext where project.name is pilot and ancestors.name is sh010");
    assert_eq!(found.await, ["compositing", "animation", "lighting"]);
}

#[tokio::test]
async fn only_the_information_asked_for_is_answered() {
    let sandbox = Sandbox::start().await;
    let asked = json!([{"action": "query_server_information", "values": ["version", "nonsense"]}]);
    let answer = sandbox.pass(asked).await;
    assert_eq!(answer[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["version"]);
}

#[tokio::test]
async fn the_schema_hash_is_what_the_python_client_computes() {
    let sandbox = Sandbox::start().await;
    let answer = sandbox.pass(json!([{"action": "query_server_information"}, {"action": "query_schemas"}])).await;
    let file = sandbox.folder.path().join("schemas.json");
    std::fs::write(&file, answer[1].to_string()).unwrap();
    let code = "import hashlib, json, sys\n\
                schemas = json.load(open(sys.argv[1]))\n\
                print(hashlib.md5(json.dumps(schemas, sort_keys=True).encode()).hexdigest())";
    let python = std::process::Command::new("python3").args(["-c", code]).arg(&file).output().unwrap();
    let computed = String::from_utf8(python.stdout).unwrap();
    assert_eq!(answer[0]["schema_hash"], computed.trim());
}

#[tokio::test]
async fn data_survive_a_restart_and_are_not_filled_in_again() {
    let folder = tempfile::tempdir().unwrap();
    let expression = json!([{"action": "query", "expression": "Task"}]);
    let mut counts = Vec::new();
    for _ in 0..2 {
        let server = Server::start(Config::new(folder.path())).await.unwrap();
        let caller = server.state().auth.user_by_key(DEMO_USER, DEMO_KEY).await.unwrap().unwrap();
        let found = server.state().call(&caller, Default::default(), vec![expression[0].clone()], false).await.unwrap();
        counts.push(found[0]["data"].as_array().unwrap().len());
        server.stop().await;
    }
    assert!(counts[0] > 0);
    assert_eq!(counts[0], counts[1]);
}

#[tokio::test]
async fn an_address_others_can_reach_is_refused_unless_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path());
    config.listen = "0.0.0.0:0".parse().unwrap();
    let refused = Server::start(config).await.err().unwrap();
    assert!(matches!(refused, StartError::NotLoopback(_)));
    assert!(refused.to_string().contains("--allow-remote"), "{refused}");
}

#[tokio::test]
async fn a_stopped_server_is_gone_even_for_clients_that_are_still_connected() {
    let sandbox = Sandbox::start().await;
    sandbox.pass(json!([])).await;
    let url = format!("{}/api", sandbox.server.url());
    sandbox.server.stop().await;
    assert!(sandbox.client.post(url).send().await.is_err());
}

#[tokio::test]
async fn versions_made_at_the_same_time_get_different_numbers() {
    let sandbox = Sandbox::start().await;
    let asset = sandbox.asset().await;
    let batches = (0..8).map(|_| sandbox.pass(json!([create("AssetVersion", json!({"asset_id": asset}))])));
    let answers = futures_util::future::join_all(batches).await;
    let mut numbers: Vec<_> = answers.iter().map(|answer| answer[0]["data"]["version"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn a_body_that_is_not_a_list_of_operations_is_refused_kindly() {
    let sandbox = Sandbox::start().await;
    sandbox.fail(json!({"action": "query"}), "ValidationError").await;
    sandbox.fail(json!(["query"]), "ValidationError").await;
}

#[tokio::test]
async fn pages_of_other_origins_cannot_use_a_viewers_session() {
    let sandbox = Sandbox::start().await;
    for (origin, is_allowed) in [("http://localhost:5173", true), ("https://example.com", false), ("null", false)] {
        let request = sandbox.client.request(reqwest::Method::OPTIONS, format!("{}/api", sandbox.server.url()));
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        let response = request.header("access-control-request-headers", "ftrack-user").send().await.unwrap();
        assert_eq!(response.headers().contains_key("access-control-allow-origin"), is_allowed, "{origin}");
    }
}
