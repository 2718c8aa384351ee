//! Searching the folder by the node's index.

use std::path::Path;

use weft_editor::search::Query;
use weft_node::api::{ApiError, Search, SearchHit, SearchKind};

use super::connect::Connection;
use super::{FolderMatch, FromLink};
use crate::limits::FOLDER_MATCHES_MAX;

/// Asks the node, which also knows what is typed and what others write.
///
/// # Errors
/// What the node says; for a folder that is no workspace, that there is none.
pub(super) async fn search(
    node: &Connection,
    root: &Path,
    query: &Query,
    number: u64,
) -> Result<FromLink, ApiError> {
    let request = Search {
        folder: root.to_owned(),
        query: query.text.clone(),
        kind: if query.is_regex { SearchKind::Regex } else { SearchKind::Text },
        ignore_case: !query.is_case_sensitive,
        whole_words: query.is_whole_word,
        limit: FOLDER_MATCHES_MAX as u64,
    };
    let found = node.ask(request).await?;
    let files = usize::try_from(found.files_read).unwrap_or(usize::MAX);
    let matches = found.hits.iter().flat_map(places).take(FOLDER_MATCHES_MAX).collect();
    Ok(FromLink::Found { number, matches, is_done: true, files })
}

/// Each place of a line.
fn places(hit: &SearchHit) -> impl Iterator<Item = FolderMatch> + '_ {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let length = hit.text.chars().count();
    // The line is shown from where it is cut, which its first place tells.
    let first = hit.ranges.first().map_or(0, |(from, _)| *from);
    let skipped = hit.column.saturating_sub(1).saturating_sub(first);
    hit.ranges.iter().map(move |(from, to)| FolderMatch {
        path: hit.path.clone(),
        line: number(hit.line.saturating_sub(1)),
        column: number(from + skipped),
        text: hit.text.clone(),
        range: number(*from).min(length)..number(*to).min(length),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_of_a_line_is_shown() {
        let hit = SearchHit {
            path: "a.txt".into(),
            line: 3,
            column: 101,
            text: "…ship, ship".into(),
            score: 1.0,
            why: "text".into(),
            place: None,
            ranges: vec![(1, 5), (7, 11)],
        };
        let found: Vec<_> = places(&hit).collect();
        assert_eq!((found[0].line, found[0].column, found[0].range.clone()), (2, 100, 1..5));
        assert_eq!((found[1].column, found[1].range.clone()), (106, 7..11));
    }
}
