//! The one grammar behind DOT and dagitty: node statements, edge chains over names and `{groups}`, attribute lists.
//! They differ in the header, in whether a line's end ends a statement, and in what names mean specially.

use super::attributes::{self, Attribute};
use super::lex::{Arrow, Placed, Token, tokens};
use crate::graph::{Edge, EdgeKind, FaultKind, Graph, GraphBuilder, GraphError, Node};
use std::collections::{BTreeMap, BTreeSet};

/// Groups within groups: more than anyone draws, and few enough for any stack.
const GROUPS_NESTED_MAX: usize = 64;
/// Edges between groups are the product of their sizes: a short text must not become a graph that fills the memory.
const EDGES_MAX: usize = 2_000_000;

pub(super) fn read(text: &str) -> Result<Graph, GraphError> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        dot: false,
        depth: 0,
        found: Found::default(),
    };
    parser.document()?;
    parser.found.build()
}

/// What has been read so far, in order of first mention.
#[derive(Default)]
struct Found {
    nodes: Vec<(Node, usize)>,
    index: BTreeMap<String, usize>,
    edges: Vec<(Edge, usize)>,
    faults: Vec<(FaultKind, usize)>,
}

impl Found {
    fn node(&mut self, name: &str, line: usize) -> &mut Node {
        let next = self.nodes.len();
        let at = *self.index.entry(name.to_owned()).or_insert(next);
        if at == next {
            self.nodes.push((Node::new(name), line));
        }
        &mut self.nodes[at].0
    }

    fn declare(&mut self, names: &[String], attributes: &[Attribute], line: usize) {
        for name in names {
            if let Err(kind) = attributes::apply(self.node(name, line), attributes) {
                self.faults.push((kind, line));
            }
        }
    }

    fn connect(&mut self, left: &[String], arrow: Arrow, right: &[String], dir: Option<&str>, line: usize) {
        let (reverse, kind) = match (arrow, dir) {
            (Arrow::Both, _) | (Arrow::Right, Some("both")) => (false, EdgeKind::Bidirected),
            (Arrow::Right, None | Some("forward")) => (false, EdgeKind::Directed),
            (Arrow::Left, _) | (Arrow::Right, Some("back")) => (true, EdgeKind::Directed),
            (Arrow::Undirected, _) | (Arrow::Right, _) => {
                let edge = format!("edge {} -- {} has no direction", left.join(" "), right.join(" "));
                return self.faults.push((FaultKind::Syntax(edge), line));
            }
        };
        for (a, b) in left.iter().flat_map(|a| right.iter().map(move |b| (a, b))) {
            let (from, to) = if reverse { (b, a) } else { (a, b) };
            self.edges.push((
                Edge {
                    from: from.clone(),
                    to: to.clone(),
                    kind,
                },
                line,
            ));
        }
    }

    fn build(self) -> Result<Graph, GraphError> {
        let mut builder = GraphBuilder::new();
        for (node, line) in self.nodes {
            builder = builder.at_line(line).node(node);
        }
        for (edge, line) in self.edges {
            builder = builder.at_line(line).edge(edge);
        }
        for (kind, line) in self.faults {
            builder = builder.at_line(line).fault(kind);
        }
        builder.build()
    }
}

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
    dot: bool,
    depth: usize,
    found: Found,
}

impl Parser {
    fn document(&mut self) -> Result<(), GraphError> {
        self.skip_newlines();
        let braced = self.header()?;
        if self.tokens.len() == self.at {
            let problem = if braced {
                "the graph's { is never closed"
            } else {
                "the text holds no graph"
            };
            return Err(GraphError::syntax(self.line(), problem));
        }
        self.body(braced)?;
        self.skip_newlines();
        while self.skip(&Token::Mark(';')) || self.skip(&Token::Newline) {}
        if self.peek().is_some() {
            Err(self.unexpected("the end of the text"))
        } else {
            Ok(())
        }
    }

    /// Reads `dag name {`, `strict digraph name {` or nothing; tells whether a brace was opened.
    fn header(&mut self) -> Result<bool, GraphError> {
        let start = self.at;
        self.skip_word("strict");
        let word = self.word().map(str::to_ascii_lowercase);
        let kind = word.as_deref().unwrap_or_default();
        if !matches!(
            kind,
            "digraph" | "graph" | "dag" | "admg" | "mag" | "pdag" | "pag"
        ) {
            self.at = start;
            return Ok(false);
        }
        self.at += 1;
        let named = matches!(self.peek(), Some(Token::Name { .. }));
        self.at += usize::from(named);
        self.skip_newlines();
        if !self.skip(&Token::Mark('{')) {
            // A statement whose node happens to be called `graph` or `dag`.
            self.at = start;
            return Ok(false);
        }
        if matches!(kind, "mag" | "pdag" | "pag") {
            let problem = format!("a {kind} stands for many graphs; give one dag");
            return Err(GraphError::syntax(self.tokens[start].line, problem));
        }
        self.dot = matches!(kind, "digraph" | "graph");
        Ok(true)
    }

    /// Statements up to the closing brace, or to the end of the text when no brace was opened. The names mentioned.
    fn body(&mut self, braced: bool) -> Result<Vec<String>, GraphError> {
        let opened = self.line();
        if self.depth == GROUPS_NESTED_MAX {
            let problem = format!("groups nest more than {GROUPS_NESTED_MAX} deep");
            return Err(GraphError::syntax(opened, problem));
        }
        self.depth += 1;
        let names = self.statements(braced, opened);
        self.depth -= 1;
        names
    }

