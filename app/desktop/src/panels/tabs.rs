//! The tabs of a group.

use eframe::egui::{CornerRadius, Rect, Role, ScrollArea, Sense, Ui, Vec2, WidgetInfo, pos2, vec2};
use weft_editor::{
    AppCommand,
    window::{GroupId, Tab},
};

use super::{Scene, run_when};
use crate::{
    action::Action,
    controls,
    icons::{self, Icon},
    tokens,
};

const WIDTH_MIN: f32 = 90.0;
const WIDTH_MAX: f32 = 220.0;

pub(super) fn tabs_ui(ui: &mut Ui, scene: &mut Scene<'_>, group: GroupId) {
    let Some(folder) = &scene.state.folder else { return };
    let Some(tabs) = folder.layout.group(group) else { return };
    let rect = ui.max_rect();
    ui.painter().rect_filled(rect, 0.0, scene.tokens.panel);
    controls::edge(ui, rect, scene.tokens, true);
    let has_focus = folder.layout.focused() == group;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        let room = ui.available_width() - tokens::ROW - tokens::GAP;
        ScrollArea::horizontal()
            .id_salt(("tabs", group.0))
            .max_width(room)
            .auto_shrink([false, false])
            .scroll_bar_visibility(eframe::egui::scroll_area::ScrollBarVisibility::AlwaysHidden)
            .show(ui, |ui| {
                for (index, tab) in tabs.tabs().iter().enumerate() {
                    tab_ui(ui, scene, tab, index == tabs.active_index(), has_focus);
                }
            });
        let pressed =
            controls::icon_button(ui, scene.tokens, Icon::SplitRight, "Split right", false).clicked();
        if pressed {
            scene.actions.push(Action::Focus(group));
        }
        run_when(pressed, scene, AppCommand::SplitRight);
    });
}

fn tab_ui(ui: &mut Ui, scene: &mut Scene<'_>, tab: &Tab, is_active: bool, has_focus: bool) {
    let tokens = scene.tokens;
    let name = tab.path.rsplit('/').next().unwrap_or(&tab.path);
    let font = tokens::font(tokens::TEXT_SIZE);
    let text_width = ui.painter().layout_no_wrap(name.to_owned(), font.clone(), tokens.text).size().x;
    let width = (text_width + 3.0 * tokens::PADDING + 16.0).clamp(WIDTH_MIN, WIDTH_MAX);
    let (rect, response) = ui.allocate_exact_size(vec2(width, tokens::TAB_HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_active, format!("Tab {name}")));
    if is_active {
        ui.painter().rect_filled(rect, 0.0, tokens.background);
        let color = if has_focus { tokens.accent } else { tokens.border };
        let line = Rect::from_min_size(rect.min, vec2(rect.width(), 2.0));
        ui.painter().rect_filled(line, 0.0, color);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, CornerRadius::ZERO, tokens.raised);
    }
    ui.painter().vline(rect.right() - 0.5, rect.y_range(), eframe::egui::Stroke::new(1.0, tokens.border));
    let close = Rect::from_center_size(pos2(rect.right() - 16.0, rect.center().y), Vec2::splat(18.0));
    let place = Rect::from_min_max(
        pos2(rect.left() + tokens::PADDING, rect.top()),
        pos2(close.left() - 2.0, rect.bottom()),
    );
    let color = if is_active { tokens.text } else { tokens.muted };
    let shown = controls::line(ui, place, name, font, color);
    if tab.is_preview {
        // What is only looked at is told by a line below its name.
        let y = place.center().y + 9.0;
        ui.painter().hline(
            place.left()..=place.left() + shown,
            y,
            eframe::egui::Stroke::new(1.0, tokens.faint),
        );
    }
    let id = response.id.with("close");
    let button = ui.interact(close, id, Sense::click());
    let is_over = response.hovered() || button.hovered();
    let file = scene.state.folder.as_ref().and_then(|folder| folder.files.get(&tab.path));
    let is_unsaved = file.is_some_and(|file| {
        file.local().is_some() && file.document().is_some_and(weft_editor::Document::is_behind)
    });
    if is_unsaved && !is_over {
        ui.painter().circle_filled(close.center(), 4.0, tokens.muted);
    }
    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Close {name}")));
    if is_over || is_active && !is_unsaved {
        if button.hovered() {
            ui.painter().rect_filled(close, 4.0, tokens.border);
        }
        icons::paint(ui.painter(), Icon::Close, close.shrink(3.0), tokens.muted);
    }
    let response = response.on_hover_text(&tab.path);
    if button.clicked() || response.middle_clicked() {
        scene.actions.push(Action::CloseTab(tab.id));
    } else if response.clicked() {
        scene.actions.push(Action::ShowTab(tab.id));
    }
    if response.double_clicked() {
        scene.actions.push(Action::KeepTab(tab.id));
    }
}
