//! A gateway that dies in the middle.

use pitcrew_protocol::{Ending, RunState};
use tempfile::tempdir;

use super::world::{SOON, World, real_agent};
use crate::support::{services, until};

#[tokio::test]
async fn when_a_gateway_is_killed_another_one_takes_the_agent_and_delivers_the_outcome() {
    let world = World::new().await;
    let (first, computer, folder) = (world.gateway("north").await, world.computer().await, tempdir().unwrap());
    let state = folder.path().join("state");
    let _agent = real_agent(&computer, &first.url(), &state);
    world.until_connected(&computer, &first).await;
    let go_on = folder.path().join("go-on");
    let script = format!("while [ ! -e {} ]; do sleep 0.05; done; echo done", go_on.display());
    let run = world.run(&computer, 1, &script).await;
    let mut link = world.link(&first, &computer).await;
    assert_eq!(link.start(&run.start()).await, Ok(RunState::InFlight { run_id: run.run_id }));

    let address = first.address;
    first.kill();
    // It ends while nobody is there to hear it.
    std::fs::write(&go_on, "").unwrap();
    let ended = || async { state.join("outcomes").read_dir().ok()?.next().map(|_| ()) };
    until(SOON, ended, "the run to end").await;

    let second = world.gateway_at("south", address, &world.database.url, &services().amqp_url).await;
    world.until_connected(&computer, &second).await;
    let stored = || world.outcome(run.run_id);
    until(SOON, stored, "the outcome to be stored").await;
    let mut link = world.link(&second, &computer).await;
    match link.take_over(2, Some(run.run_id)).await.unwrap() {
        RunState::Ended(outcome) => {
            assert_eq!((outcome.run_id, outcome.ending), (run.run_id, Ending::Completed));
            assert_eq!(outcome.steps[0].observed.as_deref(), Some("done"));
        }
        other => panic!("{other:?}"),
    }
    world.end().await;
}
