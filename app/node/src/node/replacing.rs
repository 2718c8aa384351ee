//! Replacing in many files: first shown, then made as edits of their documents.
//!
//! A preview keeps nothing. Whoever applies names the texts that were shown by their hashes; what is another text by then
//! is left alone and told. On the workspace's thread nothing comes between that look and the edit, and whoever types
//! meanwhile has their edits merged with it as with anybody's.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use weft_documents::DocumentKind;
use weft_index::limits::LINE_BYTES_MAX;
use weft_index::{Pattern, PatternKind, PatternOptions};
use weft_index_disk::TextSearch;

use super::searching::{is_within, listed, not_a_pattern, told};
use super::{Shared, calls, ended, health};
use crate::api::{
    ApiError, ClientEdit, FileReplaced, FileToReplace, LeftOut, LineToReplace, ProgressSink, ReplaceApplied,
    ReplaceApply, ReplacePreviewed, ReplaceQuery,
};
use crate::workspace::thread::WorkspaceHandle;

/// Files of one preview.
const FILES_MAX: usize = 1_000;
/// Lines that are shown of one file, and of all.
const LINES_SHOWN: usize = 500;
const LINES_SHOWN_IN_ALL: usize = 5_000;
/// Places that are replaced in one file.
const MATCHES_MAX: usize = 100_000;
/// Bytes of what is to stand in the place of something.
const REPLACEMENT_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a text after it, as many as a document may have from a person.
const TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What is to be replaced, ready for use.
struct Replacing {
    pattern: Pattern,
    replacement: String,
    is_regex: bool,
}

/// What is found in a text, with what is to stand there.
type Places = Vec<(Range<usize>, String)>;

impl Replacing {
    fn new(what: &ReplaceQuery) -> Result<Self, ApiError> {
        if what.replacement.len() > REPLACEMENT_BYTES_MAX {
            return Err(ApiError::usage(format!(
                "the replacement is longer than {REPLACEMENT_BYTES_MAX} bytes"
            ))
            .data_state("nothing was changed"));
        }
        let kind = if what.is_regex { PatternKind::Regex } else { PatternKind::Literal };
        let options = PatternOptions { ignores_case: what.ignore_case, whole_words: what.whole_words };
        let pattern = Pattern::new(&what.query, kind, options).map_err(|error| not_a_pattern(&error))?;
        Ok(Self { pattern, replacement: what.replacement.clone(), is_regex: what.is_regex })
    }

    /// What changes in a text; why it cannot be changed.
    fn places(&self, text: &str) -> Result<Places, String> {
        let found =
            self.pattern.replacements(text.as_bytes(), &self.replacement, self.is_regex, MATCHES_MAX + 1);
        if found.len() > MATCHES_MAX {
            return Err(format!("it has what is looked for more than {MATCHES_MAX} times"));
        }
        let mut places = Places::with_capacity(found.len());
        let mut bytes = text.len();
        for (range, with) in found {
            let with = String::from_utf8_lossy(&with).into_owned();
            let is_cut = !text.is_char_boundary(range.start) || !text.is_char_boundary(range.end);
            if is_cut {
                return Err("the expression matches parts of letters".to_owned());
            }
            bytes = bytes - range.len() + with.len();
            if bytes > TEXT_BYTES_MAX {
                return Err("it would become larger than a text may be".to_owned());
            }
            if text[range.clone()] != with {
                places.push((range, with));
            }
        }
        Ok(places)
    }
}

fn version_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
}

