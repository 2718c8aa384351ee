//! Two texts beside each other, line by line.
//!
//! Histogram diff as of Git and JGit, by `imara-diff`, with lines slid to where a person would put them.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};
use ropey::Rope;

use crate::limits::{COMPARED_BYTES_MAX, HUNKS_MAX};
use crate::text::ChangeSet;

/// Lines that differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The lines in the old text.
    pub before: Range<usize>,
    /// The lines in the new text.
    pub after: Range<usize>,
    /// The old lines, with their ends.
    pub old: Vec<String>,
    /// The new lines, with their ends.
    pub new: Vec<String>,
}

/// What is different in two texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// The differences, from the top.
    pub hunks: Vec<Hunk>,
    /// How many are left out because there are too many.
    pub left_out: usize,
}

/// Compares two texts; nothing, when one is too long.
pub fn compare(old: &str, new: &str) -> Option<Comparison> {
    if old.len().max(new.len()) > COMPARED_BYTES_MAX {
        return None;
    }
    let input = InternedInput::new(old, new);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let lines = |range: Range<u32>, tokens: &[imara_diff::Token]| -> Vec<String> {
        tokens[range.start as usize..range.end as usize]
            .iter()
            .map(|token| input.interner[*token].to_owned())
            .collect()
    };
    let mut comparison = Comparison::default();
    for hunk in diff.hunks() {
        if comparison.hunks.len() == HUNKS_MAX {
            comparison.left_out += 1;
            continue;
        }
        comparison.hunks.push(Hunk {
            before: hunk.before.start as usize..hunk.before.end as usize,
            after: hunk.after.start as usize..hunk.after.end as usize,
            old: lines(hunk.before.clone(), &input.before),
            new: lines(hunk.after.clone(), &input.after),
        });
    }
    Some(comparison)
}

impl Hunk {
    /// The edit of the new text that brings the old lines back; nothing, when the text is another one by now.
    pub fn restore(&self, rope: &Rope) -> Option<ChangeSet> {
        let line_start = |line: usize| rope.try_line_to_char(line.min(rope.len_lines())).ok();
        let (start, end) = (line_start(self.after.start)?, line_start(self.after.end)?);
        let now = rope.get_slice(start..end)?;
        if now != self.new.concat().as_str() {
            return None;
        }
        Some(ChangeSet::replace(start.into(), end - start, &self.old.concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Buffer;

    #[test]
    fn each_difference_can_be_brought_back_by_itself() {
        let old = "one\ntwo\nthree\nfour\nfive\n";
        let new = "one\nTWO\nthree\nfour\nsix\nfive\n";
        let comparison = compare(old, new).unwrap();
        let places: Vec<_> =
            comparison.hunks.iter().map(|hunk| (hunk.before.clone(), hunk.after.clone())).collect();
        assert_eq!(places, [(1..2, 1..2), (4..4, 4..5)]);
        let mut buffer = Buffer::new(new);
        let change = comparison.hunks[1].restore(buffer.rope()).unwrap();
        buffer.apply(&change).unwrap();
        assert_eq!(buffer.rope().to_string(), "one\nTWO\nthree\nfour\nfive\n");
        let change = comparison.hunks[0].restore(buffer.rope()).unwrap();
        buffer.apply(&change).unwrap();
        assert_eq!(buffer.rope().to_string(), old);
        assert_eq!(comparison.hunks[0].restore(buffer.rope()), None, "the lines are others by now");
    }

    #[test]
    fn ends_without_a_line_end_and_empty_texts_are_compared_too() {
        for (old, new) in [("", "a"), ("a", ""), ("a\nb", "a\nb\n"), ("a\r\nb\r\n", "a\nb\n"), ("", "")] {
            let comparison = compare(old, new).unwrap();
            let mut buffer = Buffer::new(new);
            for hunk in comparison.hunks.iter().rev() {
                let change = hunk.restore(buffer.rope()).unwrap();
                buffer.apply(&change).unwrap();
            }
            assert_eq!(buffer.rope().to_string(), old, "{old:?} and {new:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_not_compared_and_too_many_differences_are_counted() {
        let long = "x".repeat(COMPARED_BYTES_MAX + 1);
        assert_eq!(compare(&long, ""), None);
        let text = |change: &str| -> String {
            (0..HUNKS_MAX + 3).map(|line| format!("same {line}\n{change} {line}\n")).collect()
        };
        let comparison = compare(&text("old"), &text("new")).unwrap();
        assert_eq!((comparison.hunks.len(), comparison.left_out), (HUNKS_MAX, 3));
    }
}
