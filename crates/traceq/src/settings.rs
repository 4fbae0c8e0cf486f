//! Settings in layers: defaults, then `traceq.toml`, then `TRACEQ_*`, then code.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use config::{Config, Environment, File, FileFormat, Map};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::probe::Backend;
use crate::unit::parse_duration;
use crate::{ProbeError, Target, Unit, sampler::Sampler};

/// The settings. Every key may stand in `traceq.toml` under the field's name, and in the environment
/// as `TRACEQ_` and the name in capitals; a key that is not one of these is an error.
///
/// ```toml
/// output_dir = "profiles"
/// session = "envelope"
/// every = "10ms"
/// backends = ["statm", "hwm"]
/// regions = true
/// span_depth = 8
/// unit = "mib"
/// ```
///
/// ```sh
/// TRACEQ_EVERY=1ms TRACEQ_BACKENDS=statm,cgroup TRACEQ_CONFIG=lab.toml my-program
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// Folder of [`profile_path`](Self::profile_path). `.` unless set.
    pub output_dir: PathBuf,
    /// First part of the file name of a profile. `traceq` unless set.
    pub session: String,
    /// Sampling period, as `10ms`, `250us` or `1s`. 10 ms unless set.
    #[serde(deserialize_with = "read_duration", serialize_with = "write_duration")]
    pub every: Duration,
    /// What is sampled. `statm` and `hwm` unless set.
    pub backends: Vec<Backend>,
    /// Whether regions measure; see [`apply`](Self::apply). True unless set.
    pub regions: bool,
    /// Spans nested deeper than this are not measured. 8 unless set.
    pub span_depth: usize,
    /// Unit in which bytes are shown: `auto`, `b`, `kib`, `mib` or `gib`. `auto` unless set.
    pub unit: Unit,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            output_dir: PathBuf::from("."),
            session: "traceq".to_owned(),
            every: Duration::from_millis(10),
            backends: vec![Backend::Statm, Backend::Hwm],
            regions: true,
            span_depth: 8,
            unit: Unit::Auto,
        }
    }
}

/// Why settings could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file of `TRACEQ_CONFIG` does not exist.
    #[error("TRACEQ_CONFIG names {}, which cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A key is unknown, or a value is not of its kind.
    #[error("settings are not valid: {0}")]
    Invalid(#[from] config::ConfigError),
}

const PREFIX: &str = "TRACEQ_";
const CONFIG: &str = "TRACEQ_CONFIG";
const DEFAULT_FILE: &str = "traceq.toml";

impl Settings {
    /// Reads `traceq.toml` of the current folder, or the file that `TRACEQ_CONFIG` names, and the
    /// environment. A missing `traceq.toml` is fine; a missing file that was named is not.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn load() -> Result<Self, SettingsError> {
        Self::load_from(
            Path::new(DEFAULT_FILE),
            std::env::vars_os().filter_map(|(key, value)| {
                Some((key.into_string().ok()?, value.into_string().ok()?))
            }),
        )
    }

    /// [`load`](Self::load) with another default file and environment.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn load_from(
        default_file: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let mut ours: HashMap<String, String> =
            environment.into_iter().filter(|(key, _)| key.starts_with(PREFIX)).collect();
        let named = ours.remove(CONFIG).map(PathBuf::from);
        let path = named.as_deref().unwrap_or(default_file);
        let mut layers = Config::builder();
        match std::fs::read_to_string(path) {
            Ok(text) => layers = layers.add_source(File::from_str(&text, FileFormat::Toml)),
            Err(e) if named.is_none() && e.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(SettingsError::File { path: path.to_owned(), source }),
        }
        let environment = Environment::with_prefix("TRACEQ")
            .prefix_separator("_")
            .source(Some(ours.into_iter().collect::<Map<_, _>>()))
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("backends");
        Ok(layers.add_source(environment).build()?.try_deserialize()?)
    }

    /// Puts the switches of this program where the settings say. The one thing that is process-wide.
    pub fn apply(&self) {
        crate::set_enabled(self.regions);
    }

    /// Where a profile that begins now is written: `output_dir/session-<milliseconds since 1970>.prof`.
    pub fn profile_path(&self) -> PathBuf {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.output_dir.join(format!("{}-{}.prof", self.session, now.as_millis()))
    }

    /// A sampler of `target` with the backends and the period of the settings.
    ///
    /// # Errors
    /// [`ProbeError`] of the first backend that `target` does not have.
    pub fn sampler(&self, target: Target) -> Result<Sampler, ProbeError> {
        Sampler::open(target, &self.backends, self.every)
    }
}

fn read_duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(from)?).map_err(serde::de::Error::custom)
}

