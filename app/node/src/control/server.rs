//! Serves a node on the socket of its data folder.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use super::{
    CONNECTIONS_MAX,
    connection::{self, Shared},
    transport::{Listener, Stream},
};
use crate::api::{NodeApi, SessionId};

/// How long requests under way may take to end when the server shuts down.
const DRAIN_TIME: Duration = Duration::from_secs(10);
/// How long to wait before accepting again when the system is short of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a node cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The socket cannot be made.
    #[error("the control socket cannot be made")]
    Bind(#[source] io::Error),
}

/// Serves until it is shut down; dropping it ends it at once.
pub struct ControlServer {
    stopping: watch::Sender<bool>,
    stop_requested: watch::Receiver<bool>,
    accepting: JoinHandle<()>,
}

impl ControlServer {
    /// Makes the socket and serves. The caller holds the lock of the data folder, so a socket that is there is a leftover.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn start(home: &Path, api: Arc<dyn NodeApi>) -> Result<Self, ServeError> {
        let listener = Listener::bind(home).map_err(ServeError::Bind)?;
        let (stopping, stopping_seen) = watch::channel(false);
        let (request_stop, stop_requested) = watch::channel(false);
        let shared = Shared { api, stopping: stopping_seen, request_stop: Arc::new(request_stop) };
        let accepting = tokio::spawn(accept(listener, shared));
        Ok(Self { stopping, stop_requested, accepting })
    }

    /// Returns when a program has asked the node to end.
    pub async fn stop_requested(&self) {
        stopping(&mut self.stop_requested.clone()).await;
    }

    /// Takes no further requests, lets those under way end for up to 10 s, and removes the socket.
    pub async fn shut_down(mut self) {
        self.stopping.send_replace(true);
        if let Err(error) = (&mut self.accepting).await {
            tracing::warn!(%error, "the control server ended badly");
        }
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(mut listener: Listener, mut shared: Shared) {
    let sessions = AtomicU64::new(1);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopping(&mut shared.stopping) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok(stream) => {
                    let session = SessionId(sessions.fetch_add(1, Ordering::Relaxed));
                    admit(stream, session, &shared, &mut connections);
                }
                Err(error) => {
                    tracing::warn!(%error, "a program could not connect to the control socket");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    // The socket goes first: whoever comes now must find no node rather than one that does not answer.
    listener.remove();
    let drained =
        tokio::time::timeout(DRAIN_TIME, async { while connections.join_next().await.is_some() {} });
    if drained.await.is_err() {
        tracing::warn!("requests on the control socket were cut off at shutdown");
    }
}

fn admit(stream: Stream, session: SessionId, shared: &Shared, connections: &mut JoinSet<()>) {
    if connections.len() >= CONNECTIONS_MAX {
        tracing::warn!("refused a program on the control socket: {CONNECTIONS_MAX} are connected");
        return;
    }
    connections.spawn(connection::serve(stream, session, shared.clone()));
}

/// Returns when the flag is set, also when whoever could set it is gone.
pub(super) async fn stopping(stopping: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is the end as well.
    let _ended = stopping.wait_for(|is_stopping| *is_stopping).await;
}
