use rand::RngExt as _;
use ropey::Rope;
use weft_crdt::CharIndex;

use super::line_tree::LineTree;
use super::*;
use crate::limits::{FOLDS_MAX, LONG_LINE_ROW_CHARS, MEASURED_AT_ONCE_LINES, MEASURED_LINE_CHARS_MAX};
use crate::testing::{self, under_seeds};
use crate::text::Buffer;

#[test]
fn the_tree_counts_like_a_list() {
    under_seeds(100, |rng| {
        let mut tree = LineTree::new(20);
        let mut model = vec![1_usize; 20];
        for _ in 0..60 {
            let at = rng.random_range(0..=model.len());
            let old = rng.random_range(0..=(model.len() - at).min(5));
            if rng.random_bool(0.5) {
                let new = rng.random_range(0..5);
                tree.splice(at, old, new);
                model.splice(at..at + old, vec![1; new]);
            } else {
                let rows = rng.random_range(0..4);
                tree.set(at..at + old, rows);
                model[at..at + old].fill(rows);
            }
            assert_eq!((tree.lines(), tree.rows()), (model.len(), model.iter().sum()));
            let mut before = 0;
            for (line, rows) in model.iter().enumerate() {
                assert_eq!(tree.rows_at(line), (*rows, before));
                for row in 0..*rows {
                    assert_eq!(tree.line_at(before + row), (line, row));
                }
                before += rows;
            }
        }
    });
}

#[test]
fn lines_that_are_alike_are_one_run() {
    let mut tree = LineTree::new(1_000_000);
    for line in 0..2_000 {
        tree.set(line * 3..line * 3 + 1, 2);
        tree.set(line * 3..line * 3 + 1, 1);
        tree.splice(line, 1, 2);
    }
    assert_eq!(tree.runs(), 1);
}

/// The rows of a text, each with its number of the line where the line begins.
fn shown(text: &str, columns: Option<usize>) -> Vec<String> {
    let rope = Rope::from_str(text);
    let mut rows = Rows::new(&rope, columns, 4);
    while rows.measure(&rope, 1_000) {}
    all_of(&rows, &rope)
}

fn all_of(rows: &Rows, rope: &Rope) -> Vec<String> {
    let visible = rows.visible(rope, 0, usize::MAX);
    visible.iter().map(|row| rope.slice(row.start.0..row.end.0).to_string()).collect()
}

#[test]
fn lines_are_wrapped() {
    for (text, columns, expected) in [
        ("one two three", 8, vec!["one two ", "three"]),
        ("one two three", 7, vec!["one two ", "three"]),
        ("abcdefgh", 3, vec!["abc", "def", "gh"]),
        ("a bcdefgh", 4, vec!["a ", "bcde", "fgh"]),
        ("日本語", 4, vec!["日本", "語"]),
        ("a日", 2, vec!["a", "日"]),
        ("ab      cd", 4, vec!["ab      ", "cd"]),
        ("", 4, vec![""]),
        ("ab\ncdefg\n", 4, vec!["ab", "cdef", "g", ""]),
        ("\tab", 4, vec!["\t", "ab"]),
        ("  ab cd ef", 8, vec!["  ab cd ", "ef"]),
        ("  ab cd efg hij", 8, vec!["  ab cd ", "efg ", "hij"]),
        ("     ab cd", 8, vec!["     ab ", "cd"]),
        ("👩‍👩‍👧👩‍👩‍👧", 2, vec!["👩‍👩‍👧", "👩‍👩‍👧"]),
        ("ab\r\ncd", 9, vec!["ab", "cd"]),
    ] {
        assert_eq!(shown(text, Some(columns)), expected, "{text:?} at {columns}");
    }
    assert_eq!(shown("one two three", None), ["one two three"]);
}

#[test]
fn rows_of_a_wrapped_line_stand_below_the_beginning_of_its_text() {
    let indents = |text: &str, columns: Option<usize>| -> Vec<usize> {
        let rope = Rope::from_str(text);
        Rows::new(&rope, columns, 4).visible(&rope, 0, 99).iter().map(|row| row.indent).collect()
    };
    assert_eq!(indents("  ab cd efg hij", Some(8)), [0, 2, 2]);
    assert_eq!(indents("\tone two three", Some(10)), [0, 4, 4]);
    assert_eq!(indents("      ab cd efg", Some(8)), [0, 0], "never by more than half");
    assert_eq!(indents("  ab cd efg hij", None), [0]);
    let rope = Rope::from_str("  ab cd efg hij");
    let rows = Rows::new(&rope, Some(8), 4);
    assert_eq!(rows.point(&rope, CharIndex(9)), Point { row: 1, column: 3 });
    assert_eq!(rows.at(&rope, 1, 3), CharIndex(9));
    assert_eq!(rows.at(&rope, 1, 0), CharIndex(8), "beside the text is its beginning");
}

