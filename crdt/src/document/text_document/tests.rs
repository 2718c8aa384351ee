//! Texts edited by several people.

mod hostile;

use super::*;
use crate::change::{Author, Change};
use crate::document::ApplyError;
use crate::ids::{ActorId, CharIndex};
use crate::limits::{CHANGE_BYTES_MAX, CHANGE_OPS_MAX, CHANGE_VALUES_BYTES_MAX};
use crate::text::Patch;

const DOC: DocumentId = DocumentId::from_bytes(*b"a text document.");

fn actor(byte: u8) -> ActorId {
    ActorId::from([byte; 16])
}

fn new(base: &str) -> TextDocument {
    TextDocument::new(DOC, base).unwrap()
}

fn replace(at: usize, delete: usize, insert: &str) -> Edit {
    Edit { at: CharIndex(at), delete, insert: insert.to_owned() }
}

fn patch(at: usize, delete: usize, insert: &str) -> Patch {
    Patch { at: CharIndex(at), delete, insert: insert.to_owned() }
}

/// Edits as a person and gives the one change.
fn edit(document: &mut TextDocument, byte: u8, edits: &[Edit]) -> Change {
    let author = Author::Session(actor(byte));
    let mut changes = document.edit(author, edits, 7).unwrap().changes;
    document.check_invariants();
    assert_eq!(changes.len(), 1);
    changes.remove(0)
}

