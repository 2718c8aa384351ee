//! An open document: its text, the views on it, and what one person can take back.

mod find;
mod ghost;
mod history;
mod link;
mod people;
mod pointer;
mod run;
mod scrolling;
mod syntax;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ropey::Rope;
use weft_crdt::{CharIndex, Patch};

use self::ghost::Ghost;
use self::history::{History, Step};
use self::link::{Link, Origin};
use crate::commands::EditSettings;
use crate::language::{Language, PLAIN};
use crate::selection::{Selection, Selections};
use crate::syntax::SyntaxState;
use crate::text::{Buffer, ChangeSet, OutOfBounds};
use crate::view::{View, ViewId};

pub use self::ghost::{GhostPart, GhostText};
pub use self::link::{LinkError, Outgoing};
pub use self::people::{OwnCursors, Person, Whereabouts};
pub use self::pointer::Grain;
pub use self::run::Effect;
pub use self::scrolling::Reveal;

/// What an edit is to the undo history: like ones that follow each other are taken back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditKind {
    /// Characters were typed.
    Typing,
    /// A word was begun: joins nothing before it, and what is typed next joins it.
    TypingWord,
    /// Characters were deleted one by one.
    Deleting,
    /// Everything else.
    Whole,
}

impl EditKind {
    fn joins(self, last: Self) -> bool {
        match self {
            Self::Typing => matches!(last, Self::Typing | Self::TypingWord),
            Self::Deleting => last == Self::Deleting,
            Self::TypingWord | Self::Whole => false,
        }
    }
}

/// An open document.
///
/// Everything that changes the text goes through here: edits of this person through [`Document::edit`] and the
/// commands, those of others through [`Document::changed`]. After each, send what [`Document::outgoing`] gives.
#[derive(Debug, Clone)]
pub struct Document {
    buffer: Buffer,
    /// Counts every change of the text.
    version: u64,
    views: BTreeMap<ViewId, View>,
    next_view: u64,
    history: History,
    /// The view and kind of the last edit, while nothing else happened there.
    open_group: Option<(ViewId, EditKind)>,
    link: Link,
    language: &'static Language,
    settings: EditSettings,
    syntax: SyntaxState,
    /// Counts the trees that were made.
    trees: u64,
    people: Vec<Person>,
    /// Where is looked for something, when not everywhere.
    find_scope: Option<Selection>,
    /// Cursors of others in a revision that is not here yet.
    waiting_people: Option<(u64, Vec<Whereabouts>)>,
    /// What a model proposes at the caret.
    ghost: Option<Ghost>,
    /// Counts edits of this person that no undo made.
    own_edits: u64,
    /// Where the last of them left the caret.
    last_edit: Option<(ViewId, CharIndex)>,
}

impl Document {
    /// Opens a document as the node gave it.
    pub fn new(text: &str, revision: u64) -> Self {
        let buffer = Buffer::new(text);
        let link = Link::new(&buffer, revision);
        Self {
            buffer,
            version: 0,
            views: BTreeMap::new(),
            next_view: 0,
            history: History::default(),
            open_group: None,
            link,
            language: &PLAIN,
            settings: EditSettings::default(),
            syntax: SyntaxState::default(),
            trees: 0,
            people: Vec::new(),
            find_scope: None,
            waiting_people: None,
            ghost: None,
            own_edits: 0,
            last_edit: None,
        }
    }

    /// The text.
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// Counts changes of the text, whoever made them.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Opens a view at the start of the text.
    pub fn add_view(&mut self) -> ViewId {
        let id = ViewId(self.next_view);
        self.next_view += 1;
        self.views.insert(id, View::new(self.buffer.rope(), self.settings.tab_size));
        id
    }

    /// Closes a view.
    pub fn remove_view(&mut self, id: ViewId) {
        self.views.remove(&id);
    }

    /// A view.
    pub fn view(&self, id: ViewId) -> Option<&View> {
        self.views.get(&id)
    }

    /// A view, to scroll it.
    pub fn view_mut(&mut self, id: ViewId) -> Option<&mut View> {
        self.views.get_mut(&id)
    }

