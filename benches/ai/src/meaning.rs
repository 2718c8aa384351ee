//! How well documented functions are found by their documentation, which is taken out of the sources before.
//!
//! The functions are those of the crates that this program is built from, as cargo has unpacked them. What is asked is the
//! first sentence that stood before a function; found it must be among all of them. Sentences that stand before several
//! functions are left out, and of a crate in two versions one is read. Every other question chooses what words are worth
//! beside meaning, and the others measure it.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    sync::mpsc::sync_channel,
    time::{Duration, Instant},
};

use weft_ai::{
    pipe::Load,
    provider::Provider as _,
    request::{Embed, Embedding, Failure, Priority},
};
use weft_ai_llama::host::{Program, Worker};
use weft_bench_report::Report;
use weft_index::{
    chunk::{chunks, readable},
    route::{WORDS_WORTH, combined},
    symbols::{Symbol, SymbolKind, SymbolReader},
    vectors::{KeptVector, Vectors},
    words::{ChunkWords, WordIndex, telling_words},
};

use crate::processor;

/// Functions that are taken from one crate, so that no crate is most of them.
const PER_CRATE: usize = 40;
/// Files that are read of one crate.
const FILES_PER_CRATE: usize = 40;
/// Words of a sentence that says something.
const WORDS_MIN: usize = 4;
/// Bytes of a file that is read.
const FILE_BYTES_MAX: u64 = 300_000;
/// Hits that each way gives.
const HITS: usize = 200;
/// Texts of one request.
const TEXTS: usize = 32;

/// A function without its documentation, and the sentence that stood before it.
struct Documented {
    name: String,
    readable: String,
    sentence: String,
}

/// The sources of crates: of each name one version.
fn crates() -> Result<Vec<PathBuf>, String> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo"))).ok_or("no home folder")?;
    let mut by_name = BTreeMap::new();
    let registries = fs::read_dir(home.join("registry/src")).map_err(|error| error.to_string())?;
    for registry in registries.flatten() {
        for entry in fs::read_dir(registry.path()).map_err(|error| error.to_string())?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("windows") || name.starts_with("winapi") {
                continue;
            }
            let versionless = name.rsplit_once('-').map_or(name.clone(), |(before, _)| before.to_owned());
            by_name.insert(versionless, entry.path());
        }
    }
    // In an order that has nothing to do with their names, and is always the same.
    let mut all: Vec<(String, PathBuf)> = by_name.into_iter().collect();
    all.sort_by_key(|(name, _)| scattered(name));
    Ok(all.into_iter().map(|(_, path)| path).collect())
}

/// A number that has nothing to do with what it is of (FNV-1a).
fn scattered(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() && !matches!(name.as_str(), "tests" | "benches" | "examples" | "target") {
            sources(&path, into);
        } else if name.ends_with(".rs") && !name.contains("test") {
            into.push(path);
        }
    }
}

/// The first sentence of the documentation before a line, from 0, of a text in lines.
fn sentence(lines: &[&str], line: usize) -> Option<String> {
    let mut start = line;
    while start > 0 {
        let before = lines[start - 1].trim_start();
        let is_between = before.starts_with("///") || before.starts_with("#[");
        if !is_between {
            break;
        }
        start -= 1;
    }
    let mut text = String::new();
    for line in &lines[start..line] {
        let Some(words) = line.trim_start().strip_prefix("///") else { continue };
        if words.trim().is_empty() {
            if text.is_empty() { continue } else { break }
        }
        text.push(' ');
        text.push_str(words.trim());
    }
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    let sentence = text[..end].trim().to_owned();
    let is_sound = telling_words(&sentence) >= WORDS_MIN && !sentence.starts_with(['#', '`', '-', '*', '[']);
    is_sound.then_some(sentence)
}

