//! A number inside a version, as long as it likes.

/// A number, compared as such. Those that fit a machine word are one: nearly all are, and versions are read and compared
/// by the thousand. The order of the variants is the order of the numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Number {
    /// One of up to [`SMALL`] digits.
    Small(u64),
    /// A longer one: its digits without leading zeros, compared by length first.
    Large { length: usize, digits: Box<str> },
}

/// So many digits always fit.
const SMALL: usize = 19;

impl Number {
    /// The number that these digits write; no digits are 0.
    pub(super) fn of(digits: &str) -> Number {
        let digits = digits.trim_start_matches('0');
        if digits.len() <= SMALL {
            return Number::Small(digits.bytes().fold(0, |number, digit| number * 10 + u64::from(digit & 15)));
        }
        Number::Large { length: digits.len(), digits: digits.into() }
    }

    /// The number that this text writes; none if anything but digits is in it, or nothing.
    pub(super) fn parse(text: &str) -> Option<Number> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| Number::of(text))
    }

    pub(super) fn is_zero(&self) -> bool {
        *self == Number::Small(0)
    }
}

impl Default for Number {
    fn default() -> Self {
        Number::Small(0)
    }
}

#[cfg(test)]
mod tests {
    use super::Number;

    #[test]
    fn numbers_of_any_length_are_in_their_order() {
        let rising = [
            "0",
            "9",
            "10",
            "9999999999999999999",
            "10000000000000000000",
            "18446744073709551616",
            "99999999999999999999",
        ];
        let numbers: Vec<_> = rising.iter().map(|digits| Number::of(digits)).collect();
        assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
        for (digits, same) in
            [("", "0"), ("000", "0"), ("007", "7"), ("00010000000000000000000", "10000000000000000000")]
        {
            assert_eq!(Number::of(digits), Number::of(same), "{digits}");
        }
        assert!(Number::parse("12a").is_none() && Number::parse("").is_none());
    }
}
