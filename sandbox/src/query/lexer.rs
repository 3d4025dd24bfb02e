//! From text to tokens.

use super::ParseError;

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// The position of its first character, from 1.
    pub position: usize,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenKind {
    /// A bare word: a keyword, a name, a path or a value.
    Word(String),
    /// A quoted value, without quotes and escapes.
    Quoted(String),
    /// One of `=`, `!=`, `<`, `<=`, `>`, `>=`.
    Operator(&'static str),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// The end of the text.
    End,
}

impl TokenKind {
    /// The token for an error message.
    pub fn describe(&self) -> String {
        match self {
            Self::Word(text) => format!("{text:?}"),
            Self::Quoted(text) => format!("the quoted text {text:?}"),
            Self::Operator(text) => format!("{text:?}"),
            Self::Open => "\"(\"".to_owned(),
            Self::Close => "\")\"".to_owned(),
            Self::Comma => "\",\"".to_owned(),
            Self::End => "the end".to_owned(),
        }
    }
}

/// Operators, longer ones before those they begin with.
const OPERATORS: [&str; 6] = ["!=", "<=", ">=", "=", "<", ">"];

/// The tokens of the text; the last one is [`TokenKind::End`].
pub fn tokens(text: &str) -> Result<Vec<Token>, ParseError> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let start = at;
        let kind = match characters[at] {
            character if character.is_whitespace() => {
                at += 1;
                continue;
            }
            '(' => single(&mut at, TokenKind::Open),
            ')' => single(&mut at, TokenKind::Close),
            ',' => single(&mut at, TokenKind::Comma),
            '"' | '\'' => quoted(&characters, &mut at)?,
            _ => match operator(&characters[at..]) {
                Some(text) => {
                    at += text.len();
                    TokenKind::Operator(text)
                }
                None => word(&characters, &mut at)?,
            },
        };
        tokens.push(Token { kind, position: start + 1 });
    }
    tokens.push(Token { kind: TokenKind::End, position: characters.len() + 1 });
    Ok(tokens)
}

fn single(at: &mut usize, kind: TokenKind) -> TokenKind {
    *at += 1;
    kind
}

fn operator(rest: &[char]) -> Option<&'static str> {
    OPERATORS.into_iter().find(|text| text.chars().zip(rest).filter(|(a, b)| a == *b).count() == text.len())
}

/// A back-slash takes the next character as it is.
fn quoted(characters: &[char], at: &mut usize) -> Result<TokenKind, ParseError> {
    let start = *at;
    let quote = characters[start];
    let mut text = String::new();
    *at += 1;
    while let Some(&character) = characters.get(*at) {
        *at += 1;
        match character {
            '\\' => {
                text.extend(characters.get(*at));
                *at += 1;
            }
            _ if character == quote => return Ok(TokenKind::Quoted(text)),
            _ => text.push(character),
        }
    }
    Err(ParseError { position: start + 1, message: format!("the text that begins here has no closing {quote}") })
}

/// Everything up to a space, a bracket, a comma, a quote or an operator: names, numbers, ids, times.
fn word(characters: &[char], at: &mut usize) -> Result<TokenKind, ParseError> {
    let start = *at;
    while let Some(&character) = characters.get(*at)
        && is_word(character)
    {
        *at += 1;
    }
    if *at == start {
        let message = format!("the character {:?} has no meaning outside quotes", characters[start]);
        return Err(ParseError { position: start + 1, message });
    }
    Ok(TokenKind::Word(characters[start..*at].iter().collect()))
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || "_.-:+%/@#$*&|~?{}[]".contains(character)
}
