//! Linear effects of a problem as a published model has them: coefficients and covariances as named arrays, the effect
//! basis as the manifest's terms.

use ceteris_contract::arrays::{Array, Arrays};
use ceteris_contract::manifest::{BasisTerm, ServedEffect};
use ceteris_effect::{EffectBasis, LinearEffect, ModifierKind};

/// Adds the arrays of an effect under the names that its entry in the manifest gives them.
pub fn insert(arrays: &mut Arrays, entry: &ServedEffect, effect: &LinearEffect) {
    let q = effect.beta.len();
    arrays.insert(
        entry.beta(),
        Array {
            shape: vec![q],
            data: effect.beta.clone(),
        },
    );
    arrays.insert(
        entry.cov(),
        Array {
            shape: vec![q, q],
            data: effect.cov.clone(),
        },
    );
}

/// The basis term by term, in the order of the coefficients.
pub fn terms(basis: &EffectBasis) -> Vec<BasisTerm> {
    let mut terms = vec![BasisTerm::Intercept];
    for modifier in basis.modifiers() {
        let feature = modifier.name.clone();
        match &modifier.kind {
            ModifierKind::Numeric { centre, scale, .. } if *scale > 0.0 => {
                terms.push(BasisTerm::Standardised {
                    feature,
                    center: *centre,
                    scale: *scale,
                });
            }
            // A constant column has no term.
            ModifierKind::Numeric { .. } => {}
            // The first level seen is the reference.
            ModifierKind::Categorical { levels, shares } => {
                let seen = levels
                    .iter()
                    .zip(shares)
                    .filter(|(_, share)| **share > 0.0)
                    .skip(1);
                terms.extend(seen.map(|(level, _)| BasisTerm::Level {
                    feature: feature.clone(),
                    level: level.clone(),
                }));
            }
        }
    }
    debug_assert_eq!(terms.len(), basis.q());
    terms
}
