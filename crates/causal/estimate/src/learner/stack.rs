//! Stacking: the mixture of learners that predicts best what none of them has seen.

use ceteris_stats::linalg::{Cholesky, weighted_gram};
use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::inner::inner_folds;
use super::regression::check_classes;
use super::{
    Classifier, Design, FittedClassifier, FittedRegressor, LearnerError, LearnerFlag, Regressor, check_rows,
};

/// Folds of the comparison. Three, for every learner is fitted once more on each.
const FOLDS: usize = 3;
/// Relative pivot below which two learners predict the same.
const ALIAS_TOLERANCE: f64 = 1e-10;

/// A convex mixture of learners with the least squared error (Brier score for probabilities) on rows held out.
///
/// Non-negative shares that sum to one cannot leave the range of what the learners say, so a probability stays one. A
/// learner that cannot be fitted is left out; at least one must be.
///
/// Source: Wolpert (1992); van der Laan, Polley and Hubbard (2007).
pub struct Stack<L: ?Sized> {
    learners: Vec<Box<L>>,
}

impl<L: ?Sized> Stack<L> {
    /// A mixture of these; at most six, for all their subsets are compared.
    ///
    /// # Errors
    /// [`LearnerError::Parameter`] for no learners or more than six.
    pub fn new(learners: Vec<Box<L>>) -> Result<Self, LearnerError> {
        if (1..=6).contains(&learners.len()) {
            Ok(Stack { learners })
        } else {
            Err(LearnerError::Parameter {
                name: "learners",
                range: "from 1 to 6",
            })
        }
    }
}

impl Regressor for Stack<dyn Regressor> {
    fn name(&self) -> &'static str {
        "auto"
    }

    fn fit(
        &self,
        x: &Design,
        y: ArrayView2<f64>,
        w: &[f64],
        seed: u64,
    ) -> Result<Box<dyn FittedRegressor>, LearnerError> {
        let w = check_rows(x, Some(y), w)?;
        let seen = self.learners.iter().map(|learner| {
            held_out(x, &[], seed, y.ncols(), |training, held| {
                let train_w: Vec<f64> = training.iter().map(|&i| w[i]).collect();
                let target = y.select(Axis(0), training);
                learner
                    .fit(&x.select(training), target.view(), &train_w, seed)?
                    .predict(&x.select(held))
            })
        });
        let (kept, seen) = usable(seen)?;
        let shares: Vec<Vec<f64>> = (0..y.ncols())
            .map(|target| {
                let of = Array2::from_shape_fn((x.n(), kept.len()), |(i, l)| seen[l][[i, target]]);
                simplex(of.view(), &y.column(target).to_vec(), &w)
            })
            .collect();
        let (mut parts, mut flags) = (Vec::new(), Vec::new());
        for (l, &learner) in kept.iter().enumerate() {
            let own: Vec<f64> = shares.iter().map(|s| s[l]).collect();
            if own.iter().any(|s| *s > 0.0) {
                let fitted = self.learners[learner].fit(x, y, &w, seed)?;
                flags.extend_from_slice(fitted.flags());
                parts.push((own, fitted));
            }
        }
        Ok(Box::new(FittedMixture { parts, flags }))
    }
}

impl Classifier for Stack<dyn Classifier> {
    fn name(&self) -> &'static str {
        "auto"
    }

    fn fit(
        &self,
        x: &Design,
        classes: &[usize],
        n_classes: usize,
        w: &[f64],
        seed: u64,
    ) -> Result<Box<dyn FittedClassifier>, LearnerError> {
        let w = check_rows(x, None, w)?;
        check_classes(x, classes, n_classes, &w)?;
        let seen = self.learners.iter().map(|learner| {
            held_out(x, classes, seed, n_classes, |training, held| {
                let train_w: Vec<f64> = training.iter().map(|&i| w[i]).collect();
                let train_c: Vec<usize> = training.iter().map(|&i| classes[i]).collect();
                learner
                    .fit(&x.select(training), &train_c, n_classes, &train_w, seed)?
                    .predict(&x.select(held))
            })
        });
        let (kept, seen) = usable(seen)?;
        // The Brier score adds up over classes: rows of all of them, one below the other.
        let rows = x.n() * n_classes;
        let of = Array2::from_shape_fn((rows, kept.len()), |(r, l)| {
            seen[l][[r / n_classes, r % n_classes]]
        });
        let hit = |r: usize| f64::from(u8::from(classes[r / n_classes] == r % n_classes));
        let y: Vec<f64> = (0..rows).map(hit).collect();
        let wide: Vec<f64> = (0..rows).map(|r| w[r / n_classes]).collect();
        let shares = simplex(of.view(), &y, &wide);
        let (mut parts, mut flags) = (Vec::new(), Vec::new());
        for (&learner, share) in kept.iter().zip(shares).filter(|(_, s)| *s > 0.0) {
            let fitted = self.learners[learner].fit(x, classes, n_classes, &w, seed)?;
            flags.extend_from_slice(fitted.flags());
            parts.push((vec![share; n_classes], fitted));
        }
        Ok(Box::new(FittedMixture { parts, flags }))
    }
}

/// Predictions for every row by fits that have not seen its unit.
fn held_out(
    x: &Design,
    strata: &[usize],
    seed: u64,
    width: usize,
    fit: impl Fn(&[usize], &[usize]) -> Result<Array2<f64>, LearnerError>,
) -> Result<Array2<f64>, LearnerError> {
    let folds = inner_folds(x, strata, FOLDS, seed).ok_or(LearnerError::NoRows)?;
    folds.predict(width, fit)
}

