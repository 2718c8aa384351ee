//! What a model is shown of other files while it completes: what is defined by the names near the cursor, parts of the workspace
//! that are like the place, and what this person has just edited elsewhere.
//!
//! It is gathered rarely and stays the same while somebody types at one place: it stands at the beginning of the prompt, and what
//! a model has computed for that is used again. It never waits for the index to be built, and no file with secrets is in it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use weft_ai::request::Snippet;
use weft_index_disk::Question;
use weft_sync::ids::WorkspaceId;

use super::super::{Shared, searching};
use crate::{mirror::is_secret, workspace::thread::WorkspaceHandle};

/// Files whose surroundings are kept.
const KEPT_MAX: usize = 16;
/// They are gathered anew when the cursor has moved by so many lines,
const LINES_OF_ONE_PLACE: u64 = 24;
/// and after so long.
const AGE_MAX: Duration = Duration::from_secs(90);
/// How long gathering may take: ghost text does not wait for it.
const GATHER_TIME_MAX: Duration = Duration::from_millis(80);
/// Lines before and behind the cursor whose names are looked up.
const NEAR_BEFORE: usize = 24;
const NEAR_BEHIND: usize = 6;
/// Names that are looked up,
const NAMES_MAX: usize = 24;
/// the shortest of them,
const NAME_CHARS_MIN: usize = 3;
/// and definitions that are shown.
const DEFINITIONS_MAX: usize = 4;
/// A name that is defined more often than that says nothing.
const MEANINGS_MAX: usize = 3;
/// Lines of a definition, and of a part that is alike.
const DEFINITION_LINES_MAX: u32 = 14;
const ALIKE_LINES_MAX: u32 = 24;
/// Parts that are alike.
const ALIKE_MAX: usize = 2;
/// Edits in other files that are remembered,
const EDITS_MAX: usize = 32;
/// how many of them are shown,
const EDITS_SHOWN: usize = 2;
/// the lines around each,
const EDIT_LINES: usize = 6;
/// and for how long.
const EDIT_AGE_MAX: Duration = Duration::from_secs(900);

/// A place in a file, by lines from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    path: String,
    from: usize,
    to: usize,
}

struct Kept {
    line: u64,
    since: Instant,
    snippets: Vec<Snippet>,
}

/// What was gathered, and where this device's programs edited last.
#[derive(Default)]
pub(super) struct Surroundings {
    kept: BTreeMap<(WorkspaceId, String), Kept>,
    edits: VecDeque<(WorkspaceId, String, u64, Instant)>,
}

impl Surroundings {
    fn get(&self, ws: WorkspaceId, path: &str, line: u64, now: Instant) -> Option<Vec<Snippet>> {
        let kept = self.kept.get(&(ws, path.to_owned()))?;
        let is_near = kept.line.abs_diff(line) < LINES_OF_ONE_PLACE;
        (is_near && now.duration_since(kept.since) < AGE_MAX).then(|| kept.snippets.clone())
    }

    fn put(&mut self, ws: WorkspaceId, path: &str, line: u64, now: Instant, snippets: &[Snippet]) {
        let key = (ws, path.to_owned());
        if self.kept.len() >= KEPT_MAX && !self.kept.contains_key(&key) {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.since).map(|(key, _)| key.clone());
            oldest.and_then(|oldest| self.kept.remove(&oldest));
        }
        self.kept.insert(key, Kept { line, since: now, snippets: snippets.to_vec() });
    }

    fn note(&mut self, ws: WorkspaceId, path: &str, at: u64, now: Instant) {
        self.edits.retain(|(of, file, ..)| (*of, file.as_str()) != (ws, path));
        self.edits.push_back((ws, path.to_owned(), at, now));
        if self.edits.len() > EDITS_MAX {
            self.edits.pop_front();
        }
    }

    /// Where other files were edited of late, the last one last.
    fn edited(&self, ws: WorkspaceId, but: &str, now: Instant) -> Vec<(String, u64)> {
        let fits = |(of, file, _, since): &&(WorkspaceId, String, u64, Instant)| {
            *of == ws && file != but && now.duration_since(*since) < EDIT_AGE_MAX && !is_secret(file)
        };
        let mut last: Vec<_> = self.edits.iter().rev().filter(fits).take(EDITS_SHOWN).collect();
        last.reverse();
        last.into_iter().map(|(_, file, at, _)| (file.clone(), *at)).collect()
    }
}

impl super::Ai {
    /// A program has edited a file at a character: whoever completes another one is shown that.
    pub(in crate::node) fn note_edit(&self, ws: WorkspaceId, path: &str, at: u64) {
        self.surroundings().note(ws, path, at, Instant::now());
    }
}

