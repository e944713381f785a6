//! Which scripts of groups a computer is asked, and what their answers leave of what was looked at meanwhile.

use jiff::Timestamp;
use pitcrew_protocol::{Ending, RunOutcome, Said, StepKind, StepOutcome, StepStatus};

use super::*;
use crate::domain::session::{Order, Priority, RebootPolicy, Session, Stage, Status};
use crate::domain::{Answered, ScriptAnswer, SessionId};

const FLEET: &str = "
{kind: tenant, name: t}
---
{kind: tenant, name: u, cross_tenant: false}
---
{kind: computer, name: c, tenant: t, os: linux}
---
{kind: group, name: aimed, script: aimed}
---
{kind: group, name: excepted, script: excepted}
---
{kind: group, name: nested, script: nested}
---
{kind: group, name: outer, query: '\"nested\" in groups and os == \"linux\"'}
---
{kind: group, name: decided, query: '\"idle\" in groups and os == \"windows\"'}
---
{kind: group, name: idle, script: idle}
---
{kind: group, name: elsewhere, script: elsewhere, os: [windows]}
---
{kind: group, name: later, script: later}
---
{kind: software, name: base, detect: d, install: i}
---
{kind: software, name: app, detect: d, install: i, requires: [{software: base}]}
---
{kind: task, name: alone, test: t, set: s}
---
{kind: task, name: windows, test: t, set: s, os: windows}
---
{kind: deployment, name: app, software: app, target: {group: aimed}}
---
{kind: deployment, name: base, software: base, target: {group: outer, tenant: t}, exclude: [{group: excepted}]}
---
{kind: deployment, name: alone, task: alone, target: {group: decided}}
---
{kind: deployment, name: other-tenant, task: alone, target: {group: idle, tenant: u}}
---
{kind: deployment, name: other-system, task: windows, target: {group: idle}}
---
{kind: deployment, name: other-filter, task: alone, target: {group: idle}, filter: {os: macos}}
---
{kind: deployment, name: on-windows, task: alone, target: {group: elsewhere}}
---
{kind: deployment, name: in-person, task: alone, target: {group: later}, enforcement: adhoc}
";

fn with_groups(text: &str) -> (Policy, Computer) {
    let (policy, computer) = compile(text);
    let file = fleet::read([("case", text)]).unwrap();
    let groups = file.documents.into_iter().filter_map(|document| match document.body {
        Body::Group(group) => Some(group),
        _ => None,
    });
    (policy.with_groups(groups), computer)
}

fn session(kind: Kind, deployments: &[&str], item: Option<&str>) -> Session {
    let order = Order {
        deployments: deployments.iter().map(ToString::to_string).collect(),
        parameters: Default::default(),
        item: item.map(|item| item.parse().unwrap()),
        inventory: kind == Kind::Inventory,
        reboot: RebootPolicy::Never,
        by: String::new(),
        reason: String::new(),
        origin: String::new(),
        group: None,
        rerun_of: None,
        traceparent: None,
    };
    Session {
        id: SessionId(1),
        tenant: TenantId(1),
        computer: ComputerId(1),
        kind,
        priority: Priority::Normal,
        order,
        status: Status::Running,
        waiting_on: None,
        stage: Stage::Detection,
        dispatch: 1,
        attempt: 0,
        losses: 0,
        run_after: None,
        waited_on: None,
        due_at: None,
        admitted_at: None,
        taken_at: None,
        owner: None,
        deadline: None,
        epoch: 1,
        run_in_flight: None,
        cancel: None,
        pause: None,
        revision: 1,
        since: Timestamp::UNIX_EPOCH,
        created_at: Timestamp::UNIX_EPOCH,
        started_at: None,
        finished_at: None,
        last_error: None,
    }
}

#[test]
fn only_what_may_decide_something_in_this_session_is_asked() {
    let (policy, computer) = with_groups(FLEET);
    let names = |computer: &Computer, session: &Session| {
        let asked = asked(&policy, computer, session, session.order.inventory);
        asked.into_iter().map(|asked| asked.group).collect::<Vec<_>>().join(" ")
    };
    for (kind, deployments, item, expected) in [
        (Kind::Full, &[][..], None, "aimed excepted nested"),
        (Kind::Inventory, &[], None, "aimed excepted later nested"),
        (Kind::Targeted, &["app"], None, "aimed"),
        (Kind::Targeted, &["base"], None, "excepted nested"),
        (Kind::Targeted, &["in-person"], None, "later"),
        (Kind::Targeted, &["nobody"], None, ""),
        (Kind::Repair, &[], Some("task/alone"), ""),
        // What needs an item has a say in how that should be.
        (Kind::Repair, &[], Some("software/base"), "aimed excepted nested"),
        (Kind::Full, &[], Some("software/app"), "aimed excepted nested"),
    ] {
        assert_eq!(names(&computer, &session(kind, deployments, item)), expected, "{kind} {deployments:?} {item:?}");
    }
    let full = session(Kind::Full, &[], None);
    let apart = Computer { tenant: TenantId(2), ..computer.clone() };
    assert_eq!(names(&apart, &full), "idle", "what is for all tenants reaches none that stands apart");
    assert_eq!(names(&Computer { excluded: true, ..computer.clone() }, &full), "");
    let known = policy.group("aimed").unwrap().1.filter().unwrap().script.on(computer.os).hash;
    let answered = Answered { holds: Some(true), script: known, says: String::new() };
    let mut known = computer;
    known.answers.insert("aimed".into(), ScriptAnswer { answered, age_s: 60 });
    assert_eq!(names(&known, &full), "excepted nested", "a young answer is not asked for again");
    let steps = filter_steps(&asked(&policy, &known, &full, false));
    assert!(steps.iter().all(|step| step.timeout_ms == 30_000));
}

