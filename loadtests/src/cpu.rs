//! CPU time by process, children included, from `/proc`.

use std::collections::BTreeMap;

/// Ticks in a second of what `/proc` counts: fixed on every architecture of today's Linux.
const TICKS: f64 = 100.0;

/// CPU seconds by name.
pub type Seconds = BTreeMap<&'static str, f64>;

/// What is measured.
#[derive(Debug, Clone, Default)]
pub struct Meter(Vec<Watched>);

#[derive(Debug, Clone)]
struct Watched {
    name: &'static str,
    pid: u32,
    children: bool,
}

impl Meter {
    /// Measures this process and its children too, under a name that several may share.
    pub fn watch(&mut self, name: &'static str, pid: u32) {
        self.0.push(Watched { name, pid, children: true });
    }

    /// Measures this process too, without the servers and programs that are its children.
    pub fn watch_alone(&mut self, name: &'static str, pid: u32) {
        self.0.push(Watched { name, pid, children: false });
    }

    /// What each has used since it began.
    pub fn read(&self) -> Seconds {
        let everyone = all();
        let mut seconds = Seconds::new();
        for Watched { name, pid, children } in &self.0 {
            let ticks = if *children { of_tree(&everyone, *pid) } else { everyone.get(pid).map_or(0, |p| p.own) };
            *seconds.entry(*name).or_default() += ticks as f64 / TICKS;
        }
        seconds
    }

    /// What each has used since an earlier reading.
    pub fn since(&self, before: &Seconds) -> Seconds {
        let mut now = self.read();
        for (name, seconds) in &mut now {
            *seconds -= before.get(name).copied().unwrap_or(0.0);
        }
        now
    }
}

/// One process: its parent, its own ticks, and those of its children that have ended.
struct Process {
    parent: u32,
    own: u64,
    ended: u64,
}

fn of_tree(everyone: &BTreeMap<u32, Process>, root: u32) -> u64 {
    let mut ticks = 0;
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        ticks += everyone.get(&pid).map_or(0, |process| process.own + process.ended);
        open.extend(everyone.iter().filter(|(_, process)| process.parent == pid).map(|(pid, _)| *pid));
    }
    ticks
}

fn all() -> BTreeMap<u32, Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return BTreeMap::new() };
    entries
        .filter_map(|entry| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // The name stands in brackets and may hold anything; what follows the last one is plain fields, the state
            // first. User and system time are the 12th and 13th, those of ended children the next two.
            let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
            let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
            let (own, ended) = (number(11)? + number(12)?, number(13)? + number(14)?);
            Some((pid, Process { parent: fields.get(1)?.parse().ok()?, own, ended }))
        })
        .collect()
}