    fn statements(&mut self, braced: bool, opened: usize) -> Result<Vec<String>, GraphError> {
        let mut names = Vec::new();
        loop {
            match self.peek() {
                None if braced => return Err(GraphError::syntax(opened, "{ is never closed")),
                None => return Ok(names),
                Some(Token::Newline | Token::Mark(';')) => self.at += 1,
                Some(Token::Mark('}')) if braced => {
                    self.at += 1;
                    return Ok(names);
                }
                Some(_) => names.extend(self.statement()?),
            }
        }
    }

    fn statement(&mut self) -> Result<Vec<String>, GraphError> {
        let line = self.line();
        if self.dot && matches!(self.word(), Some("node" | "edge" | "graph")) && self.next_is(1, '[') {
            self.at += 1;
            self.attributes()?;
            return Ok(Vec::new());
        }
        if matches!(self.peek(), Some(Token::Name { .. })) && self.next_is(1, '=') {
            self.at += 2;
            self.expect_name("a value")?;
            return Ok(Vec::new());
        }
        let mut chain = vec![self.endpoint()?];
        let mut arrows = Vec::new();
        while let Some(&Token::Arrow(arrow)) = self.peek() {
            arrows.push((arrow, self.line()));
            self.at += 1;
            self.skip_newlines_in_dot();
            chain.push(self.endpoint()?);
            self.skip_newlines_in_dot();
        }
        let mut attributes = Vec::new();
        while matches!(self.peek(), Some(Token::Mark('['))) {
            attributes.extend(self.attributes()?);
            self.skip_newlines_in_dot();
        }
        if arrows.is_empty() {
            self.found.declare(&chain[0], &attributes, line);
        }
        let dir = attributes
            .iter()
            .find(|a| self.dot && a.key == "dir")
            .and_then(|a| a.value.as_deref());
        for (i, &(arrow, line)) in arrows.iter().enumerate() {
            self.found.declare(&chain[i], &[], line);
            self.found.declare(&chain[i + 1], &[], line);
            let more = chain[i].len().saturating_mul(chain[i + 1].len());
            if self.found.edges.len().saturating_add(more) > EDGES_MAX {
                let problem = format!("the graph has more than {EDGES_MAX} edges");
                return Err(GraphError::syntax(line, problem));
            }
            self.found.connect(&chain[i], arrow, &chain[i + 1], dir, line);
        }
        Ok(chain.concat())
    }

    /// A name, or the names inside a `{group}` or subgraph.
    fn endpoint(&mut self) -> Result<Vec<String>, GraphError> {
        if self.dot && self.skip_word("subgraph") {
            self.at += usize::from(matches!(self.peek(), Some(Token::Name { .. })));
            self.skip_newlines();
        }
        if self.skip(&Token::Mark('{')) {
            let mut names = self.body(true)?;
            let mut seen = BTreeSet::new();
            names.retain(|name| seen.insert(name.clone()));
            return Ok(names);
        }
        Ok(vec![self.expect_name("a node name")?])
    }

    fn attributes(&mut self) -> Result<Vec<Attribute>, GraphError> {
        let opened = self.line();
        self.at += 1;
        let mut found = Vec::new();
        loop {
            match self.peek() {
                None => return Err(GraphError::syntax(opened, "[ is never closed")),
                Some(Token::Newline | Token::Mark(',' | ';')) => self.at += 1,
                Some(Token::Mark(']')) => {
                    self.at += 1;
                    return Ok(found);
                }
                Some(_) => {
                    let key = self.expect_name("an attribute")?;
                    let value = if self.skip(&Token::Mark('=')) {
                        Some(self.expect_name("a value")?)
                    } else {
                        None
                    };
                    found.push(Attribute { key, value });
                }
            }
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|placed| &placed.token)
    }

    fn next_is(&self, ahead: usize, mark: char) -> bool {
        self.tokens
            .get(self.at + ahead)
            .is_some_and(|placed| placed.token == Token::Mark(mark))
    }

    /// The unquoted name that comes next.
    fn word(&self) -> Option<&str> {
        match self.peek() {
            Some(Token::Name { text, quoted: false }) => Some(text),
            _ => None,
        }
    }

    fn skip(&mut self, token: &Token) -> bool {
        let there = self.peek() == Some(token);
        self.at += usize::from(there);
        there
    }

    fn skip_word(&mut self, word: &str) -> bool {
        let there = self.word().is_some_and(|w| w.eq_ignore_ascii_case(word));
        self.at += usize::from(there);
        there
    }

    fn skip_newlines(&mut self) {
        while self.skip(&Token::Newline) {}
    }

    fn skip_newlines_in_dot(&mut self) {
        if self.dot {
            self.skip_newlines();
        }
    }

    fn expect_name(&mut self, what: &str) -> Result<String, GraphError> {
        let Some(Token::Name { text, .. }) = self.peek() else {
            return Err(self.unexpected(what));
        };
        let text = text.clone();
        self.at += 1;
        Ok(text)
    }

    fn line(&self) -> usize {
        self.tokens
            .get(self.at)
            .or(self.tokens.last())
            .map_or(1, |placed| placed.line)
    }

    fn unexpected(&self, wanted: &str) -> GraphError {
        let found = match self.peek() {
            None => "the end of the text".to_owned(),
            Some(Token::Newline) => "the end of the line".to_owned(),
            Some(Token::Mark(mark)) => format!("{mark:?}"),
            Some(Token::Arrow(_)) => "an arrow".to_owned(),
            Some(Token::Name { text, .. }) => format!("{text:?}"),
        };
        GraphError::syntax(self.line(), format!("expected {wanted}, found {found}"))
    }
}
