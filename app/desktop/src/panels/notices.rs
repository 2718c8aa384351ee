//! Lines in the corner that go away by themselves.

use eframe::egui::{Align2, Area, Frame, Id, Margin, Order, Rect, RichText, Stroke, Ui, vec2};

use super::Scene;
use crate::{
    action::Action,
    controls,
    icons::Icon,
    state::{Notice, sentence},
    tokens,
};

const WIDTH: f32 = 340.0;

/// Draws them in the corner of what stands in the middle, so that they cover no field of a page.
pub(super) fn notices_ui(ui: &mut Ui, scene: &mut Scene<'_>, middle: Rect) {
    if scene.state.notices.is_empty() {
        return;
    }
    let corner = middle.right_bottom() - vec2(tokens::PADDING, tokens::PADDING);
    let area = Area::new(Id::unique("notices")).order(Order::Foreground);
    let area = area.pivot(Align2::RIGHT_BOTTOM).fixed_pos(corner);
    area.show(ui.ctx(), |ui| {
        for notice in &scene.state.notices {
            notice_ui(ui, scene, notice);
        }
    });
}

fn notice_ui(ui: &mut Ui, scene: &mut Scene<'_>, notice: &Notice) {
    let tokens = scene.tokens;
    let color = if notice.is_error { tokens.error } else { tokens.border };
    let frame = Frame::new()
        .fill(tokens.raised)
        .stroke(Stroke::new(1.0, color))
        .corner_radius(tokens::CARD_RADIUS)
        .shadow(ui.visuals().popup_shadow)
        .inner_margin(Margin::same(tokens::PADDING as i8));
    frame.show(ui, |ui| {
        ui.set_width(WIDTH);
        ui.horizontal_top(|ui| {
            ui.vertical(|ui| {
                ui.set_width(WIDTH - tokens::ROW - tokens::GAP);
                ui.label(RichText::new(&notice.text).color(tokens.text));
                if let Some(hint) = &notice.hint {
                    ui.label(RichText::new(sentence(hint)).color(tokens.muted));
                }
            });
            if controls::icon_button(ui, tokens, Icon::Close, "Dismiss", false).clicked() {
                scene.actions.push(Action::DismissNotice(notice.id));
            }
        });
    });
}
