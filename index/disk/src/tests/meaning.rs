//! Chunks, their words and their vectors: what is found, what is read again by a model, and what is kept.

use weft_index::symbols::SymbolReader;

use super::fixture::{Fixture, listed};
use crate::limits::{
    CHUNK_BATCH_FILES, CHUNK_ROWS_MAX, CHUNKS_MAX, ORPHANS_MAX, QUESTION_HITS_MAX, SAME_CHUNK_PLACES_MAX,
    VECTOR_BATCH, VECTOR_ROWS_MAX,
};
use crate::{ChunkHash, ChunkHit, Index, Question};

const SHIPS: &str = "/// Builds a ship.\npub fn build_ship(mast: u8) -> Ship {\n    Ship { mast }\n}\n\n\
    /// Removes old entries from the log.\npub fn forget_entries(log: &mut Log) {\n    log.clear();\n}\n";

/// A model without sense: a direction for each text, and one for whatever speaks of ships.
fn embedded(text: &str) -> Vec<f32> {
    let mut vector: Vec<f32> = ChunkHash::of(text).bytes().map(|byte| f32::from(byte) / 2_550.0).to_vec();
    vector.push(if text.contains("ship") { 1.0 } else { 0.0 });
    vector
}

impl Fixture {
    /// Reads the details of every file that lacks them; how many those are.
    fn cut(&self) -> usize {
        let mut reader = SymbolReader::default();
        let mut all = 0;
        loop {
            let wanted = self.index.without_details(10);
            if wanted.is_empty() {
                self.index.flush_chunks().unwrap();
                self.index.flush_symbols().unwrap();
                return all;
            }
            all += wanted.len();
            for file in wanted {
                let text = &self.files[&*file.path];
                let symbols = reader.read(&file.path, text, &mut || false).unwrap_or_default();
                self.index.put_chunks(&file.path, file.version, text, &symbols).unwrap();
                self.index.put_symbols(&file.path, file.version, symbols).unwrap();
            }
        }
    }

    /// Has the model read everything that it has not; how many chunks those are.
    fn read(&self, model: &str) -> usize {
        self.index.use_model(model).unwrap();
        let mut all = 0;
        loop {
            let files = self.index.without_vectors(5);
            if files.is_empty() {
                self.index.flush_vectors().unwrap();
                return all;
            }
            for file in files {
                let text = &self.files[&*file.path];
                let wanted = self.index.to_embed(&file.path, text, &self.index.outline(&file.path));
                assert!(!wanted.is_empty(), "{} is said to lack something", file.path);
                all += wanted.len();
                let made = wanted.into_iter().map(|(hash, text)| (hash, Some(embedded(&text))));
                self.index.put_vectors(made).unwrap();
            }
        }
    }
}

fn ask(index: &Index, words: &str, vector: &[f32]) -> Vec<ChunkHit> {
    index.ask(&Question { words, vector, most: 5, is_in: &|_| true })
}

fn names(hits: &[ChunkHit]) -> Vec<String> {
    hits.iter().map(|hit| format!("{}:{}", hit.path, hit.chunk.name)).collect()
}

fn ships() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.write("yard.rs", SHIPS.as_bytes());
    fixture.write("plan.md", b"# Harbour\n\nClosed in winter.\n\n# Crane\n\nLifts masts.\n");
    fixture.build();
    assert_eq!(fixture.cut(), 2);
    fixture
}

#[test]
fn chunks_are_found_by_words_by_meaning_and_by_both() {
    let mut fixture = ships();
    assert_eq!(names(&ask(&fixture.index, "how are log entries removed", &[]))[0], "yard.rs:forget_entries");
    assert_eq!(names(&ask(&fixture.index, "lifting", &[])), ["plan.md:Crane"]);
    assert_eq!(fixture.index.chunk_count(), (4, 0));
    assert!(ask(&fixture.index, "", &embedded("ship")).is_empty(), "no model has read anything");
    assert_eq!(fixture.read("one"), 4);
    assert_eq!(fixture.index.chunk_count(), (4, 4));
    let mut ship = vec![0.0; 16];
    ship.push(1.0);
    let hits = ask(&fixture.index, "", &ship);
    assert_eq!((names(&hits)[0].as_str(), hits[0].by), ("yard.rs:build_ship", (false, true)));
    assert_eq!((hits[0].chunk.first_line, hits[0].chunk.last_line), (1, 4));
    let both = ask(&fixture.index, "entries of the log", &ship);
    assert!(both.iter().any(|hit| hit.by == (true, true)), "{both:?}");
    let only = Question { words: "ship", vector: &ship, most: 5, is_in: &|path| path == "plan.md" };
    assert!(fixture.index.ask(&only).iter().all(|hit| &*hit.path == "plan.md"));
    // The same after it was closed and opened.
    let before = ask(&fixture.index, "entries of the log", &ship);
    fixture.open_again();
    fixture.build();
    assert_eq!((fixture.cut(), fixture.read("one")), (0, 0));
    assert_eq!(ask(&fixture.index, "entries of the log", &ship), before);
}

