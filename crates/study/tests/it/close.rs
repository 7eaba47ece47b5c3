//! Documents that are alike but for rounding.

use serde_json::Value;

/// Numbers may differ by this share of them, plus as much.
const TOLERANCE: f64 = 1e-9;

/// Where two documents differ by more than rounding: paths, what was expected and what was found.
pub(crate) fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let mut told = Vec::new();
    compare("", expected, found, &mut told);
    told
}

fn compare(path: &str, expected: &Value, found: &Value, told: &mut Vec<String>) {
    match (expected, found) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            if (a - b).abs() > TOLERANCE * (1.0 + a.abs()) {
                told.push(format!("{path}: {b}, not {a}"));
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{path}[{at}]"), a, b, told);
            }
        }
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            for (name, a) in a {
                compare(&format!("{path}.{name}"), a, &b[name], told);
            }
        }
        (a, b) if a == b => {}
        (a, b) => told.push(format!("{path}: {b}, not {a}")),
    }
}
