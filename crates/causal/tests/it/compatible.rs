//! Is a graph compatible with data? On simulated tables whose truth is known.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use ceteris_causal::compatible::{
    Compatibility, CompatibilityError, CompatibilityParams, IndependenceTest, Observations, compatibility,
};
use ceteris_graph::Graph;
use ceteris_stats::Unit;
use ceteris_stats::binomial_band;

/// A seeded stream of normal numbers (SplitMix64 and Box–Muller).
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let (u, v) = (self.uniform().max(1e-300), self.uniform());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

type Columns = BTreeMap<String, Vec<f64>>;

/// A -> B -> C, with `curve` as the form of both edges.
fn chain(rows: usize, seed: u64, curve: fn(f64) -> f64) -> Columns {
    let mut noise = Noise(seed);
    let mut columns = Columns::new();
    for _ in 0..rows {
        let a = noise.normal();
        let b = curve(a) + noise.normal();
        let c = curve(b) + noise.normal();
        for (name, value) in [("A", a), ("B", b), ("C", c)] {
            columns.entry(name.to_owned()).or_default().push(value);
        }
    }
    columns
}

fn tested(graph: &str, columns: &Columns, test: IndependenceTest) -> Compatibility {
    tested_by_unit(graph, columns, None, test)
}

fn tested_by_unit(
    graph: &str,
    columns: &Columns,
    units: Option<&[Unit]>,
    test: IndependenceTest,
) -> Compatibility {
    let params = CompatibilityParams {
        test,
        ..CompatibilityParams::default()
    };
    compatibility(
        &Graph::parse(graph).unwrap(),
        &Observations { columns, units },
        &params,
    )
    .unwrap()
}

#[test]
fn the_right_graph_passes_and_a_wrong_one_is_refuted_with_the_independence_named() {
    let columns = chain(2000, 1, |v| 0.5 * v);
    let right = tested("A -> B -> C", &columns, IndependenceTest::PartialCorrelation);
    assert_eq!(right.compatible, Some(true));
    assert_eq!((right.tested.len(), right.rows, right.units), (1, 2000, 2000));
    let wrong = tested("A -> B; C -> B", &columns, IndependenceTest::PartialCorrelation);
    assert_eq!(wrong.compatible, Some(false));
    let test = &wrong.tested[0];
    assert_eq!(
        (test.left.as_str(), test.right.as_str(), test.given.len()),
        ("A", "C", 0)
    );
    // corr(A, C) = .25 / sd(C) with var(C) = 1 + .25 (1 + .25).
    assert!(
        (test.correlation - 0.25 / 1.3125f64.sqrt()).abs() < 0.06,
        "{test:?}"
    );
}

#[test]
fn a_tiny_dependence_is_significant_and_refutes_nothing() {
    let columns = chain(40_000, 2, |v| 0.17 * v);
    let wrong = tested("A -> B; C -> B", &columns, IndependenceTest::PartialCorrelation);
    let test = &wrong.tested[0];
    assert!(
        test.p_adjusted < 0.05 && test.correlation.abs() < 0.05,
        "{test:?}"
    );
    assert_eq!(wrong.compatible, Some(true));
}

#[test]
fn dependence_without_correlation_is_seen_by_the_nonparametric_test_only() {
    let columns = chain(2000, 3, |v| v * v - 1.0);
    let linear = tested("A; B -> C", &columns, IndependenceTest::PartialCorrelation);
    assert_eq!(linear.compatible, Some(true), "{:?}", linear.tested);
    let any = tested("A; B -> C", &columns, IndependenceTest::Nonparametric);
    assert_eq!(any.compatible, Some(false));
    // Given B, which is not linear in A and C, the right graph is not refuted; the linear test need not know.
    let right = tested("A -> B -> C", &columns, IndependenceTest::Nonparametric);
    assert_eq!(right.compatible, Some(true), "{:?}", right.tested);
}

