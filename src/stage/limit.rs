//! Rates: how often a tenant's stages start and a package source is asked, in this process.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::domain::TenantId;

/// The limits of a worker. Zero means no limit.
pub struct Limits {
    tenants: Option<DefaultKeyedRateLimiter<TenantId>>,
    sources: Option<DefaultKeyedRateLimiter<String>>,
    clock: DefaultClock,
}

impl Limits {
    /// Limits of so many starts and downloads per second.
    pub fn new(tenant_per_second: u32, source_per_second: u32) -> Limits {
        let quota = |rate: u32| NonZeroU32::new(rate).map(Quota::per_second);
        Limits {
            tenants: quota(tenant_per_second).map(RateLimiter::keyed),
            sources: quota(source_per_second).map(RateLimiter::keyed),
            clock: DefaultClock::default(),
        }
    }

    /// Takes a tenant's turn, or says how long it has to wait for it.
    pub fn tenant(&self, tenant: TenantId) -> Result<(), Duration> {
        let Some(limiter) = &self.tenants else { return Ok(()) };
        limiter.check_key(&tenant).map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    /// Waits for the turn of a package source, or says how long that would take if it is longer than `patience`.
    pub async fn source(&self, source: &str, patience: Duration) -> Result<(), Duration> {
        let Some(limiter) = &self.sources else { return Ok(()) };
        let source = source.to_owned();
        let mut waited = Duration::ZERO;
        loop {
            let Err(not_until) = limiter.check_key(&source) else { return Ok(()) };
            let wait = not_until.wait_time_from(self.clock.now());
            if waited + wait > patience {
                return Err(wait);
            }
            waited += wait;
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tenant_takes_anothers_turns_and_zero_is_no_limit() {
        let limits = Limits::new(2, 0);
        assert!(limits.tenant(TenantId(1)).is_ok());
        assert!(limits.tenant(TenantId(1)).is_ok());
        assert!(limits.tenant(TenantId(1)).is_err());
        assert!(limits.tenant(TenantId(2)).is_ok());
        let open = Limits::new(0, 0);
        assert!((0..10_000).all(|_| open.tenant(TenantId(1)).is_ok()));
    }
}
