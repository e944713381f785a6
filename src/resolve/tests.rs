//! The order is total, and the choice does not depend on the order in which things are given.

use pitcrew_protocol::Interpreter;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::domain::{
    Answered, Approval, Bearer, Computer, ComputerId, Connection, Decision, Deployment, DeploymentId, DesiredState,
    Device, DeviceFilter, Enforcement, Filter, Group, Item, Listed, Members, Mode, Os, Policy, PrimaryUser,
    ScriptAnswer, ScriptUse, Sha256Hash, Software, Target, Tenant, TenantId, Truth, Upgrade,
};

fn software(name: &str) -> Software {
    Software {
        name: name.into(),
        description: None,
        os: vec![],
        scheme: crate::domain::Scheme::Loose,
        detect: ScriptUse {
            hash: Sha256Hash::of(b""),
            interpreter: Interpreter::Sh,
            timeout_ms: None,
            method: None,
            variants: Default::default(),
        },
        test: None,
        install: None,
        uninstall: None,
        post_install: None,
        post_uninstall: None,
        download: None,
        versions_from: None,
        signed_by: None,
        upgrade: Upgrade::Over,
        repair: None,
        versions: vec![],
        requires: vec![],
        rules: vec![],
        conflicts: vec![],
        licence: crate::domain::LicenceNeed::None,
        configuration: None,
        reboot: crate::domain::RebootNeed::IfAsked,
        parameters: Default::default(),
        source: None,
        in_order: Default::default(),
    }
}

fn computer() -> Computer {
    Computer {
        id: ComputerId(1),
        tenant: TenantId(3),
        name: "bench".into(),
        os: Os::Linux,
        arch: "x86_64".into(),
        tags: ["lab".to_owned()].into(),
        connection: Connection::Noop,
        excluded: false,
        device: Some(Device::Server),
        person: Some(PrimaryUser { name: "ann".into(), tags: ["vip".to_owned()].into() }),
        approvals: Default::default(),
        facts: Default::default(),
        software: None,
        answers: Default::default(),
    }
}

/// The grandchild has the computer.
fn tenants() -> Vec<Tenant> {
    let tenant = |id, name: &str, parent: Option<i64>| Tenant {
        id: TenantId(id),
        name: name.into(),
        parent: parent.map(TenantId),
        tags: if name == "bottom" { ["gold".to_owned()].into() } else { Default::default() },
        cross_tenant: true,
    };
    vec![tenant(1, "top", None), tenant(2, "middle", Some(1)), tenant(3, "bottom", Some(2)), tenant(4, "other", None)]
}

fn deployment(id: i64, target: Target) -> Deployment {
    Deployment {
        id: DeploymentId(id),
        name: format!("d{id}"),
        item: Item::software("editor"),
        target,
        filter: DeviceFilter::default(),
        exclude: vec![],
        state: DesiredState::Any,
        mode: Mode::Enforce,
        enforcement: Enforcement::Required,
        priority: 0,
        parameters: Default::default(),
        retries: 1,
        disabled: false,
        recommended: false,
        decision: None,
    }
}

fn tenant(name: &str, propagate: bool) -> Target {
    Target::Tenant { name: name.into(), propagate }
}

fn tag(tenant: Option<&str>) -> Target {
    Target::Tag { name: "lab".into(), tenant: tenant.map(str::to_owned), on: None }
}

fn group(name: &str, tenant: Option<&str>) -> Target {
    Target::Group { name: name.into(), tenant: tenant.map(str::to_owned) }
}

fn person(name: &str) -> Target {
    Target::Person { tenant: "bottom".into(), name: name.into() }
}

/// Two groups: one that names the computer, and one that has the first.
fn groups() -> Vec<Group> {
    let listed = |name: &str, computers: &[&str], groups: &[&str]| Group {
        name: name.into(),
        description: None,
        members: Members::Listed(Listed {
            computers: computers.iter().map(|name| name.parse().unwrap()).collect(),
            groups: groups.iter().map(|name| (*name).to_owned()).collect(),
        }),
    };
    vec![
        listed("direct", &["bottom/bench", "other/bench"], &[]),
        listed("nested", &["bottom/other"], &["direct"]),
        listed("elsewhere", &["other/bench", "bottom/other"], &[]),
    ]
}

