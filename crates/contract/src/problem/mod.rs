//! The problem file: one decision problem, from which everything downstream is derived.
//!
//! A file is read and checked as a whole: [`Problem::from_yaml`] answers with the problem or with every fault of the
//! file, each with its line and the fix. The README documents the keys.

mod check;
mod defaults;
mod fault;
mod fields;
mod graph_form;
mod model;
mod node;
mod parts;
mod read;

pub use fault::Fault;
pub use model::*;
pub use parts::{ModelDigests, ModelPart, OperationPart, PolicyPart};

impl Problem {
    /// Reads and checks a problem file.
    ///
    /// # Errors
    /// All faults of the file in the order of its lines. A file that is not YAML has one, where reading ended.
    pub fn from_yaml(text: &str) -> Result<Problem, Vec<Fault>> {
        let mut faults = fault::Faults::default();
        let Some(root) = node::parse(text, &mut faults) else {
            return Err(faults.into_sorted());
        };
        let reading = read::problem(&root, &mut faults);
        if let Some(reading) = &reading {
            faults.end_of_reading();
            check::all(reading, &mut faults);
        }
        match reading {
            Some(reading) if faults.is_empty() => Ok(reading.problem),
            _ => Err(faults.into_sorted()),
        }
    }
}
