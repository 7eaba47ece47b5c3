//! Which arm a treatment event gives.

use ceteris_contract::duration::Span;
use ceteris_contract::event::{StoredEvent, property};
use ceteris_contract::problem::{Arm, Treatment, TreatmentSource};
use ceteris_contract::value::Value;

use crate::error::EtlError;

/// A treatment as events show it.
#[derive(Clone, Debug)]
pub(crate) struct TreatmentSpec {
    pub(crate) name: String,
    pub(crate) column: String,
    pub(crate) event: String,
    pub(crate) washout: Span,
    dose_property: Option<String>,
    arms: Vec<Arm>,
}

impl TreatmentSpec {
    pub(crate) fn compile(treatment: &Treatment) -> Result<Self, EtlError> {
        let fault = |fault| EtlError::Treatment {
            treatment: treatment.name.clone(),
            fault,
        };
        let TreatmentSource::Event { event, dose_property } = &treatment.from else {
            return Err(fault("is read from a table's column"));
        };
        match dose_property {
            None if treatment.arms.len() != 1 => {
                Err(fault("has several arms, but no dose property tells them apart"))
            }
            Some(_) if treatment.arms.iter().any(|arm| arm.dose.is_none()) => {
                Err(fault("has an arm without a dose"))
            }
            _ => Ok(TreatmentSpec {
                name: treatment.name.clone(),
                column: treatment.column(),
                event: event.clone(),
                washout: treatment.washout,
                dose_property: dose_property.clone(),
                arms: treatment.arms.clone(),
            }),
        }
    }

    /// The arm's id; `None` where the event shows a dose that the problem does not list, or none.
    pub(crate) fn arm(&self, event: &StoredEvent) -> Option<&str> {
        let Some(path) = &self.dose_property else {
            return self.arms.first().map(|arm| arm.id.as_str());
        };
        let shown = Value::from_json(property(&event.properties, path)?)?;
        self.arms
            .iter()
            .find(|arm| arm.dose.as_ref().is_some_and(|dose| same(dose, &shown)))
            .map(|a| a.id.as_str())
    }

    pub(crate) fn arms(&self) -> impl Iterator<Item = &str> {
        self.arms.iter().map(|arm| arm.id.as_str())
    }
}

/// Doses are compared as numbers where both are, else as categories: 10 and "10" are one dose, 10 and 10.0 too.
fn same(dose: &Value, shown: &Value) -> bool {
    match (dose, shown) {
        (Value::Number(a), Value::Number(b)) => a == b,
        _ => dose
            .as_category()
            .is_some_and(|dose| shown.as_category().as_ref() == Some(&dose)),
    }
}
