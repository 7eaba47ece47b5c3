//! What the named processes promise: their truth, their propensities, and draws that depend on nothing but their key.

use ceteris_synth::processes::Process;

fn mean(v: &[f64]) -> f64 {
    v.iter().sum::<f64>() / v.len() as f64
}

#[test]
fn the_truth_is_the_mean_effect() {
    for process in Process::ALL {
        let draw = process.draw(20_000, 6, 1);
        let spread = draw
            .tau
            .iter()
            .map(|t| (t - process.truth()).powi(2))
            .sum::<f64>()
            / 20_000.0;
        let error = (spread / 20_000.0).sqrt();
        let off = (mean(&draw.tau) - process.truth()).abs();
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
        assert_eq!(small.z.is_some(), process == Process::Pliv);
    }
    let few = Process::FewClusters.draw(240, 5, 1);
    assert_eq!((few.unit[19], few.unit[20], few.unit[239]), (0, 1, 11));
}
