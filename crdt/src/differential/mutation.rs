//! Changes with bytes turned around and the right checksum: whatever is accepted must mean the same to Automerge.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{Automerge, ReadDoc};
use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use weft_fuzz::Mutator;

use super::edits::{Typist, text};
use super::network::{automerge_heads, random_actors, random_document, random_key, to_automerge};
use super::tree::random_value;
use super::{Difference, ensure_equal};
use crate::change::{Author, Change};
use crate::document::{Applied, RegisterEdit, TextDocument, TreeApplied, TreeDocument};
use crate::fuzz::CHANGE;
use crate::ids::ActorId;
use crate::interchange::audit_tree;

/// Mutations of the changes of each history, of texts and of registers: with 200 histories a hundred thousand.
const MUTATIONS: usize = 250;
/// The longest mutation.
const BYTES_MAX: usize = 64 * 1024;

pub(super) fn check(histories: u64) {
    let mut accepted = 0;
    for seed in 0..histories {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for check in [check_text, check_tree] {
            match check(&mut random) {
                Ok(count) => accepted += count,
                Err(difference) => panic!("mutations of seed {seed}: {difference}"),
            }
        }
    }
    // Some changes of the header do no harm; a test that never sees one looks at the wrong thing.
    assert!(histories < 50 || accepted > 0, "no mutated change was accepted");
}

fn check_text(random: &mut ChaCha8Rng) -> Result<usize, Difference> {
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
    for bytes in mutations(random, &last, &changes) {
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

/// The same for the registers of the folder tree.
fn check_tree(random: &mut ChaCha8Rng) -> Result<usize, Difference> {
    let id = random_document(random);
    let mut changes = Vec::new();
    let mut ours = TreeDocument::new(id);
    for actor in random_actors(random, 3) {
        for _ in 0..3 {
            // Now and then somebody who has seen nothing of the others.
            let mut theirs = if random.random_bool(0.3) { TreeDocument::new(id) } else { ours.clone() };
            let author = ActorId::from_bytes(&random.random::<[u8; 8]>()).unwrap_or(actor);
            let edits: Vec<_> = (0..random.random_range(1..5))
                .map(|_| RegisterEdit { key: random_key(random), value: random_value(random) })
                .collect();
            let edited =
                theirs.edit(Author::Session(author), &edits, 5).map_err(|error| error.to_string())?;
            for change in edited.changes {
                ours.apply(&change, &change.actor()).map_err(|error| error.to_string())?;
                changes.push(change);
            }
        }
    }
    let Some(last) = changes.pop() else { return Ok(0) };
    let mut before = TreeDocument::new(id);
    for change in &changes {
        before.apply(change, &change.actor()).map_err(|error| error.to_string())?;
    }
    let mut accepted = 0;
    for bytes in mutations(random, &last, &changes) {
        let Ok(change) = Change::parse(&bytes) else {
            continue;
        };
        let mut document = before.clone();
        let applied = document.apply(&change, &change.actor());
        if matches!(applied, Ok(TreeApplied::Applied { .. })) {
            let all = changes.iter().chain([&change]);
            audit_tree(&document, all).map_err(|error| format!("an accepted mutation: {error}"))?;
            accepted += usize::from(change != last);
        } else {
            ensure_equal!(
                TreeDocument::changed_keys(&before, &document),
                Vec::<String>::new(),
                "registers after a refused change"
            );
        }
    }
    Ok(accepted)
}

/// Changes that are nearly as the last one is, most of them with the lengths and the checksum that belong to them.
fn mutations(random: &mut ChaCha8Rng, last: &Change, others: &[Change]) -> Vec<Vec<u8>> {
    let mut pool = vec![last.bytes().to_vec(); others.len().max(1)];
    pool.extend(others.iter().map(|change| change.bytes().to_vec()));
    let mut mutator = Mutator::new(ChaCha8Rng::seed_from_u64(random.random()), BYTES_MAX);
    (0..MUTATIONS).map(|_| mutator.mutate(&CHANGE, &pool)).collect()
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
