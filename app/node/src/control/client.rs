//! Asks the node behind a control socket.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncWriteExt, ReadHalf, WriteHalf},
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use super::{
    MESSAGE_BYTES_MAX, OUTGOING_MAX,
    line::{LineError, LineReader},
    message::{self, FromNode, PROTOCOL_VERSION, RequestId},
    transport::{self, DialError, Stream},
};
use crate::api::{ApiError, BoxFuture, CallContext, EventSink, NodeApi, ProgressSink, Request, Response};

/// How long a node may take to greet.
const GREETING_TIME_MAX: Duration = Duration::from_secs(5);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nobody serves this data folder.
    #[error("no node is running")]
    NotRunning,
    /// The socket belongs to another user.
    #[error("the control socket belongs to another user")]
    Foreign,
    /// The node accepts but says nothing, or says something else than a node does.
    #[error("the running node does not greet")]
    NoGreeting,
    /// The running node is of a version that this program does not understand.
    #[error(
        "the running node speaks version {theirs} of the control protocol, this program {PROTOCOL_VERSION}"
    )]
    Version {
        /// The node's version of the protocol.
        theirs: u32,
    },
    /// The socket cannot be used.
    #[error("the control socket cannot be used")]
    Io(#[source] io::Error),
}

impl ConnectError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotRunning => Some("`weft node` starts one"),
            Self::Foreign => Some("check WEFT_HOME: it should name a folder of your own"),
            Self::NoGreeting => {
                Some("end the process that holds the data folder, then start `weft node` again")
            }
            Self::Version { .. } => Some("end the running node and start it again with this version of weft"),
            Self::Io(_) => Some("check WEFT_HOME: it must be a folder of yours that nobody else can enter"),
        }
    }
}

impl From<DialError> for ConnectError {
    fn from(error: DialError) -> Self {
        match error {
            DialError::NotRunning => Self::NotRunning,
            #[cfg(unix)]
            DialError::Foreign => Self::Foreign,
            DialError::Io(error) => Self::Io(error),
        }
    }
}

/// A connection to a running node.
pub struct Client {
    outgoing: mpsc::Sender<String>,
    waiting: Arc<Mutex<Waiting>>,
    reading: JoinHandle<()>,
}

impl Client {
    /// Connects to the node of a data folder; `events` gets what it tells without being asked.
    ///
    /// # Errors
    /// When none runs, or it does not greet as a node of this version does.
    pub async fn connect(home: &Path, events: EventSink) -> Result<Self, ConnectError> {
        let stream = transport::dial(home).await?;
        let (reader, writer) = tokio::io::split(stream);
        let mut reader = LineReader::new(reader, MESSAGE_BYTES_MAX);
        greeting(&mut reader).await?;
        let (outgoing, lines) = mpsc::channel(OUTGOING_MAX);
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        tokio::spawn(write_lines(writer, lines));
        let reading = tokio::spawn(read_lines(reader, Arc::clone(&waiting), events));
        Ok(Self { outgoing, waiting, reading })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, request: Request, progress: ProgressSink) -> Result<Response, ApiError> {
        let method = request.method();
        let params = request
            .params()
            .map_err(|error| ApiError::usage(format!("the request cannot be written as JSON: {error}")))?;
        let (answer, answered) = oneshot::channel();
        let id = self.lock().add(Pending { answer, progress })?;
        let cancel = CancelOnDrop { client: self, id };
        let line = message::request_line(id, method, &params);
        if line.len() > MESSAGE_BYTES_MAX {
            return Err(ApiError::usage("the request is longer than 16 MiB"));
        }
        if self.outgoing.send(line).await.is_err() {
            return Err(lost());
        }
        let result = answered.await.unwrap_or_else(|_| Err(lost()));
        drop(cancel);
        Response::decode(method, result?).map_err(|error| {
            ApiError::failed(format!("the node's answer is not understood: {error}"))
                .hint("the running node may be of another version; stop it with `weft node --stop`")
        })
    }
}

impl NodeApi for Client {
    fn call(&self, request: Request, context: CallContext) -> BoxFuture<'_, Result<Response, ApiError>> {
        Box::pin(self.ask(request, context.progress))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Tells the node that nobody waits any more.
struct CancelOnDrop<'a> {
    client: &'a Client,
    id: u64,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if self.client.lock().take(self.id).is_some() {
            // When the queue is full the connection is about to end, and that cancels as well.
            let _full = self.client.outgoing.try_send(message::cancel_line(self.id));
        }
    }
}

