//! Commands on a document.

use weft_crdt::{CharIndex, LineIndex};

use super::{Document, EditKind};
use crate::command::{Direction, EditorCommand};
use crate::commands::{self, Clip, LineOrder, Motion, Outcome, Scope};
use crate::display::Fold;
use crate::selection::{Selection, Selections};
use crate::text::ChangeSet;
use crate::view::ViewId;

/// What a command leaves to the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// This goes to the clipboard of the system; keep the clip for [`Document::paste`].
    Copy(Clip),
    /// Get the clipboard of the system and call [`Document::paste`].
    Paste,
    /// The caret moved: scroll so that it can be seen.
    Reveal,
    /// Ask for one more alternative of the ghost text, and give it to [`Document::offer_ghost`].
    MoreGhost,
}

impl Document {
    /// Runs a command in a view. Gives what is left for the window to do.
    pub fn run(&mut self, id: ViewId, command: EditorCommand) -> Vec<Effect> {
        use EditorCommand as C;
        match command {
            C::Undo => drop(self.undo(id)),
            C::Redo => drop(self.redo(id)),
            C::CursorUndo => self.cursor_undo(id),
            C::CursorRedo => self.cursor_redo(id),
            C::ShrinkSelection => self.shrink_selection(id),
            C::Copy | C::Cut => return self.copy(id, command == C::Cut),
            C::Paste => return vec![Effect::Paste],
            C::AcceptGhost(part) => drop(self.accept_ghost(id, part)),
            C::HideGhost => self.drop_ghost(),
            C::NextGhost | C::PreviousGhost => {
                let is_there = self.turn_ghost(id, command == C::NextGhost);
                return if is_there { Vec::new() } else { vec![Effect::MoreGhost] };
            }
            C::Fold | C::Unfold | C::ToggleFold | C::FoldAll | C::UnfoldAll => self.fold(id, command),
            C::ColumnSelect(direction) => self.column_select(id, direction),
            C::AddNextOccurrence | C::SkipToNextOccurrence | C::SelectAllOccurrences => {
                self.occurrences(id, command);
            }
            _ => {
                let outcome = self.with_scope(id, |scope| outcome(scope, command));
                if command == C::ExpandSelection {
                    self.note_expansion(id);
                }
                self.carry_out(id, outcome);
            }
        }
        self.reveal(id);
        vec![Effect::Reveal]
    }

    /// Types text at the cursors. A single line feed breaks the line as Enter does.
    pub fn type_text(&mut self, id: ViewId, text: &str) {
        let outcome = self.with_scope(id, |scope| commands::type_text(scope, text));
        self.carry_out(id, outcome);
        self.reveal(id);
    }

    /// Puts text from the clipboard to the cursors; with the clip that it came from each cursor gets its own piece.
    pub fn paste(&mut self, id: ViewId, text: &str, clip: Option<&Clip>) {
        let outcome = self.with_scope(id, |scope| commands::pasted(scope, text, clip));
        self.carry_out(id, outcome);
        self.reveal(id);
    }

    /// Goes to a line and a character of it.
    pub fn go_to(&mut self, id: ViewId, line: LineIndex, column: usize) {
        let outcome = self.with_scope(id, |scope| commands::go_to_line(scope, line, column));
        self.carry_out(id, outcome);
        self.reveal(id);
    }

    /// Selects a rectangle between two places given by lines and columns in cells: dragging with Alt.
    pub fn select_rectangle(&mut self, id: ViewId, from: (LineIndex, usize), to: (LineIndex, usize)) {
        let outcome = self.with_scope(id, |scope| commands::column_select(scope, from, to));
        self.carry_out(id, outcome);
        if let Some(view) = self.views.get_mut(&id) {
            view.rectangle = Some((from, to));
        }
    }

