//! What was typed on a branch that was dropped comes back, and only once.

use std::collections::BTreeSet;

use super::*;
use crate::change::{Author, Value};
use crate::document::{Applied, ApplyError, Edit, RegisterEdit, TextDocument, TreeApplied, TreeDocument};
use crate::ids::{CharIndex, Version};
use crate::interchange::{export_text, export_tree, import_text};
use crate::limits::CHANGE_ACTORS_MAX;

const DOC: DocumentId = DocumentId::from_bytes(*b"written twice...");
const BASE: &str = "one two three";

fn actor(byte: u8) -> ActorId {
    ActorId::from([byte; 16])
}

/// Edits as the person `byte` and gives the one change.
fn edit(document: &mut TextDocument, byte: u8, at: usize, delete: usize, insert: &str) -> Change {
    let edit = Edit { at: CharIndex(at), delete, insert: insert.to_owned() };
    let mut changes = document.edit(Author::Session(actor(byte)), &[edit], 7).unwrap().changes;
    assert_eq!(changes.len(), 1);
    changes.remove(0)
}

fn apply(document: &mut TextDocument, change: &Change, log: u8) {
    let applied = document.apply(change, &actor(log));
    assert!(matches!(applied, Ok(Applied::Applied(_))), "{applied:?}");
    document.check_invariants();
}

/// A person's copy of a document after changes of all logs.
fn copy_of(changes: &[&Change]) -> TextDocument {
    let mut document = TextDocument::new(DOC, BASE).unwrap();
    for change in changes {
        apply(&mut document, change, change.actor().as_bytes()[0]);
    }
    document
}

fn rename(changes: &[Change]) -> Vec<Change> {
    let renamed: Result<Vec<_>, _> = rename_changes(DOC, changes).into_iter().collect();
    let renamed = renamed.unwrap();
    for change in &renamed {
        assert_eq!(Change::parse(change.bytes()).as_ref(), Ok(change));
        assert!(change.is_content_named(DOC));
    }
    renamed
}

/// Parts changes into those that stay and those that go with `is_gone`, each with all that builds upon it.
fn part(all: &[Change], is_gone: impl Fn(&Change) -> bool) -> (Vec<Change>, Vec<Change>) {
    let mut gone = BTreeSet::new();
    all.iter().cloned().partition(|change| {
        let goes = is_gone(change) || change.deps().iter().any(|dep| gone.contains(dep));
        if goes {
            gone.insert(change.hash());
        }
        !goes
    })
}

/// Ana types, deletes and goes on; Ben types into her text, deletes some of it and of the base. In the order in which
/// they were made.
fn ana_and_ben() -> (Vec<Change>, TextDocument) {
    let mut ana = TextDocument::new(DOC, BASE).unwrap();
    let mut ben = ana.clone();
    let mut all = Vec::new();
    for (who, at, delete, insert) in [
        (1, 3, 0, " and a half é🙂"),
        (1, 0, 1, "O"),
        (2, 8, 0, "quarter/"),
        (1, 4, 2, "&"),
        (1, 10, 6, ""),
        (2, 2, 9, "BEN"),
        (2, 0, 0, "> "),
        (1, 1, 5, "ANA"),
        (2, 3, 4, ""),
    ] {
        let (author, other) = if who == 1 { (&mut ana, &mut ben) } else { (&mut ben, &mut ana) };
        let change = edit(author, who, at, delete, insert);
        apply(other, &change, who);
        all.push(change);
    }
    assert_eq!(ana.text(), ben.text());
    (all, ana)
}

#[test]
fn what_one_typed_and_others_built_upon_comes_back() {
    let (all, full) = ana_and_ben();
    for first_gone in 1..=5 {
        let (kept, gone) = part(&all, |change| change.actor() == actor(1) && change.seq() >= first_gone);
        let (mut document, left_out) = TextDocument::rebuild(DOC, BASE, &kept).unwrap();
        assert_eq!((left_out.len(), kept.len() + gone.len()), (0, all.len()));
        let renamed = rename(&gone);
        assert_eq!(renamed.len(), gone.len());
        for (new, old) in renamed.iter().zip(&gone) {
            assert_eq!((new.start_op(), new.op_count(), new.time()), (old.start_op(), old.op_count(), 0));
            assert_eq!(new.values(), old.values());
            apply(&mut document, new, 9);
        }
        assert_eq!(document.text(), full.text(), "from change {first_gone} on");
        let last = renamed.last().or(kept.last()).unwrap();
        assert_eq!(document.heads(), &Version::from(last.hash()));
        let file = export_text(DOC, BASE, kept.iter().chain(&renamed)).unwrap();
        assert_eq!(import_text(&file).unwrap(), full.text());
    }
}