fn this_computer() -> Target {
    Target::Computer { tenant: "bottom".into(), name: "bench".into() }
}

fn policy(deployments: Vec<Deployment>) -> Policy {
    Policy::new(7, tenants(), [software("editor"), software("viewer")], [], deployments, []).with_groups(groups())
}

fn winners(resolution: &Resolution) -> Vec<&str> {
    resolution.wanted.iter().map(|wanted| wanted.deployment.name.as_str()).collect()
}

#[test]
fn the_narrower_target_wins() {
    let narrowest_first = [
        this_computer(),
        person("ann"),
        tag(Some("bottom")),
        tenant("bottom", false),
        tenant("middle", true),
        tenant("top", true),
        group("nested", None),
        Target::Everyone,
    ];
    // The narrowest has the highest id, so that age alone would choose the other way.
    let mut deployments: Vec<_> =
        (1..).zip(narrowest_first.iter().rev()).map(|(id, target)| deployment(id, target.clone())).collect();
    for left in (1..=deployments.len()).rev() {
        let resolution = resolve(&policy(deployments.clone()), &computer(), &Scope::Full);
        assert_eq!(winners(&resolution), [format!("d{left}")]);
        let losers = &resolution.wanted[0].losers;
        assert!(losers.iter().all(|loser| loser.lost_by == LostBy::Target), "{losers:?}");
        deployments.pop();
    }
}

#[test]
fn what_is_equally_narrow_is_told_apart_in_order() {
    let base = deployment(5, Target::Everyone);
    let older = Deployment { id: DeploymentId(4), name: "older".into(), ..base.clone() };
    let absent = Deployment { id: DeploymentId(6), name: "absent".into(), state: DesiredState::Absent, ..base.clone() };
    let ignored = Deployment { id: DeploymentId(7), name: "ignored".into(), mode: Mode::Ignore, ..base.clone() };
    let urgent = Deployment { id: DeploymentId(8), name: "urgent".into(), priority: 1, ..base.clone() };
    let filtered = Deployment {
        id: DeploymentId(9),
        name: "filtered".into(),
        filter: DeviceFilter { os: [Os::Linux].into(), ..DeviceFilter::default() },
        ..base.clone()
    };
    let adopted = Decision { adopted: true, by: "ann".into(), at: jiff::Timestamp::UNIX_EPOCH, reason: String::new() };
    let proposed = Deployment {
        id: DeploymentId(1),
        name: "proposed".into(),
        priority: 9,
        recommended: true,
        decision: Some(adopted),
        ..base.clone()
    };
    let all = vec![base, older, absent, ignored, urgent, filtered, proposed];
    let resolution = resolve(&policy(all), &computer(), &Scope::Full);
    assert_eq!(winners(&resolution), ["filtered"]);
    let losers: Vec<_> = resolution.wanted[0].losers.iter().map(|loser| loser.deployment.as_str()).collect();
    assert_eq!(losers, ["urgent", "ignored", "absent", "older", "d5", "proposed"]);
}

#[test]
fn what_is_recommended_takes_part_once_it_is_adopted() {
    let decided =
        |adopted| Decision { adopted, by: "ann".into(), at: jiff::Timestamp::UNIX_EPOCH, reason: String::new() };
    let told = |decision, scope: &Scope| {
        let one = Deployment { recommended: true, decision, ..deployment(1, Target::Everyone) };
        let resolution = resolve(&policy(vec![one]), &computer(), scope);
        let out = resolution.left_out.iter().map(|out| out.why.as_str());
        winners(&resolution).into_iter().chain(out).collect::<Vec<_>>().join(" ")
    };
    let named = Scope::Targeted(["d1".to_owned()].into());
    for (decision, full, targeted) in [
        (None, "not_adopted", "d1"),
        (Some(decided(true)), "d1", "d1"),
        (Some(decided(false)), "dismissed", "dismissed"),
    ] {
        assert_eq!((told(decision.clone(), &Scope::Full), told(decision, &named)), (full.into(), targeted.into()));
    }
}

