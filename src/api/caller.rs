//! Who calls: the holder of a bearer token, what it may do, and which tenant it sees.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::problem::Problem;
use super::router::Api;
use crate::domain::session::Session;
use crate::domain::{ComputerId, Role, SessionId, TenantId};
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
            .ok_or_else(|| Problem::not_found(format!("session {id}")))
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
            [] => Err(Problem::not_found(format!("computer \"{word}\""))),
            [one] => Ok(one.id),
            several => {
                let names: Vec<String> = several.iter().map(|line| format!("{}/{}", line.tenant, line.name)).collect();
                Err(Problem::conflict(format!("\"{word}\" may be any of {}; write one of them.", names.join(", "))))
            }
        }
    }

    /// The tenant of this name, if it may see it.
    pub(super) async fn tenant_named(&self, name: &str) -> Result<TenantId, Problem> {
        let tenant = self.api.store.tenant_id(name).await?;
        tenant
            .filter(|tenant| self.holder.tenant.is_none_or(|own| own == *tenant))
            .ok_or_else(|| Problem::not_found(format!("tenant \"{name}\"")))
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
