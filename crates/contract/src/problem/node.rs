//! YAML as a tree of marked nodes: what the checker reads. No anchors, aliases or tags, which a problem file does not
//! need; each is a fault of its own. Duplicate keys are faults too, and the rest of the file is still read.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::fault::{Faults, Mark};
use crate::value::Value;

/// Larger files are no problem files.
const FILE_BYTES_MAX: usize = 1 << 20;
/// Deeper nesting is a typing error, and reading it would take stack.
const DEPTH_MAX: usize = 32;

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct Node {
    pub mark: Mark,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// `plain` is false for quoted and block text, which is never a number, flag or null.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug)]
pub(super) struct Key {
    pub mark: Mark,
    pub text: String,
}

impl Node {
    /// The scalar by YAML's core schema, hexadecimal and octal numbers left out; `None` for lists, mappings and
    /// numbers that are not finite.
    pub fn value(&self) -> Option<Value> {
        let Kind::Scalar { text, plain } = &self.kind else {
            return None;
        };
        if !plain {
            return Some(Value::Text(text.clone()));
        }
        match text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
            "true" | "True" | "TRUE" => return Some(Value::Bool(true)),
            "false" | "False" | "FALSE" => return Some(Value::Bool(false)),
            ".inf" | "-.inf" | "+.inf" | ".nan" => return None,
            _ => {}
        }
        let numeric = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        match text.parse::<f64>() {
            // Rust also reads the words `inf` and `nan`, with a sign too.
            Ok(number) if numeric && !text.contains(['n', 'N']) => {
                number.is_finite().then_some(Value::Number(number))
            }
            _ => Some(Value::Text(text.clone())),
        }
    }

    /// What it is, for a fault.
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
            Kind::Scalar { text, .. } => match self.value() {
                Some(Value::Null) => "nothing".to_owned(),
                _ => format!("`{}`", shorten(text)),
            },
        }
    }

    /// True for null or an empty value.
    pub fn is_null(&self) -> bool {
        matches!(self.value(), Some(Value::Null))
    }
}

/// A name as a fault shows it: at most forty characters.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Reads the only document of `text`; `None` after a fault that leaves nothing to read.
pub(super) fn parse(text: &str, faults: &mut Faults) -> Option<Node> {
    let start = Mark { line: 1, column: 1 };
    if text.len() > FILE_BYTES_MAX {
        faults.at(
            start,
            "$",
            "the file is larger than 1 MiB",
            "a problem file is a few pages of YAML",
        );
        return None;
    }
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder {
        open: Vec::new(),
        root: None,
        documents: 0,
    };
    while let Some(step) = parser.next_event() {
        match step {
            Ok((event, span)) => builder.take(event, span, faults)?,
            Err(error) => {
                let mark = mark_of(error.marker());
                let line = text.lines().nth(mark.line - 1).unwrap_or_default();
                // The likeliest slip: `[a -> {b, c}]` is a list whose braces YAML reads itself.
                let fix = if line.contains("->") {
                    "write each edge on a line of its own as `- a -> {b, c}`, or in quotes inside brackets"
                } else {
                    "mend the YAML here: check indentation, quotes and brackets"
                };
                faults.at(mark, "$", format!("not YAML: {}", error.info()), fix);
                return None;
            }
        }
    }
    if builder.root.is_none() {
        faults.at(
            start,
            "$",
            "the file is empty",
            "start from deploy/problems/ecommerce.yaml",
        );
    }
    builder.root
}

fn mark_of(marker: &Marker) -> Mark {
    Mark {
        line: marker.line().max(1),
        column: marker.col() + 1,
    }
}

/// A collection that is still open.
struct Open {
    node: Node,
    /// A mapping's key that waits for its value; `None` inside: the key was no scalar.
    key: Option<Option<Key>>,
}

struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
}

impl Builder {
    /// Takes one event; `None` where reading cannot go on.
    fn take(&mut self, event: Event<'_>, span: Span, faults: &mut Faults) -> Option<()> {
        let mark = mark_of(&span.start);
        let anchored = |anchor: usize, tag: bool, faults: &mut Faults| {
            if anchor > 0 {
                faults.at(mark, "$", "anchors are not read here", "write the value out");
            }
            if tag {
                faults.at(
                    mark,
                    "$",
                    "tags are not read here",
                    "leave the tag out; quote what must be text",
                );
            }
        };
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents == 2 {
                    faults.at(
                        mark,
                        "$",
                        "a second document starts here",
                        "keep one problem a file",
                    );
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                anchored(anchor, tag.is_some(), faults);
                let kind = Kind::Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain,
                };
                self.put(Node { mark, kind }, faults);
            }
            Event::Alias(_) => {
                faults.at(mark, "$", "aliases are not read here", "write the value out");
                self.put(
                    Node {
                        mark,
                        kind: Kind::Scalar {
                            text: String::new(),
                            plain: true,
                        },
                    },
                    faults,
                );
            }
            Event::SequenceStart(anchor, tag) => {
                anchored(anchor, tag.is_some(), faults);
                self.begin(
                    Node {
                        mark,
                        kind: Kind::List(Vec::new()),
                    },
                    faults,
                )?;
            }
            Event::MappingStart(anchor, tag) => {
                anchored(anchor, tag.is_some(), faults);
                self.begin(
                    Node {
                        mark,
                        kind: Kind::Map(Vec::new()),
                    },
                    faults,
                )?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    self.put(open.node, faults);
                }
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Some(())
    }

    fn begin(&mut self, node: Node, faults: &mut Faults) -> Option<()> {
        if self.open.len() == DEPTH_MAX {
            faults.at(
                node.mark,
                "$",
                "nested deeper than 32 levels",
                "a problem file needs no more than six",
            );
            return None;
        }
        self.open.push(Open { node, key: None });
        Some(())
    }

    fn put(&mut self, node: Node, faults: &mut Faults) {
        let Some(parent) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return;
        };
        match &mut parent.node.kind {
            Kind::List(items) => items.push(node),
            Kind::Map(entries) => match parent.key.take() {
                None => parent.key = Some(key_of(node, faults)),
                Some(None) => {}
                Some(Some(key)) => match entries.iter().find(|(k, _)| k.text == key.text) {
                    None => entries.push((key, node)),
                    Some((first, _)) => {
                        let problem = format!(
                            "`{}` was given already on line {}",
                            shorten(&key.text),
                            first.mark.line
                        );
                        faults.at(
                            key.mark,
                            &key.text,
                            problem,
                            "keep one of the two, or name them apart",
                        );
                    }
                },
            },
            Kind::Scalar { .. } => {}
        }
    }
}

fn key_of(node: Node, faults: &mut Faults) -> Option<Key> {
    match node.kind {
        Kind::Scalar { text, .. } => Some(Key {
            mark: node.mark,
            text,
        }),
        _ => {
            faults.at(
                node.mark,
                "$",
                "a list or mapping stands where a key should",
                "write a word before the colon",
            );
            None
        }
    }
}
