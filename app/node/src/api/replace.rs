//! Replacing in many files.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What is looked for, and what is to stand in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplaceQuery {
    /// A folder or a file in the workspace, absolute; only what lies in it is changed.
    pub folder: PathBuf,
    /// What to look for.
    pub query: String,
    /// What is to stand in its place. With a regular expression `$1` and `$name` are what its groups found.
    pub replacement: String,
    /// Whether the query is a regular expression.
    #[serde(default)]
    pub is_regex: bool,
    /// Whether small and capital letters are the same.
    #[serde(default)]
    pub ignore_case: bool,
    /// Whether it is only found as whole words.
    #[serde(default)]
    pub whole_words: bool,
}

/// Says what a replacement would change; changes nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReplacePreview {
    /// What to replace.
    #[serde(flatten)]
    pub what: ReplaceQuery,
}

/// What a replacement would change.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ReplacePreviewed {
    /// The files, by path.
    pub files: Vec<FileToReplace>,
    /// Whether there are more files than one preview has: they are changed by another one after this.
    pub has_more: bool,
    /// Files that have it and cannot be changed, each with the reason.
    pub left_out: Vec<LeftOut>,
}

/// What would be changed in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileToReplace {
    /// Its path in the workspace.
    pub path: String,
    /// The text that this was made of; [`ReplaceApply`] names it.
    pub version: String,
    /// How often it is found.
    pub matches: u64,
    /// The lines that change.
    pub lines: Vec<LineToReplace>,
    /// Whether more lines change than are shown.
    pub has_more: bool,
}

/// One line before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineToReplace {
    /// Its number before, from 1.
    pub line: u64,
    /// It before; of a long one the beginning.
    pub old: String,
    /// It after, which may be several lines.
    pub new: String,
}

/// A file that is not changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its path in the workspace.
    pub path: String,
    /// Why.
    pub why: String,
}

/// Makes the changes that were shown, as edits of their documents.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReplaceApply {
    /// What to replace, as it was shown.
    #[serde(flatten)]
    pub what: ReplaceQuery,
    /// The files to change, as they were shown. One whose text is another by now is left alone.
    pub files: Vec<FileVersion>,
}

/// A file as it was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileVersion {
    /// Its path in the workspace.
    pub path: String,
    /// Its version of the preview.
    pub version: String,
}

/// What was changed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ReplaceApplied {
    /// The files that were changed, by path, each with how often.
    pub changed: Vec<FileReplaced>,
    /// Files that were left alone, each with the reason.
    pub left_out: Vec<LeftOut>,
}

/// A file that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReplaced {
    /// Its path in the workspace.
    pub path: String,
    /// How often it was replaced in it.
    pub matches: u64,
}
