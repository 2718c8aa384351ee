use super::{Player, check};

#[test]
fn occurrences() {
    check(&[
        ("fo|o bar foo foobar", "ctrl+d", "<foo> bar foo foobar"),
        ("fo|o bar foo foobar", "ctrl+d ctrl+d", "<foo> bar <foo> foobar"),
        ("fo|o bar foo foobar", "ctrl+d ctrl+d ctrl+d", "<foo> bar <foo> foobar"),
        ("<foo> bar foo foobar", "ctrl+d ctrl+d", "<foo> bar <foo> <foo>bar"),
        ("a a| a", "ctrl+d ctrl+d ctrl+d x", "x| x| x|"),
        ("Foo fo|o", "ctrl+d ctrl+d", "Foo <foo>"),
        ("fo|o x foo foo", "ctrl+d ctrl+d ctrl+k ctrl+d", "<foo> x foo <foo>"),
        ("fo|o x foo foox", "ctrl+shift+l", "<foo> x <foo> foox"),
        ("<fo>o x foo", "ctrl+shift+l", "<fo>o x <fo>o"),
        ("fo|o foo", "ctrl+d ctrl+d ctrl+u", "<foo> foo"),
        ("(|)", "ctrl+d", "<()>"),
    ]);
}

#[test]
fn cursors_above_and_below() {
    check(&[
        ("a|b\ncd", "ctrl+alt+down", "a|b\nc|d"),
        ("ab\nc|d", "ctrl+alt+up", "a|b\nc|d"),
        ("ab|\n\ncd", "ctrl+alt+down ctrl+alt+down", "ab|\n|\ncd|"),
        ("<ab>c\ndef", "ctrl+alt+down", "<ab>c\n<de>f"),
        ("a|b\ncd", "ctrl+alt+down x", "ax|b\ncx|d"),
        ("a|b\nc|d", "escape", "ab\nc|d"),
        ("a<b>", "escape", "ab|"),
        ("<ab\ncd>e", "shift+alt+i", "ab|\ncd|e"),
        ("<ab\ncd\n>e", "shift+alt+i", "ab|\ncd|\ne"),
        ("a|b\ncd", "ctrl+l", "<ab\n>cd"),
        ("a|b\ncd\ne", "ctrl+l ctrl+l", "<ab\ncd\n>e"),
        ("a|b", "ctrl+a", "<ab>"),
    ]);
}

#[test]
fn rectangles() {
    let right = "ctrl+shift+alt+right";
    check(&[
        ("a|bc\ndef", &format!("ctrl+shift+alt+down {right}"), "a<b>c\nd<e>f"),
        ("a|bc\nd\nefg", "ctrl+shift+alt+down ctrl+shift+alt+down", "a|bc\nd|\ne|fg"),
        (
            "abc|\nd\nefg",
            "ctrl+shift+alt+down ctrl+shift+alt+down ctrl+shift+alt+left ctrl+shift+alt+left",
            "a<|bc>\nd|\ne<|fg>",
        ),
        ("a|bc\ndef", &format!("{right} {right} ctrl+shift+alt+left"), "a<b>c\ndef"),
        ("ab\nc|d", "ctrl+shift+alt+up x", "ax|b\ncx|d"),
    ]);
}

#[test]
fn movement_of_cursors_is_taken_back() {
    let mut player = Player::new("|abc def", "rust");
    player.play("ctrl+right end ctrl+u");
    assert_eq!(player.shown(), "abc| def");
    player.play("ctrl+u");
    assert_eq!(player.shown(), "|abc def");
    player.play("@cursorRedo @cursorRedo");
    assert_eq!(player.shown(), "abc def|");
}

#[test]
fn a_thousand_cursors_type_together() {
    let text = "x\n".repeat(1_000);
    let mut player = Player::new(&format!("<x>\n{}", &text[2..]), "text");
    player.play("ctrl+shift+l 'ab' left backspace");
    assert_eq!(player.shown(), "|b\n".repeat(1_000));
}