#[test]
fn what_is_for_all_tenants_passes_by_one_that_stands_apart() {
    let apart = |deployments: Vec<Deployment>| {
        let mut tenants = tenants();
        tenants[2].cross_tenant = false;
        Policy::new(1, tenants, [software("editor")], [], deployments, []).with_groups(groups())
    };
    for (target, reaches) in [
        (Target::Everyone, false),
        (tag(None), false),
        (group("direct", None), false),
        (tag(Some("bottom")), true),
        (group("direct", Some("bottom")), true),
        (tenant("bottom", false), true),
        (tenant("middle", true), true),
        (person("ann"), true),
        (this_computer(), true),
    ] {
        for scope in [Scope::Full, Scope::Targeted(["d1".to_owned()].into())] {
            let resolution = resolve(&apart(vec![deployment(1, target.clone())]), &computer(), &scope);
            assert_eq!(resolution.wanted.len(), usize::from(reaches), "{target}");
            let out: Vec<_> = resolution.left_out.iter().map(|out| out.why).collect();
            assert_eq!(out, if reaches { vec![] } else { vec![WhyLeftOut::TenantApart] }, "{target}");
        }
    }
}

#[test]
fn who_takes_no_part_is_told_why() {
    let base = deployment(1, Target::Everyone);
    let named = |name: &str| Deployment { name: name.into(), ..base.clone() };
    let all = vec![
        Deployment { disabled: true, ..named("disabled") },
        Deployment { enforcement: Enforcement::Adhoc, ..named("adhoc") },
        Deployment { enforcement: Enforcement::Onboarding, ..named("onboarding") },
        Deployment { filter: DeviceFilter { os: [Os::Windows].into(), ..Default::default() }, ..named("filtered") },
        Deployment { item: Item::task("nothing"), ..named("unknown") },
        Deployment { target: tenant("other", true), ..named("elsewhere") },
        Deployment { target: tenant("middle", false), ..named("above") },
    ];
    let why = |scope: &Scope, computer: &Computer| -> Vec<String> {
        let resolution = resolve(&policy(all.clone()), computer, scope);
        let wanted = resolution.wanted.iter().map(|wanted| format!("{} won", wanted.deployment.name));
        let out = resolution.left_out.iter().map(|out| format!("{} {}", out.deployment, out.why));
        wanted.chain(out).collect()
    };
    assert_eq!(
        why(&Scope::Full, &computer()),
        ["adhoc enforcement", "disabled disabled", "filtered filter", "onboarding enforcement", "unknown no_such_item"]
    );
    assert_eq!(why(&Scope::Onboarding, &computer())[0], "onboarding won");
    let targeted = Scope::Targeted(["disabled", "elsewhere", "nowhere"].map(str::to_owned).into());
    assert_eq!(
        why(&targeted, &computer()),
        [
            "disabled won",
            "adhoc not_named",
            "elsewhere other_target",
            "filtered not_named",
            "nowhere no_such_deployment",
            "onboarding not_named",
            "unknown not_named"
        ]
    );
    let excluded = Computer { excluded: true, ..computer() };
    assert!(why(&Scope::Full, &excluded).iter().all(|line| line.ends_with("computer_excluded")));
}

#[test]
fn every_kind_of_target_holds_whom_it_says() {
    let on = |bearer, name: &str| Target::Tag { name: name.into(), tenant: None, on: bearer };
    let of_middle = Target::Tag { name: "lab".into(), tenant: Some("middle".into()), on: None };
    let cases = [
        (Target::Everyone, true),
        (this_computer(), true),
        (Target::Computer { tenant: "other".into(), name: "bench".into() }, false),
        (person("ann"), true),
        (person("bob"), false),
        (Target::Person { tenant: "other".into(), name: "ann".into() }, false),
        (tenant("bottom", false), true),
        (tenant("middle", true), true),
        (tenant("middle", false), false),
        (tag(None), true),
        (of_middle, false),
        (on(None, "gold"), true),
        (on(None, "vip"), true),
        (on(Some(Bearer::Computer), "gold"), false),
        (on(Some(Bearer::Tenant), "gold"), true),
        (on(Some(Bearer::Person), "gold"), false),
        (on(Some(Bearer::Person), "vip"), true),
        (group("direct", None), true),
        (group("nested", Some("bottom")), true),
        (group("nested", Some("middle")), false),
        (group("elsewhere", None), false),
        (group("nowhere", None), false),
    ];
    for (target, holds) in cases {
        let policy = policy(vec![deployment(1, target.clone())]);
        let subject_of = computer();
        assert_eq!(Subject::new(&policy, &subject_of).meets(&target), Truth::from(holds), "{target}");
        // The index finds what the target holds.
        let won = winners(&resolve(&policy, &computer(), &Scope::Full)).len();
        assert_eq!(won, usize::from(holds), "{target}");
    }
}

