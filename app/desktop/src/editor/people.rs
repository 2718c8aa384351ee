//! Cursors of others, with their names.

use std::time::Duration;

use eframe::egui::{Align2, Color32, CornerRadius, Painter, Rect, Ui, pos2, vec2};
use weft_editor::CharIndex;

use super::{EditorScene, EditorWidget, Places, paint::selection_rects, rows::ShownRow};
use crate::{limits::LABELS_MAX, tokens};

/// How long a name takes to fade.
const FADE: f64 = 0.6;
/// How much of a person's colour lies behind what they have selected.
const SELECTED: f32 = 0.25;

/// Draws what others have selected; it lies below the text.
pub(super) fn paint_selections(
    painter: &Painter,
    scene: &EditorScene<'_>,
    places: &Places,
    shown: &[ShownRow],
) {
    for person in scene.document.people() {
        let color = scene.tokens.person(&person.user).gamma_multiply(SELECTED);
        for selection in person.selections().filter(|selection| !selection.is_empty()) {
            for rect in selection_rects(places, shown, &selection.range()) {
                painter.rect_filled(rect, 2.0, color);
            }
        }
    }
}

/// Draws the carets of others and, for a while after they moved, their names.
pub(super) fn paint_carets(
    widget: &mut EditorWidget,
    ui: &Ui,
    painter: &Painter,
    scene: &EditorScene<'_>,
    places: &Places,
    shown: &[ShownRow],
) {
    let people = scene.document.people();
    widget.moved.retain(|id, _| people.iter().any(|person| person.id == *id));
    let pointer = ui.input(|input| input.pointer.hover_pos());
    for person in people.iter().take(LABELS_MAX) {
        let head = person.selection.head;
        let moved = widget.moved.entry(person.id.clone()).or_insert((head, scene.now));
        if moved.0 != head {
            *moved = (head, scene.now);
        }
        let since = moved.1;
        let color = scene.tokens.person(&person.user);
        for further in &person.others {
            paint_caret(painter, places, shown, further.head, color);
        }
        let Some(caret) = paint_caret(painter, places, shown, head, color) else { continue };
        let is_pointed_at = pointer.is_some_and(|pointer| caret.expand(4.0).contains(pointer));
        let opacity = if is_pointed_at { 1.0 } else { opacity(ui, scene, since) };
        if scene.look.shows_names && opacity > 0.0 && !person.name.is_empty() {
            paint_name(painter, scene, places, caret.min, &person.name, color, opacity);
        }
    }
}

/// Draws one caret, with a small head by which it is told from one's own. Gives its place, when it can be seen.
fn paint_caret(
    painter: &Painter,
    places: &Places,
    shown: &[ShownRow],
    at: CharIndex,
    color: Color32,
) -> Option<Rect> {
    let row = shown.iter().find(|row| row.has_caret(at))?;
    let place = pos2(places.left + row.x(at), places.y(row.row.row));
    let caret = Rect::from_min_size(place, vec2(tokens::CARET_WIDTH, places.row_height));
    painter.rect_filled(caret, 0.0, color);
    painter.rect_filled(Rect::from_min_size(place - vec2(1.0, 2.0), vec2(4.0, 4.0)), 1.0, color);
    Some(caret)
}

/// How much of a name is still seen. Asks for the frame in which that changes.
fn opacity(ui: &Ui, scene: &EditorScene<'_>, since: f64) -> f32 {
    let left = scene.look.name_seconds + FADE - (scene.now - since);
    if left > FADE {
        ui.ctx().request_repaint_after(Duration::from_secs_f64(left - FADE));
    } else if left > 0.0 {
        ui.ctx().request_repaint_after(Duration::from_millis(30));
    }
    (left / FADE).clamp(0.0, 1.0) as f32
}

fn paint_name(
    painter: &Painter,
    scene: &EditorScene<'_>,
    places: &Places,
    caret: eframe::egui::Pos2,
    name: &str,
    color: Color32,
    opacity: f32,
) {
    let font = tokens::strong(tokens::SMALL_SIZE);
    let text =
        painter.layout_no_wrap(name.to_owned(), font, scene.tokens.person_text.gamma_multiply(opacity));
    let size = text.size() + vec2(2.0 * tokens::STEP, 2.0);
    // Above the row, and below it where there is no room.
    let above = caret.y - size.y;
    let top = if above < places.text.top() { caret.y + places.row_height } else { above };
    let rect = Rect::from_min_size(pos2(caret.x - 1.0, top), size);
    painter.rect_filled(rect, CornerRadius { nw: 3, ne: 3, sw: 0, se: 3 }, color.gamma_multiply(opacity));
    let place = Align2::CENTER_CENTER.align_size_within_rect(text.size(), rect);
    painter.galley(place.min, text, scene.tokens.person_text);
}
