//! Finding or opening a node.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;
use weft_node::{
    api::{
        self, ApiError, CallContext, ErrorKind, EventSink, Method, NetworkOptions, NodeApi, NodeInfo,
        NodeInfoReport, OwnNode, ProgressSink,
    },
    control::{Client, ConnectError, ControlServer},
};

use crate::{
    environment::Environment,
    streams::{Asker, Streams},
};

/// How long another command may hold the data folder before we give up.
const BUSY_TIME_MAX: Duration = Duration::from_secs(10);
/// How long interrupted work that listens for that may take to end.
const END_TIME_MAX: Duration = Duration::from_millis(250);
const BUSY_PAUSE: Duration = Duration::from_millis(40);

/// What a command needs of a node.
#[derive(Debug, Clone)]
pub(crate) enum Need {
    /// Only this device, and only for a moment.
    Device,
    /// Only this device, for longer: other commands must be able to ask meanwhile.
    DeviceForLong,
    /// Other devices.
    Network(NetworkOptions),
}

/// A node to ask: one that runs already, or one in this process.
pub(crate) struct Connection {
    api: Arc<dyn NodeApi>,
    own: Option<Own>,
    streams: Streams,
    /// True from the first signal on, so that nobody who looks later misses it.
    signalled: watch::Receiver<bool>,
}

struct Own {
    node: Arc<dyn OwnNode>,
    server: Option<ControlServer>,
}

/// Runs `work` with a node, and ends a node that was opened for it.
///
/// When the node that was asked is just ending, `work` is begun again with another.
///
/// # Errors
/// What `work` gives; when there is no node; and when the person stops it.
pub(crate) async fn with_node<T>(
    environment: &Environment,
    need: Need,
    work: impl AsyncFn(&Connection) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let deadline = Instant::now() + BUSY_TIME_MAX;
    loop {
        let connection = Connection::open(environment, &need, deadline).await?;
        let result = until_interrupted(&connection, work(&connection)).await;
        let was_own = connection.own.is_some();
        connection.close().await;
        match result {
            Err(error) if error.kind == ErrorKind::Busy && !was_own && Instant::now() < deadline => {
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            result => return result,
        }
    }
}

/// Carries work out until the person stops it. Work that listens for that itself decides how it ends.
async fn until_interrupted<T>(
    connection: &Connection,
    work: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        result = &mut work => return result,
        () = connection.interrupted() => {}
    }
    tokio::time::timeout(END_TIME_MAX, work).await.unwrap_or_else(|_| Err(stopped()))
}

