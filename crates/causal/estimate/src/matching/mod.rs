//! Matching: each row is compared with its nearest rows of the other arm. An estimator of its own, with an error that
//! knows how often a row was used; Double ML never trains on matched rows.

mod neighbours;

use ndarray::{ArrayView1, Axis};
pub use neighbours::Metric;
use neighbours::Points;
use serde::{Deserialize, Serialize};

use crate::argument::{ArgumentError, check_binary, check_values};
use crate::inference::{Estimate, degrees_of_freedom};
use crate::learner::{BasisParams, Design, LearnerError, Linear, Regressor};
use crate::sample::Sample;

/// Neighbours by which a row's own variance is told.
const VARIANCE_NEIGHBOURS: usize = 2;

/// Whose effect is averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedEstimand {
    /// Everybody's.
    Ate,
    /// The treated's.
    Att,
    /// The untreated's.
    Atc,
}

/// Parameters of matching.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `estimand` | ATT | whose effect is averaged |
/// | `neighbours` | 1 | matches of each row; more where some are equally near |
/// | `metric` | Mahalanobis | what near means |
/// | `adjust` | true | regressions take away the bias of matches that are not exact |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchingParams {
    /// Whose effect is averaged.
    pub estimand: MatchedEstimand,
    /// Matches of each row.
    pub neighbours: usize,
    /// What near means.
    pub metric: Metric,
    /// Whether a linear regression on each arm takes away the bias of inexact matches.
    pub adjust: bool,
}

impl Default for MatchingParams {
    fn default() -> Self {
        MatchingParams {
            estimand: MatchedEstimand::Att,
            neighbours: 1,
            metric: Metric::Mahalanobis,
            adjust: true,
        }
    }
}

/// Why rows could not be matched.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MatchingError {
    /// An argument cannot be used.
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    /// An arm has too few rows.
    #[error("arm {arm} has {rows} rows; at least 2 are needed")]
    ThinArm {
        /// The arm.
        arm: usize,
        /// Its rows.
        rows: usize,
    },
    /// The covariates give no distances.
    #[error("the distances between rows cannot be formed")]
    Metric(#[source] LearnerError),
    /// The regressions that take away the bias of inexact matches could not be fitted.
    #[error("the regression that adjusts for inexact matches cannot be fitted")]
    Adjustment(#[source] LearnerError),
}

/// One row and those of the other arm it was compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// The row.
    pub row: usize,
    /// Its nearest rows of the other arm.
    pub partners: Vec<usize>,
    /// Treated minus untreated outcome, the missing one filled in from the partners.
    pub effect: f64,
}

/// Matches and their estimate.
#[derive(Clone, Debug, PartialEq)]
pub struct Matched {
    /// The estimate with Abadie and Imbens' error.
    pub estimate: Estimate,
    /// What it estimates.
    pub estimand: MatchedEstimand,
    /// Every row of the population averaged over.
    pub matches: Vec<Match>,
}

