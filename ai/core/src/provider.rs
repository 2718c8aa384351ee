//! The two ends of a request for text: who makes it and where it goes, and how whoever asked ends it.

use crate::request::{Embed, Embedding, Event, Failure, Generate};

/// Takes what comes back; called in order, from any thread, and must not block. The last event is `Done` or `Failed`.
pub type Sink = Box<dyn FnMut(Event) + Send>;

/// Takes the vectors, once, from any thread; must not block.
pub type EmbedSink = Box<dyn FnOnce(Result<Vec<Embedding>, Failure>) + Send>;

/// Whoever makes text: a process on this device, or a server. A peer of the workspace will be a third kind.
///
/// A request returns at once and is answered through its sink, also when it fails. Whoever drops the [`Cancel`] without
/// calling it leaves the request running.
pub trait Provider: Send + Sync {
    /// Asks for text. The sink gets everything, at last `Done` or `Failed`.
    #[must_use]
    fn generate(&self, request: Generate, sink: Sink) -> Box<dyn Cancel>;

    /// Asks for embeddings.
    #[must_use]
    fn embed(&self, request: Embed, sink: EmbedSink) -> Box<dyn Cancel>;
}

/// A request under way.
pub trait Cancel: Send + Sync {
    /// Ends it: nothing more is computed than the step under way, and what came until then stays.
    fn cancel(&self);
}
