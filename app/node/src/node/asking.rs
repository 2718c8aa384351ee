//! Looking through a workspace by what texts are about, and in every way at once.
//!
//! A query is told by its looks ([`QueryKind`]). One name is looked for among what is defined, among names of files and in
//! texts; several words among chunks, by the words in any form and, where there is a model, by meaning, and in texts as they
//! stand; anything else in texts. What is found is brought together by file, and each line says why it was found.

use std::collections::BTreeMap;
use std::time::Duration;

use weft_ai::request::Priority;
use weft_index::route::QueryKind;
use weft_index_disk::{ChunkHit, Question};

use super::Shared;
use super::searching::{
    Lines, Waiting, is_within, limit, look_for_files, look_for_text, not_empty, symbol_hit,
};
use crate::api::{ApiError, Search, SearchHit, SearchHits, SearchKind};
use crate::indexing::{Reading, WorkspaceIndex};

/// How long a search for meaning waits until a model has read everything.
const READING_PATIENCE: Duration = Duration::from_secs(20);
/// How long a search in every way waits for the model to read the question.
const QUESTION_PATIENCE: Duration = Duration::from_secs(5);
/// What chunks, symbols and files are shown at most in a search in every way.
const CHUNKS_SHOWN: usize = 20;
const SYMBOLS_SHOWN: usize = 50;
const FILES_SHOWN: usize = 10;
/// A name that fits less well than this is not what was meant, where texts are looked through as well.
const SYMBOL_FITS: f64 = 0.74;
/// The part of the best chunk's score that another one must have.
const CHUNK_FITS: f64 = 0.5;
/// A chunk's lines that are looked through for the one to show.
const SHOWN_LINES: u32 = 40;

/// What a search by meaning is asked with.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// What the model has made of the question; nothing where there is none.
    pub(super) vector: Vec<f32>,
    /// What is missing, and what to do about it.
    pub(super) note: Option<String>,
}

fn no_model() -> ApiError {
    ApiError::not_found("there is no model on this device that reads what texts are about")
        .hint(
            "take one in with `weft ai models import FILE` or `weft ai models download URL`: a GGUF file of an embedding \
             model such as all-MiniLM-L6-v2 (25 MB); a search without --meaning finds words in any form without one",
        )
        .data_state("nothing was changed")
}

/// Has the model read the question, where the kind of search asks for it.
///
/// # Errors
/// When meaning alone is asked for, and there is no model or it cannot answer.
pub(super) async fn asked(
    shared: &Shared,
    index: &WorkspaceIndex,
    request: &Search,
) -> Result<Asked, ApiError> {
    let is_meaning = request.kind == SearchKind::Meaning;
    if !is_meaning
        && (request.kind != SearchKind::All || QueryKind::of(&request.query) != QueryKind::Question)
    {
        return Ok(Asked::default());
    }
    not_empty(&request.query)?;
    let Some(record) = shared.ai.embedding_model() else {
        return if is_meaning { Err(no_model()) } else { Ok(Asked::default()) };
    };
    let patience = if is_meaning { READING_PATIENCE } else { Duration::ZERO };
    // What it has not read by then is told.
    let _ = tokio::time::timeout(patience, index.read_by_model()).await;
    let question = shared.ai.vectors(&record, vec![request.query.clone()], Priority::Agent);
    let made = if is_meaning {
        question.await?
    } else {
        match tokio::time::timeout(QUESTION_PATIENCE, question).await {
            Ok(Ok(made)) => made,
            Ok(Err(error)) => {
                let note = format!("The model {} did not answer: {}", record.id, error.message);
                return Ok(Asked { note: Some(note), ..Asked::default() });
            }
            Err(_) => {
                let note = format!("The model {} is busy; this was found without it.", record.id);
                return Ok(Asked { note: Some(note), ..Asked::default() });
            }
        }
    };
    let (all, read) = index.index().chunk_count();
    let note = match index.reading() {
        Reading::Failed(why) => Some(format!("The model {} does not read this workspace: {why}", record.id)),
        _ if read < all => Some(format!(
            "The model {} has read {read} of {all} parts so far; a running node goes on reading (weft start).",
            record.id
        )),
        _ => None,
    };
    Ok(Asked { vector: made.into_iter().next().unwrap_or_default(), note })
}

