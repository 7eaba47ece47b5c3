//! Bounds are valid in every model and reached by some: against all vertices of the polytope of response types.
#![allow(clippy::unwrap_used)]

use ceteris_graph::Graph;
use ceteris_graph::identify::{Bounds, BoundsError, Joint, Query, balke_pearl, identify, manski};
use proptest::prelude::*;

/// A response type: what the treatment does at each value of the instrument, and the outcome at each of the treatment.
fn types() -> Vec<([usize; 2], [usize; 2])> {
    let pairs = [[0, 0], [0, 1], [1, 0], [1, 1]];
    pairs
        .iter()
        .flat_map(|x| pairs.iter().map(move |y| (*x, *y)))
        .collect()
}

/// P(z, x, y) of a population of types with a fair instrument; the last variable changes fastest.
fn observed(shares: &[f64]) -> Joint {
    let mut cells = vec![0.0; 8];
    for ((x_of, y_of), share) in types().iter().zip(shares) {
        for z in 0..2 {
            let x = x_of[z];
            cells[z * 4 + x * 2 + y_of[x]] += share / 2.0;
        }
    }
    Joint::new(vec![("Z".into(), 2), ("X".into(), 2), ("Y".into(), 2)], cells).unwrap()
}

/// P(y = 1 | do(x)) and the effect, in the population itself.
fn truth(shares: &[f64]) -> [f64; 3] {
    let under = |x: usize| -> f64 {
        types()
            .iter()
            .zip(shares)
            .map(|((_, y), s)| y[x] as f64 * s)
            .sum()
    };
    [under(0), under(1), under(1) - under(0)]
}

/// The least and the most of each target over all populations with the same P(x, y | z): the simplex method on the
/// sixteen shares, from the population itself as a feasible point, by trying every exchange of two columns' worth of
/// freedom (Gaussian elimination over the equality constraints at each basis).
fn sharp(shares: &[f64], target: usize) -> [f64; 2] {
    let all = types();
    // Rows: P(x, y | z) for each z, x, y; one for each z is implied by the others.
    let row = |z: usize, x: usize, y: usize| -> Vec<f64> {
        all.iter()
            .map(|(x_of, y_of)| f64::from(u8::from(x_of[z] == x && y_of[x] == y)))
            .collect()
    };
    let mut rows: Vec<Vec<f64>> = vec![vec![1.0; 16]];
    for z in 0..2 {
        for (x, y) in [(0, 0), (0, 1), (1, 0)] {
            rows.push(row(z, x, y));
        }
    }
    let right: Vec<f64> = rows
        .iter()
        .map(|r| r.iter().zip(shares).map(|(a, s)| a * s).sum())
        .collect();
    let value: Vec<f64> = (0..16)
        .map(|i| {
            let mut one = vec![0.0; 16];
            one[i] = 1.0;
            truth(&one)[target]
        })
        .collect();
    let mut range = [f64::INFINITY, f64::NEG_INFINITY];
    let mut basis: Vec<usize> = (0..7).collect();
    loop {
        if let Some(solution) = solved(&rows, &right, &basis)
            && solution.iter().all(|s| *s >= -1e-9)
        {
            let at: f64 = solution.iter().zip(&basis).map(|(s, &i)| s * value[i]).sum();
            range = [range[0].min(at), range[1].max(at)];
        }
        // The next choice of seven columns of sixteen.
        let Some(i) = (0..7).rev().find(|&i| basis[i] < 9 + i) else {
            return range;
        };
        basis[i] += 1;
        for j in i + 1..7 {
            basis[j] = basis[j - 1] + 1;
        }
    }
}

fn solved(rows: &[Vec<f64>], right: &[f64], basis: &[usize]) -> Option<Vec<f64>> {
    let n = basis.len();
    let mut m: Vec<Vec<f64>> = (0..n)
        .map(|i| basis.iter().map(|&c| rows[i][c]).chain([right[i]]).collect())
        .collect();
    for i in 0..n {
        let pivot = (i..n).max_by(|a, b| m[*a][i].abs().total_cmp(&m[*b][i].abs()))?;
        if m[pivot][i].abs() < 1e-9 {
            return None;
        }
        m.swap(i, pivot);
        let line = m[i].clone();
        for (j, row) in m.iter_mut().enumerate() {
            if j != i && row[i] != 0.0 {
                let scale = row[i] / line[i];
                row.iter_mut().zip(&line).for_each(|(r, l)| *r -= scale * l);
            }
        }
    }
    Some((0..n).map(|i| m[i][n] / m[i][i]).collect())
}

