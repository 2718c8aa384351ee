use std::collections::VecDeque;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use weft_crdt::{Patch, TextDocument};

use super::*;
use crate::limits::{CURSORS_MAX, PEOPLE_MAX, PERSON_CURSORS_MAX, UNDO_BYTES_MAX, UNDO_GROUPS_MAX};
use crate::selection::Selection;
use crate::testing::{self, under_seeds};
use crate::view::Scroll;

fn open(text: &str) -> (Document, ViewId) {
    let mut document = Document::new(text, 0);
    let view = document.add_view();
    (document, view)
}

fn text(document: &Document) -> String {
    document.buffer().rope().to_string()
}

fn patches(change: &ChangeSet) -> Vec<Patch> {
    let edits = change.to_edits().into_iter();
    edits.map(|edit| Patch { at: edit.at, delete: edit.delete, insert: edit.insert }).collect()
}

/// A node as it should be: it moves what comes behind what it has.
struct Server {
    text: Buffer,
    changes: Vec<(usize, ChangeSet)>,
}

impl Server {
    fn receive(&mut self, client: usize, outgoing: &Outgoing) -> u64 {
        let as_patches: Vec<Patch> = outgoing
            .edits
            .iter()
            .map(|edit| Patch { at: edit.at, delete: edit.delete, insert: edit.insert.clone() })
            .collect();
        let mut change = ChangeSet::from_patches(&as_patches, usize::MAX / 2).unwrap();
        for (_, other) in &self.changes[outgoing.revision as usize..] {
            change = ChangeSet::moved(other, &change).1;
        }
        self.text.apply(&change).unwrap();
        self.changes.push((client, change));
        self.changes.len() as u64
    }
}

enum News {
    Changed(u64, Vec<Patch>),
    Answer(u64),
}

#[test]
fn everybody_ends_with_the_text_of_the_node() {
    under_seeds(150, |rng| {
        let start = testing::text(rng, 20);
        let mut server = Server { text: Buffer::new(&start), changes: Vec::new() };
        let mut clients: Vec<(Document, ViewId, VecDeque<News>)> = (0..3)
            .map(|_| {
                let (document, view) = open(&start);
                (document, view, VecDeque::new())
            })
            .collect();
        // Answers wait longer than news: an edit is answered when it is on disk.
        let mut answers: Vec<(usize, u64)> = Vec::new();
        for round in 0..200 {
            let who = rng.random_range(0..clients.len());
            match rng.random_range(0..5) {
                0 | 1 if round < 150 => {
                    let (document, view, _) = &mut clients[who];
                    edit_randomly(rng, document, *view);
                }
                0..=2 => {
                    let Some(outgoing) = clients[who].0.outgoing() else { continue };
                    let revision = server.receive(who, &outgoing);
                    let news = patches(&server.changes[revision as usize - 1].1);
                    for (other, client) in clients.iter_mut().enumerate().filter(|(other, _)| *other != who) {
                        let _ = other;
                        client.2.push_back(News::Changed(revision, news.clone()));
                    }
                    answers.push((who, revision));
                }
                3 if !answers.is_empty() => {
                    let (who, revision) = answers.remove(0);
                    clients[who].2.push_back(News::Answer(revision));
                }
                _ => hear(&mut clients[who]),
            }
        }
        // Each message has the edits of one author.
        for _ in 0..150 {
            for (who, revision) in answers.drain(..) {
                clients[who].2.push_back(News::Answer(revision));
            }
            for who in 0..clients.len() {
                while !clients[who].2.is_empty() {
                    hear(&mut clients[who]);
                }
                if let Some(outgoing) = clients[who].0.outgoing() {
                    let revision = server.receive(who, &outgoing);
                    let news = patches(&server.changes[revision as usize - 1].1);
                    for (other, client) in clients.iter_mut().enumerate() {
                        if other != who {
                            client.2.push_back(News::Changed(revision, news.clone()));
                        }
                    }
                    answers.push((who, revision));
                }
            }
        }
        for (document, _, _) in &clients {
            assert!(!document.is_behind());
            assert_eq!(text(document), server.text.rope().to_string());
        }
    });
}

fn hear((document, _, news): &mut (Document, ViewId, VecDeque<News>)) {
    match news.pop_front() {
        Some(News::Changed(revision, patches)) => document.changed(revision, &patches).unwrap(),
        Some(News::Answer(revision)) => document.acknowledged(revision),
        None => {}
    }
}

