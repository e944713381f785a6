//! Reading a query: by hand, one function a rule of its grammar, and never deeper than its text may be nested.

use std::fmt;

use super::ast::{Expr, Literal, Operator, Query, Term};
use super::lex::{At, Token, tokens};
use super::names::{Field, Kind, Set};
use crate::domain::facts::is_fact;
use crate::domain::suggest::did_you_mean;
use crate::domain::version::{Scheme, Version};

/// The longest query, in bytes.
const LONGEST: usize = 10_000;
/// The deepest nesting of parentheses and `not`.
const DEEPEST: usize = 64;

/// Something that is wrong in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryFault {
    /// The line in the query, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What, in a sentence.
    pub message: String,
    /// What was likely meant, or what to do, in a sentence.
    pub suggestion: Option<String>,
}

/// A query that was read, and the places of the groups that it asks about.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The query.
    pub query: Query,
    /// The groups.
    pub groups: Vec<Mention>,
}

/// A name in a query, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The name.
    pub name: String,
    /// The line in the query, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl QueryFault {
    pub(super) fn new((line, column): At, message: impl Into<String>) -> QueryFault {
        QueryFault { line, column, message: message.into(), suggestion: None }
    }

    pub(super) fn help(mut self, suggestion: impl Into<String>) -> QueryFault {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Suggests the nearest of the known words, or lists them if none is near.
    fn nearest(self, written: &str, known: &[&str]) -> QueryFault {
        let near = did_you_mean(written, known.iter().copied());
        if near.is_empty() { self.help(format!("Known are: {}.", known.join(", "))) } else { self.help(near.trim()) }
    }
}

impl fmt::Display for QueryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        self.suggestion.as_ref().map_or(Ok(()), |suggestion| write!(f, " {suggestion}"))
    }
}

impl TryFrom<String> for Query {
    type Error = String;

    fn try_from(text: String) -> Result<Query, String> {
        parse(&text)
            .map(|parsed| parsed.query)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }
}

/// Reads a query.
///
/// # Errors
/// What is wrong: every name and value that does not fit, up to the first place that cannot be read at all.
pub fn parse(text: &str) -> Result<Parsed, Vec<QueryFault>> {
    if text.len() > LONGEST {
        return Err(vec![QueryFault::new(
            (1, 1),
            format!("A query has at most {LONGEST} bytes, and this has {}.", text.len()),
        )]);
    }
    let mut parser =
        Parser { tokens: tokens(text).map_err(|fault| vec![fault])?, at: 0, depth: 0, faults: vec![], groups: vec![] };
    let read = parser.any().and_then(|expr| {
        parser.expect_end()?;
        Ok(expr)
    });
    match read {
        Ok(expr) if parser.faults.is_empty() => Ok(Parsed { query: Query(expr), groups: parser.groups }),
        Ok(_) => Err(parser.faults),
        Err(fault) => {
            parser.faults.push(*fault);
            Err(parser.faults)
        }
    }
}

/// A place from which it cannot be read on.
type Stop = Box<QueryFault>;

struct Parser {
    tokens: Vec<(Token, At)>,
    at: usize,
    depth: usize,
    faults: Vec<QueryFault>,
    groups: Vec<Mention>,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn place(&self) -> At {
        self.tokens[self.at].1
    }

    /// Takes a token; the end stays.
    fn next(&mut self) -> (Token, At) {
        let taken = self.tokens[self.at].clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        taken
    }

    fn takes(&mut self, token: &Token) -> bool {
        let is_next = self.peek() == token;
        if is_next {
            self.next();
        }
        is_next
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_next = matches!(self.peek(), Token::Word(next) if next == word);
        if is_next {
            self.next();
        }
        is_next
    }

    fn stop<T>(&self, expected: &str) -> Result<T, Stop> {
        let found = self.peek();
        let fault =
            QueryFault::new(self.place(), format!("{expected} is expected here, and this is {}.", found.is_a()));
        Err(Box::new(fault))
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), Stop> {
        if self.takes(&Token::Sign(sign)) { Ok(()) } else { self.stop(&format!("\"{sign}\"")) }
    }

    fn expect_end(&mut self) -> Result<(), Stop> {
        match self.peek() {
            Token::End => Ok(()),
            Token::Word(word) => {
                let near = did_you_mean(word, ["and", "or", "in", "not", "matches"]);
                let fault = QueryFault::new(
                    self.place(),
                    format!("and, or, or the end is expected here, and this is \"{word}\"."),
                );
                Err(Box::new(if near.is_empty() { fault } else { fault.help(near.trim()) }))
            }
            _ => self.stop("and, or, or the end"),
        }
    }

