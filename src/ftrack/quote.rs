//! The words of others, made fit for a message: short, on one line, without markup and without secrets.

use crate::session::policy;
use crate::session::secret::Redactor;

/// What an answer says in words: a page's title, or else the beginning of its text. Empty if it says nothing.
pub fn page(body: &[u8], redactor: &Redactor) -> String {
    // Far more than is quoted, so that a page with a long head still shows some text.
    let text = String::from_utf8_lossy(&body[..body.len().min(64 << 10)]);
    let title = between(&text, "<title", "</title>").and_then(|title| title.split_once('>')).map(|(_, title)| title);
    match title.filter(|title| !title.trim().is_empty()) {
        Some(title) => line(title, redactor),
        None => line(&without_markup(&text), redactor),
    }
}

/// A text on one line, cleaned of secrets, cut where it gets long.
pub fn line(text: &str, redactor: &Redactor) -> String {
    // Secrets first: a cut one would not be recognised.
    let clean = redactor.clean(text);
    let words: Vec<&str> =
        clean.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let joined = words.join(" ");
    match joined.char_indices().nth(policy::QUOTE_LIMIT) {
        Some((end, _)) => format!("{}...", &joined[..end]),
        None => joined,
    }
}

/// A text on one line without a period at its end, so that the message can go on after it. Never empty.
pub fn clause(text: &str, redactor: &Redactor) -> String {
    let line = line(text, redactor);
    match line.strip_suffix('.') {
        _ if line.is_empty() => "it gave no reason".to_owned(),
        // Three periods say that something is missing.
        Some(rest) if !rest.ends_with('.') => rest.to_owned(),
        _ => line,
    }
}

/// The text between two marks, upper and lower case being the same in the marks.
pub fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    // ASCII lower case keeps every byte's place.
    let lower = text.to_ascii_lowercase();
    let start = lower.find(&from.to_ascii_lowercase())? + from.len();
    let end = start + lower[start..].find(&to.to_ascii_lowercase())?;
    Some(&text[start..end])
}

fn without_markup(text: &str) -> String {
    let mut words = String::new();
    for (index, piece) in text.split('<').enumerate() {
        let visible = if index == 0 { piece } else { piece.split_once('>').map_or("", |(_, after)| after) };
        words.push_str(visible);
        words.push(' ');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(body: &str) -> String {
        page(body.as_bytes(), &Redactor::new(["key-12345".to_owned().into()]))
    }

    #[test]
    fn a_page_is_quoted_by_its_title_or_by_its_first_words() {
        assert_eq!(quoted("<html><head><TITLE lang=en>\n502 Bad\tGateway</Title></head>"), "502 Bad Gateway");
        assert_eq!(quoted("<html><body><h1>Back  soon</h1><p>We are updating</p>"), "Back soon We are updating");
        assert_eq!(quoted("no markup\r\nat all"), "no markup at all");
        assert_eq!(quoted(""), "");
    }

    #[test]
    fn a_clause_can_be_continued() {
        let redactor = Redactor::default();
        assert_eq!(clause(" No such\nuser.", &redactor), "No such user");
        assert_eq!(clause("Really?", &redactor), "Really?");
        assert_eq!(clause("and so on...", &redactor), "and so on...");
        assert_eq!(clause("", &redactor), "it gave no reason");
    }

    #[test]
    fn a_quote_is_short_and_holds_no_secret_even_where_it_is_cut() {
        let text = format!("{}key-12345", "x".repeat(policy::QUOTE_LIMIT - 3));
        let quote = quoted(&text);
        assert!(!quote.contains("key"), "{quote}");
        assert!(quote.chars().count() <= policy::QUOTE_LIMIT + 3);
        assert_eq!(quoted("é").len(), 2);
    }
}