#[test]
fn everybody_makes_the_same_changes() {
    let (all, _) = ana_and_ben();
    let (_, gone) = part(&all, |change| change.actor() == actor(1) && change.seq() >= 2);
    let renamed = rename(&gone);
    assert_eq!(rename(&gone), renamed);
    for count in 0..gone.len() {
        assert_eq!(rename(&gone[..count]), renamed[..count]);
    }
    let golden = "05701bcb21cea8fc4e10dbf101b0c66bf1c3b38f8da4ac45b179f29f6469fb61";
    assert_eq!(renamed[0].hash().to_string(), golden);
    // What has its new name already keeps it, also when others are renamed beside it.
    assert_eq!(rename(&renamed), renamed);
    let beside = edit(&mut TextDocument::new(DOC, BASE).unwrap(), 5, 0, 0, "beside");
    let mut more = vec![beside];
    more.extend(gone);
    assert_eq!(rename(&more)[1..], renamed);
    // In another document they are others.
    let elsewhere = rename_changes(DocumentId::from_bytes([7; 16]), &more[1..]);
    assert_ne!(elsewhere[0].as_ref().unwrap(), &renamed[0]);
}

#[test]
fn both_branches_are_there_once() {
    let (all, _) = ana_and_ben();
    let (kept, gone) = part(&all, |change| change.actor() == actor(1) && change.seq() >= 2);
    let (document, _) = TextDocument::rebuild(DOC, BASE, &kept).unwrap();
    let lost = edit(&mut copy_of(&all.iter().collect::<Vec<_>>()), 1, 0, 0, "LOST ");
    let gone: Vec<Change> = gone.into_iter().chain([lost]).collect();
    // The other branch: the same author, numbers and counters, another text.
    let mut winner = document.clone();
    let won = [edit(&mut winner, 1, 0, 0, "WON "), edit(&mut winner, 1, 5, 1, "and more")];
    assert_eq!((won[0].seq(), won[0].start_op()), (gone[0].seq(), gone[0].start_op()));
    let renamed = rename(&gone);
    let texts: BTreeSet<String> = (0..=renamed.len())
        .map(|from| {
            let mut document = document.clone();
            for change in renamed[..from].iter().chain(&won).chain(&renamed[from..]) {
                apply(&mut document, change, 1);
            }
            document.text()
        })
        .collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    let text = texts.first().unwrap();
    for typed in ["LOST ", "WON ", "and more", ">AN", "lf é🙂"] {
        assert_eq!(text.matches(typed).count(), 1, "{typed:?} in {text:?}");
    }
    // The branch as it was has no place there.
    let refused = winner.apply(&gone[0], &actor(1));
    assert_eq!(refused, Err(ApplyError::Equivocation { actor: actor(1), seq: 2 }));
}

/// One name may stand for different operations: whoever names it means the one that was made before it.
#[test]
fn a_name_means_what_the_one_who_wrote_it_knew() {
    let new = || TextDocument::new(DOC, BASE).unwrap();
    let won = edit(&mut new(), 1, 0, 0, "WON");
    let lost = edit(&mut new(), 1, 13, 0, "LOST");
    let lost_too = edit(&mut new(), 1, 3, 0, "GONE");
    let zed = edit(&mut new(), 9, 8, 0, "zed");
    // Carla goes because of Zed, and has built upon the branch that stays.
    let carla = edit(&mut copy_of(&[&won, &zed]), 3, 1, 1, "[carla]");
    let dora = edit(&mut copy_of(&[&lost_too]), 4, 4, 2, "[dora]");
    let erik = edit(&mut copy_of(&[&lost]), 5, 14, 2, "[erik]");
    let renamed = rename(&[lost, lost_too, zed, carla, dora, erik]);
    let mut document = copy_of(&[&won]);
    for change in renamed.iter().rev().chain(&renamed) {
        // Those that build upon a later one of the reversed order wait for the second time.
        document.apply(change, &actor(1)).unwrap();
    }
    assert!(renamed.iter().all(|change| document.contains(&change.hash())));
    assert_eq!(document.text(), "W[carla]NoneG[dora]E two zedthreeL[erik]T");
}

