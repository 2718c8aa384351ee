//! Reading and finding symbols, and files by their names.

use std::time::{Duration, Instant};

use weft_bench_report::{Report, median, now};
use weft_index::FileKind;
use weft_index::symbols::SymbolReader;

use crate::build::{Built, memory};
use crate::corpus::Corpus;
use crate::text::percentile;

/// Names that are looked up.
const NAMES: usize = 400;

pub(crate) fn run(corpus: &Corpus, built: &Built, report: &mut Report) {
    report.section("symbols");
    let mut reader = SymbolReader::default();
    let (start, processor) = (Instant::now(), now());
    let wanted = built.index.without_symbols(usize::MAX);
    let (mut bytes_read, mut lines) = (0, 0);
    for file in &wanted {
        let bytes = corpus.read(&file.path);
        let FileKind::Text(text) = weft_index::decoded(&bytes) else { continue };
        bytes_read += text.len();
        lines += text.iter().filter(|byte| **byte == b'\n').count();
        let symbols = reader.read(&file.path, &text, &mut || false).unwrap_or_default();
        built.index.put_symbols(&file.path, file.version, symbols).expect("a database");
    }
    built.index.flush_symbols().expect("a database");
    let (time, processor) = (start.elapsed(), now() - processor);
    report.text("files of languages that are known", &wanted.len().to_string());
    report.text("megabytes of them", &(bytes_read / 1_000_000).to_string());
    report.time("reading their symbols", time);
    report.time("  of which this thread computed", processor);
    report.text("lines in a second", &format!("{:.0}", lines as f64 / time.as_secs_f64()));
    report.text("  of which this thread computed", &format!("{:.0}", lines as f64 / processor.as_secs_f64()));
    report.text("symbols", &built.index.symbol_count().to_string());
    report.text("memory of this process, megabytes", &memory("VmRSS"));
    look_up(corpus, built, report);
}

fn look_up(corpus: &Corpus, built: &Built, report: &mut Report) {
    let mut names = Vec::new();
    for path in corpus.files.iter().step_by(corpus.files.len() / NAMES + 1) {
        names.extend(built.index.outline(path).first().map(|symbol| symbol.name.to_string()));
    }
    let measure = |work: &dyn Fn(&str) -> usize| {
        let times: Vec<Duration> = names
            .iter()
            .map(|name| {
                let start = Instant::now();
                assert!(work(name) > 0, "{name} is not found");
                start.elapsed()
            })
            .collect();
        times
    };
    let exact = measure(&|name| built.index.definitions(name, "").len());
    report.time("the definitions of a name, median", median(exact.clone()));
    report.time("  95 of 100", percentile(exact, 95));
    let letters = |name: &str| name.chars().step_by(2).collect::<String>();
    let fuzzy = measure(&|name| built.index.find_symbols(&letters(name), 50).0.len());
    report.time("50 symbols by every other letter, median", median(fuzzy.clone()));
    report.time("  95 of 100", percentile(fuzzy, 95));
    let files = measure(&|_| built.index.find_files("lib", 0.0, 50).0.len());
    report.time("50 files by three letters, median", median(files.clone()));
    report.time("  95 of 100", percentile(files, 95));
}