fn edit_randomly(rng: &mut ChaCha8Rng, document: &mut Document, view: ViewId) {
    match rng.random_range(0..6) {
        0 => drop(document.undo(view)),
        1 => drop(document.redo(view)),
        _ => {
            let change = testing::change(rng, document.buffer().len_chars());
            // Now and then a model has written it.
            let origin = rng.random_bool(0.3).then(|| "tiny".into());
            document.edit_of(view, &change, None, EditKind::Whole, origin).unwrap();
        }
    }
}

#[test]
fn edits_reach_the_document_engine_as_they_are() {
    under_seeds(30, |rng| {
        let start = testing::text(rng, 20);
        let mut engine = TextDocument::new(weft_crdt::DocumentId::from_bytes([3; 16]), &start).unwrap();
        let (mut document, view) = open(&start);
        let mut revision = 0;
        for _ in 0..10 {
            let change = testing::change(rng, document.buffer().len_chars());
            document.edit(view, &change, None, EditKind::Whole).unwrap();
            let Some(outgoing) = document.outgoing() else { continue };
            assert_eq!(outgoing.revision, revision);
            let author = weft_crdt::Author::Session(weft_crdt::ActorId::from([7; 16]));
            engine.edit(author, &outgoing.edits, 1).unwrap();
            revision += 1;
            document.acknowledged(revision);
            assert_eq!(engine.text(), text(&document));
        }
    });
}

/// Characters of one author, each used once.
struct Alphabet(u32);

impl Alphabet {
    fn take(&mut self, count: usize) -> String {
        let from = self.0;
        self.0 += count as u32;
        (from..self.0).filter_map(char::from_u32).collect()
    }
}

const BASE: u32 = 0x4e00;
const MINE: u32 = 0xac00;
const THEIRS: u32 = 0x1_3000;

fn of(text: &str, alphabet: u32) -> String {
    text.chars().filter(|char| (alphabet..alphabet + 0x400).contains(&u32::from(*char))).collect()
}

fn random_change(rng: &mut ChaCha8Rng, length: usize, alphabet: &mut Alphabet) -> ChangeSet {
    let start = rng.random_range(0..=length);
    let end = rng.random_range(start..=length.min(start + 4));
    let count = rng.random_range(0..4);
    ChangeSet::replace(CharIndex(start), end - start, &alphabet.take(count))
}

#[test]
fn undoing_all_of_mine_leaves_what_others_did() {
    under_seeds(300, |rng| {
        let (mut mine, mut theirs) = (Alphabet(MINE), Alphabet(THEIRS));
        let start = Alphabet(BASE).take(20);
        let (mut document, view) = open(&start);
        // What others removed, and what they wrote and did not remove.
        let mut removed = String::new();
        let mut written = String::new();
        let mut revision = 0;
        for _ in 0..rng.random_range(1..30) {
            let before = text(&document);
            let length = before.chars().count();
            if rng.random_bool(0.5) {
                let change = random_change(rng, length, &mut mine);
                let kind = if rng.random_bool(0.3) { EditKind::Typing } else { EditKind::Whole };
                document.edit(view, &change, None, kind).unwrap();
            } else if rng.random_bool(0.2) {
                document.undo(view);
            } else if rng.random_bool(0.2) {
                document.redo(view);
            } else {
                // The node knows all that was typed here by now.
                if document.outgoing().is_some() {
                    revision += 1;
                    document.acknowledged(revision);
                }
                let change = random_change(rng, length, &mut theirs);
                revision += 1;
                document.changed(revision, &patches(&change)).unwrap();
                let after = text(&document);
                removed.extend(before.chars().filter(|char| !after.contains(*char)));
                written.extend(after.chars().filter(|char| !before.contains(*char)));
            }
        }
        while document.undo(view) {}
        let end = text(&document);
        assert_eq!(of(&end, MINE), "", "what I wrote is gone");
        let base: String = start.chars().filter(|char| !removed.contains(*char)).collect();
        assert_eq!(of(&end, BASE), base, "what I removed is back, in its order");
        let mut left: Vec<char> = of(&end, THEIRS).chars().collect();
        let mut expected: Vec<char> = written.chars().filter(|char| !removed.contains(*char)).collect();
        left.sort_unstable();
        expected.sort_unstable();
        assert_eq!(left, expected, "what others wrote stays");
        while document.redo(view) {}
        let mut again: Vec<char> = of(&text(&document), THEIRS).chars().collect();
        again.retain(|char| !expected.contains(char));
        assert_eq!(again, [], "nothing of theirs comes twice");
    });
}

