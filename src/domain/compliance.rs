//! Compliance: whether an item of a computer is as its deployment wants it, as a session has judged.
//!
//! A judgement is stored only where it differs from the one before. So that a session that finds everything as it was
//! costs no statement, the last judgement of a whole computer is named by a fingerprint, which a claim reads along with
//! the computer.

use serde::{Deserialize, Serialize};

use super::item::Item;
use super::script::Sha256Hash;
use super::words::words;

words! {
    /// Whether an item is as it should be.
    State {
        /// It is as it should be.
        Compliant = "compliant",
        /// It is not.
        NonCompliant = "non_compliant",
        /// No verdict is wanted: it is ignored, only monitored, or not found where it is only to be updated.
        NotJudged = "not_judged",
        /// It could not be found out.
        Unknown = "unknown",
    }
}

impl State {
    /// True of the states that a person should look at.
    pub const fn is_out(self) -> bool {
        match self {
            State::NonCompliant | State::Unknown => true,
            State::Compliant | State::NotJudged => false,
        }
    }
}

/// What a session has judged about one item of its computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The item.
    pub item: Item,
    /// The deployment that wants it, by name.
    pub deployment: String,
    /// The verdict.
    pub state: State,
    /// Why: a word of [`super::Reason`], or none where there is nothing to say.
    pub reason: String,
    /// What was detected.
    pub detected: Option<String>,
    /// What is wanted: a version, or a word.
    pub desired: Option<String>,
    /// True if the session's plan acts on it, so that its execution has the last word.
    pub pending: bool,
}

/// What a session has judged about its computer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judgement {
    /// The verdicts, by item.
    pub verdicts: Vec<Judged>,
    /// Items that are wanted and were not looked at: what was known of them stays.
    pub kept: Vec<Item>,
    /// True if these are all items that are wanted of the computer: what is stored of others is out of date.
    pub complete: bool,
}

/// Names a judgement.
pub type Fingerprint = [u8; 16];

impl Judgement {
    /// Names this judgement: storing one with the same name next would change nothing. None if that cannot be told,
    /// because it says nothing of other items, or an execution still has a say.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        if !self.complete || self.verdicts.iter().any(|verdict| verdict.pending) {
            return None;
        }
        let mut text: String = self.kept.iter().map(|item| format!("{item}\n")).collect();
        for verdict in &self.verdicts {
            let Judged { item, deployment, state, reason, detected, desired, pending: _ } = verdict;
            // Lengths keep apart what would read the same when written one after the other.
            for part in [Some(deployment), Some(reason), detected.as_ref(), desired.as_ref()] {
                text.push_str(&part.map_or("-".to_owned(), |part| format!("{}:{part}", part.len())));
            }
            text.push_str(&format!("{state}{item}\n"));
        }
        let Sha256Hash(hash) = Sha256Hash::of(text.as_bytes());
        let mut fingerprint = Fingerprint::default();
        fingerprint.copy_from_slice(&hash[..16]);
        Some(fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(item: &str, detected: Option<&str>) -> Judged {
        Judged {
            item: Item::software(item),
            deployment: "all".into(),
            state: State::Compliant,
            reason: String::new(),
            detected: detected.map(str::to_owned),
            desired: None,
            pending: false,
        }
    }

    #[test]
    fn a_fingerprint_tells_judgements_apart_and_names_only_what_is_settled() {
        let whole = |verdicts| Judgement { verdicts, kept: Vec::new(), complete: true };
        let one = whole(vec![verdict("a", Some("1"))]);
        assert_eq!(one.fingerprint(), whole(vec![verdict("a", Some("1"))]).fingerprint());
        for other in [vec![], vec![verdict("a", None)], vec![verdict("b", Some("1"))], vec![verdict("a", Some("2"))]] {
            assert_ne!(one.fingerprint(), whole(other).fingerprint());
        }
        assert_eq!(Judgement { complete: false, ..one.clone() }.fingerprint(), None);
        assert_ne!(Judgement { kept: vec![Item::task("t")], ..one.clone() }.fingerprint(), one.fingerprint());
        let pending = Judged { pending: true, ..verdict("a", Some("1")) };
        assert_eq!(whole(vec![pending]).fingerprint(), None);
    }
}
