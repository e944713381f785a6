//! What a computer's journal alone shows. Pure; order is the order of the lines.

use std::collections::HashMap;

use pitcrew_protocol::{JournalEvent, JournalLine, StepKind};
use uuid::Uuid;

use super::Violation;

/// A run, as a computer tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldRun {
    /// The run.
    pub run_id: Uuid,
    /// The session that asked for it.
    pub session: Option<i64>,
    /// Its epoch.
    pub epoch: i64,
    /// Its end is told, too.
    pub ended: bool,
}

/// What a journal tells.
#[derive(Debug, Default)]
pub struct Told {
    /// The runs that were started, in order.
    pub runs: Vec<ToldRun>,
    /// What must not have happened.
    pub violations: Vec<Violation>,
}

/// Goes through the journal that is called `name`.
pub fn read(name: &str, lines: &[JournalLine]) -> Told {
    let mut reader = Reader { name, line: 0, highest: 0, latest: None, items: HashMap::new(), told: Told::default() };
    for line in lines {
        reader.line += 1;
        reader.take(line);
    }
    reader.told
}

struct Reader<'a> {
    name: &'a str,
    line: usize,
    /// The highest epoch that was recorded so far.
    highest: i64,
    /// The run that was started last.
    latest: Option<Uuid>,
    /// Of each maintenance item: the run in which it was acted upon, unless it was looked at since.
    items: HashMap<String, Uuid>,
    told: Told,
}

impl Reader<'_> {
    fn take(&mut self, line: &JournalLine) {
        match &line.event {
            JournalEvent::EpochRaised { from } => {
                if *from < self.highest || line.epoch <= *from {
                    let evidence = format!("the epoch went from {from} to {}, after {}", line.epoch, self.highest);
                    self.violation("epoch_rises_at_the_computer", evidence);
                }
                self.highest = self.highest.max(line.epoch);
            }
            JournalEvent::RunStarted => self.run_started(line),
            JournalEvent::StepStarted { kind, item, .. } => {
                self.beside_another(line);
                if let Some(run) = line.run_id {
                    self.step_started(run, *kind, item);
                }
            }
            JournalEvent::StepEnded { .. } => self.beside_another(line),
            JournalEvent::RunEnded { .. } => {
                if let Some(run) = self.told.runs.iter_mut().rev().find(|run| Some(run.run_id) == line.run_id) {
                    run.ended = true;
                }
            }
            JournalEvent::Booted { .. }
            | JournalEvent::AgentStarted { .. }
            | JournalEvent::RebootBegun { .. }
            | JournalEvent::RunAdopted
            | JournalEvent::KillBegun { .. }
            | JournalEvent::Refused { .. }
            | JournalEvent::Acknowledged => {}
        }
    }

    fn run_started(&mut self, line: &JournalLine) {
        let Some(run_id) = line.run_id else { return };
        if line.epoch < self.highest {
            let evidence = format!("run {run_id} with epoch {} was started after {}", line.epoch, self.highest);
            self.violation("no_run_starts_after_a_newer_epoch", evidence);
        }
        if self.told.runs.iter().any(|run| run.run_id == run_id) {
            self.violation("no_run_starts_twice", format!("run {run_id} was started again"));
        }
        self.latest = Some(run_id);
        self.told.runs.push(ToldRun { run_id, session: line.session, epoch: line.epoch, ended: false });
    }

    /// A step of a run after the next run was started: two were at work. (The line of a run's end may come late, and
    /// proves nothing.)
    fn beside_another(&mut self, line: &JournalLine) {
        if let (Some(run), Some(latest)) = (line.run_id, self.latest)
            && run != latest
        {
            let evidence = format!("run {run} (session {:?}) was at work after run {latest} was started", line.session);
            self.violation("one_run_at_a_time", evidence);
        }
    }

    fn step_started(&mut self, run: Uuid, kind: StepKind, item: &str) {
        match kind {
            StepKind::Detect | StepKind::Test | StepKind::Verify => {
                self.items.remove(item);
            }
            StepKind::Act | StepKind::Set => {
                // One run may well change an item in two steps, such as out with the old and in with the new.
                if let Some(before) = self.items.insert(item.to_owned(), run)
                    && before != run
                {
                    let evidence = format!(
                        "{item} was acted upon in run {run} and before in run {before}, without a look between"
                    );
                    self.violation("nothing_is_repeated_unseen", evidence);
                }
            }
            StepKind::Download | StepKind::Inventory | StepKind::Versions | StepKind::Reboot => {}
        }
    }

    fn violation(&mut self, invariant: &'static str, evidence: String) {
        let subject = format!("line {} of {}", self.line, self.name);
        self.told.violations.push(Violation { invariant, subject, evidence });
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use pitcrew_protocol::Ending;

    use super::*;

    fn run(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn line(run_id: Option<u128>, epoch: i64, event: JournalEvent) -> JournalLine {
        JournalLine { at: Timestamp::UNIX_EPOCH, epoch, session: Some(1), run_id: run_id.map(run), event }
    }

    fn raised(from: i64, to: i64) -> JournalLine {
        line(None, to, JournalEvent::EpochRaised { from })
    }

    fn started(run: u128, epoch: i64) -> JournalLine {
        line(Some(run), epoch, JournalEvent::RunStarted)
    }

    fn step(run: u128, epoch: i64, kind: StepKind) -> JournalLine {
        line(Some(run), epoch, JournalEvent::StepStarted { index: 0, kind, item: "software/a".to_owned() })
    }

    fn ended(run: u128, epoch: i64) -> JournalLine {
        line(Some(run), epoch, JournalEvent::RunEnded { ending: Ending::Completed })
    }

    fn found(lines: &[JournalLine]) -> Vec<&'static str> {
        read("a journal", lines).violations.into_iter().map(|violation| violation.invariant).collect()
    }

    #[test]
    fn an_honest_journal_is_clean_and_tells_its_runs() {
        use StepKind::{Act, Detect, Verify};
        let lines = [
            raised(0, 1),
            started(1, 1),
            step(1, 1, Detect),
            step(1, 1, Act),
            step(1, 1, Act),
            // A newer owner adopts it: its steps go on.
            raised(1, 2),
            step(1, 1, Verify),
            started(2, 2),
            // The end of the first run is told late.
            ended(1, 1),
            step(2, 2, Detect),
            step(2, 2, Act),
        ];
        let told = read("a journal", &lines);
        assert_eq!(told.violations, []);
        assert_eq!(
            told.runs.iter().map(|run| (run.run_id, run.ended)).collect::<Vec<_>>(),
            [(run(1), true), (run(2), false)]
        );
    }

    #[test]
    fn each_violation_is_found() {
        use StepKind::{Act, Detect, Set};
        assert_eq!(found(&[raised(0, 5), raised(3, 4)]), ["epoch_rises_at_the_computer"]);
        assert_eq!(found(&[raised(0, 5), started(1, 4)]), ["no_run_starts_after_a_newer_epoch"]);
        assert_eq!(found(&[started(1, 0), ended(1, 0), started(1, 0)]), ["no_run_starts_twice"]);
        assert_eq!(found(&[started(1, 0), started(2, 0), step(1, 0, Detect)]), ["one_run_at_a_time"]);
        for acting in [Act, Set] {
            let lines = [started(1, 0), step(1, 0, acting), ended(1, 0), started(2, 0), step(2, 0, acting)];
            assert_eq!(found(&lines), ["nothing_is_repeated_unseen"]);
        }
    }
}
