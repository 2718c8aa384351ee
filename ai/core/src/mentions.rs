//! What a question names with `@`, and which places an answer speaks of.
//!
//! `@path`, `@path:3` and `@path:3-9` name a file and its lines, also as `@file:path`; `@symbol:name` what is defined by that name;
//! `@selection` the lines that are selected; `@diff` and `@diff:path` what changed of late; `@docs` what the documents of the workspace
//! say about the question. An answer names places as `path:3` or `path:3-9`.

use crate::limits::{CITATIONS_MAX, MENTIONS_MAX};

/// Lines of a file, both counted from 1.
pub type LineRange = (usize, usize);

/// Something that a question names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mention {
    /// A file, with the lines that are meant.
    File {
        /// Its path, as it was written.
        path: String,
        /// Its lines; all of them when none are named.
        lines: Option<LineRange>,
    },
    /// What is defined by a name.
    Symbol(String),
    /// The lines that are selected.
    Selection,
    /// What changed of late, in the file of a path or anywhere.
    Diff(Option<String>),
    /// What documents say about the question.
    Docs,
}

/// The words of a question that begin with `@`, each once.
#[must_use]
pub fn mentions(question: &str) -> Vec<Mention> {
    let words = question
        .split_whitespace()
        .filter_map(|word| word.trim_start_matches(['(', '"', '\'']).strip_prefix('@'));
    let mut found: Vec<Mention> = Vec::new();
    for word in words {
        let word = word.trim_end_matches([',', '.', ';', ':', '?', '!', ')', '"', '\'']);
        let Some(mention) = mention(word).filter(|mention| !found.contains(mention)) else { continue };
        if found.len() == MENTIONS_MAX {
            break;
        }
        found.push(mention);
    }
    found
}

fn mention(word: &str) -> Option<Mention> {
    let name = |rest: &str| (!rest.is_empty()).then(|| rest.to_owned());
    if let Some(rest) = word.strip_prefix("symbol:") {
        return name(rest).map(Mention::Symbol);
    }
    if let Some(rest) = word.strip_prefix("diff:") {
        return name(rest).map(|path| Mention::Diff(Some(path)));
    }
    match word {
        "selection" => return Some(Mention::Selection),
        "diff" => return Some(Mention::Diff(None)),
        "docs" => return Some(Mention::Docs),
        _ => {}
    }
    let word = word.strip_prefix("file:").unwrap_or(word);
    let split = word.rsplit_once(':').and_then(|(path, lines)| Some((path, range(lines)?)));
    let (path, lines) = split.map_or((word, None), |(path, lines)| (path, Some(lines)));
    name(path).map(|path| Mention::File { path, lines })
}

/// The question without what it names: what it is about, in words.
#[must_use]
pub fn without_mentions(question: &str) -> String {
    let words = question
        .split_whitespace()
        .filter(|word| !word.trim_start_matches(['(', '"', '\'']).starts_with('@'));
    words.collect::<Vec<_>>().join(" ")
}

fn range(text: &str) -> Option<LineRange> {
    let number =
        |text: &str| text.trim_start_matches(['L', 'l']).parse::<usize>().ok().filter(|number| *number > 0);
    let (from, to) = text.split_once(['-', '–']).unwrap_or((text, text));
    let (from, to) = (number(from)?, number(to)?);
    (from <= to).then_some((from, to))
}

/// A place that an answer speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// The path, as it is written. Whether there is such a file is for others to say.
    pub path: String,
    /// Its lines.
    pub lines: LineRange,
}

/// The places that an answer speaks of, each once, in their order.
#[must_use]
pub fn citations(answer: &str) -> Vec<Citation> {
    let is_between = |letter: char| letter.is_whitespace() || "()[]<>{}\"'`,;*|".contains(letter);
    let mut found: Vec<Citation> = Vec::new();
    for word in answer.split(is_between) {
        let Some(citation) = citation(word).filter(|citation| !found.contains(citation)) else { continue };
        if found.len() == CITATIONS_MAX {
            break;
        }
        found.push(citation);
    }
    found
}

fn citation(word: &str) -> Option<Citation> {
    let word = word.trim_end_matches(['.', ':', '!', '?']).trim_start_matches('@');
    let (rest, last) = word.rsplit_once([':', '#'])?;
    let last = range(last)?;
    // A line and a column.
    let (path, lines) = match rest.rsplit_once(':').and_then(|(path, line)| Some((path, range(line)?))) {
        Some((path, line)) if line.0 == line.1 => (path, line),
        _ => (rest, last),
    };
    let is_path = path.contains(['.', '/']) && !path.contains("://") && path.contains(char::is_alphanumeric);
    is_path.then(|| Citation { path: path.trim_start_matches("./").to_owned(), lines })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(path: &str, lines: Option<LineRange>) -> Mention {
        Mention::File { path: path.to_owned(), lines }
    }

    #[test]
    fn questions_name_what_is_to_be_shown() {
        let found = mentions("what does @src/a.rs do, and @file:b.md:3-9? mail a@b.c, (@c.txt:7) @src/a.rs");
        assert_eq!(found, [file("src/a.rs", None), file("b.md", Some((3, 9))), file("c.txt", Some((7, 7)))]);
        let found = mentions(
            "is @selection like @symbol:Tree::insert, see @docs and @diff, not @diff:a.rs or @file:docs.",
        );
        let expected = [
            Mention::Selection,
            Mention::Symbol("Tree::insert".into()),
            Mention::Docs,
            Mention::Diff(None),
            Mention::Diff(Some("a.rs".into())),
            file("docs", None),
        ];
        assert_eq!(found, expected);
        assert_eq!(mentions("@ @symbol: @diff: a"), [file("symbol", None), Mention::Diff(None)]);
        assert_eq!(without_mentions("how is @src/a.rs built (@docs)?"), "how is built");
        let many: String = (0..=MENTIONS_MAX).map(|number| format!("@f{number} ")).collect();
        assert_eq!(mentions(&many).len(), MENTIONS_MAX);
    }

    #[test]
    fn answers_cite_places() {
        let found = citations(
            "The loop (src/main.rs:12-20) calls `lib/a.rs:7`, see **b.rs:3:14**, ./c.rs:L4-L6 and d.rs#L9. \
             Not http://a.b:80, 12:30, a.rs:0, a.rs:9-3, e:5 or src/main.rs:12-20 again.",
        );
        let expected = [
            ("src/main.rs", (12, 20)),
            ("lib/a.rs", (7, 7)),
            ("b.rs", (3, 3)),
            ("c.rs", (4, 6)),
            ("d.rs", (9, 9)),
        ];
        let expected: Vec<_> =
            expected.into_iter().map(|(path, lines)| Citation { path: path.into(), lines }).collect();
        assert_eq!(found, expected);
        let many: String = (1..=CITATIONS_MAX + 1).map(|number| format!("a.rs:{number} ")).collect();
        assert_eq!(citations(&many).len(), CITATIONS_MAX);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "([@:#.L0-9a-]|symbol:|diff|ä|\n| ){0,40}") {
            let _found = (mentions(&text), citations(&text), without_mentions(&text));
        }
    }
}
