//! `treatments`: kinds of intervention by name, each with its arms.

use crate::duration::Span;
use crate::problem::fault::Faults;
use crate::problem::fields::{Fields, check_name};
use crate::problem::node::{Key, Node};
use crate::problem::{Arm, Source, Treatment, TreatmentKind, TreatmentSource};
use crate::value::Value;

const KINDS: [(&str, TreatmentKind); 3] = [
    ("binary", TreatmentKind::Binary),
    ("categorical", TreatmentKind::Categorical),
    ("continuous", TreatmentKind::Continuous),
];

/// Reads all treatments in file order.
pub(super) fn read_all(node: Option<&Node>, source: &Source, faults: &mut Faults) -> Vec<Treatment> {
    let Some(fields) = node.and_then(|node| Fields::of(node, "treatments", faults)) else {
        return Vec::new();
    };
    let all: Vec<Treatment> = fields
        .named()
        .map(|(key, node)| read(key, node, source, faults))
        .collect();
    if all.is_empty() {
        faults.add("treatments", "names no treatment", "add at least one");
    }
    all
}

fn read(key: &Key, node: &Node, source: &Source, faults: &mut Faults) -> Treatment {
    let path = format!("treatments.{}", key.text);
    check_name(key, &path, faults);
    let mut treatment = Treatment {
        name: key.text.clone(),
        node: key.text.clone(),
        kind: TreatmentKind::Binary,
        from: TreatmentSource::Event {
            event: String::new(),
            dose_property: None,
        },
        arms: Vec::new(),
        washout: Span(0),
    };
    let Some(mut fields) = Fields::of(node, &path, faults) else {
        return treatment;
    };
    if let Some(node) = fields.text("node", faults) {
        treatment.node = node;
    }
    let kind = fields.choice("kind", &KINDS, faults);
    match source {
        Source::Events { .. } => {
            let event = fields
                .text_needed("event", "coupon_shown", faults)
                .unwrap_or_default();
            let dose_property = fields.text("dose_property", faults);
            treatment.from = TreatmentSource::Event { event, dose_property };
            treatment.washout = fields.span_needed("washout", "7d", faults).unwrap_or(Span(0));
        }
        Source::Table { .. } => {
            let column = fields
                .text_needed("column", "treatment", faults)
                .unwrap_or_default();
            let control = fields.need(
                "control",
                "none  # what the column holds for the untreated",
                faults,
            );
            let control = control
                .and_then(|_| fields.value("control", faults))
                .unwrap_or(Value::Null);
            treatment.from = TreatmentSource::Column { column, control };
        }
    }
    treatment.arms = read_arms(&mut fields, &treatment, faults);
    treatment.kind = kind.unwrap_or(if fields.has("arms") {
        TreatmentKind::Categorical
    } else {
        TreatmentKind::Binary
    });
    check_kind(&fields, &treatment, faults);
    fields.finish(faults);
    treatment
}

/// `arms` by id; without them the treatment is its own and only arm, with the treatment's `cost`.
fn read_arms(fields: &mut Fields<'_>, treatment: &Treatment, faults: &mut Faults) -> Vec<Arm> {
    let in_table = matches!(treatment.from, TreatmentSource::Column { .. });
    let Some(node) = fields.get("arms") else {
        let cost = fields.number("cost", faults);
        if !fields.has("cost") {
            let fix = "add `cost: 1` in the currency of the outcome weights, 0 if it is free";
            faults.add(&fields.at("cost"), "is missing", fix);
        }
        let dose = if in_table {
            fields.value("dose", faults)
        } else {
            None
        };
        if in_table && !fields.has("dose") {
            let fix = "add `dose:` with what the column holds for the treated, or name `arms` after the column's values";
            faults.add(&fields.at("dose"), "is missing", fix);
        }
        return vec![Arm {
            id: treatment.name.clone(),
            dose,
            cost: cost.unwrap_or(0.0),
        }];
    };
    if fields.has("cost") {
        fields.get("cost");
        faults.add(
            &fields.at("cost"),
            "has no meaning beside `arms`",
            "give each arm its own cost",
        );
    }
    let path = fields.at("arms");
    let Some(named) = Fields::of(node, &path, faults) else {
        return Vec::new();
    };
    let arms: Vec<Arm> = named
        .named()
        .map(|(key, node)| read_arm(key, node, &path, in_table, faults))
        .collect();
    if arms.is_empty() {
        faults.add(
            &path,
            "names no arm",
            "add one line `arm_id: { dose: 5, cost: 5 }` an arm",
        );
    }
    arms
}

fn read_arm(key: &Key, node: &Node, path: &str, in_table: bool, faults: &mut Faults) -> Arm {
    let path = format!("{path}.{}", key.text);
    let mut arm = Arm {
        id: key.text.clone(),
        dose: None,
        cost: 0.0,
    };
    if arm.id.is_empty() || arm.id == "none" || arm.id.len() > 128 {
        let fix = "choose an id of up to 128 characters other than `none`, which means no treatment";
        faults.at(key.mark, &path, "cannot be the id of an arm", fix);
    }
    let Some(mut fields) = Fields::of(node, &path, faults) else {
        return arm;
    };
    arm.dose = fields.value("dose", faults);
    // In a table the arm is what the column says.
    if in_table && arm.dose.is_none() {
        arm.dose = Some(Value::Text(key.text.clone()));
    }
    if fields
        .need("cost", "1  # in the currency of the outcome weights", faults)
        .is_some()
    {
        arm.cost = fields.number("cost", faults).unwrap_or(0.0);
    }
    fields.finish(faults);
    arm
}

/// Whether kind, arms and dose property go together.
fn check_kind(fields: &Fields<'_>, treatment: &Treatment, faults: &mut Faults) {
    let kind = fields.at("kind");
    match treatment.kind {
        TreatmentKind::Continuous => {
            let fix = "list the doses to choose from as arms, with `kind: categorical`";
            faults.add(&kind, "continuous doses have no effect per arm to decide by", fix);
        }
        TreatmentKind::Binary if treatment.arms.len() > 1 => {
            faults.add(
                &kind,
                "a binary treatment has one arm",
                "write `kind: categorical`, or leave `kind` out",
            );
        }
        TreatmentKind::Binary | TreatmentKind::Categorical => {}
    }
    let TreatmentSource::Event { dose_property, .. } = &treatment.from else {
        return;
    };
    let doses = treatment.arms.iter().filter(|a| a.dose.is_some()).count();
    if dose_property.is_none() && (treatment.arms.len() > 1 || doses > 0) {
        let fix =
            "add the property of the event that tells the arm, for example `dose_property: discount_percent`";
        faults.add(
            &fields.at("dose_property"),
            "is missing: nothing tells the arms apart",
            fix,
        );
    }
    if dose_property.is_some() {
        for arm in treatment.arms.iter().filter(|a| a.dose.is_none()) {
            // Without `arms` in the file there is no place for a dose, so the property is what is too much.
            let path = if fields.has("arms") {
                format!("{}.arms.{}.dose", fields.path, arm.id)
            } else {
                fields.at("dose_property")
            };
            faults.add(
                &path,
                "the arm has no dose to tell it by",
                "give each arm under `arms` its `dose`, the property's value",
            );
        }
    }
}
