//! The dose-response recipe: the partially linear model with a basis of the dose in place of the dose.

use ceteris_effect::Column;
use ceteris_stats::linalg::{Cholesky, weighted_cross, weighted_gram};
use ndarray::{Array1, Array2, Axis};

use super::{DmlError, FlagCount, PartiallyLinearLearners, ValidDmlParams};
use crate::argument::check_values;
use crate::crossfit::{Nuisance, Plan};
use crate::inference::{Estimate, InferenceError, Joint};
use crate::learner::{BasisParams, Design, FittedBasis, LearnerError, NumericBasis};
use crate::progress::Watch;
use crate::sample::Sample;

/// Relative pivot below which a residual dose term counts as a combination of others.
const ALIAS_TOLERANCE: f64 = 1e-10;

/// A fitted dose-response curve, known up to a constant: its contrasts between doses.
#[derive(Clone, Debug)]
pub struct FittedDose {
    basis: FittedBasis,
    coefficients: Joint,
    support: [f64; 2],
    /// Nuisances of the first cutting.
    pub nuisances: DoseNuisances,
    /// What the learners flagged.
    pub flags: Vec<FlagCount>,
}

/// Cross-fitted nuisances of the dose-response model, one row a row.
#[derive(Clone, Debug, PartialEq)]
pub struct DoseNuisances {
    /// E[y | x].
    pub l_hat: Vec<f64>,
    /// The dose's terms.
    pub phi: Array2<f64>,
    /// E[phi | x].
    pub m_hat: Array2<f64>,
}

/// Estimates theta in `y = theta' phi(d) + g(x) + e` for a continuous dose d, phi a polynomial or natural spline:
/// l = E[y|x] and each E[phi_j(d)|x] are partialled out, and residual is regressed on residuals.
///
/// `m` learns all terms of the dose in one fit. Over repeats, coefficients and influence are averaged.
///
/// Source: Chernozhukov et al. (2018), section 4.1, with several treatments.
///
/// # Errors
/// As [`super::partially_linear`]; [`InferenceError::NotDetermined`] where the covariates leave some term of the dose
/// no variation; a basis out of range.
///
/// ```
/// use ceteris_effect::Column;
/// use ceteris_estimate::dml::{DmlParams, PartiallyLinearLearners, dose_response};
/// use ceteris_estimate::learner::{BasisParams, Design, Linear, NumericBasis};
/// use ceteris_estimate::{Sample, unwatched};
/// use ceteris_stats::Unit;
/// let x = Design::from_columns(vec![(Column::numeric("x"), (0..90).map(|i| f64::from(i % 10)).collect())])?;
/// let d: Vec<f64> = (0..90).map(|i| f64::from(i / 10)).collect();
/// let y: Vec<f64> = (0..90).map(|i| d[i] * d[i] + f64::from(i as u32 % 10)).collect();
/// let unit = Unit::one_per_row(90);
/// let sample = Sample { y: &y[..], d: &d[..], z: None, x: &x, weight: None, unit: &unit, cluster: None };
/// let ols = Linear::ols(BasisParams::LINEAR);
/// let learners = PartiallyLinearLearners { l: &ols, m: &ols };
/// let square = NumericBasis::Polynomial { degree: 2 };
/// let params = DmlParams::default().check()?;
/// let fit = dose_response(&params, &sample, square, learners, &unwatched)?;
/// assert!((fit.contrast(3.0, 1.0)?.estimate - 8.0).abs() < 1e-9);
/// assert!(fit.contrast(12.0, 1.0).is_err()); // no such dose was seen
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn dose_response(
    params: &ValidDmlParams,
    sample: &Sample<'_>,
    basis: NumericBasis,
    learners: PartiallyLinearLearners<'_>,
    watch: Watch<'_>,
) -> Result<FittedDose, DmlError> {
    let rows = sample.check()?;
    let (w, Sample { y, d, x, .. }) = (&rows.weights, *sample);
    check_values(&[("outcome", y), ("treatment", d)], x.n())?;
    let doses = dose_table(d).map_err(DmlError::DoseBasis)?;
    let basis = BasisParams {
        numeric: basis,
        interactions: false,
    };
    let basis = basis.fit(&doses, w).map_err(DmlError::DoseBasis)?;
    let phi = basis.expand(&doses).map_err(DmlError::DoseBasis)?;
    let folds = params.cut(sample, &[])?;
    let mut plan = Plan::default();
    let l = plan.add(Nuisance::mean("l", learners.l, y));
    let m = plan.add(Nuisance::means("m", learners.m, phi.view()));
    let fitted = params.cross_fit(&plan, &sample.rows(w), &folds, watch)?;

    let share = 1.0 / fitted.repeats.len() as f64;
    let mut theta = Array1::<f64>::zeros(phi.ncols());
    let mut influence = Array2::<f64>::zeros(phi.dim());
    for hats in &fitted.repeats {
        let v = &phi - hats.all(m);
        let rest: Vec<f64> = y.iter().zip(hats.only(l)).map(|(y, l)| y - l).collect();
        let (one, psi) = regress(v, &rest, w)?;
        theta.scaled_add(share, &one);
        influence.scaled_add(share, &psi);
    }
    let first = &fitted.repeats[0];
    let nuisances = DoseNuisances {
        l_hat: first.only(l),
        m_hat: first.all(m).clone(),
        phi,
    };
    let weighted = || d.iter().zip(w).filter(|(_, w)| **w > 0.0).map(|(d, _)| *d);
    Ok(FittedDose {
        basis,
        coefficients: Joint::of_influence(theta.to_vec(), influence.view(), w, &rows.clusters)?,
        support: [
            weighted().fold(f64::INFINITY, f64::min),
            weighted().fold(f64::NEG_INFINITY, f64::max),
        ],
        nuisances,
        flags: fitted.flags,
    })
}

