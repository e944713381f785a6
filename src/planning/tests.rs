//! Plans as text: a fleet file and what was found in, the plan out. `UPDATE_PLANS=1` writes what comes out.

use std::fmt::Write;
use std::path::Path;

use crate::domain::session::Kind;
use crate::domain::{
    Computer, ComputerId, DeploymentId, Finding, Findings, Item, ItemKind, Plan, Policy, Tenant, TenantId,
};
use crate::fleet::{self, Body};
use crate::resolve::{Only, Scope, narrow, resolve};

use super::*;

mod answering;
mod asking;
mod documented;
mod judging;
mod older;
mod overriding;
mod properties;
mod scripting;

/// The policy that a fleet file makes, and its first computer.
fn compile(text: &str) -> (Policy, Computer) {
    let file = fleet::read([("case", text)]).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let bodies = || file.documents.iter().map(|document| &document.body);
    let tenant_names: Vec<_> =
        bodies().filter_map(|body| if let Body::Tenant(tenant) = body { Some(tenant) } else { None }).collect();
    let tenant_id = |name: &str| {
        let place = tenant_names.iter().position(|tenant| tenant.name == name).expect("the tenant is defined");
        TenantId(place as i64 + 1)
    };
    let tenants = tenant_names.iter().map(|tenant| Tenant {
        id: tenant_id(&tenant.name),
        name: tenant.name.clone(),
        parent: tenant.parent.as_deref().map(tenant_id),
        tags: tenant.tags.iter().cloned().collect(),
        cross_tenant: tenant.cross_tenant,
    });
    let computer = bodies().find_map(|body| match body {
        Body::Computer(computer) => Some(Computer {
            id: ComputerId(1),
            tenant: tenant_id(&computer.tenant),
            name: computer.name.clone(),
            os: computer.os,
            arch: computer.arch.clone(),
            tags: computer.tags.iter().cloned().collect(),
            connection: computer.connection.clone(),
            excluded: computer.excluded,
            device: computer.device,
            person: None,
            approvals: Default::default(),
            facts: computer.facts.clone(),
            software: None,
            answers: Default::default(),
        }),
        _ => None,
    });
    let software = bodies().filter_map(|body| if let Body::Software(it) = body { Some((**it).clone()) } else { None });
    let tasks = bodies().filter_map(|body| if let Body::Task(it) = body { Some(it.clone()) } else { None });
    let deployments = bodies().filter_map(|body| if let Body::Deployment(it) = body { Some(it.clone()) } else { None });
    let deployments = (1..).zip(deployments).map(|(id, deployment)| {
        let id = DeploymentId(id);
        crate::domain::Deployment { id, ..deployment }
    });
    let policy = Policy::new(1, tenants, software, tasks, deployments.collect::<Vec<_>>(), file.scripts.clone());
    let sequence = bodies().find_map(|body| if let Body::Order(it) = body { Some(it.clone()) } else { None });
    // Applying stores what a licence says as a secret.
    let licences = bodies().filter_map(|body| match body {
        Body::Licence(licence) => {
            let secret = crate::domain::SecretId(uuid::Uuid::nil());
            Some(crate::domain::Licence { text: crate::domain::ParameterValue::Secret { secret }, ..licence.clone() })
        }
        _ => None,
    });
    let policy = policy.with_licences(licences);
    (policy.in_sequence(sequence.unwrap_or_default()), computer.expect("a computer is defined"))
}