#[test]
fn a_deletion_that_runs_through_old_lost_and_own_characters_is_split() {
    let mut document = TextDocument::new(DOC, "").unwrap();
    let kept = edit(&mut document, 1, 0, 0, "ab");
    let gone = [edit(&mut document, 1, 2, 0, "cd"), edit(&mut document, 1, 4, 0, "ef")];
    let edits = [(6, 0, "gh"), (0, 7, "")];
    let edits = edits.map(|(at, delete, insert): (_, _, &str)| Edit {
        at: CharIndex(at),
        delete,
        insert: insert.to_owned(),
    });
    let last = document.edit(Author::Session(actor(1)), &edits, 7).unwrap().changes.remove(0);
    assert_eq!(document.text(), "h");
    let renamed = rename(&[&gone[..], &[last]].concat());
    let (mut document, _) = TextDocument::rebuild(DOC, "", [&kept]).unwrap();
    for change in &renamed {
        apply(&mut document, change, 9);
    }
    assert_eq!(document.text(), "h");
}

#[test]
fn equal_changes_of_two_people_become_one() {
    let mut ana = TextDocument::new(DOC, BASE).unwrap();
    let lost = edit(&mut ana, 1, 0, 0, "x");
    let [ben, carla] = [2, 3].map(|who| edit(&mut copy_of(&[&lost]), who, 1, 0, "same"));
    let both = edit(&mut copy_of(&[&lost, &ben, &carla]), 1, 0, 9, "");
    let renamed = rename(&[lost, ben, carla, both]);
    assert_eq!(renamed[1], renamed[2]);
    assert_eq!(renamed[3].deps(), [renamed[1].hash()]);
    let mut document = TextDocument::new(DOC, BASE).unwrap();
    for change in [&renamed[0], &renamed[1], &renamed[3]] {
        apply(&mut document, change, 9);
    }
    assert_eq!(document.text(), BASE);
    let file = export_text(DOC, BASE, [&renamed[0], &renamed[1], &renamed[3]]).unwrap();
    assert_eq!(import_text(&file).unwrap(), BASE);
}

#[test]
fn a_change_without_operations_goes_along() {
    let mut document = TextDocument::new(DOC, BASE).unwrap();
    let lost = edit(&mut document, 1, 0, 0, "x");
    let affirmed = document.affirm(Author::Session(actor(2)), 5).unwrap().changes.remove(0);
    let last = edit(&mut document, 1, 1, 0, "y");
    let renamed = rename(&[lost, affirmed, last]);
    assert_eq!(renamed[1].deps(), [renamed[0].hash()]);
    assert_eq!(renamed[2].deps(), [renamed[1].hash()]);
    let (document, left_out) = TextDocument::rebuild(DOC, BASE, &renamed).unwrap();
    assert_eq!((document.text().as_str(), left_out.len()), ("xyone two three", 0));
}

fn write(document: &mut TreeDocument, byte: u8, writes: &[(&str, Option<&str>)]) -> Change {
    let value = |value: Option<&str>| value.map(|value| Value::Str(value.to_owned()));
    let edits: Vec<_> =
        writes.iter().map(|(key, to)| RegisterEdit { key: (*key).to_owned(), value: value(*to) }).collect();
    document.edit(Author::Session(actor(byte)), &edits, 7).unwrap().changes.remove(0)
}

fn apply_writes(document: &mut TreeDocument, change: &Change) {
    let applied = document.apply(change, &actor(change.actor().as_bytes()[0]));
    assert!(matches!(applied, Ok(TreeApplied::Applied { .. })), "{applied:?}");
}

fn shown(document: &TreeDocument) -> Vec<(String, Vec<Value>)> {
    let values = |key: &str| document.values(key).map(|(_, value)| value.clone()).collect();
    document.keys().map(|key| (key.to_owned(), values(key))).collect()
}

