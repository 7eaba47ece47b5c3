//! The end of a run: parts of all buckets become one dataset in canonical order, named by its digest.

use ceteris_contract::dataset::{Assignment, Dataset};
use ceteris_contract::problem::Problem;
use ceteris_lake::DatasetInfo;

use crate::balance::{balance, rows_by_arm};
use crate::error::EtlError;
use crate::part::Part;
use crate::plan::Plan;
use crate::report::{Counts, Report};
use crate::rows;
use crate::spec::Spec;

/// A dataset and what is known of its making.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The rows, in canonical order.
    pub dataset: Dataset,
    /// Names the rows: the same for any number of buckets and threads and any order of arrival.
    pub digest: String,
    /// What it was made by; `plan.lake_versions` belongs into a model's provenance.
    pub plan: Plan,
    /// What was seen.
    pub report: Report,
    /// What goes into the dataset's file.
    pub info: DatasetInfo,
}

/// Joins the parts, one of each bucket, in any order.
///
/// # Errors
/// [`EtlError::Parts`] if a bucket is missing or twice there, or a part is another plan's; [`EtlError`] if the
/// problem has no rows from events.
pub fn finish(problem: &Problem, plan: Plan, mut parts: Vec<Part>) -> Result<Made, EtlError> {
    let spec = Spec::compile(problem)?;
    let digest = plan.digest();
    parts.sort_by_key(|part| part.bucket);
    let whole = parts.iter().map(|part| part.bucket).eq(0..plan.buckets);
    if !whole || parts.iter().any(|part| part.plan != digest) {
        return Err(EtlError::Parts {
            buckets: plan.buckets,
        });
    }
    let mut dataset = rows::empty(&spec);
    let mut counts = Counts::default();
    for part in parts {
        counts.add(&part.counts);
        rows::extend(&mut dataset, part.dataset);
    }
    let order = dataset.canonical_order();
    let dataset = rows::without_unused(rows::permuted(dataset, &order));
    Ok(Made {
        digest: dataset.digest(),
        report: report(&spec, &plan, &dataset, counts),
        info: DatasetInfo {
            problem: spec.problem,
            as_of: Some(plan.as_of),
        },
        dataset,
        plan,
    })
}

fn report(spec: &Spec, plan: &Plan, dataset: &Dataset, counts: Counts) -> Report {
    // Arms without rows are listed with none.
    let arms = spec.treatments.iter().flat_map(|treatment| treatment.arms());
    let mut by_arm: std::collections::BTreeMap<String, u64> = arms.map(|arm| (arm.to_owned(), 0)).collect();
    by_arm.extend(
        rows_by_arm(dataset)
            .into_iter()
            .map(|(arm, rows)| (arm, rows.len() as u64)),
    );
    let rows = dataset.len() as u64;
    let days = |wanted: fn(u64, u64) -> bool| {
        plan.days
            .values()
            .filter(|day| wanted(day.treated, day.controls))
            .count() as u64
    };
    let logged_rows = dataset
        .assignment
        .iter()
        .filter(|a| **a == Assignment::Logged)
        .count() as u64;
    let observed_rows = rows - logged_rows;
    Report {
        rows,
        logged_rows,
        rows_by_arm: by_arm,
        late_changed_share: if observed_rows == 0 {
            0.0
        } else {
            counts.late_changed_rows as f64 / observed_rows as f64
        },
        days_without_treated: days(|treated, controls| treated == 0 && controls > 0),
        days_without_controls: days(|treated, controls| treated > 0 && controls == 0),
        balance: balance(dataset),
        counts,
    }
}
