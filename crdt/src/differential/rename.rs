//! Random histories of which some changes are dropped and written again under new names.

use std::collections::BTreeSet;

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::edits::{Typist, text};
use super::network::{Network, random_actors, random_document, random_key};
use super::tree::random_value;
use super::{Difference, ensure_equal};
use crate::change::{Author, Change, rename_changes};
use crate::document::{Applied, RegisterEdit, TextDocument, TreeDocument};
use crate::ids::{ActorId, DocumentId};
use crate::interchange::{export_text, export_tree, import_text};

fn author(random: &mut ChaCha8Rng, actor: ActorId) -> Author {
    if random.random_ratio(1, 6) { Author::ContentNamed } else { Author::Session(actor) }
}

/// Parts all changes into those that stay and those that are dropped.
fn part(random: &mut ChaCha8Rng, network: &Network) -> (Vec<Change>, Vec<Change>) {
    let gone = network.without_some(random);
    network.all().map(|sent| sent.change.clone()).partition(|change| !gone.contains(&change.hash()))
}

fn rename(random: &mut ChaCha8Rng, document: DocumentId, gone: &[Change]) -> Result<Vec<Change>, Difference> {
    let rename = |changes: &[Change]| {
        let renamed: Result<Vec<_>, _> = rename_changes(document, changes).into_iter().collect();
        renamed.map_err(|error| error.to_string())
    };
    let renamed = rename(gone)?;
    let some = random.random_range(0..=gone.len());
    ensure_equal!(rename(&gone[..some])?, renamed[..some], "the first {some} renamed");
    for (change, old) in renamed.iter().zip(gone) {
        ensure_equal!(change.is_content_named(document), true, "content-named");
        ensure_equal!((change.start_op(), change.op_count()), (old.start_op(), old.op_count()), "counters");
    }
    Ok(renamed)
}

/// Another order in which changes can be applied, each once.
fn shuffled(random: &mut ChaCha8Rng, changes: &[Change]) -> Vec<Change> {
    let mut left: Vec<Change> = changes.to_vec();
    left.shuffle(random);
    let ours: BTreeSet<_> = changes.iter().map(Change::hash).collect();
    let mut done = BTreeSet::new();
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let is_ready =
            |change: &Change| change.deps().iter().all(|dep| done.contains(dep) || !ours.contains(dep));
        let (ready, waiting): (Vec<_>, Vec<_>) = left.into_iter().partition(is_ready);
        done.extend(ready.iter().map(Change::hash));
        ordered.extend(ready);
        left = waiting;
    }
    ordered
}

fn apply_text(document: &mut TextDocument, change: &Change) -> Result<(), Difference> {
    match document.apply(change, &change.actor()) {
        Ok(Applied::Applied(_) | Applied::Known) => Ok(()),
        other => Err(format!("{other:?} to {change:?}")),
    }
}

fn sorted(text: &str) -> Vec<char> {
    let mut chars: Vec<char> = text.chars().collect();
    chars.sort_unstable();
    chars
}

pub(super) fn text_history(random: &mut ChaCha8Rng) -> Result<(), Difference> {
    let id = random_document(random);
    let pieces = random.random_range(0..10);
    let base = text(random, pieces);
    let typist = Typist::new(random);
    let count = random.random_range(2..5);
    let actors = random_actors(random, count);
    // Without concurrent edits nothing depends on who wrote what, and the text must be the same to the letter.
    let in_turn = random.random_bool(0.4);
    let new = || TextDocument::new(id, &base).map_err(|error| error.to_string());
    let mut copies = vec![new()?; if in_turn { 1 } else { count }];
    let mut network = Network::default();
    for _ in 0..random.random_range(5..40) {
        let at = random.random_range(0..copies.len());
        if in_turn || random.random_bool(0.6) {
            let actor = actors[if in_turn { random.random_range(0..count) } else { at }];
            let edits = typist.edits(random, copies[at].len_chars());
            let author = author(random, actor);
            let edited = copies[at].edit(author, &edits, 5).map_err(|error| error.to_string())?;
            edited.changes.iter().for_each(|change| network.send(change, actor));
        } else {
            let from = copies[random.random_range(0..count)].changes().iter().copied().collect();
            let to = copies[at].changes().iter().copied().collect();
            for hash in network.pick(random, &from, &to, 5) {
                if hash != copies[at].changes()[0] {
                    apply_text(&mut copies[at], &network.get(&hash).change)?;
                }
            }
        }
    }
    let mut full = new()?;
    network.all().try_for_each(|sent| apply_text(&mut full, &sent.change))?;
    let (kept, gone) = if network.all().next().is_some() { part(random, &network) } else { return Ok(()) };
    let renamed = rename(random, id, &gone)?;
    check_text(random, &base, &full, &kept, &renamed, in_turn)?;
    check_beside_other_branch(random, &typist, &base, &kept, &renamed, (id, &actors))
}