/// The documented functions of one file.
fn documented(reader: &mut SymbolReader, path: &Path) -> Vec<Documented> {
    if fs::metadata(path).map_or(true, |facts| facts.len() > FILE_BYTES_MAX) {
        return Vec::new();
    }
    let Ok(text) = fs::read_to_string(path) else { return Vec::new() };
    let name = path.to_string_lossy();
    let is_documentation = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("///") || line.starts_with("//!")
    };
    let stripped: String =
        text.lines().filter(|line| !is_documentation(line)).map(|line| format!("{line}\n")).collect();
    let mut symbols = |text: &str| -> Vec<Symbol> {
        reader.read(&name, text.as_bytes(), &mut || false).unwrap_or_default()
    };
    let (before, after) = (symbols(&text), symbols(&stripped));
    if before.len() != after.len() {
        return Vec::new();
    }
    let lines: Vec<&str> = text.lines().collect();
    let cut = chunks(stripped.as_bytes(), &after);
    let read = readable(&name, stripped.as_bytes(), &cut);
    let mut found = Vec::new();
    for (old, new) in before.iter().zip(&after) {
        let is_function = matches!(old.kind, SymbolKind::Function | SymbolKind::Method);
        let Some(sentence) = (is_function && old.last_line > old.line + 1)
            .then(|| sentence(&lines, (old.line as usize).saturating_sub(1)))
            .flatten()
        else {
            continue;
        };
        let own = cut.iter().zip(&read).find(|(chunk, _)| {
            chunk.name == new.name && (chunk.first_line..=chunk.last_line).contains(&new.line)
        });
        if let Some((chunk, readable)) = own {
            found.push(Documented { name: chunk.name.to_string(), readable: readable.clone(), sentence });
        }
    }
    found
}

/// So many functions, of as many crates as it takes.
fn gather(count: usize) -> Result<Vec<Documented>, String> {
    let mut reader = SymbolReader::default();
    let mut all = Vec::new();
    for folder in crates()? {
        if all.len() >= count + count / 4 {
            break;
        }
        let mut files = Vec::new();
        sources(&folder, &mut files);
        files.truncate(FILES_PER_CRATE);
        let mut own: Vec<Documented> = files.iter().flat_map(|path| documented(&mut reader, path)).collect();
        // Spread over the crate, not its first file.
        let step = own.len().div_ceil(PER_CRATE).max(1);
        all.extend(std::mem::take(&mut own).into_iter().step_by(step));
    }
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for function in &all {
        *times.entry(function.sentence.to_lowercase()).or_default() += 1;
    }
    all.retain(|function| times[&function.sentence.to_lowercase()] == 1);
    all.truncate(count);
    Ok(all)
}

/// Vectors of texts, in their order.
fn embedded(worker: &Worker, texts: &[String]) -> Result<Vec<Vec<f32>>, String> {
    let mut all = Vec::with_capacity(texts.len());
    for some in texts.chunks(TEXTS) {
        let (sender, receiver) = sync_channel::<Result<Vec<Embedding>, Failure>>(1);
        let asked = Embed { inputs: some.to_vec(), may_cut: true, priority: Priority::Indexing };
        let _ticket = worker.embed(asked, Box::new(move |made| drop(sender.send(made))));
        let made = receiver.recv().map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        all.extend(made.into_iter().map(|embedding| embedding.vector));
    }
    Ok(all)
}

/// At which place the wanted one stands, from 1, for each question; 0 where it is not found.
type Places = Vec<usize>;

/// Of 100 questions those whose function is among the first five, and the mean of one by its place.
fn quality(places: &Places, half: Option<usize>) -> (f64, f64) {
    let counted: Vec<usize> = places
        .iter()
        .enumerate()
        .filter(|(index, _)| half.is_none_or(|half| index % 2 == half))
        .map(|(_, place)| *place)
        .collect();
    let count = counted.len().max(1) as f64;
    let among_five = counted.iter().filter(|place| (1..=5).contains(*place)).count() as f64;
    let reciprocal: f64 = counted.iter().filter(|place| **place > 0).map(|place| 1.0 / *place as f64).sum();
    (among_five / count, reciprocal / count)
}

fn place_of(found: &[(u32, f64)], wanted: usize) -> usize {
    found.iter().position(|(chunk, _)| *chunk as usize == wanted).map_or(0, |at| at + 1)
}

/// Reciprocal rank fusion with k = 60 (Cormack, Clarke and Büttcher, 2009), beside which the own order is measured.
fn fused(words: &[(u32, f64)], near: &[(u32, f32)]) -> Vec<(u32, f64)> {
    let mut scores: BTreeMap<u32, f64> = BTreeMap::new();
    let ranks = words
        .iter()
        .map(|(chunk, _)| chunk)
        .enumerate()
        .chain(near.iter().map(|(chunk, _)| chunk).enumerate());
    for (rank, chunk) in ranks {
        *scores.entry(*chunk).or_default() += 1.0 / (60.0 + rank as f64 + 1.0);
    }
    let mut all: Vec<(u32, f64)> = scores.into_iter().collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all
}

