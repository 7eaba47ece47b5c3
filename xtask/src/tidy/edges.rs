//! Which package may be built with which: tables, and the check that reads them. A package that does not exist yet may stand
//! in a table: the rule holds from the day it appears. Dependencies of tests alone are free.

use std::collections::BTreeSet;

use super::metadata::{Metadata, Package};

/// A set of packages by name.
type Packages = &'static [&'static str];

/// Packages that declare no package of this workspace beside these.
struct OnlySees {
    who: Packages,
    what: Packages,
    because: &'static str,
}

#[rustfmt::skip]
const ONLY_SEES: &[OnlySees] = &[
    // The causal core.
    sees(&["ceteris-stats"], &[],
        "it is what the rest of the core stands on"),
    sees(&["ceteris-graph"], &["ceteris-stats"],
        "a proof needs no data"),
    sees(&["ceteris-effect"], &["ceteris-stats"],
        "a fitted effect is asked without what fitted it"),
    sees(&["ceteris-policy"], &["ceteris-effect", "ceteris-stats"],
        "a policy reads effects, however they were fitted"),
    sees(&["ceteris-estimate"], &["ceteris-effect", "ceteris-stats"],
        "an estimate knows no graph: what it needs is proved before"),
    sees(&["ceteris-causal"], CORE,
        "the façade shows the core and nothing else"),
    // Models, tables and studies.
    sees(&["ceteris-model"], &["ceteris-contract", "ceteris-effect", "ceteris-stats"],
        "a model at rest is asked, not fitted"),
    sees(&["ceteris-table"], &["ceteris-contract"],
        "a table is read the same whatever it is for"),
    sees(&["ceteris-study"], STUDY,
        "a study knows the core, tables and models, and no service"),
    // What crosses a wire or a disk, and what is computed from it.
    sees(&["ceteris-contract"], &[],
        "everybody reads the contract"),
    sees(&["ceteris-features", "ceteris-synth"], &["ceteris-contract"],
        "they compute from plain data"),
    // Ports and their backends.
    sees(&["ceteris-journal", "ceteris-redis-link"], &[],
        "they carry bytes, whatever these mean"),
    sees(ADAPTERS, BELOW_ADAPTERS,
        "adapters see neither one another nor the chassis"),
    sees(&["ceteris-chassis"], &["ceteris-contract"],
        "the frame of a process knows no port"),
    sees(&["ceteris-consumer"], &["ceteris-chassis", "ceteris-contract", "ceteris-stream"],
        "the loop that consumes a topic knows no sink"),
    sees(&["ceteris-terminal"], &[],
        "it knows how a program of the command line speaks, not what it says"),
    // Tests.
    sees(&["ceteris-testkit", "ceteris-testdata"], &[],
        "they know servers, processes and files, not what these are for"),
];

/// Packages that no package declares beside these.
struct OnlySeenBy {
    what: Packages,
    by: Packages,
    because: &'static str,
}

#[rustfmt::skip]
const ONLY_SEEN_BY: &[OnlySeenBy] = &[
    seen(SERVICES, &["ceteris-bench", "ceteris-house"],
        "no service depends on another; the house runs them all, the bench measures each"),
    seen(&["ceteris-trainer"], &["ceteris", "ceteris-house"],
        "the command line reads problems and tables as the trainer does"),
    seen(&["ceteris-house"], &["ceteris", "ceteris-bench", "ceteris-demo"],
        "everything in one process is for people who try it"),
    seen(&["ceteris-demo"], &["ceteris"],
        "the demo is a verb of the command line"),
    seen(&["ceteris-synth"], &["ceteris-bench", "ceteris-demo"],
        "nothing that serves real people sees the simulator"),
    seen(&["ceteris-study"], &["ceteris"],
        "a service that serves estimates nothing anew"),
    seen(&["ceteris-backends"], PROGRAMS,
        "only programs connect production backends"),
    seen(&["ceteris-testkit"], &["xtask"],
        "only tests and xtask start servers"),
    seen(&["ceteris-testdata"], &[],
        "only tests read real data"),
    seen(&["ceteris", "ceteris-bench", "xtask"], &[],
        "they are programs"),
];

/// Packages that are built without these, through whomever.
struct NeverReaches {
    who: Packages,
    what: Packages,
    because: &'static str,
}

#[rustfmt::skip]
const NEVER_REACHES: &[NeverReaches] = &[
    never(&["ceteris-graph"], &["ceteris-estimate"],
        "graphs and estimates do not know each other"),
    never(&["ceteris-estimate"], &["ceteris-graph"],
        "graphs and estimates do not know each other"),
    never(&["ceteris-decide"], &["ceteris-estimate"],
        "to answer is not to learn: a change of a learner leaves decide as it is"),
    never(PURE, &["async-std", "axum", "object_store", "redis", "reqwest", "sqlx", "tokio"],
        "pure code has no async and no network"),
    never(&["ceteris"], &["hdrhistogram"],
        "only the bench measures latencies"),
];

