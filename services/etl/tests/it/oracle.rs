//! The rows against their definition, written out naively over the raw events; and what they must not depend on.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use crate::common::*;
use ceteris_contract::dataset::{Column, Dataset};
use ceteris_contract::event::StoredEvent;
use ceteris_contract::time::Timestamp;
use ceteris_etl::{Counts, Watermarks};
use proptest::prelude::*;

/// One row by the definition.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    arms: [Option<String>; 2],
    carts: f64,
    spend: f64,
    region: Option<String>,
    since: f64,
    bought: f64,
    spent: f64,
    browsed: f64,
    /// What had arrived by t gives other features.
    late: bool,
}

fn amount(event: &StoredEvent) -> f64 {
    event.properties["amount"].as_f64().unwrap()
}

/// Every event once: the copy that arrived first.
fn once(events: &[StoredEvent]) -> Vec<StoredEvent> {
    let mut first: BTreeMap<(&str, [u8; 16]), &StoredEvent> = BTreeMap::new();
    for event in events.iter().filter(|e| e.event_type != "noise") {
        let kept = first.entry((&event.event_id, event.unit.key.0)).or_insert(event);
        if event.arrived_at < kept.arrived_at {
            *kept = event;
        }
    }
    let mut all: Vec<StoredEvent> = first.into_values().cloned().collect();
    all.sort_by(|a, b| (a.ts, &a.event_id).cmp(&(b.ts, &b.event_id)));
    all
}

/// Features at t: events with `floor(t, bucket) − window <= ts < t` that had arrived by `known`.
fn features(mine: &[&StoredEvent], t: i64, known: i64) -> (f64, f64, Option<String>, f64) {
    let of = |kind: &str, window: i64, bucket: i64| -> Vec<&StoredEvent> {
        let edge = t / bucket * bucket - window;
        (mine.iter().copied())
            .filter(|e| e.event_type == kind && edge <= e.ts.0 && e.ts.0 < t && e.arrived_at.0 <= known)
            .collect()
    };
    let or_default = |events: &[&StoredEvent], value: f64| if events.is_empty() { -1.0 } else { value };
    let carts = of("cart", 3 * DAY, DAY);
    let spend = of("buy", 5 * DAY, 12 * HOUR);
    let region = of("view", 4 * DAY, DAY);
    let since = of("buy", 4 * DAY, DAY);
    (
        or_default(&carts, carts.len() as f64),
        or_default(&spend, spend.iter().map(|e| amount(e)).sum()),
        region
            .last()
            .map(|e| e.properties["label"].as_str().unwrap().to_owned()),
        since.last().map_or(-1.0, |e| (t - e.ts.0) as f64 / DAY as f64),
    )
}

fn oracle(
    events: &[StoredEvent],
    as_of: i64,
    mark: impl Fn(&StoredEvent) -> i64,
) -> (BTreeMap<(i64, [u8; 16], String), Row>, Counts) {
    let events = once(events);
    let mut rows = BTreeMap::new();
    let mut counts = Counts::default();
    for o in events.iter().filter(|e| e.event_type == "cart") {
        let t = o.ts.0;
        let mine: Vec<&StoredEvent> = events.iter().filter(|e| e.unit == o.unit).collect();
        let given = |kind: &str, from: i64, to: i64| -> Vec<&StoredEvent> {
            mine.iter()
                .copied()
                .filter(|e| e.event_type == kind && from <= e.ts.0 && e.ts.0 < to)
                .collect()
        };
        counts.opportunities += 1;
        let mut exclude = |reason: &str| *counts.excluded.entry(reason.into()).or_default() += 1;
        if t + 2 * DAY + 6 * HOUR > as_of.min(mark(o)) {
            exclude("immature");
            continue;
        }
        if !given("coupon_shown", t - DAY, t).is_empty() || !given("ad_shown", t - 6 * HOUR, t).is_empty() {
            exclude("washout");
            continue;
        }
        let coupons = given("coupon_shown", t, t + 2 * HOUR);
        let ads = given("ad_shown", t, t + 2 * HOUR);
        let percent = |e: &StoredEvent| e.properties["percent"].as_i64().unwrap();
        if coupons.iter().any(|e| percent(e) != 5 && percent(e) != 10) {
            exclude("unknown_dose");
            continue;
        }
        counts.further_treatment_events += (coupons.len().max(1) + ads.len().max(1) - 2) as u64;
        let arms = [
            coupons.first().map(|e| format!("coupon_{}", percent(e))),
            ads.first().map(|_| "ad".to_owned()),
        ];
        counts.control_candidates += u64::from(arms == [None, None]);
        let after = |kind: &str, window: i64| -> Vec<f64> {
            mine.iter()
                .filter(|e| e.event_type == kind && t < e.ts.0 && e.ts.0 <= t + window)
                .map(|e| amount(e))
                .collect()
        };
        let now = features(&mine, t, i64::MAX);
        let late = features(&mine, t, t) != now;
        let (carts, spend, region, since) = now;
        let (bought, browsed) = (after("buy", 2 * DAY), after("view", DAY));
        let row = Row {
            arms,
            carts,
            spend,
            region,
            since,
            bought: f64::from(u8::from(!bought.is_empty())),
            spent: bought.iter().sum(),
            browsed: if browsed.is_empty() {
                -1.0
            } else {
                browsed.iter().sum()
            },
            late,
        };
        rows.insert((t, o.unit.key.0, o.event_id.clone()), row);
    }
    (rows, counts)
}

