//! Tidying up: many small parts become few large ones, and what is out of date goes.

use std::sync::Arc;

use weft_index::Trigram;
use weft_index::page::{PageLists, PagesWriter};

use crate::build::Writer;
use crate::database::{Database, Table, page_row};
use crate::limits::{SEGMENTS_MAX, SINGLE_FILES_MAX};
use crate::state::{FileRow, Place, Segment, SegmentRow, Single, encode};
use crate::{Index, IndexError};

impl Index {
    /// Brings the index into order where that is due: files by themselves become a segment, many segments one. Searches go
    /// on meanwhile; other writers wait. `true` when something was done.
    ///
    /// # Errors
    /// When the database cannot be read or written, or is damaged.
    pub fn tidy(&self) -> Result<bool, IndexError> {
        let mut writer = self.writer();
        let (singles, segments) = {
            let state = self.state();
            (state.singles.len(), state.segments.len())
        };
        if singles >= SINGLE_FILES_MAX {
            self.gather_singles(&mut writer)?;
            return Ok(true);
        }
        if segments > SEGMENTS_MAX {
            self.merge_all(&mut writer)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Makes one part of the whole index, in which every search looks once.
    ///
    /// # Errors
    /// When the database cannot be read or written, or is damaged.
    pub fn compact(&self) -> Result<(), IndexError> {
        let mut writer = self.writer();
        self.write_batch(&mut writer)?;
        self.gather_singles(&mut writer)?;
        if self.state().segments.len() > 1 {
            self.merge_all(&mut writer)?;
        }
        Ok(())
    }

    fn gather_singles(&self, writer: &mut Writer) -> Result<(), IndexError> {
        let (numbers, files) = {
            let state = self.state();
            let counts = |(number, single): &(&i64, &Arc<Single>)| {
                let place = Place::Single { number: **number, has_text: single.trigrams.is_some() };
                state.counts(&single.file.path, place)
            };
            let copy = |(_, single): (&i64, &Arc<Single>)| Single {
                file: single.file.clone(),
                trigrams: single.trigrams.clone(),
            };
            let numbers: Vec<i64> = state.singles.keys().copied().collect();
            (numbers, state.singles.iter().filter(counts).map(copy).collect::<Vec<_>>())
        };
        if numbers.is_empty() {
            return Ok(());
        }
        self.write_segment(writer, files, &numbers)?;
        let mut state = self.state_mut();
        numbers.iter().for_each(|number| drop(state.singles.remove(number)));
        Ok(())
    }

    fn merge_all(&self, writer: &mut Writer) -> Result<(), IndexError> {
        let (segments, number) = {
            let state = self.state();
            (state.segments.clone(), state.next)
        };
        let (mut row, maps) = self.survivors(&segments);
        let database = &writer.database;
        let mut sources = Vec::with_capacity(segments.len());
        for (segment, map) in segments.iter().zip(&maps) {
            sources.push(Source::start(database, segment, map)?);
        }
        // The pages are read and made first: one transaction may not be open while the other reads.
        let mut pages = PagesWriter::new(row.documents.len() as u32);
        let mut done = Vec::new();
        let mut list = Vec::new();
        while let Some(trigram) = sources.iter().filter_map(|source| source.trigram).min() {
            list.clear();
            for source in sources.iter_mut().filter(|source| source.trigram == Some(trigram)) {
                source.take(database, &mut list)?;
            }
            if !list.is_empty() {
                pages.add(trigram, &list);
                done.extend(pages.take_full());
            }
        }
        let last = pages.finish();
        done.extend(last.pages);
        row.firsts = last.firsts.iter().map(|Trigram(first)| *first).collect();
        writer.database.write(|writes| {
            for (index, page) in done.iter().enumerate() {
                writes.put(Table::Page, page_row(number, index), page)?;
            }
            writes.put(Table::Segment, number, &encode(&row)?)?;
            for segment in &segments {
                writes.remove(Table::Segment, segment.number..segment.number + 1)?;
                writes.remove(Table::Page, page_row(segment.number, 0)..page_row(segment.number + 1, 0))?;
            }
            Ok(())
        })?;
        {
            let mut state = self.state_mut();
            state.segments.retain(|segment| segments.iter().all(|gone| gone.number != segment.number));
            state.add_wanted_segment(number, row)?;
        }
        writer.database.give_space_back()
    }

    /// The files of segments that still count, and what number each has from now on.
    fn survivors(&self, segments: &[Arc<Segment>]) -> (SegmentRow, Vec<Vec<Option<u32>>>) {
        let state = self.state();
        let mut row = SegmentRow::default();
        let mut maps = Vec::with_capacity(segments.len());
        for segment in segments {
            let number = segment.number;
            let counts =
                |file: &FileRow, document| state.counts(&file.path, Place::Segment { number, document });
            let map = (0..).zip(&segment.documents).map(|(document, file)| {
                counts(file, Some(document)).then(|| {
                    row.documents.push(file.clone());
                    row.documents.len() as u32 - 1
                })
            });
            maps.push(map.collect());
            row.without_text.extend(segment.without_text.iter().filter(|file| counts(file, None)).cloned());
        }
        (row, maps)
    }
}

/// A segment that is read list by list.
struct Source<'a> {
    segment: &'a Segment,
    map: &'a [Option<u32>],
    page: Vec<u8>,
    /// The page that is open, and how much of it was read.
    at: (usize, usize),
    last: u32,
    /// The list that is next.
    trigram: Option<Trigram>,
    list: Vec<u32>,
}

impl<'a> Source<'a> {
    fn start(database: &Database, segment: &'a Segment, map: &'a [Option<u32>]) -> Result<Self, IndexError> {
        let mut source =
            Self { segment, map, page: Vec::new(), at: (0, 0), last: 0, trigram: None, list: Vec::new() };
        source.open_page(database, 0)?;
        source.step(database)?;
        Ok(source)
    }

    fn open_page(&mut self, database: &Database, page: usize) -> Result<(), IndexError> {
        self.page.clear();
        self.at = (page, 0);
        self.last = 0;
        if page < self.segment.firsts.len() {
            let row = page_row(self.segment.number, page);
            self.page = database.row(Table::Page, row)?.ok_or(IndexError::Damaged)?;
        }
        Ok(())
    }

    fn step(&mut self, database: &Database) -> Result<(), IndexError> {
        while self.at.1 >= self.page.len() {
            if self.at.0 + 1 >= self.segment.firsts.len() {
                self.trigram = None;
                return Ok(());
            }
            self.open_page(database, self.at.0 + 1)?;
        }
        let mut lists = PageLists::after(&self.page[self.at.1..], Trigram(self.last), self.segment.count());
        let trigram = lists.next_trigram().map_err(|_| IndexError::Damaged)?;
        self.list = lists.list().map_err(|_| IndexError::Damaged)?;
        self.at.1 = self.page.len() - lists.rest_len();
        self.trigram = trigram;
        self.last = trigram.map_or(0, |trigram| trigram.0);
        Ok(())
    }

    /// Hands over the documents of the list that is next, and goes on.
    fn take(&mut self, database: &Database, into: &mut Vec<u32>) -> Result<(), IndexError> {
        into.extend(
            self.list.iter().filter_map(|document| self.map.get(*document as usize).copied().flatten()),
        );
        self.step(database)
    }
}
