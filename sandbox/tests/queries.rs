//! What the query language finds, and how it refuses.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Sandbox, create, new_id};
use serde_json::{Value, json};

#[tokio::test]
async fn every_operator_finds_what_it_says() {
    let sandbox = Sandbox::start().await;
    let cases: &[(&str, &[&str])] = &[
        ("select name from Shot where name is sh010", &["sh010"]),
        ("select name from Shot where name = \"sh010\"", &["sh010"]),
        ("select name from Shot where name is_not sh010", &["sh020", "sh030"]),
        ("select name from Shot where name != 'sh010'", &["sh020", "sh030"]),
        ("select name from Shot where name like \"sh_2%\"", &["sh020"]),
        ("select name from Shot where name not_like \"%20\"", &["sh010", "sh030"]),
        ("select name from Shot where name in (sh030, \"sh010\")", &["sh010", "sh030"]),
        ("select name from Shot where name not_in (sh030, sh010)", &["sh020"]),
        ("select name from Status where sort > 6", &["On Hold", "Omitted"]),
        ("select name from Status where sort >= 6 and sort less_than 8", &["Completed", "On Hold"]),
        ("select name from Status where sort <= 0", &["Not started"]),
        ("select name from Status where sort < 2 or name is Omitted", &["Not started", "Ready to start", "Omitted"]),
        ("select name from ObjectType where is_leaf is true", &["Task", "Milestone"]),
        ("select name from Shot where created_at after 2001-01-01 and name is sh020", &["sh020"]),
        ("select name from Shot where created_at before \"2001-01-01T10:00:00\"", &[]),
        ("select name from Shot where description is none and name is sh020", &["sh020"]),
        ("select name from Shot where parent.name is sq010 and not name in (sh010, sh020)", &["sh030"]),
        ("select name from Shot where parent.parent.name is demo limit 1", &["sh010"]),
        ("select name from Sequence where children any (name is sh010)", &["sq010"]),
        ("select name from Sequence where children.name is sh010", &["sq010"]),
        ("select name from Shot where assets any ()", &[]),
        ("select name from Shot where not assets any () and name like \"%1%\"", &["sh010"]),
        ("select name from Shot where project has (name is pilot)", &[]),
        (
            "select name from Task where ancestors any (name is robot) order by name",
            &["modeling", "modeling", "rigging"],
        ),
        ("select name from TypedContext where descendants any (name is rigging)", &["assets", "robot"]),
        ("select name from Project where descendants any (name is lighting)", &["demo"]),
        (
            "select name from Shot where id in (select parent_id from Task where name is lighting) and name is sh030",
            &["sh030"],
        ),
        ("select name from Shot where name is a or name is sh010 and name is b or name is sh020", &["sh020"]),
        ("select name from Shot where (name is sh010 or name is sh020) and name is sh020", &["sh020"]),
        ("select name from Shot order by name desc", &["sh030", "sh020", "sh010"]),
        ("select name from Shot order by parent.name, name desc offset 1 limit 1", &["sh020"]),
        ("SELECT name FROM Shot WHERE name IS sh010 ORDER BY name ASC", &["sh010"]),
        ("Project", &["demo", "pilot"]),
        ("Project where status is \"active\" and full_name is 'Pilot'", &["pilot"]),
    ];
    for (expression, names) in cases {
        assert_eq!(sandbox.names(expression).await, *names, "{expression}");
    }
}

#[tokio::test]
async fn quotes_and_back_slashes_in_values_do_no_harm() {
    let sandbox = Sandbox::start().await;
    let name = "it's \"5\\6\"; drop table asset_type; -- limit 5";
    sandbox.pass(json!([create("AssetType", json!({"name": name, "short": "odd"}))])).await;
    let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
    assert_eq!(sandbox.names(&format!("select name from AssetType where name is \"{escaped}\"")).await, [name]);
}