fn write_duration<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&format!("{}us", time.as_micros()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| (format!("TRACEQ_{key}"), (*value).to_owned())).collect()
    }

    fn load(toml: Option<&str>, pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("traceq.toml");
        if let Some(toml) = toml {
            std::fs::write(&file, toml).unwrap();
        }
        Settings::load_from(&file, env(pairs))
    }

    fn expected(change: impl Fn(&mut Settings)) -> Settings {
        let mut settings = Settings::default();
        change(&mut settings);
        settings
    }

    /// Every documented key: as a line of the file, as a variable, and what it must do.
    type Case = (&'static str, &'static str, &'static str, fn(&mut Settings));
    const CASES: [Case; 7] = [
        ("output_dir", "\"a/b\"", "a/b", |s| s.output_dir = "a/b".into()),
        ("session", "\"envelope\"", "envelope", |s| s.session = "envelope".into()),
        ("every", "\"250us\"", "250us", |s| s.every = Duration::from_micros(250)),
        ("backends", "[\"cgroup\", \"status\"]", "cgroup,status", |s| {
            s.backends = vec![Backend::Cgroup, Backend::Status];
        }),
        ("regions", "false", "false", |s| s.regions = false),
        ("span_depth", "0", "0", |s| s.span_depth = 0),
        ("unit", "\"mib\"", "mib", |s| s.unit = Unit::MiB),
    ];

    #[test]
    fn every_key_works_in_the_file_and_in_the_environment() {
        for (key, in_file, in_env, change) in CASES {
            let wanted = expected(change);
            assert_ne!(wanted, Settings::default(), "{key}");
            let toml = format!("{key} = {in_file}\n");
            assert_eq!(load(Some(&toml), &[]).unwrap(), wanted, "{key} in the file");
            let name = key.to_uppercase();
            assert_eq!(load(None, &[(&name, in_env)]).unwrap(), wanted, "{key} in the environment");
        }
        let all = serde_json::to_value(Settings::default()).unwrap();
        let keys: Vec<_> = all.as_object().unwrap().keys().collect();
        assert!(keys.iter().all(|key| CASES.iter().any(|case| case.0 == *key)), "{keys:?}");
    }

    #[test]
    fn later_layers_win() {
        let toml = "every = \"1s\"\nsession = \"file\"\n";
        let mut settings = load(Some(toml), &[("SESSION", "env")]).unwrap();
        assert_eq!((settings.session.as_str(), settings.every.as_secs()), ("env", 1));
        settings.session = "code".to_owned();
        let path = settings.profile_path();
        assert!(path.to_string_lossy().starts_with("./code-"), "{}", path.display());
    }

    #[test]
    fn the_documented_example_is_read() {
        let doc = include_str!("settings.rs");
        let toml: String = doc
            .lines()
            .skip_while(|line| *line != "/// ```toml")
            .skip(1)
            .take_while(|line| *line != "/// ```")
            .map(|line| format!("{}\n", line.trim_start_matches("/// ")))
            .collect();
        let settings = load(Some(&toml), &[]).unwrap();
        assert_eq!((settings.session.as_str(), settings.unit), ("envelope", Unit::MiB));
    }

    #[test]
    fn unknown_keys_and_bad_values_are_errors_that_name_them() {
        for (toml, pairs, name) in [
            (Some("evry = \"1s\""), vec![], "evry"),
            (None, vec![("EVRY", "1s")], "evry"),
            (Some("every = 10"), vec![], "10"),
            (None, vec![("BACKENDS", "psutil")], "psutil"),
            (None, vec![("REGIONS", "perhaps")], "perhaps"),
        ] {
            let error = load(toml, &pairs).unwrap_err().to_string();
            assert!(error.contains(name), "{name}: {error}");
        }
    }

    #[test]
    fn a_named_file_must_exist() {
        let folder = tempfile::tempdir().unwrap();
        let lab = folder.path().join("lab.toml");
        let named = [("CONFIG", lab.to_str().unwrap())];
        assert!(matches!(load(None, &named), Err(SettingsError::File { .. })));
        std::fs::write(&lab, "session = \"lab\"").unwrap();
        assert_eq!(load(Some("session = \"default\""), &named).unwrap().session, "lab");
    }

    #[test]
    fn settings_reach_what_they_set() {
        let settings = load(None, &[("EVERY", "1ms"), ("BACKENDS", "statm")]).unwrap();
        let sampler = settings.sampler(Target::Own).unwrap();
        assert_eq!(sampler.columns(), ["kernel_memory_usage"]);
        assert_eq!(settings.unit.show(2048).to_string(), "2 KiB");
    }
}