/// What a model is shown of other files at a line of a text. What is likely to change least comes first.
pub(super) async fn around(
    shared: &Arc<Shared>,
    workspace: &WorkspaceHandle,
    root: PathBuf,
    path: &str,
    (text, line): (&str, u64),
) -> Vec<Snippet> {
    let (ws, now) = (workspace.ws, Instant::now());
    if let Some(kept) = shared.ai.surroundings().get(ws, path, line, now) {
        return kept;
    }
    let Some(index) = shared.indexes.begun(ws) else {
        // The next time there is one.
        let shared = Arc::clone(shared);
        tokio::spawn(async move { searching::listed(&shared, &root).await.map(drop) });
        return Vec::new();
    };
    let names = names_near(text, usize::try_from(line).unwrap_or(usize::MAX));
    let edited = shared.ai.surroundings().edited(ws, path, now);
    let of_index = path.to_owned();
    let looked = tokio::task::spawn_blocking(move || {
        let index = index.index();
        let mut parts = alike(&|question| index.ask(question), &names, &of_index);
        let mut defined = Vec::new();
        for name in &names {
            let found = index.definitions(name, &of_index);
            // What is defined in the same file is near enough, and a name of many things says nothing.
            let is_told = found.len() <= MEANINGS_MAX && found.iter().all(|hit| *hit.path != *of_index);
            let Some(hit) = found.first().filter(|hit| is_told && !is_secret(&hit.path)) else { continue };
            let to = hit.symbol.last_line.min(hit.symbol.line.saturating_add(DEFINITION_LINES_MAX - 1));
            let part = Part { path: hit.path.to_string(), from: hit.symbol.line as usize, to: to as usize };
            defined.push(part);
            if defined.len() == DEFINITIONS_MAX {
                break;
            }
        }
        // The nearest name stands nearest to the cursor.
        parts.extend(defined.into_iter().rev());
        parts
    });
    let parts = match tokio::time::timeout(GATHER_TIME_MAX, looked).await {
        Ok(Ok(parts)) => parts,
        _ => return Vec::new(),
    };
    let snippets = workspace.ask(move |engine| {
        let mut text_of = |path: &str| engine.cat(path, None).ok().map(|cat| cat.text);
        snippets(&mut text_of, parts, edited)
    });
    let snippets = snippets.await.unwrap_or_default();
    shared.ai.surroundings().put(ws, path, line, now, &snippets);
    snippets
}

/// Parts of other files that have many of these names.
fn alike(
    ask: &dyn Fn(&Question<'_>) -> Vec<weft_index_disk::ChunkHit>,
    names: &[String],
    path: &str,
) -> Vec<Part> {
    let words = names.join(" ");
    if words.is_empty() {
        return Vec::new();
    }
    let is_in = |other: &str| other != path && !is_secret(other);
    let found = ask(&Question { words: &words, vector: &[], most: ALIKE_MAX, is_in: &is_in });
    let part = |hit: weft_index_disk::ChunkHit| {
        let to = hit.chunk.last_line.min(hit.chunk.first_line.saturating_add(ALIKE_LINES_MAX - 1));
        Part { path: hit.path.to_string(), from: hit.chunk.first_line as usize, to: to as usize }
    };
    // The one that is most alike comes last.
    found.into_iter().rev().map(part).collect()
}

/// The texts of parts, without those that lie in others, and then of edits.
fn snippets(
    text_of: &mut dyn FnMut(&str) -> Option<String>,
    mut parts: Vec<Part>,
    edited: Vec<(String, u64)>,
) -> Vec<Snippet> {
    let mut texts: BTreeMap<String, Option<String>> = BTreeMap::new();
    let paths: BTreeSet<&String> =
        parts.iter().map(|part| &part.path).chain(edited.iter().map(|it| &it.0)).collect();
    for path in paths {
        texts.insert(path.clone(), text_of(path));
    }
    for (path, at) in edited {
        let Some(Some(text)) = texts.get(&path) else { continue };
        let line =
            1 + text.chars().take(usize::try_from(at).unwrap_or(usize::MAX)).filter(|it| *it == '\n').count();
        parts.push(Part { path, from: line.saturating_sub(EDIT_LINES).max(1), to: line + EDIT_LINES });
    }
    let mut made = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let holds = |other: &Part| other.path == part.path && other.from <= part.from && part.to <= other.to;
        let is_told = parts
            .iter()
            .enumerate()
            .any(|(other, it)| holds(it) && (it != part || other > index) && other != index);
        let Some(Some(text)) = texts.get(&part.path).filter(|_| !is_told) else { continue };
        let count = (part.to + 1).saturating_sub(part.from);
        let lines: String =
            text.split_inclusive('\n').skip(part.from.saturating_sub(1)).take(count).collect();
        if !lines.trim().is_empty() {
            made.push(Snippet { name: part.path.clone(), text: lines.trim_end().to_owned() });
        }
    }
    made
}

