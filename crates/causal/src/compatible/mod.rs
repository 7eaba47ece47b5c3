//! Is a graph compatible with data? Every independence that it implies among measured nodes is tested; the graph is
//! refuted where one fails clearly, by its size as well as by its p value.

mod residual;

use std::collections::BTreeMap;

use ceteris_graph::Graph;
use ceteris_graph::identify::{Independence, STEPS_MAX_DEFAULT, VermaConstraint, testable_implications};
use ceteris_stats::{Clusters, Unit, holm, student_t_cdf};
use residual::{Regressors, clustered};
use serde::{Deserialize, Serialize};

/// How an independence is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndependenceTest {
    /// The partial correlation given the set: complete for linear dependence.
    #[default]
    PartialCorrelation,
    /// Correlations of what regressions on splines of the set leave of both variables' ranks and their squares (the
    /// generalised covariance measure of Shah & Peters 2020, for four pairs of functions).
    Nonparametric,
}

/// How a graph is tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompatibilityParams {
    /// The test.
    pub test: IndependenceTest,
    /// The chance that a right graph has any independence rejected, by Holm's method.
    pub level: f64,
    /// A rejected independence refutes the graph only where the correlation is larger than this.
    pub effect_min: f64,
    /// Independences tested at most.
    pub tests_max: usize,
    /// Steps of the search for them.
    pub steps_max: u64,
}

impl Default for CompatibilityParams {
    fn default() -> Self {
        Self {
            test: IndependenceTest::PartialCorrelation,
            level: 0.05,
            effect_min: 0.05,
            tests_max: 500,
            steps_max: STEPS_MAX_DEFAULT,
        }
    }
}

/// The data: one column a node, all of one length; rows of one unit hang together.
#[derive(Debug, Clone, Copy)]
pub struct Observations<'a> {
    /// Values by node. Nodes without a column are taken as latent.
    pub columns: &'a BTreeMap<String, Vec<f64>>,
    /// The unit of each row; each row its own where there are none.
    pub units: Option<&'a [Unit]>,
}

/// One independence, tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestedIndependence {
    /// One node.
    pub left: String,
    /// The other.
    pub right: String,
    /// What makes them independent, if the graph is right.
    pub given: Vec<String>,
    /// The partial correlation; of the nonparametric test the largest of its four.
    pub correlation: f64,
    /// Two-sided, with errors clustered by unit; of the nonparametric test corrected for its four.
    pub p_value: f64,
    /// Holm's, over all independences tested.
    pub p_adjusted: f64,
    /// Whether it refutes the graph.
    pub refuted: bool,
}

/// An independence that these data cannot test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UntestedIndependence {
    /// One node.
    pub left: String,
    /// The other.
    pub right: String,
    /// What makes them independent.
    pub given: Vec<String>,
    /// Why.
    pub reason: String,
}

/// What the data say of a graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compatibility {
    /// Whether no independence is refuted. `None` where none could be tested.
    pub compatible: Option<bool>,
    /// The test used.
    pub test: IndependenceTest,
    /// Rows.
    pub rows: usize,
    /// Distinct units.
    pub units: usize,
    /// The independences tested.
    pub tested: Vec<TestedIndependence>,
    /// Those the data cannot test.
    pub untested: Vec<UntestedIndependence>,
    /// Constraints that are no independences, which are never tested.
    pub verma: Vec<VermaConstraint>,
    /// Whether these are all; otherwise a bound or the budget ended the search.
    pub complete: bool,
}

/// Data that a graph cannot be tested on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompatibilityError {
    /// A column for what is no node.
    #[error("column {0} is not a node of the graph")]
    UnknownNode(String),
    /// Columns of different lengths.
    #[error("column {column} has {found} rows, not {expected}")]
    Rows {
        /// The column, or `units`.
        column: String,
        /// The others' length.
        expected: usize,
        /// Its own.
        found: usize,
    },
    /// A value that is no finite number.
    #[error("column {column} has no finite value in row {row}")]
    NotFinite {
        /// The column.
        column: String,
        /// The row, from 0.
        row: usize,
    },
    /// Parameters out of range.
    #[error("{0}")]
    Params(&'static str),
}

