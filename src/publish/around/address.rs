//! The form of a mail address: strict enough to find a slip of the pen, and no stricter than mail servers are.

/// The longest address that mail servers take (RFC 5321, 4.5.3.1.3, without its angle brackets).
const LONGEST: usize = 254;

/// What is wrong with an address, to follow on "has"; nothing where it may be one.
pub fn flaw(address: &str) -> Option<&'static str> {
    if address.len() > LONGEST {
        return Some("more than 254 characters");
    }
    if address.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return Some("a space or a line break in it");
    }
    if address.contains(['<', '>', '(', ')', ',', ';', ':', '"', '\\', '[', ']']) {
        return Some("a character in it that no address has");
    }
    let Some((local, domain)) = address.rsplit_once('@') else { return Some("no @") };
    if local.is_empty() || local.contains('@') || local.starts_with('.') || local.ends_with('.') || local.contains("..")
    {
        return Some("no name before its @");
    }
    let is_label = |label: &str| {
        let ends = label.starts_with('-') || label.ends_with('-');
        !label.is_empty() && !ends && label.chars().all(|character| character.is_alphanumeric() || character == '-')
    };
    let is_host = domain.split('.').all(is_label) && (domain.contains('.') || domain == "localhost");
    (!is_host).then_some("no host such as studio.com after its @")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_people_have_are_taken_and_slips_are_not() {
        for good in
            ["anna@studio.com", "a.b+review@sub.studio.co.uk", "o'neil@x-y.de", "größe@müller.de", "a@localhost"]
        {
            assert_eq!(flaw(good), None, "{good}");
        }
        for bad in [
            "",
            "anna",
            "anna@",
            "@studio.com",
            "anna@studio",
            "anna@studio.",
            "anna@@studio.com",
            "an na@studio.com",
            "anna@studio.com,bert@studio.com",
            "Anna <anna@studio.com>",
            "anna@-studio.com",
            ".a@studio.com",
            "a..b@studio.com",
            "anna@studio.com\n",
        ] {
            assert!(flaw(bad).is_some(), "{bad:?}");
        }
        assert!(flaw(&format!("{}@studio.com", "a".repeat(300))).is_some());
    }
}
