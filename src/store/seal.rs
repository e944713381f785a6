//! Seals secrets and opens them, with AES-256-GCM. A key is told to the programs and never stored; only its name is.

use std::sync::Arc;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

use super::Error;
use crate::domain::{SecretId, Sha256Hash};

/// How long a key is, in bytes.
const KEY_BYTES: usize = 32;

/// The keys that a program has been told: the first seals, all of them open.
#[derive(Clone, Default)]
pub struct Keyring(Arc<[Key]>);

struct Key {
    name: String,
    key: LessSafeKey,
}

/// A text is no list of keys. It says nothing of what was in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("key {0} of the secrets is not 64 hexadecimal digits, as `openssl rand -hex 32` makes them")]
pub struct NotAKey(usize);

/// A sealed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sealed {
    /// Names the key.
    pub key_id: String,
    /// Nonce, sealed value and tag.
    pub bytes: Vec<u8>,
}

/// A key is never shown, only its name.
impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.name)).finish()
    }
}

impl Keyring {
    /// Reads keys, separated by blanks, commas or lines: the one that seals first, then those that still open what was
    /// sealed before.
    ///
    /// # Errors
    /// Which of them is none, counted from 1.
    pub fn read(text: &str) -> Result<Keyring, NotAKey> {
        let words = text.split(|letter: char| letter.is_whitespace() || letter == ',').filter(|word| !word.is_empty());
        let keys = words.zip(1..).map(|(word, place)| {
            let Sha256Hash(bytes) = word.parse().map_err(|_| NotAKey(place))?;
            let name = Sha256Hash::of(&bytes).to_string().chars().take(16).collect();
            let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| NotAKey(place))?;
            Ok(Key { name, key: LessSafeKey::new(key) })
        });
        keys.collect::<Result<Vec<_>, _>>().map(|keys| Keyring(keys.into()))
    }

    /// Makes a key, as [`Keyring::read`] takes it.
    ///
    /// # Errors
    /// [`Error::Refused`] if the system has no randomness to give.
    pub fn make() -> Result<String, Error> {
        Ok(Sha256Hash(random::<KEY_BYTES>()?).to_string())
    }

    /// True if there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names the key that seals; none if there is no key.
    pub(super) fn seals_with(&self) -> Option<&str> {
        self.0.first().map(|key| key.name.as_str())
    }

    /// What is said where a key is needed and there is none.
    pub(super) fn none() -> Error {
        Error::Refused(
            "Secrets are only stored sealed, and this program was told no key. Set secrets.key (PITCREW_SECRET_KEY) or \
             secrets.key_file for the server and the workers; `openssl rand -hex 32` makes a key."
                .to_owned(),
        )
    }

    /// Seals a value for its id.
    pub(super) fn seal(&self, id: SecretId, value: &str) -> Result<Sealed, Error> {
        let Some(Key { name, key }) = self.0.first() else {
            return Err(Keyring::none());
        };
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut sealed = value.as_bytes().to_vec();
        let for_id = Aad::from(id.0.into_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), for_id, &mut sealed)
            .map_err(|_| Error::Refused("A secret could not be sealed: it is too long.".to_owned()))?;
        Ok(Sealed { key_id: name.clone(), bytes: [nonce.as_slice(), &sealed].concat() })
    }

    /// Opens what was sealed for this id.
    pub(super) fn open(&self, id: SecretId, sealed: &Sealed) -> Result<String, Error> {
        let unreadable = |why: String| Error::Unreadable { what: format!("the secret {}", id.0), why };
        let Some(Key { key, .. }) = self.0.iter().find(|key| key.name == sealed.key_id) else {
            return Err(Error::KeyNotKnown { secret: id.0, key: sealed.key_id.clone() });
        };
        let changed = || unreadable("it is not what was sealed under its key and for its id".to_owned());
        let (nonce, rest) = sealed.bytes.split_at_checked(NONCE_LEN).ok_or_else(changed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| changed())?;
        let mut opened = rest.to_vec();
        let opened = key.open_in_place(nonce, Aad::from(id.0.into_bytes()), &mut opened).map_err(|_| changed())?;
        String::from_utf8(opened.to_vec()).map_err(|_| changed())
    }
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| Error::Refused("This machine gives no random numbers, so nothing can be sealed.".to_owned()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const VALUE: &str = "hunter2-is-no-good-key";

    #[test]
    fn what_is_sealed_opens_for_its_id_and_under_its_key_alone() {
        let (old, new) = (Keyring::make().unwrap(), Keyring::make().unwrap());
        let ring = |text: &str| Keyring::read(text).unwrap();
        let (id, other) = (SecretId(Uuid::new_v4()), SecretId(Uuid::new_v4()));
        let sealed = ring(&old).seal(id, VALUE).unwrap();
        assert!(!String::from_utf8_lossy(&sealed.bytes).contains("hunter2"));
        assert_ne!(
            ring(&old).seal(id, VALUE).unwrap().bytes,
            sealed.bytes,
            "the same value is not seen to be the same"
        );
        assert_eq!(ring(&format!("{new}\n{old}\n")).open(id, &sealed).unwrap(), VALUE);
        assert_ne!(ring(&format!("{new},{old}")).seal(id, VALUE).unwrap().key_id, sealed.key_id, "the first one seals");
        let why = |result: Result<String, Error>| result.unwrap_err().to_string();
        let none_of_those = format!("is sealed under the key {}, which is none of those", sealed.key_id);
        assert!(why(ring(&new).open(id, &sealed)).contains(&none_of_those));
        assert!(why(ring(&old).open(other, &sealed)).contains("not what was sealed"));
        for place in [0, NONCE_LEN, sealed.bytes.len() - 1] {
            let mut bytes = sealed.bytes.clone();
            bytes[place] ^= 1;
            assert!(ring(&old).open(id, &Sealed { bytes, ..sealed.clone() }).is_err());
        }
        assert!(ring(&old).open(id, &Sealed { bytes: vec![1; 5], ..sealed }).is_err());
    }

    #[test]
    fn keys_are_read_and_never_shown() {
        let key = Keyring::make().unwrap();
        assert!(Keyring::read(" \n").unwrap().seals_with().is_none());
        assert_eq!(Keyring::read(&format!("{key} 12")).unwrap_err(), NotAKey(2));
        assert!(!format!("{:?}", Keyring::read(&key).unwrap()).contains(&key));
        let why = Keyring::default().seal(SecretId(Uuid::nil()), VALUE).unwrap_err().to_string();
        assert!(why.contains("PITCREW_SECRET_KEY") && !why.contains(VALUE), "{why}");
    }
}
