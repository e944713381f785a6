//! What is taken from the path and the query of a request; what cannot be read is answered as a problem.

use std::collections::BTreeMap;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::domain::suggest::did_you_mean;

/// Lines of a page if the caller does not say.
const PAGE: usize = 100;
/// Lines of a page at most.
const LARGEST_PAGE: usize = 1_000;

/// A list that is whole: it needs no pages.
#[derive(Debug, Serialize)]
pub(super) struct Whole<T> {
    pub(super) items: Vec<T>,
}

/// A part of the path as a value of ours.
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Named<T>, Problem> {
        let path = parts.uri.path().to_owned();
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Named(value)),
            Err(_) => Err(Problem::not_found(format!("page {path}"))),
        }
    }
}

/// The query's words by name.
pub(super) struct Words(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Words {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Words, Problem> {
        let Query(words) = Query::<BTreeMap<String, String>>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::bad_request(format!("The query cannot be read: {error}.")))?;
        Ok(Words(words))
    }
}

impl Words {
    /// Refuses words that the route does not know.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Problem> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                let near = did_you_mean(name, known.iter().copied());
                let known = known.join(", ");
                Err(Problem::bad_request(format!("The query has no word \"{name}\"; it knows {known}.{near}")))
            }
            None => Ok(()),
        }
    }

    /// A word as text; one that is empty counts as absent.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A word as a value of ours.
    pub(super) fn one<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem>
    where
        T::Err: std::fmt::Display,
    {
        self.text(name).map(|text| parse(name, text)).transpose()
    }

    /// Words with commas between them.
    pub(super) fn several<T: FromStr>(&self, name: &str) -> Result<Option<Vec<T>>, Problem>
    where
        T::Err: std::fmt::Display,
    {
        self.text(name).map(|text| text.split(',').map(|word| parse(name, word.trim())).collect()).transpose()
    }

    /// The page: `after` and `limit`.
    pub(super) fn page(&self) -> Result<(Option<i64>, usize), Problem> {
        Ok((self.one("after")?, self.limit()?))
    }

    /// How many lines are wanted.
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        let limit = self.one::<usize>("limit")?.unwrap_or(PAGE);
        if !(1..=LARGEST_PAGE).contains(&limit) {
            return Err(Problem::bad_request(format!("\"limit\" is {limit}; it may be 1 to {LARGEST_PAGE}.")));
        }
        Ok(limit)
    }
}

fn parse<T: FromStr>(name: &str, text: &str) -> Result<T, Problem>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| Problem::bad_request(format!("\"{name}\" cannot be read: {error}.")))
}
