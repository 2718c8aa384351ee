//! Everything that a [`Replica`](super::Replica) can ask of its shell, or tell it.

use std::sync::Arc;

use super::input::{BatchId, ChannelId, RequestId, StoredOrder, WriteId};
use crate::acl::Class;
use crate::data::{DataError, DataPlain};
use crate::entry::{Kind, Lane};
use crate::frames::{ByeCode, PeerAddress, Range};
use crate::ids::{DeviceId, EntryId, EntryRef, EpochId, LogId, SessionId, Timestamp, UserId};

/// What is to be done. Effects are carried out in the order in which they come.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Store these entries, all or none, on disk for good, then say
    /// [`Committed`](super::Input::Committed). What follows from them is held back until then.
    Append(Append),
    /// Send a frame.
    Send {
        /// On this channel.
        channel: ChannelId,
        /// Without its length.
        bytes: Vec<u8>,
    },
    /// Close a channel, after what was sent on it. Nothing more is said about it.
    Close {
        /// The channel.
        channel: ChannelId,
        /// Why.
        code: ByeCode,
    },
    /// Read entries; see [`Load`].
    Load(Load),
    /// Apply the changes of somebody else's entry (or of our own that came back to us). After
    /// a restart entries that were not marked as opened are delivered again.
    Deliver(Delivery),
    /// These entries were delivered and do not count any more: what they changed is to be taken
    /// back, unless changes that count build upon it. They are to be marked as not opened.
    Withdrawn(Vec<EntryRef>),
    /// A write is on disk, in these entries.
    Written {
        /// Which.
        write: WriteId,
        /// Where; a write with many items takes several entries.
        entries: Vec<EntryRef>,
    },
    /// A write was refused; nothing of it was stored.
    WriteRefused {
        /// Which.
        write: WriteId,
        /// Why.
        reason: WriteError,
    },
    /// A new session begins: to be remembered before the next [`Append`] is carried out.
    SessionStarted {
        /// Its name.
        session: SessionId,
    },
    /// Who is in, who may do what, or which keys are here has changed.
    MembershipChanged,
    /// The state of a device has changed.
    PeerChanged(DeviceStatus),
    /// A member told where other devices were reached.
    PeersLearned {
        /// Who told.
        from: DeviceId,
        /// What.
        peers: Vec<PeerAddress>,
    },
    /// A log was continued twice from one place. It takes no more entries.
    Forked(Fork),
    /// A log is here with a branch that does not live: it is to be taken back. What was handed on of it is to be taken out
    /// of the documents, and what builds upon that, whether it counts or not; nothing vouches for it. What was typed there
    /// is for the caller to write again.
    CutBack(CutBack),
    /// An entry of a member says nothing that can be used.
    Damaged {
        /// Which.
        entry: EntryRef,
        /// By whom.
        user: UserId,
        /// What is wrong.
        reason: DamageReason,
    },
    /// Give a [`Tick`](super::Input::Tick) at this time. Replaces the time asked for before.
    WakeAt(Timestamp),
    /// All is written and said; the replica may be dropped.
    Stopped,
}

/// Entries to be stored in one transaction.
#[derive(Clone, Debug)]
pub struct Append {
    /// To be named in [`Committed`](super::Input::Committed).
    pub batch: BatchId,
    /// In this order, which becomes the stored order.
    pub entries: Vec<StoredEntry>,
}

/// One entry to be stored.
#[derive(Clone, Debug)]
pub struct StoredEntry {
    /// Its place and name.
    pub at: EntryRef,
    /// Its kind.
    pub kind: Kind,
    /// The lane of its log.
    pub lane: Lane,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// Whether nothing will be delivered of it: all but others' Data. The rest are to be
    /// marked as opened by the transaction that stores what their delivery led to.
    pub opened: bool,
    /// For our own Data: where each of its items comes from, in their order.
    pub local: Vec<LocalItem>,
    /// Whether it is on another branch of its log than the entries that were stored without this: it may stand where
    /// another one stands.
    pub is_fork: bool,
}

/// See [`Effect::CutBack`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutBack {
    /// The log.
    pub log: LogId,
    /// The last place that stays.
    pub to: u64,
}

