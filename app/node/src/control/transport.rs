//! Sockets and pipes: how programs on one machine find the node of a data folder.

use std::{io, path::Path};

use tokio::io::{AsyncRead, AsyncWrite};

#[cfg(unix)]
#[path = "transport/unix.rs"]
mod system;
#[cfg(windows)]
#[path = "transport/windows.rs"]
mod system;

pub(super) use self::system::Listener;

/// A connection in both directions.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection whose other end is a process of the same user.
pub(super) type Stream = Box<dyn Duplex>;

/// Why there is no connection to a node.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error("no node is running")]
    NotRunning,
    #[error("the socket belongs to another user")]
    #[cfg(unix)]
    Foreign,
    #[error("the socket cannot be used")]
    Io(#[from] io::Error),
}

/// Connects to the node of a data folder.
pub(super) async fn dial(home: &Path) -> Result<Stream, DialError> {
    system::dial(home).await
}
