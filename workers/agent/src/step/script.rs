//! Runs a script in a process group of its own, within its time, and keeps what it prints, within bounds.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pitcrew_protocol::{Interpreter, Script, Step, StepKind, StepStatus};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::output::{HeadAndTail, Lines};
use super::secrets::Secrets;
use super::{Context, Ended};
use crate::durable;
use crate::error::chain;
use crate::process::{Firmness, signal_group, wait_for_group};
use crate::state::RunFolder;

/// Bytes kept of the beginning of the output, and as many of its end.
const OUTPUT_BOUND: usize = 32 * 1024;
/// The same of what is read whole.
const INVENTORY_BOUND: usize = 512 * 1024;
/// How long a script that is told to end may clean up.
const TERMINATE_MAX: Duration = Duration::from_secs(2);
/// How long output is read after the script itself has exited; what it left running may hold the pipe for ever.
const LINGER_MAX: Duration = Duration::from_millis(500);
/// Exit codes that mean success, and that a restart is wanted. A Unix shows 3010 as 194.
const WANTS_REBOOT: [i32; 2] = [194, 3010];
/// What a script inherits of the agent's environment. All else, the agent's token first, is not for scripts.
const INHERITED: [&str; 20] = [
    "HOME",
    "PATH",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "TEMP",
    "TMP",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "PATHEXT",
    "COMSPEC",
];

/// Why a script was ended before its time.
enum CutShort {
    TimedOut,
    Told,
}

/// What a script prints.
struct Printed {
    both: HeadAndTail,
    errors: HeadAndTail,
    lines: Lines,
}

/// Runs the script of a step. Being told to end by the context's token counts as a failure.
pub async fn run(context: &Context<'_>, index: usize, step: &Step, script: &Script) -> Ended {
    let (program, arguments, extension) = interpreter(script.interpreter);
    let path = context.work.join(format!("step-{index}.{extension}"));
    if let Err(error) = write_script(&path, &script.body) {
        return Ended::failed("io", format!("cannot write the script to {}: {error}", path.display()));
    }
    let mut command = Command::new(program);
    command.args(arguments).arg(&path).current_dir(&context.work).env_clear();
    command.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.envs(&script.env);
    for (variable, sha256) in &script.files {
        let Some(file) = context.fetched.get(sha256) else {
            let message = format!("the file that {variable} is to name was not fetched, so the script was not run");
            return Ended::failed("download", message);
        };
        command.env(variable, file);
    }
    // Ours come last: by the run id a script's processes are found again.
    command.envs(environment(context, step));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    command.process_group(0);
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ended::failed("interpreter", format!("`{program}` is not installed on this computer"));
        }
        Err(error) => return Ended::failed("io", format!("cannot start `{program}`: {error}")),
    };
    let secrets = Arc::new(Secrets::of(script));
    let (exited, printed) = watch(context, child, step, &secrets).await;
    judge(step, exited, printed, &secrets)
}

/// Waits for the script and reads what it prints, or ends it.
async fn watch(
    context: &Context<'_>,
    mut child: Child,
    step: &Step,
    secrets: &Arc<Secrets>,
) -> (std::io::Result<Result<ExitStatus, CutShort>>, Printed) {
    let leader = child.id().unwrap_or_default();
    if let Err(error) = RunFolder::record_pid(&context.group, leader) {
        tracing::warn!("Could not write down the process group: {}", chain(&error));
    }
    let read_whole = step.kind.is_read_whole();
    let bound = if read_whole { INVENTORY_BOUND } else { OUTPUT_BOUND };
    let printed = Arc::new(Mutex::new(Printed {
        both: HeadAndTail::new(bound),
        errors: HeadAndTail::new(OUTPUT_BOUND),
        lines: Lines::of(step.kind, secrets.clone()),
    }));
    let readers = [
        child.stdout.take().map(|pipe| {
            tokio::spawn(read(pipe, printed.clone(), |printed, bytes| {
                printed.both.push(bytes);
                printed.lines.push(bytes);
            }))
        }),
        child.stderr.take().map(|pipe| {
            tokio::spawn(read(pipe, printed.clone(), move |printed, bytes| {
                if read_whole { printed.errors.push(bytes) } else { printed.both.push(bytes) }
            }))
        }),
    ];
    let exited = tokio::select! {
        exited = child.wait() => exited.map(Ok),
        () = tokio::time::sleep(Duration::from_millis(step.timeout_ms)) => Ok(Err(CutShort::TimedOut)),
        () = context.stop.cancelled() => Ok(Err(CutShort::Told)),
    };
    if !matches!(exited, Ok(Ok(_))) {
        end(&mut child, leader).await;
    }
    let linger = tokio::time::Instant::now() + LINGER_MAX;
    for mut reader in readers.into_iter().flatten() {
        if tokio::time::timeout_at(linger, &mut reader).await.is_err() {
            reader.abort();
        }
    }
    let lines = Lines::of(step.kind, secrets.clone());
    let nothing = Printed { both: HeadAndTail::new(0), errors: HeadAndTail::new(0), lines };
    let printed = std::mem::replace(&mut *printed.lock().unwrap_or_else(PoisonError::into_inner), nothing);
    (exited, printed)
}

