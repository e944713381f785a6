//! Every generated file.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::{asyncapi, examples};
use crate::domain::event::Event;
use crate::domain::job::Job;
use crate::domain::submission::{ReplyV1, SubmissionV1};

/// A generated file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path in the folder `schemas`.
    pub path: String,
    /// What is in it.
    pub text: String,
    /// Of an example: the path of its schema.
    pub schema: Option<String>,
}

/// Every generated file.
pub fn files() -> Vec<File> {
    let mut files = vec![
        schema::<SubmissionV1>("submission.v1"),
        schema::<ReplyV1>("reply.v1"),
        schema::<Job>("job.v1"),
        schema::<Event>("event.v1"),
        File { path: "asyncapi.yaml".to_owned(), text: asyncapi::document(), schema: None },
    ];
    files.extend(examples::all().into_iter().map(|(name, message, example)| File {
        path: format!("examples/{name}.json"),
        text: pretty(&example),
        schema: Some(path(message)),
    }));
    files
}

fn schema<T: JsonSchema>(message: &str) -> File {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), Value::from(format!("urn:pitcrew:message:{message}")));
    File { path: path(message), text: pretty(schema.as_value()), schema: None }
}

fn path(message: &str) -> String {
    format!("messages/{message}.json")
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
