//! From a request to a served model through object storage: etl and trainer side by side, killed, doubled, kept waiting.

#![allow(clippy::unwrap_used)]

mod shop;

use std::sync::atomic::Ordering;
use std::time::Duration;

use ceteris_contract::duration::Span;
use ceteris_contract::time::Timestamp;
use ceteris_lake::{Answer, DatasetRequest, Training};
use ceteris_objects::faults::FaultyStore;
use ceteris_testkit::wait::wait_for;
use shop::{Place, Shop, world};

const PATIENCE: Duration = Duration::from_secs(120);
const PROBLEM: &str = "ecommerce";
const SEED: u64 = 11;

fn request(as_of: Timestamp) -> DatasetRequest {
    DatasetRequest {
        problem: PROBLEM.to_owned(),
        as_of,
        seed: SEED,
        reason: "a test".to_owned(),
    }
}

/// Waits until something has become of the request's dataset; gives the dataset's digest too.
async fn trained(shop: &Shop, id: &str) -> (String, Training) {
    wait_for("the dataset and its model", PATIENCE, || async {
        let Some(answered) = shop.datasets.answered(PROBLEM, id).await? else {
            return Ok(None);
        };
        let Answer::Dataset(digest) = answered.answer else {
            anyhow::bail!("{:?}", answered.answer);
        };
        let training = shop.datasets.training(PROBLEM, &digest).await?;
        Ok(training.map(|training| (digest, training)))
    })
    .await
    .unwrap()
}

async fn answer(shop: &Shop, problem: &str, id: &str) -> Answer {
    wait_for("the answer", PATIENCE, || async {
        let answered = shop.datasets.answered(problem, id).await?;
        Ok(answered.map(|answered| answered.answer))
    })
    .await
    .unwrap()
}

