//! Versions that a script answers there are: how the answer is read, and how it takes part in planning.
//!
//! The answer is part of what was found, so planning asks nobody, and a plan holds version, address and checksum as they were
//! answered.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use pitcrew_protocol::{Signature, StepOutcome, StepStatus};

use crate::domain::{
    AnsweredVersion, Download, Findings, Origin, Os, Policy, Sha256Hash, Software, SoftwareVersion, Version,
};

use super::versions::{Platform, applicable};

/// So many versions for the computer are taken; an answer with more says what nobody will install.
const MOST: usize = 200;
/// A line that begins with this says something to Pitcrew about the script itself.
const DIRECTIVE: &str = "::pitcrew ";

/// A version as it is answered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    version: String,
    os: Option<Os>,
    arch: Option<String>,
    url: Option<String>,
    sha256: Option<Sha256Hash>,
    size: Option<u64>,
    signature: Option<String>,
}

/// Reads the versions for a platform out of the outcome of the step that asked: a JSON list, or a JSON value in each line.
///
/// # Errors
/// Why the answer cannot be used, with the line, in a clause.
pub(super) fn read(
    software: &Software,
    platform: Platform<'_>,
    outcome: Option<&StepOutcome>,
) -> Result<Vec<AnsweredVersion>, String> {
    let Some(outcome) = outcome else { return Err("the run ended before it was asked.".to_owned()) };
    if let StepStatus::Failed { message, .. } = &outcome.status {
        return Err(format!("its script \"versions_from\" failed: {message}."));
    }
    if outcome.output_omitted > 0 {
        return Err("its script \"versions_from\" printed more than is read.".to_owned());
    }
    let mut answered: Vec<AnsweredVersion> = Vec::new();
    let mut known: Vec<Version> = Vec::new();
    for (line, entry) in entries(&outcome.output)? {
        let wrong = |what: &str| wrong(line, what);
        let Entry { version, os, arch, url, sha256, size, signature } = entry.map_err(|what| wrong(&what))?;
        let Some(number) = software.version(&version) else {
            let scheme = software.scheme;
            return Err(wrong(&format!(
                "\"{version}\" is not a version of the scheme {scheme}, which is {}",
                scheme.looks_like()
            )));
        };
        let is_address = |url: &String| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if let Some(url) = url.as_ref().filter(|url| !is_address(url)) {
            return Err(wrong(&format!("\"{url}\" is not an http or https address")));
        }
        if url.is_some() && sha256.is_none() {
            return Err(wrong("it has a \"url\" and no \"sha256\", so what is fetched could not be checked"));
        }
        if sha256.is_some() && url.is_none() && software.download.is_none() {
            return Err(wrong("it has a \"sha256\" and no \"url\" from which it could be fetched"));
        }
        let signature = match (&software.signed_by, signature) {
            (None, _) => None,
            (Some(_), None) if sha256.is_none() => None,
            (Some(_), None) => {
                return Err(wrong("it has no \"signature\", and \"signed_by\" says that there must be one"));
            }
            (Some(key), Some(signature)) => Some(Signature::of(key, &signature).map_err(|what| wrong(&what))?),
        };
        let fits = os.is_none_or(|os| os == platform.os) && arch.as_deref().is_none_or(|arch| arch == platform.arch);
        if !fits {
            continue;
        }
        if known.contains(&number) {
            return Err(wrong(&format!("version {version} is answered a second time for the same platform")));
        }
        if known.len() == MOST {
            return Err(wrong(&format!("there are more than {MOST} versions; answer those that may be wanted")));
        }
        known.push(number);
        answered.push(AnsweredVersion { version, url, sha256, size, signature });
    }
    Ok(answered)
}

fn wrong(line: usize, what: &str) -> String {
    format!("line {line} of what its script \"versions_from\" printed: {what}.")
}

/// What stands in a line of an answer.
type Line = (usize, Result<Entry, String>);

/// What stands in an answer, each with its line.
fn entries(output: &str) -> Result<Vec<Line>, String> {
    // What a script says about itself is no part of the answer, and its lines count all the same.
    let lines: Vec<&str> =
        output.lines().map(|line| if line.starts_with(DIRECTIVE) { "" } else { line.trim_end() }).collect();
    if !lines.iter().find(|line| !line.trim().is_empty()).is_some_and(|line| line.trim_start().starts_with('[')) {
        let lines = (1..).zip(lines).filter(|(_, line)| !line.trim().is_empty());
        return Ok(lines.map(|(number, line)| (number, entry(line.trim()))).collect());
    }
    let text = lines.join("\n");
    let values: Vec<&RawValue> =
        serde_json::from_str(&text).map_err(|error| wrong(error.line(), &without_place(&error)))?;
    let line_of = |value: &RawValue| {
        let before = (value.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        text.get(..before).map_or(1, |before| before.matches('\n').count() + 1)
    };
    Ok(values.into_iter().map(|value| (line_of(value), entry(value.get()))).collect())
}

/// A version alone, or with what is said of it.
fn entry(text: &str) -> Result<Entry, String> {
    let read = if text.starts_with('"') {
        let plain =
            |version| Entry { version, os: None, arch: None, url: None, sha256: None, size: None, signature: None };
        serde_json::from_str(text).map(plain)
    } else {
        serde_json::from_str(text)
    };
    read.map_err(|error| without_place(&error))
}

/// What is wrong with JSON; where that is, is said otherwise.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// The policy with the versions that were answered, beside those that are listed. What is listed wins.
pub(super) fn with_versions<'p>(policy: &'p Policy, platform: Platform<'_>, findings: &Findings) -> Cow<'p, Policy> {
    let asking = findings.versions.iter().filter_map(|(name, answered)| {
        let software = policy.software(name).filter(|software| software.versions_from.is_some())?;
        Some(with_answered(software, platform, answered))
    });
    let asking: Vec<Software> = asking.collect();
    if asking.is_empty() { Cow::Borrowed(policy) } else { Cow::Owned(policy.with_software(asking)) }
}

fn with_answered(software: &Software, platform: Platform<'_>, answered: &[AnsweredVersion]) -> Software {
    let listed: Vec<&Version> = applicable(software, platform).map(|(version, _)| version).collect();
    let is_new = |answer: &&AnsweredVersion| {
        software.version(&answer.version).is_some_and(|version| !listed.contains(&&version))
    };
    let entry = |AnsweredVersion { version, url, sha256, size, signature }: AnsweredVersion| {
        let from = Origin::of(url, software.download.as_ref());
        let download = from.zip(sha256).map(|(from, sha256)| Download { from, sha256, size, signature });
        SoftwareVersion { download, ..SoftwareVersion::plain(version) }
    };
    let new: Vec<_> = answered.iter().filter(is_new).cloned().map(entry).collect();
    let mut software = software.clone();
    software.versions.extend(new);
    software
}
