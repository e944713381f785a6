//! Files that computers fetch from the server: taken in piece by piece, named by their SHA-256 once they are whole, and
//! given out piece by piece, so that nobody ever holds all of one.

use std::collections::{BTreeSet, HashMap};

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::error::Doing;
use super::fleet::LOCK;
use super::{Error, Store};
use crate::domain::Sha256Hash;
use crate::domain::report::FileLine;
use crate::domain::ticket::Ticket;

/// The bytes of every piece but the last. The schema admits no more.
pub const PIECE: usize = 1 << 20;
/// The largest file that is taken in, in bytes.
pub const LARGEST: u64 = 4 << 30;
/// Pieces that one statement removes at most.
const AT_A_TIME: i64 = 64;
/// For how long an address is good, beyond the time at which a run that is told it must have started.
const GOOD_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// What is used, as it is told.
const LINE: &str = "SELECT sha256, size, stored_at FROM stored_file";

impl Store {
    /// Begins to take a file in. What others have added nothing to for a day and never ended is removed.
    pub async fn begin_file(&self) -> Result<Uuid, Error> {
        let doing = "beginning to store a file";
        let client = self.client().await?;
        let row = client.query_one("INSERT INTO stored_file DEFAULT VALUES RETURNING id", &[]).await.doing(doing)?;
        drop(client);
        if let Err(error) = self.tidy_files().await {
            // It is no fault of this file. The next one that is begun tries again.
            tracing::warn!(error = &error as &dyn std::error::Error, "What is left of files could not be removed");
        }
        Ok(row.get("id"))
    }

    async fn tidy_files(&self) -> Result<(), Error> {
        let client = self.client().await?;
        let left = "UPDATE stored_file SET begun_at = '-infinity'
                    WHERE sha256 IS NULL AND begun_at < now() - interval '1 day' RETURNING id";
        for row in client.query(left, &[]).await.doing("looking for what is left of files")? {
            remove(&client, row.get("id")).await?;
        }
        Ok(())
    }

    /// Takes in the next piece: [`PIECE`] bytes, or fewer if it is the last.
    pub async fn add_to_file(&self, id: Uuid, place: i32, bytes: &[u8]) -> Result<(), Error> {
        let client = self.client().await?;
        // What is added to has begun anew: only what nobody adds to any more is removed.
        let add = "WITH begun AS (
                       UPDATE stored_file SET begun_at = now() WHERE id = $1 AND begun_at > '-infinity' RETURNING id
                   )
                   INSERT INTO stored_file_piece (file_id, place, bytes) SELECT id, $2::int, $3::bytea FROM begun";
        let add = client.prepare_cached(add).await.doing("storing a piece of a file")?;
        let added = client.execute(&add, &[&id, &place, &bytes]).await.doing("storing a piece of a file")?;
        if added == 0 { Err(is_removed()) } else { Ok(()) }
    }

    /// Names what was taken in. If the same content is stored already, that one stays.
    pub async fn end_file(&self, id: Uuid, sha256: &Sha256Hash, size: u64) -> Result<(), Error> {
        let client = self.client().await?;
        let name = "UPDATE stored_file SET sha256 = $2, size = $3, stored_at = now()
                    WHERE id = $1 AND begun_at > '-infinity'";
        match client.execute(name, &[&id, &sha256.0.as_slice(), &(size as i64)]).await {
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => self.abandon_file(id).await,
            Ok(0) => Err(is_removed()),
            other => other.doing("naming a file that was stored").map(drop),
        }
    }

    /// Removes what was begun.
    pub async fn abandon_file(&self, id: Uuid) -> Result<(), Error> {
        let client = self.client().await?;
        let leave = "UPDATE stored_file SET begun_at = '-infinity' WHERE id = $1 AND sha256 IS NULL RETURNING id";
        let left = client.query_opt(leave, &[&id]).await.doing("removing a file that was not stored whole")?;
        if left.is_some() { remove(&client, id).await } else { Ok(()) }
    }

    /// A file that is stored whole.
    pub async fn stored_file(&self, sha256: &Sha256Hash) -> Result<Option<FileLine>, Error> {
        let client = self.client().await?;
        let sql = format!("{LINE} WHERE sha256 = $1");
        let row = client.query_opt(&sql, &[&sha256.0.as_slice()]).await.doing("looking for a stored file")?;
        row.as_ref().map(line).transpose()
    }

    /// Every file that is stored whole, the latest first.
    pub async fn stored_files(&self) -> Result<Vec<FileLine>, Error> {
        let client = self.client().await?;
        let sql = format!("{LINE} WHERE sha256 IS NOT NULL ORDER BY stored_at DESC, sha256");
        client.query(&sql, &[]).await.doing("listing stored files")?.iter().map(line).collect()
    }

    /// A piece of a file that is stored whole; none if there is no such file or piece.
    pub async fn piece_of_file(&self, sha256: &Sha256Hash, place: i32) -> Result<Option<Vec<u8>>, Error> {
        let client = self.client().await?;
        let piece = "SELECT p.bytes FROM stored_file f JOIN stored_file_piece p ON p.file_id = f.id
                     WHERE f.sha256 = $1 AND p.place = $2";
        let piece = client.prepare_cached(piece).await.doing("reading a piece of a file")?;
        let row = client.query_opt(&piece, &[&sha256.0.as_slice(), &place]).await.doing("reading a piece of a file")?;
        Ok(row.map(|row| row.get("bytes")))
    }

    /// Removes a file. False if there is none.
    ///
    /// # Errors
    /// [`Error::Refused`] if something in the policy names it.
    pub async fn drop_file(&self, sha256: &Sha256Hash) -> Result<bool, Error> {
        let doing = "removing a stored file";
        let mut client = self.client().await?;
        let tx = client.transaction().await.doing(doing)?;
        // Nobody applies meanwhile what names it.
        tx.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.doing(doing)?;
        let named = "SELECT 'software/' || name AS label FROM software WHERE position($1 in body::text) > 0
                     UNION ALL SELECT 'task/' || name FROM task WHERE position($1 in body::text) > 0
                     UNION ALL SELECT 'deployment/' || name FROM deployment WHERE position($1 in body::text) > 0
                     ORDER BY label";
        let named = tx.query(named, &[&sha256.to_string()]).await.doing(doing)?;
        let named: Vec<String> = named.iter().map(|row| row.get("label")).collect();
        if !named.is_empty() {
            let named = named.join(", ");
            return Err(Error::Refused(format!("The file {sha256} is used by {named}. Apply that without it first.")));
        }
        // Without its name it is gone. Should its pieces be left, they are removed as those of one that was never ended.
        let unname = "UPDATE stored_file SET sha256 = NULL, size = NULL, stored_at = NULL, begun_at = '-infinity'
                      WHERE sha256 = $1 RETURNING id";
        let unnamed = tx.query_opt(unname, &[&sha256.0.as_slice()]).await.doing(doing)?;
        tx.commit().await.doing(doing)?;
        let Some(row) = unnamed else { return Ok(false) };
        if let Err(error) = remove(&client, row.get("id")).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "The pieces of a removed file are left for later");
        }
        Ok(true)
    }

    /// Addresses under which computers fetch these files, good for a day after `start_by`.
    pub async fn file_addresses(
        &self,
        files: &BTreeSet<Sha256Hash>,
        start_by: Timestamp,
    ) -> Result<HashMap<Sha256Hash, String>, Error> {
        if files.is_empty() {
            return Ok(HashMap::new());
        }
        let key = self.file_key().await?;
        let until = start_by.saturating_add(GOOD_FOR).unwrap_or(start_by);
        let address = |file: &Sha256Hash| {
            format!("{}/v1/files/{file}/content?{}", self.files_at(), Ticket::sign(&key, file, until).query())
        };
        Ok(files.iter().map(|file| (*file, address(file))).collect())
    }

    /// True if a ticket was signed here for this file, and is good still.
    pub async fn admits(&self, file: &Sha256Hash, ticket: &Ticket) -> Result<bool, Error> {
        Ok(ticket.is_good(&self.file_key().await?, file, self.now()))
    }

    async fn file_key(&self) -> Result<Vec<u8>, Error> {
        let client = self.client().await?;
        let key = client.prepare_cached("SELECT file_key FROM installation").await.doing("reading the key of files")?;
        Ok(client.query_one(&key, &[]).await.doing("reading the key of files")?.get("file_key"))
    }
}

