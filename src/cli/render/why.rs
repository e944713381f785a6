//! Why, in sentences.

use super::style::Style;
use crate::domain::report::Why;

/// The answer, what it rests on, and what can be done.
pub fn why(why: &Why, style: Style) -> String {
    let mut lines = vec![why.answer.clone()];
    lines.extend(why.because.iter().map(|because| format!("  - {because}")));
    lines.extend(why.advice.iter().cloned());
    if why.age_ms > 0 {
        lines.push(format!("(As of {:.0}; the oldest part of this is {} old.)", why.as_of, super::took(why.age_ms)));
    }
    style.wrap(&lines.join("\n"))
}
