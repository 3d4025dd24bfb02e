//! The last lines of what ffmpeg said, in little memory and fit to be shown.

use std::collections::VecDeque;

use crate::session::policy;

/// A ring of lines.
#[derive(Debug, Default)]
pub(super) struct Tail {
    line: Vec<u8>,
    lines: VecDeque<String>,
    /// The first lines that ffmpeg itself calls errors.
    errors: Vec<String>,
}

impl Tail {
    /// Takes a piece of output.
    pub fn feed(&mut self, piece: &[u8]) {
        for byte in piece {
            match byte {
                b'\n' | b'\r' => self.end_line(),
                byte if self.line.len() < policy::FFMPEG_LINE => self.line.push(*byte),
                _ => {}
            }
        }
    }

    /// The last lines, one after the other in one.
    pub fn text(&mut self) -> String {
        self.end_line();
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        lines.join(" | ")
    }

    /// The first things that went wrong, whatever came of it.
    pub fn errors(&mut self) -> &[String] {
        self.end_line();
        &self.errors
    }

    /// Whether one of the lines that are kept says this.
    pub fn says(&mut self, words: &str) -> bool {
        self.end_line();
        self.lines.iter().chain(&self.errors).any(|line| line.contains(words))
    }

    fn end_line(&mut self) {
        let (line, is_error) = readable(&String::from_utf8_lossy(&std::mem::take(&mut self.line)));
        if line.is_empty() || self.lines.back() == Some(&line) {
            return;
        }
        if is_error && self.errors.len() < policy::FFMPEG_LINES {
            self.errors.push(line.clone());
        }
        if self.lines.len() == policy::FFMPEG_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

/// A line without control characters, addresses in memory and level, and whether the level was that of an error.
fn readable(line: &str) -> (String, bool) {
    let mut rest = line;
    let mut text = String::new();
    let mut is_error = false;
    while let Some((before, inside, after)) = bracketed(rest) {
        text.push_str(before);
        match inside {
            "error" | "fatal" | "panic" => is_error = true,
            "warning" | "info" | "verbose" => {}
            _ => match inside.split_once(" @ 0x") {
                Some((name, _)) => {
                    text.push_str(name);
                    text.push(':');
                }
                None => {
                    text.push('[');
                    text.push_str(inside);
                    text.push(']');
                }
            },
        }
        rest = after;
    }
    text.push_str(rest);
    let cleaned: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    (cleaned.split_whitespace().collect::<Vec<_>>().join(" "), is_error)
}

fn bracketed(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('[')?;
    let (inside, after) = rest.split_once(']')?;
    Some((before, inside, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_no_more() {
        let mut tail = Tail::default();
        for number in 0..100_000 {
            tail.feed(format!("line {number}\n").as_bytes());
        }
        tail.feed(&[b'x'; 1 << 20]);
        let text = tail.text();
        assert!(text.starts_with("line 99993 | "), "{text}");
        assert!(text.ends_with('x') && text.len() < policy::FFMPEG_LINES * (policy::FFMPEG_LINE + 3));
    }

    #[test]
    fn lines_are_fit_to_be_shown() {
        let mut tail = Tail::default();
        tail.feed(b"[png @ 0x55ad3c] [error] Invalid \x1b[31mPNG\x1b[0m signature\x07\xff [in#0] \r");
        tail.feed(b"[warning] odd\nodd\n[fatal] no more");
        assert_eq!(tail.text(), "png: Invalid [31mPNG [0m signature \u{fffd} [in#0] | odd | no more");
        assert_eq!(tail.errors(), ["png: Invalid [31mPNG [0m signature \u{fffd} [in#0]", "no more"]);
        assert!(tail.says("odd") && !tail.says("even"));
    }
}