#[test]
fn what_a_script_has_said_outlives_a_failure_and_no_script_stops_a_session() {
    let (policy, computer) = with_groups(FLEET);
    let asked = asked(&policy, &computer, &session(Kind::Targeted, &["app"], None), false);
    let step = |status: StepStatus, observed: &str, said: Said| StepOutcome {
        kind: StepKind::Test,
        item: String::new(),
        status,
        exit_code: None,
        observed: Some(observed.to_owned()).filter(|observed| !observed.is_empty()),
        said,
        warnings: Vec::new(),
        wants_reboot: false,
        output: String::new(),
        output_omitted: 0,
        started_at: Timestamp::UNIX_EPOCH,
        duration_ms: 1,
    };
    let outcome = |step| RunOutcome {
        run_id: uuid::Uuid::nil(),
        session: 1,
        epoch: 1,
        boot_id: "b".into(),
        started_at: Timestamp::UNIX_EPOCH,
        ended_at: Timestamp::UNIX_EPOCH,
        ending: Ending::Completed,
        steps: vec![step],
    };
    let stop = Said { stop: Some("enough".into()), ..Said::default() };
    let yes = outcome(step(StepStatus::Succeeded, "true", stop));
    assert_eq!(told_to_stop(&asked, &yes), ["aimed"]);
    let failure = StepStatus::Failed { code: "timeout".into(), message: "It took too long.".into() };
    let failed = answers(&asked, &outcome(step(failure, "", Said::default())));
    let after = |computer: &Computer| knowing(computer, &failed).answers["aimed"].clone();

    assert_eq!(after(&computer).answered.holds, None);
    let mut known = knowing(&computer, &answers(&asked, &yes));
    known.answers.get_mut("aimed").unwrap().age_s = 90_000;
    let kept = after(&known);
    assert_eq!(
        (kept.answered.holds, kept.age_s, kept.answered.says.as_str()),
        (Some(true), 90_000, "It took too long.")
    );
    let filter = policy.group("aimed").unwrap().1.filter().unwrap();
    assert!(filter.holds(Some(&kept), computer.os).is_yes());
    assert!(filter.is_due(Some(&kept), computer.os), "it is asked again");
    known.answers.get_mut("aimed").unwrap().answered.script = crate::domain::Sha256Hash::of(b"another");
    assert_eq!(after(&known).answered.holds, None, "another script has said that");
}

#[test]
fn what_was_asked_alike_counts_whoever_brings_it() {
    let fleet = |parameters: &str| {
        format!(
            "{{kind: tenant, name: t}}\n---\n{{kind: computer, name: c, tenant: t, os: linux}}\n---\n\
             {{kind: group, name: g, script: g}}\n---\n\
             {{kind: software, name: base, detect: d, install: i}}\n---\n\
             {{kind: software, name: app, detect: d, install: i, requires: [{{software: base}}], \
               parameters: {{p: {{type: text, default: x}}}}}}\n---\n\
             {{kind: deployment, name: for-all, software: app, target: everyone}}\n---\n\
             {{kind: deployment, name: for-group, software: app, target: {{group: g}}{parameters}}}"
        )
    };
    for (parameters, kept) in [("", "software/app software/base"), (", parameters: {p: other}", "software/base")] {
        let (policy, computer) = with_groups(&fleet(parameters));
        let session = session(Kind::Full, &[], None);
        let asked = asked(&policy, &computer, &session, false);
        let before = looked_for(&policy, &computer, &session, &asked);
        let yes = Answered { holds: Some(true), script: asked[0].script.hash, says: String::new() };
        let now = knowing(&computer, &[("g".to_owned(), yes)].into());
        let now = crate::resolve::for_session(&policy, &now, &session);
        assert!(now.wanted.iter().all(|wanted| wanted.deployment.name == "for-group"));
        let mut findings = found("software/app -\nsoftware/base 1.0\nsoftware/gone 1.0\n");
        keep_what_counts(&mut findings, &policy, &before, &now);
        let items: Vec<_> = findings.items.keys().map(ToString::to_string).collect();
        assert_eq!(items.join(" "), kept, "{parameters}");
    }
}
