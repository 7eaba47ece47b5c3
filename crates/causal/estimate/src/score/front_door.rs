//! The front door's score: an average effect read off the mediators through which it runs.

use super::{Observed, Scores};

/// What the front door's score reads of one row, cross-fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrontDoorRow {
    /// `mu[a] = E[y | d = a, mediators, x]` at the row's own mediators.
    pub mu: [f64; 2],
    /// `xi[a][b] = E[mu_a | d = b, x]`: the regression of arm a over the mediators of arm b.
    pub xi: [[f64; 2]; 2],
    /// `P(d = 1 | x)`, strictly between 0 and 1.
    pub m: f64,
    /// `P(d = 1 | mediators, x)`, strictly between 0 and 1.
    pub q: f64,
}

/// The average effect of a binary `d` on `y` where all of it runs through mediators that share no unmeasured cause with
/// either: `psi_b = phi_1 - phi_0`, with
///
/// `phi_b = (y - mu_d) f(mediators | b, x)/f(mediators | d, x)
///        + 1{d = b}/P(b | x) sum_a P(a | x) (mu_a - xi_ab) + xi_db`.
///
/// The ratio of densities is `(P(b | mediators, x)/P(b | x)) / (P(d | mediators, x)/P(d | x))` by Bayes' rule, so
/// mediators may be several and continuous and no density is estimated.
///
/// Source: Fulcher, Shpitser, Marealle and Tchetgen Tchetgen (2020), *Robust inference on population indirect causal
/// effects: the generalized front door criterion*, theorem 1.
pub fn front_door(observed: Observed<'_>, rows: &[FrontDoorRow]) -> Scores {
    let Observed { y, d } = observed;
    let psi_b = (0..y.len()).map(|i| {
        let arm = usize::from(d[i] == 1.0);
        rows[i].mean(y[i], arm, 1) - rows[i].mean(y[i], arm, 0)
    });
    Scores::mean_of(psi_b.collect())
}

impl FrontDoorRow {
    /// `phi_b` of a row that had `arm`.
    fn mean(&self, y: f64, arm: usize, b: usize) -> f64 {
        let p = [1.0 - self.m, self.m];
        let q = [1.0 - self.q, self.q];
        let ratio = (q[b] / p[b]) / (q[arm] / p[arm]);
        let mut phi = (y - self.mu[arm]) * ratio + self.xi[arm][b];
        if arm == b {
            let gap: f64 = (0..2).map(|a| p[a] * (self.mu[a] - self.xi[a][b])).sum();
            phi += gap / p[b];
        }
        phi
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A binary world: d confounded with y by a coin u, a mediator that hears d only. With the true nuisances the mean
    /// score over its whole distribution is the true effect.
    #[test]
    fn true_nuisances_give_the_true_effect_exactly() {
        let p_u = 0.4;
        let p_d = |u: usize| [0.3, 0.8][u];
        let p_m = |d: usize| [0.25, 0.6][d];
        let mean_y = |m: usize, u: usize| 1.0 + 2.0 * m as f64 + 3.0 * u as f64 + 1.5 * (m * u) as f64;
        let bern = |p: f64, v: usize| if v == 1 { p } else { 1.0 - p };
        // P(u, d, m) and what follows from it.
        let joint = |u, d, m| bern(p_u, u) * bern(p_d(u), d) * bern(p_m(d), m);
        let p_arm = |d: usize| (0..2).map(|u| bern(p_u, u) * bern(p_d(u), d)).sum::<f64>();
        let mu = |d: usize, m: usize| {
            let total: f64 = (0..2).map(|u| joint(u, d, m)).sum();
            (0..2).map(|u| joint(u, d, m) * mean_y(m, u)).sum::<f64>() / total
        };
        let xi = |a: usize, b: usize| (0..2).map(|m| bern(p_m(b), m) * mu(a, m)).sum::<f64>();
        let q = |m: usize| {
            let at = |d: usize| (0..2).map(|u| joint(u, d, m)).sum::<f64>();
            at(1) / (at(0) + at(1))
        };
        let mut mean = 0.0;
        for (u, d, m) in (0..8).map(|i| (i & 1, i >> 1 & 1, i >> 2)) {
            let row = FrontDoorRow {
                mu: [mu(0, m), mu(1, m)],
                xi: [[xi(0, 0), xi(0, 1)], [xi(1, 0), xi(1, 1)]],
                m: p_arm(1),
                q: q(m),
            };
            let observed = Observed {
                y: &[mean_y(m, u)],
                d: &[d as f64],
            };
            let s = front_door(observed, &[row]);
            mean += joint(u, d, m) * s.psi_b[0];
        }
        let under = |d: usize| -> f64 {
            let cells = (0..4).map(|i| (i & 1, i >> 1));
            cells
                .map(|(u, m)| bern(p_u, u) * bern(p_m(d), m) * mean_y(m, u))
                .sum()
        };
        assert!((mean - (under(1) - under(0))).abs() < 1e-12);
    }
}
