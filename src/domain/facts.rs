//! Facts: what is known of a computer by name, declared in its fleet file or found by its inventory.
//!
//! Values are kept as they were written or printed; whoever asks says whether a number, a version or a text is meant.
//! `1.10` stays a version that way.

/// The longest name of a fact.
const LONGEST_NAME: usize = 100;

/// True of what can be the name of a fact: small letters, digits, `_` and `.`, beginning with a letter.
pub fn is_fact(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_.".contains(letter))
}
