//! The demo's computers: each a folder in a known state, and an agent that takes it for a computer.
//!
//! ```text
//! <demo>/computers/<name>/root/     what scripts find as PITCREW_SANDBOX
//! <demo>/computers/<name>/state/    what the agent must not forget
//! ```

use std::path::{Path, PathBuf};

use super::Error;
use super::archives::Archives;
use super::sample::Computer;
use crate::boot::Program;

/// Starts a sandbox as a computer starts: first what is to be done at each start, then the agent in place of the shell.
const BOOT: &str = r#"
cd "$1" || exit 1
for script in etc/boot.d/*; do
    [ ! -f "$script" ] || sh "$script"
done
shift
exec "$@"
"#;
/// How many seconds a run in flight is given to end when the demo is stopped.
const GRACE: &str = "5";

/// A computer's folder.
#[derive(Debug, Clone)]
pub(super) struct Sandbox {
    folder: PathBuf,
}

impl Sandbox {
    /// Makes the folder and brings it into the state in which the demo finds it.
    pub(super) fn make(demo: &Path, computer: &Computer, archives: &Archives) -> Result<Sandbox, Error> {
        let sandbox = Sandbox { folder: demo.join("computers").join(&computer.name) };
        let root = sandbox.root();
        let make = |folder: &Path| std::fs::create_dir_all(folder).map_err(Error::io("make the folder", folder));
        make(&root.join("opt"))?;
        for name in &computer.unpacked {
            archives.unpack(name, &root.join("opt"))?;
        }
        for (name, text) in &computer.files {
            let path = root.join(name);
            path.parent().map_or(Ok(()), make)?;
            std::fs::write(&path, format!("{text}\n")).map_err(Error::io("write", &path))?;
        }
        Ok(sandbox)
    }

    /// What its scripts act upon.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// Its agent, which connects to the API at `url` with this token.
    pub(super) fn agent(&self, name: &str, url: &str, token: String) -> Result<Program, Error> {
        let agent = Program::beside("pitcrew-agent", name)?;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let (root, state) = (text(&self.root()), text(&self.folder.join("state")));
        let url = format!("{}/v1/agent", url.replacen("http", "ws", 1));
        let file = text(&agent.path);
        let arguments = ["-c", BOOT, "boot", &root, &file, "run", "--url", &url, "--state", &state];
        let arguments = arguments.into_iter().chain(["--sandbox", &root, "--grace", GRACE]).map(str::to_owned);
        let agent = agent.environment(&[("PITCREW_AGENT_TOKEN".to_owned(), token)]);
        Ok(Program { path: "/bin/sh".into(), ..agent.arguments(arguments.collect::<Vec<_>>()) })
    }
}
