//! One user's life as a machine that can be advanced to any instant: visits, profile scores, opportunities and what
//! comes of them, in the order of time.

use ceteris_contract::duration::Span;
use ceteris_contract::time::Timestamp;

use super::event::{Event, EventKind};
use super::features::{Features, History, Tier};
use super::structure::{Coupon, Intervention, Nuisances, Response, nuisances, respond};
use super::traits::Traits;
use super::truth::TrueEffects;
use super::{START, WINDOW};
use crate::random::Stream;

/// Opportunities begin this many days after the start, when the session views have filled.
const BURN_IN_DAYS: f64 = 28.0;
/// Early purchases end before the first opportunity.
const EARLY_DAYS: f64 = 26.0;
/// Opportunities of a user are at least this far apart: a window and a day.
pub(super) const SPACING: Span = Span::days(8);
const OPPORTUNITY_SHARE: f64 = 0.85;
const BACKGROUND_VIEW_SHARE: f64 = 0.6;

// Streams of a user.
const TRAITS: u64 = 1;
const VISITS: u64 = 2;
const PROFILE: u64 = 3;
const EARLY: u64 = 4;
const RESPONSE: u64 = 5;
const TIMING: u64 = 6;

// Visits fall on whole milliseconds, profiles one and purchases two microseconds beside them: no event of a user
// that moves a feature can tie with an opportunity.
const PROFILE_US: i64 = 1;
const PURCHASE_US: i64 = 2;

const SECOND_US: i64 = 1_000_000;

/// One decision opportunity with everything there is to know about it, seen and unseen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Opportunity {
    /// Whose; see [`super::user_id`].
    pub user: u32,
    /// Counts the user's opportunities from 0.
    pub number: u32,
    /// The instant of its `cart_viewed`.
    pub t: Timestamp,
    /// What the views yield at t.
    pub features: Features,
    /// What was given and what came of it. The purchase may lie beyond the world's end, where no event tells of it.
    pub response: Response,
    /// The true effects at t.
    pub effects: TrueEffects,
    /// The true nuisances at t.
    pub nuisances: Nuisances,
}

impl Opportunity {
    /// The end of the outcome window.
    pub fn window_end(&self) -> Timestamp {
        self.t.plus(WINDOW)
    }

    /// A possible response of the same unit at the same instant under an intervention. Draws of different
    /// `replicate` are independent of each other and of what happened; two interventions on the same replicate
    /// share their noises.
    pub fn imagine(&self, seed: u64, forced: Intervention, replicate: u64) -> Response {
        // What happened has replicate 0 of the stream.
        let mut stream = response_stream(seed, self.user, self.number, replicate.wrapping_add(1));
        respond(&self.features, forced, &mut stream)
    }
}

fn response_stream(seed: u64, user: u32, opportunity: u32, replicate: u64) -> Stream {
    Stream::keyed(&[seed, u64::from(user), RESPONSE, u64::from(opportunity), replicate])
}

/// Something that lies ahead.
#[derive(Clone, Copy, Debug)]
struct Planned {
    at: Timestamp,
    session: Option<u32>,
    step: Step,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Happen(EventKind),
    /// The cart is viewed `lead_s` seconds into a visit that would last `visit_s` without it.
    View {
        visit_s: u32,
        lead_s: u32,
    },
}

/// A user's life, alive until some instant.
#[derive(Clone, Debug)]
pub(super) struct Life {
    seed: u64,
    user: u32,
    traits: Traits,
    visits: Stream,
    profiles: Stream,
    history: History,
    /// What lies ahead, newest first.
    ahead: Vec<Planned>,
    next_visit: Timestamp,
    next_profile: Timestamp,
    last_opportunity: Option<Timestamp>,
    sessions: u32,
    opportunities: u32,
    events: u32,
}