pub(super) async fn preview(shared: &Arc<Shared>, what: ReplaceQuery) -> Result<ReplacePreviewed, ApiError> {
    let replacing = Arc::new(Replacing::new(&what)?);
    let (index, within) = listed(shared, &what.folder).await?;
    index.forget_folder();
    let (workspace, _, _) = shared.workspace_of(&what.folder)?;
    let of_search = Arc::clone(&replacing);
    let is_ended = super::searching::EndOnDrop::new();
    let flag = is_ended.flag();
    let found = tokio::task::spawn_blocking(move || {
        let is_in = |path: &str| is_within(path, &within);
        let search = TextSearch {
            pattern: &of_search.pattern,
            lines_max: usize::MAX,
            is_in: Some(&is_in),
            is_ended: &flag as &AtomicBool,
        };
        let read = index.for_one_search();
        let mut paths = Vec::new();
        let end = index.index().search(&search, &read, &mut |file| paths.push(file.path));
        end.map(|_| paths).map_err(|error| told(&error))
    });
    let paths = found.await.map_err(|error| ApiError::failed(error.to_string()))??;
    drop(is_ended);
    let mut previewed = ReplacePreviewed::default();
    let mut shown = 0;
    for path in paths {
        if previewed.files.len() >= FILES_MAX {
            previewed.has_more = true;
            break;
        }
        match read(&workspace, &path).await? {
            Err(why) => previewed.left_out.push(LeftOut { path: path.to_string(), why }),
            Ok(text) => match replacing.places(&text) {
                Err(why) => previewed.left_out.push(LeftOut { path: path.to_string(), why }),
                Ok(places) if places.is_empty() => {}
                Ok(places) => {
                    let most = LINES_SHOWN.min(LINES_SHOWN_IN_ALL.saturating_sub(shown));
                    let (lines, has_more) = lines_of(&text, &places, most);
                    shown += lines.len();
                    let (path, version) = (path.to_string(), version_of(&text));
                    let matches = places.len() as u64;
                    previewed.files.push(FileToReplace { path, version, matches, lines, has_more });
                }
            },
        }
    }
    Ok(previewed)
}

/// The text of a file now; why it has none that can be edited.
async fn read(workspace: &WorkspaceHandle, path: &Arc<str>) -> Result<Result<String, String>, ApiError> {
    if DocumentKind::of_path(path).is_some() {
        return Ok(Err(
            "the text of a document is found and not replaced: change it in the program it is from".into(),
        ));
    }
    let asked = Arc::clone(path);
    let text = workspace.ask(move |engine| engine.cat(&asked, None)).await.ok_or_else(ended)?;
    Ok(match text {
        Ok(text) if text.text.contains('\0') => Err("it is no text".to_owned()),
        Ok(text) => Ok(text.text),
        Err(error) => Err(error.message),
    })
}

/// The lines that change, at most so many, and whether there are more.
fn lines_of(text: &str, places: &Places, most: usize) -> (Vec<LineToReplace>, bool) {
    let mut lines: Vec<LineToReplace> = Vec::new();
    let (mut number, mut counted, mut next) = (1, 0, 0);
    while next < places.len() {
        if lines.len() >= most {
            return (lines, true);
        }
        let at = places[next].0.start;
        number += text[counted..at].matches('\n').count() as u64;
        let start = text[..at].rfind('\n').map_or(0, |before| before + 1);
        let end = text[at..].find('\n').map_or(text.len(), |after| at + after);
        let (mut new, mut done) = (String::new(), start);
        while let Some((range, with)) = places.get(next).filter(|(range, _)| range.start <= end) {
            new.push_str(&text[done..range.start]);
            new.push_str(with);
            done = range.end;
            next += 1;
        }
        new.push_str(&text[done..end]);
        let shown = |line: &str| {
            let line = line.trim_end_matches('\r');
            let end = (0..=line.len().min(LINE_BYTES_MAX)).rev().find(|end| line.is_char_boundary(*end));
            line[..end.unwrap_or(0)].to_owned()
        };
        lines.push(LineToReplace { line: number, old: shown(&text[start..end]), new: shown(&new) });
        counted = at;
    }
    (lines, false)
}

/// The edits that put everything in its place, from the last to the first, so that each is made on a text in which its own
/// place is still where it was.
fn edits_of(text: &str, places: &Places) -> Vec<ClientEdit> {
    let mut edits = Vec::with_capacity(places.len());
    let (mut at, mut bytes) = (0, 0);
    for (range, with) in places {
        at += text[bytes..range.start].chars().count() as u64;
        let delete = text[range.clone()].chars().count() as u64;
        edits.push(ClientEdit { at, delete, insert: with.clone() });
        at += delete;
        bytes = range.end;
    }
    edits.reverse();
    edits
}

