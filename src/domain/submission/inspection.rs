//! What is kept of a refused submission for those who look into it: all of it but what may be a secret.

use serde_json::{Map, Value};

use super::read::FIELDS;

/// Stands for what is not kept.
const STRUCK: &str = "[not kept]";

/// A refused submission without the values of parameters, and without what stands under names that a submission does not
/// have: one of them may be a misspelt `parameters`. Of a text that is no JSON only what comes before `parameters`.
pub fn inspectable(body: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(mut fields)) => {
            if strike_out(&mut fields) {
                serde_json::to_vec(&fields).unwrap_or_default()
            } else {
                body.to_vec()
            }
        }
        Ok(_) => body.to_vec(),
        Err(_) => {
            let word = b"param";
            let end = body.windows(word.len()).position(|found| found.eq_ignore_ascii_case(word));
            body[..end.unwrap_or(body.len())].to_vec()
        }
    }
}

/// True if anything was struck out.
fn strike_out(fields: &mut Map<String, Value>) -> bool {
    let mut struck = false;
    for (name, value) in fields.iter_mut() {
        if name == "parameters" || !FIELDS.contains(&name.as_str()) {
            struck |= strike(value);
        }
    }
    struck
}

/// Puts a mark in the place of every value in it. The id of a stored secret is none.
fn strike(value: &mut Value) -> bool {
    match value {
        Value::Object(fields) => {
            let is_id = |value: &Value| value.as_str().is_some_and(|text| text.parse::<uuid::Uuid>().is_ok());
            if fields.len() == 1 && fields.get("secret").is_some_and(is_id) {
                return false;
            }
            fields.values_mut().fold(false, |struck, value| strike(value) | struck)
        }
        Value::Array(values) => values.iter_mut().fold(false, |struck, value| strike(value) | struck),
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            *value = Value::from(STRUCK);
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_parameter_is_kept() {
        let id = "6f1f0a52-6c1c-4f57-8f53-0f6c1d3d2d11";
        for body in [
            format!(r#"{{"v":1,"kind":"ful","parameters":{{"task/t":{{"key":"hunter2","id":{{"secret":"{id}"}}}}}}}}"#),
            r#"{"v":1,"kind":"ful","parameter":{"task/t":{"key":["hunter2"]}}}"#.to_owned(),
            r#"{"v":1,"kind":"ful","parameters":"hunter2"}"#.to_owned(),
            r#"{"v":1,"kind":"ful","parameters":{"t":{"key":"hunter2"}},"parameters":{"t":{"key":"hunter2"}}}"#
                .to_owned(),
            r#"{"v":1,"kind":"ful", "parameters":{"t":{"key":"hunter2"}"#.to_owned(),
        ] {
            let kept = String::from_utf8(inspectable(body.as_bytes())).unwrap();
            assert!(!kept.contains("hunter2") && kept.contains("\"ful\""), "{kept}");
            assert_eq!(kept.contains(id), body.contains(id), "{kept}");
        }
        let harmless = br#"{"v": 1,  "target": {"tenant": "t"}}"#;
        assert_eq!(inspectable(harmless), harmless);
    }
}
