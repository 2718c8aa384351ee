//! What is known of each language: comments, brackets, words that indent, keywords, and its grammar. The editor and the
//! index share it.

mod grammar;
mod table;
#[cfg(test)]
mod tests;

pub use self::grammar::{GrammarSource, grammar_source};
pub use self::table::{LANGUAGES, PLAIN};

/// A language as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language {
    /// Names it in settings: lower case.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Ends of file names, without the dot.
    pub extensions: &'static [&'static str],
    /// Whole file names.
    pub file_names: &'static [&'static str],
    /// Programs that a first line with `#!` names.
    pub programs: &'static [&'static str],
    /// What begins a comment up to the end of the line.
    pub line_comment: Option<&'static str>,
    /// What begins and ends a comment.
    pub block_comment: Option<(&'static str, &'static str)>,
    /// Brackets that are matched, closed and surround.
    pub brackets: &'static [(char, char)],
    /// Quotes that are closed and surround.
    pub quotes: &'static [char],
    /// Whether a colon at the end of a line indents the next.
    pub indents_after_colon: bool,
    /// Words at the start of a line that indent the next.
    pub indent_words: &'static [&'static str],
    /// Words that stand one step less deep than what is before them.
    pub dedent_words: &'static [&'static str],
    /// Words for the lexer that works without a grammar.
    pub keywords: &'static [&'static str],
}

impl Language {
    /// The language of a file by its name, and by its first line where the name says nothing.
    pub fn of_file(name: &str, first_line: &str) -> &'static Self {
        let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let by_name = LANGUAGES.iter().find(|language| language.file_names.contains(&base));
        if let Some(language) = by_name {
            return language;
        }
        let extension = base.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
        let by_extension = extension
            .as_deref()
            .and_then(|extension| LANGUAGES.iter().find(|language| language.extensions.contains(&extension)));
        by_extension.or_else(|| Self::of_first_line(first_line)).unwrap_or(&PLAIN)
    }

    fn of_first_line(line: &str) -> Option<&'static Self> {
        let program = line.strip_prefix("#!")?;
        let words = program.split([' ', '\t', '/']).filter(|word| !word.is_empty());
        let names: Vec<&str> = words
            .map(|word| word.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.'))
            .collect();
        LANGUAGES.iter().find(|language| language.programs.iter().any(|program| names.contains(program)))
    }

    /// The language with an id.
    pub fn by_id(id: &str) -> Option<&'static Self> {
        LANGUAGES.iter().chain([&PLAIN]).find(|language| language.id == id)
    }

    /// The language that somebody means by a name, as it is written behind a fence in Markdown: its id, the end of a file
    /// name, or another usual word.
    pub fn of_name(name: &str) -> Option<&'static Self> {
        let name = name.to_lowercase();
        let name = match name.as_str() {
            "shell" | "console" | "shell-session" | "zsh" => "bash",
            "c++" => "cpp",
            "c#" => "csharp",
            "golang" => "go",
            "jsonc" | "json5" => "json",
            "python3" => "python",
            other => other,
        };
        let by_id = LANGUAGES.iter().find(|language| language.id == name);
        by_id.or_else(|| LANGUAGES.iter().find(|language| language.extensions.contains(&name)))
    }

    /// What closes a bracket.
    pub fn closer(&self, open: char) -> Option<char> {
        self.brackets.iter().find(|(opener, _)| *opener == open).map(|(_, closer)| *closer)
    }

    /// What opens before a closing bracket.
    pub fn opener(&self, close: char) -> Option<char> {
        self.brackets.iter().find(|(_, closer)| *closer == close).map(|(opener, _)| *opener)
    }
}
