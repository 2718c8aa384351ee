//! Changes in perfect form that must not become part of a document.

use smallvec::{SmallVec, smallvec};

use super::*;
use crate::change::{ChangeOpId, Draft, Ops, TextOp, TextOps};
use crate::ids::{ChangeHash, OpId};

/// The base text has operations 2 to 6, the text object is operation 1.
const BASE: &str = "hello";

fn genesis() -> Change {
    TextDocument::genesis(DOC, BASE).unwrap()
}

/// The only other actor of the drafts here is the genesis.
fn of_genesis(counter: u32) -> ChangeOpId {
    ChangeOpId { actor: 1, counter }
}

fn own(counter: u32) -> ChangeOpId {
    ChangeOpId { actor: 0, counter }
}

fn insert(after: Option<ChangeOpId>) -> TextOp {
    TextOp::Insert { after, text: 0..1, count: 1 }
}

fn delete(first: ChangeOpId, count: u32) -> TextOp {
    TextOp::Delete { first, count }
}

/// A change that a person could make on the base text, before it is made wrong.
fn draft(ops: impl IntoIterator<Item = TextOp>) -> Draft {
    let ops: SmallVec<[TextOp; 2]> = ops.into_iter().collect();
    let inserts = ops.iter().filter(|op| op.is_insert()).count();
    Draft {
        deps: smallvec![genesis().hash()],
        actor: Some(actor(9)),
        seq: 1,
        start_op: 7,
        time: 0,
        others: smallvec![genesis().actor()],
        ops: Ops::Text(TextOps { object: of_genesis(1), ops }),
        values: vec![b'!'; inserts],
    }
}

fn try_apply(document: &mut TextDocument, draft: Draft) -> Result<Applied, ApplyError> {
    let before = (document.text(), document.heads().clone(), document.snapshot());
    let bytes = draft.encode().bytes().to_vec();
    let change = Change::parse(&bytes).unwrap();
    let applied = document.apply(&change, &actor(9));
    document.check_invariants();
    if !matches!(applied, Ok(Applied::Applied(_))) {
        assert_eq!((document.text(), document.heads().clone(), document.snapshot()), before);
    }
    applied
}

fn check(draft: Draft, expected: ApplyError) {
    assert_eq!(try_apply(&mut new(BASE), draft), Err(expected));
}

fn id(actor: ActorId, counter: u64) -> OpId {
    OpId { counter, actor }
}

#[test]
fn the_draft_itself_is_fine() {
    let mut document = new(BASE);
    let ops = [insert(Some(of_genesis(6))), delete(of_genesis(2), 2), delete(own(7), 1)];
    assert!(matches!(try_apply(&mut document, draft(ops)), Ok(Applied::Applied(_))));
    assert_eq!(document.text(), "llo");
}

#[test]
fn counters_that_are_not_the_next() {
    for start_op in [8, 1_000_000] {
        let mut wrong = draft([insert(None)]);
        wrong.start_op = start_op;
        check(wrong, ApplyError::StartOp { expected: 7, found: u64::from(start_op) });
    }
    let mut wrong = draft([insert(None)]);
    wrong.start_op = 3;
    check(wrong, ApplyError::StartOp { expected: 7, found: 3 });
}

#[test]
fn numbers_that_are_not_the_next() {
    let mut wrong = draft([insert(None)]);
    wrong.seq = 2;
    check(wrong, ApplyError::Sequence { actor: actor(9), last: 0, found: 2 });
    wrong = draft([insert(None)]);
    wrong.seq = u64::MAX;
    check(wrong, ApplyError::Sequence { actor: actor(9), last: 0, found: u64::MAX });
}

#[test]
fn characters_that_nobody_typed() {
    let base = genesis().actor();
    // The text object, and the end of the text and one more.
    check(draft([delete(of_genesis(1), 1)]), ApplyError::Element { id: id(base, 1) });
    check(draft([insert(Some(of_genesis(1)))]), ApplyError::Element { id: id(base, 1) });
    check(draft([delete(of_genesis(2), 6)]), ApplyError::Element { id: id(base, 2) });
    // What deletes is no character.
    let ops = [delete(of_genesis(2), 1), insert(Some(own(7)))];
    check(draft(ops), ApplyError::Element { id: id(actor(9), 7) });
    let ops = [insert(None), delete(of_genesis(2), 1), delete(own(7), 2)];
    check(draft(ops), ApplyError::Element { id: id(actor(9), 7) });
}