impl Life {
    pub(super) fn new(seed: u64, user: u32) -> Self {
        let stream = |purpose: u64| Stream::keyed(&[seed, u64::from(user), purpose]);
        let traits = Traits::draw(&mut stream(TRAITS));
        let (mut visits, mut profiles, mut early) = (stream(VISITS), stream(PROFILE), stream(EARLY));
        let first_visit = days(visits.uniform() * traits.gap_days);
        let first_profile = days(profiles.uniform() / 24.0).0 + PROFILE_US;
        let mut life = Life {
            seed,
            user,
            traits,
            visits,
            profiles,
            history: History::default(),
            ahead: Vec::new(),
            next_visit: START.plus(first_visit),
            next_profile: START.plus(Span(first_profile)),
            last_opportunity: None,
            sessions: 0,
            opportunities: 0,
            events: 0,
        };
        for _ in 0..traits.early_purchases {
            let at = START.plus(Span(days(early.between(0.1, EARLY_DAYS)).0 + PURCHASE_US));
            let amount = traits.spend * early.between(0.5, 1.8);
            let amount_cents = (100.0 * amount) as u32;
            life.plan(at, None, EventKind::Purchase { amount_cents });
        }
        life
    }

    /// Instant of the last opportunity so far.
    pub(super) fn last_opportunity(&self) -> Option<Timestamp> {
        self.last_opportunity
    }

    /// What the views yield at `at`, which must not lie before what has already happened.
    pub(super) fn features(&self, at: Timestamp) -> Option<Features> {
        self.history.features(at)
    }

    /// Lives on up to (not including) `until`, appending what happens.
    pub(super) fn advance(
        &mut self,
        until: Timestamp,
        events: &mut Vec<Event>,
        opportunities: &mut Vec<Opportunity>,
    ) {
        loop {
            let planned = self.ahead.last().map_or(Timestamp::MAX, |p| p.at);
            let next = planned.min(self.next_visit).min(self.next_profile);
            if next >= until {
                return;
            }
            if next == self.next_profile {
                self.score(events);
            } else if next == planned {
                if let Some(planned) = self.ahead.pop() {
                    self.reach(planned, events, opportunities);
                }
            } else {
                self.visit();
            }
        }
    }

    fn reach(&mut self, planned: Planned, events: &mut Vec<Event>, opportunities: &mut Vec<Opportunity>) {
        match planned.step {
            Step::Happen(kind) => self.happen(planned.at, planned.session, kind, events),
            Step::View { visit_s, lead_s } => {
                self.happen(planned.at, planned.session, EventKind::CartViewed, events);
                // Opportunities begin weeks after the first profile, so there always are features.
                if let Some(features) = self.history.features(planned.at) {
                    let session = planned.session;
                    let met = self.meet(planned.at, session, features, visit_s, lead_s);
                    opportunities.push(met);
                }
            }
        }
    }

    fn happen(&mut self, at: Timestamp, session: Option<u32>, kind: EventKind, events: &mut Vec<Event>) {
        self.history.apply(at, kind);
        events.push(Event {
            user: self.user,
            number: self.events,
            at,
            session,
            kind,
        });
        self.events += 1;
    }

    fn plan(&mut self, at: Timestamp, session: Option<u32>, kind: EventKind) {
        self.plan_step(at, session, Step::Happen(kind));
    }

    fn plan_step(&mut self, at: Timestamp, session: Option<u32>, step: Step) {
        // Of equal instants, the one planned first comes first.
        let place = self.ahead.partition_point(|p| p.at > at);
        self.ahead.insert(place, Planned { at, session, step });
    }

    /// A new profile score from what is known now.
    fn score(&mut self, events: &mut Vec<Event>) {
        let at = self.next_profile;
        let spend = self.history.spend(at);
        let kind = EventKind::ProfileUpdated {
            tier: Tier::of_spend(spend),
            region: self.traits.region,
            sensitivity_milli: self.traits.sensitivity_milli(spend),
        };
        self.happen(at, None, kind, events);
        self.next_profile = at.plus(days(self.profiles.between(14.0, 28.0)));
    }

