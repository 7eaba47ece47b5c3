//! Distribution functions and quantiles: normal, Student's t, chi-square, and the binomial band of a simulation.
//!
//! Functions outside their domain answer NaN, as the mathematics does.

use libm::{erfc, exp, lgamma, log, log1p};

/// P(Z ≤ z) for a standard normal Z, through the complementary error function.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * erfc(-z / std::f64::consts::SQRT_2)
}

/// The standard normal quantile: Acklam's rational approximation and two Newton–Halley steps, to about 1e-15.
pub fn normal_quantile(p: f64) -> f64 {
    if p.is_nan() || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p == 0.0 || p == 1.0 {
        return if p == 0.0 {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        };
    }
    if p > 0.5 {
        // The lower tail keeps its relative precision.
        return -normal_quantile(1.0 - p);
    }
    let mut z = acklam(p);
    for _ in 0..2 {
        let density = exp(-0.5 * z * z) / (2.0 * std::f64::consts::PI).sqrt();
        let u = (normal_cdf(z) - p) / density;
        z -= u / (1.0 + 0.5 * z * u);
    }
    z
}

/// Acklam's approximation for p ≤ 1/2, relative error below 1.15e-9.
fn acklam(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.38357751867269e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const B: [f64; 5] = [
        -5.447609879822406e1,
        1.615858368580409e2,
        -1.556989798598866e2,
        6.680131188771972e1,
        -1.328068155288572e1,
    ];
    const C: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 4] = [
        7.784695709041462e-3,
        3.224671290700398e-1,
        2.445134137142996,
        3.754408661907416,
    ];
    let poly = |c: &[f64], x: f64| c.iter().fold(0.0, |sum, c| sum * x + c);
    if p < 0.02425 {
        let q = (-2.0 * log(p)).sqrt();
        poly(&C, q) / (poly(&D, q) * q + 1.0)
    } else {
        let q = p - 0.5;
        let r = q * q;
        poly(&A, r) * q / (poly(&B, r) * r + 1.0)
    }
}

/// P(T ≤ t) for Student's t with `df` degrees of freedom.
pub fn student_t_cdf(t: f64, df: f64) -> f64 {
    let tail = 0.5 * beta_regularised(0.5 * df, 0.5, df / (df + t * t));
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// The quantile of Student's t with `df` degrees of freedom.
pub fn student_t_quantile(p: f64, df: f64) -> f64 {
    if p > 0.5 {
        return -student_t_quantile(1.0 - p, df);
    }
    if p.is_nan() || p <= 0.0 || df.is_nan() || df <= 0.0 {
        return if p == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    }
    let mut low = -1.0;
    while student_t_cdf(low, df) > p && low > -1e300 {
        low *= 2.0;
    }
    bisect(low, 0.0, |t| student_t_cdf(t, df) - p)
}

/// P(X ≤ x) for a chi-square X with `df` degrees of freedom.
pub fn chi_square_cdf(x: f64, df: f64) -> f64 {
    if x <= 0.0 {
        0.0
    } else {
        gamma_regularised(0.5 * df, 0.5 * x)
    }
}

/// The chi-square quantile with `df` degrees of freedom.
pub fn chi_square_quantile(p: f64, df: f64) -> f64 {
    if p.is_nan() || !(0.0..1.0).contains(&p) || df.is_nan() || df <= 0.0 {
        return if p == 1.0 { f64::INFINITY } else { f64::NAN };
    }
    let mut high = df.max(1.0);
    while chi_square_cdf(high, df) < p {
        high *= 2.0;
    }
    bisect(0.0, high, |x| chi_square_cdf(x, df) - p)
}

/// The central band of a binomial share: the smallest and largest `k/trials` such that fewer successes than the one,
/// or more than the other, have probability at most `(1 - level)/2` each when each trial succeeds with `p`.
///
/// A coverage simulation passes when its share lies in the band.
pub fn binomial_band(trials: u64, p: f64, level: f64) -> [f64; 2] {
    let tail = 0.5 * (1.0 - level);
    let n = trials as f64;
    let (mut below, mut low, mut high) = (0.0, None, trials);
    for k in 0..=trials {
        let k_f = k as f64;
        let choose = lgamma(n + 1.0) - lgamma(k_f + 1.0) - lgamma(n - k_f + 1.0);
        below += exp(choose + times_log(k_f, p) + times_log(n - k_f, 1.0 - p));
        if low.is_none() && below > tail {
            low = Some(k);
        }
        if 1.0 - below <= tail {
            high = k;
            break;
        }
    }
    [low.unwrap_or(trials) as f64 / n, high as f64 / n]
}

/// `k log p`, zero when `k` is.
fn times_log(k: f64, p: f64) -> f64 {
    if k == 0.0 { 0.0 } else { k * log(p) }
}

/// Root of an increasing function by bisection down to neighbouring floats.
fn bisect(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..2000 {
        let mid = 0.5 * (low + high);
        if mid <= low || mid >= high {
            break;
        }
        if f(mid) < 0.0 { low = mid } else { high = mid }
    }
    0.5 * (low + high)
}

/// Lower regularised incomplete gamma function P(a, x): its series, or its continued fraction (Numerical Recipes 6.2).
fn gamma_regularised(a: f64, x: f64) -> f64 {
    let front = exp(a * log(x) - x - lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        while term > sum * 1e-17 {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return front * sum;
    }
    let mut b = x + 1.0 - a;
    let mut c = 1e300;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..100_000 {
        let i = f64::from(i);
        let an = -i * (i - a);
        b += 2.0;
        d = 1.0 / nonzero(an * d + b);
        c = nonzero(b + an / c);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    1.0 - front * h
}

/// Regularised incomplete beta function I_x(a, b) by Lentz's continued fraction (Numerical Recipes 6.4).
fn beta_regularised(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_regularised(b, a, 1.0 - x);
    }
    let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a;
    let (mut c, mut d) = (1.0, 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0)));
    let mut h = d;
    for m in 1..100_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / nonzero(1.0 + even * d);
        c = nonzero(1.0 + even / c);
        h *= d * c;
        d = 1.0 / nonzero(1.0 + odd * d);
        c = nonzero(1.0 + odd / c);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    front * h
}

