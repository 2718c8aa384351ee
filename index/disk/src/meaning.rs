//! What texts are about: their chunks, the words of each, and the vectors that a model has made of them.
//!
//! A chunk is told by what a model reads of it. What stands in several files, or moves from one to another, is one chunk
//! with several places, so a model reads it once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::{Deserialize, Serialize};
use weft_index::chunk::{Chunk, chunks, readable};
use weft_index::markup::{is_html, section, sections};
use weft_index::route::{WORDS_WORTH, combined};
use weft_index::symbols::{Symbol, SymbolKind, SymbolReader};
use weft_index::vectors::{KeptVector, Vectors};
use weft_index::words::{ChunkWords, WordIndex};

use crate::database::{Database, Table};
use crate::limits::{
    CHUNK_BATCH_FILES, CHUNK_ROWS_MAX, CHUNKS_MAX, ORPHANS_MAX, QUESTION_HITS_MAX, SAME_CHUNK_PLACES_MAX,
    VECTOR_BATCH, VECTOR_ROWS_MAX,
};
use crate::state::{Listed, Place, Version, decode, encode, shared_text};
use crate::{Index, IndexError};

/// The row of what model the vectors are of.
const MODEL_ROW: i64 = 2;

/// Tells what a model reads of a chunk apart from everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChunkHash([u8; 16]);

impl ChunkHash {
    /// The hash of what a model reads.
    #[must_use]
    pub fn of(readable: &str) -> Self {
        Self(Version::of(readable.as_bytes()).0)
    }

    #[cfg(test)]
    pub(crate) fn bytes(self) -> [u8; 16] {
        self.0
    }
}

/// A chunk in its file, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ChunkRow {
    hash: ChunkHash,
    #[serde(with = "shared_text")]
    name: Arc<str>,
    kind: Option<u8>,
    first_line: u32,
    last_line: u32,
    words: Vec<u8>,
}

/// The chunks of one file, as they are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct FileRow {
    #[serde(with = "shared_text")]
    path: Arc<str>,
    version: Version,
    chunks: Vec<ChunkRow>,
}

/// A vector, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct VectorRow {
    hash: ChunkHash,
    factor: f32,
    bytes: Vec<i8>,
}

/// A chunk of a file, in memory.
struct Placed {
    slot: u32,
    chunk: Chunk,
}

struct File {
    version: Version,
    chunks: Vec<Placed>,
}

/// What is one chunk wherever it stands.
struct Slot {
    hash: ChunkHash,
    words: ChunkWords,
    /// The files it stands in, and which of their chunks it is; none of a chunk that is only remembered.
    places: Vec<(Arc<str>, u32)>,
}

/// A chunk that was looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ChunkHit {
    /// The path of its text.
    pub path: Arc<str>,
    /// It.
    pub chunk: Chunk,
    /// How well it fits: greater is better.
    pub score: f64,
    /// Whether its words fit, and whether its meaning does.
    pub by: (bool, bool),
}

/// What a question asks for.
pub struct Question<'a> {
    /// It in words; empty to look for meaning only.
    pub words: &'a str,
    /// What a model has made of it; empty where there is no model.
    pub vector: &'a [f32],
    /// At most so many chunks.
    pub most: usize,
    /// Only in files whose path this takes.
    pub is_in: &'a dyn Fn(&str) -> bool,
}

/// What is known of the meaning of texts.
#[derive(Default)]
pub(crate) struct Meaning {
    files: BTreeMap<Arc<str>, File>,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    by_hash: BTreeMap<ChunkHash, u32>,
    words: WordIndex,
    vectors: Vectors,
    /// The model that made them.
    model: String,
    /// Chunks that stand somewhere and have no vector.
    without: BTreeSet<u32>,
    orphans: usize,
    /// Files that were cut and are not written yet.
    batch: Vec<FileRow>,
    next: i64,
    rows: usize,
    vector_batch: Vec<VectorRow>,
    vector_next: i64,
    vector_rows: usize,
}

