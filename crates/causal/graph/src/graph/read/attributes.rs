//! What node and edge attributes mean, the same in every text form: latency, role, clock, measurement, direction.

use crate::graph::{Clock, FaultKind, Node, Role};

/// One `key` or `key=value` of an attribute list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    pub(super) key: String,
    pub(super) value: Option<String>,
}

impl Attribute {
    /// A flag is on when it stands alone or says so; `None` when its value is no flag.
    fn on(&self) -> Option<bool> {
        match self.value.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("yes" | "true" | "1") => Some(true),
            Some("no" | "false" | "0") => Some(false),
            Some(_) => None,
        }
    }
}

/// Writes an attribute list onto a node. What only concerns drawing is passed over.
pub(super) fn apply(node: &mut Node, attributes: &[Attribute]) -> Result<(), FaultKind> {
    for attribute in attributes {
        let value = attribute.value.as_deref();
        let flag = || {
            attribute.on().ok_or_else(|| {
                FaultKind::Syntax(format!(
                    "{} of node {} must be yes or no",
                    attribute.key, node.name
                ))
            })
        };
        match (attribute.key.to_ascii_lowercase().as_str(), value) {
            ("latent" | "unobserved" | "hidden" | "u", None) => node.latent = true,
            ("latent" | "unobserved" | "hidden", _) => node.latent = flag()?,
            ("observed", _) => node.latent = !flag()?,
            ("exposure" | "e", None) => node.role = Some(Role::Treatment),
            ("outcome" | "o", None) => node.role = Some(Role::Outcome),
            ("selected" | "s", None) => node.selected = true,
            ("selected", _) => node.selected = flag()?,
            ("role", Some(role)) => set_role(node, role)?,
            ("clock", Some(clock)) => node.clock = Some(parse_clock(&node.name, clock)?),
            ("description", Some(text)) => node.description = text.to_owned(),
            ("label", Some(text)) if node.description.is_empty() => node.description = text.to_owned(),
            ("measured_by", Some(columns)) => {
                node.measured_by = columns
                    .split(',')
                    .map(|c| c.trim().to_owned())
                    .filter(|c| !c.is_empty())
                    .collect();
            }
            _ => {}
        }
    }
    Ok(())
}

/// Sets a role by name; `latent` and `unobserved` as roles make the node latent.
pub(super) fn set_role(node: &mut Node, role: &str) -> Result<(), FaultKind> {
    match role {
        "latent" | "unobserved" => node.latent = true,
        _ => {
            let parsed = Role::parse(role);
            let unknown = || FaultKind::Syntax(format!("node {} has unknown role {role:?}", node.name));
            node.role = Some(parsed.ok_or_else(unknown)?);
        }
    }
    Ok(())
}

/// A clock by name.
pub(super) fn parse_clock(node: &str, clock: &str) -> Result<Clock, FaultKind> {
    Clock::parse(clock).ok_or_else(|| {
        FaultKind::Syntax(format!(
            "node {node} has unknown clock {clock:?}; use before, mediator or outcome"
        ))
    })
}