pub(crate) fn run(model: &Path, count: usize) -> Result<Report, String> {
    let mut report = Report::new();
    report.section("functions found by the first sentence of their documentation, which was taken out");
    let functions = gather(count)?;
    report.text("functions", &functions.len().to_string());
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let program = Program { path: program, arguments: vec!["worker".into()] };
    let load = Load { threads: 2, batch_tokens: 512, ..Load::new(model) };
    let worker = Worker::start(&program, load).map_err(|failure| failure.to_string())?;
    let process = worker.pid().to_string();
    let (begin, spent) = (Instant::now(), processor::seconds(&process));
    let texts: Vec<String> = functions.iter().map(|function| function.readable.clone()).collect();
    let made = embedded(&worker, &texts)?;
    let spent = processor::seconds(&process) - spent;
    report.time("the model reads them", begin.elapsed());
    report.text("chunks for each second of a processor", &format!("{:.1}", made.len() as f64 / spent));
    let sentences: Vec<String> = functions.iter().map(|function| function.sentence.clone()).collect();
    let asked = embedded(&worker, &sentences)?;
    let (mut index, mut vectors) = (WordIndex::default(), Vectors::default());
    for ((chunk, function), vector) in (0..).zip(&functions).zip(&made) {
        index.add(chunk, &ChunkWords::of(&function.name, &function.readable));
        let kept = KeptVector::of(vector).ok_or("the model made no vector")?;
        assert!(vectors.put(chunk, &kept), "all are of one length");
    }
    measure(&functions, &asked, &index, &vectors, &mut report);
    Ok(report)
}

fn measure(
    functions: &[Documented],
    asked: &[Vec<f32>],
    index: &WordIndex,
    vectors: &Vectors,
    report: &mut Report,
) {
    const WORTHS: [f64; 9] = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5];
    let (mut words, mut meaning, mut plain) = (Places::new(), Places::new(), Places::new());
    let mut together = vec![Places::new(); WORTHS.len()];
    let mut own = Places::new();
    let mut took = Duration::ZERO;
    for (wanted, (function, vector)) in functions.iter().zip(asked).enumerate() {
        let begin = Instant::now();
        let by_words = index.find(&function.sentence, HITS, &|_| true);
        let near = vectors.nearest(vector, HITS, &|_| true);
        let both = combined(&by_words, &near, WORDS_WORTH, HITS);
        took += begin.elapsed();
        own.push(place_of(&both, wanted));
        words.push(place_of(&by_words, wanted));
        let of_near: Vec<(u32, f64)> =
            near.iter().map(|(chunk, score)| (*chunk, f64::from(*score))).collect();
        meaning.push(place_of(&of_near, wanted));
        plain.push(place_of(&fused(&by_words, &near), wanted));
        for (worth, places) in WORTHS.iter().zip(&mut together) {
            places.push(place_of(&combined(&by_words, &near, *worth, HITS), wanted));
        }
    }
    report.time("a question, without the model", took / u32::try_from(functions.len().max(1)).unwrap_or(1));
    let mut tell = |name: &str, places: &Places, half: Option<usize>| {
        let (five, reciprocal) = quality(places, half);
        report.text(name, &format!("recall@5 {five:.3}, MRR {reciprocal:.3}"));
        (five, reciprocal)
    };
    for (worth, places) in WORTHS.iter().zip(&together) {
        tell(&format!("words worth {worth}, the half that chooses"), places, Some(0));
    }
    tell("reciprocal rank fusion, k = 60, the other half", &plain, Some(1));
    let by_words = tell("words, the other half", &words, Some(1));
    let near = tell("meaning, the other half", &meaning, Some(1));
    let both = tell("both, the other half", &own, Some(1));
    report.at_least("recall@5, both / better of the two", both.0 / by_words.0.max(near.0), 1.0);
    report.at_least("MRR, both / better of the two", both.1 / by_words.1.max(near.1), 1.0);
}
