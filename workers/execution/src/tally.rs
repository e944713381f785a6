//! What a session ends as: a truth table over its actions.

use std::collections::BTreeMap;

use pitcrew::domain::outcome::ActionResult;
use pitcrew::domain::plan::Plan;
use pitcrew::domain::session::Status;

/// The status of a session whose plan was gone through, and a sentence.
///
/// | failed or indeterminate | succeeded or in order before | status |
/// | --- | --- | --- |
/// | none | any | completed |
/// | some | some | partially completed |
/// | some | none | failed |
///
/// Skipped actions count for nothing: what they were skipped for counts.
pub fn tally(plan: &Plan, results: &BTreeMap<i32, ActionResult>) -> (Status, String) {
    let settled = plan.settled.iter().map(|settled| settled.result);
    let all: Vec<ActionResult> = results.values().copied().chain(settled).collect();
    let count = |wanted: ActionResult| all.iter().filter(|result| **result == wanted).count();
    let failed = count(ActionResult::Failed) + count(ActionResult::Indeterminate);
    let good = count(ActionResult::Success) + plan.compliant as usize;
    let status = match (failed, good) {
        (0, _) => Status::Completed,
        (_, 0) => Status::Failed,
        (_, _) => Status::PartiallyCompleted,
    };
    let skipped = count(ActionResult::Skipped);
    let note = format!(
        "{} succeeded, {failed} failed, {skipped} skipped, {} were as they should be.",
        count(ActionResult::Success),
        plan.compliant
    );
    (status, note)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_follows_the_table() {
        use ActionResult::{Failed, Indeterminate, Skipped, Success};
        let status = |compliant: u32, results: &[ActionResult]| {
            let plan = Plan { compliant, ..Plan::default() };
            tally(&plan, &(1..).zip(results.iter().copied()).collect()).0
        };
        assert_eq!(status(0, &[]), Status::Completed);
        assert_eq!(status(0, &[Success, Success]), Status::Completed);
        assert_eq!(status(0, &[Success, Skipped]), Status::Completed);
        assert_eq!(status(0, &[Success, Failed]), Status::PartiallyCompleted);
        assert_eq!(status(1, &[Failed, Skipped]), Status::PartiallyCompleted);
        assert_eq!(status(0, &[Failed, Skipped]), Status::Failed);
        assert_eq!(status(0, &[Indeterminate]), Status::Failed);
    }
}
