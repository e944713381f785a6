//! Puts the layers on top of each other and makes typed settings of them, or reports everything that is wrong.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::fault::{Fault, Faults, Place};
use super::layers::{self, DEFAULTS, FILE_VARIABLE, Setting};
use super::secret::redact;
use super::sections::Config;

/// The settings, and for each key its value and where that is from.
#[derive(Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The operator's file, if there is one.
    pub file: Option<PathBuf>,
    pub(super) values: Table,
    pub(super) places: BTreeMap<String, Place>,
}

impl Loaded {
    /// True if an operator has set this key (`section.name`), in a file or in the environment.
    pub fn is_set(&self, key: &str) -> bool {
        !matches!(self.places.get(key), None | Some(Place::Default))
    }
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The raw values hold passwords; the typed ones hide them.
        f.debug_struct("Loaded").field("config", &self.config).field("file", &self.file).finish_non_exhaustive()
    }
}

/// Reads the settings: the defaults, then the file (`file`, or what PITCREW_CONFIG names), then the environment, which is
/// handed in.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<Loaded, Faults> {
    let variables: Vec<(String, String)> = environment.collect();
    let named = variables.iter().find(|(name, text)| name == FILE_VARIABLE && !text.is_empty());
    let file = file.map(Path::to_owned).or_else(|| named.map(|(_, text)| PathBuf::from(text)));
    let mut faults = Vec::new();

    let defaults: Table = DEFAULTS
        .parse()
        .map_err(|error: toml::de::Error| Faults(vec![Fault { place: Place::Default, message: error.to_string() }]))?;
    let known = layers::leaves(&defaults);

    let mut settings = Vec::new();
    if let Some(path) = &file {
        match std::fs::read_to_string(path) {
            Ok(text) => settings.extend(layers::file(path, &text, &known, &mut faults)),
            Err(error) => faults.push(Fault {
                place: Place::File { path: path.clone(), line: 1, column: 1 },
                message: format!("the file cannot be read ({error}). Is --config or {FILE_VARIABLE} right?"),
            }),
        }
    }
    settings.extend(layers::environment(variables.into_iter(), &known, &mut faults));

    // Each setting is tried alone on top of the defaults, so that one that does not fit hides no other.
    let mut values = defaults.clone();
    let mut places: BTreeMap<String, Place> = known.iter().map(|(key, _)| (key.clone(), Place::Default)).collect();
    for Setting { key, value, place } in settings {
        let mut alone = defaults.clone();
        layers::put(&mut alone, &key, value.clone());
        match read(alone) {
            Ok(_) => {
                layers::put(&mut values, &key, value);
                places.insert(key, place);
            }
            Err(message) => {
                let example = known.iter().find(|(other, _)| *other == key).map(|(_, value)| value.to_string());
                let (message, example) = (redact(message.trim()), redact(&example.unwrap_or_default()));
                faults
                    .push(Fault { place, message: format!("'{key}' does not fit: {message}. What would: {example}") });
            }
        }
    }
    let config = read(values.clone())
        .map_err(|message| Faults(vec![Fault { place: Place::Default, message: redact(&message) }]))?;
    for (key, message) in config.check() {
        let place = places.get(key).cloned().unwrap_or(Place::Default);
        faults.push(Fault { place, message: format!("'{key}' {message}.") });
    }
    // In the order in which they stand in the file; then the environment's.
    faults.sort_by_key(|fault| match &fault.place {
        Place::Default => (0, 0, 0),
        Place::File { line, column, .. } => (1, *line, *column),
        Place::Variable(_) => (2, 0, 0),
    });
    if faults.is_empty() { Ok(Loaded { config, file, values, places }) } else { Err(Faults(faults)) }
}

/// Makes typed settings of values, or says what does not fit.
fn read(values: Table) -> Result<Config, String> {
    Config::deserialize(Value::Table(values)).map_err(|error| error.message().to_owned())
}