#[rustfmt::skip]
const CORE: Packages = &[
    "ceteris-effect", "ceteris-estimate", "ceteris-graph", "ceteris-policy", "ceteris-stats",
];
#[rustfmt::skip]
const STUDY: Packages = &[
    "ceteris-causal", "ceteris-contract", "ceteris-effect", "ceteris-estimate", "ceteris-graph", "ceteris-model",
    "ceteris-policy", "ceteris-stats", "ceteris-table",
];
#[rustfmt::skip]
const PURE: Packages = &[
    "ceteris-causal", "ceteris-effect", "ceteris-estimate", "ceteris-graph", "ceteris-policy", "ceteris-stats",
    "ceteris-contract", "ceteris-features", "ceteris-synth",
];
#[rustfmt::skip]
const ADAPTERS: Packages = &[
    "ceteris-effect-cache", "ceteris-feature-store", "ceteris-lake", "ceteris-objects", "ceteris-registry",
    "ceteris-store", "ceteris-stream",
];
#[rustfmt::skip]
const BELOW_ADAPTERS: Packages = &[
    "ceteris-contract", "ceteris-features", "ceteris-journal", "ceteris-model", "ceteris-objects",
    "ceteris-redis-link",
];
#[rustfmt::skip]
const SERVICES: Packages = &[
    "ceteris-decide", "ceteris-etl", "ceteris-ingest", "ceteris-tracker",
];
#[rustfmt::skip]
const PROGRAMS: Packages = &[
    "ceteris-decide", "ceteris-etl", "ceteris-house", "ceteris-ingest", "ceteris-tracker", "ceteris-trainer",
];

const fn sees(who: Packages, what: Packages, because: &'static str) -> OnlySees {
    OnlySees { who, what, because }
}

const fn seen(what: Packages, by: Packages, because: &'static str) -> OnlySeenBy {
    OnlySeenBy { what, by, because }
}

const fn never(who: Packages, what: Packages, because: &'static str) -> NeverReaches {
    NeverReaches { who, what, because }
}

/// Faults in what the workspace's packages are built with.
pub(crate) fn check(metadata: &Metadata) -> Vec<String> {
    let members: BTreeSet<&str> = metadata.members().map(|package| package.name.as_str()).collect();
    let mut faults = Vec::new();
    for package in metadata.members() {
        let from = package.name.as_str();
        let refused = refusals(from, &declared(package, &members), &metadata.reached(package));
        faults.extend(
            refused
                .iter()
                .map(|(to, because)| format!("{from} is built with {to}, but {because}")),
        );
    }
    faults
}

/// The packages of this workspace that a manifest declares.
fn declared<'a>(package: &'a Package, members: &BTreeSet<&str>) -> BTreeSet<&'a str> {
    let shipped = package.dependencies.iter().filter(|d| !d.is_for_tests());
    let names = shipped.map(|dependency| dependency.name.as_str());
    names.filter(|name| members.contains(name)).collect()
}

/// Which of its dependencies a package may not have, each with the reason.
fn refusals<'a>(
    from: &str,
    declared: &BTreeSet<&'a str>,
    reached: &BTreeSet<&'a str>,
) -> Vec<(&'a str, &'static str)> {
    let mut refused = Vec::new();
    for to in declared {
        let sees = ONLY_SEES.iter().filter(|rule| rule.who.contains(&from));
        refused.extend(
            sees.filter(|rule| !rule.what.contains(to))
                .map(|rule| (*to, rule.because)),
        );
        let seen = ONLY_SEEN_BY.iter().filter(|rule| rule.what.contains(to));
        refused.extend(
            seen.filter(|rule| !rule.by.contains(&from))
                .map(|rule| (*to, rule.because)),
        );
    }
    for rule in NEVER_REACHES.iter().filter(|rule| rule.who.contains(&from)) {
        let found = reached.iter().filter(|to| rule.what.contains(to));
        refused.extend(found.map(|to| (*to, rule.because)));
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(from: &str, to: &str) -> bool {
        !refusals(from, &BTreeSet::from([to]), &BTreeSet::from([to])).is_empty()
    }

    #[test]
    fn dependencies_run_one_way() {
        for (from, to) in [
            ("ceteris-store", "ceteris-contract"),
            ("ceteris-decide", "ceteris-graph"),
            ("ceteris-demo", "ceteris-synth"),
            ("ceteris-house", "ceteris-trainer"),
            ("ceteris", "ceteris-house"),
            ("ceteris-tracker", "ceteris-backends"),
            ("xtask", "ceteris-testkit"),
        ] {
            assert!(!is_refused(from, to), "{from} -> {to}");
        }
        for (from, to) in [
            ("ceteris-causal", "ceteris-contract"),
            ("ceteris-graph", "ceteris-estimate"),
            ("ceteris-estimate", "ceteris-graph"),
            ("ceteris-effect", "ceteris-estimate"),
            ("ceteris-contract", "tokio"),
            ("ceteris-store", "ceteris-causal"),
            ("ceteris-decide", "ceteris-trainer"),
            ("ceteris-etl", "ceteris-synth"),
            ("ceteris-house", "ceteris-synth"),
            ("ceteris-house", "ceteris-demo"),
            ("ceteris-lake", "ceteris-stream"),
            ("ceteris-lake", "ceteris-chassis"),
            ("ceteris-stream", "ceteris-testkit"),
            ("ceteris-registry", "ceteris-backends"),
            ("ceteris-testkit", "ceteris-contract"),
        ] {
            assert!(is_refused(from, to), "{from} -> {to}");
        }
    }
}
