//! What can go wrong, one enum per operation, each with what to do about it.

use std::error::Error as StdError;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use weft_crdt::ChunkId;
use weft_sync::{EntryRef, LogId};

/// The cause that a database gave, kept for the log.
type Cause = Box<dyn StdError + Send + Sync>;

/// What brings a damaged store back.
pub(crate) const REBUILD_HINT: &str = "end the node and move the whole data folder (WEFT_HOME) away, but \
     keep it; then join the folder again with a ticket from another device (`weft share` there, `weft join` \
     here): what lies in the folder is kept, the history comes from there. Without another device, restore a \
     backup of WEFT_HOME, or make the folder a new workspace with `weft init`";
const SPACE_HINT: &str = "free some space; nothing that was saved is lost";

/// A failure of the database underneath.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// No space is left.
    #[error("the disk is full")]
    DiskFull {
        /// What the database said.
        #[source]
        source: Cause,
    },
    /// The file does not hold what was written to it.
    #[error("the database is damaged")]
    Damaged {
        /// What the database said.
        #[source]
        source: Cause,
    },
    /// The disk or the system failed.
    #[error("reading or writing the database failed")]
    Io {
        /// What the database said.
        #[source]
        source: Cause,
    },
    /// Another program holds the database.
    #[error("another program holds the database")]
    Busy {
        /// What the database said.
        #[source]
        source: Cause,
    },
    /// The file may not be written.
    #[error("the database may not be written")]
    ReadOnly {
        /// What the database said.
        #[source]
        source: Cause,
    },
    /// Anything else.
    #[error("the database refused a statement")]
    Refused {
        /// What the database said.
        #[source]
        source: Cause,
    },
}

impl DatabaseError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::DiskFull { .. } => SPACE_HINT,
            Self::Damaged { .. } => REBUILD_HINT,
            Self::Io { .. } => "check the disk and the system log, then start Weft again",
            Self::Busy { .. } => "close the program that has store.db open, then try again",
            Self::ReadOnly { .. } => "check the permissions of the folder in WEFT_HOME",
            Self::Refused { .. } => "this is a bug of Weft: please report it",
        }
    }

    /// Whether the file was reached but what it holds cannot be right.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error_code();
        let misread = matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::Utf8Error(..)
        );
        let source = Box::new(error);
        match code {
            Some(ErrorCode::DiskFull) => Self::DiskFull { source },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { source },
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Self::Io { source },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { source },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { source },
            _ if misread => Self::Damaged { source },
            _ => Self::Refused { source },
        }
    }
}

/// Why a store could not be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A file or folder could not be made, read or written.
    #[error("cannot use the store: {path}")]
    Io {
        /// What failed.
        #[source]
        source: io::Error,
        /// Where.
        path: PathBuf,
    },
    /// The database failed.
    #[error("cannot open the database: {path}")]
    Database {
        /// What failed.
        #[source]
        source: DatabaseError,
        /// Where.
        path: PathBuf,
    },
    /// This device has an identity, so it had a database.
    #[error("the database is missing or empty, but this device has data: {path}")]
    Lost {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file is a database, but not one of Weft's.
    #[error("this is not a store of Weft: {path}")]
    Foreign {
        /// Where.
        path: PathBuf,
    },
    /// A later Weft wrote the file.
    #[error("the store was written by a newer Weft (format {found}, this one reads {known}): {path}")]
    TooNew {
        /// The format on disk.
        found: i64,
        /// The last format this program knows.
        known: i64,
        /// Where.
        path: PathBuf,
    },
    /// The key does not open this store.
    #[error("the key does not open this store: {path}")]
    WrongKey {
        /// Where.
        path: PathBuf,
    },
    /// Another process has the store open.
    #[error("another process has the store open: {path}")]
    InUse {
        /// Where.
        path: PathBuf,
    },
}

impl OpenError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => "check that the folder in WEFT_HOME exists, is yours and has space",
            Self::Database { source, .. } => source.hint(),
            Self::Lost { .. } => REBUILD_HINT,
            Self::Foreign { .. } => "set WEFT_HOME to a folder of its own",
            Self::TooNew { .. } => "update Weft on this device",
            Self::WrongKey { .. } => {
                "keys.json and store.db belong to different installations: restore both from one backup"
            }
            Self::InUse { .. } => "stop the running node with `weft node --stop`",
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { source, path }
    }

    pub(crate) fn database<E: Into<DatabaseError>>(path: &Path) -> impl FnOnce(E) -> Self {
        let path = path.to_path_buf();
        move |error| Self::Database { source: error.into(), path }
    }
}

