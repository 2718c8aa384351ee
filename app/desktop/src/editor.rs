//! The text: only the rows that can be seen are laid out, whatever the size of the file.

mod access;
mod ghost;
mod gutter;
mod paint;
mod people;
mod pointer;
mod rows;
mod scroll_bar;

use std::{collections::BTreeMap, time::Duration};

use eframe::egui::{self, Id, Rect, Response, Sense, Ui, pos2, vec2};
use weft_editor::{
    CharIndex, Document, GhostText, View, ViewId,
    window::{FindBar, GroupId},
};
use weft_node::api::BlameLines;

use self::{
    ghost::Gap,
    pointer::Pressed,
    rows::{RowTexts, ShownRow},
};
use crate::{
    action::{Action, Actions, EditorAction},
    limits::BLINK_TIME,
    tokens::{self, Tokens},
};

/// Seconds for which the caret is seen, and then not, while it blinks.
const BLINK: f64 = 0.53;

/// The id under which the text of a group has the focus.
pub(crate) fn id_of(group: GroupId) -> Id {
    Id::unique(("editor", group.0))
}

/// What of the settings changes how a text is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EditorLook {
    pub(crate) has_line_numbers: bool,
    pub(crate) has_guides: bool,
    pub(crate) marks_brackets: bool,
    pub(crate) blinks: bool,
    pub(crate) whitespace: Whitespace,
    pub(crate) shows_people: bool,
    pub(crate) shows_names: bool,
    /// Seconds for which a name is shown after its cursor moved.
    pub(crate) name_seconds: f64,
}

/// Where white space is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whitespace {
    Nowhere,
    Selected,
    Everywhere,
}

/// What one editor shows.
pub(crate) struct EditorScene<'a> {
    pub(crate) document: &'a Document,
    pub(crate) view: &'a View,
    pub(crate) view_id: ViewId,
    pub(crate) group: GroupId,
    pub(crate) path: &'a str,
    pub(crate) tokens: &'a Tokens,
    pub(crate) look: EditorLook,
    /// The find bar, where its places are marked.
    pub(crate) find: Option<&'a FindBar>,
    pub(crate) blame: Option<&'a BlameLines>,
    pub(crate) now: f64,
    pub(crate) now_millis: i64,
    pub(crate) may_write: bool,
    /// What a model proposes at the caret.
    pub(crate) ghost: Option<GhostText<'a>>,
}

/// What an editor keeps from frame to frame. Nothing of it is worth saving.
#[derive(Debug, Default)]
pub(crate) struct EditorWidget {
    /// How far the text is scrolled to the right, in points.
    left: f32,
    reveals_column: bool,
    rows_shown: f64,
    columns_shown: usize,
    texts: RowTexts,
    /// When a key was pressed last.
    last_key: f64,
    preedit: String,
    pressed: Pressed,
    /// Where the cursors of others were, and since when.
    moved: BTreeMap<String, (CharIndex, f64)>,
    /// The widest row that was seen, for scrolling to the right.
    widest: f32,
}

/// Where things are in this frame.
#[derive(Debug, Clone, Copy)]
struct Places {
    /// Everything.
    all: Rect,
    gutter: Rect,
    text: Rect,
    scroll_bar: Rect,
    row_height: f32,
    char_width: f32,
    /// The row at the upper edge.
    top: f64,
    /// Where the text begins, with what is scrolled away.
    left: f32,
    /// Rows that are left free for ghost text.
    gap: Option<Gap>,
}

impl Places {
    /// The upper edge of a row.
    fn y(&self, row: usize) -> f32 {
        let free = self.gap.filter(|gap| row > gap.below).map_or(0, |gap| gap.rows);
        self.text.top() + (((row + free) as f64 - self.top) * f64::from(self.row_height)) as f32
    }

    /// The row at a height, which may be a fraction or outside the text.
    fn row_at(&self, y: f32) -> f64 {
        let row = self.top + f64::from((y - self.text.top()) / self.row_height);
        match self.gap {
            // What is drawn in the gap belongs to the row above.
            Some(gap) if row >= gap.below as f64 + 1.0 => {
                (row - gap.rows as f64).max(gap.below as f64 + 0.999)
            }
            _ => row,
        }
    }
}

impl EditorWidget {
    /// How many rows there is room for.
    pub(crate) fn rows_shown(&self) -> f64 {
        if self.rows_shown > 0.0 { self.rows_shown } else { 40.0 }
    }

    /// How many characters of usual width there is room for; 0 before the first frame.
    pub(crate) fn columns_shown(&self) -> usize {
        self.columns_shown
    }

    /// Scrolls to the side, when it is drawn, so that the caret can be seen.
    pub(crate) fn reveal_column(&mut self) {
        self.reveals_column = true;
    }

