//! Looking for text, while the index is built or not.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use weft_index::page::{find, page_of};
use weft_index::{Documents, FileKind, Line, Pattern, Scratch, Trigram, TrigramQuery, decoded};

use crate::database::{Table, page_row};
use crate::limits::{FILES_FOR_TWO_THREADS, OPEN_TEXT_BYTES_MAX, SEARCH_TRIES_MAX};
use crate::state::{FileRow, Place, Segment, State, check_of};
use crate::{Index, IndexError};

/// Files that are handed to threads at a time at first; twice as many each time.
const STEP_FILES: usize = 64;
/// And at most.
const STEP_FILES_MAX: usize = 1_024;

/// What is looked for in the texts of a workspace.
pub struct TextSearch<'a> {
    /// What.
    pub pattern: &'a Pattern,
    /// At most so many lines.
    pub lines_max: usize,
    /// Only in files whose path this takes.
    pub is_in: Option<&'a (dyn Fn(&str) -> bool + Sync)>,
    /// Set from anywhere to end it.
    pub is_ended: &'a AtomicBool,
}

/// The lines of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLines {
    /// Its path in the workspace.
    pub path: Arc<str>,
    /// Its lines, in their order.
    pub lines: Vec<Line>,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SearchEnd {
    /// Files that were read.
    pub files_read: usize,
    /// Whether there is more than was asked for, or it was ended.
    pub has_more: bool,
}

/// Gives the text of a file as it is now; `false` when there is none.
pub(crate) type ReadFile<'a> = &'a (dyn Fn(&str, &mut Vec<u8>) -> bool + Sync);

/// A file that may match.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    path: Arc<str>,
    /// Its text, where it is being typed in.
    typed: Option<Arc<[u8]>>,
    /// What its text is known to be.
    check: Option<u64>,
}

impl Index {
    /// Looks for text. `read` gives the text of a file as it is now; `found` gets what each file has, by path.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn search(
        &self,
        search: &TextSearch<'_>,
        read: &(dyn Fn(&str, &mut Vec<u8>) -> bool + Sync),
        found: &mut dyn FnMut(FileLines),
    ) -> Result<SearchEnd, IndexError> {
        let mut candidates = self.candidates(search.pattern.query())?;
        if let Some(is_in) = search.is_in {
            candidates.retain(|candidate| is_in(&candidate.path));
        }
        let mut end = SearchEnd::default();
        let (mut rest, mut step, mut left) = (candidates.as_slice(), STEP_FILES, search.lines_max);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(step));
            end.files_read += now.len();
            for lines in self.look(now, search, read, left) {
                let Some((mut lines, has_more)) = lines else { continue };
                end.has_more |= has_more || lines.lines.len() > left;
                lines.lines.truncate(left);
                left -= lines.lines.len();
                if !lines.lines.is_empty() {
                    found(lines);
                }
            }
            rest = later;
            step = (step * 2).min(STEP_FILES_MAX);
            if left == 0 || search.is_ended.load(Ordering::Relaxed) {
                end.has_more |= !rest.is_empty();
                break;
            }
        }
        Ok(end)
    }

    /// The files that may have what is looked for, by path.
    pub(crate) fn candidates(&self, query: &TrigramQuery) -> Result<Vec<Candidate>, IndexError> {
        for _ in 0..SEARCH_TRIES_MAX {
            let segments = self.state().segments.clone();
            let Some(lists) = self.lists(&segments, query)? else { continue };
            let state = self.state();
            let is_same = segments.len() == state.segments.len()
                && segments.iter().zip(&state.segments).all(|(a, b)| a.number == b.number);
            if is_same {
                return Ok(gathered(&state, &segments, &lists, query));
            }
        }
        // Whoever builds is faster than we are: what it does waits for once.
        let state = self.state();
        let segments = state.segments.clone();
        let lists = self.lists(&segments, query)?.unwrap_or_else(|| vec![Documents::All; segments.len()]);
        Ok(gathered(&state, &segments, &lists, query))
    }

    /// What each segment has; `None` when one of them was merged meanwhile.
    fn lists(
        &self,
        segments: &[Arc<Segment>],
        query: &TrigramQuery,
    ) -> Result<Option<Vec<Documents>>, IndexError> {
        let mut lists = Vec::with_capacity(segments.len());
        for segment in segments {
            match query.evaluate(&mut |trigram| self.list_of(segment, trigram)) {
                Ok(documents) => lists.push(documents),
                Err(IndexError::Damaged)
                    if self.state().segments.iter().any(|now| now.number == segment.number) =>
                {
                    // Everything of it is read instead, and the index is made anew before long.
                    self.is_damaged.store(true, Ordering::Relaxed);
                    lists.push(Documents::All);
                }
                Err(IndexError::Damaged) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(lists))
    }

    fn list_of(&self, segment: &Segment, trigram: Trigram) -> Result<Vec<u32>, IndexError> {
        let Some(page) = page_of(&segment.firsts, trigram) else { return Ok(Vec::new()) };
        let page = self.page(page_row(segment.number, page))?;
        find(&page, trigram, segment.count()).map_err(|_| IndexError::Damaged)
    }

    fn page(&self, row: i64) -> Result<Arc<[u8]>, IndexError> {
        let mut open = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = open.get(&row) {
            return Ok(Arc::clone(page));
        }
        let read = self.reader.lock().unwrap_or_else(PoisonError::into_inner).row(Table::Page, row)?;
        let page: Arc<[u8]> = read.ok_or(IndexError::Damaged)?.into();
        open.put(row, Arc::clone(&page));
        Ok(page)
    }
}

