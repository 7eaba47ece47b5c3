//! Named processes of the literature: one row a unit (or a cluster), and the true effect beside the data.
//!
//! A draw depends on (process, seed, row) only, so that the first rows of a larger sample are those of a smaller one.

mod front_door;
mod instrument;
mod interactive;
mod local_average;
mod partially_linear;
mod three_arms;
mod treated;
mod wager_athey;

use crate::random::Stream;

/// Clusters of each of two ways.
const WAYS: u64 = 200;

/// A process by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Process {
    /// Partially linear, continuous treatment, bent nuisances (Chernozhukov et al. 2018, DoubleML's `plr_CCDDHNR2018`).
    Plr,
    /// Binary treatment, linear index for propensity and outcome (Belloni et al. 2017, DoubleML's `irm_data`).
    Irm,
    /// An instrument for a treatment that shares a hidden cause with the outcome (Chernozhukov, Hansen, Spindler 2015,
    /// DoubleML's `pliv_CHS2015` with one instrument).
    Pliv,
    /// No effect, confounded (Wager and Athey 2018, equation 27).
    Aw1,
    /// An effect that rises in two steep steps, randomised (equation 28).
    Aw2,
    /// An effect that rises along two gentle ones, randomised (equation 29).
    Aw3,
    /// Partially linear, rows in clusters of four that share shocks to treatment and outcome.
    Clusters,
    /// The same in clusters of twenty: few of them.
    FewClusters,
    /// Binary treatment with propensities near 0 and 1.
    WeakOverlap,
    /// Partially linear, outcome errors of Student's t with 2.5 degrees of freedom: no third moment.
    HeavyTails,
    /// A binary instrument that some follow and others do not; its truth is the average effect on those who do.
    Iivm,
    /// Treatment and outcome share a hidden cause, and all of the effect runs through a mediator that does not.
    FrontDoor,
    /// Binary treatment, an effect that rises with the propensity; its truth is the average effect on the treated.
    Treated,
    /// Control and two arms; its truth is the average effect of the last arm against control.
    ThreeArms,
    /// Partially linear, every row in a cluster of each of two ways, which share shocks to treatment and outcome.
    TwoWays,
    /// An outcome that rises with the square of a continuous treatment; its truth is the effect of dose 1 against 0.
    Dose,
}

/// A sample with its truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Draw {
    /// Covariates, one vector a column.
    pub x: Vec<Vec<f64>>,
    /// Treatment; the number of the arm where there are several.
    pub d: Vec<f64>,
    /// Outcome.
    pub y: Vec<f64>,
    /// Instrument, where the process has one.
    pub z: Option<Vec<f64>>,
    /// Mediator, where the process has one.
    pub mediator: Option<Vec<f64>>,
    /// The unit of each row.
    pub unit: Vec<u64>,
    /// The cluster of each row in a second way, where the process has one.
    pub second: Option<Vec<u64>>,
    /// True effect of each row.
    pub tau: Vec<f64>,
    /// True probability of treatment, where it is binary.
    pub propensity: Option<Vec<f64>>,
    /// Probability given the covariates that a row is one of those whose average effect is the truth.
    pub averaged: Vec<f64>,
}

/// One row of a draw.
pub(crate) struct Row {
    pub(crate) x: Vec<f64>,
    pub(crate) d: f64,
    pub(crate) y: f64,
    pub(crate) z: Option<f64>,
    pub(crate) mediator: Option<f64>,
    pub(crate) unit: u64,
    pub(crate) second: Option<u64>,
    pub(crate) tau: f64,
    pub(crate) propensity: Option<f64>,
    pub(crate) averaged: f64,
}

impl Row {
    /// A row with nothing but what every process has, averaged over with all others.
    fn of(unit: u64, x: Vec<f64>, d: f64, y: f64, tau: f64) -> Row {
        Row {
            x,
            d,
            y,
            z: None,
            mediator: None,
            unit,
            second: None,
            tau,
            propensity: None,
            averaged: 1.0,
        }
    }
}

