//! Binary and multinomial logistic regression on a basis, with row weights: `logit` and `logit_l2`.
//!
//! linfa's logistic regression takes no row weights, so the iterations are our own.

use ndarray::{Array2, ArrayView2, Axis, s};

use super::newton::Multinomial;
use super::standardise::Centred;
use crate::learner::{
    BasisParams, Classifier, Design, FittedBasis, FittedClassifier, FittedRegressor, LearnerError,
    LearnerFlag, Regressor, check_rows,
};

/// A training row predicted closer to 0 than this means that the classes separate.
const SEPARATION_PROBABILITY: f64 = 1e-9;

/// Multinomial logistic regression on a basis expansion.
///
/// Maximises `sum_i w_i log p_{a_i}(x_i) - lambda/2 |b|^2` with weights of mean one over standardised basis columns;
/// intercepts are not penalised. With two classes it is the usual binary regression.
///
/// | parameter | meaning |
/// |---|---|
/// | `basis` | how columns are expanded, fitted on the training rows |
/// | `lambda` | 0 is maximum likelihood (`logit`), above 0 penalised (`logit_l2`; 1 is scikit-learn's `C = 1`) |
///
/// Where the classes separate, iterations end at a finite point with [`LearnerFlag::Separated`]; nothing is NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logistic {
    /// How columns are expanded.
    pub basis: BasisParams,
    /// Quadratic penalty.
    pub lambda: f64,
}

impl Logistic {
    /// Unpenalised maximum likelihood.
    pub const fn logit(basis: BasisParams) -> Self {
        Logistic { basis, lambda: 0.0 }
    }

    /// Penalised likelihood.
    pub const fn logit_l2(basis: BasisParams, lambda: f64) -> Self {
        Logistic { basis, lambda }
    }
}

impl Classifier for Logistic {
    fn name(&self) -> &'static str {
        if self.lambda > 0.0 { "logit_l2" } else { "logit" }
    }

    fn fit(
        &self,
        x: &Design,
        classes: &[usize],
        n_classes: usize,
        w: &[f64],
        _seed: u64,
    ) -> Result<Box<dyn FittedClassifier>, LearnerError> {
        if !(self.lambda.is_finite() && self.lambda >= 0.0) {
            return Err(LearnerError::Parameter {
                name: "lambda",
                range: "zero or more",
            });
        }
        let w = check_rows(x, None, w)?;
        check_classes(x, classes, n_classes, &w)?;
        let mut basis = self.basis.fit_but_means(x, &w)?;
        let Centred { z, about, variance } = Centred::of(&mut basis, x, &w)?;
        let penalties = variance.iter().map(|v| self.lambda * v);
        let optimum = Multinomial {
            z: z.view(),
            classes,
            n_classes,
            w: &w,
            penalties: &penalties.collect::<Vec<_>>(),
        }
        .maximise();

        let mut theta = optimum.theta;
        for (i, about) in about.iter().enumerate() {
            for k in 0..n_classes - 1 {
                theta[[0, k]] -= theta[[i + 1, k]] * about;
            }
        }
        let constant = variance.iter().filter(|v| **v == 0.0).count();
        let mut flags = Vec::new();
        if optimum.aliased && constant == 0 {
            flags.push(LearnerFlag::RankDeficient);
        }
        if optimum.lowest < SEPARATION_PROBABILITY {
            flags.push(LearnerFlag::Separated);
        }
        if !optimum.converged {
            flags.push(LearnerFlag::NotConverged);
        }
        Ok(Box::new(FittedLogistic { basis, theta, flags }))
    }
}

pub(in crate::learner) fn check_classes(
    x: &Design,
    classes: &[usize],
    n_classes: usize,
    w: &[f64],
) -> Result<(), LearnerError> {
    if classes.len() != x.n() {
        return Err(LearnerError::Length {
            what: "classes",
            found: classes.len(),
            rows: x.n(),
        });
    }
    if n_classes < 2 {
        return Err(LearnerError::EmptyClass { class: 1, n_classes });
    }
    let mut seen = vec![false; n_classes];
    for (&class, w) in classes.iter().zip(w) {
        *seen
            .get_mut(class)
            .ok_or(LearnerError::EmptyClass { class, n_classes })? |= *w > 0.0;
    }
    seen.iter()
        .position(|s| !s)
        .map_or(Ok(()), |class| Err(LearnerError::EmptyClass { class, n_classes }))
}

struct FittedLogistic {
    basis: FittedBasis,
    /// (1 + width) × (K − 1) on the raw basis.
    theta: Array2<f64>,
    flags: Vec<LearnerFlag>,
}

