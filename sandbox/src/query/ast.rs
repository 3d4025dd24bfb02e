//! What a query expression says.

/// A whole expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What to answer; `None` for the type's default projections.
    pub projections: Option<Vec<Path>>,
    /// The type queried.
    pub entity_type: Word,
    /// Which entities.
    pub criteria: Option<Criteria>,
    /// In which order.
    pub order: Vec<Order>,
    /// How many to skip.
    pub offset: Option<u64>,
    /// How many to answer.
    pub limit: Option<u64>,
}

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// The word.
    pub text: String,
    /// The position of its first character, from 1.
    pub position: usize,
}

/// Attribute names joined by dots.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The names, at least one.
    pub names: Vec<String>,
    /// The position of its first character, from 1.
    pub position: usize,
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Criteria {
    /// All of them.
    And(Vec<Criteria>),
    /// At least one of them.
    Or(Vec<Criteria>),
    /// Not this.
    Not(Box<Criteria>),
    /// An attribute compared with a value.
    Compare(Path, Comparison, Literal),
    /// An attribute's value among these.
    InList {
        /// The attribute.
        path: Path,
        /// Not among them.
        negated: bool,
        /// These.
        values: Vec<Literal>,
    },
    /// An attribute's value among those of a sub-query.
    InQuery {
        /// The attribute.
        path: Path,
        /// Not among them.
        negated: bool,
        /// The sub-query.
        query: Box<Query>,
    },
    /// The related entity, or one of them, meets a condition; any at all when there is none.
    Related {
        /// The relation.
        path: Path,
        /// `any` rather than `has`.
        any: bool,
        /// The condition.
        criteria: Option<Box<Criteria>>,
    },
}

/// How values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `is`, `=`
    Is,
    /// `is_not`, `!=`
    IsNot,
    /// `<`, `before`, `less_than`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`, `after`, `greater_than`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `like`
    Like,
    /// `not_like`
    NotLike,
}

/// A value written in an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// The text; `None` for the word `none`.
    pub text: Option<String>,
    /// The position of its first character, from 1.
    pub position: usize,
}

/// An attribute to sort by.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The attribute.
    pub path: Path,
    /// From high to low.
    pub descending: bool,
}