#[test]
fn very_long_lines_are_cut() {
    let line = "x".repeat(MEASURED_LINE_CHARS_MAX);
    assert_eq!(shown(&line, None).len(), 1);
    let longer = line + "y";
    let rows = shown(&longer, None);
    assert_eq!(rows.len(), (MEASURED_LINE_CHARS_MAX + 1).div_ceil(LONG_LINE_ROW_CHARS));
    assert_eq!(rows[0].len(), LONG_LINE_ROW_CHARS);
    assert_eq!(rows.concat(), longer);
    let wide = "e\u{301}".repeat(MEASURED_LINE_CHARS_MAX);
    let pieces = shown(&wide, Some(7));
    assert_eq!(pieces.concat(), wide);
    assert!(pieces.iter().all(|piece| !piece.starts_with('\u{301}')));
}

#[test]
fn places_on_the_screen_lead_back() {
    under_seeds(200, |rng| {
        let rope = Rope::from_str(&testing::text(rng, 60));
        let columns = rng.random_bool(0.7).then(|| rng.random_range(0..20));
        let mut rows = Rows::new(&rope, columns, rng.random_range(0..9));
        while rows.measure(&rope, 7) {}
        let visible = rows.visible(&rope, 0, usize::MAX);
        assert_eq!(visible.len(), rows.count());
        let mut line = 0;
        for (index, row) in visible.iter().enumerate() {
            assert_eq!(row.row, index);
            assert_eq!(row.is_first, index == 0 || visible[index - 1].is_last);
            line += usize::from(row.is_first && index > 0);
            assert_eq!(row.line.0, line);
            assert_eq!(rows.point(&rope, row.start).row, index, "{rope:?}");
        }
        assert_eq!(line + 1, rope.len_lines());
        let mut at = 0;
        loop {
            let point = rows.point(&rope, CharIndex(at));
            let back = rows.at(&rope, point.row, point.column).0;
            // What stands behind the end of a row, such as a line end, is shown at its end.
            assert!(
                back == at || at > visible[point.row].end.0 || point.column == 0,
                "{at} {back} in {rope:?}"
            );
            if at == rope.len_chars() {
                break;
            }
            at = crate::text::next_grapheme(&rope, at);
        }
    });
}

#[test]
fn rows_follow_edits() {
    under_seeds(300, |rng| {
        let mut buffer = Buffer::new(&testing::text(rng, 40));
        let columns = rng.random_bool(0.7).then(|| rng.random_range(2..20));
        let mut rows = Rows::new(buffer.rope(), columns, 4);
        for _ in 0..10 {
            let old = buffer.rope().clone();
            let change = testing::change(rng, buffer.len_chars());
            buffer.apply(&change).unwrap();
            rows.follow(&old, buffer.rope(), &change);
            let fresh = Rows::new(buffer.rope(), columns, 4);
            assert_eq!(all_of(&rows, buffer.rope()), all_of(&fresh, buffer.rope()));
        }
    });
}

#[test]
fn folds_follow_edits() {
    under_seeds(300, |rng| {
        let mut buffer = Buffer::new(&"line\n".repeat(12));
        let mut rows = Rows::new(buffer.rope(), None, 4);
        for _ in 0..12 {
            let rope = buffer.rope().clone();
            let random =
                |rng: &mut rand_chacha::ChaCha8Rng| CharIndex(rng.random_range(0..=rope.len_chars()));
            match rng.random_range(0..4) {
                0 => {
                    let (one, two) = (random(rng), random(rng));
                    rows.fold(&rope, Fold { start: one.min(two), end: one.max(two) });
                }
                1 => rows.reveal(&rope, random(rng)),
                _ => {
                    let change = testing::change(rng, rope.len_chars());
                    buffer.apply(&change).unwrap();
                    rows.follow(&rope, buffer.rope(), &change);
                }
            }
            // What is hidden is just what the folds say.
            let rope = buffer.rope();
            let hidden = |line: usize| {
                let line_of = |at: CharIndex| rope.char_to_line(at.0);
                rows.folds().iter().any(|fold| line_of(fold.start) < line && line <= line_of(fold.end))
            };
            let expected: Vec<usize> = (0..rope.len_lines()).filter(|line| !hidden(*line)).collect();
            let visible = rows.visible(rope, 0, usize::MAX);
            assert_eq!(visible.iter().map(|row| row.line.0).collect::<Vec<_>>(), expected);
            let folded: usize = visible.iter().map(|row| row.folded_lines).sum();
            assert_eq!(visible.len() + folded, rope.len_lines());
        }
    });
}

#[test]
fn lines_beyond_the_first_are_measured_later() {
    let text = "ab cd\n".repeat(MEASURED_AT_ONCE_LINES + 1);
    let rope = Rope::from_str(&text);
    let mut rows = Rows::new(&rope, Some(3), 4);
    let before = rows.count();
    assert_eq!(before, MEASURED_AT_ONCE_LINES * 2 + 2);
    assert!(!rows.measure(&rope, 10));
    assert_eq!(rows.count(), (MEASURED_AT_ONCE_LINES + 1) * 2 + 1);
    assert!(!rows.measure(&rope, 10));
}

#[test]
fn there_are_at_most_so_many_folds() {
    let rope = Rope::from_str(&"x\n".repeat(FOLDS_MAX + 5));
    let mut rows = Rows::new(&rope, None, 4);
    for line in 0..=FOLDS_MAX {
        rows.fold(&rope, Fold { start: CharIndex(line * 2), end: CharIndex(line * 2 + 2) });
    }
    assert_eq!(rows.folds().len(), FOLDS_MAX);
}
