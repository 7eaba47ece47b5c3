//! Windows, buckets, defaults and kinds of views, and the spans of source, treatments and outcomes.

use crate::duration::Span;
use crate::problem::fault::Faults;
use crate::problem::{Aggregate, OutcomeSource, Problem, Source, View, ViewKind, ViewSource};
use crate::value::Value;

pub(super) fn check(problem: &Problem, faults: &mut Faults) {
    if let Source::Events {
        attribution,
        controls_per_treated,
        ..
    } = &problem.source
    {
        positive(*attribution, "source.events.attribution", faults);
        if *controls_per_treated <= 0.0 {
            let fix = "write how many controls to keep for each treated row, for example 3";
            faults.check("source.events.controls_per_treated", "must be more than 0", fix);
        }
    }
    for view in &problem.features {
        spans(view, faults);
        kind(view, faults);
        default(view, faults);
    }
    for outcome in &problem.outcomes {
        if let OutcomeSource::Events { window, .. } = &outcome.from {
            positive(*window, &format!("outcomes.{}.window", outcome.name), faults);
        }
    }
}

fn positive(span: Span, path: &str, faults: &mut Faults) -> bool {
    if span.0 <= 0 {
        faults.check(path, "must be longer than 0", "write for example 7d");
    }
    span.0 > 0
}

fn spans(view: &View, faults: &mut Faults) {
    let ViewSource::Events {
        window, bucket, ttl, ..
    } = &view.from
    else {
        return;
    };
    let path = |key: &str| format!("features.{}.{key}", view.name);
    if !positive(*window, &path("window"), faults) | !positive(*bucket, &path("bucket"), faults) {
        return;
    }
    if !faults.was_read(&path("window")) || !faults.was_read(&path("bucket")) {
        return;
    }
    if window.0 % bucket.0 != 0 {
        let fix = "choose a bucket that divides the window, for example 1h or 1d";
        faults.check(
            &path("bucket"),
            format!("the window {window} is no multiple of the bucket {bucket}"),
            fix,
        );
    } else if ttl.0 < window.0 + bucket.0 {
        let fix = format!("write at least {}, or leave it out", Span(window.0 + bucket.0));
        faults.check(
            &path("ttl"),
            format!("a state kept for {ttl} is gone while the window {window} still counts"),
            fix,
        );
    }
}

fn kind(view: &View, faults: &mut Faults) {
    if let ViewSource::Events { aggregate, .. } = &view.from
        && view.kind == ViewKind::Categorical
        && *aggregate != Aggregate::Last
        && faults.was_read(&format!("features.{}.aggregate", view.name))
    {
        let fix = "use `aggregate: last`, or leave `kind` out";
        faults.check(
            &format!("features.{}.kind", view.name),
            "this aggregate is a number, not a category",
            fix,
        );
    }
}

fn default(view: &View, faults: &mut Faults) {
    let path = format!("features.{}.default", view.name);
    let from_events = matches!(view.from, ViewSource::Events { .. });
    if !faults.was_read(&format!("features.{}.kind", view.name)) {
        return;
    }
    match (&view.default, view.kind) {
        (Value::Null, _) if from_events => {
            let fix = "write the value of a unit without such events";
            faults.check(
                &path,
                "must not be null: a unit without events still has a feature",
                fix,
            );
        }
        (Value::Null, _)
        | (Value::Text(_), ViewKind::Categorical)
        | (Value::Number(_), ViewKind::Numeric) => {}
        (_, ViewKind::Numeric) => faults.check(
            &path,
            "must be a number, as the view is",
            "write for example `default: 0`",
        ),
        (_, ViewKind::Categorical) => {
            // A default left out is 0, whose fault was told where it is missing.
            faults.check(
                &path,
                "must be text, as the view is categorical",
                "write for example `default: unknown`",
            );
        }
    }
}
