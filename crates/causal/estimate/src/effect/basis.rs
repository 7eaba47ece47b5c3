//! Learning an effect basis: centres, scales and ranges of numbers, shares of levels.

use ceteris_effect::{Column, ColumnKind, EffectBasis, Modifier, ModifierKind};

use super::ProjectionError;
use crate::learner::Design;

/// The basis of the named columns of `x`: centres, scales, ranges and level shares under weights `w`.
///
/// # Errors
/// A name that is no column; weights of another length or without a positive sum.
pub fn fit_basis(x: &Design, names: &[&str], w: &[f64]) -> Result<EffectBasis, ProjectionError> {
    if w.len() != x.n() || w.iter().sum::<f64>().is_nan() || w.iter().sum::<f64>() <= 0.0 {
        return Err(ProjectionError::Weights {
            weights: w.len(),
            rows: x.n(),
        });
    }
    let one = |name: &&str| {
        let at = x.columns().iter().position(|c| c.name == **name);
        let at = at.ok_or_else(|| ProjectionError::UnknownColumn {
            name: (*name).to_string(),
        })?;
        Ok(modifier(&x.columns()[at], x.column(at), w))
    };
    let modifiers = names.iter().map(one).collect::<Result<_, _>>()?;
    Ok(EffectBasis::new(modifiers))
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
                if let Some(share) = share_of(v, &mut shares) {
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

/// The share of the level at this position, where there is one.
fn share_of(value: f64, shares: &mut [f64]) -> Option<&mut f64> {
    let whole = value >= 0.0 && value.fract() == 0.0;
    whole.then(|| shares.get_mut(value as usize)).flatten()
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
        let basis = fit_basis(&table(), &["k", "x", "constant"], &[1.0; 4]).unwrap();
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
        let basis = fit_basis(&table(), &["x", "k"], &[1.0; 4]).unwrap();
        assert!(basis.in_support(&[2.0, 3.0]));
        assert!(!basis.in_support(&[3.1, 3.0]));
        assert!(!basis.in_support(&[2.0, 2.0]));
        assert!(!basis.in_support(&[f64::NAN, 0.0]));
    }

    #[test]
    fn survives_its_text_form() {
        let basis = fit_basis(&table(), &["x", "k"], &[0.3, 1.0, 0.7, 2.0]).unwrap();
        let text = serde_json::to_string(&basis).unwrap();
        assert_eq!(serde_json::from_str::<EffectBasis>(&text).unwrap(), basis);
    }
}