    fn with_scope<T>(&self, id: ViewId, call: impl FnOnce(&Scope<'_>) -> T) -> Option<T> {
        let view = self.views.get(&id)?;
        Some(call(&Scope {
            rope: self.buffer.rope(),
            selections: &view.selections,
            settings: self.settings,
            language: self.language,
            line_ending: self.buffer.line_ending(),
            closed: &view.closed,
            rows: &view.rows,
            page_rows: view.page_rows,
            by_word: view.by_word,
            tree: self.syntax.tree(),
        }))
    }

    fn carry_out(&mut self, id: ViewId, outcome: Option<Outcome>) {
        let Some(outcome) = outcome else { return };
        // Commands are made for the text as it is, so their changes fit.
        let is_done = self.edit(id, &outcome.change, outcome.selections.as_ref(), outcome.kind).is_ok();
        if is_done && let Some(view) = self.views.get_mut(&id) {
            view.closed.extend(outcome.closed);
            view.keep_closed_near();
        }
    }

    /// Opens the folds that hide cursors of a view.
    pub fn reveal(&mut self, id: ViewId) {
        let rope = self.buffer.rope();
        if let Some(view) = self.views.get_mut(&id) {
            for selection in view.selections.all() {
                view.rows.reveal(rope, selection.head);
            }
        }
    }

    fn cursor_undo(&mut self, id: ViewId) {
        if let Some(view) = self.views.get_mut(&id)
            && let Some(earlier) = view.earlier.pop()
        {
            view.later.push(std::mem::replace(&mut view.selections, earlier));
        }
    }

    fn cursor_redo(&mut self, id: ViewId) {
        if let Some(view) = self.views.get_mut(&id)
            && let Some(later) = view.later.pop()
        {
            view.earlier.push(std::mem::replace(&mut view.selections, later));
        }
    }

    fn note_expansion(&mut self, id: ViewId) {
        if let Some(view) = self.views.get_mut(&id) {
            view.note_expansion();
        }
    }

    fn shrink_selection(&mut self, id: ViewId) {
        if let Some(view) = self.views.get_mut(&id) {
            view.shrink();
        }
    }

    fn copy(&mut self, id: ViewId, cuts: bool) -> Vec<Effect> {
        let Some(clip) = self.with_scope(id, commands::copied) else { return Vec::new() };
        if cuts {
            let outcome = self.with_scope(id, commands::cut);
            self.carry_out(id, outcome);
        }
        vec![Effect::Copy(clip)]
    }

    fn occurrences(&mut self, id: ViewId, command: EditorCommand) {
        let by_word = self
            .views
            .get(&id)
            .is_some_and(|view| view.by_word || view.selections.all().iter().any(Selection::is_empty));
        let outcome = self.with_scope(id, |scope| match command {
            EditorCommand::SelectAllOccurrences => commands::all_occurrences(scope),
            _ => commands::add_next(scope, command == EditorCommand::SkipToNextOccurrence),
        });
        self.carry_out(id, outcome);
        if let Some(view) = self.views.get_mut(&id) {
            view.by_word = by_word;
        }
    }

    fn column_select(&mut self, id: ViewId, direction: Direction) {
        let Some(view) = self.views.get(&id) else { return };
        let rectangle = view.rectangle.or_else(|| {
            let selection = view.selections.primary();
            Some((self.line_column(selection.anchor), self.line_column(selection.head)))
        });
        let Some((from, (line, column))) = rectangle else { return };
        let last = self.buffer.len_lines() - 1;
        let to = match direction {
            Direction::Up => (LineIndex(line.0.saturating_sub(1)), column),
            Direction::Down => (LineIndex((line.0 + 1).min(last)), column),
            Direction::Left => (line, column.saturating_sub(1)),
            Direction::Right => (line, column + 1),
        };
        self.select_rectangle(id, from, to);
    }

    fn line_column(&self, at: CharIndex) -> (LineIndex, usize) {
        let line = self.buffer.line_of(at);
        let start = self.buffer.line_start(line);
        let column = crate::cells::column_of(self.buffer.line(line), at.0 - start.0, self.settings.tab_size);
        (line, column)
    }

    fn fold(&mut self, id: ViewId, command: EditorCommand) {
        let folds = self.folds();
        let rope = self.buffer.rope();
        let Some(view) = self.views.get_mut(&id) else { return };
        let line_of = |at: CharIndex| rope.char_to_line(at.0.min(rope.len_chars()));
        match command {
            EditorCommand::UnfoldAll => view.rows.unfold(rope, |_| true),
            EditorCommand::FoldAll => folds.iter().for_each(|fold| view.rows.fold(rope, *fold)),
            _ => {
                for selection in view.selections.all().to_vec() {
                    let line = line_of(selection.head);
                    let is_at = |fold: &Fold| line_of(fold.start) == line;
                    let is_closed = view.rows.folds().iter().any(is_at);
                    if is_closed && command != EditorCommand::Fold {
                        view.rows.unfold(rope, is_at);
                    } else if command != EditorCommand::Unfold {
                        // The fold that begins here, else the smallest around.
                        let around = folds.iter().filter(|fold| {
                            line_of(fold.start) <= line
                                && line <= line_of(fold.end)
                                && !view.rows.folds().contains(fold)
                        });
                        let best = around.max_by_key(|fold| line_of(fold.start)).copied();
                        if let Some(fold) = best {
                            view.rows.fold(rope, fold);
                        }
                    }
                }
            }
        }
        // No cursor stays in what is hidden.
        let moved = view.selections.map(|selection| {
            let point = view.rows.point(rope, selection.head);
            let line = line_of(selection.head);
            let shown = view.rows.visible(rope, point.row, 1);
            match shown.first() {
                Some(row) if row.line.0 != line => Selection::caret(row.end.0),
                _ => *selection,
            }
        });
        if moved != view.selections {
            view.selections = moved;
        }
    }
}

/// Commands that need nothing but the text and the cursors.
fn outcome(scope: &Scope<'_>, command: EditorCommand) -> Outcome {
    use EditorCommand as C;
    use commands::Case;
    match command {
        C::Move(Motion::Bracket) => commands::to_bracket(scope, false),
        C::Move(motion) => commands::moved(scope, motion, false),
        C::Select(motion) => commands::moved(scope, motion, true),
        C::Delete(motion) => commands::delete(scope, motion),
        C::NewLine => commands::new_line(scope),
        C::Tab => commands::tab(scope),
        C::IndentLines => commands::indent_lines(scope),
        C::OutdentLines => commands::outdent_lines(scope),
        C::InsertLineBelow => commands::insert_line(scope, true),
        C::InsertLineAbove => commands::insert_line(scope, false),
        C::DeleteLines => commands::delete_lines(scope),
        C::MoveLinesUp => commands::move_lines(scope, false),
        C::MoveLinesDown => commands::move_lines(scope, true),
        C::CopyLinesUp => commands::copy_lines(scope, false),
        C::CopyLinesDown => commands::copy_lines(scope, true),
        C::JoinLines => commands::join_lines(scope),
        C::SortLinesAscending => commands::sort_lines(scope, LineOrder::Ascending),
        C::SortLinesDescending => commands::sort_lines(scope, LineOrder::Descending),
        C::RemoveDuplicateLines => commands::remove_duplicates(scope),
        C::TrimTrailingWhitespace => commands::trim_trailing(scope),
        C::IndentationToSpaces => commands::reindent(scope, true),
        C::IndentationToTabs => commands::reindent(scope, false),
        C::ToggleLineComment => commands::toggle_line_comment(scope),
        C::ToggleBlockComment => commands::toggle_block_comment(scope, false),
        C::ToUppercase => commands::change_case(scope, Case::Upper),
        C::ToLowercase => commands::change_case(scope, Case::Lower),
        C::ToTitlecase => commands::change_case(scope, Case::Title),
        C::ToSnakecase => commands::change_case(scope, Case::Snake),
        C::ToCamelcase => commands::change_case(scope, Case::Camel),
        C::ToKebabcase => commands::change_case(scope, Case::Kebab),
        C::Transpose => commands::transpose(scope),
        C::SelectAll => commands::select_all(scope),
        C::ExpandLineSelection => commands::expand_lines(scope),
        C::ExpandSelection => Outcome::select(scope.selections.map(|one| commands::expanded(scope, one))),
        C::AddCursorAbove => commands::add_cursor_lines(scope, false),
        C::AddCursorBelow => commands::add_cursor_lines(scope, true),
        C::CursorsAtLineEnds => commands::carets_at_line_ends(scope),
        C::RemoveSecondaryCursors => Outcome::select(Selections::single(*scope.selections.primary())),
        C::CancelSelection => {
            Outcome::select(scope.selections.map(|selection| Selection::caret(selection.head.0)))
        }
        C::SelectToBracket => commands::to_bracket(scope, true),
        // The others are carried out above.
        _ => Outcome {
            change: ChangeSet::new(),
            kind: EditKind::Whole,
            ..Outcome::select(scope.selections.clone())
        },
    }
}