fn apply(document: &mut TextDocument, change: &Change) -> Vec<Patch> {
    let parsed = Change::parse(change.bytes()).unwrap();
    let applied = document.apply(&parsed, &change.actor()).unwrap();
    document.check_invariants();
    assert_eq!(document.apply(&parsed, &change.actor()), Ok(Applied::Known));
    match applied {
        Applied::Applied(patches) => patches,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_genesis_is_golden_and_the_same_for_all() {
    let genesis = TextDocument::genesis(DOC, "héllo\n🙂").unwrap();
    let hash = genesis.hash();
    assert_eq!(hash.to_string(), "eacaf464719841111e23939f2ce16d6b940b6b4213ade0c8e370bafe1e62bf4c");
    let document = new("héllo\n🙂");
    assert_eq!(document.heads().hashes(), [hash]);
    assert_eq!(document.text(), "héllo\n🙂");
    assert!(!document.has_changes_beyond_genesis());
    assert_eq!(Change::parse(genesis.bytes()), Ok(genesis));
    assert_eq!(new("").text(), "");
    assert_ne!(new("").heads(), document.heads());
}

#[test]
fn edits_travel_and_give_patches() {
    let mut ana = new("hello world");
    let mut ben = ana.clone();
    let from_ana = edit(&mut ana, 1, &[replace(0, 5, "goodbye"), replace(8, 0, "cruel ")]);
    let from_ben = edit(&mut ben, 2, &[replace(11, 0, "!"), replace(0, 1, "H")]);
    assert_eq!(ana.text(), "goodbye cruel world");
    assert_eq!(ben.text(), "Hello world!");
    assert_eq!(apply(&mut ana, &from_ben), [patch(19, 0, "!"), patch(7, 0, "H")]);
    let patches = apply(&mut ben, &from_ana);
    assert_eq!(patches, [patch(1, 4, ""), patch(0, 0, "goodbye"), patch(9, 0, "cruel ")]);
    assert_eq!(ana.text(), ben.text());
    assert_eq!(ana.heads(), ben.heads());
}

#[test]
fn impossible_edits_change_nothing() {
    let mut document = new("abc");
    let author = Author::Session(actor(1));
    let fine = replace(3, 0, "def");
    for bad in [replace(7, 0, "x"), replace(6, 1, ""), replace(0, usize::MAX, ""), replace(usize::MAX, 2, "")]
    {
        let error = document.edit(author, &[fine.clone(), bad], 0).unwrap_err();
        assert!(matches!(error, EditError::OutOfBounds { length: 6, .. }));
    }
    assert!(document.edit(author, &[fine], i64::MIN).is_err());
    assert_eq!(document.edit(author, &[replace(1, 0, "")], 0), Ok(Edited::default()));
    assert_eq!(document.text(), "abc");
    assert!(!document.has_changes_beyond_genesis());
}

#[test]
fn large_edits_are_cut_as_late_as_possible_and_alike() {
    let wide = "🙂é".repeat(CHANGE_VALUES_BYTES_MAX / 6 + 3);
    let long = "x".repeat(CHANGE_OPS_MAX as usize + 1);
    for author in [Author::Session(actor(1)), Author::ContentNamed] {
        let mut ana = new("base text");
        let mut changes = Vec::new();
        for edits in [
            vec![replace(4, 1, &wide)],
            vec![replace(9, 7, &long), replace(2, 30_000, "ab"), replace(3, 20_000, "")],
        ] {
            let edited = ana.edit(author, &edits, 9).unwrap();
            ana.check_invariants();
            assert!(edited.changes.len() > 1);
            changes.extend(edited.changes);
        }
        assert_eq!(changes[0].values().len(), CHANGE_VALUES_BYTES_MAX / 6 * 6 + 4);
        assert!(changes.iter().any(|change| change.op_count() == CHANGE_OPS_MAX));
        let mut ben = new("base text");
        for change in &changes {
            assert!(change.bytes().len() <= CHANGE_BYTES_MAX);
            apply(&mut ben, change);
        }
        assert_eq!(ana.text(), ben.text());
        assert_eq!(ana.heads(), ben.heads());
    }
}

#[test]
fn a_change_of_scattered_deletions_fits_into_its_bytes() {
    // Every second character is of another session, so that nothing joins.
    let mut ana = new(&"-".repeat(30_000));
    let mut next = 0u32;
    let mut edits = Vec::new();
    for index in (0..30_000).rev().step_by(3) {
        edits.push(replace(index, 0, "x"));
    }
    for part in edits.chunks(3) {
        next += 1;
        let name = ActorId::from_bytes(&[&next.to_be_bytes()[..], &[7; 28]].concat()).unwrap();
        ana.edit(Author::Session(name), part, 0).unwrap();
    }
    let mut ben = ana.clone();
    for author in [Author::Session(actor(1)), Author::ContentNamed] {
        let mut ana = ana.clone();
        let all = replace(0, ana.len_chars(), "");
        let edited = ana.edit(author, &[all], 0).unwrap();
        ana.check_invariants();
        assert!(edited.changes.len() > 1);
        for change in &edited.changes {
            assert!(change.bytes().len() <= CHANGE_BYTES_MAX);
        }
        if author == Author::ContentNamed {
            for change in &edited.changes {
                apply(&mut ben, change);
            }
            assert_eq!(ben.text(), "");
            assert_eq!(ben.heads(), ana.heads());
        }
    }
}

#[test]
fn the_same_save_made_twice_is_one_change() {
    let mut ana = new("one\ntwo\n");
    let mut ben = ana.clone();
    let edits = [replace(4, 3, "2"), replace(0, 0, "zero\n")];
    let from_ana = ana.edit(Author::ContentNamed, &edits, 1).unwrap().changes;
    let from_ben = ben.edit(Author::ContentNamed, &edits, 2).unwrap().changes;
    assert_eq!(from_ana, from_ben);
    assert_eq!(from_ana[0].time(), 0);
    assert_eq!(ana.apply(&from_ben[0], &actor(2)), Ok(Applied::Known));
    let mut carla = new("one\ntwo\n");
    assert!(matches!(carla.apply(&from_ana[0], &actor(3)), Ok(Applied::Applied(_))));
    assert_eq!(carla.text(), "zero\none\n2\n");
    // In another document the same bytes are somebody's forgery.
    let other = DocumentId::from_bytes(*b"another document");
    let mut other = TextDocument::new(other, "one\ntwo\n").unwrap();
    assert!(matches!(other.apply(&from_ana[0], &actor(3)), Err(ApplyError::Author { .. })));
}

#[test]
fn what_cannot_be_is_refused() {
    let mut ana = new("hello");
    let mut ben = ana.clone();
    let first = edit(&mut ana, 1, &[replace(5, 0, "!")]);
    let second = edit(&mut ana, 1, &[replace(5, 1, "?")]);
    // Not here yet.
    assert_eq!(ben.apply(&second, &actor(1)), Ok(Applied::Missing(vec![first.hash()])));
    // In somebody else's log.
    assert!(matches!(ben.apply(&first, &actor(2)), Err(ApplyError::Author { .. })));
    // Two different first changes.
    let mut copy = ben.clone();
    let twin = edit(&mut copy, 1, &[replace(0, 0, "x")]);
    apply(&mut ben, &first);
    assert!(matches!(ben.apply(&twin, &actor(1)), Err(ApplyError::Equivocation { seq: 1, .. })));
    // Registers in a text.
    let mut tree = crate::TreeDocument::new(DOC);
    let edits = [crate::RegisterEdit { key: "k".into(), value: Some(crate::Value::Uint(1)) }];
    let change = &tree.edit(Author::Session(actor(5)), &edits, 0).unwrap().changes[0];
    assert_eq!(ben.apply(change, &actor(5)), Err(ApplyError::Kind));
    assert_eq!(ben.text(), "hello!");
    apply(&mut ben, &second);
    assert_eq!(ben.text(), "hello?");
}

#[test]
fn anchors_stay_with_their_text() {
    let mut ana = new("hello world");
    let mut ben = ana.clone();
    let before = ana.anchor(CharIndex(6), Side::Before);
    let after = ana.anchor(CharIndex(6), Side::After);
    let (start, end) = (ana.anchor(CharIndex(0), Side::After), ana.anchor(CharIndex(99), Side::Before));
    let change = edit(&mut ben, 2, &[replace(6, 0, "big "), replace(0, 0, ">> ")]);
    apply(&mut ana, &change);
    assert_eq!(ana.text(), ">> hello big world");
    let position = |document: &TextDocument, anchor| document.position(anchor).map(|at| at.0);
    assert_eq!(position(&ana, &before), Some(13));
    assert_eq!(position(&ana, &after), Some(9));
    assert_eq!(position(&ana, &start), Some(0));
    assert_eq!(position(&ana, &end), Some(18));
    edit(&mut ana, 1, &[replace(3, 15, "")]);
    assert_eq!(position(&ana, &before), Some(3));
    assert_eq!(position(&ana, &after), Some(3));
    let typed = ben.anchor(CharIndex(1), Side::Before);
    assert_eq!(position(&new("hello world"), &typed), None);
}

#[test]
fn more_heads_than_a_change_may_name_are_joined_first() {
    for author in [Author::Session(actor(1)), Author::ContentNamed] {
        let mut ana = new("x");
        for index in 0..200u16 {
            let mut other = new("x");
            let name = ActorId::from_bytes(&index.to_be_bytes()).unwrap();
            let edited = other.edit(Author::Session(name), &[replace(1, 0, "y")], 0).unwrap();
            apply(&mut ana, &edited.changes[0]);
        }
        let mut ben = ana.clone();
        let edited = ana.edit(author, &[replace(0, 1, "")], 0).unwrap();
        assert!(edited.changes.len() > 1);
        for change in &edited.changes {
            apply(&mut ben, change);
        }
        assert_eq!(ben.heads(), ana.heads());
        assert_eq!(ben.text(), "y".repeat(200));
    }
}

#[test]
fn the_same_text_of_two_people_side_by_side_is_found() {
    let text = "    let answer = 42;\n";
    let chars = text.chars().count();
    let inserted = |doubled: &[Doubled]| doubled.iter().map(|d| (d.second.0, d.chars)).collect::<Vec<_>>();
    let origin = new("fn main() {\n}\n");
    let (mut ana, mut ben) = (origin.clone(), origin);
    let from_ana = edit(&mut ana, 1, &[replace(0, 0, "// "), replace(15, 0, text)]);
    let from_ben = edit(&mut ben, 2, &[replace(12, 0, text)]);
    apply(&mut ana, &from_ben);
    apply(&mut ben, &from_ana);
    assert_eq!(ana.text(), format!("// fn main() {{\n{text}{text}}}\n"));
    assert_eq!(inserted(&ana.doubled(&from_ben)), [(15 + chars, chars)]);
    assert_eq!(inserted(&ben.doubled(&from_ana)), [(15 + chars, chars)]);
    // Taken away, it is found no more.
    let removed = edit(&mut ana, 1, &[replace(15 + chars, chars, "")]);
    assert_eq!(ana.doubled(&from_ben), []);
    assert_eq!(ana.doubled(&removed), []);
    // Who knew of the first copy meant the second one.
    apply(&mut ben, &removed);
    let meant = edit(&mut ben, 2, &[replace(15, 0, text)]);
    apply(&mut ana, &meant);
    assert_eq!(ana.text(), format!("// fn main() {{\n{text}{text}}}\n"));
    assert_eq!(ana.doubled(&meant), []);
}

#[test]
fn short_or_different_texts_are_not_taken_for_one() {
    for (left, right) in [("same", "same"), ("a text of Ana's own", "a text of Ben's own")] {
        let (mut ana, mut ben) = (new("()"), new("()"));
        edit(&mut ana, 1, &[replace(1, 0, left)]);
        let from_ben = edit(&mut ben, 2, &[replace(1, 0, right)]);
        apply(&mut ana, &from_ben);
        assert_eq!(ana.doubled(&from_ben), []);
    }
}

#[test]
fn a_save_from_an_old_copy_leaves_a_text_that_further_saves_are_made_from() {
    let mut document = TextDocument::new(DocumentId::from_bytes([3; 16]), "one\ntwo\n").unwrap();
    let old = document.keep();
    let ana = Author::Session(ActorId::from([1; 16]));
    document.replace_text("one\nAna\ntwo\n", ana, 0).unwrap();
    for ben in [Author::Session(ActorId::from([2; 16])), Author::ContentNamed] {
        let mut document = document.clone();
        let edits = TextDocument::minimal_edits(&old.text(), "Ben\none\ntwo!\n");
        let edited = document.edit_at(&old, ben, &edits, 0).unwrap();
        assert_eq!(document.text(), "Ben\none\nAna\ntwo!\n");
        let left = old.clone().after(&edited, &edits).unwrap();
        assert_eq!(left.text(), "Ben\none\ntwo!\n");
        // The next save of the same editor, which still has not seen Ana's line.
        document.replace_text_at(&left, "Ben!\none\ntwo!\nBen again\n", ben, 0).unwrap();
        assert_eq!(document.text(), "Ben!\none\nAna\ntwo!\nBen again\n");
    }
}

#[test]
fn a_text_is_affirmed_by_a_change_that_does_nothing() {
    let mut ana = new("text");
    let mut ben = ana.clone();
    let from_ana = edit(&mut ana, 1, &[replace(0, 0, "a")]);
    let from_ben = edit(&mut ben, 2, &[replace(4, 0, "b")]);
    apply(&mut ana, &from_ben);
    apply(&mut ben, &from_ana);
    let (text, heads) = (ana.text(), ana.heads().clone());
    let affirmed = ana.affirm(Author::Session(actor(1)), 5).unwrap();
    let [change] = affirmed.changes.as_slice() else { panic!("{affirmed:?}") };
    assert_eq!((affirmed.patches.len(), ana.text()), (0, text));
    assert_eq!((change.op_count(), change.seq(), change.time()), (0, 2, 5));
    assert_eq!(change.deps(), heads.hashes());
    assert_eq!((change.start_op(), change.max_op()), (from_ana.max_op() + 1, from_ana.max_op()));
    assert_eq!(ana.heads().hashes(), [change.hash()]);
    assert_eq!(apply(&mut ben, change), []);
    assert_eq!(ben.heads(), ana.heads());
    // What is typed next builds upon it and begins where it would have begun.
    let next = edit(&mut ben, 2, &[replace(0, 1, "A")]);
    assert_eq!((next.deps(), next.start_op()), ([change.hash()].as_slice(), change.start_op()));
    apply(&mut ana, &next);
    assert_eq!(ana.affirm(Author::Session(actor(1)), -1), Err(EditError::Time { seconds: -1 }));
}

#[test]
fn a_text_with_many_heads_is_affirmed_as_a_whole() {
    for author in [Author::Session(actor(1)), Author::ContentNamed] {
        let mut document = new("x");
        for index in 0..100u16 {
            let name = ActorId::from_bytes(&index.to_be_bytes()).unwrap();
            let edited = new("x").edit(Author::Session(name), &[replace(1, 0, "y")], 0).unwrap();
            apply(&mut document, &edited.changes[0]);
        }
        let mut copy = document.clone();
        let affirmed = document.affirm(author, 5).unwrap();
        assert!(affirmed.changes.len() > 1);
        affirmed.changes.iter().for_each(|change| assert_eq!(apply(&mut copy, change), []));
        assert_eq!(document.heads().hashes(), [affirmed.changes.last().unwrap().hash()]);
        assert_eq!(copy.heads(), document.heads());
    }
}
