//! Drawing the rows.

use std::ops::Range;

use eframe::egui::{
    Color32, IMEPurpose, Painter, Rect, Stroke, StrokeKind, Ui, output::IMEOutput, pos2, vec2,
};
use weft_editor::{CharIndex, Selection};

use super::{
    EditorScene, EditorWidget, Places, Whitespace, ghost, gutter, people, rows::ShownRow, scroll_bar,
};
use crate::tokens;

/// How much of the line end is drawn as selected, in characters.
const LINE_END: f32 = 0.6;

/// The parts of the rows that a range covers.
pub(super) fn selection_rects(places: &Places, shown: &[ShownRow], range: &Range<usize>) -> Vec<Rect> {
    let mut rects = Vec::new();
    for row in shown {
        let (start, end) = (row.row.start.0, row.row.end.0);
        // The line end belongs to the row.
        let reaches_on = range.end > end;
        if range.start > end || range.end < start || range.start == end && !(reaches_on && row.row.is_last) {
            continue;
        }
        let left = row.x(CharIndex(range.start.max(start)));
        let mut right = row.x(CharIndex(range.end.min(end)));
        if reaches_on && row.row.is_last {
            right += LINE_END * places.char_width;
        }
        if right > left {
            let y = places.y(row.row.row);
            rects.push(Rect::from_min_max(
                pos2(places.left + left, y),
                pos2(places.left + right, y + places.row_height),
            ));
        }
    }
    rects
}

/// The selections that reach into what is shown.
fn visible<'a>(scene: &EditorScene<'a>, shown: &[ShownRow]) -> &'a [Selection] {
    let all = scene.view.selections().all();
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else { return &[] };
    let from = all.partition_point(|one| one.end() < first.row.start);
    let to = all.partition_point(|one| one.start() <= last.row.end);
    &all[from.min(to)..to]
}

impl EditorWidget {
    pub(super) fn paint(
        &mut self,
        ui: &Ui,
        scene: &EditorScene<'_>,
        places: &Places,
        shown: &[ShownRow],
        has_focus: bool,
    ) {
        let tokens = scene.tokens;
        let whole = ui.painter_at(places.all);
        whole.rect_filled(places.all, 0.0, tokens.background);
        let selections = visible(scene, shown);
        self.paint_current_line(&whole, scene, places, shown, has_focus);
        let painter = ui.painter_at(places.text);
        if scene.look.has_guides {
            paint_guides(&painter, scene, places, shown);
        }
        if let Some(find) = scene.find {
            let selected = scene.view.selections().primary().range();
            paint_matches(&painter, scene, places, shown, find.matches(), &selected);
        }
        if scene.look.shows_people {
            people::paint_selections(&painter, scene, places, shown);
        }
        let color = if has_focus { tokens.selection } else { tokens.selection.gamma_multiply(0.6) };
        // The place that was found has a colour of its own.
        let is_found = |selection: &&Selection| {
            scene.find.is_some_and(|find| find.place_of(&selection.range()).0.is_some())
        };
        for selection in selections.iter().filter(|selection| !selection.is_empty() && !is_found(selection)) {
            for rect in selection_rects(places, shown, &selection.range()) {
                painter.rect_filled(rect, 2.0, color);
            }
        }
        if scene.look.marks_brackets && has_focus {
            paint_brackets(&painter, scene, places, shown);
        }
        for row in shown {
            if let Some(ghost) = scene.ghost.filter(|ghost| row.has_caret(ghost.at)) {
                ghost::paint_row(&painter, scene, places, row, ghost);
                continue;
            }
            let top = places.y(row.row.row) + (places.row_height - row.galley.size().y) / 2.0;
            painter.galley(pos2(places.left + row.left, top), row.galley.clone(), tokens.text);
            if row.row.folded_lines > 0 {
                paint_fold(&painter, scene, places, row);
            }
        }
        paint_whitespace(&painter, scene, places, shown, selections);
        if scene.look.shows_people {
            people::paint_carets(self, ui, &painter, scene, places, shown);
        }
        self.paint_carets(ui, &painter, scene, places, shown, has_focus);
        gutter::paint(
            &ui.painter_at(places.gutter),
            scene,
            places,
            shown,
            ui.input(|input| input.pointer.hover_pos()),
        );
        let is_used = self.pressed.is_scrolling();
        scroll_bar::paint(&ui.painter_at(places.scroll_bar), scene, places, is_used);
    }