#[tokio::test]
async fn a_query_for_contexts_tells_what_each_one_is() {
    let sandbox = Sandbox::start().await;
    for (name, entity_type) in [("demo", "Project"), ("sq010", "Sequence"), ("sh010", "Shot"), ("rigging", "Task")] {
        let found = sandbox.query(&format!("Context where name is {name}")).await;
        assert_eq!(found[0]["__entity_type__"], entity_type);
    }
}

#[tokio::test]
async fn projections_reach_through_relations_and_collections() {
    let sandbox = Sandbox::start().await;
    let found = sandbox
        .query(
            "select name, status.state.short, parent.parent.name, ancestors.name, \
             project.project_schema.asset_version_workflow_schema.statuses.name from Task where name is rigging",
        )
        .await;
    let task = &found[0];
    let names = |list: &Value| list.as_array().unwrap().iter().map(|one| one["name"].clone()).collect::<Vec<_>>();
    assert_eq!(task["status"]["state"]["short"], "NOT_STARTED");
    assert_eq!(names(&task["ancestors"]), ["assets", "robot"]);
    let statuses = &task["project"]["project_schema"]["asset_version_workflow_schema"]["statuses"];
    assert_eq!(names(statuses), ["Pending Review", "In Progress", "Changes Required", "Approved", "Omitted"]);
}

#[tokio::test]
async fn a_relation_that_leads_nowhere_is_null() {
    let sandbox = Sandbox::start().await;
    let found = sandbox.query("select thumbnail.name, thumbnail_url from Project where name is demo").await;
    assert_eq!(found[0]["thumbnail"], Value::Null);
    assert_eq!(found[0]["thumbnail_url"]["value"], Value::Null);
}

