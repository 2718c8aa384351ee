//! Looking through a workspace.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::replace::LeftOut;

/// Looks through the workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Search {
    /// A folder in the workspace, absolute; only what lies in it is looked through.
    pub folder: PathBuf,
    /// What to look for.
    pub query: String,
    /// As what.
    #[serde(default)]
    pub kind: SearchKind,
    /// Whether small and capital letters are the same.
    #[serde(default)]
    pub ignore_case: bool,
    /// Whether it is only found as whole words.
    #[serde(default)]
    pub whole_words: bool,
    /// At most so many hits; 0 = as many as one answer may have.
    #[serde(default)]
    pub limit: u64,
    /// Under this name lines are told as they are found, as [`super::SearchFound`]; the answer has all of them once more.
    #[serde(default)]
    pub stream: Option<String>,
}

/// What a query is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchKind {
    /// Text as it stands.
    #[default]
    Text,
    /// A regular expression.
    Regex,
    /// The name of something that is defined, or some of its letters.
    Symbol,
    /// Some letters of the name of a file.
    File,
    /// What it is about, in words: a model on this device finds what says the same.
    Meaning,
    /// In every way that fits the query, brought together by file.
    All,
}

/// What was found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SearchHits {
    /// The hits: of texts by path and line, of names and meaning the best first, of all ways the best file first.
    pub hits: Vec<SearchHit>,
    /// Whether there are more.
    pub has_more: bool,
    /// What a person should know about it: that something is not in the index yet, and what to do.
    #[serde(default)]
    pub note: Option<String>,
    /// Files that had to be read for it.
    #[serde(default)]
    pub files_read: u64,
    /// Files that the index does not know yet: a search reads them all.
    #[serde(default)]
    pub unread: u64,
    /// How long it took.
    #[serde(default)]
    pub seconds: f64,
}

/// One place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchHit {
    /// The path in the workspace.
    pub path: String,
    /// The line, from 1.
    pub line: u64,
    /// The column in Unicode code points, from 1.
    pub column: u64,
    /// The line; of a long one the part around the match.
    pub text: String,
    /// How well it fits: greater is better.
    pub score: f64,
    /// Why it was found, in a word or two.
    pub why: String,
    /// The page or the heading that it lies under, where the file has such; the line of a document that is no text file is
    /// one of its text as it was read.
    #[serde(default)]
    pub place: Option<String>,
    /// What of `text` matches, as beginnings and ends in Unicode code points.
    #[serde(default)]
    pub ranges: Vec<(u64, u64)>,
}

/// Says how far the index is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IndexStatus {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
    /// Whether to answer only when everything that is there now is in the index.
    #[serde(default)]
    pub wait: bool,
}

/// Builds the index anew; answers when it is done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IndexRebuild {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
}

/// Whether the index knows everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexState {
    /// It does.
    Ready,
    /// It is being built.
    Building,
}

/// How far the index is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IndexReport {
    /// Whether it knows everything.
    pub state: IndexState,
    /// Files of the workspace.
    pub files: u64,
    /// Those that the index does not know yet.
    pub unread: u64,
    /// Lines of text in the index.
    pub lines: u64,
    /// Definitions in the index.
    pub symbols: u64,
    /// Parts of texts, such as functions and sections, that can be found by their words.
    pub chunks: u64,
    /// Those of them that a model has read, which can be found by their meaning.
    #[serde(default)]
    pub vectors: u64,
    /// Bytes of text in the index.
    pub text_bytes: u64,
    /// Bytes of the index.
    pub bytes: u64,
    /// How long this node has worked on it.
    pub seconds: f64,
    /// Documents that are no text files, such as PDF and DOCX, whose text is in the index.
    #[serde(default)]
    pub documents: u64,
    /// Documents that have no text in the index, or not all of theirs, with the reason: the first hundred, by path.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
    /// How many those are in all.
    #[serde(default)]
    pub left_out_count: u64,
}