/// What an all-in-one run makes of the same events is what the workers make of them, whichever of them does it.
async fn a_request_becomes_the_model_of_a_direct_run(place: Place) {
    let shop = Shop::open(&place).await;
    shop.land_all().await;
    let (rows, model) = shop.direct(world().end(), SEED).await;
    let shutdown = shop.staff(2);

    let id = shop.datasets.request(&request(world().end())).await.unwrap();
    assert_eq!(shop.datasets.request(&request(world().end())).await.unwrap(), id);
    let (digest, training) = trained(&shop, &id).await;
    assert_eq!(digest, rows.digest);
    let version = model.manifest.version.clone();
    assert_eq!(
        training,
        Training::Trained {
            version: version.clone(),
            promoted: true,
            failed_gates: Vec::new()
        }
    );
    let (manifest, arrays) = shop.registry.load(&version).await.unwrap();
    assert_eq!(
        (manifest.digest, manifest.what),
        (model.manifest.digest, model.manifest.what)
    );
    assert_eq!(arrays, model.arrays);
    for alias in ["shadow", "production"] {
        let alias = shop.registry.alias(PROBLEM, alias).await.unwrap().unwrap();
        assert_eq!(
            (alias.version, alias.generation),
            (version.clone(), 1),
            "moved once"
        );
    }
    let card = shop.datasets.card(PROBLEM, &digest).await.unwrap().unwrap();
    assert_eq!(
        (card.rows, card.request_id.as_str()),
        (rows.report.rows, id.as_str())
    );
    assert_eq!(shop.datasets.read(PROBLEM, &digest).await.unwrap(), rows.dataset);

    // Asked again, it is answered already.
    shop.datasets.request(&request(world().end())).await.unwrap();
    assert_eq!(shop.datasets.pending().await.unwrap(), Vec::new());
    assert_eq!(shop.datasets.list(PROBLEM).await.unwrap(), vec![digest]);
    shutdown.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_becomes_the_model_of_a_direct_run_in_a_folder() {
    a_request_becomes_the_model_of_a_direct_run(Place::folder()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_becomes_the_model_of_a_direct_run_on_s3() {
    a_request_becomes_the_model_of_a_direct_run(Place::s3().await).await;
}

/// Every put and every delete is a step after which a worker may die. The next one ends with the same bits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_step_the_next_worker_ends_with_the_same_bits() {
    let base = Place::folder();
    let first = Shop::open(&base).await;
    first.land_all().await;
    let (rows, model) = first.direct(world().end(), SEED).await;
    let mut steps = 0;
    loop {
        // The same lake and log; requests, datasets and models begin anew.
        let fresh = base.beside(&format!("killed-{steps}"));
        let shop = first.with_outbox(&fresh).await;
        let id = shop.datasets.request(&request(world().end())).await.unwrap();
        let mortal = FaultyStore::over(fresh.store.clone());
        mortal.writes.store(steps, Ordering::SeqCst);
        let doomed = shop.with_outbox_store(mortal.clone(), &fresh.prefix).staff(1);
        wait_for("the end of the workers or of the work", PATIENCE, || async {
            let done = shop.datasets.training(PROBLEM, &rows.digest).await?;
            Ok((done.is_some() || mortal.is_dead()).then_some(()))
        })
        .await
        .unwrap();
        doomed.cancel();
        let died = mortal.is_dead();

        let shutdown = shop.staff(1);
        let (digest, training) = trained(&shop, &id).await;
        assert_eq!(digest, rows.digest, "killed after {steps} steps");
        assert!(
            matches!(&training, Training::Trained { version, promoted: true, .. } if *version == model.manifest.version),
            "killed after {steps} steps: {training:?}"
        );
        let (manifest, arrays) = shop.registry.load(&model.manifest.version).await.unwrap();
        assert_eq!(
            (manifest.what, arrays),
            (model.manifest.what.clone(), model.arrays.clone())
        );
        let production = shop.registry.alias(PROBLEM, "production").await.unwrap().unwrap();
        assert_eq!(production.version, model.manifest.version);
        wait_for("the request to go", PATIENCE, || async {
            Ok(shop.datasets.pending().await?.is_empty().then_some(()))
        })
        .await
        .unwrap();
        shutdown.cancel();
        if !died {
            break;
        }
        steps += 1;
    }
    // Pin, rows, card, answer, request; arrays, manifest, two aliases with their hints, record.
    assert!(steps >= 11, "{steps}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_made_until_the_lake_holds_what_the_log_held() {
    let place = Place::folder();
    let shop = Shop::open(&place).await;
    shop.land_all_but_one_partition().await;
    let shutdown = shop.staff(1);
    let id = shop.datasets.request(&request(world().end())).await.unwrap();
    wait_for("the worker to see that the lake is behind", PATIENCE, || async {
        Ok((shop.metric("ceteris_etl_lake_behind_records") > 0.0).then_some(()))
    })
    .await
    .unwrap();
    assert_eq!(shop.datasets.pinned(PROBLEM, &id).await.unwrap(), None);
    assert_eq!(shop.datasets.answered(PROBLEM, &id).await.unwrap(), None);
    shop.land_the_rest().await;
    let (rows, _) = shop.direct(world().end(), SEED).await;
    assert_eq!(answer(&shop, PROBLEM, &id).await, Answer::Dataset(rows.digest));
    shutdown.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_answered_is_answered_with_its_reason() {
    let place = Place::folder();
    let shop = Shop::open(&place).await;
    shop.land_all().await;
    let table = include_str!("../../../../../deploy/problems/hillstrom.yaml");
    shop.registry
        .put_problem("hillstrom", table, Timestamp(1))
        .await
        .unwrap();
    place
        .write("datasets/requests/ecommerce/by-hand.json", "{\"problem\": 7}")
        .await;
    let mut ids = vec![("ecommerce", "by-hand".to_owned(), "invalid type")];
    for (problem, reason) in [
        ("hillstrom", "reads a table"),
        ("unheard-of", "no problem unheard-of"),
    ] {
        let mut asked = request(world().end());
        asked.problem = problem.to_owned();
        ids.push((problem, shop.datasets.request(&asked).await.unwrap(), reason));
    }
    let shutdown = shop.staff(1);
    for (problem, id, reason) in ids {
        match answer(&shop, problem, &id).await {
            Answer::Failed(told) => assert!(told.contains(reason), "{problem}: {told}"),
            other => panic!("{problem}: {other:?}"),
        }
    }
    wait_for("the requests to go", PATIENCE, || async {
        Ok(shop.datasets.pending().await?.is_empty().then_some(()))
    })
    .await
    .unwrap();
    // A dataset that is fit for nothing gets its reason too, and is not tried again.
    let early = shop
        .datasets
        .request(&request(Timestamp(world().end().0 - Span::days(69).0)))
        .await
        .unwrap();
    let (_, training) = trained(&shop, &early).await;
    assert!(
        matches!(&training, Training::Failed { error } if !error.is_empty()),
        "{training:?}"
    );
    shutdown.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_dataset_takes_nothing_from_a_newer_model() {
    let place = Place::folder();
    let shop = Shop::open(&place).await;
    shop.land_all().await;
    let shutdown = shop.staff(1);
    let newer = shop.datasets.request(&request(world().end())).await.unwrap();
    let (newer, training) = trained(&shop, &newer).await;
    assert!(
        matches!(training, Training::Trained { promoted: true, .. }),
        "{training:?}"
    );
    let older = shop
        .datasets
        .request(&request(Timestamp(world().end().0 - Span::days(7).0)))
        .await
        .unwrap();
    let (_, training) = trained(&shop, &older).await;
    assert_eq!(training, Training::Superseded { superseded_by: newer });
    let production = shop.registry.alias(PROBLEM, "production").await.unwrap().unwrap();
    assert_eq!(production.generation, 1);
    shutdown.cancel();
}
