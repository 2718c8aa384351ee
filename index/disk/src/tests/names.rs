//! Symbols and names of files, kept and found.

use weft_index::symbols::{Symbol, SymbolKind, SymbolReader};

use super::fixture::{Fixture, listed};
use crate::limits::{SYMBOL_BATCH_FILES, SYMBOL_ROWS_MAX};

fn read_symbols(fixture: &Fixture) -> usize {
    let mut reader = SymbolReader::default();
    let wanted = fixture.index.without_symbols(usize::MAX);
    for file in &wanted {
        let symbols = reader.read(&file.path, &fixture.files[&*file.path], &mut || false).unwrap();
        fixture.index.put_symbols(&file.path, file.version, symbols).unwrap();
    }
    fixture.index.flush_symbols().unwrap();
    wanted.len()
}

fn defined(fixture: &Fixture, name: &str) -> Vec<String> {
    let hits = fixture.index.definitions(name, "");
    hits.iter().map(|hit| format!("{}:{}", hit.path, hit.symbol.line)).collect()
}

#[test]
fn symbols_are_kept_and_follow_the_files() {
    let mut fixture = Fixture::new();
    fixture.write("a.rs", b"fn one() {}\n");
    fixture.write("b.py", b"\ndef one(): pass\n");
    fixture.write("c.txt", b"fn one() {}");
    fixture.build();
    assert_eq!(read_symbols(&fixture), 2);
    for _ in 0..2 {
        assert_eq!(fixture.build(), 0);
        assert_eq!(fixture.index.without_symbols(9), []);
        assert_eq!(defined(&fixture, "one"), ["a.rs:1", "b.py:2"]);
        assert_eq!(fixture.index.find_symbols("on", 9).0.len(), 2);
        assert_eq!(fixture.index.outline("b.py").len(), 1);
        fixture.open_again();
    }
    fixture.write("a.rs", b"\n\nfn one() {}\n");
    fixture.build();
    assert_eq!(read_symbols(&fixture), 1);
    assert_eq!(defined(&fixture, "one"), ["a.rs:3", "b.py:2"]);
    fixture.open_again();
    fixture.files.remove("b.py");
    fixture.build();
    assert_eq!(defined(&fixture, "one"), ["a.rs:3"]);
    assert_eq!(fixture.index.status().unwrap().symbols, 1);
    fixture.index.change([], &["a.rs".into()]);
    assert_eq!(fixture.index.symbol_count(), 0);
}

#[test]
fn rows_of_symbols_do_not_grow_without_end() {
    let mut fixture = Fixture::new();
    fixture.write("a.rs", b"");
    fixture.build();
    let version = listed("a.rs", b"").version;
    let symbol =
        |line| Symbol { name: "n".into(), kind: SymbolKind::Type, line, column: 0, last_line: 1, depth: 0 };
    for line in 0..SYMBOL_ROWS_MAX as u32 + 3 {
        fixture.index.put_symbols("a.rs", version, vec![symbol(line)]).unwrap();
        fixture.index.flush_symbols().unwrap();
    }
    fixture.open_again();
    fixture.build();
    assert_eq!(fixture.index.outline("a.rs")[0].line, SYMBOL_ROWS_MAX as u32 + 2);
    let database = rusqlite::Connection::open(fixture.database()).unwrap();
    let rows: usize =
        database.query_row("SELECT count(*) FROM symbols", [], |row| row.get::<_, i64>(0)).unwrap() as usize;
    assert!(rows < 10, "{rows}");
    for number in 0..=SYMBOL_BATCH_FILES {
        fixture.index.put_symbols(&format!("{number}.rs"), version, Vec::new()).unwrap();
    }
    let more: usize =
        database.query_row("SELECT count(*) FROM symbols", [], |row| row.get::<_, i64>(0)).unwrap() as usize;
    assert_eq!(more, rows + 1, "many are written without being asked to");
}

#[test]
fn files_that_a_person_works_with_come_first() {
    let mut fixture = Fixture::new();
    for path in ["src/main.rs", "src/manual.md", "tests/main.rs", "docs/plan.md"] {
        fixture.write(path, b"");
    }
    fixture.build();
    let names = |fixture: &Fixture, query: &str| {
        fixture.index.find_files(query, 10.0, 9).0.iter().map(|hit| hit.path.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&fixture, "main"), ["src/main.rs", "tests/main.rs"]);
    assert_eq!(names(&fixture, ""), [""; 0]);
    assert!(fixture.index.visit("tests/main.rs", 9.0, 5.0));
    assert!(!fixture.index.visit("tests/main.rs", 10.0, 5.0), "so soon it counts no more");
    assert!(fixture.index.visit("gone.rs", 10.0, 5.0));
    fixture.index.flush_visits().unwrap();
    for _ in 0..2 {
        assert_eq!(names(&fixture, "main"), ["tests/main.rs", "src/main.rs"]);
        assert_eq!(names(&fixture, ""), ["tests/main.rs"]);
        fixture.open_again();
        fixture.build();
    }
    fixture.index.visits_moved("tests/main.rs", "docs/plan.md");
    assert_eq!(names(&fixture, ""), ["docs/plan.md"]);
    let another = Fixture::new();
    another.index.list(fixture.index.paths().iter().map(|path| listed(path, b"")));
    another.index.take_visits(&fixture.index);
    assert_eq!(names(&another, ""), ["docs/plan.md"]);
    let (hits, has_more) = fixture.index.find_files("m", 0.0, 1);
    assert_eq!((hits.len(), has_more), (1, true));
}
