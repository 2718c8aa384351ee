use std::ops::Range;

use ropey::Rope;

use super::*;
use crate::limits::{MATCHES_MAX, PATTERN_BYTES_MAX, REGEX_BYTES_MAX, REPLACED_MAX, SEARCHED_BYTES_STEP};
use crate::testing::{self, under_seeds};
use crate::text::Buffer;

/// Reads flags: `r` regular expression, `c` case, `w` whole words.
fn query(text: &str, flags: &str) -> Query {
    Query {
        text: text.to_owned(),
        is_regex: flags.contains('r'),
        is_case_sensitive: flags.contains('c'),
        is_whole_word: flags.contains('w'),
    }
}

fn pattern(text: &str, flags: &str) -> Pattern {
    Pattern::new(&query(text, flags)).unwrap()
}

fn found(text: &str, pattern: &Pattern) -> Vec<String> {
    let rope = Rope::from_str(text);
    pattern.find_all(&rope, 100).into_iter().map(|range| rope.slice(range).to_string()).collect()
}

#[test]
fn texts_are_found() {
    for (text, what, flags, expected) in [
        ("Foo foo FOO", "foo", "", vec!["Foo", "foo", "FOO"]),
        ("Foo foo FOO", "foo", "c", vec!["foo"]),
        ("foo foobar _foo foo", "foo", "w", vec!["foo", "foo"]),
        ("a.b axb", "a.b", "", vec!["a.b"]),
        ("a.b axb", "a.b", "r", vec!["a.b", "axb"]),
        ("a1\nb22\nc", r"\d+$", "r", vec!["1", "22"]),
        ("a1\r\nb22\r\n", r"\d$", "r", vec!["1", "2"]),
        ("a\nb", "[^x]+", "r", vec!["a", "b"]),
        ("a\nb\nc", "a\nb", "", vec!["a\nb"]),
        ("a\r\nb", "a\nb", "", vec!["a\r\nb"]),
        ("a\nb", r"a\nb", "r", vec!["a\nb"]),
        ("größe GRÖSSE Größe", "größe", "", vec!["größe", "Größe"]),
        ("aaaa", "aa", "", vec!["aa", "aa"]),
        ("日本日本", "本日", "", vec!["本日"]),
        ("x -- y", "--", "w", vec!["--"]),
    ] {
        assert_eq!(found(text, &pattern(what, flags)), expected, "{what} /{flags} in {text:?}");
    }
}

#[test]
fn the_next_and_the_last_place_are_found() {
    let rope = Rope::from_str("ab ab\nab");
    let ab = pattern("ab", "");
    let forward: Vec<Option<Range<usize>>> =
        [0, 1, 4, 7].map(|from| ab.find_from(&rope, from, true)).into_iter().collect();
    assert_eq!(forward, [Some(0..2), Some(3..5), Some(6..8), Some(0..2)]);
    assert_eq!(ab.find_from(&rope, 7, false), None);
    let back: Vec<Option<Range<usize>>> =
        [8, 7, 4, 1].map(|to| ab.find_before(&rope, to, true)).into_iter().collect();
    assert_eq!(back, [Some(6..8), Some(3..5), Some(0..2), Some(6..8)]);
    assert_eq!(ab.find_before(&rope, 1, false), None);
    let lines = pattern("ab\nab", "");
    assert_eq!(lines.find_before(&rope, 8, false), Some(3..8));
    let many = Rope::from_str(&format!("ab\n{}", "x\n".repeat(5_000)));
    assert_eq!(ab.find_before(&many, many.len_chars(), false), Some(0..2));
}

#[test]
fn searching_is_like_searching_the_whole_text() {
    under_seeds(200, |rng| {
        let text = testing::text(rng, 60);
        let rope = Rope::from_str(&text);
        for what in ["a", "word", "é", "日", "\n", "(", " "] {
            let all = pattern(what, "c").find_all(&rope, 1_000);
            if what != "\n" {
                let model: Vec<usize> =
                    text.match_indices(what).map(|(byte, _)| rope.byte_to_char(byte)).collect();
                assert_eq!(
                    all.iter().map(|range| range.start).collect::<Vec<_>>(),
                    model,
                    "{what} in {text:?}"
                );
            }
            let mut search = Search::new(&query(what, "c")).unwrap();
            while search.advance(&rope, 1, 1) {}
            assert_eq!(search.matches(), all);
        }
        for what in ["x*", "^", "$", r"\w+", r"\s", "(a|b)?"] {
            let _ = pattern(what, "r").find_all(&rope, 1_000);
        }
    });
}