    /// One or several with `or` between them.
    fn any(&mut self) -> Result<Expr, Stop> {
        let mut parts = vec![self.all()?];
        while self.takes_word("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() > 1 { Expr::Any(parts) } else { parts.swap_remove(0) })
    }

    /// One or several with `and` between them.
    fn all(&mut self) -> Result<Expr, Stop> {
        let mut parts = vec![self.one()?];
        while self.takes_word("and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() > 1 { Expr::All(parts) } else { parts.swap_remove(0) })
    }

    /// A contrary, a group in parentheses, or a comparison.
    fn one(&mut self) -> Result<Expr, Stop> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Box::new(QueryFault::new(
                self.place(),
                format!("This is nested deeper than {DEEPEST} levels."),
            )));
        }
        let one = if self.takes_word("not") {
            Expr::Not(Box::new(self.one()?))
        } else if self.takes(&Token::Sign("(")) {
            let inner = self.any()?;
            self.expect(")")?;
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(one)
    }

    fn comparison(&mut self) -> Result<Expr, Stop> {
        if let Token::Text(_) = self.peek() {
            return self.membership();
        }
        let place = self.place();
        let term = self.term()?;
        if let Some(operator) = self.operator() {
            let at = self.place();
            let value = self.literal()?;
            if let Some(term) = &term {
                self.fits(term, operator, place, &value, at);
            }
            return Ok(Expr::Compare(term.unwrap_or(Term::Field(Field::Name)), operator, value));
        }
        let contrary = matches!(self.peek(), Token::Word(word) if word == "not");
        if contrary || matches!(self.peek(), Token::Word(word) if word == "in") {
            self.takes_word("not");
            if !self.takes_word("in") {
                return self.stop("in");
            }
            let values = self.values(term.as_ref(), place)?;
            let one = Expr::OneOf(term.unwrap_or(Term::Field(Field::Name)), values);
            return Ok(if contrary { Expr::Not(Box::new(one)) } else { one });
        }
        match &term {
            Some(Term::Software(_) | Term::Fact(_)) | None => {}
            Some(term) if term.kind() == Kind::Flag => {}
            Some(term) => {
                let kind = term.kind().is_a();
                return self.stop(&format!("A comparison of {term}, which is {kind},"));
            }
        }
        Ok(Expr::Is(term.unwrap_or(Term::Field(Field::Excluded))))
    }

    /// `"kiosk" in tags`
    fn membership(&mut self) -> Result<Expr, Stop> {
        let (member, at) = match self.next() {
            (Token::Text(member), at) => (member, at),
            (_, at) => (String::new(), at),
        };
        let contrary = self.takes_word("not");
        if !self.takes_word("in") {
            return self.stop("in, as in \"kiosk\" in tags,");
        }
        let place = self.place();
        let (Token::Word(word), _) = self.next() else {
            self.at -= 1;
            return self.stop("What it is a member of");
        };
        let set: Set = match word.parse() {
            Ok(set) => set,
            Err(_) => {
                let fault = QueryFault::new(place, format!("\"{word}\" has no members."));
                self.faults.push(fault.nearest(&word, Set::WORDS));
                Set::Tags
            }
        };
        if set == Set::Groups {
            self.groups.push(Mention { name: member.clone(), line: at.0, column: at.1 });
        }
        let has = Expr::Has(set, member);
        Ok(if contrary { Expr::Not(Box::new(has)) } else { has })
    }

    /// A value of the computer; none if it has no such, which is noted.
    fn term(&mut self) -> Result<Option<Term>, Stop> {
        let place = self.place();
        let Token::Word(word) = self.peek().clone() else {
            return self.stop("A name, such as os.family, or a text, as in \"kiosk\" in tags,");
        };
        if matches!(word.as_str(), "and" | "or" | "in" | "matches" | "true" | "false") {
            return self.stop("A name, such as os.family,");
        }
        self.next();
        if *self.peek() == Token::Sign("(") {
            return self.called(&word, place);
        }
        match word.parse::<Field>() {
            Ok(field) => Ok(Some(Term::Field(field))),
            Err(_) if Set::WORDS.contains(&word.as_str()) => {
                let fault = QueryFault::new(place, format!("\"{word}\" has members, and is no value by itself."));
                Err(Box::new(fault.help(format!("Write \"…\" in {word}."))))
            }
            Err(_) if matches!(word.as_str(), "fact" | "software") => self.stop("\"(\""),
            Err(_) => {
                let mut fault = QueryFault::new(place, format!("There is no name \"{word}\"."));
                let known: Vec<&str> = Field::WORDS.iter().chain(Set::WORDS).copied().collect();
                let near = did_you_mean(&word, known);
                fault = match near.is_empty() {
                    false => fault.help(near.trim()),
                    true if is_fact(&word) => fault.help(format!("A fact of your own is written fact(\"{word}\").")),
                    true => fault.help(format!("Known are: {}.", Field::WORDS.join(", "))),
                };
                self.faults.push(fault);
                Ok(None)
            }
        }
    }

