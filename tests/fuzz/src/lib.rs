//! Finds inputs that a decoder cannot take: panics, memory, time.
//!
//! A target is a plain function of bytes that stands beside the decoder it tries, in the tests of that crate:
//!
//! ```no_run
//! const NUMBERS: weft_fuzz::Target = weft_fuzz::Target {
//!     name: "numbers",
//!     decode: |bytes| weft_fuzz::reached(std::str::from_utf8(bytes).is_ok_and(|text| text.parse::<u8>().is_ok())),
//!     seeds: || vec![b"17".to_vec()],
//!     structure: weft_fuzz::WHOLE,
//! };
//! weft_fuzz::run(&NUMBERS);
//! ```
//!
//! [`run`] mutates what is known to be interesting: the seeds, the files of the target's folder in
//! `tests/fuzz/corpus`, and every input that made the target report something new ([`reached`]). There is no
//! instrumentation; what a target reports takes its place.
//!
//! `WEFT_FUZZ_SECONDS` says for how long (5 when unset), `WEFT_SEED` with which random numbers,
//! `WEFT_FUZZ_INPUT=FILE` plays one input. `./dev fuzz` sets them.

mod corpus;
mod guard;
mod mutate;
mod structure;

use std::{
    cell::RefCell,
    collections::{BTreeSet, hash_map::DefaultHasher},
    env,
    hash::{Hash, Hasher},
    path::PathBuf,
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

pub use self::{
    mutate::Mutator,
    structure::{LINES, RECORDS, Structure, TEXT_PARTS, WHOLE, numbers, read_number, write_number},
};

/// Counts what the program under test allocates.
#[global_allocator]
static ALLOCATOR: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// For how long a target runs when nothing else is asked for.
const SECONDS: u64 = 5;
/// Inputs that are kept because they did something new.
const POOL_MAX: usize = 4_096;
/// The longest input that is made.
const INPUT_BYTES_MAX: usize = 64 * 1024;

/// Something that reads bytes of others.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Names it for `./dev fuzz`, and its folder of the corpus.
    pub name: &'static str,
    /// Reads the bytes, and panics when what it made of them is not as it must be.
    pub decode: fn(&[u8]),
    /// Inputs that are right, of every kind there is.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// What an input is made of.
    pub structure: Structure,
}

thread_local! {
    static REACHED: RefCell<BTreeSet<u64>> = const { RefCell::new(BTreeSet::new()) };
}

/// Says how far the target came with an input. An input that comes where none came before is mutated further.
pub fn reached(place: impl Hash) {
    let mut hasher = DefaultHasher::new();
    place.hash(&mut hasher);
    REACHED.with_borrow_mut(|reached| reached.insert(hasher.finish()));
}

/// Runs a target for its time.
///
/// # Panics
/// When there is a finding, or an input of the corpus is one: with a file that holds the input, and how to play it.
pub fn run(target: &Target) {
    let guard = guard::Guard::new(target);
    if let Some(file) = env::var_os("WEFT_FUZZ_INPUT").map(PathBuf::from) {
        let input = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        guard.decode(&input);
        return;
    }
    let seconds = number_from("WEFT_FUZZ_SECONDS").unwrap_or(SECONDS);
    let seed = number_from("WEFT_SEED").unwrap_or_else(|| rand::rng().random());
    let mut pool = corpus::read(target.name);
    pool.extend((target.seeds)());
    assert!(!pool.is_empty(), "a target needs an input to begin with");
    for input in &pool {
        guard.decode(input);
    }
    let kept = pool.len();
    let mut known = REACHED.take();
    let mut mutator = Mutator::new(ChaCha8Rng::seed_from_u64(seed), INPUT_BYTES_MAX);
    let (begin, mut runs) = (Instant::now(), 0_u64);
    while begin.elapsed() < Duration::from_secs(seconds) {
        let input = mutator.mutate(&target.structure, &pool);
        guard.decode(&input);
        runs += 1;
        let reached = REACHED.take();
        if !reached.is_subset(&known) {
            known.extend(reached);
            if pool.len() < POOL_MAX {
                pool.push(input);
            }
        }
    }
    corpus::write(target.name, &pool[kept..]);
    guard.report(&format!(
        "{}: {runs} inputs in {seconds} s, WEFT_SEED={seed}; {} places reached, {} inputs kept of {kept}",
        target.name,
        known.len(),
        pool.len() - kept
    ));
}

fn number_from(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}