/// Estimates an average effect of a binary `d` by nearest neighbours, with replacement.
///
/// The error is Abadie and Imbens' for the effect in the population. The bootstrap is not valid here (Abadie and Imbens
/// 2008), which is why there is none.
///
/// Source: Abadie and Imbens (2006), theorems 6 and 7; (2011) for the adjustment.
///
/// # Errors
/// Lengths, values that are not finite or not binary; fewer than two rows in an arm; row weights or units with several
/// rows, for which this error is not known.
///
/// ```
/// use ceteris_effect::Column;
/// use ceteris_estimate::learner::Design;
/// use ceteris_estimate::matching::{MatchingParams, matching};
/// use ceteris_estimate::Sample;
/// use ceteris_stats::Unit;
/// let x = Design::from_columns(vec![(Column::numeric("x"), vec![0.0, 0.1, 5.0, 5.1, 9.0])])?;
/// let (y, d) = ([3.0, 1.0, 8.0, 4.0, 9.0], [1.0, 0.0, 1.0, 0.0, 0.0]);
/// let unit = Unit::one_per_row(5);
/// let sample = Sample { y: &y[..], d: &d[..], z: None, x: &x, weight: None, unit: &unit, cluster: None };
/// let plain = MatchingParams { adjust: false, ..MatchingParams::default() };
/// let fit = matching(&plain, &sample)?;
/// assert_eq!(fit.estimate.estimate, 3.0); // 3 - 1 and 8 - 4
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn matching(params: &MatchingParams, sample: &Sample<'_>) -> Result<Matched, MatchingError> {
    let arms = check(params, sample)?;
    let Sample { y, x, .. } = *sample;
    let points = Points::new(x, params.metric).map_err(MatchingError::Metric)?;
    let of = |arm: usize| -> Vec<usize> { (0..arms.len()).filter(|&i| arms[i] == arm).collect() };
    let groups = [of(0), of(1)];
    let regressions = if params.adjust {
        let of = |arm: usize| regression(x, y, &groups[arm]).map_err(MatchingError::Adjustment);
        Some([of(0)?, of(1)?])
    } else {
        None
    };

    let mut matches = Vec::new();
    for arm in averaged(params.estimand) {
        let (from, among) = (&groups[arm], &groups[1 - arm]);
        for (&row, partners) in from.iter().zip(points.nearest(from, among, params.neighbours)) {
            let fill = |j: &usize| match &regressions {
                None => y[*j],
                Some(mu) => y[*j] + mu[1 - arm][row] - mu[1 - arm][*j],
            };
            let other = partners.iter().map(fill).sum::<f64>() / partners.len() as f64;
            let effect = if arm == 1 { y[row] - other } else { other - y[row] };
            matches.push(Match {
                row,
                partners,
                effect,
            });
        }
    }
    matches.sort_unstable_by_key(|m| m.row);
    let variances = [0, 1].map(|arm: usize| conditional_variances(&points, &groups[arm], y));
    let mut sigma2 = vec![0.0; y.len()];
    for (group, variances) in groups.iter().zip(variances) {
        group.iter().zip(variances).for_each(|(&i, v)| sigma2[i] = v);
    }
    Ok(Matched {
        estimate: estimate(params.estimand, &matches, &sigma2, y.len()),
        estimand: params.estimand,
        matches,
    })
}

/// The arms whose rows are averaged over.
fn averaged(estimand: MatchedEstimand) -> Vec<usize> {
    match estimand {
        MatchedEstimand::Ate => vec![0, 1],
        MatchedEstimand::Att => vec![1],
        MatchedEstimand::Atc => vec![0],
    }
}

/// The mean of the matches' effects. With a share `s_ij` of row i's matches in row j, `K_j = sum_i s_ij` and
/// `K2_j = sum_i s_ij^2`, its variance is `sum (effect - mean)^2 + sum_j (K_j^2 + (2 K_j) - K2_j) sigma_j^2` over N^2,
/// the term in brackets where j is averaged over itself.
fn estimate(estimand: MatchedEstimand, matches: &[Match], sigma2: &[f64], n: usize) -> Estimate {
    let size = matches.len() as f64;
    let mean = matches.iter().map(|m| m.effect).sum::<f64>() / size;
    let (mut used, mut squared) = (vec![0.0; n], vec![0.0; n]);
    for m in matches {
        let share = 1.0 / m.partners.len() as f64;
        for &j in &m.partners {
            used[j] += share;
            squared[j] += share * share;
        }
    }
    let spread: f64 = matches.iter().map(|m| (m.effect - mean).powi(2)).sum();
    let own = if estimand == MatchedEstimand::Ate {
        2.0
    } else {
        0.0
    };
    let reused: f64 = (0..n)
        .map(|j| (used[j] * used[j] + own * used[j] - squared[j]) * sigma2[j])
        .sum();
    Estimate {
        estimate: mean,
        std_error: (spread + reused).sqrt() / size,
        n,
        clusters: n,
        df: degrees_of_freedom(n),
    }
}

/// Each row's outcome variance given its covariates, from its nearest rows of the same arm.
fn conditional_variances(points: &Points, group: &[usize], y: &[f64]) -> Vec<f64> {
    points
        .nearest(group, group, VARIANCE_NEIGHBOURS)
        .iter()
        .zip(group)
        .map(|(near, &i)| {
            let j = near.len() as f64;
            let mean = near.iter().map(|&k| y[k]).sum::<f64>() / j;
            j / (j + 1.0) * (y[i] - mean).powi(2)
        })
        .collect()
}

/// A linear regression of one arm, told for every row.
fn regression(x: &Design, y: &[f64], group: &[usize]) -> Result<Vec<f64>, LearnerError> {
    let target = ArrayView1::from(y).insert_axis(Axis(1)).select(Axis(0), group);
    let fitted =
        Linear::ols(BasisParams::LINEAR).fit(&x.select(group), target.view(), &vec![1.0; group.len()], 0)?;
    Ok(fitted.predict(x)?.column(0).to_vec())
}

