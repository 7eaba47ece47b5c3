//! Folds inside a learner: where it chooses a penalty, a number of rounds or a mixture by what it has not seen.

use super::Design;
use crate::sample::Folds;

/// Cuts the table's units into `k` folds, fewer where there are fewer units; none where nothing could be held out.
pub(super) fn inner_folds(x: &Design, strata: &[usize], k: usize, seed: u64) -> Option<Folds> {
    let units = x.units();
    (2..=k)
        .rev()
        .find_map(|k| Folds::by_unit(&units, strata, k, seed).ok())
}
