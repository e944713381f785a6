//! The plans in the manual are the plans that are made.

use super::{made_case, told};

/// The blocks of the page in order, each with the word behind its fence.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    page.split("\n```")
        .skip(1)
        .step_by(2)
        .map(|block| block.split_once('\n').expect("a block has a line of its own"))
        .collect()
}

#[test]
fn the_manual_of_policy_is_true() {
    let page = include_str!("../../../schemas/manual/policy.md");
    let mut fleet: Vec<&str> = Vec::new();
    let mut found = None;
    let mut plans = 0;
    for (kind, text) in blocks(page) {
        match kind {
            "yaml" => fleet.push(text),
            "found" => found = Some(text),
            "plan" => {
                let case = found.take().expect("a plan is of what was found");
                let plan = told(&made_case(&fleet.join("\n---\n"), &format!("{case}\n")));
                assert_eq!(plan.trim_end(), text, "the plan of\n{case}");
                plans += 1;
            }
            _ => {}
        }
    }
    assert!(plans >= 3 && found.is_none());
}
