//! The rows of what was found in the folder, and how one goes through them with keys.

use super::FolderSearch;
use crate::link::FolderMatch;

/// A row of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FoundRow {
    /// The head of the places of a file, by the index of the first of them.
    File(usize),
    /// A place, by its index.
    Place(usize),
}

impl FoundRow {
    /// The index of the place that it is, or that it is the head of.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::File(index) | Self::Place(index) => index,
        }
    }
}

impl FolderSearch {
    /// What is listed: each file with its places, unless they are folded away.
    pub(crate) fn rows(&self) -> Vec<FoundRow> {
        let (mut rows, mut first) = (Vec::new(), 0);
        for places in self.matches.chunk_by(|one, other| one.path == other.path) {
            rows.push(FoundRow::File(first));
            if !self.folded.contains(&places[0].path) {
                rows.extend((first..first + places.len()).map(FoundRow::Place));
            }
            first += places.len();
        }
        rows
    }

    /// Selects the row that is so many rows further. `false` when one goes up from the first.
    pub(crate) fn go(&mut self, by: isize) -> bool {
        let rows = self.rows();
        let Some(last) = rows.len().checked_sub(1) else { return false };
        let at = self.selected.and_then(|selected| rows.iter().position(|row| *row == selected));
        let next = match at {
            Some(0) if by == -1 => return false,
            Some(at) => at.saturating_add_signed(by).min(last),
            None => 0,
        };
        self.selected = rows.get(next).copied();
        true
    }

    /// Unfolds the file that is selected, or goes to its first place.
    pub(crate) fn go_in(&mut self) {
        let Some(FoundRow::File(first)) = self.selected else { return };
        let Some(found) = self.matches.get(first) else { return };
        if !self.folded.remove(&found.path) {
            self.selected = Some(FoundRow::Place(first));
        }
    }

    /// Goes to the file of the place that is selected, or folds it.
    pub(crate) fn go_out(&mut self) {
        match self.selected {
            Some(FoundRow::Place(place)) => {
                let Some(found) = self.matches.get(place) else { return };
                let before = self.matches.iter().take(place).rposition(|other| other.path != found.path);
                self.selected = Some(FoundRow::File(before.map_or(0, |before| before + 1)));
            }
            Some(FoundRow::File(first)) => {
                let path = self.matches.get(first).map(|found| found.path.clone());
                self.folded.extend(path);
            }
            None => {}
        }
    }

    /// Selects the next place, or the one before, and unfolds it; behind the last one comes the first.
    pub(crate) fn next_place(&mut self, is_forward: bool) -> Option<FolderMatch> {
        let last = self.matches.len().checked_sub(1)?;
        let next = match (self.selected, is_forward) {
            (None, true) => 0,
            (None, false) => last,
            (Some(FoundRow::File(first)), true) => first.min(last),
            (Some(row), true) => {
                if row.index() >= last {
                    0
                } else {
                    row.index() + 1
                }
            }
            (Some(row), false) => row.index().checked_sub(1).unwrap_or(last).min(last),
        };
        let found = self.matches.get(next)?.clone();
        self.folded.remove(&found.path);
        self.selected = Some(FoundRow::Place(next));
        Some(found)
    }

    /// Takes other places, with the same one selected when it is among them.
    pub(crate) fn take(&mut self, matches: Vec<FolderMatch>) {
        let selected = self.selected.and_then(|row| Some((row, self.matches.get(row.index())?.clone())));
        self.matches = matches;
        self.selected = selected.and_then(|(row, was)| {
            let place = |found: &FolderMatch| found.line == was.line && found.column == was.column;
            match row {
                FoundRow::File(_) => {
                    self.matches.iter().position(|found| found.path == was.path).map(FoundRow::File)
                }
                FoundRow::Place(_) => {
                    let is_same = |found: &FolderMatch| found.path == was.path && place(found);
                    self.matches.iter().position(is_same).map(FoundRow::Place)
                }
            }
        });
    }
}
