//! Who calls: the holder of a bearer token, what it may do, and which tenant it sees.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::problem::Problem;
use super::router::Api;
use crate::domain::session::Session;
use crate::domain::suggest::{did_you_mean, instead};
use crate::domain::{ComputerId, Deployment, Item, Policy, Role, SessionId, TenantId};
use crate::store::audit::Audit;
use crate::store::submissions::Submitter;
use crate::store::tokens::Holder;
use crate::telemetry::http::current_traceparent;

/// The longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 256;

/// Who calls.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    holder: Holder,
    api: Api,
}

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Caller, Problem> {
        let unknown = || {
            let detail = "A valid token is needed: Authorization: Bearer …; `pitcrew token` mints one.";
            Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
        };
        let token = bearer(&parts.headers).ok_or_else(unknown)?;
        let holder = api.store.token_holder(token).await?.ok_or_else(unknown)?;
        Ok(Caller { holder, api: api.clone() })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= LONGEST_TOKEN).then_some(token)
}

impl Caller {
    /// What the audit and sessions call it.
    pub(super) fn name(&self) -> &str {
        &self.holder.name
    }

    /// The only tenant it sees.
    pub(super) fn tenant(&self) -> Option<TenantId> {
        self.holder.tenant
    }

    /// Refuses who may not do what a `role` may.
    pub(super) fn must_be(&self, role: Role) -> Result<(), Problem> {
        if self.holder.role >= role {
            return Ok(());
        }
        let detail = format!("The token \"{}\" is a {}'s; this takes an {role}'s.", self.name(), self.holder.role);
        Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
    }

    /// Refuses who sees one tenant only, where something belongs to none.
    pub(super) fn must_see_all(&self) -> Result<(), Problem> {
        if self.holder.tenant.is_none() {
            return Ok(());
        }
        let detail = format!("The token \"{}\" is for one tenant only; this concerns all of them.", self.name());
        Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
    }

    /// A session that it may see.
    pub(super) async fn session(&self, id: SessionId) -> Result<Session, Problem> {
        let session = self.api.store.session(id).await?;
        session
            .filter(|session| self.holder.tenant.is_none_or(|tenant| tenant == session.tenant))
            .ok_or_else(|| Problem::unknown(format!("session {id}"), " `pitcrew session list` lists those there are."))
    }

    /// The one computer that a word names, of those it may see.
    pub(super) async fn computer(&self, word: &str) -> Result<ComputerId, Problem> {
        let mut found = self.api.store.computers_named(word, self.holder.tenant).await?;
        if found.len() > 1 {
            // A name counts before an id that looks like it.
            let names = found.iter().filter(|line| line.name == word).count();
            if names == 1 {
                found.retain(|line| line.name == word);
            }
        }
        match found.as_slice() {
            [] => Err(self.no_computer(word).await?),
            [one] => Ok(one.id),
            several => {
                let names: Vec<String> = several.iter().map(|line| format!("{}/{}", line.tenant, line.name)).collect();
                Err(Problem::conflict(format!("\"{word}\" may be any of {}; write one of them.", names.join(", "))))
            }
        }
    }

    /// That a word names no computer it may see, with those that it may have meant.
    async fn no_computer(&self, word: &str) -> Result<Problem, Problem> {
        let (tenant, name) = word.split_once('/').map_or((None, word), |(tenant, name)| (Some(tenant), name));
        let mut known = self.api.store.computer_names(name, self.holder.tenant).await?;
        // Who writes a tenant means a computer of that one, if there is such a tenant.
        if known.iter().any(|known| Some(known.tenant.as_str()) == tenant) {
            known.retain(|known| Some(known.tenant.as_str()) == tenant);
        }
        let words: Vec<String> = match tenant {
            Some(_) => known.iter().map(ToString::to_string).collect(),
            None => known.into_iter().map(|known| known.name).collect(),
        };
        let help = instead(word, words.iter().map(String::as_str));
        let help = format!("{help} `pitcrew computer list` lists all.");
        Ok(Problem::unknown(format!("computer \"{word}\""), &help))
    }

    /// That there is no such thing, with what may have been meant.
    pub(super) fn unknown<'a>(&self, kind: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Problem {
        Problem::unknown(format!("{kind} \"{name}\""), &self.help(name, known))
    }

    /// What may have been meant. Who sees one tenant only is not told all that others have.
    fn help<'a>(&self, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
        if self.holder.tenant.is_none() { instead(name, known) } else { did_you_mean(name, known) }
    }

    /// The tenant of this name, if it may see it.
    pub(super) async fn tenant_named(&self, name: &str) -> Result<TenantId, Problem> {
        let known = self.api.store.tenant_names(self.holder.tenant).await?;
        match known.iter().find(|(_, known)| known == name) {
            Some((id, _)) => Ok(*id),
            None => Err(self.unknown("tenant", name, known.iter().map(|(_, known)| known.as_str()))),
        }
    }

    /// Refuses the name of an item that there is not.
    pub(super) fn item(&self, text: &str, policy: &Policy) -> Result<Item, Problem> {
        let item = Item::from_str(text).map_err(|error| Problem::bad_request(format!("{error}.")))?;
        if policy.has(&item) {
            return Ok(item);
        }
        let known: Vec<String> = policy.items().map(|item| item.to_string()).collect();
        Err(Problem::unknown(item, &self.help(text, known.iter().map(String::as_str))))
    }

    /// Refuses the name of a deployment that there is not.
    pub(super) fn deployment<'p>(&self, name: &str, policy: &'p Policy) -> Result<&'p Arc<Deployment>, Problem> {
        let known = policy.deployments().iter().map(|deployment| deployment.name.as_str());
        policy.deployment(name).ok_or_else(|| self.unknown("deployment", name, known))
    }

    /// It, as the one who submits.
    pub(super) fn submitter(&self) -> Submitter {
        Submitter {
            name: self.holder.name.clone(),
            origin: "api",
            tenants: self.holder.tenant.map(|tenant| vec![tenant]),
            traceparent: current_traceparent(),
        }
    }

    /// Writes down what it is about to do.
    pub(super) async fn audit(&self, action: &'static str, scope: Value, reason: &str) -> Result<(), Problem> {
        let audit = Audit { actor: self.holder.name.clone(), action, scope, reason: reason.to_owned() };
        Ok(self.api.store.audit(&audit).await?)
    }
}
