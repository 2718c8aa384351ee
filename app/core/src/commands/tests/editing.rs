use super::{Player, check, check_in};
use crate::commands::EditSettings;

#[test]
fn typing() {
    check(&[
        ("|", "'abc'", "abc|"),
        ("a|c", "b", "ab|c"),
        ("<abc>d", "x", "x|d"),
        ("a|b|c", "x", "ax|bx|c"),
        ("<ab>c<de>", "'xy'", "xy|cxy|"),
        ("|", "'日本'", "日本|"),
    ]);
}

#[test]
fn brackets_and_quotes_close_themselves() {
    check(&[
        ("|", "(", "(|)"),
        ("|", "'f(x)'", "f(x)|"),
        ("|", "'f(\"a\")'", "f(\"a\")|"),
        ("|", "'[{('", "[{(|)}]"),
        ("|abc", "(", "(|abc"),
        ("| abc", "(", "(|) abc"),
        ("(|)", "(", "((|))"),
        ("(|)", ")", "()|)"),
        ("don|", "\"", "don\"|"),
        ("x = |", "\"", "x = \"|\""),
        ("<abc>", "(", "(<abc>)"),
        ("<|abc>", "\"", "\"<|abc>\""),
        ("<a> <b>", "[", "[<a>] [<b>]"),
        ("|", "( backspace", "|"),
        ("(|)", "backspace", "|"),
        ("\"|\"", "backspace", "|"),
        ("(a|)", "backspace", "(|)"),
        ("|\n|", "(", "(|)\n(|)"),
        ("|\n|", "'(x)'", "(x)|\n(x)|"),
    ]);
    check_in("python", &[("x = |", "'", "x = '|'"), ("x|", "'", "x'|")]);
    check_in("rust", &[("&|", "'", "&'|")]);
}

#[test]
fn closing_can_be_switched_off() {
    let mut player = Player::new("|", "rust");
    let settings = EditSettings { auto_close: false, auto_surround: false, ..EditSettings::default() };
    player.document.set_settings(settings);
    player.play("'f(' shift+left (");
    assert_eq!(player.shown(), "f(|");
}

#[test]
fn new_lines_are_indented() {
    check(&[
        ("ab|cd", "enter", "ab\n|cd"),
        ("  ab|", "enter", "  ab\n  |"),
        ("fn f() {|", "enter", "fn f() {\n    |"),
        ("fn f() {|}", "enter", "fn f() {\n    |\n}"),
        ("    f(|)", "enter", "    f(\n        |\n    )"),
        ("x {|  // y", "enter", "x {\n    |  // y"),
        ("x { // y|", "enter", "x { // y\n    |"),
        ("<ab>cd", "enter", "\n|cd"),
        ("    |", "enter", "\n    |"),
        ("a|b\r\nc\r\n", "enter", "a\r\n|b\r\nc\r\n"),
        ("{|}\n{|}", "enter", "{\n    |\n}\n{\n    |\n}"),
        ("  a|b", "ctrl+enter", "  ab\n  |"),
        ("  a|b", "ctrl+shift+enter", "  |\n  ab"),
        ("fn f() {\n    x|\n}", "enter }", "fn f() {\n    x\n}|\n}"),
        ("{\n    {\n        |", "}", "{\n    {\n    }|"),
    ]);
    check_in(
        "python",
        &[
            ("def f():|", "enter", "def f():\n    |"),
            ("if x: # y:|", "enter", "if x: # y:\n    |"),
            ("if x:\n    y\n    else|", ":", "if x:\n    y\nelse:|"),
            ("if x:\n    y\n    elif z|", ":", "if x:\n    y\nelif z:|"),
            ("x = [|]", "enter", "x = [\n    |\n]"),
        ],
    );
    check_in(
        "ruby",
        &[
            ("def f|", "enter", "def f\n    |"),
            ("xs.each do|", "enter", "xs.each do\n    |"),
            ("def f\n    x\n    en|", "d", "def f\n    x\nend|"),
            ("def f; end|", "enter", "def f; end\n|"),
        ],
    );
    check_in(
        "bash",
        &[
            ("if x; then|", "enter", "if x; then\n    |"),
            ("if x; then\n    y\n    f|", "i", "if x; then\n    y\nfi|"),
        ],
    );
    check_in("text", &[("  ab:|", "enter", "  ab:\n  |")]);
}

