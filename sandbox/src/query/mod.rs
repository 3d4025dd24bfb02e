//! The query language: text to tokens to a tree to SQL to entities.

pub mod ast;
mod compile;
mod lexer;
mod load;
mod parser;

use rusqlite::Connection;
use serde_json::Value;

use crate::error::{ApiError, Exception};

pub use compile::Compiler;
pub use load::{Environment, Loader, entities};
pub use parser::parse;

/// Why an expression cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The position of the character where, from 1.
    pub position: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

/// What a query found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The entities.
    pub entities: Vec<Value>,
    /// The offset of the next page; `None` when this was the last.
    pub next_offset: Option<u64>,
}

/// Runs a query.
pub fn run(connection: &Connection, environment: &Environment<'_>, query: &ast::Query) -> Result<Found, ApiError> {
    let loader = Loader::new(connection, environment);
    let entities = loader.run(query)?;
    // A full page promises another, whether there is more or not (official client fixtures).
    let full = query.limit.filter(|&limit| limit > 0 && entities.len() as u64 >= limit);
    Ok(Found { next_offset: full.map(|limit| query.offset.unwrap_or(0) + limit), entities })
}

impl From<ParseError> for ApiError {
    fn from(error: ParseError) -> Self {
        Self::new(Exception::Parse, format!("The query is wrong at character {}: {}.", error.position, error.message))
    }
}
