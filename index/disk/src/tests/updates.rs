//! An index that is changed, ended and opened again says what a new one would.

use std::sync::Arc;

use proptest::prelude::*;
use weft_index::TextEdit;

use super::fixture::{Fixture, key, listed, literal};
use crate::limits::{
    BATCH_FILES_MAX, BATCH_TRIGRAMS_MAX, FILES_MAX, SEGMENTS_MAX, SINGLE_FILES_MAX, SMALL_BATCH_FILES,
};
use crate::{Index, IndexKey};

#[test]
fn files_are_found_before_they_are_read_and_after() {
    let mut fixture = Fixture::new();
    fixture.write("a.txt", b"one fish\n");
    let unread = fixture.index.list(fixture.files.iter().map(|(path, bytes)| listed(path, bytes)));
    assert_eq!(unread.len(), 1);
    assert_eq!(fixture.find_text("fish"), ["a.txt:1"], "it is read by the search");
    fixture.build();
    assert_eq!(fixture.find_text("fish"), ["a.txt:1"]);
    assert_eq!(fixture.find(&literal("fowl")).1.files_read, 0);
    fixture.write("a.txt", b"two\nfowl\n");
    assert_eq!(fixture.build(), 1);
    assert_eq!(fixture.find_text("fowl"), ["a.txt:2"]);
    assert_eq!(fixture.find(&literal("fish")).1.files_read, 0);
    fixture.open_again();
    assert_eq!(fixture.build(), 0, "it is known from before");
    assert_eq!(fixture.find_text("fowl"), ["a.txt:2"]);
    fixture.files.clear();
    fixture.build();
    assert_eq!(fixture.find_text("fowl"), [""; 0]);
}

#[test]
fn what_is_typed_is_found_at_once() {
    let mut fixture = Fixture::new();
    fixture.write("a.txt", b"saved\n");
    fixture.build();
    fixture.index.typed("a.txt", "saved\nünsaved");
    assert_eq!(fixture.find_text("ünsaved"), ["a.txt:2"]);
    let edits = [TextEdit { range: 6..8, insert: "un-".into() }];
    assert!(fixture.index.edit_typed("a.txt", &edits));
    assert_eq!(fixture.find_text("un-saved"), ["a.txt:2"]);
    assert_eq!(fixture.find_text("ünsaved"), [""; 0]);
    assert_eq!(fixture.index.status().unwrap().typed, 1);
    fixture.index.forget_typed("a.txt");
    assert_eq!(fixture.find_text("un-saved"), [""; 0]);
    assert_eq!(fixture.index.surplus_typed(), None);
}

#[test]
fn single_changes_are_told_without_a_list_of_all() {
    let mut fixture = Fixture::new();
    fixture.write("a.txt", b"aaaa");
    fixture.write("b.txt", b"bbbb");
    fixture.build();
    let change =
        |fixture: &Fixture, path: &str, bytes: &[u8]| fixture.index.change([listed(path, bytes)], &[]);
    assert!(change(&fixture, "a.txt", b"aaaa").is_empty(), "it is the same");
    fixture.write("a.txt", b"cccc");
    assert_eq!(change(&fixture, "a.txt", b"cccc").len(), 1);
    assert_eq!(fixture.find_text("cccc"), ["a.txt:1"]);
    assert!(fixture.index.change([], &[Arc::from("b.txt")]).is_empty());
    assert_eq!(fixture.find_text("bbbb"), [""; 0]);
    assert_eq!(fixture.index.paths(), [Arc::from("a.txt")]);
}

#[test]
fn an_answer_that_came_too_late_is_not_taken() {
    let fixture = Fixture::new();
    let (old, new) = (listed("a.txt", b"old"), listed("a.txt", b"new"));
    fixture.index.list([new.clone()]);
    fixture.index.put("a.txt", old.version, b"old").unwrap();
    fixture.index.flush().unwrap();
    assert_eq!(fixture.index.status().unwrap().unread, 1, "it is another file by now");
    fixture.index.put("a.txt", new.version, b"new").unwrap();
    fixture.index.flush().unwrap();
    assert_eq!(fixture.index.status().unwrap().unread, 0);
}

#[test]
fn many_single_files_become_a_segment_and_many_segments_one() {
    let mut fixture = Fixture::new();
    let text = |number: usize, round: usize| format!("word{number}x round{round}y\n").into_bytes();
    for number in 0..SINGLE_FILES_MAX {
        fixture.write(&format!("{number}.txt"), &text(number, 0));
        if number % (SMALL_BATCH_FILES - 1) == 0 {
            fixture.build();
        }
    }
    fixture.build();
    assert_eq!(fixture.index.status().unwrap().segments, 0);
    assert!(fixture.index.tidy().unwrap());
    assert_eq!(fixture.index.status().unwrap().segments, 1);
    for round in 1..=SEGMENTS_MAX {
        (0..SMALL_BATCH_FILES)
            .for_each(|number| fixture.write(&format!("{number}.txt"), &text(number, round)));
        fixture.build();
    }
    assert_eq!(fixture.index.status().unwrap().segments, SEGMENTS_MAX as u64 + 1);
    assert!(fixture.index.tidy().unwrap());
    assert!(!fixture.index.tidy().unwrap());
    for _ in 0..2 {
        assert_eq!(fixture.index.status().unwrap().segments, 1);
        assert_eq!(fixture.build(), 0);
        assert_eq!(fixture.find_text("round8y").len(), SMALL_BATCH_FILES);
        assert_eq!(fixture.find_text("round7y"), [""; 0]);
        assert_eq!(fixture.find_text("round0y").len(), SINGLE_FILES_MAX - SMALL_BATCH_FILES);
        assert_eq!(fixture.find_text("word200x"), ["200.txt:1"]);
        fixture.open_again();
    }
}