/// What was found, a line an item: `software/editor 1.0`, `software/editor -`, `software/editor 1.0 broken`,
/// `task/settings true`, `task/settings failed`, `task/patches false names KB1 KB2`. `software/editor 1.0 unanswered`: its
/// script did not say which versions there are; `software/editor 1.0 answered 1.1 1.2`: it said these.
fn found(text: &str) -> Findings {
    let mut children = std::collections::BTreeMap::new();
    let mut unanswered = std::collections::BTreeMap::new();
    let mut versions = std::collections::BTreeMap::new();
    let items = text.lines().filter(|line| !line.trim().is_empty()).map(|line| {
        let (item, rest) = line.split_once(' ').expect("an item and what was found");
        let item: Item = item.parse().expect("an item");
        let (rest, fails) = rest.strip_suffix(" unanswered").map_or((rest, false), |rest| (rest, true));
        unanswered.extend(fails.then(|| (item.name.clone(), "the portal is down.".to_owned())));
        let (rest, answered) = rest.split_once(" answered ").map_or((rest, None), |(rest, all)| (rest, Some(all)));
        let answer = |version: &str| serde_json::from_value(serde_json::json!({ "version": version })).unwrap();
        let answered = answered.map(|all| (item.name.clone(), all.split_whitespace().map(answer).collect()));
        versions.extend(answered);
        let (rest, named) = rest.split_once(" names ").unwrap_or((rest, ""));
        let named = named.split_whitespace().map(|key| pitcrew_protocol::Child {
            key: key.into(),
            title: None,
            parameters: Default::default(),
        });
        children.extend(Some((item.clone(), named.collect::<Vec<_>>())).filter(|(_, named)| !named.is_empty()));
        let finding = match (item.kind, rest) {
            (_, "failed") => Finding::Failed { code: "exit_code".into(), message: "It exited with 3.".into() },
            (ItemKind::Software, "-") => Finding::Absent,
            (ItemKind::Software, version) => match version.strip_suffix(" broken") {
                Some(version) => Finding::Broken(version.into()),
                None => Finding::Present(version.into()),
            },
            (ItemKind::Task, "true" | "false") => Finding::Satisfied(rest == "true"),
            (ItemKind::Task, value) => Finding::Value(value.into()),
        };
        (item, finding)
    });
    let items = items.collect();
    Findings { policy_version: 1, items, children, versions, unanswered, ..Findings::default() }
}

fn made(fleet: &str, findings: &str) -> Plan {
    let (policy, computer) = compile(fleet);
    plan(&resolve(&policy, &computer, &Scope::Full), &policy, &found(findings))
}

/// The same for a case whose first line may be the session: `session: KIND`, `session: repair ITEM`, or `session: full ITEM`
/// where the action of one item is run again.
fn made_case(fleet: &str, case: &str) -> Plan {
    let Some((session, findings)) = case.strip_prefix("session: ").and_then(|rest| rest.split_once('\n')) else {
        return made(fleet, case);
    };
    let (kind, item) = session.split_once(' ').map_or((session, None), |(kind, item)| (kind, Some(item)));
    let kind: Kind = kind.parse().expect("a kind");
    let (policy, computer) = compile(fleet);
    let mut resolution = resolve(&policy, &computer, &Scope::Full);
    if let Some(item) = item {
        let only = Only { item: item.parse().expect("an item"), repair: kind == Kind::Repair };
        resolution = narrow(&policy, resolution, only);
    }
    plan_for(kind, &resolution, &policy, &found(findings)).0
}

/// The plan of a task whose test has named so many: `K1`, `K2` …
pub(super) fn family(count: usize) -> Plan {
    let fleet = "{kind: tenant, name: t}\n---\n{kind: computer, name: c, tenant: t, os: linux}\n---\n\
                 {kind: task, name: t, test: t, set: s}\n---\n{kind: deployment, name: d, task: t, target: everyone}";
    let keys: String = (1..=count).map(|key| format!(" K{key}")).collect();
    made(fleet, &format!("task/t false names{keys}"))
}

/// A plan, a line an action and a line for its steps.
fn told(plan: &Plan) -> String {
    let mut lines = std::collections::BTreeMap::new();
    for action in &plan.actions {
        let mut line = format!("{} {} {}", action.seq, action.action, action.item);
        let detected = action.detected.as_deref().unwrap_or("-");
        match &action.version {
            Some(version) => write!(line, " {detected} -> {version}").unwrap(),
            None if action.item.kind == ItemKind::Software => write!(line, " {detected} -> ?").unwrap(),
            None => {}
        }
        if let Some(parent) = action.parent {
            write!(line, ", under {parent}").unwrap();
        }
        for need in &action.needs {
            write!(line, ", after {need}").unwrap();
        }
        write!(line, ": {} ({}, {})\n   ", action.message, action.reason, action.deployment).unwrap();
        for step in steps(action) {
            write!(line, " {}", serde_json::to_value(step.kind).unwrap().as_str().unwrap()).unwrap();
        }
        lines.insert(action.seq, line);
    }
    for settled in &plan.settled {
        let (seq, item, result) = (settled.seq, &settled.item, settled.result);
        let line = format!(
            "{seq} {} {item} {result}: {} ({}, {})",
            settled.action, settled.message, settled.reason, settled.deployment
        );
        lines.insert(seq, line);
    }
    let mut text: String = lines.into_values().map(|line| line + "\n").collect();
    writeln!(text, "compliant: {}", plan.compliant).unwrap();
    text
}