/// Looks for chunks whose meaning is that of the query.
pub(super) fn look_for_meaning(
    index: &WorkspaceIndex,
    request: &Search,
    within: &str,
    asked: Asked,
) -> SearchHits {
    let most = limit(request.limit);
    let is_in = |path: &str| is_within(path, within);
    let question = Question { words: "", vector: &asked.vector, most, is_in: &is_in };
    let found = index.index().ask(&question);
    let mut lines = Lines::default();
    let hits: Vec<SearchHit> = found.iter().map(|hit| chunk_hit(index, &mut lines, hit)).collect();
    SearchHits { has_more: hits.len() >= most, hits, note: asked.note, ..SearchHits::default() }
}

/// A chunk as a hit: the line that has its name, else its first one with words.
fn chunk_hit(index: &WorkspaceIndex, lines: &mut Lines, hit: &ChunkHit) -> SearchHit {
    let chunk = &hit.chunk;
    let mut shown: Option<(u32, String)> = None;
    for number in chunk.first_line..=chunk.last_line.min(chunk.first_line.saturating_add(SHOWN_LINES)) {
        let line = lines.line(index, &hit.path, number);
        let is_comment = ["//", "/*", "*", "#["].iter().any(|mark| line.trim_start().starts_with(mark));
        if !chunk.name.is_empty() && !is_comment && line.contains(&*chunk.name) {
            shown = Some((number, line));
            break;
        }
        if shown.is_none() && line.chars().any(char::is_alphanumeric) {
            shown = Some((number, line));
        }
    }
    let (line, text) = shown.unwrap_or((chunk.first_line, String::new()));
    let name = (!chunk.name.is_empty()).then(|| text.find(&*chunk.name)).flatten();
    let range = name.map(|at| {
        let before = text[..at].chars().count() as u64;
        (before, before + chunk.name.chars().count() as u64)
    });
    let why = match hit.by {
        (true, true) => "words, meaning",
        (true, false) => "words",
        _ => "meaning",
    };
    SearchHit {
        path: hit.path.to_string(),
        line: u64::from(line),
        column: range.map_or(1, |(from, _)| from + 1),
        ranges: range.into_iter().collect(),
        text,
        score: hit.score,
        why: why.to_owned(),
        place: None,
    }
}

/// Looks in every way that a query of its kind asks for, and brings it together by file.
pub(super) fn look_for_all(
    index: &WorkspaceIndex,
    request: &Search,
    within: &str,
    asked: Asked,
    waiting: &mut Waiting<'_>,
) -> Result<SearchHits, ApiError> {
    let query = not_empty(&request.query)?.trim();
    let mut found = look_for_text(index, request, weft_index::PatternKind::Literal, within, waiting)?;
    let mut together = Together::default();
    for hit in std::mem::take(&mut found.hits) {
        together.put(hit, Worth::Line);
    }
    let is_in = |path: &str| is_within(path, within);
    match QueryKind::of(query) {
        QueryKind::Name => {
            let mut lines = Lines::default();
            let (symbols, _) = index.index().find_symbols(query, SYMBOLS_SHOWN);
            for hit in symbols.iter().filter(|hit| hit.score >= SYMBOL_FITS && is_in(&hit.path)) {
                let text = lines.line(index, &hit.path, hit.symbol.line);
                together.put(symbol_hit(hit, text), Worth::Symbol);
            }
            for hit in named_files(index, request, within, query)? {
                together.put(hit, Worth::File);
            }
        }
        QueryKind::Question => {
            let question =
                Question { words: query, vector: &asked.vector, most: CHUNKS_SHOWN, is_in: &is_in };
            let mut lines = Lines::default();
            let found = index.index().ask(&question);
            // What fits far worse than the best is not what was meant.
            let least = found.first().map_or(0.0, |best| best.score * CHUNK_FITS);
            for hit in found.into_iter().filter(|hit| hit.score >= least) {
                together.put(chunk_hit(index, &mut lines, &hit), Worth::Chunk);
            }
        }
        QueryKind::Text => {
            for hit in named_files(index, request, within, query)? {
                together.put(hit, Worth::File);
            }
        }
    }
    let most = limit(request.limit);
    found.hits = together.by_file();
    found.has_more |= found.hits.len() > most;
    found.hits.truncate(most);
    found.note = asked.note;
    Ok(found)
}

