//! Whatever can stand in a row or a dataset comes back as it was.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::support::{NOW, all, at, nowhere, sorted};
use ceteris_contract::dataset::{Assignment, Column, Dataset};
use ceteris_contract::event::StoredEvent;
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::time::Timestamp;
use ceteris_lake::{
    DatasetInfo, DecisionRow, EventRow, Lake, LakeError, LogPosition, decode_dataset, encode_dataset,
    read_dataset, read_dataset_file, write_dataset, write_dataset_file,
};
use object_store::memory::InMemory;
use object_store::path::Path;
use proptest::prelude::*;
use serde_json::{Map, Value};

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn unit() -> impl Strategy<Value = Unit> {
    (any::<[u8; 16]>(), 0..4096u16).prop_map(|(key, shard)| Unit {
        key: UnitKey(key),
        shard,
    })
}

prop_compose! {
    fn row(id: usize)(
        unit in unit(),
        event_type in ".{1,12}",
        ts in 0..Timestamp::MAX.0,
        arrived in 0..Timestamp::MAX.0,
        session_id in prop::option::of(".{0,8}"),
        properties in prop::collection::btree_map(".{0,6}", json(), 0..4),
        offset in prop::option::of(0..i64::MAX as u64),
    ) -> EventRow {
        let log = offset.map(|offset| LogPosition { topic: "t".into(), partition: 3, offset });
        let event = StoredEvent {
            event_id: format!("{id:03}"),
            unit,
            event_type,
            ts: Timestamp(ts),
            arrived_at: Timestamp(arrived),
            session_id,
            properties: properties.into_iter().collect::<Map<_, _>>(),
        };
        EventRow { event, log }
    }
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![9 => any::<f64>(), 1 => Just(f64::NAN), 1 => Just(-0.0)]
}

fn dataset() -> impl Strategy<Value = Dataset> {
    (0..12usize).prop_flat_map(|n| {
        let texts = prop::collection::vec(prop::option::of(".{0,5}"), n);
        (
            prop::collection::vec(
                (any::<[u8; 16]>(), 0..Timestamp::MAX.0, ".{0,6}", any::<bool>()),
                n,
            ),
            prop::collection::vec(any::<f64>(), n),
            prop::collection::vec(prop::collection::vec(number(), n), 0..3),
            prop::collection::vec(texts, 0..3),
        )
            .prop_map(|(rows, weight, numbers, texts)| {
                let numbers = numbers.into_iter().enumerate();
                let mut columns: Vec<_> = numbers
                    .map(|(i, values)| (format!("confounder_{i}"), Column::Number(values)))
                    .collect();
                let texts = texts.into_iter().enumerate();
                columns.extend(texts.map(|(i, values)| (format!("treatment_{i}"), Column::Text(values))));
                Dataset {
                    unit: rows.iter().map(|row| UnitKey(row.0)).collect(),
                    t: rows.iter().map(|row| Timestamp(row.1)).collect(),
                    source: rows.iter().map(|row| row.2.clone()).collect(),
                    assignment: (rows.iter())
                        .map(|row| {
                            if row.3 {
                                Assignment::Logged
                            } else {
                                Assignment::Observed
                            }
                        })
                        .collect(),
                    weight,
                    columns,
                }
            })
    })
}

