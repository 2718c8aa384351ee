//! Replacing in many files: what would change is shown first, file by file.

use eframe::egui::{Key, Rect, ScrollArea, Ui, pos2, vec2};
use weft_node::api::{FileToReplace, LineToReplace};

use super::{INDENT, NUMBERS, counted};
use crate::{
    action::{Action, SearchAction},
    controls,
    panels::Scene,
    remote::Remote,
    strings, tokens,
};

/// How wide the field is.
const FIELD: f32 = 280.0;

/// Whether what would change is shown in the place of what was found.
pub(super) fn is_shown(scene: &Scene<'_>) -> bool {
    scene.drafts.replacement.is_some() && !matches!(scene.state.search.replacing.preview, Remote::Unasked)
}

pub(super) fn replace_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.horizontal(|ui| {
        ui.add_space(tokens::ROW + tokens::GAP);
        let mut text = scene.drafts.replacement.take().unwrap_or_default();
        let field = controls::bare_field(ui, scene.tokens, strings::REPLACE_WITH, &mut text, FIELD);
        let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let replacing = &scene.state.search.replacing;
        let is_empty = scene.drafts.search.text.is_empty();
        let shows = ui.add_enabled(!is_empty, eframe::egui::Button::new(strings::SHOW_REPLACEMENT));
        if (is_entered && !is_empty) || shows.clicked() {
            let (query, replacement) = (scene.drafts.search.clone(), text.clone());
            scene.actions.push(Action::Search(SearchAction::PreviewReplacing { query, replacement }));
        }
        scene.drafts.replacement = Some(text);
        if let Remote::Ready(preview) = &replacing.preview {
            let chosen: Vec<&FileToReplace> =
                preview.files.iter().filter(|file| !replacing.left_alone.contains(&file.path)).collect();
            let places: u64 = chosen.iter().map(|file| file.matches).sum();
            if !chosen.is_empty() && !replacing.is_running {
                let places = counted(usize::try_from(places).unwrap_or(usize::MAX), "place");
                let label = format!("Replace {places} in {}", counted(chosen.len(), "file"));
                if controls::primary_button(ui, scene.tokens, &label).clicked() {
                    scene.actions.push(Action::Search(SearchAction::Replace));
                }
            }
            if ui.button(strings::CANCEL).clicked() {
                scene.actions.push(Action::Search(SearchAction::EndReplacing));
            }
        }
        controls::paragraph(ui, scene.tokens, &said(scene));
    });
}

fn said(scene: &Scene<'_>) -> String {
    let replacing = &scene.state.search.replacing;
    match &replacing.preview {
        Remote::Unasked => String::new(),
        Remote::Pending(_) => strings::SEARCHING.to_owned(),
        Remote::Failed { .. } => String::new(),
        Remote::Ready(_) if replacing.is_running => strings::REPLACING.to_owned(),
        Remote::Ready(preview) if preview.files.is_empty() => strings::NOTHING_TO_REPLACE.to_owned(),
        Remote::Ready(preview) if preview.has_more => strings::MORE_TO_REPLACE.to_owned(),
        Remote::Ready(_) => String::new(),
    }
}

/// A row of what would change.
enum Row<'a> {
    File(&'a FileToReplace),
    Line(&'a LineToReplace),
    /// More lines of a file than are shown.
    More,
    LeftOut(&'a str, &'a str),
}

pub(super) fn preview_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let state = scene.state;
    let replacing = &state.search.replacing;
    if let Some(error) = replacing.preview.error() {
        controls::failure(ui, scene.tokens, error);
        return;
    }
    let Some(preview) = replacing.preview.value() else { return };
    let mut rows = Vec::new();
    for file in &preview.files {
        rows.push(Row::File(file));
        rows.extend(file.lines.iter().map(Row::Line));
        rows.extend(file.has_more.then_some(Row::More));
    }
    rows.extend(preview.left_out.iter().map(|left| Row::LeftOut(&left.path, &left.why)));
    ui.spacing_mut().item_spacing.y = 0.0;
    let area = ScrollArea::vertical().id_salt("replacements").auto_shrink([false, false]);
    area.show_rows(ui, tokens::ROW, rows.len(), |ui, range| {
        for row in &rows[range] {
            match row {
                Row::File(file) => file_ui(ui, scene, file, replacing.left_alone.contains(&file.path)),
                Row::Line(line) => line_ui(ui, scene, line),
                Row::More => note_ui(ui, scene, strings::MORE_LINES),
                Row::LeftOut(path, why) => note_ui(ui, scene, &format!("{path} is left out: {why}")),
            }
        }
    });
}

fn file_ui(ui: &mut Ui, scene: &mut Scene<'_>, file: &FileToReplace, is_left_alone: bool) {
    let places = counted(usize::try_from(file.matches).unwrap_or(usize::MAX), "place");
    let mut is_chosen = !is_left_alone;
    let height = vec2(ui.available_width(), tokens::ROW);
    ui.allocate_ui(height, |ui| {
        ui.horizontal(|ui| {
            ui.add_space(tokens::GAP);
            let label = format!("{}, {places}", file.path);
            if controls::checkbox(ui, scene.tokens, &mut is_chosen, label).changed() {
                let choice = SearchAction::LeaveAlone(file.path.clone());
                scene.actions.push(Action::Search(choice));
            }
        });
    });
}

fn line_ui(ui: &mut Ui, scene: &Scene<'_>, line: &LineToReplace) {
    let tokens = scene.tokens;
    let new = line.new.trim().replace('\n', "⏎");
    let label = format!("line {}: {} becomes {new}", line.line, line.old.trim());
    let (rect, _) = controls::row(ui, tokens, &label, false);
    let inner = rect.shrink2(vec2(tokens::GAP, 0.0));
    let number = Rect::from_min_max(pos2(inner.left() + INDENT, inner.top()), inner.max);
    controls::line(ui, number, &line.line.to_string(), tokens::font(tokens::SMALL_SIZE), tokens.faint);
    let left = inner.left() + INDENT + NUMBERS;
    let half = (inner.right() - left - tokens::PADDING) / 2.0;
    let column = |left: f32| Rect::from_min_size(pos2(left, inner.top()), vec2(half, inner.height()));
    controls::line(ui, column(left), line.old.trim(), tokens.text_font(), tokens.error);
    controls::line(ui, column(left + half + tokens::PADDING), &new, tokens.text_font(), tokens.success);
}

fn note_ui(ui: &mut Ui, scene: &Scene<'_>, text: &str) {
    let (rect, _) = controls::row(ui, scene.tokens, text, false);
    let place = Rect::from_min_max(pos2(rect.left() + INDENT + tokens::GAP, rect.top()), rect.max);
    controls::line(ui, place, text, tokens::font(tokens::SMALL_SIZE), scene.tokens.muted);
}
