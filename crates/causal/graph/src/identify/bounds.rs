//! Bounds where an effect is not identified: the worst case (Manski 1990), and those of a binary instrument, treatment
//! and outcome (Balke & Pearl 1997), which are sharp.

use super::expression::{EvaluateError, Joint};
use serde::{Deserialize, Serialize};

/// An interval that holds the truth; where it is sharp, every value inside is that of some model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// The least it can be.
    pub low: f64,
    /// The most it can be.
    pub high: f64,
}

/// Bounds that an answer offers: computed by [`manski`] or [`balke_pearl`] from discrete data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundsOffer {
    /// `manski` or `balke_pearl`.
    pub method: String,
    /// The instrument used, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instrument: Option<String>,
    /// What they assume beyond the graph.
    pub assumptions: Vec<String>,
    /// The bounds in LaTeX.
    pub latex: String,
}

/// Bounds that cannot be had.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BoundsError {
    /// A variable that is not in the table, or a value without probability.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// A variable that should take two values and does not.
    #[error("{0} must take two values")]
    NotBinary(String),
    /// No model with this instrument gives such data: the instrument is none.
    #[error("the data contradict the instrument: P(y | do(x)) would be at least {low} and at most {high}")]
    Refuted {
        /// Lower bound.
        low: f64,
        /// Upper bound, below the lower one.
        high: f64,
    },
}

/// P(outcome = y | do(treatment = x)) without any assumption: P(x, y) ≤ . ≤ P(x, y) + 1 − P(x).
///
/// # Errors
/// When a variable or a value is not in the table.
pub fn manski(
    joint: &Joint,
    treatment: (&str, usize),
    outcome: (&str, usize),
) -> Result<Bounds, BoundsError> {
    let both = joint.chance(&[treatment, outcome])?;
    let treated = joint.chance(&[treatment])?;
    Ok(Bounds {
        low: both,
        high: both + 1.0 - treated,
    })
}

/// What a binary instrument says of a binary treatment and outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct InstrumentBounds {
    /// P(outcome = 1 | do(treatment = 0)) and P(outcome = 1 | do(treatment = 1)).
    pub under_do: [Bounds; 2],
    /// The average effect of treatment 1 against 0.
    pub effect: Bounds,
}

/// The sharp bounds that a binary instrument gives (Balke & Pearl 1997, equations 17 to 20).
///
/// # Errors
/// When a variable is not in the table or not binary, a value of the instrument has no probability, or the data
/// contradict the instrument.
pub fn balke_pearl(
    joint: &Joint,
    instrument: &str,
    treatment: &str,
    outcome: &str,
) -> Result<InstrumentBounds, BoundsError> {
    for name in [instrument, treatment, outcome] {
        if joint.values(name)? != 2 {
            return Err(BoundsError::NotBinary(name.to_owned()));
        }
    }
    // p[z][y][x] = P(y, x | z).
    let mut p = [[[0.0; 2]; 2]; 2];
    for z in 0..2 {
        let given = joint.chance(&[(instrument, z)])?;
        if given == 0.0 {
            return Err(EvaluateError::Undefined(format!("{instrument} = {z}")).into());
        }
        for y in 0..2 {
            for x in 0..2 {
                p[z][y][x] = joint.chance(&[(instrument, z), (outcome, y), (treatment, x)])? / given;
            }
        }
    }
    let under_do = [arm(&p, 0)?, arm(&p, 1)?];
    let effect = effect(&p)?;
    Ok(InstrumentBounds { under_do, effect })
}

/// P(y = 1 | do(x)), for the four ways to name the instrument's values.
fn arm(p: &[[[f64; 2]; 2]; 2], x: usize) -> Result<Bounds, BoundsError> {
    let o = 1 - x;
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    for (a, b) in [(0, 1), (1, 0)] {
        low = low.max(p[a][1][x]);
        low = low.max(p[a][1][x] + p[a][1][o] - p[b][0][x] - p[b][1][o]);
        low = low.max(p[a][1][x] + p[a][0][o] - p[b][0][x] - p[b][0][o]);
        high = high.min(1.0 - p[a][0][x]);
        high = high.min(p[a][0][o] + p[a][1][x] + p[b][1][x] + p[b][1][o]);
        high = high.min(p[a][1][o] + p[a][1][x] + p[b][1][x] + p[b][0][o]);
    }
    checked(low, high)
}

fn effect(p: &[[[f64; 2]; 2]; 2]) -> Result<Bounds, BoundsError> {
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    for (a, b) in [(0, 1), (1, 0)] {
        low = low
            .max(p[a][1][1] + p[b][0][0] - 1.0)
            .max(-p[a][0][1] - p[a][1][0])
            .max(p[a][1][1] - p[b][1][1] - p[b][1][0] - p[a][0][1] - p[a][1][0])
            .max(p[a][0][0] - p[a][0][1] - p[a][1][0] - p[b][0][1] - p[b][0][0]);
        high = high
            .min(1.0 - p[a][0][1] - p[b][1][0])
            .min(p[a][1][1] + p[a][0][0])
            .min(-p[a][0][1] + p[b][0][1] + p[b][0][0] + p[a][1][1] + p[a][0][0])
            .min(-p[a][1][0] + p[a][1][1] + p[a][0][0] + p[b][1][1] + p[b][1][0]);
    }
    checked(low, high)
}

/// Rounding may turn an interval of one point around; more than that refutes the instrument.
fn checked(low: f64, high: f64) -> Result<Bounds, BoundsError> {
    if low > high + 1e-9 {
        return Err(BoundsError::Refuted { low, high });
    }
    Ok(Bounds { low, high })
}