    fn paint_current_line(
        &self,
        painter: &Painter,
        scene: &EditorScene<'_>,
        places: &Places,
        shown: &[ShownRow],
        has_focus: bool,
    ) {
        let selection = scene.view.selections().primary();
        if !has_focus || !selection.is_empty() || scene.view.selections().count() > 1 {
            return;
        }
        let line = scene.document.buffer().line_of(selection.head);
        for row in shown.iter().filter(|row| row.row.line == line) {
            let y = places.y(row.row.row);
            let rect = Rect::from_min_max(
                pos2(places.all.left(), y),
                pos2(places.scroll_bar.left(), y + places.row_height),
            );
            painter.rect_filled(rect, 0.0, scene.tokens.current_line);
        }
    }

    fn paint_carets(
        &self,
        ui: &Ui,
        painter: &Painter,
        scene: &EditorScene<'_>,
        places: &Places,
        shown: &[ShownRow],
        has_focus: bool,
    ) {
        if !has_focus {
            return;
        }
        let is_seen = self.is_caret_seen(ui, scene);
        let primary = scene.view.selections().primary();
        for selection in visible(scene, shown) {
            let Some(row) = shown.iter().find(|row| row.has_caret(selection.head)) else { continue };
            let place = pos2(places.left + row.x(selection.head), places.y(row.row.row));
            let mut caret = Rect::from_min_size(place, vec2(tokens::CARET_WIDTH, places.row_height));
            if selection == primary {
                if !self.preedit.is_empty() {
                    caret = self.paint_preedit(painter, scene, places, caret);
                }
                report_to_input_method(ui, places, caret);
            }
            if is_seen {
                painter.rect_filled(caret, 0.0, scene.tokens.caret);
            }
        }
    }

    /// Draws what the input method has not written yet. Gives the caret behind it.
    fn paint_preedit(
        &self,
        painter: &Painter,
        scene: &EditorScene<'_>,
        places: &Places,
        caret: Rect,
    ) -> Rect {
        let tokens = scene.tokens;
        let text = painter.layout_no_wrap(self.preedit.clone(), tokens.text_font(), tokens.text);
        let rect = Rect::from_min_size(caret.min, vec2(text.size().x, places.row_height));
        painter.rect_filled(rect, 0.0, tokens.raised);
        let top = caret.top() + (places.row_height - text.size().y) / 2.0;
        painter.galley(pos2(caret.left(), top), text, tokens.text);
        let line = [rect.left_bottom() - vec2(0.0, 2.0), rect.right_bottom() - vec2(0.0, 2.0)];
        painter.line_segment(line, Stroke::new(1.0, tokens.accent));
        Rect::from_min_size(rect.right_top(), caret.size())
    }
}

/// Tells the input method where its window goes.
fn report_to_input_method(ui: &Ui, places: &Places, caret: Rect) {
    let global = ui.ctx().layer_transform_to_global(ui.layer_id()).unwrap_or_default();
    ui.output_mut(|output| {
        output.ime = Some(IMEOutput {
            purpose: IMEPurpose::Normal,
            rect: global * places.text,
            cursor_rect: global * caret,
            should_interrupt_composition: false,
        });
    });
}

fn paint_guides(painter: &Painter, scene: &EditorScene<'_>, places: &Places, shown: &[ShownRow]) {
    let step = scene.document.settings().tab_size.max(1);
    // Blank lines have the guides of the shallower of the lines around them.
    let mut depths: Vec<Option<usize>> = shown.iter().map(|row| row.indent).collect();
    let mut above = 0;
    for index in 0..depths.len() {
        if depths[index].is_none() {
            let below = depths[index..].iter().flatten().next().copied().unwrap_or(0);
            depths[index] = Some(above.min(below));
        }
        above = depths[index].unwrap_or(0);
    }
    for (row, depth) in shown.iter().zip(depths) {
        let depth = depth.unwrap_or(0);
        let y = places.y(row.row.row);
        for column in (0..depth).step_by(step) {
            let x = (places.left + column as f32 * places.char_width).round() + 0.5;
            let line = [pos2(x, y), pos2(x, y + places.row_height)];
            painter.line_segment(line, Stroke::new(1.0, scene.tokens.indent_guide));
        }
    }
}

