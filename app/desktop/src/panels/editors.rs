//! The groups of tabs, beside and below each other, and what each of them shows.

use std::time::{SystemTime, UNIX_EPOCH};

use eframe::egui::{Align, CursorIcon, Id, Layout, Rect, RichText, Sense, Stroke, Ui, UiBuilder, pos2, vec2};
use weft_editor::{
    AppCommand,
    window::{Axis, FileState, GroupId, Pane},
};

use super::{Scene, find, guarded, reading, tabs};
use weft_node::api::Stage;

use crate::{
    action::Action,
    controls,
    editor::{EditorLook, EditorScene, Whitespace},
    link::Ask,
    state::State,
    strings, tokens,
};

/// How thick the line between two splits is for the pointer.
const GRIP: f32 = 6.0;
/// The least size of a split.
const SPLIT_MIN: f32 = 80.0;

pub(super) fn editors_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(folder) = &scene.state.folder else { return };
    if folder.is_plain() && folder.active_path().is_none() {
        return plain_folder_ui(ui, scene);
    }
    let rect = ui.max_rect();
    pane_ui(ui, scene, folder.layout.root(), rect, &mut Vec::new());
}

/// A folder that nobody shares yet.
fn plain_folder_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let init = &scene.state.pages.init;
    centred(ui, |ui| {
        ui.label(RichText::new(strings::NOT_SHARED).font(tokens::strong(tokens::HEADING_SIZE)));
        controls::paragraph(ui, scene.tokens, strings::NOT_SHARED_MORE);
        ui.add_space(tokens::GAP);
        if init.is_pending() {
            ui.spinner();
            progress_ui(ui, scene.state, strings::MAKING_WORKSPACE);
        } else if controls::primary_button(ui, scene.tokens, strings::MAKE_WORKSPACE).clicked() {
            scene.actions.push(Action::Ask(Ask::Init));
        }
        if let Some(error) = init.error() {
            controls::failure(ui, scene.tokens, error);
        }
    });
}

/// How far long work is, in words.
pub(super) fn progress_ui(ui: &mut Ui, state: &State, words: &str) {
    let Some(progress) = &state.pages.progress else { return drop(ui.label(words)) };
    let stage = match progress.what {
        Stage::Scan => "Looking through the folder",
        Stage::Import => "Reading files",
        Stage::Wait => "Waiting for an answer",
        Stage::Receive => "Receiving",
        Stage::Write => "Writing files",
        Stage::Send => "Sending",
        Stage::Index => "Reading into the index",
    };
    let count = match progress.total {
        Some(total) => format!(", {} of {total}", progress.done),
        None if progress.done > 0 => format!(", {}", progress.done),
        None => String::new(),
    };
    let detail = progress.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    ui.label(format!("{stage}{detail}{count}"));
    if let Some(total) = progress.total.filter(|total| *total > 0) {
        let share = progress.done as f32 / total as f32;
        ui.add(eframe::egui::ProgressBar::new(share).desired_width(240.0).desired_height(6.0));
    }
}

/// A column of text in the middle.
fn centred(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    let rect = ui.max_rect();
    let width = (rect.width() - 2.0 * tokens::SECTION_GAP).min(420.0);
    let top = rect.top() + (rect.height() * 0.3).min(220.0);
    let place =
        Rect::from_min_size(pos2(rect.center().x - width / 2.0, top), vec2(width, rect.bottom() - top));
    ui.scope_builder(UiBuilder::new().max_rect(place).layout(Layout::top_down(Align::Center)), contents);
}

