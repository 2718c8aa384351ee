//! What is written and what is read back.

use bytes::Bytes;
use weft_crdt::{ChangeHash, ChunkId, DocumentId};
use weft_sync::{EntryId, EntryRef, Kind, LogId, WorkspaceId};

use crate::space::Space;

/// The place of an entry in the order in which this store took its entries.
///
/// Orders of one workspace only grow and are never given twice; they may skip numbers.
/// [`StoredOrder::START`] lies before every entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoredOrder(pub u64);

impl StoredOrder {
    /// Before the first entry.
    pub const START: Self = Self(0);
}

/// The place of a change in the order in which this store indexed changes.
///
/// An entry that is opened late gets a late place, so the changes after a snapshot are exactly
/// those with a greater place than the last one the snapshot holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeOrder(pub u64);

impl ChangeOrder {
    /// Before the first change.
    pub const START: Self = Self(0);
}

/// The random name of one database, made when its file is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance(pub [u8; 16]);

/// What is still to be done about an entry, as a set of flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryMarks(u8);

impl EntryMarks {
    /// Nothing to be done.
    pub const NONE: Self = Self(0);
    /// Its body was not read yet: the key is missing, or the program stopped in between.
    pub const UNOPENED: Self = Self(1);
    /// Its own signature was not checked: it came inside a run whose last signature was right.
    pub const SIGNATURE_UNCHECKED: Self = Self(2);
    /// It stands on another branch of its log than the one that counts.
    ///
    /// It is kept, because it proves that the log was forked and because what was typed in it may
    /// be wanted, but it is not part of the log: the head of the log and its
    /// [kinds](LogSummary::kinds) do not tell of it, no change of it is indexed, and other entries
    /// may stand at its place, at most one of them without the mark. The entries of a log without
    /// the mark are the branch that counts, from the first place to the head without a hole. That
    /// is the branch this store took first, until [`Write::CutBack`] takes the log back and another
    /// branch continues it. Reads return marked entries like all others.
    ///
    /// [`Write::Entry`] sets the mark and takes it away, [`Write::CutBack`] sets it;
    /// [`Write::Mark`] does neither.
    pub const FORK: Self = Self(4);

    /// The flags as a number, for storing.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The flags of a stored number; bits this program does not know are kept.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This set without the flags of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether every flag of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The kinds of entries that a log holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindSet(u32);

impl KindSet {
    /// No kind.
    pub const EMPTY: Self = Self(0);

    /// The set as a number, for storing.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The set of a stored number.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Adds a kind. Kinds from 31 on share one place.
    pub fn insert(&mut self, kind: Kind) {
        self.0 |= Self::bit(kind);
    }

    /// Whether an entry of this kind is there.
    #[must_use]
    pub fn contains(self, kind: Kind) -> bool {
        self.0 & Self::bit(kind) != 0
    }

    fn bit(kind: Kind) -> u32 {
        1 << u32::from(kind.byte()).min(31)
    }
}

/// An entry to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// The workspace it belongs to.
    pub ws: WorkspaceId,
    /// Its log, place and id. A Genesis has [`LogId::ZERO`] and seq 1.
    pub at: EntryRef,
    /// What it is for.
    pub kind: Kind,
    /// What is still to be done about it. With [`EntryMarks::FORK`] it may stand where another
    /// entry stands, or beyond the end of its log.
    pub marks: EntryMarks,
    /// The whole encoded entry, as it came.
    pub bytes: Bytes,
}

/// One step of a transaction; see [`crate::Storage::commit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Stores an entry at the end of its log. One that is here already changes nothing, unless it
    /// is stored with [`EntryMarks::FORK`], is given without it, and is exactly the next of its log:
    /// then it becomes the head of the log and loses the mark; the marks given are set beside those
    /// it has. It gets a new place in the stored order, as if it came now: its older place is empty,
    /// and a reader that goes on after any place meets the entries of a log in their order, each
    /// after what it builds upon. Its outcome says that it was not known, because its changes have
    /// to be indexed.
    Entry(NewEntry),
    /// Takes a log back to an earlier place, because another of its branches counts from there on.
    ///
    /// Every entry behind that place gets [`EntryMarks::FORK`], loses [`EntryMarks::UNOPENED`], and
    /// its changes are no longer indexed. The entry at that place is the head of the log, which is
    /// `forked` from now on, and [`Write::Entry`] continues it there. Nothing is removed but what
    /// was indexed, and no stored order changes.
    CutBack {
        /// The workspace.
        ws: WorkspaceId,
        /// The log.
        log: LogId,
        /// Its new last place: at least 1, at most the last place that it has.
        to: u64,
    },
    /// Sets and clears marks of a stored entry; [`EntryMarks::FORK`] stays as it is.
    Mark {
        /// The workspace.
        ws: WorkspaceId,
        /// The entry, stored before or earlier in this transaction.
        entry: EntryRef,
        /// Flags to set.
        set: EntryMarks,
        /// Flags to clear.
        clear: EntryMarks,
    },
    /// Notes that an item of a stored entry is a change of a document. Noted twice it stays one.
    /// Of an entry with [`EntryMarks::FORK`] nothing is noted, and the place that it is assigned is
    /// [`ChangeOrder::START`].
    Change {
        /// The workspace.
        ws: WorkspaceId,
        /// The document that the change belongs to.
        doc: DocumentId,
        /// The entry that carries it, stored before or earlier in this transaction.
        entry: EntryRef,
        /// Which item of the entry.
        item: u16,
        /// The change.
        hash: ChangeHash,
    },
    /// Writes a sealed record, or removes it.
    Record {
        /// The table it belongs to.
        space: Space,
        /// Its key in that table.
        key: Vec<u8>,
        /// Its value; none removes it.
        value: Option<Vec<u8>>,
    },
    /// Removes every record of a table.
    ClearRecords(Space),
    /// Makes every chunk that was put before this call durable, in the same transaction.
    SyncChunks,
    /// Removes a chunk from the index: its bytes are damaged, or nothing needs it.
    ForgetChunk(ChunkId),
    /// Removes all entries, changes and records of a workspace. Chunks stay.
    DropWorkspace(WorkspaceId),
}

