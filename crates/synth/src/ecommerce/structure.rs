//! The structural equations of one opportunity: who is given what, what they do then, and with which probability they
//! buy. Pure functions of the features, the latent intent and a random stream.

use serde::{Deserialize, Serialize};

use super::arm::Arm;
use super::coefficients::{AD_BROWSING_S, BUY_PER_BROWSING_S, coefficients};
use super::features::{Features, Region};
use crate::random::Stream;

/// Sessions are between these lengths, in seconds, so the average is too.
pub(super) const DURATION_S: (f64, f64) = (60.0, 900.0);
/// Visits are at least 2.1 days apart, so that a window of 30 to 31 days holds at most this many.
pub(super) const FREQUENCY_MAX: f64 = 15.0;

const INTENT_ON_PURCHASE: f64 = 0.06;
const INTENT_ON_AD: f64 = 1.2;
const BROWSING_NOISE_S: f64 = 40.0;
const CART_NOISE: f64 = 12.0;
const AMOUNT_NOISE: f64 = 4.0;

/// Coupons of an opportunity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Coupon {
    /// No coupon.
    None,
    /// 5 per cent.
    Five,
    /// 10 per cent.
    Ten,
}

impl Coupon {
    /// All of them, in the order of [`Nuisances::coupon`].
    pub const ALL: [Coupon; 3] = [Coupon::None, Coupon::Five, Coupon::Ten];

    /// The arm this is; none for no coupon.
    pub fn arm(self) -> Option<Arm> {
        match self {
            Coupon::None => None,
            Coupon::Five => Some(Arm::Coupon5),
            Coupon::Ten => Some(Arm::Coupon10),
        }
    }
}

/// What is forced at an opportunity; what is `None` goes as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Intervention {
    /// Which coupon.
    pub coupon: Option<Coupon>,
    /// Whether shipping is free.
    pub free_shipping: Option<bool>,
    /// Whether an ad is shown.
    pub ad: Option<bool>,
}

impl Intervention {
    /// Everything as usual.
    pub const NOTHING: Intervention = Intervention {
        coupon: None,
        free_shipping: None,
        ad: None,
    };

    /// do(this arm): the other treatments as usual.
    pub fn give(arm: Arm) -> Self {
        let mut intervention = Intervention::NOTHING;
        match arm {
            Arm::Coupon5 => intervention.coupon = Some(Coupon::Five),
            Arm::Coupon10 => intervention.coupon = Some(Coupon::Ten),
            Arm::FreeShipping => intervention.free_shipping = Some(true),
            Arm::Ad => intervention.ad = Some(true),
        }
        intervention
    }

    /// do(control of this arm's treatment): the other treatments as usual.
    pub fn withhold(arm: Arm) -> Self {
        let mut intervention = Intervention::NOTHING;
        match arm {
            Arm::Coupon5 | Arm::Coupon10 => intervention.coupon = Some(Coupon::None),
            Arm::FreeShipping => intervention.free_shipping = Some(false),
            Arm::Ad => intervention.ad = Some(false),
        }
        intervention
    }
}

/// The true nuisances at x: what an estimator would have to learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nuisances {
    /// P(no coupon | x), P(5 % | x), P(10 % | x), in the order of [`Coupon::ALL`].
    pub coupon: [f64; 3],
    /// P(free shipping | x).
    pub free_shipping: f64,
    /// P(ad | x), the latent intent averaged out.
    pub ad: f64,
    /// P(purchase | x, no coupon, no free shipping), intent, ads and browsing averaged out.
    pub purchase_untreated: f64,
}

/// What came of one opportunity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The coupon shown.
    pub coupon: Coupon,
    /// Whether free shipping was offered.
    pub free_shipping: bool,
    /// Whether an ad was shown.
    pub ad: bool,
    /// Time on pages in the day after, in seconds.
    pub browsing_s: u32,
    /// Value put into the cart, in cents.
    pub cart_cents: u32,
    /// Amount of the purchase in (t, t + 7d], in cents; none without one.
    pub purchase_cents: Option<u32>,
}

