//! The quality gate: whether a dataset can be trained on at all, told before any fit. What the data must satisfy is in
//! the problem's gates; overlap is seen only by the fit and gated there.

use std::collections::BTreeMap;

use ceteris_contract::dataset::{Assignment, Column, Dataset};
use ceteris_contract::manifest::GateResult;
use ceteris_contract::problem::{Outcome, Problem, Treatment, View, ViewKind};

/// How the gates on an arm's rows begin; one not passed keeps the arm out of the model and nothing else.
pub const ROWS_PER_ARM: &str = "rows_per_arm/";

/// Why a dataset is not trained on: the column, what is wrong, what would mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{column}: {problem}; {fix}")]
pub struct GateFault {
    /// The dataset's column, or `weight` or `rows`.
    pub column: String,
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub fix: String,
}

/// Checks a dataset against a problem.
///
/// The results, by name, go into the manifest: `rows`, `missing_share/<view>` for each view known before the decision,
/// `rows_per_arm/<treatment>/<arm>` and `rows_per_arm/<treatment>/none` for control. An arm below the bound is a gate
/// not passed rather than a fault: its effects are left out and the others trained.
///
/// # Errors
/// All faults: absent columns or columns of the wrong type, values that are not finite, outcomes that are missing or
/// constant, unknown arms, weights or logged propensities out of range, too many missing values, and treatments of
/// which none has enough rows of control and of an arm.
pub fn quality(problem: &Problem, data: &Dataset) -> Result<BTreeMap<String, GateResult>, Vec<GateFault>> {
    let mut gate = Gate {
        data,
        results: BTreeMap::new(),
        faults: Vec::new(),
    };
    gate.rows();
    if gate.faults.is_empty() {
        problem
            .decision_views()
            .for_each(|view| gate.view(view, problem.gates.missing_share_max));
        problem.outcomes.iter().for_each(|outcome| gate.outcome(outcome));
        let trainable = problem
            .treatments
            .iter()
            .map(|treatment| gate.treatment(treatment, problem.gates.rows_per_arm_min))
            .fold(false, |any, one| any | one);
        if !trainable && gate.faults.is_empty() {
            gate.nothing_to_train(problem);
        }
    }
    if gate.faults.is_empty() {
        Ok(gate.results)
    } else {
        Err(gate.faults)
    }
}

struct Gate<'a> {
    data: &'a Dataset,
    results: BTreeMap<String, GateResult>,
    faults: Vec<GateFault>,
}

impl<'a> Gate<'a> {
    fn fault(&mut self, column: &str, problem: impl Into<String>, fix: impl Into<String>) {
        self.faults.push(GateFault {
            column: column.to_owned(),
            problem: problem.into(),
            fix: fix.into(),
        });
    }

    fn at_least(&mut self, name: String, value: f64, bound: f64) -> bool {
        let passed = value >= bound;
        self.results.insert(name, GateResult { value, bound, passed });
        passed
    }

    /// Rows, weights and columns of one length.
    fn rows(&mut self) {
        let rows = self.data.len();
        if !self.at_least("rows".to_owned(), rows as f64, 1.0) {
            self.fault(
                "rows",
                "the dataset is empty",
                "wait until opportunities are mature, or widen the period",
            );
        }
        let data = self.data;
        let parts = [
            data.t.len(),
            data.source.len(),
            data.assignment.len(),
            data.weight.len(),
        ];
        if parts.iter().any(|len| *len != rows) {
            self.fault(
                "rows",
                "units, times, sources and weights differ in number",
                "make the dataset anew",
            );
        }
        for (name, column) in data.columns.iter().filter(|(_, column)| column.len() != rows) {
            self.fault(
                name,
                format!("has {} values for {rows} rows", column.len()),
                "make the dataset anew",
            );
        }
        if let Some(row) = data.weight.iter().position(|w| !(w.is_finite() && *w > 0.0)) {
            let problem = format!("row {row} weighs {}", data.weight[row]);
            self.fault(
                "weight",
                problem,
                "a weight is the inverse of a sampling probability, at least 1",
            );
        }
    }

