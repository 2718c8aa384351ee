//! What refreshing costs, counted in nodes and names that were looked at.

#![expect(clippy::disallowed_types, reason = "times are printed for people, only work is compared")]

use std::time::Instant;

use super::replica::{Replica, blob};
use crate::tree::{Field, Platform, RegisterKey, TreeView, Work};

const FOLDERS: usize = 100;
const FILES: usize = 100;

fn path(folder: usize, file: usize) -> String {
    format!("src/folder{folder}/file{file}.rs")
}

fn import() -> Replica {
    let mut replica = Replica::new(0, Platform::default());
    replica.checks = false;
    replica
        .plan(|planner| {
            for folder in 0..FOLDERS {
                for file in 0..FILES {
                    let _ = planner.create_file(&path(folder, file), blob(1), false)?;
                }
            }
            Ok(())
        })
        .unwrap();
    replica
}

/// Does something and gives the work of the refresh after it.
fn work_of(replica: &mut Replica, act: impl FnOnce(&mut Replica)) -> u64 {
    let before = replica.view.work();
    act(replica);
    let after = replica.view.work();
    let sum = |work: Work| work.nodes + work.steps + work.names;
    sum(after) - sum(before)
}

#[test]
fn ten_thousand_files() {
    let began = Instant::now();
    let mut replica = import();
    let imported = began.elapsed();
    assert_eq!(replica.view.shown().len(), FOLDERS * FILES + FOLDERS + 1);
    let began = Instant::now();
    let fresh = TreeView::of(replica.view.platform(), &replica.tree, &replica.documents);
    let full = began.elapsed();
    assert_eq!(fresh.node_count(), replica.view.node_count());
    let whole = fresh.work();
    assert!(whole.nodes + whole.names < 8 * 10_101, "{whole:?}");

    replica.put(&path(5, 5), 3).unwrap();
    let began = Instant::now();
    let content = work_of(&mut replica, |replica| replica.put(&path(5, 5), 2).unwrap());
    let planned = began.elapsed();
    assert_eq!(content, 1);
    let key = RegisterKey::new(replica.view.node_at(&path(5, 5)).unwrap().node, Field::Content).to_string();
    let began = Instant::now();
    let refreshed = replica.refresh(&[key], &[]);
    println!(
        "import {imported:?}, full {full:?}, plan, write and refresh one content {planned:?}, refresh alone {:?}",
        began.elapsed()
    );
    assert_eq!(refreshed.nodes, 1);
    let bit = work_of(&mut replica, |replica| {
        replica.plan(|planner| planner.set_executable(&path(5, 5), true)).unwrap();
    });
    assert_eq!(bit, 1);
    let typed = work_of(&mut replica, |replica| replica.edit(&path(5, 6)).unwrap());
    assert!(typed <= 2, "{typed}");
    let moved = work_of(&mut replica, |replica| {
        replica.plan(|planner| planner.rename(&path(5, 5), &path(6, 1_000))).unwrap();
    });
    assert!(moved <= 12, "{moved}");
    let added = work_of(&mut replica, |replica| replica.put("src/new/x", 3).unwrap());
    assert!(added <= 20, "{added}");
    let deleted = work_of(&mut replica, |replica| {
        replica.plan(|planner| planner.delete(&[&path(7, 7)])).unwrap();
    });
    assert!(deleted <= 12, "{deleted}");
    let renamed = work_of(&mut replica, |replica| {
        replica.plan(|planner| planner.rename("src", "lib")).unwrap();
    });
    assert!(renamed <= 12, "{renamed}");
    let folder = work_of(&mut replica, |replica| {
        replica.plan(|planner| planner.delete(&["lib/folder9"])).unwrap();
    });
    assert!(folder <= 10 * FILES as u64, "{folder}");
    replica.check_view();
}

#[test]
fn a_flood_of_moves_is_linear() {
    let mut replica = Replica::new(0, Platform::default());
    replica.checks = false;
    replica
        .plan(|planner| {
            (0..1_000).try_for_each(|number| planner.create_folder(&format!("f{number}")).map(|_| ()))
        })
        .unwrap();
    let mut works = Vec::new();
    for _ in 0..2 {
        works.push(work_of(&mut replica, |replica| {
            for number in 1..500 {
                replica
                    .plan(|planner| planner.rename(&format!("f{number}"), &format!("f0/g{number}")))
                    .unwrap();
            }
        }));
        works.push(work_of(&mut replica, |replica| {
            for number in 1..500 {
                replica
                    .plan(|planner| planner.rename(&format!("f0/g{number}"), &format!("f{number}")))
                    .unwrap();
            }
        }));
    }
    assert!(works.iter().all(|work| *work < 500 * 20), "{works:?}");
    replica.check_view();
}
