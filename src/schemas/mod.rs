//! The documents that others build on: JSON Schemas of the messages, an AsyncAPI document, and examples. Made from the
//! types themselves by `pitcrew schemas`, and kept in `schemas/`.

mod asyncapi;
mod examples;
mod files;

pub use files::{File, files};
