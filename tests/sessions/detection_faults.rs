//! Agents and gateways fail in detection, and planning workers fail with agents' sessions in their hands.

use pitcrew::domain::SessionId;
use pitcrew::domain::session::Stage;

use super::fleet::Played;
use super::installation::Installation;

/// An installation with a gateway and computers whose agents are connected, the first one as `agent-0`.
async fn with_agents(count: usize, patience: &str) -> (Installation, Vec<Played>) {
    let mut installation = Installation::new().await;
    installation.set("PITCREW_WORKER__PATIENCE", patience);
    installation.software(&["one", "two"]).await;
    installation.start_all();
    installation.start("server");
    let mut computers = Vec::new();
    for number in 0..count {
        let computer = installation.agent_computer().await;
        installation.start_agent(&format!("agent-{number}"), &computer, None);
        computers.push(computer);
    }
    installation.until_connected(count as i64).await;
    (installation, computers)
}

impl Installation {
    async fn all_are_in_order(&mut self, computers: &[Played], sessions: &[SessionId]) {
        self.all_complete(sessions).await;
        for computer in computers {
            assert_eq!(computer.acts(), ["software/one", "software/two"]);
        }
        self.at_rest().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn agent_and_gateway_die_and_freeze_while_the_computer_is_looked_at() {
    for victim in ["agent-0", "server"] {
        for dies in [true, false] {
            let (mut installation, computers) = with_agents(1, "500 ms").await;
            let computer = &computers[0];
            computer.hold_up("blind");
            let id = installation.session_for(computer.id).await;
            installation.until_running(id, Stage::Detection).await;
            let process = computer.until_it_is("looking").await;
            match dies {
                true => installation.programs.kill(victim).await,
                false => installation.programs.freeze(victim),
            }
            // The session is let go of, and another worker than the first finds it.
            installation.until_session(id, "the worker to let go", |session| session.owner.is_none()).await;
            installation.programs.kill("detection").await;
            installation.start("detection");
            match (victim, dies) {
                (_, false) => installation.programs.thaw(victim),
                ("server", true) => installation.start("server"),
                (_, true) => installation.start_agent(victim, computer, None),
            }
            assert_eq!(computer.until_it_is("looking").await, process, "{victim}: it was started once");
            computer.release("blind");
            installation.all_are_in_order(&computers, &[id]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planning_worker_dies_and_freezes_with_sessions_of_agents_in_its_hands() {
    for dies in [true, false] {
        let (mut installation, computers) = with_agents(4, "2 s").await;
        installation.stall("INSERT ON stage_result", "NEW.stage = 'planning'").await;
        let mut sessions = Vec::new();
        for computer in &computers {
            sessions.push(installation.session_for(computer.id).await);
        }
        installation.until_stalled().await;
        match dies {
            true => {
                installation.programs.kill("planning").await;
                installation.end_stalled().await;
            }
            false => installation.programs.freeze("planning"),
        }
        installation.go_on().await;
        installation.start("planning-2");
        match dies {
            true => installation.start("planning"),
            false => {
                // Nobody waits for what it holds; when it is back it finds that all is done.
                installation.all_complete(&sessions).await;
                installation.programs.thaw("planning");
            }
        }
        installation.all_are_in_order(&computers, &sessions).await;
    }
}
