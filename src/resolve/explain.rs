//! Who wins on one computer, in words: the winner of each item, the ranked losers, and those that take no part.

use std::collections::BTreeMap;

use crate::domain::report::{Contender, ExplainedItem, Explanation};
use crate::domain::{Computer, Deployment, Item, Policy};

use super::choose::{LostBy, WhyLeftOut, resolve};
use super::closure::Because;
use super::scope::Scope;
use super::words;

/// Explains what [`resolve`] chooses. With `only`, that item alone, and then also the deployments of it that aim elsewhere.
pub fn explain(policy: &Policy, computer: &Computer, scope: &Scope, only: Option<&Item>) -> Explanation {
    let resolution = resolve(policy, computer, scope);
    let is_meant = |item: &Item| only.is_none_or(|only| only == item);
    let named: BTreeMap<&str, &Deployment> =
        policy.deployments().iter().map(|deployment| (deployment.name.as_str(), &**deployment)).collect();
    let mut items: BTreeMap<&Item, ExplainedItem> = BTreeMap::new();
    let mut warnings = Vec::new();
    for wanted in resolution.wanted.iter().filter(|wanted| is_meant(&wanted.item)) {
        let winner = &wanted.deployment;
        let says = match &wanted.because {
            Because::Deployed => format!("Its target is {}.", winner.target),
            Because::Configures(software) => format!("It configures {software}, which {} deploys.", winner.name),
            Because::NeededBy(item) => format!("{item} needs it, which {} brings.", winner.name),
        };
        let entry = entry(&mut items, &wanted.item);
        entry.winner = Some(contender(winner, None, says));
        for loser in &wanted.losers {
            let Some(deployment) = named.get(loser.deployment.as_str()) else { continue };
            if loser.lost_by == LostBy::Age {
                warnings.push(format!(
                    "{} and {} are equal for {} on this computer; the older, {}, wins. Disable one of them, or give one a \
                     higher priority.",
                    winner.name, loser.deployment, wanted.item, winner.name
                ));
            }
            let says = words::lost(deployment, winner, loser.lost_by);
            entry.losers.push(contender(deployment, Some(loser.lost_by.as_str()), says));
        }
    }
    for out in &resolution.left_out {
        match named.get(out.deployment.as_str()) {
            Some(deployment) if is_meant(&deployment.item) => {
                let says = words::left_out(deployment, out.why);
                entry(&mut items, &deployment.item).left_out.push(contender(deployment, Some(out.why.as_str()), says));
            }
            Some(_) => {}
            None => warnings.push(format!("There is no deployment \"{}\".", out.deployment)),
        }
    }
    if let Some(only) = only {
        let entry = entry(&mut items, only);
        let aimed = |name: &str| {
            let all = entry.winner.iter().chain(&entry.losers).chain(&entry.left_out);
            all.into_iter().any(|contender| contender.deployment == name)
        };
        let others: Vec<Contender> = policy
            .deployments()
            .iter()
            .filter(|deployment| deployment.item == *only && !aimed(&deployment.name))
            .map(|deployment| {
                let why = WhyLeftOut::OtherTarget;
                contender(deployment, Some(why.as_str()), words::left_out(deployment, why))
            })
            .collect();
        entry.left_out.extend(others);
    }
    let tenant = policy.lineage(computer.tenant).first().map(|tenant| tenant.name.clone());
    Explanation {
        computer: computer.id,
        tenant: tenant.unwrap_or_default(),
        name: computer.name.clone(),
        policy_version: policy.version(),
        items: items.into_values().collect(),
        warnings,
    }
}

fn entry<'m, 'i>(items: &'m mut BTreeMap<&'i Item, ExplainedItem>, item: &'i Item) -> &'m mut ExplainedItem {
    items.entry(item).or_insert_with(|| ExplainedItem {
        item: item.clone(),
        winner: None,
        losers: Vec::new(),
        left_out: Vec::new(),
    })
}

fn contender(deployment: &Deployment, why: Option<&str>, says: String) -> Contender {
    Contender {
        deployment: deployment.name.clone(),
        target: deployment.target.to_string(),
        wants: deployment.wants(),
        enforcement: deployment.enforcement,
        priority: deployment.priority,
        why: why.map(str::to_owned),
        says,
    }
}