#[test]
fn a_search_goes_step_by_step_and_starts_again_with_a_new_text() {
    let line = "x needle in a line that is long enough for this test\n";
    let text = line.repeat(3 * SEARCHED_BYTES_STEP / line.len());
    let rope = Rope::from_str(&text);
    let mut search = Search::new(&query("needle", "")).unwrap();
    assert!(search.advance(&rope, 1, 1));
    let first = search.matches().len();
    assert!(first > 0 && first < text.lines().count() / 2);
    while search.advance(&rope, 1, 1) {}
    assert_eq!(search.matches().len(), text.lines().count());
    assert_eq!(search.index_of(3), Some(1));
    assert!(!search.advance(&Rope::from_str("needle"), 2, 9));
    assert_eq!(search.matches().len(), 1);
    let many = |count: usize| Rope::from_str(&"a ".repeat(count));
    let mut search = Search::new(&query("a", "")).unwrap();
    search.advance(&many(MATCHES_MAX - 1), 1, 99);
    assert!(!search.is_cut());
    search.advance(&many(MATCHES_MAX + 1), 2, 99);
    assert!(search.is_cut());
    assert_eq!(search.matches().len(), MATCHES_MAX);
}

#[test]
fn patterns_that_cannot_be_are_refused() {
    assert_eq!(Pattern::new(&query("", "")).unwrap_err(), QueryError::Empty);
    assert!(Pattern::new(&query(&"a".repeat(PATTERN_BYTES_MAX), "")).is_ok());
    let long = Pattern::new(&query(&"a".repeat(PATTERN_BYTES_MAX + 1), ""));
    assert_eq!(long.unwrap_err(), QueryError::TooLong);
    let error = Pattern::new(&query("(", "r")).unwrap_err();
    assert_eq!(error.to_string(), "unclosed group");
    let count = REGEX_BYTES_MAX / 8;
    assert!(Pattern::new(&query(&format!("(a{{{count}}}){{9}}"), "r")).is_err());
}

#[track_caller]
fn check_replace(text: &str, what: &str, flags: &str, with: &str, expected: &str) {
    let pattern = pattern(what, flags);
    let mut buffer = Buffer::new(text);
    let all = 0..buffer.len_chars();
    let template = pattern.template(with, flags.contains('k'));
    let (change, _) = pattern.replace_all(buffer.rope(), &[all], &template);
    buffer.apply(&change).unwrap();
    assert_eq!(buffer.rope(), expected, "{what} by {with}");
}

#[test]
fn places_are_replaced() {
    check_replace("a a b", "a", "", "$1", "$1 $1 b");
    check_replace("a1 b2", r"(\w)(\d)", "r", "$2$1", "1a 2b");
    check_replace("ab", r"(?P<x>a)", "r", "[${x}$x$$$&$9]", "[a$x$a]b");
    check_replace("ab", "b", "r", r"\n\t\\\q", "a\n\t\\\\q");
    check_replace("foo bar", r"(\w+) (\w+)", "r", r"\U$1\E \u$2", "FOO Bar");
    check_replace("x\nx", "^", "r", "> ", "> x\n> x");
    check_replace("a\nb\n", "\n", "", ",", "a,b,");
    check_replace("foo Foo FOO", "foo", "k", "bar", "bar Bar BAR");
    check_replace("aXbX", "x", "", "", "ab");
}

#[test]
fn one_place_and_ranges_are_replaced() {
    let rope = Rope::from_str("a1 a2 a3");
    let a = pattern(r"a(\d)", "r");
    let template = a.template("$1", false);
    let change = a.replace_one(&rope, 3..5, &template).unwrap();
    let mut buffer = Buffer::new("a1 a2 a3");
    buffer.apply(&change).unwrap();
    assert_eq!(buffer.rope(), "a1 2 a3");
    assert_eq!(a.replace_one(&rope, 3..4, &template), None);
    let (_, count) = a.replace_all(&rope, &[0..2, 5..8], &template);
    assert_eq!(count, 2);
}

#[test]
fn at_most_so_many_places_are_replaced() {
    let rope = Rope::from_str(&"a".repeat(REPLACED_MAX + 1));
    let a = pattern("a", "");
    let all = 0..rope.len_chars();
    let (_, count) = a.replace_all(&rope, std::slice::from_ref(&all), &a.template("b", false));
    assert_eq!(count, REPLACED_MAX);
}
