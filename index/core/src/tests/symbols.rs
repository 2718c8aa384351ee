use proptest::prelude::*;

use crate::limits::{
    SYMBOL_DEPTH_MAX, SYMBOL_MATCHES_MAX, SYMBOL_NAME_BYTES_MAX, SYMBOL_TEXT_BYTES_MAX, SYMBOLS_PER_TEXT_MAX,
};
use crate::symbols::{Symbol, SymbolKind, SymbolReader, SymbolTable, named_at};

fn read(path: &str, text: &str) -> Vec<Symbol> {
    SymbolReader::default().read(path, text.as_bytes(), &mut || false).unwrap()
}

/// Each symbol as `line:kind name`, with two spaces for each step that it lies deeper.
fn shown(path: &str, text: &str) -> String {
    let line = |symbol: &Symbol| {
        let indent = "  ".repeat(usize::from(symbol.depth));
        format!("{indent}{}:{} {}", symbol.line, symbol.kind.name(), symbol.name)
    };
    read(path, text).iter().map(line).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn check(path: &str, text: &str, expected: &str) {
    assert_eq!(shown(path, text), expected.trim_matches('\n'), "{path}");
}

#[test]
fn rust_is_read() {
    check(
        "a.rs",
        "mod inner {\n    pub const LIMIT: u8 = 1;\n}\npub struct Point { x: u8 }\nenum Side { Left, Right(u8) }\nimpl Point {\n    fn new() -> Self { fn local() {} }\n}\ntrait Named { type Name; fn name(&self); }\nstatic S: u8 = 0;\ntype Alias = Point;\nmacro_rules! twice { () => {} }\nasync fn free() {}\n",
        "
1:module inner
  2:constant LIMIT
4:type Point
  4:field x
5:type Side
  5:variant Left
  5:variant Right
7:method new
  7:function local
9:interface Named
  9:type Name
  9:method name
10:constant S
11:type Alias
12:macro twice
13:function free",
    );
}

#[test]
fn python_is_read() {
    check(
        "a.py",
        "LIMIT = 3\na, b = 1, 2\nclass Point(Base):\n    zero = 0\n    def move(self):\n        local = 1\n        def inner(): pass\n\nasync def free(): pass\n",
        "
1:constant LIMIT
3:type Point
  4:constant zero
  5:method move
    7:function inner
9:function free",
    );
}

#[test]
fn typescript_is_read() {
    check(
        "a.ts",
        "export const limit = 3;\nconst { a } = b;\nexport function free() { const local = 1; }\nclass Point { x = 1; move(): void {} }\ninterface Named { name: string; say(): void }\ntype Alias = Point;\nenum Side { Left = 1 }\nnamespace Inner {}\nconst arrow = () => { const local = 2; };\n",
        "
1:constant limit
3:function free
4:type Point
  4:field x
  4:method move
5:interface Named
  5:field name
  5:method say
6:type Alias
7:type Side
  7:variant Left
8:module Inner
9:constant arrow",
    );
    check(
        "a.jsx",
        "class A { #x = 1; go() {} }\nfunction* gen() {}\n",
        "1:type A\n  1:field #x\n  1:method go\n2:function gen",
    );
}

#[test]
fn go_is_read() {
    check(
        "a.go",
        "package a\nconst Limit = 3\nvar one, two = 1, 2\ntype Point struct { X, Y int }\ntype Named interface { Name() string }\nfunc (p *Point) Move() { var local = 1 }\nfunc Free() {}\n",
        "
2:constant Limit
3:constant one
3:constant two
4:type Point
  4:field X
  4:field Y
5:type Named
  5:method Name
6:method Move
7:function Free",
    );
}

#[test]
fn c_and_its_child_are_read() {
    check(
        "a.c",
        "#define LIMIT 3\n#define TWICE(x) ((x) * 2)\ntypedef struct point { int x; } point_t;\nenum side { LEFT, RIGHT };\nint *free_one(int a) { int local = 1; return 0; }\nvoid declared(void);\nstatic int counter = 0;\nstruct point p;\n",
        "
1:macro LIMIT
2:macro TWICE
3:type point_t
  3:type point
    3:field x
4:type side
  4:variant LEFT
  4:variant RIGHT
5:function free_one
6:function declared
7:constant counter",
    );
    check(
        "a.cpp",
        "namespace outer {\nclass Point { public: int x; void move(); int get() { return x; } };\nvoid Point::move() {}\ntemplate <class T> T max_of(T a);\nusing Alias = Point;\n}\n",
        "
1:module outer
  2:type Point
    2:field x
    2:method move
    2:method get
  3:function move
  4:function max_of
  5:type Alias",
    );
}

#[test]
fn java_and_others_are_read() {
    check(
        "A.java",
        "class Point { static final int LIMIT = 3; int x, y; Point() {} void move() { int local; } }\ninterface Named { String name(); }\nenum Side { LEFT, RIGHT }\nrecord Pair(int a) {}\n",
        "
1:type Point
  1:field LIMIT
  1:field x
  1:field y
  1:method Point
  1:method move
2:interface Named
  2:method name
3:type Side
  3:variant LEFT
  3:variant RIGHT
4:type Pair",
    );
    check(
        "a.rb",
        "module M\n  class C\n    def go; end\n  end\nend\n",
        "1:module M\n  2:type C\n    3:method go",
    );
    check("a.sh", "go() { :; }\n", "1:function go");
    check("a.md", "# One\n\ntext\n\nTwo words\n=====\n", "1:section One\n5:section Two words");
    check(
        "A.cs",
        "namespace N { class C { int P { get; set; } void Go() {} } }",
        "1:module N\n  1:type C\n    1:field P\n    1:method Go",
    );
}

#[test]
fn texts_of_no_known_language_have_none() {
    assert!(!SymbolReader::knows("a.txt") && SymbolReader::knows("x/a.rs"));
    assert_eq!(SymbolReader::default().read("a.txt", b"fn a() {}", &mut || false), None);
}

#[test]
fn names_are_found_where_they_are_names() {
    let text = "// point\nfn point(point: Point) { \"point\"; point.point(); points }\n";
    let found = SymbolReader::default().names("a.rs", text.as_bytes(), "point", &mut || false).unwrap();
    assert_eq!(found, [12, 18, 43, 49]);
    assert_eq!(named_at("let größe_1 = 2", 7), Some("größe_1"));
    assert_eq!(named_at("a + b", 2), None);
    assert_eq!(named_at("ab", 2), Some("ab"));
}

fn symbol(name: &str, kind: SymbolKind, line: u32) -> Symbol {
    Symbol { name: name.into(), kind, line, column: 0, last_line: line, depth: 0 }
}

#[test]
fn the_name_itself_comes_first() {
    let mut table = SymbolTable::default();
    let kinds = [SymbolKind::Field, SymbolKind::Type];
    table.put("b/c.rs", vec![symbol("TextDocument", kinds[1], 4), symbol("text_document", kinds[0], 9)]);
    table.put("a.rs", vec![symbol("TextDocuments", kinds[1], 1), symbol("Context", kinds[1], 2)]);
    let names = |query: &str| {
        let (hits, has_more) = table.find(query, 10);
        assert!(!has_more);
        hits.iter().map(|hit| format!("{}:{}", hit.path, hit.symbol.name)).collect::<Vec<_>>()
    };
    assert_eq!(
        names("TextDocument"),
        ["b/c.rs:TextDocument", "a.rs:TextDocuments", "b/c.rs:text_document"][..names("TextDocument").len()]
    );
    assert_eq!(names("textdocument")[0], "b/c.rs:TextDocument");
    assert_eq!(names("td").len(), 3);
    assert_eq!(names("xyz"), [""; 0]);
    assert_eq!(table.find("e", 1), (table.find("e", 1).0, true));
    assert_eq!(table.len(), 4);
    table.put("b/c.rs", Vec::new());
    assert_eq!((table.len(), table.definitions("TextDocument", "").len()), (2, 0));
}

#[test]
fn the_nearest_definition_comes_first() {
    let mut table = SymbolTable::default();
    for path in ["x/far.rs", "a/b/near.rs", "a/b/own.rs"] {
        table.put(path, vec![symbol("new", SymbolKind::Method, 3)]);
    }
    let paths: Vec<String> =
        table.definitions("new", "a/b/own.rs").iter().map(|hit| hit.path.to_string()).collect();
    assert_eq!(paths, ["a/b/own.rs", "a/b/near.rs", "x/far.rs"]);
    assert_eq!(table.outline("x/far.rs").len(), 1);
}

#[test]
fn symbols_are_bounded() {
    let long = |length: usize| format!("fn {}() {{}}\n", "a".repeat(length));
    assert_eq!(read("a.rs", &long(SYMBOL_NAME_BYTES_MAX)).len(), 1);
    assert_eq!(read("a.rs", &long(SYMBOL_NAME_BYTES_MAX + 1)).len(), 0);
    let many = "const A: u8 = 0;\n".repeat(SYMBOLS_PER_TEXT_MAX + 10);
    assert_eq!(read("a.rs", &many).len(), SYMBOLS_PER_TEXT_MAX);
    let mut reader = SymbolReader::default();
    let text = vec![b'\n'; SYMBOL_TEXT_BYTES_MAX + 1];
    assert_eq!(reader.read("a.rs", &text, &mut || false), None);
    assert_eq!(reader.read("a.rs", &text[1..], &mut || false), Some(Vec::new()));
    let deep = SYMBOL_DEPTH_MAX * 2;
    let nested = format!("fn a() {{ {}{} }}", "{".repeat(deep), "}".repeat(deep));
    assert_eq!(read("a.rs", &nested).len(), 1);
    let mut table = SymbolTable::default();
    table.put(
        "a",
        (0..SYMBOL_MATCHES_MAX + 5)
            .map(|number| symbol(&format!("n{number}"), SymbolKind::Type, 1))
            .collect(),
    );
    let (hits, has_more) = table.find("n", usize::MAX);
    assert_eq!((hits.len(), has_more), (SYMBOL_MATCHES_MAX, true));
    // Whoever reads may end it at any time, and go on with another text.
    assert_eq!(reader.read("a.rs", "fn a() {}\n".repeat(20_000).as_bytes(), &mut || true), None);
    assert_eq!(reader.read("a.rs", b"fn a() {}", &mut || false).map(|symbols| symbols.len()), Some(1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_does_any_harm(text in "(?s).{0,200}", language in 0_usize..9) {
        let path = ["a.rs", "a.py", "a.ts", "a.go", "a.c", "a.cpp", "a.java", "a.md", "a.rb"][language];
        let mut reader = SymbolReader::default();
        let symbols = reader.read(path, text.as_bytes(), &mut || false).unwrap();
        prop_assert!(symbols.iter().all(|symbol| symbol.line >= 1 && symbol.last_line >= symbol.line));
        let _ = reader.names(path, text.as_bytes(), "a", &mut || false);
        let _ = named_at(&text, text.len() / 2);
    }

    #[test]
    fn a_table_is_what_was_put_in_last(steps in prop::collection::vec((0_u8..5, prop::collection::vec(0_u8..6, 0..4)), 0..30)) {
        let mut table = SymbolTable::default();
        let mut model = std::collections::BTreeMap::new();
        for (file, names) in steps {
            let symbols = names.iter().map(|name| symbol(&format!("n{name}"), SymbolKind::Type, 1)).collect();
            table.put(&file.to_string(), symbols);
            model.insert(file.to_string(), names);
        }
        prop_assert_eq!(table.len(), model.values().map(Vec::len).sum::<usize>());
        for name in 0..6_u8 {
            let expected: usize = model.values().map(|names| names.iter().filter(|other| **other == name).count()).sum();
            prop_assert_eq!(table.definitions(&format!("n{name}"), "").len(), expected);
        }
    }
}
