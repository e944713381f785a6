//! Canonical JSON (RFC 8785) of documents that serde has written: the names of every object sorted by their UTF-16 code
//! units, nothing else changed.
//!
//! What serde writes has no blanks and one spelling for strings and integers, so sorting is all that is left to do. It is
//! done on the text in one pass: a plan is named by its hash each time one is made.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

/// Sorts the names in a document without blanks. What is not JSON stays as it is.
pub(super) fn canonical(document: &str) -> String {
    let mut scan = Scan { text: document, at: 0, out: String::with_capacity(document.len()) };
    scan.value();
    let rest = scan.at;
    scan.out.push_str(&document[rest..]);
    scan.out
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
    out: String,
}

impl<'t> Scan<'t> {
    fn value(&mut self) {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.string(),
            Some(_) | None => self.word(),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Copies the next byte, which is ASCII, if it is this one.
    fn take(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        if here {
            self.at += 1;
            self.out.push(char::from(byte));
        }
        here
    }

    fn array(&mut self) {
        self.take(b'[');
        if self.take(b']') {
            return;
        }
        loop {
            self.value();
            if !self.take(b',') {
                break;
            }
        }
        self.take(b']');
    }

    fn object(&mut self) {
        self.take(b'{');
        let begin = self.out.len();
        let mut members: Vec<(Cow<'t, str>, Range<usize>)> = Vec::new();
        while self.peek() == Some(b'"') {
            let from = self.out.len();
            let name = self.at..self.at + self.string_length();
            self.string();
            self.take(b':');
            self.value();
            members.push((unescaped(&self.text[name]), from..self.out.len()));
            if !self.take(b',') {
                break;
            }
        }
        if !members.is_sorted_by(|(one, _), (next, _)| in_order(one, next).is_le()) {
            let written = self.out.split_off(begin);
            members.sort_by(|(one, _), (next, _)| in_order(one, next));
            for (place, (_, member)) in members.into_iter().enumerate() {
                if place > 0 {
                    self.out.push(',');
                }
                self.out.push_str(&written[member.start - begin..member.end - begin]);
            }
        }
        self.take(b'}');
    }

    fn string(&mut self) {
        let end = self.at + self.string_length();
        self.out.push_str(&self.text[self.at..end]);
        self.at = end;
    }

    /// The length of the string that begins here, with its quotes.
    fn string_length(&self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let mut place = 1;
        while let Some(byte) = rest.get(place) {
            match byte {
                b'"' => return place + 1,
                b'\\' => place += 2,
                _ => place += 1,
            }
        }
        rest.len()
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) {
        let rest = &self.text[self.at..];
        let length = rest.find([',', ']', '}']).unwrap_or(rest.len());
        self.out.push_str(&rest[..length]);
        self.at += length;
    }
}

/// The order of two names. That of their bytes is another one as soon as a letter is beyond U+FFFF.
fn in_order(one: &str, other: &str) -> Ordering {
    match one.is_ascii() && other.is_ascii() {
        true => one.cmp(other),
        false => one.encode_utf16().cmp(other.encode_utf16()),
    }
}

/// The name that a JSON string stands for.
fn unescaped(string: &str) -> Cow<'_, str> {
    if string.contains('\\')
        && let Ok(name) = serde_json::from_str(string)
    {
        return Cow::Owned(name);
    }
    Cow::Borrowed(string.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::canonical;

    #[test]
    fn names_are_sorted_at_every_depth_and_nothing_else_changes() {
        for (document, expected) in [
            ("{}", "{}"),
            ("[]", "[]"),
            ("null", "null"),
            ("-12", "-12"),
            (r#"{"b":1,"a":[{"d":null,"c":"}"},2]}"#, r#"{"a":[{"c":"}","d":null},2],"b":1}"#),
            (r#"{"ab":1,"a":2}"#, r#"{"a":2,"ab":1}"#),
            (r#"{"b":"\\","a\"":"{\"z\":1,\"y\":2}"}"#, r#"{"a\"":"{\"z\":1,\"y\":2}","b":"\\"}"#),
            (r#"{"é":1,"z":2}"#, r#"{"z":2,"é":1}"#),
            // U+1F600 is written in two units, and both come before U+FF5E.
            ("{\"\u{ff5e}\":1,\"\u{1f600}\":2}", "{\"\u{1f600}\":2,\"\u{ff5e}\":1}"),
        ] {
            assert_eq!(canonical(document), expected, "{document}");
        }
    }

    #[test]
    fn what_is_no_json_does_no_harm() {
        for document in
            ["", "{", "{\"", "{\"a", "{\"a\\", "{\"a\":", "[", "[1", "\"\\", "{\"a\":1}}", "é{", "{\"b\":é,\"a\":}"]
        {
            canonical(document);
        }
    }

    /// A document as text, its members in any order, and the same sorted.
    type Document = (String, String);

    fn documents() -> impl Strategy<Value = Document> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_map(|value| (value.to_string(), value.to_string())).prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(|values| {
                    let (texts, sorted): (Vec<String>, Vec<String>) = values.into_iter().unzip();
                    (format!("[{}]", texts.join(",")), format!("[{}]", sorted.join(",")))
                }),
                prop::collection::hash_map(".{0,3}", inner, 0..6).prop_map(|members| {
                    let member = |name: &str, value: &str| format!("{}:{value}", Value::from(name));
                    let texts: Vec<String> = members.iter().map(|(name, (text, _))| member(name, text)).collect();
                    let sorted: BTreeMap<Vec<u16>, String> = members
                        .iter()
                        .map(|(name, (_, sorted))| (name.encode_utf16().collect(), member(name, sorted)))
                        .collect();
                    let sorted: Vec<String> = sorted.into_values().collect();
                    (format!("{{{}}}", texts.join(",")), format!("{{{}}}", sorted.join(",")))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_text_is_that_of_sorted_names((text, sorted) in documents()) {
            prop_assert_eq!(canonical(&text), sorted);
        }
    }
}
