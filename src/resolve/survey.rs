//! Who wins, counted over many computers: what an explanation of an item or a tenant and the preview of a deployment show.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::counted::counted;
use crate::domain::report::{PreviewCount, PreviewLine, Survey, SurveyLine};
use crate::domain::{Computer, Deployment, Item, Policy, Truth};

use super::choose::{Contest, contest};
use super::scope::Scope;
use super::subject::Subject;

/// What became of one deployment on one computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It wins.
    Wins,
    /// It loses; the respect in which it is behind.
    Loses(&'static str),
    /// It takes no part; why.
    LeftOut(&'static str),
}

/// The fates of all deployments in a contest.
fn fates(contest: &Contest) -> impl Iterator<Item = (&str, Fate)> {
    let winners = contest.winners.iter().flat_map(|won| {
        let losers = won.losers.iter().map(|loser| (loser.deployment.as_str(), Fate::Loses(loser.lost_by.as_str())));
        std::iter::once((won.deployment.name.as_str(), Fate::Wins)).chain(losers)
    });
    winners.chain(contest.left_out.iter().map(|out| (out.deployment.as_str(), Fate::LeftOut(out.why.as_str()))))
}

/// Counts how deployments fare, computer by computer.
#[derive(Debug, Default)]
pub struct Surveyor {
    computers: u64,
    without: u64,
    by_name: BTreeMap<String, Fare>,
}

/// How one deployment fares.
#[derive(Debug, Clone, Default)]
struct Fare {
    wins: u64,
    loses: BTreeMap<String, u64>,
    left_out: BTreeMap<String, u64>,
}

impl Surveyor {
    /// Looks at one more.
    pub fn look(&mut self, policy: &Policy, computer: &Computer) {
        let contest = contest(policy, &Subject::new(policy, computer), &Scope::Full);
        self.computers += 1;
        self.without += u64::from(contest.winners.is_empty());
        for (name, fate) in fates(&contest) {
            let line = match self.by_name.get_mut(name) {
                Some(line) => line,
                None => self.by_name.entry(name.to_owned()).or_default(),
            };
            match fate {
                Fate::Wins => line.wins += 1,
                Fate::Loses(by) => *line.loses.entry(by.to_owned()).or_default() += 1,
                Fate::LeftOut(why) => *line.left_out.entry(why.to_owned()).or_default() += 1,
            }
        }
    }

    /// Adds what another one has seen.
    pub fn add(&mut self, other: Surveyor) {
        self.computers += other.computers;
        self.without += other.without;
        for (name, Fare { wins, loses, left_out }) in other.by_name {
            let line = self.by_name.entry(name).or_default();
            line.wins += wins;
            loses.into_iter().for_each(|(by, count)| *line.loses.entry(by).or_default() += count);
            left_out.into_iter().for_each(|(why, count)| *line.left_out.entry(why).or_default() += count);
        }
    }

    /// What was seen.
    pub fn report(self, policy: &Policy) -> Survey {
        let mut deployments: Vec<SurveyLine> = policy
            .deployments()
            .iter()
            .filter_map(|deployment| {
                let Fare { wins, loses, left_out } = self.by_name.get(&deployment.name)?.clone();
                Some(SurveyLine {
                    deployment: deployment.name.clone(),
                    item: deployment.item.clone(),
                    target: deployment.target.to_string(),
                    wants: deployment.wants(),
                    wins,
                    loses,
                    left_out,
                })
            })
            .collect();
        deployments.sort_by(|one, other| (&one.item, &one.deployment).cmp(&(&other.item, &other.deployment)));
        let tied = deployments.iter().filter(|line| line.loses.contains_key("age"));
        let warnings = tied
            .map(|line| {
                format!(
                    "{} loses on {} only because it is younger. Disable it, or set a priority.",
                    line.deployment,
                    counted(line.loses["age"], "computer")
                )
            })
            .collect();
        Survey { computers: self.computers, without: self.without, deployments, warnings }
    }
}

/// What a preview is of.
#[derive(Debug, Clone, PartialEq)]
pub enum Preview {
    /// The computers in the target of a deployment, and how it fares there.
    Deployment(String),
    /// The members of a group.
    Group(String),
    /// Those of whom a query holds.
    Query(crate::domain::query::Query),
    /// Every computer that some deployment gives an item.
    Item(Item),
}

impl Preview {
    /// The policy as far as this preview needs it: computers meet nothing else.
    pub fn narrow(&self, policy: &Policy) -> Policy {
        match self {
            Preview::Deployment(name) => {
                let item = policy.deployment(name).map(|deployment| deployment.item.clone());
                policy.only(|deployment| item.as_ref() == Some(&deployment.item)).without_other_groups([])
            }
            Preview::Item(item) => policy.only(|deployment| deployment.item == *item).without_other_groups([]),
            Preview::Group(name) => policy.only(|_| false).without_other_groups([name.as_str()]),
            Preview::Query(query) => policy.only(|_| false).without_other_groups(query.groups()),
        }
    }

    /// The software that must be read of inventories for it by this policy, in small letters.
    pub fn software(&self, policy: &Policy) -> BTreeSet<String> {
        let mut asked = policy.asked_software();
        if let Preview::Query(query) = self {
            asked.extend(query.software().into_iter().map(str::to_owned));
        }
        asked
    }

    /// Looks at a computer. None if it is not meant; the truth says whether that is known.
    pub fn look(&self, policy: &Policy, computer: &Computer) -> Result<PreviewLine, Truth> {
        let subject = Subject::new(policy, computer);
        let line = |winner: Option<String>, why: Option<String>| {
            let tenant = policy.lineage(computer.tenant).first().map(|tenant| tenant.name.clone()).unwrap_or_default();
            PreviewLine { id: computer.id, tenant, name: computer.name.clone(), os: computer.os, winner, why }
        };
        let member = |truth: Truth| if truth.is_yes() { Ok(line(None, None)) } else { Err(truth) };
        match self {
            Preview::Group(name) => member(subject.is_in(name)),
            Preview::Query(query) => member(subject.answers(query)),
            Preview::Item(_) => {
                let contest = contest(policy, &subject, &Scope::Full);
                let winner = contest.winners.first().map(|won| won.deployment.name.clone());
                winner.map(|winner| line(Some(winner), None)).ok_or(Truth::No)
            }
            Preview::Deployment(name) => {
                let deployment = policy.deployment(name).ok_or(Truth::No)?;
                let is_in = subject.meets(&deployment.target);
                if is_in != Truth::Yes {
                    return Err(is_in);
                }
                let contest = contest(policy, &subject, &scope(deployment));
                let winner = contest.winners.first().map(|won| won.deployment.name.clone());
                let fate = fates(&contest).find(|(one, _)| one == name).map(|(_, fate)| fate);
                let why = match fate {
                    Some(Fate::Wins) => None,
                    Some(Fate::Loses(why) | Fate::LeftOut(why)) => Some(why.to_owned()),
                    None => return Err(Truth::No),
                };
                Ok(line(winner, why))
            }
        }
    }

    /// Adds what was seen of a computer to a count.
    pub fn count(&self, seen: &Result<PreviewLine, Truth>, count: &mut PreviewCount) {
        count.computers += 1;
        match seen {
            Err(Truth::Unknown) => count.unknown += 1,
            Err(Truth::No | Truth::Yes) => {}
            Ok(line) => {
                count.members += 1;
                if let Preview::Deployment(_) = self {
                    match &line.why {
                        None => *count.wins.get_or_insert_default() += 1,
                        Some(why) => *count.otherwise.entry(why.clone()).or_default() += 1,
                    }
                }
            }
        }
    }
}

/// The sessions in which a deployment takes part at all, so that a preview shows what it would do there.
fn scope(deployment: &Deployment) -> Scope {
    use crate::domain::Enforcement;
    match (deployment.enforcement, deployment.disabled) {
        (Enforcement::Required | Enforcement::Optional, false) => Scope::Full,
        (Enforcement::Onboarding, false) => Scope::Onboarding,
        (Enforcement::Adhoc, _) | (_, true) => Scope::Targeted([deployment.name.clone()].into()),
    }
}
