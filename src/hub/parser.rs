//! Reads expressions: what the official Python client's grammar reads (protocol reference, 2.5), with an error that says
//! where and what.
//!
//! ```text
//! or        = and { "or" and }
//! and       = not { "and" not }
//! not       = "not" not | "(" or ")" | condition
//! condition = key operator value
//! ```
//!
//! Which characters make a word depends on where it stands, so there is no separate list of tokens.

use super::expression::{Condition, Expression, Operator};
use crate::session::{Code, Error, Result, policy};

const OPERATORS: [(&str, Operator); 6] = [
    // The longer ones first.
    ("!=", Operator::Unequal),
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
];

/// Reads the whole text as one expression.
pub fn parse(text: &str, argument: &str) -> Result<Expression> {
    // Around the expression more counts as space than within.
    let space = |c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c);
    let at = text.len() - text.trim_start_matches(space).len();
    let text = &text[..text.trim_end_matches(space).len().max(at)];
    let mut reader = Reader { text, at, depth: 0 };
    let read = reader.any_of().and_then(|expression| {
        reader.skip_space();
        match reader.rest().is_empty() {
            true => Ok(expression),
            false => Err(reader.fault("\"and\", \"or\" or the end")),
        }
    });
    read.map_err(|Fault { at, expected }| {
        let position = text[..at].chars().count() + 1;
        let found: String = text[at..].chars().take(20).collect();
        let found = if found.is_empty() { "the end".to_owned() } else { format!("\"{found}\"") };
        let why = format!("expected {expected} at character {position}, found {found}");
        let example = "write it such as topic=ftrack.update and source.user.username=\"ada\"";
        Error::new(Code::Expression, format!("{argument}: {why}; {example}"))
    })
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

/// Where reading ended, and what should have stood there.
struct Fault {
    at: usize,
    expected: &'static str,
}

type Read<T> = Result<T, Fault>;

impl<'a> Reader<'a> {
    fn any_of(&mut self) -> Read<Expression> {
        let first = self.all_of()?;
        let mut any = vec![first];
        while self.keyword("or") {
            any.push(self.all_of()?);
        }
        Ok(single(any, Expression::Or))
    }

    fn all_of(&mut self) -> Read<Expression> {
        let first = self.operand()?;
        let mut all = vec![first];
        while self.keyword("and") {
            all.push(self.operand()?);
        }
        Ok(single(all, Expression::And))
    }

    fn operand(&mut self) -> Read<Expression> {
        self.skip_space();
        if self.depth == policy::EXPRESSION_DEPTH {
            return Err(self.fault("fewer parentheses and \"not\" inside each other"));
        }
        self.depth += 1;
        let start = self.at;
        let read = if self.keyword("not") && !self.is_operator() {
            self.operand().map(|one| Expression::Not(Box::new(one)))
        } else {
            // A key may be called "not".
            self.at = start;
            match self.take("(") {
                true => self.parenthesised(),
                false => self.condition(),
            }
        };
        self.depth -= 1;
        read
    }

    fn parenthesised(&mut self) -> Read<Expression> {
        let inside = self.any_of()?;
        self.skip_space();
        match self.take(")") {
            true => Ok(inside),
            false => Err(self.fault("\"and\", \"or\" or \")\"")),
        }
    }

    fn condition(&mut self) -> Read<Expression> {
        let key = self.word(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        if key.is_empty() {
            return Err(self.fault("a key, \"not\" or \"(\""));
        }
        self.skip_space();
        let found = OPERATORS.into_iter().find(|(text, _)| self.take(text));
        let Some((_, operator)) = found else {
            return Err(self.fault("one of = != < <= > >="));
        };
        self.skip_space();
        let value = match self.rest().chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
            _ => self.word(|c| c.is_ascii_alphanumeric() || "-_,./*@+".contains(c)),
        };
        let quoted = self.text[..self.at].ends_with(['"', '\'']);
        if value.is_empty() && !quoted {
            return Err(self.fault("a value, in quotes where it has other characters than A-Z a-z 0-9 - _ , . / * @ +"));
        }
        let key = key.split('.').map(str::to_owned).collect();
        Ok(Expression::Condition(Condition { key, operator, value: value.to_owned() }))
    }

