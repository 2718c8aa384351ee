//! Looking through a workspace, by its index.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use weft_documents::Guard;
use weft_index::symbols::SymbolHit;
use weft_index::{Line, Pattern, PatternError, PatternKind, PatternOptions};
use weft_index_disk::{FileHit, Index, IndexError, SearchEnd, TextSearch};
use weft_sync::ids::WorkspaceId;

use super::asking::{Asked, asked, look_for_all, look_for_meaning};
use super::calls::scanned;
use super::{Shared, ended};
use crate::api::{
    ApiError, Event, EventSink, IndexReport, IndexState, LeftOut, Progress, ProgressSink, Search,
    SearchFound, SearchHit, SearchHits, SearchKind, Stage,
};
use crate::indexing::{IndexParts, WorkspaceIndex};
use crate::workspace::thread::WorkspaceHandle;

/// The most hits that one answer has.
pub(super) const HITS_MAX: usize = 10_000;
/// How long a search for symbols waits until they are read.
pub(super) const SYMBOLS_PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
/// How often a rebuild says how far it is.
const REPORT: std::time::Duration = std::time::Duration::from_millis(200);

/// Documents without text that one report names.
const LEFT_OUT_MAX: usize = 100;

/// The folder of the data folder that holds the indexes.
const FOLDER: &str = "index";

/// Begins to build the index of a workspace that was just opened.
pub(super) fn begin(shared: &Arc<Shared>, workspace: &WorkspaceHandle, root: &Path) {
    if let Err(error) = index_of(shared, workspace, root) {
        tracing::warn!("there is no index: {}", error.message);
    }
}

fn index_of(
    shared: &Arc<Shared>,
    workspace: &WorkspaceHandle,
    root: &Path,
) -> Result<Arc<WorkspaceIndex>, ApiError> {
    let opened = shared.indexes.of(workspace.ws, |key| IndexParts {
        path: database(shared, workspace.ws),
        key,
        root: root.to_owned(),
        workspace: workspace.clone(),
        runtime: tokio::runtime::Handle::current(),
        ai: Arc::clone(&shared.ai),
        // This same program, as what reads one document.
        guard: std::env::current_exe().ok().map(|program| Guard::new(program, vec!["read-document".into()])),
    });
    opened.map_err(|error| {
        ApiError::failed(format!("the index cannot be opened: {error}"))
            .hint(
                "check the disk and its free space; the index may be deleted, it is built from the workspace",
            )
            .data_state("the workspace is as it was")
    })
}

fn database(shared: &Shared, ws: WorkspaceId) -> std::path::PathBuf {
    shared.home.path().join(FOLDER).join(format!("{ws}.db"))
}

/// The index of a workspace, with everything listed that is there now.
pub(super) async fn listed(
    shared: &Arc<Shared>,
    folder: &Path,
) -> Result<(Arc<WorkspaceIndex>, String), ApiError> {
    let (workspace, root, rest) = shared.workspace_of(folder)?;
    scanned(&workspace, &ProgressSink::none()).await?;
    let index = index_of(shared, &workspace, &root)?;
    if !index.catch_up().await {
        return Err(ended());
    }
    let within = if rest.as_os_str().is_empty() { String::new() } else { super::paths::inside(&rest)? };
    Ok((index, within))
}

/// The workspace is not here any more, and so is its index.
pub(super) fn forget(shared: &Shared, ws: WorkspaceId) {
    shared.indexes.take(ws);
    if let Err(error) = Index::remove(&database(shared, ws)) {
        tracing::warn!("the index stays: {error}");
    }
}

pub(super) fn told(error: &IndexError) -> ApiError {
    ApiError::failed(super::opening::chain(error)).hint(error.hint()).data_state("the workspace is as it was")
}

/// Ends a search when nobody waits for it any more.
pub(super) struct EndOnDrop(Arc<AtomicBool>);

