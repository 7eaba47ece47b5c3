//! Proof by construction that an effect is not identifiable: two models of one graph with the same observed joint and
//! different effects. From a random model the search moves along a direction in which, to first order, the effect
//! changes and the joint does not, and then returns to the joint by Gauss-Newton steps.

use super::response::Coupling;
use super::{Small, mix};
use ceteris_graph::Graph;

/// A binary model given by the logits of its parameters: each bidirected edge is a latent parent of both ends that
/// takes so many values.
pub struct Family {
    small: Small,
    /// Where the parameters of each node begin; one for each state of its parents and latents.
    offsets: Vec<usize>,
    latents_of: Vec<Vec<usize>>,
    /// How many values each latent takes.
    kinds: usize,
    size: usize,
}

/// What the search for twins found.
pub struct Twins {
    /// The largest difference between the two observed joints.
    pub joint_apart: f64,
    /// The difference between the two effects.
    pub effect_apart: f64,
}

impl Family {
    pub fn of(graph: &Graph, kinds: usize) -> Self {
        let small = Small::of(graph);
        let latents_of: Vec<Vec<usize>> = (0..small.n)
            .map(|v| {
                let touches = |i: &usize| small.bidirected[*i].0 == v || small.bidirected[*i].1 == v;
                (0..small.bidirected.len()).filter(touches).collect()
            })
            .collect();
        let mut size = small.bidirected.len() * (kinds - 1);
        let mut offsets = Vec::new();
        for v in 0..small.n {
            offsets.push(size);
            size += (1 << small.parents[v].count_ones()) * kinds.pow(latents_of[v].len() as u32);
        }
        Self {
            small,
            offsets,
            latents_of,
            kinds,
            size,
        }
    }

    /// The probability of one value of a latent; the last value has no parameter.
    fn latent(&self, theta: &[f64], i: usize, value: usize) -> f64 {
        let own = &theta[i * (self.kinds - 1)..(i + 1) * (self.kinds - 1)];
        let total: f64 = 1.0 + own.iter().map(|t| t.exp()).sum::<f64>();
        own.get(value).map_or(1.0, |t| t.exp()) / total
    }

    /// The distribution over cells when the nodes of `set` are set to the bits of `values`.
    fn under(&self, theta: &[f64], set: u32, values: u32) -> Vec<f64> {
        let n = self.small.n;
        let chance: Vec<f64> = theta.iter().map(|t| 1.0 / (1.0 + (-t).exp())).collect();
        let mut table = vec![0.0; 1 << n];
        for hidden in 0..self.kinds.pow(self.small.bidirected.len() as u32) {
            let value = |i: usize| hidden / self.kinds.pow(i as u32) % self.kinds;
            let weight: f64 = (0..self.small.bidirected.len())
                .map(|i| self.latent(theta, i, value(i)))
                .product();
            for (cell, entry) in table.iter_mut().enumerate() {
                let cell = cell as u32;
                if (cell ^ values) & set != 0 {
                    continue;
                }
                let mut p = weight;
                for v in (0..n).filter(|v| set >> v & 1 == 0) {
                    let mut state = 0;
                    for parent in (0..n).filter(|u| self.small.parents[v] >> u & 1 == 1) {
                        state = state << 1 | (cell >> parent & 1) as usize;
                    }
                    for latent in &self.latents_of[v] {
                        state = state * self.kinds + value(*latent);
                    }
                    p *= pick(chance[self.offsets[v] + state], cell >> v & 1);
                }
                *entry += p;
            }
        }
        table
    }

