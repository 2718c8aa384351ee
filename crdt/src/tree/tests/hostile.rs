//! Registers that no planner of ours would write.

use super::replica::{Replica, blob};
use crate::tree::{
    ContentValue, Field, NameProblem, NodeKind, ParentValue, Platform, ROOT, RegisterKey, TRASH,
};
use crate::{NodeId, RegisterEdit, Value};

fn id(number: u8) -> NodeId {
    NodeId::from_bytes([number; 16])
}

fn set(node: NodeId, field: Field, value: Value) -> RegisterEdit {
    RegisterEdit { key: RegisterKey::new(node, field).to_string(), value: Some(value) }
}

fn node(node: NodeId, parent: NodeId, name: &str, kind: NodeKind) -> Vec<RegisterEdit> {
    let place = ParentValue { parent, before: parent };
    let mut edits = vec![
        set(node, Field::Kind, Value::Uint(kind.number().into())),
        set(node, Field::Name, Value::Str(name.to_owned())),
        set(node, Field::Parent, Value::Bytes(place.encode())),
    ];
    if kind == NodeKind::File {
        let content = ContentValue::Blob(blob(1));
        edits.push(set(node, Field::Content, Value::Bytes(content.encode())));
    }
    edits
}

fn replica(edits: &[Vec<RegisterEdit>]) -> Replica {
    let mut replica = Replica::new(0, Platform::default());
    for edits in edits {
        replica.write(edits);
    }
    replica
}

#[test]
fn names_that_are_never_written_cost_only_themselves() {
    let names = ["a/b", "..", ".GIT", "x\0", "ok"];
    let mut edits: Vec<_> =
        (1..).zip(names).map(|(n, name)| node(id(n), ROOT, name, NodeKind::Folder)).collect();
    edits.push(node(id(20), id(1), "inside", NodeKind::File));
    edits.push(node(id(21), id(5), "inside", NodeKind::File));
    let mut replica = replica(&edits);
    assert_eq!(replica.render(), "ok/\nok/inside = 1");
    let unwritten = replica.view.unwritten();
    let problems: Vec<_> = unwritten.iter().map(|node| (node.path.as_str(), &node.problem)).collect();
    assert_eq!(
        problems,
        [
            ("..", &NameProblem::Dots),
            (".GIT", &NameProblem::Git),
            ("a/b", &NameProblem::Separator),
            ("x\0", &NameProblem::Separator),
        ]
    );
    assert_eq!(replica.view.node_at("a/b"), None);
    assert_eq!(replica.view.path_of(id(2)), None);
    // A better name shows it with what it holds, a bad one hides it.
    replica.write(&[set(id(1), Field::Name, Value::Str("ab".to_owned()))]);
    assert_eq!(replica.render(), "ab/\nab/inside = 1\nok/\nok/inside = 1");
    replica.write(&[set(id(5), Field::Name, Value::Str(".git".to_owned()))]);
    assert_eq!(replica.render(), "ab/\nab/inside = 1");
}

#[test]
fn paths_that_are_too_long_are_not_written() {
    let name = "x".repeat(255);
    let mut edits = Vec::new();
    for depth in 1..=18_u8 {
        let parent = if depth == 1 { ROOT } else { id(depth - 1) };
        edits.push(node(id(depth), parent, &name, NodeKind::Folder));
    }
    let mut replica = replica(&edits);
    assert_eq!(replica.view.shown().len(), 16);
    assert_eq!(replica.view.unwritten()[0].problem, NameProblem::PathTooLong);
    assert_eq!(replica.view.unwritten().len(), 1);
    // Shorter names above make room below, a longer one takes it.
    replica.write(&[set(id(2), Field::Name, Value::Str("y".to_owned()))]);
    assert_eq!(replica.view.shown().len(), 16);
    replica.write(&[set(id(1), Field::Name, Value::Str("y".to_owned()))]);
    assert_eq!(replica.view.shown().len(), 17);
    replica.write(&[set(id(1), Field::Name, Value::Str(name))]);
    assert_eq!(replica.view.shown().len(), 16);
}

