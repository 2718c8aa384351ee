//! What the index on disk is bounded by.

/// Trigrams of texts that are gathered in memory before they are written: four bytes each, and sixteen for a moment.
pub const BATCH_TRIGRAMS_MAX: usize = if cfg!(test) { 1 << 14 } else { 3 << 20 };
/// Files that are gathered before they are written.
pub const BATCH_FILES_MAX: usize = 16 * 1024;
/// Fewer files than this are written one by one, as rows of their own.
pub const SMALL_BATCH_FILES: usize = 64;
/// Rows of single files before they are made a segment.
pub const SINGLE_FILES_MAX: usize = 256;
/// Segments before they are merged.
pub const SEGMENTS_MAX: usize = 8;
/// Bytes of pages that are kept open in memory.
pub const OPEN_PAGES_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of texts that searches keep in memory, so that the next does not read them again.
pub const OPEN_TEXTS_BYTES: usize = 40 * 1024 * 1024;
/// Bytes of one text that is kept so.
pub const OPEN_TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Files that may match before two threads read them.
pub const FILES_FOR_TWO_THREADS: usize = 48;
/// How often a search begins again because the segments it looked at were merged meanwhile.
pub const SEARCH_TRIES_MAX: usize = 5;
/// Files whose symbols are written together.
pub const SYMBOL_BATCH_FILES: usize = 256;
/// Rows of symbols before they are written anew.
pub const SYMBOL_ROWS_MAX: usize = if cfg!(test) { 40 } else { 4_096 };
/// Files that one index holds; those beyond are read by each search.
pub const FILES_MAX: usize = if cfg!(test) { 20_000 } else { weft_index::limits::SEGMENT_DOCUMENTS_MAX };
/// Files whose chunks are written together.
pub const CHUNK_BATCH_FILES: usize = 256;
/// Rows of chunks before they are written anew.
pub const CHUNK_ROWS_MAX: usize = if cfg!(test) { 40 } else { 4_096 };
/// Documents whose text one index holds.
pub const DOCUMENTS_MAX: usize = if cfg!(test) { 20 } else { 20_000 };
/// Chunks that one index holds.
pub const CHUNKS_MAX: usize = if cfg!(test) { 5_000 } else { 1 << 20 };
/// Vectors that are written together.
pub const VECTOR_BATCH: usize = 256;
/// Rows of vectors before they are written anew.
pub const VECTOR_ROWS_MAX: usize = if cfg!(test) { 40 } else { 4_096 };
/// Chunks that stand nowhere any more and are remembered, as they may come back under another name.
pub const ORPHANS_MAX: usize = if cfg!(test) { 30 } else { 4_096 };
/// Chunks that each way of looking gives for one question.
pub const QUESTION_HITS_MAX: usize = 1_000;
/// Places of one chunk that are told.
pub const SAME_CHUNK_PLACES_MAX: usize = 3;
