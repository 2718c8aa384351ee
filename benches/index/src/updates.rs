//! Changes: a file that was saved, and keys that are pressed.

use std::time::Instant;

use weft_bench_report::{Report, median};
use weft_index::TextEdit;
use weft_index_disk::{Listed, Version};

use crate::build::Built;
use crate::corpus::Corpus;
use crate::text::percentile;

pub(crate) fn run(corpus: &Corpus, built: &Built, report: &mut Report) {
    report.section("changes");
    let mut saved = Vec::new();
    for (number, path) in (0_u8..).zip(corpus.files.iter().step_by(corpus.files.len() / 200 + 1)) {
        let bytes = corpus.read(path);
        let start = Instant::now();
        let listed = Listed { path: path.as_str().into(), version: Version([number; 16]) };
        built.index.change([listed.clone()], &[]);
        built.index.put(path, listed.version, &bytes).expect("a file");
        built.index.flush().expect("a database");
        saved.push(start.elapsed());
    }
    report.time("a saved file, median", median(saved.clone()));
    report.time("a saved file, 95 of 100", percentile(saved, 95));
    let path = &corpus.files[corpus.files.len() / 2];
    let text = "fn line_of_code(number: usize) -> usize { number }\n".repeat(2_000);
    built.index.typed(path, &text);
    let mut keys = Vec::new();
    for at in 0..1_000 {
        let start = Instant::now();
        let edit = TextEdit { range: at * 50..at * 50, insert: "k".into() };
        assert!(built.index.edit_typed(path, &[edit]));
        keys.push(start.elapsed());
        // As a search would find it.
        assert!(built.index.typed_text(path).is_some());
    }
    report.time("a key in a text of 2,000 lines, median", median(keys.clone()));
    report.time("a key, 95 of 100", percentile(keys, 95));
    built.index.forget_typed(path);
}
