//! The hand-over in object storage: each step is written once, whoever does it, however often.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use crate::support::NOW;
use crate::support::place::Place;
use ceteris_contract::dataset::{Assignment, Column, Dataset};
use ceteris_contract::identity::UnitKey;
use ceteris_contract::time::{DAY_US, Timestamp};
use ceteris_lake::{
    Answer, Answered, DatasetCard, DatasetInfo, DatasetRequest, Datasets, LakeError, ObjectError, Pin,
    Training,
};
use object_store::ObjectStoreExt;

fn datasets(place: &Place) -> Datasets {
    Datasets::over(place.store.clone(), place.prefix.clone())
}

fn request(problem: &str, day: i64) -> DatasetRequest {
    DatasetRequest {
        problem: problem.to_owned(),
        as_of: Timestamp(NOW.0 + day * DAY_US),
        seed: 3,
        reason: "a test".to_owned(),
    }
}

fn rows(value: f64) -> Dataset {
    Dataset {
        unit: vec![UnitKey([1; 16]), UnitKey([2; 16])],
        t: vec![NOW, NOW],
        source: vec!["e-1".into(), "e-2".into()],
        assignment: vec![Assignment::Observed; 2],
        weight: vec![1.0, 2.5],
        columns: vec![("x".into(), Column::Number(vec![value, f64::NAN]))],
    }
}

fn card(dataset: &Dataset, day: i64) -> DatasetCard {
    DatasetCard {
        problem: "p".into(),
        problem_digest: "text".into(),
        digest: dataset.digest(),
        rows: 2,
        as_of: Timestamp(NOW.0 + day * DAY_US),
        seed: 3,
        request_id: "r".into(),
        lake_versions: BTreeMap::from([("events".into(), 7)]),
        report: serde_json::json!({"rows": 2}),
    }
}

async fn a_request_is_asked_pinned_and_answered_once(place: Place) {
    let datasets = datasets(&place);
    assert_eq!(datasets.pending().await.unwrap(), Vec::new());
    let late = datasets.request(&request("p", 9)).await.unwrap();
    let early = datasets.request(&request("q", 2)).await.unwrap();
    assert_eq!(datasets.request(&request("p", 9)).await.unwrap(), late);
    let mut other = request("p", 9);
    other.seed = 4;
    assert_ne!(other.id(), late);
    let pending = datasets.pending().await.unwrap();
    let told: Vec<_> = pending
        .iter()
        .map(|pending| (pending.id.as_str(), &pending.problem))
        .collect();
    assert_eq!(
        told,
        [
            (early.as_str(), &"q".to_owned()),
            (late.as_str(), &"p".to_owned())
        ]
    );
    assert_eq!(pending[1].request, Ok(request("p", 9)));

    let pin = |version| Pin {
        problem_digest: "text".into(),
        lake_versions: BTreeMap::from([("events".into(), version)]),
        watermark: NOW,
    };
    assert_eq!(datasets.pinned("p", &late).await.unwrap(), None);
    assert_eq!(datasets.pin("p", &late, &pin(1)).await.unwrap(), pin(1));
    assert_eq!(
        datasets.pin("p", &late, &pin(2)).await.unwrap(),
        pin(1),
        "the first one stands"
    );
    assert_eq!(datasets.pinned("p", &late).await.unwrap(), Some(pin(1)));

    let answered = |digest: &str, at| Answered {
        request: Some(request("p", 9)),
        at: Timestamp(at),
        answer: Answer::Dataset(digest.into()),
    };
    let first = datasets.answer("p", &late, &answered("a", 1)).await.unwrap();
    let second = datasets.answer("p", &late, &answered("b", 2)).await.unwrap();
    assert_eq!((&first, &second), (&answered("a", 1), &answered("a", 1)));
    datasets.request(&request("p", 9)).await.unwrap();
    let left = datasets.pending().await.unwrap();
    assert_eq!(left.len(), 1, "what was answered is not asked again");
    assert_eq!(left[0].id, early);
}

