//! What can be typed to look through a workspace.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use weft_node::api::SearchKind;

use super::FolderArgument;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft search TextDocument              where it is defined, named and used
  weft search 'where are old logs removed?'
  weft search --text 'let mut'
  weft search --regex 'fn \\w+_at\\(' ~/project
  weft search --symbol TextDocument
  weft search --file paln.md            some letters of its name, in their order

Without a word such as --text, a name is looked for among definitions, names of files and in texts; several words by what
they are about; anything else as it stands. Each file is shown once, the likeliest first, and each line says why.
Found is what the files hold now, with what was just typed and what others have typed. Nothing is found across the end
of a line.")]
#[command(group = clap::ArgGroup::new("kind"))]
pub(crate) struct SearchArguments {
    /// What to look for.
    #[arg(value_name = "QUERY", allow_hyphen_values = true)]
    pub(crate) query: String,
    /// Only in this folder of the workspace; default: the current folder.
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Look for the text as it stands.
    #[arg(long, group = "kind")]
    pub(crate) text: bool,
    /// Look for a regular expression.
    #[arg(long, group = "kind")]
    pub(crate) regex: bool,
    /// Look for something that is defined, by its name or some letters of it.
    #[arg(long, group = "kind")]
    pub(crate) symbol: bool,
    /// Look for a file, by some letters of its name.
    #[arg(long, group = "kind")]
    pub(crate) file: bool,
    /// Look for what it is about, in words, with a model on this device.
    #[arg(long, group = "kind")]
    pub(crate) meaning: bool,
    /// Take small and capital letters for the same.
    #[arg(long, short = 'i')]
    pub(crate) ignore_case: bool,
    /// Find only whole words.
    #[arg(long, short = 'w')]
    pub(crate) whole_words: bool,
    /// Show so many; 0 = as many as there may be.
    #[arg(long, short = 'n', default_value_t = 200, value_name = "N")]
    pub(crate) number: u64,
}

impl SearchArguments {
    /// What is looked for.
    pub(crate) fn kind(&self) -> SearchKind {
        match (self.text, self.regex, self.symbol, self.file, self.meaning) {
            (true, ..) => SearchKind::Text,
            (_, true, ..) => SearchKind::Regex,
            (_, _, true, ..) => SearchKind::Symbol,
            (_, _, _, true, _) => SearchKind::File,
            (.., true) => SearchKind::Meaning,
            _ => SearchKind::All,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weft replace old_name new_name
  weft replace --regex 'log\\((\\w+)\\)' 'trace($1)' ~/project/src
  weft replace TODO DONE notes.md --yes

The lines that change are shown first. Each file is changed as one edit of its document: what others type meanwhile is
merged with it, `weft blame` shows it and `weft restore` takes it back. A file that has changed since it was shown is left
alone.")]
pub(crate) struct ReplaceArguments {
    /// What to look for.
    #[arg(value_name = "PATTERN", allow_hyphen_values = true)]
    pub(crate) query: String,
    /// What is to stand in its place; with --regex, $1 and $name are what its groups found.
    #[arg(value_name = "REPLACEMENT", allow_hyphen_values = true)]
    pub(crate) replacement: String,
    /// Only in this folder or file of the workspace; default: the current folder.
    #[arg(value_name = "PATH")]
    pub(crate) folder: Option<PathBuf>,
    /// Look for a regular expression.
    #[arg(long)]
    pub(crate) regex: bool,
    /// Take small and capital letters for the same.
    #[arg(long, short = 'i')]
    pub(crate) ignore_case: bool,
    /// Find only whole words.
    #[arg(long, short = 'w')]
    pub(crate) whole_words: bool,
    /// Change everything that is shown without asking.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
The index lies sealed in the data folder (WEFT_HOME) and is made from the workspace alone: it can be deleted at any
time.")]
pub(crate) struct IndexArguments {
    #[command(subcommand)]
    pub(crate) action: Option<IndexAction>,
    #[command(flatten)]
    pub(crate) folder: FolderArgument,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IndexAction {
    /// Say how far the index is.
    Status(FolderArgument),
    /// Build the index anew.
    Rebuild(FolderArgument),
}
