//! What processes spend of the processor.

use std::fs;

/// Seconds that all threads of a process have been computing (`/proc/PID/task/*/schedstat`, in nanoseconds).
pub(crate) fn seconds(process: &str) -> f64 {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let nanoseconds = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    nanoseconds.sum::<u64>() as f64 / 1e9
}
