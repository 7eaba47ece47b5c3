//! Basis expansions: from a table's columns to the numbers a linear learner multiplies.
//!
//! Knots, levels and scales are those of the rows fitted on, so that a held-out fold adds nothing to them.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::design::level_of;
use super::knots::{distinct_up_to, quantile_knots};
use super::spline::NaturalSpline;
use super::{Column, ColumnKind, Design, LearnerError};

/// How a numeric column enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumericBasis {
    /// As it stands.
    Linear,
    /// Powers `1..=degree` of the standardised value.
    Polynomial {
        /// Highest power, at least 1.
        degree: usize,
    },
    /// Natural cubic spline with at most this many knots at weighted quantiles. A column with fewer distinct
    /// values gets one knot a value; two knots are a straight line.
    Spline {
        /// Number of knots, at least 2. The column becomes one number fewer.
        knots: usize,
    },
}

/// How a table's columns are expanded. Categorical columns are one-hot, their first level the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasisParams {
    /// For numeric columns.
    pub numeric: NumericBasis,
    /// Also the products of every pair of standardised numeric columns.
    pub interactions: bool,
}

impl BasisParams {
    /// Numeric columns as they stand, no interactions.
    pub const LINEAR: BasisParams = BasisParams {
        numeric: NumericBasis::Linear,
        interactions: false,
    };

    /// Natural cubic splines, no interactions.
    pub const fn spline(knots: usize) -> Self {
        BasisParams {
            numeric: NumericBasis::Spline { knots },
            interactions: false,
        }
    }

    /// Polynomials, no interactions.
    pub const fn polynomial(degree: usize) -> Self {
        BasisParams {
            numeric: NumericBasis::Polynomial { degree },
            interactions: false,
        }
    }

    /// Adds the pairwise products of numeric columns.
    pub const fn with_interactions(self) -> Self {
        BasisParams {
            interactions: true,
            ..self
        }
    }

    /// Learns knots, scales and level shares from the rows of `x` under weights `w` (n numbers).
    ///
    /// # Errors
    /// A polynomial of degree 0 or a spline of fewer than two knots.
    pub fn fit(&self, x: &Design, w: &[f64]) -> Result<FittedBasis, LearnerError> {
        match self.numeric {
            NumericBasis::Polynomial { degree: 0 } => {
                return Err(LearnerError::Parameter {
                    name: "degree",
                    range: "at least 1",
                });
            }
            NumericBasis::Spline { knots: 0 | 1 } => {
                return Err(LearnerError::Parameter {
                    name: "knots",
                    range: "at least 2",
                });
            }
            _ => {}
        }
        let (mut pieces, mut absent, mut fill) = (Vec::new(), Vec::new(), Vec::new());
        for (j, column) in x.columns().iter().enumerate() {
            // Walked over several times, and far apart in the table.
            let values = x.values().column(j).to_vec();
            pieces.extend(self.piece(column, j, &values, w));
            let numeric = column.kind == ColumnKind::Numeric;
            if numeric && values.iter().zip(w).any(|(v, w)| v.is_nan() && *w > 0.0) {
                absent.push(Piece::Missing { column: j });
            }
            fill.push(if numeric {
                mean_of_known(&values, w)
            } else {
                f64::NAN
            });
        }
        pieces.extend(absent);
        let scaled: Vec<Standard> = if self.interactions {
            standards(x, w)
        } else {
            Vec::new()
        };
        let width = pieces.iter().map(Piece::width).sum::<usize>() + pairs(scaled.len());
        Ok(FittedBasis {
            pieces,
            scaled,
            fill,
            width,
        })
    }

    fn piece(&self, of: &Column, column: usize, values: &[f64], w: &[f64]) -> Option<Piece> {
        if let ColumnKind::Categorical { levels } = &of.kind {
            return one_hot(column, values.iter().copied(), levels.len(), w);
        }
        if !values.iter().any(|v| v.is_nan()) {
            return self.numeric_piece(column, values, w);
        }
        // Rows without a value place no knot and move no scale.
        let known = values.iter().zip(w).filter(|(v, _)| !v.is_nan());
        let (values, w): (Vec<f64>, Vec<f64>) = known.map(|(v, w)| (*v, *w)).unzip();
        self.numeric_piece(column, &values, &w)
    }

    fn numeric_piece(&self, column: usize, values: &[f64], w: &[f64]) -> Option<Piece> {
        let values = values.iter().copied();
        let standard = Standard::of(column, values.clone(), w)?;
        match self.numeric {
            NumericBasis::Linear => Some(Piece::Linear(standard)),
            NumericBasis::Polynomial { degree } => {
                let distinct = distinct_up_to(values, w, degree + 1);
                Some(Piece::Polynomial {
                    standard,
                    degree: degree.min(distinct - 1).max(1),
                })
            }
            NumericBasis::Spline { knots } => {
                let knots = quantile_knots(values, w, knots);
                Some(if knots.len() < 3 {
                    Piece::Linear(standard)
                } else {
                    Piece::Spline {
                        column,
                        spline: NaturalSpline::new(knots),
                    }
                })
            }
        }
    }
}