/// Draws one opportunity's response under an intervention. Each noise has its place in the stream, whatever is forced,
/// so that two interventions on one stream are two possible worlds of one unit.
pub(super) fn respond(x: &Features, forced: Intervention, stream: &mut Stream) -> Response {
    let intent = stream.between(-1.0, 1.0);
    let coupon_draw = stream.uniform();
    let shipping_draw = stream.uniform();
    let ad_draw = stream.uniform();
    let browsing_noise = stream.between(-BROWSING_NOISE_S, BROWSING_NOISE_S);
    let browsing_rounding = stream.uniform();
    let cart_noise = stream.between(-CART_NOISE, CART_NOISE);
    let cart_rounding = stream.uniform();
    let amount_noise = stream.between(-AMOUNT_NOISE, AMOUNT_NOISE);
    let amount_rounding = stream.uniform();
    let purchase_draw = stream.uniform();

    let usual = coupon_probabilities(x);
    let coupon = forced.coupon.unwrap_or(match coupon_draw {
        u if u < usual[0] => Coupon::None,
        u if u < usual[0] + usual[1] => Coupon::Five,
        _ => Coupon::Ten,
    });
    let free_shipping = forced
        .free_shipping
        .unwrap_or(shipping_draw < free_shipping_probability(x));
    let ad = forced
        .ad
        .unwrap_or(ad_draw < logistic(ad_logit(x) + INTENT_ON_AD * intent));
    let browsing = browsing_mean_s(x, f64::from(u8::from(ad))) + browsing_noise;
    let browsing_s = fair_round(browsing, browsing_rounding);
    let cart_cents = fair_round(100.0 * (cart_mean(x, coupon) + cart_noise), cart_rounding);

    let mut probability =
        baseline(x) + INTENT_ON_PURCHASE * intent + BUY_PER_BROWSING_S * f64::from(browsing_s);
    if let Some(arm) = coupon.arm() {
        probability += coefficients(arm).at(x);
    }
    if free_shipping {
        probability += coefficients(Arm::FreeShipping).at(x);
    }
    debug_assert!(
        probability > 0.0 && probability < 1.0,
        "P(purchase) = {probability} at {x:?}"
    );
    let amount = amount_mean(x, f64::from(cart_cents) / 100.0) + amount_noise;
    Response {
        coupon,
        free_shipping,
        ad,
        browsing_s,
        cart_cents,
        purchase_cents: (purchase_draw < probability).then(|| fair_round(100.0 * amount, amount_rounding)),
    }
}

/// The true nuisances at x.
pub(super) fn nuisances(x: &Features) -> Nuisances {
    let ad = ad_probability(x);
    Nuisances {
        coupon: coupon_probabilities(x),
        free_shipping: free_shipping_probability(x),
        ad,
        purchase_untreated: baseline(x) + BUY_PER_BROWSING_S * browsing_mean_s(x, ad),
    }
}

/// P(purchase) without treatments, before intent and browsing: curved in price sensitivity with a dip at .6,
/// saturating in engagement, with a product of the two.
fn baseline(x: &Features) -> f64 {
    let s = x.price_sensitivity;
    let duration = (x.avg_session_duration - DURATION_S.0) / (DURATION_S.1 - DURATION_S.0);
    0.14 + 0.36 * (1.0 - s) * (1.0 - s) - 0.10 * bump(s)
        + 0.12 * (1.0 - libm::exp(-duration * 4.5))
        + 0.06 * x.session_frequency / (x.session_frequency + 4.0)
        + 0.10 * (s - 0.5) * (duration - 0.5)
}

/// P(none), P(5 %), P(10 %): a softmax that rises and bends in price sensitivity and shifts by region.
pub(super) fn coupon_probabilities(x: &Features) -> [f64; 3] {
    let s = x.price_sensitivity;
    let shift = match x.location {
        Region::North => -0.5,
        Region::East => -0.25,
        Region::Centre => 0.0,
        Region::South => 0.25,
        Region::West => 0.5,
    };
    let five = libm::exp(-1.4 + 1.0 * s + 0.8 * bump(s) + 0.8 * shift);
    let ten = libm::exp(-2.2 + 2.4 * s + 1.2 * bump(s) + shift);
    let all = 1.0 + five + ten;
    [1.0 / all, five / all, ten / all]
}

fn free_shipping_probability(x: &Features) -> f64 {
    let s = x.price_sensitivity;
    logistic(-1.5 + 2.2 * s * s)
}

fn ad_logit(x: &Features) -> f64 {
    -1.4 + 3.2 * engagement(x)
}

/// P(ad | x) = E over intent uniform on (-1, 1) of logistic(a + k intent)
/// = (softplus(a + k) - softplus(a - k)) / 2k.
fn ad_probability(x: &Features) -> f64 {
    let softplus = |z: f64| libm::log1p(libm::exp(z));
    let a = ad_logit(x);
    (softplus(a + INTENT_ON_AD) - softplus(a - INTENT_ON_AD)) / (2.0 * INTENT_ON_AD)
}

/// Mean browsing in seconds at this (probability of an) ad.
fn browsing_mean_s(x: &Features, ad: f64) -> f64 {
    60.0 + 110.0 * engagement(x) + AD_BROWSING_S * ad
}

