//! The replication core of Weft: who has what, who may do what, what to send next.
//!
//! Nothing here touches a socket, a file, a thread or a clock. Everything is a value or a
//! state machine that is told the time and handed random numbers.
//!
//! In reading order:
//! - [`ids`]: the names of workspaces, logs, entries, users, devices and epochs;
//! - [`limits`]: every bound that hostile or unlucky input can run into;
//! - [`wire`]: reading what others wrote;
//! - [`entry`]: the signed, hash-chained unit that is stored and sent;
//! - [`runs`]: checking many entries of one log with one signature;
//! - [`data`]: what the entries with changes of documents say once they are opened;
//! - [`frames`]: what two devices say to each other;
//! - [`wraps`]: secrets wrapped to somebody's public key;
//! - [`certificate`], [`identity`]: which device belongs to whom, and the keys of both;
//! - [`acl`], [`seal`], [`epoch`]: membership operations, what is sealed, and how keys reach members;
//! - [`membership`], [`workspace`]: who is in and what counts, and the makers of what changes it;
//! - [`ticket`], [`invite`]: how somebody new comes in;
//! - [`replica`]: one device's part in one workspace.

pub mod ids;
pub mod limits;
pub mod wire;

pub mod data;
pub mod entry;
#[cfg(test)]
mod fuzz;
pub mod runs;

pub mod frames;

pub mod wraps;

pub mod certificate;
pub mod identity;

pub mod acl;
pub mod epoch;
pub mod seal;

pub mod membership;
pub mod workspace;

pub mod invite;
pub mod ticket;

pub mod replica;

pub use data::{DataPlain, Item, Origin};
pub use entry::{ClearBody, Entry, EntryError, Header, Kind, Lane, Open, Signer};
pub use ids::{
    BodyHash, DeviceId, EndpointId, EntryId, EntryRef, EpochId, LogId, PublicKey, SessionId, SignerId,
    Timestamp, UserId, WallMillis, WorkspaceId,
};
