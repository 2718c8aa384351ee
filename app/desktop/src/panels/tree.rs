//! The files.

use eframe::egui::{
    Align, Button, EventFilter, Frame, Id, Key, Layout, Margin, Modifiers, Rect, RichText, Role, ScrollArea,
    Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};
use weft_editor::{
    AppCommand,
    window::{FolderState, TreeRow},
};
use weft_node::api::PresentDevice;

use super::{Scene, run_when};
use crate::{
    action::{Action, TreeAction},
    controls,
    icons::{self, Icon},
    limits::DOTS_MAX,
    link::FileChange,
    state::{Folder, Naming},
    strings, tokens,
};

pub(super) fn tree_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(folder) = &scene.state.folder else { return };
    // A panel is as wide as what it shows, which is little while the folder is read.
    ui.set_width(ui.available_width());
    ui.add_space(tokens::GAP);
    head_ui(ui, scene, folder);
    new_name_ui(ui, scene, folder);
    deleting_ui(ui, scene, folder);
    drops_ui(ui, scene, folder);
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
    let has_focus = keys_ui(ui, scene, folder);
    let scrolls_to = std::mem::take(&mut scene.drafts.shows_tree_selection)
        .then(|| rows.iter().position(|row| selected == Some(row.path.as_str())))
        .flatten();
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().id_salt("files").auto_shrink([false, false]).show_rows(
        ui,
        tokens::ROW,
        rows.len(),
        |ui, range| {
            if let Some(at) = scrolls_to {
                let top = ui.min_rect().top() + (at as f32 - range.start as f32) * tokens::ROW;
                let rect = Rect::from_min_size(pos2(ui.min_rect().left(), top), Vec2::splat(tokens::ROW));
                ui.scroll_to_rect(rect, None);
            }
            for row in &rows[range] {
                let is_selected = selected == Some(row.path.as_str());
                if matches!(&folder.naming, Some(Naming::Rename(path)) if *path == row.path) {
                    name_ui(ui, scene, row.depth as f32 * tokens::INDENT);
                } else {
                    row_ui(ui, scene, row, is_selected, is_selected && has_focus);
                }
            }
        },
    );
}

/// The name of the folder, with buttons for what is new in it.
fn head_ui(ui: &mut Ui, scene: &mut Scene<'_>, folder: &Folder) {
    ui.horizontal(|ui| {
        ui.add_space(tokens::PADDING);
        controls::section_head(ui, scene.tokens, &folder.name());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            ui.add_space(tokens::STEP);
            for (icon, label, command) in [
                (Icon::NewFolder, strings::NEW_FOLDER, AppCommand::NewFolder),
                (Icon::NewFile, strings::NEW_FILE, AppCommand::NewFile),
            ] {
                let pressed = controls::icon_button(ui, scene.tokens, icon, label, false).clicked();
                run_when(pressed, scene, command);
            }
        });
    });
}

/// The field for the name of something new, with where it comes.
fn new_name_ui(ui: &mut Ui, scene: &mut Scene<'_>, folder: &Folder) {
    let (words, place) = match &folder.naming {
        Some(Naming::File(place)) => (strings::NEW_FILE, place),
        Some(Naming::Folder(place)) => (strings::NEW_FOLDER, place),
        _ => return,
    };
    let place = if place.is_empty() { String::new() } else { format!(" in {place}") };
    padded(ui, scene, &format!("{words}{place}"));
    name_ui(ui, scene, 0.0);
    ui.add_space(tokens::STEP);
}

fn name_ui(ui: &mut Ui, scene: &mut Scene<'_>, indent: f32) {
    ui.horizontal(|ui| {
        ui.add_space(tokens::PADDING + indent);
        let width = ui.available_width() - tokens::GAP;
        let mut name = std::mem::take(&mut scene.drafts.name);
        let response = controls::bare_field(ui, scene.tokens, strings::NAME, &mut name, width);
        if std::mem::take(&mut scene.drafts.wants_name_focus) {
            response.request_focus();
        } else if response.lost_focus() {
            let is_entered = ui.input(|input| input.key_pressed(Key::Enter));
            let action = if is_entered { TreeAction::Named(name.clone()) } else { TreeAction::Name(None) };
            scene.actions.push(Action::Tree(action));
        }
        scene.drafts.name = name;
    });
}

