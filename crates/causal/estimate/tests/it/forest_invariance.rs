//! What must not change a forest: threads, the order of rows, the scale of weights, the level of the outcome, and
//! being written down and read back.

use ceteris_effect::Effect;
use ceteris_effect::forest::{Covariates, Forest};
use ceteris_estimate::dml::PropensitySource;
use ceteris_estimate::forest::{
    CentringLearners, FittedForest, ForestParams, TreatmentLearner, causal_forest,
};
use ceteris_estimate::learner::{BasisParams, Linear, Logistic};
use ceteris_estimate::unwatched;
use ceteris_estimate::{Arms, Treatment};
use ceteris_stats::Unit;

use crate::forest_support::ForestRows;
use crate::forest_support::{Sim, simulate};

fn fit(
    sim: &Sim,
    x: &Covariates,
    arms: &[usize],
    y: &[f64],
    units: &[Unit],
    w: Option<&[f64]>,
) -> FittedForest {
    let params = ForestParams {
        trees: 60,
        seed: 3,
        ..ForestParams::default()
    };
    let logit = Logistic::logit_l2(BasisParams::LINEAR, 1.0);
    let (treatment, m) = (
        Treatment::Arms(Arms {
            of_row: arms,
            count: 2,
        }),
        TreatmentLearner::Arms(PropensitySource::Learned(&logit)),
    );
    let rows = ForestRows { x, units, weights: w };
    let ridge = Linear::ridge_gcv(BasisParams::spline(4));
    assert_eq!(sim.x.n(), 500);
    causal_forest(
        &params.check().unwrap(),
        &rows.sample(y, treatment),
        CentringLearners { l: &ridge, m },
        3,
        &unwatched,
    )
    .unwrap()
}

fn bits(effects: &[Effect]) -> Vec<[u64; 2]> {
    effects
        .iter()
        .map(|e| [e.tau.to_bits(), e.std_error.to_bits()])
        .collect()
}

fn units(n: usize) -> Vec<Unit> {
    (0..n as u64)
        .map(|i| Unit::from(i * 2_654_435_761 % 1_000_003))
        .collect()
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let sim = simulate("kink", 500, 5, 1);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let fit = fit(&sim, &sim.x, &sim.arms, &sim.y, &units(500), None);
            let out = bits(&fit.out_of_bag(&sim.x).unwrap());
            (
                fit.grown.forest.clone(),
                out,
                bits(&fit.grown.forest.predict_all(&sim.x).unwrap()),
            )
        })
    };
    let one = with(1);
    assert!(one == with(2) && one == with(5));
}

#[test]
fn rows_in_another_order_grow_the_same_forest() {
    let sim = simulate("kink", 500, 5, 2);
    // Units of two rows, one of them the same but for the outcome's last digits.
    let units: Vec<Unit> = (0..500).map(|i| Unit::from(i / 2)).collect();
    let there: Vec<usize> = (0..500).map(|i| (i * 137 + 11) % 500).collect();
    let y: Vec<f64> = there.iter().map(|&i| sim.y[i]).collect();
    let arms: Vec<usize> = there.iter().map(|&i| sim.arms[i]).collect();
    let moved: Vec<Unit> = there.iter().map(|&i| units[i]).collect();
    let x = sim.x.select(&there);
    let a = fit(&sim, &sim.x, &sim.arms, &sim.y, &units, None);
    let b = fit(&sim, &x, &arms, &y, &moved, None);
    assert_eq!(a.grown.forest, b.grown.forest);
    let (out_a, out_b) = (a.out_of_bag(&sim.x).unwrap(), b.out_of_bag(&x).unwrap());
    let back: Vec<Effect> = there.iter().map(|&i| out_a[i]).collect();
    assert_eq!(bits(&back), bits(&out_b));
    for (i, &from) in there.iter().enumerate() {
        assert_eq!(a.centred.y[from].to_bits(), b.centred.y[i].to_bits());
    }
}

#[test]
fn the_scale_of_weights_does_not_matter_and_rows_without_weight_do_not_exist() {
    let sim = simulate("kink", 500, 5, 3);
    let w: Vec<f64> = (0..500).map(|i| (i % 4) as f64).collect();
    let scaled: Vec<f64> = w.iter().map(|w| 8.0 * w).collect();
    let a = fit(&sim, &sim.x, &sim.arms, &sim.y, &units(500), Some(&w));
    let b = fit(&sim, &sim.x, &sim.arms, &sim.y, &units(500), Some(&scaled));
    assert_eq!(a.grown.forest, b.grown.forest);
    let mut wild = sim.y.clone();
    (0..500).step_by(4).for_each(|i| wild[i] = 1e6);
    let c = fit(&sim, &sim.x, &sim.arms, &wild, &units(500), Some(&w));
    assert_eq!(a.grown.forest, c.grown.forest);
}