/// The files that may match, by path: of the segments, of those by themselves, those that are not read yet, and all that
/// is being typed.
fn gathered(
    state: &State,
    segments: &[Arc<Segment>],
    lists: &[Documents],
    query: &TrigramQuery,
) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut add = |file: &FileRow, place: Place| {
        if state.counts(&file.path, place) && !state.overlay.contains(&file.path) {
            candidates.push(Candidate { path: Arc::clone(&file.path), typed: None, check: Some(file.check) });
        }
    };
    for (segment, documents) in segments.iter().zip(lists) {
        let number = segment.number;
        let mut add = |document: u32| {
            if let Some(file) = segment.documents.get(document as usize) {
                add(file, Place::Segment { number, document: Some(document) });
            }
        };
        match documents {
            Documents::All => (0..segment.count()).for_each(&mut add),
            Documents::Some(documents) => documents.iter().copied().for_each(&mut add),
        }
    }
    for (number, single) in &state.singles {
        if single.trigrams.as_ref().is_some_and(|trigrams| query.fits(trigrams)) {
            add(&single.file, Place::Single { number: *number, has_text: true });
        }
    }
    let unread = state
        .files
        .iter()
        .filter(|(path, file)| file.place == Place::Unread && !state.overlay.contains(path));
    candidates.extend(unread.map(|(path, _)| Candidate { path: Arc::clone(path), typed: None, check: None }));
    let typed =
        |(path, text): (&Arc<str>, _)| Candidate { path: Arc::clone(path), typed: Some(text), check: None };
    candidates.extend(state.overlay.iter().map(typed));
    candidates.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    candidates
}

impl Index {
    /// What each of some files has, in their order.
    fn look(
        &self,
        candidates: &[Candidate],
        search: &TextSearch<'_>,
        read: ReadFile<'_>,
        most: usize,
    ) -> Vec<Option<(FileLines, bool)>> {
        let one = |candidate: &Candidate,
                   (buffer, scratch): &mut (Vec<u8>, Scratch)|
         -> Option<(FileLines, bool)> {
            if search.is_ended.load(Ordering::Relaxed) {
                return None;
            }
            let find = |text: &[u8]| search.pattern.lines_with(scratch, text, most);
            let found = self.with_text(candidate, read, buffer, find)?;
            (!found.lines.is_empty() || found.has_more).then(|| {
                (FileLines { path: Arc::clone(&candidate.path), lines: found.lines }, found.has_more)
            })
        };
        if candidates.len() < FILES_FOR_TWO_THREADS {
            let mut buffers = Default::default();
            return candidates.iter().map(|candidate| one(candidate, &mut buffers)).collect();
        }
        let next = AtomicUsize::new(0);
        let results = Mutex::new(Vec::with_capacity(candidates.len()));
        let work = || {
            let (mut buffers, mut own) = (Default::default(), Vec::new());
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(candidate) = candidates.get(index) else { break };
                if let Some(found) = one(candidate, &mut buffers) {
                    own.push((index, found));
                }
            }
            results.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
        };
        std::thread::scope(|scope| {
            scope.spawn(work);
            work();
        });
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_unstable_by_key(|(index, _)| *index);
        results.into_iter().map(|(_, found)| Some(found)).collect()
    }

    /// Does something with the text of a file: the typed one, one that is kept from before, or the file's.
    fn with_text<T>(
        &self,
        candidate: &Candidate,
        read: ReadFile<'_>,
        buffer: &mut Vec<u8>,
        work: impl FnOnce(&[u8]) -> T,
    ) -> Option<T> {
        if let Some(text) = &candidate.typed {
            return Some(work(text));
        }
        let open = || self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = candidate.check.and_then(|check| open().get(&candidate.path, check));
        if let Some(text) = known {
            return Some(work(&text));
        }
        buffer.clear();
        if !read(&candidate.path, buffer) {
            return None;
        }
        let FileKind::Text(text) = decoded(buffer) else { return None };
        // Only what the index knows is kept: the file may hold something newer, of which it will hear.
        if let Some(check) =
            candidate.check.filter(|check| text.len() <= OPEN_TEXT_BYTES_MAX && check_of(&text) == *check)
        {
            open().put(&candidate.path, check, &text);
        }
        Some(work(&text))
    }
}
