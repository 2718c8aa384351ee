//! The search in the folder: its questions and answers.

use std::collections::BTreeSet;

use weft_node::api::{ApiError, FileVersion, ReplaceApplied, ReplacePreviewed, SearchKind};

use super::Shell;
use crate::{
    action::SearchAction,
    limits::FOLDER_MATCHES_MAX,
    link::{FolderMatch, FolderQuery, FoundAll, NameQuestion, ToLink},
    state::{FolderSearch, FoundRow, Replacing},
};

impl Shell {
    pub(super) fn search_folder(&mut self, query: FolderQuery) {
        let number = self.state.search.number + 1;
        let is_running = !query.text.is_empty();
        // Who looks for a word of the text or of quick open sees in the field what was looked for.
        self.drafts.search = query.clone();
        self.state.search =
            FolderSearch { number, query: query.clone(), is_running, ..FolderSearch::default() };
        if is_running {
            self.ask(ToLink::SearchFolder { query, number });
        }
    }

    pub(super) fn perform_search(&mut self, action: SearchAction) {
        let search = &mut self.state.search;
        match action {
            SearchAction::Fold(path) => toggle(&mut search.folded, path),
            SearchAction::Select(row) => search.selected = Some(row),
            SearchAction::Move(by) => {
                let has_gone = search.go(by);
                self.drafts.wants_search_focus |= !has_gone;
                self.drafts.shows_found |= has_gone;
            }
            SearchAction::Into => search.go_in(),
            SearchAction::Out => {
                search.go_out();
                self.drafts.shows_found = true;
            }
            SearchAction::Open => {
                let index = search.selected.map(FoundRow::index);
                if let Some(found) = index.and_then(|index| search.matches.get(index)).cloned() {
                    self.open_file(&found.path, true, Some((found.line, found.column)));
                }
            }
            SearchAction::LeaveAlone(path) => toggle(&mut search.replacing.left_alone, path),
            SearchAction::EndReplacing => search.replacing = Replacing::default(),
            SearchAction::PreviewReplacing { query, replacement } => {
                search.number += 1;
                search.query = query.clone();
                search.replacing = Replacing {
                    query: query.clone(),
                    replacement: replacement.clone(),
                    ..Replacing::default()
                };
                search.replacing.preview.ask();
                let number = search.number;
                self.ask(ToLink::PreviewReplace { query, replacement, number });
            }
            SearchAction::Replace => self.replace_shown(),
        }
    }

    /// Shows the next place that was found, or the one before. The keys stay where they are.
    pub(super) fn show_next_found(&mut self, is_forward: bool) {
        let Some(found) = self.state.search.next_place(is_forward) else { return };
        self.drafts.shows_found = true;
        let wanted_focus = self.keys.wants_editor_focus;
        self.open_file(&found.path, true, Some((found.line, found.column)));
        self.keys.wants_editor_focus = wanted_focus;
    }

    /// Replaces in the files that were shown, as they were shown.
    fn replace_shown(&mut self) {
        let search = &mut self.state.search;
        let replacing = &mut search.replacing;
        let Some(preview) = replacing.preview.value() else { return };
        let chosen = preview.files.iter().filter(|file| !replacing.left_alone.contains(&file.path));
        let files: Vec<FileVersion> = chosen
            .map(|file| FileVersion { path: file.path.clone(), version: file.version.clone() })
            .collect();
        let (query, replacement) = (replacing.query.clone(), replacing.replacement.clone());
        replacing.is_running = true;
        let number = search.number;
        self.ask(ToLink::Replace { query, replacement, files, number });
    }

    pub(super) fn found(&mut self, number: u64, matches: Vec<FolderMatch>) {
        let search = &mut self.state.search;
        if number == search.number && search.is_running {
            let room = FOLDER_MATCHES_MAX.saturating_sub(search.matches.len());
            search.matches.extend(matches.into_iter().take(room));
        }
    }

    pub(super) fn found_all(&mut self, number: u64, result: Result<FoundAll, ApiError>) {
        let search = &mut self.state.search;
        if number != search.number {
            return;
        }
        search.is_running = false;
        match result {
            Ok(all) => {
                search.take(all.matches);
                (search.files, search.has_more, search.note) = (all.files, all.has_more, all.note);
            }
            Err(error) => {
                search.matches.clear();
                search.error = Some(error);
            }
        }
    }

    pub(super) fn replacement_shown(&mut self, number: u64, result: Result<ReplacePreviewed, ApiError>) {
        if number == self.state.search.number {
            self.state.search.replacing.preview.answer(result);
        }
    }

    pub(super) fn replaced(&mut self, number: u64, result: Result<ReplaceApplied, ApiError>) {
        if number != self.state.search.number {
            return;
        }
        self.state.search.replacing = Replacing::default();
        match result {
            Ok(done) => {
                let places: u64 = done.changed.iter().map(|file| file.matches).sum();
                let files = done.changed.len();
                let hint = done.left_out.first().map(|left| {
                    let others = done.left_out.len() - 1;
                    let more = if others > 0 { format!(" and {others} more") } else { String::new() };
                    format!("{}{more} left alone: {}", left.path, left.why)
                });
                let text =
                    format!("Replaced {places} times in {files} files; undo takes back what is in open ones");
                self.state.notice(&text, hint.as_deref(), !done.left_out.is_empty());
            }
            Err(error) => self.state.notice(&error.message, error.hint.as_deref(), true),
        }
        let query = self.state.search.query.clone();
        self.search_folder(query);
    }

    /// Asks where the name at the caret is defined or used.
    pub(super) fn find_name(&mut self, what: NameQuestion) {
        let Some(folder) = &self.state.folder else { return };
        let Some(path) = folder.active_path().map(str::to_owned) else { return };
        let Some((document, view)) = folder.active() else { return };
        let Some(caret) = document.view(view).map(|view| view.selections().primary().head) else { return };
        let line = document.buffer().line_of(caret);
        let column = caret.0 - document.buffer().line_start(line).0;
        self.ask(ToLink::FindName { what, path, line: line.0, column });
    }

    /// One definition is gone to; several, and all uses, are listed.
    pub(super) fn name_found(&mut self, what: NameQuestion, result: Result<(String, FoundAll), ApiError>) {
        let (name, all) = match result {
            Ok(found) => found,
            Err(error) => return self.state.notice(&error.message, error.hint.as_deref(), true),
        };
        if name.is_empty() || all.matches.is_empty() {
            let text = match (name.as_str(), what) {
                ("", _) => "There is no name at the caret".to_owned(),
                (name, NameQuestion::Definition) => format!("Nothing in this folder defines {name}"),
                (name, NameQuestion::References) => format!("Nothing in this folder uses {name}"),
            };
            return self.state.notice(&text, None, false);
        }
        if what == NameQuestion::Definition && all.matches.len() == 1 {
            let found = &all.matches[0];
            return self.open_file(&found.path.clone(), true, Some((found.line, found.column)));
        }
        let title = match what {
            NameQuestion::Definition => format!("Definitions of {name}"),
            NameQuestion::References => format!("Uses of {name}"),
        };
        let number = self.state.search.number + 1;
        let query = FolderQuery { text: name, kind: SearchKind::Symbol, ..FolderQuery::default() };
        self.state.shows_search = true;
        self.drafts.search = query.clone();
        self.state.search = FolderSearch {
            number,
            query,
            title: Some(title),
            matches: all.matches,
            has_more: all.has_more,
            ..FolderSearch::default()
        };
    }
}

fn toggle(set: &mut BTreeSet<String>, path: String) {
    if !set.remove(&path) {
        set.insert(path);
    }
}
