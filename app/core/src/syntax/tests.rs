use std::time::Duration;

use rand::RngExt as _;
use weft_crdt::{CharIndex, Patch};

use super::*;
use crate::document::{Document, EditKind};
use crate::language::{LANGUAGES, Language};
use crate::limits::{
    HIGHLIGHT_MATCHES_MAX, INNER_TREES_MAX, LEXED_LINE_CHARS_MAX, OUTLINE_ITEMS_MAX, OUTLINE_NAME_CHARS_MAX,
    SEEN_CHANGED_CHARS_MAX, SEEN_CHARS_MAX, SYNTAX_BYTES_MAX, SYNTAX_EDITS_MAX,
};
use crate::testing::{self, under_seeds};
use crate::text::ChangeSet;

fn open(language: &str, text: &str) -> Document {
    let mut document = Document::new(text, 0);
    document.set_language(Language::by_id(language).unwrap());
    document
}

fn parsed(language: &str, text: &str) -> Document {
    let mut document = open(language, text);
    let job = document.parse_job().expect("a job");
    assert!(document.parsed(job.run(&mut || false).expect("a tree")));
    document
}

fn all(document: &Document) -> Vec<Span> {
    document.highlights(CharIndex(0)..CharIndex(document.buffer().len_chars()))
}

fn text_of(document: &Document, span: &Span) -> String {
    document.buffer().rope().slice(span.start.0..span.end.0).to_string()
}

/// A language, a text, pieces with their colours, and names of the outline.
type Sample = (&'static str, &'static str, &'static [(&'static str, Highlight)], &'static [&'static str]);

/// A text in each language, pieces that have a colour, and names of its outline.
const SAMPLES: &[Sample] = &[
    (
        "rust",
        "/// A.\nfn main() {\n    let x: u8 = 1; // one\n    println!(\"hi\\n\");\n}\nstruct S;\n",
        &[
            ("fn", Highlight::Keyword),
            ("main", Highlight::Function),
            ("// one", Highlight::Comment),
            ("u8", Highlight::Type),
            ("\\n", Highlight::Escape),
        ],
        &["main", "S"],
    ),
    (
        "python",
        "class A:\n    def f(self):\n        return 'x'  # c\n",
        &[("def", Highlight::Keyword), ("'x'", Highlight::String), ("# c", Highlight::Comment)],
        &["A", "f"],
    ),
    (
        "javascript",
        "function f(a) {\n  return `x${a}`;\n}\nclass B { m() {} }\n",
        &[("function", Highlight::Keyword), ("f", Highlight::Function)],
        &["f", "B", "m"],
    ),
    (
        "typescript",
        "interface I { a: string }\nconst x: number = 1;\nfunction g() {}\n",
        &[("const", Highlight::Keyword), ("1", Highlight::Number), ("number", Highlight::Type)],
        &["I", "g"],
    ),
    (
        "tsx",
        "function C() {\n  return <div className=\"x\">a</div>;\n}\n",
        &[("function", Highlight::Keyword), ("div", Highlight::Tag)],
        &["C"],
    ),
    (
        "go",
        "package main\n\n// c\nfunc f() string { return \"x\" }\ntype T struct{}\n",
        &[("func", Highlight::Keyword), ("\"x\"", Highlight::String), ("// c", Highlight::Comment)],
        &["f", "T"],
    ),
    (
        "c",
        "#include <x.h>\nint f(void) {\n  return 1; /* c */\n}\n",
        &[("return", Highlight::Keyword), ("f", Highlight::Function), ("/* c */", Highlight::Comment)],
        &["f"],
    ),
    (
        "cpp",
        "class A { int x; };\nint f() { return 1; }\n",
        &[("class", Highlight::Keyword), ("return", Highlight::Keyword), ("1", Highlight::Number)],
        &["A", "f"],
    ),
    (
        "java",
        "class A {\n  // c\n  void m() { return; }\n}\n",
        &[("class", Highlight::Keyword), ("m", Highlight::Function), ("// c", Highlight::Comment)],
        &["A", "m"],
    ),
    (
        "csharp",
        "class A {\n  // c\n  void M() { var x = 1; }\n}\n",
        &[("class", Highlight::Keyword), ("1", Highlight::Number), ("// c", Highlight::Comment)],
        &["A", "M"],
    ),
    (
        "ruby",
        "class A\n  def m\n    'x' # c\n  end\nend\n",
        &[("def", Highlight::Keyword), ("'x'", Highlight::String), ("# c", Highlight::Comment)],
        &["A", "m"],
    ),
    (
        "bash",
        "f() {\n  if x; then echo \"a\"; fi # c\n}\n",
        &[("if", Highlight::Keyword), ("\"a\"", Highlight::String), ("# c", Highlight::Comment)],
        &["f"],
    ),
    (
        "html",
        "<!-- c -->\n<a href=\"x\">t</a>\n",
        &[("<!-- c -->", Highlight::Comment), ("a", Highlight::Tag), ("href", Highlight::Attribute)],
        &[],
    ),
    (
        "css",
        "/* c */\na { color: red; }\n",
        &[("/* c */", Highlight::Comment), ("color", Highlight::Property)],
        &["a"],
    ),
    (
        "json",
        "{\"a\": [1, true, \"x\"]}\n",
        &[("1", Highlight::Number), ("true", Highlight::Constant), ("\"x\"", Highlight::String)],
        &["a"],
    ),
    (
        "toml",
        "# c\n[a.b]\nx = 1\ny = \"z\"\n",
        &[("# c", Highlight::Comment), ("1", Highlight::Number), ("\"z\"", Highlight::String)],
        &["a.b"],
    ),
    (
        "yaml",
        "# c\na: 1\nb:\n  - \"x\"\n",
        &[("# c", Highlight::Comment), ("1", Highlight::Number), ("\"x\"", Highlight::String)],
        &["a", "b"],
    ),
    (
        "markdown",
        "# One\n\ntext *em* **st** `co`\n\n## Two\n",
        &[
            ("One", Highlight::Title),
            ("em", Highlight::Emphasis),
            ("st", Highlight::Strong),
            ("co", Highlight::Literal),
        ],
        &["One", "Two"],
    ),
    (
        "sql",
        "-- c\nCREATE TABLE t (a INT);\nSELECT a FROM t WHERE a = 'x';\n",
        &[("-- c", Highlight::Comment), ("SELECT", Highlight::Keyword), ("'x'", Highlight::String)],
        &["t"],
    ),
];

