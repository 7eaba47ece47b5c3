//! Cases solved by hand: what is no feature and no outcome, maturity, arms, sampling, resuming, what is refused.

use std::os::unix::fs::MetadataExt;
use std::sync::Mutex;

use crate::common::*;
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::problem::{Source, TreatmentSource};
use ceteris_contract::time::Timestamp;
use ceteris_etl::{EtlError, Progress, Stage, Watermarks, Workers, finish, plan, run, run_bucket};

#[test]
fn an_event_at_the_instant_itself_is_neither_feature_nor_outcome() {
    let events = [
        event("a", 1, "cart", 100, 0, 5),
        event("b", 1, "buy", 100, 0, 40),
        event("c", 1, "ad_shown", 100, 0, 0),
        event("d", 1, "buy", 148, 0, 8),
        event("e", 1, "buy", 149, 0, 16),
    ];
    let made =
        block_on(async { make(&lake(1, &[&events]).await, &problem(1.0), &request(300), 1).await }).unwrap();
    assert_eq!(
        made.dataset.texts("treatment_ad").unwrap(),
        [Some("ad".to_owned())],
        "but it is the arm"
    );
    assert_eq!(made.dataset.numbers("confounder_spend").unwrap(), [-1.0]);
    assert_eq!(
        made.dataset.numbers("outcome_spent").unwrap(),
        [2.0],
        "up to the window's end, and not beyond"
    );
    let names: Vec<&str> = made
        .dataset
        .columns
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let expected = [
        "confounder_carts",
        "confounder_spend",
        "instrument_region",
        "confounder_since",
        "treatment_coupon",
        "treatment_ad",
        "outcome_bought",
        "outcome_spent",
        "mediator_browsed",
    ];
    assert_eq!(names, expected);
    assert_eq!(made.info.problem, "shop");
    assert_eq!(made.plan.lake_versions["events"], 1);
}

#[test]
fn immature_rows_are_excluded_whether_or_not_the_outcome_came() {
    let events = [
        event("a", 1, "cart", 10, 0, 5),
        event("b", 1, "ad_shown", 10, 0, 5),
        event("c", 1, "buy", 11, 0, 5),
        event("d", 2, "cart", 10, 0, 5),
        event("e", 2, "ad_shown", 10, 0, 5),
    ];
    block_on(async {
        let lake = lake(2, &[&events]).await;
        // The outcome's two days and six hours of lateness.
        for (as_of, rows) in [(10 + 53, 0), (10 + 54, 2)] {
            let made = make(&lake, &problem(1.0), &request(as_of), 1).await.unwrap();
            assert_eq!(made.dataset.len(), rows, "as of {as_of}");
            assert_eq!(
                made.report.counts.excluded.get("immature").copied().unwrap_or(0),
                2 - rows as u64
            );
        }
        // The log of one partition is behind: its unit waits.
        let mut request = request(300);
        let behind = Timestamp(START + 63 * HOUR);
        request.watermarks = Watermarks::ByPartition(vec![Timestamp::MAX, behind]);
        let made = make(&lake, &problem(1.0), &request, 1).await.unwrap();
        assert_eq!(made.dataset.unit, [unit(2).key], "unit 1 has an odd shard");
    });
}

#[test]
fn the_first_treatment_event_is_the_arm_and_an_unknown_dose_is_no_control() {
    let events = [
        event("a", 1, "cart", 100, 0, 0),
        event("b2", 1, "coupon_shown", 101, 0, 10),
        event("b1", 1, "coupon_shown", 101, 0, 5),
        event("c", 2, "cart", 100, 0, 0),
        event("d", 2, "coupon_shown", 100, 0, 20),
        // Treated later than the attribution: a control that stays one.
        event("e", 3, "cart", 100, 0, 0),
        event("f", 3, "coupon_shown", 102, 0, 10),
    ];
    let made =
        block_on(async { make(&lake(4, &[&events]).await, &problem(5.0), &request(300), 2).await }).unwrap();
    let arms = made
        .report
        .rows_by_arm
        .iter()
        .map(|(arm, n)| (arm.as_str(), *n))
        .collect::<Vec<_>>();
    assert_eq!(arms, [("ad", 0), ("coupon_10", 0), ("coupon_5", 1), ("none", 1)]);
    assert_eq!(made.report.counts.excluded["unknown_dose"], 1);
    assert_eq!(made.report.counts.further_treatment_events, 1);
}