impl Config {
    /// The settings as the program brings them, with neither file nor environment: where tests start from.
    ///
    /// # Errors
    /// None, unless `default.toml` is wrong, which a test would show.
    pub fn defaults() -> Result<Config, Faults> {
        load(None, std::iter::empty()).map(|loaded| loaded.config)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use super::*;
    use crate::domain::session::Stage;

    fn variables(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect::<Vec<_>>().into_iter()
    }

    fn written(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn the_defaults_are_right_and_agree_with_the_types() {
        let config = Config::defaults().unwrap();
        assert_eq!(config.retry.policy(), crate::domain::retry::RetryPolicy::default());
        assert_eq!(config.worker.lease, Duration::from_secs(30));
        assert_eq!(config.worker.prefetch(Stage::Planning), 128);
        assert!(config.telemetry.endpoint.is_empty());
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
        let file = written("[worker]\nlease = \"1 min\"\ngroup = 64\n[worker.capacity]\nexecution = 7\n");
        let environment = variables(&[
            ("PITCREW_WORKER__GROUP", "32"),
            ("PITCREW_DATABASE_URL", "postgres://a:p4ss@b/c"),
            ("PITCREW_SECRET_KEY", "5ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea15ea1"),
            ("PITCREW_TOKEN", "t0ken"),
            ("PITCREW_LOG", ""),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("PITCREW_SERVICE_PORT", "80"),
            ("HOME", "/"),
        ]);
        let loaded = load(Some(file.path()), environment).unwrap();
        assert_eq!(loaded.config.worker.group, 32);
        assert_eq!(loaded.config.worker.lease, Duration::from_secs(60));
        assert_eq!(loaded.config.worker.capacity(Stage::Execution), 7);
        assert_eq!(loaded.config.log.filter, "info");
        let shown = loaded.to_string();
        assert!(shown.contains("group = 32"), "{shown}");
        assert!(shown.contains("# PITCREW_WORKER__GROUP"), "{shown}");
        assert!(shown.contains(":2:9"), "{shown}");
        assert!(shown.contains("postgres://a:***@b/c"), "{shown}");
        for all in [shown, format!("{loaded:?}")] {
            assert!(!["p4ss", "t0ken", "5ea1"].iter().any(|secret| all.contains(secret)), "{all}");
        }
    }

    #[test]
    fn keys_are_separated_as_whoever_reads_them_takes_them() {
        let key = "5ea1".repeat(16);
        for between in [",", ", ", " ", "\n", "\r\n", "\t"] {
            let keys = format!("{key}{between}{key}");
            let loaded = load(None, variables(&[("PITCREW_SECRET_KEY", &keys)])).unwrap();
            crate::store::Keyring::read(loaded.config.secrets.key.expose()).unwrap();
        }
        assert!(load(None, variables(&[("PITCREW_SECRET_KEY", &format!("{key};{key}"))])).is_err());
    }

    #[test]
    fn every_fault_is_reported_at_once_with_its_place_and_what_to_do() {
        let file = written(
            "[worker]\nlaese = \"1 min\"\n  heartbeat = \"soon\"\n[amqp]\nurl = \"http://u:pw@x\"\n[nothing]\na = 1\n",
        );
        let environment = variables(&[
            ("PITCREW_RETRY__ATEMPTS", "3"),
            ("PITCREW_DATABSE_URL", "x"),
            ("PITCREW_WORKER__GROUP", "many"),
            ("PITCREW_SCHEDULER__WINDOW_FACTOR", "11"),
        ]);
        let Faults(faults) = load(Some(file.path()), environment).unwrap_err();
        let path = file.path().display().to_string();
        let lines: Vec<_> = faults.iter().map(|fault| fault.to_string().replace(&path, "file")).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        file:2:1: there is no setting 'worker.laese'. Did you mean 'worker.lease'?
        file:3:15: 'worker.heartbeat' does not fit: failed to parse input in the "friendly" duration format: expected duration to start with a unit value (a decimal integer) after an optional sign, but no integer was found. What would: "1 s"
        file:5:7: 'amqp.url' must begin with amqp:// or amqps://.
        file:6:2: there is no setting 'nothing'. `pitcrew config` prints all that there are.
        PITCREW_DATABSE_URL: there is no such variable. Did you mean PITCREW_DATABASE_URL?
        PITCREW_RETRY__ATEMPTS: there is no setting 'retry.atempts'. Did you mean 'retry.attempts'?
        PITCREW_WORKER__GROUP: 'worker.group' does not fit: invalid type: string "many", expected usize. What would: 256
        PITCREW_SCHEDULER__WINDOW_FACTOR: 'scheduler.window_factor' must be 1 to 10.
        "#);
    }

    #[test]
    fn a_file_that_is_not_toml_or_not_there_is_said_to_be_so() {
        let file = written("[database]\nurl = \"postgres://a:secret@b\nx\n");
        let faults = load(Some(file.path()), std::iter::empty()).unwrap_err().to_string();
        assert!(faults.contains(":2:") && !faults.contains("secret"), "{faults}");
        let faults = load(Some(Path::new("/nowhere.toml")), std::iter::empty()).unwrap_err().to_string();
        assert!(faults.contains("/nowhere.toml") && faults.contains("--config"), "{faults}");
    }
}