/// Under the null, p values are uniform: their share below .1 lies in the binomial band, for both tests and with units.
#[test]
fn p_values_keep_their_level() {
    for test in [
        IndependenceTest::PartialCorrelation,
        IndependenceTest::Nonparametric,
    ] {
        let rounds = 300;
        let mut below = 0;
        for seed in 0..rounds {
            let mut noise = Noise(1000 + seed);
            let mut columns = Columns::new();
            let mut units = Vec::new();
            for unit in 0..120u64 {
                // Rows of one unit share a level of both variables, so that they are far from independent.
                let (a_level, c_level, b) = (noise.normal(), noise.normal(), noise.normal());
                for _ in 0..4 {
                    let a = b + a_level + 0.3 * noise.normal();
                    let c = b + c_level + 0.3 * noise.normal();
                    for (name, value) in [("A", a), ("B", b), ("C", c)] {
                        columns.entry(name.to_owned()).or_default().push(value);
                    }
                    units.push(Unit::from(unit));
                }
            }
            let answer = tested_by_unit("A <- B -> C", &columns, Some(&units), test);
            assert_eq!((answer.units, answer.rows), (120, 480));
            below += u64::from(answer.tested[0].p_value < 0.1);
        }
        let [low, high] = binomial_band(rounds, 0.1, 0.999);
        let share = below as f64 / rounds as f64;
        // Bonferroni over dependent functions may only be too careful.
        let careful = test == IndependenceTest::Nonparametric;
        assert!(
            share <= high && (careful || share >= low),
            "{test:?} {share} {low} {high}"
        );
    }
}

#[test]
fn units_make_the_test_more_careful() {
    let mut noise = Noise(7);
    let (mut columns, mut units) = (Columns::new(), Vec::new());
    for unit in 0..30u64 {
        let (a, c) = (noise.normal(), noise.normal());
        for _ in 0..50 {
            columns.entry("A".to_owned()).or_default().push(a);
            columns.entry("C".to_owned()).or_default().push(c);
            units.push(Unit::from(unit));
        }
    }
    let graph = Graph::parse("A; C").unwrap();
    let p = |units: Option<&[Unit]>| {
        let data = Observations {
            columns: &columns,
            units,
        };
        compatibility(&graph, &data, &CompatibilityParams::default())
            .unwrap()
            .tested[0]
            .p_value
    };
    let (apart, together) = (p(None), p(Some(&units)));
    assert!(together > 0.01 && apart < together / 10.0, "{apart} {together}");
}

#[test]
fn holm_adjusts_for_the_number_of_independences() {
    let mut noise = Noise(11);
    let columns: Columns = ["A", "B", "C", "D"]
        .iter()
        .map(|name| ((*name).to_owned(), (0..500).map(|_| noise.normal()).collect()))
        .collect();
    let answer = tested("A; B; C; D", &columns, IndependenceTest::PartialCorrelation);
    assert_eq!(answer.tested.len(), 6);
    let mut sorted = answer.tested.clone();
    sorted.sort_by(|a, b| a.p_value.total_cmp(&b.p_value));
    assert!((sorted[0].p_adjusted - (6.0 * sorted[0].p_value).min(1.0)).abs() < 1e-12);
    assert!(
        sorted
            .windows(2)
            .all(|pair| pair[0].p_adjusted <= pair[1].p_adjusted)
    );
    assert_eq!(answer.compatible, Some(true));
}

#[test]
fn what_cannot_be_tested_says_why() {
    let rows = 50;
    let b: Vec<f64> = (0..rows).map(f64::from).collect();
    let a: Vec<f64> = b.iter().map(|v| 2.0 * v + 1.0).collect();
    let mut noise = Noise(5);
    let c: Vec<f64> = b.iter().map(|v| v + noise.normal()).collect();
    let columns: Columns = [("A".to_owned(), a), ("B".to_owned(), b), ("C".to_owned(), c)].into();
    let answer = tested("A -> B -> C", &columns, IndependenceTest::PartialCorrelation);
    assert_eq!(answer.compatible, None);
    assert_eq!(
        answer.untested[0].reason,
        "A does not vary once the others are known"
    );
    let few: Columns = columns
        .iter()
        .map(|(n, c)| (n.clone(), c[..3].to_vec()))
        .collect();
    let answer = tested("A; B; C", &few, IndependenceTest::PartialCorrelation);
    assert_eq!(answer.untested[0].reason, "3 units are too few");
    let empty = tested(
        "A -> B -> C",
        &Columns::new(),
        IndependenceTest::PartialCorrelation,
    );
    assert_eq!((empty.compatible, empty.tested.len()), (None, 0));
}