/// Tests every independence that the graph implies among the nodes with a column.
///
/// # Errors
/// Columns for no node, of unequal lengths or with values that are not finite; a level or an effect out of range.
pub fn compatibility(
    graph: &Graph,
    data: &Observations,
    params: &CompatibilityParams,
) -> Result<Compatibility, CompatibilityError> {
    let rows = checked(graph, data, params)?;
    let clusters = data.units.map_or_else(|| Clusters::rows(rows), Clusters::by_unit);
    let measured = graph
        .nodes()
        .filter(|(_, node)| data.columns.contains_key(&node.name))
        .map(|(id, _)| id)
        .collect();
    let implied = testable_implications(graph, &measured, params.tests_max, params.steps_max);
    let mut tested = Vec::new();
    let mut untested = Vec::new();
    for Independence { left, right, given } in implied.independences {
        match one(data.columns, &clusters, params.test, &left, &right, &given) {
            Ok((correlation, p_value)) => tested.push(TestedIndependence {
                left,
                right,
                given,
                correlation,
                p_value,
                p_adjusted: p_value,
                refuted: false,
            }),
            Err(reason) => untested.push(UntestedIndependence {
                left,
                right,
                given,
                reason,
            }),
        }
    }
    let p_values: Vec<f64> = tested.iter().map(|test| test.p_value).collect();
    for (test, p_adjusted) in tested.iter_mut().zip(holm(&p_values)) {
        test.p_adjusted = p_adjusted;
        test.refuted = p_adjusted < params.level && test.correlation.abs() > params.effect_min;
    }
    Ok(Compatibility {
        compatible: (!tested.is_empty()).then(|| tested.iter().all(|test| !test.refuted)),
        test: params.test,
        rows,
        units: clusters.count(),
        tested,
        untested,
        verma: implied.verma,
        complete: implied.complete,
    })
}

fn checked(
    graph: &Graph,
    data: &Observations,
    params: &CompatibilityParams,
) -> Result<usize, CompatibilityError> {
    if !(params.level > 0.0 && params.level < 1.0) {
        return Err(CompatibilityError::Params("level must lie between 0 and 1"));
    }
    if !(params.effect_min >= 0.0 && params.effect_min < 1.0) {
        return Err(CompatibilityError::Params("effect_min must lie between 0 and 1"));
    }
    let rows = data.columns.values().next().map_or(0, Vec::len);
    for (name, column) in data.columns {
        if graph.id(name).is_none() {
            return Err(CompatibilityError::UnknownNode(name.clone()));
        }
        if column.len() != rows {
            return Err(CompatibilityError::Rows {
                column: name.clone(),
                expected: rows,
                found: column.len(),
            });
        }
        if let Some(row) = column.iter().position(|value| !value.is_finite()) {
            return Err(CompatibilityError::NotFinite {
                column: name.clone(),
                row,
            });
        }
    }
    match data.units {
        Some(units) if units.len() != rows => Err(CompatibilityError::Rows {
            column: "units".to_owned(),
            expected: rows,
            found: units.len(),
        }),
        _ => Ok(rows),
    }
}

/// The correlation and p value of one independence, or why it cannot be tested.
fn one(
    columns: &BTreeMap<String, Vec<f64>>,
    clusters: &Clusters,
    test: IndependenceTest,
    left: &str,
    right: &str,
    given: &[String],
) -> Result<(f64, f64), String> {
    let (x, y) = (&columns[left], &columns[right]);
    let set: Vec<&Vec<f64>> = given.iter().map(|name| &columns[name]).collect();
    let smooth = test == IndependenceTest::Nonparametric;
    let regressors = Regressors::new(&set, x.len(), smooth);
    let freedom = clusters.count() as f64 - regressors.rank() as f64 - 1.0;
    if freedom < 2.0 {
        return Err(format!("{} units are too few", clusters.count()));
    }
    let (xs, ys) = if smooth {
        (residual::functions(x), residual::functions(y))
    } else {
        (vec![x.clone()], vec![y.clone()])
    };
    let pairs = (xs.len() * ys.len()) as f64;
    let left_over = |name: &str, columns: Vec<Vec<f64>>| -> Result<Vec<Vec<f64>>, String> {
        let rest = columns
            .iter()
            .map(|column| regressors.residuals(column))
            .collect::<Option<Vec<_>>>();
        rest.ok_or_else(|| format!("{name} does not vary once the others are known"))
    };
    let (xs, ys) = (left_over(left, xs)?, left_over(right, ys)?);
    let mut best: Option<(f64, f64)> = None;
    for (x, y) in xs.iter().flat_map(|x| ys.iter().map(move |y| (x, y))) {
        let (r, t) = clustered(x, y, clusters);
        let p = (2.0 * student_t_cdf(-t.abs(), freedom) * pairs).min(1.0);
        // The function pair that tells most, by its p value and then by its size.
        if best.is_none_or(|(size, least)| p < least || (p == least && r.abs() > f64::abs(size))) {
            best = Some((r, p));
        }
    }
    best.ok_or_else(|| "there are no rows".to_owned())
}
