//! What the language of subscriptions means.

use serde_json::json;

use super::*;

fn holds(expression: &str) -> bool {
    let event = json!({
        "topic": "ftrack.update",
        "source": {"id": "5f0c6a0e-9d", "user": {"username": "jane"}, "applicationId": "ftrack.client.web"},
        "target": "",
        "data": {"count": 7, "rate": 23.976, "done": true, "nothing": null, "text": "two words", "list": [1], "not": "x"},
    });
    Expression::parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}")).matches(&event)
}

#[test]
fn conditions_hold_for_what_they_say() {
    for expression in [
        "topic=ftrack.update",
        "  topic = ftrack.update ",
        "topic='ftrack.update'",
        "topic=\"ftrack.update\"",
        "source.user.username=jane",
        "source.id=5f0c6a0e-9d",
        "data.text=\"two words\"",
        "topic!=ftrack.action",
        "topic>=ftrack.update and topic<=ftrack.update and topic>a and topic<g",
        "target=''",
        "data.not=x",
    ] {
        assert!(holds(expression), "{expression}");
    }
}

#[test]
fn a_star_at_the_end_is_a_prefix_and_nothing_else() {
    assert!(holds("topic=*") && holds("topic=ftrack.*") && holds("topic=\"ftrack.up*\"") && holds("data.count=7*"));
    assert!(!holds("topic=update*") && !holds("topic=*update") && !holds("topic!=\"ftrack.update\""));
    assert!(holds("topic!=ftrack.*"), "only after =");
}

#[test]
fn a_missing_key_is_false_whatever_the_operator() {
    for operator in ["=", "!=", "<", "<=", ">", ">="] {
        assert!(!holds(&format!("no.such.key{operator}x")), "{operator}");
        assert!(!holds(&format!("topic.deeper{operator}x")), "{operator}");
        assert!(holds(&format!("not no.such.key{operator}x")), "{operator}");
    }
    assert!(!holds("missing=*"));
}

#[test]
fn numbers_compare_as_numbers_and_never_fail() {
    assert!(holds("data.count=7") && holds("data.count=7.0") && holds("data.count<10") && holds("data.rate>23.97"));
    assert!(!holds("data.count>10") && !holds("data.count=07x") && !holds("data.count<jane"));
    assert!(holds("data.count!=jane"));
    assert!(holds("data.done=true") && !holds("data.done=false") && holds("data.done!=false"));
    assert!(!holds("data.nothing=null") && holds("data.nothing!=x") && !holds("data.list=1") && !holds("data.list<2"));
}

#[test]
fn not_binds_tighter_than_and_and_and_tighter_than_or() {
    assert!(holds("topic=a and topic=b or topic=ftrack.update"));
    assert!(holds("topic=ftrack.update or topic=a and topic=b"));
    assert!(!holds("(topic=ftrack.update or topic=a) and topic=b"));
    assert!(holds("not topic=a and topic=ftrack.update"));
    assert!(!holds("not (topic=a or topic=ftrack.update)"));
    assert!(holds("NOT topic=a AND NOT NOT Topic!=x OR topic=ftrack.update"));
    assert!(holds("not(topic=a)and(topic=ftrack.update)"));
}

#[test]
fn what_cannot_be_read_is_refused_with_the_place() {
    for (expression, place) in [
        ("", "at character 1: expected a key"),
        ("   ", "at character 4: expected a key"),
        ("topic", "at character 6: expected one of"),
        ("topic=", "at character 7: expected a value"),
        ("topic=two words", "at character 11: expected \"and\""),
        ("topic='open", "at character 8: expected a closing quote"),
        ("(topic=a", "at character 9: expected \"and\", \"or\" or \")\""),
        ("topic=a)", "at character 8: expected"),
        ("topic=a and", "at character 12: expected a key"),
        ("topic=é", "at character 7: expected a value"),
        ("tópic=a", "at character 2: expected one of"),
        ("=a", "at character 1: expected a key"),
    ] {
        let error = Expression::parse(expression).unwrap_err();
        assert!(error.starts_with(place), "{expression:?}: {error}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{}a=b{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Expression::parse(&nested(60)).is_ok());
    assert!(Expression::parse(&nested(100_000)).unwrap_err().contains("nested deeper"));
    assert!(Expression::parse(&format!("{}a=b", "not ".repeat(100_000))).unwrap_err().contains("nested deeper"));
}
