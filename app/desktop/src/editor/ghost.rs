//! Ghost text: drawn after the caret, with the rows below moved down while it is there.

use eframe::egui::{FontId, Galley, Painter, Rect, pos2, text::LayoutJob};
use std::sync::Arc;
use weft_editor::GhostText;

use super::{
    EditorScene, Places,
    rows::{ShownRow, shown_for},
};

/// How the rows make room for ghost text of several lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gap {
    /// Below this row,
    pub(super) below: usize,
    /// so many are left free.
    pub(super) rows: usize,
}

/// The room that ghost text needs, when it is seen.
pub(super) fn gap(scene: &EditorScene<'_>, shown: &[ShownRow]) -> Option<Gap> {
    let ghost = scene.ghost?;
    let row = shown.iter().find(|row| row.has_caret(ghost.at))?;
    let rows = ghost.text.matches('\n').count();
    (rows > 0).then_some(Gap { below: row.row.row, rows })
}

/// Draws a row with ghost text in it: what stands behind the caret comes after the ghost text.
pub(super) fn paint_row(
    painter: &Painter,
    scene: &EditorScene<'_>,
    places: &Places,
    row: &ShownRow,
    ghost: GhostText<'_>,
) {
    let tokens = scene.tokens;
    let caret = places.left + row.x(ghost.at);
    let top_of = |y: f32, galley: &Galley| y + (places.row_height - galley.size().y) / 2.0;
    let y = places.y(row.row.row);
    let clip = painter.clip_rect();
    let before = Rect::from_min_max(clip.min, pos2(caret, clip.max.y));
    let galley = &row.galley;
    let place = pos2(places.left + row.left, top_of(y, galley));
    painter.with_clip_rect(before.intersect(clip)).galley(place, Arc::clone(galley), tokens.text);
    let (mut end, mut last) = (caret, y);
    for (index, line) in ghost.text.split('\n').enumerate() {
        let (left, y) = (if index == 0 { caret } else { places.left }, y + index as f32 * places.row_height);
        let text: String = drawn(line, scene.document.settings().tab_size.max(1));
        let font = FontId::clone(&tokens.text_font());
        let mut job = LayoutJob::simple_singleline(text, font, tokens.ghost());
        job.keep_trailing_whitespace = true;
        let galley = painter.layout_job(job);
        (end, last) = (left + galley.size().x, y);
        let place = pos2(left, top_of(y, &galley));
        painter.galley(place, galley, tokens.ghost());
    }
    if ghost.at < row.row.end {
        let behind = Rect::from_min_max(pos2(end, clip.min.y), clip.max);
        let place = pos2(places.left + row.left + end - caret, top_of(last, galley));
        painter.with_clip_rect(behind.intersect(clip)).galley(place, Arc::clone(galley), tokens.text);
    }
}

/// A line as it is drawn: tabs as spaces, and signs for what has no picture.
fn drawn(line: &str, tab_size: usize) -> String {
    let mut text = String::with_capacity(line.len());
    let mut column = 0;
    for char in line.chars() {
        if char == '\t' {
            let width = tab_size - column % tab_size;
            text.extend(std::iter::repeat_n(' ', width));
            column += width;
        } else {
            text.push(shown_for(char));
            column += 1;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::drawn;

    #[test]
    fn nothing_in_ghost_text_is_hidden() {
        assert_eq!(drawn("\ta\tb", 4), "    a   b");
        assert_eq!(drawn("a\u{202e}b\u{1}", 4), "a\u{fffd}b\u{2401}");
    }
}
