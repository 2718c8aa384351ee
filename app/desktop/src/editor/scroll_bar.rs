//! The scroll bar, with marks for what was found and for others.

use eframe::egui::{CursorIcon, Painter, Rect, Response, Ui, pos2, vec2};

use super::{EditorScene, Places};
use crate::tokens;

/// Most marks of places that were found; a bar has no room for more.
const MARKS_MAX: usize = 500;

/// How many rows can be scrolled through: the last may stand at the top.
fn rows(scene: &EditorScene<'_>) -> f64 {
    scene.view.rows().count().max(1) as f64
}

/// Where the handle is; `None` when everything is seen.
pub(super) fn handle(scene: &EditorScene<'_>, places: &Places) -> Option<Rect> {
    let shown = f64::from(places.text.height() / places.row_height);
    let all = rows(scene);
    if all <= shown && places.top <= 0.0 {
        return None;
    }
    let height = f64::from(places.scroll_bar.height());
    let total = all - 1.0 + shown;
    let length = (height * shown / total).clamp(f64::from(tokens::SCROLL_HANDLE_MIN).min(height), height);
    let share = if all > 1.0 { places.top / (all - 1.0) } else { 0.0 };
    let top = places.scroll_bar.top() + ((height - length) * share) as f32;
    let size = vec2(places.scroll_bar.width() - 4.0, length as f32);
    Some(Rect::from_min_size(pos2(places.scroll_bar.left() + 2.0, top), size))
}

/// The row at the top when the upper edge of the handle is at a height.
pub(super) fn row_of(scene: &EditorScene<'_>, places: &Places, handle: Rect, top: f32) -> f64 {
    let room = places.scroll_bar.height() - handle.height();
    if room <= 0.0 {
        return 0.0;
    }
    let share = f64::from((top - places.scroll_bar.top()) / room).clamp(0.0, 1.0);
    share * (rows(scene) - 1.0)
}

/// Draws it.
pub(super) fn paint(painter: &Painter, scene: &EditorScene<'_>, places: &Places, is_used: bool) {
    let tokens = scene.tokens;
    let rope = scene.document.buffer().rope();
    let y = |at: weft_editor::CharIndex| {
        let row = scene.view.rows().point(rope, at).row as f64;
        places.scroll_bar.top() + (row / rows(scene) * f64::from(places.scroll_bar.height())) as f32
    };
    let mark = |at, color| {
        let size = vec2(places.scroll_bar.width() - 4.0, 2.0);
        painter.rect_filled(
            Rect::from_min_size(pos2(places.scroll_bar.left() + 2.0, y(at)), size),
            1.0,
            color,
        );
    };
    if let Some(find) = scene.find {
        for found in find.matches().iter().take(MARKS_MAX) {
            mark(found.start.into(), tokens.find_match_current);
        }
    }
    for person in scene.document.people() {
        for selection in person.selections() {
            mark(selection.head, tokens.person(&person.user));
        }
    }
    if let Some(handle) = handle(scene, places) {
        let color = if is_used { tokens.muted } else { tokens.faint };
        painter.rect_filled(handle.shrink2(vec2(1.0, 0.0)), 4.0, color.gamma_multiply(0.45));
    }
}

/// The pointer over the text, the gutter and the bar.
pub(super) fn cursor_icon(ui: &Ui, places: &Places, response: &Response) {
    if response.hover_pos().is_some_and(|pointer| places.text.contains(pointer)) {
        ui.ctx().set_cursor_icon(CursorIcon::Text);
    }
}
