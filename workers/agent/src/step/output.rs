//! Output within bounds: its beginning, its end, and the last line, however much of it there is.

use std::collections::VecDeque;
use std::sync::Arc;

use pitcrew_protocol::StepKind;
use pitcrew_protocol::said::DIRECTIVE;

use super::hearing::Hearing;
use super::secrets::Secrets;

/// The beginning and the end of a stream of bytes.
#[derive(Debug)]
pub struct HeadAndTail {
    bound: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    omitted: u64,
}

impl HeadAndTail {
    /// Keeps the first and the last `bound` bytes.
    pub fn new(bound: usize) -> HeadAndTail {
        HeadAndTail { bound, head: Vec::new(), tail: VecDeque::new(), omitted: 0 }
    }

    /// Takes in more.
    pub fn push(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(self.bound - self.head.len()));
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let excess = self.tail.len().saturating_sub(self.bound);
        self.tail.drain(..excess);
        self.omitted += excess as u64;
    }

    /// The text, invalid UTF-8 replaced, with a line where the middle was left out, and how many bytes that were.
    pub fn text(&self) -> (String, u64) {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        if self.omitted == 0 {
            // A character may lie across the seam.
            let whole = [self.head.as_slice(), &tail].concat();
            return (String::from_utf8_lossy(&whole).into_owned(), 0);
        }
        let (head, tail) = (String::from_utf8_lossy(&self.head), String::from_utf8_lossy(&tail));
        (HeadAndTail::joined(&head, self.omitted, &tail), self.omitted)
    }

    /// The beginning and the end, where something between them was left out.
    pub fn halves(&self) -> Option<(String, String)> {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (self.omitted > 0).then(|| (text(&self.head), text(&tail)))
    }

    /// A beginning and an end with a line that says what is missing between them.
    pub fn joined(head: &str, omitted: u64, tail: &str) -> String {
        format!("{head}\n[{omitted} bytes left out]\n{tail}")
    }
}

/// What the lines of a test say together.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Booleans {
    yes: usize,
    no: usize,
    others: usize,
    first_other: Option<String>,
}

impl Booleans {
    /// `true` if every line that says so is true; none if none says anything.
    pub fn all(&self) -> Option<bool> {
        (self.yes + self.no > 0).then_some(self.no == 0)
    }

    /// What is odd about the other lines, where some do say something.
    pub fn warning(&self) -> Option<String> {
        let first = self.first_other.as_ref()?;
        self.all()?;
        let lines = if self.others == 1 { "1 line".to_owned() } else { format!("{} lines", self.others) };
        Some(format!("{lines} of the test's output are neither `true` nor `false` and do not count, first: `{first}`"))
    }

    /// Something is missing.
    fn missing(&mut self) {
        self.no += 1;
    }

    fn line(&mut self, line: &str, without_secrets: impl Fn(&str) -> String) {
        if line.eq_ignore_ascii_case("true") {
            self.yes += 1;
        } else if line.eq_ignore_ascii_case("false") {
            self.no += 1;
        } else {
            self.others += 1;
            self.first_other.get_or_insert_with(|| without_secrets(line).chars().take(200).collect());
        }
    }
}

/// Standard output line by line: the last one that is not blank, what all of a test say together, and what is said to
/// Pitcrew. All of it comes out without the script's secrets.
#[derive(Debug)]
pub struct Lines {
    line: Vec<u8>,
    is_cut: bool,
    number: usize,
    /// With its secrets, and whether it was cut.
    last: Option<(String, bool)>,
    secrets: Arc<Secrets>,
    booleans: Booleans,
    hearing: Hearing,
}

/// How much of a line is looked at.
const LINE_MAX: usize = 4 * 1024;

impl Lines {
    /// Of the script of a step of this kind, which starts now.
    pub fn of(kind: StepKind, secrets: Arc<Secrets>) -> Lines {
        Lines {
            line: Vec::new(),
            is_cut: false,
            number: 1,
            last: None,
            booleans: Booleans::default(),
            hearing: Hearing::new(kind, secrets.clone()),
            secrets,
        }
    }

