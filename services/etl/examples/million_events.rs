//! Seconds for a million events of twenty thousand users: `cargo run -p ceteris-etl --example million_events`.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use ceteris_contract::event::StoredEvent;
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::problem::Problem;
use ceteris_contract::time::{DAY_US, Timestamp};
use ceteris_etl::{Progress, Request, Stage, Watermarks, Workers, run};
use ceteris_lake::{EventRow, Lake, Offsets};

const USERS: u64 = 20_000;
const EACH: u64 = 50;
const START: i64 = 20_000 * DAY_US;

fn problem() -> Result<Problem, serde_json::Error> {
    let view = |name: &str, kind: &str, aggregate: &str, event: &str, property: Option<&str>, days: u32| {
        let default = if kind == "numeric" {
            serde_json::json!(0.0)
        } else {
            serde_json::json!("none")
        };
        serde_json::json!({"name": name, "role": "confounder", "kind": kind, "default": default, "from": {
            "kind": "events", "aggregate": aggregate, "event": event, "property": property,
            "window": format!("{days}d"), "bucket": "1d", "ttl": format!("{days}d")}})
    };
    let outcome = |name: &str, aggregate: &str, property: Option<&str>, primary: bool| {
        serde_json::json!({"name": name, "node": name, "weight": 1.0, "direction": "maximise", "primary": primary,
            "from": {"kind": "events", "aggregate": aggregate, "event": "purchase", "property": property,
            "window": "7d"}})
    };
    serde_json::from_value(serde_json::json!({
        "name": "speed", "entity": "user_id",
        "source": {"kind": "events", "opportunity_events": ["cart"], "attribution": "5m", "lateness": "1h",
                   "controls_per_treated": 3.0},
        "graph": {"nodes": [], "directed": []},
        "features": [
            view("duration", "numeric", "avg", "session", Some("duration"), 30),
            view("frequency", "numeric", "count", "session", None, 30),
            view("since", "numeric", "days_since", "purchase", None, 365),
            view("spend", "numeric", "sum", "purchase", Some("amount"), 365),
            view("tier", "categorical", "last", "session", Some("tier"), 365)
        ],
        "treatments": [{"name": "coupon", "node": "coupon", "kind": "categorical", "washout": "7d",
            "from": {"kind": "event", "event": "coupon", "dose_property": "percent"},
            "arms": [{"id": "coupon_5", "dose": 5.0, "cost": 5.0}, {"id": "coupon_10", "dose": 10.0, "cost": 10.0}]}],
        "outcomes": [outcome("bought", "any", None, true), outcome("spent", "sum", Some("amount"), false)],
        "effect_basis": [],
        "policy": {"significance_level": 0.05, "exploration": 0.1, "holdout": 0.05, "propensity_floor": 0.01},
        "gates": {"rows_per_arm_min": 1, "propensity_clip": 0.01, "clipped_share_max": 1.0, "missing_share_max": 1.0}
    }))
}

fn event(user: u64, i: u64) -> StoredEvent {
    let roll = ceteris_features::stable_hash(&[user.to_le_bytes(), i.to_le_bytes()].concat()) >> 33;
    let mut properties = serde_json::Map::new();
    let kind = match i % 5 {
        0 => "cart",
        1 if roll.is_multiple_of(3) => {
            properties.insert("percent".into(), [5, 10][roll as usize / 3 % 2].into());
            "coupon"
        }
        2 | 1 => {
            properties.insert("duration".into(), (10.0 + (roll % 900) as f64 / 7.0).into());
            properties.insert(
                "tier".into(),
                ["gold", "silver", "none"][roll as usize % 3].into(),
            );
            "session"
        }
        3 if roll.is_multiple_of(2) => {
            properties.insert("amount".into(), (1.0 + (roll % 10_000) as f64 / 100.0).into());
            "purchase"
        }
        _ => {
            properties.insert("page".into(), format!("/p/{}", roll % 300).into());
            "page_view"
        }
    };
    let step = (i / 5) as i64 * 6 * DAY_US + (i % 5) as i64 * 60_000_000;
    let ts = Timestamp(START + step + user as i64 * 4_000_000);
    StoredEvent {
        event_id: format!("0190b3c0-7a2e-7d3e-{user:06x}-{i:010x}"),
        unit: Unit {
            key: UnitKey(
                (u128::from(user).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).to_be_bytes(),
            ),
            shard: (user % 4096) as u16,
        },
        event_type: kind.into(),
        ts,
        arrived_at: ts,
        session_id: None,
        properties,
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let folder = tempfile::tempdir()?;
    let lake = runtime.block_on(async {
        let lake = Lake::open(folder.path(), 8, Timestamp(START)).await?;
        let mut stands = Offsets::new();
        for batch in 0..10 {
            let users = USERS / 10 * batch..USERS / 10 * (batch + 1);
            let rows = users
                .flat_map(|u| (0..EACH).map(move |i| EventRow::from(event(u, i))))
                .collect();
            let next = Offsets::from([(("user_events".to_owned(), 0), batch + 1)]);
            lake.events()
                .append(rows, &next, &stands, Timestamp(START))
                .await?;
            stands = next;
        }
        Ok::<Lake, ceteris_lake::LakeError>(lake)
    })?;
    let (problem, pool) = (
        problem()?,
        Arc::new(rayon::ThreadPoolBuilder::new().num_threads(2).build()?),
    );
    let as_of = Timestamp(START + 90 * DAY_US);
    let request = Request {
        as_of,
        watermarks: Watermarks::All(as_of),
        seed: 1,
        lake_version: None,
    };
    let start = Instant::now();
    let progress = |p: Progress| {
        if p.stage == Stage::Plan && p.done == p.total {
            let _ = writeln!(
                std::io::stdout(),
                "planned after {:.2} s",
                start.elapsed().as_secs_f64()
            );
        }
    };
    let workers = Workers {
        pool: &pool,
        work_dir: None,
        progress: &progress,
    };
    let made = runtime.block_on(run(&lake, &problem, &request, &workers))?;
    let seconds = start.elapsed().as_secs_f64();
    let (rows, by_arm) = (made.report.rows, &made.report.rows_by_arm);
    writeln!(
        std::io::stdout(),
        "{} events -> {rows} rows {by_arm:?} in {seconds:.2} s",
        USERS * EACH
    )?;
    Ok(())
}
