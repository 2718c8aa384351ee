//! What the index is bounded by.

/// Bytes of a file that is indexed and searched; larger ones are named in the status.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Bytes at the start of a file in which a zero byte makes it binary, as for ripgrep.
pub const BINARY_LOOK_BYTES: usize = 64 * 1024;
/// Bytes of what is looked for.
pub const PATTERN_BYTES_MAX: usize = 4 * 1024;
/// Bytes that a compiled regular expression may take.
pub const PATTERN_PROGRAM_BYTES_MAX: usize = 10 * 1024 * 1024;
/// How deep groups of a regular expression may lie in each other.
pub const PATTERN_DEPTH_MAX: u32 = 100;
/// Bytes of a line that are shown around a match.
pub const LINE_BYTES_MAX: usize = 512;
/// Matches within a line that are marked.
pub const LINE_MATCHES_MAX: usize = 64;
/// Letters that a place in a regular expression may stand for before the place is left out of the plan.
pub const CLASS_LETTERS_MAX: usize = 16;
/// Texts that three places may stand for before they are left out of the plan.
pub const WINDOW_TEXTS_MAX: usize = 128;
/// Bytes of a page of posting lists before the next begins.
pub const PAGE_BYTES: usize = 8 * 1024;
/// Documents in a segment of the index.
pub const SEGMENT_DOCUMENTS_MAX: usize = 1 << 20;
/// Texts that are held in memory as they are typed; the one that was typed in longest ago goes to the index first.
pub const OVERLAY_TEXTS_MAX: usize = 256;
/// Bytes of all of them.
pub const OVERLAY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How much of a word of a query counts, in characters, and how many words.
pub const FUZZY_QUERY_CHARS_MAX: usize = 64;
/// How much of a name is looked at, in characters from its end.
pub const FUZZY_NAME_CHARS_MAX: usize = 512;
/// Bytes of a text whose symbols are read.
pub const SYMBOL_TEXT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Symbols of one text.
pub const SYMBOLS_PER_TEXT_MAX: usize = 20_000;
/// Bytes of a symbol's name.
pub const SYMBOL_NAME_BYTES_MAX: usize = 200;
/// How deep a syntax tree is looked into.
pub const SYMBOL_DEPTH_MAX: usize = 512;
/// Names that are looked at more closely for one search of symbols.
pub const SYMBOL_MATCHES_MAX: usize = 10_000;
/// Files whose visits are known.
pub const FRECENCY_FILES_MAX: usize = 2_000;
/// Lines of a chunk.
pub const CHUNK_LINES_MAX: usize = 60;
/// Chunks of one text.
pub const CHUNKS_PER_TEXT_MAX: usize = 2_000;
/// Bytes of a chunk that a model reads: what the small ones are made for, 256 tokens of code.
pub const CHUNK_TEXT_BYTES_MAX: usize = 1_000;
/// Different words of a chunk.
pub const CHUNK_WORDS_MAX: usize = 48;
/// Words of a question.
pub const QUESTION_WORDS_MAX: usize = 64;
/// Numbers of a vector.
pub const VECTOR_NUMBERS_MAX: usize = 4_096;
/// Syntax errors of a text that are told.
pub const SYNTAX_ERRORS_MAX: usize = 100;
