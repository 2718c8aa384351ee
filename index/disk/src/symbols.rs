//! The symbols of a workspace: which texts are still to be read for them, and what they say.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::{Deserialize, Serialize};
use weft_index::symbols::{Symbol, SymbolHit, SymbolKind, SymbolReader, SymbolTable};

use crate::database::{Database, Table};
use crate::limits::{SYMBOL_BATCH_FILES, SYMBOL_ROWS_MAX};
use crate::state::{Listed, Place, Version, decode, encode, shared_text};
use crate::{Index, IndexError};

/// The symbols of one file, as they are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct FileSymbols {
    #[serde(with = "shared_text")]
    path: Arc<str>,
    version: Version,
    symbols: Vec<SymbolRow>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct SymbolRow {
    #[serde(with = "shared_text")]
    name: Arc<str>,
    kind: u8,
    line: u32,
    column: u32,
    last_line: u32,
    depth: u16,
}

impl SymbolRow {
    fn new(symbol: &Symbol) -> Self {
        let Symbol { name, kind, line, column, last_line, depth } = symbol.clone();
        Self { name, kind: kind as u8, line, column, last_line, depth }
    }

    fn read(self) -> Result<Symbol, IndexError> {
        let Self { name, kind, line, column, last_line, depth } = self;
        let kind = SymbolKind::of_number(kind).ok_or(IndexError::Damaged)?;
        Ok(Symbol { name, kind, line, column, last_line, depth })
    }
}

/// What is known of symbols.
#[derive(Default)]
pub(crate) struct Symbols {
    table: SymbolTable,
    /// What the symbols of each file were read from.
    versions: BTreeMap<Arc<str>, Version>,
    /// Files that were read and are not written yet.
    batch: Vec<FileSymbols>,
    /// The number of the next row, and how many there are.
    next: i64,
    rows: usize,
}

impl Symbols {
    fn take(&mut self, file: FileSymbols) -> Result<(), IndexError> {
        let symbols: Result<Vec<Symbol>, IndexError> =
            file.symbols.into_iter().map(SymbolRow::read).collect();
        self.table.put(&file.path, symbols?);
        self.versions.insert(file.path, file.version);
        Ok(())
    }

    /// Reads what is kept.
    pub(crate) fn load(database: &Database) -> Result<RwLock<Self>, IndexError> {
        let mut symbols = Self::default();
        database.each(Table::Symbols, |row, body| {
            symbols.rows += 1;
            symbols.next = row + 1;
            decode::<Vec<FileSymbols>>(&body)?.into_iter().try_for_each(|file| symbols.take(file))
        })?;
        Ok(RwLock::new(symbols))
    }

    /// Files that are gone have no symbols.
    pub(crate) fn keep_only(&mut self, is_there: impl Fn(&Arc<str>) -> bool) {
        let gone: Vec<Arc<str>> = self.versions.keys().filter(|path| !is_there(path)).cloned().collect();
        gone.iter().for_each(|path| self.forget(path));
    }

    /// Whether the symbols of a text were read.
    pub(crate) fn is_read(&self, path: &str, version: Version) -> bool {
        self.versions.get(path) == Some(&version)
    }

    pub(crate) fn forget(&mut self, path: &Arc<str>) {
        self.versions.remove(path);
        self.table.remove(path);
    }
}

impl Index {
    pub(crate) fn symbols(&self) -> RwLockReadGuard<'_, Symbols> {
        self.symbols.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn symbols_mut(&self) -> RwLockWriteGuard<'_, Symbols> {
        self.symbols.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Files whose symbols are to be read, at most so many.
    #[must_use]
    pub fn without_symbols(&self, most: usize) -> Vec<Listed> {
        let (state, symbols) = (self.state(), self.symbols());
        let has_text = |place| {
            matches!(place, Place::Segment { document: Some(_), .. } | Place::Single { has_text: true, .. })
        };
        let wanted = state.files.iter().filter(|(path, file)| {
            has_text(file.place)
                && symbols.versions.get(*path) != Some(&file.version)
                && SymbolReader::knows(path)
        });
        wanted
            .take(most)
            .map(|(path, file)| Listed { path: Arc::clone(path), version: file.version })
            .collect()
    }

    /// Takes the symbols of a file in: they are found at once, and kept after the next [`Index::flush_symbols`], which
    /// this calls when many have been gathered.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn put_symbols(&self, path: &str, version: Version, symbols: Vec<Symbol>) -> Result<(), IndexError> {
        let rows = symbols.iter().map(SymbolRow::new).collect();
        let is_full = {
            let mut known = self.symbols_mut();
            let path: Arc<str> = path.into();
            known.table.put(&path, symbols);
            known.versions.insert(Arc::clone(&path), version);
            known.batch.push(FileSymbols { path, version, symbols: rows });
            known.batch.len() >= SYMBOL_BATCH_FILES
        };
        if is_full { self.flush_symbols() } else { Ok(()) }
    }

    /// Keeps the symbols that were taken in.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn flush_symbols(&self) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let (batch, row, is_full) = {
            let mut symbols = self.symbols_mut();
            if symbols.batch.is_empty() {
                return Ok(());
            }
            let row = symbols.next;
            symbols.next += 1;
            symbols.rows += 1;
            (std::mem::take(&mut symbols.batch), row, symbols.rows > SYMBOL_ROWS_MAX)
        };
        if is_full {
            return self.rewrite_symbols(&mut writer.database);
        }
        let body = encode(&batch)?;
        writer.database.write(|writes| writes.put(Table::Symbols, row, &body))
    }

    /// Writes all symbols anew: many rows of single files, of which most are out of date, become few.
    fn rewrite_symbols(&self, database: &mut Database) -> Result<(), IndexError> {
        let mut symbols = self.symbols_mut();
        let files: Vec<FileSymbols> = symbols
            .versions
            .iter()
            .map(|(path, version)| FileSymbols {
                path: Arc::clone(path),
                version: *version,
                symbols: symbols.table.outline(path).iter().map(SymbolRow::new).collect(),
            })
            .collect();
        let first = symbols.next;
        let rows: Vec<Vec<u8>> =
            files.chunks(SYMBOL_BATCH_FILES).map(encode_files).collect::<Result<_, IndexError>>()?;
        database.write(|writes| {
            writes.remove(Table::Symbols, 0..first)?;
            (first..).zip(&rows).try_for_each(|(row, body)| writes.put(Table::Symbols, row, body))
        })?;
        symbols.next = first + rows.len() as i64;
        symbols.rows = rows.len();
        Ok(())
    }

    /// The symbols whose name fits best, at most so many, and whether there are more.
    #[must_use]
    pub fn find_symbols(&self, query: &str, most: usize) -> (Vec<SymbolHit>, bool) {
        self.symbols().table.find(query, most)
    }

    /// Where a name is defined, the nearest to a file first.
    #[must_use]
    pub fn definitions(&self, name: &str, asking: &str) -> Vec<SymbolHit> {
        self.symbols().table.definitions(name, asking)
    }

    /// The symbols of a file, in their order, as it was when it was read last.
    #[must_use]
    pub fn outline(&self, path: &str) -> Vec<Symbol> {
        self.symbols().table.outline(path).to_vec()
    }

    /// How many symbols are known.
    #[must_use]
    pub fn symbol_count(&self) -> usize {
        self.symbols().table.len()
    }
}

fn encode_files(files: &[FileSymbols]) -> Result<Vec<u8>, IndexError> {
    encode(&files)
}
