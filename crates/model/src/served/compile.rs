//! From manifest and arrays to a [`Model`], checking everything a decision relies on.

use std::collections::BTreeMap;

use ceteris_contract::arrays::Arrays;
use ceteris_contract::manifest::{
    BasisTerm, FeatureSchema, MANIFEST_VERSION, Manifest, ServedEffect, feature_hash,
};
use ceteris_contract::problem::{Problem, ViewKind};
use ceteris_contract::record::ServedModel;

use super::{ArmEffect, Model, ModelFault, Slot, Support, Term};

/// Relative asymmetry of a covariance beyond rounding.
const ASYMMETRY_MAX: f64 = 1e-9;

impl Model {
    /// Compiles an artifact for a problem.
    ///
    /// # Errors
    /// The first inconsistency found, as a [`ModelFault`].
    pub fn compile(manifest: Manifest, arrays: &Arrays, problem: &Problem) -> Result<Self, ModelFault> {
        check_identity(&manifest, arrays, problem)?;
        let what = &manifest.what;
        let features = what
            .features
            .iter()
            .map(|schema| slot(schema, problem))
            .collect::<Result<Vec<_>, _>>()?;
        let terms = what
            .effect_basis
            .iter()
            .enumerate()
            .map(|(index, term)| {
                compile_term(term, &what.features).map_err(|fault| ModelFault::Term { index, fault })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut effects = Vec::with_capacity(what.effects.len());
        let mut by_arm: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for effect in &what.effects {
            let places = by_arm.entry(effect.arm.clone()).or_default();
            let repeated = places.iter().any(|&i: &usize| {
                let known: &ArmEffect = &effects[i];
                known.outcome == effect.outcome
            });
            check_effect(effect, repeated, problem)?;
            places.push(effects.len());
            effects.push(arm_effect(effect, terms.len(), arrays)?);
        }
        let not_served = what
            .not_served
            .iter()
            .map(|n| ((n.treatment.clone(), n.outcome.clone()), n.reason.clone()))
            .collect();
        let served = ServedModel {
            version: manifest.version.clone(),
            digest: manifest.digest.clone(),
            online_delta: None,
        };
        Ok(Model {
            served,
            features,
            terms,
            effects,
            by_arm,
            not_served,
            manifest,
        })
    }
}

fn check_identity(manifest: &Manifest, arrays: &Arrays, problem: &Problem) -> Result<(), ModelFault> {
    if manifest.manifest_version != MANIFEST_VERSION {
        return Err(ModelFault::ManifestVersion {
            found: manifest.manifest_version,
            known: MANIFEST_VERSION,
        });
    }
    if manifest.digest.len() < 12 || !manifest.verify(arrays) {
        return Err(ModelFault::Digest {
            version: manifest.version.clone(),
        });
    }
    let what = &manifest.what;
    if what.problem != problem.name {
        return Err(ModelFault::Problem {
            found: what.problem.clone(),
            wanted: problem.name.clone(),
        });
    }
    let wanted = problem.model_digest();
    if what.problem_model_digest != wanted {
        return Err(ModelFault::ProblemChanged {
            found: what.problem_model_digest.clone(),
            wanted,
        });
    }
    if what.assumed {
        return Err(ModelFault::Assumed);
    }
    if what.feature_hash != feature_hash(&what.features) {
        return Err(ModelFault::FeatureHash);
    }
    Ok(())
}

fn slot(schema: &FeatureSchema, problem: &Problem) -> Result<Slot, ModelFault> {
    let refuse = |fault| ModelFault::Feature {
        name: schema.name.clone(),
        fault,
    };
    let (position, view) = problem
        .decision_views()
        .enumerate()
        .find(|(_, view)| view.name == schema.name)
        .ok_or_else(|| refuse("the problem has no such view before the decision"))?;
    if view.kind != schema.kind {
        return Err(refuse(
            "number in one, category in the other of problem and manifest",
        ));
    }
    let support = match schema.kind {
        ViewKind::Numeric => {
            // Written so that a NaN bound is refused too.
            if schema
                .range
                .is_some_and(|[low, high]| !matches!(low.partial_cmp(&high), Some(o) if o.is_le()))
            {
                return Err(refuse("its range is not an interval"));
            }
            Support::Range(schema.range)
        }
        ViewKind::Categorical if schema.levels.is_empty() => return Err(refuse("it has no levels")),
        ViewKind::Categorical => Support::Levels(schema.levels.clone()),
    };
    Ok(Slot { position, support })
}

fn compile_term(term: &BasisTerm, features: &[FeatureSchema]) -> Result<Term, &'static str> {
    let find = |name: &str| {
        features
            .iter()
            .position(|f| f.name == name)
            .ok_or("its feature is not among the features")
    };
    match term {
        BasisTerm::Intercept => Ok(Term::Intercept),
        BasisTerm::Standardised {
            feature,
            center,
            scale,
        } => {
            let slot = find(feature)?;
            if features[slot].kind != ViewKind::Numeric {
                return Err("a category cannot be standardised");
            }
            if !center.is_finite() || !scale.is_finite() || *scale <= 0.0 {
                return Err("center must be finite, scale finite and positive");
            }
            Ok(Term::Standardised {
                slot,
                center: *center,
                scale: *scale,
            })
        }
        BasisTerm::Level { feature, level } => {
            let slot = find(feature)?;
            if features[slot].kind != ViewKind::Categorical {
                return Err("a number has no levels");
            }
            let level = features[slot].levels.iter().position(|l| l == level);
            Ok(Term::Level {
                slot,
                level: level.ok_or("its level is not among the feature's levels")?,
            })
        }
    }
}

fn check_effect(effect: &ServedEffect, repeated: bool, problem: &Problem) -> Result<(), ModelFault> {
    let refuse = |fault| {
        Err(ModelFault::Effect {
            arm: effect.arm.clone(),
            outcome: effect.outcome.clone(),
            fault,
        })
    };
    match problem.arm(&effect.arm) {
        None => return refuse("the problem has no such arm"),
        Some((treatment, _)) if treatment.name != effect.treatment => {
            return refuse("the arm belongs to another treatment");
        }
        Some(_) => {}
    }
    if !problem.outcomes.iter().any(|o| o.name == effect.outcome) {
        return refuse("the problem has no such outcome");
    }
    if repeated {
        refuse("it is listed twice")
    } else {
        Ok(())
    }
}

fn arm_effect(effect: &ServedEffect, q: usize, arrays: &Arrays) -> Result<ArmEffect, ModelFault> {
    let beta = array(arrays, effect.beta(), &[q])?;
    let covariance = array(arrays, effect.cov(), &[q, q])?;
    let fault = |fault| ModelFault::Array {
        name: effect.cov(),
        fault,
    };
    for i in 0..q {
        if covariance[i * q + i] < 0.0 {
            return Err(fault("a variance is negative"));
        }
        for j in 0..i {
            let (a, b) = (covariance[i * q + j], covariance[j * q + i]);
            if (a - b).abs() > ASYMMETRY_MAX * (covariance[i * q + i] * covariance[j * q + j]).sqrt() {
                return Err(fault("it is not symmetric"));
            }
        }
    }
    Ok(ArmEffect {
        outcome: effect.outcome.clone(),
        beta,
        covariance,
    })
}

fn array(arrays: &Arrays, name: String, shape: &[usize]) -> Result<Vec<f64>, ModelFault> {
    let Some(array) = arrays.get(&name) else {
        return Err(ModelFault::Array {
            name,
            fault: "it is missing",
        });
    };
    if array.shape != shape || array.data.len() != shape.iter().product::<usize>() {
        return Err(ModelFault::Array {
            name,
            fault: "its shape is not that of the effect basis",
        });
    }
    if array.data.iter().any(|x| !x.is_finite()) {
        return Err(ModelFault::Array {
            name,
            fault: "it holds a number that is not finite",
        });
    }
    Ok(array.data.clone())
}
