//! Debian's versions: `[EPOCH:]UPSTREAM[-REVISION]`, in the order of deb-version(7), which is that of `dpkg`.
//!
//! Runs of other characters and runs of digits take turns. Among the former `~` comes before the end, the end before
//! letters, and letters before all the rest; the latter compare as numbers.

use std::cmp::Ordering;

/// A version taken apart.
#[derive(Debug, Clone)]
pub(super) struct Key {
    epoch: u32,
    upstream: String,
    revision: String,
}

/// Takes a version apart; none if `dpkg` would complain of it.
pub(super) fn key(text: &str) -> Option<Key> {
    let (epoch, rest) = match text.split_once(':') {
        None => (0, text),
        Some((epoch, rest)) => (epoch_of(epoch)?, rest),
    };
    let (upstream, revision) = match rest.rsplit_once('-') {
        None => (rest, ""),
        Some((_, "")) => return None,
        Some((upstream, revision)) => (upstream, revision),
    };
    let in_revision = |byte: u8| byte.is_ascii_alphanumeric() || b"+.~".contains(&byte);
    let in_upstream = |byte: u8| in_revision(byte) || b"-:".contains(&byte);
    let is_version = upstream.starts_with(|first: char| first.is_ascii_digit())
        && upstream.bytes().all(in_upstream)
        && revision.bytes().all(in_revision);
    is_version.then(|| Key { epoch, upstream: upstream.to_owned(), revision: revision.to_owned() })
}

/// An epoch is at most what a C `int` holds.
fn epoch_of(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|epoch| is_number && *epoch <= i32::MAX as u32)
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.epoch.cmp(&other.epoch))
            .then_with(|| compare(&self.upstream, &other.upstream))
            .then_with(|| compare(&self.revision, &other.revision))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

/// Compares two upstream versions or two revisions.
fn compare(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    while !one.is_empty() || !other.is_empty() {
        let (words, rest) = one.split_at(span(one, |byte| !byte.is_ascii_digit()));
        let (other_words, other_rest) = other.split_at(span(other, |byte| !byte.is_ascii_digit()));
        let (digits, rest) = rest.split_at(span(rest, |byte| byte.is_ascii_digit()));
        let (other_digits, other_rest) = other_rest.split_at(span(other_rest, |byte| byte.is_ascii_digit()));
        let order = by_character(words, other_words).then_with(|| by_value(digits, other_digits));
        if order.is_ne() {
            return order;
        }
        (one, other) = (rest, other_rest);
    }
    Ordering::Equal
}

fn span(text: &str, belongs: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|byte| !belongs(byte)).unwrap_or(text.len())
}

/// Where the end of a run stands among characters is 0.
fn rank(byte: u8) -> i16 {
    match byte {
        b'~' => -1,
        letter if letter.is_ascii_alphabetic() => i16::from(letter),
        other => i16::from(other) + 256,
    }
}

fn by_character(one: &str, other: &str) -> Ordering {
    let ended = |text: &str| text.bytes().map(rank).chain([0]).collect::<Vec<_>>();
    ended(one).cmp(&ended(other))
}

fn by_value(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::*;

    #[test]
    fn what_dpkg_complains_of_is_not_read() {
        for text in ["", "a1", ":1", "1:", "x:1", "-1:1", "99999999999:1", "1-", "1 2", "1_2", "1-2_3", "1/2", "+1:1"] {
            assert!(key(text).is_none(), "{text}");
        }
        for text in ["0", "1:2:3-4-5", "1.0~rc1-1", "2:1.0+dfsg-1~deb12u1", "1-0"] {
            assert!(key(text).is_some(), "{text}");
        }
        assert_eq!(key("1.0"), key("0:1.0-0"));
        assert_eq!(key("1.a"), key("1.a0"));
    }

    fn versions() -> impl Strategy<Value = String> {
        let random = "([0-2]:)?[0-2][0-2aZ.+~:-]{0,5}(-[0-2a+.~]{1,3})?";
        let likely = "(1:)?[0-9]{1,2}(\\.[0-9]{1,2}){0,3}(~rc[0-9]|\\+dfsg|\\+git2024010[0-9])?(-[0-9]{1,2}(~deb1[12]u[0-9]|\\+b[0-9])?)?";
        prop_oneof![random, likely].prop_filter("a version", |text| key(text).is_some())
    }

    /// One shell asks `dpkg` about each pair whether it is as we say.
    #[test]
    fn the_order_is_that_of_dpkg() {
        if Command::new("dpkg").arg("--version").stdout(Stdio::null()).status().is_err() {
            return eprintln!("There is no dpkg on this computer to compare with.");
        }
        let mut runner = TestRunner::deterministic();
        let mut draw = || versions().new_tree(&mut runner).expect("a version").current();
        let mut questions = String::new();
        for _ in 0..3_000 {
            let (one, other) = (draw(), draw());
            let relation = match key(&one).cmp(&key(&other)) {
                Ordering::Less => "lt",
                Ordering::Equal => "eq",
                Ordering::Greater => "gt",
            };
            questions += &format!("{one} {relation} {other}\n");
        }
        let script = r#"while read -r one is other; do
            dpkg --compare-versions "$one" "$is" "$other" || echo "$one $is $other"
        done; echo end"#;
        let mut shell =
            Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = shell.stdin.take().unwrap();
        let writing = std::thread::spawn(move || input.write_all(questions.as_bytes()));
        let answer = shell.wait_with_output().unwrap();
        writing.join().unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&answer.stdout), "end\n", "dpkg does not say so");
    }
}
