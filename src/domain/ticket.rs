//! The right to fetch one stored file for a while: what an address carries for a computer, which has no other right.

use jiff::Timestamp;
use ring::hmac;

use super::hex;
use super::script::Sha256Hash;

/// The right to fetch one stored file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Until when, in seconds since 1970.
    pub until: i64,
    /// HMAC-SHA256 of the file's name and the end, with the installation's key.
    seal: [u8; 32],
}

impl Ticket {
    /// Signs one.
    pub fn sign(key: &[u8], file: &Sha256Hash, until: Timestamp) -> Ticket {
        let until = until.as_second();
        let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), said(file, until).as_bytes());
        let mut seal = [0; 32];
        seal.copy_from_slice(signed.as_ref());
        Ticket { until, seal }
    }

    /// Reads one; none if the seal cannot be one.
    pub fn read(until: i64, seal: &str) -> Option<Ticket> {
        Some(Ticket { until, seal: hex::decode(seal)? })
    }

    /// What an address carries.
    pub fn query(&self) -> String {
        format!("until={}&seal={}", self.until, hex::encode(&self.seal))
    }

    /// True if it was signed with this key for this file, and has not ended.
    pub fn is_good(&self, key: &[u8], file: &Sha256Hash, now: Timestamp) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let is_ours = hmac::verify(&key, said(file, self.until).as_bytes(), &self.seal).is_ok();
        is_ours && now.as_second() <= self.until
    }
}

fn said(file: &Sha256Hash, until: i64) -> String {
    format!("file {file} until {until}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_for_its_file_and_its_time() {
        let (file, other) = (Sha256Hash::of(b"a"), Sha256Hash::of(b"b"));
        let until = Timestamp::from_second(1_000).unwrap();
        let (before, after) = (Timestamp::from_second(1_000).unwrap(), Timestamp::from_second(1_001).unwrap());
        let ticket = Ticket::sign(b"key", &file, until);
        assert!(ticket.is_good(b"key", &file, before));
        assert!(!ticket.is_good(b"key", &file, after));
        assert!(!ticket.is_good(b"key", &other, before));
        assert!(!ticket.is_good(b"another key", &file, before));
        assert!(!Ticket { until: 2_000, ..ticket.clone() }.is_good(b"key", &file, before));
        assert!(!Ticket { seal: [0; 32], ..ticket.clone() }.is_good(b"key", &file, before));
        let seal = ticket.query().split("seal=").nth(1).unwrap().to_owned();
        assert_eq!((Ticket::read(1_000, &seal), Ticket::read(1_000, "")), (Some(ticket), None));
    }
}
