//! Text that contains a secret, and how to show it without.

use std::fmt;

use serde::Deserialize;

/// A value with a password or a token in it. It is only shown with that part left out; [`Secret::expose`] gives all.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The whole text, for whoever connects with it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() || self.0.contains("://") { f.write_str(&redact(&self.0)) } else { f.write_str(HIDDEN) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// What stands where a secret was.
pub(super) const HIDDEN: &str = "***";

/// The text without passwords: those of URLs (between the first `:` after the scheme and the last `@`) and what follows
/// `password=` or `token=`. It leaves out too much rather than too little.
pub(super) fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        let end = after.find([' ', '"', '`', '\n']).unwrap_or(after.len());
        let (url, tail) = after.split_at(end);
        out.push_str(before);
        match (url.rfind('@'), url.find(':')) {
            (Some(at), Some(colon)) if colon < at => {
                out.push_str(&url[..=colon]);
                out.push_str(HIDDEN);
                out.push_str(&url[at..]);
            }
            _ => out.push_str(url),
        }
        rest = tail;
    }
    out.push_str(rest);
    for name in ["password=", "token="] {
        let mut from = 0;
        while let Some(found) = out[from..].to_ascii_lowercase().find(name) {
            let start = from + found + name.len();
            let end = out[start..].find(['&', ' ', '"', '`', '\n']).map_or(out.len(), |length| start + length);
            out.replace_range(start..end, HIDDEN);
            from = start + HIDDEN.len();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_left_out_wherever_they_stand() {
        for (whole, shown) in [
            ("postgres://me:p@ss:w/rd@db:5432/x", "postgres://me:***@db:5432/x"),
            ("postgres://me@db:5432/x", "postgres://me@db:5432/x"),
            (
                "postgres://db/x?user=me&password=abc&sslmode=require",
                "postgres://db/x?user=me&password=***&sslmode=require",
            ),
            ("invalid \"amqp://a:b@c\", and amqps://d:e@f too", "invalid \"amqp://a:***@c\", and amqps://d:***@f too"),
            ("host=db PASSWORD=abc", "host=db PASSWORD=***"),
            ("nothing here", "nothing here"),
        ] {
            assert_eq!(redact(whole), shown);
        }
        assert_eq!(format!("{:?} {}", Secret::new("tok"), Secret::new("amqp://a:b@c")), "\"***\" amqp://a:***@c");
    }
}
