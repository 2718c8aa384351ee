//! Searching the folder: one field for names, texts, definitions and meaning.

mod replace;

use eframe::egui::{
    Align, ComboBox, Key, Layout, Rect, Role, ScrollArea, Ui, WidgetInfo, pos2, text::LayoutJob,
    text::TextFormat, vec2,
};
use weft_node::api::SearchKind;

use super::Scene;
use crate::{
    action::{Action, SearchAction},
    controls,
    icons::{self, Icon},
    link::FolderMatch,
    state::FolderSearch,
    strings, tokens,
};

/// How wide the field is.
const FIELD: f32 = 280.0;
/// How wide the list of ways to look is.
const KINDS: f32 = 150.0;
/// How far the places of a file stand in.
const INDENT: f32 = 22.0;
/// How wide the numbers of lines are.
const NUMBERS: f32 = 46.0;

const WAYS: [(SearchKind, &str); 6] = [
    (SearchKind::All, "Everything"),
    (SearchKind::Text, "Text"),
    (SearchKind::Regex, "Regular expression"),
    (SearchKind::Symbol, "Symbols"),
    (SearchKind::File, "File names"),
    (SearchKind::Meaning, "Meaning"),
];

fn name_of(kind: SearchKind) -> &'static str {
    WAYS.iter().find(|(way, _)| *way == kind).map_or("Text", |(_, name)| name)
}

/// Whether what is found can be replaced: places in texts, and nothing else.
fn can_replace(kind: SearchKind) -> bool {
    matches!(kind, SearchKind::Text | SearchKind::Regex)
}

pub(super) fn search_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.horizontal(|ui| {
        let is_replacing = scene.drafts.replacement.is_some();
        let icon = if is_replacing { Icon::Down } else { Icon::Right };
        if controls::icon_button(ui, scene.tokens, icon, strings::REPLACE_IN_FILES, is_replacing).clicked() {
            scene.drafts.replacement = if is_replacing { None } else { Some(String::new()) };
            if !is_replacing && !can_replace(scene.drafts.search.kind) {
                scene.drafts.search.kind = SearchKind::Text;
            }
            scene.actions.push(Action::Search(SearchAction::EndReplacing));
        }
        let is_asked = query_ui(ui, scene);
        if is_asked {
            scene.actions.push(Action::SearchFolder(scene.drafts.search.clone()));
        }
        controls::paragraph(ui, scene.tokens, &summary(&scene.state.search));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if controls::icon_button(ui, scene.tokens, Icon::Close, "Close search", false).clicked() {
                scene.actions.push(Action::ShowSearch(false));
            }
        });
    });
    if scene.drafts.replacement.is_some() && can_replace(scene.drafts.search.kind) {
        replace::replace_ui(ui, scene);
    }
    if let Some(error) = &scene.state.search.error {
        controls::failure(ui, scene.tokens, error);
    }
    if let Some(note) = &scene.state.search.note {
        controls::paragraph(ui, scene.tokens, note);
    }
    if replace::is_shown(scene) { replace::preview_ui(ui, scene) } else { results_ui(ui, scene) }
}

/// The field and how it is meant; whether it is to be looked for.
fn query_ui(ui: &mut Ui, scene: &mut Scene<'_>) -> bool {
    let tokens = scene.tokens;
    let wants_focus = std::mem::take(&mut scene.drafts.wants_search_focus);
    let draft = &mut scene.drafts.search;
    let response = controls::bare_field(ui, tokens, strings::SEARCH_FOLDER, &mut draft.text, FIELD);
    if wants_focus {
        response.request_focus();
    }
    let mut is_asked = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    let before = draft.kind;
    let combo = ComboBox::from_id_salt("search kind").width(KINDS).selected_text(name_of(before));
    let shown = combo.show_ui(ui, |ui| {
        for (kind, name) in WAYS {
            ui.selectable_value(&mut draft.kind, kind, name);
        }
    });
    let label = format!("{}: {}", strings::SEARCH_KIND, name_of(draft.kind));
    shown.response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, label.clone()));
    is_asked |= before != draft.kind;
    if matches!(draft.kind, SearchKind::All | SearchKind::Text | SearchKind::Regex) {
        is_asked |= ui.checkbox(&mut draft.is_case_sensitive, strings::MATCH_CASE).changed();
        is_asked |= ui.checkbox(&mut draft.is_whole_word, strings::WHOLE_WORD).changed();
    }
    is_asked
}

