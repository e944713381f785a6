//! Whether the journals and the database tell the same story. Pure.

use std::collections::HashMap;

use uuid::Uuid;

use super::Violation;
use super::journal::ToldRun;
use crate::store::check::KnownRun;

/// Compares what journals tell (each with its name) with what the database knows of their runs. `at_rest`: everything
/// should have ended.
pub fn compare(journals: &[(String, Vec<ToldRun>)], known: &HashMap<Uuid, KnownRun>, at_rest: bool) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut at: HashMap<Uuid, &str> = HashMap::new();
    for (name, runs) in journals {
        let mut computer = None;
        for run in runs {
            let mut violation = |invariant, evidence| {
                let subject = format!("run {} in {name}", run.run_id);
                violations.push(Violation { invariant, subject, evidence });
            };
            if let Some(other) = at.insert(run.run_id, name)
                && other != name
            {
                violation("no_run_starts_twice", format!("it was started in {other} too"));
            }
            let Some(known) = known.get(&run.run_id) else {
                violation("only_recorded_runs_start", "the database does not know it".to_owned());
                continue;
            };
            if run.epoch != known.epoch || run.session != Some(known.session) {
                let evidence = format!(
                    "it ran with epoch {} for session {:?}; it was recorded with epoch {} for session {}",
                    run.epoch, run.session, known.epoch, known.session
                );
                violation("runs_are_as_recorded", evidence);
            }
            let first = *computer.get_or_insert(known.computer);
            if known.computer != first {
                let evidence = format!("it was recorded for computer {}; those before it for {first}", known.computer);
                violation("runs_are_at_their_computer", evidence);
            }
            if !run.ended && !known.ended && (at_rest || known.session_is_final) {
                let evidence = format!("it has not ended, and session {} waits for it no more", known.session);
                violation("nothing_goes_on_unwatched", evidence);
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Uuid = Uuid::from_u128(1);
    const KNOWN: KnownRun = KnownRun { computer: 7, session: 3, epoch: 5, ended: true, session_is_final: true };

    fn told() -> ToldRun {
        ToldRun { run_id: RUN, session: Some(3), epoch: 5, ended: true }
    }

    fn found(journals: Vec<Vec<ToldRun>>, known: &[(Uuid, KnownRun)], at_rest: bool) -> Vec<&'static str> {
        let journals: Vec<_> =
            journals.into_iter().enumerate().map(|(number, runs)| (format!("journal {number}"), runs)).collect();
        let known = known.iter().cloned().collect();
        compare(&journals, &known, at_rest).into_iter().map(|violation| violation.invariant).collect()
    }

    #[test]
    fn the_same_story_is_clean() {
        assert!(found(vec![vec![told()]], &[(RUN, KNOWN)], true).is_empty());
        let going_on = ToldRun { ended: false, ..told() };
        let live = KnownRun { ended: false, session_is_final: false, ..KNOWN };
        assert!(found(vec![vec![going_on]], &[(RUN, live)], false).is_empty());
    }

    #[test]
    fn each_violation_is_found() {
        assert_eq!(found(vec![vec![told()], vec![told()]], &[(RUN, KNOWN)], true), ["no_run_starts_twice"]);
        assert_eq!(found(vec![vec![told()]], &[], true), ["only_recorded_runs_start"]);
        assert_eq!(found(vec![vec![told()]], &[(RUN, KnownRun { epoch: 6, ..KNOWN })], true), ["runs_are_as_recorded"]);
        assert_eq!(
            found(vec![vec![told()]], &[(RUN, KnownRun { session: 4, ..KNOWN })], true),
            ["runs_are_as_recorded"]
        );
        let elsewhere = (Uuid::from_u128(2), KnownRun { computer: 8, ..KNOWN });
        let both = vec![told(), ToldRun { run_id: elsewhere.0, ..told() }];
        assert_eq!(found(vec![both], &[(RUN, KNOWN), elsewhere], true), ["runs_are_at_their_computer"]);
        let going_on = || vec![vec![ToldRun { ended: false, ..told() }]];
        let unwatched = KnownRun { ended: false, ..KNOWN };
        assert_eq!(found(going_on(), &[(RUN, unwatched.clone())], false), ["nothing_goes_on_unwatched"]);
        let live = KnownRun { session_is_final: false, ..unwatched };
        assert_eq!(found(going_on(), &[(RUN, live)], true), ["nothing_goes_on_unwatched"]);
    }
}
