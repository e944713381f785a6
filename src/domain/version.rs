//! Versions, and which of two is the newer.
//!
//! One order for semantic versions, four-part numbers, dates and Debian's: digits compare as numbers, trailing zeros
//! do not count (`7.6` is `7.6.0`), `~` and words such as `rc` come before the release, an `-` or `+` opens a revision
//! that comes after it, and a leading `N:` is an epoch. Build metadata therefore counts: a version must be written as
//! the detection script prints it.

use std::cmp::Ordering;
use std::fmt;

/// The longest text that is taken for a version, in bytes.
pub const LONGEST: usize = 128;

/// A version. Two that are written differently may be equal: `1.0` and `v1.0.0`.
#[derive(Debug, Clone)]
pub struct Version {
    text: String,
    key: Vec<Part>,
}

/// A piece of a version; the order of the variants is the order of the pieces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// `~`: before everything, even the end.
    Tilde,
    /// A word that announces a release, by rank.
    Before(u8),
    /// Where the text ends.
    End,
    /// A revision follows.
    Revision,
    /// Any other word.
    Word(String),
    /// A number without its leading zeros: by length first, so that it may be as long as it likes.
    Number(usize, String),
}

impl Version {
    /// Reads a version; none if there is no digit in it or it is longer than [`LONGEST`].
    pub fn parse(text: &str) -> Option<Version> {
        let text = text.trim();
        let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
        (has_digit && text.len() <= LONGEST).then(|| Version { text: text.to_owned(), key: key(text) })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

/// The pieces by which a version is compared, the epoch first. Comparing keys piece by piece is a total order, because
/// each ends with [`Part::End`].
fn key(text: &str) -> Vec<Part> {
    let text = text.to_ascii_lowercase();
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) if !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()) => (epoch, rest),
        _ => ("0", text.as_str()),
    };
    let rest = match rest.strip_prefix('v') {
        Some(bare) if bare.starts_with(|letter: char| letter.is_ascii_digit()) => bare,
        _ => rest,
    };
    let mut key = vec![number(epoch)];
    let mut rest = rest;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_digit() {
            let length = span(rest, |letter| letter.is_ascii_digit());
            key.push(number(&rest[..length]));
            length
        } else if first.is_alphabetic() {
            let length = span(rest, char::is_alphabetic);
            push_word(&mut key, &rest[..length], &rest[length..]);
            length
        } else {
            match first {
                '~' => push_mark(&mut key, Part::Tilde),
                '-' | '+' => push_mark(&mut key, Part::Revision),
                _ => {}
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    push_mark(&mut key, Part::End);
    key
}

fn span(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|letter| !belongs(letter)).unwrap_or(text.len())
}

fn number(digits: &str) -> Part {
    let digits = digits.trim_start_matches('0');
    Part::Number(digits.len(), digits.to_owned())
}

/// Adds a word. One that announces a release takes the place of the `-` before it.
fn push_word(key: &mut Vec<Part>, word: &str, rest: &str) {
    let between_digits =
        matches!(key.last(), Some(Part::Number(..))) && rest.starts_with(|next: char| next.is_ascii_digit());
    let Some(rank) = rank(word, between_digits) else {
        return push_mark(key, Part::Word(word.to_owned()));
    };
    if key.last() == Some(&Part::Revision) {
        key.pop();
    }
    push_mark(key, Part::Before(rank));
}

/// Adds anything but a number: the zeros that lead up to it do not count, the epoch aside, nor does a revision of which
/// nothing else is left.
fn push_mark(key: &mut Vec<Part>, part: Part) {
    while key.len() > 1 && matches!(key.last(), Some(Part::Number(0, _))) {
        key.pop();
    }
    if matches!(part, Part::Revision | Part::End) && key.last() == Some(&Part::Revision) {
        key.pop();
        push_mark(key, part);
    } else {
        key.push(part);
    }
}

