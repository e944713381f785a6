//! How work is written down: so that an agent which does not know all that is asked of it refuses, and does not do the rest.
//!
//! Agents that were built before files were signed, or before scripts were told of files, pass over those fields. So work
//! that has them bears a name of its own, which those agents do not know. It is read under either name: what is in flight
//! when an agent is updated was written under the plain one. The size of a file needs no such name, since its checksum
//! alone decides whether it is used.

use serde::{Serialize, Serializer};

use crate::{Script, Signature, Work};

#[derive(Serialize)]
struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script: Option<&'a Script>,
    sha256: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'a Signature>,
}

impl Serialize for Work {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (index, name, file) = match self {
            Work::Script(script) => {
                let name = if script.files.is_empty() { "script" } else { "script_with_files" };
                return to.serialize_newtype_variant("Work", 0, name, script);
            }
            Work::Download { url, sha256, size, signature } => {
                let name = if signature.is_some() { "signed_download" } else { "download" };
                let (url, signature) = (Some(url.as_str()), signature.as_ref());
                (1, name, File { url, script: None, sha256, size: *size, signature })
            }
            Work::Fetch { script, sha256, size, signature } => {
                let name = if signature.is_some() { "signed_fetch" } else { "fetch" };
                let (script, signature) = (Some(script), signature.as_ref());
                (2, name, File { url: None, script, sha256, size: *size, signature })
            }
            Work::Reboot => return to.serialize_unit_variant("Work", 3, "reboot"),
        };
        to.serialize_newtype_variant("Work", index, name, &file)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, from_value, json, to_value};

    use super::*;
    use crate::Interpreter;

    fn script(files: BTreeMap<String, String>) -> Script {
        let (interpreter, body) = (Interpreter::Sh, "true".to_owned());
        Script { interpreter, body, env: BTreeMap::new(), secrets: Default::default(), files }
    }

    #[test]
    fn what_older_agents_would_pass_over_bears_a_name_that_they_do_not_know() {
        let name = |work: &Work| match to_value(work).unwrap() {
            Value::Object(work) => work.keys().cloned().collect::<String>(),
            other => other.as_str().unwrap().to_owned(),
        };
        let signed = || Some(Signature { key: "key".into(), signature: "signature".into() });
        let download =
            |signature| Work::Download { url: "http://x".into(), sha256: "00".into(), size: Some(1), signature };
        let fetch =
            |signature| Work::Fetch { script: script(BTreeMap::new()), sha256: "00".into(), size: None, signature };
        for (work, expected) in [
            (Work::Script(script(BTreeMap::new())), "script"),
            (Work::Script(script([("FILE".to_owned(), "00".to_owned())].into())), "script_with_files"),
            (download(None), "download"),
            (download(signed()), "signed_download"),
            (fetch(None), "fetch"),
            (fetch(signed()), "signed_fetch"),
            (Work::Reboot, "reboot"),
        ] {
            assert_eq!(name(&work), expected);
            assert_eq!(from_value::<Work>(to_value(&work).unwrap()).unwrap(), work);
        }
        assert_eq!(
            to_value(download(None)).unwrap(),
            json!({"download": {"url": "http://x", "sha256": "00", "size": 1}})
        );
        let before = json!({"download": {"url": "http://x", "sha256": "00", "size": 1,
            "signature": {"key": "key", "signature": "signature"}}});
        assert_eq!(from_value::<Work>(before).unwrap(), download(signed()));
    }

    #[test]
    fn a_field_that_is_not_known_is_refused() {
        for work in [
            json!({"download": {"url": "http://x", "sha256": "00", "notarised": true}}),
            json!({"script": {"interpreter": "sh", "body": "true", "user": "nobody"}}),
        ] {
            let error = from_value::<Work>(work).unwrap_err().to_string();
            assert!(error.starts_with("unknown field"), "{error}");
        }
    }
}