/// Centre and scale of a numeric column; absent where the column is constant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Standard {
    column: usize,
    centre: f64,
    scale: f64,
}

impl Standard {
    fn of(column: usize, values: impl Iterator<Item = f64> + Clone, w: &[f64]) -> Option<Self> {
        let total: f64 = w.iter().sum();
        let centre = values.clone().zip(w).map(|(v, w)| v * w).sum::<f64>() / total;
        let variance = values.zip(w).map(|(v, w)| w * (v - centre).powi(2)).sum::<f64>() / total;
        let scale = variance.sqrt();
        // Rounding leaves a constant column a spread of some units in the last place.
        (scale > 1e-12 * centre.abs() && scale.is_finite()).then_some(Standard {
            column,
            centre,
            scale,
        })
    }

    fn apply(&self, row: &[f64]) -> f64 {
        (row[self.column] - self.centre) / self.scale
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Piece {
    Linear(Standard),
    Polynomial {
        standard: Standard,
        degree: usize,
    },
    Spline {
        column: usize,
        spline: NaturalSpline,
    },
    /// `shares[l]` is the weighted share of level l; level 0 is the reference.
    OneHot {
        column: usize,
        shares: Vec<f64>,
    },
    /// One where the column's value is missing; its other terms then stand at the mean.
    Missing {
        column: usize,
    },
}

impl Piece {
    fn width(&self) -> usize {
        match self {
            Piece::Linear(_) | Piece::Missing { .. } => 1,
            Piece::Polynomial { degree, .. } => *degree,
            Piece::Spline { spline, .. } => spline.width(),
            Piece::OneHot { shares, .. } => shares.len() - 1,
        }
    }

    /// `raw` has NaN where a value is missing, `row` the mean in its place.
    fn expand(&self, raw: &[f64], row: &[f64], out: &mut [f64]) {
        match self {
            Piece::Missing { column } => out[0] = f64::from(u8::from(raw[*column].is_nan())),
            Piece::Linear(standard) => out[0] = standard.apply(row),
            Piece::Polynomial { standard, .. } => {
                let z = standard.apply(row);
                let mut power = 1.0;
                for o in out {
                    power *= z;
                    *o = power;
                }
            }
            Piece::Spline { column, spline } => spline.expand(row[*column], out),
            Piece::OneHot { column, shares } => expand_level(row[*column], shares, out),
        }
    }
}

/// Writes the indicators of levels `1..`. A missing or unseen level stands for the average over the levels seen.
fn expand_level(value: f64, shares: &[f64], out: &mut [f64]) {
    match level_of(value, shares.len()).filter(|&l| shares[l] > 0.0) {
        Some(level) => {
            out.fill(0.0);
            if level > 0 {
                out[level - 1] = 1.0;
            }
        }
        None => out.copy_from_slice(&shares[1..]),
    }
}

/// A basis with the knots, scales and shares of its training rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedBasis {
    pieces: Vec<Piece>,
    scaled: Vec<Standard>,
    /// What stands for a missing value in each numeric column.
    fill: Vec<f64>,
    width: usize,
}

impl FittedBasis {
    /// Numbers per row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Expands every row: n × width.
    ///
    /// # Errors
    /// Another number of columns than the fit saw.
    pub fn expand(&self, x: &Design) -> Result<Array2<f64>, LearnerError> {
        if x.p() != self.fill.len() {
            return Err(LearnerError::Columns {
                found: x.p(),
                fitted: self.fill.len(),
            });
        }
        let mut z = Array2::zeros((x.n(), self.width));
        let mut raw = vec![0.0; x.p()];
        let mut row = vec![0.0; x.p()];
        for (i, mut out) in z.outer_iter_mut().enumerate() {
            raw.iter_mut().zip(x.row(i)).for_each(|(r, v)| *r = *v);
            for (j, r) in row.iter_mut().enumerate() {
                *r = if raw[j].is_nan() { self.fill[j] } else { raw[j] };
            }
            if let Some(out) = out.as_slice_mut() {
                self.expand_row(&raw, &row, out);
            }
        }
        Ok(z)
    }

    fn expand_row(&self, raw: &[f64], row: &[f64], out: &mut [f64]) {
        let mut rest = out;
        for piece in &self.pieces {
            let (mine, after) = rest.split_at_mut(piece.width());
            piece.expand(raw, row, mine);
            rest = after;
        }
        let mut at = 0;
        for (i, a) in self.scaled.iter().enumerate() {
            let za = a.apply(row);
            for b in &self.scaled[i + 1..] {
                rest[at] = za * b.apply(row);
                at += 1;
            }
        }
    }
}

/// The weighted mean of a column's known values; zero where there are none.
fn mean_of_known(values: &[f64], w: &[f64]) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for (v, w) in values.iter().zip(w).filter(|(v, _)| !v.is_nan()) {
        sum += v * w;
        total += w;
    }
    if total > 0.0 { sum / total } else { 0.0 }
}

