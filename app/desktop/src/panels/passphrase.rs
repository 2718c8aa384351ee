//! Asking for the passphrase that the data of this device is locked with.

use eframe::egui::{Align2, Area, Frame, Id, Key, Margin, Order, RichText, Stroke, TextEdit, Ui, vec2};
use weft_node::api::Words;

use super::Scene;
use crate::{action::Action, controls, link::PassphraseAnswer, strings, tokens};

const WIDTH: f32 = 380.0;

pub(super) fn passphrase_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(what) = &scene.state.passphrase else { return };
    let tokens = scene.tokens;
    let frame = Frame::new()
        .fill(tokens.raised)
        .stroke(Stroke::new(1.0, tokens.border))
        .corner_radius(tokens::CARD_RADIUS)
        .shadow(ui.visuals().popup_shadow)
        .inner_margin(Margin::same(tokens::SECTION_GAP as i8));
    let area = Area::new(Id::unique("passphrase"))
        .order(Order::Foreground)
        .anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0));
    area.show(ui.ctx(), |ui| {
        frame.show(ui, |ui| {
            ui.set_width(WIDTH);
            let label = ui.label(RichText::new(what).font(tokens::strong(14.0)));
            ui.add_space(tokens::GAP);
            let mut text = std::mem::take(&mut scene.drafts.passphrase);
            let field = TextEdit::singleline(&mut text).password(true).desired_width(f32::INFINITY);
            let response = ui.add(field.margin(Margin::symmetric(8, 5))).labelled_by(label.id);
            if std::mem::take(&mut scene.drafts.wants_page_focus) {
                response.request_focus();
            }
            let is_entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            ui.add_space(tokens::GAP);
            let is_typed = !text.is_empty();
            ui.horizontal(|ui| {
                let button =
                    ui.add_enabled_ui(is_typed, |ui| controls::primary_button(ui, tokens, strings::CONTINUE));
                if (button.inner.clicked() || is_entered) && is_typed {
                    let words = Words(std::mem::take(&mut text));
                    scene.actions.push(Action::Passphrase(PassphraseAnswer::Text(words)));
                }
                // Where there is a passphrase already, only it opens the data.
                if what.starts_with("Choose") && ui.button(strings::KEY_IN_FILE).clicked() {
                    scene.actions.push(Action::Passphrase(PassphraseAnswer::File));
                }
            });
            scene.drafts.passphrase = text;
            if what.starts_with("Choose") {
                ui.add_space(tokens::STEP);
                controls::paragraph(ui, tokens, strings::PASSPHRASE_MORE);
            }
        });
    });
}
