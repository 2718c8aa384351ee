use weft_crdt::CharIndex;

use super::Player;
use crate::document::Grain;
use crate::search::{Pattern, Query};

/// Does something to a document and checks the text with its cursors.
#[track_caller]
fn check(before: &str, act: impl FnOnce(&mut Player), after: &str) {
    let mut player = Player::new(before, "rust");
    act(&mut player);
    assert_eq!(player.shown(), after, "on {before:?}");
}

#[test]
fn clicks_select() {
    let click = |at: usize, grain, extends| {
        move |player: &mut Player| player.document.click(player.view, CharIndex(at), grain, extends)
    };
    check("|foo bar", click(5, Grain::Character, false), "foo b|ar");
    check("|foo bar", click(99, Grain::Character, false), "foo bar|");
    check("|foo bar", click(5, Grain::Word, false), "foo <bar>");
    check("|a\nb\nc", click(2, Grain::Line, false), "a\n<b\n>c");
    check("f|oo bar", click(5, Grain::Character, true), "f<oo b>ar");
    check("foo b|ar", click(1, Grain::Word, true), "<|foo b>ar");
    check("|e\u{301}x", click(1, Grain::Character, false), "|e\u{301}x");
    let alt = |at: usize| move |player: &mut Player| player.document.add_cursor(player.view, CharIndex(at));
    check("|abc", alt(2), "|ab|c");
    check("|ab|c", alt(2), "|abc");
    check("|abc", alt(0), "|abc");
}

#[test]
fn text_is_dragged() {
    let drop_at = |at: usize, copies: bool| {
        move |player: &mut Player| player.document.drop_selection(player.view, CharIndex(at), copies)
    };
    check("<ab>cd", drop_at(4, false), "cd<ab>");
    check("cd<ab>", drop_at(0, false), "<ab>cd");
    check("<ab>cd", drop_at(3, true), "abc<ab>d");
    check("<ab>cd", drop_at(1, false), "<ab>cd");
    check("<ab>cd", drop_at(2, true), "ab<ab>cd");
    check("a|b", drop_at(0, false), "a|b");
}

#[test]
fn an_input_method_deletes_around_the_caret() {
    let around = |before, behind| {
        move |player: &mut Player| player.document.delete_around(player.view, before, behind)
    };
    check("abc|def", around(2, 1), "a|ef");
    check("a|b", around(9, 9), "|");
}

#[test]
fn places_are_found_and_replaced() {
    let pattern = |text: &str, is_regex| {
        Pattern::new(&Query { text: text.to_owned(), is_regex, ..Query::default() }).unwrap()
    };
    let a = pattern("a", false);
    check("|xa ya", |player| assert!(player.document.find_next(player.view, &a, true)), "x<a> ya");
    check("x<a> ya", |player| assert!(player.document.find_next(player.view, &a, true)), "xa y<a>");
    check("xa y<a>", |player| assert!(player.document.find_next(player.view, &a, true)), "x<a> ya");
    check("x<a> ya", |player| assert!(player.document.find_next(player.view, &a, false)), "xa y<a>");
    check("|xyz", |player| assert!(!player.document.find_next(player.view, &a, true)), "|xyz");
    let starts = pattern("^", true);
    check("|a\nb", |player| assert!(player.document.find_next(player.view, &starts, true)), "a\n|b");
    let template = a.template("bb", false);
    check(
        "|xa ya",
        |player| {
            assert!(!player.document.replace_next(player.view, &a, &template));
            assert!(player.document.replace_next(player.view, &a, &template));
        },
        "xbb y<a>",
    );
    check(
        "a a| a",
        |player| assert_eq!(player.document.replace_all(player.view, &a, &template, false), 3),
        "bb bb| bb",
    );
    check(
        "a <a a> a",
        |player| assert_eq!(player.document.replace_all(player.view, &a, &template, true), 2),
        "a <bb bb> a",
    );
    check("|a a", |player| assert!(player.document.select_matches(player.view, &a)), "<a> <a>");
}
