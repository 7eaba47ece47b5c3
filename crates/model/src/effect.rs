//! Effects of a table's units, linear or of forests, as manifest and arrays, and back.

use ceteris_contract::arrays::{Lists, Values};
use ceteris_contract::manifest::{EffectColumn, EffectManifest};
use ceteris_effect::forest::{Forest, ForestError, ForestParts};
use ceteris_effect::{
    Column, ColumnKind, EffectBasis, EffectLearner, EffectModel, LinearEffect, ModelError, ModelKind,
};
use serde_json::{Value, json};

/// Why a model has no parts, or parts are no model.
#[derive(Debug, thiserror::Error)]
pub enum EffectPartsError {
    /// A linear model has no effect to take the basis from.
    #[error("a model without effects")]
    NoEffects,
    /// The manifest names a learner that this build does not know.
    #[error("the manifest's learner {learner} is not known")]
    Learner {
        /// The name.
        learner: String,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// The basis of a linear model cannot be written or read.
    #[error("the manifest's basis")]
    Basis {
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// An array is missing or of another kind.
    #[error("the array {name} is missing or holds no {kind}")]
    Array {
        /// The array.
        name: String,
        /// What it should hold.
        kind: &'static str,
    },
    /// The array of a forest's shape has another length.
    #[error("the array {name} has {found} values where 3 are expected")]
    Shape {
        /// The array.
        name: String,
        /// Its values.
        found: usize,
    },
    /// The columns have other levels than those of the forest.
    #[error("the manifest's columns have not the levels that the forest was grown on")]
    Levels,
    /// The ends of a forest's training ranges are no pairs.
    #[error("the array {name} holds half a range")]
    Ranges {
        /// The array.
        name: String,
    },
    /// The parts of a forest do not fit together.
    #[error(transparent)]
    Forest(#[from] ForestError),
    /// The parts of a model do not fit together.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// The model's arrays, and the basis of a linear one.
///
/// # Errors
/// A linear model without effects.
pub fn to_lists(model: &EffectModel) -> Result<(Lists, Value), EffectPartsError> {
    let mut lists = Lists::new();
    match model.kind() {
        ModelKind::Linear(effects) => {
            for (a, effect) in effects.iter().enumerate() {
                lists.insert(format!("effect.{a}.beta"), Values::F64(effect.beta.clone()));
                lists.insert(format!("effect.{a}.cov"), Values::F64(effect.cov.clone()));
            }
            let basis = effects
                .first()
                .map(|effect| &effect.basis)
                .ok_or(EffectPartsError::NoEffects)?;
            let basis = serde_json::to_value(basis).map_err(|source| EffectPartsError::Basis { source })?;
            Ok((lists, basis))
        }
        ModelKind::Forests(forests) => {
            for (f, forest) in forests.iter().enumerate() {
                forest_lists(&mut lists, f, forest.parts());
            }
            Ok((lists, Value::Null))
        }
    }
}

fn forest_lists(lists: &mut Lists, number: usize, parts: ForestParts) {
    let ranges = parts.ranges.into_iter().flatten().collect();
    let shape = vec![
        parts.bag as u32,
        parts.treatments as u32,
        features(&parts.columns),
    ];
    for (name, values) in [
        ("shape", Values::U32(shape)),
        ("cuts", Values::F64(parts.cuts)),
        ("cut_starts", Values::U32(parts.cut_starts)),
        ("ranges", Values::F64(ranges)),
        ("roots", Values::U32(parts.roots)),
        ("node_feature", Values::U16(parts.node_feature)),
        ("node_code", Values::U16(parts.node_code)),
        ("node_next", Values::U32(parts.node_next)),
        ("leaves", Values::F64(parts.leaves)),
    ] {
        lists.insert(format!("forest.{number}.{name}"), values);
    }
}

/// Features of a row, which the nodes count: a number is one, a category one a level.
fn features(columns: &[Column]) -> u32 {
    let of = |column: &Column| match &column.kind {
        ColumnKind::Numeric => 1,
        ColumnKind::Categorical { levels } => levels.len() as u32,
    };
    columns.iter().map(of).sum()
}

/// Columns as a manifest names them.
pub fn columns_of(columns: &[Column]) -> Vec<EffectColumn> {
    let one = |column: &Column| EffectColumn {
        name: column.name.clone(),
        levels: match &column.kind {
            ColumnKind::Numeric => None,
            ColumnKind::Categorical { levels } => Some(levels.clone()),
        },
    };
    columns.iter().map(one).collect()
}

/// The model of a manifest and its arrays.
///
/// # Errors
/// Arrays that are missing, of another kind, or do not fit the manifest or one another.
pub fn from_lists(manifest: &EffectManifest, mut lists: Lists) -> Result<EffectModel, EffectPartsError> {
    let what = &manifest.what;
    let learner: EffectLearner =
        serde_json::from_value(json!(what.learner)).map_err(|source| EffectPartsError::Learner {
            learner: what.learner.clone(),
            source,
        })?;
    let column = |c: &EffectColumn| match &c.levels {
        None => Column::numeric(&c.name),
        Some(levels) => Column::categorical(&c.name, levels.clone()),
    };
    let columns: Vec<Column> = what.columns.iter().map(column).collect();
    let treatments = what.arms.len().max(1);
    let kind = if matches!(learner, EffectLearner::Linear | EffectLearner::R) {
        let basis: EffectBasis = serde_json::from_value(what.basis.clone())
            .map_err(|source| EffectPartsError::Basis { source })?;
        let effects = (0..treatments)
            .map(|a| {
                Ok(LinearEffect {
                    basis: basis.clone(),
                    beta: numbers(&mut lists, &format!("effect.{a}.beta"))?,
                    cov: numbers(&mut lists, &format!("effect.{a}.cov"))?,
                })
            })
            .collect::<Result<_, EffectPartsError>>()?;
        ModelKind::Linear(effects)
    } else {
        let mut forests = Vec::new();
        while lists.contains_key(&format!("forest.{}.roots", forests.len())) {
            let mut own = columns.clone();
            if learner == EffectLearner::S {
                let levels = (0..=treatments).map(|a| a.to_string()).collect();
                own.push(Column::categorical("(arm)", levels));
            }
            forests.push(forest_of(&mut lists, forests.len(), own)?);
        }
        ModelKind::Forests(forests)
    };
    Ok(EffectModel::new(learner, columns, treatments, kind)?)
}

fn forest_of(lists: &mut Lists, number: usize, columns: Vec<Column>) -> Result<Forest, EffectPartsError> {
    let name = |part: &str| format!("forest.{number}.{part}");
    let shape = positions(lists, &name("shape"))?;
    let [bag, treatments, counted] = shape[..] else {
        return Err(EffectPartsError::Shape {
            name: name("shape"),
            found: shape.len(),
        });
    };
    if counted != features(&columns) {
        return Err(EffectPartsError::Levels);
    }
    let ends = numbers(lists, &name("ranges"))?;
    let (ranges, rest) = ends.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(EffectPartsError::Ranges { name: name("ranges") });
    }
    Ok(Forest::from_parts(ForestParts {
        columns,
        bag: bag as usize,
        treatments: treatments as usize,
        cuts: numbers(lists, &name("cuts"))?,
        cut_starts: positions(lists, &name("cut_starts"))?,
        ranges: ranges.to_vec(),
        roots: positions(lists, &name("roots"))?,
        node_feature: codes(lists, &name("node_feature"))?,
        node_code: codes(lists, &name("node_code"))?,
        node_next: positions(lists, &name("node_next"))?,
        leaves: numbers(lists, &name("leaves"))?,
    })?)
}

fn numbers(lists: &mut Lists, name: &str) -> Result<Vec<f64>, EffectPartsError> {
    match lists.remove(name) {
        Some(Values::F64(values)) => Ok(values),
        _ => Err(missing(name, "numbers")),
    }
}

fn positions(lists: &mut Lists, name: &str) -> Result<Vec<u32>, EffectPartsError> {
    match lists.remove(name) {
        Some(Values::U32(values)) => Ok(values),
        _ => Err(missing(name, "positions")),
    }
}

fn codes(lists: &mut Lists, name: &str) -> Result<Vec<u16>, EffectPartsError> {
    match lists.remove(name) {
        Some(Values::U16(values)) => Ok(values),
        _ => Err(missing(name, "codes")),
    }
}

fn missing(name: &str, kind: &'static str) -> EffectPartsError {
    EffectPartsError::Array {
        name: name.to_owned(),
        kind,
    }
}

#[cfg(test)]
mod tests {
    use ceteris_contract::manifest::EffectWhat;
    use ceteris_effect::Effect;
    use ceteris_effect::forest::Covariates;
    use ceteris_estimate::effect::learners::{LearnerParams, fit_effects};
    use ceteris_estimate::forest::ForestParams;
    use ceteris_estimate::learner::{BasisParams, Linear, Logistic};
    use ceteris_estimate::{Arms, Sample, Treatment, unwatched};
    use ceteris_stats::{Unit, uniform};
    use ndarray::Array2;

    use super::*;
    use crate::folder;

    const ROWS: usize = 300;

    fn draw(row: usize, what: u64) -> f64 {
        uniform(5, &(row as u64).to_le_bytes(), what)
    }

    /// A number, with gaps, and a category.
    fn covariates() -> Covariates {
        let values = Array2::from_shape_fn((ROWS, 2), |(i, j)| match j {
            0 if i % 17 == 0 => f64::NAN,
            0 => draw(i, 1),
            _ => (3.0 * draw(i, 2)).floor(),
        });
        let levels = ["a", "b", "c"].map(str::to_owned).to_vec();
        Covariates::new(
            values,
            vec![Column::numeric("x"), Column::categorical("k", levels)],
        )
        .unwrap()
    }

    fn fitted(learner: EffectLearner, trees: usize) -> EffectModel {
        let x = covariates();
        let arms: Vec<usize> = (0..ROWS).map(|i| (3.0 * draw(i, 3)) as usize).collect();
        let y: Vec<f64> = (0..ROWS)
            .map(|i| draw(i, 4) + arms[i] as f64 * draw(i, 1))
            .collect();
        let (ols, logit) = (
            Linear::ols(BasisParams::LINEAR),
            Logistic::logit_l2(BasisParams::LINEAR, 1.0),
        );
        let params = LearnerParams {
            ml_l: &ols,
            ml_m: &logit,
            ml_dose: &ols,
            folds: 3,
            seed: 1,
            clip: 0.01,
            forest: ForestParams {
                trees,
                ..ForestParams::default()
            },
        };
        let data = Sample {
            y: &y[..],
            d: Treatment::Arms(Arms {
                of_row: &arms,
                count: 3,
            }),
            z: None,
            x: &x,
            weight: None,
            unit: &Unit::one_per_row(ROWS),
            cluster: None,
        };
        fit_effects(learner, &params, &data, &unwatched).unwrap()
    }

    fn signed(model: &EffectModel, lists: &Lists, basis: Value) -> EffectManifest {
        let what = EffectWhat {
            learner: model.learner().name().to_owned(),
            outcome: "y".to_owned(),
            treatment: "d".to_owned(),
            control: "0".to_owned(),
            arms: vec!["1".to_owned(), "2".to_owned()],
            columns: columns_of(model.columns()),
            rows: ROWS as u64,
            seed: 1,
            folds: 3,
            identification: json!("assumed"),
            compared: Vec::new(),
            basis,
        };
        EffectManifest::name(what, "0".to_owned(), lists)
    }

    fn bits(effects: &[Effect]) -> Vec<[u64; 2]> {
        let of = |e: &Effect| [e.tau.to_bits(), e.std_error.to_bits()];
        effects.iter().map(of).collect()
    }

    #[test]
    fn every_learners_model_answers_with_the_same_bits_after_a_file() {
        let place = tempfile::tempdir().unwrap();
        for learner in EffectLearner::ALL {
            let model = fitted(learner, 20);
            let (lists, basis) = to_lists(&model).unwrap();
            let path = place.path().join(learner.name());
            folder::write(&path, &signed(&model, &lists, basis), &lists).unwrap();
            let (manifest, lists) = folder::read(&path).unwrap();
            let read = from_lists(&manifest, lists).unwrap();
            assert!(read == model, "{}", learner.name());
            let (before, after) = (
                model.predict_all(&covariates()).unwrap(),
                read.predict_all(&covariates()).unwrap(),
            );
            assert!(before.iter().any(|e| e.tau.is_finite()));
            assert_eq!(bits(&before), bits(&after), "{}", learner.name());
        }
    }

    /// Whoever can sign can also err: parts that agree with their digest but not with each other.
    #[test]
    fn parts_that_do_not_fit_are_refused_and_never_go_astray() {
        for learner in EffectLearner::ALL {
            let model = fitted(learner, 4);
            let (lists, basis) = to_lists(&model).unwrap();
            let manifest = signed(&model, &lists, basis);
            let ask = |manifest: &EffectManifest, lists: Lists| -> Result<(), Box<dyn std::error::Error>> {
                let model = from_lists(manifest, lists)?;
                let columns = model.columns().to_vec();
                let rows = Array2::from_elem((2, columns.len()), f64::NAN);
                model.predict_all(&Covariates::new(rows, columns)?)?;
                Ok(())
            };
            for (name, values) in &lists {
                let mut without = lists.clone();
                without.remove(name);
                let error = from_lists(&manifest, without)
                    .map(|_| ())
                    .unwrap_err()
                    .to_string();
                assert!(!error.is_empty(), "{name}");
                let mut other_kind = lists.clone();
                other_kind.insert(name.clone(), Values::U16(vec![1]));
                assert!(
                    from_lists(&manifest, other_kind).is_err(),
                    "{} {name}",
                    learner.name()
                );
                // Shorter, longer, and with each of some values as large as can be: an error, or an answer.
                for by in [0, 1] {
                    let mut sized = lists.clone();
                    let changed = match values {
                        Values::F64(v) => Values::F64(resized(v, by)),
                        Values::U32(v) => Values::U32(resized(v, by)),
                        Values::U16(v) => Values::U16(resized(v, by)),
                    };
                    sized.insert(name.clone(), changed);
                    assert!(
                        from_lists(&manifest, sized).is_err(),
                        "{} {name} {by}",
                        learner.name()
                    );
                }
                for at in (0..values.len()).step_by(1 + values.len() / 20) {
                    let mut changed = values.clone();
                    match &mut changed {
                        Values::F64(v) => v[at] = f64::INFINITY,
                        Values::U32(v) => v[at] = u32::MAX - 1,
                        Values::U16(v) => v[at] = u16::MAX - 1,
                    }
                    let mut lists = lists.clone();
                    lists.insert(name.clone(), changed);
                    let _ = ask(&manifest, lists);
                }
            }
            let mut what = manifest.what.clone();
            what.columns[1].levels = Some(vec!["a".to_owned()]);
            let fewer = EffectManifest {
                what,
                ..manifest.clone()
            };
            assert!(from_lists(&fewer, lists.clone()).is_err(), "{}", learner.name());
            let mut what = manifest.what.clone();
            what.arms.push("3".to_owned());
            let more = EffectManifest {
                what,
                ..manifest.clone()
            };
            assert!(from_lists(&more, lists.clone()).is_err(), "{}", learner.name());
            let mut what = manifest.what.clone();
            what.learner = "oracle".to_owned();
            let unknown = EffectManifest { what, ..manifest };
            let error = from_lists(&unknown, lists).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains("oracle is not known"), "{error}");
        }
    }

    fn resized<T: Copy>(values: &[T], longer: usize) -> Vec<T> {
        match longer {
            0 => values[..values.len() - 1].to_vec(),
            _ => values.iter().chain(values.last()).copied().collect(),
        }
    }
}
