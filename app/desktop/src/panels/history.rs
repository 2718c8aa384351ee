//! The past of the file that is shown: moments with their authors, and the text as it was.

use std::time::{SystemTime, UNIX_EPOCH};

use eframe::egui::{FontId, Rect, RichText, ScrollArea, TextEdit, Ui, pos2, vec2};
use weft_editor::{AppCommand, compare::Hunk};
use weft_node::api::{Origin, VersionSummary};

use super::{Scene, diff, run_when};
use crate::{action::Action, controls, link::Ask, state::ago, strings, tokens};

/// How much of an old text is shown.
const SHOWN_CHARS_MAX: usize = 200_000;

pub(super) fn history_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let pages = &scene.state.pages;
    let Some(path) = pages.history_path.clone() else {
        return controls::paragraph(ui, scene.tokens, strings::HISTORY_NO_FILE);
    };
    controls::section_head(ui, scene.tokens, &path);
    let words = if pages.shows_blame { "Hide who wrote each line" } else { "Show who wrote each line" };
    let pressed = ui.button(words).clicked();
    run_when(pressed, scene, AppCommand::ToggleBlame);
    if let Some(error) = pages.history.error() {
        controls::failure(ui, scene.tokens, error);
    }
    let Some(history) = pages.history.value() else { return };
    if history.versions.is_empty() {
        return controls::paragraph(ui, scene.tokens, strings::HISTORY_EMPTY);
    }
    ui.add_space(tokens::GAP);
    slider_ui(ui, scene, &history.versions);
    if let Some(at) = pages.past_at.clone() {
        past_ui(ui, scene, &path, &at);
    }
    ui.add_space(tokens::GAP);
    for version in &history.versions {
        version_ui(ui, scene, version);
    }
}

/// The life of the file from left to right; the right end is now.
fn slider_ui(ui: &mut Ui, scene: &mut Scene<'_>, versions: &[VersionSummary]) {
    let count = versions.len();
    let past_at = scene.state.pages.past_at.as_deref();
    let newest_first = versions.iter().position(|version| Some(version.version.as_str()) == past_at);
    let before = newest_first.map_or(count, |index| count - 1 - index);
    let mut at = before;
    ui.spacing_mut().slider_width = ui.available_width() - tokens::PADDING;
    let slider = ui.add(eframe::egui::Slider::new(&mut at, 0..=count).show_value(false));
    slider.widget_info(|| eframe::egui::WidgetInfo::slider(true, at as f64, "Moment of the file"));
    if at != before {
        let version = (at < count).then(|| versions[count - 1 - at].version.clone());
        scene.actions.push(Action::ShowPast(version));
    }
}

fn past_ui(ui: &mut Ui, scene: &mut Scene<'_>, path: &str, at: &str) {
    let past = &scene.state.pages.past;
    controls::card(ui, scene.tokens, |ui| {
        if let Some(error) = past.error() {
            controls::failure(ui, scene.tokens, error);
        }
        let Some(text) = past.value() else { return drop(ui.spinner()) };
        let is_whole = scene.state.pages.shows_whole_past;
        ui.horizontal(|ui| {
            for (label, wants_whole) in [(strings::CHANGES_SINCE, false), (strings::WHOLE_TEXT, true)] {
                if ui.selectable_label(is_whole == wants_whole, label).clicked() {
                    scene.actions.push(Action::ShowWholePast(wants_whole));
                }
            }
        });
        if is_whole {
            whole_ui(ui, scene, &text.text);
        } else {
            changes_ui(ui, scene);
        }
        ui.horizontal(|ui| {
            if controls::primary_button(ui, scene.tokens, strings::RESTORE).clicked() {
                let (path, at) = (path.to_owned(), at.to_owned());
                scene.actions.push(Action::Ask(Ask::Restore { path, at }));
            }
            if ui.button(strings::BACK).clicked() {
                scene.actions.push(Action::ShowPast(None));
            }
        });
        controls::paragraph(ui, scene.tokens, strings::RESTORE_MORE);
    });
}

