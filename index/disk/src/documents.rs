//! The texts of documents that are no text files, as somebody has read them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::{Deserialize, Serialize};

use crate::database::{Database, Table};
use crate::limits::DOCUMENTS_MAX;
use crate::state::{Version, decode, encode, shared_text};
use crate::{Index, IndexError};

/// What somebody has read of a document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DocumentText {
    /// Its text; empty where there is none.
    pub text: String,
    /// The line, from 1, that each page or section begins in, and what it is called.
    pub places: Vec<(u32, String)>,
    /// Why there is no text, or not all of it.
    pub note: Option<String>,
    /// Whether it is to be read again when the index is opened the next time.
    pub is_temporary: bool,
}

/// A document, as it is kept; its text is a row of its own with the same number.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct DocumentRow {
    #[serde(with = "shared_text")]
    path: Arc<str>,
    version: Version,
    places: Vec<(u32, String)>,
    note: Option<String>,
    is_temporary: bool,
}

struct Known {
    row: i64,
    version: Version,
    places: Vec<(u32, String)>,
    note: Option<String>,
}

/// What is known of documents.
#[derive(Default)]
pub(crate) struct Documents {
    known: BTreeMap<Arc<str>, Known>,
    /// Rows that count no more.
    dead: Vec<i64>,
    next: i64,
    /// Those that are to be read again.
    again: Vec<Arc<str>>,
}

impl Documents {
    pub(crate) fn load(database: &Database) -> Result<RwLock<Self>, IndexError> {
        let mut documents = Self::default();
        database.each(Table::Documents, |row, body| {
            let DocumentRow { path, version, places, note, is_temporary } = decode(&body)?;
            documents.next = row + 1;
            if is_temporary {
                documents.dead.push(row);
                documents.again.push(path);
            } else {
                documents.put(path, Known { row, version, places, note });
            }
            Ok(())
        })?;
        Ok(RwLock::new(documents))
    }

    /// The paths of those that nobody could read for a reason that may be gone.
    pub(crate) fn take_again(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.again)
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

    /// Takes the text of a document in, in place of its bytes. Of more documents than [`DOCUMENTS_MAX`] there is none.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn put_document(&self, path: &str, version: Version, read: DocumentText) -> Result<(), IndexError> {
        let DocumentText { text, places, note, is_temporary } = read;
        let path: Arc<str> = path.into();
        let (row, dead) = {
            let mut documents = self.documents_mut();
            if documents.known.len() >= DOCUMENTS_MAX && !documents.known.contains_key(&path) {
                drop(documents);
                return self.put(&path, version, &[]);
            }
            documents.next += 1;
            (documents.next - 1, std::mem::take(&mut documents.dead))
        };
        let body = DocumentRow { path: Arc::clone(&path), version, places, note, is_temporary };
        let encoded = encode(&body)?;
        // Nobody who searches waits for this. Dead rows that stay when it fails are found when the index is opened.
        self.writer().database.write(|writes| {
            for gone in dead {
                writes.remove(Table::Documents, gone..gone + 1)?;
                writes.remove(Table::DocumentTexts, gone..gone + 1)?;
            }
            writes.put(Table::DocumentTexts, row, text.as_bytes())?;
            writes.put(Table::Documents, row, &encoded)
        })?;
        let DocumentRow { places, note, .. } = body;
        self.documents_mut().put(Arc::clone(&path), Known { row, version, places, note });
        self.put(&path, version, text.as_bytes())
    }

    /// The text of a document as the file is now; `None` when nobody has read that, or it has none.
    #[must_use]
    pub fn document_text(&self, path: &str) -> Option<Vec<u8>> {
        let listed = self.state().files.get(path)?.version;
        let row = self.documents().known.get(path).filter(|known| known.version == listed)?.row;
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.row(Table::DocumentTexts, row).ok()?
    }

    /// The text of this version of a document, where somebody has read it.
    #[must_use]
    pub fn has_document(&self, path: &str, version: Version) -> bool {
        self.documents().known.get(path).is_some_and(|known| known.version == version)
    }

    /// The pages or sections of a document, each with the line from 1 that it begins in.
    #[must_use]
    pub fn document_places(&self, path: &str) -> Vec<(u32, String)> {
        self.documents().known.get(path).map(|known| known.places.clone()).unwrap_or_default()
    }

    /// How many there are with text, and how many with something to say about it.
    pub(crate) fn document_counts(&self) -> (usize, usize) {
        let documents = self.documents();
        let texts = documents.known.values().filter(|known| !known.places.is_empty()).count();
        (texts, documents.known.values().filter(|known| known.note.is_some()).count())
    }

    /// Documents without text, or without some of it, each with the reason: at most so many, by path.
    #[must_use]
    pub fn document_notes(&self, most: usize) -> Vec<(Arc<str>, String)> {
        let documents = self.documents();
        let noted = documents.known.iter().filter_map(|(path, known)| Some((path, known.note.as_ref()?)));
        noted.take(most).map(|(path, note)| (Arc::clone(path), note.clone())).collect()
    }

    /// The page or section that a line of a text lies in: of a document, and of a text that has headings. `None` before
    /// the first one, and where the text has changed since it was read.
    #[must_use]
    pub fn place_in(&self, path: &str, line: u32) -> Option<String> {
        let listed = {
            let state = self.state();
            let is_typed = state.overlay.contains(path);
            state.files.get(path).filter(|_| !is_typed)?.version
        };
        if let Some(known) = self.documents().known.get(path) {
            let after = known.places.partition_point(|(first, _)| *first <= line);
            let (_, place) = known.places.get(after.checked_sub(1)?)?;
            return (known.version == listed && !place.is_empty()).then(|| place.clone());
        }
        self.section_at(path, listed, line)
    }
}
