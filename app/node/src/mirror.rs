//! The folder mirror: the only code that touches a shared folder.
//!
//! It knows paths, bytes and a table of what it has written and read; it knows
//! nothing of documents or peers. A [`Mirror`] is synchronous, driven by one thread,
//! and gets the time (milliseconds of a clock that only goes forward) as an argument.
//!
//! # Order of calls
//!
//! 1. [`Mirror::open`] with what was stored; store [`Mirror::root_identity`].
//! 2. [`Watcher::start`] with [`Mirror::read_log`], then [`Mirror::scan`]: what happens
//!    between the two is reported again by the first check.
//! 3. In a loop: events (or the time of [`CheckOutcome::retry_at_millis`]) go to
//!    [`Mirror::check`]. Each [`DiskChange`] becomes an edit; when that is in the store,
//!    [`Mirror::accept`] makes it known, before the next call of `check` or `execute`.
//! 4. What is to be written: [`Mirror::prepare`], store [`Prepared::journal`],
//!    [`Mirror::execute`]. For `Changed`, check and merge first; for `Later`, come again.
//! 5. After each of these, store [`Mirror::drain_table_changes`].
//! 6. Now and then, off the path of an edit: [`Mirror::begin_sync`], [`SyncJob::run`] on
//!    any thread, [`Mirror::finish_sync`], and drain again: the journal shrinks.
//!
//! While [`Mirror::hold`] says why, nothing goes out and nothing is written. Where the
//! folder or a disk is missing, a scan every few seconds finds out whether it is back;
//! [`Mirror::resume`] and a scan carry out what the person decides.

mod change;
mod compare;
mod displaced;
mod examine;
mod git;
mod history;
mod look;
mod os;
mod path;
mod pending;
mod preview;
mod read;
mod recover;
mod renames;
mod row;
mod rules;
mod state;
mod text_reader;
mod walk;
mod watcher;
mod write;

#[cfg(all(test, target_os = "linux"))]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests;

pub use change::{Batch, Decision, DiskChange, Evidence, Found, HoldReason, PastVersion, SaveBase, Sighting};
pub use history::ReadLog;
pub use look::{CheckOutcome, Progress, Unread};
pub use path::{PathError, RelPath, is_git_name};
pub use preview::{Preview, preview};
pub use read::{CheckedReader, FileRef, ReadError, SMALL_FILE_BYTES_MAX};
pub use renames::{NoOldContent, OldContent};
pub use row::{ContentHash, JournalEntry, Kind, MirrorRow, NodeBytes, Stamp, TableChange};
pub use rules::is_secret;
pub use rules::{IGNORE_FILES, LocalRules, SECRETS, Verdict};
pub use state::{Mirror, OpenMirrorError, RootIdentity, StoredMirror};
pub(crate) use text_reader::{ManyTexts, TextReader};
pub use walk::Skipped;
pub use watcher::{FolderEvent, Hint, WatchError, Watcher};
pub use write::{Content, Obstacle, Prepared, SyncDone, SyncJob, WriteOp, WriteOutcome};