    fn numbers(&mut self, name: &str) -> Option<&'a [f64]> {
        match self.data.column(name) {
            Some(Column::Number(values)) => Some(values),
            Some(Column::Text(_)) => {
                self.fault(
                    name,
                    "holds text where numbers are needed",
                    "give the view `kind: categorical`, or mend its property",
                );
                None
            }
            None => {
                self.fault(
                    name,
                    "the dataset has no such column",
                    "make the dataset anew with this problem",
                );
                None
            }
        }
    }

    fn texts(&mut self, name: &str) -> Option<&'a [Option<String>]> {
        match self.data.column(name) {
            Some(Column::Text(values)) => Some(values),
            Some(Column::Number(_)) => {
                self.fault(
                    name,
                    "holds numbers where text is needed",
                    "make the dataset anew with this problem",
                );
                None
            }
            None => {
                self.fault(
                    name,
                    "the dataset has no such column",
                    "make the dataset anew with this problem",
                );
                None
            }
        }
    }

    /// A covariate: finite where it is there, and there often enough.
    fn view(&mut self, view: &View, missing_share_max: f64) {
        let name = view.column();
        let missing = match view.kind {
            ViewKind::Categorical => self.texts(&name).map(|v| v.iter().filter(|text| text.is_none()).count()),
            ViewKind::Numeric => self.numbers(&name).map(|values| {
                if let Some(row) = values.iter().position(|v| v.is_infinite()) {
                    let fix = "mend the events or cells it is made from; what is not known is missing, not infinite";
                    self.fault(&name, format!("row {row} is infinite"), fix);
                }
                values.iter().filter(|v| v.is_nan()).count()
            }),
        };
        let Some(missing) = missing else { return };
        let share = missing as f64 / self.data.len() as f64;
        let passed = view.optional || share <= missing_share_max;
        let result = GateResult {
            value: share,
            bound: if view.optional { 1.0 } else { missing_share_max },
            passed,
        };
        self.results
            .insert(format!("missing_share/{}", view.name), result);
        if !passed {
            let problem = format!("{share:.3} of the rows miss it, more than {missing_share_max}");
            let fix =
                "fill it in, give the view a default, set `optional: true`, or raise gates.missing_share_max";
            self.fault(&name, problem, fix);
        }
    }

    /// An outcome: known and finite in every row, and not the same in all of them.
    fn outcome(&mut self, outcome: &Outcome) {
        let name = outcome.column();
        let Some(values) = self.numbers(&name) else { return };
        if let Some(row) = values.iter().position(|v| !v.is_finite()) {
            let fix = "leave out rows whose outcome is not known: that is not 0";
            self.fault(
                &name,
                format!("row {row} is {}, no finite number", values[row]),
                fix,
            );
        } else if values.iter().all(|v| *v == values[0]) {
            let fix = "check what measures it; with one value there is nothing to change";
            self.fault(&name, format!("every row is {}", values[0]), fix);
        }
    }

    /// A treatment: known arms, known propensities where it was logged. True if control and an arm have enough rows.
    fn treatment(&mut self, treatment: &Treatment, rows_min: u64) -> bool {
        let name = treatment.column();
        let Some(values) = self.texts(&name) else {
            return false;
        };
        let known = |id: &str| treatment.arms.iter().any(|arm| arm.id == id);
        if let Some((row, id)) = values
            .iter()
            .enumerate()
            .find_map(|(row, v)| Some((row, v.as_deref()?)).filter(|(_, id)| !known(id)))
        {
            let problem = format!("row {row} is `{id}`, which is no arm of `{}`", treatment.name);
            self.fault(
                &name,
                problem,
                "add the arm to the problem, or make the dataset anew with this problem",
            );
            return false;
        }
        self.propensities(treatment);
        let mut rows = |arm: Option<&str>| {
            let count = values.iter().filter(|v| v.as_deref() == arm).count();
            let gate = format!("{ROWS_PER_ARM}{}/{}", treatment.name, arm.unwrap_or("none"));
            self.at_least(gate, count as f64, rows_min as f64)
        };
        let control = rows(None);
        let arms = treatment
            .arms
            .iter()
            .map(|arm| rows(Some(&arm.id)))
            .fold(false, |any, one| any | one);
        control && arms
    }

    /// A logged decision's propensity is used as it stands, so it must be a probability above 0.
    fn propensities(&mut self, treatment: &Treatment) {
        let logged = |row: usize| self.data.assignment[row] == Assignment::Logged;
        if !(0..self.data.len()).any(logged) {
            return;
        }
        let name = format!("propensity_{}", treatment.name);
        let Some(values) = self.numbers(&name) else { return };
        let bad = (0..values.len()).find(|&row| {
            self.data.assignment[row] == Assignment::Logged && !(values[row] > 0.0 && values[row] <= 1.0)
        });
        if let Some(row) = bad {
            let fix = "log the probability with which the policy gave this row's arm; it is never estimated";
            self.fault(
                &name,
                format!("row {row} is {}, no probability above 0", values[row]),
                fix,
            );
        }
    }

    /// Tells, treatment by treatment, what it lacks.
    fn nothing_to_train(&mut self, problem: &Problem) {
        let bound = problem.gates.rows_per_arm_min;
        for treatment in &problem.treatments {
            let Some(values) = self.texts(&treatment.column()) else {
                continue;
            };
            let count = |arm: Option<&str>| values.iter().filter(|v| v.as_deref() == arm).count();
            let mut parts = vec![format!("control {}", count(None))];
            parts.extend(
                treatment
                    .arms
                    .iter()
                    .map(|arm| format!("{} {}", arm.id, count(Some(&arm.id)))),
            );
            let constant = values.iter().all(|v| *v == values[0]);
            let what = if constant {
                "does not vary"
            } else {
                "has too few rows"
            };
            let problem = format!(
                "{what}: {}; control and an arm need {bound} each",
                parts.join(", ")
            );
            self.fault(
                &treatment.column(),
                problem,
                "collect more rows, or lower gates.rows_per_arm_min",
            );
        }
    }
}
