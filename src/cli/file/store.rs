//! Sends a file that fleet files name, unless the server has it.

use crate::cli::{Client, Failure};
use crate::fleet::StoredFile;

pub(crate) async fn store(client: &Client, file: &StoredFile) -> Result<(), Failure> {
    let StoredFile { name, sha256, size } = file;
    let sha256 = sha256.to_string();
    let path = ["v1", "files", &sha256];
    match client.get(&path, &[]).await {
        Ok(_) => return Ok(()),
        Err(Failure::NotFound(_)) => {}
        Err(failure) => return Err(failure),
    }
    let content = tokio::fs::File::open(name).await;
    let content = content.map_err(|error| Failure::BadInput(format!("{name} cannot be read: {error}")))?;
    client.put_file(&path, content, *size).await.map(drop)
}