impl Meaning {
    fn slot(&self, slot: u32) -> Option<&Slot> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// The number of a chunk; makes one where there is none.
    fn slot_of(&mut self, hash: ChunkHash) -> u32 {
        if let Some(slot) = self.by_hash.get(&hash) {
            return *slot;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        self.slots[slot as usize] = Some(Slot { hash, words: ChunkWords::default(), places: Vec::new() });
        self.by_hash.insert(hash, slot);
        self.orphans += 1;
        slot
    }

    /// Forgets a chunk that stands nowhere.
    fn drop_slot(&mut self, slot: u32) {
        if let Some(gone) = self.slots.get_mut(slot as usize).and_then(Option::take) {
            self.by_hash.remove(&gone.hash);
            self.vectors.remove(slot);
            self.without.remove(&slot);
            self.free.push(slot);
            self.orphans -= 1;
        }
    }

    fn take(&mut self, row: FileRow) -> Result<(), IndexError> {
        self.forget(&row.path);
        let mut placed = Vec::with_capacity(row.chunks.len());
        for (index, chunk) in (0..).zip(row.chunks) {
            if self.slots.len() - self.free.len() >= CHUNKS_MAX {
                break;
            }
            let kind =
                chunk.kind.map(|kind| SymbolKind::of_number(kind).ok_or(IndexError::Damaged)).transpose()?;
            let slot = self.slot_of(chunk.hash);
            let Some(known) = self.slots[slot as usize].as_mut() else { continue };
            if known.places.is_empty() {
                known.words = ChunkWords::of_bytes(&chunk.words);
                self.words.add(slot, &known.words);
                self.orphans -= 1;
                if !self.vectors.contains(slot) {
                    self.without.insert(slot);
                }
            }
            known.places.push((Arc::clone(&row.path), index));
            let ChunkRow { name, first_line, last_line, .. } = chunk;
            placed.push(Placed { slot, chunk: Chunk { name, kind, first_line, last_line } });
        }
        self.files.insert(row.path, File { version: row.version, chunks: placed });
        Ok(())
    }

    pub(crate) fn forget(&mut self, path: &Arc<str>) {
        let Some(file) = self.files.remove(path) else { return };
        for placed in file.chunks {
            let Some(slot) = self.slots.get_mut(placed.slot as usize).and_then(Option::as_mut) else {
                continue;
            };
            let before = slot.places.len();
            slot.places.retain(|(place, _)| place != path);
            if !slot.places.is_empty() || before == 0 {
                continue;
            }
            self.words_gone(placed.slot);
            // What a model has read is remembered for a while: it may come back under another name.
            if !self.vectors.contains(placed.slot) {
                self.drop_slot(placed.slot);
            }
        }
    }

    /// A chunk stands nowhere any more.
    fn words_gone(&mut self, slot: u32) {
        if let Some(known) = self.slots.get_mut(slot as usize).and_then(Option::as_mut) {
            self.words.remove(slot, &std::mem::take(&mut known.words));
            self.without.remove(&slot);
            self.orphans += 1;
        }
    }

    /// Files that are gone have no chunks.
    pub(crate) fn keep_only(&mut self, is_there: impl Fn(&Arc<str>) -> bool) {
        let gone: Vec<Arc<str>> = self.files.keys().filter(|path| !is_there(path)).cloned().collect();
        gone.iter().for_each(|path| self.forget(path));
    }

    /// Chunks that stand nowhere are remembered only as long as they are few.
    fn drop_orphans(&mut self) {
        let orphans: Vec<u32> = (0..)
            .zip(&self.slots)
            .filter(|(_, slot)| slot.as_ref().is_some_and(|slot| slot.places.is_empty()))
            .map(|(number, _)| number)
            .collect();
        orphans.into_iter().for_each(|slot| self.drop_slot(slot));
    }

    /// Reads what is kept.
    pub(crate) fn load(database: &Database) -> Result<RwLock<Self>, IndexError> {
        let mut meaning = Self::default();
        if let Some(body) = database.row(Table::Note, MODEL_ROW)? {
            meaning.model = decode(&body)?;
        }
        database.each(Table::Vectors, |row, body| {
            meaning.vector_rows += 1;
            meaning.vector_next = row + 1;
            for VectorRow { hash, factor, bytes } in decode::<Vec<VectorRow>>(&body)? {
                let slot = meaning.slot_of(hash);
                if !meaning.vectors.put(slot, &KeptVector { factor, bytes }) {
                    return Err(IndexError::Damaged);
                }
            }
            Ok(())
        })?;
        database.each(Table::Chunks, |row, body| {
            meaning.rows += 1;
            meaning.next = row + 1;
            decode::<Vec<FileRow>>(&body)?.into_iter().try_for_each(|file| meaning.take(file))
        })?;
        if meaning.orphans > ORPHANS_MAX {
            meaning.drop_orphans();
        }
        Ok(RwLock::new(meaning))
    }

    fn file_rows(&self) -> Vec<FileRow> {
        let row = |placed: &Placed| {
            let slot = self.slot(placed.slot)?;
            let Chunk { name, kind, first_line, last_line } = placed.chunk.clone();
            let (kind, words) = (kind.map(|kind| kind as u8), slot.words.bytes().to_vec());
            Some(ChunkRow { hash: slot.hash, name, kind, first_line, last_line, words })
        };
        let file = |(path, file): (&Arc<str>, &File)| FileRow {
            path: Arc::clone(path),
            version: file.version,
            chunks: file.chunks.iter().filter_map(row).collect(),
        };
        self.files.iter().map(file).collect()
    }

    fn vector_rows(&self) -> Vec<VectorRow> {
        let row = |(slot, known): (u32, &Option<Slot>)| {
            let KeptVector { factor, bytes } = self.vectors.get(slot)?;
            Some(VectorRow { hash: known.as_ref()?.hash, factor, bytes })
        };
        (0..).zip(&self.slots).filter_map(row).collect()
    }

    /// The places of chunks, those of one chunk together, as hits.
    fn hits(
        &self,
        found: &[(u32, f64)],
        question: &Question<'_>,
        by: impl Fn(u32) -> (bool, bool),
    ) -> Vec<ChunkHit> {
        let mut hits = Vec::new();
        for (slot, score) in found {
            let places = self.slot(*slot).map_or(&[][..], |slot| &slot.places);
            let wanted = places.iter().filter(|(path, _)| (question.is_in)(path));
            for (path, index) in wanted.take(SAME_CHUNK_PLACES_MAX) {
                let chunk = self.files.get(path).and_then(|file| file.chunks.get(*index as usize));
                hits.extend(chunk.map(|placed| ChunkHit {
                    path: Arc::clone(path),
                    chunk: placed.chunk.clone(),
                    score: *score,
                    by: by(*slot),
                }));
            }
        }
        hits
    }
}

#[cfg(test)]
impl Meaning {
    /// Rows of chunks and of vectors, and chunks that are only remembered.
    pub(crate) fn numbers(&self) -> (usize, usize, usize) {
        (self.rows, self.vector_rows, self.orphans)
    }
}

impl Index {
    fn meaning(&self) -> RwLockReadGuard<'_, Meaning> {
        self.meaning.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn meaning_mut(&self) -> RwLockWriteGuard<'_, Meaning> {
        self.meaning.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Files of which symbols or chunks are to be read, at most so many.
    #[must_use]
    pub fn without_details(&self, most: usize) -> Vec<Listed> {
        let (state, symbols, meaning) = (self.state(), self.symbols(), self.meaning());
        let has_text = |place| {
            matches!(place, Place::Segment { document: Some(_), .. } | Place::Single { has_text: true, .. })
        };
        let wanted = state.files.iter().filter(|(path, file)| {
            let is_cut = meaning.files.get(*path).is_some_and(|known| known.version == file.version);
            has_text(file.place)
                && (!is_cut || !symbols.is_read(path, file.version) && SymbolReader::knows(path))
        });
        wanted
            .take(most)
            .map(|(path, file)| Listed { path: Arc::clone(path), version: file.version })
            .collect()
    }