    /// P(y | do(x), z) at the bits of `values`, as a function of the parameters.
    pub fn effect_of(&self, x: u32, y: u32, z: u32, values: u32) -> impl Fn(&[f64]) -> f64 + '_ {
        move |theta| self.effect(theta, x, y, z, values)
    }

    fn effect(&self, theta: &[f64], x: u32, y: u32, z: u32, values: u32) -> f64 {
        let table = self.under(theta, x, values);
        let total = |mask: u32| -> f64 {
            (0..table.len())
                .filter(|c| (*c as u32 ^ values) & mask == 0)
                .map(|c| table[c])
                .sum()
        };
        total(y | z) / total(z)
    }

    /// P(Y(a, M(r)) = 1) with answers that hang together by `coupling`, as a function of the parameters. Node 0 is the
    /// treatment.
    pub fn nested_of(
        &self,
        y: usize,
        m: u32,
        a: u32,
        r: u32,
        coupling: Coupling,
    ) -> impl Fn(&[f64]) -> f64 + '_ {
        move |theta| {
            let mut total = 0.0;
            for hidden in 0..self.kinds.pow(self.small.bidirected.len() as u32) {
                let latents =
                    (0..self.small.bidirected.len()).map(|i| self.latent(theta, i, self.value(hidden, i)));
                let weight: f64 = latents.product();
                let worlds = Worlds {
                    family: self,
                    theta,
                    y,
                    m,
                    coupling,
                    hidden,
                };
                total += weight * worlds.answer(1, [a, r]);
            }
            total
        }
    }

    /// The value of one latent among all.
    fn value(&self, hidden: usize, i: usize) -> usize {
        hidden / self.kinds.pow(i as u32) % self.kinds
    }

    /// The chance of 1 of a node whose parents stand as in `cell`.
    fn chance(&self, theta: &[f64], v: usize, cell: u32, hidden: usize) -> f64 {
        let mut state = 0;
        for parent in (0..self.small.n).filter(|u| self.small.parents[v] >> u & 1 == 1) {
            state = state << 1 | (cell >> parent & 1) as usize;
        }
        for latent in &self.latents_of[v] {
            state = state * self.kinds + self.value(hidden, *latent);
        }
        1.0 / (1.0 + (-theta[self.offsets[v] + state]).exp())
    }

    fn gradient(&self, theta: &[f64], of: &dyn Fn(&[f64]) -> Vec<f64>) -> Vec<Vec<f64>> {
        let step = 1e-5;
        let mut theta = theta.to_vec();
        (0..self.size)
            .map(|i| {
                let at = theta[i];
                theta[i] = at + step;
                let above = of(&theta);
                theta[i] = at - step;
                let below = of(&theta);
                theta[i] = at;
                above
                    .iter()
                    .zip(&below)
                    .map(|(a, b)| (a - b) / (2.0 * step))
                    .collect()
            })
            .collect()
    }

    /// The share of the effect's gradient that no change of the joint accounts for: zero, but for rounding, in every
    /// model just when the effect is a function of the joint.
    pub fn freedom(&self, target: &dyn Fn(&[f64]) -> f64, seed: u64) -> f64 {
        let theta = self.start(seed);
        let (free, all) = self.free_direction(&theta, target);
        norm(&free) / norm(&all).max(1e-12)
    }

    fn start(&self, seed: u64) -> Vec<f64> {
        (0..self.size as u64)
            .map(|i| 3.0 * ((mix(mix(seed) ^ i) >> 11) as f64 / (1u64 << 53) as f64) - 1.5)
            .collect()
    }

    /// The effect's gradient without its part in the span of the joint's, and the gradient itself.
    fn free_direction(&self, theta: &[f64], target: &dyn Fn(&[f64]) -> f64) -> (Vec<f64>, Vec<f64>) {
        let joint = self.gradient(theta, &|t| self.under(t, 0, 0));
        let effect = self.gradient(theta, &|t| vec![target(t)]);
        let all: Vec<f64> = effect.into_iter().map(|g| g[0]).collect();
        let mut free = all.clone();
        // Modified Gram-Schmidt over the joint's cells; twice, for accuracy.
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for cell in 0..1 << self.small.n {
            let mut column: Vec<f64> = joint.iter().map(|row| row[cell]).collect();
            let length = norm(&column);
            for _ in 0..2 {
                basis.iter().for_each(|unit| remove(&mut column, unit));
            }
            let left = norm(&column);
            if left > 1e-7 * length.max(1e-3) {
                column.iter_mut().for_each(|c| *c /= left);
                basis.push(column);
            }
        }
        for _ in 0..2 {
            basis.iter().for_each(|unit| remove(&mut free, unit));
        }
        (free, all)
    }

    /// Two models with one joint and effects apart, if the search finds them.
    pub fn twins(&self, target: &dyn Fn(&[f64]) -> f64, seed: u64) -> Option<Twins> {
        let start = self.start(seed);
        let joint = self.under(&start, 0, 0);
        let (free, all) = self.free_direction(&start, target);
        let length = norm(&free);
        if length < 1e-5 * norm(&all) || length < 1e-7 {
            return None;
        }
        let mut best: Option<Twins> = None;
        for stride in [1.0, -1.0, 0.3, -0.3] {
            let moved: Vec<f64> = start
                .iter()
                .zip(&free)
                .map(|(t, d)| t + stride * d / length)
                .collect();
            let Some(twin) = self.returned(moved, &joint) else {
                continue;
            };
            let now = self.under(&twin, 0, 0);
            let found = Twins {
                joint_apart: now
                    .iter()
                    .zip(&joint)
                    .map(|(a, b)| (a - b).abs())
                    .fold(0.0, f64::max),
                effect_apart: (target(&twin) - target(&start)).abs(),
            };
            if best.as_ref().is_none_or(|b| b.effect_apart < found.effect_apart) {
                best = Some(found);
            }
        }
        best
    }

    /// Steps of least length back to a joint.
    fn returned(&self, mut theta: Vec<f64>, joint: &[f64]) -> Option<Vec<f64>> {
        for _ in 0..40 {
            let off: Vec<f64> = self
                .under(&theta, 0, 0)
                .iter()
                .zip(joint)
                .map(|(a, b)| a - b)
                .collect();
            if off.iter().all(|o| o.abs() < 1e-14) {
                return Some(theta);
            }
            let rows = self.gradient(&theta, &|t| self.under(t, 0, 0));
            let cells = joint.len();
            let mut gram = vec![vec![0.0; cells + 1]; cells];
            for (i, line) in gram.iter_mut().enumerate() {
                for j in 0..cells {
                    line[j] = rows.iter().map(|row| row[i] * row[j]).sum();
                }
                line[cells] = off[i];
            }
            let ridge = 1e-10 * (0..cells).map(|i| gram[i][i]).fold(0.0, f64::max);
            (0..cells).for_each(|i| gram[i][i] += ridge);
            let weights = solved(gram);
            for (t, row) in theta.iter_mut().zip(&rows) {
                *t -= row.iter().zip(&weights).map(|(r, w)| r * w).sum::<f64>();
            }
            if theta.iter().any(|t| !t.is_finite() || t.abs() > 30.0) {
                return None;
            }
        }
        let off = self
            .under(&theta, 0, 0)
            .iter()
            .zip(joint)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        (off < 1e-12).then_some(theta)
    }
}