    /// Moves the cursors of a view; those beyond the end are at the end.
    pub fn select(&mut self, id: ViewId, selections: &Selections) {
        let length = self.buffer.len_chars();
        if let Some(view) = self.views.get_mut(&id) {
            view.select(selections.clamped(length));
        }
        if self.open_group.is_some_and(|(view, _)| view == id) {
            self.open_group = None;
        }
    }

    /// Makes an edit of this person. The cursors of the view become `selections`, or stand behind what was inserted at
    /// them; every other view follows.
    pub fn edit(
        &mut self,
        id: ViewId,
        change: &ChangeSet,
        selections: Option<&Selections>,
        kind: EditKind,
    ) -> Result<(), OutOfBounds> {
        self.edit_of(id, change, selections, kind, None)
    }

    /// The same, with the model that wrote what is inserted.
    fn edit_of(
        &mut self,
        id: ViewId,
        change: &ChangeSet,
        selections: Option<&Selections>,
        kind: EditKind,
        origin: Origin,
    ) -> Result<(), OutOfBounds> {
        if change.is_empty() {
            if let Some(selections) = selections {
                self.select(id, selections);
            }
            return Ok(());
        }
        let before = self.selections(id);
        let inverse = self.change_own(id, change, origin.clone())?;
        let length = self.buffer.len_chars();
        let after = selections.map_or_else(|| before.behind(change), |selections| selections.clamped(length));
        self.place(id, after);
        let joins_last = self.open_group.is_some_and(|(view, last)| view == id && kind.joins(last));
        self.history.record(inverse, before, origin, joins_last);
        self.open_group = Some((id, kind));
        self.note_edit(id);
        Ok(())
    }

    fn selections(&self, id: ViewId) -> Selections {
        self.views.get(&id).map(|view| view.selections.clone()).unwrap_or_default()
    }

    fn place(&mut self, id: ViewId, selections: Selections) {
        if let Some(view) = self.views.get_mut(&id) {
            view.selections = selections;
        }
    }

    /// Changes the text for this person and gives what takes it back.
    fn change_own(
        &mut self,
        id: ViewId,
        change: &ChangeSet,
        origin: Origin,
    ) -> Result<ChangeSet, OutOfBounds> {
        let old = self.buffer.rope().clone();
        self.buffer.apply(change)?;
        let inverse = change.inverted(&old);
        self.link.local(change, origin);
        self.follow(&old, change, Some(id));
        Ok(inverse)
    }

    /// Everything that hangs on the text follows a change.
    fn follow(&mut self, old: &Rope, change: &ChangeSet, own: Option<ViewId>) {
        self.version += 1;
        self.move_people(change);
        self.move_find_scope(change);
        self.follow_ghost(change, own);
        self.syntax.follow(old, self.buffer.rope(), change, self.version);
        for (id, view) in &mut self.views {
            view.follow(old, self.buffer.rope(), change, own == Some(*id));
        }
    }

