//! What a node is told: its files, its environment, its command lines. Nothing here runs for longer than a moment.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::super::folder::{Folder, write_private};
use super::super::{Error, programs};
use super::{Options, SERVER};

/// The user made at a node's first start.
pub(super) const ADMINISTRATOR: &str = "pitcrew";

/// Where, under its home, a node keeps what it knows.
pub(super) const DATA: &str = "mnesia";

/// The node's name. Its port mapper is its own, so that the name need not differ from any other node's.
const NAME: &str = "pitcrew@localhost";

/// The ports of one node, all on 127.0.0.1.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ports {
    pub(super) amqp: u16,
    pub(super) distribution: u16,
    pub(super) mapper: u16,
    pub(super) management: u16,
}

impl From<[u16; 4]> for Ports {
    fn from([amqp, distribution, mapper, management]: [u16; 4]) -> Self {
        Ports { amqp, distribution, mapper, management }
    }
}

/// One node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) ports: Ports,
    pub(super) secret: String,
    /// An argument that only this node's processes have: Erlang keeps flags that it does not know.
    pub(super) mark: String,
    bin: PathBuf,
    root: Option<PathBuf>,
    /// Its home as we see it, and as it sees it itself.
    home: PathBuf,
    inside: PathBuf,
}

impl Node {
    pub(super) fn new(folder: &Folder, options: &Options) -> Result<Node, Error> {
        let root = match &options.root {
            Some(root) => Some(root.canonicalize().map_err(Error::io("find the root folder", root))?),
            None => None,
        };
        let bin = programs::rabbitmq(root.as_deref()).ok_or_else(|| Error::NotInstalled {
            server: SERVER,
            looked_in: programs::places(true),
            package: "rabbitmq-server 3.10 or newer".into(),
        })?;
        let home = folder.home().to_owned();
        let inside = match root.as_ref().and_then(|root| home.strip_prefix(root).ok()) {
            Some(path) => Path::new("/").join(path),
            None => home.clone(),
        };
        Ok(Node { ports: Ports::default(), secret: folder.secret()?, mark: folder.mark(), bin, root, home, inside })
    }

    /// Writes the configuration for the present ports.
    pub(super) fn configure(&self, options: &Options) -> Result<(), Error> {
        let mut lines = vec![
            format!("listeners.tcp.1 = 127.0.0.1:{}", self.ports.amqp),
            format!("default_user = {ADMINISTRATOR}"),
            format!("default_pass = {}", self.secret),
            // The log is where our own errors look for it: on standard output, which is a file.
            "log.console = true".to_owned(),
            "log.console.level = info".to_owned(),
            "log.file = false".to_owned(),
        ];
        if options.management {
            lines.push("management.tcp.ip = 127.0.0.1".to_owned());
            lines.push(format!("management.tcp.port = {}", self.ports.management));
        }
        lines.extend(options.settings.iter().map(|(name, value)| format!("{name} = {value}")));
        write_private(&self.home.join("rabbitmq.conf"), &(lines.join("\n") + "\n"))?;
        let plugins = if options.management { "[rabbitmq_management].\n" } else { "[].\n" };
        write_private(&self.home.join("enabled_plugins"), plugins)
    }

    /// The node's own port mapper. As our child it ends with us; the one that Erlang would start itself outlives it.
    pub(super) fn mapper(&self) -> Command {
        let mut command = self.program(Path::new("epmd"));
        command.args(["-address", "127.0.0.1", "-port", &self.ports.mapper.to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// The node itself.
    pub(super) fn server(&self) -> Command {
        self.program(&self.bin.join("rabbitmq-server"))
    }

    /// `rabbitmqctl` with `arguments`.
    pub(super) fn control(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(&self.bin.join("rabbitmqctl"));
        command.args(["--quiet", "--node", NAME]).args(arguments).stdin(Stdio::null());
        command
    }

    /// `program`, in the node's root folder if it has one, in its home, with an environment that says all and inherits
    /// nothing: neither the machine's configuration under /etc/rabbitmq nor anything in our own variables.
    fn program(&self, program: &Path) -> Command {
        let mut command = match &self.root {
            Some(root) => {
                let mut command = Command::new("chroot");
                command.arg(root).arg("env").arg("-C").arg(&self.inside).arg(program);
                command
            }
            None => Command::new(program),
        };
        let file = |name: &str| self.inside.join(name);
        let erlang = format!("-kernel inet_dist_use_interface {{127,0,0,1}} -pitcrew {}", self.mark);
        command
            .current_dir(&self.home)
            .env_clear()
            .env("PATH", programs::search_path())
            .env("LANG", "C.UTF-8")
            .env("HOME", &self.inside)
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", self.ports.mapper.to_string())
            .env("RABBITMQ_NODENAME", NAME)
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.ports.amqp.to_string())
            .env("RABBITMQ_DIST_PORT", self.ports.distribution.to_string())
            .env("RABBITMQ_MNESIA_BASE", file(DATA))
            .env("RABBITMQ_LOG_BASE", file("log"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("RABBITMQ_CONFIG_FILE", file("rabbitmq.conf"))
            .env("RABBITMQ_CONFIG_FILES", file("conf.d/*.conf"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", file("advanced.config"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", file("enabled_plugins"))
            .env("RABBITMQ_PID_FILE", file("pid"))
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", erlang)
            // The start script then becomes the server instead of standing between us and it.
            .env("RUNNING_UNDER_SYSTEMD", "true");
        command
    }
}
