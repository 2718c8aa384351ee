//! The texts of documents that are no text files, as somebody has read them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::{Deserialize, Serialize};

use crate::database::{Database, Table};
use crate::limits::DOCUMENTS_MAX;
use crate::state::{Version, decode, encode, shared_text};
use crate::{Index, IndexError};

/// A document, as it is kept; its text is a row of its own with the same number.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct DocumentRow {
    #[serde(with = "shared_text")]
    path: Arc<str>,
    version: Version,
    places: Vec<(u32, String)>,
}

struct Known {
    row: i64,
    version: Version,
    /// The line, from 1, that each page or section begins in.
    places: Vec<(u32, String)>,
}

/// What is known of documents.
#[derive(Default)]
pub(crate) struct Documents {
    known: BTreeMap<Arc<str>, Known>,
    /// Rows that count no more.
    dead: Vec<i64>,
    next: i64,
}

impl Documents {
    pub(crate) fn load(database: &Database) -> Result<RwLock<Self>, IndexError> {
        let mut documents = Self::default();
        database.each(Table::Documents, |row, body| {
            let DocumentRow { path, version, places } = decode(&body)?;
            documents.next = row + 1;
            documents.put(path, Known { row, version, places });
            Ok(())
        })?;
        Ok(RwLock::new(documents))
    }

    fn put(&mut self, path: Arc<str>, known: Known) {
        if let Some(before) = self.known.insert(path, known) {
            self.dead.push(before.row);
        }
    }

    pub(crate) fn forget(&mut self, path: &Arc<str>) {
        if let Some(gone) = self.known.remove(path) {
            self.dead.push(gone.row);
        }
    }

    /// Files that are gone have no text.
    pub(crate) fn keep_only(&mut self, is_there: impl Fn(&Arc<str>) -> bool) {
        let gone: Vec<Arc<str>> = self.known.keys().filter(|path| !is_there(path)).cloned().collect();
        gone.iter().for_each(|path| self.forget(path));
    }
}

impl Index {
    fn documents(&self) -> RwLockReadGuard<'_, Documents> {
        self.documents.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn documents_mut(&self) -> RwLockWriteGuard<'_, Documents> {
        self.documents.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the text of a document in, in place of its bytes, with the line from 1 that each page or section begins in.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn put_document(
        &self,
        path: &str,
        version: Version,
        text: &str,
        places: Vec<(u32, String)>,
    ) -> Result<(), IndexError> {
        if self.documents().known.len() < DOCUMENTS_MAX {
            let mut writer = self.writer();
            let mut documents = self.documents_mut();
            let row = documents.next;
            let dead = std::mem::take(&mut documents.dead);
            let path: Arc<str> = path.into();
            let body = encode(&DocumentRow { path: Arc::clone(&path), version, places: places.clone() })?;
            writer.database.write(|writes| {
                for gone in &dead {
                    writes.remove(Table::Documents, *gone..*gone + 1)?;
                    writes.remove(Table::DocumentTexts, *gone..*gone + 1)?;
                }
                writes.put(Table::DocumentTexts, row, text.as_bytes())?;
                writes.put(Table::Documents, row, &body)
            })?;
            documents.next += 1;
            documents.put(path, Known { row, version, places });
        }
        self.put(path, version, text.as_bytes())
    }

    /// The text of a document, as it was read last; `None` when it was not, or cannot be.
    #[must_use]
    pub fn document_text(&self, path: &str) -> Option<Vec<u8>> {
        let row = self.documents().known.get(path)?.row;
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.row(Table::DocumentTexts, row).ok()?
    }

    /// Whether the text of a document was read that is this version.
    #[must_use]
    pub fn has_document(&self, path: &str, version: Version) -> bool {
        self.documents().known.get(path).is_some_and(|known| known.version == version)
    }

    /// The pages or sections of a document, each with the line from 1 that it begins in.
    #[must_use]
    pub fn document_places(&self, path: &str) -> Vec<(u32, String)> {
        self.documents().known.get(path).map(|known| known.places.clone()).unwrap_or_default()
    }

    /// The page or section of a document that a line of its text lies in.
    #[must_use]
    pub fn place_in(&self, path: &str, line: u32) -> Option<String> {
        let documents = self.documents();
        let places = &documents.known.get(path)?.places;
        let after = places.partition_point(|(first, _)| *first <= line);
        let (_, place) = places.get(after.checked_sub(1)?)?;
        (!place.is_empty()).then(|| place.clone())
    }
}