fn rows_of(dataset: &Dataset) -> BTreeMap<(i64, [u8; 16], String), Row> {
    let numbers = |name: &str| dataset.numbers(name).unwrap();
    let texts = |name: &str| dataset.texts(name).unwrap();
    let row = |i: usize| Row {
        arms: [
            texts("treatment_coupon")[i].clone(),
            texts("treatment_ad")[i].clone(),
        ],
        carts: numbers("confounder_carts")[i],
        spend: numbers("confounder_spend")[i],
        region: texts("instrument_region")[i].clone(),
        since: numbers("confounder_since")[i],
        bought: numbers("outcome_bought")[i],
        spent: numbers("outcome_spent")[i],
        browsed: numbers("mediator_browsed")[i],
        late: false,
    };
    let key = |i: usize| (dataset.t[i].0, dataset.unit[i].0, dataset.source[i].clone());
    (0..dataset.len()).map(|i| (key(i), row(i))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn rows_equal_their_definition(events in events(220), as_of in 200i64..1200,
                                   marks in prop::collection::vec(200i64..1200, 4)) {
        // So many controls a treated row that every candidate is drawn on a day with one.
        let problem = problem(1e9);
        let mut request = request(as_of);
        let marks: Vec<Timestamp> = marks.into_iter().map(|h| Timestamp(START + h * HOUR)).collect();
        request.watermarks = Watermarks::ByPartition(marks.clone());
        let made = block_on(async { make(&lake(2, &[&events]).await, &problem, &request, 1).await }).unwrap();
        let (mut expected, counts) =
            oracle(&events, request.as_of.0, |e| marks[usize::from(e.unit.shard) % 4].0);
        let treated_days: Vec<i64> =
            expected.iter().filter(|(_, r)| r.arms != [None, None]).map(|((t, ..), _)| t / DAY).collect();
        expected.retain(|(t, ..), row| row.arms != [None, None] || treated_days.contains(&(t / DAY)));
        let late = expected.values_mut().map(|row| u64::from(std::mem::take(&mut row.late))).sum::<u64>();
        prop_assert_eq!(rows_of(&made.dataset), expected.clone());
        prop_assert_eq!(made.dataset.len(), expected.len());
        prop_assert!(made.dataset.weight.iter().all(|w| *w == 1.0));
        let seen = &made.report.counts;
        prop_assert_eq!(seen.opportunities, counts.opportunities);
        prop_assert_eq!(&seen.excluded, &counts.excluded);
        prop_assert_eq!(seen.control_candidates, counts.control_candidates);
        prop_assert_eq!(seen.repeats as usize + seen.events as usize,
                        events.iter().filter(|e| e.event_type != "noise").count());
        prop_assert_eq!(seen.further_treatment_events, counts.further_treatment_events);
        prop_assert_eq!(seen.late_changed_rows, late);
    }

    #[test]
    fn buckets_threads_and_order_of_arrival_leave_no_trace(events in events(220), turn in 1usize..150, cut in 0usize..150) {
        let problem = problem(1.5);
        let request = request(1200);
        let mut shuffled = events.clone();
        shuffled.rotate_left(turn % events.len());
        shuffled.reverse();
        let (one, two) = shuffled.split_at(cut % events.len());
        let (one, two, three) = block_on(async {
            (
                make(&lake(1, &[&events]).await, &problem, &request, 1).await.unwrap(),
                make(&lake(2, &[one, two]).await, &problem, &request, 4).await.unwrap(),
                // The first batch once more, as after a redelivery.
                make(&lake(8, &[two, one, two]).await, &problem, &request, 2).await.unwrap(),
            )
        });
        prop_assert_eq!(&one.digest, &two.digest);
        prop_assert_eq!(&one.digest, &three.digest);
        prop_assert_eq!(same(&one.dataset), same(&two.dataset));
        prop_assert_eq!(&one.report, &two.report);
        prop_assert_eq!(&one.report.balance, &three.report.balance);
    }
}

/// NaN equals NaN here.
fn same(dataset: &Dataset) -> String {
    let bits = |column: &Column| match column {
        Column::Number(values) => format!("{:?}", values.iter().map(|x| x.to_bits()).collect::<Vec<_>>()),
        Column::Text(values) => format!("{values:?}"),
    };
    let columns: Vec<String> = dataset
        .columns
        .iter()
        .map(|(name, column)| name.clone() + &bits(column))
        .collect();
    format!(
        "{:?} {:?} {:?} {:?} {columns:?}",
        dataset.unit, dataset.t, dataset.source, dataset.weight
    )
}
