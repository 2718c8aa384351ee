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
/// Bytes of the name of a model in the origin of a Data entry.
pub const MODEL_NAME_BYTES_MAX: usize = 128;

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
/// Bytes of entries that a sender packs into one frame, so that the frame stays below its limit.
pub const ENTRIES_FRAME_BYTES_MAX: usize = 768 * 1024;
/// Entries in one frame.
pub const ENTRIES_PER_FRAME_MAX: usize = 4_096;
/// Positions in one Ack, ranges in one Want, closed logs in one list.
pub const POSITIONS_PER_FRAME_MAX: usize = 8_192;
/// Digests of closed logs in one Have: one for each device and each user key.
pub const CLOSED_DIGESTS_MAX: usize = DEVICES_MAX + USERS_MAX;
/// Devices in one Peers frame.
pub const PEERS_PER_FRAME_MAX: usize = 64;
/// Addresses of one device in a Peers frame.
pub const ADDRESSES_PER_PEER_MAX: usize = 16;
