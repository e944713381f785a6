//! What the programs print: each line kept in the program's own file, and shown with the program's name before it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

use super::terminal::Terminal;
use super::{Error, Folder};

/// The longest line, in bytes; a longer one becomes several.
const LINE_MAX: u64 = 64 * 1024;
/// How large a log may grow, in bytes, before it is put aside and its predecessor deleted.
const FILE_MAX: u64 = 16 * 1024 * 1024;
/// The colours of the programs' names, in the order of their first lines.
const COLOURS: [u8; 6] = [36, 33, 32, 35, 34, 31];
/// The width of the programs' names.
const WIDTH: usize = 10;

/// What is shown of what the programs print. All of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Every line.
    Everything,
    /// Only what `pitcrew up` itself has to say of them.
    Notices,
}

/// Where the programs' lines go. Clones are the same.
#[derive(Debug, Clone)]
pub struct Logs {
    folder: PathBuf,
    terminal: Terminal,
    show: Show,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Logs {
    /// Keeps them in the folder's `log`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn new(folder: &Folder, terminal: Terminal, show: Show) -> Result<Logs, Error> {
        let folder = folder.logs();
        std::fs::create_dir_all(&folder).map_err(Error::io("make the folder", &folder))?;
        Ok(Logs { folder, terminal, show, seen: Arc::default() })
    }

    /// Says something of a program, on our own behalf.
    pub(super) fn notice(&self, text: &str) {
        self.terminal.print(&format!("{} | {text}", self.tag("pitcrew")));
    }

    /// The file of a program's lines, opened to add to it.
    pub(super) fn open(&self, program: &str) -> Result<Arc<Log>, Error> {
        let path = self.folder.join(format!("{program}.log"));
        let open = open(&path).map_err(Error::io("open", &path))?;
        Ok(Arc::new(Log { logs: self.clone(), program: program.to_owned(), path, open: Mutex::new(open) }))
    }

    /// The program's name, padded, in its colour.
    fn tag(&self, program: &str) -> String {
        if !self.terminal.has_colours() {
            return format!("{program:<WIDTH$}");
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let index = seen.iter().position(|name| name == program).unwrap_or_else(|| {
            seen.push(program.to_owned());
            seen.len() - 1
        });
        format!("\x1b[{}m{program:<WIDTH$}\x1b[0m", COLOURS[index % COLOURS.len()])
    }
}

/// The log of one program.
#[derive(Debug)]
pub(super) struct Log {
    logs: Logs,
    program: String,
    path: PathBuf,
    open: Mutex<(File, u64)>,
}

impl Log {
    /// Takes up all that is printed into `pipe`, until its end.
    pub(super) async fn read(self: Arc<Log>, pipe: impl AsyncRead + Unpin) {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while let Ok(1..) = (&mut pipe).take(LINE_MAX).read_until(b'\n', &mut line).await {
            let text = String::from_utf8_lossy(&line);
            self.keep(text.trim_end_matches(['\n', '\r']));
            line.clear();
        }
    }

    fn keep(&self, text: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.1 > FILE_MAX
            && std::fs::rename(&self.path, self.path.with_extension("log.1")).is_ok()
            && let Ok(new) = self::open(&self.path)
        {
            *open = new;
        }
        open.1 += text.len() as u64 + 1;
        // A full disk shall stop neither the program nor the line on the terminal.
        let _ = writeln!(open.0, "{text}");
        if self.logs.show == Show::Everything {
            self.logs.terminal.print(&format!("{} | {text}", self.logs.tag(&self.program)));
        }
    }
}

/// The file and its size.
fn open(path: &Path) -> std::io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}
