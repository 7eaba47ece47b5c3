//! Graphical criteria, each of which licenses one kind of formula or one use of a set of nodes: adjustment, selection,
//! front doors, instruments, conditioning sets and implied independences, with the separators that they search.

pub(super) mod adjustment;
pub(super) mod adjustment_sets;
pub(super) mod backdoor;
mod cheapest;
pub(super) mod conditioning;
pub(super) mod front_door;
pub(super) mod implications;
pub(super) mod instrument;
pub(super) mod optimal;
pub(super) mod selection;
pub(super) mod separators;
