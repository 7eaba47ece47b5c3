//! The plan: pinned versions, and how many treated rows and candidate controls each calendar day has.

use std::collections::BTreeMap;
use std::sync::Arc;

use ceteris_contract::identity::{Unit, hex};
use ceteris_contract::problem::Problem;
use ceteris_contract::time::Timestamp;
use ceteris_features::stable_hash;
use ceteris_lake::Lake;
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::buckets::{each_bucket, on_pool};
use crate::error::EtlError;
use crate::judge::{Known, Verdict, judge};
use crate::load::{Depth, Loaded, Pinned, in_order, read};
use crate::request::{Request, Stage, Watermarks, Workers};
use crate::spec::Spec;

/// Layout of plans and parts; part of the plan's digest, so that no part outlives its layout.
const VERSION: u32 = 2;

/// Names of the lake's tables.
pub(crate) const EVENTS: &str = "events";
pub(crate) const DECISIONS: &str = "decisions";

/// Eligible opportunities of one calendar day (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCounts {
    /// With a treatment.
    pub treated: u64,
    /// Without any.
    pub controls: u64,
}

/// What every bucket task is given. The rows are a function of the problem, the lake's rows and this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    version: u32,
    /// Digest of the problem's model part.
    pub problem_model_digest: String,
    /// Versions of the lake's tables.
    pub lake_versions: BTreeMap<String, u64>,
    /// The lake's buckets.
    pub buckets: u16,
    /// The instant up to which the world is known.
    pub as_of: Timestamp,
    /// How far the log has come.
    pub watermarks: Watermarks,
    /// Draws the controls.
    pub seed: u64,
    /// Controls sampled per treated row of a day, at the most.
    pub controls_per_treated: f64,
    /// By day since the epoch.
    pub days: BTreeMap<i64, DayCounts>,
}

impl Plan {
    /// Probability with which a control of this day is sampled: `min(1, controls_per_treated · treated / controls)`.
    pub fn probability(&self, day: i64) -> f64 {
        let counts = self.days.get(&day).copied().unwrap_or_default();
        if counts.controls == 0 {
            return 0.0;
        }
        (self.controls_per_treated * counts.treated as f64 / counts.controls as f64).clamp(0.0, 1.0)
    }

    /// The weight of the control at `t` if it is sampled: the inverse of its day's probability.
    pub(crate) fn sampled(&self, unit: Unit, t: Timestamp) -> Option<f64> {
        let probability = self.probability(t.day());
        (draw(self.seed, unit, t) < probability).then(|| 1.0 / probability)
    }

    /// Version of the table `events` that was pinned.
    pub fn events_version(&self) -> u64 {
        self.lake_versions.get(EVENTS).copied().unwrap_or_default()
    }

    /// Version of the table `decisions` that was pinned.
    pub fn decisions_version(&self) -> u64 {
        self.lake_versions.get(DECISIONS).copied().unwrap_or_default()
    }

    pub(crate) fn known(&self) -> Known {
        Known {
            as_of: self.as_of,
            watermarks: self.watermarks.clone(),
        }
    }

    /// SHA-256 in hex over everything in the plan: parts of another plan are never taken for this one's.
    pub fn digest(&self) -> String {
        // Plain data serialises; the days' integer keys become strings.
        hex(&Sha256::digest(
            serde_json::to_vec(self).expect("plain data serialises"),
        ))
    }
}

/// Uniform in [0, 1), from (seed, unit, t) alone; with a name of its own, so that it is independent of folds and
/// resamples drawn from the same three.
fn draw(seed: u64, unit: Unit, t: Timestamp) -> f64 {
    let mut bytes = [0u8; 48];
    bytes[..11].copy_from_slice(b"etl-control");
    bytes[16..24].copy_from_slice(&seed.to_le_bytes());
    bytes[24..40].copy_from_slice(&unit.key.0);
    bytes[40..].copy_from_slice(&t.0.to_le_bytes());
    (stable_hash(&bytes) >> 11) as f64 / (1u64 << 53) as f64
}

/// Pins the lake's version and counts the opportunities of each day.
///
/// # Errors
/// [`EtlError`]: the problem has no rows from events, or the lake cannot be read.
pub async fn plan(
    lake: &Lake,
    problem: &Problem,
    request: &Request,
    workers: &Workers<'_>,
) -> Result<Plan, EtlError> {
    let spec = Arc::new(Spec::compile(problem)?);
    let pinned = Pinned::of(lake, request.lake_version, None).await?;
    plan_over(&pinned, lake.buckets(), problem, &spec, request, workers).await
}

pub(crate) async fn plan_over(
    pinned: &Pinned,
    buckets: u16,
    problem: &Problem,
    spec: &Arc<Spec>,
    request: &Request,
    workers: &Workers<'_>,
) -> Result<Plan, EtlError> {
    request.watermarks.check()?;
    let count = |bucket| {
        let (pinned, spec, pool) = (pinned.clone(), Arc::clone(spec), Arc::clone(workers.pool));
        let known = Known {
            as_of: request.as_of,
            watermarks: request.watermarks.clone(),
        };
        async move {
            let raw = read(&pinned, &spec, bucket, Depth::Judge).await?;
            on_pool(&pool, move || histogram(&spec, &in_order(raw), &known)).await
        }
        .boxed()
    };
    let mut days: BTreeMap<i64, DayCounts> = BTreeMap::new();
    for counted in each_bucket(buckets, Stage::Plan, workers, count).await? {
        for (day, counts) in counted {
            let total = days.entry(day).or_default();
            total.treated += counts.treated;
            total.controls += counts.controls;
        }
    }
    Ok(Plan {
        version: VERSION,
        problem_model_digest: problem.model_digest(),
        lake_versions: BTreeMap::from([
            (EVENTS.to_owned(), pinned.events.version),
            (DECISIONS.to_owned(), pinned.decisions.version),
        ]),
        buckets,
        as_of: request.as_of,
        watermarks: request.watermarks.clone(),
        seed: request.seed,
        controls_per_treated: spec.controls_per_treated,
        days,
    })
}

fn histogram(spec: &Spec, loaded: &Loaded, known: &Known) -> BTreeMap<i64, DayCounts> {
    let mut days: BTreeMap<i64, DayCounts> = BTreeMap::new();
    for log in loaded.units() {
        for opportunity in judge(spec, log, known) {
            let day = opportunity.event.ts.day();
            match opportunity.verdict {
                Verdict::Treated(_) => days.entry(day).or_default().treated += 1,
                Verdict::Control => days.entry(day).or_default().controls += 1,
                Verdict::Excluded(_) => {}
            }
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use ceteris_contract::identity::UnitKey;

    use super::*;

    #[test]
    fn draws_are_uniform_and_each_of_the_three_matters() {
        let unit = |n: u64| Unit {
            key: UnitKey(u128::from(n).to_be_bytes()),
            shard: 0,
        };
        let n = 100_000u64;
        let mean = (0..n).map(|i| draw(7, unit(i), Timestamp(5))).sum::<f64>() / n as f64;
        // The mean of n uniforms has standard deviation 1/sqrt(12 n).
        assert!((mean - 0.5).abs() < 4.0 / (12.0 * n as f64).sqrt(), "{mean}");
        let base = draw(7, unit(1), Timestamp(5));
        assert_ne!(base, draw(8, unit(1), Timestamp(5)));
        assert_ne!(base, draw(7, unit(2), Timestamp(5)));
        assert_ne!(base, draw(7, unit(1), Timestamp(6)));
    }
}
