//! The first page: three ways to begin.

use std::path::{Path, PathBuf};

use eframe::egui::{
    Align, Key, Layout, Rect, Response, RichText, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder,
    Vec2, WidgetInfo, pos2, vec2,
};

use super::{Scene, accept, join};
use crate::{
    action::Action,
    controls,
    icons::{self, Icon},
    state::short_name,
    strings, tokens,
};

/// How wide the page is.
const WIDTH: f32 = 520.0;
/// The height of a choice.
const CHOICE: f32 = 64.0;

/// Which of the first pages is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum FirstPage {
    #[default]
    Choices,
    OpenFolder,
    Join,
    LinkDevice,
}

pub(super) fn first_run_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let rect = ui.max_rect();
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        let width = WIDTH.min(rect.width() - 2.0 * tokens::SECTION_GAP);
        let top = (rect.height() * 0.16).clamp(24.0, 140.0);
        let place = Rect::from_min_size(
            pos2(rect.center().x - width / 2.0, rect.top() + top),
            vec2(width, rect.height() - top),
        );
        ui.scope_builder(UiBuilder::new().max_rect(place).layout(Layout::top_down(Align::Min)), |ui| {
            ui.label(RichText::new(strings::APP).font(tokens::strong(tokens::TITLE_SIZE)));
            ui.label(
                RichText::new(strings::WELCOME)
                    .font(tokens::font(tokens::HEADING_SIZE))
                    .color(scene.tokens.muted),
            );
            ui.add_space(tokens::SECTION_GAP);
            match scene.drafts.first_page {
                FirstPage::Choices => choices_ui(ui, scene),
                FirstPage::OpenFolder => open_folder_ui(ui, scene),
                FirstPage::Join => join::join_ui(ui, scene),
                FirstPage::LinkDevice => accept::accept_ui(ui, scene),
            }
        });
    });
}

fn choices_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let choices = [
        (Icon::Folder, strings::OPEN_FOLDER, strings::OPEN_FOLDER_MORE, FirstPage::OpenFolder),
        (Icon::Ticket, strings::JOIN, strings::JOIN_MORE, FirstPage::Join),
        (Icon::Device, strings::LINK_DEVICE, strings::LINK_DEVICE_MORE, FirstPage::LinkDevice),
    ];
    for (icon, title, more, page) in choices {
        if choice_ui(ui, scene, icon, title, more) {
            scene.drafts.first_page = page;
            scene.drafts.wants_page_focus = true;
        }
        ui.add_space(tokens::STEP);
    }
    if !scene.state.recent.is_empty() {
        ui.add_space(tokens::SECTION_GAP);
        controls::section_head(ui, scene.tokens, strings::RECENT);
        for folder in &scene.state.recent {
            recent_ui(ui, scene, folder);
        }
    }
    ui.add_space(tokens::SECTION_GAP);
    controls::paragraph(ui, scene.tokens, strings::WELCOME_MORE);
}

/// A big button: a picture, what it does, and what that means.
fn choice_ui(ui: &mut Ui, scene: &Scene<'_>, icon: Icon, title: &str, more: &str) -> bool {
    let tokens = scene.tokens;
    let inner_width = ui.available_width() - 64.0 - tokens::PADDING;
    let font = tokens::font(tokens::TEXT_SIZE);
    let more = ui.painter().layout(more.to_owned(), font, tokens.muted, inner_width);
    let height = (more.size().y + 40.0).max(CHOICE);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, title));
    let is_hot = response.hovered() || response.has_focus();
    let stroke = Stroke::new(1.0, if is_hot { tokens.accent } else { tokens.border });
    ui.painter().rect(rect, f32::from(tokens::CARD_RADIUS), tokens.raised, stroke, StrokeKind::Inside);
    let picture = Rect::from_center_size(pos2(rect.left() + 32.0, rect.center().y), Vec2::splat(24.0));
    icons::paint(ui.painter(), icon, picture, tokens.accent);
    let left = rect.left() + 64.0;
    let head = Rect::from_min_size(pos2(left, rect.top() + 10.0), vec2(inner_width, 20.0));
    controls::line(ui, head, title, tokens::strong(14.0), tokens.text);
    ui.painter().galley(pos2(left, rect.top() + 31.0), more, tokens.muted);
    response.clicked()
}