/// Names in the lines around a line, those that stand nearest first.
fn names_near(text: &str, line: usize) -> Vec<String> {
    let at = line.saturating_sub(1);
    let lines: Vec<(usize, &str)> = text.lines().enumerate().collect();
    let from = at.saturating_sub(NEAR_BEFORE).min(lines.len());
    let to = (at + NEAR_BEHIND + 1).min(lines.len());
    let mut near: Vec<(usize, &str)> = lines[from..to].to_vec();
    near.sort_by_key(|(number, _)| number.abs_diff(at));
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut names: Vec<String> = Vec::new();
    for word in near.iter().flat_map(|(_, line)| line.split(|letter| !is_letter(letter))) {
        let is_name = word.chars().count() >= NAME_CHARS_MIN && !word.starts_with(|it: char| it.is_numeric());
        if is_name && !names.iter().any(|name| name == word) {
            names.push(word.to_owned());
        }
        if names.len() == NAMES_MAX {
            break;
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const WS: WorkspaceId = WorkspaceId::from_bytes([1; 32]);

    fn snippet(name: &str, text: &str) -> Snippet {
        Snippet { name: name.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn what_was_gathered_stays_while_the_place_is_the_same() {
        let (mut surroundings, now) = (Surroundings::default(), Instant::now());
        surroundings.put(WS, "a", 100, now, &[snippet("b", "x")]);
        assert!(surroundings.get(WS, "a", 100 + LINES_OF_ONE_PLACE - 1, now).is_some());
        assert!(surroundings.get(WS, "a", 100 - LINES_OF_ONE_PLACE, now).is_none());
        assert!(surroundings.get(WS, "a", 100, now + AGE_MAX).is_none());
        assert!(surroundings.get(WS, "b", 100, now).is_none());
        for number in 0..KEPT_MAX {
            surroundings.put(WS, &number.to_string(), 1, now + Duration::from_millis(1), &[]);
        }
        assert!(surroundings.kept.len() == KEPT_MAX && surroundings.get(WS, "a", 100, now).is_none());
    }

    #[test]
    fn edits_in_other_files_are_remembered_for_a_while_and_no_secrets() {
        let (mut surroundings, now) = (Surroundings::default(), Instant::now());
        for (number, path) in ["a", "b", ".env", "c", "b"].into_iter().enumerate() {
            surroundings.note(WS, path, number as u64, now);
        }
        let told = |surroundings: &Surroundings, but, now| -> Vec<String> {
            surroundings.edited(WS, but, now).into_iter().map(|(path, _)| path).collect()
        };
        assert_eq!(told(&surroundings, "x", now), ["c", "b"]);
        assert_eq!(told(&surroundings, "b", now), ["a", "c"]);
        assert!(told(&surroundings, "x", now + EDIT_AGE_MAX).is_empty());
        for number in 0..=EDITS_MAX {
            surroundings.note(WS, &format!("f{number}"), 0, now);
        }
        assert_eq!(surroundings.edits.len(), EDITS_MAX);
    }

    #[test]
    fn names_are_those_around_the_nearest_first() {
        let text = "far_away\nlet total = first(one, 12);\n\nlet x = second_name;\n";
        assert_eq!(names_near(text, 4), ["let", "second_name", "total", "first", "one", "far_away"]);
        assert!(names_near("", 1).is_empty() && names_near("abc", 99).is_empty());
        let many: String = (0..99).map(|number| format!("name{number}\n")).collect();
        assert!(names_near(&many, 50).len() <= NAMES_MAX);
    }

    #[test]
    fn a_part_that_lies_in_another_is_shown_once() {
        let text: String = (1..=30).map(|line| format!("line {line}\n")).collect();
        let part = |from, to| Part { path: "b".to_owned(), from, to };
        let mut text_of = |path: &str| (path == "b").then(|| text.clone());
        let parts = vec![part(1, 10), part(2, 3), part(20, 21), part(20, 21)];
        let edited = vec![("b".to_owned(), text.chars().count() as u64), ("gone".to_owned(), 3)];
        let made = snippets(&mut text_of, parts, edited);
        let firsts: Vec<&str> = made.iter().map(|it| it.text.lines().next().unwrap_or_default()).collect();
        assert_eq!(firsts, ["line 1", "line 20", "line 25"]);
    }
}
