//! `ceteris graph check`: a graph against a table.

use ceteris_study::IndependenceTest;
use ceteris_study::{CheckQuestion, StudyError, check_graph};

use super::args::{Check, TestArg};
use crate::tables::refused;
use crate::verbs::effect::read_table;
use crate::verbs::identify::read_graph;
use ceteris_terminal::{Format, bad_input, print};

pub(super) fn run(format: Format, args: &Check) -> anyhow::Result<()> {
    let question = CheckQuestion {
        unit: args.unit.clone(),
        test: match args.test {
            TestArg::Partial => IndependenceTest::PartialCorrelation,
            TestArg::Nonparametric => IndependenceTest::Nonparametric,
        },
        level: args.level,
        effect_min: args.effect_min,
    };
    let graph = read_graph(&args.graph)?;
    let table = read_table(&args.data)?;
    let report = check_graph(&question, &graph, &table).map_err(|error| match error {
        StudyError::NothingMeasured { .. } => bad_input(format!("{}: {error}", args.data.display())),
        other => refused(other),
    })?;
    print(format, &report, || report.to_string())
}
