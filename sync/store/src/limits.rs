//! Every bound of the store in one place.

use std::time::Duration;

/// Bytes after which a new pack file is begun.
pub const PACK_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of one chunk. Contents are cut into pieces of at most 256 KiB; only lists of pieces may
/// be longer.
pub const CHUNK_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Pack files that are kept open for reading.
pub const PACK_HANDLES_MAX: usize = 64;
/// Bytes that are gathered before they are written to a pack file.
pub const PACK_WRITE_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of the key of a record.
pub const RECORD_KEY_BYTES_MAX: usize = 8 * 1024;
/// Bytes of the value of a record.
pub const RECORD_VALUE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Requests that wait for the committing thread.
pub const COMMIT_QUEUE_MAX: usize = 256;
/// Requests that go into one transaction.
pub const COMMIT_GROUP_MAX: usize = 1_024;
/// Bytes after which a transaction takes no further request.
pub const COMMIT_GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Connections that read at the same time.
pub const READERS: usize = 2;
/// Pages of 4 KiB in the write-ahead log after which they are moved into the database. About
/// 8 MiB: every few hundred keystrokes, not every few dozen.
pub const CHECKPOINT_PAGES: u32 = 2_000;
/// How long a statement waits for another program's lock on the database.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a store waits for another one that has its folder open.
pub const LOCK_PATIENCE: Duration = Duration::from_millis(250);

/// How long one call of the system's keyring may take.
pub const KEYRING_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of keys.json, identity.json and of a key file.
pub const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;
/// Bytes of a settings file in a backup.
pub const SETTINGS_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes of what a backup says about itself.
pub const BACKUP_NOTE_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes of a passphrase.
pub const PASSPHRASE_BYTES_MAX: usize = 1_024;

/// Logs that the counter file of sessions holds.
pub const SESSION_LOGS_MAX: usize = 65_536;
