//! Edits of an old revision, made edits of the newest text.
//!
//! Operational transformation with inclusion transforms for insertions and deletions (Ellis and Gibbs 1989; the control
//! is that of Jupiter, Nichols et al. 1995): both sides started from one text, and whichever is applied first, the other
//! one moved over it leads to the same text. What is inserted at one place stands behind what came first; a deletion takes
//! nothing that its author did not see.

use weft_crdt::Patch;

use crate::api::ClientEdit;

/// The smallest steps: everything else is made of them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Insert { at: u64, text: String },
    Delete { at: u64, count: u64 },
}

/// Who stands first where both insert at one place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    First,
    Behind,
}

/// Moves edits, each of which counts on the text after the ones before it, over changes that came meanwhile.
pub(super) fn transformed(edits: &[ClientEdit], since: &[Vec<Patch>]) -> Vec<ClientEdit> {
    if since.is_empty() {
        return edits.to_vec();
    }
    let edits = edits.iter().flat_map(|edit| steps(edit.at, edit.delete, &edit.insert));
    let patches = since.iter().flatten();
    let mut patches: Vec<Step> =
        patches.flat_map(|patch| steps(patch.at.0 as u64, patch.delete as u64, &patch.insert)).collect();
    let mut moved = Vec::new();
    for edit in edits {
        let mut parts = vec![edit];
        let mut patches_after = Vec::with_capacity(patches.len());
        for patch in patches {
            let (parts_after, patch_after) = cross(&parts, &[patch]);
            parts = parts_after;
            patches_after.extend(patch_after);
        }
        moved.append(&mut parts);
        patches = patches_after;
    }
    let edit_of = |step| match step {
        Step::Insert { at, text } => ClientEdit { at, delete: 0, insert: text },
        Step::Delete { at, count } => ClientEdit { at, delete: count, insert: String::new() },
    };
    moved.into_iter().map(edit_of).collect()
}

/// Where a place is after changes: behind what came at it, and where its text was when that is gone.
pub(super) fn moved(place: u64, since: &[Vec<Patch>]) -> u64 {
    since.iter().flatten().fold(place, |place, patch| {
        let at = patch.at.0 as u64;
        let place = without(place, at, patch.delete as u64);
        if at <= place { place + chars(&patch.insert) } else { place }
    })
}

fn steps(at: u64, delete: u64, insert: &str) -> impl Iterator<Item = Step> {
    let deletion = (delete > 0).then_some(Step::Delete { at, count: delete });
    let insertion = (!insert.is_empty()).then(|| Step::Insert { at, text: insert.to_owned() });
    deletion.into_iter().chain(insertion)
}

/// Moves each of two short lists of steps over the other one.
fn cross(edits: &[Step], patches: &[Step]) -> (Vec<Step>, Vec<Step>) {
    match (edits, patches) {
        ([], _) | (_, []) => (edits.to_vec(), patches.to_vec()),
        ([edit], [patch]) => (over(edit, patch, Order::Behind), over(patch, edit, Order::First)),
        ([edit], [first, rest @ ..]) => {
            let (edits, mut patches) = cross(std::slice::from_ref(edit), std::slice::from_ref(first));
            let (edits, more) = cross(&edits, rest);
            patches.extend(more);
            (edits, patches)
        }
        ([first, rest @ ..], patches) => {
            let (mut edits, patches) = cross(std::slice::from_ref(first), patches);
            let (more, patches) = cross(rest, &patches);
            edits.extend(more);
            (edits, patches)
        }
    }
}

/// What becomes of a step when another one was done before it.
fn over(step: &Step, other: &Step, order: Order) -> Vec<Step> {
    match (step, other) {
        (Step::Insert { at, text }, Step::Insert { at: other, text: inserted }) => {
            let is_behind = at > other || (at == other && order == Order::Behind);
            let at = if is_behind { at + chars(inserted) } else { *at };
            vec![Step::Insert { at, text: text.clone() }]
        }
        (Step::Insert { at, text }, Step::Delete { at: start, count }) => {
            vec![Step::Insert { at: without(*at, *start, *count), text: text.clone() }]
        }
        (Step::Delete { at, count }, Step::Insert { at: other, text }) => {
            let end = at + count;
            if other <= at {
                vec![Step::Delete { at: at + chars(text), count: *count }]
            } else if *other >= end {
                vec![step.clone()]
            } else {
                // What was inserted in its middle stays.
                let rest = Step::Delete { at: at + chars(text), count: end - other };
                vec![Step::Delete { at: *at, count: other - at }, rest]
            }
        }
        (Step::Delete { at, count }, Step::Delete { at: start, count: deleted }) => {
            let (from, to) = (without(*at, *start, *deleted), without(at + count, *start, *deleted));
            (to > from).then_some(Step::Delete { at: from, count: to - from }).into_iter().collect()
        }
    }
}

/// Where a place is after a deletion.
fn without(place: u64, start: u64, count: u64) -> u64 {
    if place <= start { place } else { start.max(place.saturating_sub(count)) }
}

