use ropey::Rope;
use unicode_segmentation::UnicodeSegmentation as _;
use weft_crdt::{CharIndex, LineIndex, Patch, Side};

use super::buffer::{line_end, line_of, line_start};
use super::*;
use crate::testing::{self, under_seeds};

fn applied(text: &str, change: &ChangeSet) -> String {
    let mut buffer = Buffer::new(text);
    buffer.apply(change).unwrap();
    buffer.rope().to_string()
}

/// What a change does to a text, without a rope.
fn model(text: &str, change: &ChangeSet) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for edit in change.to_edits() {
        chars.splice(edit.at.0..edit.at.0 + edit.delete, edit.insert.chars());
    }
    chars.into_iter().collect()
}

#[test]
fn a_change_does_what_its_edits_do() {
    under_seeds(300, |rng| {
        let text = testing::text(rng, 30);
        let change = testing::change(rng, text.chars().count());
        assert_eq!(applied(&text, &change), model(&text, &change));
        let patches: Vec<Patch> = change
            .to_edits()
            .into_iter()
            .map(|edit| Patch { at: edit.at, delete: edit.delete, insert: edit.insert })
            .collect();
        assert_eq!(ChangeSet::from_patches(&patches, text.chars().count()).unwrap(), change);
    });
}

#[test]
fn changes_join_invert_and_move_over_each_other() {
    under_seeds(500, |rng| {
        let text = testing::text(rng, 30);
        let length = text.chars().count();
        let (one, two) = (testing::change(rng, length), testing::change(rng, length));
        let after_one = applied(&text, &one);
        let next = testing::change(rng, after_one.chars().count());
        assert_eq!(applied(&text, &one.then(&next)), applied(&after_one, &next));
        assert_eq!(applied(&after_one, &one.inverted(&Rope::from_str(&text))), text);
        let (moved_one, moved_two) = ChangeSet::moved(&one, &two);
        assert_eq!(applied(&after_one, &moved_two), applied(&applied(&text, &two), &moved_one));
        // Neither deletes what the other inserts.
        let inserted = |change: &ChangeSet| -> usize { change.regions().iter().map(|r| r.new.len()).sum() };
        assert_eq!(inserted(&moved_one), inserted(&one));
        assert_eq!(inserted(&moved_two), inserted(&two));
    });
}

#[test]
fn many_changes_join_as_one_by_one() {
    under_seeds(50, |rng| {
        let text = testing::text(rng, 30);
        let mut changes = Vec::new();
        let mut after = text.clone();
        for _ in 0..20 {
            let change = testing::change(rng, after.chars().count());
            after = applied(&after, &change);
            changes.push(change);
        }
        assert_eq!(applied(&text, &ChangeSet::join(changes)), after);
    });
}

#[test]
fn positions_follow_their_characters() {
    under_seeds(200, |rng| {
        // Characters that occur once, so that they can be found again.
        let text: String = ('\u{4e00}'..'\u{4e20}').collect();
        let change = testing::change(rng, text.chars().count());
        let after: Vec<char> = applied(&text, &change).chars().collect();
        let mapper = change.mapper();
        let mut last = 0;
        for (at, char) in text.chars().enumerate() {
            let before = change.map(CharIndex(at), Side::Before).0;
            let behind = mapper.map(CharIndex(at), Side::After).0;
            assert!(before <= behind && last <= before && behind <= after.len());
            last = before;
            if let Some(found) = after.iter().position(|other| *other == char) {
                assert_eq!(behind, found, "a position before a character that stays");
                assert_eq!(mapper.map_back(CharIndex(found)).0, at, "and back");
            }
        }
    });
}

#[test]
fn positions_at_an_edit_go_to_their_side() {
    let change = ChangeSet::replace(CharIndex(2), 3, "xy");
    let map = |at, side| change.map(CharIndex(at), side).0;
    assert_eq!([2, 3, 4, 5, 6].map(|at| map(at, Side::Before)), [2, 2, 2, 4, 5]);
    assert_eq!([2, 3, 4, 5, 6].map(|at| map(at, Side::After)), [4, 4, 4, 4, 5]);
}

#[test]
fn patches_that_do_not_fit_change_nothing() {
    let patch = |at, delete| Patch { at: CharIndex(at), delete, insert: "x".to_owned() };
    for patches in [
        vec![patch(4, 0)],
        vec![patch(0, 4)],
        vec![patch(0, 0), patch(usize::MAX, 1)],
        vec![patch(1, usize::MAX)],
    ] {
        assert!(ChangeSet::from_patches(&patches, 3).is_err(), "{patches:?}");
    }
    assert!(ChangeSet::from_patches(&[patch(3, 0), patch(4, 0)], 3).is_ok());
    let mut buffer = Buffer::new("abc");
    assert!(buffer.apply(&ChangeSet::replace(CharIndex(2), 2, "x")).is_err());
    assert_eq!(buffer.rope(), "abc");
}