#[test]
fn the_level_of_the_outcome_does_not_matter() {
    let sim = simulate("kink", 500, 5, 4);
    let shifted: Vec<f64> = sim.y.iter().map(|y| y + 1000.0).collect();
    let a = fit(&sim, &sim.x, &sim.arms, &sim.y, &units(500), None);
    let b = fit(&sim, &sim.x, &sim.arms, &shifted, &units(500), None);
    let of = |f: &FittedForest| f.grown.forest.predict_all(&sim.x).unwrap();
    for (a, b) in of(&a).iter().zip(of(&b)) {
        assert!(
            (a.tau - b.tau).abs() < 1e-7 && (a.std_error - b.std_error).abs() < 1e-7,
            "{a:?} {b:?}"
        );
    }
}

#[test]
fn another_seed_grows_another_forest() {
    let sim = simulate("kink", 300, 3, 5);
    let rows = ForestRows {
        x: &sim.x,
        units: &Unit::one_per_row(300),
        weights: None,
    };
    let of = |seed: u64| {
        let params = ForestParams {
            trees: 4,
            seed,
            ..ForestParams::default()
        }
        .check()
        .unwrap();
        let none = ndarray::Array2::zeros((300, 0));
        ceteris_estimate::forest::grow(&params, &rows.sample(&sim.y, none.view()), &unwatched)
            .unwrap()
            .forest
    };
    assert!(of(1) == of(1) && of(1) != of(2));
}

#[test]
fn read_back_it_answers_with_the_same_bits_and_damage_is_refused() {
    let sim = simulate("kink", 500, 5, 6);
    let forest = fit(&sim, &sim.x, &sim.arms, &sim.y, &units(500), None)
        .grown
        .forest;
    let parts = forest.parts();
    let back = Forest::from_parts(parts.clone()).unwrap();
    assert_eq!(back, forest);
    assert_eq!(
        bits(&back.predict_all(&sim.x).unwrap()),
        bits(&forest.predict_all(&sim.x).unwrap())
    );
    let inner = parts.node_code.iter().position(|c| *c != u16::MAX).unwrap();
    let leaf = parts.node_code.iter().position(|c| *c == u16::MAX).unwrap();
    let damage: [fn(&mut ceteris_effect::forest::ForestParts, usize, usize); 13] = [
        |p, inner, _| p.node_next[inner] = inner as u32, // a loop
        |p, inner, _| p.node_next[inner] = u32::MAX,
        |p, inner, _| p.node_feature[inner] = 10,
        |p, _, leaf| p.node_next[leaf] = 1 << 30,
        |p, _, leaf| p.node_next[leaf] += 1, // a leaf of two nodes, another of none
        |p, inner, _| p.node_next[inner] += 2, // a node of two parents
        |p, _, _| p.roots[0] = 1 << 30,
        |p, _, _| p.roots.swap(1, 2),
        |p, _, _| p.roots[3] = u32::MAX, // nodes of no tree
        |p, _, _| p.roots.truncate(3),
        |p, _, _| p.leaves.truncate(7),
        |p, _, _| p.cuts.swap(0, 1),
        |p, _, _| p.cut_starts[1] = 1 << 30,
    ];
    for (i, hurt) in damage.iter().enumerate() {
        let mut broken = parts.clone();
        hurt(&mut broken, inner, leaf);
        assert!(Forest::from_parts(broken).is_err(), "damage {i} went unseen");
    }
}

#[test]
fn a_tree_of_four_thousand_rows_takes_less_than_ten_kilobytes() {
    let sim = simulate("kink", 4000, 10, 7);
    let rows = ForestRows {
        x: &sim.x,
        units: &Unit::one_per_row(4000),
        weights: None,
    };
    let params = ForestParams {
        trees: 20,
        ..ForestParams::default()
    }
    .check()
    .unwrap();
    let d = ndarray::Array2::from_shape_fn((4000, 1), |(i, _)| sim.arms[i] as f64 - sim.e[i]);
    let parts = ceteris_estimate::forest::grow(&params, &rows.sample(&sim.y, d.view()), &unwatched)
        .unwrap()
        .forest
        .parts();
    let trees = 8 * parts.node_next.len() + 8 * parts.leaves.len() + 4 * parts.roots.len();
    let fixed = 8 * parts.cuts.len() + 4 * parts.cut_starts.len();
    // So 2 000 trees stay below 20 MB.
    assert!(trees / 20 + fixed / 2000 < 10_000, "{} a tree", trees / 20);
    eprintln!("{} bytes a tree, {fixed} once", trees / 20);
}
