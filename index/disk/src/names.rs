//! Files by some letters of their names, those first that a person works with.

use std::sync::{Arc, MutexGuard, PoisonError};

use weft_index::frecency::{Frecency, Visits};
use weft_index::{Fuzzy, Matched};

use crate::database::{Database, Table};
use crate::state::{decode, encode};
use crate::{Index, IndexError};

/// The row of what was visited.
const VISITS_ROW: i64 = 1;
/// What the visits of a file may add to how well its name fits: as much as two letters that follow each other.
const VISITS_WORTH: f64 = 36.0;

/// A file that was looked for by its name.
#[derive(Debug, Clone, PartialEq)]
pub struct FileHit {
    /// Its path in the workspace.
    pub path: Arc<str>,
    /// How well it fits: greater is better.
    pub score: f64,
    /// Characters of the path that were meant.
    pub positions: Vec<usize>,
    /// What its visits count.
    pub visits: f64,
}

/// What was visited.
pub(crate) struct KnownVisits {
    frecency: Frecency,
    /// Whether the database has it so.
    is_kept: bool,
}

impl KnownVisits {
    pub(crate) fn load(database: &Database) -> Result<Self, IndexError> {
        let body = database.row(Table::Note, VISITS_ROW)?;
        let kept: Vec<(String, f64, f64)> = body.map(|body| decode(&body)).transpose()?.unwrap_or_default();
        let kept = kept.into_iter().map(|(path, count, at)| (Arc::from(path), Visits { count, at }));
        Ok(Self { frecency: Frecency::of_kept(kept), is_kept: true })
    }
}

impl Index {
    /// A person opens or edits a file, at a moment in seconds; within `pause` seconds of the last time it counts no more.
    /// It is kept with the next [`Index::flush_visits`]. Whether it counts.
    pub fn visit(&self, path: &str, now: f64, pause: f64) -> bool {
        let mut known = self.visits();
        let is_new = known.frecency.last(path).is_none_or(|last| now - last >= pause);
        if is_new {
            known.frecency.visit(path, now);
            known.is_kept = false;
        }
        is_new
    }

    /// A file, or everything in a folder, has another path now.
    pub fn visits_moved(&self, from: &str, to: &str) {
        let mut known = self.visits();
        known.is_kept &= !known.frecency.rename(from, to);
    }

    /// Takes over what was visited according to another index of the same workspace.
    pub fn take_visits(&self, before: &Self) {
        let frecency = before.visits().frecency.clone();
        *self.visits() = KnownVisits { frecency, is_kept: false };
    }

    /// Keeps what was visited, where that is news.
    ///
    /// # Errors
    /// When it cannot be kept; it counts all the same until the index is closed.
    pub fn flush_visits(&self) -> Result<(), IndexError> {
        let rows: Vec<(String, f64, f64)> = {
            let mut known = self.visits();
            if std::mem::replace(&mut known.is_kept, true) {
                return Ok(());
            }
            known.frecency.iter().map(|(path, visits)| (path.to_string(), visits.count, visits.at)).collect()
        };
        let body = encode(&rows)?;
        self.writer().database.write(|writes| writes.put(Table::Note, VISITS_ROW, &body))
    }

    fn visits(&self) -> MutexGuard<'_, KnownVisits> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files whose path has the letters of a query in their order, the best first, at most so many, and whether there
    /// are more. Without letters, those that were visited.
    #[must_use]
    pub fn find_files(&self, query: &str, now: f64, most: usize) -> (Vec<FileHit>, bool) {
        let fuzzy = Fuzzy::new(query);
        let state = self.state();
        let known = self.visits();
        let mut hits: Vec<FileHit> = Vec::new();
        for path in state.files.keys() {
            let visits = known.frecency.of(path, now);
            if fuzzy.is_empty() && visits == 0.0 {
                continue;
            }
            let Some(Matched { score, positions }) = fuzzy.matches(path) else { continue };
            let score = f64::from(score) + VISITS_WORTH * (visits / (visits + 1.0));
            hits.push(FileHit { path: Arc::clone(path), score, positions, visits });
        }
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.path.cmp(&b.path)));
        let has_more = hits.len() > most;
        hits.truncate(most);
        (hits, has_more)
    }
}
