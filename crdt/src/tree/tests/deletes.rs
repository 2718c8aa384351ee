//! Deleting, and what beats it.

use super::language::{check, play};
use super::replica::{Replica, blob, sync};
use crate::tree::{ContentValue, Planner, Platform};

#[test]
fn a_delete_takes_everything_in_the_folder() {
    check("ana put d/a 1 \n ana put d/e/b 2 \n ana put c 3 \n sync \n ben rm d", "c = 3");
}

#[test]
fn an_edit_beats_a_delete() {
    check("ana put d/a 1 \n ana put d/b 1 \n sync \n ana rm d \n ben edit d/a", "d/ \n d/a = text 1+1");
    check("ana put a 1 \n ana edit a \n sync \n ana rm a \n ben edit a", "a = text 1+2");
    check("ana put a 1 \n sync \n ana rm a \n ben put a 2", "a = 2");
}

#[test]
fn an_edit_that_was_seen_does_not() {
    check("ana put a 1 \n ana edit a \n sync \n ana rm a", "");
    check("ana put a 1 \n sync \n ben edit a \n ana gets ben \n ana rm a", "");
}

#[test]
fn a_rename_beats_a_delete() {
    check("ana put d/a 1 \n ana put d/b 1 \n sync \n ana rm d \n ben mv d/a d/c", "d/ \n d/c = 1");
    check("ana put a 1 \n sync \n ana rm a \n ben mv a d/a", "d/ \n d/a = 1");
}

#[test]
fn a_fresh_creation_beats_a_delete() {
    check("ana put d/a 1 \n sync \n ana rm d \n ben put d/b 2", "d/ \n d/b = 2");
    check("ana put d/e/a 1 \n sync \n ana rm d \n ben put d/e/f/b 2", "d/ \n d/e/ \n d/e/f/ \n d/e/f/b = 2");
}

#[test]
fn a_folder_that_is_only_needed_goes_with_what_needs_it() {
    check("ana put d/a 1 \n sync \n ana rm d \n ben put d/b 2 \n sync \n cy rm d/b", "");
    check("ana put d/a 1 \n sync \n ana rm d \n ben edit d/a \n sync \n cy mv d/a a", "a = text 1+1");
    check("ana put d/a 1 \n sync \n ana rm d \n ben edit d/a \n sync \n cy mv d e", "e/ \n e/a = text 1+1");
    check("ana put d/a 1 \n sync \n ana rm d \n ben edit d/a \n sync \n cy rm d", "");
}

#[test]
fn both_delete() {
    check("ana put d/a 1 \n sync \n ana rm d \n ben rm d/a", "");
    check("ana put d/a 1 \n sync \n ana rm d \n ben rm d/a \n ben put d/a 1", "d/ \n d/a = 1");
}

#[test]
fn what_is_made_again_is_the_same_node() {
    let script = "ana put d/a 1 \n ana edit d/a \n sync \n ana rm d \n sync \n ben put d/a 1";
    let replicas = play(script);
    // The new content is an edit of the old document.
    assert_eq!(replicas[0].render(), "d/\nd/a = text 1+2");
    assert_eq!(replicas[0].view.node_count(), 2);
}

#[test]
fn making_a_folder_again_brings_nothing_in_it_back() {
    let script = "ana put d/a 1 \n ana put d/b 2 \n sync \n ana rm d \n ana mkdir d \n ana put d/new 3";
    check(script, "d/ \n d/new = 3");
    check(&format!("{script} \n ben rm d \n ben mkdir d \n ben put d/new 3"), "d/ \n d/new = 3");
    let replicas = play(&format!("{script} \n ben rm d \n ben mkdir d \n ben put d/new 3"));
    assert_eq!(replicas[0].view.node_count(), 4);
}

#[test]
fn a_deleted_copy_stays_deleted_when_the_file_comes_back() {
    let script = "ana put a 1 \n ana edit a \n sync \n ana put a 2 \n ben edit a \n sync \n ana rm a a_(conflict,_Ben)";
    check(&format!("{script} \n ana put a 2"), "a = 2");
    check(&format!("{script} \n ana put a 3"), "a = 3");
}

#[test]
fn a_deletion_names_what_was_seen_by_whoever_deleted() {
    // Each deleted what the other had not seen; what nobody saw stays.
    check("ana put a 1 \n sync \n ana put a 2 \n ben put a 3 \n ana rm a \n ben rm a", "");
}

/// Two people switch between branches that have, lack and change files; half of the time they know of each other.
#[test]
fn a_branch_switched_a_hundred_times_leaves_the_node_count() {
    let mut replicas: Vec<Replica> = (0..2).map(|number| Replica::new(number, Platform::default())).collect();
    let files = ["src/a", "src/b/c", "only/d", "only/e"];
    for path in files {
        replicas[0].put(path, 1).unwrap();
    }
    replicas[0].edit("src/a").unwrap();
    sync(&mut replicas);
    let count = replicas[0].view.node_count();
    let documents: Vec<_> = replicas[0].view.documents().collect();
    for round in 0..100 {
        for replica in &mut replicas {
            replica.plan(|planner| planner.delete(&["src/b", "only"])).unwrap();
        }
        if round % 2 == 0 {
            sync(&mut replicas);
        }
        for replica in &mut replicas {
            replica
                .plan(|planner| {
                    for path in ["src/b/c", "only/d", "only/e"] {
                        if let crate::tree::Created::CameBack { content, .. } =
                            planner.create_file(path, blob(1), false)?
                        {
                            panic!("{path} came back with {content:?}");
                        }
                    }
                    Ok(())
                })
                .unwrap();
        }
        sync(&mut replicas);
        assert_eq!(replicas[0].render(), replicas[1].render());
    }
    assert_eq!(replicas[0].view.node_count(), count);
    assert_eq!(replicas[0].view.documents().collect::<Vec<_>>(), documents);
    let shown = "only/\nonly/d = 1\nonly/e = 1\nsrc/\nsrc/a = text 1+1\nsrc/b/\nsrc/b/c = 1";
    assert_eq!(replicas[0].render(), shown);
}

#[test]
fn deleting_and_making_again_in_one_plan_is_the_same_node() {
    let mut replica = Replica::new(0, Platform::default());
    replica.put("d/a", 1).unwrap();
    replica.put("d/b", 1).unwrap();
    replica
        .plan(|planner| {
            planner.delete(&["d"])?;
            let created = planner.create_file("d/a", blob(2), true)?;
            assert!(matches!(created, crate::tree::Created::CameBack { .. }));
            planner.write_content("d/a", blob(2))
        })
        .unwrap();
    assert_eq!(replica.render(), "d/\nd/a = 2 !");
    assert_eq!(replica.view.node_count(), 3);
}

#[test]
fn a_version_can_be_made_a_file_only_with_its_text() {
    let replicas = play("ana put a 1 \n ana edit a \n sync \n ana put a 2 \n ben edit a");
    let mut replica = replicas[0].clone();
    let copy = "a (conflict, Ben)";
    let node = replica.view.node_at(copy).unwrap();
    let Some(ContentValue::Text { document, base }) = node.content.as_deref() else { panic!("{node:?}") };
    assert_eq!(base, &blob(1));
    let mut planner = Planner::new(&replica.view, &replica.documents, &super::replica::WORKSPACE);
    let refused = planner.rename(copy, "b").unwrap_err();
    assert_eq!(refused, crate::tree::PlanError::NeedsContent { path: copy.to_owned(), document: *document });
    replica.plan(|planner| planner.rename_with_content(copy, "b", blob(9))).unwrap();
    assert_eq!(replica.render(), "a = 2\nb = 9");
}
