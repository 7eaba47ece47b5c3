//! A mapping's keys by type. What was never asked for is unknown.

use super::fault::{Faults, Mark, did_you_mean};
use super::node::{Key, Kind, Node, shorten};
use crate::duration::Span;
use crate::value::Value;

/// The keys of one mapping.
pub(super) struct Fields<'a> {
    /// Path of the mapping; empty for the whole file.
    pub path: String,
    entries: &'a [(Key, Node)],
    asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The keys of `node`; a fault where it is no mapping. Null is an empty mapping.
    pub fn of(node: &'a Node, path: &str, faults: &mut Faults) -> Option<Self> {
        let entries: &[(Key, Node)] = match &node.kind {
            Kind::Map(entries) => entries,
            Kind::Scalar { .. } if node.is_null() && path != "$" => &[],
            _ => {
                let problem = format!("must be keys with values, found {}", node.describe());
                faults.at(
                    node.mark,
                    path,
                    problem,
                    "write `key: value` lines, indented below it",
                );
                return None;
            }
        };
        let path = if path == "$" {
            String::new()
        } else {
            path.to_owned()
        };
        let fields = Fields {
            path,
            entries,
            asked: Vec::new(),
        };
        for (key, _) in entries {
            faults.mark(&fields.at(&key.text), key.mark);
        }
        Some(fields)
    }

    /// The path of a key.
    pub fn at(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// True if the key stands in the file.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(k, _)| k.text == key)
    }

    /// The value of a key.
    pub fn get(&mut self, key: &'static str) -> Option<&'a Node> {
        self.asked.push(key);
        self.entries
            .iter()
            .find(|(k, _)| k.text == key)
            .map(|(_, node)| node)
    }

    /// The value of a key that must be there; `example` shows how it could look.
    pub fn need(&mut self, key: &'static str, example: &str, faults: &mut Faults) -> Option<&'a Node> {
        let found = self.get(key);
        if found.is_none() {
            faults.add(&self.at(key), "is missing", format!("add `{key}: {example}`"));
        }
        found
    }

    /// Every key with its value, for mappings from names to things.
    pub fn named(&self) -> impl Iterator<Item = (&'a Key, &'a Node)> + use<'a> {
        self.entries.iter().map(|(key, node)| (key, node))
    }

    /// Ends reading: keys that were never asked for are faults.
    pub fn finish(self, faults: &mut Faults) {
        for (key, _) in self.entries {
            if !self.asked.contains(&key.text.as_str()) {
                let fix = did_you_mean(&key.text, self.asked.iter().copied());
                faults.at(key.mark, &self.at(&key.text), "is no key that is read here", fix);
            }
        }
    }

    /// Text, if the key is there and of that type.
    pub fn text(&mut self, key: &'static str, faults: &mut Faults) -> Option<String> {
        let node = self.get(key)?;
        text_of(node, &self.at(key), faults)
    }

    /// Text that must be there.
    pub fn text_needed(&mut self, key: &'static str, example: &str, faults: &mut Faults) -> Option<String> {
        let node = self.need(key, example, faults)?;
        text_of(node, &self.at(key), faults)
    }

    /// A finite number.
    pub fn number(&mut self, key: &'static str, faults: &mut Faults) -> Option<f64> {
        let node = self.get(key)?;
        match node.value() {
            Some(Value::Number(number)) => Some(number),
            _ => {
                let problem = format!("must be a finite number, found {}", node.describe());
                faults.at(
                    node.mark,
                    &self.at(key),
                    problem,
                    format!("write a number without quotes, for example `{key}: 0.5`"),
                );
                None
            }
        }
    }

    /// true or false.
    pub fn flag(&mut self, key: &'static str, faults: &mut Faults) -> Option<bool> {
        let node = self.get(key)?;
        match node.value() {
            Some(Value::Bool(flag)) => Some(flag),
            _ => {
                let problem = format!("must be true or false, found {}", node.describe());
                faults.at(
                    node.mark,
                    &self.at(key),
                    problem,
                    format!("write `{key}: true` or `{key}: false`"),
                );
                None
            }
        }
    }

    /// A span such as `30d`.
    pub fn span(&mut self, key: &'static str, faults: &mut Faults) -> Option<Span> {
        let node = self.get(key)?;
        span_of(node, &self.at(key), faults)
    }

    /// A span that must be there.
    pub fn span_needed(&mut self, key: &'static str, example: &str, faults: &mut Faults) -> Option<Span> {
        let node = self.need(key, example, faults)?;
        span_of(node, &self.at(key), faults)
    }

    /// Any scalar.
    pub fn value(&mut self, key: &'static str, faults: &mut Faults) -> Option<Value> {
        let node = self.get(key)?;
        let value = node.value();
        if value.is_none() {
            let problem = format!("must be one number, word or flag, found {}", node.describe());
            faults.at(node.mark, &self.at(key), problem, "write a single finite value");
        }
        value
    }

    /// A list of texts; a single text is a list of one. Each comes with where it stands.
    pub fn texts(&mut self, key: &'static str, faults: &mut Faults) -> Option<Vec<(String, Mark)>> {
        let node = self.get(key)?;
        let path = self.at(key);
        match &node.kind {
            Kind::List(items) => Some(
                items
                    .iter()
                    .enumerate()
                    .filter_map(|(i, item)| {
                        let path = format!("{path}[{i}]");
                        faults.mark(&path, item.mark);
                        text_of(item, &path, faults).map(|text| (text, item.mark))
                    })
                    .collect(),
            ),
            Kind::Map(_) => {
                faults.at(
                    node.mark,
                    &path,
                    "must be a list of names, found a mapping",
                    format!("write `{key}: [a, b]`"),
                );
                None
            }
            Kind::Scalar { .. } => text_of(node, &path, faults).map(|text| vec![(text, node.mark)]),
        }
    }

    /// One of a few words.
    pub fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
        faults: &mut Faults,
    ) -> Option<T> {
        let node = self.get(key)?;
        choice_of(node, &self.at(key), words, faults)
    }

    /// One of a few words, which must be there.
    pub fn choice_needed<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
        faults: &mut Faults,
    ) -> Option<T> {
        let example = words.first().map_or("", |(word, _)| word);
        let node = self.need(key, example, faults)?;
        choice_of(node, &self.at(key), words, faults)
    }
}

