//! What a bench ends with: cases, each ours beside its limit, and where that was.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::latencies::{Latencies, Quantiles};
use crate::machine::{Machine, Memory};

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) bench: &'static str,
    /// What was asked for, and how much work it came to.
    pub(crate) settings: Value,
    pub(crate) cases: Vec<Case>,
    /// Of the process that did the work; none where that was another one.
    pub(crate) memory: Option<Memory>,
    pub(crate) machine: Machine,
}

/// One kind of work, done by us and by what does only what cannot be left out.
#[derive(Debug, Serialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// What is counted: `decisions`, `events`, `rows`.
    pub(crate) unit: &'static str,
    pub(crate) ours: Figures,
    pub(crate) limit: Option<Figures>,
    /// What the limit is, in words.
    pub(crate) limit_is: Option<&'static str>,
    /// How near ours comes to the limit; 1 is as good.
    pub(crate) ratio: Option<f64>,
    /// What is divided.
    pub(crate) ratio_is: Option<&'static str>,
    /// The same of time on the processor, which other work on the machine changes little.
    pub(crate) cpu_ratio: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) count: u64,
    pub(crate) seconds: f64,
    pub(crate) per_second: f64,
    /// Of single pieces of work.
    pub(crate) latency: Option<Quantiles>,
    /// Microseconds of processor a piece, without the load that asks for it.
    pub(crate) cpu_us: Option<f64>,
}

impl Figures {
    /// `count` pieces done in `took`.
    pub(crate) fn of(count: u64, took: Duration) -> Figures {
        // Nothing is done in no time; the clock only says so.
        let seconds = took.as_secs_f64().max(1e-9);
        Figures {
            count,
            seconds,
            per_second: count as f64 / seconds,
            latency: None,
            cpu_us: None,
        }
    }

    pub(crate) fn latency(mut self, latencies: &Latencies) -> Figures {
        self.latency = Some(latencies.quantiles());
        self
    }

    /// Nothing is said where the work was too short for the clock of processor time.
    pub(crate) fn cpu(mut self, spent: Option<Duration>) -> Figures {
        let spent = spent.filter(|spent| !spent.is_zero());
        self.cpu_us = spent.map(|spent| spent.as_secs_f64() * 1e6 / self.count.max(1) as f64);
        self
    }
}

impl Case {
    /// Ours alone: nothing is there to be compared with.
    pub(crate) fn alone(name: impl Into<String>, unit: &'static str, ours: Figures) -> Case {
        Case {
            name: name.into(),
            unit,
            ours,
            limit: None,
            limit_is: None,
            ratio: None,
            ratio_is: None,
            cpu_ratio: None,
        }
    }

    /// Compares rates.
    pub(crate) fn by_rate(
        name: impl Into<String>,
        unit: &'static str,
        ours: Figures,
        limit: Figures,
        limit_is: &'static str,
    ) -> Case {
        let ratio = quotient(ours.per_second, limit.per_second);
        let cpu_ratio = limit
            .cpu_us
            .zip(ours.cpu_us)
            .and_then(|(limit, ours)| quotient(limit, ours));
        Case {
            limit: Some(limit),
            limit_is: Some(limit_is),
            ratio,
            ratio_is: ratio.map(|_| "our rate / its rate"),
            cpu_ratio,
            ..Case::alone(name, unit, ours)
        }
    }

    /// Compares medians, where the rate is given.
    pub(crate) fn by_median(
        name: impl Into<String>,
        unit: &'static str,
        ours: Figures,
        limit: Figures,
        limit_is: &'static str,
    ) -> Case {
        let median = |figures: &Figures| figures.latency.as_ref().map(|latency| latency.p50_ms);
        let ratio = median(&limit)
            .zip(median(&ours))
            .and_then(|(limit, ours)| quotient(limit, ours));
        Case {
            limit: Some(limit),
            limit_is: Some(limit_is),
            ratio,
            ratio_is: ratio.map(|_| "its p50 / our p50"),
            ..Case::alone(name, unit, ours)
        }
    }
}

fn quotient(a: f64, b: f64) -> Option<f64> {
    Some(a / b).filter(|quotient| quotient.is_finite())
}

impl Report {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut lines = vec![format!("bench {} {}", self.bench, self.settings)];
        for case in &self.cases {
            lines.push(format!("\n{}", case.name));
            lines.push(line("ceteris", case.unit, &case.ours));
            if let (Some(limit), Some(limit_is)) = (&case.limit, case.limit_is) {
                lines.push(line(limit_is, case.unit, limit));
            }
            if let (Some(ratio), Some(ratio_is)) = (case.ratio, case.ratio_is) {
                let cpu = case.cpu_ratio;
                let cpu = cpu.map_or(String::new(), |ratio| {
                    format!("; by time on the processor {ratio:.3}")
                });
                lines.push(format!("  ratio {ratio:.3} ({ratio_is}){cpu}"));
            }
        }
        if let Some(memory) = &self.memory {
            let (now, most) = (memory.resident_mib, memory.resident_max_mib);
            lines.push(format!("\nresident memory {now:.0} MiB, at most {most:.0} MiB"));
        }
        let load = |load: Option<f64>| load.map_or("unknown".to_owned(), |load| format!("{load:.1}"));
        let machine = &self.machine;
        lines.push(format!(
            "{} cores, load {} before and {} after, profile {}",
            machine.cores,
            load(machine.load_before),
            load(machine.load_after),
            machine.profile
        ));
        lines.join("\n")
    }
}

fn line(who: &str, unit: &str, figures: &Figures) -> String {
    let mut text = format!("  {who}: {:.0} {unit}/s", figures.per_second);
    if let Some(q) = &figures.latency {
        text.push_str(&format!(
            ", p50 {:.3} ms, p99 {:.3} ms, p99.9 {:.3} ms, max {:.3} ms of {}",
            q.p50_ms, q.p99_ms, q.p999_ms, q.max_ms, q.count
        ));
    }
    if let Some(us) = figures.cpu_us {
        text.push_str(&format!(", {us:.1} µs of processor each"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_finite_or_not_said() {
        let figures = |count| Figures::of(count, Duration::from_secs(2)).cpu(Some(Duration::from_millis(10)));
        let case = Case::by_rate("x", "rows", figures(50), figures(100), "y");
        assert_eq!((case.ratio, case.cpu_ratio), (Some(0.5), Some(0.5)));
        let case = Case::by_rate("x", "rows", figures(50), figures(0), "y");
        assert_eq!((case.ratio, case.ratio_is), (None, None));
        assert!(Figures::of(5, Duration::ZERO).per_second.is_finite());
    }

    #[test]
    fn a_median_that_is_half_as_long_is_a_ratio_of_two() {
        let figures = |ms| {
            let mut latencies = Latencies::new();
            latencies.record(Duration::from_millis(ms));
            Figures::of(1, Duration::from_secs(1)).latency(&latencies)
        };
        let ratio = Case::by_median("x", "rows", figures(5), figures(10), "y").ratio;
        assert!(ratio.is_some_and(|ratio| (ratio - 2.0).abs() < 0.01), "{ratio:?}");
    }
}
