//! What subscriptions and targets say: `topic=ftrack.update and not source.user.username="ada"`.
//!
//! Conditions compare text. A value of the event that is no text is never equal to what the expression names, never less and
//! never greater, and always unequal; a condition on a key that the event does not have is false, also with `!=`.
//! These are the rules of the official Python client, without its defects (protocol reference, 2.5). Where the two differ, as
//! tests/peers/python/test_hub_expressions.py holds them to, there:
//!
//! - a `*` at the end of a value is found anywhere in the text, while it is documented, and taken here, as a prefix;
//! - the same in a list or an object is looked for among its members or keys, and with a number ends in a `TypeError`;
//! - `<`, `<=`, `>` and `>=` with what is no text end in a `TypeError`, and with that the dispatch of the event;
//! - an empty value in quotes after `=` ends in an `IndexError` likewise; here it is equal to empty text;
//! - a tab inside quotes is read as spaces up to the next multiple of eight; here it is a tab;
//! - `inReplyToEvent` is known only as `in_reply_to_event`; here by both names;
//! - parentheses and `not` may be nested until Python's stack ends; here [`EXPRESSION_DEPTH`] deep.
//!
//! [`EXPRESSION_DEPTH`]: crate::session::policy::EXPRESSION_DEPTH

use super::parser;
use crate::session::Result;
use serde_json::Value;
use std::cmp::Ordering;

/// An expression that was understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// All of them.
    And(Vec<Expression>),
    /// At least one of them.
    Or(Vec<Expression>),
    /// Not this.
    Not(Box<Expression>),
    /// One key compared with one value.
    Condition(Condition),
}

/// `key operator value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The key, a part a step into the object.
    pub key: Vec<String>,
    /// How the two are compared.
    pub operator: Operator,
    /// What the key's value is compared with.
    pub value: String,
}

/// How a key's value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`; a value that ends with `*` is a prefix.
    Equal,
    /// `!=`
    Unequal,
    /// `>=`
    GreaterOrEqual,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `<`
    Less,
}

impl Expression {
    /// Reads an expression. `argument` is its name in the error, which tells the position and what was expected there.
    pub fn parse(text: &str, argument: &str) -> Result<Expression> {
        parser::parse(text, argument)
    }

    /// Whether the object fulfils it: an event for a subscription, a subscriber for a target.
    pub fn matches(&self, object: &Value) -> bool {
        match self {
            Expression::And(all) => all.iter().all(|one| one.matches(object)),
            Expression::Or(any) => any.iter().any(|one| one.matches(object)),
            Expression::Not(one) => !one.matches(object),
            Expression::Condition(condition) => condition.matches(object),
        }
    }
}

impl Condition {
    fn matches(&self, object: &Value) -> bool {
        let mut value = object;
        for (depth, part) in self.key.iter().enumerate() {
            let found = value.as_object().and_then(|object| match object.get(part) {
                // The Python client's name for it, which its users write in expressions.
                None if depth == 0 && part == "in_reply_to_event" => object.get("inReplyToEvent"),
                found => found,
            });
            let Some(found) = found else { return false };
            value = found;
        }
        let Some(text) = value.as_str() else { return self.operator == Operator::Unequal };
        if self.operator == Operator::Equal
            && let Some(prefix) = self.value.strip_suffix('*')
        {
            return text.starts_with(prefix);
        }
        let order = text.cmp(self.value.as_str());
        match self.operator {
            Operator::Equal => order == Ordering::Equal,
            Operator::Unequal => order != Ordering::Equal,
            Operator::GreaterOrEqual => order != Ordering::Less,
            Operator::LessOrEqual => order != Ordering::Greater,
            Operator::Greater => order == Ordering::Greater,
            Operator::Less => order == Ordering::Less,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn matches(expression: &str, object: &Value) -> bool {
        Expression::parse(expression, "expression").unwrap().matches(object)
    }

    #[test]
    fn not_binds_closer_than_and_which_binds_closer_than_or() {
        let event = json!({"a": "1", "b": "2"});
        assert!(matches("a=1 or a=9 and b=9", &event));
        assert!(!matches("(a=1 or a=9) and b=9", &event));
        assert!(matches("not a=9 and b=2", &event));
        assert!(!matches("not (a=9 or b=2)", &event));
        assert!(matches("NOT NOT a=1 AnD b=2", &event));
    }

    #[test]
    fn a_star_is_a_prefix_only_at_the_end_and_only_with_equal() {
        let event = json!({"topic": "ftrack.update", "star": "ftrack.*"});
        assert!(matches("topic=ftrack.*", &event));
        assert!(matches("topic=*", &event));
        assert!(!matches("topic=update*", &event));
        assert!(!matches("topic=*.update", &event));
        assert!(matches("topic!=ftrack.*", &event));
        assert!(!matches("star!='ftrack.*'", &event));
    }

    #[test]
    fn keys_lead_into_objects_and_a_missing_one_makes_its_condition_false() {
        let event = json!({"source": {"user": {"username": "ada"}}, "list": ["x"], "inReplyToEvent": "7"});
        assert!(matches("source.user.username=ada", &event));
        for missing in ["a=b", "a!=b", "source.user.name!=x", "source.user.username.x=y", "list.0=x", "source..user=x"]
        {
            assert!(!matches(missing, &event), "{missing}");
            assert!(matches(&format!("not {missing}"), &event), "{missing}");
        }
        assert!(matches("in_reply_to_event=7 and inReplyToEvent=7", &event));
    }

    #[test]
    fn numbers_and_other_values_that_are_no_text_are_only_ever_unequal() {
        let event = json!({"n": 5, "yes": true, "none": null, "list": ["5"], "object": {"5": 1}});
        for key in ["n", "yes", "none", "list", "object"] {
            for operator in ["=", "<", ">", "<=", ">="] {
                assert!(!matches(&format!("{key}{operator}5"), &event), "{key}{operator}");
            }
            assert!(!matches(&format!("{key}=*"), &event), "{key}");
            assert!(matches(&format!("{key}!=5"), &event), "{key}");
        }
    }

    #[test]
    fn text_is_compared_by_its_characters() {
        let event = json!({"v": "b"});
        assert!(matches("v>a and v>=b and v<=b and v<c and not v<b and not v>b", &event));
        assert!(matches("v<'ä' and v>\"\"", &event));
    }
}