/// Why a transaction did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Another entry stands at this place of the log, and the new one is not marked as a fork.
    #[error("another entry stands at {} of log {}", at.seq, at.log)]
    Conflict {
        /// The entry that was refused.
        at: EntryRef,
    },
    /// The entry does not follow the last one of its log.
    #[error("entry {} of log {} does not follow entry {last_seq}", at.seq, at.log)]
    Gap {
        /// The entry that was refused.
        at: EntryRef,
        /// The last place that is taken.
        last_seq: u64,
    },
    /// A mark or a change names an entry that is not stored.
    #[error("entry {} of log {} is not stored", at.seq, at.log)]
    UnknownEntry {
        /// The entry that is missing.
        at: EntryRef,
    },
    /// A log is not stored as far as the place that it was to be taken back to.
    #[error("log {log} cannot be taken back to entry {to}: it ends with entry {last_seq}")]
    CutBack {
        /// The log.
        log: LogId,
        /// The place that was to be its last.
        to: u64,
        /// The last place that is taken; zero when the log is not stored.
        last_seq: u64,
    },
    /// A key or value is too long.
    #[error("a {what} of {bytes} bytes is longer than {bytes_max}")]
    TooLarge {
        /// What is too long.
        what: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// The database failed.
    #[error("the change was not saved")]
    Database(#[from] DatabaseError),
    /// The pack files could not be brought to the disk.
    #[error("file contents could not be saved")]
    Packs {
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// An earlier write failed in a way after which the state of the disk is not known.
    #[error("the store is closed for writing after an earlier failure of the disk")]
    Closed,
}

impl CommitError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Database(source) => source.hint(),
            Self::Packs { source } if source.kind() == io::ErrorKind::StorageFull => SPACE_HINT,
            Self::Packs { .. } | Self::Closed => "check the disk and the system log, then start Weft again",
            _ => "this is a bug of Weft: please report it",
        }
    }

    /// Whether the store takes no more writes until it is opened again.
    ///
    /// After a failed write to the disk nobody can tell what is on it. The transaction may turn
    /// up when the store is opened again, so its entries must not be made a second time with
    /// other contents: open the store again first and look.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Closed
                | Self::Packs { .. }
                | Self::Database(DatabaseError::Io { .. } | DatabaseError::Damaged { .. })
        )
    }

    /// Whether only this transaction is at fault, so that others may still succeed.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Conflict { .. }
                | Self::Gap { .. }
                | Self::UnknownEntry { .. }
                | Self::CutBack { .. }
                | Self::TooLarge { .. }
        )
    }
}

impl From<rusqlite::Error> for CommitError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The database failed.
    #[error("cannot read the store")]
    Database(#[from] DatabaseError),
    /// A sealed record does not open: it was changed, or moved from another place.
    #[error("a sealed record is damaged")]
    RecordDamaged,
    /// The bytes of a chunk are not those it is named by.
    #[error("file contents are damaged on this disk (chunk {id:?})")]
    ChunkDamaged {
        /// The chunk; [`crate::Write::ForgetChunk`] lets it be fetched again.
        id: ChunkId,
    },
    /// A pack file could not be read.
    #[error("cannot read stored file contents: {path}")]
    Pack {
        /// What failed.
        #[source]
        source: io::Error,
        /// Where.
        path: PathBuf,
    },
}

impl ReadError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Database(source) => source.hint(),
            Self::RecordDamaged => REBUILD_HINT,
            Self::ChunkDamaged { .. } => {
                "check the disk; the contents are fetched again from another device that has them"
            }
            Self::Pack { .. } => "check the folder packs in WEFT_HOME and the disk below it",
        }
    }
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Why a batch of chunks was not stored. None of its chunks is, unless it was here before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PutChunksError {
    /// A chunk is not what it is named by.
    #[error("chunk {id:?} has other contents than its name says")]
    WrongHash {
        /// The name.
        id: ChunkId,
    },
    /// A chunk is too long.
    #[error("chunk {id:?} of {bytes} bytes is longer than {bytes_max}")]
    TooLarge {
        /// The name.
        id: ChunkId,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// The index could not be read.
    #[error("cannot read the index of chunks")]
    Index(#[from] DatabaseError),
    /// A pack file could not be written.
    #[error("cannot store file contents: {path}")]
    Io {
        /// What failed.
        #[source]
        source: io::Error,
        /// Where.
        path: PathBuf,
    },
    /// An earlier write failed in a way after which the state of the disk is not known.
    #[error("the store is closed for writing after an earlier failure of the disk")]
    Closed,
}

impl PutChunksError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::WrongHash { .. } | Self::TooLarge { .. } => {
                "the device that sent it is at fault; it is asked of another one"
            }
            Self::Index(source) => source.hint(),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => SPACE_HINT,
            Self::Io { .. } | Self::Closed => "check the disk and the system log, then start Weft again",
        }
    }
}

impl From<rusqlite::Error> for PutChunksError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Index(error.into())
    }
}
