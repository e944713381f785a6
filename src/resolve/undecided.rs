//! The groups that a script decides, as far as anything depends on them: no computer is asked what nobody wants to know.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::once;

use crate::domain::session::Session;
use crate::domain::{Computer, Item, Policy, Target, Truth};

use super::choose::is_for;
use super::narrow::around;
use super::scope::Scope;
use super::subject::Subject;

/// The groups with a script on whose answer it depends, directly or by other groups, which deployments take part in a
/// session on a computer; without a session, in any. What is decided without an answer depends on none.
pub fn undecided<'p>(policy: &'p Policy, computer: &Computer, session: Option<&Session>) -> BTreeSet<&'p str> {
    let mut found = BTreeSet::new();
    if computer.excluded {
        return found;
    }
    let unasked = Computer { answers: BTreeMap::new(), ..computer.clone() };
    let subject = Subject::new(policy, &unasked);
    let scope = session.map(|session| Scope::of(session.kind, &session.order));
    let about = session.and_then(|session| session.order.item.as_ref()).map(|item| around(policy, item));
    let is_about = |item: &Item| about.as_ref().is_none_or(|about| about.contains(item));
    let takes_part = |scope: &Scope, deployment| scope.leaves_out(deployment, computer).is_none();
    let mut open: Vec<&str> = Vec::new();
    for deployment in policy.aimed_at(computer) {
        let excepted = deployment.exclude.iter().any(|target| subject.meets(target).is_yes());
        let reaches = !(subject.meets(&deployment.target) == Truth::No
            || excepted
            || deployment.target.is_for_all_tenants() && subject.stands_apart());
        if reaches
            && is_about(&deployment.item)
            && scope.as_ref().is_none_or(|scope| takes_part(scope, deployment))
            && deployment.filter.admits(computer)
            && is_for(policy, &deployment.item, computer.os) == Some(true)
        {
            open.extend(once(&deployment.target).chain(&deployment.exclude).filter_map(|target| match target {
                Target::Group { name, .. } if subject.meets(target) == Truth::Unknown => Some(name.as_str()),
                _ => None,
            }));
        }
    }
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        let Some((_, group)) = policy.group(name).filter(|_| subject.is_in(name) == Truth::Unknown) else { continue };
        if seen.insert(&group.name) {
            open.extend(group.refers_to());
            found.extend(group.filter().map(|_| group.name.as_str()));
        }
    }
    found
}
