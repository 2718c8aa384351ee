//! The two ends of a request for text: where what comes back goes, and how whoever asked ends it.

use crate::request::Event;

/// Takes what comes back; called in order, from any thread, and must not block. The last event is `Done` or `Failed`.
pub type Sink = Box<dyn FnMut(Event) + Send>;

/// A request under way.
pub trait Cancel: Send + Sync {
    /// Ends it: nothing more is computed than the step under way, and what came until then stays.
    fn cancel(&self);
}
