//! Stopping: the first signal drains, the second leaves.
//!
//! A program that drains takes no more work, finishes or gives back what it has, and ends by itself. This room only tells
//! it to, counts what still runs, and bounds the wait; it never decides what to give back.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Says when to stop, and knows what still runs. Clones are the same.
#[derive(Debug, Clone)]
pub struct Shutdown {
    draining: CancellationToken,
    tasks: TaskTracker,
    grace: Duration,
}

impl Shutdown {
    /// One that only [`Shutdown::drain`] sets off. `grace` is how long what runs may go on after that.
    pub fn new(grace: Duration) -> Shutdown {
        Shutdown { draining: CancellationToken::new(), tasks: TaskTracker::new(), grace }
    }

    /// One that SIGINT and SIGTERM set off. The second signal ends the process at once, with 130 or 143 as its exit code.
    ///
    /// # Errors
    /// If the signals cannot be listened to. Must be called inside a runtime.
    pub fn on_signals(grace: Duration) -> io::Result<Shutdown> {
        let shutdown = Shutdown::new(grace);
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let draining = shutdown.draining.clone();
        tokio::spawn(async move {
            loop {
                let (name, code) = tokio::select! {
                    Some(()) = interrupt.recv() => ("SIGINT", 130),
                    Some(()) = terminate.recv() => ("SIGTERM", 143),
                    else => return,
                };
                if draining.is_cancelled() {
                    tracing::warn!("Leaving at once: a second signal came ({name})");
                    std::process::exit(code);
                }
                tracing::info!("Draining for at most {grace:?}: {name} came. Another signal leaves at once");
                draining.cancel();
            }
        });
        Ok(shutdown)
    }

    /// Begins to drain, as a signal would. A second call changes nothing.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// True once it has begun to drain.
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// The token that is cancelled when it begins to drain. Loops select on it and take no more.
    pub fn draining(&self) -> &CancellationToken {
        &self.draining
    }

    /// How long what runs may go on once it drains.
    pub fn grace(&self) -> Duration {
        self.grace
    }

    /// Starts a task whose end is waited for.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(task)
    }

    /// Waits until draining has begun, then until all tasks have ended or the grace period is over. Returns how many
    /// tasks are left: 0 if all have ended.
    pub async fn drained(&self) -> usize {
        self.draining.cancelled().await;
        self.tasks.close();
        // That the time is over says nothing more than the count does.
        let _ = tokio::time::timeout(self.grace, self.tasks.wait()).await;
        self.tasks.len()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_ends_in_time_is_waited_for_and_what_does_not_is_counted() {
        let shutdown = Shutdown::new(Duration::from_secs(20));
        let draining = shutdown.draining().clone();
        shutdown.spawn(async move {
            draining.cancelled().await;
            tokio::time::sleep(Duration::from_secs(5)).await;
        });
        shutdown.drain();
        assert_eq!(shutdown.drained().await, 0);
        assert!(shutdown.is_draining());

        let shutdown = Shutdown::new(Duration::from_secs(20));
        shutdown.spawn(std::future::pending::<()>());
        shutdown.drain();
        assert_eq!(shutdown.drained().await, 1);
    }

    /// Says by its presence that the test program was started again as the process that gets the signals.
    const CHILD: &str = "PITCREW_TEST_SIGNALS";

    /// In a process of its own: tells of what happens on standard output. In the tests' own process: nothing.
    #[test]
    fn child() {
        let Ok(how) = std::env::var(CHILD) else { return };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let shutdown = Shutdown::on_signals(Duration::from_secs(60)).unwrap();
            let draining = shutdown.draining().clone();
            shutdown.spawn(async move {
                println!("\nready");
                draining.cancelled().await;
                println!("\ndraining");
                if how == "stuck" {
                    std::future::pending::<()>().await;
                }
            });
            println!("\nleft {}", shutdown.drained().await);
        });
        std::process::exit(0);
    }

    struct Process(Child, std::io::Lines<BufReader<std::process::ChildStdout>>);

    impl Process {
        fn start(how: &str) -> Process {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "shutdown::tests::child", "--nocapture"])
                .env(CHILD, how)
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let lines = BufReader::new(child.stdout.take().unwrap()).lines();
            Process(child, lines)
        }

        fn signal(&self, name: &str) {
            let sent = Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap();
            assert!(sent.success());
        }

        fn says(&mut self, line: &str) {
            assert!(self.1.any(|read| read.unwrap() == line), "the process ended without saying '{line}'");
        }
    }

    #[test]
    fn the_first_signal_drains() {
        for name in ["-TERM", "-INT"] {
            let mut process = Process::start("obedient");
            process.says("ready");
            process.signal(name);
            process.says("draining");
            process.says("left 0");
            assert_eq!(process.0.wait().unwrap().code(), Some(0));
        }
    }

    #[test]
    fn the_second_signal_leaves_at_once() {
        for (name, code) in [("-TERM", 143), ("-INT", 130)] {
            let mut process = Process::start("stuck");
            process.says("ready");
            process.signal("-TERM");
            process.says("draining");
            process.signal(name);
            assert_eq!(process.0.wait().unwrap().code(), Some(code));
        }
    }
}
