//! What the scripts of groups have answered on computers.

use serde_json::{Map, Value, json};

use super::Entry;
use crate::store::tx::{Last, params};

/// Keeps the answers of computers whose detection has asked; what was not asked is left as it was. Of a script that did not
/// say, what it has said before is kept with its time, and why it did not is noted beside it; see
/// [`ScriptAnswer::after`](crate::domain::ScriptAnswer::after). One session has a computer, so no two write one.
pub(super) fn answers(last: &mut Last<'_>, entries: &[&Entry]) {
    let rows: Vec<_> = entries
        .iter()
        .filter_map(|entry| Some((&entry.change.after, &entry.result.as_ref()?.answers)))
        .filter(|(_, answers)| !answers.is_empty())
        .map(|(session, answers)| {
            let answers: Map<String, Value> = answers
                .iter()
                .map(|(group, answered)| {
                    let mut answer = json!(answered);
                    if let Some(fields) = answer.as_object_mut() {
                        fields.extend([("at".into(), json!(session.since)), ("session".into(), json!(session.id))]);
                    }
                    (group.clone(), answer)
                })
                .collect();
            (session.computer.0, Value::Object(answers).to_string())
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    let sql = "INSERT INTO computer_answer (computer_id, answers)
             SELECT u.computer, u.answers::jsonb FROM unnest($1::bigint[], $2::text[]) AS u(computer, answers)
             ON CONFLICT (computer_id) DO UPDATE SET answers = computer_answer.answers || (
                 SELECT jsonb_object_agg(now.key, CASE
                     WHEN now.value -> 'holds' = 'null' AND known.value -> 'holds' <> 'null'
                          AND known.value -> 'script' = now.value -> 'script'
                     THEN known.value || jsonb_build_object('says', now.value -> 'says')
                     ELSE now.value END)
                 FROM jsonb_each(EXCLUDED.answers) now
                 LEFT JOIN jsonb_each(computer_answer.answers) known ON known.key = now.key)";
    let (computers, answers): (Vec<i64>, Vec<String>) = rows.into_iter().unzip();
    last.add("storing answers", sql, params![computers, answers]);
}