#[test]
fn controls_are_drawn_with_their_days_probability_and_weigh_its_inverse() {
    let mut events = Vec::new();
    for who in 0..200u8 {
        for day in 0..3 {
            let id = format!("{who}-{day}");
            let mut cart = event(&id, who, "cart", 24 * day + 1, 0, 0);
            let number = u128::from(who) << 8 | day as u128;
            cart.unit = Unit {
                key: UnitKey(number.to_be_bytes()),
                shard: u16::from(who),
            };
            // Ten treated on the first day, one on the second, none on the third.
            if who < [10, 1, 0][day as usize] {
                let mut ad = event(&format!("{id}-ad"), who, "ad_shown", 24 * day + 1, 0, 0);
                ad.unit = cart.unit;
                events.push(ad);
            }
            events.push(cart);
        }
    }
    block_on(async {
        let (lake, problem) = (lake(8, &[&events]).await, problem(4.0));
        let mut drawn = 0;
        for seed in 0..20 {
            let mut request = request(400);
            request.seed = seed;
            let made = make(&lake, &problem, &request, 2).await.unwrap();
            let first = START / DAY;
            assert_eq!(made.plan.days[&first].treated, 10);
            assert_eq!(made.plan.days[&first].controls, 190);
            assert_eq!(made.plan.probability(first), 40.0 / 190.0);
            assert_eq!(made.plan.probability(first + 2), 0.0);
            assert_eq!(made.report.days_without_treated, 1);
            for (row, weight) in made.dataset.weight.iter().enumerate() {
                let treated = made.dataset.texts("treatment_ad").unwrap()[row].is_some();
                let inverse = 1.0 / made.plan.probability(made.dataset.t[row].day());
                assert_eq!(*weight, if treated { 1.0 } else { inverse });
                drawn += u32::from(!treated && made.dataset.t[row].day() == first);
            }
            assert_eq!(made.report.counts.control_candidates, 190 + 199 + 200);
        }
        // 20 seeds × 190 candidates at 4/19: mean 800, standard deviation 25.
        assert!((700..900).contains(&drawn), "{drawn} controls");
    });
}

