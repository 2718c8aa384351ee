use super::{check, check_in};

#[test]
fn lines_are_removed() {
    check(&[
        ("a\nb|\nc", "ctrl+shift+k", "a\nc|"),
        ("a\nbc|\nd", "ctrl+shift+k", "a\nd|"),
        ("a\nb|", "ctrl+shift+k", "|a"),
        ("|a", "ctrl+shift+k", "|"),
        ("a<b\nc>d\ne", "ctrl+shift+k", "e|"),
        ("a|\nb\nc|\nd", "ctrl+shift+k", "b|\nd|"),
        ("a|\r\nb", "ctrl+shift+k", "b|"),
    ]);
}

#[test]
fn lines_are_moved() {
    check(&[
        ("a\nb|\nc", "alt+up", "b|\na\nc"),
        ("a|\nb\nc", "alt+down", "b\na|\nc"),
        ("a|\nb", "alt+up", "a|\nb"),
        ("a\nb|", "alt+down", "a\nb|"),
        ("a\nb|", "alt+up", "b|\na"),
        ("a|\nbcd", "alt+down", "bcd\na|"),
        ("a\n<b\nc>\nd", "alt+down", "a\nd\n<b\nc>"),
        ("a\n<b\nc>\nd", "alt+up", "<b\nc>\na\nd"),
        ("a\r\nb|\r\nc", "alt+up", "b|\r\na\r\nc"),
        ("a|\nb\nc|\nd", "alt+down", "b\na|\nd\nc|"),
    ]);
}

#[test]
fn lines_are_doubled() {
    check(&[
        ("a|b\nc", "shift+alt+down", "ab\na|b\nc"),
        ("a|b\nc", "shift+alt+up", "a|b\nab\nc"),
        ("a|b", "shift+alt+down", "ab\na|b"),
        ("<a\nb>", "shift+alt+down", "a\nb\n<a\nb>"),
        ("a|\nb|", "shift+alt+down", "a\nb\na|\nb|"),
        ("a|\n\nb|", "shift+alt+down", "a\na|\n\nb\nb|"),
    ]);
}

#[test]
fn lines_are_joined() {
    let join = "@editor.action.joinLines";
    check(&[
        ("a|b\ncd", join, "ab| cd"),
        ("a|b\n   cd", join, "ab| cd"),
        ("a|b  \ncd", join, "ab| cd"),
        ("a|b\n\ncd", join, "ab|\ncd"),
        ("<a\nb\nc>", join, "<a b c>"),
        ("a|b", join, "a|b"),
        ("a|\r\nb", join, "a| b"),
    ]);
}

#[test]
fn lines_are_sorted_and_cleaned() {
    check(&[
        ("<b\nc\na>", "@editor.action.sortLinesAscending", "<a\nb\nc>"),
        ("<b\nc\na>", "@editor.action.sortLinesDescending", "<c\nb\na>"),
        ("|b\na\n", "@editor.action.sortLinesAscending", "|a\nb\n"),
        ("x\n<b\na\n>y", "@editor.action.sortLinesAscending", "x\n<a\nb\n>y"),
        ("<a\nb\na>", "@editor.action.removeDuplicateLines", "<a\nb>"),
        ("a  |\nb\t\n c ", "ctrl+k ctrl+x", "a|\nb\n c"),
        ("a \r\nb|", "ctrl+k ctrl+x", "a\r\nb|"),
        ("\ta|\n\t  b", "@editor.action.indentationToSpaces", "    a|\n      b"),
        ("    a|\n      b\n   c", "@editor.action.indentationToTabs", "\ta|\n\t  b\n   c"),
    ]);
}

#[test]
fn folds_hide_lines_from_movement() {
    let text = "fn f() {|\n    x\n    y\n}\nz";
    check_in(
        "text",
        &[
            (text, "ctrl+shift+[ down", "fn f() {\n    x\n    y\n}|\nz"),
            (text, "ctrl+shift+[ right", "fn f() {\n    x\n    y\n|}\nz"),
            (text, "ctrl+shift+[ right left", "fn f() {|\n    x\n    y\n}\nz"),
            (text, "ctrl+shift+[ ctrl+shift+] down", "fn f() {\n    x|\n    y\n}\nz"),
            (text, "ctrl+k ctrl+l down", "fn f() {\n    x\n    y\n}|\nz"),
            ("a\n  b|\nc", "ctrl+shift+[", "a|\n  b\nc"),
            ("a\n  b\nc|", "ctrl+k ctrl+0 up", "a|\n  b\nc"),
            ("a\n  b\nc|", "ctrl+k ctrl+0 ctrl+k ctrl+j up", "a\n | b\nc"),
        ],
    );
}
