//! People who change their minds.

use crate::change::Author;
use crate::document::{Edit, Edited, TextDocument, UndoLog};
use crate::ids::{ActorId, CharIndex, DocumentId};

fn actor(byte: u8) -> ActorId {
    ActorId::from([byte; 16])
}

struct Person {
    document: TextDocument,
    log: UndoLog,
    actor: ActorId,
}

impl Person {
    fn new(byte: u8, base: &str) -> Self {
        let id = DocumentId::from_bytes(*b"thought of twice");
        let document = TextDocument::new(id, base).unwrap();
        Self { document, log: UndoLog::new(), actor: actor(byte) }
    }

    fn edit(&mut self, at: usize, delete: usize, insert: &str) -> Edited {
        let edit = Edit { at: CharIndex(at), delete, insert: insert.to_owned() };
        let edited = self.document.edit(Author::Session(self.actor), &[edit], 0).unwrap();
        self.log.push(edited.step.clone(), false);
        edited
    }

    fn undo(&mut self) -> Edited {
        self.document.undo(&mut self.log, self.actor, 0).unwrap().unwrap()
    }

    fn redo(&mut self) -> Edited {
        self.document.redo(&mut self.log, self.actor, 0).unwrap().unwrap()
    }

    fn receive(&mut self, edited: &Edited) {
        for change in &edited.changes {
            self.document.apply(change, &change.actor()).unwrap();
        }
        self.document.check_invariants();
    }

    fn check(&self, text: &str) {
        assert_eq!(self.document.text(), text);
    }
}

#[test]
fn everything_typed_and_deleted_goes_back_and_forth() {
    let mut ana = Person::new(1, "hello world");
    ana.edit(5, 0, ",");
    ana.edit(0, 3, "HE");
    ana.edit(2, 3, "");
    let states = ["hello world", "hello, world", "HElo, world"];
    ana.check("HE world");
    for state in states.iter().rev() {
        ana.undo();
        ana.check(state);
    }
    assert!(!ana.log.can_undo());
    for state in ["hello, world", "HElo, world", "HE world"] {
        ana.redo();
        ana.check(state);
    }
    assert!(!ana.log.can_redo());
    for state in states.iter().rev() {
        ana.undo();
        ana.check(state);
    }
    ana.edit(0, 0, "x");
    assert!(!ana.log.can_redo());
}

#[test]
fn what_others_typed_in_between_stays() {
    let mut ana = Person::new(1, "[]");
    let mut ben = Person::new(2, "[]");
    let typed = ana.edit(1, 0, "hello");
    ben.receive(&typed);
    let inside = ben.edit(4, 0, "XX");
    ana.receive(&inside);
    ana.check("[helXXlo]");
    let undone = ana.undo();
    ana.check("[XX]");
    ben.receive(&undone);
    ben.check("[XX]");
    let redone = ana.redo();
    ben.receive(&redone);
    ben.check("[helXXlo]");
    assert_eq!(ana.document.text(), ben.document.text());
    ben.undo();
    ben.check("[hello]");
}

#[test]
fn deleted_text_comes_back_around_what_was_typed_into_it() {
    let mut ana = Person::new(1, "abcdef");
    let mut ben = Person::new(2, "abcdef");
    let deleted = ana.edit(1, 4, "");
    let inside = ben.edit(3, 0, "-");
    ana.receive(&inside);
    ben.receive(&deleted);
    ana.check("a-f");
    let undone = ana.undo();
    ana.check("abc-def");
    ben.receive(&undone);
    ben.check("abc-def");
}

#[test]
fn text_that_came_back_is_still_what_its_author_typed() {
    let mut ana = Person::new(1, "");
    ana.edit(0, 0, "abc");
    ana.edit(1, 1, "");
    ana.undo();
    ana.check("abc");
    ana.undo();
    ana.check("");
    ana.redo();
    ana.check("abc");
    ana.redo();
    ana.check("ac");
    ana.undo();
    ana.undo();
    ana.check("");
}

#[test]
fn a_group_is_undone_as_one() {
    let mut ana = Person::new(1, "");
    for (at, letter) in ["w", "o", "r", "d"].into_iter().enumerate() {
        let edit = Edit { at: CharIndex(at), delete: 0, insert: letter.to_owned() };
        let edited = ana.document.edit(Author::Session(ana.actor), &[edit], 0).unwrap();
        ana.log.push(edited.step, at > 0);
    }
    ana.check("word");
    ana.undo();
    ana.check("");
    ana.redo();
    ana.check("word");
}

#[test]
fn an_undo_that_changes_nothing_is_no_change() {
    let mut ana = Person::new(1, "");
    let mut ben = Person::new(2, "");
    let typed = ana.edit(0, 0, "x");
    ben.receive(&typed);
    let deleted = ben.edit(0, 1, "");
    ana.receive(&deleted);
    let undone = ana.undo();
    assert_eq!(undone, Edited::default());
    ana.check("");
}