/// Equal in every value, missing numbers being equal to one another.
fn same(a: &Dataset, b: &Dataset) -> bool {
    let bits = |column: &Column| match column {
        Column::Number(x) => x
            .iter()
            .map(|x| if x.is_nan() { u64::MAX } else { x.to_bits() })
            .collect(),
        Column::Text(_) => Vec::new(),
    };
    let texts = |column: &Column| match column {
        Column::Number(_) => Vec::new(),
        Column::Text(values) => values.clone(),
    };
    (&a.unit, &a.t, &a.source, &a.assignment) == (&b.unit, &b.t, &b.source, &b.assignment)
        && bits(&Column::Number(a.weight.clone())) == bits(&Column::Number(b.weight.clone()))
        && a.columns.len() == b.columns.len()
        && (a.columns.iter().zip(&b.columns))
            .all(|(x, y)| x.0 == y.0 && bits(&x.1) == bits(&y.1) && texts(&x.1) == texts(&y.1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_event_reads_back_as_it_was(rows in prop::collection::vec(row(0), 1..8)) {
        let rows: Vec<EventRow> = (rows.into_iter().enumerate())
            .map(|(i, mut row)| { row.event.event_id = format!("{i:03}"); row })
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let found = runtime.block_on(async {
            let lake = Lake::over(Arc::new(InMemory::new()), Path::default(), 4, NOW).await.unwrap();
            lake.events().append(rows.clone(), &at(0, 1), &nowhere(), NOW).await.unwrap();
            all(&lake.events().snapshot(None).await.unwrap(), 4).await
        });
        prop_assert_eq!(found, sorted(rows));
    }

    #[test]
    fn any_dataset_reads_back_as_it_was(data in dataset(), as_of in prop::option::of(0..Timestamp::MAX.0)) {
        let info = DatasetInfo { problem: "ecommerce".into(), as_of: as_of.map(Timestamp) };
        let (found, read) = decode_dataset(encode_dataset(&data, &info).unwrap()).unwrap();
        prop_assert!(same(&found, &data), "{:?} {:?}", found, data);
        prop_assert_eq!(found.digest(), data.digest());
        prop_assert_eq!(read, info);
    }
}

fn small() -> Dataset {
    Dataset {
        unit: vec![UnitKey([1; 16]), UnitKey([2; 16])],
        t: vec![Timestamp(1), Timestamp(2)],
        source: vec!["a".into(), "b".into()],
        assignment: vec![Assignment::Observed, Assignment::Logged],
        weight: vec![1.0, 2.5],
        columns: vec![("confounder_x".into(), Column::Number(vec![0.5, f64::NAN]))],
    }
}

#[tokio::test]
async fn datasets_go_through_stores_and_files() {
    let (data, info) = (
        small(),
        DatasetInfo {
            problem: "p".into(),
            as_of: Some(NOW),
        },
    );
    let store = InMemory::new();
    let path = Path::from("datasets/d.parquet");
    assert_eq!(
        write_dataset(&store, &path, &data, &info).await.unwrap(),
        data.digest()
    );
    assert!(same(&read_dataset(&store, &path).await.unwrap().0, &data));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("d.parquet");
    assert_eq!(write_dataset_file(&file, &data, &info).unwrap(), data.digest());
    assert_eq!(read_dataset_file(&file).unwrap().1, info);
    assert!(matches!(
        read_dataset_file(&folder.path().join("x")),
        Err(LakeError::Folder { .. })
    ));
}

#[test]
fn a_changed_dataset_is_refused_with_both_digests() {
    let data = small();
    let info = DatasetInfo::default();
    let bytes = encode_dataset(&data, &info).unwrap();
    // The digest stands as text in the footer: another digest, of the same length, for the same rows.
    let (digest, other) = (data.digest(), "0".repeat(64));
    let at = bytes
        .windows(64)
        .position(|window| window == digest.as_bytes())
        .unwrap();
    let mut changed = bytes.to_vec();
    changed[at..at + 64].copy_from_slice(other.as_bytes());
    match decode_dataset(changed.into()).unwrap_err() {
        LakeError::CorruptDataset { expected, found, .. } => assert_eq!((expected, found), (other, digest)),
        error => panic!("{error}"),
    }
    assert!(decode_dataset(bytes.slice(0..bytes.len() - 9)).is_err());
}

#[test]
fn columns_of_unequal_length_or_equal_name_are_refused() {
    let mut data = small();
    data.columns
        .push(("confounder_y".into(), Column::Number(vec![1.0])));
    assert!(matches!(
        encode_dataset(&data, &DatasetInfo::default()),
        Err(LakeError::Encode { .. })
    ));
    data.columns[1] = ("weight".into(), Column::Number(vec![1.0, 1.0]));
    assert!(matches!(
        encode_dataset(&data, &DatasetInfo::default()),
        Err(LakeError::Encode { .. })
    ));
}

#[tokio::test]
async fn decisions_read_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path(), 2, NOW).await.unwrap();
    let rows: Vec<DecisionRow> = (0..20u64)
        .map(|i| DecisionRow {
            decision_id: format!("d-{i:02}"),
            unit: Unit {
                key: UnitKey([i as u8; 16]),
                shard: (i * 37) as u16,
            },
            ts: Timestamp(NOW.0 + i as i64),
            arrived_at: Timestamp(NOW.0 + 2 * i as i64),
            problem: "ecommerce".into(),
            recommended: i.is_multiple_of(2).then(|| "coupon_10pct".to_owned()),
            propensity: 0.1 + i as f64 / 100.0,
            payload: format!("{{\"i\":{i}}}"),
            log: (i % 3 == 0).then(|| LogPosition {
                topic: "causal_decisions".into(),
                partition: 1,
                offset: i,
            }),
        })
        .collect();
    let next = BTreeMap::from([(("causal_decisions".to_owned(), 1), 20)]);
    lake.decisions()
        .append(rows.clone(), &next, &nowhere(), NOW)
        .await
        .unwrap();
    let snapshot = lake.decisions().snapshot(None).await.unwrap();
    let mut found = snapshot.read_bucket(0).await.unwrap();
    found.extend(snapshot.read_bucket(1).await.unwrap());
    found.sort_by(|a, b| a.decision_id.cmp(&b.decision_id));
    assert_eq!(found, rows);
    assert_eq!(lake.events().offsets().await.unwrap(), nowhere());
}