#[test]
fn parents_that_do_not_exist_are_the_root() {
    let mut replica = replica(&[
        node(id(1), id(9), "lost", NodeKind::Folder),
        node(id(2), id(9), "file", NodeKind::File),
        node(id(3), id(2), "in a file", NodeKind::File),
        node(id(4), id(4), "in itself", NodeKind::Folder),
    ]);
    assert_eq!(replica.render(), "file = 1\nin a file = 1\nin itself/\nlost/");
    // When the folder comes after all, everything is where it was put.
    replica.write(&node(id(9), ROOT, "found", NodeKind::Folder));
    assert_eq!(replica.render(), "found/\nfound/file = 1\nfound/lost/\nin a file = 1\nin itself/");
    let gone = RegisterEdit { key: RegisterKey::new(id(9), Field::Kind).to_string(), value: None };
    replica.write(&[gone]);
    assert_eq!(replica.render(), "file = 1\nin a file = 1\nin itself/\nlost/");
}

#[test]
fn values_that_are_not_valid_are_not_there() {
    let mut replica = replica(&[node(id(1), ROOT, "a", NodeKind::File)]);
    replica.write(&[
        set(id(1), Field::Executable, Value::Uint(1)),
        set(id(2), Field::Name, Value::Str("b".to_owned())),
        set(id(3), Field::Kind, Value::Uint(7)),
        set(id(1), Field::DeletedAt, Value::Bytes(vec![1, 200])),
        RegisterEdit { key: "nonsense".to_owned(), value: Some(Value::Bool(true)) },
    ]);
    assert_eq!(replica.render(), "a = 1");
    replica.write(&[set(id(1), Field::Content, Value::Bytes(vec![0xff; 9]))]);
    assert_eq!(replica.render(), "a = nothing");
    replica.write(&[set(id(1), Field::Parent, Value::Bytes(vec![0; 5]))]);
    assert_eq!(replica.render(), "");
}

#[test]
fn a_long_chain_of_folders_closed_to_a_ring_is_cut() {
    let many = 2_000_u32;
    let folder = |number: u32| {
        let mut bytes = [7; 16];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        NodeId::from_bytes(bytes)
    };
    let mut edits = Vec::new();
    for number in 0..many {
        edits.extend(node(folder(number), folder((number + 1) % many), "x", NodeKind::Folder));
    }
    let mut replica = Replica::new(0, Platform::default());
    replica.checks = false;
    replica.write(&edits);
    replica.check_view();
    // Of the 2,000 all are in the tree; paths over 4 KiB are not shown.
    assert_eq!(replica.view.shown().len(), 2_048.min(many as usize));
    let moved = ParentValue { parent: TRASH, before: ROOT };
    replica.write(&[set(folder(3), Field::Parent, Value::Bytes(moved.encode()))]);
    replica.check_view();
}

#[test]
fn platforms_that_fold_names_hold_the_older_one() {
    let folding = Platform { folds_names: true, windows_names: true };
    let mut replica = Replica::new(0, folding);
    for edits in [
        node(id(1), ROOT, "Readme", NodeKind::Folder),
        node(id(2), id(1), "a", NodeKind::File),
        node(id(3), ROOT, "README", NodeKind::Folder),
        node(id(4), id(3), "b", NodeKind::File),
        node(id(5), ROOT, "aux.c", NodeKind::File),
    ] {
        replica.write(&edits);
    }
    // Shown alike everywhere; the disk that the test compares holds only the older folder.
    assert_eq!(replica.render(), "README/\nREADME/b = 1\nReadme/\nReadme/a = 1\naux.c = 1");
    let unwritten = replica.view.unwritten();
    let problems: Vec<_> = unwritten.iter().map(|node| (node.path.as_str(), &node.problem)).collect();
    let folds = NameProblem::Folds("Readme".to_owned());
    assert_eq!(problems, [("README", &folds), ("aux.c", &NameProblem::Reserved)]);
    replica.write(&[set(id(1), Field::Name, Value::Str("other".to_owned()))]);
    assert_eq!(replica.view.unwritten().len(), 1);
    replica.write(&[set(id(1), Field::Name, Value::Str("readme".to_owned()))]);
    assert_eq!(replica.view.unwritten()[0].problem, NameProblem::Folds("readme".to_owned()));
}

#[test]
fn ten_thousand_files_of_one_name_are_told_apart_in_linear_work() {
    let mut edits = Vec::new();
    for number in 0..10_000_u32 {
        let mut bytes = [7; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        edits.extend(node(NodeId::from_bytes(bytes), ROOT, "same.txt", NodeKind::File));
    }
    let mut replica = Replica::new(0, Platform::default());
    replica.checks = false;
    replica.write(&edits);
    let shown = replica.view.shown();
    assert_eq!(shown.len(), 10_000);
    assert!(shown.contains_key("same.txt") && shown.contains_key("same (10000).txt"));
}