#[test]
fn undo_and_redo_go_back_and_forth() {
    under_seeds(200, |rng| {
        let (mut document, view) = open(&testing::text(rng, 20));
        let mut texts = vec![text(&document)];
        for _ in 0..8 {
            let change = testing::change(rng, document.buffer().len_chars());
            document.edit(view, &change, None, EditKind::Whole).unwrap();
            if !change.is_empty() {
                texts.push(text(&document));
            }
        }
        let last = texts.pop().unwrap();
        if texts.is_empty() {
            return;
        }
        for expected in texts.iter().rev() {
            assert!(document.undo(view));
            assert_eq!(text(&document), *expected);
        }
        assert!(!document.undo(view));
        for expected in texts.iter().skip(1).chain([&last]) {
            assert!(document.redo(view));
            assert_eq!(text(&document), *expected);
        }
        assert!(!document.redo(view));
    });
}

#[test]
fn typing_is_undone_word_by_word_also_beside_others() {
    let (mut document, view) = open("");
    let mut revision = 0;
    let mut at = 0;
    for (kind, char) in [
        (EditKind::TypingWord, "a"),
        (EditKind::Typing, "b"),
        (EditKind::TypingWord, " "),
        (EditKind::Typing, "c"),
    ] {
        document.edit(view, &ChangeSet::replace(CharIndex(at), 0, char), None, kind).unwrap();
        at += 1;
        if document.outgoing().is_some() {
            revision += 1;
            document.acknowledged(revision);
        }
        revision += 1;
        let remote = ChangeSet::replace(CharIndex(0), 0, "!");
        document.changed(revision, &patches(&remote)).unwrap();
        at += 1;
    }
    assert_eq!(text(&document), "!!!!ab c");
    document.undo(view);
    assert_eq!(text(&document), "!!!!ab");
    document.undo(view);
    assert_eq!(text(&document), "!!!!");
    document.redo(view);
    document.redo(view);
    assert_eq!(text(&document), "!!!!ab c");
}

#[test]
fn edits_of_others_leave_the_lines_that_are_read() {
    let (mut document, view) = open("1\n2\n3\n4\n5\n");
    document.view_mut(view).unwrap().set_scroll(Scroll { at: CharIndex(4), rows: 0.5 });
    document.select(view, &caret(6));
    let remote = |at, delete, insert: &str| ChangeSet::replace(CharIndex(at), delete, insert);
    document.changed(1, &patches(&remote(0, 0, "new\nnew\n"))).unwrap();
    let shown = document.view(view).unwrap();
    assert_eq!(shown.scroll(), Scroll { at: CharIndex(12), rows: 0.5 });
    assert_eq!(shown.selections().primary().head, CharIndex(14));
    // Lines inserted right above the first one that is shown are above it.
    document.changed(2, &patches(&remote(12, 0, "x\n"))).unwrap();
    assert_eq!(document.view(view).unwrap().scroll().at, CharIndex(14));
    // Lines below move nothing.
    document.changed(3, &patches(&remote(17, 0, "y\n"))).unwrap();
    assert_eq!(document.view(view).unwrap().scroll().at, CharIndex(14));
}

#[test]
fn news_that_cannot_be_changes_nothing() {
    let (mut document, view) = open("abc");
    let patch = |at, delete| Patch { at: CharIndex(at), delete, insert: "x".to_owned() };
    assert!(matches!(document.changed(2, &[]), Err(LinkError::Gap { have: 0, got: 2 })));
    assert!(matches!(document.changed(0, &[]), Err(LinkError::Gap { .. })));
    assert!(matches!(document.changed(1, &[patch(0, 1), patch(9, 0)]), Err(LinkError::Patch { .. })));
    assert!(document.changed(1, &[patch(usize::MAX, usize::MAX)]).is_err());
    assert_eq!(text(&document), "abc");
    document.changed(1, &[patch(3, 0)]).unwrap();
    assert_eq!(text(&document), "abcx");
    assert!(document.edit(view, &ChangeSet::replace(CharIndex(4), 1, ""), None, EditKind::Whole).is_err());
    assert_eq!(text(&document), "abcx");
}

