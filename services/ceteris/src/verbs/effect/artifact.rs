//! An effect model as manifest and arrays, and back.

use anyhow::{Context, bail};
use ceteris_causal::effect::learners::{EffectLearner, EffectModel, ModelKind};
use ceteris_causal::effect::{EffectBasis, LinearEffect};
use ceteris_causal::forest::{Forest, ForestParts};
use ceteris_causal::learner::{Column, ColumnKind};
use ceteris_contract::arrays::{Lists, Values};
use ceteris_contract::manifest::{EffectColumn, EffectManifest};
use serde_json::{Value, json};

/// The model's arrays, and the basis of a linear one.
pub(crate) fn to_lists(model: &EffectModel) -> anyhow::Result<(Lists, Value)> {
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
                .context("a model without effects")?;
            Ok((lists, serde_json::to_value(basis)?))
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
    let shape = vec![parts.bag as u32, parts.treatments as u32];
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

/// Columns as a manifest names them.
pub(crate) fn columns_of(columns: &[Column]) -> Vec<EffectColumn> {
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
pub(crate) fn from_lists(manifest: &EffectManifest, mut lists: Lists) -> anyhow::Result<EffectModel> {
    let what = &manifest.what;
    let learner: EffectLearner = serde_json::from_value(json!(what.learner))
        .with_context(|| format!("the manifest's learner {} is not known", what.learner))?;
    let column = |c: &EffectColumn| match &c.levels {
        None => Column::numeric(&c.name),
        Some(levels) => Column::categorical(&c.name, levels.clone()),
    };
    let columns: Vec<Column> = what.columns.iter().map(column).collect();
    let treatments = what.arms.len().max(1);
    let kind = if matches!(learner, EffectLearner::Linear | EffectLearner::R) {
        let basis: EffectBasis =
            serde_json::from_value(what.basis.clone()).context("the manifest's basis")?;
        let effects = (0..treatments)
            .map(|a| {
                Ok(LinearEffect {
                    basis: basis.clone(),
                    beta: numbers(&mut lists, &format!("effect.{a}.beta"))?,
                    cov: numbers(&mut lists, &format!("effect.{a}.cov"))?,
                })
            })
            .collect::<anyhow::Result<_>>()?;
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

fn forest_of(lists: &mut Lists, number: usize, columns: Vec<Column>) -> anyhow::Result<Forest> {
    let name = |part: &str| format!("forest.{number}.{part}");
    let shape = positions(lists, &name("shape"))?;
    let [bag, treatments] = shape[..] else {
        bail!(
            "the array {} has {} values where 2 are expected",
            name("shape"),
            shape.len()
        );
    };
    let ranges = numbers(lists, &name("ranges"))?;
    Ok(Forest::from_parts(ForestParts {
        columns,
        bag: bag as usize,
        treatments: treatments as usize,
        cuts: numbers(lists, &name("cuts"))?,
        cut_starts: positions(lists, &name("cut_starts"))?,
        ranges: ranges.as_chunks::<2>().0.to_vec(),
        roots: positions(lists, &name("roots"))?,
        node_feature: codes(lists, &name("node_feature"))?,
        node_code: codes(lists, &name("node_code"))?,
        node_next: positions(lists, &name("node_next"))?,
        leaves: numbers(lists, &name("leaves"))?,
    })?)
}

fn numbers(lists: &mut Lists, name: &str) -> anyhow::Result<Vec<f64>> {
    match lists.remove(name) {
        Some(Values::F64(values)) => Ok(values),
        _ => bail!("the array {name} is missing or holds no numbers"),
    }
}

fn positions(lists: &mut Lists, name: &str) -> anyhow::Result<Vec<u32>> {
    match lists.remove(name) {
        Some(Values::U32(values)) => Ok(values),
        _ => bail!("the array {name} is missing or holds no positions"),
    }
}

fn codes(lists: &mut Lists, name: &str) -> anyhow::Result<Vec<u16>> {
    match lists.remove(name) {
        Some(Values::U16(values)) => Ok(values),
        _ => bail!("the array {name} is missing or holds no codes"),
    }
}