impl EndOnDrop {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    /// What is set at the end.
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whoever waits for a search.
pub(super) struct Waiting<'a> {
    is_ended: &'a AtomicBool,
    /// The name under which lines are told as they are found, as long as somebody takes them.
    stream: Option<String>,
    events: EventSink,
}

impl Waiting<'_> {
    fn tell(&mut self, hits: &[SearchHit]) {
        if let Some(stream) = self.stream.clone() {
            let found = SearchFound { stream, hits: hits.to_vec() };
            // Who does not keep up gets all of it with the answer.
            self.stream = self.stream.take().filter(|_| self.events.send(Event::SearchFound(found)));
        }
    }
}

pub(super) async fn search(
    shared: &Arc<Shared>,
    mut request: Search,
    events: &EventSink,
) -> Result<SearchHits, ApiError> {
    let begin = Instant::now();
    let (index, within) = listed(shared, &request.folder).await?;
    index.forget_folder();
    if matches!(request.kind, SearchKind::Symbol | SearchKind::Meaning | SearchKind::All) {
        // A command that was just begun waits for what it asks; a large folder answers with what is known by then.
        let _ = tokio::time::timeout(SYMBOLS_PATIENCE, index.built()).await;
    }
    let documents_left = match request.kind {
        SearchKind::Symbol | SearchKind::File => 0,
        _ => index.documents_read().await,
    };
    let asked = asked(shared, &index, &request).await?;
    let end = EndOnDrop::new();
    let is_ended = end.flag();
    let (stream, events) = (request.stream.take(), events.clone());
    let search = move || {
        let mut waiting = Waiting { is_ended: &is_ended, stream, events };
        look(&index, &request, &within, asked, &mut waiting)
    };
    let found = tokio::task::spawn_blocking(search).await;
    drop(end);
    let mut hits = found.map_err(|error| ApiError::failed(error.to_string()))??;
    if documents_left > 0 {
        let note = not_read_yet(documents_left);
        hits.note = Some(hits.note.map_or_else(|| note.clone(), |other| format!("{other}\n{note}")));
    }
    hits.seconds = begin.elapsed().as_secs_f64();
    Ok(hits)
}

fn not_read_yet(documents: usize) -> String {
    let (are, them) = if documents == 1 { ("document is", "it says") } else { ("documents are", "they say") };
    format!("{documents} {are} still being read: what {them} is not found yet.")
}

/// How many hits an answer has that may have so many; 0 = as many as there may be.
pub(super) fn limit(wanted: u64) -> usize {
    match usize::try_from(wanted) {
        Ok(0) | Err(_) => HITS_MAX,
        Ok(limit) => limit.min(HITS_MAX),
    }
}

fn look(
    index: &WorkspaceIndex,
    request: &Search,
    within: &str,
    asked: Asked,
    waiting: &mut Waiting<'_>,
) -> Result<SearchHits, ApiError> {
    let unread = index.index().status().map_err(|error| told(&error))?.unread;
    let mut hits = match request.kind {
        SearchKind::Text => look_for_text(index, request, PatternKind::Literal, within, waiting)?,
        SearchKind::Regex => look_for_text(index, request, PatternKind::Regex, within, waiting)?,
        SearchKind::Symbol => look_for_symbols(index, request, within)?,
        SearchKind::File => look_for_files(index, request, within)?,
        SearchKind::Meaning => look_for_meaning(index, request, within, asked),
        SearchKind::All => look_for_all(index, request, within, asked, waiting)?,
    };
    if request.kind != SearchKind::File {
        let index = index.index();
        // A file that was found by its name is no line of it.
        for hit in hits.hits.iter_mut().filter(|hit| hit.text != hit.path) {
            let line = u32::try_from(hit.line).unwrap_or(u32::MAX);
            hit.place = index.place_in(&hit.path, line);
        }
    }
    hits.unread = unread;
    Ok(hits)
}

