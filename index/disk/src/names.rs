//! Files by some letters of their names, those first that a person works with.

use std::sync::{Arc, PoisonError};

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

/// What was visited, as it is kept.
pub(crate) fn load(database: &Database) -> Result<Frecency, IndexError> {
    let Some(body) = database.row(Table::Note, VISITS_ROW)? else { return Ok(Frecency::default()) };
    let kept: Vec<(String, f64, f64)> = decode(&body)?;
    Ok(Frecency::of_kept(kept.into_iter().map(|(path, count, at)| (Arc::from(path), Visits { count, at }))))
}

impl Index {
    /// A file is opened by the person, at a moment in seconds.
    ///
    /// # Errors
    /// When it cannot be kept; it counts all the same until the index is closed.
    pub fn visit(&self, path: &str, now: f64) -> Result<(), IndexError> {
        let rows: Vec<(String, f64, f64)> = {
            let mut frecency = self.frecency.lock().unwrap_or_else(PoisonError::into_inner);
            frecency.visit(path, now);
            frecency.iter().map(|(path, visits)| (path.to_string(), visits.count, visits.at)).collect()
        };
        let body = encode(&rows)?;
        self.writer().database.write(|writes| writes.put(Table::Note, VISITS_ROW, &body))
    }

    /// The files whose path has the letters of a query in their order, the best first, at most so many, and whether there
    /// are more. Without letters, those that were visited.
    #[must_use]
    pub fn find_files(&self, query: &str, now: f64, most: usize) -> (Vec<FileHit>, bool) {
        let fuzzy = Fuzzy::new(query);
        let state = self.state();
        let frecency = self.frecency.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hits: Vec<FileHit> = Vec::new();
        for path in state.files.keys() {
            let visits = frecency.of(path, now);
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