struct Pending {
    answer: oneshot::Sender<Result<Value, ApiError>>,
    progress: ProgressSink,
}

/// The requests that are not answered yet, and whether the connection still stands.
#[derive(Default)]
struct Waiting {
    last_id: u64,
    pending: BTreeMap<u64, Pending>,
    end: Option<ApiError>,
}

impl Waiting {
    fn add(&mut self, pending: Pending) -> Result<u64, ApiError> {
        if let Some(end) = &self.end {
            return Err(end.clone());
        }
        self.last_id += 1;
        self.pending.insert(self.last_id, pending);
        Ok(self.last_id)
    }

    fn take(&mut self, id: u64) -> Option<Pending> {
        self.pending.remove(&id)
    }

    fn end(&mut self, error: &ApiError) {
        if self.end.is_none() {
            self.end = Some(error.clone());
        }
        for (_, pending) in std::mem::take(&mut self.pending) {
            // Who dropped the request does not wait for its end.
            let _dropped = pending.answer.send(Err(error.clone()));
        }
    }
}

async fn greeting(reader: &mut LineReader<ReadHalf<Stream>>) -> Result<(), ConnectError> {
    let line = tokio::time::timeout(GREETING_TIME_MAX, reader.next()).await;
    let line = match line {
        Ok(Ok(Some(line))) => line,
        // It closed before it greeted: a node that is ending or was killed.
        Ok(Ok(None) | Err(LineError::Io(_))) => return Err(ConnectError::NotRunning),
        _ => return Err(ConnectError::NoGreeting),
    };
    match message::parse_from_node(&line) {
        Ok(FromNode::Hello(hello)) if hello.name != "weft" => Err(ConnectError::NoGreeting),
        Ok(FromNode::Hello(hello)) if hello.protocol != PROTOCOL_VERSION => {
            Err(ConnectError::Version { theirs: hello.protocol })
        }
        Ok(FromNode::Hello(_)) => Ok(()),
        _ => Err(ConnectError::NoGreeting),
    }
}

async fn write_lines(mut writer: WriteHalf<Stream>, mut lines: mpsc::Receiver<String>) {
    while let Some(line) = lines.recv().await {
        if writer.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read_lines(
    mut reader: LineReader<ReadHalf<Stream>>,
    waiting: Arc<Mutex<Waiting>>,
    events: EventSink,
) {
    let lock = || waiting.lock().unwrap_or_else(PoisonError::into_inner);
    while let Ok(Some(line)) = reader.next().await {
        match message::parse_from_node(&line) {
            Ok(FromNode::Goodbye) => lock().end(&ended()),
            Ok(FromNode::Progress { id, progress }) => {
                let sink = number(&id)
                    .and_then(|id| lock().pending.get(&id).map(|pending| pending.progress.clone()));
                if let Some(sink) = sink {
                    sink.report(progress);
                }
            }
            Ok(FromNode::Result { id, result }) => settle(&mut lock(), &id, Ok(result)),
            Ok(FromNode::Error { id: Some(id), error }) => settle(&mut lock(), &id, Err(error)),
            Ok(FromNode::Error { id: None, error }) => lock().end(&error),
            Ok(FromNode::Event(event)) => {
                let _forgotten = events.send(event);
            }
            Ok(FromNode::Hello(_) | FromNode::Other) => {}
            Err(error) => {
                tracing::warn!(%error, "the node sent what is no message");
                break;
            }
        }
    }
    lock().end(&lost());
}

fn settle(waiting: &mut Waiting, id: &RequestId, result: Result<Value, ApiError>) {
    if let Some(pending) = number(id).and_then(|id| waiting.take(id)) {
        // Who dropped the request does not wait for its answer.
        let _dropped = pending.answer.send(result);
    }
}

fn number(id: &RequestId) -> Option<u64> {
    match id {
        RequestId::Number(number) => u64::try_from(*number).ok(),
        RequestId::Text(_) => None,
    }
}

fn lost() -> ApiError {
    ApiError::failed("the node ended before it answered")
        .hint("`weft status` shows what was done; `weft diagnostics` shows why it ended")
        .data_state("what was saved before is safe; whether this request was carried out is not known")
}

fn ended() -> ApiError {
    ApiError::busy("the node is ending").hint("try again in a moment")
}
