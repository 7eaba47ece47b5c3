//! What the named processes promise: their truth, their propensities, and draws that depend on nothing but their key.

use ceteris_synth::processes::Process;

fn mean(v: &[f64]) -> f64 {
    v.iter().sum::<f64>() / v.len() as f64
}

#[test]
fn the_truth_is_the_mean_effect() {
    for process in Process::ALL {
        let draw = process.draw(20_000, 6, 1);
        // Each row's part in the average's distance from the truth: zero on average.
        let parts: Vec<f64> = draw
            .tau
            .iter()
            .zip(&draw.averaged)
            .map(|(tau, averaged)| averaged * (tau - process.truth()))
            .collect();
        let squares: Vec<f64> = parts.iter().map(|p| p * p).collect();
        let error = (mean(&squares) / 20_000.0).sqrt();
        let off = mean(&parts).abs();
        assert!(off <= 4.0 * error + 1e-12, "{} {off} {error}", process.name());
    }
}

#[test]
fn propensities_are_what_treatment_follows_and_regular_ones_keep_their_bounds() {
    for process in Process::ALL {
        let draw = process.draw(20_000, 6, 2);
        let Some(propensity) = &draw.propensity else {
            continue;
        };
        let gap = mean(&draw.d) - mean(propensity);
        assert!(
            gap.abs() < 4.0 * (0.25f64 / 20_000.0).sqrt(),
            "{}",
            process.name()
        );
        let inside = propensity.iter().all(|p| (0.1 - 1e-9..=0.9 + 1e-9).contains(p));
        assert_eq!(inside, process != Process::WeakOverlap, "{}", process.name());
    }
    let weak = Process::WeakOverlap
        .draw(20_000, 6, 2)
        .propensity
        .unwrap_or_default();
    let extreme = weak.iter().filter(|p| p.min(1.0 - *p) < 0.025).count();
    assert!(extreme > 2000, "{extreme}");
}

#[test]
fn a_larger_sample_begins_with_the_smaller_one() {
    for process in Process::ALL {
        let (small, large) = (process.draw(40, 5, 7), process.draw(90, 5, 7));
        assert_eq!(small.y, large.y[..40], "{}", process.name());
        assert_ne!(small.y, process.draw(40, 5, 8).y);
        let has_instrument = matches!(process, Process::Pliv | Process::Iivm);
        assert_eq!(small.z.is_some(), has_instrument);
        assert_eq!(small.mediator.is_some(), process == Process::FrontDoor);
    }
    let few = Process::FewClusters.draw(240, 5, 1);
    assert_eq!((few.unit[19], few.unit[20], few.unit[239]), (0, 1, 11));
}

#[test]
fn the_instrument_moves_the_compliers_and_nobody_else() {
    let draw = Process::Iivm.draw(100_000, 3, 3);
    let z = draw.z.unwrap_or_default();
    // Where x1 and x2 are near zero z is nearly a fair coin, and six in ten comply.
    let near = |i: &usize| draw.x[0][*i].abs() < 0.3 && draw.x[1][*i].abs() < 0.3;
    let of = |v: &[f64], side: f64| -> Vec<f64> {
        let rows = (0..z.len()).filter(near).filter(|i| z[*i] == side);
        rows.map(|i| v[i]).collect()
    };
    let (without, with) = (of(&draw.d, 0.0), of(&draw.d, 1.0));
    let error = (0.16 / without.len() as f64 + 0.16 / with.len() as f64).sqrt();
    assert!((mean(&with) - mean(&without) - 0.6).abs() < 4.0 * error);
    assert!((mean(&without) - 0.2).abs() < 4.0 * error);
}