fn pane_ui(ui: &mut Ui, scene: &mut Scene<'_>, pane: &Pane, rect: Rect, path: &mut Vec<usize>) {
    let (axis, children) = match pane {
        Pane::Group(group) => return group_ui(ui, scene, *group, rect),
        Pane::Split { axis, children } => (*axis, children),
    };
    let room = if axis == Axis::Row { rect.width() } else { rect.height() };
    let mut from = 0.0;
    let mut grips = Vec::new();
    for (index, (child, share)) in children.iter().enumerate() {
        let size = room * share;
        let part = match axis {
            Axis::Row => Rect::from_min_size(pos2(rect.left() + from, rect.top()), vec2(size, rect.height())),
            Axis::Column => {
                Rect::from_min_size(pos2(rect.left(), rect.top() + from), vec2(rect.width(), size))
            }
        };
        path.push(index);
        pane_ui(ui, scene, child, part, path);
        path.pop();
        from += size;
        grips.push((part, index, *share));
    }
    // Above what they part.
    grips.pop();
    for (part, index, share) in grips {
        grip_ui(ui, scene, axis, part, path, index, share, room);
    }
}

#[expect(clippy::too_many_arguments, reason = "one grip of a split, described once")]
fn grip_ui(
    ui: &Ui,
    scene: &mut Scene<'_>,
    axis: Axis,
    part: Rect,
    path: &[usize],
    index: usize,
    share: f32,
    room: f32,
) {
    let (grip, line, icon) = match axis {
        Axis::Row => (
            Rect::from_center_size(pos2(part.right(), part.center().y), vec2(GRIP, part.height())),
            [part.right_top(), part.right_bottom()],
            CursorIcon::ResizeHorizontal,
        ),
        Axis::Column => (
            Rect::from_center_size(pos2(part.center().x, part.bottom()), vec2(part.width(), GRIP)),
            [part.left_bottom(), part.right_bottom()],
            CursorIcon::ResizeVertical,
        ),
    };
    let id = Id::unique(("grip", path, index));
    let response = ui.interact(grip, id, Sense::drag());
    let is_used = response.hovered() || response.dragged();
    let color = if is_used { scene.tokens.accent } else { scene.tokens.border };
    ui.painter().line_segment(line, Stroke::new(if is_used { 2.0 } else { 1.0 }, color));
    if is_used {
        ui.ctx().set_cursor_icon(icon);
    }
    let moved = if axis == Axis::Row { response.drag_delta().x } else { response.drag_delta().y };
    if response.dragged() && moved != 0.0 && room > 0.0 {
        let least = SPLIT_MIN / room;
        let share = (share + moved / room).max(least);
        scene.actions.push(Action::ResizeSplit { path: path.to_vec(), child: index, share });
    }
}

fn group_ui(ui: &mut Ui, scene: &mut Scene<'_>, group: GroupId, rect: Rect) {
    let Some(folder) = &scene.state.folder else { return };
    let has_tabs = folder.layout.group(group).is_some_and(|group| !group.tabs().is_empty());
    if !has_tabs {
        return empty_ui(ui, scene, rect);
    }
    let bar = Rect::from_min_size(rect.min, vec2(rect.width(), tokens::TAB_HEIGHT));
    let below = Rect::from_min_max(pos2(rect.left(), bar.bottom()), rect.max);
    ui.scope_builder(UiBuilder::new().max_rect(bar).id_salt(("bar", group.0)), |ui| {
        ui.set_clip_rect(bar.intersect(ui.clip_rect()));
        tabs::tabs_ui(ui, scene, group);
    });
    ui.scope_builder(UiBuilder::new().max_rect(below).id_salt(("text", group.0)), |ui| {
        ui.set_clip_rect(below.intersect(ui.clip_rect()));
        guarded(ui, scene, "Text", |ui, scene| file_ui(ui, scene, group));
    });
    let is_focused = folder.layout.focused() == group;
    if is_focused && scene.state.find.is_open() {
        find::find_ui(ui, scene, below);
    }
}

/// A group without tabs: what can be done next, with the keys for it.
fn empty_ui(ui: &mut Ui, scene: &mut Scene<'_>, rect: Rect) {
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        centred(ui, |ui| {
            ui.label(
                RichText::new(strings::NO_FILE)
                    .font(tokens::strong(tokens::HEADING_SIZE))
                    .color(scene.tokens.muted),
            );
            ui.add_space(tokens::GAP);
            for command in
                [AppCommand::QuickOpen, AppCommand::ShowCommands, AppCommand::ShowSearch, AppCommand::Share]
            {
                hint_ui(ui, scene, command);
            }
        });
    });
}

