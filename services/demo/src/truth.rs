//! What the simulator knows of the rows and units that were estimated.

use std::collections::HashMap;

use anyhow::Context;
use ceteris_contract::arrays::Arrays;
use ceteris_contract::dataset::Dataset;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::manifest::{BasisTerm, ServedEffect};
use ceteris_synth::ecommerce::{Arm, World, coefficients, user_id};
use ndarray::ArrayView2;

/// The mean true effect of coupon_10pct on purchase_decision over the dataset's weighted rows, and their number.
pub(crate) fn average(identity: &IdentityKey, world: &World, data: &Dataset) -> anyhow::Result<(f64, usize)> {
    let truth: HashMap<_, _> = world
        .opportunities()
        .map(|o| {
            (
                (identity.unit(&user_id(o.user)).key, o.t),
                o.effects.of(Arm::Coupon10).purchase_decision,
            )
        })
        .collect();
    let (mut sum, mut weight) = (0.0, 0.0);
    for row in 0..data.len() {
        let effect = truth
            .get(&(data.unit[row], data.t[row]))
            .context("a dataset row the simulator does not know")?;
        sum += data.weight[row] * effect;
        weight += data.weight[row];
    }
    Ok((sum / weight, data.len()))
}

/// Wald statistic of an arm's coefficients on purchase_decision against the true ones, and its degrees of freedom.
pub(crate) fn wald(
    arm: Arm,
    basis: &[BasisTerm],
    effect: &ServedEffect,
    arrays: &Arrays,
) -> anyhow::Result<(f64, usize)> {
    let raw: HashMap<&str, f64> = coefficients(arm).terms().into_iter().collect();
    let of = |name: &str| raw.get(name).copied().unwrap_or(0.0);
    let mut truth = vec![of("1")];
    for term in &basis[1..] {
        match term {
            BasisTerm::Standardised {
                feature,
                center,
                scale,
            } => {
                truth[0] += of(feature) * center;
                truth.push(of(feature) * scale);
            }
            BasisTerm::Intercept | BasisTerm::Level { .. } => truth.push(0.0),
        }
    }
    let beta = arrays.get(&effect.beta()).context("the model's coefficients")?;
    let cov = arrays.get(&effect.cov()).context("the model's covariance")?;
    let view =
        ArrayView2::from_shape((truth.len(), truth.len()), &cov.data).context("a square covariance")?;
    let wald = ceteris_stats::wald(&beta.data, &truth, view);
    Ok((wald.statistic, wald.df))
}
