//! What an installation keeps in order: computers that are imagined or played by folders, and the software for them.

use std::path::{Path, PathBuf};

use pitcrew::domain::{ComputerId, TenantId};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::process::Command;

use super::installation::{Installation, SOON};
use crate::support::{program, until};

/// Looks for the software, unless and until it is blinded.
const DETECT: &str = r#"
echo $$ > "$PITCREW_SANDBOX/looking"
while [ -e "$PITCREW_SANDBOX/blind" ]; do sleep 0.05; done
cat "$PITCREW_SANDBOX/${PITCREW_ITEM#software/}" 2>/dev/null || true
"#;
/// Installs it, once it is not held up any more, and writes down that it did.
const INSTALL: &str = r#"
echo $$ > "$PITCREW_SANDBOX/acting"
name=${PITCREW_ITEM#software/}
while [ -e "$PITCREW_SANDBOX/busy" ] || [ -e "$PITCREW_SANDBOX/busy-$name" ]; do sleep 0.05; done
echo "$PITCREW_ITEM" >> "$PITCREW_SANDBOX/acts"
printf %s "$PITCREW_VERSION" > "$PITCREW_SANDBOX/$name"
"#;

/// A computer that a folder plays.
#[derive(Debug, Clone)]
pub struct Played {
    pub id: ComputerId,
    /// Its agent's token.
    pub token: String,
    /// Where its agent keeps what it must not forget.
    pub state: PathBuf,
    /// What its scripts know as `PITCREW_SANDBOX`.
    pub sandbox: PathBuf,
}

impl Played {
    /// Holds up what reads (`blind`), what changes (`busy`), or what changes one software (`busy-one`) on it.
    pub fn hold_up(&self, what: &str) {
        std::fs::write(self.sandbox.join(what), "").expect("a file");
    }

    /// Lets it go on.
    pub fn release(&self, what: &str) {
        std::fs::remove_file(self.sandbox.join(what)).expect("it was held up");
    }

    /// Waits until a script is `looking` or `acting`, and returns its process id.
    pub async fn until_it_is(&self, what: &str) -> String {
        let file = self.sandbox.join(what);
        let process = async || std::fs::read_to_string(&file).ok().filter(|pid| pid.ends_with('\n'));
        until(SOON, process, what).await.trim().to_owned()
    }

    /// Forgets that a script was `looking` or `acting`.
    pub fn forget(&self, what: &str) {
        let _ = std::fs::remove_file(self.sandbox.join(what));
    }

    /// Waits until a process is gone.
    pub async fn until_gone(&self, process: &str) {
        let folder = Path::new("/proc").join(process);
        until(SOON, async || (!folder.exists()).then_some(()), "the script to be killed").await;
    }

    /// Takes a software away behind everyone's back, or puts a version in its place.
    pub fn meddle(&self, software: &str, version: Option<&str>) {
        let file = self.sandbox.join(software);
        match version {
            Some(version) => std::fs::write(file, version).expect("a file"),
            None => std::fs::remove_file(file).expect("it was installed"),
        }
    }

    /// Has every installation of a software fail.
    pub fn obstruct(&self, software: &str) {
        std::fs::create_dir(self.sandbox.join(software)).expect("a folder");
    }

    /// What was changed on it, in order.
    pub fn acts(&self) -> Vec<String> {
        let acts = std::fs::read_to_string(self.sandbox.join("acts")).unwrap_or_default();
        acts.lines().map(str::to_owned).collect()
    }
}

impl Installation {
    /// Applies a fleet file.
    pub async fn apply(&self, text: &str) {
        let file = ("fleet.yaml".to_owned(), text.to_owned());
        self.store.apply_files(&[file], false).await.unwrap_or_else(|fault| panic!("{fault:?}"));
    }

    /// A script's text, stored under its hash; its use as JSON.
    pub async fn script(&self, body: &str) -> Value {
        let hash = Sha256::digest(body.as_bytes()).to_vec();
        self.sql
            .execute("INSERT INTO script (hash, body) VALUES ($1, $2) ON CONFLICT DO NOTHING", &[&hash, &body])
            .await
            .expect("a script");
        let text: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        json!({ "hash": text, "interpreter": "sh" })
    }

    /// Pieces of software for everyone, which an imagined computer and a fresh folder lack.
    pub async fn software(&self, names: &[&str]) {
        let (detect, install) = (self.script(DETECT).await, self.script(INSTALL).await);
        for name in names {
            let software = json!({
                "name": name, "detect": detect, "install": install,
                "versions": [{ "version": "1" }], "upgrade": "over",
            });
            self.sql
                .execute("INSERT INTO software (name, body) VALUES ($1, $2)", &[&name, &software])
                .await
                .expect("a software");
            let body = json!({ "target": "everyone", "state": "any" });
            let item = format!("software/{name}");
            self.sql
                .execute("INSERT INTO deployment (name, item, body) VALUES ($1, $2, $3)", &[&name, &item, &body])
                .await
                .expect("a deployment");
        }
        self.sql.execute("UPDATE installation SET policy_version = policy_version + 1", &[]).await.expect("a version");
    }

    /// Another tenant, with a cap or none.
    pub async fn other_tenant(&self, name: &str, max_running: Option<i32>) -> TenantId {
        let query = "INSERT INTO tenant (name, max_running) VALUES ($1, $2) RETURNING id";
        let row = self.sql.query_one(query, &[&name, &max_running]).await.expect("a tenant");
        TenantId(row.get("id"))
    }

    /// Computers that answer at once.
    pub async fn noop_computers(&self, count: i32) -> Vec<ComputerId> {
        let rows = self
            .sql
            .query(
                "INSERT INTO computer (tenant_id, name, os, arch, connection)
                 SELECT $1, 'pc-' || n, 'linux', 'x86_64', '{\"via\": \"noop\"}' FROM generate_series(1, $2) n
                 RETURNING id",
                &[&self.tenant.0, &count],
            )
            .await
            .expect("computers");
        rows.iter().map(|row| ComputerId(row.get("id"))).collect()
    }

    /// A folder that plays a computer on which workers run programs themselves.
    pub async fn local_computer(&self) -> Played {
        let name = format!("local-{}", uuid::Uuid::new_v4());
        let (state, sandbox) = self.folders(&name);
        let connection = json!({ "via": "local", "state": state, "sandbox": sandbox });
        self.played(name, state, sandbox, connection).await
    }

    /// A folder that plays a computer with an agent, which is yet to be started.
    pub async fn agent_computer(&self) -> Played {
        let name = format!("agent-{}", uuid::Uuid::new_v4());
        let (state, sandbox) = self.folders(&name);
        self.played(name, state, sandbox, json!({ "via": "agent" })).await
    }

    /// Starts the agent of a computer under this name; it dials `url`, or the installation's server.
    pub fn start_agent(&mut self, name: &str, computer: &Played, url: Option<&str>) {
        let server = format!("ws://127.0.0.1:{}/v1/agent", self.port);
        let mut command = Command::new(program("pitcrew-agent"));
        command.args(["run", "--url", url.unwrap_or(&server), "--state"]).arg(&computer.state);
        command.arg("--sandbox").arg(&computer.sandbox).env("PITCREW_AGENT_TOKEN", &computer.token);
        self.programs.spawn(name, command, &self.env);
    }

    /// Waits until the agents of so many computers are connected.
    pub async fn until_connected(&self, count: i64) {
        self.until_counts(count, "SELECT count(*) FROM agent_presence").await;
    }

    fn folders(&self, name: &str) -> (PathBuf, PathBuf) {
        let home = self.folder.join(name);
        let folders = (home.join("state"), home.join("sandbox"));
        for folder in [&folders.0, &folders.1] {
            std::fs::create_dir_all(folder).expect("a folder");
        }
        folders
    }

    async fn played(&self, token: String, state: PathBuf, sandbox: PathBuf, connection: Value) -> Played {
        let row = self
            .sql
            .query_one(
                "INSERT INTO computer (tenant_id, name, os, arch, connection, agent_token_hash)
                 VALUES ($1, $2, 'linux', 'x86_64', $3, $4) RETURNING id",
                &[&self.tenant.0, &token, &connection, &Sha256::digest(&token).to_vec()],
            )
            .await
            .expect("a computer");
        Played { id: ComputerId(row.get("id")), token, state, sandbox }
    }
}
