//! The API client against servers that behave and servers that do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests

mod ftrack_support;

use ftrack_support::{Act, KEY, Lines, Request, Server, answer, client, config};
use ftreview::ftrack::{Client, Committed, Filter, Operation, Query};
use ftreview::session::log::Log;
use ftreview::session::{Code, Error};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use url::Url;

fn query() -> Query {
    Query::select(&["id"], "Task").filter(Filter::equals("name", "comp"))
}

fn read() -> [Operation; 1] {
    [Operation::query(&query())]
}

fn write() -> [Operation; 1] {
    [Operation::create("Asset", "a1", serde_json::Map::new())]
}

fn rows(rows: serde_json::Value) -> serde_json::Value {
    json!([{"action": "query", "data": rows, "metadata": {"next": {"offset": null}}}])
}

fn good(body: serde_json::Value) -> Act {
    Act::Answer(answer(200, body))
}

async fn fails_with(act: Act) -> Error {
    let server = Server::acting([act]).await;
    client(&server.url).call(&read()).await.expect_err("an error")
}

#[tokio::test]
async fn a_call_has_the_headers_of_the_protocol_and_the_operations_in_order() {
    let server = Server::answering(json!([{"version": "4.14"}, {"data": []}])).await;
    let mut config = config(&server.url);
    config.headers = vec![("X-Gateway".to_owned(), "studio".to_owned())];
    config.cookies = vec![("sid".to_owned(), "1".to_owned()), ("lb".to_owned(), "2".to_owned())];
    let operations = [Operation::query_server_information(&[]), Operation::query(&query())];
    let results = Client::new(config, Log::silent()).call(&operations).await.unwrap();
    assert_eq!(results, [json!({"version": "4.14"}), json!({"data": []})]);

    let request = server.seen().remove(0);
    assert_eq!(request.line, "POST /api HTTP/1.1");
    assert_eq!(request.json(), json!(operations));
    for (name, value) in [
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("ftrack-user", "ada@studio.example"),
        ("ftrack-api-key", KEY),
        ("ftrack-strict-api", "true"),
        ("ftrack-clienttoken", "ftreview--1"),
        ("x-gateway", "studio"),
        ("cookie", "sid=1; lb=2"),
        ("user-agent", concat!("ftreview/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_server_below_a_path_is_called_below_that_path() {
    let server = Server::answering(rows(json!([]))).await;
    client(&server.url.join("/ftrack/?x=1").unwrap()).call(&read()).await.unwrap();
    assert_eq!(server.seen()[0].line, "POST /ftrack/api HTTP/1.1");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_nothing_of_the_session_reaches_its_target() {
    let other = Server::answering(rows(json!([]))).await;
    let moved = answer(302, "").with("Location", &format!("{}api?token=1", other.url));
    let error = fails_with(Act::Answer(moved)).await;
    assert_eq!(error.code, Code::WrongServer);
    assert!(error.message.contains(other.url.as_str().trim_end_matches('/')), "{error}");
    assert!(!error.message.contains("token"), "{error}");
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn storage_requests_carry_nothing_of_the_session() {
    let server = Server::answering(rows(json!([]))).await;
    let store = Server::acting([Act::Answer(answer(200, "").with("Set-Cookie", "store=1"))]).await;
    let mut config = config(&server.url);
    config.headers = vec![("X-Gateway".to_owned(), "studio".to_owned())];
    config.cookies = vec![("sid".to_owned(), "1".to_owned())];
    let client = Client::new(config, Log::silent());
    client.call(&read()).await.unwrap();
    let http = client.http().await.unwrap();
    for _ in 0..2 {
        http.client().put(store.url.clone()).send().await.unwrap();
    }
    for request in store.seen() {
        let mut names: Vec<String> = request.headers.iter().map(|(name, _)| name.to_lowercase()).collect();
        names.sort();
        // Accept is sent by the HTTP client and says "anything".
        assert_eq!(names, ["accept", "host"], "{request:?}");
    }
    assert!(server.seen().iter().all(|request| !request.header("cookie").unwrap().contains("store")));
}

#[tokio::test]
async fn an_exception_is_found_in_place_of_the_results_and_inside_them_whatever_the_status() {
    let exception =
        json!({"exception": "ValidationError", "content": "name is too long", "error_code": "invalid_name"});
    for (status, body) in
        [(200, exception.clone()), (400, exception.clone()), (200, json!([exception])), (500, json!([exception]))]
    {
        let error = fails_with(Act::Answer(answer(status, &body))).await;
        assert_eq!(error.code, Code::Validation, "{status} {body}");
        assert_eq!(error.details.http_status, Some(status));
        assert_eq!(error.details.exception.as_deref(), Some("ValidationError"));
        assert_eq!(error.details.error_code.as_deref(), Some("invalid_name"));
        assert!(error.message.contains("name is too long"), "{error}");
        assert!(!error.details.outcome_unknown);
    }
}

#[tokio::test]
async fn an_answer_with_other_than_one_result_an_operation_is_malformed() {
    for body in [json!([]), json!([{"data": []}, {"data": []}])] {
        let error = fails_with(good(body)).await;
        assert_eq!(error.code, Code::MalformedAnswer);
    }
}

#[tokio::test]
async fn a_key_that_the_server_repeats_reaches_no_message_and_no_log_line() {
    let body = json!({"exception": "InvalidCredentialsError", "content": format!("key {KEY} is not valid")});
    for answer in [answer(200, body), answer(500, format!("<title>{KEY}</title>"))] {
        let server = Server::acting([Act::Answer(answer)]).await;
        let lines = Lines::default();
        let error = Client::new(config(&server.url), lines.log()).call(&read()).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(KEY), "{error:?}");
        assert!(lines.text().contains("query failed"), "{}", lines.text());
        assert!(!lines.text().contains(KEY), "{}", lines.text());
    }
}

#[tokio::test]
async fn an_answer_larger_than_the_limit_is_refused_unread() {
    let error = fails_with(Act::Raw("HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n[")).await;
    assert_eq!(error.code, Code::WrongServer);
    assert!(error.message.contains("64 MiB"), "{error}");
}

#[tokio::test]
async fn what_does_not_speak_http_is_the_wrong_server() {
    let error = fails_with(Act::Raw("220 mail.example ESMTP\r\n")).await;
    assert_eq!(error.code, Code::WrongServer, "{error}");
}

#[tokio::test]
async fn reads_are_repeated_where_it_may_help_and_single_calls_never() {
    let busy = Act::Answer(answer(503, "<title>Maintenance</title>").with("Retry-After", "0"));
    for failure in [busy, Act::Close, Act::Reset(0), Act::CutOff(answer(200, rows(json!([]))))] {
        let acts = [failure.clone(), good(rows(json!([{"id": "t1"}])))];
        let server = Server::acting(acts.clone()).await;
        let found = client(&server.url).query(&query()).await.unwrap();
        assert_eq!(found, [json!({"id": "t1"})], "{failure:?}");
        assert_eq!(server.seen().len(), 2);

        let server = Server::acting(acts).await;
        client(&server.url).call(&read()).await.unwrap_err();
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_refusal_is_not_repeated() {
    let refused = json!({"exception": "PermissionError", "content": "not allowed"});
    let server = Server::answering(refused).await;
    let error = client(&server.url).call_repeatable(&read()).await.unwrap_err();
    assert_eq!(error.code, Code::Permission);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_server_that_asks_for_a_long_wait_is_told_at_once_with_the_wait() {
    let server = Server::acting([Act::Answer(answer(429, "slow down").with("Retry-After", "3600"))]).await;
    let error = client(&server.url).call_repeatable(&read()).await.unwrap_err();
    assert_eq!(error.code, Code::ServerBusy);
    assert_eq!(error.details.retry_after, Some(Duration::from_secs(3600)));
    assert_eq!(server.seen().len(), 1);
}

/// A server on which creates act by a list, and queries find something once `applied` creates have been seen.
async fn server_with_state(creates: Vec<Act>, applied_from: usize) -> Server {
    let seen = AtomicUsize::new(0);
    Server::deciding(move |request: &Request| {
        // Only the length is known when the server decides; creates and queries differ in it.
        let is_write =
            request.header("content-length") == Some(&serde_json::to_vec(&write()).unwrap().len().to_string());
        match is_write {
            true => creates[seen.fetch_add(1, Ordering::SeqCst).min(creates.len() - 1)].clone(),
            false if seen.load(Ordering::SeqCst) >= applied_from => good(rows(json!([{"id": "a1"}]))),
            false => good(rows(json!([]))),
        }
    })
    .await
}

fn creates(server: &Server) -> usize {
    server.seen().iter().filter(|request| request.json()[0]["action"] == "create").count()
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_not_repeated_if_the_server_has_done_it() {
    for lost in [Act::Close, Act::Reset(usize::MAX), Act::Answer(answer(504, "<title>Gateway Timeout</title>"))] {
        let server = server_with_state(vec![lost.clone()], 1).await;
        let client = client(&server.url);
        // Spawned, as a session does: futures of the client can be sent between threads.
        let committed = tokio::spawn(async move { client.commit(&write(), &query()).await }).await.unwrap().unwrap();
        assert_eq!(committed, Committed::Before(vec![json!({"id": "a1"})]), "{lost:?}");
        assert_eq!(creates(&server), 1);
    }
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_repeated_if_the_server_has_not_done_it() {
    let done = json!([{"action": "create", "data": {"id": "a1"}}]);
    let server = server_with_state(vec![Act::Close, good(done.clone())], 2).await;
    let committed = client(&server.url).commit(&write(), &query()).await.unwrap();
    assert_eq!(committed, Committed::Now(done.as_array().unwrap().clone()));
    assert_eq!(creates(&server), 2);
}

#[tokio::test]
async fn a_write_that_was_done_after_all_is_found_when_its_repetition_is_a_duplicate() {
    let duplicate = json!({"exception": "IntegrityError", "content": "DuplicateEntryError: a1 exists"});
    let server = server_with_state(vec![Act::Close, good(duplicate)], 2).await;
    let committed = client(&server.url).commit(&write(), &query()).await.unwrap();
    assert_eq!(committed, Committed::Before(vec![json!({"id": "a1"})]));
}

#[tokio::test]
async fn a_write_after_which_nobody_can_be_asked_has_an_unknown_outcome() {
    let refused = good(json!({"exception": "PermissionError", "content": "no"}));
    let server = Server::acting([Act::Close, refused]).await;
    let error = client(&server.url).commit(&write(), &query()).await.unwrap_err();
    assert_eq!(error.code, Code::ConnectionLost);
    assert!(error.details.outcome_unknown);
    assert_eq!(creates(&server), 1);
}

#[tokio::test]
async fn a_duplicate_that_is_not_our_own_is_an_error() {
    let duplicate = json!({"exception": "DuplicateEntryError", "content": "the name is taken"});
    let server = server_with_state(vec![good(duplicate)], usize::MAX).await;
    let error = client(&server.url).commit(&write(), &query()).await.unwrap_err();
    assert_eq!(error.code, Code::Duplicate);
    assert_eq!(creates(&server), 1);
}

#[tokio::test]
async fn the_first_call_tells_version_user_and_storage() {
    let information = json!([{"version": "4.14.2", "storage_scenario": {"scenario": "ftrack.server"},
                              "user_information": {"id": "u1", "username": "ada"}}]);
    let server = Server::answering(information.clone()).await;
    let told = client(&server.url).server_information().await.unwrap();
    assert_eq!(told.version, "4.14.2");
    assert_eq!(told.user_id.as_deref(), Some("u1"));
    assert_eq!(told.user_name.as_deref(), Some("ada"));
    assert_eq!(told.storage_scenario.as_deref(), Some("ftrack.server"));
    assert_eq!(told.raw, information[0]);
}

#[tokio::test]
async fn an_older_server_that_knows_not_every_name_is_asked_for_what_it_has() {
    let unknown = json!({"exception": "ValidationError", "content": "user_information"});
    let server = Server::acting([good(unknown), good(json!([{"version": "3.5.1"}]))]).await;
    let told = client(&server.url).server_information().await.unwrap();
    assert_eq!(told.version, "3.5.1");
    assert!(server.seen()[1].json()[0].get("values").is_none());
}

#[tokio::test]
async fn what_is_no_ftrack_server_is_recognised_and_the_address_named() {
    for act in [
        Act::Answer(answer(404, "<title>Not Found</title>")),
        Act::Answer(answer(200, "<html><title>Guest Wi-Fi: please sign in</title></html>")),
        Act::Answer(answer(403, "<title>Access denied by gateway</title>")),
        good(json!([{"hello": "world"}])),
    ] {
        let server = Server::acting([act.clone()]).await;
        let error = client(&server.url).server_information().await.unwrap_err();
        assert_eq!(error.code, Code::WrongServer, "{act:?}");
        assert!(error.message.contains(&format!("{}api", server.url)), "{error}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable_and_named_with_its_port() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = format!("http://127.0.0.1:{port}");
    for url in [refused.as_str(), "http://no-such-host.invalid:8080"] {
        let url = Url::parse(url).unwrap();
        let error = client(&url).call(&read()).await.unwrap_err();
        assert_eq!(error.code, Code::Unreachable, "{error}");
        let place = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        assert!(error.message.contains(&place), "{error}");
        assert!(!error.details.outcome_unknown);
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_a_timeout_with_an_unknown_outcome() {
    let server = Server::acting([Act::Stall(0)]).await;
    let mut config = config(&server.url);
    config.timeout = Duration::from_millis(200);
    let error = Client::new(config, Log::silent()).call(&read()).await.unwrap_err();
    assert_eq!(error.code, Code::NetworkTimeout);
    assert!(error.details.outcome_unknown);
}

#[tokio::test]
async fn a_refusal_counts_by_its_status_also_when_its_words_were_cut_off() {
    let gateway = answer(403, "<html><title>Access denied by gateway</title></html>");
    let denied = answer(401, json!({"exception": "InvalidCredentialsError", "content": "no"}));
    for (act, code) in [
        (Act::CutOff(gateway.clone()), Code::WrongServer),
        (Act::AnswerAndLeave(gateway), Code::WrongServer),
        (Act::AnswerAndLeave(denied), Code::Unauthorised),
        (Act::CutOff(answer(504, "<title>Gateway Timeout</title>")), Code::ServerError),
    ] {
        let error = fails_with(act.clone()).await;
        assert_eq!(error.code, code, "{act:?} {error}");
    }
}

#[tokio::test]
async fn a_lost_connection_leaves_the_outcome_unknown() {
    for act in [Act::Close, Act::Reset(5), Act::CutOff(answer(200, "[{\"data\": []}]"))] {
        let error = fails_with(act.clone()).await;
        assert_eq!(error.code, Code::ConnectionLost, "{act:?} {error}");
        assert!(error.details.outcome_unknown);
    }
}

#[tokio::test]
async fn a_wrong_option_is_told_by_every_call_and_the_key_is_not() {
    let server = Server::answering(rows(json!([]))).await;
    let mut config = config(&server.url);
    config.api_key = format!("{KEY}\n").into();
    let client = Client::new(config, Log::silent());
    for _ in 0..2 {
        let error = client.call(&read()).await.unwrap_err();
        assert_eq!(error.code, Code::InvalidArgument);
        assert!(error.message.starts_with("api_key: ") && !error.message.contains(KEY), "{error}");
    }
    assert!(server.seen().is_empty());
}