#[test]
fn data_that_do_not_fit_are_refused_by_name() {
    let graph = Graph::parse("A -> B").unwrap();
    let check = |columns: &[(&str, &[f64])], units: Option<&[Unit]>, level: f64| {
        let columns: Columns = columns
            .iter()
            .map(|(n, c)| ((*n).to_owned(), c.to_vec()))
            .collect();
        let params = CompatibilityParams {
            level,
            ..CompatibilityParams::default()
        };
        compatibility(
            &graph,
            &Observations {
                columns: &columns,
                units,
            },
            &params,
        )
        .unwrap_err()
    };
    assert_eq!(
        check(&[("Q", &[1.0])], None, 0.05),
        CompatibilityError::UnknownNode("Q".into())
    );
    assert_eq!(
        check(&[("A", &[1.0, 2.0]), ("B", &[1.0])], None, 0.05).to_string(),
        "column B has 1 rows, not 2"
    );
    assert_eq!(
        check(&[("A", &[1.0, f64::NAN])], None, 0.05).to_string(),
        "column A has no finite value in row 1"
    );
    assert_eq!(
        check(&[("A", &[1.0])], Some(&Unit::one_per_row(2)), 0.05).to_string(),
        "column units has 2 rows, not 1"
    );
    assert_eq!(
        check(&[("A", &[1.0])], None, 1.5).to_string(),
        "level must lie between 0 and 1"
    );
}

/// Known values on rows of 284 units in no order, with keys in the order of the units' first rows. They change in the
/// sixteenth digit with the order in which units are added up, and with the machine's matrix product.
#[test]
fn known_values() {
    let mut noise = Noise(17);
    let levels: Vec<f64> = (0..300).map(|_| noise.uniform()).collect();
    let (mut columns, mut units, mut keys) = (Columns::new(), Vec::new(), BTreeMap::new());
    for _ in 0..900 {
        let shop = (noise.uniform() * 300.0) as usize;
        let a = levels[shop] + 0.5 * noise.uniform();
        let b = 0.6 * a + noise.uniform();
        let c = 0.7 * b + 0.4 * levels[shop] + noise.uniform();
        let d = 0.3 * a + noise.uniform();
        for (name, value) in [("A", a), ("B", b), ("C", c), ("D", d)] {
            columns.entry(name.to_owned()).or_default().push(value);
        }
        let next = Unit((keys.len() as u128).to_be_bytes());
        units.push(*keys.entry(shop).or_insert(next));
    }
    let known = [
        (
            IndependenceTest::PartialCorrelation,
            [
                (0.34039373150566843, 2.749603210705051e-17),
                (0.01267570187917885, 0.6862390116964057),
                (0.0629663498128735, 0.08174719881691765),
            ],
        ),
        (
            IndependenceTest::Nonparametric,
            [
                (0.35450701813020585, 1.4956357488332536e-15),
                (0.0274790536215279, 1.0),
                (0.06560408258471237, 0.30510436510549255),
            ],
        ),
    ];
    for (test, values) in known {
        let answer = tested_by_unit("A -> B -> C; A -> D", &columns, Some(&units), test);
        assert_eq!((answer.units, answer.tested.len()), (284, 3));
        for (one, (correlation, p_value)) in answer.tested.iter().zip(values) {
            assert!((one.correlation / correlation - 1.0).abs() < 1e-12, "{one:?}");
            assert!((one.p_value / p_value - 1.0).abs() < 1e-11, "{one:?}");
        }
    }
}

#[test]
fn a_spent_budget_leaves_it_unknown() {
    let effects: String = (0..3000).map(|v| format!("U -> v{v}\n")).collect();
    let graph = Graph::parse(&format!("U [latent]\n{effects}v0 -> v1")).unwrap();
    let columns: Columns = [
        ("v0".to_owned(), vec![1.0, 2.0]),
        ("v1".to_owned(), vec![0.0, 1.0]),
    ]
    .into();
    let data = Observations {
        columns: &columns,
        units: None,
    };
    let params = CompatibilityParams {
        steps_max: 1_000_000,
        ..CompatibilityParams::default()
    };
    let said = compatibility(&graph, &data, &params).unwrap();
    assert_eq!((said.compatible, said.complete), (None, false));
}
