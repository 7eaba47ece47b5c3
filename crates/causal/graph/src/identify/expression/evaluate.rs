//! Evaluation of an estimand on a discrete joint distribution: exact enumeration, for certification and small tables.

use super::estimand::{Estimand, base};
use std::collections::BTreeMap;

/// A probability table over discrete variables.
#[derive(Debug, Clone, PartialEq)]
pub struct Joint {
    variables: Vec<(String, usize)>,
    probabilities: Vec<f64>,
}

/// A table that is no distribution.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum JointError {
    /// The table has the wrong number of cells.
    #[error("the variables have {expected} combinations, the table {found} cells")]
    Size {
        /// The product of the numbers of values.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// A variable is named twice, or has no values.
    #[error("variable {0} is named twice or has no values")]
    Variable(String),
    /// The cells are not non-negative numbers that sum to one (to 1e-9).
    #[error("the cells are not probabilities that sum to one, but to {0}")]
    Total(f64),
}

/// An estimand has no value here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// A variable of the estimand is not in the table.
    #[error("variable {0} is not in the table")]
    Unknown(String),
    /// A free variable was given no value, or none of its values.
    #[error("free variable {0} has no value")]
    Unset(String),
    /// A condition has probability zero.
    #[error("P({0}) is zero, so what is conditioned on it is undefined")]
    Undefined(String),
}

impl Joint {
    /// A table over variables with so many values each (values count from 0); the last variable changes fastest.
    ///
    /// # Errors
    /// When names repeat, the size does not fit or the cells are not probabilities.
    pub fn new(variables: Vec<(String, usize)>, probabilities: Vec<f64>) -> Result<Self, JointError> {
        for (i, (name, values)) in variables.iter().enumerate() {
            if *values == 0 || variables[..i].iter().any(|(other, _)| other == name) {
                return Err(JointError::Variable(name.clone()));
            }
        }
        let expected = variables
            .iter()
            .try_fold(1usize, |size, (_, values)| size.checked_mul(*values));
        let expected = expected.unwrap_or(usize::MAX);
        if expected != probabilities.len() {
            return Err(JointError::Size {
                expected,
                found: probabilities.len(),
            });
        }
        let total: f64 = probabilities.iter().sum();
        if total.is_nan() || (total - 1.0).abs() > 1e-9 || probabilities.iter().any(|p| *p < 0.0) {
            return Err(JointError::Total(total));
        }
        Ok(Self {
            variables,
            probabilities,
        })
    }

    fn position(&self, name: &str) -> Result<usize, EvaluateError> {
        let found = self.variables.iter().position(|(other, _)| other == name);
        found.ok_or_else(|| EvaluateError::Unknown(name.to_owned()))
    }

    /// How many values a variable takes.
    ///
    /// # Errors
    /// When it is not in the table.
    pub fn values(&self, name: &str) -> Result<usize, EvaluateError> {
        Ok(self.variables[self.position(name)?].1)
    }

    /// The probability that variables take values.
    ///
    /// # Errors
    /// When a variable or a value of it is not in the table.
    pub fn chance(&self, fixed: &[(&str, usize)]) -> Result<f64, EvaluateError> {
        let at = |&(name, value): &(&str, usize)| {
            let at = self.position(name)?;
            if value < self.variables[at].1 {
                Ok((at, value))
            } else {
                Err(EvaluateError::Unset(name.to_owned()))
            }
        };
        Ok(self.probability(&fixed.iter().map(at).collect::<Result<Vec<_>, _>>()?))
    }

    /// The probability that variables take values, by their positions.
    fn probability(&self, fixed: &[(usize, usize)]) -> f64 {
        let mut strides = vec![1usize; self.variables.len()];
        for i in (1..self.variables.len()).rev() {
            strides[i - 1] = strides[i] * self.variables[i].1;
        }
        let holds = |cell: usize| {
            fixed
                .iter()
                .all(|&(at, value)| cell / strides[at] % self.variables[at].1 == value)
        };
        self.probabilities
            .iter()
            .enumerate()
            .filter(|(cell, _)| holds(*cell))
            .map(|(_, p)| p)
            .sum()
    }
}

impl Estimand {
    /// The value of the estimand on a joint distribution with the free variables set.
    ///
    /// # Errors
    /// When a variable is not in the table, a free one is not set, or a condition has probability zero.
    pub fn evaluate(&self, joint: &Joint, values: &BTreeMap<String, usize>) -> Result<f64, EvaluateError> {
        self.value(joint, &mut values.clone())
    }

    fn value(&self, joint: &Joint, values: &mut BTreeMap<String, usize>) -> Result<f64, EvaluateError> {
        match self {
            Self::Product(factors) => factors
                .iter()
                .try_fold(1.0, |product, factor| Ok(product * factor.value(joint, values)?)),
            Self::Ratio { num, den } => {
                let below = den.value(joint, values)?;
                if below == 0.0 {
                    return Err(EvaluateError::Undefined(den.latex()));
                }
                Ok(num.value(joint, values)? / below)
            }
            Self::P { of, given } => conditional(joint, of, given, values),
            Self::Sum { over, body } => {
                let outer: Vec<_> = over
                    .iter()
                    .map(|name| (name, values.get(name).copied()))
                    .collect();
                let total = total(joint, over, body, values);
                for (name, value) in outer {
                    match value {
                        Some(value) => drop(values.insert(name.clone(), value)),
                        None => drop(values.remove(name)),
                    }
                }
                total
            }
        }
    }
}

fn total(
    joint: &Joint,
    over: &[String],
    body: &Estimand,
    values: &mut BTreeMap<String, usize>,
) -> Result<f64, EvaluateError> {
    let Some((first, rest)) = over.split_first() else {
        return body.value(joint, values);
    };
    let count = joint.variables[joint.position(base(first))?].1;
    let mut sum = 0.0;
    for value in 0..count {
        values.insert(first.clone(), value);
        sum += total(joint, rest, body, values)?;
    }
    Ok(sum)
}

fn conditional(
    joint: &Joint,
    of: &[String],
    given: &[String],
    values: &BTreeMap<String, usize>,
) -> Result<f64, EvaluateError> {
    let fixed = |names: &[String]| -> Result<Vec<(usize, usize)>, EvaluateError> {
        let one = |name: &String| {
            let at = joint.position(base(name))?;
            let value = values
                .get(name)
                .copied()
                .filter(|value| *value < joint.variables[at].1);
            Ok((at, value.ok_or_else(|| EvaluateError::Unset(name.clone()))?))
        };
        names.iter().map(one).collect()
    };
    let condition = fixed(given)?;
    let below = joint.probability(&condition);
    if below == 0.0 {
        return Err(EvaluateError::Undefined(given.join(", ")));
    }
    let both: Vec<_> = fixed(of)?.into_iter().chain(condition).collect();
    Ok(joint.probability(&both) / below)
}
