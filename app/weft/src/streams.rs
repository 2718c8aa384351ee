//! Text of models while it comes: from the node's events to whoever asked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use weft_node::api::{
    self, AiAnswer, ApiError, CallContext, Event, EventSink, Method, NodeApi, ProgressSink,
};

/// Takes a piece of text; must not block. `false` when it wants no more.
type Listener = Box<dyn FnMut(&str) -> bool + Send>;

#[derive(Default)]
struct Inner {
    last: u64,
    /// The listener of each stream, and the bytes that it was told.
    listeners: BTreeMap<String, (Listener, usize)>,
}

/// The streams of one connection.
#[derive(Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<Inner>>);

impl Streams {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the node's events go.
    pub(crate) fn sink(&self) -> EventSink {
        let streams = self.clone();
        EventSink::new(move |event| {
            let Event::AiText(more) = event else { return true };
            let mut inner = streams.lock();
            let Some((listener, told)) = inner.listeners.get_mut(&more.stream) else { return false };
            let is_taken = listener(&more.text);
            *told += if is_taken { more.text.len() } else { 0 };
            is_taken
        })
    }

    fn open(&self, listener: Listener) -> String {
        let mut inner = self.lock();
        inner.last += 1;
        let name = inner.last.to_string();
        inner.listeners.insert(name.clone(), (listener, 0));
        name
    }

    fn close(&self, name: &str) -> Option<(Listener, usize)> {
        self.lock().listeners.remove(name)
    }
}

/// Asks a node, from any task.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) api: Arc<dyn NodeApi>,
    pub(crate) streams: Streams,
}

impl Asker {
    /// Asks.
    pub(crate) async fn ask<M: Method>(&self, request: M) -> Result<M::Response, ApiError> {
        let context = CallContext { events: self.streams.sink(), ..CallContext::default() };
        api::call(&*self.api, request, context).await
    }

    /// Asks for a model's text, which `listener` is told while it comes: all of it, in order, once.
    pub(crate) async fn ask_streaming<M: Method<Response = AiAnswer>>(
        &self,
        request: impl FnOnce(String) -> M,
        progress: ProgressSink,
        listener: impl FnMut(&str) -> bool + Send + 'static,
    ) -> Result<AiAnswer, ApiError> {
        let open = OpenStream { streams: &self.streams, name: self.streams.open(Box::new(listener)) };
        let context = CallContext { events: self.streams.sink(), progress, ..CallContext::default() };
        let answer = api::call(&*self.api, request(open.name.clone()), context).await?;
        // What was too fast for the listener, or for the connection, is in the answer.
        if let Some((mut listener, told)) = self.streams.close(&open.name)
            && let Some(rest) = answer.text.get(told..).filter(|rest| !rest.is_empty())
        {
            listener(rest);
        }
        Ok(answer)
    }
}

/// A stream that is closed also when nobody waits any more.
struct OpenStream<'ask> {
    streams: &'ask Streams,
    name: String,
}

impl Drop for OpenStream<'_> {
    fn drop(&mut self) {
        self.streams.close(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_node::api::AiText;

    #[test]
    fn text_goes_to_whoever_asked_for_it() {
        let (streams, heard) = (Streams::default(), Arc::new(Mutex::new(String::new())));
        let hearing = Arc::clone(&heard);
        let name = streams.open(Box::new(move |text| {
            hearing.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
            true
        }));
        let say = |stream: &str, text: &str| {
            streams.sink().send(Event::AiText(AiText { stream: stream.to_owned(), text: text.to_owned() }))
        };
        assert!(say(&name, "a") && !say("other", "x") && say(&name, "b"));
        assert_eq!(streams.close(&name).map(|(_, told)| told), Some(2));
        assert!(!say(&name, "c"));
        assert_eq!(*heard.lock().unwrap_or_else(PoisonError::into_inner), "ab");
    }
}
