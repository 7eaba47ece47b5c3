//! Reading the real data beside the project, and small helpers shared by the tests.
#![allow(clippy::disallowed_methods, reason = "tests read the environment and files")]
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::Read;

use ceteris_causal::learner::{Column, Design};
use ceteris_causal::sample::uniform_of;

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
