//! Where names are defined and used: by the index and by syntax trees, as an answer without a language server.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use weft_index::symbols::{SymbolReader, named_at};
use weft_index::{FileKind, Pattern, PatternKind, PatternOptions, decoded};
use weft_index_disk::TextSearch;

use super::Shared;
use super::searching::{HITS_MAX, hit, limit, listed, not_a_pattern, symbol_hit, told};
use crate::api::{
    ApiError, Definition, NamePlaces, Outline, OutlineSymbol, OutlineSymbols, References, SearchHit,
};
use crate::indexing::WorkspaceIndex;

/// How long the syntax of one file is looked at.
const FILE_TIME_MAX: Duration = Duration::from_millis(500);
/// How long uses are looked for; those found by then are told.
const USES_TIME_MAX: Duration = Duration::from_secs(5);

/// The index of a file's workspace and its path there.
async fn file(shared: &Arc<Shared>, file: &Path) -> Result<(Arc<WorkspaceIndex>, String), ApiError> {
    let (index, path) = listed(shared, file).await?;
    if path.is_empty() {
        return Err(ApiError::usage("this is the workspace itself").hint("name a file in it"));
    }
    Ok((index, path))
}

/// Runs on a thread that may take its time.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ApiError::failed(error.to_string()))?
}

/// The text of a file as it is now.
fn text_of(index: &WorkspaceIndex, path: &str) -> Result<String, ApiError> {
    let bytes = index.text_now(path).ok_or_else(|| {
        ApiError::not_found(format!("there is no file {path}"))
            .hint("`weft search --file` finds files by their names")
    })?;
    match decoded(&bytes) {
        FileKind::Text(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
        FileKind::Binary | FileKind::TooLarge => {
            Err(ApiError::usage(format!("{path} is no text")).hint("names are looked for in texts"))
        }
    }
}

pub(super) async fn outline(shared: &Arc<Shared>, request: Outline) -> Result<OutlineSymbols, ApiError> {
    let (index, path) = file(shared, &request.file).await?;
    apart(move || {
        let text = text_of(&index, &path)?;
        let begin = Instant::now();
        let read =
            SymbolReader::default().read(&path, text.as_bytes(), &mut || begin.elapsed() > FILE_TIME_MAX);
        let lines: Vec<&str> = text.split('\n').collect();
        let symbols = read.unwrap_or_default().into_iter().map(|symbol| {
            let line = lines.get(symbol.line as usize - 1).copied().unwrap_or_default();
            let before = line.get(..symbol.column as usize).unwrap_or_default();
            OutlineSymbol {
                name: symbol.name.to_string(),
                kind: symbol.kind.name().to_owned(),
                line: u64::from(symbol.line),
                column: before.chars().count() as u64 + 1,
                last_line: u64::from(symbol.last_line),
                depth: u64::from(symbol.depth),
            }
        });
        Ok(OutlineSymbols { symbols: symbols.collect() })
    })
    .await
}

/// The name at a place of a text; lines and columns begin with 1.
fn name_at(text: &str, line: u64, column: u64) -> Option<&str> {
    let number = |number: u64| usize::try_from(number.saturating_sub(1)).ok();
    let line = text.split('\n').nth(number(line)?)?;
    let byte = line.char_indices().nth(number(column)?).map_or(line.len(), |(byte, _)| byte);
    named_at(line, byte)
}

pub(super) async fn definition(shared: &Arc<Shared>, request: Definition) -> Result<NamePlaces, ApiError> {
    let (index, path) = file(shared, &request.file).await?;
    apart(move || {
        let text = text_of(&index, &path)?;
        let Some(name) = name_at(&text, request.line, request.column) else { return Ok(nothing()) };
        let found = index.index().definitions(name, &path);
        let has_more = found.len() > HITS_MAX;
        let mut lines = super::searching::Lines::default();
        let place = |found| {
            let found: &weft_index::symbols::SymbolHit = found;
            symbol_hit(found, lines.line(&index, &found.path, found.symbol.line))
        };
        let hits = found.iter().take(HITS_MAX).map(place).collect();
        Ok(NamePlaces { name: name.to_owned(), hits, has_more })
    })
    .await
}

fn nothing() -> NamePlaces {
    NamePlaces { name: String::new(), hits: Vec::new(), has_more: false }
}

pub(super) async fn references(shared: &Arc<Shared>, request: References) -> Result<NamePlaces, ApiError> {
    let (index, path) = file(shared, &request.file).await?;
    apart(move || {
        let text = text_of(&index, &path)?;
        let Some(name) = name_at(&text, request.line, request.column) else { return Ok(nothing()) };
        let (hits, has_more) = uses(&index, name, limit(request.limit))?;
        Ok(NamePlaces { name: name.to_owned(), hits, has_more })
    })
    .await
}

/// The lines that a name stands in as a whole word, by the index; of those, where it is a name by the syntax tree. In
/// texts of other languages every whole word counts, and says so.
fn uses(index: &WorkspaceIndex, name: &str, most: usize) -> Result<(Vec<SearchHit>, bool), ApiError> {
    let options = PatternOptions { whole_words: true, ..PatternOptions::default() };
    let pattern = Pattern::new(name, PatternKind::Literal, options).map_err(|error| not_a_pattern(&error))?;
    let is_ended = AtomicBool::new(false);
    let search = TextSearch { pattern: &pattern, lines_max: HITS_MAX, is_in: None, is_ended: &is_ended };
    let read = |path: &str, into: &mut Vec<u8>| index.read(path, into);
    let mut files = Vec::new();
    let end =
        index.index().search(&search, &read, &mut |file| files.push(file)).map_err(|error| told(&error))?;
    let (mut hits, mut has_more, begin) = (Vec::new(), end.has_more, Instant::now());
    let mut reader = SymbolReader::default();
    for file in files {
        if hits.len() >= most || begin.elapsed() > USES_TIME_MAX {
            has_more = true;
            break;
        }
        let places = index.text_now(&file.path).and_then(|bytes| {
            let FileKind::Text(text) = decoded(&bytes) else { return None };
            let start = Instant::now();
            reader.names(&file.path, &text, name, &mut || start.elapsed() > FILE_TIME_MAX)
        });
        for line in file.lines {
            let why = match &places {
                Some(places) if !places.contains(&line.at.start) => continue,
                Some(_) => "name",
                None => "word",
            };
            hits.push(hit(&file.path, line, why));
        }
    }
    hits.truncate(most);
    Ok((hits, has_more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_place() {
        let text = "let größe = 1;\nship(größe)";
        assert_eq!(name_at(text, 1, 6), Some("größe"));
        assert_eq!(name_at(text, 2, 11), Some("größe"));
        assert_eq!(name_at(text, 2, 1), Some("ship"));
        assert_eq!(name_at(text, 1, 12), None);
        assert_eq!(name_at(text, 3, 1), None);
    }
}