#[test]
fn only_what_has_changed_is_read_again_by_a_model() {
    let mut fixture = ships();
    assert_eq!(fixture.read("one"), 4);
    fixture.write("yard.rs", SHIPS.replace("log.clear()", "log.cut()").as_bytes());
    fixture.build();
    assert_eq!((fixture.cut(), fixture.read("one")), (1, 1), "one function of one file");
    // Lines before it move it, and change nothing of it.
    fixture.write("yard.rs", format!("\n\n\n{SHIPS}").as_bytes());
    fixture.build();
    fixture.cut();
    assert_eq!(fixture.read("one"), 0, "what was written back is remembered");
    // Into another folder, and twice: a model need not read it.
    let text = fixture.files.remove("yard.rs").unwrap();
    fixture.build();
    fixture.write("old/yard.rs", &text);
    fixture.write("new/yard.rs", &text);
    fixture.build();
    fixture.cut();
    assert_eq!(fixture.read("one"), 0);
    assert_eq!(
        names(&ask(&fixture.index, "log entries", &[]))[..2],
        ["new/yard.rs:forget_entries", "old/yard.rs:forget_entries"]
    );
    // Another model reads everything, and what it makes may be of another length.
    assert_eq!(fixture.read("two"), 4);
    assert_eq!(fixture.read("two"), 0);
    fixture.files.clear();
    fixture.build();
    assert_eq!(fixture.index.chunk_count(), (0, 0));
    assert!(ask(&fixture.index, "ship log harbour", &embedded("ship")).is_empty());
}

#[test]
fn what_a_model_cannot_read_is_not_asked_again() {
    let fixture = ships();
    fixture.index.use_model("one").unwrap();
    for file in fixture.index.without_vectors(9) {
        let text = &fixture.files[&*file.path];
        let wanted = fixture.index.to_embed(&file.path, text, &fixture.index.outline(&file.path));
        fixture.index.put_vectors(wanted.into_iter().map(|(hash, _)| (hash, Some(vec![f32::NAN])))).unwrap();
    }
    assert!(fixture.index.without_vectors(9).is_empty());
    assert_eq!(fixture.index.chunk_count(), (4, 0));
}

#[test]
fn many_rows_become_few_and_what_is_remembered_has_limits() {
    let mut fixture = Fixture::new();
    let text = |number: usize| format!("fn ship{number}() {{}}\n\nfn crane{number}() {{}}\n");
    for number in 0..CHUNK_ROWS_MAX.max(VECTOR_ROWS_MAX) + 5 {
        fixture.write("one.rs", text(number).as_bytes());
        fixture.build();
        assert_eq!((fixture.cut(), fixture.read("one")), (1, 2));
    }
    let kept = |fixture: &Fixture| {
        let meaning = fixture.index.meaning.read().unwrap();
        meaning.numbers()
    };
    let (rows, vector_rows, orphans) = kept(&fixture);
    assert!(
        rows <= CHUNK_ROWS_MAX && vector_rows <= VECTOR_ROWS_MAX && orphans <= ORPHANS_MAX + 2,
        "{:?}",
        kept(&fixture)
    );
    fixture.open_again();
    fixture.build();
    assert_eq!((fixture.cut(), fixture.read("one"), fixture.index.chunk_count()), (0, 0, (2, 2)));
    assert!(VECTOR_BATCH > 1 && CHUNK_BATCH_FILES > 1);
}

#[test]
fn no_more_is_held_and_told_than_may_be() {
    let mut fixture = Fixture::new();
    for number in 0..SAME_CHUNK_PLACES_MAX + 2 {
        fixture.write(&format!("{number}/same.rs"), b"fn same_thing() {}\n");
    }
    let many: String = (0..CHUNKS_MAX / 4).map(|number| format!("fn part_{number}() {{}}\n\n")).collect();
    for number in 0..6 {
        fixture.write(&format!("many{number}.rs"), many.replace("part", &format!("part{number}")).as_bytes());
    }
    fixture.build();
    fixture.cut();
    assert_eq!(names(&ask(&fixture.index, "same thing", &[])).len(), SAME_CHUNK_PLACES_MAX);
    assert!(fixture.index.chunk_count().0 <= CHUNKS_MAX);
    let all = Question { words: "part0 part1 part2 part3", vector: &[], most: CHUNKS_MAX, is_in: &|_| true };
    assert!(fixture.index.ask(&all).len() <= QUESTION_HITS_MAX);
    let unlisted = listed("gone.rs", b"");
    fixture.index.put_chunks("gone.rs", unlisted.version, b"fn gone() {}\n", &[]).unwrap();
    fixture.build();
    assert!(names(&ask(&fixture.index, "gone", &[])).is_empty(), "a file that is not there has none");
}