/// Nothing is added to what is being removed.
fn is_removed() -> Error {
    Error::Refused(
        "Nothing was sent for a day, so that what there was of the file was removed. Send it again.".to_owned(),
    )
}

/// Removes a file that is marked as left (it was begun at `-infinity`, and nobody ends it any more), a few pieces at a time: each statement is short, however large the file is.
async fn remove(client: &Object, id: Uuid) -> Result<(), Error> {
    let doing = "removing the pieces of a file";
    let pieces = "DELETE FROM stored_file_piece WHERE file_id = $1 AND place IN (
                      SELECT place FROM stored_file_piece WHERE file_id = $1 ORDER BY place LIMIT $2)";
    let pieces = client.prepare_cached(pieces).await.doing(doing)?;
    while client.execute(&pieces, &[&id, &AT_A_TIME]).await.doing(doing)? > 0 {}
    let file = "DELETE FROM stored_file WHERE id = $1";
    client.execute(file, &[&id]).await.doing("removing a file")?;
    Ok(())
}

/// The sizes of those of these files that are stored whole.
pub(super) async fn sizes(tx: &Transaction<'_>, files: &[Sha256Hash]) -> Result<HashMap<Sha256Hash, u64>, Error> {
    let wanted: Vec<&[u8]> = files.iter().map(|file| file.0.as_slice()).collect();
    let sql = format!("{LINE} WHERE sha256 = ANY($1)");
    let rows = tx.query(&sql, &[&wanted]).await.doing("looking for stored files")?;
    rows.iter().map(line).map(|line| line.map(|line| (line.sha256, line.size))).collect()
}

fn line(row: &Row) -> Result<FileLine, Error> {
    let sha256: &[u8] = row.get("sha256");
    let hash = <[u8; 32]>::try_from(sha256).map_err(|_| Error::Unreadable {
        what: "the checksum of a stored file".to_owned(),
        why: format!("it has {} bytes instead of 32", sha256.len()),
    })?;
    let size = u64::try_from(row.get::<_, i64>("size")).unwrap_or_default();
    Ok(FileLine { sha256: Sha256Hash(hash), size, stored_at: row.get("stored_at") })
}