impl Connection {
    async fn open(environment: &Environment, need: &Need, deadline: Instant) -> Result<Self, ApiError> {
        loop {
            let streams = Streams::default();
            if let Some(client) = Self::attach(environment, need, streams.sink()).await? {
                let (api, signalled) = (Arc::new(client), listen_for_signals());
                return Ok(Self { api, own: None, streams, signalled });
            }
            match Self::open_own(environment, need).await {
                Err(error) if error.kind == ErrorKind::Busy && Instant::now() < deadline => {
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                opened => return opened,
            }
        }
    }

    /// Connects to the running node; `None` when there is none that can do what is needed.
    async fn attach(
        environment: &Environment,
        need: &Need,
        events: EventSink,
    ) -> Result<Option<Client>, ApiError> {
        let client = match Client::connect(&environment.home, events).await {
            Ok(client) => client,
            Err(ConnectError::NotRunning) => return Ok(None),
            Err(error) => return Err(connect_error(&error)),
        };
        if let Need::Network(_) = need {
            match api::call(&client, NodeInfo {}, CallContext::default()).await {
                Ok(info) if info.online => {}
                // Another command has opened a node of its own for a while, without the network.
                Ok(_) => return Ok(None),
                Err(error) if error.kind == ErrorKind::Busy => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(client))
    }

    async fn open_own(environment: &Environment, need: &Need) -> Result<Self, ApiError> {
        let network = match need {
            Need::Network(network) => Some(network.clone()),
            Need::Device | Need::DeviceForLong => None,
        };
        let node = weft_node::open(environment.node_options(network)?).await?;
        let api: Arc<dyn NodeApi> = node.clone();
        let server = match need {
            Need::Device => None,
            Need::DeviceForLong | Need::Network(_) => {
                let started = ControlServer::start(&environment.home, Arc::clone(&api));
                match started {
                    Ok(server) => Some(server),
                    Err(error) => {
                        node.shut_down().await;
                        return Err(serve_error(&error));
                    }
                }
            }
        };
        let own = Some(Own { node, server });
        Ok(Self { api, own, streams: Streams::default(), signalled: listen_for_signals() })
    }

    /// Is it a node of this process?
    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Asks without showing progress.
    pub(crate) async fn ask<M: Method>(&self, request: M) -> Result<M::Response, ApiError> {
        self.ask_with(request, ProgressSink::none()).await
    }

    /// Asks, with progress.
    pub(crate) async fn ask_with<M: Method>(
        &self,
        request: M,
        progress: ProgressSink,
    ) -> Result<M::Response, ApiError> {
        let context = CallContext { progress, ..CallContext::default() };
        api::call(&*self.api, request, context).await
    }

    /// Asks from other tasks, and for text while it comes.
    pub(crate) fn asker(&self) -> Asker {
        Asker { api: Arc::clone(&self.api), streams: self.streams.clone() }
    }

    /// Describes the node.
    pub(crate) async fn info(&self) -> Result<NodeInfoReport, ApiError> {
        self.ask(NodeInfo {}).await
    }

    /// The process of the running node, when it is another than this one and on the network.
    pub(crate) async fn running_node(&self) -> Option<u32> {
        if self.is_own() {
            return None;
        }
        self.info().await.ok().filter(|info| info.online).map(|info| info.pid)
    }

    /// Returns when the person or a program asks this process to end.
    pub(crate) async fn interrupted(&self) {
        let server = self.own.as_ref().and_then(|own| own.server.as_ref());
        let stop_requested = async {
            match server {
                Some(server) => server.stop_requested().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop_requested => {}
            () = signalled(self.signalled.clone()) => {}
        }
    }

    async fn close(self) {
        let Some(own) = self.own else { return };
        if let Some(server) = own.server {
            server.shut_down().await;
        }
        own.node.shut_down().await;
    }
}

/// What is said when the person stops a command.
fn stopped() -> ApiError {
    ApiError::failed("stopped")
        .hint("the same command goes on where it stopped")
        .data_state("what was finished is saved; nothing is half-written")
}

/// Says why a running node cannot be asked.
pub(crate) fn connect_error(error: &ConnectError) -> ApiError {
    let mut message = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        message.push_str(&format!(": {source}"));
    }
    let api_error = ApiError::failed(message);
    match error.hint() {
        Some(hint) => api_error.hint(hint),
        None => api_error,
    }
}

fn serve_error(error: &weft_node::control::ServeError) -> ApiError {
    let source = std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    ApiError::failed(format!("{error}{source}"))
        .hint("WEFT_HOME must be a folder on a local disk that this user may write to")
}

fn listen_for_signals() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    let signal = end_signal();
    tokio::spawn(async move {
        signal.await;
        sender.send_replace(true);
        // Kept for as long as somebody looks: a sender that is gone must not be taken for a signal.
        sender.closed().await;
    });
    receiver
}

async fn signalled(mut signal: watch::Receiver<bool>) {
    if signal.wait_for(|is_signalled| *is_signalled).await.is_err() {
        std::future::pending().await
    }
}

/// Listens from the call on, not only from when it is waited for: who is told that a node is ready may end it at once.
#[cfg(unix)]
fn end_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let [interrupt, terminate, hangup] = kinds.map(signal);
    async move {
        match (interrupt, terminate, hangup) {
            (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
            }
            // Without handlers the signals end the process by themselves.
            _ => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
async fn end_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
