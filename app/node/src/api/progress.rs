//! Progress of long work.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

/// The least time between two reports of one stage; the first and the last of a stage always pass.
const REPORT_EVERY: Duration = Duration::from_millis(100);

/// What the work is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Finding the files of a folder.
    Scan,
    /// Reading files into the store.
    Import,
    /// Waiting for somebody to answer or to confirm.
    Wait,
    /// Receiving entries and file contents.
    Receive,
    /// Writing files.
    Write,
    /// Sending what others lack.
    Send,
    /// Reading files into the index.
    Index,
}

/// One report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What the work is at.
    pub what: Stage,
    /// How many items are done.
    pub done: u64,
    /// Of how many, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// How many bytes are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// A few words for people, such as whom we wait for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Progress {
    /// Makes a report of a stage with nothing done yet.
    #[must_use]
    pub const fn new(what: Stage) -> Self {
        Self { what, done: 0, total: None, bytes: None, detail: None }
    }

    fn is_last(&self) -> bool {
        self.total == Some(self.done)
    }
}

type Receiver = dyn Fn(Progress) + Send + Sync;

/// Where reports go. Cheap to clone; reports that say nothing new or come too fast are dropped, so the work may report every
/// item.
#[derive(Clone, Default)]
pub struct ProgressSink {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    receiver: Box<Receiver>,
    last: Mutex<Option<(Progress, Instant)>>,
}

impl ProgressSink {
    /// Makes a sink that calls `receiver`, which must not block.
    pub fn new(receiver: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self { inner: Some(Arc::new(Inner { receiver: Box::new(receiver), last: Mutex::new(None) })) }
    }

    /// Makes a sink that forgets everything.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Reports.
    pub fn report(&self, progress: Progress) {
        let Some(inner) = &self.inner else { return };
        if inner.passes(&progress, Instant::now()) {
            (inner.receiver)(progress);
        }
    }
}

impl Inner {
    fn passes(&self, progress: &Progress, now: Instant) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((last, at)) = last.as_ref() {
            let is_same = last.what == progress.what && last.detail == progress.detail;
            let is_soon = now.duration_since(*at) < REPORT_EVERY;
            if last == progress || is_same && is_soon && !progress.is_last() {
                return false;
            }
        }
        *last = Some((progress.clone(), now));
        true
    }
}

impl std::fmt::Debug for ProgressSink {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ProgressSink").field("listens", &self.inner.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn reports_that_come_too_fast_are_dropped_but_never_the_last() {
        let seen = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&seen);
        let sink = ProgressSink::new(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        for done in 0..=10_000 {
            sink.report(Progress { done, total: Some(10_000), ..Progress::new(Stage::Import) });
        }
        let count = seen.load(Ordering::Relaxed);
        assert!((2..100).contains(&count), "{count} reports passed");
    }

    #[test]
    fn a_new_stage_passes_at_once() {
        let stages = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&stages);
        let sink = ProgressSink::new(move |progress| {
            list.lock().unwrap_or_else(PoisonError::into_inner).push(progress.what);
        });
        for what in [Stage::Scan, Stage::Import, Stage::Import, Stage::Write] {
            sink.report(Progress::new(what));
        }
        let stages = stages.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(*stages, [Stage::Scan, Stage::Import, Stage::Write]);
    }
}