fn recent_ui(ui: &mut Ui, scene: &mut Scene<'_>, folder: &Path) {
    let name = short_name(folder);
    let (rect, response) = controls::row(ui, scene.tokens, &format!("Open {name}"), false);
    let inner = rect.shrink2(vec2(tokens::GAP, 0.0));
    let used = controls::line(ui, inner, &name, tokens::font(tokens::TEXT_SIZE), scene.tokens.text);
    let rest = Rect::from_min_max(pos2(inner.left() + used + tokens::PADDING, inner.top()), inner.max);
    let parent = folder.parent().map(|parent| parent.display().to_string()).unwrap_or_default();
    controls::line(ui, rest, &parent, tokens::font(tokens::SMALL_SIZE), scene.tokens.faint);
    if response.clicked() {
        scene.actions.push(Action::OpenFolder(folder.to_owned()));
    }
}

/// The head of a page with the way back.
pub(super) fn back_ui(ui: &mut Ui, scene: &mut Scene<'_>, title: &str) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(title).font(tokens::strong(tokens::HEADING_SIZE)));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button(strings::BACK).clicked() {
                scene.drafts.first_page = FirstPage::Choices;
            }
        });
    });
    ui.add_space(tokens::GAP);
}

fn open_folder_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    controls::card(ui, scene.tokens, |ui| {
        back_ui(ui, scene, strings::OPEN_FOLDER);
        let mut path = std::mem::take(&mut scene.drafts.folder);
        let response = path_field(ui, scene, strings::FOLDER_PATH, &mut path);
        if std::mem::take(&mut scene.drafts.wants_page_focus) {
            response.request_focus();
        }
        let is_entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        look_ui(scene, &path);
        offered_ui(ui, scene, &mut path);
        ui.add_space(tokens::GAP);
        let is_folder = scene.state.seen.path == path && scene.state.seen.is_folder;
        let pressed = ui
            .add_enabled_ui(is_folder, |ui| controls::primary_button(ui, scene.tokens, strings::OPEN))
            .inner;
        if (pressed.clicked() || is_entered) && is_folder {
            scene.actions.push(Action::OpenFolder(PathBuf::from(path.trim())));
        }
        scene.drafts.folder = path;
    });
}

/// A field for a path. A whole path that is typed or pasted takes the place of what the field began with.
pub(super) fn path_field(ui: &mut Ui, scene: &Scene<'_>, name: &str, path: &mut String) -> Response {
    let before = path.clone();
    let response = controls::field(ui, scene.tokens, name, strings::FOLDER_PATH_HINT, path);
    if response.changed()
        && let Some(whole) = whole_path(&before, path)
    {
        *path = whole;
    }
    response
}

/// The path that was put before or behind another one that ends in a separator.
fn whole_path(before: &str, after: &str) -> Option<String> {
    if !before.ends_with(std::path::is_separator) {
        return None;
    }
    let added = after.strip_prefix(before).or_else(|| after.strip_suffix(before))?.trim();
    Path::new(added).is_absolute().then(|| added.to_owned())
}

/// Asks where the path leads, when it is another than before.
pub(super) fn look_ui(scene: &mut Scene<'_>, path: &str) {
    if scene.state.seen.path != path && scene.drafts.looked_at != path {
        scene.drafts.looked_at = path.to_owned();
        scene.actions.push(Action::LookAtPath(path.to_owned()));
    }
}

/// Folders that go on from what was typed.
fn offered_ui(ui: &mut Ui, scene: &mut Scene<'_>, path: &mut String) {
    for folder in &scene.state.seen.folders {
        let name = short_name(folder);
        let (rect, response) = controls::row(ui, scene.tokens, &name, false);
        let inner = rect.shrink2(vec2(tokens::GAP, 0.0));
        icons::paint(
            ui.painter(),
            Icon::Folder,
            Rect::from_center_size(pos2(inner.left() + 8.0, inner.center().y), Vec2::splat(15.0)),
            scene.tokens.accent,
        );
        let place = Rect::from_min_max(pos2(inner.left() + 24.0, inner.top()), inner.max);
        controls::line(ui, place, &name, tokens::font(tokens::TEXT_SIZE), scene.tokens.text);
        if response.clicked() {
            *path = format!("{}{}", folder.display(), std::path::MAIN_SEPARATOR);
            scene.drafts.wants_page_focus = true;
        }
    }
}
