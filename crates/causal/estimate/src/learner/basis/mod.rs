//! Basis expansions: from a table's columns to the numbers a linear learner multiplies.
//!
//! Knots, levels and scales are those of the rows fitted on, so that a held-out fold adds nothing to them.

mod knots;
mod known;
mod spline;

use std::ops::Range;

use ceteris_effect::ColumnKind;
use ceteris_stats::linalg::BLOCK_ROWS;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};
use serde::{Deserialize, Serialize};

pub(super) use self::knots::WEIGHT_TIE;
use self::knots::{distinct_up_to, quantile_knots};
use self::known::{Known, Standard};
use self::spline::NaturalSpline;
use crate::learner::design::level_of;
use crate::learner::{Design, LearnerError};

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
        self.fit_on(x, w, Some(Known::of(x, w)))
    }

    /// As [`BasisParams::fit`], for one who goes through all terms next and then tells their means to
    /// [`FittedBasis::set_means`]: a pass is saved where columns enter as they stand.
    pub(super) fn fit_but_means(&self, x: &Design, w: &[f64]) -> Result<FittedBasis, LearnerError> {
        let as_they_stand = self.numeric == NumericBasis::Linear && !self.interactions;
        let known = (!as_they_stand || x.has_missing()).then(|| Known::of(x, w));
        self.fit_on(x, w, known)
    }

    fn fit_on(&self, x: &Design, w: &[f64], known: Option<Known>) -> Result<FittedBasis, LearnerError> {
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
        let mut pieces: Vec<Piece> = Vec::new();
        for (j, column) in x.columns().iter().enumerate() {
            let piece = match (&column.kind, &known) {
                (ColumnKind::Categorical { levels }, _) => one_hot(j, x.column(j), levels.len(), w),
                (ColumnKind::Numeric, Some(known)) => known
                    .standard(j, known.weight[j])
                    .map(|standard| self.numeric_piece(x, w, standard)),
                (ColumnKind::Numeric, None) => Some(Piece::Linear(j..j + 1)),
            };
            match (pieces.last_mut(), piece) {
                (Some(Piece::Linear(before)), Some(Piece::Linear(next))) if before.end == next.start => {
                    before.end = next.end;
                }
                (_, piece) => pieces.extend(piece),
            }
        }
        let (mut fill, mut scaled) = (vec![f64::NAN; x.p()], Vec::new());
        if let Some(known) = known {
            let numeric = (0..x.p()).filter(|&j| x.columns()[j].kind == ColumnKind::Numeric);
            let total: f64 = w.iter().sum();
            for j in numeric {
                fill[j] = known.centre[j];
                if known.missing[j] {
                    pieces.push(Piece::Missing { column: j });
                }
                if self.interactions {
                    scaled.extend(known.standard(j, total));
                }
            }
        }
        let width = pieces.iter().map(Piece::width).sum::<usize>() + pairs(scaled.len());
        Ok(FittedBasis {
            pieces,
            scaled,
            fill,
            width,
        })
    }

    fn numeric_piece(&self, x: &Design, w: &[f64], standard: Standard) -> Piece {
        let column = standard.column;
        // Rows without a value place no knot.
        let known = || {
            let rows = x.column(column).zip(w.iter().copied());
            rows.filter(|(v, _)| !v.is_nan())
        };
        match self.numeric {
            NumericBasis::Linear => Piece::Linear(column..column + 1),
            NumericBasis::Polynomial { degree } => {
                let distinct = distinct_up_to(known(), degree + 1);
                Piece::Polynomial {
                    standard,
                    degree: degree.min(distinct - 1).max(1),
                }
            }
            NumericBasis::Spline { knots } => {
                let knots = quantile_knots(known(), knots);
                if knots.len() < 3 {
                    Piece::Linear(column..column + 1)
                } else {
                    Piece::Spline {
                        column,
                        spline: NaturalSpline::new(knots),
                    }
                }
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Piece {
    /// Neighbouring columns as they stand.
    Linear(Range<usize>),
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
            Piece::Missing { .. } => 1,
            Piece::Linear(columns) => columns.len(),
            Piece::Polynomial { degree, .. } => *degree,
            Piece::Spline { spline, .. } => spline.width(),
            Piece::OneHot { shares, .. } => shares.len() - 1,
        }
    }

    /// `raw` has NaN where a value is missing, `row` the mean in its place.
    fn expand(&self, raw: &[f64], row: &[f64], out: &mut [f64]) {
        match self {
            Piece::Missing { column } => out[0] = f64::from(u8::from(raw[*column].is_nan())),
            Piece::Linear(columns) => out.copy_from_slice(&row[columns.clone()]),
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

    /// Learns what stands for a missing value in columns that enter as they stand: the means of their terms.
    pub(super) fn set_means(&mut self, of_terms: &[f64]) {
        let mut at = 0;
        for piece in &self.pieces {
            if let Piece::Linear(columns) = piece {
                self.fill[columns.clone()].copy_from_slice(&of_terms[at..at + columns.len()]);
            }
            at += piece.width();
        }
    }

    /// Expands every row: n × width.
    ///
    /// # Errors
    /// Another number of columns than the fit saw.
    pub fn expand(&self, x: &Design) -> Result<Array2<f64>, LearnerError> {
        let mut z = Array2::zeros((x.n(), self.width));
        self.expand_into(x, 0..x.n(), z.view_mut())?;
        Ok(z)
    }

    /// Expands some rows into `z`, one for each and [`FittedBasis::width`] wide.
    pub(super) fn expand_into(
        &self,
        x: &Design,
        rows: Range<usize>,
        mut z: ArrayViewMut2<f64>,
    ) -> Result<(), LearnerError> {
        if x.p() != self.fill.len() {
            return Err(LearnerError::Columns {
                found: x.p(),
                fitted: self.fill.len(),
            });
        }
        let mut filled = vec![0.0; x.p()];
        for (i, mut out) in rows.zip(z.outer_iter_mut()) {
            let raw = x.row(i);
            let Some(out) = out.as_slice_mut() else {
                continue;
            };
            if raw.iter().fold(false, |missing, v| missing | v.is_nan()) {
                for ((to, v), fill) in filled.iter_mut().zip(raw).zip(&self.fill) {
                    *to = if v.is_nan() { *fill } else { *v };
                }
                self.expand_row(raw, &filled, out);
            } else {
                self.expand_row(raw, raw, out);
            }
        }
        Ok(())
    }

    /// What `of` makes of the terms of each row, in blocks: terms b × width to predictions b × m.
    pub(super) fn in_blocks(
        &self,
        x: &Design,
        m: usize,
        of: impl Fn(ArrayView2<f64>, ArrayViewMut2<f64>),
    ) -> Result<Array2<f64>, LearnerError> {
        let mut out = Array2::zeros((x.n(), m));
        let mut terms = Array2::zeros((x.n().min(BLOCK_ROWS), self.width));
        for start in (0..x.n()).step_by(BLOCK_ROWS) {
            let end = (start + BLOCK_ROWS).min(x.n());
            let mut terms = terms.slice_mut(s![..end - start, ..]);
            self.expand_into(x, start..end, terms.view_mut())?;
            of(terms.view(), out.slice_mut(s![start..end, ..]));
        }
        Ok(out)
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

fn pairs(n: usize) -> usize {
    n * n.saturating_sub(1) / 2
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
    use ceteris_effect::Column;
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
            array![[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [2.0, 1.0]]
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