#[test]
fn every_language_has_colours_and_an_outline() {
    assert_eq!(SAMPLES.len(), LANGUAGES.len());
    for (language, text, expected, names) in SAMPLES {
        let document = parsed(language, text);
        let spans = all(&document);
        for (piece, kind) in *expected {
            let holds =
                spans.iter().any(|span| span.kind == *kind && text_of(&document, span).contains(piece));
            let shown: Vec<_> = spans.iter().map(|span| (text_of(&document, span), span.kind)).collect();
            assert!(holds, "{language}: {piece} is no {kind:?} in {shown:?}");
        }
        let outline = document.syntax().unwrap().outline(document.buffer().rope());
        let found: Vec<&str> = outline.iter().map(|item| item.name.as_str()).collect();
        assert_eq!(found, *names, "{language}");
    }
}

#[test]
fn outlines_say_how_deep() {
    let document = parsed("python", "class A:\n    def f(self): pass\n\ndef g(): pass\n");
    let outline = document.syntax().unwrap().outline(document.buffer().rope());
    let depths: Vec<(&str, usize)> = outline.iter().map(|item| (item.name.as_str(), item.depth)).collect();
    assert_eq!(depths, [("A", 0), ("f", 1), ("g", 0)]);
}

/// Spans lie in the text, in order, without overlap.
fn check_spans(document: &Document, spans: &[Span]) {
    let mut last = 0;
    for span in spans {
        assert!(last <= span.start.0 && span.start < span.end, "{spans:?}");
        last = span.end.0;
    }
    assert!(last <= document.buffer().len_chars());
}

