//! The tokens of a query, each with its place.

use super::parse::QueryFault;

/// A line and a column, both from 1, the column in characters.
pub(super) type At = (usize, usize);

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name or a keyword.
    Word(String),
    Text(String),
    Number(f64),
    /// An operator, a bracket or a comma.
    Sign(&'static str),
    End,
}

/// Signs, those first of which another one is a part.
const SIGNS: &[&str] = &["==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", ","];

/// What people write who know another language, and what is meant.
const ELSEWHERE: &[(&str, &str)] = &[
    ("&&", "Write and."),
    ("||", "Write or."),
    ("!", "Write not, or != to compare."),
    ("=", "Write == to compare."),
    ("~", "Write matches \"…\", with * and ?."),
    ("'", "Write text in double quotes."),
];

impl Token {
    /// What it is, for a sentence.
    pub(super) fn is_a(&self) -> String {
        match self {
            Token::Word(word) => format!("\"{word}\""),
            Token::Text(text) => format!("the text \"{text}\""),
            Token::Number(number) => format!("the number {number}"),
            Token::Sign(sign) => format!("\"{sign}\""),
            Token::End => "the end".to_owned(),
        }
    }
}

/// Cuts a query into tokens; the last is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, At)>, QueryFault> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut at: At = (1, 1);
    loop {
        let blank = rest.len() - rest.trim_start().len();
        step(&mut at, &rest[..blank]);
        rest = &rest[blank..];
        let Some(first) = rest.chars().next() else {
            tokens.push((Token::End, at));
            return Ok(tokens);
        };
        let (token, length) = if first == '"' {
            quoted(rest, at)?
        } else if first.is_ascii_digit() || (first == '-' && rest[1..].starts_with(|next: char| next.is_ascii_digit()))
        {
            number(rest, at)?
        } else if first.is_alphabetic() || first == '_' {
            let is_part = |letter: char| letter.is_alphanumeric() || "_.".contains(letter);
            let length = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
            (Token::Word(rest[..length].to_owned()), length)
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Token::Sign(sign), sign.len())
        } else {
            let fault = QueryFault::new(at, format!("\"{}\" has no meaning here.", first.escape_debug()));
            let known = ELSEWHERE.iter().find(|(sign, _)| rest.starts_with(sign));
            return Err(known.map_or(fault.clone(), |(_, help)| fault.help(*help)));
        };
        tokens.push((token, at));
        step(&mut at, &rest[..length]);
        rest = &rest[length..];
    }
}

/// Goes on by what was read.
fn step(at: &mut At, read: &str) {
    for letter in read.chars() {
        *at = if letter == '\n' { (at.0 + 1, 1) } else { (at.0, at.1 + 1) };
    }
}

/// A text in double quotes, in which `\"` and `\\` stand for a quote and a backslash.
fn quoted(rest: &str, at: At) -> Result<(Token, usize), QueryFault> {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return Ok((Token::Text(text), place + 1)),
            '\\' => match letters.next() {
                Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                Some(_) | None => {
                    let fault =
                        QueryFault::new(at, "In this text a backslash stands before something else than a quote.");
                    return Err(fault.help("Write \\\\ for a backslash and \\\" for a quote."));
                }
            },
            other => text.push(other),
        }
    }
    Err(QueryFault::new(at, "This text has no end.").help("Close it with \"."))
}

fn number(rest: &str, at: At) -> Result<(Token, usize), QueryFault> {
    let is_part = |letter: char| letter.is_alphanumeric() || "._".contains(letter);
    let length = rest[1..].find(|letter| !is_part(letter)).map_or(rest.len(), |length| length + 1);
    let written = &rest[..length];
    let plain = written.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    match written.parse::<f64>() {
        Ok(number) if plain && number.is_finite() => Ok((Token::Number(number), length)),
        Ok(_) | Err(_) => {
            let fault = QueryFault::new(at, format!("\"{written}\" is not a number."));
            Err(fault.help(format!("A version stands in quotes: \"{written}\".")))
        }
    }
}
