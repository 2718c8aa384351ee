//! The tables: sealed rows by number, and nothing else.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};

use crate::IndexError;
use crate::seal::{IndexKey, Place, Sealer};

/// The shape of everything here: another number, and the index is rebuilt.
const FORMAT: i64 = 0x5745_1005;
/// How hard rows are packed: what takes no longer than sealing them.
const PACK_LEVEL: i32 = 1;
/// Patience with a checkpoint of the other connection.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A table: each has a number and a row of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    /// What a segment holds, by its number.
    Segment,
    /// Pages: the number of the segment in the upper half, of the page in the lower.
    Page,
    /// Files by themselves.
    Single,
    /// Symbols of some files.
    Symbols,
    /// What else is kept.
    Note,
    /// Chunks of some files.
    Chunks,
    /// Vectors of some chunks.
    Vectors,
    /// Documents that are no text files.
    Documents,
    /// Their texts.
    DocumentTexts,
}

pub(crate) const TABLES: [Table; 9] = [
    Table::Segment,
    Table::Page,
    Table::Single,
    Table::Symbols,
    Table::Note,
    Table::Chunks,
    Table::Vectors,
    Table::Documents,
    Table::DocumentTexts,
];

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::Page => "page",
            Self::Single => "single",
            Self::Symbols => "symbols",
            Self::Note => "note",
            Self::Chunks => "chunks",
            Self::Vectors => "vectors",
            Self::Documents => "documents",
            Self::DocumentTexts => "document_texts",
        }
    }

    /// Whether rows are packed before they are sealed: those that are many bytes, and not packed by what they say already.
    fn is_packed(self) -> bool {
        matches!(self, Self::Symbols | Self::Chunks | Self::Documents | Self::DocumentTexts)
    }

    /// A row as it is sealed.
    fn pack(self, plain: &[u8]) -> Result<Cow<'_, [u8]>, IndexError> {
        if self.is_packed() {
            return zstd::bulk::compress(plain, PACK_LEVEL).map(Cow::Owned).map_err(|_| IndexError::Damaged);
        }
        Ok(Cow::Borrowed(plain))
    }

    /// A row as it was before; what is sealed was packed by this program.
    fn unpack(self, row: Vec<u8>) -> Result<Vec<u8>, IndexError> {
        if self.is_packed() { zstd::decode_all(&*row).map_err(|_| IndexError::Damaged) } else { Ok(row) }
    }

    fn place(self, row: i64) -> Place {
        Place { table: self as u8, row }
    }
}

/// The number of a page's row.
pub(crate) fn page_row(segment: i64, page: usize) -> i64 {
    segment << 32 | page as i64
}

/// A connection to the database.
pub(crate) struct Database {
    connection: Connection,
    seal: Sealer,
    path: PathBuf,
}

impl Database {
    /// Opens the database, or makes it.
    pub(crate) fn open(path: &Path, key: &IndexKey) -> Result<Self, IndexError> {
        let failed = |source| IndexError::Database { source, path: path.to_owned() };
        let connection = Connection::open(path).map_err(failed)?;
        let database = Self { connection, seal: Sealer::new(key), path: path.to_owned() };
        database.prepare()?;
        Ok(database)
    }

    fn prepare(&self) -> Result<(), IndexError> {
        let connection = &self.connection;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(|source| self.failed(source))?;
        let version: i64 = self.told(connection.query_row("PRAGMA user_version", [], |row| row.get(0)))?;
        let is_new = version == 0;
        if !is_new && version != FORMAT {
            return Err(IndexError::Damaged);
        }
        // Kept whole when this process ends at any moment; a power cut may cost a rebuild, never a wrong answer.
        let mut setup =
            "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;".to_owned();
        if is_new {
            setup.insert_str(0, "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;");
            for table in TABLES {
                setup.push_str(&format!(
                    "CREATE TABLE {}(row INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;",
                    table.name()
                ));
            }
            setup.push_str(&format!("PRAGMA user_version = {FORMAT};"));
        }
        self.told(connection.execute_batch(&setup))
    }

