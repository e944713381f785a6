//! Semantic versions: `1.2.3-rc.1+build.5`, by <https://semver.org>.
//!
//! A leading `v` is passed over and what is missing of the three numbers is 0, because programs print it so. Build
//! metadata does not count, as the specification says.

use super::number::Number;

/// A version taken apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    numbers: [Number; 3],
    release: Release,
}

/// A pre-release comes before the release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Release {
    Before(Vec<Identifier>),
    Itself,
}

/// Numbers come before words, and fewer identifiers before more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(Number),
    Word(String),
}

/// Takes a version apart; none if it is no semantic one.
pub(super) fn key(text: &str) -> Option<Key> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let (text, build) = split(text, '+');
    let (core, before) = split(text, '-');
    if build.is_some_and(|build| !build.split('.').all(is_identifier)) {
        return None;
    }
    let mut numbers = <[Number; 3]>::default();
    let mut written = core.split('.');
    for (place, number) in numbers.iter_mut().enumerate() {
        match written.next() {
            Some(text) => *number = plain_number(text)?,
            None if place == 0 => return None,
            None => break,
        }
    }
    if written.next().is_some() {
        return None;
    }
    let release = match before {
        None => Release::Itself,
        Some(before) => Release::Before(before.split('.').map(identifier).collect::<Option<_>>()?),
    };
    Some(Key { numbers, release })
}

fn split(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// A number without superfluous zeros: with them it would be another text for the same version.
fn plain_number(text: &str) -> Option<Number> {
    (text == "0" || !text.starts_with('0')).then(|| Number::parse(text)).flatten()
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn identifier(text: &str) -> Option<Identifier> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return plain_number(text).map(Identifier::Number);
    }
    is_identifier(text).then(|| Identifier::Word(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_programs_print_is_read() {
        for (one, other) in [("v1.2", "1.2.0"), ("1", "1.0.0"), ("1.2.3+a", "1.2.3+b"), ("1-rc.1", "1.0.0-rc.1")] {
            assert_eq!(key(one).unwrap(), key(other).unwrap(), "{one} and {other}");
        }
        for text in ["", "v", "1.", "1.2.3.4", "01.2", "1.2.3-", "1.2.3-01", "1.2.3-a..b", "1.2.3+", "1.2 3", "1:2.3"] {
            assert!(key(text).is_none(), "{text}");
        }
        assert_eq!(
            key("1.0.0-01a").map(|key| key.release),
            Some(Release::Before(vec![Identifier::Word("01a".into())]))
        );
    }

    const IDENTIFIER: &str = "(0|[1-9][0-9]{0,2}|[0-9]{0,2}[a-zA-Z-][0-9a-zA-Z-]{0,2}|alpha|beta|rc)";

    fn versions() -> impl Strategy<Value = String> {
        let core = "(0|1|2|10|[1-9][0-9]{0,3})\\.(0|1|2|10)\\.(0|1|9|10|11)";
        let before = format!("(-{IDENTIFIER}(\\.{IDENTIFIER}){{0,2}})?");
        proptest::string::string_regex(&format!("{core}{before}(\\+[0-9a-z]{{1,3}})?")).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8_000))]

        #[test]
        fn the_order_is_that_of_the_semver_crate(one in versions(), other in versions()) {
            let theirs = |text: &str| semver::Version::parse(text).expect("a semantic version");
            prop_assert_eq!(key(&one).cmp(&key(&other)), theirs(&one).cmp_precedence(&theirs(&other)));
        }

        #[test]
        fn what_the_semver_crate_reads_is_read(text in "[0-2]{1,2}\\.[0-2]{1,2}\\.[0-2][a.0+-]{0,5}") {
            prop_assert_eq!(key(&text).is_some(), semver::Version::parse(&text).is_ok());
        }
    }
}
