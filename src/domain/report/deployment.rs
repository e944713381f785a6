//! A deployment as it is listed, and what came of a wish to have an item on computers.

use serde::{Deserialize, Serialize};

use crate::domain::submission::Violation;
use crate::domain::{Decision, Deployment, Enforcement, Item, SessionId};

/// A deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentLine {
    /// Its name.
    pub name: String,
    /// What is deployed.
    pub item: Item,
    /// To which computers, in words.
    pub target: String,
    /// How it wants the item, in words.
    pub wants: String,
    /// In which sessions it takes part.
    pub enforcement: Enforcement,
    /// Of two that are equally narrow, the higher wins.
    pub priority: i32,
    /// True if it takes part only in sessions that name it.
    pub disabled: bool,
    /// True if it is proposed by others.
    pub recommended: bool,
    /// What was decided about it where it is recommended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// As a fleet file has it; only where one is shown alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

impl DeploymentLine {
    /// What is listed of a deployment.
    pub fn of(deployment: &Deployment) -> DeploymentLine {
        DeploymentLine {
            name: deployment.name.clone(),
            item: deployment.item.clone(),
            target: deployment.target.to_string(),
            wants: deployment.wants(),
            enforcement: deployment.enforcement,
            priority: deployment.priority,
            disabled: deployment.disabled,
            recommended: deployment.recommended,
            decision: deployment.decision.clone(),
            document: None,
        }
    }
}

/// What came of a wish to have an item on computers now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QuickDeploy {
    /// Each computer.
    pub computers: Vec<Deployed>,
    /// The deployments that were made for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub created: Vec<String>,
    /// Those that were made for an earlier wish, and are changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// What hindered some of the computers after the rest was done, each at its place in the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Violation>,
}

/// A computer, the deployment that counts there, and the session that brings it about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployed {
    /// The computer, as tenant/name.
    pub computer: String,
    /// The deployment that the session names.
    pub deployment: String,
    /// Its target, in words.
    pub target: String,
    /// How it wants the item, in words.
    pub wants: String,
    /// The session.
    pub session: SessionId,
    /// True if that one was there already.
    #[serde(default)]
    pub already: bool,
}
