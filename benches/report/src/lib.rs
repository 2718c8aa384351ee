//! What the benchmarks share: figures, bounds, and what to say about them.

use std::process::ExitCode;
use std::time::Duration;

/// Collects what was measured.
#[derive(Debug, Default)]
pub struct Report {
    failures: Vec<String>,
}

#[expect(clippy::print_stdout, reason = "printing is what a benchmark is for")]
impl Report {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a section.
    pub fn section(&mut self, title: &str) {
        println!("\n{title}");
    }

    /// Tells a time.
    pub fn time(&mut self, what: &str, time: Duration) {
        println!("  {what:<58} {:>12}", show(time));
    }

    /// Tells something else.
    pub fn text(&mut self, what: &str, text: &str) {
        println!("  {what:<58} {text:>12}");
    }

    /// Compares a ratio with the greatest that is allowed.
    pub fn at_most(&mut self, what: &str, ratio: f64, bound: f64) {
        self.gate(what, ratio, ratio <= bound, &format!("at most {bound}"));
    }

    /// Compares a ratio with the least that is allowed.
    pub fn at_least(&mut self, what: &str, ratio: f64, bound: f64) {
        self.gate(what, ratio, ratio >= bound, &format!("at least {bound}"));
    }

    fn gate(&mut self, what: &str, ratio: f64, holds: bool, bound: &str) {
        let verdict = if holds { "ok" } else { "EXCEEDED" };
        println!("  {what:<58} {ratio:>12.3}  {bound}: {verdict}");
        if !holds {
            self.failures.push(format!("{what}: {ratio:.3}, {bound}"));
        }
    }

    /// Says whether all bounds hold; the exit code of the program.
    #[must_use]
    pub fn finish(self) -> ExitCode {
        if self.failures.is_empty() {
            println!("\nall bounds hold");
            return ExitCode::SUCCESS;
        }
        println!("\n{} bounds exceeded:", self.failures.len());
        for failure in &self.failures {
            println!("  {failure}");
        }
        ExitCode::FAILURE
    }
}

/// A time with three digits.
#[must_use]
pub fn show(time: Duration) -> String {
    let nanos = time.as_nanos() as f64;
    match nanos {
        nanos if nanos < 1e3 => format!("{nanos:.0} ns"),
        nanos if nanos < 1e6 => format!("{:.2} µs", nanos / 1e3),
        nanos if nanos < 1e9 => format!("{:.2} ms", nanos / 1e6),
        nanos => format!("{:.2} s", nanos / 1e9),
    }
}

/// How many times as long.
#[must_use]
pub fn ratio(left: Duration, right: Duration) -> f64 {
    left.as_secs_f64() / right.as_secs_f64().max(1e-9)
}

/// Processor time of this thread, or wall time where there is no such clock.
#[must_use]
pub fn now() -> Duration {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }
    #[cfg(not(unix))]
    {
        use std::sync::LazyLock;
        use std::time::Instant;
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// Runs something and gives its time and result.
pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = now();
    let result = work();
    (now() - start, result)
}

/// The least time of some runs: what the work costs when nobody else disturbs it.
pub fn best_of<T>(runs: usize, mut work: impl FnMut() -> T) -> (Duration, T) {
    let (mut best, mut result) = timed(&mut work);
    for _ in 1..runs {
        let (time, again) = timed(&mut work);
        best = best.min(time);
        result = again;
    }
    (best, result)
}

/// The median.
#[must_use]
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
