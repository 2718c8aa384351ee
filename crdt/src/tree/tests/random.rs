//! Several people do anything in any order; all of them see the same.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::replica::{Replica, blob};
use crate::tree::{NodeKind, PlanError, Platform};

const PEOPLE: usize = 3;

fn people() -> Vec<Replica> {
    let platform = |number| Platform { folds_names: number == 1, windows_names: number == 1 };
    (0..PEOPLE).map(|number| Replica::new(number, platform(number))).collect()
}

fn name(rng: &mut ChaCha8Rng) -> &'static str {
    ["a", "b", "A", "b.txt", "a (2)", "aux", "c"].choose(rng).unwrap()
}

fn shown_paths(replica: &Replica, kind: Option<NodeKind>) -> Vec<String> {
    let mut paths = Vec::new();
    replica.view.for_each(|path, node| {
        if kind.is_none_or(|kind| node.kind == kind) {
            paths.push(path.to_owned());
        }
    });
    paths
}

fn new_path(replica: &Replica, rng: &mut ChaCha8Rng) -> String {
    let folders: Vec<_> = shown_paths(replica, Some(NodeKind::Folder))
        .into_iter()
        .filter(|path| path.matches('/').count() < 3)
        .collect();
    match folders.choose(rng) {
        Some(folder) if rng.random_bool(0.7) => format!("{folder}/{}", name(rng)),
        _ => name(rng).to_owned(),
    }
}

fn act(replica: &mut Replica, rng: &mut ChaCha8Rng) {
    let files = shown_paths(replica, Some(NodeKind::File));
    let all = shown_paths(replica, None);
    let file = files.choose(rng).cloned();
    let any = all.choose(rng).cloned();
    let new = new_path(replica, rng);
    let content = rng.random_range(1..5);
    let done = match (rng.random_range(0..100), file, any) {
        (0..25, _, _) => replica.put(&new, content),
        (25..32, _, _) => replica.plan(|planner| planner.create_folder(&new).map(|_| ())),
        (32..42, Some(file), _) => replica.put(&file, content),
        (42..55, Some(file), _) => replica.edit(&file),
        (55..58, Some(file), _) => replica.plan(|planner| planner.set_executable(&file, content > 2)),
        (58..78, _, Some(any)) => replica.plan(|planner| planner.rename(&any, &new)),
        (78..80, Some(file), _) => replica.plan(|p| p.rename_with_content(&file, &new, blob(content))),
        (80..95, _, Some(any)) => {
            let other = all.choose(rng).unwrap();
            replica.plan(|planner| planner.delete(&[&any, other]))
        }
        (_, _, Some(any)) => replica.plan(|planner| {
            planner.rename(&any, "x")?;
            planner.create_folder(&any)?;
            planner.rename("x", &format!("{any}/y"))
        }),
        _ => Ok(()),
    };
    match done {
        Err(
            PlanError::Exists { .. }
            | PlanError::IntoItself { .. }
            | PlanError::NotAFile { .. }
            | PlanError::NotAFolder { .. }
            | PlanError::NeedsContent { .. }
            | PlanError::NoBlob { .. },
        )
        | Ok(()) => {}
        Err(other) => panic!("{other}"),
    }
}

/// Hands over changes in any order that respects what they build upon, documents before, between or after them.
fn receive_shuffled(to: &mut Replica, from: &Replica, rng: &mut ChaCha8Rng) {
    if rng.random_bool(0.3) {
        to.receive_documents(from);
    }
    let mut missing = to.missing_from(from);
    while !missing.is_empty() {
        missing.shuffle(rng);
        let count = rng.random_range(1..=missing.len());
        to.receive_changes(&missing[..count]);
        missing.retain(|change| !to.tree.contains(&change.hash()));
        if rng.random_bool(0.2) {
            to.receive_documents(from);
        }
    }
    to.receive_documents(from);
}

fn exchange(replicas: &mut [Replica], rng: &mut ChaCha8Rng) {
    let from = rng.random_range(0..PEOPLE);
    let to = rng.random_range(0..PEOPLE);
    if from != to {
        let other = replicas[from].clone();
        receive_shuffled(&mut replicas[to], &other, rng);
    }
}

/// Says which history it was when a check in it fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("SEED={}", self.0);
        }
    }
}

fn play(seed: u64, steps: usize) {
    let _seed = Seed(seed);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut replicas = people();
    for _ in 0..steps {
        let who = rng.random_range(0..PEOPLE);
        act(&mut replicas[who], &mut rng);
        if rng.random_bool(0.15) {
            exchange(&mut replicas, &mut rng);
        }
    }
    for _ in 0..2 {
        for to in 0..PEOPLE {
            for from in 0..PEOPLE {
                let other = replicas[from].clone();
                receive_shuffled(&mut replicas[to], &other, &mut rng);
            }
        }
    }
    for replica in &replicas[1..] {
        assert_eq!(replica.render(), replicas[0].render(), "seed {seed}");
        assert_eq!(replica.documents_with_edits(), replicas[0].documents_with_edits());
    }
    no_edit_is_lost(&replicas[0], seed);
}

/// Every document with edits that nobody saw before replacing or deleting the file is shown.
fn no_edit_is_lost(replica: &Replica, seed: u64) {
    let mut shown = Vec::new();
    replica.view.for_each(|_, node| shown.extend(node.content.as_deref().and_then(|c| c.document())));
    for (document, is_seen) in replica.documents_with_edits() {
        assert!(is_seen || shown.contains(&document), "seed {seed}: {document:?} is lost");
    }
}

#[test]
fn everybody_sees_the_same() {
    for seed in (0..60).chain([2_182]) {
        play(seed, 60);
    }
}

#[test]
fn everybody_sees_the_same_after_a_long_time() {
    for seed in 1_000..1_004 {
        play(seed, 300);
    }
}