pub(super) fn look_for_text(
    index: &WorkspaceIndex,
    request: &Search,
    kind: PatternKind,
    within: &str,
    waiting: &mut Waiting<'_>,
) -> Result<SearchHits, ApiError> {
    let options = PatternOptions { ignores_case: request.ignore_case, whole_words: request.whole_words };
    let pattern = Pattern::new(&request.query, kind, options).map_err(|error| not_a_pattern(&error))?;
    let is_in = |path: &str| is_within(path, within);
    let (lines_max, is_ended) = (limit(request.limit), waiting.is_ended);
    let search = TextSearch { pattern: &pattern, lines_max, is_in: Some(&is_in), is_ended };
    let read = index.for_one_search();
    let why = if kind == PatternKind::Literal { "text" } else { "regex" };
    let mut hits = Vec::new();
    let end = index.index().search(&search, &read, &mut |file| {
        let before = hits.len();
        hits.extend(file.lines.into_iter().map(|line| hit(&file.path, line, why)));
        waiting.tell(&hits[before..]);
    });
    let SearchEnd { files_read, has_more } = end.map_err(|error| told(&error))?;
    Ok(SearchHits { hits, has_more, files_read: files_read as u64, ..SearchHits::default() })
}

/// Names are looked for among all, and those outside of the folder are left out.
fn look_for_symbols(index: &WorkspaceIndex, request: &Search, within: &str) -> Result<SearchHits, ApiError> {
    let query = not_empty(&request.query)?;
    let most = limit(request.limit);
    let (found, mut has_more) =
        index.index().find_symbols(query, if within.is_empty() { most } else { HITS_MAX });
    let mut hits: Vec<SearchHit> = Vec::new();
    let mut lines = Lines::default();
    for hit in found.into_iter().filter(|hit| is_within(&hit.path, within)) {
        if hits.len() >= most {
            has_more = true;
            break;
        }
        let text = lines.line(index, &hit.path, hit.symbol.line);
        hits.push(symbol_hit(&hit, text));
    }
    Ok(SearchHits { hits, has_more, ..SearchHits::default() })
}

pub(super) fn symbol_hit(hit: &SymbolHit, text: String) -> SearchHit {
    let before = text.get(..hit.symbol.column as usize).map_or(0, |before| before.chars().count() as u64);
    let length = hit.symbol.name.chars().count() as u64;
    SearchHit {
        path: hit.path.to_string(),
        line: u64::from(hit.symbol.line),
        column: before + 1,
        ranges: vec![(before, before + length)],
        text,
        score: hit.score,
        why: hit.symbol.kind.name().to_owned(),
        place: None,
    }
}

pub(super) fn look_for_files(
    index: &WorkspaceIndex,
    request: &Search,
    within: &str,
) -> Result<SearchHits, ApiError> {
    let most = limit(request.limit);
    let (found, mut has_more) =
        index.index().find_files(&request.query, now(), if within.is_empty() { most } else { HITS_MAX });
    let mut hits: Vec<SearchHit> =
        found.iter().filter(|hit| is_within(&hit.path, within)).map(file_hit).collect();
    has_more |= hits.len() > most;
    hits.truncate(most);
    Ok(SearchHits { hits, has_more, ..SearchHits::default() })
}

fn file_hit(hit: &FileHit) -> SearchHit {
    let why = if hit.visits > 0.0 { "file you work with" } else { "file" };
    let ranges = hit.positions.iter().map(|at| (*at as u64, *at as u64 + 1)).collect();
    SearchHit {
        path: hit.path.to_string(),
        line: 1,
        column: 1,
        ranges,
        text: hit.path.to_string(),
        score: hit.score,
        why: why.to_owned(),
        place: None,
    }
}

/// This moment in seconds, for what was visited lately.
fn now() -> f64 {
    super::wall_now().0 as f64 / 1_000.0
}

pub(super) fn not_empty(query: &str) -> Result<&str, ApiError> {
    if query.trim().is_empty() { Err(not_a_pattern(&PatternError::Empty)) } else { Ok(query) }
}

/// Lines of files, of which the last is kept: hits of one file come together.
#[derive(Default)]
pub(super) struct Lines {
    path: Option<String>,
    text: Vec<u8>,
}

