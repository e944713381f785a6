//! What the person at the terminal sees: lines that stay, and below them a few that are drawn anew while things go on.
//!
//! Where the output is no terminal nothing is drawn anew and nothing is coloured: there are only lines.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cli::render::Style;
use crate::cli::{Format, Output};

/// How often something that is waited for is drawn anew.
const REDRAW: Duration = Duration::from_millis(200);

/// Standard output. Clones are the same.
#[derive(Debug, Clone)]
pub struct Terminal {
    live: Arc<Mutex<Vec<String>>>,
    is_terminal: bool,
    colours: bool,
}

impl Default for Terminal {
    fn default() -> Self {
        Terminal::new()
    }
}

impl Terminal {
    /// The standard output of this process.
    pub fn new() -> Terminal {
        let is_terminal = std::io::stdout().is_terminal();
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Terminal { live: Arc::default(), is_terminal, colours: is_terminal && wanted }
    }

    /// True if lines can be drawn anew.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// True if colours are wanted.
    pub fn has_colours(&self) -> bool {
        self.colours
    }

    /// How answers of the API look here.
    pub fn style(&self) -> Style {
        Style { colour: self.colours, ..Output::new(Format::Table).style }
    }

    /// Prints lines that stay.
    pub fn print(&self, text: &str) {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(&live, &live, Some(text));
    }

    /// Draws these lines anew, below all that stay. Without a terminal: nothing.
    pub fn draw(&self, lines: Vec<String>) {
        if self.is_terminal {
            let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
            let before = std::mem::replace(&mut *live, lines);
            self.write(&before, &live, None);
        }
    }

    /// Says what is begun, shows how long it takes, and says `done` when it has succeeded, as in
    /// `  PostgreSQL  ready after 1.2 s`.
    pub async fn step<T, E>(
        &self,
        what: &str,
        doing: &str,
        done: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let (result, took) = self.show(what, doing, work).await;
        if result.is_ok() {
            self.print(&format!("  {what:<12} {done} after {:.1} s", took.as_secs_f64()));
        }
        result
    }

    /// The same for what cannot fail.
    pub async fn sure_step(&self, what: &str, doing: &str, done: &str, work: impl Future<Output = ()>) {
        let ((), took) = self.show(what, doing, work).await;
        self.print(&format!("  {what:<12} {done} after {:.1} s", took.as_secs_f64()));
    }

    /// Shows that something goes on. Answers with how long it took, too.
    async fn show<T>(&self, what: &str, doing: &str, work: impl Future<Output = T>) -> (T, Duration) {
        let begun = Instant::now();
        if !self.is_terminal {
            self.print(&format!("  {what:<12} {doing} …"));
        }
        let mut work = std::pin::pin!(work);
        let mut tick = tokio::time::interval(REDRAW);
        let result = loop {
            tokio::select! {
                result = &mut work => break result,
                _ = tick.tick() => {
                    self.draw(vec![format!("  {what:<12} {doing} … {:.0} s", begun.elapsed().as_secs_f64())]);
                }
            }
        };
        self.draw(Vec::new());
        (result, begun.elapsed())
    }

    /// Takes the drawn lines away, prints what stays, and draws the lines that are to be there now.
    fn write(&self, drawn: &[String], draw: &[String], text: Option<&str>) {
        let mut out = String::new();
        if !drawn.is_empty() {
            out.push_str(&format!("\x1b[{}A\r\x1b[J", drawn.len()));
        }
        if let Some(text) = text {
            out.push_str(text);
            out.push('\n');
        }
        for line in draw {
            // A line that the terminal wraps would take two, and the next drawing would leave one of them behind.
            out.push_str(&format!("\x1b[?7l{line}\x1b[?7h\n"));
        }
        let mut stdout = std::io::stdout().lock();
        // Nobody is left to be told if it is closed; the work goes on.
        let _ = stdout.write_all(out.as_bytes()).and_then(|()| stdout.flush());
    }
}
