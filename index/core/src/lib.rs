//! What a node knows about the text of a workspace, as values: no files, no database, no threads.
//!
//! In reading order:
//! * [`limits`] what everything here is bounded by
//! * [`Trigram`] and [`Extractor`] three bytes that follow each other, and which of them a text has
//! * [`TrigramQuery`] what of them a regular expression needs, so that most texts need not be read
//! * [`Pattern`] what is looked for, and the lines of a text that have it
//! * [`page`] lists of documents by trigram, in pages that can be read one by one
//! * [`decoded`] whether a file is text, and its text
//! * [`language`] what is known of each language, and its grammar
//! * [`Fuzzy`] finding names by some of their letters
//! * [`symbols`] what a text defines, and where its names stand
//! * [`frecency`] which files a person works with
//! * [`chunk`] cutting texts into chunks, which are found by what they are about: by their words ([`words`]) and by vectors
//!   that a model makes ([`vectors`])
//! * [`markup`] HTML as people see it
//! * [`route`] what a query is, and how what several ways have found becomes one list
//! * [`Overlay`] texts as they are typed, before any file holds them
//!
//! A caller finds the documents that may match with [`TrigramQuery::evaluate`], and asks [`Pattern::lines`] for each what
//! it has. The first leaves none out that the second would find; both take the same text to be the truth.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that unwraps fails with a place"))]

pub mod chunk;
pub mod frecency;
pub mod language;
pub mod limits;
pub mod markup;
pub mod page;
pub mod route;
pub mod symbols;
pub mod syntax_errors;
pub mod vectors;
pub mod words;

mod fuzzy;
mod overlay;
mod pattern;
mod query;
mod text;
mod trigram;
mod varint;

#[cfg(test)]
mod tests;

pub use self::fuzzy::{Fuzzy, FuzzyScratch, Matched};
pub use self::overlay::{Overlay, TextEdit};
pub use self::pattern::{Line, Lines, Pattern, PatternError, PatternKind, PatternOptions, Scratch};
pub use self::query::{Documents, TrigramQuery};
pub use self::text::{FileKind, decoded};
pub use self::trigram::{Extractor, Trigram};