#[test]
fn a_stopped_run_goes_on_where_it_was() {
    let events: Vec<_> = (0..40u8)
        .flat_map(|who| {
            [
                event(&format!("{who}c"), who, "cart", 50, 0, 0),
                event(&format!("{who}a"), who, "ad_shown", 51, 0, 0),
            ]
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let (pool, problem, request) = (pool(2), problem(1.0), request(300));
    block_on(async {
        let lake = lake(4, &[&events]).await;
        let told = Mutex::new(Vec::new());
        let progress = |p: Progress| told.lock().unwrap().push(p);
        let workers = Workers {
            pool: &pool,
            work_dir: Some(folder.path()),
            progress: &progress,
        };
        let first = run(&lake, &problem, &request, &workers).await.unwrap();
        let last = told.lock().unwrap().last().copied();
        assert_eq!(
            last,
            Some(Progress {
                stage: Stage::Buckets,
                done: 4,
                total: 4
            })
        );
        let parts = folder.path().join(first.plan.digest());
        let file = |bucket: u16| parts.join(format!("bucket-{bucket:04}.part"));
        let inode = |bucket| std::fs::metadata(file(bucket)).unwrap().ino();
        let before: Vec<u64> = (0..4).map(inode).collect();
        // One bucket was never finished, one is damaged.
        std::fs::remove_file(file(1)).unwrap();
        let mut bytes = std::fs::read(file(2)).unwrap();
        let end = bytes.len() - 9;
        bytes.truncate(end);
        std::fs::write(file(2), bytes).unwrap();
        let again = run(&lake, &problem, &request, &workers).await.unwrap();
        assert_eq!((&again.digest, &again.report), (&first.digest, &first.report));
        assert_eq!((inode(0), inode(3)), (before[0], before[3]), "taken as they were");
        assert_ne!(inode(2), before[2], "made again");
        // Steps on their own come to the same.
        let steps = plan(&lake, &problem, &request, &workers).await.unwrap();
        assert_eq!(steps, first.plan);
        let mut made = Vec::new();
        for bucket in [2, 0, 3, 1] {
            made.push(
                run_bucket(&lake, &problem, &steps, bucket, &workers)
                    .await
                    .unwrap(),
            );
        }
        assert_eq!(
            finish(&problem, steps.clone(), made.clone()).unwrap().digest,
            first.digest
        );
        made.pop();
        assert!(matches!(
            finish(&problem, steps, made),
            Err(EtlError::Parts { buckets: 4 })
        ));
        // Another plan makes its own parts and leaves none behind.
        let mut other = request.clone();
        other.seed += 1;
        run(&lake, &problem, &other, &workers).await.unwrap();
        assert!(!parts.exists());
    });
}

#[test]
fn a_later_version_of_the_lake_changes_no_pinned_run() {
    let events = [
        event("a", 1, "cart", 10, 0, 0),
        event("b", 1, "ad_shown", 10, 0, 0),
    ];
    let more = [
        event("c", 2, "cart", 10, 0, 0),
        event("d", 2, "ad_shown", 10, 0, 0),
    ];
    block_on(async {
        let lake = lake(2, &[&events, &more]).await;
        let mut request = request(300);
        assert_eq!(
            make(&lake, &problem(1.0), &request, 1)
                .await
                .unwrap()
                .dataset
                .len(),
            2
        );
        request.lake_version = Some(1);
        let made = make(&lake, &problem(1.0), &request, 1).await.unwrap();
        assert_eq!((made.dataset.len(), made.plan.events_version()), (1, 1));
    });
}

#[test]
fn what_has_no_rows_from_events_is_refused() {
    block_on(async {
        let lake = lake(1, &[]).await;
        let made = make(&lake, &problem(1.0), &request(300), 1).await.unwrap();
        assert_eq!(
            (made.dataset.len(), made.report.late_changed_share),
            (0, 0.0),
            "an empty lake has no rows"
        );
        let mut table = problem(1.0);
        table.source = Source::Table { unit: None };
        let refused = make(&lake, &table, &request(300), 1).await;
        assert!(matches!(refused, Err(EtlError::NotFromEvents { .. })));
        let mut bare = problem(1.0);
        if let TreatmentSource::Event { dose_property, .. } = &mut bare.treatments[0].from {
            *dose_property = None;
        }
        assert!(matches!(
            make(&lake, &bare, &request(300), 1).await,
            Err(EtlError::Treatment { .. })
        ));
        let mut marks = request(300);
        marks.watermarks = Watermarks::ByPartition(vec![Timestamp(0); 3]);
        assert!(matches!(
            make(&lake, &problem(1.0), &marks, 1).await,
            Err(EtlError::Watermarks { count: 3 })
        ));
    });
}

/// The future of a run can be spawned.
#[test]
fn a_run_can_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let (pool, problem, request) = (pool(1), problem(1.0), request(300));
    let lake = block_on(lake(1, &[]));
    let workers = Workers {
        pool: &pool,
        work_dir: None,
        progress: &|_| {},
    };
    is_send(&run(&lake, &problem, &request, &workers));
}