#[test]
fn colours_follow_edits_of_any_kind() {
    under_seeds(120, |rng| {
        let (language, text, _, _) = SAMPLES[rng.random_range(0..SAMPLES.len())];
        let mut document = open(language, text);
        let view = document.add_view();
        let mut waiting = None;
        let mut revision = 0;
        for _ in 0..12 {
            match rng.random_range(0..5) {
                0 => waiting = document.parse_job().and_then(|job| job.run(&mut || false)).or(waiting),
                1 => {
                    if let Some(parsed) = waiting.take() {
                        document.parsed(parsed);
                    }
                }
                2 => {
                    if document.outgoing().is_some() {
                        revision += 1;
                        document.acknowledged(revision);
                    }
                    revision += 1;
                    let at = rng.random_range(0..=document.buffer().len_chars());
                    let insert = testing::text(rng, 4);
                    document.changed(revision, &[Patch { at: CharIndex(at), delete: 0, insert }]).unwrap();
                }
                _ => {
                    let change = testing::change(rng, document.buffer().len_chars());
                    document.edit(view, &change, None, EditKind::Whole).unwrap();
                }
            }
            check_spans(&document, &all(&document));
            let length = document.buffer().len_chars();
            let (one, two) = (rng.random_range(0..=length), rng.random_range(0..=length));
            check_spans(&document, &document.highlights(CharIndex(one)..CharIndex(two)));
            document.bracket_pair(CharIndex(one));
            document.folds();
            if let Some(tree) = document.syntax() {
                tree.outline(document.buffer().rope());
                tree.is_code(document.buffer().rope(), CharIndex(one));
                tree.node_around(document.buffer().rope(), CharIndex(one.min(two))..CharIndex(one.max(two)));
            }
        }
        // A tree that was mended is like one that was made anew.
        if let Some(parsed) = waiting {
            document.parsed(parsed);
        }
        if let Some(job) = document.parse_job() {
            document.parsed(job.run(&mut || false).unwrap());
        }
        let fresh = parsed(language, &document.buffer().rope().to_string());
        assert_eq!(all(&document), all(&fresh), "{language}");
    });
}

#[test]
fn a_tree_that_comes_late_is_brought_up_to_date() {
    let mut document = open("rust", "fn a() {}\n");
    let view = document.add_view();
    let job = document.parse_job().unwrap();
    assert!(document.parse_job().is_none(), "one is being made");
    document.edit(view, &ChangeSet::replace(CharIndex(0), 0, "// c\n"), None, EditKind::Whole).unwrap();
    assert!(document.parsed(job.run(&mut || false).unwrap()));
    let keyword = all(&document).into_iter().find(|span| span.kind == Highlight::Keyword).unwrap();
    assert_eq!(text_of(&document, &keyword), "fn");
    let job = document.parse_job().expect("the newest text has no tree yet");
    document.parsed(job.run(&mut || false).unwrap());
    assert!(all(&document).iter().any(|span| span.kind == Highlight::Comment));
    assert!(document.parse_job().is_none());
    // Another language wants no tree of this one.
    document.edit(view, &ChangeSet::replace(CharIndex(0), 0, "x"), None, EditKind::Whole).unwrap();
    let job = document.parse_job().unwrap();
    document.set_language(Language::by_id("python").unwrap());
    assert!(!document.parsed(job.run(&mut || false).unwrap()));
}

#[test]
fn making_a_tree_can_be_given_up() {
    let mut document = open("rust", &"fn f() { let x = 1; }\n".repeat(5_000));
    let mut asked = 0;
    let job = document.parse_job().unwrap();
    let given_up = job.run(&mut || {
        asked += 1;
        asked > 2
    });
    assert!(given_up.is_none());
    assert_eq!(asked, 3);
}

#[test]
fn large_texts_have_no_tree() {
    let line = "x\n";
    let text = line.repeat(SYNTAX_BYTES_MAX / line.len());
    let mut document = open("rust", &text);
    assert!(document.parse_job().is_some());
    let mut document = open("rust", &(text + "y"));
    assert!(document.parse_job().is_none());
    // One that grows loses its tree.
    let mut document = parsed("rust", "fn f() {}\n");
    let view = document.add_view();
    let insert = "z".repeat(SYNTAX_BYTES_MAX);
    document.edit(view, &ChangeSet::replace(CharIndex(0), 0, &insert), None, EditKind::Whole).unwrap();
    assert!(document.syntax().is_none());
}

