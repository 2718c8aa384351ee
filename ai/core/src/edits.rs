//! From a model's answer to edits of the text that it saw.
//!
//! Two forms are read. A *range* is asked for by an edit of chosen lines: the answer is their new text, in a fence or bare. *Blocks* name
//! the old lines and the new ones, as many tools have it:
//!
//! ```text
//! <<<<<<< SEARCH
//! old lines
//! =======
//! new lines
//! >>>>>>> REPLACE
//! ```
//!
//! An edit is made against the text that the model saw, and holds only where that text is what it says. Nothing is guessed: old
//! lines that are not there, or there twice, are an error that says so.

use serde::{Deserialize, Serialize};

use crate::limits::{ANSWER_EDITS_MAX, ANSWER_FILES_MAX};

/// One replacement in the text that the model saw. Positions count Unicode code points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// From here.
    pub at: usize,
    /// This goes.
    pub old: String,
    /// This comes.
    pub new: String,
}

/// Why an answer is no edit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// There is nothing in it.
    #[error("the model's answer has no edit in it")]
    Empty,
    /// A block begins and does not end.
    #[error("the model's answer breaks off in the middle of an edit")]
    Unfinished,
    /// It has too many.
    #[error("the model's answer has more than {ANSWER_EDITS_MAX} edits")]
    TooMany,
    /// Old lines are not in the text.
    #[error("the model wants to change text that is not there: {0:?}")]
    NotThere(String),
    /// Old lines are in the text more than once.
    #[error("the model wants to change text that stands in more than one place: {0:?}")]
    Ambiguous(String),
    /// It has too many files.
    #[error("the model's answer has more than {ANSWER_FILES_MAX} files")]
    TooManyFiles,
    /// A block stands before any file.
    #[error("an edit stands before the line that names its file")]
    NoFile,
    /// Two edits change the same lines.
    #[error("two edits of the model's answer change the same lines")]
    Overlapping,
}

/// Reads the new text of a chosen range: what stands in the first fence, or all of it.
///
/// A fence is taken off with the word behind it; a line feed at the end follows the old text.
///
/// # Errors
/// When the answer has nothing, or breaks off in a fence.
pub fn rewritten(answer: &str, old: &str) -> Result<String, AnswerError> {
    let lines: Vec<&str> = answer.split_inclusive('\n').collect();
    let is_fence = |line: &&str| line.trim_start().starts_with("```");
    let mut text = match lines.iter().position(is_fence) {
        None => answer.trim_start_matches('\n').to_owned(),
        Some(start) => {
            let fence = lines[start].trim_start();
            let ticks = fence.chars().take_while(|tick| *tick == '`').count();
            let closes = |line: &&str| {
                let line = line.trim();
                line.len() >= ticks && line.chars().all(|letter| letter == '`')
            };
            let body = &lines[start + 1..];
            let end = body.iter().position(closes).ok_or(AnswerError::Unfinished)?;
            body[..end].concat()
        }
    };
    if text.trim().is_empty() && !old.trim().is_empty() && !answer.contains("```") {
        return Err(AnswerError::Empty);
    }
    let ends = |text: &str| text.ends_with('\n');
    if ends(old) && !ends(&text) && !text.is_empty() {
        text.push('\n');
    } else if !ends(old) {
        text.truncate(text.trim_end_matches('\n').len());
    }
    if uses_crlf(old) && !text.contains("\r\n") {
        text = text.replace('\n', "\r\n");
    }
    Ok(text)
}

fn uses_crlf(text: &str) -> bool {
    let lines = text.matches('\n').count();
    lines > 0 && text.matches("\r\n").count() == lines
}

/// Reads blocks, and finds their old lines in the text that the model saw.
///
/// # Errors
/// When a block is not whole, or its old lines are not there exactly once.
pub fn blocks(answer: &str, seen: &str) -> Result<Vec<Hunk>, AnswerError> {
    let mut hunks = Vec::new();
    let mut lines = answer.split_inclusive('\n');
    while let Some(line) = lines.next() {
        if !is_marker(line, "<<<<<<<", "SEARCH") {
            continue;
        }
        let old = until(&mut lines, |line| line.trim_end() == "=======")?;
        let new = until(&mut lines, |line| is_marker(line, ">>>>>>>", "REPLACE"))?;
        if hunks.len() == ANSWER_EDITS_MAX {
            return Err(AnswerError::TooMany);
        }
        hunks.push(found(old, new, seen)?);
    }
    if hunks.is_empty() {
        return Err(AnswerError::Empty);
    }
    hunks.sort_by_key(|hunk: &Hunk| hunk.at);
    let overlap = hunks.windows(2).any(|pair| pair[0].at + pair[0].old.chars().count() > pair[1].at);
    if overlap { Err(AnswerError::Overlapping) } else { Ok(hunks) }
}

/// One file of an answer that changes several: its path as the model wrote it, and the text with its blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAnswer {
    /// The path. Whether there may be such a file is for others to say.
    pub path: String,
    /// What stands below it.
    pub blocks: String,
}