fn nonzero(v: f64) -> f64 {
    if v.abs() < 1e-300 { 1e-300 } else { v }
}

/// The central interval at `level` of a chi-square with `df` degrees of freedom: where the sum of independent Wald
/// statistics should lie, `df` being the sum of theirs.
pub fn chi_square_band(df: usize, level: f64) -> [f64; 2] {
    let tail = 0.5 * (1.0 - level);
    [tail, 1.0 - tail].map(|p| chi_square_quantile(p, df as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64, relative: f64) {
        assert!((a - b).abs() <= relative * b.abs(), "{a} is not {b}");
    }

    #[test]
    fn normal_against_tables() {
        near(normal_quantile(0.975), 1.959963984540054, 1e-14);
        near(normal_quantile(0.995), 2.5758293035489004, 1e-14);
        near(normal_quantile(1e-10), -6.361340902404056, 1e-13);
        near(normal_cdf(-1.959963984540054), 0.025, 1e-13);
        assert_eq!(normal_quantile(0.5), 0.0);
        assert!(normal_quantile(1.5).is_nan());
    }

    #[test]
    fn student_against_tables() {
        near(student_t_quantile(0.975, 1.0), 12.706204736174698, 1e-10);
        near(student_t_quantile(0.975, 10.0), 2.2281388519649385, 1e-10);
        near(student_t_quantile(0.95, 30.0), 1.6972608865939574, 1e-10);
        near(student_t_cdf(2.0, 2.0), 0.5 + 2.0 / (2.0 * 6.0f64.sqrt()), 1e-12);
    }

    #[test]
    fn chi_square_against_tables() {
        near(chi_square_cdf(2.0, 2.0), 1.0 - (-1.0f64).exp(), 1e-13);
        near(chi_square_quantile(0.95, 1.0), 3.841458820694124, 1e-11);
        near(chi_square_quantile(0.995, 100.0), 140.16948944231365, 1e-10);
        near(chi_square_quantile(0.005, 5.0), 0.41174190383249976, 1e-10);
    }

    #[test]
    fn binomial_band_by_hand() {
        // Ten fair coins: P(X = 0) = 1/1024, P(X <= 1) = 11/1024 = .0107, P(X <= 2) = 56/1024 = .0547.
        assert_eq!(binomial_band(10, 0.5, 0.95), [0.2, 0.8]);
        assert_eq!(binomial_band(10, 0.5, 0.99), [0.1, 0.9]);
        assert_eq!(binomial_band(4, 1.0, 0.95), [1.0, 1.0]);
    }
}