fn pairs(n: usize) -> usize {
    n * n.saturating_sub(1) / 2
}

fn standards(x: &Design, w: &[f64]) -> Vec<Standard> {
    let numeric = |j: &usize| x.columns()[*j].kind == ColumnKind::Numeric;
    (0..x.p())
        .filter(numeric)
        .filter_map(|j| {
            let values = x.values().column(j).to_vec();
            let fill = mean_of_known(&values, w);
            let known = |v: &f64| if v.is_nan() { fill } else { *v };
            Standard::of(j, values.iter().map(known), w)
        })
        .collect()
}

fn one_hot(column: usize, values: impl Iterator<Item = f64>, levels: usize, w: &[f64]) -> Option<Piece> {
    let mut shares = vec![0.0; levels];
    for (v, w) in values.zip(w) {
        if let Some(level) = level_of(v, levels) {
            shares[level] += w;
        }
    }
    let total: f64 = shares.iter().sum();
    if levels < 2 || total <= 0.0 {
        return None;
    }
    shares.iter_mut().for_each(|s| *s /= total);
    Some(Piece::OneHot { column, shares })
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn table(values: &[f64]) -> Design {
        Design::from_columns(vec![(Column::numeric("x"), values.to_vec())]).unwrap()
    }

    #[test]
    fn a_column_becomes_what_it_supports() {
        let many: Vec<f64> = (0..100).map(f64::from).collect();
        let width = |v: &[f64]| {
            BasisParams::spline(6)
                .fit(&table(v), &vec![1.0; v.len()])
                .unwrap()
                .width()
        };
        assert_eq!(width(&many), 5);
        assert_eq!(width(&[3.0; 50]), 0);
        assert_eq!(width(&[0.0, 1.0, 1.0, 0.0]), 1);
        assert_eq!(width(&[0.0, 1.0, 2.0, 0.0, 2.0]), 2);
        // Mostly one value: it is one knot, and the rest still gets its curve.
        let spike: Vec<f64> = (0..1000)
            .map(|i| if i < 900 { 0.0 } else { f64::from(i) })
            .collect();
        assert_eq!(width(&spike), 5);
        let poly = BasisParams::polynomial(3)
            .fit(&table(&[0.0, 1.0, 2.0, 2.0]), &[1.0; 4])
            .unwrap();
        assert_eq!(poly.width(), 2);
    }

    #[test]
    fn unseen_level_is_the_average_of_those_seen() {
        let levels = vec!["a".into(), "b".into(), "c".into(), "never".into()];
        let x =
            Design::from_columns(vec![(Column::categorical("k", levels), vec![0.0, 1.0, 1.0, 2.0])]).unwrap();
        let basis = BasisParams::LINEAR.fit(&x, &[1.0; 4]).unwrap();
        let z = basis
            .expand(&Design::new(array![[1.0], [3.0], [f64::NAN]], x.columns().to_vec()).unwrap())
            .unwrap();
        assert_eq!(z, array![[1.0, 0.0, 0.0], [0.5, 0.25, 0.0], [0.5, 0.25, 0.0]]);
    }

    #[test]
    fn a_missing_number_is_the_mean_and_a_column_of_its_own() {
        let values = array![[1.0], [f64::NAN], [3.0], [f64::NAN]];
        let x = Design::with_missing(values, vec![Column::numeric("x")]).unwrap();
        let basis = BasisParams::LINEAR.fit(&x, &[1.0; 4]).unwrap();
        assert_eq!(
            basis.expand(&x).unwrap(),
            array![[-1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
        );
        // A value that was never missing in training has no such column, and is the mean when it is later.
        let whole = BasisParams::spline(4)
            .fit(&table(&[0.0, 1.0, 2.0, 3.0, 4.0]), &[1.0; 5])
            .unwrap();
        let z = whole
            .expand(&Design::with_missing(array![[f64::NAN], [2.0]], x.columns().to_vec()).unwrap())
            .unwrap();
        assert_eq!(z.row(0), z.row(1));
    }

    #[test]
    fn interactions_are_products_of_standardised_columns() {
        let x = Design::from_columns(vec![
            (Column::numeric("a"), vec![1.0, 3.0, 1.0, 3.0]),
            (Column::numeric("b"), vec![0.0, 0.0, 4.0, 4.0]),
            (Column::numeric("constant"), vec![5.0; 4]),
        ])
        .unwrap();
        let basis = BasisParams::LINEAR
            .with_interactions()
            .fit(&x, &[1.0; 4])
            .unwrap();
        assert_eq!(basis.width(), 3);
        assert_eq!(
            basis.expand(&x).unwrap().column(2).to_vec(),
            [1.0, -1.0, -1.0, 1.0]
        );
    }
}