impl Process {
    /// All of them.
    pub const ALL: [Process; 16] = [
        Process::Plr,
        Process::Irm,
        Process::Pliv,
        Process::Aw1,
        Process::Aw2,
        Process::Aw3,
        Process::Clusters,
        Process::FewClusters,
        Process::WeakOverlap,
        Process::HeavyTails,
        Process::Iivm,
        Process::FrontDoor,
        Process::Treated,
        Process::ThreeArms,
        Process::TwoWays,
        Process::Dose,
    ];

    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Process::Plr => "plr",
            Process::Irm => "irm",
            Process::Pliv => "pliv",
            Process::Aw1 => "aw1",
            Process::Aw2 => "aw2",
            Process::Aw3 => "aw3",
            Process::Clusters => "clusters",
            Process::FewClusters => "few_clusters",
            Process::WeakOverlap => "weak_overlap",
            Process::HeavyTails => "heavy_tails",
            Process::Iivm => "iivm",
            Process::FrontDoor => "front_door",
            Process::Treated => "treated",
            Process::ThreeArms => "three_arms",
            Process::TwoWays => "two_ways",
            Process::Dose => "dose",
        }
    }

    /// The average effect in the population, or in the part of it that the process names.
    pub fn truth(self) -> f64 {
        match self {
            Process::Aw1 => 0.0,
            Process::Aw2 => wager_athey::steep_mean().powi(2),
            Process::Aw3 => wager_athey::gentle_mean().powi(2),
            Process::Pliv => instrument::THETA,
            Process::Iivm => local_average::truth(),
            Process::FrontDoor => front_door::THETA,
            Process::Treated => treated::truth(),
            Process::ThreeArms => three_arms::THETA,
            Process::Irm | Process::WeakOverlap => interactive::THETA,
            Process::Dose => partially_linear::of_dose(1.0) - partially_linear::of_dose(0.0),
            Process::Plr
            | Process::Clusters
            | Process::FewClusters
            | Process::HeavyTails
            | Process::TwoWays => partially_linear::THETA,
        }
    }

    /// Draws `n` rows with `p` covariates, at least three.
    pub fn draw(self, n: usize, p: usize, seed: u64) -> Draw {
        let p = p.max(3);
        let mut draw = Draw {
            x: vec![Vec::with_capacity(n); p],
            d: Vec::with_capacity(n),
            y: Vec::with_capacity(n),
            z: None,
            mediator: None,
            unit: Vec::with_capacity(n),
            second: None,
            tau: Vec::with_capacity(n),
            propensity: None,
            averaged: Vec::with_capacity(n),
        };
        for i in 0..n as u64 {
            let mut stream = Stream::keyed(&[self as u64, seed, i]);
            draw.push(match self {
                Process::Plr | Process::HeavyTails => {
                    partially_linear::row(&mut stream, p, i, self == Process::HeavyTails)
                }
                Process::Clusters | Process::FewClusters => {
                    let size = if self == Process::Clusters { 4 } else { 20 };
                    let mut shared = Stream::keyed(&[self as u64, seed, i / size, 1]);
                    partially_linear::clustered(&mut stream, &mut shared, p, i / size)
                }
                Process::TwoWays => {
                    // Each pair of clusters shares at most one row of the first forty thousand.
                    let ways = [i % WAYS, (i + i / WAYS) % WAYS];
                    let mut shared = [1, 2].map(|way| {
                        let cluster = ways[way as usize - 1];
                        Stream::keyed(&[self as u64, seed, cluster, way])
                    });
                    partially_linear::in_two_ways(&mut stream, &mut shared, p, ways)
                }
                Process::Dose => partially_linear::dosed(&mut stream, p, i),
                Process::Irm | Process::WeakOverlap => {
                    interactive::row(&mut stream, p, i, self == Process::WeakOverlap)
                }
                Process::Pliv => instrument::row(&mut stream, p, i),
                Process::Iivm => local_average::row(&mut stream, p, i),
                Process::FrontDoor => front_door::row(&mut stream, p, i),
                Process::Treated => treated::row(&mut stream, p, i),
                Process::ThreeArms => three_arms::row(&mut stream, p, i),
                Process::Aw1 | Process::Aw2 | Process::Aw3 => wager_athey::row(self, &mut stream, p, i),
            });
        }
        draw
    }
}

impl Draw {
    fn push(&mut self, row: Row) {
        self.x
            .iter_mut()
            .zip(row.x)
            .for_each(|(column, v)| column.push(v));
        self.d.push(row.d);
        self.y.push(row.y);
        self.unit.push(row.unit);
        self.tau.push(row.tau);
        self.averaged.push(row.averaged);
        if let Some(mediator) = row.mediator {
            self.mediator.get_or_insert_default().push(mediator);
        }
        if let Some(second) = row.second {
            self.second.get_or_insert_default().push(second);
        }
        if let Some(z) = row.z {
            self.z.get_or_insert_default().push(z);
        }
        if let Some(p) = row.propensity {
            self.propensity.get_or_insert_default().push(p);
        }
    }
}

/// Normal covariates with correlation `rho^|j - k|`.
fn toeplitz(stream: &mut Stream, p: usize, rho: f64) -> Vec<f64> {
    let left = libm::sqrt(1.0 - rho * rho);
    let mut x = Vec::with_capacity(p);
    let mut last = stream.normal();
    x.push(last);
    for _ in 1..p {
        last = rho * last + left * stream.normal();
        x.push(last);
    }
    x
}

fn logistic(v: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-v))
}
