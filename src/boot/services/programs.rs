//! Where the servers' programs are on this machine.

use std::path::{Path, PathBuf};

/// The folders in which packages put them, besides the `PATH`.
const USUAL: [&str; 7] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/opt/homebrew/bin"];

/// Debian and its kin keep one folder a major version here.
const POSTGRES_VERSIONS: [&str; 2] = ["/usr/lib/postgresql", "/usr/local/lib/postgresql"];

/// RabbitMQ's own scripts. Debian's of the same name in /usr/sbin switch to another user and are not what we want.
const RABBITMQ: [&str; 2] = ["/usr/lib/rabbitmq/bin", "/opt/homebrew/opt/rabbitmq/sbin"];

/// The `PATH` a server gets: ours, and then the usual folders.
pub(super) fn search_path() -> String {
    let inherited = std::env::var("PATH").unwrap_or_default();
    let all = inherited.split(':').filter(|part| !part.is_empty()).chain(USUAL);
    all.collect::<Vec<_>>().join(":")
}

/// PostgreSQL's `bin` folders with their major versions, the newest first.
pub(super) fn postgres() -> Vec<(u32, PathBuf)> {
    let by_version = POSTGRES_VERSIONS.iter().filter_map(|base| Path::new(base).read_dir().ok()).flatten();
    let packaged = by_version.filter_map(|entry| {
        let entry = entry.ok()?;
        let version = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin")))
    });
    let on_path = search_path().split(':').map(PathBuf::from).collect::<Vec<_>>();
    let on_path = on_path.into_iter().filter_map(|bin| Some((version_of(&bin.join("postgres"))?, bin)));
    let mut found: Vec<_> = packaged
        .chain(on_path)
        .filter(|(_, bin)| bin.join("postgres").is_file() && bin.join("initdb").is_file())
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found
}

/// RabbitMQ's folder with `rabbitmq-server` and `rabbitmqctl`, as seen from inside `root`.
pub(super) fn rabbitmq(root: Option<&Path>) -> Option<PathBuf> {
    let inside = |bin: &Path| match root {
        Some(root) => root.join(bin.strip_prefix("/").unwrap_or(bin)),
        None => bin.to_owned(),
    };
    let places =
        RABBITMQ.map(PathBuf::from).into_iter().chain(search_path().split(':').map(PathBuf::from).collect::<Vec<_>>());
    places.into_iter().find(|bin| inside(bin).join("rabbitmq-server").is_file())
}

/// All the places [`postgres`] and [`rabbitmq`] look at, for an error.
pub(super) fn places(of_rabbitmq: bool) -> String {
    let own = if of_rabbitmq {
        RABBITMQ.join(", ")
    } else {
        POSTGRES_VERSIONS.map(|base| format!("{base}/*/bin")).join(", ")
    };
    format!("{own}, or the PATH")
}

/// The major version in `postgres (PostgreSQL) 15.8 (Debian …)`.
fn version_of(program: &Path) -> Option<u32> {
    let output = program.is_file().then(|| std::process::Command::new(program).arg("--version").output().ok())??;
    let text = String::from_utf8(output.stdout).ok()?;
    text.split_whitespace().find_map(|word| word.split(['.', 'r', 'b', 'd']).next()?.parse().ok())
}