/// What is different since the moment; each difference can be brought back by itself.
fn changes_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let compared = &scene.state.pages.compared;
    let Some(comparison) = &compared.comparison else {
        let words = if compared.of.is_some() { strings::TOO_LONG_TO_COMPARE } else { strings::LOADING };
        return controls::paragraph(ui, scene.tokens, words);
    };
    if comparison.hunks.is_empty() {
        return controls::paragraph(ui, scene.tokens, strings::NO_CHANGES);
    }
    ScrollArea::both().id_salt("changes").max_height(320.0).auto_shrink([false, true]).show(ui, |ui| {
        for hunk in &comparison.hunks {
            hunk_ui(ui, scene, hunk);
        }
        if comparison.left_out > 0 {
            controls::paragraph(ui, scene.tokens, &format!("and {} more", comparison.left_out));
        }
    });
}

fn hunk_ui(ui: &mut Ui, scene: &mut Scene<'_>, hunk: &Hunk) {
    let tokens = scene.tokens;
    ui.horizontal(|ui| {
        let place = format!("Line {}", hunk.after.start + 1);
        ui.label(RichText::new(place).font(tokens::font(tokens::SMALL_SIZE)).color(tokens.muted));
        if ui.small_button(strings::RESTORE_LINES).clicked() {
            scene.actions.push(Action::RestoreLines(hunk.clone()));
        }
    });
    for (lines, sign, color) in [(&hunk.old, '−', tokens.error), (&hunk.new, '+', tokens.success)] {
        diff::lines_ui(ui, tokens, lines.iter().map(AsRef::as_ref), sign, color);
    }
    ui.add_space(tokens::GAP);
}

fn whole_ui(ui: &mut Ui, scene: &Scene<'_>, text: &str) {
    let end = text.char_indices().nth(SHOWN_CHARS_MAX).map_or(text.len(), |(end, _)| end);
    let mut shown = &text[..end];
    ScrollArea::both().id_salt("past").max_height(280.0).auto_shrink([false, true]).show(ui, |ui| {
        let font = FontId::new(tokens::SMALL_SIZE, scene.tokens.text_font().family);
        let field = TextEdit::multiline(&mut shown).font(font).desired_width(f32::INFINITY);
        let response = ui.add(field);
        response.widget_info(|| {
            let name = "Text at this moment";
            let mut info = eframe::egui::WidgetInfo::text_edit(false, "", "", name);
            info.label = Some(name.to_owned());
            info
        });
    });
}

fn version_ui(ui: &mut Ui, scene: &mut Scene<'_>, version: &VersionSummary) {
    let tokens = scene.tokens;
    let is_selected = scene.state.pages.past_at.as_deref() == Some(&version.version);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64);
    let name = version.user_name.as_deref().unwrap_or("Somebody");
    let how = match &version.origin {
        Origin::Human => String::new(),
        Origin::Model { name } => format!(" with {name}"),
        Origin::Import => ", brought in".to_owned(),
        Origin::Repeated => ", written again".to_owned(),
        Origin::Branch { name } => format!(", branch {name}"),
    };
    let words = format!("{name}{how}, {}", ago(version.time, now));
    let (rect, response) = controls::row(ui, tokens, &words, is_selected);
    let bar =
        Rect::from_center_size(pos2(rect.left() + 6.0, rect.center().y), vec2(3.0, rect.height() - 8.0));
    ui.painter().rect_filled(bar, 1.0, tokens.person(&version.user));
    let inner = Rect::from_min_max(pos2(rect.left() + 14.0, rect.top()), rect.max - vec2(tokens::GAP, 0.0));
    let counts = format!("+{} −{}", version.inserted, version.deleted);
    let text = ui.painter().layout_no_wrap(counts, tokens::font(tokens::SMALL_SIZE), tokens.muted);
    let left = inner.right() - text.size().x;
    ui.painter().galley(pos2(left, inner.center().y - text.size().y / 2.0), text, tokens.muted);
    let place = Rect::from_min_max(inner.min, pos2(left - tokens::GAP, inner.bottom()));
    controls::line(ui, place, &words, tokens::font(tokens::TEXT_SIZE), tokens.text);
    if response.clicked() {
        let at = (!is_selected).then(|| version.version.clone());
        scene.actions.push(Action::ShowPast(at));
    }
}
