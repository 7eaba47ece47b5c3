//! End to end on the e-mail experiment of 64 000 customers: file → dataset → artifact → registry. The file is real
//! data, so the tests are skipped where it is missing (`ceteris_testdata`).

#![allow(clippy::unwrap_used)]

use ceteris_contract::arrays::Arrays;
use ceteris_contract::dataset::{Column, Dataset};
use ceteris_contract::manifest::{BasisTerm, Manifest, ServedEffect};
use ceteris_contract::problem::Problem;
use ceteris_contract::time::Timestamp;
use ceteris_estimate::unwatched;
use ceteris_registry::Registry;
use ceteris_table::Table;
use ceteris_trainer::table::dataset_from_table;
use ceteris_trainer::{PRODUCTION, SHADOW, TrainOptions, Trained, publish, train};

/// Differences in means and their standard errors, computed from the file by itself: women's and men's spend.
const REFERENCE: [(&str, f64, f64); 2] = [("Womens E-Mail", 0.4244, 0.1303), ("Mens E-Mail", 0.7698, 0.1452)];

fn problem() -> Problem {
    Problem::from_yaml(include_str!("../../../../deploy/problems/hillstrom.yaml"))
        .unwrap_or_else(|f| panic!("{f:#?}"))
}

fn options() -> TrainOptions {
    TrainOptions {
        seed: 7,
        folds: 5,
        now: Timestamp(1_700_000_000_000_000),
        as_of: None,
        lake_versions: Default::default(),
    }
}

fn in_pool(threads: usize, data: &Dataset) -> Trained {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| train(&problem(), data, &options(), &unwatched))
        .unwrap()
}

fn effect<'a>(manifest: &'a Manifest, arm: &str, outcome: &str) -> &'a ServedEffect {
    manifest
        .what
        .effects
        .iter()
        .find(|e| e.arm == arm && e.outcome == outcome)
        .unwrap()
}

/// The mean of phi(x)ᵀbeta over all rows.
fn mean_effect(data: &Dataset, manifest: &Manifest, arrays: &Arrays, effect: &ServedEffect) -> f64 {
    let beta = &arrays[&effect.beta()].data;
    let term = |term: &BasisTerm, row: usize| match term {
        BasisTerm::Intercept => 1.0,
        BasisTerm::Standardised {
            feature,
            center,
            scale,
        } => (data.numbers(&format!("confounder_{feature}")).unwrap()[row] - center) / scale,
        BasisTerm::Level { feature, level } => {
            let column = data.texts(&format!("confounder_{feature}")).unwrap();
            f64::from(u8::from(column[row].as_deref() == Some(level)))
        }
    };
    let rows = 0..data.len();
    let one = |row| {
        manifest
            .what
            .effect_basis
            .iter()
            .zip(beta)
            .map(|(t, b)| term(t, row) * b)
            .sum::<f64>()
    };
    rows.map(one).sum::<f64>() / data.len() as f64
}

#[test]
fn the_file_trains_to_the_known_effects_and_is_promoted() {
    let Some(path) = ceteris_testdata::file("hillstrom.csv.gz") else {
        return;
    };
    let data = dataset_from_table(&problem(), &Table::read(&path).unwrap()).unwrap();
    assert_eq!(data.len(), 64_000);
    let counts = |arm: Option<&str>| {
        let Some(Column::Text(v)) = data.column("treatment_email") else {
            panic!()
        };
        v.iter().filter(|a| a.as_deref() == arm).count()
    };
    assert_eq!(
        (
            counts(None),
            counts(Some("Womens E-Mail")),
            counts(Some("Mens E-Mail"))
        ),
        (21_306, 21_387, 21_307)
    );

    let model = in_pool(2, &data);
    let what = &model.manifest.what;
    assert_eq!(what.effects.len(), 6);
    assert!(what.not_served.is_empty() && model.failed_gates().is_empty());
    assert!(model.manifest.verify(&model.arrays));
    for (arm, reference, error) in REFERENCE {
        let spend = effect(&model.manifest, arm, "spend");
        assert!(
            (spend.naive - reference).abs() < 1e-4,
            "{arm}: naive {}",
            spend.naive
        );
        assert!(
            (spend.estimate - reference).abs() < 0.25 * error,
            "{arm}: {} is not {reference}",
            spend.estimate
        );
        assert!(
            spend.std_error <= error * 1.001,
            "{arm}: {} is more than {error}",
            spend.std_error
        );
        assert!(spend.ci[0] > 0.0 && spend.ci[0] < spend.estimate && spend.estimate < spend.ci[1]);
        // What the units' effects average to is the average effect.
        let mean = mean_effect(&data, &model.manifest, &model.arrays, spend);
        assert!(
            (mean - spend.estimate).abs() < 1e-6,
            "{arm}: {mean} against {}",
            spend.estimate
        );
        assert!(effect(&model.manifest, arm, "visit").estimate > 0.0);
    }
    assert!(
        what.effects
            .iter()
            .all(|e| e.identification["per_unit"]["proof"].is_string())
    );
    // Two threads or one, the artifact is the same to the bit.
    assert_eq!(in_pool(1, &data).manifest.digest, model.manifest.digest);

    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for _ in 0..2 {
            assert!(publish(&registry, &model, options().now).await.unwrap());
        }
        for name in [SHADOW, PRODUCTION] {
            let alias = registry.alias("hillstrom", name).await.unwrap().unwrap();
            assert_eq!(
                (alias.version.as_str(), alias.generation),
                (model.manifest.version.as_str(), 1)
            );
        }
        let (manifest, arrays) = registry.load(&model.manifest.version).await.unwrap();
        assert_eq!((manifest, arrays), (model.manifest.clone(), model.arrays.clone()));
    });
}