/// Files whose own name has the query as it stands.
fn named_files(
    index: &WorkspaceIndex,
    request: &Search,
    within: &str,
    query: &str,
) -> Result<Vec<SearchHit>, ApiError> {
    let query = query.to_lowercase();
    let has_it = |hit: &SearchHit| {
        let name = hit.path.rsplit('/').next().unwrap_or(&hit.path);
        name.to_lowercase().contains(&query)
    };
    let asked = Search { limit: 0, ..request.clone() };
    let found = look_for_files(index, &asked, within)?;
    Ok(found.hits.into_iter().filter(has_it).take(FILES_SHOWN).collect())
}

/// What a hit says about its file.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Worth {
    Line,
    Chunk,
    File,
    Symbol,
}

/// Hits by file and line, each line once.
#[derive(Default)]
struct Together {
    files: BTreeMap<String, (f64, BTreeMap<u64, SearchHit>)>,
}

impl Together {
    fn put(&mut self, hit: SearchHit, worth: Worth) {
        let score = match worth {
            // As it stands in a text: after everything that says more, and all alike.
            Worth::Line => 0.0,
            Worth::Chunk => 1.0 + hit.score,
            Worth::File => 3.0,
            Worth::Symbol => 4.0 + hit.score,
        };
        let (best, lines) = self.files.entry(hit.path.clone()).or_insert((0.0, BTreeMap::new()));
        *best = best.max(score);
        // A file that was found by its name stands before its lines.
        let line = if worth == Worth::File { 0 } else { hit.line };
        match lines.get_mut(&line) {
            None => {
                lines.insert(line, hit);
            }
            Some(known) => {
                let more =
                    hit.why.split(", ").filter(|why| !known.why.split(", ").any(|known| known == *why));
                let all: Vec<&str> = more.chain([known.why.as_str()]).collect();
                known.why = all.join(", ");
                known.score = known.score.max(hit.score);
            }
        }
    }

    /// The hits, those of one file together and by line; the best file first.
    fn by_file(self) -> Vec<SearchHit> {
        let mut files: Vec<_> = self.files.into_iter().collect();
        files.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then_with(|| a.0.cmp(&b.0)));
        files.into_iter().flat_map(|(_, (_, lines))| lines.into_values()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(path: &str, line: u64, why: &str, score: f64) -> SearchHit {
        let (path, why, text) = (path.to_owned(), why.to_owned(), String::new());
        SearchHit { path, line, column: 1, text, score, why, place: None, ranges: Vec::new() }
    }

    #[test]
    fn a_line_is_shown_once_and_says_every_reason() {
        let mut together = Together::default();
        together.put(hit("a.rs", 3, "text", 1.0), Worth::Line);
        together.put(hit("b.rs", 9, "text", 1.0), Worth::Line);
        together.put(hit("b.rs", 2, "text", 1.0), Worth::Line);
        together.put(hit("b.rs", 9, "function", 0.9), Worth::Symbol);
        together.put(hit("c.rs", 1, "words, meaning", 0.4), Worth::Chunk);
        together.put(hit("c.rs", 1, "file", 0.4), Worth::File);
        let found: Vec<String> =
            together.by_file().iter().map(|hit| format!("{}:{} {}", hit.path, hit.line, hit.why)).collect();
        let expected =
            ["b.rs:2 text", "b.rs:9 function, text", "c.rs:1 file", "c.rs:1 words, meaning", "a.rs:3 text"];
        assert_eq!(found, expected);
    }
}