#[test]
fn deleting() {
    check(&[
        ("ab|c", "backspace", "a|c"),
        ("|abc", "backspace", "|abc"),
        ("a|bc", "delete", "a|c"),
        ("abc|", "delete", "abc|"),
        ("a\n|b", "backspace", "a|b"),
        ("a\r\n|b", "backspace", "a|b"),
        ("a|\r\nb", "delete", "a|b"),
        ("e\u{301}|", "backspace", "|"),
        ("👩‍👩‍👧|", "backspace", "|"),
        ("a<bc>d", "backspace", "a|d"),
        ("a<bc>d", "delete", "a|d"),
        ("foo bar|", "ctrl+backspace", "foo |"),
        ("foo |bar", "ctrl+delete", "foo |"),
        ("foo| bar", "ctrl+delete", "foo|"),
        ("  foo|", "@deleteAllLeft", "|"),
        ("a\n|b", "@deleteAllLeft", "a|b"),
        ("f|oo\nb", "@deleteAllRight", "f|\nb"),
        ("f|\nb", "@deleteAllRight", "f|b"),
        ("        |x", "backspace", "    |x"),
        ("      |x", "backspace", "    |x"),
        ("x   |", "backspace", "x  |"),
        ("a|b|c|", "backspace", "|"),
        ("ab|\ncd|", "backspace", "a|\nc|"),
    ]);
}

#[test]
fn tabs() {
    check(&[
        ("|x", "tab", "    |x"),
        ("ab|x", "tab", "ab  |x"),
        ("日|x", "tab", "日  |x"),
        ("<ab>", "tab", "    |"),
        ("<ab\ncd>", "tab", "<    ab\n    cd>"),
        ("a<b\n\nc>d", "tab", "    a<b\n\n    c>d"),
        ("    a|b", "shift+tab", "a|b"),
        ("      a|b", "shift+tab", "  a|b"),
        ("\ta|b", "shift+tab", "a|b"),
        ("<    a\n  b>", "shift+tab", "<a\nb>"),
        ("a|b", "shift+tab", "a|b"),
        ("a|b", "ctrl+]", "    a|b"),
        ("    a|b", "ctrl+[", "a|b"),
        ("a|\nb|", "ctrl+]", "    a|\n    b|"),
    ]);
    let mut player = Player::new("a|b\n<c\nd>", "rust");
    player.document.set_settings(EditSettings { insert_spaces: false, ..EditSettings::default() });
    player.play("ctrl+]");
    assert_eq!(player.shown(), "\ta|b\n<\tc\n\td>");
}

#[test]
fn comments() {
    check(&[
        ("a|b", "ctrl+/", "// a|b"),
        ("// a|b", "ctrl+/", "a|b"),
        ("//a|b", "ctrl+/", "a|b"),
        ("|ab", "ctrl+/", "// |ab"),
        ("  a\n    <b\n  c>", "ctrl+/", "  a\n  //   <b\n  // c>"),
        ("<a\n// b>", "ctrl+/", "<// a\n// // b>"),
        ("<// a\n\n// b>", "ctrl+/", "<a\n\nb>"),
        ("a|\nb|", "ctrl+/", "// a|\n// b|"),
        ("x <abc> y", "shift+alt+a", "x /* <abc> */ y"),
        ("x /* <abc> */ y", "shift+alt+a", "x <abc> y"),
        ("x </* abc */> y", "shift+alt+a", "x <abc> y"),
        ("a|", "shift+alt+a", "a/* | */"),
    ]);
    check_in("python", &[("a|", "ctrl+/", "# a|"), ("# a|", "ctrl+/", "a|")]);
    check_in(
        "html",
        &[("  a|b", "ctrl+/", "  <!-- a|b -->".replace('<', "\\<").replace('>', "\\>").as_str())],
    );
    check_in("text", &[("a|b", "ctrl+/", "a|b")]);
}