#[tokio::test]
async fn strict_answers_hold_what_was_asked_for_and_others_hold_what_real_servers_add() {
    let sandbox = Sandbox::start().await;
    let query = json!([{"action": "query", "expression": "select name from Task limit 1"}]);
    let cases: [(&str, &[&str]); 2] = [
        ("true", &["__entity_type__", "id", "name"]),
        ("false", &["__entity_type__", "context_type", "id", "name", "object_type_id", "project_id"]),
    ];
    for (strict, expected) in cases {
        let request = sandbox.request(&query).header("ftrack-user", "demo").header("ftrack-strict-api", strict);
        let key = ftreview_sandbox::config::DEMO_KEY;
        let answer: Value = request.header("ftrack-api-key", key).send().await.unwrap().json().await.unwrap();
        let mut names: Vec<_> = answer[0]["data"][0].as_object().unwrap().keys().cloned().collect();
        names.sort();
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn a_full_page_tells_where_the_next_one_begins() {
    let sandbox = Sandbox::start().await;
    let cases =
        [("limit 2", json!(2)), ("offset 2 limit 2", json!(null)), ("offset 1 limit 1", json!(2)), ("", json!(null))];
    for (page, next) in cases {
        let expression = format!("select name from Shot order by name {page}");
        let answer = sandbox.pass(json!([{"action": "query", "expression": expression}])).await;
        assert_eq!(answer[0]["metadata"]["next"]["offset"], next, "{page}");
    }
}

#[tokio::test]
async fn a_list_may_be_long() {
    let sandbox = Sandbox::start().await;
    let shot = sandbox.id("select id from Shot where name is sh020").await;
    let mut ids: Vec<_> = (0..5000).map(|_| new_id()).collect();
    ids.push(shot);
    assert_eq!(sandbox.names(&format!("select name from Shot where id in ({})", ids.join(", "))).await, ["sh020"]);
}

#[tokio::test]
async fn a_wrong_query_is_told_where_and_what_was_expected() {
    let sandbox = Sandbox::start().await;
    for (expression, position, text) in [
        ("", 1, "an entity type"),
        ("select from Task", 13, "\"from\""),
        ("select name Task", 13, "\"from\""),
        ("select name from Nope", 18, "Nope"),
        ("select colour from Task", 8, "Task has no attribute \"colour\""),
        ("select status.colour from Task", 8, "Status has no attribute"),
        ("select name.length from Task", 8, "does not lead"),
        ("Task where name", 16, "an operator"),
        ("Task where name is", 19, "a value"),
        ("Task where name equals x", 17, "an operator"),
        ("Task where (name is x", 22, "\")\""),
        ("Task where name is \"x", 20, "no closing"),
        ("Task where name in x", 20, "\"(\""),
        ("Task where name in (none)", 21, "is none"),
        ("Task where name > none", 19, "is_not"),
        ("Task where name is x y", 22, "\"and\""),
        ("Task limit many", 12, "a whole number"),
        ("Task where bid > big", 18, "a number"),
        ("Task where created_at > soon", 25, "a time"),
        ("Task where status any (name is x)", 12, "\"has\""),
        ("Task where assets has (name is x)", 12, "\"any\""),
        ("Task where assets is x", 12, "any"),
        ("Task where link is x", 12, "searched"),
        ("Task where id in (select id, name from Task)", 40, "exactly one"),
    ] {
        let content = sandbox.fail(json!([{"action": "query", "expression": expression}]), "ParseError").await;
        assert!(content.contains(&format!("character {position}:")), "{expression}: {content}");
        assert!(content.contains(text), "{expression}: {content}");
    }
}

#[tokio::test]
async fn a_mangled_query_is_answered_or_refused_but_never_breaks_the_server() {
    let seeds = [
        "select name, parent.name from Task where (name is \"a\\\"b\" or not bid > 1.5) and ancestors any (name like 'x%')",
        "TypedContext where id in (select parent_id from Task where status.name not_in (a, 'b')) order by name desc limit 3",
        "AssetVersion where components any () and asset.parent.project has (name is none) offset 1",
    ];
    let sandbox = Sandbox::start().await;
    let caller = sandbox.server.state().auth.user_by_key("demo", ftreview_sandbox::config::DEMO_KEY).await.unwrap();
    let caller = caller.unwrap();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for round in 0..1500 {
        let mut text: Vec<char> = seeds[round % seeds.len()].chars().collect();
        for _ in 0..=random.below(3) {
            let at = random.below(text.len());
            let other = random.below(text.len());
            match random.below(4) {
                0 => drop(text.remove(at)),
                1 => text.insert(at, ['(', ')', '"', '\'', '\\', ',', '.', '=', 'é', '\0'][random.below(10)]),
                2 => text.swap(at, other),
                _ => text.truncate(at.max(1)),
            }
            if text.is_empty() {
                text.push('x');
            }
        }
        let expression: String = text.into_iter().collect();
        let operation = json!({"action": "query", "expression": expression});
        if let Err(error) = sandbox.server.state().call(&caller, Default::default(), vec![operation], false).await {
            assert_eq!(error.exception, ftreview_sandbox::error::Exception::Parse, "{expression:?}: {error}");
        }
    }
}

#[tokio::test]
async fn brackets_cannot_be_nested_until_the_stack_is_full() {
    let sandbox = Sandbox::start().await;
    for expression in [
        format!("Task where {}name is x", "(".repeat(100_000)),
        format!("Task where {}name is x", "not ".repeat(100_000)),
        format!("Task where name is x{}", " or name is x".repeat(10_000)),
        format!("Task where {}name is x", "parent.".repeat(10_000)),
        format!("select {}name from Task", "parent.".repeat(10_000)),
    ] {
        sandbox.fail(json!([{"action": "query", "expression": expression}]), "ParseError").await;
    }
}

#[tokio::test]
async fn search_finds_by_part_of_the_name_within_a_context() {
    let sandbox = Sandbox::start().await;
    let project = sandbox.id("select id from Project where name is demo").await;
    let operation = json!({"action": "search", "entity_type": "Shot", "terms": ["h0", "20"], "context_id": project,
        "expression": "select name from Shot"});
    let answer = sandbox.pass(json!([operation])).await;
    assert_eq!(answer[0]["data"].as_array().unwrap().len(), 1);
    assert_eq!(answer[0]["data"][0]["name"], "sh020");
}

/// Xorshift: the same mangled queries each time, so that a failure can be run again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}
