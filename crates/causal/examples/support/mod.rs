//! What the examples share.

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

/// Seconds of CPU of this process, in the kernel's ticks of a hundredth.
pub fn cpu_s() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").context("needs Linux")?;
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks = |at: usize| -> anyhow::Result<f64> {
        Ok(after
            .split_whitespace()
            .nth(at)
            .context("a field of stat")?
            .parse()?)
    };
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}