#[test]
fn an_index_is_bounded() {
    let fixture = Fixture::new();
    let files: Vec<_> = (0..=BATCH_FILES_MAX).map(|number| listed(&number.to_string(), b"")).collect();
    assert_eq!(fixture.index.list(files.clone()).len(), files.len());
    for file in &files {
        fixture.index.put(&file.path, file.version, b"").unwrap();
    }
    let status = fixture.index.status().unwrap();
    assert_eq!((status.segments, status.unread), (1, 1));
    // Of more files than there may be the last are left out.
    let many = (0..=FILES_MAX).map(|number| listed(&number.to_string(), b""));
    fixture.index.list(many);
    assert_eq!(fixture.index.status().unwrap().files, FILES_MAX as u64);
    assert!(fixture.index.change([listed("one more", b"")], &[]).is_empty());
    // Much text is written although the files are few.
    let fixture = Fixture::new();
    let text = |number: usize| -> Vec<u8> {
        (0..2_000_u32).flat_map(|word| (word * 8_191 + number as u32).to_be_bytes()).collect()
    };
    let files: Vec<_> = (0..16).map(|number| listed(&number.to_string(), &text(number))).collect();
    fixture.index.list(files.clone());
    let mut trigrams = 0;
    for (number, file) in files.iter().enumerate() {
        let text: Vec<u8> = text(number).into_iter().map(|byte| byte.max(11)).collect();
        trigrams += weft_index::Extractor::default().extract(&text).len();
        fixture.index.put(&file.path, file.version, &text).unwrap();
        let is_written = fixture.index.status().unwrap().unread < 16;
        assert_eq!(is_written, trigrams >= BATCH_TRIGRAMS_MAX, "{trigrams}");
        if is_written {
            return;
        }
    }
    panic!("nothing was written: {trigrams}");
}

#[test]
fn a_file_that_changed_twice_is_known_as_it_is() {
    let mut fixture = Fixture::new();
    for text in ["one", "two", "three"] {
        fixture.write("a.txt", text.as_bytes());
        fixture.build();
    }
    assert_eq!(fixture.index.state().singles.len(), 1);
    fixture.index.compact().unwrap();
    for _ in 0..2 {
        assert_eq!(fixture.find_text("three"), ["a.txt:1"]);
        assert_eq!(fixture.find_text("two"), [""; 0]);
        fixture.open_again();
        fixture.build();
    }
}

/// What happens to an index.
#[derive(Debug, Clone)]
enum Step {
    Write(u8, u8),
    Remove(u8),
    Build,
    Tidy,
    Compact,
    Open,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u8..80, any::<u8>()).prop_map(|(file, text)| Step::Write(file, text)),
        2 => (0_u8..80).prop_map(Step::Remove),
        2 => Just(Step::Build),
        1 => Just(Step::Tidy),
        1 => Just(Step::Compact),
        1 => Just(Step::Open),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_happens_the_answer_is_that_of_reading_everything(steps in prop::collection::vec(step(), 1..120)) {
        let mut fixture = Fixture::new();
        (0..70).for_each(|file: u8| fixture.write(&format!("{file}"), format!("begin {file}").as_bytes()));
        for step in steps {
            match step {
                Step::Write(file, text) => fixture.write(&format!("{file}"), format!("text{text} of {}", file % 3).as_bytes()),
                Step::Remove(file) => drop(fixture.files.remove(&format!("{file}"))),
                Step::Build => drop(fixture.build()),
                Step::Tidy => drop(fixture.index.tidy().unwrap()),
                Step::Compact => fixture.index.compact().unwrap(),
                Step::Open => fixture.open_again(),
            }
        }
        fixture.index.list(fixture.files.iter().map(|(path, bytes)| listed(path, bytes)));
        for text in ["begin 1", "text1", "of 2", "text200 of", "none of it"] {
            let pattern = literal(text);
            prop_assert_eq!(fixture.find(&pattern).0, fixture.find_slowly(&pattern), "{}", text);
        }
        fixture.build();
        for text in ["begin 1", "text1", "of 2"] {
            let pattern = literal(text);
            prop_assert_eq!(fixture.find(&pattern).0, fixture.find_slowly(&pattern), "{}", text);
        }
    }
}

#[test]
fn another_key_makes_another_index() {
    let mut fixture = Fixture::new();
    fixture.write("a.txt", b"fish\n");
    fixture.build();
    let other = IndexKey::derive(&[7; 32], &[9; 32]);
    fixture.index = Index::open(&fixture.database(), &other).unwrap();
    assert_eq!(fixture.build(), 1, "nothing of before can be read");
    fixture.index = Index::open(&fixture.database(), &key()).unwrap();
    assert_eq!(fixture.build(), 1);
}
