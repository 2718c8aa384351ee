//! The index: what there is, and what it knows of it.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use lru::LruCache;
use weft_index::TextEdit;
use weft_index::limits::PAGE_BYTES;

use crate::IndexError;
use crate::build::Writer;
use crate::database::{Database, Table};
use crate::documents::Documents;
use crate::limits::{FILES_MAX, OPEN_PAGES_BYTES};
use crate::meaning::Meaning;
use crate::names::KnownVisits;
use crate::seal::IndexKey;
use crate::state::{File, FileRow, Listed, Place, SegmentRow, SingleRow, State, decode};
use crate::symbols::Symbols;
use crate::texts::OpenTexts;

/// The index of one workspace. It may be used from several threads; what is written is written by one at a time, and
/// nobody who searches waits for that.
pub struct Index {
    pub(crate) state: RwLock<State>,
    pub(crate) writer: Mutex<Writer>,
    pub(crate) reader: Mutex<Database>,
    pub(crate) pages: Mutex<LruCache<i64, Arc<[u8]>>>,
    pub(crate) texts: Mutex<OpenTexts>,
    pub(crate) is_damaged: AtomicBool,
    pub(crate) symbols: RwLock<Symbols>,
    pub(crate) meaning: RwLock<Meaning>,
    pub(crate) documents: RwLock<Documents>,
    pub(crate) visits: Mutex<KnownVisits>,
    path: PathBuf,
}

/// How far the index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IndexStatus {
    /// Files that there are.
    pub files: u64,
    /// Files that are not in the index yet.
    pub unread: u64,
    /// Files with text in the index.
    pub texts: u64,
    /// Bytes of their text.
    pub text_bytes: u64,
    /// Lines of their text.
    pub text_lines: u64,
    /// Bytes of the database.
    pub database_bytes: u64,
    /// Parts that the index consists of.
    pub segments: u64,
    /// Texts that are newer than any file.
    pub typed: u64,
    /// What the texts define, as far as they were read for it.
    pub symbols: u64,
    /// Chunks of the texts, as far as they were cut.
    pub chunks: u64,
    /// Chunks that can be found by their meaning.
    pub vectors: u64,
    /// Documents that are no text files and whose text is in the index.
    pub documents: u64,
    /// Documents without text, or without some of it: [`Index::document_notes`].
    pub noted: u64,
}