/// Ends the script and all of its process group: first so that they may clean up, then not.
async fn end(child: &mut Child, leader: u32) {
    signal_group(leader, Firmness::Terminate);
    let gone = async {
        let _ = child.wait().await;
        wait_for_group(leader).await;
    };
    if tokio::time::timeout(TERMINATE_MAX, gone).await.is_err() {
        signal_group(leader, Firmness::Kill);
        let _ = child.wait().await;
    }
}

async fn read(mut pipe: impl AsyncRead + Unpin, printed: Arc<Mutex<Printed>>, push: impl Fn(&mut Printed, &[u8])) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
        push(&mut printed.lock().unwrap_or_else(PoisonError::into_inner), &buffer[..read]);
    }
}

/// Says what came of the step.
fn judge(
    step: &Step,
    exited: std::io::Result<Result<ExitStatus, CutShort>>,
    printed: Printed,
    secrets: &Secrets,
) -> Ended {
    let mut ended = match &exited {
        Ok(Ok(status)) => judge_exit(*status),
        Ok(Err(CutShort::TimedOut)) => Ended::timed_out(step.timeout_ms),
        Ok(Err(CutShort::Told)) => Ended::failed("interrupted", "the run was told to end"),
        Err(error) => Ended::failed("io", format!("cannot wait for the script: {error}")),
    };
    (ended.output, ended.output_omitted) = secrets.strike_output(&printed.both);
    if !ended.status.is_success() {
        let (errors, omitted) = secrets.strike_output(&printed.errors);
        ended.output.push_str(&errors);
        ended.output_omitted += omitted;
    }
    let (last, booleans, hearing) = printed.lines.finish();
    (ended.said, ended.warnings) = hearing.finish();
    ended.observed = last.filter(|_| !step.kind.is_read_whole());
    if step.kind == StepKind::Test && ended.status.is_success() {
        ended.warnings.extend(booleans.warning());
        match booleans.all() {
            Some(all) => ended.observed = Some(all.to_string()),
            None => {
                let said = ended.observed.as_deref().unwrap_or("nothing");
                let message = format!("a test must print `true` or `false` in a line of its own, and printed `{said}`");
                ended.status = StepStatus::Failed { code: "not_boolean".into(), message };
            }
        }
    }
    ended
}

fn judge_exit(status: ExitStatus) -> Ended {
    let Some(code) = status.code() else {
        return Ended::failed("signal", format!("it was ended by {}", signal_name(status)));
    };
    let wants_reboot = WANTS_REBOOT.contains(&code);
    let ended = if code == 0 || wants_reboot {
        Ended::succeeded(String::new())
    } else {
        Ended::failed("exit_code", format!("it exited with {code}"))
    };
    Ended { exit_code: Some(code), wants_reboot, ..ended }
}

#[cfg(unix)]
fn signal_name(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    // The number alone says little; what the system prints names it: `signal: 9 (SIGKILL)`.
    if status.signal().is_some() { status.to_string() } else { "an unknown signal".to_owned() }
}

#[cfg(not(unix))]
fn signal_name(status: ExitStatus) -> String {
    status.to_string()
}

fn interpreter(interpreter: Interpreter) -> (&'static str, &'static [&'static str], &'static str) {
    const POWERSHELL: &[&str] = &["-NoProfile", "-NonInteractive", "-File"];
    match interpreter {
        Interpreter::Sh => ("sh", &[], "sh"),
        Interpreter::Bash => ("bash", &[], "bash"),
        Interpreter::Powershell if cfg!(windows) => {
            ("powershell", &["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File"], "ps1")
        }
        Interpreter::Powershell => ("pwsh", POWERSHELL, "ps1"),
        Interpreter::Python if cfg!(windows) => ("python", &[], "py"),
        Interpreter::Python => ("python3", &[], "py"),
    }
}

fn environment(context: &Context<'_>, step: &Step) -> Vec<(&'static str, std::ffi::OsString)> {
    let path = |path: &PathBuf| path.clone().into_os_string();
    let mut variables = vec![
        ("PITCREW_RUN_ID", context.run.run_id.to_string().into()),
        ("PITCREW_SESSION", context.run.session.to_string().into()),
        ("PITCREW_ITEM", step.item.clone().into()),
    ];
    let detected = context.detected.as_ref().filter(|(item, _)| step.kind == StepKind::Versions && *item == step.item);
    variables.extend(detected.map(|(_, version)| ("PITCREW_DETECTED", version.clone().into())));
    variables.extend(context.file.as_ref().map(|file| ("PITCREW_FILE", path(file))));
    variables.extend(context.sandbox.as_ref().map(|sandbox| ("PITCREW_SANDBOX", path(sandbox))));
    variables
}

fn write_script(path: &Path, body: &str) -> std::io::Result<()> {
    durable::private(std::fs::OpenOptions::new().write(true).create(true).truncate(true), 0o700)
        .open(path)
        .and_then(|mut file| file.write_all(body.as_bytes()))
}