async fn what_people_put_there_wrongly_is_named(place: Place) {
    let datasets = datasets(&place);
    let text = serde_json::to_string(&request("other", 1)).unwrap();
    place
        .store
        .put(&place.path("requests/p/elsewhere.json"), text.into())
        .await
        .unwrap();
    place
        .store
        .put(&place.path("requests/p/torn.json"), "{".into())
        .await
        .unwrap();
    let pending = datasets.pending().await.unwrap();
    let reasons: Vec<&String> = pending
        .iter()
        .map(|pending| pending.request.as_ref().unwrap_err())
        .collect();
    assert!(reasons[0].contains("asks for other"), "{reasons:?}");
    assert!(reasons[1].contains("EOF"), "{reasons:?}");
    for name in ["", "../x", "a/b", ".hidden"] {
        let error = datasets.request(&request(name, 1)).await.unwrap_err();
        assert!(
            matches!(error, LakeError::Object(ObjectError::InvalidName { .. })),
            "{error}"
        );
    }
}

async fn rows_are_checked_against_the_digest_that_names_them(place: Place) {
    let datasets = datasets(&place);
    let (one, two) = (rows(0.5), rows(0.25));
    for (dataset, day) in [(&one, 1), (&two, 2)] {
        let info = DatasetInfo {
            problem: "p".into(),
            as_of: Some(NOW),
        };
        datasets
            .write(dataset.clone(), info.clone(), &card(dataset, day))
            .await
            .unwrap();
        // Again, by another worker, for another request: the first card stays.
        datasets
            .write(dataset.clone(), info, &card(dataset, day + 1))
            .await
            .unwrap();
    }
    assert_eq!(datasets.problems().await.unwrap(), ["p"]);
    assert_eq!(datasets.list("p").await.unwrap().len(), 2);
    assert_eq!(
        datasets.card("p", &one.digest()).await.unwrap(),
        Some(card(&one, 1))
    );
    assert_eq!(
        datasets.read("p", &one.digest()).await.unwrap().digest(),
        one.digest()
    );

    // The other dataset's sound file under this one's name is not this dataset.
    let path = |dataset: &Dataset| place.path(&format!("datasets/p/{}.parquet", dataset.digest()));
    let bytes = place.store.get(&path(&two)).await.unwrap().bytes().await.unwrap();
    place.store.put(&path(&one), bytes.into()).await.unwrap();
    let error = datasets.read("p", &one.digest()).await.unwrap_err();
    assert!(
        matches!(&error, LakeError::CorruptDataset { expected, found, .. } if *expected == one.digest() && *found == two.digest()),
        "{error}"
    );
}

async fn what_became_of_a_dataset_is_written_once(place: Place) {
    let datasets = datasets(&place);
    let (one, two) = (rows(0.5), rows(0.25));
    for (dataset, day) in [(&one, 1), (&two, 2)] {
        datasets
            .write(dataset.clone(), DatasetInfo::default(), &card(dataset, day))
            .await
            .unwrap();
    }
    let waiting = datasets.untrained("p").await.unwrap();
    assert_eq!(waiting, vec![card(&two, 2), card(&one, 1)], "the newest first");
    let trained = Training::Trained {
        version: "p-000000000000".into(),
        promoted: true,
        failed_gates: Vec::new(),
    };
    let failed = Training::Failed {
        error: "no rows".into(),
    };
    let superseded = Training::Superseded {
        superseded_by: two.digest(),
    };
    assert_eq!(
        datasets.record("p", &two.digest(), &trained).await.unwrap(),
        trained
    );
    assert_eq!(
        datasets.record("p", &two.digest(), &failed).await.unwrap(),
        trained
    );
    assert_eq!(
        datasets.training("p", &two.digest()).await.unwrap(),
        Some(trained)
    );
    assert_eq!(datasets.untrained("p").await.unwrap(), vec![card(&one, 1)]);
    assert_eq!(
        datasets.record("p", &one.digest(), &superseded).await.unwrap(),
        superseded
    );
    assert_eq!(
        datasets.training("p", &one.digest()).await.unwrap(),
        Some(superseded)
    );
    assert_eq!(datasets.untrained("p").await.unwrap(), Vec::new());
}

on_both!(
    a_request_is_asked_pinned_and_answered_once,
    what_people_put_there_wrongly_is_named,
    rows_are_checked_against_the_digest_that_names_them,
    what_became_of_a_dataset_is_written_once,
);
