//! How much room each part of the index takes on the disk, beside the text.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use weft_bench_report::Report;
use weft_index::FileKind;

use crate::build::{Built, memory};
use crate::corpus::Corpus;

/// Numbers of a vector: those of all-MiniLM-L6-v2.
const NUMBERS: usize = 384;

/// Cuts every text and gives each chunk a vector, whose numbers are drawn: only how many there are matters.
pub(crate) fn run(corpus: &Corpus, built: &Built, report: &mut Report) {
    report.section("room on the disk, for each byte of text");
    let bytes = || {
        let status = built.index.status().expect("a database");
        status.database_bytes as f64 / corpus.bytes as f64
    };
    let part = |report: &mut Report, name: &str, share: f64| report.text(name, &format!("{share:.3}"));
    let with_symbols = bytes();
    part(report, "text and symbols", with_symbols);
    let text_of = |path: &str| match weft_index::decoded(&corpus.read(path)) {
        FileKind::Text(text) => text.into_owned(),
        _ => Vec::new(),
    };
    loop {
        let some = built.index.without_details(256);
        // What has no symbols of its own is cut all the same.
        if some.is_empty() {
            break;
        }
        for file in some {
            let text = text_of(&file.path);
            let symbols = built.index.outline(&file.path);
            built.index.put_chunks(&file.path, file.version, &text, &symbols).expect("a database");
        }
    }
    built.index.flush_chunks().expect("a database");
    let with_chunks = bytes();
    part(report, "  with chunks and their words", with_chunks);
    report.text("chunks", &built.index.chunk_count().0.to_string());
    report.at_most("text, symbols, chunks and words / text", with_chunks, 0.35);
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    built.index.use_model("drawn").expect("a database");
    loop {
        let some = built.index.without_vectors(64);
        if some.is_empty() {
            break;
        }
        let before = built.index.chunk_count().1;
        for file in some {
            let wanted =
                built.index.to_embed(&file.path, &text_of(&file.path), &built.index.outline(&file.path));
            let made = wanted.into_iter().map(|(hash, _)| {
                (hash, Some((0..NUMBERS).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>()))
            });
            built.index.put_vectors(made).expect("a database");
        }
        assert!(built.index.chunk_count().1 > before, "a file is said to lack something and gives nothing");
    }
    built.index.flush_vectors().expect("a database");
    part(report, "  with vectors", bytes());
    report.text("vectors", &built.index.chunk_count().1.to_string());
    report.text("memory of this process, megabytes", &memory("VmRSS"));
}
