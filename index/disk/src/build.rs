//! Reading files into the index.

use std::collections::BTreeSet;
use std::sync::Arc;

use weft_index::page::PagesBuilder;
use weft_index::{Extractor, FileKind, Trigram, decoded};

use crate::database::{Database, Table, page_row};
use crate::limits::{BATCH_FILES_MAX, BATCH_TRIGRAMS_MAX, SMALL_BATCH_FILES};
use crate::state::{FileRow, SegmentRow, Single, SingleRow, Version, check_of, encode};
use crate::{Index, IndexError};

/// Files that were read and are not written yet.
#[derive(Default)]
pub(crate) struct Batch {
    files: Vec<Single>,
    trigrams: usize,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.trigrams >= BATCH_TRIGRAMS_MAX || self.files.len() >= BATCH_FILES_MAX
    }
}

/// What writes.
pub(crate) struct Writer {
    pub(crate) database: Database,
    pub(crate) batch: Batch,
    extractor: Extractor,
}

impl Writer {
    pub(crate) fn new(database: Database) -> Self {
        Self { database, batch: Batch::default(), extractor: Extractor::default() }
    }
}

/// What one file of the batch becomes.
fn read(extractor: &mut Extractor, path: &str, version: Version, bytes: &[u8]) -> Single {
    let path = Arc::from(path);
    match decoded(bytes) {
        FileKind::Text(text) => {
            let lines = text.iter().filter(|byte| **byte == b'\n').count();
            let trigrams = extractor.extract(&text).to_vec();
            let size = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
            let check = check_of(&text);
            let file = FileRow { path, version, bytes: size(text.len()), lines: size(lines), check };
            Single { file, trigrams: Some(trigrams) }
        }
        FileKind::Binary | FileKind::TooLarge => {
            Single { file: FileRow { path, version, bytes: 0, lines: 0, check: 0 }, trigrams: None }
        }
    }
}

impl Index {
    /// Takes a file's bytes in. It is found by them after the next [`Index::flush`], which this calls when much has been
    /// gathered; until then it is read by each search.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn put(&self, path: &str, version: Version, bytes: &[u8]) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let writer = &mut *writer;
        let single = read(&mut writer.extractor, path, version, bytes);
        writer.batch.trigrams += single.trigrams.as_ref().map_or(0, Vec::len);
        writer.batch.files.push(single);
        if writer.batch.is_full() { self.write_batch(writer) } else { Ok(()) }
    }

    /// Writes what was taken in: durable against the end of this process when this returns.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn flush(&self) -> Result<(), IndexError> {
        self.write_batch(&mut self.writer())
    }

    pub(crate) fn write_batch(&self, writer: &mut Writer) -> Result<(), IndexError> {
        let mut batch = std::mem::take(&mut writer.batch);
        // Of several of one path the last counts.
        let mut seen = BTreeSet::new();
        batch.files.reverse();
        batch.files.retain(|single| seen.insert(Arc::clone(&single.file.path)));
        batch.files.reverse();
        match batch.files.len() {
            0 => Ok(()),
            few if few < SMALL_BATCH_FILES => self.write_singles(writer, batch.files),
            _ => self.write_segment(writer, batch.files, &[]),
        }
    }

    fn write_singles(&self, writer: &mut Writer, singles: Vec<Single>) -> Result<(), IndexError> {
        let first = self.state().next;
        let mut written = Vec::with_capacity(singles.len());
        for (number, mut single) in (first..).zip(singles) {
            if let Some(trigrams) = &mut single.trigrams {
                trigrams.sort_unstable();
            }
            written.push((number, single));
        }
        // What was known of these files by themselves is out of date.
        let paths: BTreeSet<&str> = written.iter().map(|(_, single)| &*single.file.path).collect();
        let is_old = |(_, single): &(&i64, &Arc<Single>)| paths.contains(&*single.file.path);
        let before: Vec<i64> =
            self.state().singles.iter().filter(is_old).map(|(number, _)| *number).collect();
        writer.database.write(|writes| {
            before.iter().try_for_each(|number| writes.remove(Table::Single, *number..*number + 1))?;
            written.iter().try_for_each(|(number, single)| {
                writes.put(Table::Single, *number, &encode(&SingleRow::new(single))?)
            })
        })?;
        let mut state = self.state_mut();
        before.iter().for_each(|number| drop(state.singles.remove(number)));
        for (number, single) in written {
            if state.is_wanted(&single.file) {
                state.add_single(number, single);
            }
        }
        state.next = state.next.max(first + 1);
        Ok(())
    }

    /// Writes files as a segment, in place of the rows of single files with these numbers.
    pub(crate) fn write_segment(
        &self,
        writer: &mut Writer,
        files: Vec<Single>,
        replaced: &[i64],
    ) -> Result<(), IndexError> {
        let number = self.state().next;
        let mut builder = PagesBuilder::default();
        let mut row = SegmentRow::default();
        for Single { file, trigrams } in files {
            match trigrams {
                Some(trigrams) => {
                    builder.add(&trigrams);
                    row.documents.push(file);
                }
                None => row.without_text.push(file),
            }
        }
        let pages = builder.finish();
        row.firsts = pages.firsts.iter().map(|Trigram(first)| *first).collect();
        writer.database.write(|writes| {
            for (index, page) in pages.pages.iter().enumerate() {
                writes.put(Table::Page, page_row(number, index), page)?;
            }
            replaced.iter().try_for_each(|single| writes.remove(Table::Single, *single..*single + 1))?;
            writes.put(Table::Segment, number, &encode(&row)?)
        })?;
        self.state_mut().add_wanted_segment(number, row)
    }
}
