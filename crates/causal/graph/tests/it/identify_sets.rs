//! Front doors, instruments and conditioning sets against enumeration and random models.
#![allow(clippy::unwrap_used)]

use crate::oracle::{Model, Small, name, names, random_graph};
use ceteris_graph::Graph;
use ceteris_graph::identify::{Query, Strategy, identify, maximal_pretreatment_set, valid_conditioning};
use proptest::prelude::*;
use proptest::strategy::Strategy as Generator;

fn case() -> impl Generator<Value = (Graph, usize, usize, u64)> {
    (
        3usize..=5,
        any::<u32>(),
        any::<u32>(),
        any::<u32>(),
        0usize..5,
        0usize..5,
        any::<u64>(),
    )
        .prop_map(|(n, d, b, c, x, y, seed)| (random_graph(n, d, b & c), x % n, y % n, seed))
        .prop_filter("two ends", |(_, x, y, _)| x != y)
}

fn mask_of(graph: &Graph, names: &[String]) -> u32 {
    names
        .iter()
        .fold(0, |mask, name| mask | 1 << graph.id(name).unwrap().index())
}

/// The definition of a conditional front door, on the enumerating oracle.
fn is_front_door(small: &Small, x: u32, y: u32, m: u32, w: u32) -> bool {
    let all = (1u32 << small.n) - 1;
    let below = small.descendants(x);
    // Caught: no child of x outside m is an ancestor of y outside m and x.
    let open = small.ancestors(y, all & !m & !x, 0);
    let caught = !(0..small.n).any(|v| open >> v & 1 == 1 && small.parents[v] & x != 0);
    caught
        && w & below == 0
        && m & !below == 0
        && small.without_out_of(x).sets_separated(x, m, w)
        && small.without_out_of(m).sets_separated(m, y, x | w)
}

/// Compares the front doors listed with all there are; tells whether there is one.
fn front_doors_agree(graph: &Graph, x: usize, y: usize) -> bool {
    let small = Small::of(graph);
    let (x_bit, y_bit) = (1u32 << x, 1u32 << y);
    if small.descendants(x_bit) & y_bit == 0 {
        return false;
    }
    let answer = identify(graph, &Query::new(name(x), name(y)).by(Strategy::Frontdoor)).unwrap();
    for door in &answer.front_door_sets {
        let (m, w) = (mask_of(graph, &door.mediators), mask_of(graph, &door.given));
        assert!(
            is_front_door(&small, x_bit, y_bit, m, w),
            "{:?} {door:?}",
            graph.edges()
        );
    }
    let rest = ((1u32 << graph.len()) - 1) & !(x_bit | y_bit);
    let subsets = |of: u32| (0..1u32 << graph.len()).filter(move |set| set & !of == 0);
    let any = subsets(rest).any(|m| subsets(rest & !m).any(|w| is_front_door(&small, x_bit, y_bit, m, w)));
    assert_eq!(answer.identifiable, Some(any), "{:?} {x} {y}", graph.edges());
    any
}

#[test]
fn every_front_door_in_four_nodes_is_found() {
    let mut doors = 0;
    for code in 0..4096u32 {
        let graph = random_graph(4, code & 63, code >> 6);
        for y in 1..4 {
            doors += (0..y).filter(|&x| front_doors_agree(&graph, x, y)).count();
        }
    }
    assert!(doors > 300, "{doors}");
}

