//! What must hold of everything that reads text from outside, whatever the text: it does not panic, it says where it fails,
//! and what it takes means the same when it is read again.
//!
//! The fuzzer's targets call these, and so do the tests, with mutations of real documents.

use pitcrew::domain::job::Job;
use pitcrew::domain::query;
use pitcrew::domain::submission;
use pitcrew::domain::version::{Scheme, Version};
use pitcrew::fleet;
use pitcrew_protocol::{FromAgent, FromGateway};

/// A fleet file: every fault has a place in it, and reading it again says the same.
pub fn fleet(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (read, faults) = fleet::read_all([("fuzz.yaml", text)]);
    // YAML ends a line with either.
    let lines = text.split(['\n', '\r']).count();
    for fault in &faults {
        let line = fault.place.line;
        assert!((1..=lines + 1).contains(&line), "line {line} of {lines}: {fault}");
        assert!(!fault.message.is_empty());
    }
    let found = fleet::check(&read, &fleet::Known::default());
    let (again, faults_again) = fleet::read_all([("fuzz.yaml", text)]);
    assert_eq!(faults.len(), faults_again.len());
    assert_eq!(found.len(), fleet::check(&again, &fleet::Known::default()).len());
}

/// A query: what it reads as is written as something that reads as the same.
pub fn query(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(parsed) = query::parse(text) else { return };
    let written = parsed.query.to_string();
    let again = query::parse(&written).unwrap_or_else(|fault| panic!("{text:?} is written {written:?}: {fault:?}"));
    assert_eq!(again.query.to_string(), written, "of {text:?}");
}

/// Three versions, a line each: they have one order, in every scheme.
pub fn version(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for scheme in Scheme::ALL {
        let versions: Vec<Version> = text.lines().take(3).filter_map(|line| Version::parse(*scheme, line)).collect();
        for one in &versions {
            assert_eq!(one.cmp(one), std::cmp::Ordering::Equal);
            for other in &versions {
                assert_eq!(one.cmp(other), other.cmp(one).reverse(), "{scheme}: {one:?} and {other:?}");
                for third in &versions {
                    let in_order = one <= other && other <= third;
                    assert!(!in_order || one <= third, "{scheme}: {one:?}, {other:?}, {third:?}");
                }
            }
        }
    }
}

/// A submission from the queue: every violation points into it.
pub fn submission(bytes: &[u8]) {
    match submission::read_bytes(bytes) {
        Ok(_) => {}
        Err(violations) => {
            assert!(!violations.is_empty());
            for violation in violations {
                assert!(violation.pointer.is_empty() || violation.pointer.starts_with('/'), "{}", violation.pointer);
            }
        }
    }
}

/// Frames of agents and gateways, and jobs: what is taken is written as something that is taken as the same.
pub fn frames(bytes: &[u8]) {
    if let Ok(frame) = serde_json::from_slice::<FromAgent>(bytes) {
        let written = serde_json::to_string(&frame).expect("a frame can be written");
        assert_eq!(serde_json::from_str::<FromAgent>(&written).expect("it is one"), frame);
    }
    if let Ok(frame) = serde_json::from_slice::<FromGateway>(bytes) {
        let written = serde_json::to_string(&frame).expect("a frame can be written");
        assert_eq!(serde_json::from_str::<FromGateway>(&written).expect("it is one"), frame);
    }
    if let Ok(job) = serde_json::from_slice::<Job>(bytes) {
        let written = serde_json::to_string(&job).expect("a job can be written");
        assert_eq!(serde_json::from_str::<Job>(&written).expect("it is one"), job);
    }
}