fn hint_ui(ui: &mut Ui, scene: &mut Scene<'_>, command: AppCommand) {
    let command = weft_editor::Command::App(command);
    let Some(info) = weft_editor::command::info_of(command) else { return };
    let (rect, response) = controls::row(ui, scene.tokens, info.title, false);
    let inner = rect.shrink2(vec2(tokens::GAP, 0.0));
    controls::line(ui, inner, info.title, tokens::font(tokens::TEXT_SIZE), scene.tokens.text);
    if let Some(keys) = scene.state.keys.label(command) {
        let text = ui.painter().layout_no_wrap(keys, tokens::font(tokens::SMALL_SIZE), scene.tokens.muted);
        let place = pos2(inner.right() - text.size().x, inner.center().y - text.size().y / 2.0);
        ui.painter().galley(place, text, scene.tokens.muted);
    }
    if response.clicked() {
        scene.actions.push(Action::Run(command));
    }
}

fn file_ui(ui: &mut Ui, scene: &mut Scene<'_>, group: GroupId) {
    let Some(folder) = &scene.state.folder else { return };
    let Some(path) = folder.layout.group(group).and_then(|tabs| tabs.active()).map(|tab| &tab.path) else {
        return;
    };
    let Some(file) = folder.files.get(path) else { return };
    match file.state() {
        FileState::Loading => centred(ui, |ui| {
            ui.spinner();
            ui.label(RichText::new(strings::LOADING).color(scene.tokens.muted));
        }),
        FileState::Picture => reading::picture_ui(ui, scene, path),
        FileState::Failed { message, hint } => failed_ui(ui, scene, path, message, hint.as_deref()),
        FileState::Ready(document) => {
            reading::preview_ui(ui, scene, path);
            let Some((view_id, view)) = file.view(group).and_then(|id| Some((id, document.view(id)?))) else {
                return;
            };
            let is_focused = folder.layout.focused() == group;
            let blame = scene.state.pages.blame.get(path).filter(|_| scene.state.pages.shows_blame);
            let now_millis =
                SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64);
            let editor_scene = EditorScene {
                document,
                view,
                view_id,
                group,
                path,
                tokens: scene.tokens,
                look: look(scene.state),
                find: Some(&scene.state.find).filter(|find| is_focused && find.is_open()),
                blame: blame.and_then(|blame| blame.value()),
                now: scene.state.now,
                now_millis,
                may_write: folder.may_write_in(path),
                ghost: document.ghost(view_id).filter(|_| is_focused),
            };
            let editor = scene.editors.entry((group, path.clone())).or_default();
            editor.ui(ui, &editor_scene, scene.actions);
        }
    }
}

fn failed_ui(ui: &mut Ui, scene: &mut Scene<'_>, path: &str, message: &str, hint: Option<&str>) {
    centred(ui, |ui| {
        ui.label(RichText::new(strings::CANNOT_OPEN).font(tokens::strong(tokens::HEADING_SIZE)));
        ui.label(crate::state::sentence(message));
        if let Some(hint) = hint {
            controls::paragraph(ui, scene.tokens, &crate::state::sentence(hint));
        }
        ui.add_space(tokens::GAP);
        if ui.button(strings::TRY_AGAIN).clicked() {
            scene.actions.push(Action::RetryFile(path.to_owned()));
        }
    });
}

/// How the settings want texts to be drawn.
fn look(state: &State) -> EditorLook {
    let settings = &state.settings;
    EditorLook {
        has_line_numbers: settings.is_on("editor.line_numbers"),
        has_guides: settings.is_on("editor.indent_guides"),
        marks_brackets: settings.is_on("editor.bracket_pairs"),
        blinks: settings.is_on("editor.caret_blink"),
        whitespace: match settings.text("editor.whitespace").as_str() {
            "all" => Whitespace::Everywhere,
            "none" => Whitespace::Nowhere,
            _ => Whitespace::Selected,
        },
        shows_people: settings.is_on("people.cursors"),
        shows_names: settings.is_on("people.names"),
        name_seconds: settings.integer("people.name_seconds") as f64,
    }
}
