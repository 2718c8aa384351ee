//! Every bound of the protocol in one place.
//!
//! Each of these is checked before anything is allocated for what it bounds.

// Entries.

/// The format version that this program writes.
pub const ENTRY_VERSION: u8 = 1;
/// Bytes of a sealed (or clear) body.
pub const ENTRY_BODY_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a header: its fixed part, the longest sequence number and all acl heads.
pub const ENTRY_HEADER_BYTES_MAX: usize = 1 + 32 + 32 + 10 + 32 + 1 + 1 + 8 * 32 + 17 + 5 + 32;
/// Bytes of a whole entry.
pub const ENTRY_BYTES_MAX: usize = ENTRY_HEADER_BYTES_MAX + 64 + ENTRY_BODY_BYTES_MAX;
/// Control-lane heads that one entry names.
pub const ACL_HEADS_MAX: usize = 8;
/// Earlier logs that one Open names.
pub const PREV_LOGS_MAX: usize = 8;
/// Bytes of the program version in an Open.
pub const APP_VERSION_BYTES_MAX: usize = 64;
/// Positions in one Frontier entry.
pub const FRONTIER_POSITIONS_MAX: usize = 2_048;

// Data.

/// Items in one Data entry.
pub const DATA_ITEMS_MAX: usize = 64;
/// Bytes of one encoded change, as it was made.
pub const CHANGE_BYTES_MAX: usize = 192 * 1024;
/// Bytes that an item may declare to unpack to.
pub const ITEM_RAW_BYTES_MAX: usize = 1024 * 1024;
/// Bytes that all items of one entry together may unpack to.
pub const ENTRY_RAW_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of the body of a Data entry before it is sealed: what still fits a body when it is
/// padded, whose steps are 4 KiB at this size.
pub const DATA_PLAIN_BYTES_MAX: usize = 252 * 1024 - 16;
/// Bytes of the name of a model or a branch in the origin of a Data entry.
pub const ORIGIN_NAME_BYTES_MAX: usize = 128;

// Membership.

/// Operations in one Acl entry.
pub const ACL_OPERATIONS_PER_ENTRY_MAX: usize = 32;
/// Positions that one removal names as its cut.
pub const SEEN_POSITIONS_MAX: usize = 2_048;
/// Bytes of the key of a policy.
pub const POLICY_KEY_BYTES_MAX: usize = 64;
/// Bytes of the value of a policy.
pub const POLICY_VALUE_BYTES_MAX: usize = 4 * 1024;
/// Bytes of the name of a person, a device or a workspace.
pub const LABEL_BYTES_MAX: usize = 255;
/// Bytes of a sealed label: two names, padded and sealed.
pub const SEALED_LABEL_BYTES_MAX: usize = 1024;
/// Bytes of the wraps of one Epoch: about a hundred for each device and person.
pub const EPOCH_WRAPS_BYTES_MAX: usize = 192 * 1024;
/// Bytes of the sealed chain of one Epoch.
pub const EPOCH_CHAIN_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a ticket before it becomes letters.
pub const TICKET_BYTES_MAX: usize = 1024;
/// Addresses in a ticket.
pub const TICKET_ADDRESSES_MAX: usize = 12;
/// Bytes of the relay's URL in a ticket.
pub const TICKET_RELAY_BYTES_MAX: usize = 255;
/// Bytes of the inviter's name in a ticket.
pub const TICKET_NAME_BYTES_MAX: usize = 64;
/// Invitations that one device keeps open.
pub const INVITATIONS_MAX: usize = 256;
/// Newcomers that one invitation may let in.
pub const INVITATION_USES_MAX: u32 = 100;
/// How long an invitation may hold.
pub const INVITATION_MILLIS_MAX: i64 = 7 * 24 * 60 * 60 * 1000;
/// Bytes of entries that an inviter sends in one frame.
pub const WELCOME_FRAME_BYTES: usize = 512 * 1024;
/// Bytes of entries that a newcomer takes from an inviter.
pub const WELCOME_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Workspaces that a device is told of when it is linked to a person.
pub const LINK_WORKSPACES_MAX: usize = 256;
/// Links of one certificate chain.
pub const CHAIN_LINKS_MAX: usize = 8;
/// Keys of earlier epochs that one Epoch carries.
pub const EPOCH_CHAIN_MAX: usize = 64;
/// Users of a workspace.
pub const USERS_MAX: usize = 256;
/// Devices of a workspace.
pub const DEVICES_MAX: usize = 1_024;
/// Logs without a Close in a workspace.
pub const OPEN_LOGS_MAX: usize = 4_096;
/// Membership operations in a workspace.
pub const ACL_OPERATIONS_MAX: usize = 100_000;
/// Devices of one user below admin, taken unasked.
pub const DEVICES_PER_USER_MAX: usize = 64;
/// Open logs of one user below admin, taken unasked.
pub const OPEN_LOGS_PER_USER_MAX: usize = 64;
/// Membership operations of one user below admin, taken unasked.
pub const ACL_OPERATIONS_PER_USER_MAX: usize = 2_000;

// Connections.