#[test]
fn another_text() {
    let mut wrong = draft([insert(None)]);
    wrong.ops = Ops::Text(TextOps { object: of_genesis(2), ops: smallvec![insert(None)] });
    check(wrong, ApplyError::Object);
}

#[test]
fn a_second_genesis() {
    let mut document = new(BASE);
    let other = TextDocument::genesis(DocumentId::from_bytes([3; 16]), "other").unwrap();
    assert_eq!(document.apply(&other, &other.actor()), Err(ApplyError::Kind));
}

/// Ana's character is here, but the change does not build upon it: elsewhere it would not be.
#[test]
fn what_the_change_cannot_have_known() {
    let mut document = new(BASE);
    let from_ana = edit(&mut document, 1, &[replace(5, 0, "A")]);
    let mut first = draft([insert(None)]);
    first.values = vec![b'1'];
    let first = first.encode();
    apply(&mut document, &first);
    let ana = |counter| ChangeOpId { actor: 1, counter };
    let second = |ops: &[TextOp], deps: &[ChangeHash], start_op| {
        let mut draft = draft(ops.iter().cloned());
        draft.seq = 2;
        draft.deps = deps.into();
        draft.deps.sort_unstable();
        draft.start_op = start_op;
        // Ana comes before the genesis in the table.
        draft.others = smallvec![actor(1), genesis().actor()];
        draft.others.sort_unstable();
        assert_eq!(draft.others[0], actor(1), "the order that the numbers here count on");
        draft.ops = Ops::Text(TextOps {
            object: ChangeOpId { actor: 2, counter: 1 },
            ops: ops.iter().cloned().collect(),
        });
        draft
    };
    let alone = [first.hash()];
    let joined = [first.hash(), from_ana.hash()];
    let not_in_past = Err(ApplyError::NotInPast { id: id(actor(1), 7) });
    assert_eq!(try_apply(&mut document, second(&[insert(Some(ana(7)))], &alone, 8)), not_in_past);
    assert_eq!(try_apply(&mut document, second(&[delete(ana(7), 1)], &alone, 8)), not_in_past);
    // A change that leaves out the author's own one before it.
    let chain = Err(ApplyError::Chain { actor: actor(9) });
    let without_own = [from_ana.hash()];
    assert_eq!(try_apply(&mut document, second(&[insert(Some(ana(7)))], &without_own, 8)), chain);
    // Where it builds upon both it may.
    let good = try_apply(&mut document, second(&[insert(Some(ana(7)))], &joined, 8));
    assert!(matches!(good, Ok(Applied::Applied(_))));
    assert_eq!(document.text(), "1helloA!");
}

/// The way back through everything gives the same bounds as those kept for each author.
#[test]
fn long_branches_know_what_they_cannot_have_known() {
    let mut ana = new(BASE);
    let mut ben = new(BASE);
    let from_ana: Vec<_> = (0..50).map(|at| edit(&mut ana, 1, &[replace(at, 0, "a")])).collect();
    let from_ben: Vec<_> = (0..50).map(|at| edit(&mut ben, 2, &[replace(at, 0, "b")])).collect();
    from_ana.iter().for_each(|change| drop(apply(&mut ben, change)));
    from_ben.iter().for_each(|change| drop(apply(&mut ana, change)));
    assert_eq!(ana.text(), ben.text());
    let last = from_ben.last().unwrap();
    let mut forged = draft([insert(Some(ChangeOpId { actor: 1, counter: 56 }))]);
    forged.deps = smallvec![last.hash()];
    forged.start_op = last.max_op() as u32 + 1;
    forged.others = smallvec![actor(1), genesis().actor()];
    forged.ops = Ops::Text(TextOps {
        object: ChangeOpId { actor: 2, counter: 1 },
        ops: smallvec![insert(Some(ChangeOpId { actor: 1, counter: 56 }))],
    });
    let refused = Err(ApplyError::NotInPast { id: id(actor(1), 56) });
    assert_eq!(try_apply(&mut ana, forged.clone()), refused);
    assert_eq!(try_apply(&mut ben, forged.clone()), refused);
    // The same question to a document that has kept no bounds.
    let mut loaded = TextDocument::from_snapshot(DOC, &ana.snapshot()).unwrap();
    assert_eq!(try_apply(&mut loaded, forged), refused);
}
