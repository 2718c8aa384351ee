//! Cursors of others, with their names.

use std::time::Duration;

use eframe::egui::{Align2, Color32, CornerRadius, Painter, Rangef, Rect, Ui, Vec2, pos2, vec2};
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
            paint_name(painter, scene, places, shown, caret, (&person.name, color), opacity);
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
    shown: &[ShownRow],
    caret: Rect,
    (name, color): (&str, Color32),
    opacity: f32,
) {
    let font = tokens::strong(tokens::SMALL_SIZE);
    let text =
        painter.layout_no_wrap(name.to_owned(), font, scene.tokens.person_text.gamma_multiply(opacity));
    let size = text.size() + vec2(2.0 * tokens::STEP, 2.0);
    let rows: Vec<Rect> = shown
        .iter()
        .map(|row| {
            let start = pos2(places.left, places.y(row.row.row));
            Rect::from_min_size(start, vec2(row.width(), places.row_height))
        })
        .collect();
    let own = shown.iter().position(|row| row.has_caret(scene.view.selections().primary().head));
    let own = own.and_then(|at| rows.get(at)).map(Rect::y_range);
    let rect = name_place(size, caret, places.text, &rows, own);
    let radius = CornerRadius { nw: 3, ne: 3, sw: if rect.bottom() <= caret.top() { 0 } else { 3 }, se: 3 };
    painter.rect_filled(rect, radius, color.gamma_multiply(opacity));
    let place = Align2::CENTER_CENTER.align_size_within_rect(text.size(), rect);
    painter.galley(place.min, text, scene.tokens.person_text);
}

/// Where a name stands: above its caret or below it where it hides no text, else behind the row of the caret; where
/// there is no room either, above or below, but not over the row of one's own caret.
fn name_place(size: Vec2, caret: Rect, text: Rect, rows: &[Rect], own: Option<Rangef>) -> Rect {
    let x = (caret.left() - 1.0).min(text.right() - size.x).max(text.left());
    let above = Rect::from_min_size(pos2(x, caret.top() - size.y), size);
    let below = Rect::from_min_size(pos2(x, caret.bottom()), size);
    let end = rows.iter().find(|row| row.y_range().contains(caret.center().y)).map_or(x, Rect::right);
    let middle = caret.center().y - size.y / 2.0;
    let behind = Rect::from_min_size(pos2(end.max(caret.right()) + tokens::GAP, middle), size);
    let has_room = |rect: Rect| {
        rect.top() >= text.top() && rect.bottom() <= text.bottom() && rect.right() <= text.right()
    };
    // Rows touch each other; a name reaches a little further than one.
    let hides = |rect: Rect| rows.iter().any(|row| row.shrink2(vec2(0.0, 2.0)).intersects(rect));
    let is_on_own = |rect: Rect| own.is_some_and(|own| own.shrink(2.0).intersects(rect.y_range()));
    let free = [above, below, behind].into_iter().find(|rect| has_room(*rect) && !hides(*rect));
    let last = || [above, below].into_iter().find(|rect| has_room(*rect) && !is_on_own(*rect));
    free.or_else(last).unwrap_or(if has_room(above) { above } else { below })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: Rect = Rect { min: pos2(50.0, 0.0), max: pos2(450.0, 200.0) };
    const SIZE: Vec2 = vec2(40.0, 16.0);

    /// Rows of a text, 20 points high, by how wide they are.
    fn rows(widths: &[f32]) -> Vec<Rect> {
        let row = |(at, width): (usize, &f32)| {
            Rect::from_min_size(pos2(50.0, at as f32 * 20.0), vec2(*width, 20.0))
        };
        widths.iter().enumerate().map(row).collect()
    }

    fn place(caret: (f32, usize), widths: &[f32], own: Option<usize>) -> Rect {
        let rows = rows(widths);
        let caret = Rect::from_min_size(pos2(caret.0, caret.1 as f32 * 20.0), vec2(2.0, 20.0));
        name_place(SIZE, caret, TEXT, &rows, own.map(|own| rows[own].y_range()))
    }

    #[test]
    fn a_name_hides_no_text_where_there_is_room() {
        let above = place((200.0, 1), &[100.0, 300.0, 300.0], None);
        assert_eq!(above.bottom(), 20.0, "the row above ends before it");
        let below = place((200.0, 1), &[300.0, 300.0, 100.0], None);
        assert_eq!(below.top(), 40.0);
        let behind = place((200.0, 1), &[300.0, 300.0, 300.0], None);
        assert_eq!((behind.left(), behind.center().y), (50.0 + 300.0 + tokens::GAP, 30.0));
    }

    #[test]
    fn a_name_without_room_leaves_the_row_alone_that_is_read() {
        let full = [395.0; 3];
        assert_eq!(place((200.0, 1), &full, Some(0)).top(), 40.0, "one reads the row above");
        assert_eq!(place((200.0, 1), &full, Some(2)).bottom(), 20.0, "one reads the row below");
        assert_eq!(place((200.0, 1), &full, None).bottom(), 20.0);
        assert_eq!(place((200.0, 0), &full, Some(1)).top(), 20.0, "above the first row nothing is seen");
        let narrow = place((448.0, 1), &[10.0, 398.0, 10.0], None);
        assert!(narrow.right() <= TEXT.right(), "{narrow}");
    }
}
