//! Strikes secrets out of what a script prints, before it is kept anywhere.

use pitcrew_protocol::Script;

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
            struck.extend(Some(value.trim().to_owned()).filter(|value| !value.is_empty()));
            let lines = value.lines().map(str::trim).filter(|line| line.len() >= LINE_MIN);
            struck.extend(lines.map(str::to_owned));
        }
        // The longest first: one may be part of another.
        struck.sort_by_key(|value| std::cmp::Reverse(value.len()));
        struck.dedup();
        Secrets(struck)
    }

    /// A text without them.
    pub fn strike(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.as_str()) { text.replace(secret.as_str(), STRUCK) } else { text }
        })
    }

    /// What was printed without them, and how many bytes of it were left out before.
    pub fn strike_output(&self, output: &HeadAndTail) -> (String, u64) {
        let (text, omitted) = output.text();
        if self.0.is_empty() {
            return (text, omitted);
        }
        let Some((head, tail)) = output.halves() else { return (self.strike(&text), omitted) };
        let (mut head, mut tail) = (self.strike(&head), self.strike(&tail));
        for secret in &self.0 {
            let beginning = secret.char_indices().map(|(at, _)| &secret[..at]).filter(|piece| piece.len() >= PIECE_MIN);
            if let Some(piece) = beginning.rev().find(|piece| head.ends_with(*piece)) {
                head.truncate(head.len() - piece.len());
                head.push_str(STRUCK);
            }
            let mut end = secret.char_indices().map(|(at, _)| &secret[at..]).filter(|piece| piece.len() >= PIECE_MIN);
            if let Some(piece) = end.find(|piece| tail.starts_with(*piece)) {
                tail.replace_range(..piece.len(), STRUCK);
            }
        }
        (HeadAndTail::joined(&head, omitted, &tail), omitted)
    }
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
}