#[test]
fn cases_and_letters() {
    check(&[
        ("foo b|ar", "@editor.action.transformToUppercase", "foo B|AR"),
        ("<straße> x", "@editor.action.transformToUppercase", "<STRASSE> x"),
        ("<|FOO>", "@editor.action.transformToLowercase", "<|foo>"),
        ("<it's a FINE day>", "@editor.action.transformToTitlecase", "<It's A Fine Day>"),
        ("<fooBarHTTPServer2x>", "@editor.action.transformToSnakecase", "<foo_bar_http_server2x>"),
        ("<foo_bar-baz>", "@editor.action.transformToCamelcase", "<fooBarBaz>"),
        ("<fooBar>", "@editor.action.transformToKebabcase", "<foo-bar>"),
        ("<fooBar\n  bazQux>", "@editor.action.transformToSnakecase", "<foo_bar\n  baz_qux>"),
        ("a|bc", "@editor.action.transposeLetters", "ba|c"),
        ("abc|", "@editor.action.transposeLetters", "acb|"),
        ("|abc", "@editor.action.transposeLetters", "|abc"),
    ]);
}

#[test]
fn clipboard() {
    check(&[
        ("<ab>c|", "ctrl+c", "<ab>c|"),
        ("<ab>c", "ctrl+x", "|c"),
        ("<ab>c", "ctrl+c right right ctrl+v", "abcab|"),
        ("a|b\ncd", "ctrl+c down ctrl+v", "ab\nab\nc|d"),
        ("a|b\ncd", "ctrl+x", "c|d"),
        ("a|b\ncd", "ctrl+x ctrl+v", "ab\nc|d"),
        ("<a>1\n<b>2", "ctrl+x end ctrl+v", "1a|\n2b|"),
        ("<a>\n<b>", "ctrl+c ctrl+v", "a|\nb|"),
        ("|x", "ctrl+v", "|x"),
    ]);
    let mut player = Player::new("|\n|", "rust");
    player.document.paste(player.view, "one\ntwo", None);
    assert_eq!(player.shown(), "one|\ntwo|");
    player.document.paste(player.view, "x", None);
    assert_eq!(player.shown(), "onex|\ntwox|");
}

#[test]
fn undo_goes_back_word_by_word_with_the_cursors() {
    let mut player = Player::new("|", "text");
    player.play("'one two' ctrl+z");
    assert_eq!(player.shown(), "one|");
    player.play("ctrl+z");
    assert_eq!(player.shown(), "|");
    player.play("ctrl+y ctrl+y");
    assert_eq!(player.shown(), "one two|");
    let mut player = Player::new("a<b>c", "text");
    player.play("delete ctrl+z");
    assert_eq!(player.shown(), "a<b>c");
    let mut player = Player::new("abc|", "text");
    player.play("backspace backspace ctrl+z");
    assert_eq!(player.shown(), "abc|");
    player.play("backspace left right x ctrl+z");
    assert_eq!(player.shown(), "ab|");
}

#[test]
fn indentation_is_that_of_the_text() {
    let detect = |text: &str| {
        let settings = EditSettings::default().detected(&ropey::Rope::from_str(text));
        (settings.insert_spaces, settings.tab_size)
    };
    assert_eq!(detect("a {\n  b {\n    c\n  }\n}\n"), (true, 2));
    assert_eq!(detect("a {\n\tb\n}\n"), (false, 4));
    assert_eq!(detect("a\n    b\n    c\nd\n"), (true, 4));
    assert_eq!(detect("a\nb\n"), (true, 4));
    assert_eq!(detect(""), (true, 4));
}