#[test]
fn registers_come_back_too() {
    let mut ana = TreeDocument::new(DOC);
    let kept = write(&mut ana, 1, &[("a.name", Some("kept")), ("b.name", Some("old"))]);
    let mut ben = ana.clone();
    let renames = write(&mut ana, 1, &[("a.name", Some("ana")), ("c.name", Some("new"))]);
    apply_writes(&mut ben, &renames);
    let builds = write(&mut ben, 2, &[("a.name", Some("ben")), ("c.name", None), ("d", Some("1"))]);
    let more = write(&mut ana, 1, &[("a.name", Some("ana again")), ("a.name", Some("and again"))]);
    apply_writes(&mut ana, &builds);
    let joins = write(&mut ana, 1, &[("d", Some("2")), ("b.name", None)]);
    let mut all = ana.clone();
    let last = write(&mut all, 3, &[("a.name", Some("carla"))]);

    let gone = [renames.clone(), builds, more, joins, last];
    let (document, _) = TreeDocument::rebuild(DOC, [&kept]);
    let mut won = document.clone();
    let won = write(&mut won, 1, &[("a.name", Some("won"))]);
    for count in 0..=gone.len() {
        let renamed = rename(&gone[..count]);
        let (mut before, _) = TreeDocument::rebuild(DOC, [&kept].into_iter().chain(&gone[..count]));
        let (mut again, left_out) = TreeDocument::rebuild(DOC, [&kept].into_iter().chain(&renamed));
        assert_eq!((left_out.len(), again.heads().hashes().len()), (0, before.heads().hashes().len()));
        // Concurrent values stand in the order of their authors, who are others now.
        let sorted = |document: &TreeDocument| {
            let mut shown = shown(document);
            shown.iter_mut().for_each(|(_, values)| values.sort());
            shown
        };
        assert_eq!(sorted(&again), sorted(&before), "{count} changes");
        // And beside the branch that stays.
        apply_writes(&mut again, &won);
        let (other, _) = TreeDocument::rebuild(DOC, [&kept, &won].into_iter().chain(&renamed));
        assert_eq!((shown(&again), again.heads()), (shown(&other), other.heads()));
        assert!(again.values("a.name").any(|(_, value)| *value == Value::Str("won".to_owned())));
        export_tree([&kept, &won].into_iter().chain(&renamed)).unwrap();
        if count > 0 {
            assert!(matches!(before.apply(&won, &actor(1)), Err(ApplyError::Equivocation { .. })));
        }
    }
}

#[test]
fn a_write_over_equal_writes_of_two_people_names_one() {
    let mut ana = TreeDocument::new(DOC);
    let lost = write(&mut ana, 1, &[("k", Some("0"))]);
    let [ben, carla] = [2, 3].map(|who| write(&mut ana.clone(), who, &[("k", Some("same"))]));
    apply_writes(&mut ana, &ben);
    apply_writes(&mut ana, &carla);
    let over = write(&mut ana, 1, &[("k", None)]);
    let renamed = rename(&[lost, ben, carla, over]);
    let (document, left_out) = TreeDocument::rebuild(DOC, &renamed);
    assert_eq!((document.get("k"), left_out.len(), document.len_changes()), (None, 0, 3));
}

/// A deletion of the text of one author becomes one of as many authors as changes had made it.
#[test]
fn what_would_name_too_many_authors_has_no_new_name() {
    // The author of the text itself is named too.
    for typed in [CHANGE_ACTORS_MAX - 1, CHANGE_ACTORS_MAX] {
        let mut document = TextDocument::new(DOC, "").unwrap();
        let mut gone: Vec<Change> = (0..typed).map(|at| edit(&mut document, 1, at, 0, "x")).collect();
        gone.push(edit(&mut document, 1, 0, typed, ""));
        gone.push(edit(&mut document, 1, 0, 0, "after it"));
        let renamed = rename_changes(DOC, &gone);
        assert!(renamed[..typed].iter().all(Result::is_ok));
        let limit = CHANGE_ACTORS_MAX as u64;
        if typed < CHANGE_ACTORS_MAX {
            assert!(renamed[typed..].iter().all(Result::is_ok));
        } else {
            let refused = RenameError::Change(ChangeError::Limit { what: "actors", limit });
            assert_eq!(renamed[typed], Err(refused));
            let dependency = gone[typed].hash();
            assert_eq!(renamed[typed + 1], Err(RenameError::Dependency { dependency }));
        }
    }
}

#[test]
fn changes_in_the_wrong_order_are_told() {
    let mut document = TextDocument::new(DOC, BASE).unwrap();
    let [first, second] = [0, 1].map(|at| edit(&mut document, 1, at, 0, "x"));
    let renamed = rename_changes(DOC, &[second, first.clone()]);
    assert_eq!(renamed[0], Err(RenameError::Order { dependency: first.hash() }));
    assert!(renamed[1].is_ok());
}
