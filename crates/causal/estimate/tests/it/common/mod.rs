//! Reading the real data beside the project, and small helpers shared by the tests.
#![allow(clippy::disallowed_methods, reason = "tests read files")]

use std::collections::BTreeMap;
use std::io::Read;

use ceteris_effect::Column;
use ceteris_estimate::learner::Design;
use ceteris_estimate::{ArmSample, Arms, Sample};
use ceteris_stats::{Unit, uniform_of};
use ndarray::Array2;

/// A CSV file as columns of text.
pub struct Table {
    names: Vec<String>,
    columns: BTreeMap<String, Vec<String>>,
}

/// Reads the file of real data of this name; `None` where it is missing and the test is skipped.
pub fn data(name: &str) -> Option<Table> {
    table(name, None)
}

/// The same for a file without a header, whose columns get the given names.
pub fn data_without_header(name: &str, names: &[String]) -> Option<Table> {
    table(name, Some(names))
}

fn table(name: &str, given: Option<&[String]>) -> Option<Table> {
    let bytes = std::fs::read(ceteris_testdata::file(name)?).unwrap();
    let mut text = String::new();
    if name.ends_with(".gz") {
        flate2::read::GzDecoder::new(&bytes[..])
            .read_to_string(&mut text)
            .unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(given.is_none())
        .from_reader(text.as_bytes());
    let header = |r: &mut csv::Reader<&[u8]>| r.headers().unwrap().iter().map(str::to_string).collect();
    let names: Vec<String> = given.map_or_else(|| header(&mut reader), <[String]>::to_vec);
    let mut columns: BTreeMap<String, Vec<String>> = names.iter().map(|n| (n.clone(), Vec::new())).collect();
    for record in reader.records() {
        for (name, value) in names.iter().zip(record.unwrap().iter()) {
            columns.get_mut(name).unwrap().push(value.to_string());
        }
    }
    Some(Table { names, columns })
}

impl Table {
    pub fn n(&self) -> usize {
        self.columns[&self.names[0]].len()
    }

    pub fn text(&self, name: &str) -> &[String] {
        &self.columns[name]
    }

    pub fn numbers(&self, name: &str) -> Vec<f64> {
        self.text(name).iter().map(|v| v.parse().unwrap()).collect()
    }

    /// Numeric columns, with those in `squared` once more as squares.
    pub fn design(&self, names: &[&str], squared: &[&str]) -> Design {
        let mut columns: Vec<_> = names
            .iter()
            .map(|n| (Column::numeric(*n), self.numbers(n)))
            .collect();
        for n in squared {
            columns.push((
                Column::numeric(format!("{n}^2")),
                self.numbers(n).iter().map(|v| v * v).collect(),
            ));
        }
        Design::from_columns(columns).unwrap()
    }

    /// Names of the columns, in file order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// A categorical column with its levels in alphabetical order.
    pub fn category(&self, name: &str) -> (Column, Vec<f64>) {
        let mut levels: Vec<String> = self.text(name).to_vec();
        levels.sort();
        levels.dedup();
        let at = |v: &String| levels.iter().position(|l| l == v).unwrap() as f64;
        let values = self.text(name).iter().map(at).collect();
        (Column::categorical(name, levels), values)
    }
}

/// The rows of a sample, to which tests put one outcome and treatment after another.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    pub x: &'a Design,
    pub units: &'a [Unit],
    pub weights: Option<&'a [f64]>,
}

impl<'a> Rows<'a> {
    pub fn sample(&self, y: &'a [f64], d: &'a [f64]) -> Sample<'a> {
        Sample {
            y,
            d,
            z: None,
            x: self.x,
            weight: self.weights,
            unit: self.units,
            cluster: None,
        }
    }

    pub fn instrumented(&self, y: &'a [f64], d: &'a [f64], z: &'a [f64]) -> Sample<'a> {
        Sample {
            z: Some(z),
            ..self.sample(y, d)
        }
    }

    pub fn of_arms(&self, y: &'a Array2<f64>, of_row: &'a [usize], count: usize) -> ArmSample<'a> {
        self.sample(&[], &[]).with(Arms { of_row, count }, y.view())
    }
}

/// `i mod 5`, the folds of the reference values.
pub fn mod5(n: usize) -> Vec<u32> {
    (0..n).map(|i| (i % 5) as u32).collect()
}

pub fn near(what: &str, found: f64, expected: f64, relative: f64) {
    let off = (found - expected).abs() / expected.abs();
    assert!(off <= relative, "{what}: {found} is off {expected} by {off:e}");
}

/// A small seeded generator for simulations.
pub struct Draws(u64);

impl Draws {
    pub fn new(seed: u64) -> Self {
        Draws(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1)
    }

    pub fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        uniform_of(self.0)
    }

    pub fn normal(&mut self) -> f64 {
        let (u, v) = (self.uniform(), self.uniform());
        (-2.0 * (1.0 - u).ln()).sqrt() * (2.0 * std::f64::consts::PI * v).cos()
    }
}
