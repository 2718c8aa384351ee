//! Files for other programs, and an audit that can fail.

use automerge::transaction::Transactable;

use super::*;
use crate::change::{Author, Value};
use crate::document::{Edit, RegisterEdit, TreeDocument};
use crate::ids::{ActorId, CharIndex};

const DOC: DocumentId = DocumentId::from_bytes(*b"for other people");
const BASE: &str = "one\ntwo\n";

fn author(byte: u8) -> Author {
    Author::Session(ActorId::from([byte; 16]))
}

fn text() -> (TextDocument, Vec<Change>) {
    let mut document = TextDocument::new(DOC, BASE).unwrap();
    let mut changes = Vec::new();
    for (at, delete, insert) in [(3, 0, "é🙂"), (0, 2, ""), (4, 0, "x")] {
        let edit = Edit { at: CharIndex(at), delete, insert: insert.to_owned() };
        changes.extend(document.edit(author(1), &[edit], 5).unwrap().changes);
    }
    (document, changes)
}

#[test]
fn a_text_goes_to_automerge_and_comes_back_edited() {
    let (mut document, changes) = text();
    let file = export_text(DOC, BASE, &changes).unwrap();
    assert_eq!(import_text(&file).unwrap(), document.text());
    let mut theirs = Automerge::load(&file).unwrap();
    let (_, object) = theirs.get(ROOT, "text").unwrap().unwrap();
    let mut transaction = theirs.transaction();
    transaction.splice_text(&object, 0, 1, "by another program ").unwrap();
    transaction.commit();
    let imported = import(&theirs.save()).unwrap();
    assert_eq!(imported.text, theirs.text(&object).unwrap());
    assert_eq!(imported.changes.len(), changes.len() + 2);
    assert_eq!(imported.changes[0], TextDocument::genesis(DOC, BASE).unwrap());
    for change in &imported.changes[1..] {
        document.apply(change, &change.actor()).unwrap();
    }
    assert_eq!(document.text(), imported.text);
}

#[test]
fn what_is_no_text_is_refused() {
    assert!(matches!(import(b"hello"), Err(InterchangeError::Automerge { .. })));
    assert!(matches!(import(&Automerge::new().save()), Err(InterchangeError::NoText)));
    let mut theirs = Automerge::new();
    let mut transaction = theirs.transaction();
    let object = transaction.put_object(ROOT, "text", automerge::ObjType::Text).unwrap();
    transaction.splice_text(&object, 0, 0, "counted").unwrap();
    transaction.put(ROOT, "count", automerge::ScalarValue::counter(1)).unwrap();
    transaction.commit();
    assert_eq!(import_text(&theirs.save()).unwrap(), "counted");
    assert!(matches!(import(&theirs.save()), Err(InterchangeError::Change { .. })));
}

#[test]
fn an_audit_finds_what_differs() {
    let (document, changes) = text();
    audit_text(&document, BASE, &changes).unwrap();
    let fewer = audit_text(&document, BASE, &changes[..2]);
    assert!(matches!(fewer, Err(AuditError::Heads { .. })));

    let mut tree = TreeDocument::new(DOC);
    let edit = RegisterEdit { key: "k".to_owned(), value: Some(Value::Uint(5)) };
    let changes = tree.edit(author(1), &[edit], 5).unwrap().changes;
    audit_tree(&tree, &changes).unwrap();
    assert!(matches!(audit_tree(&tree, []), Err(AuditError::Heads { .. })));
    let file = export_tree(&changes).unwrap();
    let theirs = Automerge::load(&file).unwrap();
    let (value, _) = theirs.get(ROOT, "k").unwrap().unwrap();
    assert_eq!(value.into_scalar().unwrap(), automerge::ScalarValue::Uint(5));
}
