//! Edits that make one text of another.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

fn apply(old: &str, edits: &[Edit]) -> String {
    let mut text: Vec<char> = old.chars().collect();
    for edit in edits {
        text.splice(edit.at.0..edit.at.0 + edit.delete, edit.insert.chars());
    }
    text.into_iter().collect()
}

fn check(old: &str, new: &str, expected: &[(usize, usize, &str)]) {
    let edits = minimal_edits(old, new);
    assert_eq!(apply(old, &edits), new);
    let found: Vec<_> = edits.iter().map(|edit| (edit.at.0, edit.delete, edit.insert.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn small_changes_give_small_edits() {
    check("same\n", "same\n", &[]);
    check("", "new", &[(0, 0, "new")]);
    check("old", "", &[(0, 3, "")]);
    check("héllo wörld", "héllo big wörld", &[(6, 0, "big ")]);
    check("aé", "aè", &[(1, 1, "è")]);
    check("a\nb\nc\n", "a\nc\n", &[(2, 2, "")]);
    check(
        "let a=1;\nlet b=2;\n",
        "let a = 1;\nlet b = 2;\n",
        &[(5, 0, " "), (7, 0, " "), (16, 0, " "), (18, 0, " ")],
    );
    check("first\nmiddle\nlast\n", "First\nmiddle\nlast!\n", &[(0, 1, "F"), (17, 0, "!")]);
    check("let foo = 1;\n", "let bar = 1;\n", &[(4, 3, "bar")]);
}

#[test]
fn random_texts_become_each_other() {
    let pieces = ["a", "b", "\n", "  ", "é", "🙂", "word ", "\r\n", "fn x() {\n", "}\n"];
    for seed in 0..500 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let length = random.random_range(0..60);
        let mut parts: Vec<&str> = (0..length).filter_map(|_| pieces.choose(&mut random)).copied().collect();
        let old = parts.concat();
        for _ in 0..random.random_range(0..6) {
            let place = random.random_range(0..=parts.len());
            match random.random_range(0..3) {
                0 if place < parts.len() => {
                    parts.remove(place);
                }
                1 if place < parts.len() => parts.swap(place, 0),
                _ => parts.insert(place, pieces[seed as usize % pieces.len()]),
            }
        }
        let new = parts.concat();
        assert_eq!(apply(&old, &minimal_edits(&old, &new)), new, "seed {seed}");
    }
}
