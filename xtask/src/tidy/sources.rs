//! What no source file may hold, by folder.

use std::path::Path;

use anyhow::Context;

/// A shipped file that grows past this holds two nouns.
const LINES_MAX: usize = 500;

/// Spellings that must be absent below a folder, with the reason.
struct Absent {
    below: &'static str,
    except: &'static [&'static str],
    spellings: &'static [&'static str],
    because: &'static str,
}

const ABSENT: [Absent; 5] = [
    Absent {
        below: "crates/causal/src",
        except: &[],
        spellings: &[
            "async fn",
            "tokio",
            "std::fs",
            "std::env",
            "std::net",
            "std::io",
            "std::time",
            "thread_rng",
        ],
        because: "the causal core has no async, IO, clock, environment or global randomness",
    },
    Absent {
        below: "crates/contract/src",
        except: &[],
        spellings: &[
            "async fn",
            "tokio",
            "std::fs",
            "std::env",
            "std::net",
            "SystemTime",
        ],
        because: "the contract is plain data",
    },
    Absent {
        below: "crates/features/src",
        except: &[],
        spellings: &[
            "async fn",
            "tokio",
            "std::fs",
            "std::env",
            "std::net",
            "std::time",
        ],
        because: "the feature engine is pure: online and offline run the same code",
    },
    Absent {
        below: "",
        except: &["crates/chassis/src/clock.rs", "xtask/"],
        spellings: &["SystemTime::now", "Utc::now", "Local::now"],
        because: "time is an argument: only the chassis clock reads the wall",
    },
    Absent {
        below: "",
        except: &["xtask/"],
        spellings: &["thread_rng", "rand::rng()", "todo!(", "unimplemented!("],
        because: "randomness is an argument, and nothing shipped is unfinished",
    },
];

/// Faults of one file.
pub(crate) fn check(root: &Path, file: &Path) -> anyhow::Result<Vec<String>> {
    if file.extension().is_none_or(|e| e != "rs") {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let place = file
        .strip_prefix(root)
        .unwrap_or(file)
        .to_string_lossy()
        .replace('\\', "/");
    let mut faults = Vec::new();
    let opening = text.lines().next().unwrap_or_default();
    if !opening.starts_with("//!") && !opening.starts_with("#![doc") {
        faults.push(format!("{place}:1: does not open by saying what it is for (//!)"));
    }
    let lines = text.lines().count();
    let shipped = !place.contains("/tests/");
    if shipped && lines > LINES_MAX {
        faults.push(format!("{place}: has {lines} lines; which two nouns live in it?"));
    }
    // Tests may measure real time; what they prove is not what they ship.
    for rule in ABSENT.iter().filter(|rule| shipped && applies(rule, &place)) {
        for (number, line) in text.lines().enumerate() {
            let code = line.trim_start();
            if code.starts_with("//") {
                continue;
            }
            if let Some(spelling) = rule.spellings.iter().find(|spelling| code.contains(**spelling)) {
                faults.push(format!(
                    "{place}:{}: has `{spelling}`, but {}",
                    number + 1,
                    rule.because
                ));
            }
        }
    }
    Ok(faults)
}

fn applies(rule: &Absent, place: &str) -> bool {
    place.starts_with(rule.below) && !rule.except.iter().any(|except| place.starts_with(except))
}

/// METHOD.md names a module path for every symbol; each must exist.
pub(crate) fn method_paths(root: &Path) -> anyhow::Result<Vec<String>> {
    let place = "crates/causal/METHOD.md";
    let text = std::fs::read_to_string(root.join(place)).with_context(|| format!("read {place}"))?;
    let mut faults = Vec::new();
    let mut seen = 0;
    for (number, line) in text.lines().enumerate() {
        for quoted in line
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|quoted| quoted.ends_with(".rs"))
        {
            seen += 1;
            let inside = Path::new("crates/causal");
            let exists = [
                inside.join(quoted),
                inside.join("src").join(quoted),
                quoted.into(),
            ]
            .iter()
            .any(|path| root.join(path).is_file());
            if !exists {
                faults.push(format!("{place}:{}: `{quoted}` does not exist", number + 1));
            }
        }
    }
    if seen == 0 {
        faults.push(format!("{place}: names no source file"));
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_apply_below_their_folder_only() {
        let wall = &ABSENT[3];
        assert!(applies(wall, "services/decide/src/lib.rs"));
        assert!(!applies(wall, "crates/chassis/src/clock.rs"));
        assert!(!applies(&ABSENT[0], "crates/contract/src/time.rs"));
    }
}