/// How near to the release a word announces it; none for any other word. A lone `a` or `b` does only between digits:
/// `1.0b2` is a beta, `1.0.2b` a patch and `1.0-1+b1` a rebuild.
fn rank(word: &str, between_digits: bool) -> Option<u8> {
    match word {
        "dev" | "snapshot" | "nightly" | "canary" => Some(0),
        "alpha" => Some(1),
        "a" if between_digits => Some(1),
        "beta" => Some(2),
        "b" if between_digits => Some(2),
        "milestone" | "ea" => Some(3),
        "pre" | "preview" => Some(4),
        "rc" | "cr" => Some(5),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap_or_else(|| panic!("'{text}' is a version"))
    }

    #[test]
    fn newer_is_newer() {
        let ascending: &[&[&str]] = &[
            &["1.0.0-alpha.1", "1.0.0-alpha.2", "1.0.0-beta.1", "1.0.0-rc.1", "1.0.0-rc.10", "1.0.0", "1.0.1", "1.10"],
            &["1.0~rc1-1", "1.0-1~bpo12+1", "1.0-1", "1.0-1+b1", "1.0-2", "1.0.1-1", "1:0.9-1"],
            &["7.4", "7.4-1", "7.4-2", "7.4-10", "7.4.1"],
            &["10.0.19045.3996", "10.0.19045.4046", "10.0.22631.3155"],
            &["2023.12.31", "2024.01.15", "2024.1.16", "20240115"],
            &["22H2", "23H1", "23H2", "24H2"],
            &["1.0.2", "1.0.2a", "1.0.2k", "1.0.3", "1.1b1", "1.1rc1", "1.1"],
            &["2.36-9+deb12u3", "2.36-9+deb12u4", "2.36-9+deb12u10"],
            &["99999999999999999999998", "99999999999999999999999", "100000000000000000000000"],
        ];
        for row in ascending {
            for pair in row.windows(2) {
                assert!(version(pair[0]) < version(pair[1]), "{} < {}", pair[0], pair[1]);
            }
        }
    }

    #[test]
    fn the_same_written_differently_is_equal() {
        for (one, other) in [
            ("7.6", "7.6.0"),
            ("v1.2.3", "1.2.3"),
            ("1.0-rc1", "1.0.0-RC.1"),
            ("0:1.0", "1.0"),
            ("1.0-0", "1.0"),
            ("2024.01.05", "2024.1.5"),
            (" 1.0 ", "1.0"),
        ] {
            assert_eq!(version(one), version(other));
        }
    }

    #[test]
    fn what_has_no_digit_or_no_end_is_no_version() {
        assert!(Version::parse("").is_none());
        assert!(Version::parse("installed").is_none());
        assert!(Version::parse(&"1".repeat(LONGEST + 1)).is_none());
    }

    proptest! {
        #[test]
        fn the_order_is_total(texts in prop::collection::vec("[0-2av~+.:-]{0,6}[0-9]|[0-9]{1,2}(\\.[0-9]){0,3}(-rc[0-9])?", 3)) {
            let (a, b, c) = (version(&texts[0]), version(&texts[1]), version(&texts[2]));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }

        #[test]
        fn semantic_versions_keep_their_order(
            one in "(0|[1-9][0-9]?)\\.(0|[1-9])\\.(0|[1-9])(-(alpha|beta|rc)\\.[1-9])?",
            other in "(0|[1-9][0-9]?)\\.(0|[1-9])\\.(0|[1-9])(-(alpha|beta|rc)\\.[1-9])?",
        ) {
            let theirs = semver::Version::parse(&one).unwrap().cmp(&semver::Version::parse(&other).unwrap());
            prop_assert_eq!(version(&one).cmp(&version(&other)), theirs);
        }

        #[test]
        fn anything_can_be_read(text in "\\PC{0,40}") {
            let _ = Version::parse(&text);
        }
    }
}
