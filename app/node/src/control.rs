//! The control socket: JSON-RPC 2.0, one object per line, for programs of the same person on this machine.
//!
//! - [`ControlServer`] serves any [`crate::api::NodeApi`] on the socket of a data folder;
//! - [`Client`] is a [`crate::api::NodeApi`] that asks the node behind that socket;
//! - `message` holds what goes over the line, `line` cuts the stream into lines under a limit, `transport` knows sockets
//!   and pipes, `connection` serves one asking program.
//!
//! Only the same user may connect: the socket lies in a folder with mode 0700, has mode 0600, and the kernel is asked who
//! is at the other end, by the server and by the client.

mod client;
mod connection;
mod line;
pub(crate) mod message;
mod server;
mod transport;

pub use self::{
    client::{Client, ConnectError},
    message::PROTOCOL_VERSION,
    server::{ControlServer, ServeError},
};

/// The longest message, in bytes; a longer one ends the connection.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The most programs that may be connected at a time.
pub const CONNECTIONS_MAX: usize = 64;
/// The most requests of one connection that may be under way at a time.
pub const REQUESTS_MAX: usize = 64;
/// The most messages that may wait to be read by one program; progress beyond it is dropped, answers wait.
pub const OUTGOING_MAX: usize = 256;

#[cfg(test)]
mod tests;
