//! Snapshots that load, and ones that must not.

use super::*;
use crate::change::{Author, Value};
use crate::document::{Edit, RegisterEdit, TextDocument, TreeDocument};
use crate::ids::{ActorId, CharIndex};

const DOC: DocumentId = DocumentId::from_bytes(*b"kept in a store.");

fn author(byte: u8) -> Author {
    Author::Session(ActorId::from([byte; 16]))
}

fn text() -> TextDocument {
    let mut document = TextDocument::new(DOC, "one\ntwo\nthree\n").unwrap();
    for (at, delete, insert) in [(3, 0, "é🙂"), (0, 2, ""), (5, 3, "2"), (1, 1, "x")] {
        let edit = Edit { at: CharIndex(at), delete, insert: insert.to_owned() };
        document.edit(author(at as u8), &[edit], 5).unwrap();
    }
    document
}

fn tree() -> TreeDocument {
    let mut document = TreeDocument::new(DOC);
    let mut other = TreeDocument::new(DOC);
    let set = |key: &str, value| RegisterEdit { key: key.to_owned(), value: Some(value) };
    let all = [
        set("a", Value::Uint(300)),
        set("b", Value::Bool(true)),
        set("c", Value::Bool(false)),
        set("d", Value::Bytes(vec![0, 1])),
        set("a", Value::Str("é".to_owned())),
    ];
    document.edit(author(1), &all, 5).unwrap();
    for change in other.edit(author(2), &all[..2], 5).unwrap().changes {
        document.apply(&change, &change.actor()).unwrap();
    }
    document
}

#[test]
fn a_text_comes_back_and_goes_on() {
    let mut before = text();
    let mut after = TextDocument::from_snapshot(DOC, &before.snapshot()).unwrap();
    after.check_invariants();
    assert_eq!(after.text(), before.text());
    assert_eq!(after.heads(), before.heads());
    assert_eq!(after.changes(), before.changes());
    let edit = Edit { at: CharIndex(2), delete: 3, insert: "again".to_owned() };
    let edited = before.edit(author(3), std::slice::from_ref(&edit), 5).unwrap();
    assert_eq!(after.edit(author(3), &[edit], 5).unwrap(), edited);
    assert_eq!(after.snapshot(), before.snapshot());
}

#[test]
fn registers_come_back_and_go_on() {
    let mut before = tree();
    let mut after = TreeDocument::from_snapshot(DOC, &before.snapshot()).unwrap();
    assert!(TreeDocument::changed_keys(&before, &after).is_empty());
    assert_eq!(after.heads(), before.heads());
    let edits = [RegisterEdit { key: "a".to_owned(), value: None }];
    let edited = before.edit(author(3), &edits, 5).unwrap();
    assert_eq!(after.edit(author(3), &edits, 5).unwrap(), edited);
    assert_eq!(after.snapshot(), before.snapshot());
}

#[test]
fn what_is_not_this_documents_snapshot_is_refused() {
    let other = DocumentId::from_bytes(*b"another document");
    let (text, tree) = (text().snapshot(), tree().snapshot());
    assert_eq!(TextDocument::from_snapshot(other, &text).unwrap_err(), SnapshotError::Document);
    assert_eq!(TextDocument::from_snapshot(DOC, &tree).unwrap_err(), SnapshotError::Document);
    assert_eq!(TreeDocument::from_snapshot(DOC, &text).unwrap_err(), SnapshotError::Document);
    let mut newer = text.clone();
    newer[1] = 2;
    assert_eq!(TextDocument::from_snapshot(DOC, &newer).unwrap_err(), SnapshotError::Version { found: 2 });
    for length in 0..text.len() {
        assert!(TextDocument::from_snapshot(DOC, &text[..length]).is_err());
    }
}

/// Damage under a right checksum: no panic, and what loads holds together.
#[test]
fn damage_never_panics() {
    let (text, tree) = (text().snapshot(), tree().snapshot());
    for place in 18..text.len().max(tree.len()) - CHECKSUM_LENGTH {
        for value in [0, 1, 2, 3, 0x7f, 0x80, 0xff] {
            let damaged = |bytes: &[u8]| {
                let mut bytes = bytes[..bytes.len() - CHECKSUM_LENGTH].to_vec();
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = value;
                }
                finish(bytes)
            };
            if let Ok(mut document) = TextDocument::from_snapshot(DOC, &damaged(&text)) {
                document.check_invariants();
                let all = Edit { at: CharIndex(0), delete: document.len_chars(), insert: "x".to_owned() };
                document.edit(author(9), &[all], 0).ok();
            }
            if let Ok(mut document) = TreeDocument::from_snapshot(DOC, &damaged(&tree)) {
                let edit = RegisterEdit { key: "a".to_owned(), value: None };
                document.edit(author(9), &[edit], 0).ok();
            }
        }
    }
}
