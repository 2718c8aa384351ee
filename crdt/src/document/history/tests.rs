//! Old versions, authors of lines, and changes that were withdrawn.

use super::*;
use crate::change::Author;
use crate::document::{Edit, EditError};
use crate::ids::CharIndex;

const DOC: DocumentId = DocumentId::from_bytes(*b"what happened...");
const BASE: &str = "one\ntwo\nthree\n";

fn edit(document: &mut TextDocument, byte: u8, at: usize, delete: usize, insert: &str) -> Change {
    let author = Author::Session(ActorId::from([byte; 16]));
    let edit = Edit { at: CharIndex(at), delete, insert: insert.to_owned() };
    document.edit(author, &[edit], i64::from(byte)).unwrap().changes.remove(0)
}

/// Ana and Ben edit apart, then Ana joins both.
fn changes() -> (TextDocument, Vec<Change>) {
    let mut ana = TextDocument::new(DOC, BASE).unwrap();
    let mut ben = ana.clone();
    let first = edit(&mut ana, 1, 4, 3, "TWO");
    let apart = edit(&mut ben, 2, 0, 0, "zero\n");
    ana.apply(&apart, &apart.actor()).unwrap();
    let joined = edit(&mut ana, 1, 19, 0, "four\n");
    assert_eq!(ana.text(), "zero\none\nTWO\nthree\nfour\n");
    (ana, vec![first, apart, joined])
}

#[test]
fn every_version_can_be_read_again() {
    let (document, changes) = changes();
    let reversed = changes.iter().rev();
    let history = History::new(DOC, BASE, reversed).unwrap();
    assert!(history.waiting().is_empty());
    let text = |version: &Version| history.text_at(version).map(|past| past.text());
    assert_eq!(text(&Version::default()).as_deref(), Some(BASE));
    assert_eq!(text(document.heads()), Some(document.text()));
    assert_eq!(text(&changes[0].hash().into()).as_deref(), Some("one\nTWO\nthree\n"));
    assert_eq!(text(&changes[1].hash().into()).as_deref(), Some("zero\none\ntwo\nthree\n"));
    let both = Version::new([changes[0].hash(), changes[1].hash()]);
    assert_eq!(text(&both).as_deref(), Some("zero\none\nTWO\nthree\n"));
    assert_eq!(text(&ChangeHash::from_bytes([9; 32]).into()), None);
    assert_eq!(history.closure(&both).unwrap().len(), 3);
}

#[test]
fn moments_say_what_each_change_did() {
    let (_, changes) = changes();
    let history = History::new(DOC, BASE, &changes).unwrap();
    let moments: Vec<_> = history.moments().collect();
    let did = |moment: &Moment| (moment.time, moment.inserted, moment.deleted);
    assert_eq!(moments.iter().map(did).collect::<Vec<_>>(), [(1, 3, 3), (2, 5, 0), (1, 5, 0)]);
    assert_eq!(moments[2].deps.len(), 2);
}

#[test]
fn each_line_has_its_last_change() {
    let (document, changes) = changes();
    let history = History::new(DOC, BASE, &changes).unwrap();
    let blame = history.blame(document.heads()).unwrap();
    let found: Vec<_> = blame.iter().map(|line| line.change).collect();
    let hash = |place: usize| Some(changes[place].hash());
    assert_eq!(found, [hash(1), None, hash(0), None, hash(2), None]);
    let blame = history.blame(&Version::default()).unwrap();
    assert!(blame.iter().all(|line| line.change.is_none()));
}

#[test]
fn withdrawn_changes_take_along_what_builds_upon_them() {
    let (document, changes) = changes();
    let kept = [&changes[2], &changes[1]];
    let (rebuilt, left_out) = TextDocument::rebuild(DOC, BASE, kept).unwrap();
    assert_eq!(rebuilt.text(), "zero\none\ntwo\nthree\n");
    assert_eq!(left_out, [changes[2].clone()]);
    let mut plain: Vec<char> = document.text().chars().collect();
    for patch in TextDocument::difference(&document, &rebuilt) {
        plain.splice(patch.at.0..patch.at.0 + patch.delete, patch.insert.chars());
    }
    assert_eq!(plain.into_iter().collect::<String>(), rebuilt.text());
    let (again, left_out) = TextDocument::rebuild(DOC, BASE, changes.iter().rev()).unwrap();
    assert_eq!((again.text(), left_out), (document.text(), vec![]));
}

#[test]
fn an_edit_of_an_older_text_keeps_what_came_since() {
    for author in [Author::Session(ActorId::from([1; 16])), Author::ContentNamed] {
        let mut document = TextDocument::new(DOC, BASE).unwrap();
        let base = document.keep();
        edit(&mut document, 2, 0, 0, "zero\n");
        edit(&mut document, 2, 9, 3, "2");
        let saved = "one\ntwo\nthree!\n";
        let edited = document.replace_text_at(&base, saved, author, 5).unwrap();
        assert_eq!(document.text(), "zero\none\n2\nthree!\n");
        assert_eq!(edited.changes.len(), 1);
        // Deleting what is gone already and typing at its place.
        let saved = "one\nthree\n";
        document.replace_text_at(&base, saved, author, 5).unwrap();
        assert_eq!(document.text(), "zero\none\n2three!\n");
        let mut other = TextDocument::new(DOC, "another base").unwrap();
        let refused = other.replace_text_at(&base, saved, author, 5);
        assert_eq!(refused, Err(EditError::UnknownBase));
    }
}

#[test]
fn a_whole_text_is_replaced_by_small_edits() {
    let mut document = TextDocument::new(DOC, BASE).unwrap();
    let author = Author::Session(ActorId::from([1; 16]));
    let edited = document.replace_text("one\n2\nthree\nfour\n", author, 5).unwrap();
    assert_eq!(document.text(), "one\n2\nthree\nfour\n");
    assert_eq!(edited.changes[0].op_count(), 3 + 1 + 5);
    assert!(document.replace_text("one\n2\nthree\nfour\n", author, 5).unwrap().changes.is_empty());
}