impl FittedClassifier for FittedLogistic {
    fn predict(&self, x: &Design) -> Result<Array2<f64>, LearnerError> {
        let (intercept, slopes) = (self.theta.row(0), self.theta.slice(s![1.., ..]));
        self.basis.in_blocks(x, self.theta.ncols() + 1, |terms, mut p| {
            p.slice_mut(s![.., 1..]).assign(&(terms.dot(&slopes) + intercept));
            for mut row in p.outer_iter_mut() {
                let top = row.fold(0.0f64, |m, v| m.max(*v));
                row.mapv_inplace(|v| (v - top).exp());
                let sum = row.sum();
                row.mapv_inplace(|v| v / sum);
            }
        })
    }

    fn flags(&self) -> &[LearnerFlag] {
        &self.flags
    }
}

/// The probability that a 0/1 target is 1, learned by a classifier: a [`Regressor`] for binary targets.
///
/// Lets a partially linear model regress a binary treatment by a logistic regression.
#[derive(Clone, Copy, Debug)]
pub struct Probability<C>(pub C);

struct FittedProbability {
    targets: Vec<Box<dyn FittedClassifier>>,
    flags: Vec<LearnerFlag>,
}

impl<C: Classifier> Regressor for Probability<C> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn fit(
        &self,
        x: &Design,
        y: ArrayView2<f64>,
        w: &[f64],
        seed: u64,
    ) -> Result<Box<dyn FittedRegressor>, LearnerError> {
        let mut fitted = FittedProbability {
            targets: Vec::new(),
            flags: Vec::new(),
        };
        for target in y.axis_iter(Axis(1)) {
            if let Some(row) = target.iter().position(|v| *v != 0.0 && *v != 1.0) {
                return Err(LearnerError::NotBinary { row });
            }
            let classes: Vec<usize> = target.iter().map(|v| usize::from(*v == 1.0)).collect();
            let one = self.0.fit(x, &classes, 2, w, seed)?;
            fitted.flags.extend_from_slice(one.flags());
            fitted.targets.push(one);
        }
        Ok(Box::new(fitted))
    }
}

impl FittedRegressor for FittedProbability {
    fn predict(&self, x: &Design) -> Result<Array2<f64>, LearnerError> {
        let mut out = Array2::zeros((x.n(), self.targets.len()));
        for (j, target) in self.targets.iter().enumerate() {
            out.column_mut(j).assign(&target.predict(x)?.column(1));
        }
        Ok(out)
    }

    fn flags(&self) -> &[LearnerFlag] {
        &self.flags
    }
}

#[cfg(test)]
mod tests {
    use ceteris_effect::Column;
    use ndarray::array;

    use super::*;

    fn table(v: Vec<f64>) -> Design {
        Design::from_columns(vec![(Column::numeric("x"), v)]).unwrap()
    }

