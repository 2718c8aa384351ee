//! The smallest edits that make one text of another: lines first, then the characters inside of changed lines.
//!
//! The time is linear in the text but for the changed lines, and there each piece is bounded. Equal texts on both sides
//! give equal edits everywhere, so that the same save made twice is one change.

#[cfg(test)]
mod tests;

use std::hash::Hash;
use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};

use super::Edit;
use crate::ids::CharIndex;

/// Changed pieces with more characters than this together are replaced as a whole.
const PIECE_CHARS_MAX: usize = 4_096;
/// Unchanged characters between two changes are not worth a cut when there are at most so many of them …
const GAP_CHARS_MAX: usize = 2;
/// … and the changes around them have so many times as many.
const GAP_WEIGHT: usize = 4;

/// A range of bytes of the old text that is replaced by one of the new text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    old: Range<usize>,
    new: Range<usize>,
}

/// The edits that make `new` of `old`, in ascending order, the place of each on the text after those before it.
pub(crate) fn minimal_edits(old: &str, new: &str) -> Vec<Edit> {
    let whole = Change { old: 0..old.len(), new: 0..new.len() };
    let mut changes = Vec::new();
    let middle = trim(old, new, whole);
    if middle.old.is_empty() || middle.new.is_empty() {
        changes.push(slide_to_line(old, new, middle));
    } else {
        changed_lines(old, new, whole_lines(old, new, middle), &mut changes);
    }
    changes.retain(|change| !change.old.is_empty() || !change.new.is_empty());
    to_edits(old, new, &changes)
}

/// Takes away what both sides begin and end with.
fn trim(old: &str, new: &str, change: Change) -> Change {
    let (left, right) = (&old[change.old.clone()], &new[change.new.clone()]);
    let mut prefix = left.bytes().zip(right.bytes()).take_while(|(left, right)| left == right).count();
    while !left.is_char_boundary(prefix) || !right.is_char_boundary(prefix) {
        prefix -= 1;
    }
    let (left, right) = (&left[prefix..], &right[prefix..]);
    let both = left.bytes().rev().zip(right.bytes().rev());
    let mut suffix = both.take_while(|(left, right)| left == right).count();
    while !left.is_char_boundary(left.len() - suffix) || !right.is_char_boundary(right.len() - suffix) {
        suffix -= 1;
    }
    Change {
        old: change.old.start + prefix..change.old.end - suffix,
        new: change.new.start + prefix..change.new.end - suffix,
    }
}

/// Moves a plain deletion or insertion to the start of a line when that means the same: whoever takes out a line takes
/// out that line, and not what begins like the next one.
fn slide_to_line(old: &str, new: &str, change: Change) -> Change {
    let (text, range) =
        if change.new.is_empty() { (old, change.old.clone()) } else { (new, change.new.clone()) };
    let bytes = text.as_bytes();
    let mut by = 0;
    while by < range.start && bytes[range.start - by - 1] != b'\n' {
        if range.is_empty() || bytes[range.start - by - 1] != bytes[range.end - by - 1] {
            return change;
        }
        by += 1;
    }
    Change {
        old: change.old.start - by..change.old.end - by,
        new: change.new.start - by..change.new.end - by,
    }
}

/// Widens a change to whole lines; what it takes in is the same on both sides.
fn whole_lines(old: &str, new: &str, change: Change) -> Change {
    let before = &old[..change.old.start];
    let widen_start = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
    let behind = &old[change.old.end..];
    let starts_line = |text: &str, at: usize| at == 0 || text.as_bytes()[at - 1] == b'\n';
    let is_whole = starts_line(old, change.old.end) && starts_line(new, change.new.end);
    let widen_end = if is_whole { 0 } else { behind.find('\n').map_or(behind.len(), |at| at + 1) };
    Change {
        old: change.old.start - widen_start..change.old.end + widen_end,
        new: change.new.start - widen_start..change.new.end + widen_end,
    }
}

