//! Probability calibration: what a classifier says is mapped to how often it was right about rows it had not seen.

use ceteris_effect::Column;
use ndarray::Array2;

use super::inner::inner_folds;
use super::regression::check_classes;
use super::{
    BasisParams, Classifier, Design, FittedClassifier, LearnerError, LearnerFlag, Logistic, check_rows,
};

/// Folds on which the map is learned.
const FOLDS: usize = 5;
/// Probabilities are taken to lie this far inside (0, 1) before their log odds are formed.
const INSIDE: f64 = 1e-6;

/// How a map is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calibration {
    /// The best increasing step function (Zadrozny and Elkan 2002): any monotone distortion, needs many rows.
    Isotonic,
    /// A logistic regression on the log odds (Platt 1999): two numbers.
    Platt,
}

/// A classifier followed by a calibration map, learned on cross-fitted predictions; the classifier itself is then
/// fitted on all rows. With more than two classes each has its map, and rows are made to sum to one.
#[derive(Clone, Copy, Debug)]
pub struct Calibrated<C> {
    /// The classifier.
    pub classifier: C,
    /// How the map is learned.
    pub calibration: Calibration,
}

impl<C: Classifier> Classifier for Calibrated<C> {
    fn name(&self) -> &'static str {
        self.classifier.name()
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
        let folds = inner_folds(x, classes, FOLDS, seed).ok_or(LearnerError::NoRows)?;
        let seen = folds.predict(n_classes, |training, held| {
            let train_w: Vec<f64> = training.iter().map(|&i| w[i]).collect();
            let train_c: Vec<usize> = training.iter().map(|&i| classes[i]).collect();
            self.classifier
                .fit(&x.select(training), &train_c, n_classes, &train_w, seed)?
                .predict(&x.select(held))
        })?;
        let first = usize::from(n_classes == 2);
        let maps = (first..n_classes)
            .map(|class| {
                let said = seen.column(class).to_vec();
                let hit: Vec<usize> = classes.iter().map(|c| usize::from(*c == class)).collect();
                Map::learn(self.calibration, &said, &hit, &w)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let inner = self.classifier.fit(x, classes, n_classes, &w, seed)?;
        Ok(Box::new(FittedCalibrated { inner, maps }))
    }
}

/// One class's map.
enum Map {
    /// Steps: from each value said on, the share seen.
    Steps(Vec<(f64, f64)>),
    Odds(Box<dyn FittedClassifier>),
}

impl Map {
    fn learn(calibration: Calibration, said: &[f64], hit: &[usize], w: &[f64]) -> Result<Map, LearnerError> {
        match calibration {
            Calibration::Isotonic => Ok(Map::Steps(increasing(said, hit, w))),
            Calibration::Platt => {
                let map = Logistic::logit_l2(BasisParams::LINEAR, 1e-6);
                Ok(Map::Odds(map.fit(&log_odds(said)?, hit, 2, w, 0)?))
            }
        }
    }

    fn apply(&self, said: &[f64]) -> Result<Vec<f64>, LearnerError> {
        match self {
            Map::Steps(steps) => Ok(said.iter().map(|p| step(steps, *p)).collect()),
            Map::Odds(map) => Ok(map.predict(&log_odds(said)?)?.column(1).to_vec()),
        }
    }
}

fn log_odds(p: &[f64]) -> Result<Design, LearnerError> {
    let odds = |p: &f64| {
        let p = p.clamp(INSIDE, 1.0 - INSIDE);
        (p / (1.0 - p)).ln()
    };
    Design::from_columns(vec![(Column::numeric("log_odds"), p.iter().map(odds).collect())])
        .map_err(|_| LearnerError::Target { row: 0 })
}

/// The weighted least squares increasing fit, by pooling neighbours that fall: (first value of a pool, its share).
fn increasing(said: &[f64], hit: &[usize], w: &[f64]) -> Vec<(f64, f64)> {
    let mut order: Vec<usize> = (0..said.len()).filter(|&i| w[i] > 0.0).collect();
    order.sort_unstable_by(|&a, &b| said[a].total_cmp(&said[b]).then(a.cmp(&b)));
    // (first value, weight, weighted hits)
    let mut pools: Vec<(f64, f64, f64)> = Vec::new();
    for i in order {
        let next = (said[i], w[i], w[i] * hit[i] as f64);
        match pools.last_mut() {
            Some(last) if last.0 == next.0 => {
                last.1 += next.1;
                last.2 += next.2;
            }
            _ => pools.push(next),
        }
    }
    let mut steps: Vec<(f64, f64, f64)> = Vec::new();
    for pool in pools {
        steps.push(pool);
        while let [.., a, b] = steps.as_slice() {
            if a.2 * b.1 < b.2 * a.1 {
                break;
            }
            let merged = (a.0, a.1 + b.1, a.2 + b.2);
            steps.truncate(steps.len() - 2);
            steps.push(merged);
        }
    }
    steps
        .into_iter()
        .map(|(from, weight, hits)| (from, hits / weight))
        .collect()
}

fn step(steps: &[(f64, f64)], p: f64) -> f64 {
    let at = steps.partition_point(|(from, _)| *from <= p);
    steps.get(at.saturating_sub(1)).map_or(p, |(_, share)| *share)
}

struct FittedCalibrated {
    inner: Box<dyn FittedClassifier>,
    maps: Vec<Map>,
}

impl FittedClassifier for FittedCalibrated {
    fn predict(&self, x: &Design) -> Result<Array2<f64>, LearnerError> {
        let mut p = self.inner.predict(x)?;
        let first = p.ncols() - self.maps.len();
        for (k, map) in self.maps.iter().enumerate() {
            let mapped = map.apply(&p.column(k + first).to_vec())?;
            p.column_mut(k + first)
                .iter_mut()
                .zip(mapped)
                .for_each(|(p, m)| *p = m);
        }
        for mut row in p.outer_iter_mut() {
            if first == 1 {
                row[0] = 1.0 - row[1];
            } else {
                let (sum, even) = (row.sum(), 1.0 / row.len() as f64);
                row.mapv_inplace(|v| if sum > 0.0 { v / sum } else { even });
            }
        }
        Ok(p)
    }

    fn flags(&self) -> &[LearnerFlag] {
        self.inner.flags()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_that_fall_are_pooled() {
        let said = [0.1, 0.2, 0.3, 0.4, 0.5];
        let steps = increasing(&said, &[0, 1, 0, 1, 1], &[1.0, 1.0, 1.0, 1.0, 2.0]);
        assert_eq!(steps, [(0.1, 0.0), (0.2, 0.5), (0.4, 1.0)]);
        assert_eq!(
            (step(&steps, 0.05), step(&steps, 0.35), step(&steps, 0.9)),
            (0.0, 0.5, 1.0)
        );
    }
}
