//! Changes with bytes turned around and the right checksum: whatever is accepted must mean the same to Automerge.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{Automerge, ReadDoc};
use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use super::edits::{Typist, text};
use super::network::{automerge_heads, random_actors, random_document, to_automerge};
use super::{Difference, ensure_equal};
use crate::change::{Author, Change};
use crate::document::{Applied, TextDocument};

/// Mutations of the changes of each history.
const MUTATIONS: usize = 40;

pub(super) fn check(histories: u64) {
    let mut accepted = 0;
    for seed in 0..histories {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        match check_one(&mut random) {
            Ok(count) => accepted += count,
            Err(difference) => panic!("mutations of seed {seed}: {difference}"),
        }
    }
    // Some changes of the header do no harm; a test that never sees one looks at the wrong thing.
    assert!(histories < 50 || accepted > 0, "no mutated change was accepted");
}

fn check_one(random: &mut ChaCha8Rng) -> Result<usize, Difference> {
    let id = random_document(random);
    let base = text(random, 12);
    let actors = random_actors(random, 3);
    let typist = Typist::new(random);
    let mut ours = TextDocument::new(id, &base).map_err(|error| error.to_string())?;
    let mut changes = vec![TextDocument::genesis(id, &base).map_err(|error| error.to_string())?];
    for actor in &actors {
        for _ in 0..3 {
            let edits = typist.edits(random, ours.len_chars());
            let edited = ours.edit(Author::Session(*actor), &edits, 5);
            changes.extend(edited.map_err(|error| error.to_string())?.changes);
        }
    }
    // The document as it was before the last change gets that change mutated.
    let last = changes.pop().ok_or("no change to mutate")?;
    let mut before = TextDocument::new(id, &base).map_err(|error| error.to_string())?;
    for change in &changes[1..] {
        before.apply(change, &change.actor()).map_err(|error| error.to_string())?;
    }
    let mut accepted = 0;
    for _ in 0..MUTATIONS {
        let bytes = mutate(random, last.bytes());
        let Ok(change) = Change::parse(&bytes) else {
            continue;
        };
        let mut document = before.clone();
        match document.apply(&change, &change.actor()) {
            Ok(Applied::Applied(_)) if change != last => {
                check_like_automerge(&document, &changes, &change)?;
                accepted += 1;
            }
            Ok(Applied::Applied(_)) => {}
            _ => {
                ensure_equal!(document.text(), before.text(), "text after a refused change");
                ensure_equal!(document.heads(), before.heads(), "heads after a refused change");
            }
        }
        document.check_invariants();
    }
    Ok(accepted)
}

/// Turns one or two bytes around and makes the checksum right again.
fn mutate(random: &mut ChaCha8Rng, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..3) {
        let place = random.random_range(8..bytes.len());
        bytes[place] = match random.random_range(0..3) {
            0 => random.random(),
            1 => bytes[place].wrapping_add(1),
            _ => bytes[place] ^ 1 << random.random_range(0..8),
        };
    }
    let hash: [u8; 32] = Sha256::digest(&bytes[8..]).into();
    bytes[4..8].copy_from_slice(&hash[..4]);
    bytes
}

fn check_like_automerge(
    document: &TextDocument,
    before: &[Change],
    change: &Change,
) -> Result<(), Difference> {
    let automerge = catch_unwind(AssertUnwindSafe(|| -> Result<_, Difference> {
        let mut theirs = Automerge::new();
        for change in before.iter().chain([change]) {
            let change = to_automerge(change)?;
            theirs.apply_changes([change]).map_err(|error| error.to_string())?;
        }
        Automerge::load(&theirs.save()).map_err(|error| error.to_string())
    }));
    let theirs = automerge.map_err(|_| "automerge panics on a change that we accept")??;
    let (_, object) = theirs.get(automerge::ROOT, "text").unwrap().ok_or("no text")?;
    ensure_equal!(theirs.text(&object).unwrap(), document.text(), "text of an accepted mutation");
    ensure_equal!(automerge_heads(&theirs), document.heads().hashes(), "heads of an accepted mutation");
    Ok(())
}
