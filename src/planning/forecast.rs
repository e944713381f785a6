//! What sessions would do, reckoned computer by computer from what was found earlier, by the very code that plans them.
//!
//! It keeps sums and a sample, never the plans, so a fleet of any size needs the same memory.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::report::{Ages, Difference, Forecast, Radius, SampleAction, SampleComputer};
use crate::domain::session::Kind;
use crate::domain::{ActionResult, Computer, Findings, Plan, PlannedAction, Policy, Reason, RebootNeed, Settled};
use crate::resolve::{Scope, resolve};

use super::plan_for;

/// How many computers without findings are named.
const MOST_NAMED: usize = 20;

/// How long actions are expected to take, in milliseconds, by item, type and version; the version is empty where there is
/// none.
pub type Durations = HashMap<(String, String, String), u64>;

/// Reckons. Cheap to make; give it every computer once.
pub struct Forecaster {
    policy: Arc<Policy>,
    /// The policy to compare with.
    before: Option<Arc<Policy>>,
    durations: Durations,
    now: Timestamp,
    sample: usize,
    forecast: Forecast,
}

/// A computer and what was found when it was looked at last.
#[derive(Debug, Clone)]
pub struct Known {
    /// The computer.
    pub computer: Computer,
    /// As it was before the change that is asked about; none if there is no such change, or it was not there.
    pub before: Option<Computer>,
    /// What was found, with what was done since; none if nobody has looked yet.
    pub findings: Option<(Timestamp, Findings)>,
}

impl Forecaster {
    /// Reckons with `policy`, and with the difference to `before` if that is given. At most `sample` computers are told
    /// of one by one.
    pub fn new(
        policy: Arc<Policy>,
        before: Option<Arc<Policy>>,
        durations: Durations,
        now: Timestamp,
        sample: usize,
    ) -> Forecaster {
        let difference = before.is_some().then(Difference::default);
        let forecast = Forecast { policy_version: policy.version(), difference, ..Forecast::default() };
        Forecaster { policy, before, durations, now, sample, forecast }
    }

    /// Takes a computer into account.
    pub fn look(&mut self, known: &Known) {
        let Known { computer, before, findings } = known;
        let computers = &mut self.forecast.computers;
        computers.total += 1;
        let tenant = self.policy.lineage(computer.tenant).first().map(|tenant| tenant.name.clone()).unwrap_or_default();
        if computer.excluded {
            computers.excluded += 1;
            return;
        }
        let Some((found_at, findings)) = findings else {
            computers.without_findings += 1;
            *computers.without_findings_by_tenant.entry(tenant.clone()).or_default() += 1;
            if computers.some_without_findings.len() < MOST_NAMED {
                computers.some_without_findings.push(format!("{tenant}/{}", computer.name));
            }
            return;
        };
        count_age(&mut self.forecast.findings, *found_at, self.now);
        let plan = planned(&self.policy, computer, findings);
        let (actions, settled): (Vec<&PlannedAction>, Vec<&Settled>) =
            (plan.actions.iter().collect(), plan.settled.iter().collect());
        add(&mut self.forecast.plan, &self.durations, &actions, &settled);
        add(self.forecast.tenants.entry(tenant.clone()).or_default(), &self.durations, &actions, &settled);
        let deployments = actions.iter().map(|action| &action.deployment);
        let deployments: BTreeSet<&String> = deployments.chain(settled.iter().map(|it| &it.deployment)).collect();
        for name in deployments {
            let its_actions: Vec<_> = actions.iter().copied().filter(|action| action.deployment == *name).collect();
            let its_settled: Vec<_> = settled.iter().copied().filter(|settled| settled.deployment == *name).collect();
            let radius = self.forecast.deployments.entry(name.clone()).or_default();
            add(radius, &self.durations, &its_actions, &its_settled);
        }
        let told = match &self.before {
            Some(policy) => {
                let old = before.as_ref().filter(|computer| !computer.excluded);
                let old = old.map(|computer| planned(policy, computer, findings)).unwrap_or_default();
                self.compare(&old, &plan)
            }
            None => actions,
        };
        if !told.is_empty() && self.forecast.sample.len() < self.sample {
            let actions = told.into_iter().map(|action| sampled(&self.durations, action)).collect();
            let computer = computer.name.clone();
            self.forecast.sample.push(SampleComputer { tenant, computer, found_at: *found_at, actions });
        }
    }