fn chars(text: &str) -> u64 {
    text.chars().count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weft_crdt::CharIndex;

    fn patch(at: usize, delete: usize, insert: &str) -> Patch {
        Patch { at: CharIndex(at), delete, insert: insert.to_owned() }
    }

    fn edit(at: u64, delete: u64, insert: &str) -> ClientEdit {
        ClientEdit { at, delete, insert: insert.to_owned() }
    }

    fn apply(text: &str, edits: &[ClientEdit]) -> String {
        edits.iter().fold(text.to_owned(), |text, edit| {
            let chars: Vec<char> = text.chars().collect();
            let (at, end) = (edit.at as usize, (edit.at + edit.delete) as usize);
            chars[..at].iter().chain(&edit.insert.chars().collect::<Vec<_>>()).chain(&chars[end..]).collect()
        })
    }

    fn as_edits(patches: &[Vec<Patch>]) -> Vec<ClientEdit> {
        patches.iter().flatten().map(|p| edit(p.at.0 as u64, p.delete as u64, &p.insert)).collect()
    }

    #[test]
    fn edits_move_over_what_came_between() {
        let since = [vec![patch(0, 0, "ab")], vec![patch(5, 2, "")]];
        assert_eq!(transformed(&[edit(1, 0, "x")], &since), [edit(3, 0, "x")]);
        assert_eq!(transformed(&[edit(2, 4, "")], &since), [edit(4, 2, "")]);
        assert_eq!(transformed(&[edit(6, 1, "")], &since), [edit(6, 1, "")]);
        assert_eq!(transformed(&[edit(6, 1, "y")], &[]), [edit(6, 1, "y")]);
    }

    #[test]
    fn a_deletion_takes_nothing_that_its_author_did_not_see() {
        let inside = [vec![patch(4, 0, "XYZ")]];
        let moved = transformed(&[edit(3, 2, "")], &inside);
        assert_eq!(apply("abcXXYZXfg", &[]), "abcXXYZXfg");
        assert_eq!(apply("abcdXYZefg", &moved), "abcXYZfg");
        let at_its_end = [vec![patch(5, 0, "XYZ")]];
        assert_eq!(apply("abcdeXYZfg", &transformed(&[edit(3, 2, "")], &at_its_end)), "abcXYZfg");
        let at_its_start = [vec![patch(3, 0, "XYZ")]];
        assert_eq!(apply("abcXYZdefg", &transformed(&[edit(3, 2, "")], &at_its_start)), "abcXYZfg");
        let of_the_same = [vec![patch(2, 2, "")]];
        assert_eq!(apply("abefg", &transformed(&[edit(3, 2, "")], &of_the_same)), "abfg");
    }

    #[test]
    fn at_one_place_what_came_first_stands_first() {
        let since = [vec![patch(1, 0, "first")]];
        assert_eq!(apply("afirstb", &transformed(&[edit(1, 0, "behind")], &since)), "afirstbehindb");
    }

    #[test]
    fn a_place_stays_with_its_text() {
        let since = [vec![patch(0, 0, "ab")], vec![patch(5, 2, "")]];
        assert_eq!([0, 3, 4, 6].map(|place| moved(place, &since)), [2, 5, 5, 6]);
        assert_eq!(moved(3, &[vec![patch(3, 0, "xy")]]), 5);
        assert_eq!(moved(3, &[vec![patch(1, 5, "xy")]]), 3);
        assert_eq!(moved(3, &[]), 3);
    }

    /// Some edits of a text, each of which counts on the text after the ones before it.
    fn script(text: &'static str, mark: char) -> impl Strategy<Value = Vec<ClientEdit>> {
        let one = (any::<prop::sample::Index>(), 0_u64..4, 0_usize..4);
        prop::collection::vec(one, 0..5).prop_map(move |picks| {
            let mut length = text.chars().count() as u64;
            let edits = picks.into_iter().map(|(place, delete, insert)| {
                let at = place.index(length as usize + 1) as u64;
                let delete = delete.min(length - at);
                length = length - delete + insert as u64;
                edit(at, delete, &mark.to_string().repeat(insert))
            });
            edits.collect()
        })
    }

    const TEXT: &str = "0123456789";

    proptest! {
        /// What the two sides typed is all there, and nothing is gone that neither took away.
        #[test]
        fn nobody_takes_what_the_other_typed(mine in script(TEXT, 'm'), theirs in script(TEXT, 't')) {
            let since: Vec<Vec<Patch>> =
                theirs.iter().map(|e| vec![patch(e.at as usize, e.delete as usize, &e.insert)]).collect();
            let alone = (apply(TEXT, &mine), apply(TEXT, &as_edits(&since)));
            let both = apply(&alone.1, &transformed(&mine, &since));
            let count = |text: &str, c: char| text.chars().filter(|found| *found == c).count();
            prop_assert_eq!(count(&both, 'm'), count(&alone.0, 'm'));
            prop_assert_eq!(count(&both, 't'), count(&alone.1, 't'));
            for letter in TEXT.chars() {
                prop_assert_eq!(
                    both.contains(letter),
                    alone.0.contains(letter) && alone.1.contains(letter),
                    "{} in {} of {} and {}", letter, both, alone.0, alone.1
                );
            }
        }

        /// The two ways round lead to one text.
        #[test]
        fn it_does_not_matter_who_is_moved(mine in script(TEXT, 'm'), theirs in script(TEXT, 't')) {
            let all = |edits: &[ClientEdit]| {
                edits.iter().flat_map(|e| steps(e.at, e.delete, &e.insert)).collect::<Vec<_>>()
            };
            let (mine_moved, theirs_moved) = cross(&all(&mine), &all(&theirs));
            let text = |first: &[Step], second: &[Step]| {
                first.iter().chain(second).fold(TEXT.to_owned(), |text, step| match step {
                    Step::Insert { at, text: new } => apply(&text, &[edit(*at, 0, new)]),
                    Step::Delete { at, count } => apply(&text, &[edit(*at, *count, "")]),
                })
            };
            prop_assert_eq!(text(&all(&theirs), &mine_moved), text(&all(&mine), &theirs_moved));
        }
    }
}