    /// The caret is seen for a while from now on.
    pub(crate) fn note_key(&mut self, now: f64) {
        self.last_key = now;
    }

    /// How many rows are kept from earlier frames.
    #[cfg(test)]
    pub(crate) fn kept_rows(&self) -> usize {
        self.texts.count()
    }

    /// Sets what the input method shows at the caret.
    pub(crate) fn set_preedit(&mut self, text: String) {
        self.preedit = text;
    }

    /// Draws the text and asks for what the pointer does.
    pub(crate) fn ui(&mut self, ui: &mut Ui, scene: &EditorScene<'_>, actions: &mut Actions) {
        let (all, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
        let id = id_of(scene.group);
        let response = ui.interact(all, id, Sense::click_and_drag());
        let mut places = self.place(ui, scene, all);
        let first = places.top.floor() as usize;
        let count = self.rows_shown.ceil() as usize + 1;
        let rows = scene.view.rows().visible(scene.document.buffer().rope(), first, count);
        let shown = self.texts.lay_out(ui, scene, rows, places.char_width);
        self.widest = shown.iter().map(ShownRow::width).fold(self.widest, f32::max);
        self.scroll_to_side(scene, &shown, &mut places);
        places.gap = ghost::gap(scene, &shown);
        let has_focus = response.has_focus();
        if has_focus {
            let filter =
                egui::EventFilter { tab: true, horizontal_arrows: true, vertical_arrows: true, escape: true };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
        }
        self.pointer(ui, scene, &places, &shown, &response, actions);
        if ui.is_rect_visible(all) {
            self.paint(ui, scene, &places, &shown, has_focus);
        }
        access::describe(ui.ctx(), id, scene);
        scroll_bar::cursor_icon(ui, &places, &response);
    }

    fn place(&mut self, ui: &Ui, scene: &EditorScene<'_>, all: Rect) -> Places {
        let font = scene.tokens.text_font();
        let char_width = ui.fonts_mut(|fonts| fonts.glyph_width(&font, '0')).max(1.0);
        let row_height = (scene.tokens.text_size * scene.tokens.line_height).round().max(1.0);
        let gutter_width = gutter::width(scene, char_width);
        let gutter = Rect::from_min_size(all.min, vec2(gutter_width, all.height()));
        let scroll_bar = Rect::from_min_max(pos2(all.right() - tokens::SCROLL_BAR, all.top()), all.max);
        let text = Rect::from_min_max(pos2(gutter.right(), all.top()), pos2(scroll_bar.left(), all.bottom()));
        self.rows_shown = f64::from(all.height() / row_height);
        self.columns_shown = (text.width() / char_width).floor().max(2.0) as usize - 1;
        if scene.view.rows().wrap_columns().is_some() {
            self.left = 0.0;
        }
        let top = scene.document.top_row(scene.view_id);
        Places {
            all,
            gutter,
            text,
            scroll_bar,
            row_height,
            char_width,
            top,
            left: text.left() - self.left,
            gap: None,
        }
    }

    /// Scrolls to the side so that the caret can be seen, when that was asked for.
    fn scroll_to_side(&mut self, scene: &EditorScene<'_>, shown: &[ShownRow], places: &mut Places) {
        if !std::mem::take(&mut self.reveals_column) || scene.view.rows().wrap_columns().is_some() {
            return;
        }
        let head = scene.view.selections().primary().head;
        let Some(row) = shown.iter().find(|row| row.has_caret(head)) else { return };
        let x = row.x(head);
        let margin = 4.0 * places.char_width;
        let width = places.text.width();
        if x - margin < self.left {
            self.left = (x - margin).max(0.0);
        } else if x + margin > self.left + width {
            self.left = x + margin - width;
        }
        places.left = places.text.left() - self.left;
    }

    /// Whether the caret is seen now. Asks for the frame in which that changes.
    fn is_caret_seen(&self, ui: &Ui, scene: &EditorScene<'_>) -> bool {
        let since = scene.now - self.last_key;
        if !scene.look.blinks || since >= BLINK_TIME.as_secs_f64() {
            return true;
        }
        let left = BLINK - since.rem_euclid(BLINK);
        ui.ctx().request_repaint_after(Duration::from_secs_f64(left.max(0.01)));
        (since / BLINK) as i64 % 2 == 0
    }
}

/// Scrolling by the wheel, where the pointer is.
fn wheel(ui: &Ui, response: &Response) -> egui::Vec2 {
    if response.contains_pointer() {
        ui.input(egui::InputState::smooth_scroll_delta)
    } else {
        egui::Vec2::ZERO
    }
}

impl EditorScene<'_> {
    fn ask(&self, actions: &mut Actions, action: EditorAction) {
        actions.push(Action::Editor(self.group, action));
    }
}