    /// A visit begins. It always takes five numbers from its stream, so that what it turns into moves no later one.
    fn visit(&mut self) {
        let start = self.next_visit;
        let visit_s = self.traits.visit_s(self.visits.uniform());
        let lead_s = self.visits.between(20.0, 60.0) as u32;
        let chosen = self.visits.uniform() < OPPORTUNITY_SHARE;
        let viewed = self.visits.uniform() < BACKGROUND_VIEW_SHARE;
        let gap = self.traits.gap_days * self.visits.between(0.6, 1.4);
        self.next_visit = start.plus(days(gap));
        let session = self.sessions;
        self.sessions += 1;

        let t = seconds_after(start, lead_s);
        let due = match self.last_opportunity {
            Some(last) => t >= last.plus(SPACING),
            None => start >= START.plus(days(BURN_IN_DAYS)),
        };
        if due && chosen {
            self.last_opportunity = Some(t);
            return self.plan_step(t, Some(session), Step::View { visit_s, lead_s });
        }
        if viewed {
            let dwell_s = visit_s / 2;
            self.plan(
                seconds_after(start, 5),
                Some(session),
                EventKind::PageView { dwell_s },
            );
        }
        let ended = EventKind::SessionEnded { duration_s: visit_s };
        self.plan(seconds_after(start, visit_s), Some(session), ended);
    }

    /// The opportunity at t: the structural equations, then the events that tell of them.
    fn meet(
        &mut self,
        t: Timestamp,
        session: Option<u32>,
        features: Features,
        visit_s: u32,
        lead_s: u32,
    ) -> Opportunity {
        let number = self.opportunities;
        self.opportunities += 1;
        let response = respond(
            &features,
            Intervention::NOTHING,
            &mut response_stream(self.seed, self.user, number, 0),
        );
        let mut timing = Stream::keyed(&[self.seed, u64::from(self.user), TIMING, u64::from(number)]);
        self.give(t, session, &response, &mut timing);
        self.act(t, session, &response, visit_s, lead_s, &mut timing);
        Opportunity {
            user: self.user,
            number,
            t,
            features,
            response,
            effects: TrueEffects::at(&features),
            nuisances: nuisances(&features),
        }
    }

    /// Treatments, within five seconds.
    fn give(&mut self, t: Timestamp, session: Option<u32>, response: &Response, timing: &mut Stream) {
        let mut soon = || t.plus(Span(timing.between(100.0, 5_000.0) as i64 * 1000));
        let (coupon_at, shipping_at, ad_at) = (soon(), soon(), soon());
        let discount_percent = match response.coupon {
            Coupon::None => 0,
            Coupon::Five => 5,
            Coupon::Ten => 10,
        };
        if discount_percent > 0 {
            self.plan(coupon_at, session, EventKind::CouponShown { discount_percent });
        }
        if response.free_shipping {
            self.plan(shipping_at, session, EventKind::FreeShippingOffered);
        }
        if response.ad {
            self.plan(ad_at, session, EventKind::AdShown);
        }
    }

    /// Browsing in two pages, the cart, the end of the visit, and perhaps a purchase.
    fn act(
        &mut self,
        t: Timestamp,
        session: Option<u32>,
        response: &Response,
        visit_s: u32,
        lead_s: u32,
        timing: &mut Stream,
    ) {
        let browsing_s = response.browsing_s;
        let first_s = (f64::from(browsing_s) * timing.between(0.3, 0.7)) as u32;
        for (after_s, dwell_s) in [(8, first_s), (9 + first_s, browsing_s - first_s)] {
            self.plan(
                seconds_after(t, after_s),
                session,
                EventKind::PageView { dwell_s },
            );
        }
        let value_cents = response.cart_cents;
        self.plan(
            seconds_after(t, 6),
            session,
            EventKind::CartUpdated { value_cents },
        );
        let duration_s = visit_s.max(lead_s + 10 + browsing_s);
        let ended_at = seconds_after(t, duration_s - lead_s);
        self.plan(ended_at, session, EventKind::SessionEnded { duration_s });
        let delay_ms = timing.between(3.6e6, WINDOW.0 as f64 / 1000.0 - 1000.0) as i64;
        if let Some(amount_cents) = response.purchase_cents {
            let at = t.plus(Span(delay_ms * 1000 + PURCHASE_US));
            self.plan(at, None, EventKind::Purchase { amount_cents });
        }
    }
}

/// A span of fractional days, cut to whole milliseconds.
fn days(days: f64) -> Span {
    Span((days * 86_400_000.0) as i64 * 1000)
}

fn seconds_after(at: Timestamp, seconds: u32) -> Timestamp {
    at.plus(Span(i64::from(seconds) * SECOND_US))
}
