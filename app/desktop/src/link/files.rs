//! What is read from the folder itself: names for the tree and quick open, and texts for searches.

use std::{
    fs,
    path::{Path, PathBuf},
};

use weft_editor::{
    Buffer,
    search::{Pattern, Query},
    window::Entry,
};
use weft_node::api::ApiError;

use super::{FolderMatch, FoundAll, FromLink, NewsSender};
use crate::limits::{FOLDER_MATCHES_MAX, LISTED_FILES_MAX, RESULT_LINE_CHARS_MAX, SEARCHED_FILE_BYTES_MAX};

/// What never stands in the tree: it is not shared, and nobody edits it by hand.
const HIDDEN: [&str; 3] = [".git", ".hg", ".svn"];
/// How files begin that a node is just writing; in a moment they have their real names.
const UNFINISHED: &str = ".weft-tmp-";
/// How many folders are offered while a path is typed.
const OFFERED_MAX: usize = 8;
/// How many files are searched before their results are told.
const FILES_STEP: usize = 64;

pub(super) fn is_hidden(name: &str) -> bool {
    HIDDEN.contains(&name) || name.starts_with(UNFINISHED)
}

/// What is in a folder.
pub(super) fn read_folder(root: &Path, path: &str) -> Result<Vec<Entry>, String> {
    let entries = fs::read_dir(root.join(path)).map_err(|error| error.to_string())?;
    let mut list = Vec::new();
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if is_hidden(&name) {
            continue;
        }
        // A link is shown as what it leads to; one that leads nowhere as a file.
        let is_folder = entry.path().is_dir();
        list.push(Entry { name, is_folder });
    }
    Ok(list)
}

/// Whether a path that is being typed is a folder, and which folders go on from it.
pub(super) fn look_at(path: &str) -> (bool, Vec<PathBuf>) {
    let typed = Path::new(path.trim());
    let (folder, start) = match path.ends_with(std::path::MAIN_SEPARATOR) {
        true => (typed, String::new()),
        false => {
            let name = typed.file_name().map(|name| name.to_string_lossy().to_lowercase());
            (typed.parent().unwrap_or(typed), name.unwrap_or_default())
        }
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let fitting = entries.filter(|entry| {
        let name = entry.file_name().to_string_lossy().to_lowercase();
        // Hidden folders are offered to who begins with a dot.
        name.starts_with(&start) && (start.starts_with('.') || !name.starts_with('.'))
    });
    let mut folders: Vec<PathBuf> = fitting
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() && path != typed)
        .take(LISTED_FILES_MAX)
        .collect();
    folders.sort();
    folders.truncate(OFFERED_MAX);
    (typed.is_absolute() && typed.is_dir(), folders)
}

/// All files of a folder, without those that are ignored, by their paths with slashes.
pub(super) fn list(root: &Path) -> Vec<String> {
    kept(walk(root).filter_map(|path| relative(root, &path)))
}

/// As many as the window knows of, in order.
fn kept(paths: impl Iterator<Item = String>) -> Vec<String> {
    let mut paths: Vec<String> = paths.take(LISTED_FILES_MAX).collect();
    paths.sort();
    paths
}

fn walk(root: &Path) -> impl Iterator<Item = PathBuf> {
    let walker = ignore::WalkBuilder::new(root)
        .hidden(false)
        .require_git(false)
        .add_custom_ignore_filename(".weftignore")
        .filter_entry(|entry| !entry.file_name().to_str().is_some_and(is_hidden))
        .build();
    walker
        .flatten()
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .map(ignore::DirEntry::into_path)
}

fn relative(root: &Path, path: &Path) -> Option<String> {
    let path = path.strip_prefix(root).ok()?;
    let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
    parts.map(|parts| parts.join("/"))
}

/// Looks for a text in all files, and tells what is found piece by piece.
pub(super) fn search(
    root: &Path,
    query: &Query,
    number: u64,
    is_current: &dyn Fn() -> bool,
    news: &NewsSender,
) {
    let pattern = match Pattern::new(query) {
        Ok(pattern) => pattern,
        Err(error) => {
            let result = Err(ApiError::usage(error.to_string()));
            news.offer(FromLink::FoundAll { number, result });
            return;
        }
    };
    let (mut found, mut told, mut total, mut files) = (Vec::new(), 0, 0, 0);
    for path in walk(root).take(LISTED_FILES_MAX) {
        if !is_current() {
            return;
        }
        if let Some(name) = relative(root, &path)
            && let Some(text) = text_of(&path)
        {
            total += places(&pattern, &name, &text, FOLDER_MATCHES_MAX - total, &mut found);
        }
        files += 1;
        if total >= FOLDER_MATCHES_MAX {
            break;
        }
        if files % FILES_STEP == 0 && found.len() > told {
            news.offer(FromLink::Found { number, matches: found[told..].to_vec() });
            told = found.len();
        }
    }
    let has_more = total >= FOLDER_MATCHES_MAX;
    let all = FoundAll { matches: found, files: Some(files), has_more, note: None };
    news.offer(FromLink::FoundAll { number, result: Ok(all) });
}

