//! Who must approve a role: the chain as a catalogue writes it.
//!
//! Rule: all steps of a chain are needed, of each step any one approver. Pure; calls nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Somebody who may approve, seen from the person who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Approver {
    /// The manager of the person who is to get the role.
    Manager,
    /// The owner of the application.
    Owner,
}

/// One step of an approval chain: any one of these may take it. Written `manager` or `manager | owner`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApprovalStep(Vec<Approver>);

impl ApprovalStep {
    /// The step that the owner of the application takes.
    pub fn by_owner() -> Self {
        Self(vec![Approver::Owner])
    }

    /// Those of whom one must approve; never empty.
    pub fn any_of(&self) -> &[Approver] {
        &self.0
    }
}

impl fmt::Display for ApprovalStep {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self
            .0
            .iter()
            .map(|approver| match approver {
                Approver::Manager => "manager",
                Approver::Owner => "owner",
            })
            .collect();
        out.write_str(&names.join(" | "))
    }
}

impl From<ApprovalStep> for String {
    fn from(step: ApprovalStep) -> Self {
        step.to_string()
    }
}

impl TryFrom<String> for ApprovalStep {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let approver = |name: &str| match name.trim() {
            "manager" => Ok(Approver::Manager),
            "owner" => Ok(Approver::Owner),
            _ => Err(format!(
                "\"{text}\" names no approver: write \"manager\", \"owner\" or \"manager | owner\""
            )),
        };
        text.split('|').map(approver).collect::<Result<_, _>>().map(Self)
    }
}