    /// `fact("site")` or `software("7-zip")`
    fn called(&mut self, word: &str, place: At) -> Result<Option<Term>, Stop> {
        self.expect("(")?;
        let at = self.place();
        let Token::Text(name) = self.peek().clone() else { return self.stop("A name in quotes") };
        self.next();
        self.expect(")")?;
        match word {
            "software" if !name.trim().is_empty() => Ok(Some(Term::Software(name.trim().to_lowercase()))),
            "fact" if is_fact(&name) => Ok(Some(Term::Fact(name))),
            "software" | "fact" => {
                let fault = QueryFault::new(at, format!("\"{name}\" is not the name of a {word}."));
                let help = "A fact has small letters, digits, '_' and '.', and begins with a letter.";
                self.faults.push(if word == "fact" { fault.help(help) } else { fault });
                Ok(None)
            }
            _ => {
                let fault = QueryFault::new(place, format!("There is no \"{word}(…)\"."));
                self.faults.push(fault.nearest(word, &["software", "fact"]));
                Ok(None)
            }
        }
    }

    fn operator(&mut self) -> Option<Operator> {
        let operator = match self.peek() {
            Token::Sign("==") => Operator::Equal,
            Token::Sign("!=") => Operator::NotEqual,
            Token::Sign("<") => Operator::Less,
            Token::Sign("<=") => Operator::LessOrEqual,
            Token::Sign(">") => Operator::Greater,
            Token::Sign(">=") => Operator::GreaterOrEqual,
            Token::Word(word) if word == "matches" => Operator::Matches,
            _ => return None,
        };
        self.next();
        Some(operator)
    }

    fn literal(&mut self) -> Result<Literal, Stop> {
        let literal = match self.peek() {
            Token::Text(text) => Literal::Text(text.clone()),
            Token::Number(number) => Literal::Number(*number),
            Token::Word(word) if word == "true" || word == "false" => Literal::Flag(word == "true"),
            Token::Word(word) => {
                let fault = QueryFault::new(self.place(), format!("A value is expected here, and this is \"{word}\"."));
                return Err(Box::new(fault.help(format!("A text stands in quotes: \"{word}\"."))));
            }
            Token::Sign(_) | Token::End => return self.stop("A value"),
        };
        self.next();
        Ok(literal)
    }

    /// `["one", "two"]`, at least one.
    fn values(&mut self, term: Option<&Term>, place: At) -> Result<Vec<Literal>, Stop> {
        if *self.peek() != Token::Sign("[") {
            return self.stop("A list, such as [\"one\", \"two\"],");
        }
        self.next();
        let mut values = Vec::new();
        loop {
            let at = self.place();
            let value = self.literal()?;
            if let Some(term) = term {
                self.fits(term, Operator::Equal, place, &value, at);
            }
            values.push(value);
            if !self.takes(&Token::Sign(",")) {
                self.expect("]")?;
                return Ok(values);
            }
        }
    }

    /// Notes a value that cannot be compared with the term in this way.
    fn fits(&mut self, term: &Term, operator: Operator, place: At, value: &Literal, at: At) {
        let kind = term.kind();
        let fits = match (kind, value) {
            (_, Literal::Text(_)) if operator == Operator::Matches => !matches!(kind, Kind::Number | Kind::Flag),
            (_, _) if operator == Operator::Matches => false,
            (Kind::Text | Kind::Version | Kind::Any, Literal::Text(_)) => true,
            (Kind::Number | Kind::Any, Literal::Number(_)) => true,
            (Kind::Flag | Kind::Any, Literal::Flag(_)) => true,
            (Kind::Text | Kind::Version | Kind::Number | Kind::Flag, _) => false,
        };
        if !fits {
            let message = format!("{term} is {}, and cannot be compared by {operator} with {value}.", kind.is_a());
            let fault = QueryFault::new(at, message);
            self.faults.push(match (kind, value) {
                (Kind::Text | Kind::Version, Literal::Number(_) | Literal::Flag(_)) => {
                    fault.help(format!("Write it in quotes: \"{value}\"."))
                }
                (Kind::Number, Literal::Text(text)) if text.parse::<f64>().is_ok() => {
                    fault.help(format!("Write it without quotes: {text}."))
                }
                _ => fault,
            });
            return;
        }
        let ordered =
            matches!(operator, Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual);
        if ordered && matches!(kind, Kind::Text | Kind::Flag) {
            let message = format!("{term} is {}, of which none is less than another.", kind.is_a());
            self.faults.push(QueryFault::new(place, message).help("Compare it by ==, !=, in or matches."));
        }
        let Literal::Text(text) = value else { return };
        if kind == Kind::Version && operator != Operator::Matches && Version::parse(Scheme::Loose, text).is_none() {
            self.faults.push(QueryFault::new(at, format!("\"{text}\" is not a version: there is no digit in it.")));
        }
        let Term::Field(field) = term else { return };
        if let Some(words) = field.words()
            && operator != Operator::Matches
            && !words.contains(&text.as_str())
        {
            self.faults.push(QueryFault::new(at, format!("{term} is never \"{text}\".")).nearest(text, words));
        }
    }
}
