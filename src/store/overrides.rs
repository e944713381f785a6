//! What a submission gives parameters, held against what is applied: all that is wrong with it at once.
//!
//! Asks nothing for submissions that neither give a parameter nor name what they are about.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tokio_postgres::Client;

use super::Error;
use super::error::Doing;
use super::submissions::MOST_CANDIDATES;
use crate::domain::given::{self, Declared};
use crate::domain::submission::{SubmissionV1, Violation};
use crate::domain::{Given, Item, Override, Parameter};

/// The parameters of items: of those that are named all there is, of the others only that they are there.
const DECLARED: &str = "
    SELECT i.kind || i.name AS item, CASE WHEN i.name = ANY($1) THEN i.body -> 'parameters' END AS parameters
    FROM (SELECT 'software/' AS kind, name, body FROM software UNION ALL SELECT 'task/', name, body FROM task) i
    ORDER BY i.name = ANY($1) DESC
    LIMIT $2";

/// The items of the named deployments `$1` and the tasks that configure them, as far as sessions must give them
/// something, with what the deployment gives.
const ASKING: &str = r#"
    SELECT d.name AS deployment, i.item, i.parameters, d.body -> 'parameters' AS given
    FROM deployment d
    LEFT JOIN software s ON d.item LIKE 'software/%' AND s.name = substr(d.item, 10)
    CROSS JOIN LATERAL (
        SELECT 'software/' || s.name AS item, s.body -> 'parameters' AS parameters WHERE s.name IS NOT NULL
        UNION ALL
        SELECT 'task/' || t.name, t.body -> 'parameters' FROM task t
        WHERE t.name = CASE WHEN d.item LIKE 'task/%' THEN substr(d.item, 6) ELSE s.body ->> 'configuration' END
    ) i
    WHERE d.name = ANY($1) AND d.body ->> 'mode' IS DISTINCT FROM 'ignore' AND d.body -> 'state' IS DISTINCT FROM '"ignored"'
      AND i.parameters @? '$.*.override ? (@ == "required")'
    ORDER BY d.name, i.item"#;

/// The item `$1` in the same way; it has what any deployment gives it, for which one wins is for planning to say.
const ASKING_ITEM: &str = r#"
    SELECT 'the repair' AS deployment, $1 AS item, i.parameters,
           (SELECT jsonb_object_agg(g.key, g.value) FROM deployment d, jsonb_each(d.body -> 'parameters') g
            WHERE d.item = $1) AS given
    FROM (SELECT 'software/' || name AS item, body -> 'parameters' AS parameters FROM software
          UNION ALL SELECT 'task/' || name, body -> 'parameters' FROM task) i
    WHERE i.item = $1 AND i.parameters @? '$.*.override ? (@ == "required")'"#;

/// What a submission gives, or everything that is wrong with it: what may not be given, and what must be and is not.
pub(super) async fn given(client: &Client, submission: &SubmissionV1) -> Result<Result<Given, Vec<Violation>>, Error> {
    let mut violations = Vec::new();
    let mut checked = Given::new();
    if !submission.parameters.is_empty() {
        match given::check(&submission.parameters, &declared(client, submission).await?) {
            Ok(given) => checked = given,
            Err(wrong) => violations.extend(wrong),
        }
        unknown_secrets(client, submission, &mut violations).await?;
    }
    missing(client, submission, &mut violations).await?;
    Ok(if violations.is_empty() { Ok(checked) } else { Err(violations) })
}

async fn declared(client: &Client, submission: &SubmissionV1) -> Result<Declared, Error> {
    let named = |word: &String| match word.parse::<Item>() {
        Ok(item) => vec![item.name, word.clone()],
        Err(_) => vec![word.clone()],
    };
    let named: Vec<String> = submission.parameters.keys().flat_map(named).collect();
    let rows = client.query(DECLARED, &[&named, &MOST_CANDIDATES]).await.doing("looking for parameters")?;
    let mut declared = Declared::new();
    for row in &rows {
        let Ok(item) = row.get::<_, &str>("item").parse() else { continue };
        let parameters = parameters(&item, row.get("parameters"))?;
        declared.insert(item, parameters);
    }
    Ok(declared)
}

fn parameters(item: &Item, body: Option<Value>) -> Result<BTreeMap<String, Parameter>, Error> {
    let Some(body) = body else { return Ok(BTreeMap::new()) };
    serde_json::from_value(body)
        .map_err(|error| Error::Unreadable { what: format!("the parameters of {item}"), why: error.to_string() })
}

/// Only a secret that was stored by itself may be named: those of deployments and licences belong to these.
async fn unknown_secrets(
    client: &Client,
    submission: &SubmissionV1,
    violations: &mut Vec<Violation>,
) -> Result<(), Error> {
    let named = given::secrets(&submission.parameters);
    if named.is_empty() {
        return Ok(());
    }
    let ids: Vec<uuid::Uuid> = named.iter().map(|(_, id)| id.0).collect();
    let sql = "SELECT id FROM secret WHERE id = ANY($1) AND owner = 'stored' AND replaced_at IS NULL";
    let rows = client.query(sql, &[&ids]).await.doing("looking for secrets")?;
    let known: BTreeSet<uuid::Uuid> = rows.iter().map(|row| row.get("id")).collect();
    for (at, id) in named.into_iter().filter(|(_, id)| !known.contains(&id.0)) {
        let message = format!("No secret is stored under the id {}, or another has taken its place.", id.0);
        violations.push(Violation::new(at, "unknown_secret", message));
    }
    Ok(())
}

/// What the named deployments, or the named item, take from a session that does not give it.
async fn missing(client: &Client, submission: &SubmissionV1, violations: &mut Vec<Violation>) -> Result<(), Error> {
    let doing = "looking for what sessions must give";
    let rows = match &submission.item {
        Some(item) => client.query(ASKING_ITEM, &[&item.to_string()]).await.doing(doing)?,
        None if submission.deployments.is_empty() => return Ok(()),
        None => client.query(ASKING, &[&submission.deployments]).await.doing(doing)?,
    };
    let mut told = BTreeSet::new();
    for row in &rows {
        let Ok(item) = row.get::<_, &str>("item").parse::<Item>() else { continue };
        let (by, given) = (row.get::<_, String>("deployment"), row.get::<_, Option<Value>>("given"));
        let is_written = |name: &str| {
            let words = [item.to_string(), item.name.clone()];
            words.iter().any(|word| submission.parameters.get(word).is_some_and(|values| values.contains_key(name)))
        };
        for (name, parameter) in parameters(&item, row.get("parameters"))? {
            let is_given = given.as_ref().is_some_and(|given| given.get(&name).is_some());
            if parameter.overriding == Override::Required
                && !is_given
                && !is_written(&name)
                && told.insert((item.clone(), name.clone()))
            {
                let for_what = if submission.item.is_some() { by.clone() } else { format!("deployment \"{by}\"") };
                violations.push(given::missing(&item, &name, &for_what));
            }
        }
    }
    Ok(())
}
