//! The execution worker dies at every moment of an action on this very machine: nothing of that is the action's failure.

use std::path::Path;
use std::time::{Duration, Instant};

use pitcrew::domain::session::Stage;
use pitcrew_protocol::{Ending, JournalEvent, JournalLine, StepKind};

use super::fleet::Played;
use super::installation::{Installation, SOON};

/// A task and a software, of which neither has a second try.
const FLEET: &str = r#"
kind: task
name: door
test: '[ -e "$PITCREW_SANDBOX/done" ] && echo true || echo false'
set: |
  sleep 0.1
  echo door >> "$PITCREW_SANDBOX/acts"
  touch "$PITCREW_SANDBOX/done"
---
kind: software
name: lamp
detect: cat "$PITCREW_SANDBOX/lamp" 2>/dev/null || true
install: |
  sleep 0.1
  echo lamp >> "$PITCREW_SANDBOX/acts"
  printf %s "$PITCREW_VERSION" > "$PITCREW_SANDBOX/lamp"
versions: [{version: "1"}]
---
{kind: deployment, name: door, task: door, target: everyone, retries: 0}
---
{kind: deployment, name: lamp, software: lamp, target: everyone, retries: 0}
"#;

/// A moment in the life of an action, by what is to be seen of it from outside.
enum Moment {
    /// The database has this.
    Stored(&'static str),
    /// The computer has written this down, so many times since the session's detection.
    Written(fn(&JournalEvent) -> bool, usize),
}

/// In the order in which they come. Queries are about the session `$1`.
fn moments() -> Vec<(&'static str, Moment)> {
    use Moment::{Stored, Written};
    let acts = |event: &JournalEvent| matches!(event, JournalEvent::StepStarted { kind, .. } if changes(*kind));
    let acted = |event: &JournalEvent| matches!(event, JournalEvent::StepEnded { kind, .. } if changes(*kind));
    vec![
        ("planned", Stored("SELECT count(*) FROM stage_result WHERE session_id = $1 AND stage = 'planning'")),
        ("run committed", Stored("SELECT count(*) FROM run WHERE session_id = $1 AND purpose = 'act'")),
        ("run known", Written(|event| matches!(event, JournalEvent::RunStarted), 2)),
        ("looked", Written(|event| matches!(event, JournalEvent::StepEnded { .. }), 3)),
        ("acts", Written(acts, 1)),
        ("acted", Written(acted, 1)),
        ("outcome spooled", Written(|event| matches!(event, JournalEvent::RunEnded { .. }), 2)),
        (
            "outcome stored",
            Stored("SELECT count(*) FROM run WHERE session_id = $1 AND purpose = 'act' AND outcome IS NOT NULL"),
        ),
        ("acknowledged", Written(|event| matches!(event, JournalEvent::Acknowledged), 2)),
        ("second run known", Written(|event| matches!(event, JournalEvent::RunStarted), 3)),
        ("acts again", Written(acts, 2)),
        ("acted again", Written(acted, 2)),
        ("second outcome spooled", Written(|event| matches!(event, JournalEvent::RunEnded { .. }), 3)),
        (
            "second outcome stored",
            Stored(
                "SELECT greatest(count(*) - 1, 0) FROM run WHERE session_id = $1 AND purpose = 'act' AND outcome IS NOT NULL",
            ),
        ),
        ("second acknowledged", Written(|event| matches!(event, JournalEvent::Acknowledged), 3)),
        ("final", Stored("SELECT count(*) FROM session_history WHERE id = $1")),
    ]
}

fn changes(kind: StepKind) -> bool {
    matches!(kind, StepKind::Act | StepKind::Set)
}

fn journal(state: &Path) -> Vec<JournalLine> {
    let text = std::fs::read_to_string(state.join("journal.jsonl")).unwrap_or_default();
    JournalLine::read_all(&text).expect("a journal")
}

impl Installation {
    /// Looks as often as it can until the moment has come.
    async fn until_moment(&self, computer: &Played, session: i64, name: &str, moment: &Moment) {
        let begun = Instant::now();
        loop {
            let came = match moment {
                Moment::Stored(query) => {
                    self.sql.query_one(*query, &[&session]).await.expect("the database answers").get::<_, i64>(0) > 0
                }
                Moment::Written(is_it, times) => {
                    journal(&computer.state).iter().filter(|line| is_it(&line.event)).count() >= *times
                }
            };
            if came {
                return;
            }
            assert!(begun.elapsed() < SOON, "waited in vain for: {name}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_dies_at_every_moment_of_an_action_and_no_action_fails_for_it() {
    let mut installation = Installation::new().await;
    installation.apply(FLEET).await;
    installation.start_all();
    let mut all = Vec::new();
    for (round, (name, moment)) in moments().into_iter().enumerate() {
        let computer = installation.local_computer().await;
        let id = installation.session_for(computer.id).await;
        installation.until_moment(&computer, id.0, name, &moment).await;
        // A little later each time, so that the moments between two things that can be seen have their turn as well.
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..30))).await;
        installation.programs.kill("execution").await;
        installation.start("execution");
        println!("round {round}: session {id} met its worker's death when: {name}");
        all.push((name, id, computer));
    }
    installation.all_complete(&all.iter().map(|(_, id, _)| *id).collect::<Vec<_>>()).await;
    for (name, _, computer) in &all {
        let mut acts = computer.acts();
        acts.sort();
        assert_eq!(acts, ["door", "lamp"], "{name}");
        let cut_off = |line: &JournalLine| matches!(&line.event, JournalEvent::RunEnded { ending } if *ending != Ending::Completed);
        assert_eq!(journal(&computer.state).into_iter().find(cut_off), None, "{name}");
    }
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_before_it_could_say_that_something_has_drifted_hides_nothing() {
    let mut installation = Installation::new().await;
    installation.apply(FLEET).await;
    let computer = installation.local_computer().await;
    // Nobody executes before the computer has changed behind everyone's back.
    for name in ["scheduler", "detection", "planning"] {
        installation.start(name);
    }
    let id = installation.session_for(computer.id).await;
    installation.until_session(id, "it to be planned", |session| session.stage == Stage::Execution).await;
    computer.meddle("lamp", Some("0"));
    installation.stall("INSERT ON transition", "NEW.what = 'advanced' AND NEW.stage = 'execution'").await;
    installation.start("execution");
    installation.until_stalled().await;
    installation.programs.kill("execution").await;
    installation.end_stalled().await;
    installation.go_on().await;
    installation.start("execution");
    installation.all_complete(&[id]).await;
    assert_eq!(installation.count("SELECT count(DISTINCT dispatch) FROM action").await, 2, "it was planned anew");
    let mut acts = computer.acts();
    acts.sort();
    assert_eq!(acts, ["door", "lamp"]);
    installation.at_rest().await;
}