fn check(params: &MatchingParams, sample: &Sample<'_>) -> Result<Vec<usize>, MatchingError> {
    let bad = |name, range| Err(ArgumentError::Parameter { name, range }.into());
    if params.neighbours == 0 {
        return bad("neighbours", "at least 1");
    }
    let rows = sample.check()?;
    check_values(&[("outcome", sample.y), ("treatment", sample.d)], sample.x.n())?;
    let arms = check_binary("treatment", sample.d)?;
    if rows.weights.iter().any(|v| *v != rows.weights[0]) {
        return bad("weights", "equal, for the error of matching knows no others");
    }
    if rows.clusters.count() < sample.unit.len() {
        return bad(
            "units",
            "in one row each, for the error of matching knows no clusters",
        );
    }
    let treated: usize = arms.iter().sum();
    for (arm, rows) in [(0, arms.len() - treated), (1, treated)] {
        if rows < 2 {
            return Err(MatchingError::ThinArm { arm, rows });
        }
    }
    Ok(arms)
}

#[cfg(test)]
mod tests {
    use ceteris_effect::Column;
    use ceteris_stats::Unit;

    use super::*;

    fn run(x: Vec<f64>, y: &[f64], d: &[f64], params: MatchingParams) -> Result<Matched, MatchingError> {
        let x = Design::from_columns(vec![(Column::numeric("x"), x)]).unwrap();
        matching(&params, &sample(&x, &Unit::one_per_row(x.n()), y, d))
    }

    fn sample<'a>(x: &'a Design, unit: &'a [Unit], y: &'a [f64], d: &'a [f64]) -> Sample<'a> {
        Sample {
            y,
            d,
            z: None,
            x,
            weight: None,
            unit,
            cluster: None,
        }
    }

    #[test]
    fn error_by_hand_where_a_control_serves_twice() {
        let plain = MatchingParams {
            adjust: false,
            ..MatchingParams::default()
        };
        let fit = run(
            vec![0.0, 1.0, 0.4, 50.0, 51.0, 52.0],
            &[4.0, 6.0, 1.0, 2.0, 5.0, 2.0],
            &[1.0, 1.0, 0.0, 0.0, 0.0, 0.0],
            plain,
        )
        .unwrap();
        // Effects 3 and 5; the control at .4 is used twice: K = 2, K2 = 2. Its two nearest controls average 3.5.
        assert_eq!(fit.estimate.estimate, 4.0);
        let sigma2 = 2.0 / 3.0 * 2.5 * 2.5;
        let squares: f64 = 2.0 + (4.0 - 2.0) * sigma2;
        assert!((fit.estimate.std_error - squares.sqrt() / 2.0).abs() < 1e-12);
    }

    #[test]
    fn adjustment_takes_away_the_bias_of_distance() {
        // y = 10 x + 2 d exactly; every treated row stands one step right of its control.
        let x: Vec<f64> = (0..20).map(f64::from).collect();
        let d: Vec<f64> = (0..20).map(|i| f64::from(i % 2)).collect();
        let y: Vec<f64> = x.iter().zip(&d).map(|(x, d)| 10.0 * x + 2.0 * d).collect();
        for estimand in [MatchedEstimand::Ate, MatchedEstimand::Att, MatchedEstimand::Atc] {
            let params = MatchingParams {
                estimand,
                ..MatchingParams::default()
            };
            let fit = run(x.clone(), &y, &d, params).unwrap();
            assert!((fit.estimate.estimate - 2.0).abs() < 1e-9, "{:?}", fit.estimate);
        }
    }

    #[test]
    fn what_its_error_does_not_know_is_refused() {
        let x = Design::from_columns(vec![(Column::numeric("x"), vec![0.0, 1.0, 2.0, 3.0])]).unwrap();
        let units = [1, 1, 2, 3].map(Unit::from);
        let refused = matching(
            &MatchingParams::default(),
            &sample(&x, &units, &[0.0; 4], &[0.0, 1.0, 0.0, 1.0]),
        );
        let Err(MatchingError::Argument(refused)) = refused else {
            panic!("units of several rows were matched");
        };
        assert!(matches!(refused, ArgumentError::Parameter { name: "units", .. }));
        let one = run(
            vec![0.0, 1.0, 2.0],
            &[0.0; 3],
            &[0.0, 1.0, 0.0],
            MatchingParams::default(),
        );
        assert!(matches!(one, Err(MatchingError::ThinArm { arm: 1, .. })));
    }
}