fn close(found: Bounds, expected: [f64; 2]) -> bool {
    (found.low - expected[0]).abs() < 1e-8 && (found.high - expected[1]).abs() < 1e-8
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_bounds_of_a_binary_instrument_are_sharp(raw in prop::collection::vec(0.0..1.0f64, 16), sparse in any::<u16>()) {
        let mut shares: Vec<f64> = raw.iter().enumerate().map(|(i, r)| if sparse >> i & 1 == 1 { r * r * r } else { *r }).collect();
        let total: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|s| *s /= total);
        let joint = observed(&shares);
        let found = balke_pearl(&joint, "Z", "X", "Y").unwrap();
        prop_assert!(close(found.under_do[0], sharp(&shares, 0)), "{:?} {:?}", found, sharp(&shares, 0));
        prop_assert!(close(found.under_do[1], sharp(&shares, 1)), "{:?} {:?}", found, sharp(&shares, 1));
        prop_assert!(close(found.effect, sharp(&shares, 2)), "{:?} {:?}", found, sharp(&shares, 2));
        let now = truth(&shares);
        for x in 0..2 {
            let worst = manski(&joint, ("X", x), ("Y", 1)).unwrap();
            prop_assert!(worst.low <= now[x] + 1e-12 && now[x] <= worst.high + 1e-12);
            let both = joint.chance(&[("X", x), ("Y", 1)]).unwrap();
            let treated = joint.chance(&[("X", x)]).unwrap();
            // Reached when nobody, or everybody, of the others would have the outcome.
            prop_assert!((worst.low - both).abs() < 1e-12 && (worst.high - worst.low - (1.0 - treated)).abs() < 1e-12);
        }
    }
}

/// Balke & Pearl (1997), section 5, the Lipid Research Clinic data: the effect lies between .392 and .780.
#[test]
fn the_lipid_trial() {
    // P(y, x | z), their table 1: for z = 0 then z = 1, cells (x, y) in the order 00 01 10 11.
    let given = [[0.919, 0.081, 0.0, 0.0], [0.315, 0.073, 0.139, 0.473]];
    let cells: Vec<f64> = given.iter().flat_map(|row| row.iter().map(|p| p / 2.0)).collect();
    let joint = Joint::new(vec![("Z".into(), 2), ("X".into(), 2), ("Y".into(), 2)], cells).unwrap();
    let found = balke_pearl(&joint, "Z", "X", "Y").unwrap().effect;
    assert!(
        (found.low - 0.392).abs() < 1e-3 && (found.high - 0.780).abs() < 1e-3,
        "{found:?}"
    );
}

#[test]
fn data_that_no_instrument_gives_are_refused() {
    // Nobody is moved, and yet the outcome follows the instrument.
    let cells = vec![0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0];
    let joint = Joint::new(vec![("Z".into(), 2), ("X".into(), 2), ("Y".into(), 2)], cells).unwrap();
    assert!(matches!(
        balke_pearl(&joint, "Z", "X", "Y"),
        Err(BoundsError::Refuted { .. })
    ));
    let wide = Joint::new(
        vec![("Z".into(), 1), ("X".into(), 2), ("Y".into(), 2)],
        vec![0.25; 4],
    )
    .unwrap();
    assert_eq!(
        balke_pearl(&wide, "Z", "X", "Y"),
        Err(BoundsError::NotBinary("Z".into()))
    );
    assert!(manski(&wide, ("Q", 0), ("Y", 1)).is_err());
    assert!(manski(&wide, ("X", 2), ("Y", 1)).is_err());
}

#[test]
fn an_answer_that_is_no_offers_what_bounds_there_are() {
    let graph = Graph::parse("Z -> X -> Y; X <-> Y").unwrap();
    let answer = identify(&graph, &Query::new("X", "Y")).unwrap();
    let methods: Vec<&str> = answer.bounds.iter().map(|b| b.method.as_str()).collect();
    assert_eq!(methods, ["manski", "balke_pearl"]);
    assert_eq!(answer.bounds[1].instrument.as_deref(), Some("Z"));
    assert_eq!(
        answer.bounds[0].latex,
        r"P(X, Y) \le P(Y \mid \mathrm{do}(X)) \le P(X, Y) + 1 - P(X)"
    );
    let known = identify(&graph, &Query::new("Z", "Y")).unwrap();
    assert!(known.bounds.is_empty());
}