#[test]
fn exceptions_leave_out_whom_they_name() {
    let except = |exclude| Deployment { exclude, ..deployment(1, Target::Everyone) };
    for exclude in [this_computer(), tag(None), group("nested", None), person("ann"), tenant("top", true)] {
        let policy = policy(vec![except(vec![person("bob"), exclude.clone()])]);
        for scope in [Scope::Full, Scope::Targeted(["d1".to_owned()].into())] {
            let resolution = resolve(&policy, &computer(), &scope);
            assert_eq!(resolution.wanted.len(), 0, "{exclude}");
            assert_eq!(resolution.left_out[0].why, WhyLeftOut::Excepted);
        }
    }
    let others = policy(vec![except(vec![person("bob"), group("elsewhere", None)])]);
    assert_eq!(resolve(&others, &computer(), &Scope::Full).wanted.len(), 1);
}

#[test]
fn kinds_of_device_narrow_and_the_narrower_wins() {
    let filtered = |id, devices: &[Device]| Deployment {
        filter: DeviceFilter { devices: devices.iter().copied().collect(), ..DeviceFilter::default() },
        ..deployment(id, Target::Everyone)
    };
    let all = vec![
        filtered(1, &[]),
        filtered(2, &[Device::Server]),
        filtered(3, &[Device::DomainController]),
        filtered(4, &[Device::PrimaryDomainController]),
        filtered(5, &[Device::Workstation, Device::Portable]),
        filtered(6, &[Device::Portable]),
    ];
    let winner = |device, facts: &[(&str, &str)]| {
        let facts = facts.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let computer = Computer { device, facts, ..computer() };
        winners(&resolve(&policy(all.clone()), &computer, &Scope::Full)).join(" ")
    };
    assert_eq!(winner(Some(Device::PrimaryDomainController), &[]), "d4");
    assert_eq!(winner(Some(Device::DomainController), &[]), "d3");
    assert_eq!(winner(Some(Device::Server), &[]), "d2");
    assert_eq!(winner(Some(Device::Workstation), &[]), "d5");
    assert_eq!(winner(None, &[("device", "portable")]), "d6", "as its inventory says");
    assert_eq!(winner(Some(Device::Server), &[("device", "portable")]), "d2", "what is declared counts first");
    assert_eq!(winner(None, &[]), "d1", "of which nothing is known passes no such filter");
}

fn decided(approved: bool) -> Computer {
    let approval = Approval { approved, by: "ann".into(), at: jiff::Timestamp::UNIX_EPOCH, reason: String::new() };
    Computer { approvals: [("d1".to_owned(), approval)].into(), ..computer() }
}

#[test]
fn what_is_optional_takes_part_where_it_was_approved() {
    let optional = Deployment { enforcement: Enforcement::Optional, ..deployment(1, this_computer()) };
    let policy = policy(vec![optional, deployment(2, Target::Everyone)]);
    let named = Scope::Targeted(["d1".to_owned()].into());
    let told = |computer: &Computer, scope: &Scope| {
        let resolution = resolve(&policy, computer, scope);
        let why = resolution.left_out.iter().find(|out| out.deployment == "d1").map(|out| out.why.as_str());
        format!("{} {}", winners(&resolution).join(","), why.unwrap_or("-"))
    };
    assert_eq!(told(&computer(), &Scope::Full), "d2 not_approved");
    assert_eq!(told(&decided(true), &Scope::Full), "d1 -");
    assert_eq!(told(&decided(true), &Scope::Onboarding), "d1 -");
    assert_eq!(told(&decided(false), &Scope::Full), "d2 denied");
    assert_eq!(told(&computer(), &named), "d1 -");
    assert_eq!(told(&decided(false), &named), " denied");
}

