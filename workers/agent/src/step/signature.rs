//! Whether a file was signed by whom it must be.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use blake2::{Blake2b512, Digest};
use pitcrew_protocol::Signature;
use ring::signature::{ED25519, UnparsedPublicKey};
use tokio_util::sync::CancellationToken;

/// A signature of the file itself, and not of its hash, needs all of it at once: up to so many bytes.
const WHOLE_MAX: u64 = 64 * 1024 * 1024;
/// How much of a file is read at a time.
const READ_BYTES: usize = 256 * 1024;

/// Verifies the signature of a file. It reads all of it, so it is not for a thread that others wait for; it gives up when
/// nobody waits for it any more.
///
/// # Errors
/// Why it does not hold, in a sentence without its full stop.
pub fn verify(path: &Path, signature: &Signature, given_up: &CancellationToken) -> Result<(), String> {
    let parts = signature.parts()?;
    let unread = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let mut file = File::open(path).map_err(unread)?;
    let signed = if parts.prehashed {
        let mut hash = Blake2b512::new();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            if given_up.is_cancelled() {
                return Err("it was given up".to_owned());
            }
            match file.read(&mut buffer).map_err(unread)? {
                0 => break hash.finalize().to_vec(),
                read => hash.update(&buffer[..read]),
            }
        }
    } else {
        let bytes = file.metadata().map_err(unread)?.len();
        if bytes > WHOLE_MAX {
            return Err(format!(
                "a signature of this old form is verified up to {WHOLE_MAX} bytes, and these are {bytes}"
            ));
        }
        let mut whole = Vec::new();
        file.read_to_end(&mut whole).map_err(unread)?;
        whole
    };
    let key = UnparsedPublicKey::new(&ED25519, parts.key);
    key.verify(&signed, &parts.signature).map_err(|_| "its signature is not that of the key".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As minisign itself has signed `test`.
    #[test]
    fn what_minisign_signs_is_verified() {
        let signature = Signature::of(
            "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
            "RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=",
        )
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "test").unwrap();
        assert_eq!(verify(&path, &signature, &CancellationToken::new()), Ok(()));
        let given_up = CancellationToken::new();
        given_up.cancel();
        assert_eq!(verify(&path, &signature, &given_up), Err("it was given up".to_owned()));
        std::fs::write(&path, "tampered").unwrap();
        assert_eq!(
            verify(&path, &signature, &CancellationToken::new()),
            Err("its signature is not that of the key".to_owned())
        );
        assert!(verify(&folder.path().join("none"), &signature, &CancellationToken::new()).is_err());
    }
}
