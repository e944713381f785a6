//! The loose order, for versions that keep to no rule: semantic ones, four-part numbers, dates and Debian's alike.
//!
//! Digits compare as numbers, trailing zeros do not count (`7.6` is `7.6.0`), `~` and words such as `rc` come before the
//! release, a `-` or `+` opens a revision that comes after it, and a leading `N:` is an epoch. Build metadata therefore
//! counts: a version must be written as the detection script prints it.

use std::borrow::Cow;

use super::number::Number;

/// A version taken apart.
pub(super) type Key = Vec<Part>;

/// A piece of a version; the order of the variants is the order of the pieces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
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
    /// A number.
    Number(Number),
}

/// The pieces by which a version is compared, the epoch first; none if there is no digit in it. Comparing keys piece by
/// piece is a total order, because each ends with [`Part::End`].
pub(super) fn key(text: &str) -> Option<Key> {
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    has_digit.then(|| pieces(text))
}

fn pieces(text: &str) -> Key {
    let text = match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(text.to_ascii_lowercase()),
        false => Cow::Borrowed(text),
    };
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) if !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()) => (epoch, rest),
        _ => ("0", &*text),
    };
    let rest = match rest.strip_prefix('v') {
        Some(bare) if bare.starts_with(|letter: char| letter.is_ascii_digit()) => bare,
        _ => rest,
    };
    let mut key = Vec::with_capacity(8);
    key.push(Part::Number(Number::of(epoch)));
    let mut rest = rest;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_digit() {
            let length = span(rest, |letter| letter.is_ascii_digit());
            key.push(Part::Number(Number::of(&rest[..length])));
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

/// Adds a word. One that announces a release takes the place of the `-` before it.
fn push_word(key: &mut Vec<Part>, word: &str, rest: &str) {
    let between_digits =
        matches!(key.last(), Some(Part::Number(_))) && rest.starts_with(|next: char| next.is_ascii_digit());
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
    while key.len() > 1 && key.last().is_some_and(|last| matches!(last, Part::Number(number) if number.is_zero())) {
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
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use crate::domain::version::{LONGEST, Scheme, Version};

    fn version(text: &str) -> Version {
        Version::parse(Scheme::Loose, text).unwrap_or_else(|| panic!("'{text}' is a version"))
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
        assert!(Version::parse(Scheme::Loose, "").is_none());
        assert!(Version::parse(Scheme::Loose, "installed").is_none());
        assert!(Version::parse(Scheme::Loose, &"1".repeat(LONGEST + 1)).is_none());
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
    }
}
