//! Estimands as LaTeX and in plain words.

use super::estimand::{Estimand, base};

impl Estimand {
    /// The estimand in LaTeX.
    ///
    /// ```
    /// use ceteris_graph::{Graph, identify::{Query, identify}};
    /// let graph = Graph::parse("dag { X -> Y ; Z -> X ; Z -> Y }")?;
    /// let estimand = identify(&graph, &Query::new("X", "Y"))?.estimand.unwrap();
    /// assert_eq!(estimand.latex(), r"\sum_{Z} P(Y \mid X, Z)\, P(Z)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn latex(&self) -> String {
        match self {
            Self::P { of, given } if given.is_empty() => format!("P({})", symbols(of)),
            Self::P { of, given } => format!(r"P({} \mid {})", symbols(of), symbols(given)),
            Self::Ratio { num, den } => format!(r"\frac{{{}}}{{{}}}", num.latex(), den.latex()),
            Self::Sum { over, body } => format!(r"\sum_{{{}}} {}", symbols(over), body.latex()),
            Self::Product(factors) if factors.is_empty() => "1".to_owned(),
            Self::Product(factors) => {
                // A sum reaches to the end of its line, so one that is not last stands in brackets.
                let last = factors.len() - 1;
                let part = |(i, factor): (usize, &Self)| match factor {
                    Self::Sum { .. } if i < last => format!(r"\left[{}\right]", factor.latex()),
                    _ => factor.latex(),
                };
                factors
                    .iter()
                    .enumerate()
                    .map(part)
                    .collect::<Vec<_>>()
                    .join(r"\, ")
            }
        }
    }

    /// The estimand in plain words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::P { of, given } if given.is_empty() => format!("the probability of {}", listed(of)),
            Self::P { of, given } => format!("the probability of {} given {}", listed(of), listed(given)),
            Self::Ratio { num, den } => format!("({}) divided by ({})", num.words(), den.words()),
            Self::Sum { over, body } => format!("the sum over {} of ({})", listed(over), body.words()),
            Self::Product(factors) if factors.is_empty() => "one".to_owned(),
            Self::Product(factors) => factors
                .iter()
                .map(Self::words)
                .collect::<Vec<_>>()
                .join(", times "),
        }
    }
}

fn symbols(names: &[String]) -> String {
    names
        .iter()
        .map(|name| symbol(name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A name in LaTeX: a letter stays a letter, `W1` takes an index, longer names are set upright.
pub(crate) fn symbol(name: &str) -> String {
    let plain = base(name);
    let primes = &name[plain.len()..];
    let mut chars = plain.chars();
    let (first, rest) = (chars.next(), chars.as_str());
    let letter = first.is_some_and(|c| c.is_ascii_alphabetic());
    if letter && rest.is_empty() {
        return name.to_owned();
    }
    if letter && rest.chars().all(|c| c.is_ascii_digit()) {
        return format!("{}_{{{rest}}}{primes}", first.unwrap_or_default());
    }
    let mut escaped = String::new();
    for c in plain.chars() {
        match c {
            '_' | '%' | '&' | '#' | '$' | '{' | '}' => escaped.extend(['\\', c]),
            '\\' => escaped.push_str(r"\backslash "),
            '^' => escaped.push_str(r"\hat{}"),
            '~' => escaped.push_str(r"\sim "),
            c => escaped.push(c),
        }
    }
    format!(r"\mathrm{{{escaped}}}{primes}")
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// P(outcomes | do(treatments), given) in LaTeX.
pub(crate) fn query_latex(treatments: &[String], outcomes: &[String], given: &[String]) -> String {
    let given = if given.is_empty() {
        String::new()
    } else {
        format!(", {}", symbols(given))
    };
    format!(
        r"P({} \mid \mathrm{{do}}({}){given})",
        symbols(outcomes),
        symbols(treatments)
    )
}

/// P(outcomes | do(treatments), given) as text.
pub(crate) fn query_text(treatments: &[String], outcomes: &[String], given: &[String]) -> String {
    let given = if given.is_empty() {
        String::new()
    } else {
        format!(", {}", given.join(", "))
    };
    format!(
        "P({} | do({}){given})",
        outcomes.join(", "),
        treatments.join(", ")
    )
}
