//! From tokens to a [`Query`], by recursive descent.

use super::ParseError;
use super::ast::{Comparison, Criteria, Literal, Order, Path, Query, Word};
use super::lexer::{Token, TokenKind, tokens};

/// How deep brackets may nest: far more than people write, far less than the stack holds.
const MAX_DEPTH: usize = 64;

/// How many names a path may have, likewise.
const MAX_PATH: usize = 16;

/// Reads an expression.
pub fn parse(text: &str) -> Result<Query, ParseError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let query = parser.query()?;
    match parser.peek() {
        TokenKind::End => Ok(query),
        _ => Err(parser.expected("\"and\", \"or\", \"order by\", \"offset\", \"limit\" or the end")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn query(&mut self) -> Result<Query, ParseError> {
        let projections = if self.take_keyword("select") {
            let projections = self.paths("an attribute to select")?;
            self.keyword("from")?;
            Some(projections)
        } else {
            None
        };
        let entity_type = self.word("an entity type")?;
        let criteria = if self.take_keyword("where") { Some(self.any_of()?) } else { None };
        let mut query = Query { projections, entity_type, criteria, order: Vec::new(), offset: None, limit: None };
        loop {
            if self.take_keyword("order") {
                self.keyword("by")?;
                query.order = self.order()?;
            } else if self.take_keyword("offset") {
                query.offset = Some(self.number()?);
            } else if self.take_keyword("limit") {
                query.limit = Some(self.number()?);
            } else {
                return Ok(query);
            }
        }
    }

    fn any_of(&mut self) -> Result<Criteria, ParseError> {
        let mut choices = vec![self.all_of()?];
        while self.take_keyword("or") {
            choices.push(self.all_of()?);
        }
        Ok(one_or(choices, Criteria::Or))
    }

    fn all_of(&mut self) -> Result<Criteria, ParseError> {
        let mut parts = vec![self.condition()?];
        while self.take_keyword("and") {
            parts.push(self.condition()?);
        }
        Ok(one_or(parts, Criteria::And))
    }

    fn condition(&mut self) -> Result<Criteria, ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("conditions nest deeper than {MAX_DEPTH} levels")));
        }
        let condition = if self.take_keyword("not") {
            Criteria::Not(Box::new(self.condition()?))
        } else if self.take(&TokenKind::Open) {
            let inner = self.any_of()?;
            self.close()?;
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn comparison(&mut self) -> Result<Criteria, ParseError> {
        let path = self.path("an attribute, \"not\" or \"(\"")?;
        let operator = match self.peek() {
            TokenKind::Word(word) => word.to_ascii_lowercase(),
            TokenKind::Operator(operator) => (*operator).to_owned(),
            _ => return Err(self.expected("an operator such as \"is\", \"like\", \"in\", \"has\" or \"any\"")),
        };
        if let Some(comparison) = comparison_operator(&operator) {
            self.at += 1;
            return Ok(Criteria::Compare(path, comparison, self.literal()?));
        }
        match operator.as_str() {
            "in" | "not_in" => {
                self.at += 1;
                self.membership(path, operator == "not_in")
            }
            "has" | "any" => {
                self.at += 1;
                self.open()?;
                let criteria = match self.peek() {
                    TokenKind::Close => None,
                    _ => Some(Box::new(self.any_of()?)),
                };
                self.close()?;
                Ok(Criteria::Related { path, any: operator == "any", criteria })
            }
            _ => Err(self.expected("an operator such as \"is\", \"like\", \"in\", \"has\" or \"any\"")),
        }
    }

    fn membership(&mut self, path: Path, negated: bool) -> Result<Criteria, ParseError> {
        self.open()?;
        if self.is_keyword("select") {
            let query = Box::new(self.query()?);
            self.close()?;
            return Ok(Criteria::InQuery { path, negated, query });
        }
        let mut values = vec![self.literal()?];
        while self.take(&TokenKind::Comma) {
            values.push(self.literal()?);
        }
        self.close()?;
        Ok(Criteria::InList { path, negated, values })
    }

    fn literal(&mut self) -> Result<Literal, ParseError> {
        let position = self.position();
        let text = match self.peek() {
            TokenKind::Quoted(text) => Some(text.clone()),
            TokenKind::Word(word) if word.eq_ignore_ascii_case("none") => None,
            TokenKind::Word(word) => Some(word.clone()),
            _ => return Err(self.expected("a value")),
        };
        self.at += 1;
        Ok(Literal { text, position })
    }

    fn order(&mut self) -> Result<Vec<Order>, ParseError> {
        let mut order = Vec::new();
        loop {
            let path = self.path("an attribute to sort by")?;
            let descending = self.take_keyword("desc") || self.take_keyword("descending");
            if !descending && !self.take_keyword("asc") {
                self.take_keyword("ascending");
            }
            order.push(Order { path, descending });
            if !self.take(&TokenKind::Comma) {
                return Ok(order);
            }
        }
    }

    fn paths(&mut self, what: &str) -> Result<Vec<Path>, ParseError> {
        let mut paths = vec![self.path(what)?];
        while self.take(&TokenKind::Comma) {
            paths.push(self.path(what)?);
        }
        Ok(paths)
    }

    fn path(&mut self, what: &str) -> Result<Path, ParseError> {
        let Word { text, position } = self.word(what)?;
        let names: Vec<String> = text.split('.').map(str::to_owned).collect();
        let is_name = |name: &String| {
            !name.is_empty() && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
        };
        if names.len() > MAX_PATH {
            return Err(ParseError { position, message: format!("the path has more than {MAX_PATH} names") });
        }
        if names.iter().all(is_name) {
            return Ok(Path { names, position });
        }
        Err(ParseError { position, message: format!("expected {what}, found {text:?}") })
    }

    fn word(&mut self, what: &str) -> Result<Word, ParseError> {
        let position = self.position();
        match self.peek() {
            TokenKind::Word(text) => {
                let word = Word { text: text.clone(), position };
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.expected(what)),
        }
    }

    fn number(&mut self) -> Result<u64, ParseError> {
        let parsed = match self.peek() {
            TokenKind::Word(word) => word.parse().ok().filter(|number| i64::try_from(*number).is_ok()),
            _ => None,
        };
        let number = parsed.ok_or_else(|| self.expected("a whole number"))?;
        self.at += 1;
        Ok(number)
    }

    fn keyword(&mut self, keyword: &str) -> Result<(), ParseError> {
        if self.take_keyword(keyword) { Ok(()) } else { Err(self.expected(&format!("{keyword:?}"))) }
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.is_keyword(keyword);
        self.at += usize::from(found);
        found
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), TokenKind::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn open(&mut self) -> Result<(), ParseError> {
        if self.take(&TokenKind::Open) { Ok(()) } else { Err(self.expected("\"(\"")) }
    }

    fn close(&mut self) -> Result<(), ParseError> {
        if self.take(&TokenKind::Close) { Ok(()) } else { Err(self.expected("\")\"")) }
    }

    fn take(&mut self, kind: &TokenKind) -> bool {
        let found = self.peek() == kind;
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> &TokenKind {
        // The list ends with `End`, which is never stepped over: no branch takes it.
        self.tokens.get(self.at).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn position(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |token| token.position)
    }

    fn expected(&self, what: &str) -> ParseError {
        self.error(format!("expected {what}, found {}", self.peek().describe()))
    }

    fn error(&self, message: String) -> ParseError {
        ParseError { position: self.position(), message }
    }
}

fn one_or(mut parts: Vec<Criteria>, join: fn(Vec<Criteria>) -> Criteria) -> Criteria {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            join(parts)
        }
    }
}

fn comparison_operator(text: &str) -> Option<Comparison> {
    Some(match text {
        "is" | "=" => Comparison::Is,
        "is_not" | "!=" => Comparison::IsNot,
        "<" | "before" | "less_than" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" | "after" | "greater_than" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        "like" => Comparison::Like,
        "not_like" => Comparison::NotLike,
        _ => return None,
    })
}
