//! The tokens of DOT and dagitty, each with its line. Comments are dropped; line ends are kept, for dagitty's sake.

use crate::graph::GraphError;
use std::iter::Peekable;
use std::str::Chars;

/// How an edge is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrow {
    Right,
    Left,
    Both,
    Undirected,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Name {
        text: String,
        quoted: bool,
    },
    Arrow(Arrow),
    /// One of `{ } [ ] = , ;`.
    Mark(char),
    Newline,
}

/// A token and the line it stands in, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) line: usize,
}

pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, GraphError> {
    let mut lexer = Lexer {
        chars: text.chars().peekable(),
        line: 1,
    };
    let mut found = Vec::new();
    while let Some(placed) = lexer.next()? {
        found.push(placed);
    }
    Ok(found)
}

struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    line: usize,
}

impl Lexer<'_> {
    fn next(&mut self) -> Result<Option<Placed>, GraphError> {
        while let Some(c) = self.chars.next() {
            let line = self.line;
            let token = match c {
                '\n' => {
                    self.line += 1;
                    Token::Newline
                }
                c if c.is_whitespace() => continue,
                '#' => {
                    self.skip_line();
                    continue;
                }
                '/' => {
                    self.comment(line)?;
                    continue;
                }
                '{' | '}' | '[' | ']' | '=' | ',' | ';' => Token::Mark(c),
                '"' => Token::Name {
                    text: self.quoted(line)?,
                    quoted: true,
                },
                '-' | '<' => self.arrow_or_number(c, line)?,
                c if is_name(c) => Token::Name {
                    text: self.name(c),
                    quoted: false,
                },
                c => return Err(GraphError::syntax(line, format!("unexpected character {c:?}"))),
            };
            return Ok(Some(Placed { token, line }));
        }
        Ok(None)
    }

    fn skip_line(&mut self) {
        while self.chars.next_if(|&c| c != '\n').is_some() {}
    }

    fn comment(&mut self, line: usize) -> Result<(), GraphError> {
        match self.chars.next() {
            Some('/') => {
                self.skip_line();
                Ok(())
            }
            Some('*') => {
                let mut last = ' ';
                for c in self.chars.by_ref() {
                    self.line += usize::from(c == '\n');
                    if last == '*' && c == '/' {
                        return Ok(());
                    }
                    last = c;
                }
                Err(GraphError::syntax(line, "comment is never closed"))
            }
            _ => Err(GraphError::syntax(line, "unexpected character '/'")),
        }
    }

    fn quoted(&mut self, line: usize) -> Result<String, GraphError> {
        let mut text = String::new();
        while let Some(c) = self.chars.next() {
            match c {
                '"' => return Ok(text),
                '\\' => match self.chars.next() {
                    Some('n') => text.push(' '),
                    Some(c) => {
                        self.line += usize::from(c == '\n');
                        text.push(c);
                    }
                    None => break,
                },
                c => {
                    self.line += usize::from(c == '\n');
                    text.push(c);
                }
            }
        }
        Err(GraphError::syntax(line, "quoted name is never closed"))
    }

    fn arrow_or_number(&mut self, first: char, line: usize) -> Result<Token, GraphError> {
        if first == '-' {
            if let Some(digit) = self.chars.next_if(|&c| c.is_ascii_digit() || c == '.') {
                return Ok(Token::Name {
                    text: format!("-{}", self.name(digit)),
                    quoted: false,
                });
            }
            return match self.chars.next() {
                Some('>') => Ok(Token::Arrow(Arrow::Right)),
                Some('-') => Ok(Token::Arrow(Arrow::Undirected)),
                _ => Err(GraphError::syntax(line, "'-' must begin an arrow: -> or <->")),
            };
        }
        if self.chars.next_if_eq(&'-').is_none() {
            return Err(GraphError::syntax(line, "'<' must begin an arrow: <- or <->"));
        }
        Ok(Token::Arrow(if self.chars.next_if_eq(&'>').is_some() {
            Arrow::Both
        } else {
            Arrow::Left
        }))
    }

    fn name(&mut self, first: char) -> String {
        let mut text = String::from(first);
        while let Some(c) = self.chars.next_if(|&c| is_name(c)) {
            text.push(c);
        }
        text
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.' || c == '\''
}
