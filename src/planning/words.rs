//! The sentences that explain a decision.

use pitcrew_protocol::Child;

use crate::domain::Want;

/// What is installed, as the beginning of a sentence.
pub(super) fn installed(detected: Option<&str>) -> String {
    match detected {
        Some(version) => format!("Version {version} is installed"),
        None => "It is not installed".to_owned(),
    }
}

/// What a deployment wants of an item, as what follows its name.
pub(super) fn wanted_of(want: &Want) -> String {
    match want {
        Want::Absent => "absent".to_owned(),
        Want::Any => "in any version".to_owned(),
        Want::Exactly(version) => format!("in version {version}"),
        Want::AtLeast(version) => format!("in version {version} or newer"),
        Want::AtMost(version) => format!("in version {version} or older"),
        Want::Satisfied => "satisfied".to_owned(),
    }
}

/// What is wanted, as the end of a sentence.
pub(super) fn wanted(want: &Want) -> String {
    match want {
        Want::Absent => "it must not be installed".to_owned(),
        Want::Any => "any version is wanted".to_owned(),
        Want::Exactly(version) => format!("exactly {version} is wanted"),
        Want::AtLeast(version) => format!("{version} or newer is wanted"),
        Want::AtMost(version) => format!("{version} or older is wanted"),
        Want::Satisfied => "its test must print true".to_owned(),
    }
}

/// Some of what a test has named, by their keys, and how many more; none if it has named nothing.
pub(super) fn some_of(named: &[Child]) -> Option<String> {
    const MOST: usize = 3;
    let keys: Vec<_> = named.iter().take(MOST).map(|child| child.key.as_str()).collect();
    match named.len() {
        0 => None,
        1..=MOST => Some(keys.join(", ")),
        all => Some(format!("{} and {} more", keys.join(", "), all - MOST)),
    }
}