impl Lines {
    /// A line by its number from 1, as the file is now; empty when there is none.
    pub(super) fn line(&mut self, index: &WorkspaceIndex, path: &str, number: u32) -> String {
        if self.path.as_deref() != Some(path) {
            self.text = index.text_now(path).unwrap_or_default();
            self.path = Some(path.to_owned());
        }
        let line = self.text.split(|byte| *byte == b'\n').nth((number as usize).saturating_sub(1));
        let line = line.unwrap_or_default();
        let line = &line[..line.len().min(weft_index::limits::LINE_BYTES_MAX)];
        String::from_utf8_lossy(line).trim_end_matches('\r').to_owned()
    }
}

pub(super) fn not_a_pattern(error: &PatternError) -> ApiError {
    ApiError::usage(error.to_string()).hint(error.hint()).data_state("nothing was changed")
}

/// Whether a path lies in a folder; in the one without a name lies everything.
pub(super) fn is_within(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(super) fn hit(path: &str, line: Line, why: &str) -> SearchHit {
    let chars = |bytes: usize| line.text[..bytes].chars().count() as u64;
    let ranges = line.matches.iter().map(|range| (chars(range.start), chars(range.end))).collect();
    SearchHit {
        path: path.to_owned(),
        line: line.number,
        column: line.column,
        ranges,
        text: line.text,
        score: 1.0,
        why: why.to_owned(),
        place: None,
    }
}

pub(super) async fn status(shared: &Arc<Shared>, folder: &Path, wait: bool) -> Result<IndexReport, ApiError> {
    let (index, _) = listed(shared, folder).await?;
    if wait {
        index.built().await;
    }
    report(&index)
}

fn left_out((path, why): (Arc<str>, String)) -> LeftOut {
    LeftOut { path: path.to_string(), why }
}

fn report(index: &WorkspaceIndex) -> Result<IndexReport, ApiError> {
    let status = index.index().status().map_err(|error| told(&error))?;
    let state = if status.unread == 0 { IndexState::Ready } else { IndexState::Building };
    Ok(IndexReport {
        state,
        files: status.files,
        unread: status.unread,
        lines: status.text_lines,
        symbols: status.symbols,
        chunks: status.chunks,
        vectors: status.vectors,
        text_bytes: status.text_bytes,
        bytes: status.database_bytes,
        seconds: index.built_seconds(),
        documents: status.documents,
        left_out: index.index().document_notes(LEFT_OUT_MAX).into_iter().map(left_out).collect(),
        left_out_count: status.noted,
    })
}

pub(super) async fn rebuild(
    shared: &Arc<Shared>,
    folder: &Path,
    progress: &ProgressSink,
) -> Result<IndexReport, ApiError> {
    let (index, _) = listed(shared, folder).await?;
    index.rebuild().map_err(|error| told(&error))?;
    if !index.catch_up().await {
        return Err(ended());
    }
    let mut built = std::pin::pin!(index.built());
    loop {
        tokio::select! {
            () = &mut built => return report(&index),
            () = tokio::time::sleep(REPORT) => {}
        }
        let status = index.index().status().map_err(|error| told(&error))?;
        let done = status.files - status.unread;
        progress.report(Progress { done, total: Some(status.files), ..Progress::new(Stage::Index) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_holds_what_lies_in_it() {
        for (path, folder, expected) in [
            ("a/b", "", true),
            ("a/b", "a", true),
            ("a/b", "a/b", true),
            ("ab/c", "a", false),
            ("a", "a/b", false),
        ] {
            assert_eq!(is_within(path, folder), expected, "{path} in {folder}");
        }
    }

    #[test]
    fn what_is_not_read_is_told() {
        assert_eq!(not_read_yet(1), "1 document is still being read: what it says is not found yet.");
        assert!(not_read_yet(2).starts_with("2 documents are"));
    }

    #[test]
    fn an_answer_has_a_limit() {
        assert_eq!([0, 3, u64::MAX].map(limit), [HITS_MAX, 3, HITS_MAX]);
    }
}