fn check_text(
    random: &mut ChaCha8Rng,
    base: &str,
    full: &TextDocument,
    kept: &[Change],
    renamed: &[Change],
    in_turn: bool,
) -> Result<(), Difference> {
    let rebuilt = TextDocument::rebuild(full.id(), base, kept);
    let (mut document, left_out) = rebuilt.map_err(|error| error.to_string())?;
    ensure_equal!(left_out, Vec::<Change>::new(), "left out");
    renamed.iter().try_for_each(|change| apply_text(&mut document, change))?;
    document.check_invariants();
    // Equal changes of two people become one; then there is less.
    let names: BTreeSet<_> = kept.iter().chain(renamed).map(Change::hash).collect();
    if names.len() == kept.len() + renamed.len() {
        ensure_equal!(sorted(&document.text()), sorted(&full.text()), "characters");
        ensure_equal!(document.heads().hashes().len(), full.heads().hashes().len(), "heads");
    }
    if in_turn {
        ensure_equal!(document.text(), full.text(), "text");
    }
    let all: Vec<Change> = kept.iter().chain(renamed).cloned().collect();
    let mut other = TextDocument::new(full.id(), base).map_err(|error| error.to_string())?;
    shuffled(random, &all).iter().try_for_each(|change| apply_text(&mut other, change))?;
    ensure_equal!(other.text(), document.text(), "text in another order");
    ensure_equal!(other.heads(), document.heads(), "heads in another order");
    let file = export_text(full.id(), base, &all).map_err(|error| error.to_string())?;
    let theirs = import_text(&file).map_err(|error| error.to_string())?;
    ensure_equal!(theirs, document.text(), "text of automerge");
    Ok(())
}

/// Everybody goes on from what stays, under the names and numbers of what was dropped.
fn check_beside_other_branch(
    random: &mut ChaCha8Rng,
    typist: &Typist,
    base: &str,
    kept: &[Change],
    renamed: &[Change],
    (id, actors): (DocumentId, &[ActorId]),
) -> Result<(), Difference> {
    let (mut going_on, _) = TextDocument::rebuild(id, base, kept).map_err(|error| error.to_string())?;
    let mut all = kept.to_vec();
    for _ in 0..random.random_range(1..5) {
        let actor = actors[random.random_range(0..actors.len())];
        let edits = typist.edits(random, going_on.len_chars());
        let edited = going_on.edit(Author::Session(actor), &edits, 5);
        all.extend(edited.map_err(|error| error.to_string())?.changes);
    }
    let before = going_on.text();
    all.extend_from_slice(renamed);
    renamed.iter().try_for_each(|change| apply_text(&mut going_on, change))?;
    let mut other = TextDocument::new(id, base).map_err(|error| error.to_string())?;
    shuffled(random, &all).iter().try_for_each(|change| apply_text(&mut other, change))?;
    ensure_equal!(other.text(), going_on.text(), "text beside another branch after {before:?}");
    ensure_equal!(other.heads(), going_on.heads(), "heads beside another branch");
    Ok(())
}

pub(super) fn tree_history(random: &mut ChaCha8Rng) -> Result<(), Difference> {
    let id = random_document(random);
    let count = random.random_range(2..5);
    let actors = random_actors(random, count);
    let mut copies = vec![TreeDocument::new(id); count];
    let mut network = Network::default();
    for _ in 0..random.random_range(5..30) {
        let at = random.random_range(0..count);
        if random.random_bool(0.6) {
            let edits: Vec<_> = (0..random.random_range(1..4))
                .map(|_| RegisterEdit { key: random_key(random), value: random_value(random) })
                .collect();
            let author = author(random, actors[at]);
            let edited = copies[at].edit(author, &edits, 5).map_err(|error| error.to_string())?;
            edited.changes.iter().for_each(|change| network.send(change, actors[at]));
        } else {
            let from = copies[random.random_range(0..count)].changes().iter().copied().collect();
            let to = copies[at].changes().iter().copied().collect();
            for hash in network.pick(random, &from, &to, 5) {
                let change = &network.get(&hash).change;
                copies[at].apply(change, &change.actor()).map_err(|error| error.to_string())?;
            }
        }
    }
    let (kept, gone) = if network.all().next().is_some() { part(random, &network) } else { return Ok(()) };
    let renamed = rename(random, id, &gone)?;
    let (full, _) = TreeDocument::rebuild(id, network.all().map(|sent| &sent.change));
    let all: Vec<Change> = kept.iter().chain(&renamed).cloned().collect();
    let (document, left_out) = TreeDocument::rebuild(id, &all);
    ensure_equal!(left_out, Vec::<Change>::new(), "left out");
    let (other, left_out) = TreeDocument::rebuild(id, &shuffled(random, &all));
    ensure_equal!(left_out, Vec::<Change>::new(), "left out in another order");
    ensure_equal!(TreeDocument::changed_keys(&document, &other).len(), 0, "keys in another order");
    ensure_equal!(document.heads(), other.heads(), "heads in another order");
    let names: BTreeSet<_> = all.iter().map(Change::hash).collect();
    if names.len() == all.len() {
        for key in full.keys().chain(document.keys()) {
            let values = |document: &TreeDocument| {
                let mut values: Vec<_> =
                    document.values(key).map(|(id, value)| (id.counter, value.clone())).collect();
                values.sort();
                values
            };
            ensure_equal!(values(&document), values(&full), "values of {key}");
        }
    }
    export_tree(&all).map_err(|error| error.to_string())?;
    Ok(())
}