/// Weighted least squares of `rest` on `v` without a constant, and each row's influence on it.
fn regress(v: Array2<f64>, rest: &[f64], w: &[f64]) -> Result<(Array1<f64>, Array2<f64>), DmlError> {
    let chol = Cholesky::new(&weighted_gram(v.view(), w), ALIAS_TOLERANCE);
    if v.ncols() == 0 || chol.rank() < v.ncols() {
        return Err(InferenceError::NotDetermined.into());
    }
    let target = Array1::from(rest.to_vec()).insert_axis(Axis(1));
    let cross = weighted_cross(v.view(), target.view(), w);
    let theta = Array1::from(chol.solve(&cross.column(0).to_vec()));
    let error = target.column(0).to_owned() - v.dot(&theta);
    let mut psi = v.dot(&chol.inverse());
    for ((mut row, e), w) in psi.outer_iter_mut().zip(&error).zip(w) {
        row.mapv_inplace(|p| p * e * w);
    }
    Ok((theta, psi))
}

fn dose_table(d: &[f64]) -> Result<Design, LearnerError> {
    // Doses were checked to be finite, which is all a one-column table asks.
    Design::from_columns(vec![(Column::numeric("dose"), d.to_vec())])
        .map_err(|_| LearnerError::Target { row: 0 })
}

impl FittedDose {
    /// Coefficients of the dose's basis, jointly.
    pub fn coefficients(&self) -> &Joint {
        &self.coefficients
    }

    /// Least and largest dose observed: contrasts are told inside them only.
    pub fn support(&self) -> [f64; 2] {
        self.support
    }

    /// The average effect of dose `to` against dose `from`.
    ///
    /// # Errors
    /// [`DmlError::Dose`] for a dose outside the support.
    pub fn contrast(&self, to: f64, from: f64) -> Result<Estimate, DmlError> {
        Ok(self.curve(&[to], from)?.one(0))
    }

    /// The effects of several doses against one, jointly: for bands around the whole curve.
    ///
    /// # Errors
    /// As [`FittedDose::contrast`].
    pub fn curve(&self, to: &[f64], from: f64) -> Result<Joint, DmlError> {
        let [low, high] = self.support;
        if let Some(&dose) = to.iter().chain([&from]).find(|d| !(low..=high).contains(*d)) {
            return Err(DmlError::Dose { dose, low, high });
        }
        let terms = |doses: &[f64]| {
            dose_table(doses)
                .and_then(|t| self.basis.expand(&t))
                .map_err(DmlError::DoseBasis)
        };
        Ok(self.coefficients.combine((terms(to)? - terms(&[from])?).view()))
    }
}
