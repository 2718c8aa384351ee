//! The way to the node: a thread of its own, with bounded queues in both directions.
//!
//! The window never waits. It puts a [`ToLink`] into one queue and takes [`FromLink`]s out of the other; whenever there
//! is something to take, the waker is called. What needs a disk or the node happens on the other side.

mod ai;
mod changes;
mod connect;
mod documents;
mod files;
mod found;
mod looking;
mod messages;
mod models;
mod own;
mod pictures;
mod saved;
mod saving;
mod work;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use tokio::sync::mpsc;
use weft_node::api::NodeOptions;

pub use self::ai::{AiAsk, AiNews, Asking, GhostPlace, Lines};
#[cfg(feature = "measure")]
pub(crate) use self::looking::look_at;
pub use self::messages::{
    Ask, FileChange, FolderMatch, FolderQuery, FoundAll, FromLink, NameQuestion, OwnFile, PassphraseAnswer,
    Picture, Saved, ToLink,
};
pub use self::models::ModelWork;
pub(crate) use self::pictures::is_picture;
pub(crate) use self::saved::read as read_saved;
pub use self::saving::{LocalSave, NotSaved, SavedLocally};
use crate::limits::{NEWS_MAX, REQUESTS_MAX};

/// Called when there is something to take; it must not block.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Says that the thread has ended or that its queue is full. What was asked for is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Too much waits already.
    #[error("the node is slower than what is asked of it")]
    Full,
    /// The thread is gone.
    #[error("the connection to the node has ended")]
    Ended,
}

/// The window's end of the way to the node.
pub struct Link {
    requests: mpsc::Sender<ToLink>,
    news: mpsc::Receiver<FromLink>,
    /// Set when news had to be dropped.
    has_lost: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The other end of the queue of news.
#[derive(Clone)]
pub(crate) struct NewsSender {
    sender: mpsc::Sender<FromLink>,
    has_lost: Arc<AtomicBool>,
    waker: Waker,
}

impl NewsSender {
    /// Waits for room.
    pub(crate) async fn send(&self, news: FromLink) {
        // When the window is gone nobody wants it.
        let _gone = self.sender.send(news).await;
        (self.waker)();
    }

    /// Does not wait: what finds no room is dropped, and the window is told that something is missing.
    pub(crate) fn offer(&self, news: FromLink) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.sender.try_send(news) {
            self.has_lost.store(true, Ordering::Release);
        }
        (self.waker)();
    }
}

impl Link {
    /// Starts the thread. It connects to the node that runs on the data folder, or runs one itself.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(node: NodeOptions, state_file: PathBuf, waker: Waker) -> std::io::Result<Self> {
        let (requests, asked) = mpsc::channel(REQUESTS_MAX);
        let (sender, news) = mpsc::channel(NEWS_MAX);
        let has_lost = Arc::new(AtomicBool::new(false));
        let out = NewsSender { sender, has_lost: Arc::clone(&has_lost), waker };
        let thread = std::thread::Builder::new()
            .name("weft-link".to_owned())
            .spawn(move || work::run(node, state_file, asked, &out))?;
        Ok(Self { requests, news, has_lost, thread: Some(thread) })
    }

    /// Asks for something.
    ///
    /// # Errors
    /// When too much waits already, or the thread is gone.
    pub fn ask(&self, request: ToLink) -> Result<(), LinkError> {
        self.requests.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => LinkError::Full,
            mpsc::error::TrySendError::Closed(_) => LinkError::Ended,
        })
    }

    /// Takes what came first, if anything has come.
    pub fn take(&mut self) -> Option<FromLink> {
        self.news.try_recv().ok()
    }

    /// Tells, once, that news got lost: every document must be opened again.
    pub fn take_lost(&self) -> bool {
        self.has_lost.swap(false, Ordering::AcqRel)
    }

    /// Ends the thread, and the node if it runs there. What was asked for before is done first.
    pub fn end(&mut self) {
        // When the queue is full the closed queue ends the thread.
        let _full = self.requests.try_send(ToLink::End);
        self.news.close();
        let (closed, _) = mpsc::channel(1);
        self.requests = closed;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that talks to the node has panicked");
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.end();
        }
    }
}

/// The other end of a way without a thread, for tests and benchmarks.
#[cfg(any(test, feature = "measure"))]
pub(crate) struct FarEnd {
    pub(crate) asked: mpsc::Receiver<ToLink>,
    pub(crate) news: NewsSender,
}

#[cfg(any(test, feature = "measure"))]
impl Link {
    /// A way of which the caller is the other end.
    pub(crate) fn pair() -> (Self, FarEnd) {
        let (requests, asked) = mpsc::channel(REQUESTS_MAX);
        let (sender, news) = mpsc::channel(NEWS_MAX);
        let has_lost = Arc::new(AtomicBool::new(false));
        let link = Self { requests, news, has_lost: Arc::clone(&has_lost), thread: None };
        (link, FarEnd { asked, news: NewsSender { sender, has_lost, waker: Arc::new(|| {}) } })
    }
}

#[cfg(test)]
mod tests;