#[test]
fn a_document_that_is_opened_again_keeps_what_was_not_sent() {
    let (mut document, view) = open("one two three");
    document.edit(view, &ChangeSet::replace(CharIndex(3), 0, "!"), None, EditKind::Whole).unwrap();
    document.reopened("one 2 three", 40);
    assert_eq!(text(&document), "one! 2 three");
    let outgoing = document.outgoing().unwrap();
    assert_eq!((outgoing.revision, outgoing.edits.len()), (40, 1));
    // It had arrived, but the answer had not.
    document.reopened("one! 2 three", 41);
    assert_eq!(text(&document), "one! 2 three");
    assert!(!document.is_behind());
    document.edit(view, &ChangeSet::replace(CharIndex(0), 0, "?"), None, EditKind::Whole).unwrap();
    assert!(document.outgoing().is_some());
    document.refused();
    assert_eq!(document.outgoing().unwrap().revision, 41);
}

#[test]
fn cursors_never_touch_and_stay_sorted() {
    under_seeds(200, |rng| {
        let count = rng.random_range(1..12);
        let all: Vec<Selection> =
            (0..count).map(|_| Selection::new(rng.random_range(0..40), rng.random_range(0..40))).collect();
        let primary = rng.random_range(0..count);
        let selections = Selections::new(all.clone(), primary);
        for pair in selections.all().windows(2) {
            assert!(pair[0].end() <= pair[1].start());
            assert!(pair[0].end() < pair[1].start() || !(pair[0].is_empty() || pair[1].is_empty()));
        }
        let followed = all[primary];
        let kept = selections.primary();
        assert!(kept.start() <= followed.start() && followed.end() <= kept.end());
        let change = testing::change(rng, 40);
        let mapped = selections.mapped(&change);
        assert!(mapped.count() <= selections.count());
    });
}

#[test]
fn there_are_at_most_so_many_cursors() {
    let carets = |count: usize| (0..count).map(|at| Selection::caret(at * 2)).collect();
    assert_eq!(Selections::new(carets(CURSORS_MAX), 0).count(), CURSORS_MAX);
    assert_eq!(Selections::new(carets(CURSORS_MAX + 1), CURSORS_MAX).count(), CURSORS_MAX);
}

#[test]
fn the_history_forgets_its_oldest_entries() {
    let (mut document, view) = open("");
    let insert = |text: &str| ChangeSet::replace(CharIndex(0), 0, text);
    for _ in 0..UNDO_GROUPS_MAX {
        document.edit(view, &insert("x"), None, EditKind::Whole).unwrap();
    }
    assert_eq!(document.history.size().0, UNDO_GROUPS_MAX);
    document.edit(view, &insert("x"), None, EditKind::Whole).unwrap();
    assert_eq!(document.history.size().0, UNDO_GROUPS_MAX);
    // Deleted text is kept; beyond the bytes the oldest goes.
    let half = "y".repeat(UNDO_BYTES_MAX / 2);
    let (mut document, view) = open(&format!("{half}{half}z"));
    let delete = ChangeSet::replace(CharIndex(0), half.len(), "");
    document.edit(view, &delete, None, EditKind::Whole).unwrap();
    document.edit(view, &delete, None, EditKind::Whole).unwrap();
    assert_eq!(document.history.size(), (2, UNDO_BYTES_MAX));
    document.edit(view, &ChangeSet::replace(CharIndex(0), 1, ""), None, EditKind::Whole).unwrap();
    assert_eq!(document.history.size(), (2, UNDO_BYTES_MAX / 2 + 1));
}

