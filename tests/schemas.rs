//! The documents that others build on: they are fresh, and the examples keep to them.

use std::path::Path;

use pitcrew::domain::submission::read;
use pitcrew::schemas::files;
use serde_json::{Value, json};

fn committed(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn parsed(path: &str) -> Value {
    serde_json::from_str(&committed(path)).expect("JSON")
}

#[test]
fn the_committed_files_are_what_the_types_say() {
    for file in files() {
        assert_eq!(committed(&file.path), file.text, "{} is old: run `pitcrew schemas`", file.path);
    }
}

#[test]
fn every_example_keeps_to_its_schema() {
    let mut checked = 0;
    for file in files() {
        let Some(schema) = &file.schema else { continue };
        let schema = parsed(schema);
        jsonschema::meta::validate(&schema).expect("a JSON Schema");
        let validator = jsonschema::draft202012::new(&schema).expect("a JSON Schema");
        let errors: Vec<String> = validator.iter_errors(&parsed(&file.path)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", file.path);
        checked += 1;
    }
    assert_eq!(checked, 7);
}

#[test]
fn schema_and_reader_agree() {
    let validator = jsonschema::draft202012::new(&parsed("messages/submission.v1.json")).expect("a JSON Schema");
    let documents = [
        (json!({"v": 1, "target": {"tenant": "a"}}), true),
        (json!({"v": 1, "target": {"computers": ["a", 7]}, "priority": 0}), true),
        (json!({"v": 1, "target": {"computers": ["a"]}, "priority": "low"}), true),
        (json!({"v": 1, "target": {"tenant": "a"}, "key": null, "not_before": null, "expires_at": null}), true),
        (json!({"v": 1, "target": {"tenant": "a"}, "kind": null}), false),
        (json!({"v": 2, "target": {"tenant": "a"}}), false),
        (json!({"target": {"tenant": "a"}}), false),
        (json!({"v": 1}), false),
        (json!({"v": 1, "target": {"tenant": "a", "computers": ["b"]}}), false),
        (json!({"v": 1, "target": {"tenant": "a"}, "priority": 4}), false),
        (json!({"v": 1, "target": {"tenant": "a"}, "kind": "ful"}), false),
        (json!({"v": 1, "target": {"tenant": "a"}, "extra": 1}), false),
        (json!({"v": 1, "target": {"computers": []}}), false),
        (json!({"v": 1, "target": {"tenant": "a"}, "parameters": {"task/t": {"a": "x", "b": 1, "c": true}}}), true),
        (json!({"v": 1, "target": {"tenant": "a"}, "parameters": {"t": {"a": {"k": "v"}}}}), true),
        (json!({"v": 1, "target": {"tenant": "a"}, "parameters": {"t": {"a": ["x"]}}}), false),
        (json!({"v": 1, "target": {"tenant": "a"}, "parameters": {"t": "x"}}), false),
    ];
    for (document, right) in documents {
        assert_eq!(validator.is_valid(&document), right, "the schema on {document}");
        assert_eq!(read(&document).is_ok(), right, "the reader on {document}");
    }
}