/// An item of our own, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalItem {
    /// The write that it came with.
    pub write: WriteId,
    /// Its place among the items of that write.
    pub index: usize,
}

/// Asks for entries that lie in `ranges` and after `after` in stored order: the first ones, in
/// stored order, until their bytes reach `bytes_max`, but at least one where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// To be named in [`Loaded`](super::Input::Loaded).
    pub request: RequestId,
    /// Only what was stored after this; zero for all.
    pub after: StoredOrder,
    /// Ascending by log, each log once.
    pub ranges: Vec<Range>,
    /// About how much.
    pub bytes_max: usize,
    /// Whether entries are meant too that were stored as ones of another branch ([`StoredEntry::is_fork`]); else they are
    /// left out, like those that a log was taken back from.
    pub branches: bool,
}

/// Changes to apply.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The entry that carries them. Their actor is [`actor_of`](crate::data::actor_of) its log.
    pub entry: EntryRef,
    /// The person who signed it.
    pub user: UserId,
    /// The device that signed it.
    pub device: DeviceId,
    /// What it says.
    pub data: DataPlain,
    /// Whether it counts. What does not is no part of any document, unless changes that count
    /// build upon it: it is to be kept at hand, and not to be marked as opened.
    pub counts: bool,
}

/// How a device of the workspace stands to this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceStatus {
    /// The device.
    pub device: DeviceId,
    /// Its person.
    pub user: UserId,
    /// What that person may do; keepers store what they cannot read.
    pub class: Class,
    /// Whether it is connected and past the membership phase.
    pub connected: bool,
    /// Whether it has said that it holds every entry of ours.
    pub has_all_mine: bool,
    /// How many of ours it has not said to hold.
    pub missing: u64,
    /// Whether it keeps to what devices may do to each other.
    pub conduct: Conduct,
}

/// Whether a device keeps to what devices may do to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conduct {
    /// As far as is known.
    #[default]
    Fair,
    /// It sends more than is taken in, and is made to wait.
    Slowed,
    /// It has done again and again what the protocol does not allow, and is not listened to for now.
    ShutOut,
}

/// Why a write was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The session has changed since the changes were encoded: encode them again for
    /// [`data_log`](super::Replica::data_log) and write again.
    #[error("the changes were made for another log")]
    StaleLog,
    /// This device may not write here (or not any more).
    #[error("this device may not write in this workspace")]
    NotAllowed,
    /// A change is over its limit.
    #[error("a change is over the limit")]
    TooLarge,
    /// More operations than fit an entry.
    #[error("there are too many membership operations in one write")]
    TooManyOperations,
    /// Too much is waiting for the disk.
    #[error("too much is waiting to be stored")]
    Busy,
    /// No epoch could be made to write under.
    #[error("no key could be made to write under")]
    NoKey,
    /// Membership does not take these operations: they name what is not here, one is over a limit,
    /// or the workspace holds as many as it may.
    #[error("the membership operations have no place in this workspace")]
    Refused,
    /// The replica is stopping.
    #[error("the node is stopping")]
    Stopping,
}

impl WriteError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::StaleLog => "the edit is kept and written again under the new session",
            Self::NotAllowed => "ask an admin of the workspace for the editor role",
            Self::TooLarge => "make the change in several smaller steps",
            Self::TooManyOperations => "split the operations into several writes",
            Self::Busy => "wait until earlier edits are stored",
            Self::Refused => "read the members of the workspace again and repeat the step",
            Self::NoKey => "connect to another member of the workspace",
            Self::Stopping => "start the node again",
        }
    }
}

/// Why nothing was delivered of an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DamageReason {
    /// It does not open with the key that it names.
    #[error("it does not open with the key of epoch {epoch}")]
    Sealed {
        /// The epoch.
        epoch: EpochId,
    },
    /// It names no epoch.
    #[error("it is not sealed")]
    NotSealed,
    /// What is inside cannot be read.
    #[error("what is inside cannot be read")]
    Data(#[source] DataError),
}

/// Two entries with one place, both rightly signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The log.
    pub log: LogId,
    /// The place.
    pub seq: u64,
    /// The entry that is stored here.
    pub ours: EntryId,
    /// The other one, whole: it is not stored.
    pub theirs: Arc<[u8]>,
}