#[test]
fn cursors_of_others_stay_where_they_are_in_the_text() {
    let (mut document, view) = open("one two");
    let person = |at| Whereabouts {
        id: "d".to_owned(),
        user: "u".to_owned(),
        name: "Ana".to_owned(),
        anchor: CharIndex(at),
        head: CharIndex(at),
        others: Vec::new(),
    };
    // What the node does not know yet stands before them.
    document.edit(view, &ChangeSet::replace(CharIndex(0), 0, "ab"), None, EditKind::Whole).unwrap();
    document.outgoing().unwrap();
    document.edit(view, &ChangeSet::replace(CharIndex(0), 0, "c"), None, EditKind::Whole).unwrap();
    assert!(document.set_people(0, [person(4)]));
    assert_eq!(document.people()[0].selection.head, CharIndex(7));
    document.edit(view, &ChangeSet::replace(CharIndex(0), 1, ""), None, EditKind::Whole).unwrap();
    assert_eq!(document.people()[0].selection.head, CharIndex(6));
    assert!(!document.set_people(9, [person(4)]), "of a revision that is not here");
    assert_eq!(document.people().len(), 1);
    document.select(view, &caret(6));
    let told = |document: &Document| document.cursors_for_others(view).map(|own| (own.revision, own.primary));
    assert_eq!(told(&document), Some((0, (CharIndex(4), CharIndex(4)))));
    document.select(view, &caret(1));
    assert_eq!(told(&document), Some((0, (CharIndex(0), CharIndex(0)))));
    document.set_people(0, (0..PEOPLE_MAX + 1).map(|_| person(usize::MAX)));
    assert_eq!(document.people().len(), PEOPLE_MAX);
    assert!(document.people()[0].selection.head.0 <= document.buffer().len_chars());
}

#[test]
fn all_cursors_of_a_person_are_told_and_follow_the_text() {
    let (mut document, view) = open("one two three");
    let places = [Selection::new(0, 3), Selection::caret(4), Selection::caret(8)];
    document.select(view, &Selections::new(places.to_vec(), 1));
    let own = document.cursors_for_others(view).unwrap();
    assert_eq!(own.primary, (CharIndex(4), CharIndex(4)));
    assert_eq!(own.others, [(CharIndex(0), CharIndex(3)), (CharIndex(8), CharIndex(8))]);
    let whereabouts = |others| Whereabouts {
        id: "d".to_owned(),
        user: "u".to_owned(),
        name: "Ana".to_owned(),
        anchor: CharIndex(4),
        head: CharIndex(4),
        others,
    };
    assert!(document.set_people(0, [whereabouts(own.others)]));
    document.edit(view, &ChangeSet::replace(CharIndex(2), 0, "xx"), None, EditKind::Whole).unwrap();
    let ranges: Vec<_> = document.people()[0].selections().map(Selection::range).collect();
    assert_eq!(ranges, [6..6, 0..5, 10..10]);
    // Of too many those near the primary one are told, and no more are taken.
    let many: Vec<_> = (0..=PERSON_CURSORS_MAX + 1).map(Selection::caret).collect();
    let (mut document, view) = open(&"x".repeat(many.len()));
    document.select(view, &Selections::new(many, PERSON_CURSORS_MAX + 1));
    let own = document.cursors_for_others(view).unwrap();
    assert_eq!(own.others.len(), PERSON_CURSORS_MAX);
    assert_eq!(own.others[0].1, CharIndex(1));
    let more = vec![(CharIndex(0), CharIndex(0)); PERSON_CURSORS_MAX + 9];
    assert!(document.set_people(0, [whereabouts(more)]));
    assert_eq!(document.people()[0].others.len(), PERSON_CURSORS_MAX);
}

#[test]
fn cursors_of_a_revision_that_is_on_its_way_wait_for_it() {
    let (mut document, view) = open("one two");
    let person = Whereabouts {
        id: "d".to_owned(),
        user: "u".to_owned(),
        name: "Ana".to_owned(),
        anchor: CharIndex(9),
        head: CharIndex(9),
        others: Vec::new(),
    };
    document.edit(view, &ChangeSet::replace(CharIndex(0), 0, "ab"), None, EditKind::Whole).unwrap();
    document.outgoing().unwrap();
    // The node has taken the edit and tells a cursor in that text; its answer comes later.
    assert!(!document.set_people(1, [person.clone()]));
    assert!(document.people().is_empty());
    document.acknowledged(1);
    assert_eq!(document.people()[0].selection.head, CharIndex(9));
    assert!(
        !document.set_people(0, [Whereabouts { head: CharIndex(1), ..person }]),
        "what is past is not taken"
    );
    document.acknowledged(2);
    assert_eq!(document.people()[0].selection.head, CharIndex(9));
}
