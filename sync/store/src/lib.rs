//! Where Weft keeps everything: entries, sealed records and file contents, and the keys to them.
//!
//! In reading order:
//! - [`storage`]: the one interface, [`Storage`], and what its callers may rely on;
//! - [`rows`] and [`space`]: what is written and what is read back;
//! - [`memory`]: [`MemoryStore`], for tests and simulations;
//! - [`sqlite`]: [`Store`], the real one: SQLite for entries, records and the index, pack files
//!   for chunks of file contents;
//! - [`commit`]: [`GroupCommitter`], which gathers what is queued into one transaction;
//! - [`store_key`] and [`keys`]: the key that seals records, and the slots that hold it;
//! - [`home`]: the folder of one device: its files, its lock, its public identity;
//! - [`session`]: whether a log may be continued;
//! - [`backup`]: everything in one file, and back;
//! - [`limits`] and [`error`].
//!
//! # Order of calls
//! ```text
//! start   Home::open, HomeLock::acquire, keys::unlock, Store::open, SessionGuard::open,
//!         GroupCommitter::start
//! first   the identity's secrets are committed as records, then Home::write_identity; when
//!         identity.json is there but the records are not, that is an error
//! write   GroupCommitter::submit, called back after COMMIT; own entries: SessionGuard::advance;
//!         only then publish
//! log     SessionGuard::check with the last place in the database, before a log is continued
//! chunks  put_chunks, flush_chunks on a thread with time, a commit with Write::SyncChunks; what
//!         names the chunks is committed with it or later
//! ```
//!
//! # Invariants
//! - Nothing that a file holds can panic this crate: it is checked, and reported as damage.
//! - Nothing readable lies in the database: entries are sealed by their authors, records by the
//!   store key. Ids, places, sizes and kinds are readable.

pub mod error;
pub mod limits;
pub mod rows;
pub mod space;
pub mod storage;

pub mod memory;

pub mod sqlite;

pub mod commit;

pub mod store_key;

pub mod backup;
pub mod home;
pub mod keys;
pub mod session;

mod files;
#[cfg(test)]
mod fuzz;
mod packs;

pub use commit::{CommitDone, GroupCommitter, SubmitError};
pub use error::{CommitError, DatabaseError, OpenError, PutChunksError, ReadError};
pub use home::{Home, HomeError, HomeLock, IdentityFileError, LockError, PublicIdentity};
pub use keys::{
    AskPassphrase, KeptAgain, KeyChoice, KeyChoiceError, KeyContext, Keyring, KeyringFault, NoKeyring,
    PassphraseRequest, SlotError, SlotFailure, SlotKind, SystemKeyring, UnlockError, Unlocked,
};
pub use memory::MemoryStore;
pub use rows::{
    ChangeOrder, ChangeRow, Committed, DocumentSummary, EntryFilter, EntryMarks, EntryOutcome, EntryPlace,
    Instance, KindSet, LogSummary, NewEntry, PutReport, RecordRow, StoredEntry, StoredOrder, Write,
};
pub use session::{CounterFolders, NewSessionReason, SessionError, SessionGuard, SessionVerdict};
pub use space::{Space, Table};
pub use sqlite::{CheckDepth, CheckReport, OpenReport, Store, StoreOptions};
pub use storage::Storage;
pub use store_key::StoreKey;