#[test]
fn who_wins_is_explained_with_the_ranked_losers_and_the_reason_of_each() {
    let at = |id, target| deployment(id, target);
    let mut all = vec![
        Deployment { state: DesiredState::ThisVersion("1.9".into()), ..at(1, this_computer()) },
        Deployment { priority: 5, ..at(2, group("nested", None)) },
        at(3, Target::Everyone),
        at(4, Target::Everyone),
        Deployment { state: DesiredState::Absent, ..at(5, Target::Everyone) },
        Deployment { priority: -1, ..at(6, Target::Everyone) },
        Deployment { enforcement: Enforcement::Optional, ..at(7, tag(None)) },
        Deployment { enforcement: Enforcement::Adhoc, disabled: true, ..at(8, tag(None)) },
        Deployment { exclude: vec![person("ann")], ..at(9, tenant("bottom", false)) },
        at(10, tenant("other", true)),
        Deployment {
            filter: DeviceFilter { devices: [Device::Portable].into(), ..Default::default() },
            ..at(11, Target::Everyone)
        },
    ];
    all.extend([12, 13].map(|id| Deployment { item: Item::software("viewer"), ..at(id, Target::Everyone) }));
    let policy = policy(all);
    let shown = explain(&policy, &computer(), &Scope::Full, None);
    let text = crate::cli::render::explanation(&shown, crate::cli::render::Style::default());
    insta::assert_snapshot!(text);
    let only = explain(&policy, &computer(), &Scope::Full, Some(&Item::software("editor")));
    assert_eq!(only.items.len(), 1);
    let elsewhere = only.items[0].left_out.last().unwrap();
    assert_eq!((elsewhere.deployment.as_str(), elsewhere.why.as_deref()), ("d10", Some("other_target")));
}

fn any_deployment() -> impl Strategy<Value = Deployment> {
    (
        select(vec!["editor", "viewer"]),
        select(vec![
            Target::Everyone,
            tag(None),
            tag(Some("bottom")),
            tag(Some("other")),
            group("nested", None),
            group("direct", Some("bottom")),
            group("direct", Some("other")),
            group("elsewhere", None),
            person("ann"),
            person("bob"),
            tenant("bottom", false),
            tenant("middle", true),
            tenant("middle", false),
            tenant("top", true),
            this_computer(),
        ]),
        select(vec![vec![], vec![Os::Linux], vec![Os::Linux, Os::Macos], vec![Os::Windows]]),
        select(vec![DesiredState::Latest, DesiredState::Absent, DesiredState::Ignored, DesiredState::UpdateIfFound]),
        select(Enforcement::ALL),
        -1..2i32,
        any::<bool>(),
    )
        .prop_map(|(item, target, os, state, enforcement, priority, disabled)| Deployment {
            item: Item::software(item),
            filter: DeviceFilter { os: os.into_iter().collect(), ..DeviceFilter::default() },
            state,
            enforcement,
            priority,
            disabled,
            ..deployment(0, target)
        })
}