/// Two worlds with the same latent values.
struct Worlds<'a> {
    family: &'a Family,
    theta: &'a [f64],
    y: usize,
    m: u32,
    coupling: Coupling,
    hidden: usize,
}

impl Worlds<'_> {
    /// The mean of node `y` in the first world, given the cells of the nodes before `v`.
    fn answer(&self, v: usize, cells: [u32; 2]) -> f64 {
        let small = &self.family.small;
        if v == small.n {
            return f64::from(cells[0] >> self.y & 1);
        }
        let go = |values: [u32; 2], p: f64| {
            let next = [cells[0] | values[0] << v, cells[1] | values[1] << v];
            p * self.answer(v + 1, next)
        };
        let [p, q] = cells.map(|cell| self.family.chance(self.theta, v, cell, self.hidden));
        let same = (cells[0] ^ cells[1]) & small.parents[v] == 0;
        (0..2)
            .map(|first| match (self.m >> v & 1 == 1, same) {
                (true, _) => go([first, first], pick(q, first)),
                (_, true) => go([first, first], pick(p, first)),
                _ => (0..2)
                    .map(|second| go([first, second], self.coupling.joint(p, q, first, second)))
                    .sum(),
            })
            .sum()
    }
}

fn pick(p: f64, value: u32) -> f64 {
    if value == 1 { p } else { 1.0 - p }
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn remove(from: &mut [f64], unit: &[f64]) {
    let along: f64 = from.iter().zip(unit).map(|(a, b)| a * b).sum();
    from.iter_mut().zip(unit).for_each(|(a, b)| *a -= along * b);
}

/// Gauss-Jordan with row pivots; the last column is the right-hand side.
fn solved(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let n = rows.len();
    for i in 0..n {
        let pivot = (i..n)
            .max_by(|a, b| rows[*a][i].abs().total_cmp(&rows[*b][i].abs()))
            .unwrap();
        rows.swap(i, pivot);
        let line = rows[i].clone();
        for (j, row) in rows.iter_mut().enumerate() {
            if j != i {
                let scale = row[i] / line[i];
                row.iter_mut().zip(&line).for_each(|(r, l)| *r -= scale * l);
            }
        }
    }
    (0..n).map(|i| rows[i][n] / rows[i][i]).collect()
}
