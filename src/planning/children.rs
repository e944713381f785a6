//! What a task comes to by what came of the actions below it.
//!
//! | actions below it | its own test afterwards | the task |
//! | --- | --- | --- |
//! | all succeeded | true | succeeded |
//! | all succeeded | false | failed: `verify_failed` |
//! | some failed, were skipped or cut off | not asked | failed: `child_failed` |
//! | some were called off | not asked | called off, with the session |

use crate::domain::{ActionResult, Plan, PlannedAction};

/// Why an action has failed before it looks, in a sentence that names what is below it and did not succeed; none if all
/// of that did. `result` says how the action in some place of the plan ended.
pub fn failed_below(
    action: &PlannedAction,
    plan: &Plan,
    result: impl Fn(u32) -> Option<ActionResult>,
) -> Option<String> {
    const MOST: usize = 3;
    let below = plan.actions.iter().filter(|other| other.parent == Some(action.seq));
    let failed: Vec<_> = below.filter(|child| result(child.seq) != Some(ActionResult::Success)).collect();
    let keys = failed.iter().filter_map(|action| Some(action.child.as_ref()?.key.as_str()));
    let keys: Vec<_> = keys.take(MOST).collect();
    match failed.len() {
        0 => None,
        1..=MOST => Some(format!("Not done: {}.", keys.join(", "))),
        all => Some(format!("Not done: {} and {} more.", keys.join(", "), all - MOST)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_fails_with_what_is_below_it() {
        use ActionResult::{Cancelled, Failed, Indeterminate, Skipped, Success};
        let plan = crate::planning::tests::family(5);
        let task = plan.actions.last().unwrap();
        let told = |results: [Option<ActionResult>; 5]| {
            failed_below(task, &plan, |seq| results.get(seq as usize - 1).copied().flatten())
        };
        let with = |results: [ActionResult; 5]| told(results.map(Some));
        assert_eq!(with([Success; 5]), None);
        for other in [Failed, Indeterminate, Skipped, Cancelled] {
            assert_eq!(with([Success, other, Success, Success, Success]), Some("Not done: K2.".to_owned()));
        }
        assert_eq!(with([Failed, Success, Skipped, Success, Success]), Some("Not done: K1, K3.".to_owned()));
        assert_eq!(with([Failed; 5]), Some("Not done: K1, K2, K3 and 2 more.".to_owned()));
        assert_eq!(told([None; 5]), Some("Not done: K1, K2, K3 and 2 more.".to_owned()), "what was not begun");
        let first = &plan.actions[0];
        assert_eq!(failed_below(first, &plan, |_| None), None, "nothing is below a child");
    }
}
