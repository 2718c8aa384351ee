//! Names in code, without a language server.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::search::SearchHit;

/// Lists what a file defines, in its order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outline {
    /// The file, absolute.
    pub file: PathBuf,
}

/// What a file defines.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutlineSymbols {
    /// The symbols, as they are in the text now.
    pub symbols: Vec<OutlineSymbol>,
}

/// Something that a file defines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutlineSymbol {
    /// Its name.
    pub name: String,
    /// What it is, in a word.
    pub kind: String,
    /// The line of its name, from 1.
    pub line: u64,
    /// The column of its name in Unicode code points, from 1.
    pub column: u64,
    /// The last line of all of it.
    pub last_line: u64,
    /// How deep it lies in others.
    pub depth: u64,
}

/// Finds where the name at a place is defined.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Definition {
    /// The file, absolute.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u64,
    /// The column in Unicode code points, from 1.
    pub column: u64,
}

/// Finds where the name at a place is used: as a name, not in comments or texts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct References {
    /// The file, absolute.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u64,
    /// The column in Unicode code points, from 1.
    pub column: u64,
    /// At most so many; 0 = as many as one answer may have.
    #[serde(default)]
    pub limit: u64,
}

/// The places of a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NamePlaces {
    /// The name; empty when none stands there.
    pub name: String,
    /// The places; definitions the likeliest first.
    pub hits: Vec<SearchHit>,
    /// Whether there are more.
    pub has_more: bool,
}
