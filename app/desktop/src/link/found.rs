//! Searching the folder by the node's index, and replacing what was found.

use std::path::Path;

use weft_editor::search::Query;
use weft_node::api::{
    ApiError, Definition, ErrorKind, FileVersion, NamePlaces, References, ReplaceApplied, ReplaceApply,
    ReplacePreview, ReplacePreviewed, ReplaceQuery, Search, SearchFound, SearchHit, SearchKind,
};

use super::connect::Connection;
use super::{FolderMatch, FolderQuery, FoundAll, FromLink, NameQuestion};
use crate::limits::FOLDER_MATCHES_MAX;

/// Before the number of a search of the window in the name of its stream.
const STREAM: &str = "search-";

/// Asks the node, which also knows what is typed and what others write.
///
/// # Errors
/// What the node says; for a folder that is no workspace, that there is none.
pub(super) async fn search(
    node: &Connection,
    root: &Path,
    query: &FolderQuery,
    number: u64,
) -> Result<FoundAll, ApiError> {
    let request = Search {
        folder: root.to_owned(),
        query: query.text.clone(),
        kind: query.kind,
        ignore_case: !query.is_case_sensitive,
        whole_words: query.is_whole_word,
        limit: FOLDER_MATCHES_MAX as u64,
        stream: Some(format!("{STREAM}{number}")),
    };
    let found = node.ask(request).await?;
    // Of all ways that are no lookup in an index, only reading files is worth a word.
    let is_read = matches!(query.kind, SearchKind::Text | SearchKind::Regex);
    let files = is_read.then(|| usize::try_from(found.files_read).unwrap_or(usize::MAX));
    Ok(FoundAll { files, has_more: found.has_more, note: found.note, matches: matches_of(&found.hits) })
}

/// What a search says before its answer.
pub(super) fn so_far(found: &SearchFound) -> Option<FromLink> {
    let number = found.stream.strip_prefix(STREAM)?.parse().ok()?;
    Some(FromLink::Found { number, matches: matches_of(&found.hits) })
}

/// Whether the files can be read for it one by one, where there is no index.
pub(super) fn without_index(query: &FolderQuery) -> Option<Query> {
    let is_text = matches!(query.kind, SearchKind::Text | SearchKind::Regex | SearchKind::All);
    is_text.then(|| Query {
        text: query.text.clone(),
        is_regex: query.kind == SearchKind::Regex,
        is_case_sensitive: query.is_case_sensitive,
        is_whole_word: query.is_whole_word,
    })
}

/// Whether a failure only says that the folder is no workspace.
pub(super) fn has_no_index(error: &ApiError) -> bool {
    error.kind == ErrorKind::NotFound
}

fn matches_of(hits: &[SearchHit]) -> Vec<FolderMatch> {
    hits.iter().flat_map(places).take(FOLDER_MATCHES_MAX).collect()
}

/// Each place of a line; the line itself where nothing of it is meant more than the rest.
fn places(hit: &SearchHit) -> Vec<FolderMatch> {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let length = hit.text.chars().count();
    // The line is shown from where it is cut, which its first place tells.
    let first = hit.ranges.first().map_or(0, |(from, _)| *from);
    let skipped = hit.column.saturating_sub(1).saturating_sub(first);
    let place = |from: u64, to: u64| FolderMatch {
        path: hit.path.clone(),
        line: number(hit.line.saturating_sub(1)),
        column: number(from + skipped),
        text: hit.text.clone(),
        range: number(from).min(length)..number(to).min(length),
        why: if matches!(hit.why.as_str(), "text" | "regex") { String::new() } else { hit.why.clone() },
        place: hit.place.clone(),
    };
    // A file by its name: its letters are no places in a line of it.
    if hit.ranges.is_empty() || hit.text == hit.path {
        return vec![FolderMatch { column: number(hit.column.saturating_sub(1)), ..place(0, 0) }];
    }
    hit.ranges.iter().map(|(from, to)| place(*from, *to)).collect()
}

/// Where a name is defined or used.
pub(super) async fn named(
    node: &Connection,
    file: &Path,
    (line, column): (usize, usize),
    what: NameQuestion,
) -> Result<(String, FoundAll), ApiError> {
    let (file, line, column) = (file.to_owned(), line as u64 + 1, column as u64 + 1);
    let NamePlaces { name, hits, has_more } = match what {
        NameQuestion::Definition => node.ask(Definition { file, line, column }).await?,
        NameQuestion::References => {
            node.ask(References { file, line, column, limit: FOLDER_MATCHES_MAX as u64 }).await?
        }
    };
    Ok((name, FoundAll { matches: matches_of(&hits), has_more, ..FoundAll::default() }))
}

fn replacing(root: &Path, query: &FolderQuery, replacement: String) -> ReplaceQuery {
    ReplaceQuery {
        folder: root.to_owned(),
        query: query.text.clone(),
        replacement,
        is_regex: query.kind == SearchKind::Regex,
        ignore_case: !query.is_case_sensitive,
        whole_words: query.is_whole_word,
    }
}

/// What replacing would change.
pub(super) async fn preview(
    node: &Connection,
    root: &Path,
    query: &FolderQuery,
    replacement: String,
) -> Result<ReplacePreviewed, ApiError> {
    node.ask(ReplacePreview { what: replacing(root, query, replacement) }).await
}

/// Replaces in files as they were shown.
pub(super) async fn replace(
    node: &Connection,
    root: &Path,
    query: &FolderQuery,
    replacement: String,
    files: Vec<FileVersion>,
) -> Result<ReplaceApplied, ApiError> {
    node.ask(ReplaceApply { what: replacing(root, query, replacement), files }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(text: &str, column: u64, ranges: &[(u64, u64)]) -> SearchHit {
        SearchHit {
            path: "a.txt".into(),
            line: 3,
            column,
            text: text.into(),
            score: 1.0,
            why: "text".into(),
            place: None,
            ranges: ranges.to_vec(),
        }
    }

    #[test]
    fn each_place_of_a_line_is_shown() {
        let found = places(&hit("…ship, ship", 101, &[(1, 5), (7, 11)]));
        assert_eq!((found[0].line, found[0].column, found[0].range.clone()), (2, 100, 1..5));
        assert_eq!((found[1].column, found[1].range.clone()), (106, 7..11));
        let found = places(&hit("about ships", 1, &[]));
        assert_eq!((found.len(), found[0].column, found[0].range.clone()), (1, 0, 0..0));
        let found = places(&hit("a.txt", 1, &[(0, 1), (2, 3)]));
        assert_eq!((found.len(), found[0].column), (1, 0), "a file by its name is one place");
    }

    #[test]
    fn only_the_windows_own_searches_are_followed() {
        let told =
            |stream: &str| SearchFound { stream: stream.to_owned(), hits: vec![hit("ship", 1, &[(0, 4)])] };
        assert!(matches!(so_far(&told("search-7")), Some(FromLink::Found { number: 7, .. })));
        assert!(so_far(&told("7")).is_none() && so_far(&told("search-x")).is_none());
    }
}
