//! The files.

use eframe::egui::{Rect, ScrollArea, Ui, Vec2, pos2, vec2};
use weft_editor::window::{FolderState, TreeRow};

use super::Scene;
use crate::{
    action::Action,
    controls,
    icons::{self, Icon},
    strings, tokens,
};

pub(super) fn tree_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(folder) = &scene.state.folder else { return };
    // A panel is as wide as what it shows, which is little while the folder is read.
    ui.set_width(ui.available_width());
    ui.add_space(tokens::GAP);
    ui.horizontal(|ui| {
        ui.add_space(tokens::PADDING);
        controls::section_head(ui, scene.tokens, &folder.name());
    });
    ui.add_space(tokens::STEP);
    match folder.tree.folder("") {
        Some(FolderState::Failed { why }) => return drop(ui.label(why)),
        Some(FolderState::Ready { entries, .. }) if entries.is_empty() => {
            return padded(ui, scene, strings::EMPTY_FOLDER);
        }
        Some(FolderState::Loading { last }) if last.is_empty() => return padded(ui, scene, strings::LOADING),
        _ => {}
    }
    let rows = folder.tree.shown();
    let selected = folder.tree.selected();
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().id_salt("files").auto_shrink([false, false]).show_rows(
        ui,
        tokens::ROW,
        rows.len(),
        |ui, range| {
            for row in &rows[range] {
                row_ui(ui, scene, row, selected == Some(row.path.as_str()));
            }
        },
    );
}

fn padded(ui: &mut Ui, scene: &Scene<'_>, text: &str) {
    ui.horizontal(|ui| {
        ui.add_space(tokens::PADDING);
        controls::paragraph(ui, scene.tokens, text);
    });
}

fn row_ui(ui: &mut Ui, scene: &mut Scene<'_>, row: &TreeRow, is_selected: bool) {
    let tokens = scene.tokens;
    let (rect, response) = controls::row(ui, tokens, &row.name, is_selected);
    let mut left = rect.left() + tokens::PADDING + row.depth as f32 * tokens::INDENT;
    let middle = rect.center().y;
    let square =
        |left: f32, size: f32| Rect::from_center_size(pos2(left + size / 2.0, middle), Vec2::splat(size));
    if row.is_folder {
        let icon = if row.is_open { Icon::Down } else { Icon::Right };
        icons::paint(ui.painter(), icon, square(left - 2.0, 12.0), tokens.muted);
    }
    left += tokens::INDENT;
    let icon = match (row.is_folder, row.is_open) {
        (true, true) => Icon::FolderOpen,
        (true, false) => Icon::Folder,
        (false, _) => Icon::File,
    };
    let color = if row.is_folder { tokens.accent } else { tokens.faint };
    icons::paint(ui.painter(), icon, square(left, 15.0), color);
    left += 20.0;
    let place = Rect::from_min_max(pos2(left, rect.top()), rect.max - vec2(tokens::GAP, 0.0));
    let mut text = row.name.clone();
    if row.is_loading {
        text.push_str(" …");
    }
    let name_color = if is_selected || !row.name.starts_with('.') { tokens.text } else { tokens.muted };
    controls::line(ui, place, &text, tokens::font(tokens::TEXT_SIZE), name_color);
    if let Some(note) = &row.note {
        response.clone().on_hover_text(note);
    }
    if response.clicked() {
        let path = row.path.clone();
        scene.actions.push(if row.is_folder {
            Action::ToggleFolder(path)
        } else {
            Action::OpenFile { path, is_preview: true, place: None }
        });
    }
    if response.double_clicked() && !row.is_folder {
        scene.actions.push(Action::OpenFile { path: row.path.clone(), is_preview: false, place: None });
    }
}
