//! `pitcrew up --demo`: brings everything up, has the sample's computers maintained, and says what came of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Error;
use super::archives::Archives;
use super::client::Client;
use super::expect::differences;
use super::files::FileServer;
use super::report::{Told, report};
use super::sample::{self, Computer, Sample};
use super::sandboxes::Sandbox;
use super::watch::watch;
use crate::boot::ground::{Ground, Plot};
use crate::boot::{Folder, Logs, Options, Show, Supervisor, Terminal, env_file, up};
use crate::config::Loaded;
use crate::domain::SessionId;
use crate::domain::report::SessionLine;
use crate::domain::session::{Kind, RebootPolicy, WaitingOn};
use crate::domain::submission::{ComputerRef, SubmissionTarget, SubmissionV1};
use crate::shutdown::Shutdown;

/// The installation of the demo: made anew each time, beside the one of `pitcrew up`.
const PLOT: Plot = Plot { database: "pitcrew_demo", prefix: "demo", broker: "rabbitmq-demo", fresh: true };

/// What a worker of the demo waits for a step: a few seconds, so that what is long elsewhere is long here as well.
const SETTINGS: [(&str, &str); 1] = [("PITCREW_WORKER__PATIENCE", "3 s")];

/// What to do next.
const AFTERWARDS: &str = "
The fleet file that was applied, the archives and the sandboxes are in .pitcrew/demo, the programs' logs in .pitcrew/log.
To look around while it is up:  target/debug/pitcrew up --demo --stay     An installation of your own:  make up
";

/// How long the agents may take to connect.
const ONLINE_WITHIN: Duration = Duration::from_secs(60);
/// How often is looked whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long the sessions may take, all together.
const DONE_WITHIN: Duration = Duration::from_secs(300);

/// Carries the demo out, and stops everything it has started. True if every session ended as expected.
///
/// # Errors
/// Whatever kept it from being carried out.
pub async fn run(options: &Options, loaded: &Loaded, shutdown: &Shutdown) -> Result<bool, Error> {
    let terminal = Terminal::new();
    let folder = Folder::open(&options.folder)?;
    terminal.print(&format!("The demo of Pitcrew. All it makes is in {}\n", folder.path().display()));
    let stopped = || crate::boot::Error::Stopped;
    let draining = shutdown.draining();

    let logs = Logs::new(&folder, terminal.clone(), Show::Notices)?;
    let mut supervisor = Supervisor::new(folder, logs).await?;
    let stage = Stage::set(supervisor.folder(), &terminal).await?;
    let lay = Ground::lay(supervisor.folder(), loaded, PLOT, &terminal);
    let ground = draining.run_until_cancelled(lay).await.ok_or_else(stopped)??;
    let played = draining.run_until_cancelled(play(&stage, &mut supervisor, &ground, &terminal)).await;
    let stays = options.stay && matches!(played, Some(Ok(_)));
    if stays {
        env_file::write(supervisor.folder(), &ground.for_shells())?;
        terminal.print(&up::welcome(supervisor.folder(), &ground));
        draining.cancelled().await;
    }
    up::take_down(supervisor, ground, &terminal).await;
    let ends = played.ok_or_else(stopped)??;
    if !stays {
        terminal.print(AFTERWARDS);
    }
    Ok(conclude(&ends, &terminal))
}

/// Says what was not as expected, and then how much was. True if all was.
fn conclude(ends: &[End], terminal: &Terminal) -> bool {
    for end in ends {
        end.differences.iter().for_each(|difference| terminal.print(&format!("{}: {difference}", end.computer)));
    }
    let unexpected = ends.iter().filter(|end| !end.differences.is_empty()).count();
    let expected = ends.len() - unexpected;
    terminal.print(&format!("demo: {} sessions, {expected} as expected, {unexpected} unexpected", ends.len()));
    unexpected == 0
}

/// What the demo is played on: archives that are served, and computers in a known state.
struct Stage {
    sample: Sample,
    /// It serves as long as this is kept.
    _files: FileServer,
    fleet: String,
    sandboxes: BTreeMap<String, Sandbox>,
}