#[test]
fn graphemes_are_those_of_the_whole_text() {
    under_seeds(200, |rng| {
        let text = testing::text(rng, 40);
        let rope = Rope::from_str(&text);
        let borders: Vec<usize> = text
            .grapheme_indices(true)
            .map(|(byte, _)| rope.byte_to_char(byte))
            .chain([rope.len_chars()])
            .collect();
        for at in 0..=rope.len_chars() {
            let next = borders.iter().copied().find(|border| *border > at).unwrap_or(rope.len_chars());
            let previous = borders.iter().copied().rev().find(|border| *border < at).unwrap_or(0);
            assert_eq!(next_grapheme(&rope, at), next, "behind {at} of {text:?}");
            assert_eq!(previous_grapheme(&rope, at), previous, "before {at} of {text:?}");
            assert!(borders.contains(&snap(&rope, at)), "{at} of {text:?}");
        }
    });
}

#[test]
fn graphemes_are_found_across_the_chunks_of_a_rope() {
    let text = "🇩🇪".repeat(600) + &"e\u{301}\u{302}".repeat(600);
    let rope = Rope::from_str(&text);
    let mut at = 0;
    let mut count = 0;
    while at < rope.len_chars() {
        let next = next_grapheme(&rope, at);
        assert_eq!(previous_grapheme(&rope, next), at);
        at = next;
        count += 1;
    }
    assert_eq!(count, text.graphemes(true).count());
}

#[test]
fn words_move_forward_and_back() {
    let rope = Rope::from_str("let  x1 = foo(bar);\n\n  end");
    let walk = |from: usize, step: fn(&Rope, usize) -> usize| {
        let mut stops = vec![from];
        while let Some(last) = stops.last().copied() {
            let next = step(&rope, last);
            if next == last {
                break;
            }
            stops.push(next);
        }
        stops
    };
    assert_eq!(walk(0, next_word_end), [0, 3, 7, 9, 13, 14, 17, 19, 20, 26]);
    assert_eq!(walk(0, next_word_start), [0, 5, 8, 10, 13, 14, 17, 19, 20, 21, 23, 26]);
    assert_eq!(walk(26, previous_word_start), [26, 23, 21, 20, 17, 14, 13, 10, 8, 5, 0]);
    assert_eq!(word_around(&rope, 6), (5, 7));
    assert_eq!(word_around(&rope, 7), (5, 7));
    assert_eq!(word_around(&rope, 17), (14, 17));
    assert_eq!(word_around(&rope, 20), (20, 20));
}

#[test]
fn movement_by_words_ends_on_any_text() {
    under_seeds(200, |rng| {
        let rope = Rope::from_str(&testing::text(rng, 40));
        for at in 0..=rope.len_chars() {
            let end = at == rope.len_chars();
            assert!(next_word_end(&rope, at) > at || end);
            assert!(next_word_start(&rope, at) > at || end);
            assert!(previous_word_start(&rope, at) < at || at == 0);
            let (start, end) = word_around(&rope, at);
            assert!(start <= at && at <= end);
        }
    });
}

#[test]
fn lines_are_those_between_line_feeds() {
    under_seeds(200, |rng| {
        let text = testing::text(rng, 40);
        let rope = Rope::from_str(&text);
        let lines: Vec<&str> = text.split('\n').collect();
        assert_eq!(rope.len_lines(), lines.len());
        let mut start = 0;
        for (line, expected) in lines.iter().enumerate() {
            assert_eq!(line_start(&rope, line), start);
            let is_ended = line + 1 < lines.len();
            let shown = if is_ended { expected.strip_suffix('\r').unwrap_or(expected) } else { expected };
            assert_eq!(line_end(&rope, line), start + shown.chars().count(), "{line} of {text:?}");
            assert_eq!(line_of(&rope, start), line);
            start += expected.chars().count() + 1;
        }
        assert_eq!(line_start(&rope, usize::MAX), rope.len_chars());
        assert_eq!(line_end(&rope, usize::MAX), rope.len_chars());
    });
}

#[test]
fn line_ends_are_recognized() {
    for (text, expected) in [
        ("", LineEnding::Lf),
        ("a\n", LineEnding::Lf),
        ("a\r\nb\r\nc\n", LineEnding::CrLf),
        ("a\rb", LineEnding::Lf),
    ] {
        assert_eq!(Buffer::new(text).line_ending(), expected, "{text:?}");
    }
    let buffer = Buffer::new("a\r\nbc");
    assert_eq!(buffer.line(LineIndex(0)), "a");
    assert_eq!(buffer.line(LineIndex(1)), "bc");
}