/// Each file of `tests/` is a fleet, then cases: `=== found`, the session if it is no full one, what was found, `=== plan`, the plan.
#[test]
fn plans_are_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/planning/tests");
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    assert!(!files.is_empty());
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut parts = text.split("=== found\n");
        let fleet = parts.next().unwrap();
        let mut out = fleet.to_owned();
        for case in parts {
            let found = case.split("=== plan\n").next().unwrap();
            write!(out, "=== found\n{found}=== plan\n{}\n", told(&made_case(fleet, found))).unwrap();
        }
        let out = out.trim_end().to_owned() + "\n";
        if out != text {
            if std::env::var_os("UPDATE_PLANS").is_some() {
                std::fs::write(&file, &out).unwrap();
            }
            wrong.push(format!("{}\n{out}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The table of desired states, whole: what is done for each state and each version that may be there.
#[test]
fn the_table_of_desired_states() {
    let mut table = String::new();
    for state in [
        "any",
        "latest",
        "this_version, version: 2.0",
        "newer_or_equal, version: 2.0",
        "older_or_equal, version: 2.0",
        "update_if_found",
        "absent",
        "ignored",
    ] {
        for mode in ["enforce", "audit"] {
            write!(table, "{mode:8}{state:30}").unwrap();
            for detected in ["-", "1.0", "2.0", "3.0", "4.0", "2.0 broken", "odd", "failed"] {
                let fleet = format!(
                    "{{kind: tenant, name: t}}\n---\n{{kind: computer, name: c, tenant: t, os: linux}}\n---\n\
                     {{kind: software, name: s, detect: d, install: i, uninstall: u, test: t, versions: [1.0, 2.0, 3.0]}}\n---\n\
                     {{kind: deployment, name: d, software: s, target: everyone, state: {state}, mode: {mode}}}"
                );
                let plan = made(&fleet, &format!("software/s {detected}"));
                let action = plan.actions.iter().map(|action| {
                    let version = action.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
                    format!("{}{version}", action.action)
                });
                let settled = plan.settled.iter().map(|settled| settled.reason.to_string());
                let cell =
                    action.chain(settled).next().unwrap_or_else(|| if plan.compliant > 0 { "ok" } else { "." }.into());
                write!(table, "| {detected}: {cell} ").unwrap();
            }
            table.push('\n');
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn the_same_inputs_give_the_same_plan() {
    let (policy, computer) = compile(include_str!("../../schemas/examples/fleet.yaml"));
    let resolution = resolve(&policy, &computer, &Scope::Full);
    let findings = found("software/editor -\nsoftware/runtime 8.0\ntask/editor-settings false\ntask/disk-space true\n");
    let plan = plan(&resolution, &policy, &findings);
    assert_eq!(plan.hash(), super::plan(&resolution, &policy, &findings).hash());
    // What is stored is what was planned.
    let stored: Plan = serde_json::from_value(serde_json::to_value(&plan).unwrap()).unwrap();
    assert_eq!((stored.hash(), stored), (plan.hash(), plan));
}

struct Texts<'a>(&'a Policy);

impl crate::domain::run::Shelf for Texts<'_> {
    fn text(&self, hash: &crate::domain::Sha256Hash) -> Option<std::sync::Arc<str>> {
        text_of(self.0, hash)
    }

    fn secret(&self, _: &crate::domain::SecretId) -> Option<String> {
        None
    }

    fn address(&self, _: &crate::domain::Sha256Hash) -> Option<String> {
        None
    }
}

#[test]
fn detection_asks_for_every_wanted_item_once_and_changes_nothing() {
    use pitcrew_protocol::{StepKind, Then};
    let (policy, computer) = compile(include_str!("../../schemas/examples/fleet.yaml"));
    let resolution = resolve(&policy, &computer, &Scope::Full);
    let steps = detection(&resolution, &policy, true);
    let asked: Vec<_> = steps.iter().filter_map(|step| Some(step.item.as_ref()?.to_string())).collect();
    assert_eq!(asked, ["software/editor", "software/runtime", "task/disk-space", "task/editor-settings"]);
    assert!(steps.iter().all(|step| matches!(step.kind, StepKind::Detect | StepKind::Test | StepKind::Inventory)));
    assert!(steps.iter().all(|step| step.then == Then::GoOn));
    for step in &steps {
        step.expand(&Texts(&policy)).expect("every script has its text");
    }
}

#[test]
fn parameters_reach_the_configuration_and_not_the_prerequisite() {
    let fleet = "
{kind: tenant, name: t}
---
{kind: computer, name: c, tenant: t, os: linux}
---
{kind: software, name: s, detect: d, install: i, versions: [1], requires: [r], configuration: t, parameters: {port: }}
---
{kind: software, name: r, detect: d, install: i, versions: [1], parameters: {port: {default: 1}}}
---
{kind: task, name: t, test: t, set: s, parameters: {port: {default: 2}}}
---
{kind: deployment, name: d, software: s, target: everyone, parameters: {port: 3}}
";
    let plan = made(fleet, "software/s -\nsoftware/r -\ntask/t false");
    let ports = plan.actions.iter().map(|action| (action.item.to_string(), action.env["PARAM_PORT"].clone()));
    let ports: Vec<_> = ports.collect();
    let of = |item: &str, port: &str| (item.to_owned(), port.to_owned());
    assert_eq!(ports, [of("software/r", "1"), of("software/s", "3"), of("task/t", "3")]);
}

/// Scripts of a version win over those of its software; what fails its test is repaired; each action says how it can be
/// taken back and whether one may stop after it.
#[test]
fn how_a_software_is_changed_depends_on_version_and_state() {
    let fleet = "
{kind: tenant, name: t}
---
{kind: computer, name: c, tenant: t, os: linux}
---
kind: software
name: s
detect: detect
install: install
uninstall: uninstall
test: test
upgrade: remove_first
repair: mend it
configuration: t
versions:
  - {version: 1, uninstall: uninstall 1}
  - {version: 2, install: install 2, after: 1}
---
{kind: task, name: t, test: t, set: s}
---
{kind: deployment, name: d, software: s, target: everyone}
";
    let told = |found: &str| {
        let (policy, computer) = compile(fleet);
        let plan = plan(&resolve(&policy, &computer, &Scope::Full), &policy, &super::tests::found(found));
        let lines = plan.actions.iter().map(|action| {
            let scripts: Vec<_> = match &action.recipe {
                crate::domain::Recipe::Software { act, .. } => {
                    act.iter().map(|change| policy.script(&change.script.hash).unwrap().to_string()).collect()
                }
                _ => Vec::new(),
            };
            let stop = if action.safe_point { "safe" } else { "go on" };
            format!("{} {:?} {scripts:?} {:?} {stop}", action.action, action.version, action.undo)
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told("software/s -\ntask/t false"));
    insta::assert_snapshot!(told("software/s 1\ntask/t false"));
    insta::assert_snapshot!(told("software/s 1 broken\ntask/t false"));
    insta::assert_snapshot!(told("software/s 2 broken\ntask/t true"));
    let absent = fleet.replace("target: everyone}", "target: everyone, state: absent}");
    let (policy, computer) = compile(&absent);
    let plan = plan(&resolve(&policy, &computer, &Scope::Full), &policy, &found("software/s 1\ntask/t true"));
    assert_eq!(plan.actions[0].undo, Some(crate::domain::Undo::Install("1".into())));
}
