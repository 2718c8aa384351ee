//! Keeps a worker for one model: starts it when it is asked, ends it when it is idle, and waits longer each time that it fails.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use weft_ai::{
    pipe::Load,
    request::{Failure, FailureKind},
};

use crate::host::{Program, Worker};

/// The pause after the first failure; it doubles with each one in a row.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A worker that ran for so long has not failed in a row.
const STEADY_TIME: Duration = Duration::from_secs(60);

#[derive(Default)]
struct State {
    worker: Option<Arc<Worker>>,
    started: Option<Instant>,
    /// Ends in a row.
    failures: u32,
    failed: Option<Instant>,
    last_used: Option<Instant>,
}

/// One model, with or without a process.
pub struct Supervisor {
    program: Program,
    load: Load,
    state: Mutex<State>,
}

impl Supervisor {
    /// Makes one; nothing is started yet.
    #[must_use]
    pub fn new(program: Program, load: Load) -> Self {
        Self { program, load, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the worker, and starts it when there is none. This blocks while a model is loaded.
    ///
    /// # Errors
    /// When it cannot be loaded, or failed too often just now.
    pub fn worker(&self) -> Result<Arc<Worker>, Failure> {
        let mut state = self.state();
        let now = Instant::now();
        if let Some(worker) = state.worker.clone() {
            if worker.is_alive() {
                state.last_used = Some(now);
                return Ok(worker);
            }
            state.worker = None;
            let was_steady = state.started.is_some_and(|started| now.duration_since(started) > STEADY_TIME);
            state.failures = if was_steady { 0 } else { state.failures + 1 };
            state.failed = Some(now);
            // The first time it is started again at once.
            if state.failures <= 1 {
                state.failed = None;
            }
        }
        if let Some(failed) = state.failed {
            let pause = pause(state.failures);
            let waited = now.duration_since(failed);
            if waited < pause {
                let seconds = (pause - waited).as_secs_f32().ceil();
                let message = format!("the process for this model ended {} times in a row", state.failures);
                return Err(Failure::new(FailureKind::Busy, message).hint(format!(
                    "it is tried again in {seconds} s; `weft diagnostics` shows why it ended, another model may work"
                )));
            }
        }
        match Worker::start(&self.program, self.load.clone()) {
            Ok(worker) => {
                let worker = Arc::new(worker);
                state.worker = Some(Arc::clone(&worker));
                state.started = Some(now);
                state.last_used = Some(Instant::now());
                Ok(worker)
            }
            Err(failure) => {
                state.failures += 1;
                state.failed = Some(Instant::now());
                Err(failure)
            }
        }
    }

    /// Whether a process runs and its model is loaded. This never waits.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        match self.state.try_lock() {
            Ok(state) => state.worker.as_ref().is_some_and(|worker| worker.is_alive()),
            // It is just being loaded.
            Err(_) => false,
        }
    }

    /// Ends the process when nobody asked it for so long; says whether it did.
    pub fn unload_when_idle(&self, idle: Duration) -> bool {
        let mut state = self.state();
        let is_idle = state.worker.as_ref().is_some_and(|worker| worker.is_idle())
            && state.last_used.is_none_or(|used| used.elapsed() >= idle);
        if is_idle {
            state.worker = None;
        } else if state.worker.as_ref().is_some_and(|worker| !worker.is_idle()) {
            state.last_used = Some(Instant::now());
        }
        is_idle
    }
}

fn pause(failures: u32) -> Duration {
    let doubled = PAUSE_FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_and_ends_somewhere() {
        assert_eq!(pause(1), PAUSE_FIRST);
        assert_eq!(pause(3), PAUSE_FIRST * 4);
        assert_eq!(pause(1000), PAUSE_MAX);
    }

    #[test]
    fn a_program_that_is_not_there_is_told_and_then_waited_for() {
        let program = Program { path: "/no/such/program".into(), arguments: Vec::new() };
        let supervisor = Supervisor::new(program, Load::new("/m.gguf"));
        let first = supervisor.worker().err().expect("a failure");
        assert!(first.message.contains("cannot be started"), "{first}");
        let second = supervisor.worker().err().expect("a failure");
        assert_eq!(second.kind, FailureKind::Busy);
        assert!(second.message.contains("in a row"), "{second}");
    }
}
