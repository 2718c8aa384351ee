//! Finding a node, or running one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use weft_node::{
    api::{
        self, ApiError, CallContext, ErrorKind, Event, EventSink, Method, NodeApi, NodeInfo, NodeOptions,
        OwnNode, Progress, ProgressSink, SessionId,
    },
    control::{Client, ConnectError, ControlServer},
};

use super::{AiNews, FromLink, NewsSender, found};
use crate::limits::BUSY_PATIENCE;

const PAUSE: Duration = Duration::from_millis(50);
/// The window's own session at a node of this process; sessions of the socket count from below.
const OWN_SESSION: SessionId = SessionId(u64::MAX);

/// A node to ask.
#[derive(Clone)]
pub(super) struct Connection {
    api: Arc<dyn NodeApi>,
    own: Option<Arc<dyn OwnNode>>,
    events: EventSink,
    news: NewsSender,
}

/// The socket of a node of this process.
pub(super) struct Served(Option<ControlServer>);

impl Connection {
    /// Connects to the node that runs, or runs one.
    pub(super) async fn open(options: &NodeOptions, news: &NewsSender) -> Result<(Self, Served), ApiError> {
        let deadline = Instant::now() + BUSY_PATIENCE;
        loop {
            let attempt = match Self::attach(options, news).await? {
                Some(connection) => Ok((connection, Served(None))),
                None => Self::run_own(options, news).await,
            };
            match attempt {
                Err(error) if error.kind == ErrorKind::Busy && Instant::now() < deadline => {
                    tokio::time::sleep(PAUSE).await;
                }
                attempt => return attempt,
            }
        }
    }

    /// The running node, when it is on the network: one that only serves a command ends in a moment.
    async fn attach(options: &NodeOptions, news: &NewsSender) -> Result<Option<Self>, ApiError> {
        let events = events_to(news);
        let client = match Client::connect(&options.home, events.clone()).await {
            Ok(client) => client,
            Err(ConnectError::NotRunning) => return Ok(None),
            Err(error) => {
                let hint = error.hint().unwrap_or("close the other program and start Weft again");
                return Err(ApiError::failed(error.to_string()).hint(hint));
            }
        };
        match api::call(&client, NodeInfo {}, CallContext::default()).await {
            Ok(info) if info.online || options.network.is_none() => {}
            Ok(_) => return Ok(None),
            Err(error) if error.kind == ErrorKind::Busy => return Ok(None),
            Err(error) => return Err(error),
        }
        Ok(Some(Self { api: Arc::new(client), own: None, events, news: news.clone() }))
    }

    async fn run_own(options: &NodeOptions, news: &NewsSender) -> Result<(Self, Served), ApiError> {
        let node = weft_node::open(options.clone()).await?;
        let api: Arc<dyn NodeApi> = node.clone();
        let server = match ControlServer::start(&options.home, Arc::clone(&api)) {
            Ok(server) => server,
            Err(error) => {
                node.shut_down().await;
                return Err(ApiError::failed(error.to_string())
                    .hint("WEFT_HOME must be a folder on a local disk that this user may write to"));
            }
        };
        let own: Arc<dyn OwnNode> = node;
        let connection = Self { api, own: Some(own), events: events_to(news), news: news.clone() };
        Ok((connection, Served(Some(server))))
    }

    /// Whether the node runs in this process.
    pub(super) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Asks.
    pub(super) async fn ask<M: Method>(&self, request: M) -> Result<M::Response, ApiError> {
        self.ask_telling(request, FromLink::Progress).await
    }

    /// Asks, and tells how far it is in a way of its own.
    pub(super) async fn ask_telling<M: Method>(
        &self,
        request: M,
        told: impl Fn(Progress) -> FromLink + Send + Sync + 'static,
    ) -> Result<M::Response, ApiError> {
        let news = self.news.clone();
        let progress = ProgressSink::new(move |progress| news.offer(told(progress)));
        let context = CallContext { session: OWN_SESSION, progress, events: self.events.clone() };
        api::call(&*self.api, request, context).await
    }

    /// Tells whether the node still answers.
    pub(super) async fn is_alive(&self) -> bool {
        self.ask(NodeInfo {}).await.is_ok()
    }

    /// Ends a node of this process.
    pub(super) async fn close(self, served: Served) {
        if let Some(server) = served.0 {
            server.shut_down().await;
        }
        if let Some(own) = self.own {
            own.session_closed(OWN_SESSION);
            own.shut_down().await;
        }
    }
}

impl Served {
    /// Returns when another program asks the node of this process to end; never when there is none.
    pub(super) async fn stop_requested(&self) {
        match &self.0 {
            Some(server) => server.stop_requested().await,
            None => std::future::pending().await,
        }
    }
}

fn events_to(news: &NewsSender) -> EventSink {
    let news = news.clone();
    EventSink::new(move |event| {
        news.offer(match event {
            Event::DocumentChanged(changed) => FromLink::Changed(changed),
            Event::DocumentCursors(cursors) => FromLink::Cursors(cursors),
            Event::Presence(presence) => FromLink::Presence(presence),
            Event::SearchFound(found) => match found::so_far(&found) {
                Some(news) => news,
                None => return true,
            },
            Event::AiText(more) => match more.stream.parse() {
                Ok(number) => FromLink::Ai { number, news: AiNews::Text(more.text) },
                // Of no question of this window.
                Err(_) => return true,
            },
        });
        // What found no room is noted, and the documents are opened again.
        true
    })
}
