//! Folders that an earlier `fit-effect` left: their digests hold, and their effects are the same to the last bit.
//! `published/README.md` tells how the files were made.

use std::fs;
use std::path::{Path, PathBuf};

use ceteris_effect::forest::Covariates;
use ceteris_effect::{Column, ColumnKind};
use ceteris_model::{effect, folder};
use ndarray::Array2;

fn published() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/published")
}

/// The cells of a csv without quotes, after its header.
fn cells(file: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(published().join(file)).unwrap();
    text.lines()
        .skip(1)
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect()
}

fn covariates(columns: &[Column]) -> Covariates {
    let rows = cells("rows.csv");
    let value = |(row, column): (usize, usize)| {
        let cell = &rows[row][column];
        match &columns[column].kind {
            ColumnKind::Numeric => cell.parse().unwrap(),
            ColumnKind::Categorical { levels } => {
                levels.iter().position(|level| level == cell).unwrap() as f64
            }
        }
    };
    let values = Array2::from_shape_fn((rows.len(), columns.len()), value);
    Covariates::new(values, columns.to_vec()).unwrap()
}

#[test]
fn their_effects_are_the_same_to_the_last_bit() {
    for learner in ["linear", "forest"] {
        let (manifest, lists) = folder::read(&published().join(learner)).unwrap();
        assert_eq!(manifest.what.learner, learner);
        let model = effect::from_lists(&manifest, lists).unwrap();
        let effects = model.predict_all(&covariates(model.columns())).unwrap();
        let told = cells(&format!("{learner}.csv"));
        assert_eq!((effects.len(), told.len()), (40, 40));
        for (row, (effect, told)) in effects.iter().zip(&told).enumerate() {
            let told: Vec<f64> = told.iter().map(|cell| cell.parse().unwrap()).collect();
            assert_eq!([effect.tau, effect.std_error], told[..], "{learner}, row {row}");
        }
    }
}