/// Takes an answer apart into files: each begins with a line `FILE: path` outside of a block.
///
/// # Errors
/// When a block comes before any file, or there are too many files.
pub fn files(answer: &str) -> Result<Vec<FileAnswer>, AnswerError> {
    let mut files: Vec<FileAnswer> = Vec::new();
    let mut is_in_block = false;
    for line in answer.split_inclusive('\n') {
        let begins = is_marker(line, "<<<<<<<", "SEARCH");
        let path = line
            .trim()
            .trim_matches(['*', '#', '`'])
            .trim()
            .strip_prefix("FILE:")
            .map(|path| path.trim().trim_matches('`'));
        match path.filter(|path| !is_in_block && !path.is_empty()) {
            Some(path) => {
                if let Some(known) = files.iter().position(|file| file.path == path) {
                    // Its blocks go together.
                    let file = files.remove(known);
                    files.push(file);
                    continue;
                }
                if files.len() == ANSWER_FILES_MAX {
                    return Err(AnswerError::TooManyFiles);
                }
                files.push(FileAnswer { path: path.to_owned(), blocks: String::new() });
            }
            None => {
                is_in_block = (is_in_block || begins) && !is_marker(line, ">>>>>>>", "REPLACE");
                match files.last_mut() {
                    Some(file) => file.blocks.push_str(line),
                    None if begins => return Err(AnswerError::NoFile),
                    None => {}
                }
            }
        }
    }
    files.retain(|file| file.blocks.contains("<<<<<<<"));
    if files.is_empty() { Err(AnswerError::Empty) } else { Ok(files) }
}

/// The text after all of these edits, which are in the order of their places and do not overlap.
#[must_use]
pub fn applied(seen: &str, hunks: &[Hunk]) -> String {
    let mut letters = seen.chars();
    let mut at = 0;
    let mut text = String::new();
    for hunk in hunks {
        text.extend(letters.by_ref().take(hunk.at.saturating_sub(at)));
        let old = hunk.old.chars().count();
        letters.by_ref().take(old).for_each(drop);
        text.push_str(&hunk.new);
        at = hunk.at + old;
    }
    text.extend(letters);
    text
}

fn is_marker(line: &str, sign: &str, word: &str) -> bool {
    line.trim_end().strip_prefix(sign).is_some_and(|rest| rest.trim() == word || rest.is_empty())
}

fn until<'text>(
    lines: &mut impl Iterator<Item = &'text str>,
    is_end: impl Fn(&str) -> bool,
) -> Result<String, AnswerError> {
    let mut text = String::new();
    for line in lines {
        if is_end(line) {
            return Ok(text);
        }
        text.push_str(line);
    }
    Err(AnswerError::Unfinished)
}

