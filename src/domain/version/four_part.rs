//! Four-part versions, as Windows files have: `10.0.19045.4046`, each part a number, and what is missing is 0.

use super::number::Number;

/// A version taken apart.
pub(super) type Key = [Number; 4];

/// Takes a version apart; none if there are other than one to four numbers with dots between them.
pub(super) fn key(text: &str) -> Option<Key> {
    let mut numbers = Key::default();
    let mut written = text.split('.');
    for (place, number) in numbers.iter_mut().enumerate() {
        match written.next() {
            Some(text) => *number = Number::parse(text)?,
            None if place == 0 => return None,
            None => break,
        }
    }
    written.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_numbers_are_read() {
        assert_eq!(key("1.2"), key("1.02.0.0"));
        for text in ["", ".", "1.", "1.2.3.4.5", "1.2-3", "v1", "1.a", "1,2,3,4", "1 .2"] {
            assert!(key(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parts_compare_as_numbers_from_the_left(one in any::<[u64; 4]>(), other in any::<[u64; 4]>(), same in 0..4usize) {
            let other: Vec<u64> = one.iter().take(same).chain(other.iter().skip(same)).copied().collect();
            let written = |parts: &[u64]| parts.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
            prop_assert_eq!(key(&written(&one)).cmp(&key(&written(&other))), one.as_slice().cmp(other.as_slice()));
        }
    }
}