    /// The language of the text.
    pub fn language(&self) -> &'static Language {
        self.language
    }

    /// Sets the language.
    pub fn set_language(&mut self, language: &'static Language) {
        if language != self.language {
            self.language = language;
            self.syntax.clear();
        }
    }

    /// How the text is edited.
    pub fn settings(&self) -> EditSettings {
        self.settings
    }

    /// Sets how the text is edited.
    pub fn set_settings(&mut self, settings: EditSettings) {
        self.settings = settings;
        for view in self.views.values_mut() {
            let columns = view.rows.wrap_columns();
            view.rows.set_wrap(self.buffer.rope(), columns, settings.tab_size);
        }
    }

    /// Sets where a view wraps its lines.
    pub fn set_wrap(&mut self, id: ViewId, columns: Option<usize>) {
        if let Some(view) = self.views.get_mut(&id) {
            view.rows.set_wrap(self.buffer.rope(), columns, self.settings.tab_size);
        }
    }

    /// Measures some rows of a view that are not measured yet, for when there is time. Tells whether there are more.
    pub fn measure_rows(&mut self, id: ViewId, lines_max: usize) -> bool {
        self.views.get_mut(&id).is_some_and(|view| view.rows.measure(self.buffer.rope(), lines_max))
    }

    /// Tells whether this person can take something back.
    pub fn can_undo(&self) -> bool {
        self.history.can_undo()
    }

    /// Tells whether this person can do something again.
    pub fn can_redo(&self) -> bool {
        self.history.can_redo()
    }

    /// Takes the last edit of this person back; what others did stays. `false` when there is none.
    pub fn undo(&mut self, id: ViewId) -> bool {
        let Some(step) = self.history.undo() else { return false };
        let before = self.selections(id);
        // Taking back is the person's own.
        if let Some(inverse) = self.take_step(id, &step, None) {
            self.history.undid(inverse, before, step.origin);
        }
        true
    }

    /// Does again what the last undo took back. `false` when there is nothing.
    pub fn redo(&mut self, id: ViewId) -> bool {
        let Some(step) = self.history.redo() else { return false };
        let before = self.selections(id);
        if let Some(inverse) = self.take_step(id, &step, step.origin.clone()) {
            self.history.redid(inverse, before, step.origin);
        }
        true
    }

    fn take_step(&mut self, id: ViewId, step: &Step, origin: Origin) -> Option<ChangeSet> {
        self.open_group = None;
        // The history is moved over everything that happened, so its changes fit.
        let inverse = self.change_own(id, &step.change, origin).ok()?;
        // Cursors of another text are worth keeping only as far as they still fit; what changed is shown otherwise.
        let selections = match step.change.regions().first() {
            Some(first) if step.selections.count() == 1 => {
                let behind = first.new.end;
                let primary = step.selections.primary();
                let is_near = (first.new.start..=behind).contains(&primary.head.0);
                if is_near { step.selections.clone() } else { caret(behind) }
            }
            _ => step.selections.clone(),
        };
        self.place(id, selections.clamped(self.buffer.len_chars()));
        Some(inverse)
    }

    /// Others changed the text: `document.changed` of the node. On an error the text is as it was, and the document
    /// must be opened again.
    pub fn changed(&mut self, revision: u64, patches: &[Patch]) -> Result<(), LinkError> {
        let change = self.link.changed(revision, patches)?;
        self.change_others(&change);
        self.take_waiting_people();
        Ok(())
    }

    /// The document was opened again; what was not sent stays.
    pub fn reopened(&mut self, text: &str, revision: u64) {
        let change = self.link.reopened(text, revision);
        self.change_others(&change);
        self.take_waiting_people();
    }

    fn change_others(&mut self, change: &ChangeSet) {
        let old = self.buffer.rope().clone();
        if change.is_empty() || self.buffer.apply(change).is_err() {
            return;
        }
        self.history.others(change);
        self.follow(&old, change, None);
    }

    /// What to send to the node now. Nothing while an answer is awaited.
    pub fn outgoing(&mut self) -> Option<Outgoing> {
        self.link.outgoing()
    }

    /// The node took what was sent.
    pub fn acknowledged(&mut self, revision: u64) {
        self.link.acknowledged(revision);
        self.take_waiting_people();
    }

    /// The node did not take what was sent; [`Document::outgoing`] gives it again.
    pub fn refused(&mut self) {
        self.link.refused();
    }

    /// Tells whether there is something that [`Document::outgoing`] gives now or after the next answer.
    pub fn has_unsent(&self) -> bool {
        self.link.has_unsent()
    }

    /// Tells whether the node lacks an edit of this person.
    pub fn is_behind(&self) -> bool {
        self.link.is_behind()
    }

    /// A place in the text as the node knows it, with the revision that it belongs to. Exact where the node lacks nothing.
    pub fn at_node(&self, at: CharIndex) -> (u64, CharIndex) {
        self.link.at_node(at)
    }

    /// A position cut to the text.
    pub fn clamp(&self, at: CharIndex) -> CharIndex {
        at.min(CharIndex(self.buffer.len_chars()))
    }
}

fn caret(at: usize) -> Selections {
    Selections::single(crate::selection::Selection::caret(at))
}
