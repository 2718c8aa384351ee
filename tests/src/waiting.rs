//! Waiting for something that takes an unknown time.

use std::{
    thread,
    time::{Duration, Instant},
};

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Calls `look` until it gives something, at most for `patience`; gives that, and how long it took.
pub fn eventually<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<(T, Duration)> {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some((found, begin.elapsed()));
        }
        if begin.elapsed() >= patience {
            return None;
        }
        thread::sleep(LOOK_EVERY);
    }
}