impl Write {
    /// Notes that the body of a stored entry was read.
    #[must_use]
    pub fn opened(ws: WorkspaceId, entry: EntryRef) -> Self {
        Self::Mark { ws, entry, set: EntryMarks::NONE, clear: EntryMarks::UNOPENED }
    }

    /// Notes that the signature of a stored entry was checked.
    #[must_use]
    pub fn signature_checked(ws: WorkspaceId, entry: EntryRef) -> Self {
        Self::Mark { ws, entry, set: EntryMarks::NONE, clear: EntryMarks::SIGNATURE_UNCHECKED }
    }

    /// About how many bytes this adds to a transaction.
    pub(crate) fn weight(&self) -> usize {
        const ROW_BYTES: usize = 128;
        ROW_BYTES
            + match self {
                Self::Entry(entry) => entry.bytes.len(),
                Self::Record { key, value, .. } => key.len() + value.as_ref().map_or(0, Vec::len),
                _ => 0,
            }
    }
}

/// The key and the value of a record.
pub type RecordRow = (Vec<u8>, Vec<u8>);

/// What became of an entry in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryOutcome {
    /// Its place in the stored order.
    pub order: StoredOrder,
    /// Whether it had been stored before, and as it is now: of one that was known its changes are
    /// indexed.
    pub known: bool,
}

/// What a transaction assigned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// For each [`Write::Entry`], in the order of the writes.
    pub entries: Vec<EntryOutcome>,
    /// For each [`Write::Change`], in the order of the writes.
    pub changes: Vec<ChangeOrder>,
}

/// A stored entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its place in the stored order.
    pub order: StoredOrder,
    /// Its log, place and id.
    pub at: EntryRef,
    /// What it is for.
    pub kind: Kind,
    /// What is still to be done about it.
    pub marks: EntryMarks,
    /// The whole encoded entry.
    pub bytes: Bytes,
}

/// A stored entry without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryPlace {
    /// Its place in the stored order.
    pub order: StoredOrder,
    /// Its log, place and id.
    pub at: EntryRef,
    /// What it is for.
    pub kind: Kind,
    /// What is still to be done about it.
    pub marks: EntryMarks,
}

/// What is stored of one log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSummary {
    /// The log.
    pub log: LogId,
    /// The last place of the branch that counts; zero when only a fork is here.
    pub last_seq: u64,
    /// The entry there; zero when only a fork is here.
    pub last_id: EntryId,
    /// The kinds of the entries of the branch that counts.
    pub kinds: KindSet,
    /// How many entries are here, of all branches.
    pub entries: u64,
    /// The bytes of these.
    pub bytes: u64,
    /// Whether entries of another branch are here, or the log was taken back once.
    pub forked: bool,
    /// The order of the entry that was stored last, of all branches.
    pub last_order: StoredOrder,
}

/// Which entries a read in stored order returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryFilter {
    /// Every entry.
    All,
    /// Every entry that is not a Data entry: what membership, epochs and sessions are made of.
    WithoutData,
    /// Data entries only.
    DataOnly,
}

/// A change of a document, and where it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its place in the order of indexing.
    pub at: ChangeOrder,
    /// The stored order of the entry that carries it; read it with
    /// [`crate::Storage::entries_at`].
    pub order: StoredOrder,
    /// That entry.
    pub entry: EntryRef,
    /// Which item of it.
    pub item: u16,
    /// The change.
    pub hash: ChangeHash,
}

/// A document of which changes are indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentSummary {
    /// The document.
    pub doc: DocumentId,
    /// How many changes are indexed; a change that came in two entries counts twice.
    pub changes: u64,
    /// The place of the last one.
    pub last: ChangeOrder,
}

/// What became of a batch of chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PutReport {
    /// Chunks that were new.
    pub stored: usize,
    /// Chunks that were here already.
    pub known: usize,
    /// Bytes of the new ones.
    pub bytes: u64,
}
