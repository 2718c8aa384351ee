//! How a node is asked.

use std::{future::Future, pin::Pin};

use super::{ApiError, EventSink, Method, ProgressSink, Request, Response};

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One asking program: a connection on the socket, or this process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// What belongs to one call besides its parameters.
#[derive(Debug, Clone, Default)]
pub struct CallContext {
    /// Who asks; open documents belong to it.
    pub session: SessionId,
    /// Where progress of this call goes.
    pub progress: ProgressSink,
    /// Where events for this session go.
    pub events: EventSink,
}

/// Something that answers requests: a node in this process, or a client of one in another.
///
/// Dropping the future of a call cancels it; what it did until then stays.
pub trait NodeApi: Send + Sync {
    /// Answers one request.
    fn call(&self, request: Request, context: CallContext) -> BoxFuture<'_, Result<Response, ApiError>>;

    /// The asking program is gone; whatever it had open may be forgotten.
    fn session_closed(&self, _session: SessionId) {}
}

/// A node that runs in this process.
pub trait OwnNode: NodeApi {
    /// Ends cleanly: takes no further requests, tells its peers, flushes the store and gives the data folder free.
    fn shut_down(&self) -> BoxFuture<'_, ()>;
}

/// Asks with types: the answer has the type that belongs to the parameters.
///
/// # Errors
/// What the node answers; and when its answer belongs to another method.
pub async fn call<M: Method>(
    api: &dyn NodeApi,
    request: M,
    context: CallContext,
) -> Result<M::Response, ApiError> {
    let response = api.call(request.into_request(), context).await?;
    let method = response.method();
    M::from_response(response).ok_or_else(|| {
        ApiError::failed(format!("the node answered {method} to a request for {}", M::NAME))
            .hint("the running node may be of another version; stop it with `weft node --stop` and try again")
    })
}