    /// Cuts a text: code along its symbols, HTML and documents along their sections and pages.
    fn cut(&self, path: &str, text: &[u8], symbols: &[Symbol]) -> Vec<Chunk> {
        let places = self.document_places(path);
        if !places.is_empty() {
            let sections: Vec<Symbol> = places.iter().map(|(line, name)| section(name, *line)).collect();
            return chunks(text, &sections);
        }
        if is_html(path) { chunks(text, &sections(text)) } else { chunks(text, symbols) }
    }

    /// The section of a text that a line lies in, where this version of it was cut.
    pub(crate) fn section_at(&self, path: &str, version: Version, line: u32) -> Option<String> {
        let meaning = self.meaning();
        let chunks = &meaning.files.get(path).filter(|file| file.version == version)?.chunks;
        let after = chunks.partition_point(|placed| placed.chunk.first_line <= line);
        let chunk = &chunks.get(after.checked_sub(1)?)?.chunk;
        let is_in = chunk.kind == Some(SymbolKind::Section) && line <= chunk.last_line;
        (is_in && !chunk.name.is_empty()).then(|| chunk.name.to_string())
    }

    /// Takes the chunks of a text in, with the symbols of the same text: they are found by their words at once, and kept
    /// after the next [`Index::flush_chunks`], which this calls when many have been gathered.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn put_chunks(
        &self,
        path: &str,
        version: Version,
        text: &[u8],
        symbols: &[Symbol],
    ) -> Result<(), IndexError> {
        let cut = self.cut(path, text, symbols);
        let rows = readable(path, text, &cut).into_iter().zip(cut).map(|(readable, chunk)| {
            let Chunk { name, kind, first_line, last_line } = chunk;
            let words = ChunkWords::of(&name, &readable).bytes().to_vec();
            let kind = kind.map(|kind| kind as u8);
            ChunkRow { hash: ChunkHash::of(&readable), name, kind, first_line, last_line, words }
        });
        let row = FileRow { path: path.into(), version, chunks: rows.collect() };
        let is_full = {
            let mut meaning = self.meaning_mut();
            meaning.take(row.clone())?;
            meaning.batch.push(row);
            meaning.batch.len() >= CHUNK_BATCH_FILES
        };
        if is_full { self.flush_chunks() } else { Ok(()) }
    }