#[test]
fn too_many_edits_while_a_tree_is_made_start_it_anew() {
    for (edits, is_wanted) in [(SYNTAX_EDITS_MAX, true), (SYNTAX_EDITS_MAX + 1, false)] {
        let mut document = open("rust", "fn f() {}\n");
        let view = document.add_view();
        let job = document.parse_job().unwrap();
        for _ in 0..edits {
            document.edit(view, &ChangeSet::replace(CharIndex(0), 0, "x"), None, EditKind::Typing).unwrap();
        }
        assert_eq!(document.parsed(job.run(&mut || false).unwrap()), is_wanted);
    }
}

#[test]
fn without_a_tree_lines_are_coloured_by_themselves() {
    for (language, text, expected) in [
        (
            "rust",
            "let x = \"a\\\"b\"; // c",
            &[("let", Highlight::Keyword), ("// c", Highlight::Comment)][..],
        ),
        ("sql", "SELECT 1 -- c", &[("SELECT", Highlight::Keyword), ("1", Highlight::Number)][..]),
        ("css", "a { /* x */ }", &[("/* x */", Highlight::Comment)][..]),
        ("python", "f('x') # Y", &[("f", Highlight::Function), ("'x'", Highlight::String)][..]),
    ] {
        let document = open(language, text);
        let spans = all(&document);
        check_spans(&document, &spans);
        for (piece, kind) in expected {
            let holds = spans.iter().any(|span| span.kind == *kind && text_of(&document, span) == *piece);
            assert!(holds, "{language}: {piece}");
        }
    }
    let long = |count: usize| open("rust", &(" ".repeat(count - 1) + "1"));
    assert_eq!(all(&long(LEXED_LINE_CHARS_MAX)).len(), 1);
    assert_eq!(all(&long(LEXED_LINE_CHARS_MAX + 1)).len(), 0);
    under_seeds(200, |rng| {
        let text = testing::text(rng, 40);
        let document = open(LANGUAGES[rng.random_range(0..LANGUAGES.len())].id, &text);
        check_spans(&document, &all(&document));
    });
}

#[test]
fn brackets_and_folds_come_from_the_tree() {
    let text = "fn f() {\n    let a = \"}\";\n    g(\n        1,\n    );\n}\n";
    let document = parsed("rust", text);
    let at = text.find('{').unwrap();
    let close = text.rfind('}').unwrap();
    assert_eq!(document.bracket_pair(CharIndex(at)), Some((CharIndex(at), CharIndex(close))));
    assert_eq!(document.bracket_pair(CharIndex(close + 1)), Some((CharIndex(at), CharIndex(close))));
    assert_eq!(document.bracket_pair(CharIndex(text.find('}').unwrap())), None, "it is in a text");
    let lines = |document: &Document| -> Vec<(usize, usize)> {
        let line = |at| document.buffer().line_of(at).0;
        document.folds().iter().map(|fold| (line(fold.start), line(fold.end))).collect()
    };
    assert_eq!(lines(&document), [(0, 4), (2, 3)]);
    let document = parsed("markdown", "# A\n\ntext\n\n## B\n\nmore\n\n# C\n");
    assert_eq!(lines(&document)[..2], [(0, 7), (4, 7)]);
    let document = parsed("python", "def f():\n    if x:\n        y\n\n    z\n\ng\n");
    assert_eq!(lines(&document), [(0, 4), (1, 2)]);
    let document = parsed("html", "<ul>\n  <li>a</li>\n  <li>b</li>\n</ul>\n");
    assert_eq!(lines(&document), [(0, 2)]);
}

#[test]
fn a_tree_says_what_is_code() {
    let text = "let a = \"b{\"; // c {\nx";
    let document = parsed("rust", text);
    let tree = document.syntax().unwrap();
    let is_code = |piece: &str| tree.is_code(document.buffer().rope(), CharIndex(text.find(piece).unwrap()));
    assert!(is_code("let") && !is_code("b{") && !is_code("c {") && is_code("x"));
}

