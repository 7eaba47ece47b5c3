//! The effect basis phi(x): one, standardised numeric modifiers, and indicators of levels. Plain data, no code.

use serde::{Deserialize, Serialize};

use crate::learner::{Column, ColumnKind, Design};

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

/// Why a basis could not be fitted or a name not be found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BasisError {
    /// A modifier is not a column of the table.
    #[error("effect modifier {name} is not a column of the table")]
    UnknownColumn {
        /// The name.
        name: String,
    },
    /// Weights of another length, or none of them positive.
    #[error("{weights} weights with a positive sum are needed for {rows} rows")]
    Weights {
        /// Weights given.
        weights: usize,
        /// Rows of the table.
        rows: usize,
    },
}

impl EffectBasis {
    /// The basis of a constant effect.
    pub fn constant() -> Self {
        EffectBasis {
            modifiers: Vec::new(),
        }
    }

    /// Learns centres, scales, ranges and level shares of the named columns of `x` under weights `w`.
    ///
    /// # Errors
    /// A name that is no column; weights of another length or without a positive sum.
    pub fn fit(x: &Design, names: &[&str], w: &[f64]) -> Result<Self, BasisError> {
        if w.len() != x.n() || w.iter().sum::<f64>().is_nan() || w.iter().sum::<f64>() <= 0.0 {
            return Err(BasisError::Weights {
                weights: w.len(),
                rows: x.n(),
            });
        }
        let one = |name: &&str| {
            let at = x.columns().iter().position(|c| c.name == **name);
            let at = at.ok_or_else(|| BasisError::UnknownColumn {
                name: (*name).to_string(),
            })?;
            Ok(modifier(&x.columns()[at], x.column(at), w))
        };
        Ok(EffectBasis {
            modifiers: names.iter().map(one).collect::<Result<_, _>>()?,
        })
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
    pub fn positions(&self, columns: &[Column]) -> Result<Vec<usize>, BasisError> {
        let find = |m: &Modifier| {
            let at = columns.iter().position(|c| c.name == m.name);
            at.ok_or_else(|| BasisError::UnknownColumn { name: m.name.clone() })
        };
        self.modifiers.iter().map(find).collect()
    }
}

fn modifier(column: &Column, values: impl Iterator<Item = f64> + Clone, w: &[f64]) -> Modifier {
    let used = values.zip(w.iter().copied()).filter(|(_, w)| *w > 0.0);
    let kind = match &column.kind {
        ColumnKind::Numeric => {
            let total: f64 = used.clone().map(|(_, w)| w).sum();
            let centre = used.clone().map(|(v, w)| v * w).sum::<f64>() / total;
            let variance = used.clone().map(|(v, w)| w * (v - centre).powi(2)).sum::<f64>() / total;
            let min = used.clone().fold(f64::INFINITY, |m, (v, _)| m.min(v));
            let max = used.fold(f64::NEG_INFINITY, |m, (v, _)| m.max(v));
            ModifierKind::Numeric {
                centre,
                scale: if max > min { variance.sqrt() } else { 0.0 },
                min,
                max,
            }
        }
        ColumnKind::Categorical { levels } => {
            let mut shares = vec![0.0; levels.len()];
            for (v, w) in used {
                if let Some(share) = level(v, levels.len()).and_then(|l| shares.get_mut(l)) {
                    *share += w;
                }
            }
            let total: f64 = shares.iter().sum();
            if total > 0.0 {
                shares.iter_mut().for_each(|s| *s /= total);
            }
            ModifierKind::Categorical {
                levels: levels.clone(),
                shares,
            }
        }
    };
    Modifier {
        name: column.name.clone(),
        kind,
    }
}

fn level(value: f64, levels: usize) -> Option<usize> {
    (value >= 0.0 && value < levels as f64 && value.fract() == 0.0).then_some(value as usize)
}

/// Levels with a term: those seen, but the first of them.
fn terms(shares: &[f64]) -> impl Iterator<Item = usize> + '_ {
    (0..shares.len()).filter(|&l| shares[l] > 0.0).skip(1)
}

impl Modifier {
    /// Whether it is the modifier of this column, with a share for each of its levels.
    pub(super) fn is_of(&self, column: &Column) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Design {
        let levels = vec!["a".into(), "b".into(), "never".into(), "c".into()];
        Design::from_columns(vec![
            (Column::numeric("x"), vec![1.0, 3.0, 1.0, 3.0]),
            (Column::numeric("constant"), vec![7.0; 4]),
            (Column::categorical("k", levels), vec![1.0, 1.0, 3.0, 0.0]),
        ])
        .unwrap()
    }

    #[test]
    fn terms_by_hand() {
        let basis = EffectBasis::fit(&table(), &["k", "x", "constant"], &[1.0; 4]).unwrap();
        assert_eq!(basis.term_names(), ["1", "k=b", "k=c", "x"]);
        let phi = |x: &[f64]| {
            let mut phi = vec![f64::NAN; basis.q()];
            basis.expand(x, &mut phi);
            phi
        };
        assert_eq!(phi(&[3.0, 1.0, 7.0]), [1.0, 0.0, 1.0, -1.0]);
        assert_eq!(phi(&[0.0, 2.0, 7.0]), [1.0, 0.0, 0.0, 0.0]);
        // A level never seen stands for the average.
        assert_eq!(phi(&[2.0, 3.0, 7.0]), [1.0, 0.5, 0.25, 1.0]);
        assert_eq!(phi(&[f64::NAN, f64::NAN, 7.0]), [1.0, 0.5, 0.25, 0.0]);
    }

    #[test]
    fn support_is_the_range_and_the_levels_seen() {
        let basis = EffectBasis::fit(&table(), &["x", "k"], &[1.0; 4]).unwrap();
        assert!(basis.in_support(&[2.0, 3.0]));
        assert!(!basis.in_support(&[3.1, 3.0]));
        assert!(!basis.in_support(&[2.0, 2.0]));
        assert!(!basis.in_support(&[f64::NAN, 0.0]));
    }

    #[test]
    fn survives_its_text_form() {
        let basis = EffectBasis::fit(&table(), &["x", "k"], &[0.3, 1.0, 0.7, 2.0]).unwrap();
        let text = serde_json::to_string(&basis).unwrap();
        assert_eq!(serde_json::from_str::<EffectBasis>(&text).unwrap(), basis);
    }
}
