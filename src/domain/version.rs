//! Versions, and which of two is the newer: by the rule that their software keeps, its scheme.
//!
//! Reading never fails in the middle: a text is a version of a scheme, or it is not, and what is not is never older or
//! newer than anything.

mod number;

mod date;
mod debian;
mod four_part;
mod loose;
mod semantic;

use std::cmp::Ordering;
use std::fmt;

use super::words::words;

/// The longest text that is taken for a version, in bytes.
pub const LONGEST: usize = 128;

words! {
    /// The rule by which a software's versions are read and compared.
    Scheme {
        /// Whatever has a digit in it, compared as a person would: semantic, four-part, Debian's and dates alike.
        Loose = "loose",
        /// `1.2.3-rc.1`, by semver.org; build metadata does not count.
        Semantic = "semantic",
        /// `10.0.19045.4046`: one to four numbers.
        FourPart = "four_part",
        /// `1:2.36-9+deb12u4`, as `dpkg` compares.
        Debian = "debian",
        /// `2024.01.15`, `20240115.2`, `24.04`, `22H2`.
        Date = "date",
    }
}

impl Scheme {
    /// True if it is the one that is used where none is named.
    pub fn is_loose(&self) -> bool {
        matches!(self, Scheme::Loose)
    }

    /// What a version of this scheme looks like, for a sentence.
    pub fn looks_like(self) -> &'static str {
        match self {
            Scheme::Loose => "a text with a digit in it",
            Scheme::Semantic => "1.2.3 or 1.2.3-rc.1",
            Scheme::FourPart => "one to four numbers, such as 10.0.19045.4046",
            Scheme::Debian => "[EPOCH:]UPSTREAM[-REVISION], such as 1:2.36-9+deb12u4",
            Scheme::Date => "a date, such as 2024.01.15, 20240115.2, 24.04 or 22H2",
        }
    }
}

/// The scheme of a software that names none.
pub(super) fn loose() -> Scheme {
    Scheme::Loose
}

/// A version. Two that are written differently may be equal: `1.0` and `v1.0.0`. Versions of one software are of one
/// scheme; those of different schemes are in some order, and never equal.
#[derive(Debug, Clone)]
pub struct Version {
    text: String,
    key: Key,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Loose(loose::Key),
    Semantic(semantic::Key),
    FourPart(four_part::Key),
    Debian(debian::Key),
    Date(date::Key),
}

impl Version {
    /// Reads a version; none if it is not one of this scheme, or longer than [`LONGEST`].
    pub fn parse(scheme: Scheme, text: &str) -> Option<Version> {
        let text = text.trim();
        if text.len() > LONGEST {
            return None;
        }
        let key = match scheme {
            Scheme::Loose => Key::Loose(loose::key(text)?),
            Scheme::Semantic => Key::Semantic(semantic::key(text)?),
            Scheme::FourPart => Key::FourPart(four_part::key(text)?),
            Scheme::Debian => Key::Debian(debian::key(text)?),
            Scheme::Date => Key::Date(date::key(text)?),
        };
        Some(Version { text: text.to_owned(), key })
    }

    /// Its first number, after an epoch, as it was written without leading zeros; nothing if there is none.
    pub fn major(&self) -> &str {
        let text = self.text.split_once(':').map_or(self.text.as_str(), |(_, rest)| rest);
        let start = text.find(|letter: char| letter.is_ascii_digit()).unwrap_or(text.len());
        let digits = text[start..].split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default();
        let trimmed = digits.trim_start_matches('0');
        if trimmed.is_empty() { &digits[digits.len().saturating_sub(1)..] } else { trimmed }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    const SHAPES: &str = "[0-2av~+.:-]{0,6}[0-9]|[0-9]{1,2}(\\.[0-9]{1,2}){0,3}(-(rc|a\\.)[0-9])?(\\+[0-9a])?\
                          |([0-2]:)?[0-9][0-9a.~+-]{0,4}(-[0-9~+]{1,2})?|(20)?2[0-4][.-]?(0?[1-9]|H[12])?([.-][0-9]{1,2})?";

    #[test]
    fn the_major_version_is_the_first_number() {
        for (scheme, text, major) in [
            (Scheme::Semantic, "v2.1.0-rc.3", "2"),
            (Scheme::Debian, "1:9.3-2", "9"),
            (Scheme::Loose, "0.4", "0"),
            (Scheme::FourPart, "007.1", "7"),
            (Scheme::Date, "22H2", "22"),
        ] {
            assert_eq!(Version::parse(scheme, text).unwrap().major(), major, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn every_scheme_is_a_total_order(
            scheme in select(Scheme::ALL), texts in prop::array::uniform3(SHAPES),
        ) {
            let [a, b, c] = texts.map(|text| Version::parse(scheme, &text));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
            if a == b {
                prop_assert_eq!(a.cmp(&c), b.cmp(&c));
            }
        }

        #[test]
        fn anything_can_be_read(scheme in select(Scheme::ALL), text in "\\PC{0,40}|[0-9a~+.:H/_-]{0,140}") {
            let version = Version::parse(scheme, &text);
            prop_assert!(version.as_ref().is_none_or(|version| version.as_str() == text.trim()));
            prop_assert_eq!(&version, &version.clone());
        }
    }
}
