//! Searching the folder.

use eframe::egui::{Key, Rect, ScrollArea, Ui, pos2, text::LayoutJob, text::TextFormat, vec2};
use weft_editor::search::Query;

use super::Scene;
use crate::{
    action::Action, controls, icons::Icon, limits::FOLDER_MATCHES_MAX, link::FolderMatch, strings, tokens,
};

/// How wide the field is.
const FIELD: f32 = 280.0;

pub(super) fn search_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.horizontal(|ui| {
        let mut text = std::mem::take(&mut scene.drafts.search);
        let response = controls::bare_field(ui, scene.tokens, strings::SEARCH_FOLDER, &mut text, FIELD);
        if std::mem::take(&mut scene.drafts.wants_search_focus) {
            response.request_focus();
        }
        scene.drafts.search = text;
        let mut is_asked = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        is_asked |= ui.checkbox(&mut scene.drafts.search_is_case_sensitive, strings::MATCH_CASE).changed();
        is_asked |= ui.checkbox(&mut scene.drafts.search_is_regex, "Regular expression").changed();
        if is_asked {
            let query = Query {
                text: scene.drafts.search.clone(),
                is_regex: scene.drafts.search_is_regex,
                is_case_sensitive: scene.drafts.search_is_case_sensitive,
                is_whole_word: false,
            };
            scene.actions.push(Action::SearchFolder(query));
        }
        controls::paragraph(ui, scene.tokens, &summary(scene));
        ui.with_layout(eframe::egui::Layout::right_to_left(eframe::egui::Align::Center), |ui| {
            if controls::icon_button(ui, scene.tokens, Icon::Close, "Close search", false).clicked() {
                scene.actions.push(Action::ShowSearch(false));
            }
        });
    });
    results_ui(ui, scene);
}

fn summary(scene: &Scene<'_>) -> String {
    let search = &scene.state.search;
    let count = search.matches.len();
    if search.query.text.is_empty() {
        return strings::SEARCH_EMPTY.to_owned();
    }
    if search.is_running {
        return format!("{} {count} places so far", strings::SEARCHING);
    }
    let more = if count >= FOLDER_MATCHES_MAX { " or more" } else { "" };
    match count {
        0 => format!("{} in {} files", strings::NO_RESULTS, search.files),
        1 => format!("1 place in {} files", search.files),
        count => format!("{count}{more} places in {} files", search.files),
    }
}

fn results_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let matches = &scene.state.search.matches;
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().id_salt("results").auto_shrink([false, false]).show_rows(
        ui,
        tokens::ROW,
        matches.len(),
        |ui, range| {
            for (index, found) in matches.iter().enumerate().take(range.end).skip(range.start) {
                let is_first = index == 0 || matches[index - 1].path != found.path;
                result_ui(ui, scene, found, is_first);
            }
        },
    );
}

fn result_ui(ui: &mut Ui, scene: &mut Scene<'_>, found: &FolderMatch, is_first: bool) {
    let tokens = scene.tokens;
    let label = format!("{}, line {}: {}", found.path, found.line + 1, found.text.trim());
    let (rect, response) = controls::row(ui, tokens, &label, false);
    let inner = rect.shrink2(vec2(tokens::GAP, 0.0));
    let column = (inner.width() * 0.35).min(320.0);
    let name = Rect::from_min_size(inner.min, vec2(column - tokens::PADDING, inner.height()));
    let color = if is_first { tokens.text } else { tokens.faint };
    let place = format!("{}:{}", found.path, found.line + 1);
    controls::line(ui, name, &place, tokens::font(tokens::SMALL_SIZE), color);
    let chars: Vec<char> = found.text.chars().collect();
    let indent = chars.iter().take(found.range.start).take_while(|char| char.is_whitespace()).count();
    let part = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
    let mut job = LayoutJob::default();
    let plain = TextFormat::simple(tokens.text_font(), tokens.muted);
    let mut meant = TextFormat::simple(tokens.text_font(), tokens.text);
    meant.background = tokens.find_match;
    job.append(&part(indent, found.range.start), 0.0, plain.clone());
    job.append(&part(found.range.start, found.range.end), 0.0, meant);
    job.append(&part(found.range.end, chars.len()), 0.0, plain);
    job.wrap.max_width = inner.width() - column;
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let top = inner.center().y - galley.size().y / 2.0;
    ui.painter().galley(pos2(inner.left() + column, top), galley, tokens.text);
    if response.clicked() {
        scene.actions.push(Action::OpenMatch(found.clone()));
    }
}
