//! Registers written by several people, checked against Automerge's map.

use automerge::{Automerge, transaction::Transactable};

use super::*;
use crate::change::Author;
use crate::document::ApplyError;
use crate::ids::ActorId;
use crate::limits::{CHANGE_BYTES_MAX, CHANGE_OPS_MAX, CHANGE_VALUES_BYTES_MAX, WRITE_PREDS_MAX};

const DOC: DocumentId = DocumentId::from_bytes(*b"the folder tree.");

fn actor(byte: u8) -> ActorId {
    ActorId::from([byte; 16])
}

fn set(key: &str, value: impl Into<Option<Value>>) -> RegisterEdit {
    RegisterEdit { key: key.to_owned(), value: value.into() }
}

fn text(value: &str) -> Value {
    Value::Str(value.to_owned())
}

fn write(document: &mut TreeDocument, byte: u8, edits: &[RegisterEdit]) -> Vec<Change> {
    let author = Author::Session(actor(byte));
    document.edit(author, edits, 7).unwrap().changes
}

fn apply_all(document: &mut TreeDocument, changes: &[Change]) {
    for change in changes {
        let parsed = Change::parse(change.bytes()).unwrap();
        let applied = document.apply(&parsed, &change.actor()).unwrap();
        assert!(matches!(applied, TreeApplied::Applied { .. }));
        assert_eq!(document.apply(&parsed, &change.actor()), Ok(TreeApplied::Known));
    }
}

fn values(document: &TreeDocument, key: &str) -> Vec<Value> {
    document.values(key).map(|(_, value)| value.clone()).collect()
}

#[test]
fn concurrent_writes_are_all_kept_and_the_greatest_is_shown() {
    let mut ana = TreeDocument::new(DOC);
    let first = write(&mut ana, 1, &[set("name", text("a")), set("kind", Value::Uint(1))]);
    let mut ben = TreeDocument::new(DOC);
    apply_all(&mut ben, &first);
    let from_ana = write(&mut ana, 1, &[set("name", text("ana's"))]);
    let from_ben = write(&mut ben, 2, &[set("name", text("ben's")), set("kind", None)]);
    apply_all(&mut ana, &from_ben);
    apply_all(&mut ben, &from_ana);
    for document in [&ana, &ben] {
        assert_eq!(document.get("name"), Some(&text("ben's")));
        assert_eq!(values(document, "name"), [text("ana's"), text("ben's")]);
        assert_eq!(document.get("kind"), None);
        assert_eq!(document.keys().collect::<Vec<_>>(), ["name"]);
    }
    assert_eq!(ana.heads(), ben.heads());
    let joined = write(&mut ana, 1, &[set("name", text("both"))]);
    apply_all(&mut ben, &joined);
    assert_eq!(values(&ben, "name"), [text("both")]);
}

#[test]
fn what_is_missing_is_named_and_changes_nothing() {
    let mut ana = TreeDocument::new(DOC);
    let first = write(&mut ana, 1, &[set("a", Value::Bool(true))]);
    let second = write(&mut ana, 1, &[set("a", Value::Bool(false))]);
    let mut ben = TreeDocument::new(DOC);
    let missing = TreeApplied::Missing(vec![first[0].hash()]);
    assert_eq!(ben.apply(&second[0], &actor(1)), Ok(missing));
    assert_eq!(ben.len_changes(), 0);
    apply_all(&mut ben, &first);
    apply_all(&mut ben, &second);
    assert_eq!(ben.get("a"), Some(&Value::Bool(false)));
}