    /// What came of it.
    pub fn finish(self) -> Forecast {
        self.forecast
    }

    /// Counts what two plans do otherwise, and returns what is new.
    fn compare<'a>(&mut self, old: &Plan, new: &'a Plan) -> Vec<&'a PlannedAction> {
        let same_action = |one: &PlannedAction, other: &PlannedAction| {
            one.item == other.item
                && one.action == other.action
                && one.version == other.version
                && one.recipe == other.recipe
                && one.env == other.env
                && one.secrets == other.secrets
        };
        let same_settled = |one: &Settled, other: &Settled| one.item == other.item && one.reason == other.reason;
        let more: Vec<_> =
            new.actions.iter().filter(|action| !old.actions.iter().any(|other| same_action(action, other))).collect();
        let less: Vec<_> =
            old.actions.iter().filter(|action| !new.actions.iter().any(|other| same_action(action, other))).collect();
        let more_settled: Vec<_> =
            new.settled.iter().filter(|it| !old.settled.iter().any(|other| same_settled(it, other))).collect();
        let less_settled: Vec<_> =
            old.settled.iter().filter(|it| !new.settled.iter().any(|other| same_settled(it, other))).collect();
        if let Some(difference) = &mut self.forecast.difference {
            let differs =
                [more.len(), less.len(), more_settled.len(), less_settled.len()].iter().any(|&count| count > 0);
            difference.computers += u64::from(differs);
            add(&mut difference.more, &self.durations, &more, &more_settled);
            add(&mut difference.less, &self.durations, &less, &less_settled);
        }
        more
    }
}

/// What a full session would plan.
fn planned(policy: &Policy, computer: &Computer, findings: &Findings) -> Plan {
    let resolution = resolve(policy, computer, &Scope::Full);
    plan_for(Kind::Full, &resolution, policy, findings).0
}

fn count_age(ages: &mut Ages, found_at: Timestamp, now: Timestamp) {
    ages.oldest = Some(ages.oldest.map_or(found_at, |oldest| oldest.min(found_at)));
    ages.newest = Some(ages.newest.map_or(found_at, |newest| newest.max(found_at)));
    let age = now.duration_since(found_at);
    let within = |days: i64| age <= SignedDuration::from_hours(24 * days);
    let count = match () {
        () if within(1) => &mut ages.day,
        () if within(7) => &mut ages.week,
        () if within(30) => &mut ages.month,
        () => &mut ages.older,
    };
    *count += 1;
}

/// Adds one computer's part.
fn add(radius: &mut Radius, durations: &Durations, actions: &[&PlannedAction], settled: &[&Settled]) {
    radius.computers += u64::from(!actions.is_empty());
    radius.reboots += u64::from(actions.iter().any(|action| action.reboot == RebootNeed::Always));
    for action in actions {
        *radius.actions.entry(action.action.to_string()).or_default() += 1;
        if let Some(download) = action.recipe.download() {
            radius.downloads += 1;
            match download.size {
                Some(bytes) => radius.download_bytes += bytes,
                None => radius.downloads_of_unknown_size += 1,
            }
        }
        match expected(durations, action) {
            Some(ms) => radius.expected_ms += ms,
            None => radius.of_unknown_duration += 1,
        }
    }
    for settled in settled {
        match (settled.reason, settled.result) {
            (Reason::NotDetected, _) => radius.not_looked_at += 1,
            (_, ActionResult::Success) => {}
            (
                reason,
                ActionResult::Failed | ActionResult::Skipped | ActionResult::Cancelled | ActionResult::Indeterminate,
            ) => {
                *radius.problems.entry(reason.to_string()).or_default() += 1;
            }
        }
    }
}

fn expected(durations: &Durations, action: &PlannedAction) -> Option<u64> {
    let version = action.version.clone().unwrap_or_default();
    // What a task's test has named takes as long as what it has named before.
    let item = action.item.parent().unwrap_or_else(|| action.item.clone());
    durations.get(&(item.to_string(), action.action.to_string(), version)).copied()
}

fn sampled(durations: &Durations, action: &PlannedAction) -> SampleAction {
    SampleAction {
        item: action.item.to_string(),
        deployment: action.deployment.clone(),
        action: action.action.to_string(),
        detected: action.detected.clone(),
        version: action.version.clone(),
        expected_ms: expected(durations, action),
        download_bytes: action.recipe.download().and_then(|download| download.size),
        message: action.message.clone(),
    }
}
