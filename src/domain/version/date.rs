//! Versions that are dates: `2024.01.15`, `2024-1-5`, `20240115`, `24.04`, `22H2`, each with counters after it, as in
//! `20240115.2`.
//!
//! A year of two digits is one of this century. `H1` and `H2` are halves of a year and begin with their first month.
//! What is missing comes before what is there: `2024` before `2024.01`.

use super::number::Number;

/// A version taken apart: year, month, day, and the counters; what is missing is 0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    year: u16,
    month: u8,
    day: u8,
    counters: Vec<Number>,
}

/// Takes a version apart; none if it is no date.
pub(super) fn key(text: &str) -> Option<Key> {
    let mut fields = text.split(['.', '-', '_', '/']);
    let first = fields.next()?;
    let (year, month, day) = match compact(first)? {
        (year, 0, 0) => match fields.clone().next() {
            None => (year, 0, 0),
            Some(month) => {
                fields.next();
                let day = fields.next().map_or(Some(0), |day| number(day, 2).filter(|day| *day > 0))?;
                (year, number(month, 2).filter(|month| *month > 0)?, day)
            }
        },
        whole => whole,
    };
    let is_date = month <= 12 && day <= last_day(year, month);
    let mut counters: Vec<Number> = fields.map(Number::parse).collect::<Option<_>>()?;
    while counters.last().is_some_and(Number::is_zero) {
        counters.pop();
    }
    is_date.then_some(Key { year, month: month as u8, day: day as u8, counters })
}

/// The last day that a month may have; with month 0 there is no day.
fn last_day(year: u16, month: u16) -> u16 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        0 => 0,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

/// A year alone, one with its half, or a date in one piece.
fn compact(text: &str) -> Option<(u16, u16, u16)> {
    if let Some((year, half)) = text.split_once(['H', 'h']) {
        let month = match half {
            "1" => 1,
            "2" => 7,
            _ => return None,
        };
        return Some((year_of(year)?, month, 0));
    }
    match text.len() {
        2 | 4 => Some((year_of(text)?, 0, 0)),
        // What is not of ASCII has no place to be cut at.
        8 if text.is_ascii() => {
            let (month, day) = (number(&text[4..6], 2)?, number(&text[6..], 2)?);
            (month > 0 && day > 0).then_some((year_of(&text[..4])?, month, day))
        }
        _ => None,
    }
}

fn year_of(text: &str) -> Option<u16> {
    match text.len() {
        2 => number(text, 2).map(|year| 2000 + year),
        4 => number(text, 4).filter(|year| *year >= 1900),
        _ => None,
    }
}

/// A number of at most so many digits.
fn number(text: &str, longest: usize) -> Option<u16> {
    let is_number = text.len() <= longest && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_come_in_their_order_however_they_are_written() {
        let rising =
            ["2023-12-31", "2024", "2024.1", "24.01.15", "20240115.2", "2024/1/16", "2024_02", "24H2", "2024.8"];
        for pair in rising.windows(2) {
            assert!(key(pair[0]).unwrap() < key(pair[1]).unwrap(), "{} < {}", pair[0], pair[1]);
        }
        assert_eq!(key("2024.01.05"), key("20240105.0"));
        for text in
            ["", "1.2.3", "2024.13", "2024.02.30", "20241301", "202401", "2024.0.1", "22H3", "2024-01-x", "2024é01é"]
        {
            assert!(key(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_date_is_one_whatever_is_between_its_parts(
            days in prop::array::uniform2(0i32..40_000), marks in prop::array::uniform2(0..4usize), compact in any::<bool>(),
        ) {
            let date = |days: i32| jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
            let [one, other] = days.map(date);
            let mark = |place: usize| [".", "-", "_", "/"][place];
            let plain = |date: jiff::civil::Date, mark: &str| {
                format!("{}{mark}{}{mark}{}", date.year(), date.month(), date.day())
            };
            let text = if compact { other.strftime("%Y%m%d").to_string() } else { plain(other, mark(marks[1])) };
            prop_assert_eq!(key(&plain(one, mark(marks[0]))).unwrap().cmp(&key(&text).unwrap()), one.cmp(&other));
        }
    }
}