/// The text of a scalar: what stands in the file, numbers and flags too; never null.
pub(super) fn text_of(node: &Node, path: &str, faults: &mut Faults) -> Option<String> {
    match &node.kind {
        Kind::Scalar { text, .. } if !node.is_null() => Some(text.clone()),
        _ => {
            let problem = format!("must be text, found {}", node.describe());
            faults.at(node.mark, path, problem, "write one word, or text in quotes");
            None
        }
    }
}

/// One of a few words.
pub(super) fn choice_of<T: Copy>(
    node: &Node,
    path: &str,
    words: &[(&str, T)],
    faults: &mut Faults,
) -> Option<T> {
    let text = text_of(node, path, faults)?;
    let found = words
        .iter()
        .find(|(word, _)| *word == text)
        .map(|(_, value)| *value);
    if found.is_none() {
        let known = words.iter().map(|(word, _)| *word);
        let problem = format!(
            "`{}` is none of: {}",
            shorten(&text),
            known.clone().collect::<Vec<_>>().join(", ")
        );
        faults.at(node.mark, path, problem, did_you_mean(&text, known));
    }
    found
}

fn span_of(node: &Node, path: &str, faults: &mut Faults) -> Option<Span> {
    let span = match &node.kind {
        Kind::Scalar { text, .. } => Span::parse(text),
        _ => None,
    };
    if span.is_none() {
        let problem = format!("must be a length of time, found {}", node.describe());
        faults.at(
            node.mark,
            path,
            problem,
            "write a whole number and a unit (s, m, h, d, w) without space, for example 30d",
        );
    }
    span
}

/// Whether a name may stand for a node, view, treatment or outcome: it becomes part of column names and of edges.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Tells of a key that cannot be a name.
pub(super) fn check_name(key: &Key, path: &str, faults: &mut Faults) {
    if !is_name(&key.text) {
        let problem = format!("`{}` cannot be a name", shorten(&key.text));
        faults.at(
            key.mark,
            path,
            problem,
            "use up to 64 letters, digits, `_` and `-`, beginning with a letter",
        );
    }
}
