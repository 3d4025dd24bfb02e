//! What is read of the process's environment. Each case is a process of its own: this test program, started again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests

mod ftrack_support;

use ftrack_support::{Server, client};
use ftreview::ftrack::Environment;
use secrecy::ExposeSecret;
use serde_json::json;
use std::process::Command;

/// Runs in the process with the variables; does nothing anywhere else.
#[test]
#[ignore = "run by the other tests of this program"]
fn child() {
    let environment = Environment::capture();
    let proxies = [&environment.https_proxy, &environment.http_proxy, &environment.all_proxy];
    let proxies = proxies.map(|proxy| proxy.as_ref().map(|proxy| proxy.expose_secret().to_owned()));
    println!("proxies {proxies:?} {:?}", environment.no_proxy);
    let Environment { ssl_cert_file, ssl_cert_dir, requests_ca_bundle, .. } = &environment;
    println!("certificates {ssl_cert_file:?} {ssl_cert_dir:?} {requests_ca_bundle:?}");
    println!("debug {environment:?}");
}

/// Calls a server of its own with a configuration that captured nothing.
#[tokio::test]
#[ignore = "run by the other tests of this program"]
async fn calling_child() {
    let server = Server::answering(json!([{"version": "4.14"}])).await;
    client(&server.url).server_information().await.unwrap();
    println!("called {} times", server.seen().len());
}

fn captured(variables: &[(&str, &str)]) -> String {
    run("child", variables)
}

fn run(child: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", child, "--ignored", "--nocapture"]).env_clear().envs(variables.iter().copied());
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn a_call_depends_on_what_was_captured_and_not_on_the_environment_of_the_moment() {
    let nowhere = "http://127.0.0.1:1";
    let text = run("calling_child", &[("HTTP_PROXY", nowhere), ("http_proxy", nowhere), ("ALL_PROXY", nowhere)]);
    assert!(text.contains("called 1 times"), "{text}");
}

#[test]
fn nothing_is_captured_where_nothing_or_empty_text_is_set() {
    for variables in [&[][..], &[("HTTPS_PROXY", ""), ("NO_PROXY", " "), ("SSL_CERT_FILE", "")]] {
        let text = captured(variables);
        assert!(text.contains("proxies [None, None, None] None"), "{text}");
        assert!(text.contains("certificates None None None"), "{text}");
    }
}

#[test]
fn upper_case_goes_before_lower_case_and_each_is_read() {
    let text = captured(&[
        ("HTTPS_PROXY", "http://upper"),
        ("https_proxy", "http://lower"),
        ("http_proxy", "http://plain"),
        ("ALL_PROXY", "http://all"),
        ("no_proxy", "localhost"),
        ("SSL_CERT_FILE", "None"),
        ("SSL_CERT_DIR", "/a:/b"),
        ("REQUESTS_CA_BUNDLE", "/c.pem"),
    ]);
    let proxies = r#"[Some("http://upper"), Some("http://plain"), Some("http://all")] Some("localhost")"#;
    assert!(text.contains(proxies), "{text}");
    assert!(text.contains(r#"certificates Some("None") Some("/a:/b") Some("/c.pem")"#), "{text}");
}

#[test]
fn a_proxys_password_is_not_in_debug_output() {
    let text = captured(&[("HTTPS_PROXY", "http://ada:hunter2@proxy:3128")]);
    let debug = text.lines().find(|line| line.starts_with("debug")).unwrap();
    assert!(debug.contains("REDACTED") && !debug.contains("hunter2"), "{debug}");
}
