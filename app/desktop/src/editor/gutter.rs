//! Line numbers, folds and, when asked for, who wrote each line.

use eframe::egui::{Align2, FontId, Painter, Pos2, Rect, Stroke, pos2, vec2};
use weft_node::api::BlameLine;

use super::{EditorScene, Places, rows::ShownRow};
use crate::{
    icons::{self, Icon},
    state::ago,
    tokens,
};

/// Room for who wrote a line, in characters.
const BLAME_CHARS: f32 = 22.0;
/// Room at both sides of the numbers, in characters.
const BEFORE: f32 = 1.5;
const BEHIND: f32 = 2.5;

/// How wide the gutter is.
pub(super) fn width(scene: &EditorScene<'_>, char_width: f32) -> f32 {
    let lines = scene.document.buffer().len_lines();
    let digits = if scene.look.has_line_numbers { lines.max(100).ilog10() as f32 + 1.0 } else { 0.0 };
    let blame = if scene.blame.is_some() { BLAME_CHARS } else { 0.0 };
    ((BEFORE + digits + BEHIND + blame) * char_width).round()
}

/// Draws it.
pub(super) fn paint(
    painter: &Painter,
    scene: &EditorScene<'_>,
    places: &Places,
    shown: &[ShownRow],
    pointer: Option<Pos2>,
) {
    let tokens = scene.tokens;
    let right = places.gutter.right() - BEHIND * places.char_width;
    let head = scene.document.buffer().line_of(scene.view.selections().primary().head);
    let is_hovered = pointer.is_some_and(|pointer| places.gutter.contains(pointer));
    let folds = if is_hovered { folds(scene, shown) } else { Vec::new() };
    let mut last = None;
    for row in shown.iter().filter(|row| row.row.is_first) {
        let line = row.row.line;
        let middle = places.y(row.row.row) + places.row_height / 2.0;
        if scene.look.has_line_numbers {
            let color = if line == head { tokens.line_number_current } else { tokens.line_number };
            let text = (line.0 + 1).to_string();
            painter.text(pos2(right, middle), Align2::RIGHT_CENTER, text, tokens.text_font(), color);
        }
        let is_closed = row.row.folded_lines > 0;
        if is_closed || folds.contains(&line.0) {
            let icon = if is_closed { Icon::Right } else { Icon::Down };
            let centre = pos2(right + 1.25 * places.char_width, middle);
            icons::paint(painter, icon, Rect::from_center_size(centre, vec2(12.0, 12.0)), tokens.muted);
        }
        if let Some(blame) = scene.blame.and_then(|blame| blame.lines.get(line.0)) {
            // A run of lines of one edit says so once.
            if last != Some(&blame.version) {
                paint_blame(painter, scene, places, middle, blame);
            }
            last = Some(&blame.version);
        }
    }
}

fn paint_blame(painter: &Painter, scene: &EditorScene<'_>, places: &Places, middle: f32, blame: &BlameLine) {
    let tokens = scene.tokens;
    let name = blame.user_name.as_deref().unwrap_or("somebody");
    let age = ago(blame.time, scene.now_millis);
    let room = BLAME_CHARS as usize - age.len() - 3;
    let short: String = name.chars().take(room).collect();
    let left = places.gutter.left() + places.char_width;
    let font = FontId::new(tokens::SMALL_SIZE, tokens.text_font().family);
    let color = tokens.person(&blame.user);
    let bar = Rect::from_center_size(pos2(left, middle), vec2(3.0, places.row_height - 4.0));
    painter.rect_filled(bar, 1.0, color);
    let text = format!("{short}, {age}");
    painter.text(pos2(left + 6.0, middle), Align2::LEFT_CENTER, text, font, tokens.muted);
    let edge = places.gutter.left() + BLAME_CHARS * places.char_width;
    let line = [pos2(edge, places.gutter.top()), pos2(edge, places.gutter.bottom())];
    painter.line_segment(line, Stroke::new(1.0, tokens.border));
}

/// The lines of what is shown that can be folded.
pub(super) fn folds(scene: &EditorScene<'_>, shown: &[ShownRow]) -> Vec<usize> {
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else { return Vec::new() };
    let folds = scene.document.folds_in(first.row.line.0..last.row.line.0 + 1);
    folds.iter().map(|fold| scene.document.buffer().line_of(fold.start).0).collect()
}
