//! Ana and Ben, and what an attack costs them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;
use weft_sync::seal::Label;
use weft_tests::{PATIENCE, Pair, Person, eventually};

use crate::{Mallory, Wire};

/// What an honest node may hold at most.
const MEMORY_MAX: u64 = 300 << 20;
/// Saves that make up a measurement.
const SAVES: usize = 15;
/// What half of the saves may take longer than twice as long: the attacker and the test share two cores with both nodes.
const ALLOWANCE: Duration = Duration::from_millis(40);
/// Files beside the shared folders that nobody may touch.
const CANARIES: [&str; 3] = ["canary", "ana/canary", "ana/place/canary"];

/// One house at a time: what is measured in one is not to be the cost of another.
static ALONE: Mutex<()> = Mutex::new(());

/// Two people who share a folder, each with a node.
pub(crate) struct House {
    pub(crate) pair: Pair,
    /// How long half of the saves took before anybody did any harm.
    calm: Duration,
    saves: usize,
    /// All that lies around the shared folders.
    outside: Vec<PathBuf>,
    _alone: MutexGuard<'static, ()>,
}

impl House {
    pub(crate) fn new() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = Pair::with_files(&[("plan.md", b"- work\n"), ("src/main.rs", b"fn main() {}\n")]);
        for canary in CANARIES {
            fs::write(pair.elsewhere().join(canary), canary).expect("a canary");
        }
        let mut house = Self { pair, calm: Duration::ZERO, saves: 0, outside: Vec::new(), _alone: alone };
        house.latency();
        house.calm = house.latency();
        house.outside = house.listing();
        house
    }

    /// Lets Mallory in, as editor.
    pub(crate) fn mallory(&self, runtime: &Runtime) -> (Mallory, Wire) {
        self.somebody(runtime, Label::new("Mallory", "burner"))
    }

    /// The same for any names.
    pub(crate) fn somebody(&self, runtime: &Runtime, label: Label) -> (Mallory, Wire) {
        let ticket = self.pair.ticket();
        runtime.block_on(Mallory::join(&ticket, label))
    }

    pub(crate) fn people(&self) -> [&Person; 2] {
        [&self.pair.ana, &self.pair.ben]
    }

    /// How long half of some saves take from one disk to the other, back and forth.
    fn latency(&mut self) -> Duration {
        let mut took = Vec::new();
        while took.len() < SAVES {
            took.push(self.save());
        }
        median(&mut took)
    }

    /// Saves a file on one side and waits for it on the other.
    #[track_caller]
    fn save(&mut self) -> Duration {
        self.saves += 1;
        let [ana, ben] = self.people();
        let (from, to) = if self.saves.is_multiple_of(2) { (ana, ben) } else { (ben, ana) };
        let text = format!("saved {} times\n", self.saves);
        let begin = Instant::now();
        from.files.write("steady.md", &text).expect("a save");
        while to.files.read("steady.md").as_ref() != Some(&text) {
            assert!(begin.elapsed() < PATIENCE, "a save of an honest person does not arrive: {}", told(to));
            thread::sleep(Duration::from_millis(1));
        }
        begin.elapsed()
    }

    /// Runs an attack on a thread of its own, and saves meanwhile as an honest pair does: at least some times, and until
    /// the attack is over.
    #[track_caller]
    pub(crate) fn under<T: Send + 'static>(
        &mut self,
        name: &str,
        attack: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let begin = Instant::now();
        let attack = thread::spawn(attack);
        let mut took = Vec::new();
        while took.len() < SAVES || !attack.is_finished() {
            took.push(self.save());
            thread::sleep(Duration::from_millis(5));
        }
        let result = attack.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let (worst, half) = (took.iter().max().copied().unwrap_or_default(), median(&mut took));
        println!(
            "{name}: half of {} saves within {half:?} (before: {:?}), the slowest {worst:?}; {:?}; memory {:?} MB",
            took.len(),
            self.calm,
            begin.elapsed(),
            self.memory().map(|bytes| bytes / 1_000_000),
        );
        assert!(half <= 2 * self.calm + ALLOWANCE, "{name}: {half:?} a save, {:?} before", self.calm);
        self.check_memory(name);
        result
    }

    /// The most that each node ever held.
    pub(crate) fn memory(&self) -> [u64; 2] {
        self.people().map(|person| {
            person.device.node().and_then(weft_tests::NodeProcess::peak_memory).expect("a running node")
        })
    }

    #[track_caller]
    pub(crate) fn check_memory(&self, name: &str) {
        let memory = self.memory();
        assert!(memory.iter().all(|bytes| *bytes <= MEMORY_MAX), "{name}: the nodes held {memory:?} bytes");
    }

    /// Ana and Ben agree, and nothing outside of their folders was made, changed or removed.
    #[track_caller]
    pub(crate) fn is_sound(&mut self) {
        self.pair.settle();
        for canary in CANARIES {
            let left = fs::read_to_string(self.pair.elsewhere().join(canary)).unwrap_or_default();
            assert_eq!(left, canary);
        }
        assert_eq!(self.listing(), self.outside, "something changed outside of the folders");
    }

    /// Every path in the house but for what lies in the shared folders and the data folders.
    fn listing(&self) -> Vec<PathBuf> {
        let own: Vec<&Path> = self
            .people()
            .iter()
            .flat_map(|person| [person.files.root.as_path(), person.device.home.as_path()])
            .collect();
        let mut found = Vec::new();
        let mut folders = vec![self.pair.elsewhere().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if own.contains(&path.as_path()) {
                    continue;
                }
                // The counters of sessions come and go there.
                if path.is_dir() && !path.ends_with("run") {
                    folders.push(path.clone());
                }
                found.push(path);
            }
        }
        found.sort();
        found
    }

    /// What a person reads who asks how things are.
    pub(crate) fn told(&self) -> String {
        told(&self.pair.ana)
    }

    /// Waits until Ana is told all of these words.
    #[track_caller]
    pub(crate) fn is_told(&self, words: &[&str]) {
        let found = eventually(PATIENCE, || {
            let told = self.told();
            words.iter().all(|word| told.contains(word)).then_some(())
        });
        assert!(found.is_some(), "{words:?} is not in what Ana reads:\n{}", self.told());
    }
}

fn told(person: &Person) -> String {
    let shown = |words: &[&str]| person.device.shown(words).unwrap_or_default();
    [shown(&["status", "notes"]), shown(&["doctor"]), shown(&["peers"])].concat()
}

fn median(took: &mut [Duration]) -> Duration {
    took.sort_unstable();
    took[took.len() / 2]
}

/// A runtime whose threads take only what computing time the honest leave, so that what is measured is what her messages
/// cost and not her own work on the same two cores.
pub(crate) fn on_low_priority() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .on_thread_start(|| {
            // Where the system does not let us, the measurement is only harder on us.
            let _kept = rustix::process::setpriority_process(None, 19);
        })
        .enable_all()
        .build()
        .expect("a runtime")
}
