//! Detached signatures as minisign makes them: Ed25519, of the file or of its BLAKE2b hash.
//!
//! Read here, so that who writes one down is told at once what is wrong with it; verified by the computer that has the file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// A signature and whose it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The public key: the line of a minisign key file, `RW…`.
    pub key: String,
    /// The signature: the line of a `.minisig` file, `RU…` or `RW…`.
    pub signature: String,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The Ed25519 public key.
    pub key: [u8; 32],
    /// The Ed25519 signature.
    pub signature: [u8; 64],
    /// True if the BLAKE2b-512 hash of the file was signed, false if the file itself.
    pub prehashed: bool,
}

impl Signature {
    /// Takes the lines that count out of a key file and a signature file, or what was written of them.
    ///
    /// # Errors
    /// What is wrong, in a sentence without its full stop.
    pub fn of(key: &str, signature: &str) -> Result<Signature, String> {
        let line = |text: &str| {
            let counts = |line: &&str| !line.is_empty() && !line.starts_with("untrusted comment:");
            text.lines().map(str::trim).find(counts).unwrap_or_default().to_owned()
        };
        let signature = Signature { key: line(key), signature: line(signature) };
        signature.parts().map(|_| signature)
    }

    /// What it says.
    ///
    /// # Errors
    /// What is wrong, in a sentence without its full stop.
    pub fn parts(&self) -> Result<Parts, String> {
        let (key_id, key) = key(&self.key)?;
        let bytes = STANDARD.decode(&self.signature).unwrap_or_default();
        let whole = <[u8; 74]>::try_from(bytes.as_slice()).map_err(|_| NOT_A_SIGNATURE.to_owned())?;
        let prehashed = match &whole[..2] {
            b"ED" => true,
            b"Ed" => false,
            _ => return Err(NOT_A_SIGNATURE.to_owned()),
        };
        if whole[2..10] != key_id {
            return Err("the signature was made with another key than that of \"signed_by\"".to_owned());
        }
        let mut signature = [0; 64];
        signature.copy_from_slice(&whole[10..]);
        Ok(Parts { key, signature, prehashed })
    }
}

/// Whether a text is a public key.
///
/// # Errors
/// What is wrong, in a sentence without its full stop.
pub fn is_key(text: &str) -> Result<(), String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("untrusted comment:"));
    key(line.unwrap_or_default()).map(|_| ())
}

const NOT_A_SIGNATURE: &str = "it is not a signature as minisign makes them: the second line of a .minisig file is expected, which begins with RU";

/// The id of a key, and the key.
fn key(text: &str) -> Result<([u8; 8], [u8; 32]), String> {
    let bytes = STANDARD.decode(text).unwrap_or_default();
    let whole = <[u8; 42]>::try_from(bytes.as_slice()).ok().filter(|whole| whole.starts_with(b"Ed"));
    let whole = whole.ok_or(
        "it is not a public key of minisign: the last line of its .pub file is expected, which begins with RW",
    )?;
    let (mut id, mut key) = ([0; 8], [0; 32]);
    id.copy_from_slice(&whole[2..10]);
    key.copy_from_slice(&whole[10..]);
    Ok((id, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    const SIGNATURE: &str =
        "RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=";

    #[test]
    fn the_files_of_minisign_are_read_and_nothing_else() {
        let file = format!("untrusted comment: signature\n{SIGNATURE}\ntrusted comment: x\nabc=\n");
        let key_file = format!("untrusted comment: minisign public key\n{KEY}\n");
        let signature = Signature::of(&key_file, &file).unwrap();
        assert_eq!((signature.key.as_str(), signature.signature.as_str()), (KEY, SIGNATURE));
        assert!(signature.parts().unwrap().prehashed);
        assert!(Signature::of(SIGNATURE, SIGNATURE).unwrap_err().contains("not a public key"));
        assert!(Signature::of(KEY, KEY).unwrap_err().contains("not a signature"));
        let other = "RWQg6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
        assert!(Signature::of(other, SIGNATURE).unwrap_err().contains("another key"));
        assert!(is_key(&key_file).is_ok() && is_key("RW").is_err());
    }
}
