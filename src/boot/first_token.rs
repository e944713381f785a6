//! The administrator's token of a machine's own installation: made once, kept in the folder, known to the database by its
//! SHA-256 alone.

use std::io::ErrorKind;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::Error;
use super::folder::{create_private, write_private};
use crate::store::{Keyring, Store};

/// The token's name in the database.
const NAME: &str = "pitcrew-up";

/// The token that is kept in `file`, or a new one, kept there from now on.
pub(super) fn kept(file: &Path) -> Result<String, Error> {
    if let Ok(token) = std::fs::read_to_string(file)
        && !token.trim().is_empty()
    {
        return Ok(token.trim().to_owned());
    }
    // The beginning tells people and scanners for secrets what it is.
    let token = format!("pcu_{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
    write_private(file, &format!("{token}\n"))?;
    Ok(token)
}

/// Sees to the file with the key of this machine's secrets. One is made only where there is no file, and no secret either
/// that is sealed, under the keys of these names: whoever has the key has the secrets, and there is no other way to them.
pub(super) fn keep_key(file: &Path, sealed_under: &[String]) -> Result<(), Error> {
    let bad = |why: String| Error::BadKeyFile { path: file.to_owned(), why };
    match std::fs::read_to_string(file) {
        Ok(text) => match Keyring::read(&text) {
            Ok(keys) if keys.is_empty() => Err(bad("it is empty".to_owned())),
            Ok(_) => Ok(()),
            Err(error) => Err(bad(error.to_string())),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => match sealed_under {
            [] => create_private(file, &format!("{}\n", Keyring::make()?)),
            names => Err(Error::KeyGone { path: file.to_owned(), keys: names.join(", ") }),
        },
        Err(source) => Err(Error::Io { doing: "read the key of the secrets in", path: file.to_owned(), source }),
    }
}

/// Lets the token in, as an administrator's.
pub(super) async fn admit(store: &Store, token: &str) -> Result<(), Error> {
    Ok(store.ensure_admin_token(NAME, &Sha256::digest(token)).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_never_in_the_place_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret-key");
        let why = keep_key(&file, &["0123456789abcdef".to_owned()]).unwrap_err().to_string();
        assert!(why.contains("sealed under 0123456789abcdef: put the file back") && !file.exists(), "{why}");
        keep_key(&file, &[]).unwrap();
        let key = std::fs::read(&file).unwrap();
        keep_key(&file, &["of another".to_owned()]).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), key, "it stays");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "and nothing beside it");
        for (broken, expected) in
            [(&b"\xff\xfe"[..], "could not read the key"), (b" \n", "it is empty"), (b"12", "is not 64")]
        {
            std::fs::write(&file, broken).unwrap();
            let why = keep_key(&file, &[]).unwrap_err().to_string();
            assert!(why.contains(expected) && why.contains("secret-key"), "{why}");
            assert_eq!(std::fs::read(&file).unwrap(), broken, "it is left as it is");
        }
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        assert!(matches!(keep_key(&file, &[]).unwrap_err(), Error::Io { .. }));
        assert!(create_private(&file, "another").is_err() && file.is_dir(), "what is there is not moved away");
    }
}