#[test]
fn the_front_doors_coin_confounds_and_its_mediator_carries_the_effect() {
    let draw = Process::FrontDoor.draw(100_000, 3, 4);
    let mediator = draw.mediator.unwrap_or_default();
    let propensity = draw.propensity.unwrap_or_default();
    // Weighted by overlap, the difference between the arms is what the treatment moves plus what the coin does.
    let gap = |v: &[f64]| {
        let arm = |side: f64| {
            let rows = || (0..v.len()).filter(|&i| draw.d[i] == side);
            let w = |i: usize| (draw.d[i] - propensity[i]).abs();
            rows().map(|i| w(i) * v[i]).sum::<f64>() / rows().map(w).sum::<f64>()
        };
        arm(1.0) - arm(0.0)
    };
    let truth = Process::FrontDoor.truth();
    assert!((gap(&mediator) - truth).abs() < 0.04, "{}", gap(&mediator));
    assert!((gap(&draw.y) - truth - 0.8).abs() < 0.08, "{}", gap(&draw.y));
}

#[test]
fn of_three_arms_one_is_given_where_the_outcome_is_high_and_one_where_it_is_low() {
    let draw = Process::ThreeArms.draw(20_000, 5, 5);
    let of = |arm: f64, v: &[f64]| -> Vec<f64> {
        let rows = draw.d.iter().zip(v).filter(|(d, _)| **d == arm);
        rows.map(|(_, v)| *v).collect()
    };
    for arm in [0.0, 1.0, 2.0] {
        let share = of(arm, &draw.y).len() as f64 / 20_000.0;
        assert!((0.3..0.36).contains(&share), "{arm} {share}");
    }
    let [control, high, low] = [0.0, 1.0, 2.0].map(|arm| mean(&of(arm, &draw.x[0])));
    assert!(
        low < control - 0.1 && control < high - 0.1,
        "{low} {control} {high}"
    );
    let naive = mean(&of(2.0, &draw.y)) - mean(&of(0.0, &draw.y));
    assert!(naive < Process::ThreeArms.truth() - 0.2, "{naive}");
}

#[test]
fn rows_that_share_either_way_share_shocks() {
    let draw = Process::TwoWays.draw(40_000, 3, 6);
    let second = draw.second.unwrap();
    let logistic = |v: f64| 1.0 / (1.0 + (-v).exp());
    let v: Vec<f64> = (0..draw.d.len())
        .map(|i| draw.d[i] - draw.x[0][i] - 0.25 * logistic(draw.x[2][i]))
        .collect();
    // A third of the variance, which is one, is shared in either way: so are means over the rows of a cluster.
    for way in [&draw.unit, &second] {
        let mut sums = std::collections::BTreeMap::new();
        for (cluster, v) in way.iter().zip(&v) {
            let (sum, rows) = sums.entry(*cluster).or_insert((0.0, 0.0));
            *sum += v;
            *rows += 1.0;
        }
        assert!(sums.len() == 200 && sums.values().all(|(_, rows)| *rows == 200.0));
        let of_means = sums.values().map(|(sum, rows)| (sum / rows).powi(2)).sum::<f64>() / 200.0;
        assert!((0.2..0.5).contains(&of_means), "{of_means}");
    }
    let pairs: std::collections::BTreeSet<_> = draw.unit.iter().zip(&second).collect();
    assert_eq!(pairs.len(), 40_000);
}

#[test]
fn a_dose_of_one_adds_what_the_truth_says() {
    let draw = Process::Dose.draw(200_000, 3, 7);
    // Near a dose, y less what the covariates add is the curve.
    let logistic = |v: f64| 1.0 / (1.0 + (-v).exp());
    let curve = |dose: f64| {
        let near = (0..draw.d.len()).filter(|&i| (draw.d[i] - dose).abs() < 0.1);
        let rest: Vec<f64> = near
            .map(|i| draw.y[i] - logistic(draw.x[0][i]) - 0.25 * draw.x[2][i])
            .collect();
        mean(&rest)
    };
    let gap = curve(1.0) - curve(0.0);
    assert!((gap - Process::Dose.truth()).abs() < 0.04, "{gap}");
}
