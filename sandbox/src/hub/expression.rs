//! The language of subscriptions and targets, such as `topic=ftrack.update and (source.user.username="jane" or not data.n>5)`.
//!
//! A condition is a key with dots for nested objects, an operator (`=`, `!=`, `<`, `<=`, `>`, `>=`), and a value, bare or in
//! quotes without escapes. `not` binds tighter than `and`, `and` tighter than `or`. A condition on a key that is not there
//! is false. A value that ends in `*` and stands after `=` is a prefix. Numbers compare as numbers (the official manual,
//! and the Python client's event/expression.py where the manual is silent).

use std::cmp::Ordering;

use serde_json::Value;

use super::limits::EXPRESSION_DEPTH;

/// An expression that can be asked about objects.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// All of these.
    All(Vec<Expression>),
    /// At least one of these.
    Any(Vec<Expression>),
    /// Not this.
    Not(Box<Expression>),
    /// One key compared with one value.
    Condition {
        /// The way to the value, outermost first.
        path: Vec<String>,
        /// How they compare.
        operator: Operator,
        /// What it is compared with.
        value: String,
    },
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it all")]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The operators as they are written, longer ones first.
const OPERATORS: [(&str, Operator); 6] = [
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Expression {
    /// Reads an expression; the error says where it stops making sense and what was expected there.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { text, at: 0, depth: 0 };
        let expression = parser.any()?;
        match parser.rest() {
            "" => Ok(expression),
            _ => Err(parser.expected("\"and\", \"or\" or the end")),
        }
    }

    /// Whether it holds for the object.
    pub fn matches(&self, object: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(object)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(object)),
            Self::Not(part) => !part.matches(object),
            Self::Condition { path, operator, value } => {
                let found = path.iter().try_fold(object, |object, key| object.as_object()?.get(key));
                found.is_some_and(|found| compare(found, *operator, value))
            }
        }
    }
}

fn compare(found: &Value, operator: Operator, value: &str) -> bool {
    if let (Operator::Equal, Some(prefix)) = (operator, value.strip_suffix('*')) {
        return text(found).is_some_and(|text| text.starts_with(prefix));
    }
    let order = match found {
        Value::Number(number) => number.as_f64().zip(value.parse().ok()).and_then(|(a, b)| a.partial_cmp(&b)),
        Value::Bool(_) => text(found).filter(|text| text.eq_ignore_ascii_case(value)).map(|_| Ordering::Equal),
        Value::String(text) => Some(text.as_str().cmp(value)),
        _ => None,
    };
    match operator {
        Operator::Equal => order == Some(Ordering::Equal),
        Operator::NotEqual => order != Some(Ordering::Equal),
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessOrEqual => order.is_some_and(Ordering::is_le),
        Operator::Greater => order == Some(Ordering::Greater),
        Operator::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn any(&mut self) -> Result<Expression, String> {
        self.joined("or", Self::all, Expression::Any)
    }

    fn all(&mut self) -> Result<Expression, String> {
        self.joined("and", Self::one, Expression::All)
    }

    /// One part, or several with the word between them.
    fn joined(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<Expression, String>,
        join: fn(Vec<Expression>) -> Expression,
    ) -> Result<Expression, String> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.take_word(word) {
            parts.push(part(self)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { join(parts) })
    }

    fn one(&mut self) -> Result<Expression, String> {
        if self.depth == EXPRESSION_DEPTH {
            return Err(format!("at character {}: nested deeper than {EXPRESSION_DEPTH}", self.position()));
        }
        self.depth += 1;
        let one = self.nested();
        self.depth -= 1;
        one
    }

    fn nested(&mut self) -> Result<Expression, String> {
        if self.take("(") {
            let inner = self.any()?;
            return if self.take(")") { Ok(inner) } else { Err(self.expected("\"and\", \"or\" or \")\"")) };
        }
        // A key may be called "not".
        let start = self.at;
        if self.take_word("not") && self.operator().is_none() {
            return Ok(Expression::Not(Box::new(self.one()?)));
        }
        self.at = start;
        self.condition()
    }

    fn condition(&mut self) -> Result<Expression, String> {
        let key = self.take_while(is_key_character);
        if key.is_empty() {
            return Err(self.expected("a key, \"not\" or \"(\""));
        }
        let path = key.split('.').map(str::to_owned).collect();
        let operator = self.operator().ok_or_else(|| self.expected("one of = != < <= > >="))?;
        let value = self.value()?.to_owned();
        Ok(Expression::Condition { path, operator, value })
    }

    fn operator(&mut self) -> Option<Operator> {
        OPERATORS.iter().find(|(written, _)| self.take(written)).map(|(_, operator)| *operator)
    }

    fn value(&mut self) -> Result<&'t str, String> {
        for quote in ["\"", "'"] {
            if self.take(quote) {
                let rest = &self.text[self.at..];
                let end = rest.find(quote).ok_or_else(|| self.expected("a closing quote after this"))?;
                self.at += end + 1;
                return Ok(&rest[..end]);
            }
        }
        let value = self.take_while(is_bare_character);
        if value.is_empty() {
            Err(self.expected("a value, in quotes if it has spaces or other signs"))
        } else {
            Ok(value)
        }
    }

    /// What follows, without spaces in front.
    fn rest(&mut self) -> &'t str {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        rest
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    /// Takes a keyword in capitals or not, when it is a word of its own.
    fn take_word(&mut self, word: &str) -> bool {
        let rest = self.rest();
        let end = rest.find(|c| !is_key_character(c)).unwrap_or(rest.len());
        let found = rest[..end].eq_ignore_ascii_case(word);
        self.at += if found { end } else { 0 };
        found
    }

    fn take_while(&mut self, belongs: fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn expected(&mut self, what: &str) -> String {
        self.rest();
        format!("at character {}: expected {what}", self.position())
    }

    /// Counted from 1, in characters.
    fn position(&self) -> usize {
        self.text[..self.at].chars().count() + 1
    }
}

fn is_key_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_.".contains(character)
}

fn is_bare_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_,./*@+".contains(character)
}

#[cfg(test)]
#[path = "expression_tests.rs"]
mod tests;