    /// The text between quotes as it stands there: a backslash keeps a quote from ending it and is part of it, and so do two
    /// quotes in a row. `\x` has to be the number of a character, though it stays what it is.
    fn quoted(&mut self, quote: char) -> Read<&'a str> {
        let inside = &self.rest()[1..];
        let mut characters = inside.char_indices().peekable();
        while let Some((index, character)) = characters.next() {
            match character {
                '\\' => {
                    let is_number = inside[index..].strip_prefix("\\x").map(|rest| rest.starts_with(is_hexadecimal));
                    if is_number == Some(false) {
                        self.at += 1 + index + 2;
                        return Err(self.fault("a hexadecimal digit after \\x, or a character other than \\"));
                    }
                    characters.next();
                }
                '\n' | '\r' => break,
                _ if character == quote => match characters.peek() {
                    Some((_, next)) if *next == quote => drop(characters.next()),
                    _ => {
                        self.at += index + 2;
                        return Ok(&inside[..index]);
                    }
                },
                _ => {}
            }
        }
        self.at = self.text.len();
        Err(self.fault("the quote that ends the value"))
    }

    /// Takes the word if it stands here by itself, in upper or lower case.
    fn keyword(&mut self, keyword: &str) -> bool {
        self.skip_space();
        let rest = self.rest();
        let here = rest.get(..keyword.len()).is_some_and(|start| start.eq_ignore_ascii_case(keyword));
        let goes_on = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
        if !here || rest[keyword.len()..].starts_with(goes_on) {
            return false;
        }
        self.at += keyword.len();
        true
    }

    fn is_operator(&mut self) -> bool {
        self.skip_space();
        OPERATORS.iter().any(|(text, _)| self.rest().starts_with(text))
    }

    fn word(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn take(&mut self, text: &str) -> bool {
        let here = self.rest().starts_with(text);
        if here {
            self.at += text.len();
        }
        here
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn fault(&self, expected: &'static str) -> Fault {
        Fault { at: self.at, expected }
    }
}

fn is_hexadecimal(c: char) -> bool {
    c.is_ascii_hexdigit()
}

fn single(mut expressions: Vec<Expression>, join: impl Fn(Vec<Expression>) -> Expression) -> Expression {
    match expressions.len() {
        1 => expressions.remove(0),
        _ => join(expressions),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        let error = parse(text, "expression").unwrap_err();
        assert_eq!(error.code, Code::Expression);
        error.message
    }

    fn condition(text: &str) -> (String, String) {
        match parse(text, "expression").unwrap() {
            Expression::Condition(condition) => (condition.key.join("."), condition.value),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_malformed_expression_names_the_position_and_what_was_expected() {
        for (text, position, expected) in [
            ("", 1, "a key"),
            ("   ", 4, "a key"),
            ("topic", 6, "one of = != < <= > >="),
            ("topic=", 7, "a value"),
            ("topic==x", 7, "a value"),
            ("topic=ä", 7, "a value, in quotes"),
            ("topic=x and", 12, "a key"),
            ("topic=x y=z", 9, "\"and\", \"or\" or the end"),
            ("topic=x)", 8, "\"and\", \"or\" or the end"),
            ("(topic=x", 9, "\")\""),
            ("name='ä' und a=b", 10, "\"and\""),
            ("topic='x", 9, "the quote that ends"),
            ("topic=\"x\ny\"", 12, "the quote that ends"),
            ("not", 4, "a key"),
            ("a=b or or", 10, "one of"),
            ("a='C:\\xyz'", 8, "a hexadecimal digit"),
            ("a=b\u{a0}and c=d", 4, "\"and\""),
            ("\u{a0}a=b c", 6, "\"and\""),
        ] {
            let message = fault(text);
            assert!(message.contains(&format!("at character {position},")), "{text}: {message}");
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn quotes_are_removed_and_what_is_between_them_stays_as_it_is() {
        for (text, value) in [
            ("a=\"b c\"", "b c"),
            ("a='b \"c\"'", "b \"c\""),
            (r#"a="b\"c""#, r#"b\"c"#),
            ("a=\"b\"\"c\"", "b\"\"c"),
            ("a=''", ""),
            (r"a='\x41 \X'", r"\x41 \X"),
            ("\u{a0}a=b\u{1f}\u{2003}", "b"),
        ] {
            assert_eq!(condition(text).1, value, "{text}");
        }
    }

    #[test]
    fn words_are_keywords_only_where_one_can_stand() {
        assert_eq!(condition("not=1").0, "not");
        assert_eq!(condition("and.or = x-y,z/w*@+").1, "x-y,z/w*@+");
        let Expression::And(all) = parse("a=and and and=b", "expression").unwrap() else { panic!() };
        assert_eq!(all.len(), 2);
        assert_eq!(condition("notes=1").0, "notes");
    }

    #[test]
    fn no_depth_of_an_expression_exhausts_the_stack() {
        let deep = "(".repeat(100_000);
        assert!(fault(&deep).contains("fewer parentheses"));
        assert!(fault(&"not ".repeat(100_000)).contains("fewer parentheses"));
        let fine = format!("{}a=b{}", "(".repeat(50), ")".repeat(50));
        assert!(parse(&fine, "expression").is_ok());
    }
}
