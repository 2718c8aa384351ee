//! What can be folded where no syntax tree says so: lines that stand deeper than the one before.

use std::ops::Range;

use ropey::Rope;
use weft_crdt::CharIndex;

use crate::display::Fold;
use crate::limits::FOLDS_MAX;
use crate::text::{line_end, line_start};

/// The folds that begin in some lines, by indentation. Blank lines at the end of a block stay visible.
pub(crate) fn by_indentation(rope: &Rope, lines: Range<usize>, tab_size: usize) -> Vec<Fold> {
    let mut folds: Vec<(usize, usize)> = Vec::new();
    // Lines that may have deeper ones below, with their depth.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut last_text = 0;
    let start = lines.start.min(rope.len_lines());
    for (line, text) in (start..).zip(rope.lines_at(start)) {
        let mut depth = 0;
        let mut is_blank = true;
        for char in text.chars() {
            match char {
                ' ' => depth += 1,
                '\t' => depth += tab_size.max(1),
                '\n' | '\r' => break,
                _ => {
                    is_blank = false;
                    break;
                }
            }
        }
        if is_blank {
            continue;
        }
        while let Some((start, _)) = open.pop_if(|(_, other)| *other >= depth) {
            if last_text > start {
                folds.push((start, last_text));
            }
        }
        if line < lines.end {
            open.push((line, depth));
        } else if open.is_empty() {
            break;
        }
        last_text = line;
    }
    while let Some((start, _)) = open.pop() {
        if last_text > start {
            folds.push((start, last_text));
        }
    }
    folds.sort_unstable();
    folds.truncate(FOLDS_MAX);
    let fold = |(start, end): (usize, usize)| Fold {
        start: CharIndex(line_end(rope, start)),
        end: CharIndex(line_start(rope, end)),
    };
    folds.into_iter().map(fold).collect()
}