/// Engagement as one number in [0, 1].
fn engagement(x: &Features) -> f64 {
    let duration = (x.avg_session_duration - DURATION_S.0) / (DURATION_S.1 - DURATION_S.0);
    0.5 * duration + 0.5 * x.session_frequency / FREQUENCY_MAX
}

/// Mean value of the cart.
fn cart_mean(x: &Features, coupon: Coupon) -> f64 {
    let s = x.price_sensitivity;
    let usual = 32.0 + 36.0 * (1.0 - s);
    match coupon {
        Coupon::None => usual,
        Coupon::Five => usual + 4.0,
        Coupon::Ten => usual + 7.0 + 4.0 * s,
    }
}

/// Mean amount of a purchase with this cart.
fn amount_mean(x: &Features, cart: f64) -> f64 {
    6.0 + 0.6 * cart + 0.02 * x.historical_spend
}

/// Mean amount of a purchase under this coupon.
pub(super) fn amount_if_bought(x: &Features, coupon: Coupon) -> f64 {
    amount_mean(x, cart_mean(x, coupon))
}

/// Those who compare prices: 1 at .6, width .18. They buy less, and marketing courts them.
fn bump(s: f64) -> f64 {
    let z = (s - 0.6) / 0.18;
    libm::exp(-0.5 * z * z)
}

fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-z))
}

/// Rounds to a whole number whose expectation over a uniform `draw` is the value itself.
fn fair_round(value: f64, draw: f64) -> u32 {
    (value + draw).max(0.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecommerce::features::Tier;

    fn grid() -> impl Iterator<Item = Features> {
        let steps =
            |n: usize, low: f64, high: f64| (0..=n).map(move |i| low + (high - low) * i as f64 / n as f64);
        steps(50, 0.0, 1.0).flat_map(move |s| {
            steps(20, DURATION_S.0, DURATION_S.1).flat_map(move |duration| {
                steps(15, 0.0, FREQUENCY_MAX).flat_map(move |frequency| {
                    [0.0, 2_000.0].into_iter().map(move |spend| Features {
                        avg_session_duration: duration,
                        session_frequency: frequency,
                        days_since_last_purchase: 3.0,
                        historical_spend: spend,
                        user_tier: Tier::Bronze,
                        location: Region::Centre,
                        price_sensitivity: s,
                    })
                })
            })
        })
    }

    #[test]
    fn every_purchase_probability_lies_inside_the_unit_interval_at_the_extremes_of_every_noise() {
        let (mut lowest, mut highest) = (1.0f64, 0.0f64);
        for x in grid() {
            let browse = |ad: f64, noise: f64| {
                BUY_PER_BROWSING_S * (browsing_mean_s(&x, ad) + noise * BROWSING_NOISE_S)
            };
            let shipping = coefficients(Arm::FreeShipping).at(&x);
            let low = baseline(&x) - INTENT_ON_PURCHASE + browse(0.0, -1.0);
            let high = baseline(&x) + INTENT_ON_PURCHASE + browse(1.0, 1.0);
            for coupon in Coupon::ALL {
                let tau = coupon.arm().map_or(0.0, |arm| coefficients(arm).at(&x));
                lowest = lowest.min(low + tau.min(0.0) + shipping.min(0.0));
                highest = highest.max(high + tau.max(0.0) + shipping.max(0.0));
            }
        }
        assert!(lowest > 0.005, "{lowest}");
        assert!(highest < 0.995, "{highest}");
    }

    #[test]
    fn every_arm_has_decent_support_everywhere() {
        for mut x in grid() {
            for region in Region::ALL {
                x.location = region;
                let truth = nuisances(&x);
                for p in truth.coupon.into_iter().chain([truth.free_shipping, truth.ad]) {
                    assert!((0.05..=0.86).contains(&p), "{p} at {x:?}");
                }
                assert!((truth.coupon.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn the_ads_probability_is_the_average_over_intent() {
        let x = grid().nth(1234).unwrap();
        let n = 20_000;
        let mean: f64 = (0..n)
            .map(|i| {
                let intent = -1.0 + 2.0 * (i as f64 + 0.5) / n as f64;
                logistic(ad_logit(&x) + INTENT_ON_AD * intent)
            })
            .sum::<f64>()
            / n as f64;
        assert!((mean - ad_probability(&x)).abs() < 1e-8);
    }

    #[test]
    fn fair_rounding_keeps_the_mean() {
        let n = 1000;
        let mean: f64 = (0..n)
            .map(|i| f64::from(fair_round(7.25, (f64::from(i) + 0.5) / f64::from(n))))
            .sum::<f64>()
            / f64::from(n);
        assert!((mean - 7.25).abs() < 1e-9);
    }
}
