//! Serves one program: reads requests, runs them side by side, writes answers.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncWriteExt, WriteHalf},
    sync::{mpsc, watch},
    task::{AbortHandle, JoinError, JoinSet},
};

use super::{
    MESSAGE_BYTES_MAX, OUTGOING_MAX, REQUESTS_MAX,
    line::{LineError, LineReader},
    message::{self, Refusal, RequestId, ToNode},
    server,
    transport::Stream,
};
use crate::api::{
    ApiError, CallContext, EventSink, NodeApi, NodeStopped, ProgressSink, Request, Response, SessionId,
};

/// A program that does not read for this long is disconnected.
const WRITE_TIME_MAX: Duration = Duration::from_secs(30);

/// What all connections of a server share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) api: Arc<dyn NodeApi>,
    pub(super) stopping: watch::Receiver<bool>,
    pub(super) request_stop: Arc<watch::Sender<bool>>,
}

/// Serves until the program goes, the server stops, or a message breaks the rules.
pub(super) async fn serve(stream: Stream, session: SessionId, shared: Shared) {
    let (reader, writer) = tokio::io::split(stream);
    let (outgoing, lines) = mpsc::channel(OUTGOING_MAX);
    let writing = tokio::spawn(write_lines(writer, lines));
    let api = Arc::clone(&shared.api);
    let mut connection =
        Connection { session, shared, outgoing, tasks: JoinSet::new(), running: BTreeMap::new() };
    connection.run(LineReader::new(reader, MESSAGE_BYTES_MAX)).await;
    // Dropping the connection cancels what still runs and lets the writer end after the last line.
    drop(connection);
    api.session_closed(session);
    if let Err(error) = writing.await {
        tracing::debug!(%error, "the writer of a control connection ended badly");
    }
}