/// Finds old lines as whole lines. The last line of a text may lack its line feed.
fn found(old: String, new: String, seen: &str) -> Result<Hunk, AnswerError> {
    if old.is_empty() && seen.is_empty() {
        return Ok(Hunk { at: 0, old, new });
    }
    if old.trim().is_empty() {
        return Err(AnswerError::NotThere(old));
    }
    let (old, new) = if uses_crlf(seen) && !old.contains('\r') {
        (old.replace('\n', "\r\n"), new.replace('\n', "\r\n"))
    } else {
        (old, new)
    };
    let begins_line = |at: usize| at == 0 || seen.as_bytes()[at - 1] == b'\n';
    let places = |old: &str| -> Vec<usize> {
        seen.match_indices(old).map(|(at, _)| at).filter(|at| begins_line(*at)).take(2).collect()
    };
    let exact = places(&old);
    let (at, old, new) = match exact[..] {
        [at] => (at, old, new),
        [] => {
            // At the end of a text without a last line feed.
            let bare = old.trim_end_matches(['\r', '\n']);
            let at = seen.strip_suffix(bare).map(str::len).filter(|at| begins_line(*at));
            let Some(at) = at else { return Err(AnswerError::NotThere(old)) };
            (at, bare.to_owned(), new.trim_end_matches(['\r', '\n']).to_owned())
        }
        _ => return Err(AnswerError::Ambiguous(old)),
    };
    Ok(Hunk { at: seen[..at].chars().count(), old, new })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SEEN: &str = "fn a() {\n    one();\n}\n\nfn b() {\n    two();\n    one();\n}\n";

    fn block(old: &str, new: &str) -> String {
        format!("<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n")
    }

    fn applied(seen: &str, hunks: &[Hunk]) -> String {
        let mut letters: Vec<char> = seen.chars().collect();
        for hunk in hunks.iter().rev() {
            let end = hunk.at + hunk.old.chars().count();
            assert_eq!(letters[hunk.at..end].iter().collect::<String>(), hunk.old);
            letters.splice(hunk.at..end, hunk.new.chars());
        }
        let text: String = letters.into_iter().collect();
        assert_eq!(super::applied(seen, hunks), text);
        text
    }

    #[test]
    fn answers_are_taken_apart_into_files() {
        let answer = format!(
            "Here:\nFILE: a.rs\n{}**FILE: `b/c.rs`**\n{}Again\nFILE: a.rs\n{}FILE: empty.rs\nnothing\n",
            block("1\n", "FILE: x\n"),
            block("", "new\n"),
            block("2\n", "3\n")
        );
        let found = files(&answer).expect("files");
        let paths: Vec<&str> = found.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["b/c.rs", "a.rs"]);
        assert_eq!(blocks(&found[1].blocks, "1\n2\n").map(|hunks| hunks.len()), Ok(2));
        assert_eq!(files(&block("1\n", "2\n")), Err(AnswerError::NoFile));
        assert_eq!(files("FILE: a.rs\nno block"), Err(AnswerError::Empty));
        let many = |count: usize| -> String {
            (0..count).map(|number| format!("FILE: {number}\n{}", block("1\n", "2\n"))).collect()
        };
        assert_eq!(files(&many(ANSWER_FILES_MAX)).map(|files| files.len()), Ok(ANSWER_FILES_MAX));
        assert_eq!(files(&many(ANSWER_FILES_MAX + 1)), Err(AnswerError::TooManyFiles));
    }

    #[test]
    fn blocks_are_found_and_replaced() {
        let answer = format!(
            "Sure! Here it is:\n{}And:\n{}",
            block("    two();\n", "    2;\n"),
            block("fn a() {\n", "fn z() {\n")
        );
        let hunks = blocks(&answer, SEEN).expect("two edits");
        assert_eq!(applied(SEEN, &hunks), "fn z() {\n    one();\n}\n\nfn b() {\n    2;\n    one();\n}\n");
        assert_eq!(
            applied("a\r\nb\r\n", &blocks(&block("b\n", "c\nd\n"), "a\r\nb\r\n").expect("one")),
            "a\r\nc\r\nd\r\n"
        );
        assert_eq!(applied("a\nä", &blocks(&block("ä\n", "o\n"), "a\nä").expect("one")), "a\no");
        assert_eq!(applied("", &blocks(&block("", "new\n"), "").expect("one")), "new\n");
        assert_eq!(applied("a\n", &blocks(&block("a\n", ""), "a\n").expect("one")), "");
    }

    #[test]
    fn nothing_is_guessed() {
        let error = |answer: &str| blocks(answer, SEEN).expect_err("an error");
        assert_eq!(error("I would not change anything."), AnswerError::Empty);
        assert_eq!(error(&block("three();\n", "")), AnswerError::NotThere("three();\n".into()));
        assert_eq!(error(&block("    one();\n", "")), AnswerError::Ambiguous("    one();\n".into()));
        // Whole lines only: not the end of another line.
        assert!(matches!(error(&block("two();\n", "")), AnswerError::NotThere(_)));
        assert!(matches!(error(&block("\n", "x\n")), AnswerError::NotThere(_)));
        assert_eq!(error("<<<<<<< SEARCH\nfn a() {\n=======\nfn"), AnswerError::Unfinished);
        let twice = block("fn a() {\n", "x\n").repeat(2);
        assert_eq!(error(&twice), AnswerError::Overlapping);
        let many: String =
            (0..=ANSWER_EDITS_MAX).map(|number| block(&format!("{number}\n"), "x\n")).collect();
        let seen: String = (0..=ANSWER_EDITS_MAX).map(|number| format!("{number}\n")).collect();
        assert_eq!(blocks(&many, &seen), Err(AnswerError::TooMany));
        let most: String = (0..ANSWER_EDITS_MAX).map(|number| block(&format!("{number}\n"), "x\n")).collect();
        assert_eq!(blocks(&most, &seen).map(|hunks| hunks.len()), Ok(ANSWER_EDITS_MAX));
    }

    #[test]
    fn a_rewritten_range_comes_out_of_its_fence() {
        assert_eq!(
            rewritten("```rust\nlet a = 1;\n```\nThat is it.", "let a = 0;\n"),
            Ok("let a = 1;\n".into())
        );
        assert_eq!(rewritten("let a = 1;", "let a = 0;\n"), Ok("let a = 1;\n".into()));
        assert_eq!(rewritten("let a = 1;\n\n", "let a = 0;"), Ok("let a = 1;".into()));
        assert_eq!(rewritten("a\nb", "x\r\n"), Ok("a\r\nb\r\n".into()));
        assert_eq!(rewritten("````md\n```\ncode\n```\n````", "x\n"), Ok("```\ncode\n```\n".into()));
        assert_eq!(rewritten("```rust\nlet a", "x\n"), Err(AnswerError::Unfinished));
        assert_eq!(rewritten("  \n", "x\n"), Err(AnswerError::Empty));
        assert_eq!(rewritten("```\n```", "x\n"), Ok(String::new()));
    }

    proptest! {
        #[test]
        fn no_answer_panics(answer in "(FILE: a\n|<<<<<<< SEARCH\n|=======\n|>>>>>>> REPLACE\n|```\n|[a-b\r\nä]){0,20}", seen in "[a-b\r\nä]{0,20}") {
            if let Ok(hunks) = blocks(&answer, &seen) {
                applied(&seen, &hunks);
            }
            let _text = (rewritten(&answer, &seen), files(&answer));
        }
    }
}
