//! What happens in the world, in a compact form, and the same as the product event that a service would send.

use ceteris_contract::event::UserEvent;
use ceteris_contract::time::Timestamp;
use serde_json::{Map, Value as Json};

use super::features::{Region, Tier};

/// One event. Amounts are whole cents and whole seconds, so that sums are exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Whose it is; see [`super::user_id`].
    pub user: u32,
    /// Counts the user's events in the order of time, from 0.
    pub number: u32,
    /// When it happened.
    pub at: Timestamp,
    /// The user's visit it belongs to, counted from 0.
    pub session: Option<u32>,
    /// What happened.
    pub kind: EventKind,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EventKind {
    /// `session_ended`.
    SessionEnded {
        /// Length in seconds.
        duration_s: u32,
    },
    /// `page_view`.
    PageView {
        /// Time on the page in seconds.
        dwell_s: u32,
    },
    /// `cart_viewed`, the decision opportunity.
    CartViewed,
    /// `cart_updated`.
    CartUpdated {
        /// Value put into the cart, in cents.
        value_cents: u32,
    },
    /// `coupon_shown`.
    CouponShown {
        /// 5 or 10.
        discount_percent: u32,
    },
    /// `ad_shown`.
    AdShown,
    /// `free_shipping_offered`.
    FreeShippingOffered,
    /// `purchase`.
    Purchase {
        /// In cents.
        amount_cents: u32,
    },
    /// `profile_updated`.
    ProfileUpdated {
        /// Loyalty tier.
        tier: Tier,
        /// Where the user lives.
        region: Region,
        /// Score in thousandths, 0 to 1000.
        sensitivity_milli: u32,
    },
}

impl EventKind {
    /// The event type as products send it.
    pub fn name(self) -> &'static str {
        match self {
            EventKind::SessionEnded { .. } => "session_ended",
            EventKind::PageView { .. } => "page_view",
            EventKind::CartViewed => "cart_viewed",
            EventKind::CartUpdated { .. } => "cart_updated",
            EventKind::CouponShown { .. } => "coupon_shown",
            EventKind::AdShown => "ad_shown",
            EventKind::FreeShippingOffered => "free_shipping_offered",
            EventKind::Purchase { .. } => "purchase",
            EventKind::ProfileUpdated { .. } => "profile_updated",
        }
    }

    fn properties(self) -> Map<String, Json> {
        let mut map = Map::new();
        let mut put = |name: &str, value: Json| {
            map.insert(name.to_owned(), value);
        };
        match self {
            EventKind::SessionEnded { duration_s } => put("duration_s", duration_s.into()),
            EventKind::PageView { dwell_s } => put("dwell_s", dwell_s.into()),
            EventKind::CartUpdated { value_cents } => put("value", units(value_cents).into()),
            EventKind::CouponShown { discount_percent } => put("discount_percent", discount_percent.into()),
            EventKind::Purchase { amount_cents } => put("amount", units(amount_cents).into()),
            EventKind::ProfileUpdated {
                tier,
                region,
                sensitivity_milli,
            } => {
                put("tier", tier.name().into());
                put("region", region.name().into());
                put("price_sensitivity", milli(sensitivity_milli).into());
            }
            EventKind::CartViewed | EventKind::AdShown | EventKind::FreeShippingOffered => {}
        }
        map
    }
}

impl Event {
    /// `e-<user>-<number>`.
    pub fn event_id(&self) -> String {
        format!("e-{:06}-{}", self.user, self.number)
    }

    /// As a product would send it.
    pub fn user_event(&self) -> UserEvent {
        UserEvent {
            event_id: self.event_id(),
            user_id: super::user_id(self.user),
            event_type: self.kind.name().to_owned(),
            timestamp: self.at,
            session_id: self.session.map(|n| format!("s-{:06}-{n}", self.user)),
            properties: self.kind.properties(),
            extra: Map::new(),
        }
    }

    /// The JSON payload of [`Event::user_event`].
    pub fn payload(&self) -> Vec<u8> {
        // Plain data with string keys and finite numbers always serialises.
        serde_json::to_vec(&self.user_event()).expect("plain data serialises")
    }
}

/// Cents as currency.
pub(super) fn units(cents: u32) -> f64 {
    f64::from(cents) / 100.0
}

/// Thousandths as a number.
pub(super) fn milli(thousandths: u32) -> f64 {
    f64::from(thousandths) / 1000.0
}
