//! The mails that the server would send: it sends none, and remembers them for tests.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

/// So many mails are remembered; older ones are forgotten.
const KEPT: usize = 1000;

/// The longest address (RFC 5321, 4.5.3.1.3, without the angle brackets), and the longest part before the @.
const LONGEST: usize = 254;
const LONGEST_LOCAL: usize = 64;

/// An invitation to a review session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The address.
    pub to: String,
    /// The invitee's name.
    pub name: String,
    /// The id of the invitee.
    pub invitee_id: String,
    /// The id of the session.
    pub review_session_id: String,
    /// The session's name.
    pub review_session: String,
}

/// The mails since the server was started. A clone shares them.
#[derive(Clone, Default)]
pub struct Mails(Arc<Mutex<VecDeque<Mail>>>);

impl Mails {
    /// All of them, oldest first.
    pub fn all(&self) -> Vec<Mail> {
        self.0.lock().iter().cloned().collect()
    }

    pub(crate) fn send(&self, mail: Mail) {
        let mut mails = self.0.lock();
        if mails.len() == KEPT {
            mails.pop_front();
        }
        mails.push_back(mail);
    }
}

/// Whether this could be an address to send to: `local@domain.tld`, of whatever script, without white space.
pub fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"@<>()[],;:\\\"".contains(c);
    let is_dotted = |part: &str| part.split('.').all(|label| !label.is_empty()) && part.chars().all(is_plain);
    text.len() <= LONGEST
        && local.len() <= LONGEST_LOCAL
        && is_dotted(local)
        && is_dotted(domain)
        && domain.contains('.')
        && !domain.split('.').any(|label| label.starts_with('-') || label.ends_with('-'))
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn an_address_has_a_name_and_a_domain() {
        for good in
            ["a@b.se", "first.last+review@studio.example.com", "j\u{f6}rg@m\u{fc}nchen.example", "o'neil@x-y.example"]
        {
            assert!(is_address(good), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "",
            "a",
            "@",
            "a@",
            "@b.se",
            "a@b",
            "a b@c.se",
            "a@b@c.se",
            "a@b..se",
            ".a@b.se",
            "a.@b.se",
            "a@.se",
            "a@b.se.",
            "a@-b.se",
            "Name <a@b.se>",
            "a@b.se, c@d.se",
            "a@b.se\n",
            "a\u{0}@b.se",
            &long,
        ] {
            assert!(!is_address(bad), "{bad:?}");
        }
    }
}
