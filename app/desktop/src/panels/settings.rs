//! The settings that most people change, and where the others are.

use eframe::egui::{ComboBox, DragValue, RichText, Ui};
use weft_editor::settings::{Kind, SCHEMA, Setting, Value};

use super::Scene;
use crate::{action::Action, controls, strings, tokens};

/// Settings that are read but that nothing in the window follows yet.
const NOT_FOLLOWED: [&str; 10] = [
    "editor.font_family",
    "editor.minimap",
    "editor.scroll_beyond_end",
    "files.trim_trailing_whitespace",
    "files.insert_final_newline",
    "files.line_ending",
    "files.exclude",
    "window.theme_file",
    "window.animations",
    "search.case",
];

pub(super) fn settings_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    controls::paragraph(ui, scene.tokens, strings::SETTINGS_MORE);
    ui.label(
        RichText::new(scene.state.settings_file.display().to_string()).monospace().size(tokens::SMALL_SIZE),
    );
    for problem in &scene.state.problems {
        ui.label(RichText::new(problem.to_string()).color(scene.tokens.error));
        if let Some(hint) = &problem.hint {
            controls::paragraph(ui, scene.tokens, hint);
        }
    }
    ui.add_space(tokens::GAP);
    let mut filter = std::mem::take(&mut scene.drafts.settings_filter);
    controls::bare_field(ui, scene.tokens, "Find a setting", &mut filter, f32::INFINITY);
    let words = filter.to_lowercase();
    let mut table = "";
    for setting in SCHEMA {
        let is_meant = setting.key.contains(&words) || setting.description.to_lowercase().contains(&words);
        if !is_meant || NOT_FOLLOWED.contains(&setting.key) {
            continue;
        }
        let (own, _) = setting.key.split_once('.').unwrap_or((setting.key, ""));
        if own != table {
            table = own;
            ui.add_space(tokens::PADDING);
            controls::section_head(ui, scene.tokens, &crate::state::sentence(own));
        }
        setting_ui(ui, scene, setting);
    }
    scene.drafts.settings_filter = filter;
}

fn setting_ui(ui: &mut Ui, scene: &mut Scene<'_>, setting: &'static Setting) {
    let Some(value) = scene.state.settings.get(setting.key) else { return };
    ui.add_space(tokens::STEP);
    let changed = match (value, setting.kind) {
        (Value::Bool(mut is_on), _) => controls::checkbox(ui, scene.tokens, &mut is_on, setting.description)
            .changed()
            .then_some(Value::Bool(is_on)),
        (Value::Integer(mut number), Kind::Integer { min, max, .. }) => {
            named(ui, scene, setting, |ui| ui.add(DragValue::new(&mut number).range(min..=max)))
                .then_some(Value::Integer(number))
        }
        (Value::Float(mut number), Kind::Float { min, max, .. }) => {
            let drag =
                |ui: &mut Ui| ui.add(DragValue::new(&mut number).range(min..=max).speed(0.1).max_decimals(2));
            named(ui, scene, setting, drag).then_some(Value::Float(number))
        }
        (Value::Text(mut text), Kind::Choice { choices, .. }) => {
            let before = text.clone();
            named(ui, scene, setting, |ui| {
                let combo = ComboBox::from_id_salt(setting.key).width(160.0).selected_text(text.clone());
                combo
                    .show_ui(ui, |ui| {
                        for choice in choices {
                            ui.selectable_value(&mut text, (*choice).to_owned(), *choice);
                        }
                    })
                    .response
            });
            (text != before).then_some(Value::Text(text))
        }
        // Texts and lists are written in the file.
        (value, _) => {
            controls::paragraph(
                ui,
                scene.tokens,
                &format!("{} ({} = {value})", setting.description, setting.key),
            );
            None
        }
    };
    if let Some(value) = changed {
        scene.actions.push(Action::SetSetting(setting.key, value));
    }
}

/// A control with its description above it. Tells whether it was changed.
fn named(
    ui: &mut Ui,
    scene: &Scene<'_>,
    setting: &Setting,
    control: impl FnOnce(&mut Ui) -> eframe::egui::Response,
) -> bool {
    let label = ui.label(RichText::new(setting.description).color(scene.tokens.muted));
    control(ui).labelled_by(label.id).changed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_in_the_schema() {
        for key in NOT_FOLLOWED {
            assert!(weft_editor::settings::setting(key).is_some(), "{key}");
        }
    }
}