    fn failed(&self, source: rusqlite::Error) -> IndexError {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        if matches!(source.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase)) {
            return IndexError::Damaged;
        }
        IndexError::Database { source, path: self.path.clone() }
    }

    fn told<T>(&self, result: rusqlite::Result<T>) -> Result<T, IndexError> {
        result.map_err(|source| self.failed(source))
    }

    /// A row, opened; `None` when it is not there.
    pub(crate) fn row(&self, table: Table, row: i64) -> Result<Option<Vec<u8>>, IndexError> {
        let sql = format!("SELECT body FROM {} WHERE row = ?1", table.name());
        let mut statement = self.told(self.connection.prepare_cached(&sql))?;
        let opened = statement.query_row([row], |found| {
            let sealed = found.get_ref(0)?.as_blob()?;
            Ok(self.seal.open(table.place(row), sealed))
        });
        self.told(opened.optional())?.transpose()?.map(|row| table.unpack(row)).transpose()
    }

    /// Every row of a table, opened, in the order of their numbers.
    pub(crate) fn each(
        &self,
        table: Table,
        mut take: impl FnMut(i64, Vec<u8>) -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        let sql = format!("SELECT row, body FROM {} ORDER BY row", table.name());
        let mut statement = self.told(self.connection.prepare(&sql))?;
        let mut rows = self.told(statement.query([]))?;
        while let Some(found) = self.told(rows.next())? {
            let row: i64 = self.told(found.get(0))?;
            let sealed = self.told(found.get_ref(1))?.as_blob().map_err(|_| IndexError::Damaged)?;
            take(row, table.unpack(self.seal.open(table.place(row), sealed)?)?)?;
        }
        Ok(())
    }

    /// Carries several writes out, all or none.
    pub(crate) fn write<T>(
        &mut self,
        work: impl FnOnce(&Writes<'_>) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        let path = &self.path;
        let failed = |source| IndexError::Database { source, path: path.clone() };
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let writes = Writes { transaction, seal: &self.seal, path };
        let done = work(&writes)?;
        writes.transaction.commit().map_err(failed)?;
        Ok(done)
    }

    /// Gives the space of what was removed back to the disk.
    pub(crate) fn give_space_back(&self) -> Result<(), IndexError> {
        self.told(
            self.connection.execute_batch("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);"),
        )
    }

    /// Bytes of the database.
    pub(crate) fn bytes(&self) -> Result<u64, IndexError> {
        let number = |name: &str| -> Result<u64, IndexError> {
            let read = self.connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
            self.told(read).map(i64::unsigned_abs)
        };
        Ok((number("page_count")? - number("freelist_count")?) * number("page_size")?)
    }
}

/// Writes of one transaction.
pub(crate) struct Writes<'a> {
    transaction: Transaction<'a>,
    seal: &'a Sealer,
    path: &'a Path,
}

impl Writes<'_> {
    fn told<T>(&self, result: rusqlite::Result<T>) -> Result<T, IndexError> {
        result.map_err(|source| IndexError::Database { source, path: self.path.to_owned() })
    }

    /// Seals and keeps a row.
    pub(crate) fn put(&self, table: Table, row: i64, plain: &[u8]) -> Result<(), IndexError> {
        let sql = format!("INSERT OR REPLACE INTO {}(row, body) VALUES(?1, ?2)", table.name());
        let sealed = self.seal.seal(table.place(row), &table.pack(plain)?)?;
        let mut statement = self.told(self.transaction.prepare_cached(&sql))?;
        self.told(statement.execute((row, sealed))).map(|_| ())
    }

    /// Removes the rows from one number up to another, which stays.
    pub(crate) fn remove(&self, table: Table, rows: std::ops::Range<i64>) -> Result<(), IndexError> {
        let sql = format!("DELETE FROM {} WHERE row >= ?1 AND row < ?2", table.name());
        let mut statement = self.told(self.transaction.prepare_cached(&sql))?;
        self.told(statement.execute((rows.start, rows.end))).map(|_| ())
    }
}
