//! Runs a target on one input and notices what must not happen.

use std::{
    cell::Cell,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use crate::{ALLOCATOR, Target};

/// What one input may make the program hold.
const MEMORY_MAX: usize = 256 * 1024 * 1024;
/// How long one input may take; the machine may be busy.
const TIME_MAX: Duration = Duration::from_secs(30);

/// The input that is being read and since when, for the watchdog.
type Current = Mutex<Option<(Instant, Vec<u8>)>>;

/// Runs one target.
pub(crate) struct Guard<'a> {
    target: &'a Target,
    current: Arc<Current>,
    most_memory: Cell<usize>,
    longest: Cell<Duration>,
}

impl<'a> Guard<'a> {
    pub(crate) fn new(target: &'a Target) -> Self {
        let current = Arc::new(Current::default());
        watch(target.name, Arc::downgrade(&current));
        Self { target, current, most_memory: Cell::default(), longest: Cell::default() }
    }

    /// Reads one input.
    pub(crate) fn decode(&self, input: &[u8]) {
        let begin = Instant::now();
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some((begin, input.to_vec()));
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let decoded = catch_unwind(AssertUnwindSafe(|| (self.target.decode)(input)));
        let memory = ALLOCATOR.peak_usage().saturating_sub(before);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.most_memory.set(self.most_memory.get().max(memory));
        self.longest.set(self.longest.get().max(begin.elapsed()));
        if decoded.is_err() {
            self.found(input, "it panicked, see above");
        }
        if memory > MEMORY_MAX {
            self.found(input, &format!("it held {} MB", memory / 1_000_000));
        }
    }

    fn found(&self, input: &[u8], what: &str) -> ! {
        panic!("{}", finding(self.target.name, input, what))
    }

    #[expect(clippy::print_stdout, reason = "who fuzzes wants to know what was done")]
    pub(crate) fn report(&self, done: &str) {
        let (memory, longest) = (self.most_memory.get() / 1_000, self.longest.get().as_millis());
        println!("{done}; at most {memory} kB and {longest} ms for one");
    }
}

/// Ends the program when one input takes too long: nothing else ends an endless loop.
fn watch(name: &'static str, current: Weak<Current>) {
    thread::spawn(move || {
        while let Some(current) = current.upgrade() {
            let current = current.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some((_, input)) = current.filter(|(begin, _)| begin.elapsed() > TIME_MAX) {
                abort(&finding(name, &input, "it takes too long"));
            }
            thread::sleep(Duration::from_millis(500));
        }
    });
}

#[expect(clippy::print_stderr, reason = "there is no other way to say it")]
fn abort(finding: &str) -> ! {
    eprintln!("{finding}");
    std::process::abort()
}

/// Keeps the input and says how it is played again.
fn finding(name: &str, input: &[u8], what: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/fuzz");
    let file = folder.join(format!("{name}-{}", &blake3::hash(input).to_hex()[..12]));
    let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, input));
    let place = match kept.and_then(|()| file.canonicalize()) {
        Ok(file) => format!("play it again: ./dev fuzz {name} --input {}", file.display()),
        Err(error) => format!("it could not be kept ({error}): {input:02x?}"),
    };
    format!("{name}: an input of {} bytes is a finding: {what}\n{place}", input.len())
}