    /// Keeps the chunks that were taken in.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn flush_chunks(&self) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let mut meaning = self.meaning_mut();
        let batch = std::mem::take(&mut meaning.batch);
        if batch.is_empty() {
            return Ok(());
        }
        let first = meaning.next;
        if meaning.rows < CHUNK_ROWS_MAX {
            let body = encode(&batch)?;
            writer.database.write(|writes| writes.put(Table::Chunks, first, &body))?;
            meaning.next += 1;
            meaning.rows += 1;
            return Ok(());
        }
        // Many rows of single files, of which most are out of date, become few.
        let rows = meaning.file_rows();
        let rows =
            rows.chunks(CHUNK_BATCH_FILES).map(|files| encode(&files)).collect::<Result<Vec<_>, _>>()?;
        writer.database.write(|writes| {
            writes.remove(Table::Chunks, 0..first)?;
            (first..).zip(&rows).try_for_each(|(row, body)| writes.put(Table::Chunks, row, body))
        })?;
        meaning.next = first + rows.len() as i64;
        meaning.rows = rows.len();
        Ok(())
    }

    /// The model whose vectors are taken in from now on. Those of another one are forgotten.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn use_model(&self, model: &str) -> Result<(), IndexError> {
        if self.meaning().model == model {
            return Ok(());
        }
        let mut writer = self.writer();
        let mut meaning = self.meaning_mut();
        let body = encode(&model)?;
        let rows = 0..meaning.vector_next;
        writer.database.write(|writes| {
            writes.remove(Table::Vectors, rows)?;
            writes.put(Table::Note, MODEL_ROW, &body)
        })?;
        meaning.drop_orphans();
        meaning.vectors = Vectors::default();
        meaning.vector_batch.clear();
        meaning.vector_rows = 0;
        meaning.model = model.to_owned();
        let standing: Vec<u32> =
            (0..).zip(&meaning.slots).filter(|(_, slot)| slot.is_some()).map(|(number, _)| number).collect();
        meaning.without.extend(standing);
        Ok(())
    }

    /// Files with chunks that have no vector, at most so many.
    #[must_use]
    pub fn without_vectors(&self, most: usize) -> Vec<Listed> {
        let meaning = self.meaning();
        let mut files = BTreeMap::new();
        for slot in &meaning.without {
            let place = meaning.slot(*slot).and_then(|slot| slot.places.first());
            if let Some((path, file)) = place.and_then(|(path, _)| Some((path, meaning.files.get(path)?))) {
                files.insert(Arc::clone(path), file.version);
            }
            if files.len() >= most {
                break;
            }
        }
        files.into_iter().map(|(path, version)| Listed { path, version }).collect()
    }

    /// What of a text is to be read by a model: chunks that stand somewhere and have no vector.
    #[must_use]
    pub fn to_embed(&self, path: &str, text: &[u8], symbols: &[Symbol]) -> Vec<(ChunkHash, String)> {
        let all = readable(path, text, &self.cut(path, text, symbols));
        let meaning = self.meaning();
        let is_wanted =
            |hash: &ChunkHash| meaning.by_hash.get(hash).is_some_and(|slot| meaning.without.contains(slot));
        let mut wanted: Vec<_> = all.into_iter().map(|text| (ChunkHash::of(&text), text)).collect();
        wanted.retain(|(hash, _)| is_wanted(hash));
        wanted
    }

    /// Takes in what a model has made of chunks; `None` for what it made nothing of, which is not asked again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn put_vectors(
        &self,
        made: impl IntoIterator<Item = (ChunkHash, Option<Vec<f32>>)>,
    ) -> Result<(), IndexError> {
        let is_full = {
            let mut meaning = self.meaning_mut();
            for (hash, vector) in made {
                let Some(slot) = meaning.by_hash.get(&hash).copied() else { continue };
                meaning.without.remove(&slot);
                let Some(kept) = vector.and_then(|vector| KeptVector::of(&vector)) else { continue };
                if meaning.vectors.put(slot, &kept) {
                    let KeptVector { factor, bytes } = kept;
                    meaning.vector_batch.push(VectorRow { hash, factor, bytes });
                }
            }
            meaning.vector_batch.len() >= VECTOR_BATCH
        };
        if is_full { self.flush_vectors() } else { Ok(()) }
    }

    /// Keeps the vectors that were taken in.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn flush_vectors(&self) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let mut meaning = self.meaning_mut();
        let has_many_orphans = meaning.orphans > ORPHANS_MAX;
        if has_many_orphans {
            meaning.drop_orphans();
        }
        let batch = std::mem::take(&mut meaning.vector_batch);
        let first = meaning.vector_next;
        if has_many_orphans || meaning.vector_rows >= VECTOR_ROWS_MAX {
            let rows = meaning.vector_rows();
            let rows = rows.chunks(VECTOR_BATCH).map(|some| encode(&some)).collect::<Result<Vec<_>, _>>()?;
            writer.database.write(|writes| {
                writes.remove(Table::Vectors, 0..first)?;
                (first..).zip(&rows).try_for_each(|(row, body)| writes.put(Table::Vectors, row, body))
            })?;
            meaning.vector_next = first + rows.len() as i64;
            meaning.vector_rows = rows.len();
            return Ok(());
        }
        if batch.is_empty() {
            return Ok(());
        }
        let body = encode(&batch)?;
        writer.database.write(|writes| writes.put(Table::Vectors, first, &body))?;
        meaning.vector_next += 1;
        meaning.vector_rows += 1;
        Ok(())
    }

    /// Looks for chunks by a question: by its words, by its meaning, or both in one order.
    #[must_use]
    pub fn ask(&self, question: &Question<'_>) -> Vec<ChunkHit> {
        let meaning = self.meaning();
        let is_wanted = |slot: u32| {
            let places = meaning.slot(slot).map_or(&[][..], |slot| &slot.places);
            places.iter().any(|(path, _)| (question.is_in)(path))
        };
        // Some more than asked for: what one way puts last the other may put first.
        let most = question.most.saturating_mul(4).clamp(50, QUESTION_HITS_MAX);
        let words = if question.words.is_empty() {
            Vec::new()
        } else {
            meaning.words.find(question.words, most, &is_wanted)
        };
        let near = if question.vector.is_empty() {
            Vec::new()
        } else {
            meaning.vectors.nearest(question.vector, most, &is_wanted)
        };
        let found = combined(&words, &near, WORDS_WORTH, question.most);
        let (words, near): (BTreeSet<u32>, BTreeSet<u32>) = (
            words.into_iter().map(|found| found.0).collect(),
            near.into_iter().map(|found| found.0).collect(),
        );
        meaning.hits(&found, question, |slot| (words.contains(&slot), near.contains(&slot)))
    }

    /// How many chunks there are, and how many of them have a vector.
    #[must_use]
    pub fn chunk_count(&self) -> (usize, usize) {
        let meaning = self.meaning();
        let all = meaning.slots.len() - meaning.free.len() - meaning.orphans;
        (all, all.saturating_sub(meaning.without.len()).min(meaning.vectors.len()))
    }
}
