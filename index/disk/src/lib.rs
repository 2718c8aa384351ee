//! The index of a workspace on disk: one SQLite database, sealed, that may be deleted at any time.
//!
//! In reading order:
//! * [`limits`] what everything here is bounded by
//! * [`Index`] the index: what there is ([`Index::list`]), what it says ([`Index::put`], [`Index::flush`]), tidying up
//!   ([`Index::tidy`]), and what was typed and is in no file yet ([`Index::typed`])
//! * [`TextSearch`] looking for text, on any thread, while the index is built
//! * [`Index::without_symbols`], [`Index::put_symbols`] and [`Index::find_symbols`], which come after the text, and
//!   [`Index::find_files`]
//! * [`Index::put_chunks`], [`Index::put_vectors`] and [`Index::ask`]: what texts are about
//! * [`Index::put_document`]: documents that are no text files
//! * [`IndexKey`] the key of what is written
//!
//! # What may be relied on
//! * A search finds what the texts have that its caller reads, whatever the index knows of them: files it does not know
//!   yet are read. An index that is not complete, or damaged, makes a search slow and never wrong.
//! * Nothing readable lies in the database: names, texts and which trigrams there are, are sealed. How many pages and
//!   files there are, and how large, is readable.
//! * What [`Index::flush`] wrote is there after a crash of this process; an index that was cut off by a power cut is
//!   whole or rebuilt.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that unwraps fails with a place"))]

pub mod limits;

mod build;
mod database;
mod documents;
mod error;
mod index;
mod meaning;
mod merge;
mod names;
mod seal;
mod search;
mod state;
mod symbols;
#[cfg(test)]
mod tests;
mod texts;

pub use self::documents::DocumentText;
pub use self::error::IndexError;
pub use self::index::{Index, IndexStatus};
pub use self::meaning::{ChunkHash, ChunkHit, Question};
pub use self::names::FileHit;
pub use self::seal::IndexKey;
pub use self::search::{FileLines, SearchEnd, TextSearch};
pub use self::state::{Listed, Version};
