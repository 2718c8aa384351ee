//! Searching the folder: one field for names, texts, definitions and meaning.

mod replace;

use eframe::egui::{
    Align, ComboBox, EventFilter, Id, Key, Layout, Modifiers, Rect, Role, ScrollArea, Sense, Stroke,
    StrokeKind, Ui, Vec2, WidgetInfo, pos2, text::LayoutJob, text::TextFormat, vec2,
};
use weft_node::api::SearchKind;

use super::Scene;
use crate::{
    action::{Action, SearchAction},
    controls,
    icons::{self, Icon},
    link::FolderMatch,
    state::{FolderSearch, FoundRow},
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
    let mut is_asked = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    if wants_focus || is_asked {
        response.request_focus();
    } else if response.has_focus() && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::ArrowDown))
    {
        // On into what was found, and back with the arrow up from its first row.
        scene.drafts.wants_found_focus = !scene.state.search.matches.is_empty();
        scene.actions.push(Action::Search(SearchAction::Move(0)));
    }
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
        is_asked |=
            controls::checkbox(ui, scene.tokens, &mut draft.is_case_sensitive, strings::MATCH_CASE).changed();
        is_asked |=
            controls::checkbox(ui, scene.tokens, &mut draft.is_whole_word, strings::WHOLE_WORD).changed();
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

fn results_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let search = &scene.state.search;
    let rows = search.rows();
    let has_focus = keys_ui(ui, scene);
    let scrolls_to = std::mem::take(&mut scene.drafts.shows_found)
        .then(|| rows.iter().position(|row| Some(*row) == search.selected))
        .flatten();
    ui.spacing_mut().item_spacing.y = 0.0;
    let area = ScrollArea::vertical().id_salt("results").auto_shrink([false, false]);
    area.show_rows(ui, tokens::ROW, rows.len(), |ui, range| {
        if let Some(at) = scrolls_to {
            let top = ui.min_rect().top() + (at as f32 - range.start as f32) * tokens::ROW;
            let rect = Rect::from_min_size(pos2(ui.min_rect().left(), top), Vec2::splat(tokens::ROW));
            ui.scroll_to_rect(rect, None);
        }
        for row in &rows[range] {
            row_ui(ui, scene, *row, has_focus);
        }
    });
}

/// The keys of the list. Tells whether it has them.
fn keys_ui(ui: &Ui, scene: &mut Scene<'_>) -> bool {
    let id = Id::unique("search results");
    let search = &scene.state.search;
    let response = ui.interact(ui.available_rect_before_wrap(), id, Sense::focusable_noninteractive());
    let selected = search.selected.map(|row| label_of(search, row)).unwrap_or_default();
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::List, true, strings::SEARCH_RESULTS);
        info.current_text_value = Some(selected.clone());
        info
    });
    if std::mem::take(&mut scene.drafts.wants_found_focus) {
        response.request_focus();
    }
    if !response.has_focus() {
        return false;
    }
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
    let page = ((ui.available_height() / tokens::ROW) as isize).max(1);
    let all = search.matches.len().cast_signed() * 2;
    let keys = [
        (Key::ArrowUp, SearchAction::Move(-1)),
        (Key::ArrowDown, SearchAction::Move(1)),
        (Key::PageUp, SearchAction::Move(-page)),
        (Key::PageDown, SearchAction::Move(page)),
        (Key::Home, SearchAction::Move(-all)),
        (Key::End, SearchAction::Move(all)),
        (Key::ArrowRight, SearchAction::Into),
        (Key::ArrowLeft, SearchAction::Out),
        (Key::Enter, SearchAction::Open),
    ];
    for (key, action) in keys {
        if ui.input_mut(|input| input.consume_key(Modifiers::NONE, key)) {
            scene.actions.push(Action::Search(action));
        }
    }
    true
}

/// What a screen reader is told of a row.
fn label_of(search: &FolderSearch, row: FoundRow) -> String {
    let Some(found) = search.matches.get(row.index()) else { return String::new() };
    match row {
        FoundRow::File(first) => format!("{}, {}", found.path, counted(places_of(search, first), "place")),
        FoundRow::Place(_) => format!("{}, line {}: {}", found.path, found.line + 1, found.text.trim()),
    }
}

/// How many places the file has whose first place this is.
fn places_of(search: &FolderSearch, first: usize) -> usize {
    let places = search.matches.get(first..).unwrap_or_default();
    places.iter().take_while(|other| other.path == places[0].path).count()
}

fn row_ui(ui: &mut Ui, scene: &mut Scene<'_>, row: FoundRow, has_focus: bool) {
    let search = &scene.state.search;
    let Some(found) = search.matches.get(row.index()) else { return };
    let is_selected = search.selected == Some(row);
    let label = label_of(search, row);
    let (rect, response) = controls::row(ui, scene.tokens, &label, is_selected);
    if is_selected && has_focus {
        let stroke = Stroke::new(1.0, scene.tokens.accent);
        ui.painter().rect_stroke(rect, tokens::RADIUS, stroke, StrokeKind::Inside);
    }
    match row {
        FoundRow::File(first) => {
            let is_folded = search.folded.contains(&found.path);
            let note = places_of(search, first).to_string();
            paint_file(ui, scene, rect, &found.path, &note, is_folded);
        }
        FoundRow::Place(_) => paint_place(ui, scene, rect, found),
    }
    if response.clicked() {
        scene.actions.push(Action::Search(SearchAction::Select(row)));
        scene.actions.push(match row {
            FoundRow::File(_) => Action::Search(SearchAction::Fold(found.path.clone())),
            FoundRow::Place(_) => Action::OpenMatch(found.clone()),
        });
    }
}

/// The head of the places of one file, which are so many.
fn paint_file(ui: &Ui, scene: &Scene<'_>, rect: Rect, path: &str, note: &str, is_folded: bool) {
    let tokens = scene.tokens;
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
}

fn paint_place(ui: &Ui, scene: &Scene<'_>, rect: Rect, found: &FolderMatch) {
    let tokens = scene.tokens;
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
