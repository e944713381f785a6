//! The administrator's token of a machine's own installation: made once, kept in the folder, known to the database by its
//! SHA-256 alone.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::Error;
use super::folder::write_private;
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

/// The file with the key of this machine's secrets, made if need be.
pub(super) fn kept_key(file: &Path) -> Result<(), Error> {
    let is_there = std::fs::read_to_string(file).is_ok_and(|text| !text.trim().is_empty());
    if is_there { Ok(()) } else { write_private(file, &format!("{}\n", Keyring::make()?)) }
}

/// Lets the token in, as an administrator's.
pub(super) async fn admit(store: &Store, token: &str) -> Result<(), Error> {
    Ok(store.ensure_admin_token(NAME, &Sha256::digest(token)).await?)
}