fn text_of(path: &Path) -> Option<String> {
    let length = fs::metadata(path).ok()?.len();
    if length > SEARCHED_FILE_BYTES_MAX {
        return None;
    }
    let text = String::from_utf8(fs::read(path).ok()?).ok()?;
    (!text.contains('\0')).then_some(text)
}

fn places(pattern: &Pattern, path: &str, text: &str, limit: usize, out: &mut Vec<FolderMatch>) -> usize {
    let buffer = Buffer::new(text);
    let found = pattern.find_all(buffer.rope(), limit);
    for range in &found {
        let line = buffer.line_of(range.start.into());
        let start = buffer.line_start(line).0;
        let column = range.start - start;
        // A place far behind in a long line is shown with what stands before it.
        let skipped = column.saturating_sub(RESULT_LINE_CHARS_MAX / 2);
        let shown: String = buffer.line(line).chars().skip(skipped).take(RESULT_LINE_CHARS_MAX).collect();
        let length = shown.chars().count();
        let from = (column - skipped).min(length);
        let to = (from + range.len()).min(length);
        let place = FolderMatch {
            path: path.to_owned(),
            line: line.0,
            column,
            text: shown,
            range: from..to,
            ..FolderMatch::default()
        };
        out.push(place);
    }
    found.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_long_lines_are_shown_with_what_is_around_them() {
        let text = format!("short needle\n{}needle{}\n", "a".repeat(1_000), "b".repeat(1_000));
        let query = Query { text: "needle".to_owned(), ..Query::default() };
        let pattern = Pattern::new(&query).unwrap();
        let mut found = Vec::new();
        assert_eq!(places(&pattern, "f", &text, 10, &mut found), 2);
        for place in &found {
            let chars: Vec<char> = place.text.chars().collect();
            assert!(chars.len() <= RESULT_LINE_CHARS_MAX);
            assert_eq!(chars[place.range.clone()].iter().collect::<String>(), "needle");
        }
        assert_eq!((found[1].line, found[1].column), (1, 1_000));
        found.clear();
        assert_eq!(places(&pattern, "f", &text, 1, &mut found), 1, "up to the limit");
    }

    #[test]
    fn the_list_leaves_out_what_is_ignored_and_large_files_are_not_searched() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("src/.git")).unwrap();
        fs::create_dir_all(root.join("target")).unwrap();
        for (name, text) in [
            (".gitignore", "target\n"),
            ("src/a.rs", "x"),
            ("src/.git/b", "x"),
            ("target/c", "x"),
            ("src/.weft-tmp-1", "x"),
        ] {
            fs::write(root.join(name), text).unwrap();
        }
        assert_eq!(list(root), [".gitignore", "src/a.rs"]);
        let names: Vec<String> =
            read_folder(root, "src").unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["a.rs"]);
        assert!(read_folder(root, "nowhere").is_err());
        let large = root.join("large");
        fs::File::create(&large).unwrap().set_len(SEARCHED_FILE_BYTES_MAX + 1).unwrap();
        assert_eq!(text_of(&large), None);
        assert_eq!(text_of(&root.join("src/a.rs")).as_deref(), Some("x"));
    }

    #[test]
    fn lists_and_searches_end_at_their_limits() {
        let names = (0..=LISTED_FILES_MAX).map(|number| number.to_string());
        assert_eq!(kept(names).len(), LISTED_FILES_MAX);
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("many"), "x\n".repeat(FOLDER_MATCHES_MAX + 1)).unwrap();
        let (mut link, far) = crate::link::Link::pair();
        let query = Query { text: "x".to_owned(), ..Query::default() };
        search(folder.path(), &query, 7, &|| true, &far.news);
        let found = link.take();
        let Some(FromLink::FoundAll { number: 7, result: Ok(all) }) = found else { panic!("{found:?}") };
        assert_eq!((all.matches.len(), all.files, all.has_more), (FOLDER_MATCHES_MAX, Some(1), true));
    }
}