    /// Takes in more.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        self.extend(lines.next().unwrap_or_default());
        for line in lines {
            self.end_line();
            self.extend(line);
        }
    }

    /// The last line, trimmed; none if all were blank. What all lines say together, of a test. And what was said.
    pub fn finish(mut self) -> (Option<String>, Booleans, Hearing) {
        self.end_line();
        let last = self.last.map(|(line, is_cut)| struck(&self.secrets, &line, is_cut));
        (last, self.booleans, self.hearing)
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LINE_MAX - self.line.len();
        self.is_cut |= bytes.len() > room;
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_line(&mut self) {
        let text = String::from_utf8_lossy(&self.line);
        let trimmed = text.trim();
        match trimmed.strip_prefix(DIRECTIVE) {
            Some(_) if self.is_cut => self.hearing.too_long(self.number, LINE_MAX),
            // A task of which something is missing is not satisfied, whatever else is printed.
            Some(said) if self.hearing.line(self.number, said) => self.booleans.missing(),
            Some(_) => {}
            None if trimmed.is_empty() => {}
            None => {
                let is_cut = self.is_cut;
                self.booleans.line(trimmed, |line| struck(&self.secrets, line, is_cut));
                self.last = Some((trimmed.to_owned(), is_cut));
            }
        }
        self.line.clear();
        self.is_cut = false;
        self.number += 1;
    }
}

/// A line without secrets; of one that was cut, without the beginning of a secret at its end.
fn struck(secrets: &Secrets, line: &str, is_cut: bool) -> String {
    if is_cut { secrets.strike_head(line) } else { secrets.strike(line) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_left_out_and_counted() {
        let mut output = HeadAndTail::new(4);
        for chunk in ["ab", "cdef", "ghij", "klm"] {
            output.push(chunk.as_bytes());
        }
        assert_eq!(output.text(), ("abcd\n[5 bytes left out]\njklm".to_owned(), 5));
    }

    #[test]
    fn a_character_across_the_seam_is_whole() {
        let mut output = HeadAndTail::new(4);
        output.push("abcé!".as_bytes());
        assert_eq!(output.text(), ("abcé!".to_owned(), 0));
    }

    #[test]
    fn the_lines_of_a_test_count_together() {
        let of = |text: &str| {
            let mut line = Lines::of(StepKind::Test, Arc::default());
            line.push(text.as_bytes());
            let (_, booleans, _) = line.finish();
            (booleans.all(), booleans.warning())
        };
        assert_eq!(of("true\n"), (Some(true), None));
        assert_eq!(of("true\nTRUE\n\ntrue"), (Some(true), None));
        assert_eq!(of("false\ntrue\n"), (Some(false), None));
        assert_eq!(of("::pitcrew add {}\ntrue"), (Some(true), None));
        assert_eq!(of("::pitcrew {\"child\": {\"key\": \"a\"}}\ntrue"), (Some(false), None));
        assert_eq!(of("::pitcrew {\"child\": {\"key\": \"a\"}}"), (Some(false), None));
        assert_eq!(of(""), (None, None));
        assert_eq!(of("maybe"), (None, None));
        let (all, warning) = of("looking\ntrue\ndone");
        assert_eq!(all, Some(true));
        assert!(warning.unwrap().starts_with("2 lines of the test's output are neither"));
    }

    #[test]
    fn the_last_line_that_is_not_blank_is_trimmed() {
        let of = |chunks: &[&[u8]]| {
            let mut line = Lines::of(StepKind::Test, Arc::default());
            chunks.iter().for_each(|chunk| line.push(chunk));
            line.finish().0
        };
        assert_eq!(of(&[b"first\n 24.", b"08 \r\n\n \n"]), Some("24.08".to_owned()));
        assert_eq!(of(&[b"a\nno line feed"]), Some("no line feed".to_owned()));
        assert_eq!(of(&[b" \n\n"]), None);
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[&[0xff, b'x']]), Some("\u{fffd}x".to_owned()));
        assert_eq!(of(&[&vec![b'a'; 9000], b"b\n"]).map(|line| line.len()), Some(LINE_MAX));
    }
}
