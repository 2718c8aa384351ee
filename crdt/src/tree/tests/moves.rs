//! Moves, also into each other, and the steps they come out as.

use super::language::{act, check, play};
use super::replica::{Replica, sync};
use crate::tree::{NodeKind, Platform, ShownChange};

#[test]
fn folders_moved_into_each_other_stay_a_tree() {
    let script = "ana put a/x 1 \n ana put b/y 2 \n sync \n ana mv a b/a \n ben mv b a/b";
    let replicas = play(script);
    let lines = replicas[0].render();
    let expected = ["a/\na/b/\na/b/y = 2\na/x = 1", "b/\nb/a/\nb/a/x = 1\nb/y = 2"];
    assert!(expected.contains(&lines.as_str()), "{lines}");
    // Everything can be moved on from there.
    let (outer, inner) = if lines.starts_with("a/") { ("a", "b") } else { ("b", "a") };
    let more = format!("{script} \n sync \n cy mv {outer}/{inner} {inner}");
    check(&more, "a/ \n a/x = 1 \n b/ \n b/y = 2");
}

#[test]
fn a_ring_of_three_loses_nothing() {
    let replicas = play(
        "ana put a/x 1 \n ana put b/y 2 \n ana put c/z 3 \n sync
         ana mv a b/a \n ben mv b c/b \n cy mv c a/c",
    );
    for replica in &replicas {
        let lines = replica.render();
        assert_eq!(lines.lines().count(), 6, "{lines}");
        assert_eq!(lines, replicas[0].render());
    }
}

#[test]
fn a_move_into_a_deleted_folder_shows_the_folder() {
    check("ana put a/x 1 \n ana put b/y 2 \n sync \n ana rm b \n ben mv a b/a", "b/ \n b/a/ \n b/a/x = 1");
}

#[test]
fn a_move_and_an_edit_are_both_kept() {
    check("ana put a/x 1 \n sync \n ana mv a b \n ben edit a/x", "b/ \n b/x = text 1+1");
}

/// Lets one person act and compares the steps that the last line takes.
fn check_steps(script: &str, expected: &[ShownChange]) {
    let mut lines: Vec<&str> = script.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines.pop().unwrap();
    let mut replicas = vec![Replica::new(0, Platform::default()), Replica::new(1, Platform::default())];
    for line in lines {
        act(&mut replicas, line);
    }
    sync(&mut replicas);
    act(&mut replicas, last);
    let (ana, ben) = replicas.split_at_mut(1);
    let mut keys = Vec::new();
    for change in ben[0].missing_from(&ana[0]) {
        if let crate::TreeApplied::Applied { changed_keys } =
            ben[0].tree.apply(&change, &change.actor()).unwrap()
        {
            keys.extend(changed_keys);
        }
    }
    let ben = &mut ben[0];
    let keys = keys.iter().map(String::as_str);
    let changes = ben.view.refresh(&ben.tree, keys, [], &ben.documents);
    assert_eq!(changes, expected);
}

fn moved(from: &str, to: &str, kind: NodeKind) -> ShownChange {
    ShownChange::Moved { from: from.to_owned(), to: to.to_owned(), kind }
}

#[test]
fn a_renamed_folder_is_one_step() {
    let script = "ana put a/x 1 \n ana put a/b/y 2 \n ana mv a c";
    check_steps(script, &[moved("a", "c", NodeKind::Folder)]);
    let script = "ana put a/x 1 \n ana put a/b/y 2 \n ana mv a d/c";
    let added = ShownChange::Added { path: "d".to_owned(), kind: NodeKind::Folder };
    check_steps(script, &[added, moved("a", "d/c", NodeKind::Folder)]);
}

#[test]
fn a_changed_file_is_one_step() {
    check_steps("ana put a/x 1 \n ana put a/x 2", &[ShownChange::Content { path: "a/x".to_owned() }]);
    check_steps("ana put a/x 1 \n ana run a/x", &[ShownChange::Executable { path: "a/x".to_owned() }]);
    check_steps("ana put a/x 1 \n ana mv a/x y", &[moved("a/x", "y", NodeKind::File)]);
}

#[test]
fn names_that_are_swapped_take_a_detour() {
    let mut replica = Replica::new(0, Platform::default());
    replica.put("a/x", 1).unwrap();
    replica.put("b/y", 2).unwrap();
    replica
        .plan(|planner| {
            planner.rename("a", "c")?;
            planner.rename("b", "a")?;
            planner.rename("c", "b")
        })
        .unwrap();
    assert_eq!(replica.render(), "a/\na/y = 2\nb/\nb/x = 1");
}

#[test]
fn a_file_in_place_of_a_folder_and_back() {
    let mut replica = Replica::new(0, Platform::default());
    replica.put("a/x", 1).unwrap();
    replica.put("a/b/y", 2).unwrap();
    replica
        .plan(|planner| {
            planner.rename("a/b/y", "y")?;
            planner.delete(&["a"])?;
            planner.rename("y", "a")
        })
        .unwrap();
    assert_eq!(replica.render(), "a = 2");
    replica
        .plan(|planner| {
            planner.rename("a", "b")?;
            planner.create_folder("a/c/d")?;
            planner.rename("b", "a/c/b")
        })
        .unwrap();
    assert_eq!(replica.render(), "a/\na/c/\na/c/b = 2\na/c/d/");
}

#[test]
fn a_chain_of_renames_needs_no_detour() {
    let mut replicas = vec![Replica::new(0, Platform::default()), Replica::new(1, Platform::default())];
    for number in 0..9 {
        replicas[0].put(&format!("{number}"), number).unwrap();
    }
    sync(&mut replicas);
    replicas[0]
        .plan(|planner| (0..9).rev().try_for_each(|n| planner.rename(&n.to_string(), &(n + 1).to_string())))
        .unwrap();
    let other = replicas[0].clone();
    replicas[1].receive(&other);
    assert_eq!(replicas[0].render(), replicas[1].render());
    assert!(replicas[0].render().starts_with("1 = 0\n2 = 1"));
}