impl Index {
    /// Opens the index that lies in a file, or makes it. One that is damaged, of another version of this program or
    /// sealed with another key is removed and made anew, which the log tells.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn open(path: &Path, key: &IndexKey) -> Result<Self, IndexError> {
        match Self::open_as_it_is(path, key) {
            Err(IndexError::Damaged) => {
                tracing::warn!(path = %path.display(), "the index was damaged and is built anew");
                Self::remove(path)?;
                Self::open_as_it_is(path, key)
            }
            opened => opened,
        }
    }

    /// Removes the index that lies in a file, if there is one.
    ///
    /// # Errors
    /// When it stays.
    pub fn remove(path: &Path) -> Result<(), IndexError> {
        for end in ["", "-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            let path = PathBuf::from(name);
            match std::fs::remove_file(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(IndexError::Io { source, path });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn open_as_it_is(path: &Path, key: &IndexKey) -> Result<Self, IndexError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|source| IndexError::Io { source, path: folder.to_owned() })?;
        }
        let writer = Database::open(path, key)?;
        let reader = Database::open(path, key)?;
        let state = Self::load(&writer)?;
        let symbols = Symbols::load(&writer)?;
        let meaning = Meaning::load(&writer)?;
        let documents = Documents::load(&writer)?;
        let visits = Mutex::new(KnownVisits::load(&writer)?);
        let pages = NonZeroUsize::new(OPEN_PAGES_BYTES / PAGE_BYTES).unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            state: RwLock::new(state),
            writer: Mutex::new(Writer::new(writer)),
            reader: Mutex::new(reader),
            pages: Mutex::new(LruCache::new(pages)),
            texts: Mutex::default(),
            is_damaged: AtomicBool::new(false),
            symbols,
            meaning,
            documents,
            visits,
            path: path.to_owned(),
        })
    }

    /// Reads everything but the pages; of several that tell of one file the last counts.
    fn load(database: &Database) -> Result<State, IndexError> {
        let mut segments = Vec::new();
        let mut state = State::default();
        database.each(Table::Segment, |number, body| {
            segments.push((number, decode::<SegmentRow>(&body)?));
            Ok(())
        })?;
        let mut segments = segments.into_iter().peekable();
        database.each(Table::Single, |number, body| {
            while let Some((number, row)) = segments.next_if(|(segment, _)| *segment < number) {
                state.add_segment(number, row)?;
            }
            state.add_single(number, decode::<SingleRow>(&body)?.read()?);
            Ok(())
        })?;
        segments.try_for_each(|(number, row)| state.add_segment(number, row))?;
        Ok(state)
    }

    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says which files there are, all of them, and gives those that are to be read.
    pub fn list(&self, files: impl IntoIterator<Item = Listed>) -> Vec<Listed> {
        let mut state = self.state_mut();
        let mut before = std::mem::take(&mut state.files);
        for path in self.documents_mut().take_again() {
            before.remove(&path);
        }
        let mut unread = Vec::new();
        for listed in files.into_iter().take(FILES_MAX) {
            let known = before.remove(&listed.path).filter(|file| file.version == listed.version);
            let file =
                known.unwrap_or(File { version: listed.version, place: Place::Unread, bytes: 0, lines: 0 });
            state.files.insert(Arc::clone(&listed.path), file);
            if file.place == Place::Unread {
                unread.push(listed);
            }
        }
        self.symbols_mut().keep_only(|path| state.files.contains_key(path));
        self.meaning_mut().keep_only(|path| state.files.contains_key(path));
        self.documents_mut().keep_only(|path| state.files.contains_key(path));
        unread
    }

    /// Says that files were added or changed, and that others are gone; gives those that are to be read.
    pub fn change(&self, changed: impl IntoIterator<Item = Listed>, gone: &[Arc<str>]) -> Vec<Listed> {
        let mut state = self.state_mut();
        for path in gone {
            state.files.remove(path);
            state.overlay.remove(path);
            self.symbols_mut().forget(path);
            self.meaning_mut().forget(path);
            self.documents_mut().forget(path);
        }
        let mut unread = Vec::new();
        for listed in changed {
            let known = state.files.get(&listed.path).filter(|file| file.version == listed.version);
            if known.is_some_and(|file| file.place != Place::Unread) || state.files.len() >= FILES_MAX {
                continue;
            }
            let file = File { version: listed.version, place: Place::Unread, bytes: 0, lines: 0 };
            state.files.insert(Arc::clone(&listed.path), file);
            unread.push(listed);
        }
        unread
    }

    /// Whether this is what the file is known to be now.
    #[must_use]
    pub fn is_listed(&self, file: &Listed) -> bool {
        self.state().files.get(&file.path).is_some_and(|known| known.version == file.version)
    }

    /// The paths of all files.
    #[must_use]
    pub fn paths(&self) -> Vec<Arc<str>> {
        self.state().files.keys().cloned().collect()
    }

    /// Holds the text of a file that is being typed in: from now on it is searched in place of the file.
    pub fn typed(&self, path: &str, text: &str) {
        self.state_mut().overlay.put(path, text);
    }

    /// Edits such a text. `false` when it is not held: then it is to be given whole.
    #[must_use]
    pub fn edit_typed(&self, path: &str, edits: &[TextEdit]) -> bool {
        self.state_mut().overlay.edit(path, edits)
    }

    /// The file holds the text again.
    pub fn forget_typed(&self, path: &str) {
        self.state_mut().overlay.remove(path);
    }

    /// The text that is held of a file that is being typed in.
    #[must_use]
    pub fn typed_text(&self, path: &str) -> Option<Arc<[u8]>> {
        self.state().overlay.get(path)
    }

    /// A text that is held and should go to the index, because there are too many.
    #[must_use]
    pub fn surplus_typed(&self) -> Option<Arc<str>> {
        self.state().overlay.surplus()
    }

    /// Whether something was found to be damaged while searching: then it is to be removed and built anew.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Relaxed)
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How far it is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn status(&self) -> Result<IndexStatus, IndexError> {
        let database_bytes = self.reader.lock().unwrap_or_else(PoisonError::into_inner).bytes()?;
        let (chunks, vectors) = self.chunk_count();
        let (documents, noted) = self.document_counts();
        let state = self.state();
        let mut status = IndexStatus {
            files: state.files.len() as u64,
            database_bytes,
            segments: state.segments.len() as u64,
            typed: state.overlay.len() as u64,
            symbols: self.symbol_count() as u64,
            chunks: chunks as u64,
            vectors: vectors as u64,
            documents: documents as u64,
            noted: noted as u64,
            ..IndexStatus::default()
        };
        for file in state.files.values() {
            match file.place {
                Place::Unread => status.unread += 1,
                Place::Segment { document: Some(_), .. } | Place::Single { has_text: true, .. } => {
                    status.texts += 1;
                    status.text_bytes += u64::from(file.bytes);
                    status.text_lines += u64::from(file.lines);
                }
                Place::Segment { .. } | Place::Single { .. } => {}
            }
        }
        Ok(status)
    }
}

impl State {
    /// Whether a file that was read is still what there is; files that nobody has listed yet are.
    pub(crate) fn is_wanted(&self, file: &FileRow) -> bool {
        self.files.get(&file.path).is_some_and(|known| known.version == file.version)
    }

    /// Takes a segment in that was just written: files that have changed since they were read stay as they are known.
    pub(crate) fn add_wanted_segment(&mut self, number: i64, row: SegmentRow) -> Result<(), IndexError> {
        let changed: Vec<(Arc<str>, Option<File>)> = row
            .documents
            .iter()
            .chain(&row.without_text)
            .filter(|file| !self.is_wanted(file))
            .map(|file| (Arc::clone(&file.path), self.files.get(&file.path).copied()))
            .collect();
        self.add_segment(number, row)?;
        for (path, known) in changed {
            match known {
                Some(known) => self.files.insert(path, known),
                None => self.files.remove(&path),
            };
        }
        Ok(())
    }
}