fn paint_matches(
    painter: &Painter,
    scene: &EditorScene<'_>,
    places: &Places,
    shown: &[ShownRow],
    matches: &[Range<usize>],
    selected: &Range<usize>,
) {
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else { return };
    let from = matches.partition_point(|found| found.end < first.row.start.0);
    for found in matches[from..].iter().take_while(|found| found.start <= last.row.end.0) {
        let is_current = found == selected;
        let color = if is_current { scene.tokens.find_match_current } else { scene.tokens.find_match };
        for rect in selection_rects(places, shown, found) {
            painter.rect_filled(rect, 2.0, color);
        }
    }
}

fn paint_brackets(painter: &Painter, scene: &EditorScene<'_>, places: &Places, shown: &[ShownRow]) {
    let head = scene.view.selections().primary().head;
    let Some((open, close)) = scene.document.bracket_pair(head) else { return };
    for at in [open, close] {
        for rect in selection_rects(places, shown, &(at.0..at.0 + 1)) {
            let fill = scene.tokens.bracket_match;
            painter.rect(rect.shrink(0.5), 2.0, fill, Stroke::NONE, StrokeKind::Inside);
        }
    }
}

fn paint_fold(painter: &Painter, scene: &EditorScene<'_>, places: &Places, row: &ShownRow) {
    let tokens = scene.tokens;
    let lines = row.row.folded_lines;
    let words = format!("{lines} {}", if lines == 1 { "line" } else { "lines" });
    let text = painter.layout_no_wrap(words, tokens::font(tokens::SMALL_SIZE), tokens.muted);
    let left = places.left + row.width() + places.char_width;
    let middle = places.y(row.row.row) + places.row_height / 2.0;
    let size = text.size() + vec2(2.0 * tokens::STEP, 2.0);
    let rect = Rect::from_min_size(pos2(left, middle - size.y / 2.0), size);
    painter.rect_filled(rect, 3.0, tokens.raised);
    painter.galley(rect.center() - text.size() / 2.0, text, tokens.muted);
}

fn paint_whitespace(
    painter: &Painter,
    scene: &EditorScene<'_>,
    places: &Places,
    shown: &[ShownRow],
    selections: &[Selection],
) {
    if scene.look.whitespace == Whitespace::Nowhere {
        return;
    }
    let is_everywhere = scene.look.whitespace == Whitespace::Everywhere;
    let rope = scene.document.buffer().rope();
    for row in shown {
        let (start, end) = (row.row.start.0, row.row.end.0);
        let parts: Vec<Range<usize>> = if is_everywhere {
            vec![Range { start, end }]
        } else {
            let cut = |one: &Selection| one.start().0.max(start)..one.end().0.min(end);
            selections.iter().map(cut).filter(|part| part.start < part.end).collect()
        };
        let y = places.y(row.row.row) + places.row_height / 2.0;
        for part in parts {
            for (offset, char) in rope.slice(part.clone()).chars().enumerate() {
                let at = CharIndex(part.start + offset);
                let next = CharIndex(at.0 + 1);
                let (left, right) = (places.left + row.x(at), places.left + row.x(next));
                mark_space(painter, char, left, right, y, scene.tokens.whitespace);
            }
        }
    }
}

fn mark_space(painter: &Painter, char: char, left: f32, right: f32, y: f32, color: Color32) {
    match char {
        ' ' => drop(painter.circle_filled(pos2((left + right) / 2.0, y), 1.1, color)),
        '\t' => {
            let stroke = Stroke::new(1.0, color);
            painter.line_segment([pos2(left + 2.0, y), pos2(right - 3.0, y)], stroke);
            for side in [-3.0, 3.0] {
                painter.line_segment([pos2(right - 6.0, y + side), pos2(right - 3.0, y)], stroke);
            }
        }
        _ => {}
    }
}
