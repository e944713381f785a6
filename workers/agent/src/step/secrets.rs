//! Strikes secrets out of what a script prints, before it is kept anywhere.

use pitcrew_protocol::Script;
use serde_json::Value;

use super::output::HeadAndTail;

/// What stands in the place of a secret.
const STRUCK: &str = "[secret]";
/// A line of a secret that is at least so long is struck out alone, too: a key has many, and one may be printed.
const LINE_MIN: usize = 8;
/// So much of a secret's beginning or end is struck out where output was cut in the middle of it.
const PIECE_MIN: usize = 3;

/// The secrets of one script.
#[derive(Debug, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// Those that a script is told.
    pub fn of(script: &Script) -> Secrets {
        let mut struck: Vec<String> = Vec::new();
        for value in script.secrets.iter().filter_map(|name| script.env.get(name)) {
            let whole = Some(value.trim()).filter(|value| !value.is_empty());
            let lines = value.lines().map(str::trim).filter(|line| line.len() >= LINE_MIN);
            for piece in whole.into_iter().chain(lines) {
                // In JSON, which scripts print too, some characters are written otherwise.
                let json = serde_json::Value::from(piece).to_string();
                struck.push(json[1..json.len() - 1].to_owned());
                struck.push(piece.to_owned());
            }
        }
        // The longest first: one may be part of another.
        struck.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        struck.dedup();
        Secrets(struck)
    }

    /// A text without them.
    pub fn strike(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.as_str()) { text.replace(secret.as_str(), STRUCK) } else { text }
        })
    }

    /// The beginning of a text without them, and without the beginning of one that was cut with the text.
    pub fn strike_head(&self, head: &str) -> String {
        // A character that was cut in two is none of a secret's.
        let mut head = self.strike(if self.0.is_empty() { head } else { head.trim_end_matches('\u{fffd}') });
        for secret in &self.0 {
            let pieces = secret.char_indices().map(|(at, _)| &secret[..at]).filter(|piece| piece.len() >= PIECE_MIN);
            if let Some(piece) = pieces.rev().find(|piece| head.ends_with(*piece)) {
                head.truncate(head.len() - piece.len());
                head.push_str(STRUCK);
            }
        }
        head
    }

    /// The same of the end of a text.
    fn strike_tail(&self, tail: &str) -> String {
        let mut tail = self.strike(tail.trim_start_matches('\u{fffd}'));
        for secret in &self.0 {
            let mut pieces =
                secret.char_indices().map(|(at, _)| &secret[at..]).filter(|piece| piece.len() >= PIECE_MIN);
            if let Some(piece) = pieces.find(|piece| tail.starts_with(*piece)) {
                tail.replace_range(..piece.len(), STRUCK);
            }
        }
        tail
    }

    /// What a script has said, without them, before anything is made of it.
    pub fn strike_value(&self, value: Value) -> Value {
        if self.0.is_empty() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.strike(&text)),
            Value::Number(number) => {
                let (text, struck) = (number.to_string(), self.strike(&number.to_string()));
                if text == struck { Value::Number(number) } else { Value::String(struck) }
            }
            Value::Array(values) => values.into_iter().map(|value| self.strike_value(value)).collect(),
            Value::Object(fields) => {
                let struck = |name: String| if is_word(&name) { name } else { self.strike(&name) };
                fields.into_iter().map(|(name, value)| (struck(name), self.strike_value(value))).collect()
            }
            Value::Null | Value::Bool(_) => value,
        }
    }

    /// What was printed without them, and how many bytes of it were left out before.
    pub fn strike_output(&self, output: &HeadAndTail) -> (String, u64) {
        let (text, omitted) = output.text();
        if self.0.is_empty() {
            return (text, omitted);
        }
        let Some((head, tail)) = output.halves() else { return (self.strike(&text), omitted) };
        (HeadAndTail::joined(&self.strike_head(&head), omitted, &self.strike_tail(&tail)), omitted)
    }
}

/// True of the words that give what a script says its form: they are nobody's secret.
fn is_word(name: &str) -> bool {
    matches!(name, "child" | "progress" | "activity" | "stop" | "key" | "title" | "parameters")
}

#[cfg(test)]
mod tests {
    use pitcrew_protocol::Interpreter;

    use super::*;

    fn secrets(value: &str) -> Secrets {
        Secrets::of(&Script {
            interpreter: Interpreter::Sh,
            body: String::new(),
            env: [("PARAM_KEY".to_owned(), value.to_owned()), ("PARAM_OPEN".to_owned(), "open".to_owned())].into(),
            secrets: ["PARAM_KEY".to_owned()].into(),
            files: Default::default(),
        })
    }

    #[test]
    fn secrets_are_struck_out_wherever_they_stand() {
        assert_eq!(secrets("hunter2").strike("open hunter2hunter2\nhunter"), "open [secret][secret]\nhunter");
        let key = secrets("-----BEGIN\nabcdefghij\nkl\n-----END");
        assert_eq!(key.strike("line abcdefghij, kl"), "line [secret], kl");
        assert_eq!(key.strike("-----BEGIN\nabcdefghij\nkl\n-----END"), "[secret]");
        assert_eq!(secrets(" ").strike("nothing to strike"), "nothing to strike");
    }

    #[test]
    fn a_secret_that_was_cut_in_two_leaves_no_half() {
        let mut output = HeadAndTail::new(8);
        output.push(b"key hunter2-hunter2-hunter2");
        assert_eq!(
            secrets("hunter2-hunter2-hunter2").strike_output(&output).0,
            "key [secret]\n[11 bytes left out]\n[secret]"
        );
        let mut whole = HeadAndTail::new(64);
        whole.push(b"key hunter2");
        assert_eq!(secrets("hunter2").strike_output(&whole), ("key [secret]".to_owned(), 0));
    }

    #[test]
    fn a_secret_that_was_cut_within_a_character_leaves_no_half() {
        let mut output = HeadAndTail::new(9);
        output.push("k pässwörd, pässwörd!".as_bytes());
        assert_eq!(secrets("pässwörd").strike_output(&output).0, "k [secret]\n[7 bytes left out]\n[secret]!");
    }

    #[test]
    fn a_secret_is_struck_out_as_json_writes_it() {
        assert_eq!(secrets("a\tb\"c").strike(r#"{"activity": "a\tb\"c"}"#), r#"{"activity": "[secret]"}"#);
        let said = serde_json::json!({"stop": "a 4711", "progress": 4711, "child": {"parameters": {"4711": ["4711"]}}});
        let struck = serde_json::json!({"stop": "a [secret]", "progress": "[secret]",
            "child": {"parameters": {"[secret]": ["[secret]"]}}});
        assert_eq!(secrets("4711").strike_value(said), struck);
    }
}
