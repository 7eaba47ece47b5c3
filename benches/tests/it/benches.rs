//! Tiny runs of every bench: what their documents hold, and what is refused. Nothing here asks how fast anything is.

use ceteris_testkit::python::{Python, STRANGERS};
use serde_json::Value;

use crate::support::{json, output, refused};

/// The case whose name begins so, its figures checked: counted, finite, in order.
fn case<'a>(report: &'a Value, name: &str) -> &'a Value {
    let cases = report["cases"].as_array().unwrap();
    let found = cases
        .iter()
        .find(|case| case["name"].as_str().unwrap().starts_with(name));
    let case = found.unwrap_or_else(|| panic!("no case {name}: {report}"));
    check_figures(&case["ours"]);
    if !case["limit"].is_null() {
        check_figures(&case["limit"]);
        let ratio = case["ratio"]
            .as_f64()
            .unwrap_or_else(|| panic!("no ratio: {case}"));
        assert!(ratio.is_finite() && ratio > 0.0, "{case}");
    }
    case
}

fn check_figures(figures: &Value) {
    assert!(figures["count"].as_u64().unwrap() > 0, "{figures}");
    for name in ["seconds", "per_second"] {
        let value = figures[name].as_f64().unwrap();
        assert!(value.is_finite() && value > 0.0, "{figures}");
    }
    if let Some(latency) = figures["latency"].as_object() {
        assert!(latency["count"].as_u64().unwrap() > 0, "{figures}");
        let quantiles = ["p50_ms", "p99_ms", "p999_ms", "max_ms"].map(|name| latency[name].as_f64().unwrap());
        assert!(quantiles[0] > 0.0 && quantiles.is_sorted(), "{figures}");
    }
}

/// What every report says besides its cases.
fn check_frame(report: &Value, bench: &str) {
    assert_eq!(report["bench"], bench);
    assert!(report["machine"]["cores"].as_u64().unwrap() > 0);
    let memory = &report["memory"];
    let (now, most) = (&memory["resident_mib"], &memory["resident_max_mib"]);
    assert!(
        now.as_f64().unwrap() > 0.0 && now.as_f64() <= most.as_f64(),
        "{memory}"
    );
}

#[test]
fn decide_measures_both_loops_of_both_kinds_beside_a_bare_endpoint() {
    let report = json(&[
        "decide",
        "--users",
        "500",
        "--seconds",
        "1",
        "--rate",
        "50",
        "--connections",
        "4",
        "--format",
        "json",
    ]);
    check_frame(&report, "decide");
    for kind in ["features in the context", "one feature-store read"] {
        let closed = case(&report, &format!("{kind}, closed loop"));
        assert_eq!(closed["ratio_is"], "our rate / its rate");
        let open = case(&report, &format!("{kind}, open loop at 50/s"));
        for who in ["ours", "limit"] {
            assert_eq!(open[who]["count"], 50, "every arrival is answered and counted");
            assert_eq!(open[who]["latency"]["count"], 50);
            assert!(closed[who]["latency"]["count"] == closed[who]["count"]);
        }
    }
}

#[test]
fn ingest_takes_every_event_in_beside_a_parser_and_sees_each_of_the_last_online() {
    let report = json(&[
        "ingest",
        "--events",
        "5000",
        "--visible",
        "20",
        "--format",
        "json",
    ]);
    check_frame(&report, "ingest");
    let taken = case(&report, "embedded log");
    assert_eq!(taken["ours"]["count"], 5000);
    assert_eq!(taken["limit"]["count"], 10_000, "one pass before and one after");
    let visible = case(&report, "one event produced");
    assert_eq!(visible["ours"]["latency"]["count"], 20);
    assert!(visible["limit"].is_null() && visible["ratio"].is_null());
}

#[test]
fn store_writes_the_same_rows_twice() {
    let report = json(&[
        "store",
        "--decisions",
        "450",
        "--batch",
        "100",
        "--format",
        "json",
    ]);
    check_frame(&report, "store");
    let rows = case(&report, "SQLite");
    for who in ["ours", "limit"] {
        assert_eq!(rows[who]["count"], 450);
        assert_eq!(rows[who]["latency"]["count"], 5, "batches");
    }
    assert!(report["settings"]["bytes_per_record"].as_u64().unwrap() > 500);
}

/// In a build that has PostgreSQL.
#[cfg(feature = "postgres")]
#[tokio::test]
async fn store_writes_beside_copy_and_leaves_the_database_as_it_was() {
    use ceteris_testkit::postgres::Postgres;

    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start(folder.path()).await.unwrap();
    let url = server.create_database("bench").await.unwrap();
    ceteris_store::migrate(&url).await.unwrap();
    let words = [
        "store",
        "--decisions",
        "450",
        "--batch",
        "100",
        "--format",
        "json",
        "--store",
        &url,
    ];
    let report = json(&words);
    check_frame(&report, "store");
    let rows = case(&report, "PostgreSQL");
    assert_eq!(
        (&rows["ours"]["count"], &rows["limit"]["count"]),
        (&450.into(), &450.into())
    );
    for table in ["causal_decisions", "sink_offsets"] {
        let left = server
            .psql("bench", &format!("select count(*) from {table}"))
            .await;
        assert_eq!(left.unwrap().trim(), "0", "{table}");
    }
    let tables = "select count(*) from pg_tables where tablename = 'ceteris_bench_copy'";
    assert_eq!(server.psql("bench", tables).await.unwrap().trim(), "0");
    let far = refused(&["store", "--store", "postgres://somebody@192.0.2.1/somewhere"]);
    assert!(far.contains("192.0.2.1 is no loopback address"), "{far}");
}

#[test]
fn etl_agrees_with_duckdb_on_the_columns_that_both_have() {
    let python = Python::environment("strangers", STRANGERS).unwrap();
    let python = python.interpreter();
    let words = [
        "etl",
        "--users",
        "500",
        "--repeats",
        "1",
        "--format",
        "json",
        "--python",
    ];
    let report = json(&[&words[..], &[python.to_str().unwrap()]].concat());
    check_frame(&report, "etl");
    let (rows, events) = (&report["settings"]["rows"], &report["settings"]["events"]);
    assert_eq!(case(&report, "rows of the dataset")["ours"]["count"], *rows);
    let both = case(&report, "events of the lake into the dataset");
    assert_eq!(
        (&both["ours"]["count"], &both["limit"]["count"]),
        (events, events)
    );
    assert!(both["limit_is"].as_str().unwrap().starts_with("DuckDB"));
}

#[test]
fn text_is_for_people_and_ends_with_where_it_was_measured() {
    let output = output(&["etl", "--users", "500", "--repeats", "1"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("bench etl {"), "{text}");
    assert!(
        text.contains("events/s") && text.contains("resident memory"),
        "{text}"
    );
    assert!(
        text.trim_end().lines().last().unwrap().contains(" cores, load "),
        "{text}"
    );
}

#[test]
fn only_this_machine_is_loaded_and_what_cannot_be_measured_is_said() {
    for (words, says) in [
        (
            &["decide", "--url", "http://192.0.2.1:8080"][..],
            "is no loopback address",
        ),
        (&["decide", "--url", "https://127.0.0.1:1"][..], "only http://"),
        (&["decide", "--connections", "0"][..], "give 1 to 512"),
        (&["decide", "--users", "499"][..], "499"),
        (&["ingest", "--events", "999"][..], "999"),
        (
            &["etl", "--python", "/no/such/python"][..],
            "a Python that has the package duckdb",
        ),
    ] {
        let said = refused(words);
        assert!(said.contains(says), "{words:?}: {said}");
    }
}