/// Bytes of one frame on the wire, without its length.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of entries after which a sender begins another frame. One entry may be larger.
pub const ENTRIES_FRAME_BYTES: usize = 256 * 1024;
/// Entries in one frame.
pub const ENTRIES_PER_FRAME_MAX: usize = 4_096;
/// Positions in one Ack, ranges in one Want, closed logs in one list.
pub const POSITIONS_PER_FRAME_MAX: usize = 8_192;
/// Devices and user keys that have ever written to a workspace, removed ones included; and so
/// the digests of closed logs in one Have.
pub const SIGNERS_MAX: usize = 8_192;
/// Devices in one Peers frame.
pub const PEERS_PER_FRAME_MAX: usize = 64;
/// Addresses of one device in a Peers frame.
pub const ADDRESSES_PER_PEER_MAX: usize = 16;

// Replication.

/// Entries that wait in memory for control-lane entries that they name.
pub const PENDING_ENTRIES_MAX: usize = 1_000;
/// Bytes of the entries that wait so.
pub const PENDING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of entries on their way to one peer that it has not taken in yet.
pub const SEND_WINDOW_BYTES: u64 = 4 * 1024 * 1024;
/// Bytes that are read from the store at a time to be sent or delivered.
pub const LOAD_BYTES: usize = 1024 * 1024;
/// Bytes of one transaction; a larger gathering is stored in several.
pub const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Entries of one transaction.
pub const BATCH_ENTRIES_MAX: usize = 4_096;
/// Bytes of local changes that wait for the disk; more are refused until it has caught up.
pub const WRITES_QUEUED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Positions that a peer may claim on one channel.
pub const CLAIMS_PER_CHANNEL_MAX: usize = 262_144;
/// Frames of the data phase that are kept while ours is about to begin.
pub const EARLY_FRAMES_MAX: usize = 64;
/// Stored entries that are read at a time to compare them with a repeated one.
pub const COMPARISONS_MAX: usize = 16;
/// Places at which one log may be continued twice before nothing of it lives from there on.
pub const FORKS_PER_LOG_MAX: usize = 4;
/// Bytes of a forked log of the control lane that are sent to a peer at a time; the next connection goes on.
pub const BRANCHES_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Entries of one device a second that are taken in as they come, beyond what was listed when a
/// connection began; what is above is read at this rate.
pub const QUOTA_ENTRIES_PER_SECOND: u64 = 100;
/// Entries of one device that may come at once before that.
pub const QUOTA_ENTRIES_BURST: u64 = 1_000;
/// Bytes of entries of one device in [`QUOTA_BYTES_MILLIS`], likewise.
pub const QUOTA_BYTES: u64 = 64 * 1024 * 1024;
/// See [`QUOTA_BYTES`].
pub const QUOTA_BYTES_MILLIS: u64 = 24 * 60 * 60 * 1_000;
/// Bytes of its own beyond the quota that a device can have on their way when it waits as it is told
/// to: a window, a transaction that was sent as it was stored, and some room.
pub const QUOTA_DEBT_BYTES: u64 = SEND_WINDOW_BYTES + BATCH_BYTES_MAX as u64 + 2 * 1024 * 1024;
/// Entries, likewise: the smallest ones that fill a window, and a transaction.
pub const QUOTA_DEBT_ENTRIES: u64 = 16_384;
/// Logs of which nothing is here and that Frontiers name, as far as they are remembered.
pub const UNKNOWN_LOGS_MAX: usize = 1_024;

/// Milliseconds for the Hello.
pub const HELLO_MILLIS: u64 = 5_000;
/// Milliseconds for the membership phase without progress.
pub const ACL_PHASE_MILLIS: u64 = 5_000;
/// Control-lane entries taken from a stranger on one connection.
pub const STRANGER_ENTRIES_MAX: usize = 1_000;
/// Bytes of control-lane entries taken from a stranger on one connection.
pub const STRANGER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Strangers that are listened to at once.
pub const STRANGERS_MAX: usize = 3;
/// Strangers that are listened to in a minute.
pub const STRANGERS_PER_MINUTE_MAX: usize = 10;
/// Offences within [`STRIKES_MILLIS`] after which an endpoint is not listened to.
pub const STRIKES_MAX: usize = 20;
/// See [`STRIKES_MAX`].
pub const STRIKES_MILLIS: u64 = 10 * 60 * 1_000;
/// For how long it is not listened to.
pub const BAN_MILLIS: u64 = 60 * 60 * 1_000;
/// Endpoints whose offences are remembered.
pub const STRIKE_ENDPOINTS_MAX: usize = 1_024;

/// Milliseconds after which those are told of a new entry whom nothing else waits for.
pub const ACK_MILLIS: u64 = 250;
/// Bytes taken in after which that is said at once.
pub const TAKEN_BYTES_STEP: u64 = 512 * 1024;
/// Milliseconds after which an entry that others hold is asked for elsewhere, when the peer it
/// was asked of does not have it.
pub const LACK_MILLIS: u64 = 300;
/// The same when the peer has it, but has sent nothing.
pub const STALL_MILLIS: u64 = 10_000;
/// Entries received after which a Frontier is due.
pub const FRONTIER_ENTRIES: u64 = 256;
/// Milliseconds from meeting an entry without its key to asking for the key.
pub const KEY_REQUEST_MILLIS: u64 = 2_000;
/// The longest time between two requests for one key.
pub const KEY_REQUEST_MILLIS_MAX: u64 = 10 * 60 * 1_000;
/// Answers to a request for a key are spread over this time, so that one does it for all.
pub const REWRAP_SPREAD_MILLIS: u64 = 1_500;
/// New sessions that one device can make us begin by claiming more of our log than is here.
pub const ALARMS_PER_DEVICE_MAX: u8 = 3;