/// Asks before something is deleted.
fn deleting_ui(ui: &mut Ui, scene: &mut Scene<'_>, folder: &Folder) {
    let Some(path) = &folder.deleting else { return };
    let frame = Frame::new().inner_margin(Margin::symmetric(tokens::GAP as i8, tokens::STEP as i8));
    frame.show(ui, |ui| {
        controls::card(ui, scene.tokens, |ui| {
            ui.label(RichText::new(format!("{} {path}?", strings::DELETE)).color(scene.tokens.warning));
            let is_shared = folder.workspace.value().is_some();
            let more = if is_shared { strings::DELETE_MORE } else { strings::DELETE_PLAIN_MORE };
            controls::paragraph(ui, scene.tokens, more);
            ui.horizontal(|ui| {
                if ui.button(RichText::new(strings::DELETE).color(scene.tokens.error)).clicked() {
                    let change = FileChange::Delete(path.clone());
                    scene.actions.push(Action::Tree(TreeAction::Change(change)));
                }
                if ui.button(strings::CANCEL).clicked() {
                    scene.actions.push(Action::Tree(TreeAction::AskDelete(None)));
                }
            });
        });
    });
}

/// Files that are dragged over the window are copied to where they are dropped.
fn drops_ui(ui: &mut Ui, scene: &mut Scene<'_>, folder: &Folder) {
    let (is_over, dropped) = ui.input(|input| {
        let dropped = input.raw.dropped_files.iter().map(|file| file.path().to_owned());
        (!input.raw.hovered_files.is_empty(), dropped.collect::<Vec<_>>())
    });
    if is_over {
        let rect = ui.max_rect().shrink(2.0);
        let stroke = Stroke::new(2.0, scene.tokens.accent);
        ui.painter().rect_stroke(rect, tokens::CARD_RADIUS, stroke, StrokeKind::Inside);
        padded(ui, scene, strings::DROP_HERE);
    }
    if !dropped.is_empty() {
        let selected = folder.tree.shown().iter().find(|row| folder.tree.selected() == Some(&row.path));
        let into = match selected {
            Some(row) if row.is_folder => row.path.clone(),
            Some(row) => row.path.rsplit_once('/').map_or("", |(above, _)| above).to_owned(),
            None => String::new(),
        };
        let change = FileChange::CopyIn { from: dropped, into };
        scene.actions.push(Action::Tree(TreeAction::Change(change)));
    }
}

/// The keys of the tree. Tells whether it has them.
fn keys_ui(ui: &mut Ui, scene: &mut Scene<'_>, folder: &Folder) -> bool {
    let id = Id::unique("file tree");
    let response = ui.interact(ui.max_rect(), id, Sense::focusable_noninteractive());
    response.widget_info(|| WidgetInfo::labeled(Role::Tree, true, strings::FILES));
    if std::mem::take(&mut scene.drafts.wants_tree_focus) {
        response.request_focus();
    }
    if !response.has_focus() {
        return false;
    }
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
    let selected = folder.tree.selected().map(str::to_owned);
    let keys: [(Key, Option<TreeAction>); 7] = [
        (Key::ArrowUp, Some(TreeAction::Move(-1))),
        (Key::ArrowDown, Some(TreeAction::Move(1))),
        (Key::ArrowRight, Some(TreeAction::Into)),
        (Key::ArrowLeft, Some(TreeAction::Out)),
        (Key::Enter, Some(TreeAction::Open)),
        (Key::F2, selected.clone().map(|path| TreeAction::Name(Some(Naming::Rename(path))))),
        (Key::Delete, selected.map(|path| TreeAction::AskDelete(Some(path)))),
    ];
    for (key, action) in keys {
        let is_pressed = ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        if let Some(action) = action.filter(|_| is_pressed) {
            scene.actions.push(Action::Tree(action));
        }
    }
    true
}