#[test]
fn work_for_one_part_of_a_text_is_bound() {
    // More paragraphs than get a tree of their own, and more names than are listed or shown.
    let many = parsed("markdown", &"*a*\n\n".repeat(INNER_TREES_MAX + 1));
    let emphasized = all(&many).iter().filter(|span| span.kind == Highlight::Emphasis).count();
    assert!((INNER_TREES_MAX..=INNER_TREES_MAX * 3).contains(&emphasized));
    let many = parsed("toml", &"[a]\n".repeat(OUTLINE_ITEMS_MAX + 1));
    assert_eq!(many.syntax().unwrap().outline(many.buffer().rope()).len(), OUTLINE_ITEMS_MAX);
    let long = |count: usize| {
        let document = parsed("toml", &format!("[{}]\n", "a".repeat(count)));
        document.syntax().unwrap().outline(document.buffer().rope())[0].name.len()
    };
    assert_eq!(long(OUTLINE_NAME_CHARS_MAX), OUTLINE_NAME_CHARS_MAX);
    assert_eq!(long(OUTLINE_NAME_CHARS_MAX + 1), OUTLINE_NAME_CHARS_MAX);
    // Patterns that stay open do not pile up.
    let deep = "(".repeat(HIGHLIGHT_MATCHES_MAX as usize * 4);
    check_spans(&parsed("rust", &deep), &all(&parsed("rust", &deep)));
}

/// The kinds of a piece of text, wherever it stands.
fn kinds_of(document: &Document, piece: &str) -> Vec<Option<Highlight>> {
    let text = document.buffer().rope().to_string();
    let spans = all(document);
    let places = text.match_indices(piece).map(|(at, _)| text[..at].chars().count());
    places
        .map(|at| spans.iter().find(|span| span.start.0 <= at && at < span.end.0).map(|span| span.kind))
        .collect()
}

#[test]
fn texts_within_texts_have_the_colours_of_their_language() {
    let markdown = "---\ntitle: 7\n---\n\n# One\n\n```rust\nlet a = 1;\n```\n\n> ~~~py\n> def f():\n>     return 'x'\n> ~~~\n\n\
                    ```\nlet b\n```\n\n```nonsense\nlet c\n```\n";
    let document = parsed("markdown", markdown);
    check_spans(&document, &all(&document));
    assert_eq!(kinds_of(&document, "let a"), [Some(Highlight::Keyword)]);
    assert_eq!(kinds_of(&document, "1;"), [Some(Highlight::Constant)]);
    assert_eq!(kinds_of(&document, "def f"), [Some(Highlight::Keyword)]);
    assert_eq!(kinds_of(&document, "'x'"), [Some(Highlight::String)], "also in a quote");
    assert_eq!(kinds_of(&document, "title"), [Some(Highlight::Property)], "what stands before the text");
    for unknown in ["let b", "let c"] {
        assert_ne!(kinds_of(&document, unknown), [Some(Highlight::Keyword)], "{unknown}");
    }
    let html = "<p>for</p>\n<script>\nfor (const a of b) {}\n</script>\n<style>\np { color: red }\n</style>\n\
                <script type=\"text/x-template\">const d</script>\n";
    let document = parsed("html", html);
    assert_eq!(kinds_of(&document, "const"), [Some(Highlight::Keyword), None]);
    assert_eq!(kinds_of(&document, "color"), [Some(Highlight::Property)]);
    assert_ne!(kinds_of(&document, "for</p>"), [Some(Highlight::Keyword)]);
}

