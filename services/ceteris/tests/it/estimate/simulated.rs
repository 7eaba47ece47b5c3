//! Rows whose effects are known, and what the tests of doses and arms do with them.

use std::fmt::Write;
use std::path::Path;

use ceteris_stats::normal_quantile;
use serde_json::Value;

use crate::support::{json, refused};

/// A seeded uniform number.
fn uniform(row: usize, what: u64) -> f64 {
    ceteris_stats::uniform(23, &(row as u64).to_le_bytes(), what)
}

fn normal(row: usize, what: u64) -> f64 {
    normal_quantile(uniform(row, what).max(1e-12))
}

/// x moves dose, arm and both outcomes. The dose's effect is d² / 4; arms add 1 (`a`) and −0.5 (`b`) to `none`.
pub(crate) fn table(path: &Path, rows: usize) {
    let mut text = String::from("x,d,y,arm,v,unit,w\n");
    for row in 0..rows {
        let x = 2.0 * uniform(row, 1) - 1.0;
        let d = (2.0 + x + normal(row, 2)).clamp(-1.0, 5.0);
        let y = d * d / 4.0 + 2.0 * x + normal(row, 3);
        let u = uniform(row, 4);
        let arm = match 0.25 + 0.15 * x {
            a if u < a => "a",
            a if u < a + 0.3 => "b",
            _ => "none",
        };
        let gain = match arm {
            "a" => 1.0,
            "b" => -0.5,
            _ => 0.0,
        };
        let v = gain + 2.0 * x + normal(row, 5);
        writeln!(text, "{x},{d},{y},{arm},{v},u{},{}", row / 2, 1 + row % 2).unwrap();
    }
    std::fs::write(path, text).unwrap();
}

pub(crate) fn ask(file: &Path, flags: &[&str]) -> Value {
    let words = ["estimate", "--format", "json", "--data", file.to_str().unwrap()];
    json(&[&words[..], flags].concat())
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Within 3.5 of its own standard errors.
pub(crate) fn holds(estimate: &Value, std_error: &Value, truth: f64) {
    let (estimate, error) = (number(estimate), number(std_error));
    assert!(
        (estimate - truth).abs() < 3.5 * error && error < 0.2,
        "{estimate} ({error}) against {truth}"
    );
}

/// What is said of flags that are refused.
pub(crate) fn refuse(file: &Path, flags: &[&str], more: &[&str]) -> String {
    let words = ["estimate", "--data", file.to_str().unwrap()];
    refused(&[&words[..], flags, more].concat())
}
