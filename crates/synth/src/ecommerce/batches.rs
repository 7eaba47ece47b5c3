//! The world's events in the order of time, a span at a time: every life is advanced together, so that no more than
//! one span's events are held at once.

use ceteris_contract::duration::Span;
use ceteris_contract::time::Timestamp;

use super::event::Event;
use super::life::{Life, Opportunity};
use super::{START, World};

/// What happens in `start <= instant < end`.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// First instant.
    pub start: Timestamp,
    /// The instant after the last.
    pub end: Timestamp,
    /// Ordered by (instant, user, number).
    pub events: Vec<Event>,
    /// Ordered by (instant, user).
    pub opportunities: Vec<Opportunity>,
}

/// Iterator over the batches of a world.
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    world: &'a World,
    lives: Vec<Life>,
    span: Span,
    now: Timestamp,
}

impl<'a> Batches<'a> {
    pub(super) fn new(world: &'a World, span: Span) -> Self {
        let seed = world.config.seed;
        Batches {
            world,
            lives: (0..world.config.users)
                .map(|user| Life::new(seed, user))
                .collect(),
            // An empty span would never arrive.
            span: span.max(Span::minutes(1)),
            now: START,
        }
    }

    /// The world these are the batches of.
    pub fn world(&self) -> &'a World {
        self.world
    }
}

impl Iterator for Batches<'_> {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let start = self.now;
        if start >= self.world.end() {
            return None;
        }
        let end = start.plus(self.span).min(self.world.end());
        let (mut events, mut opportunities) = (Vec::new(), Vec::new());
        for life in &mut self.lives {
            life.advance(end, &mut events, &mut opportunities);
        }
        events.sort_unstable_by_key(|e| (e.at, e.user, e.number));
        opportunities.sort_unstable_by_key(|o| (o.t, o.user));
        self.now = end;
        Some(Batch {
            start,
            end,
            events,
            opportunities,
        })
    }
}
