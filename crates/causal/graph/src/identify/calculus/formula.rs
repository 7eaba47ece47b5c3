//! Formulas in probabilities under actions.

use crate::identify::Estimand;
use serde::{Deserialize, Serialize};

/// An expression in conditional probabilities under interventions.
///
/// Like an [`Estimand`], with `do` beside `of` and `given`; bound copies of a variable are written with primes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Formula {
    /// The sum of `body` over all values of the variables `over`.
    Sum {
        /// Names of the bound variables.
        over: Vec<String>,
        /// What is summed.
        body: Box<Formula>,
    },
    /// The product of its parts.
    Product(Vec<Formula>),
    /// A quotient.
    Ratio {
        /// Above the line.
        num: Box<Formula>,
        /// Below the line.
        den: Box<Formula>,
    },
    /// P(of | do(actions), given).
    P {
        /// Left of the bar.
        of: Vec<String>,
        /// What is set.
        #[serde(rename = "do")]
        actions: Vec<String>,
        /// What is observed.
        given: Vec<String>,
    },
}

impl Formula {
    /// The parts of a formula, in the order in which a step's place counts them.
    fn child(&self, i: usize) -> Option<&Self> {
        match (self, i) {
            (Self::Sum { body, .. }, 0) => Some(body),
            (Self::Product(parts), i) => parts.get(i),
            (Self::Ratio { num, .. }, 0) => Some(num),
            (Self::Ratio { den, .. }, 1) => Some(den),
            _ => None,
        }
    }

    /// The part at a place.
    #[must_use]
    pub fn part(&self, at: &[usize]) -> Option<&Self> {
        at.iter().try_fold(self, |formula, &i| formula.child(i))
    }

    /// The formula with another part at a place; `None` where there is no such place.
    #[must_use]
    pub fn replaced(&self, at: &[usize], with: &Self) -> Option<Self> {
        let Some((&first, rest)) = at.split_first() else {
            return Some(with.clone());
        };
        let inner = self.child(first)?.replaced(rest, with)?;
        Some(match self.clone() {
            Self::Sum { over, .. } => Self::Sum {
                over,
                body: Box::new(inner),
            },
            Self::Product(mut parts) => {
                parts[first] = inner;
                Self::Product(parts)
            }
            Self::Ratio { den, .. } if first == 0 => Self::Ratio {
                num: Box::new(inner),
                den,
            },
            Self::Ratio { num, .. } => Self::Ratio {
                num,
                den: Box::new(inner),
            },
            Self::P { .. } => return None,
        })
    }

    /// Every name that occurs.
    pub(super) fn names(&self, found: &mut Vec<String>) {
        match self {
            Self::Sum { over, body } => {
                found.extend(over.iter().cloned());
                body.names(found);
            }
            Self::Product(parts) => parts.iter().for_each(|part| part.names(found)),
            Self::Ratio { num, den } => {
                num.names(found);
                den.names(found);
            }
            Self::P { of, actions, given } => found.extend(of.iter().chain(actions).chain(given).cloned()),
        }
    }

    /// How many names and operators it holds.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Sum { over, body } => 1 + over.len() + body.size(),
            Self::Product(parts) => 1 + parts.iter().map(Self::size).sum::<usize>(),
            Self::Ratio { num, den } => 1 + num.size() + den.size(),
            Self::P { of, actions, given } => 1 + of.len() + actions.len() + given.len(),
        }
    }

    /// The formula as an estimand, if nothing in it is acted on.
    #[must_use]
    pub fn estimand(&self) -> Option<Estimand> {
        Some(match self {
            Self::Sum { over, body } => Estimand::Sum {
                over: over.clone(),
                body: Box::new(body.estimand()?),
            },
            Self::Product(parts) => {
                Estimand::Product(parts.iter().map(Self::estimand).collect::<Option<_>>()?)
            }
            Self::Ratio { num, den } => Estimand::Ratio {
                num: Box::new(num.estimand()?),
                den: Box::new(den.estimand()?),
            },
            Self::P { of, actions, given } => {
                if !actions.is_empty() {
                    return None;
                }
                Estimand::P {
                    of: of.clone(),
                    given: given.clone(),
                }
            }
        })
    }

    /// The formula on one line.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Sum { over, body } => format!("sum_{{{}}} {}", over.join(", "), body.text()),
            Self::Product(parts) if parts.is_empty() => "1".to_owned(),
            Self::Product(parts) => {
                // A sum reaches to the end of its line, so one that is not last stands in brackets.
                let last = parts.len() - 1;
                let part = |(i, part): (usize, &Self)| match part {
                    Self::Sum { .. } if i < last => format!("[{}]", part.text()),
                    _ => part.text(),
                };
                parts.iter().enumerate().map(part).collect::<Vec<_>>().join(" ")
            }
            Self::Ratio { num, den } => format!("({}) / ({})", num.text(), den.text()),
            Self::P { of, actions, given } => {
                let mut right = Vec::new();
                if !actions.is_empty() {
                    right.push(format!("do({})", actions.join(", ")));
                }
                right.extend(given.iter().cloned());
                if right.is_empty() {
                    format!("P({})", of.join(", "))
                } else {
                    format!("P({} | {})", of.join(", "), right.join(", "))
                }
            }
        }
    }
}
