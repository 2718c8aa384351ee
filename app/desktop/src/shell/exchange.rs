//! What the node has to learn after a frame, and what is to be made away from the window.

use std::{collections::BTreeMap, time::Duration};

use eframe::egui::Context;
use weft_editor::{
    CharIndex, OwnCursors,
    window::{GroupId, QuickQuery},
};
use weft_node::api::{ClientEdit, CursorPosition};

use super::Shell;
use crate::link::ToLink;

/// How long nothing is sent of a document of which the node has refused an edit.
const PAUSE: f64 = 2.0;
/// How many lines are measured in one frame while there is time.
const MEASURED_LINES: usize = 20_000;

/// What was sent last.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    cursor: Option<(u64, OwnCursors)>,
    /// Until when nothing is sent of a document.
    paused: BTreeMap<String, f64>,
}

impl Exchange {
    /// Sends the edits of a document again: it was opened anew.
    pub(super) fn resume(&mut self, path: &str) {
        self.paused.remove(path);
    }

    /// Waits a little before the edits of a document are sent again.
    pub(super) fn pause(&mut self, path: &str, now: f64) {
        self.paused.insert(path.to_owned(), now + PAUSE);
    }
}

impl Shell {
    pub(super) fn exchange(&mut self, ctx: &Context) {
        self.send_edits();
        self.send_what_waited();
        self.exchange_local(ctx);
        self.send_cursor();
        self.ask_for_trees();
        self.ask_for_outline();
        self.ask_for_ghosts(ctx);
        self.measure(ctx);
        let now = self.state.now;
        if let Some(first) = self.exchange.paused.values().copied().reduce(f64::min) {
            ctx.request_repaint_after(Duration::from_secs_f64((first - now).max(0.01)));
        }
    }

    pub(super) fn send_edits(&mut self) {
        let now = self.state.now;
        self.exchange.paused.retain(|_, until| *until > now);
        let Some(folder) = &mut self.state.folder else { return };
        let (link, paused) = (&self.link, &self.exchange.paused);
        for (path, file) in folder.files.iter_mut() {
            let Some(number) = file.number().filter(|_| !paused.contains_key(path)) else { continue };
            let Some(document) = file.document_mut() else { continue };
            let Some(outgoing) = document.outgoing() else { continue };
            let edits = outgoing.edits.into_iter().map(|edit| ClientEdit {
                at: edit.at.0 as u64,
                delete: edit.delete as u64,
                insert: edit.insert,
            });
            let request = ToLink::EditDocument {
                path: path.to_owned(),
                document: number,
                revision: outgoing.revision,
                edits: edits.collect(),
                model: outgoing.model.map(|model| model.to_string()),
            };
            if link.ask(request).is_err() {
                // There is no room now; the next frame sends it.
                document.refused();
            }
        }
    }

    fn send_cursor(&mut self) {
        let Some(folder) = &self.state.folder else { return };
        let Some(file) = folder.active_path().and_then(|path| folder.files.get(path)) else { return };
        let view = file.view(folder.layout.focused());
        let Some(((document, view), number)) = file.document().zip(view).zip(file.number()) else { return };
        let Some(own) = document.cursors_for_others(view) else { return };
        if self.exchange.cursor.as_ref().is_some_and(|(of, told)| *of == number && *told == own) {
            return;
        }
        let position = |(anchor, head): &(CharIndex, CharIndex)| CursorPosition {
            head: head.0 as u64,
            anchor: anchor.0 as u64,
        };
        let request = ToLink::MoveCursor {
            document: number,
            revision: own.revision,
            cursor: position(&own.primary),
            others: own.others.iter().map(position).collect(),
        };
        self.exchange.cursor = Some((number, own));
        // One that finds no room is told with the next movement.
        let _missed = self.link.ask(request);
    }

    /// Asks what the text defines while somebody looks for it there: in a large one that takes longer than a frame.
    fn ask_for_outline(&mut self) {
        if !matches!(self.state.quick_query(), Some(QuickQuery::Symbol(_))) {
            return;
        }
        let Some(folder) = &mut self.state.folder else { return };
        let Some((path, document)) = folder.active_path().zip(folder.active().map(|(document, _)| document))
        else {
            return;
        };
        let of = (path.to_owned(), document.version(), document.trees());
        let Some(tree) = document.syntax().filter(|_| folder.outline.asked.as_ref() != Some(&of)) else {
            return;
        };
        let request =
            ToLink::Outline { of: of.clone(), tree: tree.clone(), buffer: document.buffer().clone() };
        if self.link.ask(request).is_ok() {
            folder.outline.asked = Some(of);
        }
    }

    /// Asks for syntax trees of what is shown, and drops those of what is not.
    fn ask_for_trees(&mut self) {
        let Some(folder) = &mut self.state.folder else { return };
        let layout = &folder.layout;
        let groups = layout.order();
        let is_shown = |path: &str| {
            groups.iter().any(|group| {
                layout.group(*group).and_then(|tabs| tabs.active()).is_some_and(|tab| tab.path == path)
            })
        };
        for (path, file) in folder.files.iter_mut() {
            let Some(document) = file.document_mut() else { continue };
            if !is_shown(path) {
                if document.syntax().is_some() {
                    document.drop_syntax();
                }
            } else if let Some(job) = document.parse_job() {
                // Without a tree the text has the colours of the lexer.
                let _later = self.link.ask(ToLink::Parse { path: path.to_owned(), job });
            }
        }
    }

    /// Wraps lines as the settings say, and measures some more of them.
    fn measure(&mut self, ctx: &Context) {
        let settings = &self.state.settings;
        let wrap = settings.text("editor.word_wrap");
        let column = usize::try_from(settings.integer("editor.wrap_column")).unwrap_or(80);
        let Some(folder) = &mut self.state.folder else { return };
        let groups: Vec<GroupId> = folder.layout.order();
        for group in groups {
            let Some(path) =
                folder.layout.group(group).and_then(|tabs| tabs.active()).map(|tab| tab.path.clone())
            else {
                continue;
            };
            let columns = self.editors.get(&(group, path)).map(|editor| editor.columns_shown());
            let Some((document, view)) = folder.of_group_mut(group) else { continue };
            let wanted = match wrap.as_str() {
                "window" => columns.filter(|columns| *columns > 0),
                "column" => Some(column),
                _ => None,
            };
            if document.view(view).is_some_and(|view| view.rows().wrap_columns() != wanted) {
                document.set_wrap(view, wanted);
                ctx.request_repaint();
            }
            if document.measure_rows(view, MEASURED_LINES) {
                ctx.request_repaint();
            }
        }
    }
}