#[test]
fn the_same_content_named_change_is_made_by_everybody() {
    let edits = [set("a", Value::Uint(5)), set("b", Value::Bytes(vec![1, 2]))];
    let mut ana = TreeDocument::new(DOC);
    let mut ben = TreeDocument::new(DOC);
    let from_ana = ana.edit(Author::ContentNamed, &edits, 99).unwrap().changes;
    let from_ben = ben.edit(Author::ContentNamed, &edits, 11).unwrap().changes;
    assert_eq!(from_ana, from_ben);
    assert!(from_ana[0].is_content_named(DOC));
    assert_eq!(ana.apply(&from_ben[0], &actor(9)), Ok(TreeApplied::Known));
    let mut carla = TreeDocument::new(DOC);
    let applied = carla.apply(&from_ana[0], &actor(9));
    assert!(matches!(applied, Ok(TreeApplied::Applied { .. })));
    let stolen = write(&mut TreeDocument::new(DOC), 1, &edits);
    assert!(matches!(carla.apply(&stolen[0], &actor(9)), Err(ApplyError::Author { .. })));
}

#[test]
fn large_edits_are_cut_into_changes_that_may_travel() {
    for author in [Author::Session(actor(1)), Author::ContentNamed] {
        let mut document = TreeDocument::new(DOC);
        let many: Vec<_> = (0..CHANGE_OPS_MAX + 1)
            .map(|index| set(&format!("{:x}", index % 30_000), Value::Bool(true)))
            .collect();
        let mut changes = document.edit(author, &many, 7).unwrap().changes;
        assert!(changes[0].bytes().len() <= CHANGE_BYTES_MAX);
        let large = vec![0; CHANGE_VALUES_BYTES_MAX];
        let edits =
            [set("x", Value::Bytes(large.clone())), set("y", Value::Uint(0)), set("z", None), set("x", None)];
        let edited = document.edit(author, &edits, 7).unwrap();
        assert_eq!(edited.changes.len(), 2);
        assert_eq!(edited.changed_keys, ["x", "y"]);
        changes.extend(edited.changes);
        let mut copy = TreeDocument::new(DOC);
        apply_all(&mut copy, &changes);
        assert_eq!(copy.heads(), document.heads());
        assert!(TreeDocument::changed_keys(&copy, &document).is_empty());
    }
}

#[test]
fn impossible_edits_change_nothing() {
    let mut document = TreeDocument::new(DOC);
    let author = Author::Session(actor(1));
    let good = set("a", Value::Bool(true));
    let bad_key = set("", Value::Bool(true));
    let bad_value = set("b", Value::Bytes(vec![0; CHANGE_VALUES_BYTES_MAX + 1]));
    assert_eq!(document.edit(author, &[good.clone(), bad_key], 0), Err(TreeEditError::Key { length: 0 }));
    assert!(document.edit(author, &[good.clone(), bad_value], 0).is_err());
    assert!(document.edit(author, &[good], -1).is_err());
    assert_eq!(document.edit(author, &[set("a", None)], 0), Ok(TreeEdited::default()));
    assert_eq!(document.len_changes(), 0);
}

#[test]
fn more_heads_than_a_change_may_name_are_joined_first() {
    let mut document = TreeDocument::new(DOC);
    for index in 0..300u16 {
        let mut other = TreeDocument::new(DOC);
        let name = ActorId::from_bytes(&index.to_be_bytes()).unwrap();
        let edits = [set("a", Value::Uint(index.into()))];
        let edited = other.edit(Author::Session(name), &edits, 0).unwrap();
        apply_all(&mut document, &edited.changes);
    }
    assert_eq!(values(&document, "a").len(), 300);
    let mut copy = document.clone();
    let changes = write(&mut document, 1, &[set("a", Value::Uint(1_000))]);
    assert!(changes.len() > 1);
    assert_eq!(values(&document, "a"), [Value::Uint(1_000)]);
    apply_all(&mut copy, &changes);
    assert_eq!(copy.heads(), document.heads());
    assert_eq!(copy.heads().hashes().len(), 1);
}

