//! A fleet in which everything occurs: wide and narrow targets, two deployments for every item, versions, prerequisites,
//! configuration tasks, and computers of which a tenth is out of order.

use std::collections::HashMap;
use std::fmt::Write;

use anyhow::{anyhow, ensure};
use pitcrew::domain::{
    Computer, Deployment, DeploymentId, Finding, Findings, ItemKind, Policy, Software, Task, Tenant, TenantId,
};
use pitcrew::fleet::{Body, read};
use pitcrew::resolve::Resolution;
use serde_json::json;

/// Tenants among which computers are spread.
const TENANTS: usize = 50;
/// Tags, of which every computer bears three.
const TAGS: usize = 40;

/// The policy of so many deployments, as a fleet file makes it.
pub fn policy(deployments: usize) -> anyhow::Result<Policy> {
    let text = file(deployments)?;
    let read = read([("bench.yaml", text.as_str())]).map_err(|faults| anyhow!("{faults:#?}"))?;
    let mut ids: HashMap<String, TenantId> = HashMap::new();
    let (mut tenants, mut software, mut tasks, mut wanted) =
        (Vec::<Tenant>::new(), Vec::<Software>::new(), Vec::<Task>::new(), Vec::<Deployment>::new());
    for document in read.documents {
        match document.body {
            Body::Tenant(tenant) => {
                let id = TenantId(i64::try_from(ids.len())? + 1);
                tenants.push(serde_json::from_value(json!({ "id": id, "name": tenant.name, "parent": null }))?);
                ids.insert(tenant.name, id);
            }
            Body::Software(it) => software.push(*it),
            Body::Task(it) => tasks.push(it),
            Body::Deployment(it) => {
                let id = DeploymentId(i64::try_from(wanted.len())? + 1);
                wanted.push(Deployment { id, ..it });
            }
            _ => {}
        }
    }
    ensure!(wanted.len() == deployments, "{} of {deployments} deployments were made", wanted.len());
    Ok(Policy::new(1, tenants, software, tasks, wanted, read.scripts))
}

fn file(deployments: usize) -> anyhow::Result<String> {
    let mut text = String::new();
    for tenant in 0..TENANTS {
        writeln!(text, "{{kind: tenant, name: tenant-{tenant}}}\n---")?;
    }
    let items = deployments.div_ceil(2);
    for item in 0..items {
        write!(
            text,
            "{{kind: software, name: soft-{item}, detect: a, test: b, install: c, uninstall: d, \
             versions: [1.0.0, 2.0.0, 2.1.0, 3.0.0]"
        )?;
        if item % 10 == 3 {
            write!(text, ", requires: [{{software: soft-{}, at_least: 1.0.0}}]", item - 1)?;
        }
        if item % 10 == 5 {
            write!(
                text,
                ", configuration: settings-{item}}}\n---\n{{kind: task, name: settings-{item}, test: e, set: f"
            )?;
        }
        writeln!(text, "}}\n---")?;
    }
    for number in 0..deployments {
        let target = match number % 100 {
            0..5 => "everyone".to_owned(),
            5..45 => format!("{{tenant: tenant-{}}}", number % TENANTS),
            45..85 => format!("{{tag: tag-{}}}", number % TAGS),
            _ => format!("{{computer: pc-{number}, tenant: tenant-{}}}", number % TENANTS),
        };
        let state = match number % 4 {
            0 => "state: latest",
            1 => "state: any",
            2 => "version: 2.1.0",
            _ => "state: newer_or_equal, version: 2.0.0",
        };
        writeln!(
            text,
            "{{kind: deployment, name: deployment-{number}, software: soft-{}, target: {target}, {state}}}\n---",
            number % items
        )?;
    }
    Ok(text.trim_end_matches("---\n").to_owned())
}

/// The computer of this number.
pub fn computer(number: usize) -> anyhow::Result<Computer> {
    let tag = |offset: usize| format!("tag-{}", (number * 7 + offset * 13) % TAGS);
    Ok(serde_json::from_value(json!({
        "id": number + 1, "tenant": number % TENANTS + 1, "name": format!("pc-{number}"), "os": "linux", "arch": "x86_64",
        "tags": [tag(0), tag(1), tag(2)], "connection": { "via": "noop" },
    }))?)
}

/// What is found on it: a tenth of what is wanted is out of order.
pub fn findings(number: usize, resolution: &Resolution) -> Findings {
    let found = resolution.wanted.iter().enumerate().map(|(place, wanted)| {
        let in_order = !(number + place).is_multiple_of(10);
        let finding = match (wanted.item.kind, in_order) {
            (ItemKind::Software, true) => Finding::Present("3.0.0".to_owned()),
            (ItemKind::Software, false) if place % 2 == 0 => Finding::Absent,
            (ItemKind::Software, false) => Finding::Present("1.0.0".to_owned()),
            (ItemKind::Task, in_order) => Finding::Satisfied(in_order),
        };
        (wanted.item.clone(), finding)
    });
    Findings { policy_version: resolution.policy_version, items: found.collect(), ..Findings::default() }
}
