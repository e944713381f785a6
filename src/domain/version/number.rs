//! A number inside a version, as long as it likes.

/// Digits without their leading zeros, compared by length first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Number {
    length: usize,
    digits: String,
}

impl Number {
    /// The number that these digits write; no digits are 0.
    pub(super) fn of(digits: &str) -> Number {
        let digits = digits.trim_start_matches('0');
        Number { length: digits.len(), digits: digits.to_owned() }
    }

    /// The number that this text writes; none if anything but digits is in it, or nothing.
    pub(super) fn parse(text: &str) -> Option<Number> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| Number::of(text))
    }

    pub(super) fn is_zero(&self) -> bool {
        self.length == 0
    }
}
