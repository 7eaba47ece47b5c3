//! What the examples share.
#![allow(dead_code, reason = "each example uses a part")]

use anyhow::Context;
use ndarray::Array2;

/// A csv file of numbers under one line of names.
pub fn read(path: &str) -> anyhow::Result<Array2<f64>> {
    let mut reader = csv::Reader::from_path(path).with_context(|| path.to_owned())?;
    let (mut values, mut rows) = (Vec::new(), 0);
    for record in reader.records() {
        for value in &record? {
            values.push(value.parse::<f64>()?);
        }
        rows += 1;
    }
    Ok(Array2::from_shape_vec((rows, values.len() / rows), values)?)
}

/// Seconds of CPU of this process's threads, those that have ended left out.
pub fn cpu_s() -> anyhow::Result<f64> {
    let mut nanos = 0;
    for thread in std::fs::read_dir("/proc/self/task").context("needs Linux")? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        let on_cpu = text.split_whitespace().next().context("a line of schedstat")?;
        nanos += on_cpu.parse::<u64>()?;
    }
    Ok(nanos as f64 / 1e9)
}

/// The most memory that this process has had resident, in bytes.
pub fn peak_bytes() -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/status").context("needs Linux")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|rest| rest.split_whitespace().next());
    Ok(1024 * kb.context("a line of status")?.parse::<u64>()?)
}