pub(super) async fn apply(shared: &Arc<Shared>, request: ReplaceApply) -> Result<ReplaceApplied, ApiError> {
    let replacing = Arc::new(Replacing::new(&request.what)?);
    let (workspace, _, _) = shared.workspace_of(&request.what.folder)?;
    health::refuse_when_full(shared)?;
    // What was just saved is another text as well.
    calls::scanned(&workspace, &ProgressSink::none()).await?;
    let mut applied = ReplaceApplied::default();
    for file in request.files {
        let path: Arc<str> = file.path.as_str().into();
        let changed = "it has changed since it was shown".to_owned();
        let outcome = match read(&workspace, &path).await? {
            Ok(text) if version_of(&text) != file.version => Err(changed),
            Ok(text) => match replacing.places(&text) {
                Ok(places) => one(shared, &workspace, &path, text, &places).await?.ok_or(changed),
                Err(why) => Err(why),
            },
            Err(why) => Err(why),
        };
        match outcome {
            Ok(matches) => applied.changed.push(FileReplaced { path: file.path, matches }),
            Err(why) => applied.left_out.push(LeftOut { path: file.path, why }),
        }
    }
    Ok(applied)
}

/// Changes one file as one edit; `None` when its text is another by now.
async fn one(
    shared: &Arc<Shared>,
    workspace: &WorkspaceHandle,
    path: &Arc<str>,
    text: String,
    places: &Places,
) -> Result<Option<u64>, ApiError> {
    let edits = edits_of(&text, places);
    let matches = edits.len() as u64;
    let path = Arc::clone(path);
    let edited = workspace.ask(move |engine| {
        // Asked before the file becomes a document, which a file that is left alone need not.
        if engine.cat(&path, None)?.text != text {
            return Ok::<_, ApiError>(None);
        }
        let (_, now, _) = engine.open_text(&path)?;
        if now != text {
            return Ok(None);
        }
        engine.edit_text(&path, &edits).map(|(write, _)| Some(write))
    });
    match edited.await.ok_or_else(ended)?? {
        None => Ok(None),
        Some(write) => calls::stored(shared, workspace, write).await.map(|()| Some(matches)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replacing(query: &str, replacement: &str, is_regex: bool) -> Replacing {
        let (query, replacement) = (query.to_owned(), replacement.to_owned());
        let folder = "/".into();
        let what =
            ReplaceQuery { folder, query, replacement, is_regex, ignore_case: false, whole_words: false };
        Replacing::new(&what).unwrap_or_else(|error| panic!("{}", error.message))
    }

    fn made(text: &str, places: &Places) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        for edit in edits_of(text, places) {
            let at = edit.at as usize;
            letters.splice(at..at + edit.delete as usize, edit.insert.chars());
        }
        letters.into_iter().collect()
    }

    #[test]
    fn edits_and_shown_lines_say_the_same() {
        let text = "ä = ship;\r\nno\nship and ship\n\nship";
        let places = replacing("ship", "ßoat", false).places(text).expect("places");
        assert_eq!(made(text, &places), text.replace("ship", "ßoat"));
        let (lines, has_more) = lines_of(text, &places, 10);
        let shown: Vec<(u64, &str, &str)> =
            lines.iter().map(|line| (line.line, &*line.old, &*line.new)).collect();
        assert_eq!(
            (shown, has_more),
            (
                vec![
                    (1, "ä = ship;", "ä = ßoat;"),
                    (3, "ship and ship", "ßoat and ßoat"),
                    (5, "ship", "ßoat")
                ],
                false
            )
        );
        assert_eq!(lines_of(text, &places, 1).0.len(), 1);
        assert!(lines_of(text, &places, 1).1);
        let places = replacing(r"(\w+) and", "$1\n+", true).places(text).expect("places");
        assert_eq!(made(text, &places), "ä = ship;\r\nno\nship\n+ ship\n\nship");
        let same = replacing("ship", "ship", false).places(text).expect("places");
        assert!(same.is_empty(), "what stays as it is, is no change");
    }

    #[test]
    fn what_would_become_too_much_is_refused() {
        let many = "a".repeat(MATCHES_MAX + 1);
        assert!(replacing("a", "b", false).places(&many).is_err());
        let long = "x".repeat(REPLACEMENT_BYTES_MAX);
        let text = "a ".repeat(TEXT_BYTES_MAX / REPLACEMENT_BYTES_MAX + 1);
        assert!(replacing("a", &long, false).places(&text).is_err());
        let what = ReplaceQuery {
            folder: "/".into(),
            query: "a".into(),
            replacement: format!("{long}x"),
            is_regex: false,
            ignore_case: false,
            whole_words: false,
        };
        assert!(Replacing::new(&what).is_err());
    }
}