    #[test]
    fn saturated_model_returns_the_weighted_shares() {
        let x = table(vec![0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
        let classes = [0, 1, 2, 2, 0, 0, 1, 2];
        let w = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 4.0];
        let p = Logistic::logit(BasisParams::LINEAR)
            .fit(&x, &classes, 3, &w, 0)
            .unwrap()
            .predict(&x)
            .unwrap();
        let expected = array![[0.25, 0.25, 0.5], [0.25, 0.25, 0.5]];
        assert!(
            (&p.slice(s![3..5, ..]) - &expected)
                .iter()
                .all(|d| d.abs() < 1e-9),
            "{p}"
        );
    }

    #[test]
    fn penalty_does_not_know_which_class_is_the_reference() {
        let x = table((0..30).map(f64::from).collect());
        let classes: Vec<usize> = (0..30).map(|i| (i * i + i / 7) % 3).collect();
        let swapped: Vec<usize> = classes.iter().map(|c| (c + 1) % 3).collect();
        let l2 = Logistic::logit_l2(BasisParams::spline(4), 2.0);
        let p = l2
            .fit(&x, &classes, 3, &[1.0; 30], 0)
            .unwrap()
            .predict(&x)
            .unwrap();
        let q = l2
            .fit(&x, &swapped, 3, &[1.0; 30], 0)
            .unwrap()
            .predict(&x)
            .unwrap();
        for i in 0..30 {
            for c in 0..3 {
                assert!((p[[i, c]] - q[[i, (c + 1) % 3]]).abs() < 1e-8);
            }
        }
    }

    #[test]
    fn first_order_condition_of_the_binary_penalised_fit() {
        let v: Vec<f64> = vec![-1.0, 1.0, -1.0, 1.0, 1.0, -1.0];
        let classes = [0, 1, 1, 1, 0, 0];
        let fit =
            Logistic::logit_l2(BasisParams::LINEAR, 1.0).fit(&table(v.clone()), &classes, 2, &[1.0; 6], 0);
        let p = fit.unwrap().predict(&table(vec![-1.0, 1.0])).unwrap();
        let b = ((p[[1, 1]] / p[[1, 0]]).ln() - (p[[0, 1]] / p[[0, 0]]).ln()) / 2.0;
        let score: f64 = v
            .iter()
            .zip(&classes)
            .map(|(x, &c)| x * (c as f64 - p[[usize::from(*x > 0.0), 1]]))
            .sum();
        assert!((score - b).abs() < 1e-6, "{score} {b}");
    }

    #[test]
    fn first_order_condition_of_three_classes_over_many_blocks() {
        let n = 5_000;
        let v: Vec<f64> = (0..n).map(|i| ((i * 7919) % 1009) as f64 / 100.0).collect();
        let classes: Vec<usize> = (0..n)
            .map(|i| (v[i] + ((i * 104_729) % 997) as f64 / 100.0) as usize % 3)
            .collect();
        let w: Vec<f64> = (0..n).map(|i| 0.5 + (i % 4) as f64).collect();
        let fit = Logistic::logit(BasisParams::LINEAR).fit(&table(v.clone()), &classes, 3, &w, 0);
        let fit = fit.unwrap();
        assert!(fit.flags().is_empty());
        let p = fit.predict(&table(v.clone())).unwrap();
        for k in 0..3 {
            let residual = |i: usize| w[i] * (f64::from(u8::from(classes[i] == k)) - p[[i, k]]);
            let sums = (0..n).fold((0.0, 0.0), |s, i| (s.0 + residual(i), s.1 + v[i] * residual(i)));
            // Their own spread is some tens and hundreds.
            assert!(sums.0.abs() < 1e-6 && sums.1.abs() < 1e-5, "{sums:?}");
        }
    }

    #[test]
    fn a_table_sorted_by_class_is_learned_as_any() {
        // The blocks that are climbed on first hold hardly anything but the first class.
        let n = 16_000;
        let v: Vec<f64> = (0..n).map(|i| ((i * 7919) % 1009) as f64 / 1009.0).collect();
        let class = |i: usize| usize::from(v[i] + ((i * 104_729) % 997) as f64 / 300.0 > 3.0);
        let mut order: Vec<usize> = (0..n).collect();
        let fit = |order: &[usize]| {
            let classes: Vec<usize> = order.iter().map(|&i| class(i)).collect();
            let x = table(order.iter().map(|&i| v[i]).collect());
            let fit = Logistic::logit(BasisParams::LINEAR).fit(&x, &classes, 2, &vec![1.0; n], 0);
            let fit = fit.unwrap();
            assert!(fit.flags().is_empty());
            fit.predict(&table(vec![0.0, 1.0])).unwrap()
        };
        let mixed = fit(&order);
        for reverse in [0, 1] {
            order.sort_by_key(|&i| class(i) ^ reverse);
            let gap = &fit(&order) - &mixed;
            assert!(gap.iter().all(|d| d.abs() < 1e-8), "{gap}");
        }
    }

    #[test]
    fn separation_is_flagged_and_finite() {
        let x = table((0..20).map(f64::from).collect());
        let classes: Vec<usize> = (0..20).map(|i| usize::from(i >= 10)).collect();
        let fit = Logistic::logit(BasisParams::LINEAR)
            .fit(&x, &classes, 2, &[1.0; 20], 0)
            .unwrap();
        assert!(fit.flags().contains(&LearnerFlag::Separated));
        assert!(fit.predict(&x).unwrap().iter().all(|p| p.is_finite()));
        let calm = Logistic::logit_l2(BasisParams::LINEAR, 1.0)
            .fit(&x, &classes, 2, &[1.0; 20], 0)
            .unwrap();
        assert!(calm.flags().is_empty());
    }

    #[test]
    fn a_class_without_rows_is_an_error() {
        let x = table(vec![0.0, 1.0]);
        let err = Logistic::logit(BasisParams::LINEAR)
            .fit(&x, &[0, 0], 2, &[1.0; 2], 0)
            .err();
        assert_eq!(
            err,
            Some(LearnerError::EmptyClass {
                class: 1,
                n_classes: 2
            })
        );
    }
}