/// The learners that could be fitted, with their predictions; the first one's reason where none could.
fn usable(
    seen: impl Iterator<Item = Result<Array2<f64>, LearnerError>>,
) -> Result<(Vec<usize>, Vec<Array2<f64>>), LearnerError> {
    let (mut kept, mut predictions, mut first) = (Vec::new(), Vec::new(), None);
    for (l, result) in seen.enumerate() {
        match result {
            Ok(p) => {
                kept.push(l);
                predictions.push(p);
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    match first {
        Some(error) if kept.is_empty() => Err(error),
        _ => Ok((kept, predictions)),
    }
}

/// Shares, non-negative and of sum one, with the least weighted squared error of `predictions` (n × L) for `y`.
///
/// Every subset's best shares of sum one are computed; the best subset whose shares are all non-negative is the optimum.
fn simplex(predictions: ArrayView2<f64>, y: &[f64], w: &[f64]) -> Vec<f64> {
    let l = predictions.ncols();
    // Errors about y: with shares of sum one the mixture's error is the mixture of errors.
    let errors = Array2::from_shape_fn(predictions.dim(), |(i, k)| predictions[[i, k]] - y[i]);
    let gram = weighted_gram(errors.view(), w);
    let mut best = (f64::INFINITY, vec![0.0; l]);
    for set in 1u32..1 << l {
        let members: Vec<usize> = (0..l).filter(|k| set >> k & 1 == 1).collect();
        let Some(shares) = sum_one(&gram, &members) else {
            continue;
        };
        if shares.iter().any(|s| *s < 0.0) {
            continue;
        }
        let mut all = Array1::zeros(l);
        members.iter().zip(&shares).for_each(|(&k, s)| all[k] = *s);
        let loss = all.dot(&gram.dot(&all));
        // A larger set must earn its place beyond rounding.
        if loss < best.0 * (1.0 - 1e-12) || best.0.is_infinite() {
            best = (loss, all.to_vec());
        }
    }
    best.1
}

/// `argmin s'Gs` with shares of sum one over `members`: proportional to `G^-1 1`. None where members predict the same.
fn sum_one(gram: &Array2<f64>, members: &[usize]) -> Option<Vec<f64>> {
    if let [_] = members {
        return Some(vec![1.0]);
    }
    let k = members.len();
    let sub = Array2::from_shape_fn((k, k), |(i, j)| gram[[members[i], members[j]]]);
    let chol = Cholesky::new(&sub, ALIAS_TOLERANCE);
    if chol.rank() < k {
        return None;
    }
    let raw = chol.solve(&vec![1.0; k]);
    let sum: f64 = raw.iter().sum();
    (sum > 0.0).then(|| raw.iter().map(|r| r / sum).collect())
}

/// Fitted learners with their shares, one for each column of the prediction.
struct FittedMixture<F: ?Sized> {
    parts: Vec<(Vec<f64>, Box<F>)>,
    flags: Vec<LearnerFlag>,
}

impl<F: ?Sized> FittedMixture<F> {
    fn mix(
        &self,
        predict: impl Fn(&F) -> Result<Array2<f64>, LearnerError>,
    ) -> Result<Array2<f64>, LearnerError> {
        let mut sum: Option<Array2<f64>> = None;
        for (shares, part) in &self.parts {
            let mut p = predict(part)?;
            for (mut column, share) in p.axis_iter_mut(Axis(1)).zip(shares) {
                column.mapv_inplace(|v| v * share);
            }
            sum = Some(match sum {
                None => p,
                Some(s) => s + p,
            });
        }
        sum.ok_or(LearnerError::NoRows)
    }
}

impl FittedRegressor for FittedMixture<dyn FittedRegressor> {
    fn predict(&self, x: &Design) -> Result<Array2<f64>, LearnerError> {
        self.mix(|part| part.predict(x))
    }

    fn flags(&self) -> &[LearnerFlag] {
        &self.flags
    }
}

impl FittedClassifier for FittedMixture<dyn FittedClassifier> {
    fn predict(&self, x: &Design) -> Result<Array2<f64>, LearnerError> {
        self.mix(|part| part.predict(x))
    }

    fn flags(&self) -> &[LearnerFlag] {
        &self.flags
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn shares_by_hand() {
        // Errors 1, -1 and -1, 1 cancel; a third learner of errors 3, 3 has no place.
        let y = [0.0, 0.0];
        let p = array![[1.0, -1.0, 3.0], [-1.0, 1.0, 3.0]];
        let s = simplex(p.view(), &y, &[1.0, 1.0]);
        // The first two are each other's mirror image: alone their Gram matrix is singular, so one of them mixes with the
        // third where that helps; here it does not.
        assert!((s.iter().sum::<f64>() - 1.0).abs() < 1e-12 && s.iter().all(|s| *s >= 0.0));
        let q = array![[1.0, -1.0], [1.0, -3.0], [-1.0, 0.5]];
        let s = simplex(q.view(), &[0.0; 3], &[1.0; 3]);
        // Minimise 3 a^2 - 9 a (1 - a) + 10.25 (1 - a)^2: a = (4.5 + 10.25) / (3 + 9 + 10.25).
        assert!((s[0] - 14.75 / 22.25).abs() < 1e-12, "{s:?}");
    }
}