/// The largest difference between P(y | x, z) and P(y | do(x), z) in one random model.
fn regression_error(graph: &Graph, x: usize, y: usize, z: u32, seed: u64) -> f64 {
    let model = Model::new(graph, seed);
    let joint = model.under(0, 0);
    let total = |mask: u32, values: u32| -> f64 {
        (0..joint.len())
            .filter(|&c| (c as u32 ^ values) & mask == 0)
            .map(|c| joint[c])
            .sum()
    };
    let asked = z | 1 << x | 1 << y;
    let error = |v: u32| {
        let regression = total(asked, v) / total(z | 1 << x, v);
        (regression - model.effect(1 << x, 1 << y, z, v)).abs()
    };
    (0..1u32 << graph.len())
        .filter(|v| v & !asked == 0)
        .map(error)
        .fold(0.0, f64::max)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn front_doors_are_found_whenever_there_is_one((graph, x, y, _) in case()) {
        front_doors_agree(&graph, x.min(y), x.max(y));
    }

    #[test]
    fn instruments_move_the_treatment_and_reach_the_outcome_through_it_alone((graph, x, y, _) in case()) {
        let small = Small::of(&graph);
        let answer = identify(&graph, &Query::new(name(x), name(y)).by(Strategy::Iv)).unwrap();
        prop_assert_eq!(answer.identifiable, Some(false));
        for found in &answer.instrument_sets {
            let (z, w) = (graph.id(&found.instrument).unwrap().index(), mask_of(&graph, &found.given));
            prop_assert!(small.without_out_of(1 << x).separated(z, y, w));
            prop_assert!(!small.separated(z, x, w));
            prop_assert_eq!((w | 1 << z) & small.descendants(1 << x), 0);
        }
        for z in (0..graph.len()).filter(|&z| z != x && z != y && small.descendants(1 << x) >> z & 1 == 0) {
            if small.without_out_of(1 << x).separated(z, y, 0) && !small.separated(z, x, 0) {
                prop_assert!(answer.instruments.contains(&name(z)));
            }
        }
    }

    /// Complete: wherever any ancestral set makes a node an instrument, one is found for it.
    #[test]
    fn ancestral_instruments_are_all_found((graph, x, y, _) in case()) {
        let small = Small::of(&graph);
        let below = small.descendants(1 << x);
        let answer = identify(&graph, &Query::new(name(x), name(y)).by(Strategy::Iv)).unwrap();
        for z in (0..graph.len()).filter(|&z| z != x && z != y && below >> z & 1 == 0) {
            let cut = small.without_out_of(1 << x);
            let all = (1u32 << graph.len()) - 1;
            let above = cut.ancestors(1 << z | 1 << y, all, 0) & !(below | 1 << z | 1 << x | 1 << y);
            let any = (0..=all).any(|w| w & !above == 0 && cut.separated(z, y, w) && !small.separated(z, x, w));
            prop_assert_eq!(any, answer.instruments.contains(&name(z)), "{:?} {} {} {}", graph.edges(), x, y, z);
        }
    }

    #[test]
    fn a_conditioning_set_is_valid_just_when_regressions_give_the_effect((graph, x, y, seed) in case()) {
        let small = Small::of(&graph);
        let late = small.descendants(1 << x) | 1 << y;
        for z in (0..1u32 << graph.len()).filter(|z| z & (1 << x | 1 << y) == 0) {
            let verdict = valid_conditioning(&graph, &name(x), &name(y), &names(z));
            if z & late != 0 {
                prop_assert!(verdict.is_err());
                continue;
            }
            // One model may come near equality by accident; three do not.
            let off = (0..3).map(|i| regression_error(&graph, x, y, z, seed ^ i)).fold(0.0, f64::max);
            prop_assert_eq!(verdict.is_ok(), off < 1e-10, "{:?} {} {} {:b} {}", graph.edges(), x, y, z, off);
            if let Ok(proof) = verdict {
                prop_assert!(valid_conditioning(&graph, &name(x), &name(y), &proof.adjustment_set).is_ok());
            }
        }
        let some = (0..1u32 << graph.len())
            .any(|z| z & (late | 1 << x) == 0 && valid_conditioning(&graph, &name(x), &name(y), &names(z)).is_ok());
        let chosen = maximal_pretreatment_set(&graph, &name(x), &name(y));
        prop_assert_eq!(chosen.is_ok(), some, "{:?} {} {}", graph.edges(), x, y);
        if let Ok(chosen) = chosen {
            prop_assert!(valid_conditioning(&graph, &name(x), &name(y), &chosen.covariates).is_ok());
        }
    }
}
