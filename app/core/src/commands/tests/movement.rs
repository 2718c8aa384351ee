use super::check;

#[test]
fn by_character() {
    check(&[
        ("|abc", "right", "a|bc"),
        ("a|bc", "left", "|abc"),
        ("|abc", "left", "|abc"),
        ("abc|", "right", "abc|"),
        ("ab|\ncd", "right", "ab\n|cd"),
        ("ab\n|cd", "left", "ab|\ncd"),
        ("ab|\r\ncd", "right", "ab\r\n|cd"),
        ("ab\r\n|cd", "left", "ab|\r\ncd"),
        ("|e\u{301}x", "right", "e\u{301}|x"),
        ("e\u{301}|x", "left", "|e\u{301}x"),
        ("|👩‍👩‍👧x", "right", "👩‍👩‍👧|x"),
        ("🇩🇪|🇫🇷", "left", "|🇩🇪🇫🇷"),
        ("日|本", "right", "日本|"),
        ("<abc>d", "left", "|abcd"),
        ("<abc>d", "right", "abc|d"),
        ("<|abc>d", "right", "abc|d"),
        ("a|b|c", "right", "ab|c|"),
        ("a|bc|", "right right right", "abc|"),
    ]);
}

#[test]
fn by_word() {
    check(&[
        ("|foo bar", "ctrl+right", "foo| bar"),
        ("foo| bar", "ctrl+right", "foo bar|"),
        ("foo bar|", "ctrl+left", "foo |bar"),
        ("foo |bar", "ctrl+left", "|foo bar"),
        ("fo|o.bar", "ctrl+right", "foo|.bar"),
        ("foo|.bar", "ctrl+right", "foo.|bar"),
        ("foo  |\n  bar", "ctrl+right", "foo  \n  bar|"),
        ("foo\n  |bar", "ctrl+left", "foo\n|  bar"),
        ("foo\n|bar", "ctrl+left", "|foo\nbar"),
        ("foo_b|ar1 x", "ctrl+left", "|foo_bar1 x"),
        ("größ|er", "ctrl+right", "größer|"),
        ("a|b cd", "ctrl+shift+right", "a<b> cd"),
        ("ab cd|", "ctrl+shift+left ctrl+shift+left", "<|ab cd>"),
        ("|ab  cd", "@cursorWordStartRight", "ab  |cd"),
    ]);
}

#[test]
fn by_line() {
    check(&[
        ("  ab|c", "home", "  |abc"),
        ("  |abc", "home", "|  abc"),
        ("|  abc", "home", "  |abc"),
        ("a|bc\nd", "end", "abc|\nd"),
        ("a|bc\r\nd", "end", "abc|\r\nd"),
        ("a|b", "shift+end", "a<b>"),
        ("ab|", "shift+home", "<|ab>"),
        ("a\nb|c\nd", "up", "a|\nbc\nd"),
        ("abc\nd\nefg|", "up up", "abc|\nd\nefg"),
        ("ab|c\nd\nefg", "down down", "abc\nd\nef|g"),
        ("a|b\ncd", "down down", "ab\ncd|"),
        ("ab\ncd|", "up up", "|ab\ncd"),
        ("ab|\ncd", "shift+down", "ab<\ncd>"),
        ("\tx|y\n12345678", "down", "\txy\n12345|678"),
        ("日本|\nabcdef", "down", "日本\nabcd|ef"),
        ("abc|\n日本", "down", "abc\n日|本"),
        ("a\n\nb|", "ctrl+home", "|a\n\nb"),
        ("|a\n\nb", "ctrl+end", "a\n\nb|"),
        ("a|b\nc", "ctrl+shift+end", "a<b\nc>"),
        ("|a\nb\n\nc\nd", "@cursorParagraphDown", "a\nb\n|\nc\nd"),
        ("a\n\nb\nc|", "@cursorParagraphUp", "a\n|\nb\nc"),
        ("|a\nb\nc", "pagedown", "a\nb\n|c"),
        ("a\nb\nc|", "pageup", "a|\nb\nc"),
    ]);
}

#[test]
fn by_bracket() {
    check(&[
        ("|(a[b]c)", "ctrl+shift+\\", "(a[b]c|)"),
        ("(a[b]c|)", "ctrl+shift+\\", "|(a[b]c)"),
        ("(a[b]c)|", "ctrl+shift+\\", "|(a[b]c)"),
        ("(a[|b]c)", "ctrl+shift+\\", "(a[b|]c)"),
        ("a|b", "ctrl+shift+\\", "a|b"),
        ("(a|", "ctrl+shift+\\", "(a|"),
        ("f(a|)", "@editor.action.selectToBracket", "f<(a)>"),
        ("f(a b|c)", "@editor.action.selectToBracket", "f<(a bc)>"),
    ]);
}

#[test]
fn selections_grow_and_shrink() {
    let expand = "shift+alt+right";
    check(&[
        ("f(ab|c, d)", expand, "f(<abc>, d)"),
        ("f(<abc>, d)", expand, "f(<abc, d>)"),
        ("f(<abc, d>)", expand, "f<(abc, d)>"),
        ("x\n  f<(a)>;\ny", expand, "x\n  <f(a);>\ny"),
        ("x\n  <f(a);>\ny", expand, "x\n<  f(a);>\ny"),
        ("x\n<  f(a);>\ny", expand, "<x\n  f(a);\ny>"),
        ("say \"hel|lo you\"", "shift+alt+right shift+alt+right", "say \"<hello you>\""),
        ("say \"<hello you>\"", expand, "say <\"hello you\">"),
        ("f(ab|c)", "shift+alt+right shift+alt+right shift+alt+left", "f(<abc>)"),
        ("f(ab|c)", "shift+alt+right shift+alt+right shift+alt+left shift+alt+left", "f(ab|c)"),
    ]);
}