async fn write_lines(mut writer: WriteHalf<Stream>, mut lines: mpsc::Receiver<String>) {
    while let Some(line) = lines.recv().await {
        let written = tokio::time::timeout(WRITE_TIME_MAX, writer.write_all(line.as_bytes())).await;
        if !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
    // The program may be gone already, and then there is nobody to tell.
    let _gone = writer.shutdown().await;
}

struct Connection {
    session: SessionId,
    shared: Shared,
    outgoing: mpsc::Sender<String>,
    tasks: JoinSet<(RequestId, String)>,
    /// The requests under way, but for those that run in place because their order matters.
    running: BTreeMap<RequestId, AbortHandle>,
}

/// What a line asks the connection to do next.
enum Next {
    Go,
    End,
}

impl Connection {
    async fn run<R: tokio::io::AsyncRead + Unpin>(&mut self, mut reader: LineReader<R>) {
        if self.outgoing.send(message::hello_line()).await.is_err() {
            return;
        }
        let mut stopping = self.shared.stopping.clone();
        loop {
            let next = tokio::select! {
                () = server::stopping(&mut stopping) => break,
                Some(done) = self.tasks.join_next() => self.answer(done).await,
                line = reader.next() => self.take(line).await,
            };
            if matches!(next, Next::End) {
                return;
            }
        }
        while let Some(done) = self.tasks.join_next().await {
            if matches!(self.answer(done).await, Next::End) {
                return;
            }
        }
        // Everything that was begun is answered, and nothing more was read: who still waits may ask another node.
        self.send(message::goodbye_line()).await;
    }

    async fn take(&mut self, line: Result<Option<Vec<u8>>, LineError>) -> Next {
        match line {
            Ok(Some(line)) if line.iter().all(u8::is_ascii_whitespace) => Next::Go,
            Ok(Some(line)) => match message::parse_to_node(&line) {
                Ok(ToNode::Request { id, method, params }) => self.start(id, &method, params).await,
                Ok(ToNode::Cancel { id }) => self.cancel(id).await,
                Ok(ToNode::Other) => Next::Go,
                Err(refusal) => self.send(refusal.to_line()).await,
            },
            Ok(None) => Next::End,
            Err(error) => {
                if let LineError::TooLong { .. } = &error {
                    self.send(Refusal::invalid(None, error.to_string()).to_line()).await;
                }
                Next::End
            }
        }
    }

    async fn start(&mut self, id: RequestId, method: &str, params: serde_json::Value) -> Next {
        let request = match Request::decode(method, params) {
            Ok(request) => request,
            Err(error) => return self.send(Refusal::undecodable(id, &error).to_line()).await,
        };
        if self.running.contains_key(&id) {
            let why = "a request with this id is under way";
            return self.send(Refusal::invalid(Some(id), why).to_line()).await;
        }
        if self.running.len() >= REQUESTS_MAX {
            let why = format!("more than {REQUESTS_MAX} requests at a time");
            return self.send(Refusal::invalid(Some(id), why).to_line()).await;
        }
        match request {
            Request::NodeStop(_) => self.stop_node(&id).await,
            // Edits of one program must be applied in the order in which it sent them.
            Request::DocumentEdit(_)
            | Request::DocumentOpen(_)
            | Request::DocumentCursor(_)
            | Request::DocumentClose(_) => {
                let call = self.call(id, request);
                let (_, line) = call.await;
                self.send(line).await
            }
            request => {
                let call = self.call(id.clone(), request);
                self.running.insert(id, self.tasks.spawn(call));
                Next::Go
            }
        }
    }

    fn call(
        &self,
        id: RequestId,
        request: Request,
    ) -> impl Future<Output = (RequestId, String)> + Send + 'static {
        let api = Arc::clone(&self.shared.api);
        let context = self.context(&id);
        async move {
            let result = api.call(request, context).await.and_then(|response| {
                let value = response.to_value();
                value.map_err(|error| {
                    ApiError::failed(format!("the answer cannot be written as JSON: {error}"))
                })
            });
            let line = match result {
                Ok(value) => message::result_line(&id, &value),
                Err(error) => message::api_error_line(&id, &error),
            };
            (id, line)
        }
    }

    fn context(&self, id: &RequestId) -> CallContext {
        let (id, progress_out, events_out) = (id.clone(), self.outgoing.clone(), self.outgoing.clone());
        CallContext {
            session: self.session,
            progress: ProgressSink::new(move |progress| {
                // A program that reads slowly gets fewer reports, never a blocked node.
                let _dropped = progress_out.try_send(message::progress_line(&id, &progress));
            }),
            events: EventSink::new(move |event| events_out.try_send(message::event_line(&event)).is_ok()),
        }
    }

    async fn stop_node(&mut self, id: &RequestId) -> Next {
        let response = Response::NodeStop(NodeStopped { pid: std::process::id() });
        let line = match response.to_value() {
            Ok(value) => message::result_line(id, &value),
            Err(error) => message::api_error_line(id, &ApiError::failed(error.to_string())),
        };
        let next = self.send(line).await;
        self.shared.request_stop.send_replace(true);
        next
    }

    async fn cancel(&mut self, id: RequestId) -> Next {
        let Some(task) = self.running.remove(&id) else { return Next::Go };
        task.abort();
        self.send(Refusal::cancelled(id).to_line()).await
    }

    async fn answer(&mut self, done: Result<(RequestId, String), JoinError>) -> Next {
        match done {
            // A request that was cancelled while it ended has been answered already.
            Ok((id, line)) if self.running.remove(&id).is_some() => self.send(line).await,
            Err(error) if error.is_panic() => self.answer_for_crashed(error.id()).await,
            _ => Next::Go,
        }
    }

    async fn answer_for_crashed(&mut self, task: tokio::task::Id) -> Next {
        let crashed = self.running.iter().find(|(_, running)| running.id() == task);
        let Some(id) = crashed.map(|(id, _)| id.clone()) else { return Next::Go };
        self.running.remove(&id);
        let error = ApiError::failed("the node ran into a defect while it answered")
            .hint("`weft diagnostics` shows where");
        self.send(message::api_error_line(&id, &error)).await
    }

    async fn send(&self, line: String) -> Next {
        if self.outgoing.send(line).await.is_ok() { Next::Go } else { Next::End }
    }
}
