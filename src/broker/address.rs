//! Where the broker is: one URI, or several hosts of a cluster taken in turn.
//!
//! `amqp://user:password@one:5672,two:5672/vhost` and a comma-separated list of whole URIs both work. `amqps` verifies the
//! broker against the machine's trust store; `SSL_CERT_FILE` names another one.

use std::fmt;

use lapin::uri::AMQPUri;

use super::Error;

/// Seconds between signs of life. The library gives a silent connection up after twice this.
const HEARTBEAT: u16 = 6;

/// The hosts of a broker, in the order they are tried.
#[derive(Clone)]
pub(super) struct Addresses(Vec<AMQPUri>);

impl Addresses {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let addresses = whole_uris(text.trim())?
            .iter()
            .map(|uri| {
                let mut uri: AMQPUri = uri.parse().map_err(|why: String| Error::Address { why: hide(&why, uri) })?;
                uri.query.heartbeat.get_or_insert(HEARTBEAT);
                Ok(uri)
            })
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(Addresses(addresses))
    }

    /// The address for connection attempt number `attempt`: each in turn.
    pub(super) fn of_attempt(&self, attempt: usize) -> AMQPUri {
        self.0.get(attempt % self.0.len().max(1)).cloned().unwrap_or_default()
    }
}

/// Hosts without user and password, for logs.
impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.0.iter().map(host).collect();
        f.write_str(&hosts.join(", "))
    }
}

/// `host:port`, for logs.
pub(super) fn host(uri: &AMQPUri) -> String {
    format!("{}:{}", uri.authority.host, uri.authority.port)
}

/// Every host as a whole URI of its own.
fn whole_uris(text: &str) -> Result<Vec<String>, Error> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(Error::Address { why: "it has no scheme".into() });
    };
    if rest.contains("://") {
        return Ok(text.split(',').map(|uri| uri.trim().to_owned()).collect());
    }
    let (authority, path) = match rest.find(['/', '?']) {
        Some(end) => rest.split_at(end),
        None => (rest, ""),
    };
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (format!("{login}@"), hosts),
        None => (String::new(), authority),
    };
    Ok(hosts.split(',').map(|host| format!("{scheme}://{login}{}{path}", host.trim())).collect())
}

fn hide(why: &str, uri: &str) -> String {
    why.replace(uri, "(address)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_a_list_share_login_and_vhost_and_are_taken_in_turn() {
        let addresses = Addresses::parse("amqp://crew:s%2Cx@one:5672,two:5673/fleet").unwrap();
        assert_eq!(addresses.to_string(), "one:5672, two:5673");
        let (first, second, third) = (addresses.of_attempt(0), addresses.of_attempt(1), addresses.of_attempt(2));
        assert_eq!((first.authority.port, second.authority.port, third.authority.port), (5672, 5673, 5672));
        assert_eq!((second.vhost.as_str(), second.authority.userinfo.password.as_str()), ("fleet", "s,x"));
        assert_eq!(second.query.heartbeat, Some(HEARTBEAT));
    }

    #[test]
    fn whole_uris_may_be_listed_too() {
        let addresses = Addresses::parse("amqp://a:b@one/v, amqps://c:d@two/v?heartbeat=9").unwrap();
        assert_eq!(addresses.to_string(), "one:5672, two:5671");
        assert_eq!(addresses.of_attempt(1).query.heartbeat, Some(9));
    }

    #[test]
    fn what_is_no_address_is_refused_without_telling_the_password() {
        for wrong in ["localhost", "http://a:secret@b/", "amqp://a:secret@b:port/"] {
            let error = Addresses::parse(wrong).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains("not usable") && !error.contains("secret"), "{wrong}: {error}");
        }
    }
}
