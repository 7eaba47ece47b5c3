//! One variable's natural cubic regression spline in cardinal form.
//!
//! The basis functions are the natural cubic splines that are one at their own knot and zero at the others, so
//! coefficients are values at knots and the columns are well conditioned (Wood 2017, *Generalized Additive Models*,
//! section 5.3.1). Beyond the outer knots the function goes on as a straight line.

use serde::{Deserialize, Serialize};

/// A cardinal natural cubic spline with at least three knots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NaturalSpline {
    knots: Vec<f64>,
    /// K × K, row-major: second derivative at knot i of basis function j.
    curvature: Vec<f64>,
}

impl NaturalSpline {
    /// Solves for the second derivatives at strictly increasing `knots` (at least three).
    pub(crate) fn new(knots: Vec<f64>) -> Self {
        let k = knots.len();
        let h: Vec<f64> = knots.windows(2).map(|p| p[1] - p[0]).collect();
        let mut curvature = vec![0.0; k * k];
        for j in 0..k {
            let value = |i: usize| if i == j { 1.0 } else { 0.0 };
            // Tridiagonal system of the inner knots, by the Thomas algorithm; natural ends have no curvature.
            let inner = k - 2;
            let (mut upper, mut right) = (vec![0.0; inner], vec![0.0; inner]);
            for r in 0..inner {
                let rhs = (value(r + 2) - value(r + 1)) / h[r + 1] - (value(r + 1) - value(r)) / h[r];
                let lower = if r == 0 { 0.0 } else { h[r] / 6.0 };
                let (before_u, before_r) = if r == 0 {
                    (0.0, 0.0)
                } else {
                    (upper[r - 1], right[r - 1])
                };
                let pivot = (h[r] + h[r + 1]) / 3.0 - lower * before_u;
                upper[r] = h[r + 1] / 6.0 / pivot;
                right[r] = (rhs - lower * before_r) / pivot;
            }
            for r in (0..inner).rev() {
                let after = if r + 1 < inner {
                    curvature[(r + 2) * k + j]
                } else {
                    0.0
                };
                curvature[(r + 1) * k + j] = right[r] - upper[r] * after;
            }
        }
        NaturalSpline { knots, curvature }
    }

    /// Columns written by [`NaturalSpline::expand`]: one fewer than knots, for the functions sum to one.
    pub(crate) fn width(&self) -> usize {
        self.knots.len() - 1
    }

    /// Writes the values at `x` of all basis functions but the first.
    pub(crate) fn expand(&self, x: f64, out: &mut [f64]) {
        let k = self.knots.len();
        let (first, last) = (self.knots[0], self.knots[k - 1]);
        if x < first || x > last {
            self.expand_line(x, out);
            return;
        }
        let i = self.knots[1..k - 1].partition_point(|knot| *knot <= x);
        let h = self.knots[i + 1] - self.knots[i];
        let (left, right) = (self.knots[i + 1] - x, x - self.knots[i]);
        let c_left = (left.powi(3) / h - h * left) / 6.0;
        let c_right = (right.powi(3) / h - h * right) / 6.0;
        for j in 1..k {
            out[j - 1] = c_left * self.curvature[i * k + j] + c_right * self.curvature[(i + 1) * k + j];
        }
        if i > 0 {
            out[i - 1] += left / h;
        }
        out[i] += right / h;
    }

    fn expand_line(&self, x: f64, out: &mut [f64]) {
        let k = self.knots.len();
        let at_left = x < self.knots[0];
        let (end, inner) = if at_left { (0, 1) } else { (k - 1, k - 2) };
        let h = self.knots[end] - self.knots[inner];
        let step = x - self.knots[end];
        for j in 1..k {
            let value = |i: usize| if i == j { 1.0 } else { 0.0 };
            // Slope of a natural cubic at its end: the chord's, corrected by the inner knot's curvature.
            let slope = (value(end) - value(inner)) / h + h * self.curvature[inner * k + j] / 6.0;
            out[j - 1] = value(end) + slope * step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(spline: &NaturalSpline, x: f64) -> Vec<f64> {
        let mut out = vec![0.0; spline.width()];
        spline.expand(x, &mut out);
        let rest: f64 = out.iter().sum();
        out.insert(0, 1.0 - rest);
        out
    }

    #[test]
    fn cardinal_at_knots_and_reproduces_lines_everywhere() {
        let knots = vec![-1.0, 0.5, 2.0, 2.5, 4.0];
        let spline = NaturalSpline::new(knots.clone());
        for (i, &knot) in knots.iter().enumerate() {
            for (j, v) in all(&spline, knot).into_iter().enumerate() {
                assert!((v - f64::from(u8::from(i == j))).abs() < 1e-12);
            }
        }
        for x in [-3.0, -1.0, 0.1, 2.2, 3.9, 4.0, 9.0] {
            let line: f64 = all(&spline, x)
                .iter()
                .zip(&knots)
                .map(|(b, k)| b * (2.0 - 3.0 * k))
                .sum();
            assert!((line - (2.0 - 3.0 * x)).abs() < 1e-11, "{x}: {line}");
        }
    }

    #[test]
    fn three_knots_solved_by_hand() {
        // Natural spline through (0,0), (1,1), (2,0): on [0,1] it is (3x - x^3)/2.
        let spline = NaturalSpline::new(vec![0.0, 1.0, 2.0]);
        for x in [0.0, 0.25, 0.5, 1.0] {
            assert!((all(&spline, x)[1] - (3.0 * x - x.powi(3)) / 2.0).abs() < 1e-14);
        }
        // Slope at 0 is 1.5 and stays so to the left; at 2 it is -1.5.
        assert!((all(&spline, -2.0)[1] + 3.0).abs() < 1e-14);
        assert!((all(&spline, 3.0)[1] + 1.5).abs() < 1e-14);
    }

    #[test]
    fn continuous_with_its_slope_across_knots() {
        let spline = NaturalSpline::new(vec![0.0, 1.0, 1.5, 4.0]);
        let f = |x: f64| all(&spline, x)[2];
        for knot in [0.0, 1.0, 1.5, 4.0] {
            let e = 1e-6;
            assert!((f(knot - e) - f(knot + e)).abs() < 1e-5);
            assert!(((f(knot) - f(knot - e)) - (f(knot + e) - f(knot))).abs() / e < 1e-4);
        }
    }
}
