//! Configuration: a service's commented `default.toml`, then a file, then `CETERIS__SECTION__KEY` from the environment,
//! the later one winning, with every fault listed at once.
//!
//! A service reads each of its keys once; any other key of the file is a fault, because it
//! would be a typing error that nothing reports. In the environment only sections that the service has are judged: the services of one fleet may
//! share an environment.

mod setting;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use toml::Value;

pub use setting::{ByteSize, Setting};

/// The prefix of every variable that is read here.
const PREFIX: &str = "CETERIS__";

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    Default,
    File(PathBuf),
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("the defaults"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Environment(name) => f.write_str(name),
        }
    }
}

/// All faults of a configuration, one sentence each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration has {} faults\n  {}", faults.len(), faults.join("\n  "))]
pub struct ConfigError {
    /// The sentences; each names its key and the fix.
    pub faults: Vec<String>,
}

/// The gathered settings of one service, by dotted key, while they are read.
#[derive(Debug)]
pub struct Settings {
    given: BTreeMap<String, (String, Origin)>,
    sections: BTreeSet<String>,
    read: BTreeSet<String>,
    faults: Vec<String>,
}

impl Settings {
    /// Gathers the defaults, the file if one is named, and the variables with our prefix. What cannot be read is a fault
    /// that [`finish`](Self::finish) tells, with those found later.
    pub fn gather(
        defaults: &str,
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Settings {
        let mut settings = Settings {
            given: BTreeMap::new(),
            sections: BTreeSet::new(),
            read: BTreeSet::new(),
            faults: Vec::new(),
        };
        settings.add_text(defaults, &Origin::Default);
        settings.sections = settings.given.keys().map(|key| section(key).to_owned()).collect();
        if let Some(path) = file {
            match std::fs::read_to_string(path) {
                Ok(text) => settings.add_text(&text, &Origin::File(path.to_path_buf())),
                Err(error) => settings.faults.push(format!("{}: {error}", path.display())),
            }
        }
        for (name, value) in environment {
            if let Some(path) = name.strip_prefix(PREFIX) {
                let key = path.to_lowercase().replace("__", ".");
                settings.given.insert(key, (value, Origin::Environment(name)));
            }
        }
        settings
    }

    fn add_text(&mut self, text: &str, origin: &Origin) {
        match text.parse::<toml::Table>() {
            Ok(table) => self.add("", Value::Table(table), origin),
            Err(error) => self
                .faults
                .push(format!("{origin}: {}", error.to_string().trim_end())),
        }
    }

    fn add(&mut self, key: &str, value: Value, origin: &Origin) {
        let text = match value {
            Value::Table(table) => {
                for (name, value) in table {
                    let inner = if key.is_empty() {
                        name
                    } else {
                        format!("{key}.{name}")
                    };
                    self.add(&inner, value, origin);
                }
                return;
            }
            // Lists are of words; in the environment they are separated by commas.
            Value::Array(values) => {
                let words: Vec<String> = values.into_iter().map(plain).collect();
                words.join(",")
            }
            other => plain(other),
        };
        self.given.insert(key.to_owned(), (text, origin.clone()));
    }

    /// A value that must be there. `None` means that a fault has been noted.
    pub fn value<T: Setting>(&mut self, key: &str) -> Option<T> {
        let found = self.optional(key);
        if found.is_none() && !self.is_given(key) {
            self.faults.push(format!(
                "{key} is missing: set it in the file, or {} in the environment",
                variable(key)
            ));
        }
        found
    }

    /// A value that may be left out or be empty. A malformed one is noted as a fault.
    pub fn optional<T: Setting>(&mut self, key: &str) -> Option<T> {
        self.read.insert(key.to_owned());
        if !self.is_given(key) {
            return None;
        }
        let (text, origin) = self.given.get(key)?;
        match T::read(text) {
            Ok(value) => Some(value),
            Err(expected) => {
                self.faults
                    .push(format!("{key} = {text:?} (from {origin}): {expected}"));
                None
            }
        }
    }

    /// A secret that may be left out: `key` itself, or the content of the file that `<key>_file` names.
    pub fn secret(&mut self, key: &str) -> Option<SecretString> {
        let file_key = format!("{key}_file");
        self.read.insert(key.to_owned());
        self.read.insert(file_key.clone());
        match (self.is_given(key), self.is_given(&file_key)) {
            (true, true) => {
                self.fault(&file_key, &format!("{key} is given too: give one of them"));
                None
            }
            (true, false) => self
                .given
                .get(key)
                .map(|(text, _)| SecretString::from(text.as_str())),
            (false, true) => {
                let path = self.given.get(&file_key).map(|(text, _)| text.clone())?;
                match std::fs::read_to_string(&path) {
                    Ok(text) => Some(SecretString::from(text.trim_end())),
                    Err(error) => {
                        self.fault(&file_key, &format!("{path}: {error}"));
                        None
                    }
                }
            }
            (false, false) => None,
        }
    }

    /// A secret that must be there. `None` means that a fault has been noted.
    pub fn required_secret(&mut self, key: &str) -> Option<SecretString> {
        let before = self.faults.len();
        let found = self.secret(key);
        if found.is_none() && self.faults.len() == before {
            let name = variable(key);
            self.faults.push(format!(
                "{key} is missing: set {name} or {name}_FILE in the environment"
            ));
        }
        found
    }

    /// The names right below a key, sorted: `api.keys` has one for each key.
    pub fn names(&self, key: &str) -> Vec<String> {
        let prefix = format!("{key}.");
        let below = self.given.keys().filter_map(|given| given.strip_prefix(&prefix));
        let names: BTreeSet<&str> = below.filter_map(|rest| rest.split('.').next()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Everything below a key, however deep, by the rest of its name: for settings that are handed on as they are.
    pub fn below(&mut self, key: &str) -> BTreeMap<String, String> {
        let prefix = format!("{key}.");
        let below = self.given.iter().filter_map(|(given, (text, _))| {
            let name = given.strip_prefix(&prefix)?;
            Some((name.to_owned(), text.clone()))
        });
        let below: BTreeMap<String, String> = below.collect();
        self.read
            .extend(below.keys().map(|name| format!("{prefix}{name}")));
        below
    }

    /// Notes a fault of a key that was read.
    pub fn fault(&mut self, key: &str, why: &str) {
        self.faults.push(format!("{key}: {why}"));
    }

    /// Ends the reading: keys that nobody asked for are faults too.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault.
    pub fn finish(mut self) -> Result<(), ConfigError> {
        for (key, (_, origin)) in &self.given {
            let judged = match origin {
                Origin::Environment(_) => self.sections.contains(section(key)),
                Origin::Default | Origin::File(_) => true,
            };
            if judged && !self.read.contains(key) {
                self.faults.push(format!(
                    "{key} (from {origin}) is no setting of this service: remove it"
                ));
            }
        }
        match self.faults.is_empty() {
            true => Ok(()),
            false => Err(ConfigError { faults: self.faults }),
        }
    }

    fn is_given(&self, key: &str) -> bool {
        self.given.get(key).is_some_and(|(text, _)| !text.is_empty())
    }
}

fn section(key: &str) -> &str {
    key.split('.').next().unwrap_or(key)
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Datetime(instant) => instant.to_string(),
        // Tables and lists are taken apart before.
        Value::Array(_) | Value::Table(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use secrecy::ExposeSecret;

    use super::*;

    const DEFAULTS: &str =
        "[api]\nlisten = \"127.0.0.1:8080\"\nbody_timeout = \"10s\"\n[kafka]\nbootstrap = \"\"\n";

    fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.toml");
        std::fs::write(&file, "[api]\nlisten = \"127.0.0.1:1\"\nbody_timeout = \"250ms\"").unwrap();
        let variables = environment(&[("CETERIS__API__LISTEN", "127.0.0.1:2"), ("HOME", "/")]);
        let mut settings = Settings::gather(DEFAULTS, Some(&file), variables);
        assert_eq!(
            settings.value::<SocketAddr>("api.listen").map(|a| a.port()),
            Some(2)
        );
        assert_eq!(
            settings.value::<Duration>("api.body_timeout"),
            Some(Duration::from_millis(250))
        );
        assert_eq!(settings.optional::<String>("kafka.bootstrap"), None);
        settings.finish().unwrap();
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let variables = environment(&[
            ("CETERIS__API__LISTEN", "everywhere"),
            ("CETERIS__API__LISTNE", "127.0.0.1:2"),
            ("CETERIS__OF_ANOTHER_SERVICE__KEY", "x"),
        ]);
        let mut settings = Settings::gather(DEFAULTS, Some(Path::new("/nowhere/c.toml")), variables);
        settings.value::<SocketAddr>("api.listen");
        settings.value::<Duration>("api.body_timeout");
        settings.value::<String>("kafka.bootstrap");
        settings.required_secret("kafka.password");
        let faults = settings.finish().unwrap_err().faults;
        let has = |words: &[&str]| {
            faults
                .iter()
                .any(|fault| words.iter().all(|word| fault.contains(word)))
        };
        assert!(has(&["/nowhere/c.toml"]), "{faults:?}");
        assert!(
            has(&["api.listen", "everywhere", "CETERIS__API__LISTEN", "address"]),
            "{faults:?}"
        );
        assert!(has(&["api.listne", "no setting"]), "{faults:?}");
        assert!(
            has(&["kafka.bootstrap is missing", "CETERIS__KAFKA__BOOTSTRAP"]),
            "{faults:?}"
        );
        assert!(has(&["CETERIS__KAFKA__PASSWORD_FILE"]), "{faults:?}");
        assert_eq!(faults.len(), 5, "{faults:?}");
    }

    #[test]
    fn a_secret_may_lie_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "hush\n").unwrap();
        let variables = environment(&[("CETERIS__KAFKA__PASSWORD_FILE", file.to_str().unwrap())]);
        let mut settings = Settings::gather("", None, variables);
        let secret = settings.required_secret("kafka.password").unwrap();
        assert_eq!(secret.expose_secret(), "hush");
        assert!(!format!("{secret:?}").contains("hush"));
        settings.finish().unwrap();
    }

    #[test]
    fn named_tables_are_listed() {
        let text = "[api.keys.shop]\nsecret = \"s\"\nscopes = [\"decide\", \"models\"]\n[api.keys.board]\nsecret = \"b\"\n";
        let mut settings = Settings::gather(text, None, []);
        assert_eq!(settings.names("api.keys"), ["board", "shop"]);
        let below = settings.below("api.keys.board");
        assert_eq!(below.get("secret").map(String::as_str), Some("b"));
        assert_eq!(
            settings.optional::<Vec<String>>("api.keys.shop.scopes"),
            Some(vec!["decide".to_owned(), "models".to_owned()])
        );
    }
}