/// What can be done with a file or folder.
fn menu_ui(ui: &mut Ui, scene: &mut Scene<'_>, row: &TreeRow) {
    let place = match row.path.rsplit_once('/') {
        _ if row.is_folder => row.path.clone(),
        Some((above, _)) => above.to_owned(),
        None => String::new(),
    };
    let entries = [
        (strings::NEW_FILE, TreeAction::Name(Some(Naming::File(place.clone())))),
        (strings::NEW_FOLDER, TreeAction::Name(Some(Naming::Folder(place)))),
        (strings::RENAME, TreeAction::Name(Some(Naming::Rename(row.path.clone())))),
        (strings::DELETE, TreeAction::AskDelete(Some(row.path.clone()))),
    ];
    ui.set_min_width(160.0);
    for (label, action) in entries {
        let size = vec2(ui.available_width(), 0.0);
        let button = Button::new(label).frame_when_inactive(false).min_size(size);
        if ui.add(button).clicked() {
            scene.actions.push(Action::Tree(TreeAction::Select(row.path.clone())));
            scene.actions.push(Action::Tree(action));
            ui.close();
        }
    }
}

fn padded(ui: &mut Ui, scene: &Scene<'_>, text: &str) {
    ui.horizontal(|ui| {
        ui.add_space(tokens::PADDING);
        controls::paragraph(ui, scene.tokens, text);
    });
}

/// Who is in a file, or in one below a closed folder.
fn people_of<'a>(folder: &'a Folder, row: &'a TreeRow) -> Vec<&'a PresentDevice> {
    match (row.is_folder, row.is_open) {
        (false, _) => folder.people_in(&row.path).collect(),
        (true, false) => folder.people_below(&row.path).collect(),
        (true, true) => Vec::new(),
    }
}

/// Dots of the people who are there, at the right edge of a row. Gives where the name has to end.
fn people_ui(ui: &Ui, scene: &Scene<'_>, row: &TreeRow, rect: Rect) -> f32 {
    let mut right = rect.right() - tokens::GAP;
    let Some(folder) = &scene.state.folder else { return right };
    let mut users: Vec<&str> = people_of(folder, row).iter().map(|device| device.user.as_str()).collect();
    users.sort_unstable();
    users.dedup();
    for user in users.into_iter().take(DOTS_MAX) {
        let centre = pos2(right - tokens::STEP, rect.center().y);
        ui.painter().circle_filled(centre, 3.5, scene.tokens.person(user));
        right -= 2.5 * tokens::STEP;
    }
    right
}

fn row_ui(ui: &mut Ui, scene: &mut Scene<'_>, row: &TreeRow, is_selected: bool, has_focus: bool) {
    let tokens = scene.tokens;
    let (rect, response) = controls::row(ui, tokens, &row.name, is_selected);
    if has_focus {
        let stroke = Stroke::new(1.0, tokens.accent);
        ui.painter().rect_stroke(rect, tokens::RADIUS, stroke, StrokeKind::Inside);
    }
    response.context_menu(|ui| menu_ui(ui, scene, row));
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
    let right = people_ui(ui, scene, row, rect);
    let place = Rect::from_min_max(pos2(left, rect.top()), pos2(right, rect.bottom()));
    let mut text = row.name.clone();
    if row.is_loading {
        text.push_str(" …");
    }
    let name_color = if is_selected || !row.name.starts_with('.') { tokens.text } else { tokens.muted };
    controls::line(ui, place, &text, tokens::font(tokens::TEXT_SIZE), name_color);
    let folder = scene.state.folder.as_ref();
    let here = folder.map(|folder| people_of(folder, row)).unwrap_or_default();
    let notes = row.note.iter().cloned().chain(here.iter().filter_map(|device| {
        let name = device.user_name.as_ref().or(device.device_name.as_ref())?;
        Some(format!("{name} is here"))
    }));
    let notes: Vec<String> = notes.collect();
    if !notes.is_empty() {
        response.clone().on_hover_text(notes.join("\n"));
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
