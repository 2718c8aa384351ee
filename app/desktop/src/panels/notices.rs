//! Lines in the corner that go away by themselves.

use eframe::egui::{Align2, Area, Frame, Id, Margin, Order, RichText, Stroke, Ui, vec2};

use super::Scene;
use crate::{
    action::Action,
    controls,
    icons::Icon,
    state::{Notice, sentence},
    tokens,
};

const WIDTH: f32 = 340.0;

pub(super) fn notices_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    if scene.state.notices.is_empty() {
        return;
    }
    let corner = vec2(-tokens::PADDING, -tokens::STATUS_BAR - tokens::PADDING);
    let area = Area::new(Id::unique("notices")).order(Order::Foreground).anchor(Align2::RIGHT_BOTTOM, corner);
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
