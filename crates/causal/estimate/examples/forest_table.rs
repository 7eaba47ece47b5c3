//! Fits the causal forest on draws kept as csv and prints, for each, how its effects and intervals compare with the
//! truth: this house's half of `benches/forests.py`.
//!
//! `forest_table DIR NAME DRAWS TREES NUISANCE` reads `DIR/NAME-<i>-train.csv` (y, d, x...) and
//! `DIR/NAME-<i>-test.csv` (tau, x...), prints `coverage,mse,ratio,std_error,fit_s` a draw, and leaves the
//! centred outcome and treatment in `DIR/NAME-<i>-residuals.csv`, so that another engine can be given the same. With
//! `linear` the propensity chooses its penalty.
#![allow(
    clippy::disallowed_methods,
    reason = "an example takes arguments, reads files and measures time"
)]
#![allow(clippy::print_stdout)]

mod support;

use ceteris_effect::forest::Covariates;
use ceteris_estimate::forest::{CentringLearners, ForestParams, TreatmentLearner, causal_forest};
use ceteris_estimate::learner::{
    BasisParams, Classifier, Design, FittedClassifier, LearnerError, Linear, Logistic,
};
use ceteris_estimate::{Arms, PropensitySource, Sample, Treatment, unwatched};
use ceteris_stats::{Unit, uniform};
use ndarray::s;

use crate::support::{cpu_s, read};

/// Penalties of the propensity that are tried, and parts held out to choose by.
const PENALTIES: [f64; 4] = [1.0, 10.0, 100.0, 1000.0];
const PARTS: usize = 3;

/// Logistic regression with the penalty of the least log loss on rows held out, for the peer's chooses its own too.
struct ChosenLogit(BasisParams);

impl Classifier for ChosenLogit {
    fn name(&self) -> &'static str {
        "logit_l2"
    }

    fn fit(
        &self,
        x: &Design,
        classes: &[usize],
        n_classes: usize,
        w: &[f64],
        seed: u64,
    ) -> Result<Box<dyn FittedClassifier>, LearnerError> {
        let of = |penalty: f64, x: &Design, classes: &[usize], w: &[f64]| {
            Logistic::logit_l2(self.0, penalty).fit(x, classes, n_classes, w, seed)
        };
        let part = |i: usize| (PARTS as f64 * uniform(seed, &(i as u64).to_le_bytes(), 0)) as usize;
        let (mut best, mut least) = (PENALTIES[0], f64::INFINITY);
        for penalty in PENALTIES {
            let mut loss = 0.0;
            for held_out in 0..PARTS {
                let (rest, mine): (Vec<usize>, Vec<usize>) = (0..x.n()).partition(|&i| part(i) != held_out);
                let pick = |rows: &[usize]| -> (Vec<usize>, Vec<f64>) {
                    rows.iter().map(|&i| (classes[i], w[i])).unzip()
                };
                let (rest_classes, rest_w) = pick(&rest);
                let fitted = of(penalty, &x.select(&rest), &rest_classes, &rest_w)?;
                let p = fitted.predict(&x.select(&mine))?;
                loss -= (0..mine.len())
                    .map(|r| p[[r, classes[mine[r]]]].ln())
                    .sum::<f64>();
            }
            if loss < least {
                (best, least) = (penalty, loss);
            }
        }
        of(best, x, classes, w)
    }
}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, folder, name, draws, trees, nuisance] = &args[..] else {
        anyhow::bail!("usage: forest_table DIR NAME DRAWS TREES linear|additive|spline");
    };
    let basis = match nuisance.as_str() {
        "linear" => BasisParams::LINEAR,
        "additive" => BasisParams::spline(6),
        _ => BasisParams::spline(6).with_interactions(),
    };
    for draw in 0..draws.parse()? {
        let base = format!("{folder}/{name}-{draw}");
        let train = read(&format!("{base}-train.csv"))?;
        let test = read(&format!("{base}-test.csv"))?;
        let y = train.column(0).to_vec();
        let arms: Vec<usize> = train.column(1).iter().map(|d| *d as usize).collect();
        let x = Covariates::numeric(train.slice(s![.., 2..]).to_owned())?;
        let fresh = Covariates::numeric(test.slice(s![.., 1..]).to_owned())?;
        let params = ForestParams {
            trees: trees.parse()?,
            seed: draw as u64,
            ..ForestParams::default()
        };
        let ml_m: &dyn Classifier = if nuisance == "linear" {
            &ChosenLogit(BasisParams::LINEAR)
        } else {
            &Logistic::logit_l2(BasisParams::spline(6), 1.0)
        };
        let sample = Sample {
            y: &y[..],
            d: Treatment::Arms(Arms {
                of_row: &arms,
                count: 2,
            }),
            z: None,
            x: &x,
            weight: None,
            unit: &Unit::one_per_row(y.len()),
            cluster: None,
        };
        let before = cpu_s()?;
        let learners = CentringLearners {
            l: &Linear::ridge_gcv(basis),
            m: TreatmentLearner::Arms(PropensitySource::Learned(ml_m)),
        };
        let fit = causal_forest(&params.check()?, &sample, learners, 5, &unwatched)?;
        let fit_s = cpu_s()? - before;
        let effects = fit.grown.forest.predict_all(&fresh)?;
        let mut residuals = csv::Writer::from_path(format!("{base}-residuals.csv"))?;
        residuals.write_record(["y", "d"])?;
        for (y, d) in fit.centred.y.iter().zip(fit.centred.d.column(0)) {
            residuals.write_record([y.to_string(), d.to_string()])?;
        }
        residuals.flush()?;
        let n = effects.len() as f64;
        let (mut held, mut squares, mut ratio, mut error) = (0.0, 0.0, 0.0, 0.0);
        for (e, tau) in effects.iter().zip(test.column(0)) {
            let gap = e.tau - tau;
            held += f64::from(u8::from(e.ci(0.95)[0] <= *tau && *tau <= e.ci(0.95)[1]));
            squares += gap * gap;
            ratio += gap * gap / (e.std_error * e.std_error);
            error += e.std_error;
        }
        println!("{},{},{},{},{fit_s}", held / n, squares / n, ratio / n, error / n);
    }
    Ok(())
}
