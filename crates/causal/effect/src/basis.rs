//! The effect basis phi(x): one, standardised numeric modifiers, and indicators of levels. Plain data, no code.

use serde::{Deserialize, Serialize};

use crate::{Column, ColumnKind};

/// What the basis knows of one modifier. All figures are weighted over the rows of the fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModifierKind {
    /// Enters as `(x - centre) / scale`.
    Numeric {
        /// Mean.
        centre: f64,
        /// Standard deviation; zero for a constant column, which has no term.
        scale: f64,
        /// Least value seen.
        min: f64,
        /// Largest value seen.
        max: f64,
    },
    /// Enters as indicators of the levels seen, the first of them being the reference.
    Categorical {
        /// Names of all levels.
        levels: Vec<String>,
        /// Share of each level; zero means never seen.
        shares: Vec<f64>,
    },
}

/// One effect modifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Modifier {
    /// Name of its column.
    pub name: String,
    /// How it enters.
    pub kind: ModifierKind,
}

/// `phi(x)`, q numbers from one row of modifiers in the order of [`EffectBasis::modifiers`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectBasis {
    modifiers: Vec<Modifier>,
}

/// A modifier of the basis is no column of the table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("effect modifier {name} is not a column of the table")]
pub struct UnknownModifier {
    /// Its name.
    pub name: String,
}

impl EffectBasis {
    /// The basis of a constant effect.
    pub fn constant() -> Self {
        EffectBasis {
            modifiers: Vec::new(),
        }
    }

    /// The basis of these modifiers, in the order in which a row gives them.
    pub fn new(modifiers: Vec<Modifier>) -> Self {
        EffectBasis { modifiers }
    }

    /// The modifiers, in the order in which a row gives them.
    pub fn modifiers(&self) -> &[Modifier] {
        &self.modifiers
    }

    /// Number of terms, q.
    pub fn q(&self) -> usize {
        1 + self.modifiers.iter().map(|m| m.kind.width()).sum::<usize>()
    }

    /// Names of the terms: `1`, `recency`, `zip_code=Urban`.
    pub fn term_names(&self) -> Vec<String> {
        let mut names = vec!["1".to_string()];
        for m in &self.modifiers {
            match &m.kind {
                ModifierKind::Numeric { scale, .. } if *scale > 0.0 => names.push(m.name.clone()),
                ModifierKind::Numeric { .. } => {}
                ModifierKind::Categorical { levels, shares } => {
                    names.extend(terms(shares).map(|l| format!("{}={}", m.name, levels[l])));
                }
            }
        }
        names
    }

    /// Writes `phi(x)` into `phi` (q numbers) without allocating.
    ///
    /// `x` has one number a modifier: the value, or the position of the level. A level that is missing, unknown or
    /// never seen stands for the average over the levels; a number that is not finite for the mean. Both are
    /// out of support ([`EffectBasis::in_support`]). Shorter slices leave the rest untouched.
    pub fn expand(&self, x: &[f64], phi: &mut [f64]) {
        let Some((one, mut rest)) = phi.split_first_mut() else {
            return;
        };
        *one = 1.0;
        for (m, &v) in self.modifiers.iter().zip(x) {
            let Some((mine, after)) = rest.split_at_mut_checked(m.kind.width()) else {
                return;
            };
            m.kind.expand(v, mine);
            rest = after;
        }
    }

    /// Whether every modifier lies in the range, or among the levels, that the fit saw.
    pub fn in_support(&self, x: &[f64]) -> bool {
        x.len() == self.modifiers.len() && self.modifiers.iter().zip(x).all(|(m, &v)| m.kind.saw(v))
    }

    /// Positions in a table's columns of the modifiers, for reading rows.
    ///
    /// # Errors
    /// A modifier that is no column of the table.
    pub fn positions(&self, columns: &[Column]) -> Result<Vec<usize>, UnknownModifier> {
        let find = |m: &Modifier| {
            let at = columns.iter().position(|c| c.name == m.name);
            at.ok_or_else(|| UnknownModifier { name: m.name.clone() })
        };
        self.modifiers.iter().map(find).collect()
    }
}

/// The position of a level in a list of so many, where `value` is one.
pub(crate) fn level(value: f64, levels: usize) -> Option<usize> {
    (value >= 0.0 && value < levels as f64 && value.fract() == 0.0).then_some(value as usize)
}

/// Levels with a term: those seen, but the first of them.
fn terms(shares: &[f64]) -> impl Iterator<Item = usize> + '_ {
    (0..shares.len()).filter(|&l| shares[l] > 0.0).skip(1)
}

impl Modifier {
    /// Whether it is the modifier of this column, with a share for each of its levels.
    pub(crate) fn is_of(&self, column: &Column) -> bool {
        self.name == column.name
            && match (&self.kind, &column.kind) {
                (ModifierKind::Numeric { .. }, ColumnKind::Numeric) => true,
                (ModifierKind::Categorical { levels, shares }, ColumnKind::Categorical { levels: own }) => {
                    levels == own && shares.len() == levels.len()
                }
                _ => false,
            }
    }
}

impl ModifierKind {
    fn width(&self) -> usize {
        match self {
            ModifierKind::Numeric { scale, .. } => usize::from(*scale > 0.0),
            ModifierKind::Categorical { shares, .. } => terms(shares).count(),
        }
    }

    fn saw(&self, value: f64) -> bool {
        match self {
            ModifierKind::Numeric { min, max, .. } => (*min..=*max).contains(&value),
            ModifierKind::Categorical { shares, .. } => {
                level(value, shares.len()).is_some_and(|l| shares[l] > 0.0)
            }
        }
    }

    fn expand(&self, value: f64, out: &mut [f64]) {
        match self {
            ModifierKind::Numeric { centre, scale, .. } => {
                if let Some(o) = out.first_mut() {
                    *o = if value.is_finite() {
                        (value - centre) / scale
                    } else {
                        0.0
                    };
                }
            }
            ModifierKind::Categorical { shares, .. } => {
                let seen = level(value, shares.len()).filter(|&l| shares[l] > 0.0);
                for (o, l) in out.iter_mut().zip(terms(shares)) {
                    *o = seen.map_or(shares[l], |s| if s == l { 1.0 } else { 0.0 });
                }
            }
        }
    }
}