impl Stage {
    /// Makes it, in place of what an earlier demo has left.
    async fn set(folder: &Folder, terminal: &Terminal) -> Result<Stage, Error> {
        let sample = Sample::read()?;
        let demo = folder.join("demo");
        match std::fs::remove_dir_all(&demo) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("delete the earlier demo in", &demo)(error));
            }
            _ => {}
        }
        let archives = demo.join("archives");
        std::fs::create_dir_all(&archives).map_err(Error::io("make the folder", &archives))?;
        let archives = Archives::make(&archives, &sample.archives(), &sample.altered)?;
        let files = FileServer::start(&archives).await?;
        let mut sandboxes = BTreeMap::new();
        for computer in sample.computers.iter().filter(|computer| computer.sandbox) {
            sandboxes.insert(computer.name.clone(), Sandbox::make(&demo, computer, &archives)?);
        }
        let fleet = sample::fleet(&demo.to_string_lossy(), &files.url(), &archives.checksums);
        let path = demo.join("fleet.yaml");
        std::fs::write(&path, &fleet).map_err(Error::io("write", &path))?;
        terminal.print(&format!(
            "  {:<12} {} folders that play computers, {} archives served on {}",
            "Sandboxes",
            sandboxes.len(),
            archives.checksums.len(),
            files.url()
        ));
        Ok(Stage { sample, _files: files, fleet, sandboxes })
    }

    fn root(&self, computer: &Computer) -> Option<PathBuf> {
        self.sandboxes.get(&computer.name).map(Sandbox::root)
    }
}

/// How the session of one computer ended.
struct End {
    computer: String,
    differences: Vec<String>,
}

async fn play(
    stage: &Stage,
    supervisor: &mut Supervisor,
    ground: &Ground,
    terminal: &Terminal,
) -> Result<Vec<End>, Error> {
    let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    up::keep_programs(supervisor, ground, &settings)?;
    terminal.step("Programs", "starting", "ready", up::until_ready(supervisor.folder(), ground)).await?;
    let client = Client::new(&ground.api_url, &ground.token)?;
    client.apply("fleet.yaml", &stage.fleet).await?;

    let mut late = BTreeMap::new();
    for computer in &stage.sample.computers {
        let Some(sandbox) = stage.sandboxes.get(&computer.name) else { continue };
        let agent = sandbox.agent(&computer.name, &ground.api_url, client.agent_token(&computer.name).await?)?;
        if computer.late {
            late.insert(computer.name.clone(), agent);
        } else {
            supervisor.keep(agent);
        }
    }
    let online = until_online(&client, supervisor.folder(), &stage.sample);
    terminal.step("Agents", "connecting", "connected", online).await?;

    let ids = submit(&client, &stage.sample).await?;
    terminal.print(&format!("\n{} sessions are submitted, one for each computer:\n", ids.len()));
    for computer in &stage.sample.computers {
        terminal.print(&format!("  {:<14} {}", computer.name, computer.story));
    }
    terminal.print("");
    let come_online = |lines: &[SessionLine]| {
        for line in lines.iter().filter(|line| line.waiting_on == Some(WaitingOn::Connectivity)) {
            if let Some(agent) = late.remove(&line.computer) {
                supervisor.keep(agent);
            }
        }
    };
    let begun = Instant::now();
    let lines = watch(&client, &ids, terminal, DONE_WITHIN, come_online).await?;
    terminal.print(&format!("\nAll of it took {:.1} s.\n", begun.elapsed().as_secs_f64()));

    let mut told = Vec::new();
    for computer in &stage.sample.computers {
        let Some(line) = lines.iter().find(|line| line.computer == computer.name) else { continue };
        let (report, timeline) = (client.report(line.id).await?, client.timeline(line.id).await?);
        told.push(Told { computer, report, timeline, logs: client.logs(line.id).await? });
    }
    terminal.print(&report(&told, terminal.style()));
    let end = |told: &Told<'_>| End {
        computer: told.computer.name.clone(),
        differences: differences(told.computer, &told.report, &told.timeline, stage.root(told.computer).as_deref()),
    };
    Ok(told.iter().map(end).collect())
}

/// Waits until every agent is connected that is to be at the start.
async fn until_online(client: &Client, folder: &Folder, sample: &Sample) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        let lines = client.computers().await?;
        let is_late = |name: &str| sample.computers.iter().any(|computer| computer.late && computer.name == name);
        if lines.iter().all(|line| is_late(&line.name) || line.online() != Some(false)) {
            return Ok(());
        }
        if begun.elapsed() > ONLINE_WITHIN {
            let what = "not all agents connected".to_owned();
            return Err(Error::TooLate { what, waited: ONLINE_WITHIN, logs: folder.logs() });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Submits a session for each computer.
async fn submit(client: &Client, sample: &Sample) -> Result<Vec<SessionId>, Error> {
    let mut ids = Vec::new();
    for kind in [Kind::Full, Kind::Detection] {
        let computers = sample.computers.iter().filter(|computer| computer.kind == kind);
        let computers: Vec<_> = computers.map(|computer| ComputerRef::Name(computer.name.clone())).collect();
        let submission = SubmissionV1 {
            kind,
            inventory: kind == Kind::Detection,
            reboot: RebootPolicy::IfNeeded,
            reason: "the demo".to_owned(),
            ..SubmissionV1::new(SubmissionTarget::Computers(computers))
        };
        ids.extend(client.submit(&submission).await?.into_iter().map(|made| made.id));
    }
    Ok(ids)
}
