//! Documents that are no text files: found by what somebody has read of them.

use std::fs;
use std::sync::Arc;

use weft_index::chunk::Chunk;
use weft_index::symbols::SymbolReader;

use super::fixture::{Fixture, listed, literal};
use crate::limits::DOCUMENTS_MAX;
use crate::{DocumentText, Question};

fn text(text: &str, places: &[(u32, &str)]) -> DocumentText {
    let places = places.iter().map(|(line, place)| (*line, (*place).to_owned())).collect();
    DocumentText { text: text.to_owned(), places, ..DocumentText::default() }
}

impl Fixture {
    fn put_document(&self, path: &str, read: DocumentText) {
        let version = listed(path, &self.files[path]).version;
        self.index.put_document(path, version, read).unwrap();
        self.index.flush().unwrap();
    }

    /// As a node does: what is read of a document is its text.
    fn hits(&self, query: &str) -> Vec<String> {
        let read = |path: &str, into: &mut Vec<u8>| {
            let text = self.index.document_text(path);
            into.extend(text.iter().flatten());
            text.is_some()
        };
        let pattern = literal(query);
        let is_ended = std::sync::atomic::AtomicBool::new(false);
        let search = crate::TextSearch { pattern: &pattern, lines_max: 9, is_in: None, is_ended: &is_ended };
        let mut found = Vec::new();
        let end = self.index.search(&search, &read, &mut |file| {
            for line in &file.lines {
                let place = self.index.place_in(&file.path, u32::try_from(line.number).unwrap());
                found.push(format!("{}:{} {}", file.path, line.number, place.unwrap_or_default()));
            }
        });
        end.unwrap();
        found
    }
}

#[test]
fn a_document_is_found_with_its_page_as_long_as_it_is_what_was_read() {
    let mut fixture = Fixture::new();
    fixture.write("report.pdf", b"%PDF one");
    fixture.write("scan.pdf", b"%PDF two");
    let unread = fixture.index.list(fixture.files.iter().map(|(path, bytes)| listed(path, bytes)));
    assert_eq!(unread.len(), 2);
    assert_eq!(fixture.hits("masts"), [""; 0], "nobody has read it yet");
    let pages = text("The harbour\n\nCranes lift\nthe masts\n", &[(1, "page 1"), (3, "page 2")]);
    fixture.put_document("report.pdf", pages.clone());
    let note = Some("the document has no text, only pictures".to_owned());
    fixture.put_document("scan.pdf", DocumentText { note: note.clone(), ..DocumentText::default() });
    for _ in 0..2 {
        assert_eq!(fixture.hits("masts"), ["report.pdf:4 page 2"]);
        assert_eq!(fixture.hits("harbour"), ["report.pdf:1 page 1"]);
        let notes = fixture.index.document_notes(9);
        assert_eq!(notes, [(Arc::from("scan.pdf"), note.clone().unwrap())]);
        let status = fixture.index.status().unwrap();
        assert_eq!((status.documents, status.noted, status.unread), (1, 1, 0));
        fixture.open_again();
        assert!(fixture.index.list(fixture.files.iter().map(|(path, bytes)| listed(path, bytes))).is_empty());
    }
    // Chunks are pages, and found by their words.
    assert!(fixture.index.without_details(9).iter().any(|file| &*file.path == "report.pdf"));
    let version = listed("report.pdf", b"%PDF one").version;
    fixture.index.put_chunks("report.pdf", version, pages.text.as_bytes(), &[]).unwrap();
    let is_in = |_: &str| true;
    let found = fixture.index.ask(&Question { words: "lifting cranes", vector: &[], most: 9, is_in: &is_in });
    let Chunk { name, first_line, .. } = &found[0].chunk;
    assert_eq!((&**name, *first_line), ("page 2", 3));
    // Another version of it is not what was read.
    fixture.index.change([listed("report.pdf", b"%PDF three")], &[]);
    assert_eq!(fixture.hits("masts"), [""; 0]);
    fixture.index.change([], &["report.pdf".into(), "scan.pdf".into()]);
    assert!(fixture.index.document_notes(9).is_empty());
}

#[test]
fn what_could_not_be_read_for_a_while_is_read_again() {
    let mut fixture = Fixture::new();
    fixture.write("report.pdf", b"%PDF one");
    assert_eq!(fixture.build(), 1);
    let note = Some("documents cannot be read on this device".to_owned());
    fixture.put_document("report.pdf", DocumentText { note, is_temporary: true, ..DocumentText::default() });
    assert_eq!(fixture.build(), 0);
    assert_eq!(fixture.index.document_notes(9).len(), 1);
    fixture.open_again();
    assert_eq!(fixture.build(), 1, "the next time it is opened");
}

#[test]
fn documents_have_a_limit_and_their_rows_do_not_grow() {
    let mut fixture = Fixture::new();
    for number in 0..=DOCUMENTS_MAX {
        fixture.write(&format!("{number}.pdf"), b"%PDF");
    }
    fixture.build();
    for number in 0..=DOCUMENTS_MAX {
        fixture.put_document(&format!("{number}.pdf"), text("sailcloth", &[(1, "page 1")]));
    }
    for _ in 0..9 {
        fixture.put_document("0.pdf", text("sailcloth again", &[(1, "page 1")]));
    }
    assert_eq!(fixture.index.status().unwrap().documents, DOCUMENTS_MAX as u64);
    let database = rusqlite::Connection::open(fixture.database()).unwrap();
    for table in ["documents", "document_texts"] {
        let rows: i64 =
            database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert!(rows <= DOCUMENTS_MAX as i64 + 1, "{rows} in {table}");
    }
    for end in ["", "-wal"] {
        let mut path = fixture.database().into_os_string();
        path.push(end);
        let bytes = fs::read(path).unwrap_or_default();
        for word in ["sailcloth", "page 1", "0.pdf"] {
            assert!(!bytes.windows(word.len()).any(|part| part == word.as_bytes()), "{word} in *.db{end}");
        }
    }
}

#[test]
fn a_line_of_a_text_is_told_with_its_heading() {
    let mut fixture = Fixture::new();
    let plan = b"before\n\n# The plan\n\nWe ship on friday.\n\n## Later\n\nWe rest.\n";
    fixture.write("plan.md", plan);
    fixture.write("page.html", b"<h1>Harbour</h1>\n<p>lanterns</p>\n");
    fixture.build();
    let place = |path: &str, line: u32| fixture.index.place_in(path, line);
    assert_eq!(place("plan.md", 5), None, "nobody has looked for headings yet");
    let mut reader = SymbolReader::default();
    for file in fixture.index.without_details(9) {
        let text = &fixture.files[&*file.path];
        let symbols = reader.read(&file.path, text, &mut || false).unwrap_or_default();
        fixture.index.put_chunks(&file.path, file.version, text, &symbols).unwrap();
    }
    let found = [1, 3, 5, 9].map(|line| place("plan.md", line).unwrap_or_default());
    assert_eq!(found, ["", "The plan", "The plan", "Later"]);
    assert_eq!(place("page.html", 2).as_deref(), Some("Harbour"));
    fixture.index.typed("plan.md", "typed\nsince\nthen\n\nWe ship.\n");
    assert_eq!(place("plan.md", 5), None, "the lines are others by now");
}