fn changed_lines(old: &str, new: &str, change: Change, changes: &mut Vec<Change>) {
    let old_lines: Vec<&str> = old[change.old.clone()].split_inclusive('\n').collect();
    let new_lines: Vec<&str> = new[change.new.clone()].split_inclusive('\n').collect();
    let hunks = compare(Algorithm::Histogram, &old_lines, &new_lines);
    let mut at = Change { old: change.old.start..change.old.start, new: change.new.start..change.new.start };
    let mut lines = (0, 0);
    let bytes = |lines: &[&str]| lines.iter().map(|line| line.len()).sum::<usize>();
    for hunk in hunks {
        let start = at.old.end + bytes(&old_lines[lines.0..hunk.old.start]);
        let new_start = at.new.end + bytes(&new_lines[lines.1..hunk.new.start]);
        let (old_part, new_part) = (&old_lines[hunk.old.clone()], &new_lines[hunk.new.clone()]);
        at = Change { old: start..start + bytes(old_part), new: new_start..new_start + bytes(new_part) };
        lines = (hunk.old.end, hunk.new.end);
        if old_part.len() == new_part.len() {
            // Lines that changed one by one, as a formatter does it, are compared one by one.
            let mut pair = Change { old: start..start, new: new_start..new_start };
            for (old_line, new_line) in old_part.iter().zip(new_part) {
                pair.old = pair.old.end..pair.old.end + old_line.len();
                pair.new = pair.new.end..pair.new.end + new_line.len();
                changed_chars(old, new, pair.clone(), changes);
            }
        } else {
            changed_chars(old, new, at.clone(), changes);
        }
    }
}

fn changed_chars(old: &str, new: &str, change: Change, changes: &mut Vec<Change>) {
    let change = trim(old, new, change);
    let old_chars: Vec<char> = old[change.old.clone()].chars().collect();
    let new_chars: Vec<char> = new[change.new.clone()].chars().collect();
    let is_simple = old_chars.is_empty() || new_chars.is_empty();
    if is_simple || old_chars.len() + new_chars.len() > PIECE_CHARS_MAX {
        changes.push(change);
        return;
    }
    let hunks = join_over_gaps(compare(Algorithm::Myers, &old_chars, &new_chars));
    let mut at = Change { old: change.old.start..change.old.start, new: change.new.start..change.new.start };
    let mut chars = (0, 0);
    let bytes = |chars: &[char]| chars.iter().map(|char| char.len_utf8()).sum::<usize>();
    for hunk in hunks {
        let start = at.old.end + bytes(&old_chars[chars.0..hunk.old.start]);
        let new_start = at.new.end + bytes(&new_chars[chars.1..hunk.new.start]);
        let end = start + bytes(&old_chars[hunk.old.clone()]);
        let new_end = new_start + bytes(&new_chars[hunk.new.clone()]);
        at = Change { old: start..end, new: new_start..new_end };
        chars = (hunk.old.end, hunk.new.end);
        changes.push(at.clone());
    }
}

/// Compares two lists and gives the ranges that differ, in order.
fn compare<T: Hash + Eq + Copy + Default>(algorithm: Algorithm, old: &[T], new: &[T]) -> Vec<Change> {
    let mut input = InternedInput::default();
    input.update_before(old.iter().copied());
    input.update_after(new.iter().copied());
    let diff = Diff::compute(algorithm, &input);
    let range = |range: Range<u32>| range.start as usize..range.end as usize;
    diff.hunks().map(|hunk| Change { old: range(hunk.before), new: range(hunk.after) }).collect()
}

/// Joins changes with hardly anything between them: single letters that two words share are no common text.
fn join_over_gaps(changes: Vec<Change>) -> Vec<Change> {
    let mut joined: Vec<Change> = Vec::new();
    for change in changes {
        if let Some(last) = joined.last_mut() {
            let gap = change.old.start - last.old.end;
            let size = |change: &Change| change.old.len() + change.new.len();
            if gap <= GAP_CHARS_MAX && size(last) + size(&change) >= gap * GAP_WEIGHT {
                last.old.end = change.old.end;
                last.new.end = change.new.end;
                continue;
            }
        }
        joined.push(change);
    }
    joined
}

fn to_edits(old: &str, new: &str, changes: &[Change]) -> Vec<Edit> {
    let mut edits = Vec::with_capacity(changes.len());
    let mut read = 0;
    let mut at = 0;
    for change in changes {
        at += old[read..change.old.start].chars().count();
        let insert = new[change.new.clone()].to_owned();
        let delete = old[change.old.clone()].chars().count();
        let inserted = insert.chars().count();
        edits.push(Edit { at: CharIndex(at), delete, insert });
        at += inserted;
        read = change.old.end;
    }
    edits
}
