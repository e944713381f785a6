//! What a session gives parameters, as its detection and its plan have it.

use jiff::Timestamp;

use super::{compile, found};
use crate::domain::run::WorkSpec;
use crate::domain::session::{Kind, Order, Priority, RebootPolicy, Session};
use crate::domain::{ActionResult, Findings, Given, Plan, Reason, SessionId, StepSpec};
use crate::lifecycle::submit::{Submission, submit};
use crate::planning::{detection, plan_for};
use crate::resolve::for_session;

const FLEET: &str = "
{kind: tenant, name: t}
---
{kind: computer, name: c, tenant: t, os: linux}
---
kind: software
name: tool
detect: d
install: i
versions: [1]
requires: [base]
configuration: settings
parameters: {site: {override: allowed}, pin: {default: 1}}
---
{kind: software, name: base, detect: d, install: i, versions: [1], parameters: {site: {default: none, override: allowed}}}
---
{kind: task, name: settings, test: t, set: s, parameters: {site: {override: allowed}}}
---
{kind: task, name: join, test: t, set: s, parameters: {domain: {override: required}, key: {type: password, required: false, override: allowed}}}
---
{kind: deployment, name: tool, software: tool, target: everyone, parameters: {site: deployed}}
---
{kind: deployment, name: join, task: join, target: everyone}
";

const FOUND: &str = "software/tool -\nsoftware/base -\ntask/settings false\ntask/join false";

fn session(given: serde_json::Value) -> Session {
    let parameters: Given = serde_json::from_value(given).expect("items and their parameters");
    let order = Order {
        deployments: Vec::new(),
        item: None,
        parameters,
        inventory: false,
        reboot: RebootPolicy::Never,
        by: "test".into(),
        reason: String::new(),
        origin: "test".into(),
        group: None,
        rerun_of: None,
        traceparent: None,
    };
    let (tenant, computer) = (crate::domain::TenantId(1), crate::domain::ComputerId(1));
    let submission =
        Submission { tenant, computer, kind: Kind::Full, priority: Priority::Normal, order, not_before: None };
    submit(SessionId(1), submission, Timestamp::UNIX_EPOCH).after
}

fn planned(fleet: &str, given: serde_json::Value) -> (Plan, Vec<StepSpec>) {
    let (policy, computer) = compile(fleet);
    let resolution = for_session(&policy, &computer, &session(given));
    let findings: Findings = found(FOUND);
    (plan_for(Kind::Full, &resolution, &policy, &findings).0, detection(&resolution, &policy, false))
}

/// The value of a variable in each action, and in each script of detection.
fn told(name: &str, (plan, steps): &(Plan, Vec<StepSpec>)) -> (Vec<String>, Vec<String>) {
    let line = |item: &dyn std::fmt::Display, value: Option<&String>| value.map(|value| format!("{item} {value}"));
    let actions = plan.actions.iter().filter_map(|action| line(&action.item, action.env.get(name)));
    let looks = steps.iter().filter_map(|step| match (&step.item, &step.work) {
        (Some(item), WorkSpec::Script { env, .. }) => line(item, env.get(name)),
        _ => None,
    });
    let mut looks: Vec<_> = looks.collect();
    looks.sort();
    (actions.collect(), looks)
}

#[test]
fn detection_and_actions_are_told_the_same() {
    let plain = planned(FLEET, serde_json::json!({}));
    assert_eq!(
        told("PARAM_SITE", &plain).0,
        ["software/base none", "software/tool deployed", "task/settings deployed"]
    );
    let given = serde_json::json!({
        "software/tool": {"site": "mine"}, "software/base": {"site": "below"}, "task/join": {"domain": "lab"},
    });
    let given = planned(FLEET, given);
    let (actions, looks) = told("PARAM_SITE", &given);
    // Each item by itself: what is given to a software is not given to what configures it.
    assert_eq!(actions, ["software/base below", "software/tool mine", "task/settings deployed"]);
    assert_eq!(looks, actions);
    assert_eq!(told("PARAM_DOMAIN", &given), (vec!["task/join lab".to_owned()], vec!["task/join lab".to_owned()]));
    assert_ne!(plain.0.sealed().unwrap().1, given.0.sealed().unwrap().1, "another plan has another hash");
}

#[test]
fn what_is_for_the_session_to_give_is_left_alone_where_it_gives_nothing() {
    let (plan, steps) = planned(FLEET, serde_json::json!({}));
    let join = plan.settled.iter().find(|settled| settled.item.name == "join").expect("it is told of");
    assert_eq!((join.result, join.reason), (ActionResult::Skipped, Reason::ParameterMissing));
    assert_eq!(
        join.message,
        "Its parameter \"domain\" is for each session to give, and this one gives none: --set task/join.domain=VALUE."
    );
    assert!(steps.iter().all(|step| step.item.as_ref().is_none_or(|item| item.name != "join")), "nor is it looked at");
    let deployed =
        FLEET.replace("task: join, target: everyone", "task: join, target: everyone, parameters: {domain: d}");
    assert_eq!(told("PARAM_DOMAIN", &planned(&deployed, serde_json::json!({}))).0, ["task/join d"]);
}

#[test]
fn what_may_no_longer_be_given_fails_and_is_not_replaced() {
    let given = || serde_json::json!({"software/tool": {"site": "mine"}});
    for (change, says) in [
        ("{site: {}, pin", "does not say override: allowed"),
        ("{site: {override: allowed, type: number}, pin", "does not fit: it is a number"),
        ("{site: {override: allowed, type: password}, pin", "is a secret and is not given by value"),
        ("{pin", "software/tool has no parameter \"site\" any more"),
    ] {
        let fleet = FLEET.replace("{site: {override: allowed}, pin", change);
        assert_ne!(fleet, FLEET);
        let (plan, _) = planned(&fleet, given());
        let tool = plan.settled.iter().find(|settled| settled.item.name == "tool").expect("it is told of");
        assert_eq!((tool.result, tool.reason), (ActionResult::Failed, Reason::ParameterMissing), "{change}");
        assert!(tool.message.contains(says), "{}", tool.message);
    }
}