#[test]
fn one_write_succeeds_at_most_so_many_conflicts() {
    let mut document = TreeDocument::new(DOC);
    for index in 0..WRITE_PREDS_MAX as u32 + 5 {
        let mut other = TreeDocument::new(DOC);
        let name = ActorId::from_bytes(&index.to_be_bytes()).unwrap();
        let edits = [set("a", Value::Uint(index.into()))];
        let edited = other.edit(Author::Session(name), &edits, 0).unwrap();
        apply_all(&mut document, &edited.changes);
    }
    write(&mut document, 1, &[set("a", Value::Uint(1_000))]);
    assert_eq!(values(&document, "a").len(), 6);
    assert_eq!(document.get("a"), Some(&Value::Uint(1_000)));
}

#[test]
fn automerge_reads_our_changes_and_we_read_its() {
    let mut ours = TreeDocument::new(DOC);
    let mut theirs = Automerge::new().with_actor(automerge::ActorId::from([2; 16]));
    let changes = write(
        &mut ours,
        1,
        &[
            set("name", text("é")),
            set("size", Value::Uint(1 << 40)),
            set("yes", Value::Bool(true)),
            set("bytes", Value::Bytes(vec![0, 255])),
        ],
    );
    let to_automerge = |change: &Change| automerge::Change::from_bytes(change.bytes().to_vec()).unwrap();
    theirs.apply_changes(changes.iter().map(to_automerge)).unwrap();
    let mut transaction = theirs.transaction();
    transaction.put(automerge::ROOT, "name", "n").unwrap();
    transaction.delete(automerge::ROOT, "yes").unwrap();
    transaction.put(automerge::ROOT, "size", 7u64).unwrap();
    transaction.commit();
    let change = theirs.get_last_local_change().unwrap();
    apply_all(&mut ours, &[Change::parse(change.raw_bytes()).unwrap()]);
    assert_eq!(ours.get("name"), Some(&text("n")));
    assert_eq!(ours.get("size"), Some(&Value::Uint(7)));
    assert_eq!(ours.get("yes"), None);
    let saved = Automerge::load(&theirs.save()).unwrap();
    let heads: Vec<_> = saved.get_heads().iter().map(|hash| hash.0).collect();
    let own: Vec<_> = ours.heads().hashes().iter().map(|hash| *hash.as_bytes()).collect();
    assert_eq!(heads, own);
}

#[test]
fn a_tree_is_affirmed_by_changes_that_do_nothing() {
    let mut ana = TreeDocument::new(DOC);
    // Of nobody's registers there is nothing to build upon, and so a first change.
    let first = ana.affirm(Author::Session(actor(1)), 5).unwrap();
    assert_eq!((first.changes[0].deps().len(), first.changes[0].start_op()), (0, 1));
    for (count, changes) in [(2_u16, 1), (100, 2)] {
        let mut document = TreeDocument::new(DOC);
        for index in 0..count {
            let name = ActorId::from_bytes(&index.to_be_bytes()).unwrap();
            let edits = [set("a", Value::Uint(index.into()))];
            apply_all(
                &mut document,
                &TreeDocument::new(DOC).edit(Author::Session(name), &edits, 0).unwrap().changes,
            );
        }
        let mut copy = document.clone();
        let before = values(&document, "a");
        let affirmed = document.affirm(Author::Session(actor(1)), 5).unwrap();
        assert_eq!((affirmed.changes.len(), affirmed.changed_keys.len()), (changes, 0));
        assert!(affirmed.changes.iter().all(|change| (change.op_count(), change.time()) == (0, 5)));
        apply_all(&mut copy, &affirmed.changes);
        for document in [&document, &copy] {
            assert_eq!(values(document, "a"), before);
            assert_eq!(document.heads().hashes(), [affirmed.changes[changes - 1].hash()]);
        }
        let next = write(&mut copy, 2, &[set("a", Value::Uint(7))]);
        assert_eq!((next[0].deps(), next[0].start_op()), (document.heads().hashes(), 2));
    }
    assert_eq!(ana.affirm(Author::Session(actor(1)), -1), Err(TreeEditError::Time { seconds: -1 }));
}
