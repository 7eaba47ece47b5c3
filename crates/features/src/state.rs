//! A unit's state: events go in, in any order; the vector at an instant comes out.

use std::sync::Arc;

use ceteris_contract::event::StoredEvent;
use ceteris_contract::problem::Aggregate;
use ceteris_contract::time::{DAY_US, Timestamp};
use ceteris_contract::value::Value;

use crate::distinct::Distinct;
use crate::fixed::from_fixed;
use crate::hash::stable_hash;
use crate::input::{Input, Refusal};
use crate::newest::{Entry, Newest};
use crate::seen::Seen;
use crate::series::Series;
use crate::view_set::{Plan, ViewSet};

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// At least one view took it.
    Counted,
    /// Its id is known: nothing changed.
    Repeat,
    /// No view reads its type: nothing changed.
    Irrelevant,
    /// It is so old that it counts at no instant from [`UnitState::exact_from`] on.
    Expired,
    /// It is of a view's type but not what the view needs. The other views of its type took it.
    Refused {
        /// The first view that refused it.
        view: Arc<str>,
        /// Why.
        why: Refusal,
    },
}

impl Applied {
    /// Whether the state may differ from what it was.
    pub fn changed(&self) -> bool {
        !matches!(self, Applied::Repeat | Applied::Irrelevant)
    }
}

/// The value of one view at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewValue {
    /// Number or text; the problem's default where no event counts.
    pub value: Value,
    /// No event counts.
    pub is_default: bool,
    /// The number of distinct values is the value or more.
    pub saturated: bool,
}

impl ViewValue {
    pub(crate) fn missing(default: &Value) -> Self {
        ViewValue {
            value: default.clone(),
            is_default: true,
            saturated: false,
        }
    }

    fn of(value: Value) -> Self {
        ViewValue {
            value,
            is_default: false,
            saturated: false,
        }
    }
}

/// Everything the views of one unit need, bounded by windows and [`Limits`](crate::Limits).
///
/// The state is a function of the set of events applied, not of their order, as long as a repeated id carries the
/// same event (else the first to arrive counts). Its *horizon* lies `exact_span` before the newest event, later for
/// units with very many events, never more than a microsecond after the newest. Events before the horizon are kept
/// by bucket, later ones one by one, so [`vector`](Self::vector) is exact at every instant from the horizon on.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitState {
    pub(crate) newest: i64,
    pub(crate) horizon: i64,
    pub(crate) seen: Seen,
    pub(crate) views: Vec<ViewState>,
}

/// The state of one view.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ViewState {
    Series(Series),
    Newest(Newest),
    Distinct(Distinct),
}

impl ViewState {
    pub(crate) fn new(aggregate: Aggregate) -> Self {
        match aggregate {
            Aggregate::Count | Aggregate::Any | Aggregate::Sum | Aggregate::Avg => {
                ViewState::Series(Series::default())
            }
            Aggregate::Last | Aggregate::DaysSince => ViewState::Newest(Newest::default()),
            Aggregate::CountDistinct => ViewState::Distinct(Distinct::default()),
        }
    }
}

impl UnitState {
    /// The state of a unit without events.
    pub fn new(views: &ViewSet) -> Self {
        UnitState {
            newest: i64::MIN,
            horizon: i64::MIN,
            seen: Seen::default(),
            views: views
                .plans
                .iter()
                .map(|plan| ViewState::new(plan.reading.aggregate))
                .collect(),
        }
    }

    /// Takes an event of this unit. `views` must be those the state was made for.
    pub fn apply(&mut self, views: &ViewSet, event: &StoredEvent) -> Applied {
        let Some(readers) = views.readers_of(&event.event_type) else {
            return Applied::Irrelevant;
        };
        let id = stable_hash(event.event_id.as_bytes());
        if self.seen.contains(id) {
            return Applied::Repeat;
        }
        let ts = event.ts.0;
        if ts < views.forgotten_before(self.horizon) {
            return Applied::Expired;
        }
        self.seen.insert(ts, id, views.limits.recent_events_max);
        self.newest = self.newest.max(ts);
        self.advance(views);
        let mut taken = false;
        let mut refused = None;
        for &index in readers {
            let plan = &views.plans[index];
            match plan.reading.read(event) {
                Ok(input) => taken |= self.put(views, index, event, input),
                Err(why) => {
                    refused.get_or_insert_with(|| Applied::Refused {
                        view: Arc::clone(&plan.name),
                        why,
                    });
                }
            }
        }
        match refused {
            Some(refused) => refused,
            None if taken => Applied::Counted,
            None => Applied::Expired,
        }
    }