fn summary(search: &FolderSearch) -> String {
    let count = search.matches.len();
    if let Some(title) = &search.title {
        let more = if search.has_more { " or more" } else { "" };
        return format!("{title}: {count}{more}");
    }
    if search.query.text.is_empty() {
        return strings::SEARCH_EMPTY.to_owned();
    }
    if search.is_running {
        return format!("{} {} so far", strings::SEARCHING, counted(count, "place"));
    }
    if search.error.is_some() {
        return String::new();
    }
    let looked_at = match search.files {
        Some(files) if files > 0 => format!(" · {} read", counted(files, "file")),
        _ => String::new(),
    };
    let more = if search.has_more { " or more" } else { "" };
    match count {
        0 => format!("{}{looked_at}", strings::NO_RESULTS),
        _ => {
            let files = search.matches.chunk_by(|one, other| one.path == other.path).count();
            format!("{}{more} in {}{looked_at}", counted(count, "place"), counted(files, "file"))
        }
    }
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A row of the list.
enum Row<'a> {
    File { path: &'a str, places: usize, is_folded: bool },
    Place(&'a FolderMatch),
}

fn rows(search: &FolderSearch) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for places in search.matches.chunk_by(|one, other| one.path == other.path) {
        let path = places[0].path.as_str();
        let is_folded = search.folded.contains(path);
        rows.push(Row::File { path, places: places.len(), is_folded });
        if !is_folded {
            rows.extend(places.iter().map(Row::Place));
        }
    }
    rows
}

fn results_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let state = scene.state;
    let rows = rows(&state.search);
    ui.spacing_mut().item_spacing.y = 0.0;
    let area = ScrollArea::vertical().id_salt("results").auto_shrink([false, false]);
    area.show_rows(ui, tokens::ROW, rows.len(), |ui, range| {
        for row in &rows[range] {
            match row {
                Row::File { path, places, is_folded } => {
                    let label = format!("{path}, {}", counted(*places, "place"));
                    if file_ui(ui, scene, path, &label, &places.to_string(), *is_folded) {
                        let fold = SearchAction::Fold((*path).to_owned());
                        scene.actions.push(Action::Search(fold));
                    }
                }
                Row::Place(found) => place_ui(ui, scene, found),
            }
        }
    });
}

/// The head of the places of one file; whether it was clicked.
fn file_ui(ui: &mut Ui, scene: &Scene<'_>, path: &str, label: &str, note: &str, is_folded: bool) -> bool {
    let tokens = scene.tokens;
    let (rect, response) = controls::row(ui, tokens, label, false);
    let inner = rect.shrink2(vec2(tokens::GAP, 0.0));
    let icon = Rect::from_center_size(
        pos2(inner.left() + tokens::ICON / 2.0, inner.center().y),
        vec2(tokens::ICON, tokens::ICON),
    );
    icons::paint(ui.painter(), if is_folded { Icon::Right } else { Icon::Down }, icon, tokens.muted);
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut left = icon.right() + tokens::GAP;
    let place = |left: f32| Rect::from_min_max(pos2(left, inner.top()), inner.max);
    left +=
        controls::line(ui, place(left), name, tokens::strong(tokens::TEXT_SIZE), tokens.text) + tokens::GAP;
    let small = tokens::font(tokens::SMALL_SIZE);
    if !folder.is_empty() {
        left += controls::line(ui, place(left), folder, small.clone(), tokens.faint) + tokens::GAP;
    }
    controls::line(ui, place(left), note, small, tokens.muted);
    response.clicked()
}

fn place_ui(ui: &mut Ui, scene: &mut Scene<'_>, found: &FolderMatch) {
    let tokens = scene.tokens;
    let label = format!("{}, line {}: {}", found.path, found.line + 1, found.text.trim());
    let (rect, response) = controls::row(ui, tokens, &label, false);
    let inner = rect.shrink2(vec2(tokens::GAP, 0.0));
    let small = tokens::font(tokens::SMALL_SIZE);
    let number = Rect::from_min_max(pos2(inner.left() + INDENT, inner.top()), inner.max);
    controls::line(ui, number, &(found.line + 1).to_string(), small.clone(), tokens.faint);
    let why = [found.place.as_deref().unwrap_or(""), found.why.as_str()];
    let why = why.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" · ");
    let said = ui.painter().layout_no_wrap(why.clone(), small.clone(), tokens.muted);
    let text_left = inner.left() + INDENT + NUMBERS;
    let room = inner.width() - INDENT - NUMBERS - said.size().x - tokens::PADDING;
    let mut job = line_of(found, tokens);
    job.wrap.max_width = room.max(0.0);
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let top = inner.center().y - galley.size().y / 2.0;
    ui.painter().galley(pos2(text_left, top), galley, tokens.text);
    let right = Rect::from_min_max(pos2(inner.right() - said.size().x, inner.top()), inner.max);
    controls::line(ui, right.expand2(vec2(1.0, 0.0)), &why, small, tokens.muted);
    if response.clicked() {
        scene.actions.push(Action::OpenMatch(found.clone()));
    }
}

/// A line without what it is indented by, and with what is meant of it marked.
fn line_of(found: &FolderMatch, tokens: &crate::tokens::Tokens) -> LayoutJob {
    let chars: Vec<char> = found.text.chars().collect();
    let (from, to) = (found.range.start.min(chars.len()), found.range.end.min(chars.len()));
    let is_whole = from >= to;
    let before = if is_whole { chars.len() } else { from };
    let indent = chars.iter().take(before).take_while(|char| char.is_whitespace()).count();
    let part = |from: usize, to: usize| chars[from..to.max(from)].iter().collect::<String>();
    let mut job = LayoutJob::default();
    let plain = TextFormat::simple(tokens.text_font(), if is_whole { tokens.text } else { tokens.muted });
    let mut meant = TextFormat::simple(tokens.text_font(), tokens.text);
    meant.background = tokens.find_match;
    if is_whole {
        job.append(&part(indent, chars.len()), 0.0, plain);
    } else {
        job.append(&part(indent, from), 0.0, plain.clone());
        job.append(&part(from, to), 0.0, meant);
        job.append(&part(to, chars.len()), 0.0, plain);
    }
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    job
}