proptest! {
    #[test]
    fn one_winner_an_item_whatever_the_order(
        deployments in prop::collection::vec(any_deployment(), 0..12),
        rotation in 0..12usize,
        scope in select(vec![Scope::Full, Scope::Onboarding, Scope::Targeted(["d1", "d2", "d3"].map(str::to_owned).into())]),
    ) {
        let numbered: Vec<_> = (1..).zip(deployments)
            .map(|(id, one)| Deployment { id: DeploymentId(id), name: format!("d{id}"), ..one })
            .collect();
        let mut turned = numbered.clone();
        turned.rotate_left(rotation.min(numbered.len()));
        turned.reverse();
        let resolution = resolve(&policy(numbered.clone()), &computer(), &scope);
        prop_assert_eq!(&resolution, &resolve(&policy(turned), &computer(), &scope));

        let mut items: Vec<_> = resolution.wanted.iter().map(|wanted| wanted.item.clone()).collect();
        items.dedup();
        prop_assert_eq!(items.len(), resolution.wanted.len());
        // Every deployment aimed at the computer is accounted for exactly once.
        let aimed = numbered.iter().filter(|one| {
            Subject::new(&policy(vec![]), &computer()).meets(&one.target) == Truth::Yes
        });
        for one in aimed {
            let won = resolution.wanted.iter().filter(|wanted| wanted.deployment.name == one.name).count();
            let lost = resolution.wanted.iter().flat_map(|wanted| &wanted.losers).filter(|loser| loser.deployment == one.name).count();
            let out = resolution.left_out.iter().filter(|out| out.deployment == one.name).count();
            prop_assert_eq!(won + lost + out, 1, "{}", one.name);
        }
    }

    #[test]
    fn explanations_surveys_and_previews_say_what_is_resolved(
        deployments in prop::collection::vec(any_deployment(), 0..12),
    ) {
        let numbered: Vec<_> = (1..).zip(deployments)
            .map(|(id, one)| Deployment { id: DeploymentId(id), name: format!("d{id}"), ..one })
            .collect();
        let policy = policy(numbered.clone());
        for computer in [computer(), Computer { tags: Default::default(), ..computer() }] {
            let resolution = resolve(&policy, &computer, &Scope::Full);
            let explained = explain(&policy, &computer, &Scope::Full, None);
            let told: Vec<_> = explained.items.iter().filter_map(|item| item.winner.as_ref()).collect();
            let told: Vec<_> = told.iter().map(|winner| winner.deployment.as_str()).collect();
            prop_assert_eq!(&told, &winners(&resolution));

            let mut surveyor = Surveyor::default();
            surveyor.look(&policy, &computer);
            let survey = surveyor.report(&policy);
            let mut won: Vec<_> = survey.deployments.iter().filter(|line| line.wins == 1).map(|line| &line.item).collect();
            won.dedup();
            prop_assert_eq!(won, resolution.wanted.iter().map(|wanted| &wanted.item).collect::<Vec<_>>());

            for one in numbered.iter().filter(|one| !one.disabled && one.enforcement == Enforcement::Required) {
                let preview = Preview::Deployment(one.name.clone());
                let seen = preview.look(&preview.narrow(&policy), &computer);
                let wins = resolution.wanted.iter().any(|wanted| wanted.deployment.name == one.name);
                let meets = Subject::new(&policy, &computer).meets(&one.target);
                prop_assert_eq!(seen.is_ok(), meets.is_yes());
                prop_assert_eq!(seen.is_ok_and(|line| line.why.is_none()), wins);
            }
        }
    }

    #[test]
    fn taking_a_loser_away_changes_no_winner(
        deployments in prop::collection::vec(any_deployment(), 1..10),
        victim in any::<prop::sample::Index>(),
    ) {
        let numbered: Vec<_> = (1..).zip(deployments)
            .map(|(id, one)| Deployment { id: DeploymentId(id), name: format!("d{id}"), ..one })
            .collect();
        let before = resolve(&policy(numbered.clone()), &computer(), &Scope::Full);
        let victim = numbered[victim.index(numbered.len())].clone();
        prop_assume!(!winners(&before).contains(&victim.name.as_str()));
        let without = numbered.into_iter().filter(|one| one.id != victim.id).collect();
        let after = resolve(&policy(without), &computer(), &Scope::Full);
        prop_assert_eq!(winners(&before), winners(&after));
    }
}

#[test]
fn the_answer_of_a_script_counts_while_it_is_young_and_of_this_script() {
    let script = |text: &str| ScriptUse { hash: Sha256Hash::of(text.as_bytes()), ..software("x").detect };
    let filter = Filter { script: script("now"), os: vec![Os::Linux], ask_every_s: 60, valid_s: 600 };
    let answer = |holds, text: &str, age_s| {
        let answered = Answered { holds, script: script(text).hash, says: String::new() };
        ScriptAnswer { answered, age_s }
    };
    // what it is by the answer, and whether it is asked again
    for (answer, os, expected) in [
        (None, Os::Linux, (Truth::Unknown, true)),
        (Some(answer(Some(true), "now", 60)), Os::Linux, (Truth::Yes, false)),
        (Some(answer(Some(false), "now", 60)), Os::Linux, (Truth::No, false)),
        (Some(answer(Some(true), "now", 61)), Os::Linux, (Truth::Yes, true)),
        (Some(answer(Some(true), "now", 601)), Os::Linux, (Truth::Unknown, true)),
        (Some(answer(Some(true), "before", 1)), Os::Linux, (Truth::Unknown, true)),
        (Some(answer(None, "now", 1)), Os::Linux, (Truth::Unknown, true)),
        (Some(answer(Some(true), "now", 1)), Os::Macos, (Truth::No, false)),
    ] {
        assert_eq!(
            (filter.holds(answer.as_ref(), os), filter.is_due(answer.as_ref(), os)),
            expected,
            "{answer:?} {os}"
        );
    }
}