#[test]
fn texts_within_texts_follow_edits_before_and_after_they_are_read_again() {
    let mut document = parsed("markdown", "# One\n\n```rust\nlet a = 1;\n```\n");
    let view = document.add_view();
    document.edit(view, &ChangeSet::replace(CharIndex(0), 0, "new\n\n"), None, EditKind::Whole).unwrap();
    assert_eq!(kinds_of(&document, "let"), [Some(Highlight::Keyword)], "before");
    let at = document.buffer().rope().to_string().find("1;").unwrap();
    document.edit(view, &ChangeSet::replace(CharIndex(at), 1, "\"s\""), None, EditKind::Whole).unwrap();
    let job = document.parse_job().unwrap();
    document.parsed(job.run(&mut || false).unwrap());
    assert_eq!(kinds_of(&document, "let"), [Some(Highlight::Keyword)], "after");
    assert_eq!(kinds_of(&document, "\"s\""), [Some(Highlight::String)]);
    check_spans(&document, &all(&document));
}

#[test]
fn colours_of_what_is_seen_follow_typing_and_are_right_after_a_pause() {
    under_seeds(120, |rng| {
        let (language, text, _, _) = SAMPLES[rng.random_range(0..SAMPLES.len())];
        let mut document = parsed(language, &text.repeat(3));
        let view = document.add_view();
        let mut colors = SeenColors::default();
        let mut now = Duration::ZERO;
        for _ in 0..20 {
            match rng.random_range(0..4) {
                0 => {
                    if let Some(parsed) = document.parse_job().and_then(|job| job.run(&mut || false)) {
                        document.parsed(parsed);
                    }
                }
                1 => now += Duration::from_millis(rng.random_range(0..80)),
                _ => {
                    let change = testing::change(rng, document.buffer().len_chars());
                    document.edit(view, &change, None, EditKind::Whole).unwrap();
                }
            }
            let length = document.buffer().len_chars();
            // Somebody reads from somewhere, and lines begin where they do.
            let rope = document.buffer().rope();
            let from = rope.line_to_char(rng.random_range(0..=rope.len_lines() / 3));
            let range = CharIndex(from)..CharIndex(length);
            colors.update(&document, range.clone(), now);
            check_spans(&document, colors.spans());
            assert!(colors.spans().iter().all(|span| span.start.0 >= from));
            if rng.random_range(0..3) == 0 {
                // A pause: what was left is made up for.
                while let Some(wait) = colors.update(&document, range.clone(), now) {
                    now += wait;
                }
                assert_eq!(colors.spans(), document.highlights(range), "{language}");
            }
        }
    });
}

#[test]
fn a_letter_asks_about_its_line_alone() {
    let line = "fn f() { 1 }\n";
    let mut document = parsed("rust", &line.repeat(40));
    let view = document.add_view();
    let mut colors = SeenColors::default();
    let everything = |document: &Document| CharIndex(0)..CharIndex(document.buffer().len_chars());
    assert_eq!(colors.update(&document, everything(&document), Duration::ZERO), None, "all of it at once");
    // What opens a comment turns all lines behind it; they follow in the pause.
    let at = line.len() * 20;
    let change = ChangeSet::replace(CharIndex(at), 0, "/*");
    document.edit(view, &change, None, EditKind::Whole).unwrap();
    let job = document.parse_job().unwrap();
    document.parsed(job.run(&mut || false).unwrap());
    let all = everything(&document);
    let wait = colors.update(&document, all.clone(), Duration::ZERO).expect("the rest is left");
    assert_ne!(colors.spans(), document.highlights(all.clone()));
    let here = |colors: &SeenColors| {
        colors.spans().iter().find(|span| span.start.0 >= at).map(|span| (span.start.0, span.kind))
    };
    assert_eq!(here(&colors), Some((at, Highlight::Comment)));
    assert_eq!(colors.update(&document, all.clone(), wait), None);
    assert_eq!(colors.spans(), document.highlights(all));
    // Much text at once, and more text than is compared, is asked about as a whole.
    for count in [SEEN_CHANGED_CHARS_MAX, SEEN_CHARS_MAX] {
        let change = ChangeSet::replace(CharIndex(0), 0, &"x\n".repeat(count));
        document.edit(view, &change, None, EditKind::Whole).unwrap();
        let all = everything(&document);
        assert_eq!(colors.update(&document, all.clone(), wait), None, "{count}");
        assert_eq!(colors.spans(), document.highlights(all));
    }
}