    /// The value of every view at `at`, in the order of the views: an event counts iff
    /// `floor(at, bucket) - window <= ts < at`.
    ///
    /// Exact for `at >= exact_from()`. Before that the near edge is exact to a bucket only, and events that had left
    /// their window by then are missing.
    pub fn vector(&self, views: &ViewSet, at: Timestamp) -> Vec<ViewValue> {
        let max = views.limits.distinct_max;
        views
            .plans
            .iter()
            .zip(&self.views)
            .map(|(plan, state)| value_at(plan, state, at.0, max))
            .collect()
    }

    /// From here on every vector is exact.
    pub fn exact_from(&self) -> Timestamp {
        Timestamp(self.horizon.max(0))
    }

    /// The newest event's instant.
    pub fn newest(&self) -> Option<Timestamp> {
        (self.newest > i64::MIN).then_some(Timestamp(self.newest))
    }

    /// Whether the unit has been idle for longer than the longest TTL of its views, so that its state may be dropped.
    pub fn is_idle(&self, views: &ViewSet, now: Timestamp) -> bool {
        self.newest.saturating_add(views.ttl_us()) < now.0
    }

    fn advance(&mut self, views: &ViewSet) {
        let horizon = horizon_of(views, self.newest, &self.seen);
        let before = self.horizon;
        if horizon <= before {
            return;
        }
        self.horizon = horizon;
        self.seen.forget_before(views.forgotten_before(horizon));
        let max = views.limits.distinct_max;
        for (plan, state) in views.plans.iter().zip(&mut self.views) {
            match state {
                ViewState::Series(series) => series.advance(plan.window, horizon),
                ViewState::Newest(newest) => newest.advance(plan.window, horizon),
                ViewState::Distinct(distinct) => distinct.advance(plan.window, before, horizon, max),
            }
        }
    }

    fn put(&mut self, views: &ViewSet, index: usize, event: &StoredEvent, input: Input) -> bool {
        let (window, horizon, ts) = (views.plans[index].window, self.horizon, event.ts.0);
        match (&mut self.views[index], input) {
            (ViewState::Series(series), Input::Event) => series.put(window, horizon, ts, 0),
            (ViewState::Series(series), Input::Fixed(value)) => series.put(window, horizon, ts, value),
            (ViewState::Newest(newest), Input::Event) => newest.put(
                window,
                horizon,
                Entry {
                    ts,
                    id: "".into(),
                    value: Value::Null,
                },
            ),
            (ViewState::Newest(newest), Input::Value(value)) => newest.put(
                window,
                horizon,
                Entry {
                    ts,
                    id: event.event_id.as_str().into(),
                    value,
                },
            ),
            (ViewState::Distinct(distinct), Input::Hash(hash)) => {
                distinct.put(window, horizon, ts, hash, views.limits.distinct_max)
            }
            // A reading gives the input of its own aggregate only.
            _ => false,
        }
    }
}

/// The horizon is a function of the newest event and of the newest ids, so of the set of events.
///
/// Ids are forgotten only far below it, and a full memory ends above what is forgotten: so it never moves back.
pub(crate) fn horizon_of(views: &ViewSet, newest: i64, seen: &Seen) -> i64 {
    let by_time = newest.saturating_sub(views.limits.exact_span.0);
    match seen.oldest_if_full(views.limits.recent_events_max) {
        Some(oldest) => by_time.max(oldest.saturating_add(1)),
        None => by_time,
    }
}

fn value_at(plan: &Plan, state: &ViewState, at: i64, distinct_max: usize) -> ViewValue {
    let found = match state {
        ViewState::Series(series) => series_value(plan, series, at),
        ViewState::Newest(newest) => newest
            .find(plan.window, at)
            .map(|entry| match plan.reading.aggregate {
                Aggregate::DaysSince => Value::Number((at - entry.ts) as f64 / DAY_US as f64),
                _ => entry.value.clone(),
            }),
        ViewState::Distinct(distinct) => match distinct.count(plan.window, at, distinct_max) {
            0 => None,
            count => {
                let saturated = count >= distinct_max;
                return ViewValue {
                    value: Value::Number(count as f64),
                    is_default: false,
                    saturated,
                };
            }
        },
    };
    found.map_or_else(|| ViewValue::missing(&plan.default), ViewValue::of)
}

fn series_value(plan: &Plan, series: &Series, at: i64) -> Option<Value> {
    let (count, sum) = series.total(plan.window, at);
    if count == 0 {
        return None;
    }
    Some(Value::Number(match plan.reading.aggregate {
        Aggregate::Any => 1.0,
        Aggregate::Sum => from_fixed(sum),
        Aggregate::Avg => from_fixed(sum) / count as f64,
        _ => count as f64,
    }))
}
